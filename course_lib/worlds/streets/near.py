"""Which things may show in which part of a frame: what a bundle of rays cannot meet is not tried.

All is done with intervals. The rays of a bundle have directions in a box, since a direction is linear in the pixel; a
thing is kept unless no direction of the box can reach it, or only behind where each of the rays has met the ground.
Rounding is left some room: a thing too many costs a little time, a thing too few would leave a hole.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.worlds.kernel import kernel, pointwise
from course_lib.worlds.streets.factors import CARS, HOUSES, POSTS, SIDES, TREES
from course_lib.worlds.streets.layout import LUMPS, Scene

COUNTS = (SIDES * HOUSES, SIDES * (POSTS + TREES), SIDES * (POSTS + LUMPS * TREES), 2 * CARS)
SLOTS = (4, 3, 4, 2)  # houses, cylinders, spheres and cars in a piece of work
COLUMNS = 8  # numbers of a thing: those of its table (up to 6), its side, and its row in the table
_FAR = 1e9


class Work(NamedTuple):
    """Pieces of work, each a bundle of rays and up to `SLOTS` things of each kind.

    Attributes:
        bundle: Bundle of each piece, counted through all frames: first each bundle once, then those that have more
            things than a piece holds again.
        turn: How often a bundle was there before.
        things: Their numbers, `(p, sum(SLOTS), COLUMNS)`.
    """

    bundle: Tensor
    turn: Tensor
    things: Tensor


def work(box: Tensor, scene: Scene, *, compiled: bool | None) -> Work:
    """Cut the tracing of frames into pieces.

    Args:
        box: Smallest and largest u and smallest and largest v of each bundle of rays, `(b, 4, t)`.
        scene: One row for each frame.
        compiled: As for the renderer.
    """
    near = near_tiles(
        box, scene.camera, scene.houses, scene.cylinders, scene.spheres, scene.cars, compiled=compiled
    ).transpose(1, 2)
    frames, bundles, things = near.shape
    count, device = frames * bundles, box.device
    kinds = torch.arange(len(COUNTS), device=device)
    kind_of = kinds.repeat_interleave(torch.tensor(COUNTS, device=device))
    slots = torch.tensor(SLOTS, device=device)
    first_slot = slots.cumsum(0) - slots
    bundle, thing = near.reshape(-1, things).nonzero().unbind(1)
    kind = kind_of[thing]
    group = bundle * len(COUNTS) + kind
    counts = torch.bincount(group, minlength=count * len(COUNTS))
    rank = torch.arange(len(bundle), device=device) - (counts.cumsum(0) - counts)[group]
    turn = torch.div(rank, slots[kind], rounding_mode="floor")
    more = torch.div(counts.unflatten(0, (-1, len(COUNTS))) - 1, slots, rounding_mode="floor").amax(1).clamp_min(0)
    again = torch.arange(count, device=device).repeat_interleave(more)
    first_again = count + more.cumsum(0) - more - 1
    owner = torch.cat([torch.arange(count, device=device), again])
    turns = torch.arange(len(owner), device=device) - first_again[owner]
    turns[:count] = 0
    # What fills up a piece is a thing of the same kind that no ray meets: they come after the others.
    entries = (things + kinds.repeat_interleave(slots)).repeat(len(owner), 1)
    entries[torch.where(turn > 0, first_again[bundle] + turn, bundle), first_slot[kind] + rank - turn * slots[kind]] = (
        thing
    )
    table = _table(scene)
    frame = torch.div(owner, bundles, rounding_mode="floor")
    chosen = (entries + (frame * table.shape[1])[:, None]).flatten()
    return Work(owner, turns, table.flatten(0, 1).index_select(0, chosen).unflatten(0, (-1, sum(SLOTS))))


def _table(scene: Scene) -> Tensor:
    """All things, `(b, things + kinds, COLUMNS)`, and after them one of each kind that no ray meets."""
    blocks = []
    for values, sided in (
        (scene.houses[:, :4], True),
        (scene.cylinders, True),
        (scene.spheres, True),
        (scene.cars, False),
    ):
        rows = values.mT
        number = torch.arange(rows.shape[1], device=rows.device, dtype=rows.dtype)
        side = torch.where(number < rows.shape[1] // SIDES, -1.0, 1.0) if sided else torch.ones_like(number)
        marks = torch.stack([side, number], 1).expand(len(rows), -1, -1)
        space = rows.new_zeros(len(rows), rows.shape[1], COLUMNS - 2 - rows.shape[2])
        blocks.append(torch.cat([rows, space, marks], 2))
    nothing = blocks[0].new_zeros(len(COUNTS), COLUMNS)
    nothing[:, COLUMNS - 2] = 1
    nothing[1, 3] = -1e6  # a cylinder below the ground
    nothing[2, 1] = -1e6  # a ball deep below it
    return torch.cat([*blocks, nothing.expand(len(blocks[0]), -1, -1)], 1)


@kernel
def near_tiles(box, camera, houses, cylinders, spheres, cars):
    """Whether things may be met by bundles, `(b, things, t)`."""
    c = camera[:, :, None, None].unbind(1)
    u, v = _middle(box[:, None, 0], box[:, None, 1]), _middle(box[:, None, 2], box[:, None, 3])
    a, b = ((u[0] - c[13]) / c[12], u[1] / c[12]), ((v[0] - c[14]) / c[12], v[1] / c[12])
    dx, up, dz = (
        (c[i] * a[0] + c[i + 1] * b[0] + c[i + 2], c[i].abs() * a[1] + c[i + 1].abs() * b[1] + 1e-6) for i in (0, 3, 6)
    )
    dh = (-up[0], up[1])
    x, h, z = c[9:12]
    falls = -(dh[0] + dh[1])
    ground = torch.where(falls > 1e-6, 1.001 * h / falls.clamp_min(1e-6), _FAR)
    found = [_houses(x, h, z, dx, dh, dz, ground, houses)]
    found.append(_round(x, h, z, dx, dh, dz, ground, _of_side(cylinders, (0, 1, 2)), (-1.0, cylinders[:, 3, :, None])))
    place = _of_side(spheres, (0, 2, 3))
    high, radius = spheres[:, 1, :, None], spheres[:, 3, :, None]
    found.append(_round(x, h, z, dx, dh, dz, ground, place, (high - radius, high + radius)))
    x0, x1, h0, h1, z0, z1 = cars[..., None].unbind(1)
    radius = 0.5 * torch.sqrt((x1 - x0) * (x1 - x0) + (z1 - z0) * (z1 - z0))
    place = (0.5 * (x0 + x1), 0.5 * (z0 + z1), radius, None)
    found.append(_round(x, h, z, dx, dh, dz, ground, place, (h0, h1)))
    return torch.cat(found, 1)


@pointwise
def _middle(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Middle and half width of an interval."""
    return 0.5 * (low + high), 0.5 * (high - low)


