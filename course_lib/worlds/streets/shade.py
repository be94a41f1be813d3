"""Light: from what a ray meets to the colour of its pixel.

Surfaces are matt and the sun far away, so that a point looks the same from everywhere; only the haze, which grows with
the distance, changes a little as the camera comes nearer.
"""

import torch
from torch import Tensor

from course_lib.worlds.kernel import pointwise
from course_lib.worlds.streets import surface
from course_lib.worlds.streets.factors import CARS
from course_lib.worlds.streets.layout import Scene
from course_lib.worlds.streets.surface import Spot, edge, mix
from course_lib.worlds.streets.trace import (
    CAR,
    CROWN,
    CURB,
    FLANK,
    FRONT,
    LAMP,
    PAVEMENT,
    POST,
    ROAD,
    SKY,
    TRUNK,
    Hit,
    Rays,
    entries_of,
)


@pointwise
def colour_of(rays: Rays, hit: Hit, scene: Scene) -> tuple[Tensor, Tensor, Tensor]:
    """Red, green and blue of each ray, in [0, 1]."""
    depth, kind = hit.depth.clamp_max(600.0), hit.kind
    x, h, z = rays.x + depth * rays.dx, rays.h + depth * rays.dh, rays.z + depth * rays.dz
    half, _, roughness, cloud, sunshine, haze, *sun = entries_of(scene.street[:, :, None])[0]
    asphalt, slabs, leaves, zenith, horizon = entries_of(scene.colours.mT)
    normal = _normal(rays, hit, scene, x, h, z)
    spot, blur = _spot(rays, hit, depth, normal, x, h, z)
    noise = roughness * surface.grain(spot, scene.phases)
    house = [pick(scene.houses[:, i], hit.house) for i in (1, 3, 4, 5, 6, 7, 8, 9)]
    house[0] = torch.where(kind == FRONT, house[0], 0.0)
    is_front = kind == FRONT
    colour = surface.road(spot, half, asphalt, noise)
    colour = _choose(kind == PAVEMENT, surface.pavement(spot, half, slabs, noise), colour)
    colour = _choose(kind == CURB, surface.curb(spot, slabs, noise), colour)
    wall = surface.facade(spot, house, hit.house, horizon, noise, is_front)
    colour = _choose(is_front | (kind == FLANK), wall, colour)
    bark = 1 + 0.35 * noise
    colour = _choose(kind == TRUNK, tuple(c * bark for c in (0.36, 0.28, 0.22)), colour)
    colour = _choose(kind == POST, (0.25, 0.28, 0.3), colour)
    colour = _choose(kind == LAMP, (0.95, 0.92, 0.82), colour)
    colour = _choose(kind == CROWN, surface.foliage(leaves, noise, normal[1]), colour)
    colour = _choose(kind == CAR, _car(hit, scene, x, h, z, blur), colour)
    shadow = _shadow(scene, hit, x, h, z, sun, blur)
    facing = (normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2]).clamp_min(0)
    sky_light = 0.62 + 0.2 * normal[1] + 0.1 * (1 - sunshine)
    light = sky_light * _corners(scene, kind, x, h, z) + 0.75 * sunshine * facing * (1 - shadow)
    warm = (1.04, 1.0, 0.94)
    lit = tuple(c * light * (1 + sunshine * (w - 1)) for c, w in zip(colour, warm, strict=True))
    lit = _choose(kind == LAMP, colour, lit)
    lost = 1 - torch.exp(-0.01 * haze * depth)
    lit = mix(lit, horizon, lost)
    far = _choose(kind == SKY, sky(rays, scene, cloud, sun, zenith, horizon, leaves, sunshine), lit)
    return tuple(c.clamp(0, 1) for c in far)


