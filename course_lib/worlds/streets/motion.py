"""Where each pixel's point is seen in the next frame, in closed form, and whether it is seen there at all."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.kernel import kernel
from course_lib.worlds.streets.layout import Scene
from course_lib.worlds.streets.trace import FAR, cast, entries_of, trace

_SLACK = 2e-3  # share of the depth by which a ray may stop short of the point and still be said to reach it
_AWAY = 1e5  # metres: a point of the sky


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
    u = torch.arange(width, device=depth.device, dtype=depth.dtype)
    v = torch.arange(height, device=depth.device, dtype=depth.dtype)
    return in_chunks(
        lambda *tables: _flow(*tables, u, v, compiled=compiled), first.camera, depth, way, *second, cpu=1, cuda=32
    )


@kernel
def _flow(
    before,
    depth,
    way,
    camera,
    street,
    colours,
    phases,
    houses,
    cylinders,
    spheres,
    cars,
    paints,
    sun_houses,
    sun_crowns,
    u,
    v,
):
    scene = Scene(camera, street, colours, phases, houses, cylinders, spheres, cars, paints, sun_houses, sun_crowns)
    u, v = u[None, None, None, :], v[None, None, :, None]
    rays = cast(before, u, v)
    is_sky = depth <= 0
    reach = torch.where(is_sky, _AWAY, depth)
    c = entries_of(camera[:, :, None])[0]
    x, h, z = rays.x - c[9], rays.h - c[10], rays.z - c[11]
    near = torch.where(is_sky, 0.0, 1.0)  # the sky stays where it is however the camera moves
    x, h, z = near * x + reach * rays.dx, near * h + reach * rays.dh, near * (z + way) + reach * rays.dz
    right, down, ahead = c[0] * x - c[3] * h + c[6] * z, c[1] * x - c[4] * h + c[7] * z, c[2] * x - c[5] * h + c[8] * z
    in_front = ahead > 1e-3
    scale = c[12] / torch.where(in_front, ahead, 1.0)
    to_u, to_v = right * scale + c[13], down * scale + c[14]
    width, height = u.shape[-1], v.shape[-2]
    inside = in_front & (to_u >= 0) & (to_u <= width - 1) & (to_v >= 0) & (to_v <= height - 1)
    back = trace(cast(camera, to_u, to_v), scene)
    seen = torch.where(is_sky, back.depth >= FAR, back.depth >= ahead * (1 - _SLACK))
    return torch.cat([to_u - u, to_v - v], dim=1), inside & seen
