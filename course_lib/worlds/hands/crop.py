"""The crop of Crossing Nets: a cube of 250 mm round a centre, 128 x 128 pixels, values in [-1, 1].

Wan, Probst, Van Gool and Yao 2017, as their published code does it; the paper itself gives no such detail.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.short_repr import ShortRepr

CUBE_MM = 250.0
FRONT_MM = 10.0  # added to depths behind the front face, so that no hand pixel has the value of "nothing"


@dataclass(frozen=True)
class HandCrop(ShortRepr):
    """Cropped and normalised depth maps.

    Attributes:
        images: Depth in [-1, 1], background +1, `(n, 1, size, size)`.
        intrinsics: Camera of the cropped pictures, pixels.
        centers: The cubes' centres in the camera frame (x right, y down, z forward), metres.
    """

    images: Float[Tensor, "n 1 h w"]
    intrinsics: Float[Tensor, "n 3 3"]
    centers: Float[Tensor, "n 3"]


def crop_hands(
    depth_mm: Float[Tensor, "n 1 h w"],
    centers_uvd: Float[Tensor, "m 3"],
    intrinsics: Float[Tensor, "*k 3 3"],
    *,
    size: int = 128,
    cube_mm: float = CUBE_MM,
    normalise: Literal["frame", "fixed"] = "frame",
) -> HandCrop:
    """Cut a cube out of depth maps and bring it to a fixed size and range.

    The window has the cube's width at the depth of its centre, its bounds rounded down to whole pixels; pixels are
    taken by nearest neighbour, without averaging; depths nearer than the cube are moved to its front face, farther
    ones are background. Where the window leaves the picture there is background.

    With `"frame"` (the published code) a depth d becomes v = (d - front + 10 mm) / cube, and v becomes
    2 (v - v_min) / v_max - 1: the nearest pixel is -1 in every frame, and the farthest pixel of the hand itself turns
    into background. How far the hand is from the cube's centre is lost. With `"fixed"` the front face of the cube
    is -1 and its back face +1 in all frames.

    Args:
        depth_mm: Depth in millimetres, 0 where there is none.
        centers_uvd: Centres of the cubes: u and v in pixels, depth in millimetres.
        intrinsics: Cameras, pixels.
        size: Height and width of the crop.
        cube_mm: Side of the cube, millimetres.
        normalise: Which range of values is mapped to [-1, 1].

    Returns:
        The crops; a crop without a hand is background throughout (+1), never NaN.

    Raises:
        ValueError: A centre's depth is not positive or not finite, or shapes do not fit.
    """
    if depth_mm.ndim != 4 or centers_uvd.shape != (len(depth_mm), 3) or intrinsics.shape[-2:] != (3, 3):
        raise ValueError(
            f"`depth_mm` is {tuple(depth_mm.shape)}, `centers_uvd` {tuple(centers_uvd.shape)} and `intrinsics` "
            f"{tuple(intrinsics.shape)}: give (n, 1, h, w), (n, 3) and (n, 3, 3)"
        )
    if not bool((centers_uvd.isfinite().all(1) & (centers_uvd[:, 2] > 0)).all()):
        raise ValueError("`centers_uvd` holds a depth that is not positive, or a value that is not finite")
    intrinsics = intrinsics.expand(len(depth_mm), 3, 3).to(centers_uvd)
    u, v, d = centers_uvd.unbind(1)
    focal = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 1, 1]], 1)
    reach = 0.5 * cube_mm * focal / d[:, None]
    start = torch.floor(centers_uvd[:, :2] - reach)
    extent = (torch.floor(centers_uvd[:, :2] + reach) - start).clamp_min(1)
    # The longer side fills the crop; the shorter keeps its proportion and is centred.
    filled = torch.floor(size * extent / extent.amax(1, keepdim=True)).clamp_min(1)
    margin = torch.floor(size // 2 - filled / 2)
    columns, rows = (_sources(size, start[:, i], extent[:, i], filled[:, i], margin[:, i]) for i in range(2))
    front = d - cube_mm / 2
    cut = _pick(depth_mm[:, 0], rows, columns)
    ahead = (cut - front[:, None, None]).clamp_min(0)
    hand = (cut > 0) & (cut <= front[:, None, None] + cube_mm)
    match normalise:
        case "frame":
            images = _by_frame((ahead + FRONT_MM) / cube_mm, hand)
        case "fixed":
            images = torch.where(hand, 2 * ahead / cube_mm - 1, 1.0)
        case _:
            assert_never(normalise)
    scale = filled / extent
    shift = (0.5 - start) * scale - 0.5 + margin
    zero, one = torch.zeros_like(d), torch.ones_like(d)
    change = torch.stack(
        [scale[:, 0], zero, shift[:, 0], zero, scale[:, 1], shift[:, 1], zero, zero, one], 1
    ).unflatten(1, (3, 3))
    x = (u - intrinsics[:, 0, 2]) / focal[:, 0]
    y = (v - intrinsics[:, 1, 2]) / focal[:, 1]
    return HandCrop(images[:, None], change @ intrinsics, torch.stack([x, y, one], 1) * d[:, None] / 1000)


def _by_frame(values: Tensor, hand: Tensor) -> Tensor:
    smallest = torch.where(hand, values, torch.inf).amin((1, 2), keepdim=True)
    largest = torch.where(hand, values, 0).amax((1, 2), keepdim=True)
    seen = hand & (values < largest)
    return torch.where(seen, 2 * (values - smallest) / largest.clamp_min(1e-6) - 1, 1.0)


def _sources(size: int, start: Tensor, extent: Tensor, filled: Tensor, margin: Tensor) -> Tensor:
    """Row or column of the picture for each of the crop, `(n, size)`; -1 where the crop shows nothing."""
    place = torch.arange(size, device=start.device) - margin[:, None]
    source = start[:, None] + torch.floor(place * (extent / filled)[:, None])
    inside = (place >= 0) & (place < filled[:, None])
    return torch.where(inside, source, -1).long()


def _pick(depth: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Pixels of `(n, h, w)` at rows `(n, r)` and columns `(n, c)`, 0 outside."""
    n, height, width = depth.shape
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    which = torch.arange(n, device=depth.device)[:, None, None]
    found = depth[which, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None]]
    return torch.where(inside, found, 0)
