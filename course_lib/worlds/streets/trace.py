"""Which part of a street a ray meets first: planes, boxes, cylinders and spheres in closed form.

The direction of a ray has camera depth 1, so that the parameter of a point on it *is* the point's depth. The camera
stays on the road: a ray that goes to the right can only meet what stands on the right. Each ray is therefore folded to
the positive side, and only one row of houses, posts and trees is tried.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.worlds.kernel import pointwise
from course_lib.worlds.streets.factors import HOUSES, POSTS, SIDES, TREES
from course_lib.worlds.streets.layout import KERB, LUMPS, Scene

FAR = 250.0  # metres: what is farther is drawn, but counts as sky
_MISS = 1e6
SKY, ROAD, PAVEMENT, CURB, FRONT, FLANK, POST, TRUNK, LAMP, CROWN, CAR = (float(i) for i in range(11))


class Rays(NamedTuple):
    """Rays of all pixels: place and direction in the street frame with heights, and its change from pixel to pixel."""

    x: Tensor
    h: Tensor
    z: Tensor
    dx: Tensor
    dh: Tensor
    dz: Tensor
    across: tuple[Tensor, Tensor, Tensor]
    down: tuple[Tensor, Tensor, Tensor]


class Hit(NamedTuple):
    """First point on each ray: depth, kind of surface, and which one.

    All are float32, numbers of things too, which keeps the kernel in one kind of vector.

    Attributes:
        depth: Camera depth, metres; where nothing is met, very large.
        kind: One of the numbers SKY to CAR.
        side: +1 on the right, -1 on the left.
        house: Row of the table of houses.
        cylinder: Row of the table of cylinders.
        sphere: Row of the table of spheres.
        car: Box of the table of cars.
        axis: Of a car's box: 0 for a side, 1 for the top, 2 for front or rear.
    """

    depth: Tensor
    kind: Tensor
    side: Tensor
    house: Tensor
    cylinder: Tensor
    sphere: Tensor
    car: Tensor
    axis: Tensor


@pointwise
def cast(camera: Tensor, u: Tensor, v: Tensor) -> Rays:
    """Rays through pixels (u, v), `(b, s, h, w)` or shapes that broadcast to it."""
    c = entries_of(camera[:, :, None])[0]
    a, b = (u - c[13]) / c[12], (v - c[14]) / c[12]
    return Rays(
        *c[9:12],
        c[0] * a + c[1] * b + c[2],
        -(c[3] * a + c[4] * b + c[5]),
        c[6] * a + c[7] * b + c[8],
        across=(c[0] / c[12], -c[3] / c[12], c[6] / c[12]),
        down=(c[1] / c[12], -c[4] / c[12], c[7] / c[12]),
    )


@pointwise
def trace(rays: Rays, scene: Scene) -> Hit:
    """First hit of each ray."""
    right = rays.dx >= 0
    side = torch.where(right, 1.0, -1.0)
    x, dx = side * rays.x, rays.dx.abs().clamp_min(1e-6)
    ground, ground_kind = _ground(rays, x, dx, scene.street)
    house, house_row, is_front = _houses(rays, x, dx, right, scene.houses)
    cylinder, cylinder_row = _cylinders(rays, x, dx, right, scene.cylinders)
    sphere, sphere_row = _spheres(rays, x, dx, right, scene.spheres)
    car, car_row, axis = _cars(rays, scene.cars)
    depth = torch.minimum(torch.minimum(ground, house), torch.minimum(torch.minimum(cylinder, sphere), car))
    kind = torch.where(ground <= depth, ground_kind, SKY)
    kind = torch.where(house <= depth, torch.where(is_front > 0, FRONT, FLANK), kind)
    kind = torch.where(cylinder <= depth, torch.where(cylinder_row < POSTS, POST, TRUNK), kind)
    kind = torch.where(sphere <= depth, torch.where(sphere_row < POSTS, LAMP, CROWN), kind)
    kind = torch.where(car <= depth, CAR, kind)
    kind = torch.where(depth < FAR, kind, torch.where(kind == ROAD, ROAD, torch.where(kind == PAVEMENT, PAVEMENT, SKY)))
    other = torch.where(right, 1.0, 0.0)
    return Hit(
        depth,
        kind,
        side,
        house_row + other * HOUSES,
        cylinder_row + other * (POSTS + TREES),
        sphere_row + other * (POSTS + LUMPS * TREES),
        car_row,
        axis,
    )


@pointwise
def _ground(rays: Rays, x: Tensor, dx: Tensor, street: Tensor) -> tuple[Tensor, Tensor]:
    """Road, kerb or pavement: the road if the ray meets it between the kerbs, else what the step leaves."""
    half = street[:, 0, None, None, None]
    down = (-rays.dh).clamp_min(1e-6)
    on_road = rays.h / down
    on_pavement = (rays.h - KERB) / down
    on_kerb = (half - x) / dx
    is_road = (x + on_road * dx).abs() < half
    is_pavement = (x + on_pavement * dx).abs() >= half
    depth = torch.where(is_road, on_road, torch.where(is_pavement, on_pavement, on_kerb))
    kind = torch.where(is_road, ROAD, torch.where(is_pavement, PAVEMENT, CURB))
    return torch.where(rays.dh < -1e-6, depth, _MISS), kind


@pointwise
def columns_of(table: Tensor, right: Tensor) -> list[list[Tensor]]:
    """For each thing that stands along a side, its columns in the table, of the side to which each ray goes.

    Parts are tried one after another, not on an axis of their own: written out, all is one loop over the pixels that
    keeps its intermediate values in registers.
    """
    frames, columns = table.shape[:2]
    left, turned = table.permute(2, 1, 0).reshape(SIDES, -1, frames, 1, 1, 1).unbind(0)
    values = [torch.where(right, q, p) for p, q in zip(left.unbind(0), turned.unbind(0), strict=True)]
    return [values[i : i + columns] for i in range(0, len(values), columns)]


@pointwise
def entries_of(table: Tensor) -> list[list[Tensor]]:
    """For each thing in a table that is the same for all rays of a frame, its columns."""
    frames, columns = table.shape[:2]
    values = table.permute(2, 1, 0).reshape(-1, frames, 1, 1, 1).unbind(0)
    return [list(values[i : i + columns]) for i in range(0, len(values), columns)]


@pointwise
def _houses(rays: Rays, x: Tensor, dx: Tensor, right: Tensor, houses: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, row, best_is_front = _nothing(x)
    over_x, over_z = 1 / dx, 1 / torch.where(rays.dz.abs() < 1e-6, 1e-6, rays.dz)
    for number, (front, first, last, top) in enumerate(columns_of(houses[:, :4], right)):
        at_front = (front - x) * over_x
        to_first, to_last = (first - rays.z) * over_z, (last - rays.z) * over_z
        entry, leave = torch.minimum(to_first, to_last), torch.maximum(to_first, to_last)
        depth = torch.maximum(at_front, entry)
        hit = (depth < leave) & (depth > 0) & (rays.h + depth * rays.dh <= top) & (depth < best)
        best_is_front = torch.where(hit, torch.where(at_front >= entry, 1.0, 0.0), best_is_front)
        best, row = torch.where(hit, depth, best), torch.where(hit, float(number), row)
    return best, row, best_is_front


@pointwise
def _cylinders(rays: Rays, x: Tensor, dx: Tensor, right: Tensor, cylinders: Tensor) -> tuple[Tensor, Tensor]:
    best, row, _ = _nothing(x)
    over = 1 / (dx * dx + rays.dz * rays.dz)
    over_length = over.sqrt()
    for number, (center, z, radius, top) in enumerate(columns_of(cylinders, right)):
        to_x, to_z = center - x, z - rays.z
        across = (to_x * rays.dz - to_z * dx) * over_length
        slack = radius * radius - across * across
        depth = (to_x * dx + to_z * rays.dz) * over - slack.clamp_min(0).sqrt() * over_length
        hit = (slack > 0) & (depth > 0) & (rays.h + depth * rays.dh < top) & (depth < best)
        best, row = torch.where(hit, depth, best), torch.where(hit, float(number), row)
    return best, row


@pointwise
def _spheres(rays: Rays, x: Tensor, dx: Tensor, right: Tensor, spheres: Tensor) -> tuple[Tensor, Tensor]:
    best, row, _ = _nothing(x)
    over = 1 / (dx * dx + rays.dh * rays.dh + rays.dz * rays.dz)
    over_length = over.sqrt()
    for number, (center, height, z, radius) in enumerate(columns_of(spheres, right)):
        to_x, to_h, to_z = center - x, height - rays.h, z - rays.z
        middle = (to_x * dx + to_h * rays.dh + to_z * rays.dz) * over
        off_x, off_h, off_z = to_x - middle * dx, to_h - middle * rays.dh, to_z - middle * rays.dz
        slack = radius * radius - (off_x * off_x + off_h * off_h + off_z * off_z)
        depth = middle - slack.clamp_min(0).sqrt() * over_length
        hit = (slack > 0) & (depth > 0) & (depth < best)
        best, row = torch.where(hit, depth, best), torch.where(hit, float(number), row)
    return best, row


@pointwise
def _cars(rays: Rays, cars: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    best, row, axis = _nothing(rays.dx)
    over_x, over_h, over_z = (1 / torch.where(d.abs() < 1e-6, 1e-6, d) for d in (rays.dx, rays.dh, rays.dz))
    for number, (x0, x1, h0, h1, z0, z1) in enumerate(entries_of(cars)):
        entry_x, leave_x = _slab(rays.x, over_x, x0, x1)
        entry_h, leave_h = _slab(rays.h, over_h, h0, h1)
        entry_z, leave_z = _slab(rays.z, over_z, z0, z1)
        entry = torch.maximum(torch.maximum(entry_x, entry_h), entry_z)
        leave = torch.minimum(torch.minimum(leave_x, leave_h), leave_z)
        hit = (entry < leave) & (entry > 0) & (entry < best)
        face = torch.where(entry_x >= entry, 0.0, torch.where(entry_h >= entry, 1.0, 2.0))
        best, row = torch.where(hit, entry, best), torch.where(hit, float(number), row)
        axis = torch.where(hit, face, axis)
    return best, row, axis


@pointwise
def _nothing(like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return torch.full_like(like, _MISS), torch.zeros_like(like), torch.zeros_like(like)


@pointwise
def _slab(start: Tensor, over_step: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    first, second = (low - start) * over_step, (high - start) * over_step
    return torch.minimum(first, second), torch.maximum(first, second)
