"""Inputs of the exercises of lesson 14, and the right answers by routes that no solution takes."""

import math

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import logsumexp
from scipy.stats import norm
from torch import Tensor


def _normal(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def _count(gen: torch.Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high, (), generator=gen))


def draw_volume(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Scores of a small volume, and the depths of its layers, not equally spaced."""
    d, h, w = (_count(gen, 2, 5) for _ in range(3))
    return _normal(gen, d, h, w, scale=2.0), _normal(gen, d).exp().cumsum(0) - 2


def is_volume(scores: Tensor, centres: Tensor) -> bool:
    """Whether there is a depth for each layer, growing."""
    fits = scores.dim() == 3 and centres.shape == scores.shape[:1] and scores.numel() > 1
    return bool(fits and (centres.diff() > 0).all())


def by_layers(scores: Tensor, centres: Tensor) -> Tensor:
    """Weights of the layers from their log-sums."""
    weights = logsumexp(scores.numpy(), axis=(1, 2))
    weights = np.exp(weights - logsumexp(weights))
    return torch.tensor(sum(w * z for w, z in zip(weights, centres.tolist(), strict=True)), dtype=torch.float64)


def draw_place(gen: torch.Generator) -> tuple[Tensor, int, int, float]:
    """A place in a small picture, near its edge in every other case."""
    h, w = _count(gen, 4, 8), _count(gen, 4, 8)
    unit = torch.rand(2, generator=gen, dtype=torch.float64)
    return unit * torch.tensor([w - 1.0, h - 1.0]).double(), h, w, 0.6 + float(_normal(gen, 1).abs())


def is_place(point: Tensor, height: int, width: int, sigma: float) -> bool:
    """Whether the place lies in the picture."""
    fits = point.shape == (2,) and min(height, width) >= 2 and sigma > 0
    return bool(fits and (point >= 0).all() and point[0] <= width - 1 and point[1] <= height - 1)


def by_densities(point: Tensor, height: int, width: int, sigma: float) -> Tensor:
    """The product of two normal densities, each divided by its sum over the cells."""
    column = norm(float(point[0]), sigma).pdf(np.arange(width))
    row = norm(float(point[1]), sigma).pdf(np.arange(height))
    return torch.from_numpy(np.outer(row / math.fsum(row), column / math.fsum(column)))


def draw_order(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Relations of a few joints, some equal, some not annotated, and which joints change names."""
    n = 2 * _count(gen, 1, 4) + 1
    kinds = torch.tensor([1.0, -1.0, 0.0], dtype=torch.float64)
    upper = kinds[torch.randint(3, (n, n), generator=gen)].triu(1)
    flip = torch.cat([torch.zeros(1).long(), torch.arange(n - 1).view(-1, 2).flip(1).flatten() + 1])
    return upper - upper.mT, flip


def is_order(order: Tensor, flip: Tensor) -> bool:
    """Whether relations are opposite both ways, and names change in pairs."""
    if order.dim() != 2 or order.shape[0] != order.shape[1] or flip.shape != order.shape[:1] or not len(flip):
        return False
    inside = bool((flip >= 0).all() and (flip < len(flip)).all())
    return inside and bool((flip[flip] == torch.arange(len(flip))).all()) and bool((order == -order.mT).all())


def by_entries(order: Tensor, flip: Tensor) -> Tensor:
    """Entry by entry: what is said of two joints is what was said of those that they are in the mirror."""
    n, new = len(order), torch.zeros_like(order)
    for i in range(n):
        for j in range(n):
            new[int(flip[i]), int(flip[j])] = order[i, j]
    return new


def draw_wall(gen: torch.Generator) -> tuple[Tensor, float, float]:
    """Equal layers, a joint between the first and the last, near a wall in two cases of three, and a width."""
    d, step = _count(gen, 3, 9), 0.2 + float(torch.rand((), generator=gen, dtype=torch.float64))
    centres = step * (torch.arange(d, dtype=torch.float64) - (d - 1) / 2)
    share = (0.1, 0.5, 0.9)[_count(gen, 0, 3)] + 0.1 * (float(torch.rand((), generator=gen, dtype=torch.float64)) - 0.5)
    depth = float(centres[0]) + share * float(centres[-1] - centres[0])
    return centres, depth, step * (0.7 + 0.8 * float(torch.rand((), generator=gen, dtype=torch.float64)))


def is_wall(centres: Tensor, depth: float, sigma: float) -> bool:
    """Whether layers are equally spaced, the joint lies among them, and the bell is neither a spike nor flat."""
    if centres.dim() != 1 or len(centres) < 3:
        return False
    steps, length = centres.diff(), float(centres[-1] - centres[0])
    fits = bool(steps[0] > 0.01) and bool(torch.allclose(steps, steps[:1].expand_as(steps)))
    inside = float(centres[0]) + 0.02 * length <= depth <= float(centres[-1]) - 0.02 * length
    return fits and inside and 0.4 * float(steps[0]) <= sigma <= 2 * float(steps[0])


def by_tilting(centres: Tensor, depth: float, sigma: float) -> Tensor:
    """A bell around the middle of the layers times an exponential, which leaves a bell; its tilt by Brent's method."""
    z = centres.numpy()
    z = z - z.mean()
    wanted = depth - float(centres.mean())

    def weights(tilt: float) -> np.ndarray:
        logits = tilt * z - z**2 / (2 * sigma**2)
        return np.exp(logits - logsumexp(logits))

    far = 100 * (z[-1] - z[0]) / sigma**2
    return torch.from_numpy(weights(brentq(lambda tilt: float(weights(tilt) @ z) - wanted, -far, far, xtol=1e-13)))


def draw_readings(gen: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """What a network says of a picture and of its mirror image, and which joints change names."""
    n = 2 * _count(gen, 1, 3) + 1
    flip = torch.cat([torch.zeros(1).long(), torch.arange(n - 1).view(-1, 2).flip(1).flatten() + 1])
    said = _normal(gen, n, 3)
    other = torch.stack([said[flip, 0] * -1, said[flip, 1], said[flip, 2]], 1) + _normal(gen, n, 3, scale=0.3)
    return said, other, flip


def are_readings(said: Tensor, mirrored: Tensor, flip: Tensor) -> bool:
    """Whether shapes fit, and names change in pairs."""
    if said.dim() != 2 or said.shape[1:] != (3,) or mirrored.shape != said.shape or flip.shape != said.shape[:1]:
        return False
    inside = len(flip) > 0 and bool((flip >= 0).all() and (flip < len(flip)).all())
    return inside and bool((flip[flip] == torch.arange(len(flip))).all())


def joint_by_joint(said: Tensor, mirrored: Tensor, flip: Tensor) -> Tensor:
    """Half of either, each joint beside the one that it is in the mirror."""
    rows = []
    for joint in range(len(said)):
        (x, y, z), (mx, my, mz) = said[joint].tolist(), mirrored[int(flip[joint])].tolist()
        rows.append([(x - mx) / 2, (y + my) / 2, (z + mz) / 2])
    return torch.tensor(rows, dtype=torch.float64)