@pointwise
def sky(
    rays: Rays, scene: Scene, cloud: Tensor, sun: list, zenith: tuple, horizon: tuple, hills: tuple, sunshine: Tensor
):
    """Gradient, clouds, a glow round the sun and hills at the horizon: a function of the direction alone."""
    length = (rays.dx * rays.dx + rays.dh * rays.dh + rays.dz * rays.dz).sqrt()
    rise = rays.dh / length
    blur = (rays.across[0] ** 2 + rays.across[2] ** 2 + rays.down[1] ** 2).sqrt() / length
    up = rise.clamp_min(0)
    colour = mix(horizon, zenith, 1 - torch.exp(-3.2 * up))
    over = 1 / (up + 0.12)
    a, b = 14 * rays.dx / length * over, 14 * rays.dz / length * over
    spread = 14 * blur * over * (1 + over * 0.3)
    puffs = surface.grain(Spot(0.45 * a, 0.45 * b, 0.45 * spread, 0.45 * spread), scene.phases)
    cover = ((puffs + 1.6 * cloud - 0.75) * 0.9).clamp(0, 1)
    cover = cover * cover * (3 - 2 * cover) * (up * 7).clamp(0, 1)
    colour = mix(colour, tuple(0.35 * c + 0.63 for c in horizon), 0.85 * cover)
    toward = (rays.dx * sun[0] + rays.dh * sun[1] + rays.dz * sun[2]) / length
    glow = sunshine * torch.exp(-12 * (1 - toward))
    colour = mix(colour, (1.0, 0.97, 0.88), 0.6 * glow)
    turn = rays.dx / length
    ridge = (
        0.035
        + 0.012 * torch.sin(9 * turn + scene.phases[:, 0, None, None, None])
        + 0.008 * torch.sin(23 * turn + scene.phases[:, 1, None, None, None])
    )
    hill = mix(tuple(0.6 * c for c in hills), horizon, 0.62 + 0 * ridge)
    return mix(colour, hill, edge(ridge - rise, blur))


