"""Light: from what a ray meets to the colour of its pixel.

Surfaces are matt and the sun far away, so that a point looks the same from everywhere; only the haze, which grows with
the distance, changes a little as the camera comes nearer.
"""

import torch
from torch import Tensor

from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.kernel import kernel, pointwise
from course_lib.worlds.streets import surface
from course_lib.worlds.streets.factors import CARS
from course_lib.worlds.streets.grid import BUNDLE
from course_lib.worlds.streets.layout import Scene
from course_lib.worlds.streets.surface import Spot, edge, mix, unit
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
    decode,
)

_HAZY = 600.0  # metres: what is farther is drawn as if it were there


def colour_of(rays: Rays, hit: Hit, scene: Scene, *, compiled: bool | None) -> Tensor:
    """Colour of each ray in [0, 1], `(b, 3, n)`."""

    def few(dx: Tensor, dh: Tensor, dz: Tensor, depth: Tensor, code: Tensor, *tables: Tensor) -> Tensor:
        return _on_things(Rays(dx, dh, dz), Hit(depth, code), Scene(*tables), compiled)

    # On a CPU frame by frame, as what the kernels pass on stays in the cache; the sky of all frames together.
    colour = in_chunks(few, *rays, *hit, *scene, cpu=1, cuda=32)
    return _with_sky(colour, rays, hit, scene, compiled)


def _on_things(rays: Rays, hit: Hit, scene: Scene, compiled: bool | None) -> Tensor:
    """Colour of whatever is no sky. Four kernels in turn: short ones compile in seconds, one long one in minutes."""
    s = scene
    *normal, a, b, wide, high, noise = _place(
        *rays, *hit, s.camera, s.street, s.phases, s.cylinders, s.spheres, compiled=compiled
    )
    light = _light(*rays, *hit, *normal, s.camera, s.street, s.cars, s.sun_houses, s.sun_crowns, compiled=compiled)
    paint = _paint(
        *rays, *hit, normal[1], a, b, wide, high, noise,
        s.camera, s.street, s.colours, s.houses, s.cars, s.paints, compiled=compiled,
    )  # fmt: skip
    return _finish(hit.depth, hit.code, light, paint, s.street, s.colours, compiled=compiled)


def _with_sky(colour: Tensor, rays: Rays, hit: Hit, scene: Scene, compiled: bool | None) -> Tensor:
    """Put the sky into `colour`, where it is seen: clouds are dear, and most bundles of rays end below them."""
    bundles = (hit.code == SKY).unflatten(1, (-1, BUNDLE)).any(2)
    frame, bundle = bundles.nonzero().unbind(1)
    if not len(frame):
        return colour
    place = frame * bundles.shape[1] + bundle
    parts = [values.reshape(-1, BUNDLE).index_select(0, place) for values in (*rays, hit.code)]
    whole = colour.unflatten(2, (-1, BUNDLE))
    tables = (table.index_select(0, frame) for table in (scene.camera, scene.street, scene.colours, scene.phases))
    whole[frame, :, bundle] = in_chunks(
        lambda *part: _sky(*part, compiled=compiled), *parts, whole[frame, :, bundle], *tables, cpu=16, cuda=4096
    )
    return colour


@kernel
def _place(dx, dh, dz, depth, code, camera, street, phases, cylinders, spheres):
    """Normal, coordinates on the surface, what a pixel covers of each, and the grain there."""
    kind, row = decode(code)
    x, h, z = _point(camera, dx, dh, dz, depth)
    normal = _normal(dx, dz, kind, row, cylinders, spheres, x, h, z)
    spot = _spot(camera, dx, dh, dz, depth, kind, normal, x, h, z)
    return *normal, *spot, street[:, 2:3] * surface.grain(spot, phases)


