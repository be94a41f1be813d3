"""Estimators of mutual information that are trained: a reader for Barber-Agakov, a critic for the three others."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.losses import barber_agakov, donsker_varadhan, gaussian_code_log_likelihood, info_nce, nwj
from course_lib.teaching.channels import CorrelatedGaussians
from course_lib.training import seeded

BOUNDS = ("Barber-Agakov", "Donsker-Varadhan", "NWJ", "InfoNCE")


@dataclass(frozen=True, kw_only=True)
class EstimatorConfig:
    """How estimators are trained. The defaults are those of the notebook that Poole et al. 2019 published.

    Attributes:
        dims: Coordinates of the code c and of the observation x.
        nats: Values of the true mutual information.
        batch_size: Pairs a batch; InfoNCE cannot see more than its logarithm.
        steps: Training steps for each value (there 20,000, shared by five values).
        lr: Learning rate of Adam at the start; half a cosine takes it to 0, where the paper keeps it constant.
        hidden: Width of the critic's layers.
        layers: Hidden layers of the critic.
        embed: Size of the two embeddings whose product the critic takes.
        batches: Fresh batches on which a trained estimator is judged.
    """

    dims: int = 20
    nats: tuple[float, ...] = (2.0, 4.0, 6.0, 8.0, 10.0)
    batch_size: int = 64
    steps: int = 4000
    lr: float = 5e-4
    hidden: int = 256
    layers: int = 2
    embed: int = 32
    batches: int = 200


PROFILES = {
    "smoke": EstimatorConfig(nats=(2.0, 8.0), steps=40, lr=3e-3, hidden=32, layers=1, batches=20),
    "quick": EstimatorConfig(nats=(1.0, 3.0, 5.0, 7.0, 10.0), steps=500, lr=3e-3, hidden=64, layers=1),
    "standard": EstimatorConfig(
        nats=(0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0), steps=1500, lr=3e-3, hidden=64, layers=1
    ),
    "paper": EstimatorConfig(),
}


class Embed(nn.Module):
    """A small network beside a linear layer, so that what is linear need not be learned through ReLUs."""

    def __init__(self, inputs: int, outputs: int, cfg: EstimatorConfig) -> None:
        super().__init__()
        widths = [inputs, *[cfg.hidden] * cfg.layers]
        hidden = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
        self.curved = nn.Sequential(*hidden, nn.Linear(widths[-1], outputs))
        self.straight = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, inputs)` to `(n, outputs)`."""
        return self.curved(x) + self.straight(x)


class Critic(nn.Module):
    """Scores T(c_i, x_j) = f(c_i) . g(x_j) + a(c_i) + b(x_j) of all pairs of a batch at once, `(n, n)`."""

    def __init__(self, cfg: EstimatorConfig) -> None:
        super().__init__()
        self.of_c, self.of_x = Embed(cfg.dims, cfg.embed + 1, cfg), Embed(cfg.dims, cfg.embed + 1, cfg)

    def forward(self, c: Tensor, x: Tensor) -> Tensor:
        """Two batches `(n, dims)`; row i of the result belongs to c_i, the diagonal to the true pairs."""
        f, g = self.of_c(c), self.of_x(x)
        return f[:, :-1] @ g[:, :-1].T + f[:, -1:] + g[:, -1:].T


