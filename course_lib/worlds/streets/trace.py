"""Which part of a street a ray meets first: planes, boxes, cylinders and spheres in closed form.

The direction of a ray has camera depth 1, so that the parameter of a point on it *is* the point's depth. The camera
stays on the road: a ray that goes to the right can only meet what stands on the right. Each ray is therefore folded to
the positive side, and only one row of houses, posts and trees is tried.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.kernel import kernel, pointwise
from course_lib.worlds.streets.factors import POSTS, TREES
from course_lib.worlds.streets.grid import BUNDLE
from course_lib.worlds.streets.layout import KERB, LUMPS, Scene
from course_lib.worlds.streets.near import SLOTS, work

_KINDS = 16.0  # kinds of surface that a code has room for
FAR = 250.0  # metres: what is farther is drawn, but counts as sky
MISS = 1e6  # depth of a ray that meets nothing
SKY, ROAD, PAVEMENT, CURB, FRONT, FLANK, POST, TRUNK, LAMP, CROWN, CAR = (float(i) for i in range(11))


class Rays(NamedTuple):
    """Directions in the street frame, height for y, with camera depth 1: `(b, n)` each."""

    dx: Tensor
    dh: Tensor
    dz: Tensor


class Hit(NamedTuple):
    """First point on each ray, `(b, n)` each, float32.

    Attributes:
        depth: Camera depth, metres; where nothing is met, `MISS`.
        code: What is met, see `decode`.
    """

    depth: Tensor
    code: Tensor


@pointwise
def decode(code: Tensor) -> tuple[Tensor, Tensor]:
    """Kind of surface, one of the numbers SKY to CAR, and which one of its kind: a row of its table.

    Of a car it is three times the box of the table, and 0 for a side, 1 for the top, 2 for front or rear. These too
    are float32, which keeps the kernels in one kind of vector.
    """
    row = torch.floor(code * (1 / _KINDS))
    return code - _KINDS * row, row


def first_hit(rays: Rays, box: Tensor, scene: Scene, *, compiled: bool | None) -> Hit:
    """What each ray of one frame a row meets first.

    Args:
        rays: Bundle by bundle, `(b, t * BUNDLE)`.
        box: Smallest and largest u, smallest and largest v of each bundle, `(b, 4, t)`.
        scene: The frames.
        compiled: As for the renderer.
    """
    pieces = work(box, scene, compiled=compiled)
    frame = torch.div(pieces.bundle, box.shape[2], rounding_mode="floor")
    seen_from = torch.cat([scene.camera[:, 9:12], scene.street[:, :1]], 1)
    tensors = [ray.reshape(-1, BUNDLE).index_select(0, pieces.bundle) for ray in rays]
    found = in_chunks(
        lambda *part: trace(*part, compiled=compiled),
        *tensors, seen_from.index_select(0, frame), pieces.things,
        cpu=64, cuda=4096,
    )  # fmt: skip
    # Each bundle has a piece; what further ones bring nearer takes its place.
    depth, code = (values[: box[:, 0].numel()] for values in found)
    for turn in range(1, int(pieces.turn.max()) + 1):
        chosen = (pieces.turn == turn).nonzero()[:, 0]
        place = pieces.bundle[chosen]
        new, old = found[0][chosen], depth[place]
        code[place] = torch.where(new < old, found[1][chosen], code[place])
        depth[place] = torch.minimum(new, old)
    return Hit(depth.reshape(len(box), -1), code.reshape(len(box), -1))


def cast(camera: Tensor, u: Tensor, v: Tensor) -> Rays:
    """Rays through pixels (u, v), `(b, n)` or shapes that broadcast to it."""
    c = camera[:, :, None].unbind(1)
    a, b = (u - c[13]) / c[12], (v - c[14]) / c[12]
    return Rays(
        c[0] * a + c[1] * b + c[2],
        -(c[3] * a + c[4] * b + c[5]),
        c[6] * a + c[7] * b + c[8],
    )


@kernel
def trace(dx, dh, dz, place, things):
    """First hit of each ray: depth and code, `(p, BUNDLE)` each.

    Args:
        dx: Directions of the rays, `(p, BUNDLE)`.
        dh: Likewise.
        dz: Likewise.
        place: Camera's x, height and z, and half the width of the road, `(p, 4)`.
        things: What may be met, `(p, sum(SLOTS), COLUMNS)`; see `near`.
    """
    x, h, z, half = (place[:, i : i + 1] for i in range(4))
    slots = iter(range(things.shape[1]))
    houses, columns, balls, cars = (
        [things[:, next(slots), :, None].unbind(1) for _ in range(count)] for count in SLOTS
    )
    right = dx >= 0
    fold = torch.where(right, x, -x), dx.abs().clamp_min(1e-6)
    ground, ground_kind = _ground(h, dh, *fold, half)
    over_x, over_h, over_z = (1 / torch.where(d.abs() < 1e-6, 1e-6, d) for d in (dx, dh, dz))
    flat = dx * dx + dz * dz
    over_flat, over_length = 1 / flat, 1 / (flat + dh * dh)
    root_flat, root_length = over_flat.sqrt(), over_length.sqrt()
    house, house_row, flank = _nearest([_house(h, z, dh, dz, *fold, dx, over_z, one) for one in houses])
    column, column_row = _nearest([_cylinder(x, h, z, dx, dh, dz, over_flat, root_flat, one) for one in columns])
    ball, ball_row = _nearest([_sphere(x, h, z, dx, dh, dz, over_length, root_length, one) for one in balls])
    car, car_row, axis = _nearest([_car(x, h, z, over_x, over_h, over_z, one) for one in cars])
    depth = torch.minimum(torch.minimum(ground, house), torch.minimum(torch.minimum(column, ball), car))
    code = torch.where(ground <= depth, ground_kind, SKY)
    code = torch.where(house <= depth, torch.where(flank > 0, FLANK, FRONT) + _KINDS * house_row, code)
    is_post, is_lamp = _first_of_side(column_row, POSTS + TREES), _first_of_side(ball_row, POSTS + LUMPS * TREES)
    code = torch.where(column <= depth, torch.where(is_post, POST, TRUNK) + _KINDS * column_row, code)
    code = torch.where(ball <= depth, torch.where(is_lamp, LAMP, CROWN) + _KINDS * ball_row, code)
    code = torch.where(car <= depth, CAR + _KINDS * (3 * car_row + axis), code)
    return depth, torch.where((depth < FAR) | (code == ROAD) | (code == PAVEMENT), code, SKY)


@pointwise
def _first_of_side(row: Tensor, side: int) -> Tensor:
    """Whether a row is among the first `POSTS` of the left or the right side."""
    return torch.where(row < side, row, row - side) < POSTS


@pointwise
def _ground(h: Tensor, dh: Tensor, x: Tensor, dx: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """Road, kerb or pavement: the road if the ray meets it between the kerbs, else what the step leaves."""
    over = 1 / (-dh).clamp_min(1e-6)
    on_road, on_pavement, on_kerb = h * over, (h - KERB) * over, (half - x) / dx
    is_road = (x + on_road * dx).abs() < half
    is_pavement = (x + on_pavement * dx).abs() >= half
    depth = torch.where(is_road, on_road, torch.where(is_pavement, on_pavement, on_kerb))
    kind = torch.where(is_road, ROAD, torch.where(is_pavement, PAVEMENT, CURB))
    return torch.where(dh < -1e-6, depth, MISS), kind


@pointwise
def _nearest(things: list[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Of depths with tags, `(hit, depth, ...)` each, the nearest that is hit."""
    hit, depth, *tags = things[0]
    best = [torch.where(hit, depth, MISS), *(torch.where(hit, tag, 0.0) for tag in tags)]
    for hit, *new in things[1:]:
        nearer = hit & (new[0] <= best[0])
        best = [torch.where(nearer, p, q) for p, q in zip(new, best, strict=True)]
    return tuple(best)


