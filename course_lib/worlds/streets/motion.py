"""Where each pixel's point is seen in the next frame, in closed form, and whether it is seen there at all."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.worlds.kernel import kernel
from course_lib.worlds.streets.grid import boxes, grid_of
from course_lib.worlds.streets.layout import Scene
from course_lib.worlds.streets.trace import FAR, cast, first_hit

_SLACK = 2e-3  # share of the depth by which a ray may stop short of the point and still be said to reach it
_AWAY = 1e5  # metres: a point of the sky
_NEAR = 1e-3  # metres: what is nearer counts as behind the camera


def exact_flow(
    first: Scene,
    second: Scene,
    depth: Float[Tensor, "n 1 h w"],
    way: Float[Tensor, "n 1 h w"],
    *,
    compiled: bool | None,
) -> tuple[Float[Tensor, "n 2 h w"], Bool[Tensor, "n 1 h w"]]:
    """Flow from frame 1 to frame 2, and the pixels of frame 1 whose point is seen in frame 2.

    Each point is moved with what it belongs to and projected into camera 2; then a ray is cast from camera 2 back to
    it: if that meets something else first, the point is hidden.

    Args:
        first: Scene of frame 1.
        second: Scene of frame 2.
        depth: Of frame 1, metres; 0 is sky, taken as infinitely far.
        way: How far the point moves ahead along the street, metres.
        compiled: As for the renderer.
    """
    height, width = depth.shape[-2:]
    grid = grid_of(height, width, depth.device, False)
    depth, way = grid.listed(depth[:, 0]), grid.listed(way[:, 0])
    rays = cast(first.camera, grid.u, grid.v)
    to_u, to_v, ahead = _move(*rays, depth, way, first.camera, second.camera, compiled=compiled)
    inside = (ahead > _NEAR) & (to_u >= 0) & (to_u <= width - 1) & (to_v >= 0) & (to_v <= height - 1)
    # Rays that leave the picture are not asked: the others of a bundle lie in a box within it.
    back_u, back_v = to_u.clamp(0, width - 1), to_v.clamp(0, height - 1)
    back = first_hit(cast(second.camera, back_u, back_v), boxes(back_u, back_v), second, compiled=compiled).depth
    seen = torch.where(depth > 0, back >= ahead * (1 - _SLACK), back >= FAR)
    values = torch.stack([to_u - grid.u, to_v - grid.v, (inside & seen).to(depth.dtype)], dim=1)
    pictures = grid.pictures(values)[0]
    return pictures[:, :2], pictures[:, 2:] > 0


@kernel
def _move(dx, dh, dz, depth, way, before, camera):
    """Where the points are seen by the next camera, (u, v) in pixels, and their depth there."""
    is_sky = depth <= 0
    reach = torch.where(is_sky, _AWAY, depth)
    near = torch.where(is_sky, 0.0, 1.0)  # the sky stays where it is however the camera moves
    old, c = before[:, :, None].unbind(1), camera[:, :, None].unbind(1)
    x, h = near * (old[9] - c[9]) + reach * dx, near * (old[10] - c[10]) + reach * dh
    z = near * (old[11] - c[11] + way) + reach * dz
    right, down, ahead = c[0] * x - c[3] * h + c[6] * z, c[1] * x - c[4] * h + c[7] * z, c[2] * x - c[5] * h + c[8] * z
    scale = c[12] / torch.where(ahead > _NEAR, ahead, 1.0)
    return right * scale + c[13], down * scale + c[14], ahead
