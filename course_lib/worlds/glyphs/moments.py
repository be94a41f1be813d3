"""Slant and width of a drawn sign, measured from its pixels."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """First and second moments of the ink of n images; lengths in pixels, x to the right, y UP.

    Attributes:
        mass: Sum of all grey values.
        x: Centre of the ink from the left-most pixel's centre.
        y: Centre of the ink above the bottom pixel's centre.
        mu20: Variance of x.
        mu11: Covariance of x and y.
        mu02: Variance of y.
    """

    mass: Float[Tensor, " n"]
    x: Float[Tensor, " n"]
    y: Float[Tensor, " n"]
    mu20: Float[Tensor, " n"]
    mu11: Float[Tensor, " n"]
    mu02: Float[Tensor, " n"]

    @property
    def slant(self) -> Float[Tensor, " n"]:
        """Shift to the right for each step up, mu11 / mu02: a shear by s adds exactly s to it."""
        return self.mu11 / self.mu02.clamp_min(1e-6)

    @property
    def width(self) -> Float[Tensor, " n"]:
        """Horizontal standard deviation once the slant is taken out, sqrt(mu20 - mu11^2 / mu02): no shear alters it."""
        return (self.mu20 - self.mu11.square() / self.mu02.clamp_min(1e-6)).clamp_min(0).sqrt()

    @property
    def height(self) -> Float[Tensor, " n"]:
        """Vertical standard deviation, sqrt(mu02)."""
        return self.mu02.sqrt()


def moments(images: Float[Tensor, "n 1 h w"]) -> Moments:
    """Moments of the ink, the grey values taken as its density.

    Args:
        images: Ink on black, not negative. An empty image has its centre in the middle and no spread.

    Raises:
        ValueError: `images` is not `(n, 1, h, w)`, or has negative values.
    """
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"`images` has shape {tuple(images.shape)}: give (n, 1, h, w), one channel of ink")
    if bool((images < 0).any()):
        raise ValueError(f"`images` goes down to {float(images.min()):g}: ink is not negative; rescale to [0, 1]")
    height, width = images.shape[-2:]
    ink = images[:, 0]
    mass = ink.sum((1, 2))
    ink = torch.where(mass[:, None, None] > 0, ink, torch.zeros_like(ink))
    total = mass.clamp_min(1e-12)
    xs = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    ys = (height - 1) / 2 - torch.arange(height, dtype=images.dtype, device=images.device)
    columns, rows = ink.sum(1), ink.sum(2)
    x, y = columns @ xs / total, rows @ ys / total
    off_x, off_y = xs - x[:, None], ys - y[:, None]
    return Moments(
        mass=mass,
        x=x + (width - 1) / 2,
        y=y + (height - 1) / 2,
        mu20=(columns * off_x.square()).sum(1) / total,
        mu11=torch.einsum("nhw,nh,nw->n", ink, off_y, off_x) / total,
        mu02=(rows * off_y.square()).sum(1) / total,
    )
