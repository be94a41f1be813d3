"""Claims about bounds on mutual information, on models where it is known."""

from dataclasses import replace

import numpy as np
import torch

from course_lib.experiments.information_estimators import BOUNDS, PROFILES, EstimatorConfig, at_best, train_estimator
from course_lib.experiments.record import Measurement
from course_lib.losses import barber_agakov, gaussian_code_log_likelihood, uniform_entropy
from course_lib.teaching.channels import CodeChannel, CorrelatedGaussians
from course_lib.training import generator

PAIRS = 64  # a batch, as in Poole et al. 2019
LEVELS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def gap(seed: int, models: int = 250) -> dict[str, Measurement]:
    """Compare I - L_I with the mean divergence from the posterior to Q, each on its own, on random models."""
    gen = generator(seed)
    worst = 0.0
    for _ in range(models):
        channel, normals = CodeChannel.draw(gen), CorrelatedGaussians.draw(gen)
        divergence = channel.mean_kl(channel.posterior, channel.q)
        worst = max(worst, abs(channel.information() - channel.barber_agakov() - divergence))
        bound = normals.entropy() + normals.mean_log_q()
        worst = max(worst, abs(normals.information() - bound - normals.gap()))
    return {"ba_gap_exact": Measurement(worst)}


def cap(seed: int, batches: int = 100) -> dict[str, Measurement]:
    """InfoNCE with the best critic on 20 pairs of normals with correlation 0.9, which share 16.6 nats."""
    gen, model = generator(seed), CorrelatedGaussians(20, 0.9).with_posterior()
    sizes = [2, 8, 64, 512]
    means = [float(at_best(model, n, batches if n < 512 else 8, gen=gen)["InfoNCE"].mean()) for n in sizes]
    extra = {"n": sizes, "info_nce": means, "log_n": [float(np.log(n)) for n in sizes], "truth": model.information()}
    return {"infonce_cap": Measurement(means[sizes.index(64)], extra=extra)}


def scatter(seed: int, batches: int = 1000) -> dict[str, Measurement]:
    """Every bound at its best critic, level by level: how far single estimates scatter, and where their mean lies."""
    gen = generator(seed)
    extra = {"nats": list(LEVELS)}
    for name in BOUNDS:
        extra[name] = {"mean": [], "median": [], "deviation": [], "low": [], "high": []}
    for nats in LEVELS:
        found = at_best(CorrelatedGaussians.with_information(nats, 20), PAIRS, batches, gen=gen)
        for name, values in found.items():
            low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
            row = {"mean": values.mean(), "median": middle, "deviation": values.std(), "low": low, "high": high}
            for key, value in row.items():
                extra[name][key].append(round(float(value), 4))
    deviation = {name: extra[name]["deviation"][-1] for name in BOUNDS}
    overshoot = extra["Donsker-Varadhan"]["mean"][-1] - LEVELS[-1]
    return {
        "nwj_variance": Measurement(deviation["NWJ"], deviation["Barber-Agakov"], extra),
        "dv_overshoots": Measurement(overshoot),
    }


def trained(seed: int, cfg: EstimatorConfig | None = None) -> dict[str, Measurement]:
    """Train all four at every level: how far estimates stray at the highest, and the curves of a figure."""
    cfg = cfg or replace(PROFILES["standard"], nats=LEVELS)
    extra: dict = {"nats": list(cfg.nats), "batch_size": cfg.batch_size}
    stray = {}
    for name in BOUNDS:
        rows = []
        for nats in cfg.nats:
            found = train_estimator(name, CorrelatedGaussians.with_information(nats, cfg.dims), cfg, seed=seed)
            rows.append(np.quantile(found["values"], [0.1, 0.5, 0.9]).round(4).tolist())
        # At the highest level, and of single estimates: a median may hit the truth by accident, on its way past it.
        stray[name] = float(np.abs(np.array(found["values"]) - cfg.nats[-1]).mean())
        extra[name] = {"low": [r[0] for r in rows], "median": [r[1] for r in rows], "high": [r[2] for r in rows]}
    best_critic = min(stray[name] for name in BOUNDS[1:])
    return {"trained_reader_is_near": Measurement(stray["Barber-Agakov"], best_critic, extra)}


def explode(seed: int, steps: int = 600, *, floor: float | None = None, fixed: bool = False) -> dict[str, list[float]]:
    """Train a linear reader on one uniform code that x tells exactly; its bound, and the weight 1/sigma^2 on x.

    Args:
        seed: Of the codes.
        steps: Training steps.
        floor: Smallest log-variance allowed, or None.
        fixed: Keep the variance at 1 instead of learning it.
    """
    gen = torch.Generator().manual_seed(seed)
    slope, log_var = torch.tensor(0.2, requires_grad=True), torch.tensor(0.0, requires_grad=not fixed)
    opt = torch.optim.Adam([slope] if fixed else [slope, log_var], lr=0.05)
    history: dict[str, list[float]] = {"bound": [], "weight": []}
    entropy = float(uniform_entropy(-torch.ones(1), torch.ones(1)))
    for _ in range(steps):
        code = 2 * torch.rand(128, 1, generator=gen) - 1
        used = log_var if floor is None else log_var.clamp_min(floor)
        log_q = gaussian_code_log_likelihood(code, slope * code, used.expand(128, 1))
        bound = barber_agakov(log_q, entropy).mean()
        opt.zero_grad()
        (-bound).backward()
        opt.step()
        history["bound"].append(float(bound.detach()))
        history["weight"].append(float(torch.exp(-used.detach())))
    return history
