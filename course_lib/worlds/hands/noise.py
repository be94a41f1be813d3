"""What a depth camera adds: noise that grows with depth, whole steps, ragged edges, holes."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.factors import check_generator


def add_noise(
    depth_mm: Float[Tensor, "n 1 h w"],
    *,
    generator: torch.Generator,
    amount: float = 1.0,
    step_mm: float = 1.0,
    holes: float = 1.0,
) -> Float[Tensor, "n 1 h w"]:
    """Depth maps as a sensor might measure them.

    The standard deviation of the noise is 1.2 mm at 0.5 m and grows with the square of the depth, three times that on
    surfaces that are steep in the view. Pixels at an edge are lost or take the depth beside them, and small patches
    drop out, most of all where the surface is steep. No sensor in particular is copied.

    Args:
        depth_mm: Depth in millimetres, 0 for the background.
        generator: Source of all draws, on the device of `depth_mm`.
        amount: Factor on the noise of the depth.
        step_mm: Depths are rounded to whole multiples of this; 0 for no rounding.
        holes: Factor on the number of lost pixels and of patches that drop out; 0 also keeps the edges clean.

    Returns:
        Depth in millimetres, 0 for the background and for lost pixels.

    Raises:
        ValueError: A negative amount, or no generator.
    """
    check_generator(generator)
    for name, value in (("amount", amount), ("step_mm", step_mm), ("holes", holes)):
        if not value >= 0:
            raise ValueError(f"`{name}` (={value}) must be 0 or more")

    def normal() -> Tensor:
        return torch.randn(depth_mm.shape, generator=generator, device=depth_mm.device, dtype=depth_mm.dtype)

    def chance() -> Tensor:
        return torch.rand(depth_mm.shape, generator=generator, device=depth_mm.device, dtype=depth_mm.dtype)

    seen = depth_mm > 0
    steep = _steepness(depth_mm)
    # Noise of neighbouring pixels is alike: half of it comes from a blurred field.
    field = (normal() + 3 * _blur(normal())) / 2**0.5
    noisy = depth_mm + amount * 1.2 * (depth_mm / 500).square() * (1 + 2 * steep) * field
    # A pixel at an edge measures its neighbour: shift one in three by a pixel to either side.
    side, lost, patch = chance(), chance(), _blur(_blur(normal()))
    moved = torch.where(side < 0.5, noisy.roll(1, -1), noisy.roll(-1, -1))
    edge = seen & (F.max_pool2d((~seen).to(depth_mm.dtype), 3, 1, 1) > 0)
    ragged = min(1.0, holes) / 6
    noisy = torch.where(edge & ((side < ragged) | (side > 1 - ragged)), moved, noisy)
    # `patch` has a standard deviation of about 0.18: beyond 3.5 of them is one pixel in 4,000.
    gone = (edge & (lost < 0.25 * holes)) | (patch / 0.18 + 0.6 * steep > 3.5 / max(holes, 1e-9) ** 0.25)
    noisy = torch.where(seen & ~(gone if holes else torch.zeros_like(gone)), noisy, 0).clamp_min(0)
    return torch.round(noisy / step_mm) * step_mm if step_mm else noisy


def _blur(x: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)


def _steepness(depth_mm: Tensor) -> Tensor:
    """Depth change to the next pixels, in [0, 1]: 1 from 8 mm a pixel on."""
    padded = F.pad(depth_mm, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]).abs()
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]).abs()
    return (torch.maximum(across, down) / 16).clamp(0, 1)
