"""The pixel kernel: which piece each ray meets first, and what colour it has there.

A piece is a tapered capsule in stretched space. With the axis as a unit vector y, length L and radii r0, r1, let
g = (r0 - r1) / L. A point at height h = y . q over the first ball's centre (q the point relative to it) lies on the
side when c^2 (q . q) - h^2 + 2 r0 g h - r0^2 = 0 with c^2 = 1 - g^2, a quadratic in the ray's parameter; the side ends
where it touches the balls, at h = r0 g and h = L + r1 g, and beyond one of these ends the ray can only enter through
the ball there. Stretching changes nothing but the metric: q . q becomes q' Q q.

All positions are relative to an anchor inside the body, so that squares of metres, not of the camera's distance, are
subtracted: ray (x, y, 1) passes the anchor's depth z0 at e = z0 ((x, y) - (X, Y)), and the point at depth z0 + s is
(e + s (x, y), s).
"""

import functools
import math

import torch
from torch import Tensor

from course_lib.worlds.kernel import kernel, pointwise
from course_lib.worlds.people import scenery

MISS = 1e4  # metres
SHAPE_ROWS = 25
VIEW_ROWS = 42


@kernel
def trace(
    u: Tensor, v: Tensor, offsets: Tensor, view: Tensor, shapes: Tensor, numbers: Tensor
) -> tuple[Tensor, Tensor]:
    """Which piece rays meet first.

    Args:
        u: Columns of pixels, `(b, p)`.
        v: Their rows, likewise.
        offsets: Where in a pixel the rays pass, `(2, s)`, columns and rows.
        view: Camera, light and scene, `(b, VIEW_ROWS)`.
        shapes: Geometry of the pieces that may be met, `(b, k, SHAPE_ROWS)`.
        numbers: Their numbers, `(b, k)`, int32.

    Returns:
        Depth behind the anchor, `MISS` where there is nothing, and number of the piece, `(b, s, p)` each.
    """
    x, y, ex, ey = _rays(u, v, offsets, _columns(view, 3))
    depth = intersect(x[:, None], y[:, None], ex[:, None], ey[:, None], shapes.mT[..., None, None])
    frame = torch.arange(len(numbers), dtype=torch.int32, device=numbers.device)[:, None, None]
    return depth.amin(1), numbers[frame, depth.argmin(1)]


@kernel
def shade(
    u: Tensor,
    v: Tensor,
    offsets: Tensor,
    depth: Tensor,
    index: Tensor,
    view: Tensor,
    shapes: Tensor,
    looks: Tensor,
    blockers: Tensor,
) -> Tensor:
    """Linear colour of pixels before the background is added, and how much pieces and person cover, `(b, 5, p)`.

    Args:
        u: Columns of pixels, `(b, p)`.
        v: Their rows, likewise.
        offsets: Where in a pixel the rays pass, `(2, s)`.
        depth: From `trace`.
        index: The numbers from `trace`, int32.
        view: As in `trace`.
        shapes: As in `trace`.
        looks: Looks of the pieces, `(b, clothes.ROWS, k)`.
        blockers: Capsules that cast shadows, `(b, 7, m)`.
    """
    camera = _columns(view, 3)
    colour = _body_colour(*_rays(u, v, offsets, camera), depth, index, camera, shapes, looks, blockers)
    hit = depth < MISS
    layers = [torch.where(hit, c, 0.0).mean(1) for c in colour]
    person = _of_piece(looks, index, 20)
    return torch.stack([*layers, hit.to(depth.dtype).mean(1), torch.where(hit, person, 0.0).mean(1)], 1)


@kernel
def surroundings(u: Tensor, v: Tensor, view: Tensor, blockers: Tensor) -> Tensor:
    """Linear colour of wall and floor at pixels, `(b, 3, p)`; arguments as in `shade`."""
    camera = _columns(view, 2)
    x, y = (u - camera[1]) * camera[0], (v - camera[2]) * camera[0]
    return torch.stack(background(x, y, camera, blockers), 1)


@pointwise
def _columns(view: Tensor, dims: int) -> tuple[Tensor, ...]:
    """Numbers of a view, each `(b, 1, ...)` of so many dimensions."""
    return tuple(view[:, i].reshape(-1, *(1,) * (dims - 1)) for i in range(VIEW_ROWS))