@pointwise
def _side(table: Tensor) -> Tensor:
    number = torch.arange(table.shape[2], dtype=table.dtype, device=table.device)[None, :, None]
    return torch.where(number < table.shape[2] // SIDES, -1.0, 1.0)


@pointwise
def _of_side(table: Tensor, rows: tuple[int, int, int]) -> tuple:
    """Distance from the middle, z and radius `(b, things, 1)`, and the side, of upright things on both sides."""
    return *(table[:, row, :, None] for row in rows), _side(table)


@pointwise
def _houses(x, h, z, dx, dh, dz, ground, houses):
    front, first, last, top = houses[:, :4, :, None].unbind(1)
    side = _side(houses)
    away = side * dx[0] + dx[1]
    ahead, behind = dz[0] + dz[1], dz[0] - dz[1]
    near, far = first - z, last - z
    to_slab = torch.where(
        near > 0,
        near / ahead.clamp_min(1e-6),
        torch.where(far < 0, -far / (-behind).clamp_min(1e-6), 0.0),
    )
    least = 0.999 * torch.maximum((front - side * x) / away.clamp_min(1e-6), to_slab)
    out = torch.where(
        behind > 1e-6,
        far / behind.clamp_min(1e-6),
        torch.where(ahead < -1e-6, near / ahead.clamp_max(-1e-6), _FAR),
    )
    low = h + least * (dh[0] - dh[1]).clamp_min(0)
    return (away >= 0) & (least <= 1.001 * out + 0.01) & (low <= top + 0.01) & (least <= ground)


@pointwise
def _round(x, h, z, dx, dh, dz, ground, place, heights):
    """Things that stand in an upright cylinder between two heights."""
    to_x, to_z, radius, side = place
    if side is not None:
        dx = (side * dx[0], dx[1])
        x = side * x
    to_x, to_z = to_x - x, to_z - z
    longest = torch.sqrt((dx[0].abs() + dx[1]).square() + (dz[0].abs() + dz[1]).square())
    shortest = torch.sqrt((dx[0].abs() - dx[1]).clamp_min(0).square() + (dz[0].abs() - dz[1]).clamp_min(0).square())
    reach = 1.001 * radius * longest + 1e-4
    across = (to_x * dz[0] - to_z * dx[0]).abs() - to_x.abs() * dz[1] - to_z.abs() * dx[1]
    along = to_x * dx[0] + to_z * dz[0] + to_x.abs() * dx[1] + to_z.abs() * dz[1]
    away = torch.sqrt(to_x * to_x + to_z * to_z)
    least = 0.999 * (away - radius).clamp_min(0) / longest
    most = 1.001 * (away + radius) / shortest.clamp_min(1e-6)
    down, up = dh[0] - dh[1], dh[0] + dh[1]
    low, high = torch.minimum(down * least, down * most), torch.maximum(up * least, up * most)
    keep = (across <= reach) & (along + reach >= 0) & (least <= ground) & (radius > 0)
    keep = keep & (h + low <= heights[1] + 0.01) & (h + high >= heights[0] - 0.01)
    return keep if side is None else keep & (dx[0] + dx[1] >= 0)