@pointwise
def _normal(rays: Rays, hit: Hit, scene: Scene, x: Tensor, h: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    kind, zero = hit.kind, 0.0 * x
    toward_x, toward_z = torch.where(rays.dx > 0, -1.0, 1.0), torch.where(rays.dz > 0, -1.0, 1.0)
    is_x = (kind == FRONT) | (kind == CURB) | ((kind == CAR) & (hit.axis == 0))
    is_z = (kind == FLANK) | ((kind == CAR) & (hit.axis == 2))
    nx, nz = torch.where(is_x, toward_x, zero), torch.where(is_z, toward_z, zero)
    nh = torch.where(is_x | is_z, 0.0, 1.0)
    column = [pick(scene.cylinders[:, i], hit.cylinder) for i in range(3)]
    is_column = (kind == POST) | (kind == TRUNK)
    radius = column[2].clamp_min(1e-3)
    nx = torch.where(is_column, (x - hit.side * column[0]) / radius, nx)
    nz = torch.where(is_column, (z - column[1]) / radius, nz)
    nh = torch.where(is_column, 0.0, nh)
    ball = [pick(scene.spheres[:, i], hit.sphere) for i in range(4)]
    is_ball = (kind == LAMP) | (kind == CROWN)
    radius = ball[3].clamp_min(1e-3)
    nx = torch.where(is_ball, (x - hit.side * ball[0]) / radius, nx)
    nh = torch.where(is_ball, (h - ball[1]) / radius, nh)
    nz = torch.where(is_ball, (z - ball[2]) / radius, nz)
    return nx, nh, nz


@pointwise
def _spot(rays: Rays, hit: Hit, depth: Tensor, normal: tuple, x: Tensor, h: Tensor, z: Tensor) -> tuple[Spot, Tensor]:
    """Coordinates for the pattern, and what a pixel covers of each: the ray's change, carried along it to the plane."""
    kind = hit.kind
    slope = normal[0] * rays.dx + normal[1] * rays.dh + normal[2] * rays.dz
    slope = torch.where(slope.abs() < 0.02, -0.02, slope)
    covers = []
    for axis, direction in enumerate((rays.dx, rays.dh, rays.dz)):
        size = 0.0
        for step in (rays.across, rays.down):
            sink = (normal[0] * step[0] + normal[1] * step[1] + normal[2] * step[2]) / slope
            size = size + (step[axis] - direction * sink).abs()
        covers.append((depth * size).clamp(1e-3, 50.0))
    is_level = (kind == ROAD) | (kind == PAVEMENT)
    is_round = (kind == POST) | (kind == TRUNK) | (kind == LAMP) | (kind == CROWN)
    along_z = (kind == FRONT) | (kind == CURB)
    a = torch.where(along_z, z, torch.where(is_round, x + 0.8 * z, x))
    b = torch.where(is_level, z, torch.where(is_round, 1.3 * h - 0.9 * x, h))
    wide = torch.where(along_z, covers[2], covers[0])
    high = torch.where(is_level, covers[2], covers[1])
    pixel = depth * (rays.across[0] ** 2 + rays.across[2] ** 2).sqrt()
    wide, high = torch.where(is_round, 1.5 * pixel, wide), torch.where(is_round, 1.5 * pixel, high)
    return Spot(a, b, wide, high), (1.2 * pixel).clamp_min(1e-3)


@pointwise
def _car(hit: Hit, scene: Scene, x: Tensor, h: Tensor, z: Tensor, blur: Tensor) -> tuple:
    cabin = hit.car >= CARS
    which = torch.where(cabin, hit.car - CARS, hit.car)
    box = [pick(scene.cars[:, i, :CARS], which) for i in (0, 1, 4)]
    paint = [pick(scene.paints[:, i], which) for i in range(4)]
    return surface.car(x, h, z, hit.axis, cabin.to(x.dtype), box, paint, blur)


@pointwise
def _shadow(scene: Scene, hit: Hit, x: Tensor, h: Tensor, z: Tensor, sun: list, blur: Tensor) -> Tensor:
    """How much of the sun the houses and trees on its side keep off, 0 to 1, with soft edges."""
    side = torch.where(sun[0] >= 0, 1.0, -1.0)
    flat = sun[0].abs().clamp_min(0.12)
    soft = 1 / (0.25 + blur)
    built = 0.0 * x
    for front, first, last, top in entries_of(scene.sun_houses):
        way = (front - side * x) / flat
        over, at = top - h - way * sun[1], z + way * sun[2]
        cover = _step(over * soft) * _step((at - first) * soft) * _step((last - at) * soft)
        built = torch.maximum(built, torch.where(way > 0.05, cover, 0.0))
    shade = 0.0 * x
    for center, height, ahead, radius in entries_of(scene.sun_crowns):
        to_x, to_h, to_z = side * center - x, height - h, ahead - z
        along = to_x * sun[0] + to_h * sun[1] + to_z * sun[2]
        off = (to_x * to_x + to_h * to_h + to_z * to_z - along * along).clamp_min(0).sqrt()
        shade = torch.maximum(shade, torch.where(along > 0, _step((radius - off) * soft), 0.0))
    return torch.maximum(built, torch.where(hit.kind == CROWN, 0.0, 0.85 * shade))


@pointwise
def _step(x: Tensor) -> Tensor:
    return (x + 0.5).clamp(0, 1)


@pointwise
def _corners(scene: Scene, kind: Tensor, x: Tensor, h: Tensor, z: Tensor) -> Tensor:
    """What the sky does not reach: under cars, and at the foot of houses."""
    dark = 0.0 * x
    above = 8 * h.clamp_min(0)
    for x0, x1, _, _, z0, z1 in entries_of(scene.cars[:, :, :CARS]):
        out_x, out_z = torch.maximum(x0 - x, x - x1).clamp_min(0), torch.maximum(z0 - z, z - z1).clamp_min(0)
        dark = torch.maximum(dark, torch.exp(-6 * (out_x * out_x + out_z * out_z) - above))
    dark = torch.where(kind == CAR, 0.0, 0.75 * dark)
    line = scene.street[:, 1, None, None, None]
    foot = torch.exp(-1.2 * (line - x.abs()).abs() - 1.2 * h.clamp_min(0))
    return (1 - dark) * (1 - 0.3 * foot)


@pointwise
def pick(table: Tensor, row: Tensor) -> Tensor:
    """Entries of a table `(b, things)` at the row of each ray."""
    b, things = table.shape
    start = things * torch.arange(b, device=table.device).reshape(b, 1, 1, 1)
    return table.reshape(-1)[row.long() + start]


@pointwise
def _choose(mask: Tensor, first: tuple, second: tuple) -> tuple:
    return tuple(torch.where(mask, p, q) for p, q in zip(first, second, strict=True))
