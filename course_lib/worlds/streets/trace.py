"""Which part of a street a ray meets first: planes, boxes, cylinders and spheres in closed form.

The direction of a ray has camera depth 1, so that the parameter of a point on it *is* the point's depth. The camera
stays on the road: a ray that goes to the right can only meet what stands on the right. Each ray is therefore folded to
the positive side, and only one row of houses, posts and trees is tried.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.worlds.kernel import kernel, pointwise
from course_lib.worlds.streets.factors import HOUSES, POSTS, SIDES, TREES
from course_lib.worlds.streets.layout import KERB, LUMPS, Scene

FAR = 250.0  # metres: what is farther is drawn, but counts as sky
MISS = 1e6  # depth of a ray that meets nothing
SKY, ROAD, PAVEMENT, CURB, FRONT, FLANK, POST, TRUNK, LAMP, CROWN, CAR = (float(i) for i in range(11))


class Rays(NamedTuple):
    """Directions in the street frame, height for y, with camera depth 1: `(b, n)` each."""

    dx: Tensor
    dh: Tensor
    dz: Tensor


class Hit(NamedTuple):
    """First point on each ray: depth, kind of surface, and which one, `(b, n)` each.

    All are float32, numbers of things too, which keeps the kernels in one kind of vector.

    Attributes:
        depth: Camera depth, metres; where nothing is met, `MISS`.
        kind: One of the numbers SKY to CAR.
        house: Row of the table of houses.
        cylinder: Row of the table of cylinders.
        sphere: Row of the table of spheres.
        car: Box of the table of cars.
        axis: Of a car's box: 0 for a side, 1 for the top, 2 for front or rear.
    """

    depth: Tensor
    kind: Tensor
    house: Tensor
    cylinder: Tensor
    sphere: Tensor
    car: Tensor
    axis: Tensor


def grid(camera: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Pixel centres (u, v) of a frame with one more row and column, `(1, n)` each.

    The corners of the pixels are as many: all rays come in sets of one size, for which kernels are compiled once.
    """
    v, u = torch.meshgrid(
        torch.arange(height + 1, device=camera.device, dtype=camera.dtype),
        torch.arange(width + 1, device=camera.device, dtype=camera.dtype),
        indexing="ij",
    )
    return u.reshape(1, -1), v.reshape(1, -1)


def crop(values: Tensor, height: int, width: int) -> Tensor:
    """The frame, `(b, 1, h, w)`, of values on such a grid."""
    return values.unflatten(-1, (height + 1, width + 1))[:, None, :-1, :-1]


def first_hit(rays: Rays, scene: Scene, *, compiled: bool | None) -> Hit:
    """What each ray of one frame a row meets first."""
    tables = scene.camera, scene.street, scene.houses, scene.cylinders, scene.spheres, scene.cars
    return Hit(*trace(*rays, *tables, compiled=compiled))


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
def trace(dx, dh, dz, camera, street, houses, cylinders, spheres, cars):
    """First hit of each ray, as the fields of a `Hit`; rays `(b, n)`, tables as in a `Scene`.

    The rays come in as stored numbers and the parts lie on an axis before theirs: so written, each kind of part is one
    compiled loop over pixels that keeps its intermediate values in registers.
    """
    x, h, z = camera[:, 9:10], camera[:, 10:11], camera[:, 11:12]
    right = dx >= 0
    fold = torch.where(right, x, -x), dx.abs().clamp_min(1e-6)
    ground, ground_kind = _ground(h, dh, *fold, street[:, :1])
    house, house_row, flank = _houses(h, z, dh, dz, *fold, _of_side(houses[:, :4], right))
    column, column_row = _cylinders(h, z, dh, dz, *fold, _of_side(cylinders, right))
    ball, ball_row = _spheres(h, z, dh, dz, *fold, _of_side(spheres, right))
    car, car_row, axis = _cars(x, h, z, dx, dh, dz, cars)
    depth = torch.minimum(torch.minimum(ground, house), torch.minimum(torch.minimum(column, ball), car))
    kind = torch.where(ground <= depth, ground_kind, SKY)
    kind = torch.where(house <= depth, torch.where(flank > 0, FLANK, FRONT), kind)
    kind = torch.where(column <= depth, torch.where(column_row < POSTS, POST, TRUNK), kind)
    kind = torch.where(ball <= depth, torch.where(ball_row < POSTS, LAMP, CROWN), kind)
    kind = torch.where(car <= depth, CAR, kind)
    kind = torch.where((depth < FAR) | (kind == ROAD) | (kind == PAVEMENT), kind, SKY)
    other = torch.where(right, 1.0, 0.0)
    return (
        depth,
        kind,
        house_row + other * HOUSES,
        column_row + other * (POSTS + TREES),
        ball_row + other * (POSTS + LUMPS * TREES),
        car_row,
        axis,
    )


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
def _of_side(table: Tensor, right: Tensor) -> list[Tensor]:
    """Columns of a table for the side to which each ray goes: `(b, things, n)` each."""
    table = table.reshape(*table.shape[:2], SIDES, -1, 1)
    return [torch.where(right[:, None], table[:, i, 1], table[:, i, 0]) for i in range(table.shape[1])]