@pointwise
def _rays(u: Tensor, v: Tensor, offsets: Tensor, camera: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Direction x, y of the rays and where they pass the anchor's depth, `(b, s, p)` each."""
    x = (u[:, None] + offsets[0][:, None] - camera[1]) * camera[0]
    y = (v[:, None] + offsets[1][:, None] - camera[2]) * camera[0]
    return x, y, camera[3] * (x - camera[4]), camera[3] * (y - camera[5])


@pointwise
def intersect(x: Tensor, y: Tensor, ex: Tensor, ey: Tensor, shapes: Tensor) -> Tensor:
    """Depth behind the anchor at which rays enter pieces, `MISS` where they do not."""
    qxx, qxy, qyy, qxz, qyz, qzz, wx, wy, wz, w0, yx, yy, yz, ya, size, r0, r1, g, c2, low, high = (
        shapes[:, i] for i in range(21)
    )
    # Metric products of the ray's direction d, of the offset e - a' and of both; heights along the axis.
    dd = qxx * (x * x) + qxy * (2 * x * y) + qyy * (y * y) + qxz * (2 * x) + qyz * (2 * y) + qzz
    oo = qxx * (ex * ex) + qxy * (2 * ex * ey) + qyy * (ey * ey) - 2 * (wx * ex + wy * ey) + w0
    do = qxx * (x * ex) + qxy * (x * ey + y * ex) + qyy * (y * ey) + qxz * ex + qyz * ey - (wx * x + wy * y + wz)
    h1 = yx * x + yy * y + yz
    h0 = yx * ex + yy * ey - ya
    a = c2 * dd - h1 * h1
    b = c2 * do - h1 * (h0 - r0 * g)
    c = c2 * oo - h0 * (h0 - 2 * r0 * g) - r0 * r0
    inside = b * b - a * c
    side = -b - torch.sqrt(torch.clamp_min(inside, 0))  # depth times a
    height = h0 * a + side * h1  # height times a
    on_side = (inside > 0) & ((height - r0 * g * a) * ((size + r1 * g) * a - height) > 0)
    # Which ball bounds the piece where the side does not: seen along the axis, the near one.
    first = torch.where(a > 0, height < 0.5 * size * a, h1 > 0)
    offset = torch.where(first, 0.0, size)
    radius = torch.where(first, r0, r1)
    do_end = do - offset * h1
    slack = do_end * do_end - dd * (oo - offset * (2 * h0 - offset) - radius * radius)
    ball = -do_end - torch.sqrt(torch.clamp_min(slack, 0))  # depth times dd
    depth = torch.where(on_side, side, ball) / torch.where(on_side, a, dd)
    met = h0 + depth * h1
    return torch.where((on_side | (slack > 0)) & (met > low) & (met < high), depth, MISS)


@pointwise
def _of_piece(table: Tensor, index: Tensor, row: int) -> Tensor:
    """A row of a table at the pieces that the rays meet."""
    frame = torch.arange(len(table), dtype=torch.int32, device=table.device).reshape(-1, *(1,) * (index.ndim - 1))
    return table[:, row][frame, index]


@pointwise
def _body_colour(x, y, ex, ey, s, index, camera, shapes, looks, blockers):
    """Linear colour of the rays' first points, `(b, s, p)` each of three."""
    shape, look = (functools.partial(_of_piece, table, index) for table in (shapes, looks))
    s = torch.clamp_max(s, 10.0)
    px, py, pz = ex + s * x, ey + s * y, s
    rx, ry, rz = px - shape(21), py - shape(22), pz - shape(23)
    ax, ay, az = shape(10), shape(11), shape(12)
    size, r0, g, c2 = shape(14), shape(15), shape(17), shape(18)
    height = rx * ax + ry * ay + rz * az
    center = torch.clamp((height - r0 * g) / c2, torch.zeros_like(size), size)
    qxx, qxy, qyy, qxz, qyz, qzz = (shape(i) for i in range(6))
    # The normal of the stretched ball around that centre; the axis itself is not stretched.
    nx = qxx * rx + qxy * ry + qxz * rz - center * ax
    ny = qxy * rx + qyy * ry + qyz * rz - center * ay
    nz = qxz * rx + qyz * ry + qzz * rz - center * az
    colour = tuple(look(i) for i in range(3))
    accent = tuple(look(i) for i in range(3, 6))
    kind = look(6)
    along = px * look(7) + py * look(8) + pz * look(9) + look(10)
    across = px * look(11) + py * look(12) + pz * look(13) + look(14)
    scale = torch.rsqrt(torch.clamp_min(nx * nx + ny * ny + nz * nz, 1e-16))
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    front = nx * look(15) + ny * look(16) + nz * look(17)
    albedo = paint(kind, colour, accent, along, across, front)
    # Folds of cloth tip the normal up and down along the piece.
    wander = 1.7 * torch.sin(13 * px + 11 * pz) + 1.3 * torch.sin(11 * py + 7 * px)
    fold = look(18) * torch.sin(38 * height + wander)
    nx, ny, nz = nx + fold * ax, ny + fold * ay, nz + fold * az
    scale = torch.rsqrt(torch.clamp_min(nx * nx + ny * ny + nz * nz, 1e-16))
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    return light(albedo, (nx, ny, nz), (px, py, pz), (x, y), look(19), camera, blockers)


@pointwise
def light(albedo, normal, point, ray, gloss, camera, blockers):
    """Light a surface: sky and ground from all sides, a lamp with soft shadow, a highlight."""
    nx, ny, nz = normal
    lx, ly, lz, key, ambient = camera[18:23]
    facing = nx * lx + ny * ly + nz * lz
    shadow = occlusion(
        tuple(p + 0.025 * n for p, n in zip(point, normal, strict=True)), (lx, ly, lz), blockers, 0.14, 0.06
    )
    wrapped = torch.clamp_min((facing + 0.22) / 1.22, 0)
    direct = key * wrapped * wrapped * (1 - 0.7 * shadow * torch.clamp(4 * facing, 0, 1))
    sky = 0.5 + 0.5 * (nx * camera[9] + ny * camera[10] + nz * camera[11])
    view = torch.rsqrt(ray[0] * ray[0] + ray[1] * ray[1] + 1)
    vx, vy, vz = -ray[0] * view, -ray[1] * view, -view
    head_on = torch.clamp_min(nx * vx + ny * vy + nz * vz, 0)
    surround = ambient * (0.5 + 0.5 * sky) * (0.72 + 0.28 * head_on)
    hx, hy, hz = lx + vx, ly + vy, lz + vz
    half = torch.rsqrt(torch.clamp_min(hx * hx + hy * hy + hz * hz, 1e-8))
    mirror = torch.clamp_min((nx * hx + ny * hy + nz * hz) * half, 0)
    mirror = mirror * mirror
    mirror = mirror * mirror
    mirror = mirror * mirror
    mirror = mirror * mirror * mirror
    shine = gloss * key * mirror * (1 - shadow)
    # The lamp is a little warm, the sky a little cool.
    return tuple(
        c * c * (direct * warm + surround * cool) + shine
        for c, warm, cool in zip(albedo, (1.04, 1.0, 0.94), (0.96, 1.0, 1.06), strict=True)
    )


@pointwise
def paint(kind, colour, accent, along, across, front):
    """Colour of a surface before light, sRGB; the kinds are those of `clothes.KINDS`."""
    turn = 2 * math.pi
    hoops, stripes = torch.sin(turn * along), torch.sin(turn * across)
    hoop, stripe = torch.clamp(0.5 + 3 * hoops, 0, 1), torch.clamp(0.5 + 3 * stripes, 0, 1)
    disc = torch.clamp((1 - along * along - across * across) * 4, 0, 1) * (front > 0)
    second = torch.where(kind == 1, hoop, 0.0)
    second = torch.where(kind == 2, stripe, second)
    second = torch.where(kind == 3, 0.5 * (hoop + stripe), second)
    second = torch.where(kind == 4, (along > 0).to(along.dtype), second)
    second = torch.where(kind == 5, disc, second)
    second = torch.where(kind == 6, (front > 0.955).to(along.dtype), second)
    second = torch.where(kind == 8, (along < 0).to(along.dtype), second)
    face = kind == 7
    seen = torch.where(face & (front > 0), 1.0, 0.0)
    eye_x = torch.abs(across) - 0.34
    eyes = torch.clamp(1.6 - (eye_x * eye_x * 130 + (along - 0.13) * (along - 0.13) * 300), 0, 1) * seen
    brows = torch.clamp(1.5 - (eye_x * eye_x * 60 + (along - 0.42) * (along - 0.42) * 900), 0, 1) * seen
    dark = torch.maximum(eyes, 0.55 * brows)
    painted = scenery.blend(colour, accent, second)
    return tuple(c * (1 - 0.8 * dark) for c in painted)


@pointwise
def occlusion(point, direction, blockers, soft: float, start: float) -> Tensor:
    """How much of a soft light in one direction the blockers take away at points, 0 to 1.

    Args:
        point: x, y, z relative to the anchor.
        direction: Unit vector to the light.
        blockers: Ends, axes and radii of capsules, `(b, 7, m)`.
        soft: Width of the half shadow, metres for each metre of distance.
        start: Blockers nearer than this do not count, metres.
    """
    shape = (*blockers.shape, *(1,) * (point[0].ndim - 1))
    ax, ay, az, ux, uy, uz, radius = blockers.reshape(shape).unbind(1)  # (b, m, 1, ...)
    px, py, pz = (p[:, None] for p in point)
    dx, dy, dz = (d[:, None] for d in direction)
    wx, wy, wz = px - ax, py - ay, pz - az
    uu = ux * ux + uy * uy + uz * uz
    ul = ux * dx + uy * dy + uz * dz
    wu = wx * ux + wy * uy + wz * uz
    wl = wx * dx + wy * dy + wz * dz
    place = scenery.unit((wu - ul * wl) * (1 / torch.clamp_min(uu - ul * ul, 1e-6)))
    t = torch.relu(place * ul - wl)
    qx, qy, qz = wx + t * dx - place * ux, wy + t * dy - place * uy, wz + t * dz - place * uz
    gap = torch.sqrt(qx * qx + qy * qy + qz * qz)
    blur = soft * t + 0.01
    near = scenery.unit((t - start) * 25)
    return (scenery.unit((radius + blur - gap) / (2 * blur)) * near).amax(1)


@pointwise
def background(x: Tensor, y: Tensor, camera, blockers: Tensor):
    """Linear colour of floor and wall along rays, `(b, p)` each of three."""
    turn = camera[6:15]
    dx = turn[0] * x + turn[1] * y + turn[2]
    dy = turn[3] * x + turn[4] * y + turn[5]
    dz = turn[6] * x + turn[7] * y + turn[8]
    cx, cy, cz = camera[15:18]
    kind, far = camera[23], camera[41]
    wall_a, wall_b, floor_a, floor_b = (tuple(camera[i : i + 3]) for i in (24, 27, 30, 33))
    size = camera[36]
    to_floor = torch.where(dy < -1e-4, cy / torch.clamp_min(-dy, 1e-4), 1e4)
    to_wall = (cz + far) / torch.clamp_min(-dz, 1e-4)
    on_floor = to_floor < to_wall
    t = torch.minimum(to_floor, to_wall)
    wx, wy, wz = cx + t * dx, cy + t * dy, cz + t * dz
    upper = scenery.wall(kind, wx, wy, (camera[37], camera[38]), size, wall_a, wall_b)
    lower = scenery.floor(kind, wx, wz, (camera[39], camera[40]), size, floor_a, floor_b)
    # A studio's floor runs up into its wall.
    depth = torch.where(on_floor, wz + far, -wy)
    join = torch.where(kind == 0, scenery.smooth(depth, -0.5, 0.9), on_floor.to(x.dtype))
    flat = scenery.blend(upper, lower, join)
    px = t * x - camera[3] * camera[4]
    py = t * y - camera[3] * camera[5]
    pz = t - camera[3]
    shadow = occlusion((px, py, pz), camera[18:21], blockers, 0.22, 0.0)
    contact = occlusion((px, py, pz), camera[9:12], blockers, 0.55, 0.0)
    key, ambient = camera[21], camera[22]
    lift = torch.clamp_min(camera[18] * camera[9] + camera[19] * camera[10] + camera[20] * camera[11], 0.2)
    near = torch.where(on_floor, 1.0, 0.0)
    level = torch.where(kind == 0, join, near)
    direct = key * (0.75 + (lift - 0.75) * level) * (1 - 0.85 * shadow * near)
    surround = ambient * (1 - 0.5 * contact * near)
    shine = direct * 0.85 + surround
    return tuple(c * c * shine for c in flat)
