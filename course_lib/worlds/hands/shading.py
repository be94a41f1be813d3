"""Pictures of hands to look at: shaded from the normals, drawn large and averaged, so that edges are smooth."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.hands.render import HandImages

SKIN = (0.93, 0.74, 0.62)
BACKGROUND = (0.97, 0.97, 0.98)


def shade(
    images: HandImages,
    *,
    skin: tuple[float, float, float] = SKIN,
    background: tuple[float, float, float] = BACKGROUND,
    light: tuple[float, float, float] = (-0.42, -0.5, -0.76),
    average: int = 1,
) -> Float[Tensor, "n 3 h w"]:
    """Hands as if lit by a lamp above the camera's left shoulder and by a soft light from the other side.

    Args:
        images: What `render` returned.
        skin: Colour of the skin, red, green, blue in [0, 1].
        background: Colour behind the hand.
        light: Direction to the lamp in the camera frame (x right, y down, z forward).
        average: Side of the squares of pixels that are averaged into one: draw `average` times as large.

    Returns:
        RGB in [0, 1].
    """
    normals = _smooth(images)
    lamp = F.normalize(torch.tensor(light, device=normals.device), dim=0)
    fill = F.normalize(torch.tensor([0.7, 0.5, -0.5], device=normals.device), dim=0)
    key = _along(normals, lamp)
    # Wrapped round the edge of the lit side: light that has passed through skin.
    diffuse = ((key + 0.35) / 1.35).clamp_min(0)
    soft = (_along(normals, fill) * 0.5 + 0.5).square()
    facing = (-normals[:, 2:]).clamp(0, 1)
    gloss = _along(normals, F.normalize(lamp + torch.tensor([0, 0, -1.0], device=normals.device), dim=0)).clamp_min(0)
    colour = torch.tensor(skin, device=normals.device)[:, None, None]
    warm = torch.tensor([1.0, 0.55, 0.42], device=normals.device)[:, None, None]
    lit = colour * (0.24 + 0.70 * diffuse + 0.20 * soft)
    lit = lit + 0.10 * warm * (1 - facing).pow(3) * diffuse + 0.10 * gloss.pow(24)
    lit = lit * (0.66 + 0.34 * _openness(images))
    back = torch.tensor(background, device=normals.device)[:, None, None]
    picture = torch.where(images.mask, lit.clamp(0, 1), back)
    return F.avg_pool2d(picture, average) if average > 1 else picture


def _smooth(images: HandImages) -> Tensor:
    """Normals averaged over a few pixels of one surface, so that the seams between capsules look like skin."""
    normals, depth = images.normals, images.depth_mm
    reach = max(1, depth.shape[-1] // 80)
    for dim in (2, 3):
        total = torch.zeros_like(normals)
        for step in range(-reach, reach + 1):
            weight = torch.exp(-((depth.roll(step, dim) - depth) / 4).square())
            total = total + weight * normals.roll(step, dim)
        normals = total
    return F.normalize(normals, dim=1)


def _along(normals: Tensor, direction: Tensor) -> Tensor:
    return (normals * direction[:, None, None]).sum(1, keepdim=True)


def _openness(images: HandImages) -> Tensor:
    """How freely light reaches a point, in [0, 1]: less where the surface around it is nearer to the camera."""
    depth = torch.where(images.mask, images.depth_mm, images.depth_mm.amax((2, 3), keepdim=True) + 30)
    reach = max(1, images.depth_mm.shape[-1] // 28)
    around = F.avg_pool2d(F.pad(depth, [2 * reach] * 4, mode="replicate"), 4 * reach + 1, 1)
    return 1 - ((depth - around) / 14).clamp(0, 1)


def depth_picture(depth_mm: Float[Tensor, "n 1 h w"], *, span_mm: float = 180.0) -> Float[Tensor, "n 1 h w"]:
    """Depth maps as grey pictures: the nearest point of each is white, points `span_mm` behind it and nothing dark.

    Args:
        depth_mm: Depth, 0 where there is none.
        span_mm: Depth range shown, millimetres.
    """
    seen = depth_mm > 0
    nearest = torch.where(seen, depth_mm, torch.inf).amin((1, 2, 3), keepdim=True)
    grey = 1 - 0.85 * ((depth_mm - nearest) / span_mm).clamp(0, 1)
    return torch.where(seen, grey, 0.0)
