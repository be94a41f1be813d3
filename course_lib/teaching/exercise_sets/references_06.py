"""Inputs of the exercises of lesson 06, and the right answers by routes that no solution takes."""

import itertools
import math
from decimal import Decimal, localcontext

import torch
from torch import Tensor
from torch.distributions import Normal


def _normal(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def draw_two(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Probabilities of real and of generated pictures, none of them near 0."""
    n = int(torch.randint(2, 6, (), generator=gen))
    return _normal(gen, n).softmax(0), _normal(gen, n).softmax(0)


def are_two(real: Tensor, made: Tensor) -> bool:
    """Whether both are positive probabilities over the same pictures."""
    fits = real.dim() == 1 and real.shape == made.shape
    return bool(fits and all((p > 0).all() and math.isclose(float(p.sum()), 1, abs_tol=1e-9) for p in (real, made)))


def by_divergence(real: Tensor, made: Tensor) -> Tensor:
    """Twice the Jensen-Shannon divergence, less log 4."""
    middle = (real + made) / 2
    halves = [(p * (p / middle).log()).sum() / 2 for p in (real, made)]
    return 2 * (halves[0] + halves[1]) - math.log(4)


def draw_ink(gen: torch.Generator) -> tuple[Tensor]:
    """A small picture of ink, not negative."""
    h, w = (int(torch.randint(4, 8, (), generator=gen)) for _ in range(2))
    return (torch.rand(h, w, generator=gen, dtype=torch.float64),)


def is_ink(ink: Tensor) -> bool:
    """Whether a picture holds ink in more than one row."""
    return ink.dim() == 2 and bool((ink >= 0).all()) and int((ink.sum(1) > 0).sum()) > 1


def by_pixels(ink: Tensor) -> Tensor:
    """Covariance over variance, pixel by pixel."""
    h, w = ink.shape
    pixels = [(x, -row, float(ink[row, x])) for row in range(h) for x in range(w)]  # y runs up, rows run down
    mass = sum(m for *_, m in pixels)
    mean_x, mean_y = (sum(m * at for at, m in zip(column, (m for *_, m in pixels), strict=True)) / mass
                      for column in ([p[0] for p in pixels], [p[1] for p in pixels]))  # fmt: skip
    covariance = sum(m * (x - mean_x) * (y - mean_y) for x, y, m in pixels)
    variance = sum(m * (y - mean_y) ** 2 for _, y, m in pixels)
    return torch.tensor(covariance / variance, dtype=torch.float64)


def draw_reading(gen: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Continuous codes, means and log-variances."""
    b, d = int(torch.randint(2, 5, (), generator=gen)), int(torch.randint(1, 4, (), generator=gen))
    code = 2 * torch.rand(b, d, generator=gen, dtype=torch.float64) - 1
    return code, code + _normal(gen, b, d, scale=0.5), _normal(gen, b, d) - 1


def is_reading(code: Tensor, mu: Tensor, log_var: Tensor) -> bool:
    """Whether shapes agree."""
    return code.dim() == 2 and code.shape == mu.shape == log_var.shape and code.numel() > 0


def by_distribution(code: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """Log-densities of torch.distributions, summed over the codes."""
    return Normal(mu, (0.5 * log_var).exp()).log_prob(code).sum(1)


def draw_clusters(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Clusters and classes of a few pictures, three of each, mostly in agreement under a hidden renaming."""
    n = int(torch.randint(8, 16, (), generator=gen))
    classes = torch.randint(3, (n,), generator=gen)
    named = torch.randperm(3, generator=gen)[classes]
    return torch.where(torch.rand(n, generator=gen) < 0.35, torch.randint(3, (n,), generator=gen), named), classes


def are_clusters(clusters: Tensor, classes: Tensor) -> bool:
    """Whether both hold numbers from 0 to 2."""
    fits = clusters.dim() == 1 and clusters.shape == classes.shape and len(clusters) > 0
    return bool(fits and all(((c >= 0) & (c < 3)).all() for c in (clusters, classes)))


def by_trying(clusters: Tensor, classes: Tensor) -> Tensor:
    """The least error over all ways to rename the clusters, in exact decimals."""
    renamings = itertools.permutations(range(3))
    pairs = list(zip(clusters.tolist(), classes.tolist(), strict=True))
    wrong = min(sum(names[k] != c for k, c in pairs) for names in renamings)
    with localcontext() as context:
        context.prec = 40
        return torch.tensor(float(Decimal(wrong) / len(pairs)), dtype=torch.float64)
