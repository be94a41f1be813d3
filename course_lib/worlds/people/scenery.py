"""Floor, wall and sky behind the person: pointwise functions of the ray, called inside the pixel kernel."""

import math

import torch
from torch import Tensor

from course_lib.worlds.kernel import pointwise

Colour = tuple[Tensor, Tensor, Tensor]
_GOLDEN = 2.399963  # radians: successive waves turn by the golden angle, so that none repeats another


@pointwise
def unit(x: Tensor) -> Tensor:
    """As a clamp to [0, 1], to within a rounding, in fewer instructions: those of a clamp also look for NaN."""
    return 1 - torch.relu(1 - torch.relu(x))


@pointwise
def smooth(x: Tensor, low: float, high: float) -> Tensor:
    """0 below `low`, 1 above `high`, a smooth step between."""
    t = unit((x - low) / (high - low))
    return t * t * (3 - 2 * t)


@pointwise
def blend(a: Colour, b: Colour, t: Tensor) -> Colour:
    """Colour a where t is 0, b where it is 1."""
    return tuple(p + (q - p) * t for p, q in zip(a, b, strict=True))


@pointwise
def waves(x: Tensor, y: Tensor, place: tuple[Tensor, Tensor], octaves: int) -> Tensor:
    """Smooth irregular blotches between about -1 and 1, about one a unit."""
    px, py = place
    bend_x = x + 0.3 * torch.sin(1.9 * y + 6.3 * py) + 0.13 * torch.sin(4.7 * y - 3.1 * x)
    bend_y = y + 0.3 * torch.sin(2.3 * x + 6.3 * px) + 0.13 * torch.sin(5.3 * x + 2.9 * y)
    total, weight = 0.0, 0.0
    for i in range(octaves):
        frequency, angle, size = 2.4 * 1.55**i, 0.7 + _GOLDEN * i, 0.8**i
        kx, ky = frequency * math.cos(angle), frequency * math.sin(angle)
        total = total + size * torch.sin(kx * bend_x + ky * bend_y + 6.2832 * (px * (i + 1) + py * (2.3 * i + 1)))
        weight = weight + size
    return total * (1.6 / weight)


@pointwise
def groove(x: Tensor, width: float) -> Tensor:
    """1 in a groove at each whole number, 0 between."""
    return 1 - smooth(torch.abs(x - torch.round(x)), 0.4 * width, width)


@pointwise
def wall(
    kind: Tensor, x: Tensor, y: Tensor, place: tuple[Tensor, Tensor], size: Tensor, a: Colour, b: Colour
) -> Colour:
    """Colour of what stands behind, at x metres to the side and y metres up."""
    studio = blend(a, b, 0.35 * smooth(y, 0.0, 3.2))
    u, v = x / size, y / size
    blotch = waves(1.3 * u, 1.6 * v, place, 4)
    # Two fields of waves multiplied: patches without a direction.
    leaf = 1.5 * waves(4.3 * u, 4.7 * v, (place[1], place[0]), 4) * waves(3.4 * v, 5.9 * u, place, 4)
    leaves = blend(a, b, torch.clamp(0.42 + 0.25 * blotch + 0.4 * leaf, 0, 1))
    light = 0.62 + 0.2 * smooth(leaf, -0.6, 0.6) + 0.35 * smooth(y + 0.4 * blotch, 0.2, 2.6)
    park = tuple(c * light for c in leaves)
    row = torch.floor(v / 0.14)
    shifted = u / 0.42 + 0.5 * (row - 2 * torch.floor(row / 2))
    mortar = torch.maximum(groove(v / 0.14, 0.09), groove(shifted, 0.035))
    tint = 0.5 + 0.5 * torch.sin(2.7 * torch.floor(shifted) + 1.9 * row + 6.3 * place[0])
    bricks = blend(tuple(c * (0.86 + 0.2 * tint) for c in a), b, 0.75 * mortar)
    paper = smooth(torch.sin(2 * math.pi * u / 0.5 + 6.3 * place[0]), -0.35, 0.35)
    panel = smooth(y, 0.86, 0.88)
    room = blend(tuple(0.8 * c for c in b), blend(a, blend(a, b, 0.45 + 0 * u), paper), panel)
    rail = smooth(y, 0.84, 0.86) * (1 - smooth(y, 0.9, 0.92))
    room = blend(room, tuple(0.9 + 0.1 * c for c in a), 0.8 * rail)
    cloud = smooth(waves(0.55 * u, 1.5 * v, place, 4), 0.05, 0.9) * smooth(y, 0.9, 1.5)
    sky = blend(
        blend(tuple(0.55 * c + 0.45 for c in a), a, smooth(y, 0.6, 2.6)), tuple(0.2 * c + 0.8 for c in a), 0.8 * cloud
    )
    far = 0.95 + 0.22 * torch.sin(0.8 * x + 6.3 * place[0]) + 0.12 * torch.sin(2.1 * x + 9.1 * place[1])
    near = 0.62 + 0.16 * torch.sin(1.1 * x + 4.0 * place[1]) + 0.08 * torch.sin(2.9 * x + 7.7 * place[0])
    hills = blend(sky, tuple(0.5 * p + 0.5 * q for p, q in zip(a, b, strict=True)), smooth(far - y, -0.01, 0.01))
    hills = blend(hills, b, smooth(near - y, -0.01, 0.01))
    return pick(kind, studio, park, bricks, room, hills)


@pointwise
def floor(
    kind: Tensor, x: Tensor, z: Tensor, place: tuple[Tensor, Tensor], size: Tensor, a: Colour, b: Colour
) -> Colour:
    """Colour of the ground at x metres to the side and z metres towards the camera."""
    u, v = x / size, z / size
    blotch = waves(1.6 * u, 1.6 * v, place, 4)
    grass = blend(a, b, torch.clamp(0.5 + 0.4 * blotch, 0, 1))
    slab = torch.maximum(groove(u / 0.6, 0.03), groove(v / 0.6, 0.03))
    tint = torch.sin(3.1 * torch.round(u / 0.6 - 0.5) + 5.3 * torch.round(v / 0.6 - 0.5) + 6.3 * place[0])
    tiles = blend(tuple(c * (0.96 + 0.06 * tint) for c in a), b, 0.7 * slab)
    board = torch.floor(u / 0.16)
    grain = torch.sin(2.4 * board + 6.3 * place[1])
    wood = blend(tuple(c * (0.93 + 0.1 * grain) for c in a), b, 0.6 * groove(u / 0.16, 0.05))
    sand = blend(a, b, torch.clamp(0.5 + 0.3 * waves(0.8 * u, 2.2 * v, place, 4), 0, 1))
    return pick(kind, a, grass, tiles, wood, sand)


@pointwise
def pick(kind: Tensor, *colours: Colour) -> Colour:
    """The colour whose place in the list is `kind`."""
    result = colours[0]
    for i, colour in enumerate(colours[1:], 1):
        result = tuple(torch.where(kind == i, new, old) for new, old in zip(colour, result, strict=True))
    return result
