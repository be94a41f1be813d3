"""Colours of a street's surfaces: patterns of closed form, each averaged over the footprint of the pixel.

A pattern is blurred exactly as much as a pixel covers of it: stripes and windows by the integral of a pulse, waves by
the factor with which a blur damps each. So nothing flickers or aliases far away, and a picture can be warped into the
next one.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.worlds.kernel import pointwise
from course_lib.worlds.streets.factors import WAVES
from course_lib.worlds.streets.layout import CAR_LENGTH, CAR_WAIST

SHOP = 3.5  # height of the ground floor, metres
_GOLDEN = math.pi * (3 - math.sqrt(5))
_WAVELENGTHS = [0.16 * 1.52**i for i in range(WAVES)]  # 0.16 to 7 m
_DIRECTIONS = [0.4 + _GOLDEN * i for i in range(WAVES)]
_AMPLITUDES = [0.19 * min(1, (length / 0.5) ** 0.3) for length in _WAVELENGTHS]


class Spot(NamedTuple):
    """A point of a plane: its two coordinates and how much of each a pixel covers, metres."""

    a: Tensor
    b: Tensor
    wide: Tensor
    high: Tensor


@pointwise
def mix(first: tuple, second: tuple, share: Tensor) -> tuple:
    """Colours between two, channel by channel."""
    return tuple(p + share * (q - p) for p, q in zip(first, second, strict=True))


@pointwise
def unit(x: Tensor) -> Tensor:
    """As a clamp to [0, 1], to within a rounding, in fewer instructions: those of a clamp also look for NaN."""
    return 1 - torch.relu(1 - torch.relu(x))


@pointwise
def edge(x: Tensor, blur: Tensor) -> Tensor:
    """0 for negative x, 1 for positive, a ramp as wide as `blur` between."""
    return unit(x / blur + 0.5)


@pointwise
def stripe(x: Tensor, width: Tensor | float, blur: Tensor) -> Tensor:
    """1 within half a width of 0, averaged over `blur`."""
    return (_ramp(x + width / 2, blur) - _ramp(x - width / 2, blur)) / blur


@pointwise
def _ramp(x: Tensor, blur: Tensor) -> Tensor:
    return torch.relu(x + blur / 2) - torch.relu(x - blur / 2)


@pointwise
def pulses(x: Tensor, share: Tensor | float, blur: Tensor) -> Tensor:
    """Pulses of period 1, one in the middle of each, 1 on `share` of it; averaged over `blur`."""
    blur = blur.clamp_min(0.02)
    return (_integral(x + blur / 2, share) - _integral(x - blur / 2, share)) / blur


@pointwise
def _integral(x: Tensor, share: Tensor | float) -> Tensor:
    whole = torch.floor(x)
    return whole * share + torch.minimum(torch.relu(x - whole - (1 - share) / 2), share + 0 * x)


@pointwise
def grain(spot: Spot, phases: Tensor) -> Tensor:
    """A sum of waves of many lengths and directions, about -1 to 1, damped where a pixel covers their length."""
    total = 0.0 * spot.a
    phase = phases.T[..., None].unbind(0)
    for i in range(WAVES):
        k = 2 * math.pi / _WAVELENGTHS[i]
        ka, kb = k * math.cos(_DIRECTIONS[i]), k * math.sin(_DIRECTIONS[i])
        blur = 0.16 * ((ka * spot.wide) ** 2 + (kb * spot.high) ** 2)
        wave = torch.sin(ka * spot.a + kb * spot.b + phase[i])
        total = total + _AMPLITUDES[i] * wave / (1 + blur + 0.5 * blur * blur)
    return total


@pointwise
def road(spot: Spot, half: Tensor, asphalt: tuple, noise: Tensor) -> tuple:
    """Asphalt with a dashed line in the middle, a line along each kerb, and a patch here and there."""
    paint = stripe(spot.a, 0.16, spot.wide) * pulses(spot.b / 6, 0.5, spot.high / 6)
    paint = paint + stripe(spot.a.abs() - (half - 0.45), 0.12, spot.wide)
    worn = 0.82 + 0.12 * noise
    colour = tuple(c * (1 + 0.26 * noise) for c in asphalt)
    return mix(colour, (0.9, 0.9, 0.87), unit(paint * worn))


@pointwise
def pavement(spot: Spot, half: Tensor, slabs: tuple, noise: Tensor) -> tuple:
    """Square slabs with joints; a border of stone at the kerb."""
    joints = pulses(spot.a / 0.8, 0.93, spot.wide / 0.8) * pulses(spot.b / 0.8, 0.93, spot.high / 0.8)
    border = stripe(spot.a.abs() - half, 0.5, spot.wide)
    shade = (0.72 + 0.28 * joints) * (1 + 0.2 * noise)
    return mix(tuple(c * shade for c in slabs), tuple(0.9 * c + 0.12 for c in slabs), unit(border))


@pointwise
def curb(spot: Spot, slabs: tuple, noise: Tensor) -> tuple:
    """The step, of stones 1 m long."""
    joints = pulses(spot.a, 0.96, spot.wide)
    shade = (0.8 + 0.2 * joints) * (0.9 + 0.12 * noise)
    return tuple((0.85 * c + 0.1) * shade for c in slabs)


@pointwise
def facade(spot: Spot, house: list[Tensor], row: Tensor, glass: tuple, noise: Tensor, is_front: Tensor) -> tuple:
    """A wall with courses of stone, rows of windows with frames, a shop below and a cornice above; flanks have few.

    `house` holds first z, top, window spacing, floor height, share of glass, red, green, blue, and of the shop's sign
    red, green, blue and whether there is one.
    """
    start, top, spacing, floor, share, *wall, red, green, blue, has_sign = house
    shade = 1 + 0.14 * noise
    courses = 0.93 + 0.07 * pulses(spot.b / 0.42, 0.82, spot.high / 0.42)
    wall = tuple(c * shade * courses for c in wall)
    along, up = (spot.a - start) / spacing, (spot.b - SHOP) / floor
    wide, high = spot.wide / spacing, spot.high / floor
    upstairs = edge(spot.b - SHOP, spot.high) * edge(top - 0.9 - spot.b, spot.high)
    frame = upstairs * pulses(along, share + 0.12, wide) * pulses(up, 0.66, high)
    pane = upstairs * pulses(along, share, wide) * pulses(up, 0.58, high)
    bars = stripe(along - torch.floor(along) - 0.5, 0.05, wide.clamp_min(0.02))
    # Each window a little brighter or darker; a sine of its numbers tells them apart on every machine alike.
    number = torch.sin(2.3 * torch.floor(along) + 3.7 * torch.floor(up) + 1.9 * row)
    lit = 0.5 + 0.5 * number / (1 + 4 * (wide * wide + high * high))
    window = mix((0.1, 0.13, 0.18), glass, 0.12 + 0.6 * lit)
    shut = is_front.to(noise.dtype)
    colour = mix(wall, tuple(0.35 * c + 0.6 for c in wall), unit(frame * shut))
    colour = mix(colour, window, unit(pane * (1 - 0.7 * bars) * shut))
    ground = edge(SHOP - 0.7 - spot.b, spot.high) * edge(spot.b - 0.5, spot.high) * shut
    door = ground * pulses(along / 2 + 0.25, 0.72, wide / 2)
    colour = mix(colour, mix((0.13, 0.14, 0.16), glass, 0.3 + 0.25 * number), unit(door))
    sign = stripe(spot.b - (SHOP - 0.3), 0.55, spot.high) * shut
    colour = mix(colour, (red, green, blue), unit(0.8 * sign * has_sign))
    cornice = edge(spot.b - (top - 0.6), spot.high)
    return mix(colour, tuple(0.5 * c + 0.42 for c in wall), cornice)


@pointwise
def foliage(colour: tuple, noise: Tensor, height: Tensor) -> tuple:
    """Leaves: lighter above, mottled."""
    shade = (0.8 + 0.55 * noise + 0.25 * height).clamp(0.25, 1.7)
    return tuple(c * shade for c in colour)


@pointwise
def car(x: Tensor, h: Tensor, z: Tensor, axis: Tensor, cabin: Tensor, box: list[Tensor], paint: list, blur: Tensor):
    """Paint, glass, wheels and lamps by the place on the car.

    `box` holds x from and to and the rear z of the body. `paint` holds red, green, blue and the way ahead in a step.
    """
    left, right, rear = box
    *body, way = paint
    ahead, across = z - rear, (x - (left + right) / 2).abs()
    is_side, is_end = (axis == 0).to(h.dtype), (axis == 2).to(h.dtype)
    glass = (0.14, 0.17, 0.21)
    middle = (left + right) / 2
    window = edge(h - CAR_WAIST - 0.06, blur) * edge(1.36 - h, blur)
    pillars = 1 - stripe(ahead - CAR_LENGTH / 2, 0.12, blur)
    ends = edge(0.66 - (x - middle).abs(), blur)
    window = window * (is_side * pillars + is_end * ends) * cabin
    colour = mix(tuple(body), glass, unit(window))
    wheel_1 = ((ahead - 0.85).square() + (h - 0.31).square()).sqrt()
    wheel_2 = ((ahead - CAR_LENGTH + 0.85).square() + (h - 0.31).square()).sqrt()
    wheel = torch.minimum(wheel_1, wheel_2)
    below = edge(0.24 - h, blur)
    low = 1 - cabin
    colour = mix(colour, (0.06, 0.06, 0.07), unit(below * low))
    colour = mix(colour, (0.09, 0.09, 0.1), edge(0.31 - wheel, blur) * is_side * low)
    colour = mix(colour, (0.6, 0.6, 0.62), edge(0.16 - wheel, blur) * is_side * low)
    lamps = stripe(across - 0.66, 0.3, blur) * stripe(h - 0.66, 0.16, blur) * is_end * low
    coming = (way < 0).to(h.dtype)
    lamp = tuple(p + coming * (q - p) for p, q in zip((0.75, 0.05, 0.04), (0.98, 0.96, 0.85), strict=True))
    colour = mix(colour, lamp, unit(lamps))
    plate = stripe(across, 0.5, blur) * stripe(h - 0.45, 0.13, blur) * is_end * low
    return mix(colour, (0.9, 0.9, 0.86), unit(plate))
