"""Claims about the bound itself, on models where the truth is known."""

import math

import numpy as np
import torch

from course_lib.experiments.record import Measurement
from course_lib.losses import importance_weighted_bound
from course_lib.teaching.tractable import LinearGaussian
from course_lib.training import generator, seeded


def gap(seed: int) -> dict[str, Measurement]:
    """Compare log p(x) - ELBO with KL(q, posterior), each computed on its own, on 500 random linear-Gaussian models."""
    gen = generator(seed)
    worst = 0.0
    for _ in range(500):
        model = LinearGaussian.draw(gen, latent=2, data=3)
        worst = max(worst, abs(model.log_evidence() - model.elbo() - model.kl(model.q, model.posterior)))
    return {"gap_is_kl": Measurement(worst)}


def reparameterisation(seed: int, samples: int = 4000, latent: int = 16) -> dict[str, Measurement]:
    """Variance of two estimates of the gradient of E_q[log p(x, z)] by the mean of q, summed over coordinates."""
    gen = generator(seed)
    model = LinearGaussian.draw(gen, latent=latent, data=latent)
    mean, tril = torch.from_numpy(model.q.mean), torch.from_numpy(np.linalg.cholesky(model.q.cov))
    noise = torch.randn(samples, latent, generator=gen, dtype=torch.float64)
    z = mean + noise @ tril.T
    value = torch.from_numpy(model.log_joint(z.numpy()))
    # Score function: f(z) times the gradient of log q. A constant baseline, the mean of f, is granted to it.
    score = torch.linalg.solve_triangular(tril.T, noise.T, upper=True).T
    by_score = (value - value.mean()).unsqueeze(1) * score
    by_path = torch.from_numpy(model.grad_log_joint(z.numpy()))
    ratio = float(by_score.var(0).sum() / by_path.var(0).sum())
    error = (by_score.mean(0) - by_path.mean(0)).abs() / (by_score.var(0) / samples).sqrt()
    return {
        "reparam_variance": Measurement(ratio, extra={"largest_disagreement_in_standard_errors": float(error.max())})
    }


def monotone(seed: int, draws: int = 100_000) -> dict[str, Measurement]:
    """Estimate the importance-weighted bound at k = 1, 2, 4, ..., 64 on one random model, with new samples for each k.

    New samples, because with shared ones a larger k wins for each of them by Jensen's inequality, whatever is wrong
    elsewhere. A wrong bound may still rise with k (without the -log k it does), so that it is also held against the
    exact log p(x) and, at k = 1, against the exact ELBO.
    """
    gen = generator(seed)
    model = LinearGaussian.draw(gen, latent=2, data=3)
    ks = [1, 2, 4, 8, 16, 32, 64]
    means, errors = [], []
    for k in ks:
        z = model.sample_q(k * draws, gen)
        log_weights = torch.from_numpy(model.log_joint(z) - model.q.log_density(z)).view(k, draws)
        bounds = importance_weighted_bound(log_weights)
        means.append(float(bounds.mean()))
        errors.append(float(bounds.std()) / math.sqrt(draws))
    rises = [(means[i + 1] - means[i]) / math.hypot(errors[i], errors[i + 1]) for i in range(len(ks) - 1)]
    excess = [(mean - model.log_evidence()) / error for mean, error in zip(means, errors, strict=True)]
    from_elbo = abs(means[0] - model.elbo()) / errors[0]
    extra = {
        "k": ks,
        "bound": means,
        "standard_error": errors,
        "log_evidence": model.log_evidence(),
        "elbo": model.elbo(),
    }
    return {
        "iwae_monotone": Measurement(min(rises), extra=extra),
        "iwae_is_a_bound": Measurement(max(*excess, from_elbo)),
    }


def collapse(seed: int, steps: int = 4000) -> dict[str, Measurement]:
    """Train a linear VAE by gradient descent at 8 values of beta; compare its gains with sqrt(l - beta s^2)."""
    eigenvalues = torch.tensor([4.0, 2.0, 1.0, 0.5, 0.25], dtype=torch.float64)
    s2 = 0.2
    betas = [0.5, 1.0, 1.8, 3.0, 4.0, 7.0, 12.0, 22.0]
    gains = []
    for beta in betas:
        with seeded(seed):
            decoder = torch.nn.Parameter(0.5 * torch.randn(5, 5, dtype=torch.float64))
            encoder = torch.nn.Parameter(0.5 * torch.randn(5, 5, dtype=torch.float64))
            log_var = torch.nn.Parameter(torch.zeros(5, dtype=torch.float64))
        opt = torch.optim.Adam([decoder, encoder, log_var], lr=0.02)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
        for _ in range(steps):
            opt.zero_grad()
            linear_vae_loss(decoder, encoder, log_var, eigenvalues, s2, beta).backward()
            opt.step()
            schedule.step()
        gains.append(torch.linalg.svdvals(decoder.detach()))
    predicted = [torch.sqrt((eigenvalues - beta * s2).clamp_min(0)) for beta in betas]
    worst = max(float((g - p).abs().max()) for g, p in zip(gains, predicted, strict=True))
    extra = {
        "beta": betas,
        "s2": s2,
        "eigenvalues": eigenvalues.tolist(),
        "gains": [g.tolist() for g in gains],
        "predicted": [p.tolist() for p in predicted],
    }
    return {"collapse_threshold": Measurement(worst, extra=extra)}


def linear_vae_loss(
    decoder: torch.Tensor,
    encoder: torch.Tensor,
    log_var: torch.Tensor,
    eigenvalues: torch.Tensor,
    s2: float,
    beta: float,
) -> torch.Tensor:
    r"""Expected loss of a linear VAE, $\frac1{2s^2}E\|x-\hat x\|^2+\beta\,$KL, in closed form: no sampling noise.

    Data have mean 0 and covariance diag(`eigenvalues`); q(z given x) = N(encoder x, diag(exp(log_var))), the decoder is
    linear.
    """
    residual = torch.eye(len(eigenvalues), dtype=decoder.dtype) - decoder @ encoder
    error = (residual.square() * eigenvalues).sum() + (decoder.square() * log_var.exp()).sum()
    power = (encoder.square() * eigenvalues).sum(1)
    return error / (2 * s2) + beta * 0.5 * (power + torch.expm1(log_var) - log_var).sum()