class Reader(nn.Module):
    """Q(c given x): independent normals, the mean linear in x, one learned log-variance a coordinate."""

    def __init__(self, cfg: EstimatorConfig) -> None:
        super().__init__()
        self.mean = nn.Linear(cfg.dims, cfg.dims)
        self.log_var = nn.Parameter(torch.zeros(cfg.dims))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means and log-variances, clamped to [-6, 2] so that an easy code cannot make 1/sigma^2 explode."""
        mu = self.mean(x)
        return mu, self.log_var.clamp(-6, 2).expand_as(mu)


def new_estimator(name: str, cfg: EstimatorConfig, *, seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """A network for the bound of this name, and its optimiser."""
    with seeded(seed):
        net = Reader(cfg) if name == "Barber-Agakov" else Critic(cfg)
    # The reader is linear and small, and takes a larger rate.
    return net, torch.optim.Adam(net.parameters(), lr=3 * cfg.lr if name == "Barber-Agakov" else cfg.lr)


def estimate(name: str, net: nn.Module, c: Tensor, x: Tensor) -> Tensor:
    """One estimate of I(c; x) in nats from a batch of pairs, by the bound of this name."""
    if name == "Barber-Agakov":
        mu, log_var = net(x)
        entropy = 0.5 * c.shape[1] * math.log(2 * math.pi * math.e)  # h(c) must be known, and here it is
        return barber_agakov(gaussian_code_log_likelihood(c, mu, log_var), entropy).mean()
    scores = net(c, x)
    if name == "InfoNCE":
        return info_nce(scores).mean()
    others = scores[~torch.eye(len(c), dtype=torch.bool, device=c.device)]
    return {"Donsker-Varadhan": donsker_varadhan, "NWJ": nwj}[name](scores.diagonal(), others)


def estimator_step(name: str, net: nn.Module, opt: torch.optim.Optimizer, batch: tuple[Tensor, Tensor]) -> dict:
    """One step upwards: the loss is minus the bound."""
    bound = estimate(name, net, *batch)
    opt.zero_grad()
    (-bound).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)  # one batch in many gives NWJ a gradient like e^I
    opt.step()
    return {"bound": bound.detach()}


def set_cosine_rate(opt: torch.optim.Optimizer, done: float, first: float) -> None:
    """Half a cosine from `first` to 0 as `done` goes from 0 to 1."""
    for group in opt.param_groups:
        group["lr"] = group.setdefault("first_lr", first) * 0.5 * (1 + math.cos(math.pi * done))


def pairs(model: CorrelatedGaussians, n: int, *, gen: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of n fresh pairs, float32, on the generator's device."""
    noise = math.sqrt(1 - model.rho**2)
    while True:
        c, e = torch.randn(2, n, model.dims, generator=gen, device=gen.device)
        yield c, model.rho * c + noise * e


def train_estimator(
    name: str, model: CorrelatedGaussians, cfg: EstimatorConfig, *, seed: int
) -> dict[str, list[float]]:
    """Train one estimator and judge it on fresh batches; the notebook's loop without its progress and record."""
    net, opt = new_estimator(name, cfg, seed=seed)
    rate = opt.param_groups[0]["lr"]
    batches = pairs(model, cfg.batch_size, gen=torch.Generator().manual_seed(seed))
    curve = []
    for step in range(cfg.steps):
        set_cosine_rate(opt, step / cfg.steps, rate)
        curve.append(float(estimator_step(name, net, opt, next(batches))["bound"]))
    return {"curve": curve, "values": judge(name, net, batches, cfg)}


@torch.no_grad()
def judge(name: str, net: nn.Module, batches: Iterator[tuple[Tensor, Tensor]], cfg: EstimatorConfig) -> list[float]:
    """Estimates on fresh batches, with the network as it is."""
    return [float(estimate(name, net, *next(batches))) for _ in range(cfg.batches)]


def at_best(model: CorrelatedGaussians, n: int, batches: int, *, gen: torch.Generator) -> dict[str, np.ndarray]:
    """Every bound with the critic that maximises its exact expectation, on fresh batches of n pairs."""
    entropy, found = model.entropy(), {name: [] for name in BOUNDS}
    off = ~torch.eye(n, dtype=torch.bool)
    for _ in range(batches):
        c, x = model.sample(n, gen)
        scores = torch.from_numpy(model.log_ratio(c[:, None], x[None]))
        joint, product = scores.diagonal(), scores[off]
        found["Barber-Agakov"].append(float(barber_agakov(torch.from_numpy(model.log_q(c, x)), entropy).mean()))
        found["Donsker-Varadhan"].append(float(donsker_varadhan(joint, product)))
        found["NWJ"].append(float(nwj(1 + joint, 1 + product)))
        found["InfoNCE"].append(float(info_nce(scores).mean()))
    return {name: np.array(values) for name, values in found.items()}