@kernel
def _light(dx, dh, dz, depth, code, nx, nh, nz, camera, street, cars, sun_houses, sun_crowns):
    """Light that falls on each point: from the sky above, and from the sun where nothing keeps it off."""
    kind, _ = decode(code)
    x, h, z = _point(camera, dx, dh, dz, depth)
    sunshine, sun = street[:, 4:5], street[:, 6:9, None].unbind(1)
    shadow = _shadow(sun_houses, sun_crowns, kind, x, h, z, sun, _pixel(camera, depth))
    facing = torch.relu(nx * sun[0] + nh * sun[1] + nz * sun[2])
    from_sky = (0.62 + 0.2 * nh + 0.1 * (1 - sunshine)) * _corners(cars, street[:, 1:2], kind, x, h, z)
    return from_sky + 0.75 * sunshine * facing * (1 - shadow)


@kernel
def _paint(
    dx, dh, dz, depth, code, nh, a, b, wide, high, noise,
    camera, street, colours, houses, cars, paints,
):  # fmt: skip
    """Colour of each surface in plain light, `(b, 3, n)`."""
    kind, row = decode(code)
    house_row = torch.where((kind == FRONT) | (kind == FLANK), row, 0.0)
    face = torch.where(kind == CAR, row, 0.0)
    car_row = torch.floor((face + 0.5) / 3)
    axis = face - 3 * car_row
    x, h, z = _point(camera, dx, dh, dz, depth)
    half = street[:, :1]
    asphalt, slabs, leaves, _, horizon = (entry[..., None].unbind(1) for entry in colours.unbind(1))
    spot = Spot(a, b, wide, high)
    house = [pick(houses[:, i], house_row) for i in (1, 3, *range(4, 14))]
    is_front = kind == FRONT
    house[0] = torch.where(is_front, house[0], 0.0)
    colour = surface.road(spot, half, asphalt, noise)
    colour = _choose(kind == PAVEMENT, surface.pavement(spot, half, slabs, noise), colour)
    colour = _choose(kind == CURB, surface.curb(spot, slabs, noise), colour)
    wall = surface.facade(spot, house, house_row, horizon, noise, is_front)
    colour = _choose(is_front | (kind == FLANK), wall, colour)
    bark = 1 + 0.35 * noise
    colour = _choose(kind == TRUNK, tuple(c * bark for c in (0.36, 0.28, 0.22)), colour)
    colour = _choose(kind == POST, (0.25, 0.28, 0.3), colour)
    colour = _choose(kind == LAMP, (0.95, 0.92, 0.82), colour)
    colour = _choose(kind == CROWN, surface.foliage(leaves, noise, nh), colour)
    cabin = torch.where(car_row >= CARS, 1.0, 0.0)
    which = car_row - CARS * cabin
    box = [of_few(cars[:, i, :CARS], which) for i in (0, 1, 4)]
    paint = [of_few(paints[:, i], which) for i in range(4)]
    body = surface.car(x, h, z, axis, cabin, box, paint, _pixel(camera, depth))
    return torch.stack(_choose(kind == CAR, body, colour), dim=1)


@kernel
def _finish(depth, code, light, paint, street, colours):
    """Light on paint, and haze, `(b, 3, n)`."""
    kind, _ = decode(code)
    horizon = colours[:, 4, :, None].unbind(1)
    sunshine, haze = street[:, 4:5], street[:, 5:6]
    warm = (1.04, 1.0, 0.94)
    lit = tuple(c * light * (1 + sunshine * (w - 1)) for c, w in zip(paint.unbind(1), warm, strict=True))
    lit = _choose(kind == LAMP, paint.unbind(1), lit)
    lit = mix(lit, horizon, 1 - torch.exp(-0.01 * haze * depth.clamp_max(_HAZY)))
    return torch.stack(lit, dim=1).clamp(0, 1)


@kernel
def _sky(dx, dh, dz, code, colour, camera, street, colours, phases):
    """The sky where it is seen, `colour` elsewhere, `(b, 3, n)`."""
    _, _, hills, zenith, horizon = (entry[..., None].unbind(1) for entry in colours.unbind(1))
    cloud, sunshine, _, *sun = street[:, 3:9, None].unbind(1)
    behind = sky(camera, dx, dh, dz, phases, cloud, sun, zenith, horizon, hills, sunshine)
    return torch.where((code == SKY)[:, None], torch.stack(behind, dim=1).clamp(0, 1), colour)