@pointwise
def _nearest(depth: Tensor, tag: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Smallest depth over the things, and the tag of that thing: its number unless told otherwise."""
    nearest = depth.amin(1)
    tag = _numbers(depth) if tag is None else tag
    return nearest, torch.where(depth <= nearest[:, None], tag, 0.0).amax(1)


@pointwise
def _numbers(depth: Tensor) -> Tensor:
    return torch.arange(depth.shape[1], dtype=depth.dtype, device=depth.device)[None, :, None]


@pointwise
def _houses(h, z, dh, dz, x, dx, columns):
    """Each house is a box without a back. A third result is 1 where a ray meets its flank."""
    front, first, last, top = columns
    over_z = (1 / torch.where(dz.abs() < 1e-6, 1e-6, dz))[:, None]
    at_front = (front - x[:, None]) / dx[:, None]
    to_first, to_last = (first - z[:, None]) * over_z, (last - z[:, None]) * over_z
    entry, leave = torch.minimum(to_first, to_last), torch.maximum(to_first, to_last)
    depth = torch.maximum(at_front, entry)
    hit = (depth < leave) & (depth > 0) & (h[:, None] + depth * dh[:, None] <= top)
    tag = 2 * _numbers(depth) + torch.where(entry > at_front, 1.0, 0.0)
    nearest, tag = _nearest(torch.where(hit, depth, MISS), tag)
    number = torch.floor(tag / 2)
    return nearest, number, tag - 2 * number


@pointwise
def _cylinders(h, z, dh, dz, x, dx, columns):
    """Upright; a ray that misses has the root of a negative number, NaN, which no comparison lets through."""
    center, ahead, radius, top = columns
    dx, dh, dz = dx[:, None], dh[:, None], dz[:, None]
    over = 1 / (dx * dx + dz * dz)
    to_x, to_z = center - x[:, None], ahead - z[:, None]
    across = to_x * dz - to_z * dx
    depth = (to_x * dx + to_z * dz) * over - (radius * radius - across * across * over).sqrt() * over.sqrt()
    return _nearest(torch.where((depth > 0) & (h[:, None] + depth * dh < top), depth, MISS))


@pointwise
def _spheres(h, z, dh, dz, x, dx, columns):
    center, height, ahead, radius = columns
    dx, dh, dz = dx[:, None], dh[:, None], dz[:, None]
    over = 1 / (dx * dx + dh * dh + dz * dz)
    to_x, to_h, to_z = center - x[:, None], height - h[:, None], ahead - z[:, None]
    middle = (to_x * dx + to_h * dh + to_z * dz) * over
    off_x, off_h, off_z = to_x - middle * dx, to_h - middle * dh, to_z - middle * dz
    slack = radius * radius - (off_x * off_x + off_h * off_h + off_z * off_z)
    depth = middle - slack.sqrt() * over.sqrt()
    return _nearest(torch.where(depth > 0, depth, MISS))


@pointwise
def _cars(x, h, z, dx, dh, dz, cars):
    """Boxes; a third result is 0 for a side, 1 for the top, 2 for front or rear."""
    x0, x1, h0, h1, z0, z1 = cars[..., None].unbind(1)
    entry_x, leave_x = _slab(x, dx, x0, x1)
    entry_h, leave_h = _slab(h, dh, h0, h1)
    entry_z, leave_z = _slab(z, dz, z0, z1)
    entry = torch.maximum(torch.maximum(entry_x, entry_h), entry_z)
    leave = torch.minimum(torch.minimum(leave_x, leave_h), leave_z)
    depth = torch.where((entry < leave) & (entry > 0), entry, MISS)
    face = torch.where(entry_x >= entry, 0.0, torch.where(entry_h >= entry, 1.0, 2.0))
    nearest, tag = _nearest(depth, 3 * _numbers(depth) + face)
    number = torch.floor((tag + 0.5) / 3)
    return nearest, number, tag - 3 * number


@pointwise
def _slab(start: Tensor, step: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    over = (1 / torch.where(step.abs() < 1e-6, 1e-6, step))[:, None]
    middle, half = (0.5 * (low + high) - start[:, None]) * over, 0.5 * (high - low) * over.abs()
    return middle - half, middle + half
