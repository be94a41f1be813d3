"""Signed distances, coverage and colour mixing: the few strokes from which every face is drawn.

Distances are in the units of the coordinates, negative inside; a pixel's coverage is the part of a box one pixel wide
that lies inside, so edges are smooth at every size. Everything is pointwise arithmetic, as a pixel kernel must be.
"""

import torch
from torch import Tensor

from course_lib.worlds.kernel import pointwise

Colour = tuple[Tensor, Tensor, Tensor]


@pointwise
def ellipse(x: Tensor, y: Tensor, rx: Tensor | float, ry: Tensor | float) -> Tensor:
    """Distance to an axis-parallel ellipse around the origin, exact on its edge and first order near it."""
    px, py = x / rx, y / ry
    inside = torch.sqrt(px * px + py * py + 1e-8)
    slope = torch.sqrt((px / rx) * (px / rx) + (py / ry) * (py / ry) + 1e-8)
    return inside * (inside - 1) / slope


@pointwise
def box(x: Tensor, y: Tensor, rx: Tensor | float, ry: Tensor | float, corner: Tensor | float) -> Tensor:
    """Distance to a box with rounded corners around the origin; `rx` and `ry` are its outer half sides."""
    qx, qy = x.abs() - rx + corner, y.abs() - ry + corner
    outside = torch.sqrt(qx.clamp_min(0) * qx.clamp_min(0) + qy.clamp_min(0) * qy.clamp_min(0) + 1e-10)
    return outside + torch.maximum(qx, qy).clamp_max(0) - corner


@pointwise
def join(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Smooth union: the smaller distance, rounded where the two differ by less than `k`."""
    blend = (1 - (a - b).abs() / k).clamp_min(0)
    return torch.minimum(a, b) - 0.25 * k * blend * blend


@pointwise
def meet(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Smooth intersection: the larger distance, rounded where the two differ by less than `k`."""
    blend = (1 - (a - b).abs() / k).clamp_min(0)
    return torch.maximum(a, b) + 0.25 * k * blend * blend


@pointwise
def cover(distance: Tensor, pixel: Tensor) -> Tensor:
    """Part of a pixel inside the shape, 0 to 1."""
    return (0.5 - distance / pixel).clamp(0, 1)


@pointwise
def line(distance: Tensor, half: Tensor | float, pixel: Tensor) -> Tensor:
    """Part of a pixel inside a band of half width `half`; right also for bands thinner than a pixel."""
    return ((half - distance) / pixel + 0.5).clamp(0, 1) - ((-half - distance) / pixel + 0.5).clamp(0, 1)


@pointwise
def ramp(low: float, high: float, value: Tensor) -> Tensor:
    """Smooth step from 0 at `low` to 1 at `high` (falling where `low` exceeds `high`)."""
    t = ((value - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


@pointwise
def bell(x: Tensor, y: Tensor, sx: Tensor | float, sy: Tensor | float) -> Tensor:
    """Gaussian bump of height 1 around the origin."""
    px, py = x / sx, y / sy
    return torch.exp(-(px * px + py * py))


@pointwise
def mix(a: Tensor | float, b: Tensor | float, share: Tensor) -> Tensor:
    """From `a` (share 0) to `b` (share 1)."""
    return a + (b - a) * share


@pointwise
def over(under: Colour, colour: Colour, alpha: Tensor) -> Colour:
    """Lay a colour over a picture."""
    return (
        mix(under[0], colour[0], alpha),
        mix(under[1], colour[1], alpha),
        mix(under[2], colour[2], alpha),
    )


@pointwise
def shade(colour: Colour, light: Tensor) -> Colour:
    """A colour in less or more light (1 leaves it): shadows grow warmer and richer, as paint does, not grey."""
    dark = (1 - light).clamp_min(0)
    glow = (light - 1).clamp_min(0)
    return (
        colour[0] * (1 - 0.62 * dark) + (1 - colour[0]) * glow,
        colour[1] * (1 - 0.86 * dark) + (1 - colour[1]) * 0.94 * glow,
        colour[2] * (1 - 0.80 * dark) + (1 - colour[2]) * 0.86 * glow,
    )