@pointwise
def sky(camera, dx, dh, dz, phases, cloud, sun, zenith, horizon, hills, sunshine):
    """Gradient, clouds, a glow round the sun and hills at the horizon: a function of the direction alone."""
    across, down = _steps(camera)
    length = (dx * dx + dh * dh + dz * dz).sqrt()
    rise = dh / length
    blur = (across[0] ** 2 + across[2] ** 2 + down[1] ** 2).sqrt() / length
    up = torch.relu(rise)
    colour = mix(horizon, zenith, 1 - torch.exp(-3.2 * up))
    over = 1 / (up + 0.12)
    a, b = 14 * dx / length * over, 14 * dz / length * over
    spread = 14 * blur * over * (1 + over * 0.3)
    puffs = surface.grain(Spot(0.45 * a, 0.45 * b, 0.45 * spread, 0.45 * spread), phases)
    cover = unit((puffs + 1.6 * cloud - 0.75) * 0.9)
    cover = cover * cover * (3 - 2 * cover) * unit(up * 7)
    colour = mix(colour, tuple(0.35 * c + 0.63 for c in horizon), 0.85 * cover)
    toward = (dx * sun[0] + dh * sun[1] + dz * sun[2]) / length
    glow = sunshine * torch.exp(-12 * (1 - toward))
    colour = mix(colour, (1.0, 0.97, 0.88), 0.6 * glow)
    turn = dx / length
    ridge = 0.035 + 0.012 * torch.sin(9 * turn + phases[:, :1]) + 0.008 * torch.sin(23 * turn + phases[:, 1:2])
    hill = mix(tuple(0.6 * c for c in hills), horizon, 0.62 + 0 * ridge)
    return mix(colour, hill, edge(ridge - rise, blur))