@pointwise
def _house(h, z, dh, dz, x, dx, way, over_z, house):
    """A box without a back. The last result is 1 where a ray meets its flank."""
    front, first, last, top, _, _, side, number = house
    at_front = (front - x) / dx
    to_first, to_last = (first - z) * over_z, (last - z) * over_z
    entry, leave = torch.minimum(to_first, to_last), torch.maximum(to_first, to_last)
    depth = torch.maximum(at_front, entry)
    hit = (depth < leave) & (depth > 0) & (h + depth * dh <= top) & (side * way >= 0)
    return hit, depth, number, torch.where(entry > at_front, 1.0, 0.0)


@pointwise
def _cylinder(x, h, z, dx, dh, dz, over, root, cylinder):
    """Upright; a ray that misses has the root of a negative number, NaN, which no comparison lets through."""
    center, ahead, radius, top, _, _, side, number = cylinder
    to_x, to_z, dx = center - side * x, ahead - z, side * dx
    across = to_x * dz - to_z * dx
    depth = (to_x * dx + to_z * dz) * over - (radius * radius - across * across * over).sqrt() * root
    return (depth > 0) & (h + depth * dh < top) & (dx >= 0), depth, number


@pointwise
def _sphere(x, h, z, dx, dh, dz, over, root, sphere):
    center, height, ahead, radius, _, _, side, number = sphere
    to_x, to_h, to_z, dx = center - side * x, height - h, ahead - z, side * dx
    middle = (to_x * dx + to_h * dh + to_z * dz) * over
    off_x, off_h, off_z = to_x - middle * dx, to_h - middle * dh, to_z - middle * dz
    slack = radius * radius - (off_x * off_x + off_h * off_h + off_z * off_z)
    depth = middle - slack.sqrt() * root
    return (depth > 0) & (dx >= 0), depth, number


@pointwise
def _car(x, h, z, over_x, over_h, over_z, car):
    """A box; the last result is 0 for a side, 1 for the top, 2 for front or rear."""
    x0, x1, h0, h1, z0, z1, _, number = car
    entry_x, leave_x = _slab(x, over_x, x0, x1)
    entry_h, leave_h = _slab(h, over_h, h0, h1)
    entry_z, leave_z = _slab(z, over_z, z0, z1)
    entry = torch.maximum(torch.maximum(entry_x, entry_h), entry_z)
    leave = torch.minimum(torch.minimum(leave_x, leave_h), leave_z)
    face = torch.where(entry_x >= entry, 0.0, torch.where(entry_h >= entry, 1.0, 2.0))
    return (entry < leave) & (entry > 0), entry, number, face


@pointwise
def _slab(start: Tensor, over: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    middle, half = (0.5 * (low + high) - start) * over, 0.5 * (high - low) * over.abs()
    return middle - half, middle + half