@pointwise
def _point(camera: Tensor, dx: Tensor, dh: Tensor, dz: Tensor, depth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    depth = depth.clamp_max(_HAZY)
    return camera[:, 9:10] + depth * dx, camera[:, 10:11] + depth * dh, camera[:, 11:12] + depth * dz


@pointwise
def _steps(camera: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Change of a ray's direction from one pixel to the next, to the right and down."""
    c = camera[:, :, None].unbind(1)
    return (c[0] / c[12], -c[3] / c[12], c[6] / c[12]), (c[1] / c[12], -c[4] / c[12], c[7] / c[12])


@pointwise
def _pixel(camera: Tensor, depth: Tensor) -> Tensor:
    """Width of a pixel at a depth, metres, a little enlarged: over it the edges of patterns fade."""
    return 1.2 * depth.clamp_max(_HAZY) / camera[:, 12:13]


@pointwise
def _normal(dx, dz, kind, row, cylinders, spheres, x, h, z):
    zero = 0.0 * x
    axis = row - 3 * torch.floor((row + 0.5) / 3)  # of a car
    side = torch.where(dx >= 0, 1.0, -1.0)
    toward_x, toward_z = torch.where(dx > 0, -1.0, 1.0), torch.where(dz > 0, -1.0, 1.0)
    is_x = (kind == FRONT) | (kind == CURB) | ((kind == CAR) & (axis == 0))
    is_z = (kind == FLANK) | ((kind == CAR) & (axis == 2))
    nx, nz = torch.where(is_x, toward_x, zero), torch.where(is_z, toward_z, zero)
    nh = torch.where(is_x | is_z, 0.0, 1.0)
    # Posts, trunks, lamps and crowns: away from an axis, of a sphere also up from its centre.
    is_column, is_ball = (kind == POST) | (kind == TRUNK), (kind == LAMP) | (kind == CROWN)
    of_columns = cylinders[:, 0], 0.0 * cylinders[:, 0], cylinders[:, 1], cylinders[:, 2]
    both = [torch.cat([column, ball], 1) for column, ball in zip(of_columns, spheres.unbind(1), strict=True)]
    which = torch.where(is_column, row, torch.where(is_ball, row + cylinders.shape[2], 0.0))
    center, height, ahead, radius = (pick(table, which) for table in both)
    over = 1 / radius.clamp_min(1e-3)
    is_round = is_column | is_ball
    nx = torch.where(is_round, (x - side * center) * over, nx)
    nz = torch.where(is_round, (z - ahead) * over, nz)
    nh = torch.where(is_ball, (h - height) * over, torch.where(is_column, 0.0, nh))
    return nx, nh, nz


@pointwise
def _spot(camera, dx, dh, dz, depth, kind, normal, x, h, z):
    """Coordinates for the pattern, and what a pixel covers of each: the ray's change, carried along it to the plane."""
    across, down = _steps(camera)
    depth = depth.clamp_max(_HAZY)
    slope = normal[0] * dx + normal[1] * dh + normal[2] * dz
    slope = torch.where(slope.abs() < 0.02, -0.02, slope)
    covers = []
    for axis, direction in enumerate((dx, dh, dz)):
        size = 0.0
        for step in (across, down):
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
    pixel = 1.25 * _pixel(camera, depth)
    wide, high = torch.where(is_round, pixel, wide), torch.where(is_round, pixel, high)
    return Spot(a, b, wide, high)


@pointwise
def _shadow(houses, crowns, kind, x, h, z, sun, blur):
    """How much of the sun the houses and trees on its side keep off, 0 to 1, with soft edges."""
    side = torch.where(sun[0] >= 0, 1.0, -1.0)
    soft = 1 / (0.25 + blur)
    x, over_sun = side * x, 1 / sun[0].abs().clamp_min(0.12)
    # Thing by thing, so that the compiled loop keeps the largest so far in a register and stores nothing else.
    built = 0.0 * x
    for house in houses.unbind(2):
        front, first, last, top = house[..., None].unbind(1)
        way = (front - x) * over_sun
        over, at = top - h - way * sun[1], z + way * sun[2]
        cover = _step(over * soft) * _step((at - first) * soft) * _step((last - at) * soft)
        built = torch.where((way > 0.05) & (cover > built), cover, built)
    shade = 0.0 * x
    for crown in crowns.unbind(2):
        center, height, ahead, radius = crown[..., None].unbind(1)
        to_x, to_h, to_z = side * (center - x), height - h, ahead - z
        along = to_x * sun[0] + to_h * sun[1] + to_z * sun[2]
        off = torch.relu(to_x * to_x + to_h * to_h + to_z * to_z - along * along).sqrt()
        cover = _step((radius - off) * soft)
        shade = torch.where((along > 0) & (cover > shade), cover, shade)
    return torch.maximum(built, torch.where(kind == CROWN, 0.0, 0.85 * shade))


@pointwise
def _step(x: Tensor) -> Tensor:
    return unit(x + 0.5)


@pointwise
def _corners(cars, line, kind, x, h, z):
    """What the sky does not reach: under cars, and at the foot of houses."""
    nearest = 0.0 * x + 1e6
    for car in cars[:, :, :CARS].unbind(2):
        x0, x1, _, _, z0, z1 = car[..., None].unbind(1)
        out_x = torch.relu(torch.maximum(x0 - x, x - x1))
        out_z = torch.relu(torch.maximum(z0 - z, z - z1))
        nearest = torch.minimum(nearest, out_x * out_x + out_z * out_z)
    dark = torch.exp(-6 * nearest - 8 * torch.relu(h))
    dark = torch.where(kind == CAR, 0.0, 0.75 * dark)
    foot = torch.exp(-1.2 * (line - x.abs()).abs() - 1.2 * torch.relu(h))
    return (1 - dark) * (1 - 0.3 * foot)


@pointwise
def pick(table: Tensor, row: Tensor) -> Tensor:
    """Entries of a table `(b, things)` at the row of each ray, `(b, n)`."""
    frame = torch.arange(len(table), dtype=torch.int32, device=table.device)[:, None]
    return table[frame, row.int()]


@pointwise
def of_few(table: Tensor, row: Tensor) -> Tensor:
    """As `pick`, faster for a table of a few rows."""
    found = table[:, :1] + 0.0 * row
    for i in range(1, table.shape[1]):
        found = torch.where(row == i, table[:, i : i + 1], found)
    return found


@pointwise
def _choose(mask: Tensor, first: tuple, second: tuple) -> tuple:
    return tuple(torch.where(mask, p, q) for p, q in zip(first, second, strict=True))
