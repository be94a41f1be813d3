"""Which people there are: the laws of the factors in the two domains."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.factors import check_generator, choices, uniform
from course_lib.worlds.people.activities import ACTIVITIES, STYLES
from course_lib.worlds.people.factors import BOTTOM_KINDS, DOMAINS, HAIR_STYLES, SCENES, TOP_PATTERNS, PeopleFactors

# Palettes, sRGB. The studio wears muted colours, the wild domain bright ones.
MUTED = (
    (0.88, 0.87, 0.83),
    (0.20, 0.24, 0.34),
    (0.36, 0.46, 0.58),
    (0.55, 0.26, 0.25),
    (0.33, 0.40, 0.31),
    (0.72, 0.62, 0.46),
    (0.26, 0.26, 0.28),
    (0.60, 0.62, 0.64),
    (0.70, 0.50, 0.44),
    (0.45, 0.55, 0.52),
    (0.80, 0.72, 0.56),
    (0.42, 0.32, 0.42),
)
BRIGHT = (
    (0.93, 0.27, 0.22),
    (0.98, 0.66, 0.13),
    (0.99, 0.86, 0.25),
    (0.20, 0.62, 0.36),
    (0.10, 0.55, 0.70),
    (0.16, 0.33, 0.75),
    (0.52, 0.28, 0.66),
    (0.93, 0.42, 0.58),
    (0.96, 0.95, 0.92),
    (0.12, 0.13, 0.17),
    (0.35, 0.78, 0.74),
    (0.95, 0.50, 0.30),
)
BOTTOMS = (
    (0.17, 0.22, 0.34),
    (0.29, 0.37, 0.50),
    (0.15, 0.15, 0.17),
    (0.62, 0.54, 0.42),
    (0.40, 0.41, 0.43),
    (0.31, 0.33, 0.24),
    (0.40, 0.28, 0.22),
    (0.78, 0.75, 0.68),
)
WILD_BOTTOMS = (*BOTTOMS, (0.70, 0.20, 0.24), (0.12, 0.45, 0.45), (0.85, 0.60, 0.20), (0.36, 0.26, 0.52))
SHOES = (
    (0.12, 0.11, 0.11),
    (0.92, 0.91, 0.89),
    (0.35, 0.24, 0.16),
    (0.45, 0.46, 0.48),
    (0.62, 0.18, 0.17),
    (0.18, 0.26, 0.45),
)
HAIR = (
    (0.09, 0.07, 0.06),
    (0.20, 0.13, 0.09),
    (0.36, 0.23, 0.13),
    (0.58, 0.40, 0.20),
    (0.80, 0.66, 0.40),
    (0.52, 0.22, 0.11),
    (0.66, 0.65, 0.64),
)
# Wall and floor of each scene: pairs of colours to choose from.
STUDIO = ((0.80, 0.80, 0.80), (0.72, 0.75, 0.79), (0.82, 0.78, 0.73), (0.64, 0.68, 0.68), (0.86, 0.85, 0.82))
WALLS = {
    "park": (
        ((0.20, 0.36, 0.17), (0.52, 0.64, 0.30)),
        ((0.15, 0.30, 0.22), (0.40, 0.56, 0.36)),
        ((0.42, 0.30, 0.12), (0.80, 0.62, 0.25)),
    ),
    "street": (
        ((0.58, 0.31, 0.24), (0.76, 0.70, 0.63)),
        ((0.70, 0.66, 0.58), (0.52, 0.49, 0.45)),
        ((0.42, 0.38, 0.38), (0.63, 0.60, 0.58)),
    ),
    "room": (
        ((0.84, 0.80, 0.68), (0.90, 0.87, 0.80)),
        ((0.56, 0.68, 0.70), (0.84, 0.85, 0.80)),
        ((0.75, 0.52, 0.46), (0.88, 0.80, 0.74)),
    ),
    "hills": (
        ((0.45, 0.68, 0.92), (0.28, 0.46, 0.27)),
        ((0.58, 0.74, 0.90), (0.48, 0.48, 0.28)),
        ((0.95, 0.70, 0.50), (0.34, 0.32, 0.44)),
    ),
}
FLOORS = {
    "park": (((0.30, 0.48, 0.20), (0.45, 0.60, 0.28)), ((0.58, 0.50, 0.36), (0.50, 0.42, 0.30))),
    "street": (((0.58, 0.57, 0.56), (0.38, 0.37, 0.37)), ((0.70, 0.66, 0.60), (0.50, 0.46, 0.42))),
    "room": (((0.60, 0.42, 0.26), (0.36, 0.24, 0.15)), ((0.74, 0.60, 0.42), (0.50, 0.38, 0.25))),
    "hills": (((0.84, 0.76, 0.58), (0.74, 0.64, 0.46)), ((0.45, 0.56, 0.30), (0.56, 0.62, 0.36))),
}
STUDIO_ACTIVITIES = ("walking", "sitting", "reaching", "crouching", "turning")
# What people wear for it, where clothes follow the pose: sleeve, leg, whether bright.
CUSTOMS = {
    "walking": (0.22, 0.30, True),
    "running": (0.10, 0.05, True),
    "kicking": (0.25, 0.12, True),
    "dancing": (0.15, 0.60, True),
    "turning": (0.60, 1.00, False),
    "reaching": (0.80, 1.00, False),
    "crouching": (0.95, 1.00, False),
    "sitting": (1.00, 1.00, False),
}


def sample_factors(
    n: int,
    *,
    generator: torch.Generator,
    domain: str = "studio",
    activities: str | Sequence[str] | None = None,
    clothes_follow_pose: float = 0.0,
    cut_off: float = 0.0,
) -> PeopleFactors:
    """Draw people.

    Args:
        n: How many.
        generator: Source of the numbers; the factors are on its device.
        domain: "studio": plain wall and floor, muted clothes, five activities, a level camera; "wild": parks, streets,
            rooms and hills, bright clothes, more activities, other views.
        activities: Which ones, a name or several from `ACTIVITIES`, equally often; by default those of the domain.
        clothes_follow_pose: Chance that a person wears what is usual for the activity (`CUSTOMS`: who walks or runs
            wears short sleeves and bright colours, who sits long ones) instead of clothes drawn apart from the pose.
        cut_off: Chance that the picture shows a part of the person only.

    Raises:
        ValueError: An unknown domain or activity, or a chance outside [0, 1].
    """
    check_generator(generator)
    if domain not in DOMAINS:
        raise ValueError(f"`domain` (={domain!r}) must be one of {', '.join(DOMAINS)}")
    for name, chance in (("clothes_follow_pose", clothes_follow_pose), ("cut_off", cut_off)):
        if not 0 <= chance <= 1:
            raise ValueError(f"`{name}` (={chance}) is a chance: it must lie in [0, 1]")
    wild = domain == "wild"
    names = (ACTIVITIES if wild else STUDIO_ACTIVITIES) if activities is None else activities
    names = (names,) if isinstance(names, str) else tuple(names)
    unknown = set(names) - set(ACTIVITIES)
    if unknown or not names:
        found = f"names {', '.join(sorted(unknown))}" if unknown else "is empty"
        raise ValueError(f"`activities` {found}: choose from {', '.join(ACTIVITIES)}")
    rows = torch.tensor([ACTIVITIES.index(name) for name in names], device=generator.device)
    activity = rows[choices(n, len(names), generator=generator)]
    values = {"activity": activity, **_pose(n, wild, cut_off, generator), **_clothes(n, wild, generator)}
    follows = uniform(n, 0, 1, generator=generator) < clothes_follow_pose
    _follow(values, follows, generator)
    values |= {
        "light_azimuth": uniform(n, -1.2, 1.2, generator=generator),
        "light_elevation": uniform(n, 0.45, 1.15, generator=generator),
        "light_strength": uniform(n, *((0.2, 1.0) if wild else (0.45, 0.8)), generator=generator),
    }
    return PeopleFactors(**values, **_background(n, wild, generator))


def _pose(n: int, wild: bool, cut_off: float, generator: torch.Generator) -> dict[str, Tensor]:
    def draw(low: float, high: float, *shape: int) -> Tensor:
        return uniform(n, low, high, *shape, generator=generator)

    cut = draw(0, 1) < cut_off
    closer, aside = draw(1.3, 2.2), draw(-0.25, 0.25, 2)
    zoom, shift = draw(0.9, 1.0), draw(-0.02, 0.02, 2)
    return {
        "phase": draw(0, 1),
        "style": draw(-1, 1, STYLES),
        "heading": draw(-math.pi, math.pi),
        "glance": draw(-0.5, 0.5),
        "stature": draw(1.56, 1.9),
        "leg_length": draw(0.95, 1.05),
        "arm_length": draw(0.95, 1.05),
        "shoulder_width": draw(0.86, 1.1),
        "hip_width": draw(0.9, 1.1),
        "distance": draw(4, 6),
        "pitch": draw(-0.08, 0.35) if wild else draw(0.02, 0.14),
        "side": draw(-0.5, 0.5),
        "zoom": torch.where(cut, closer, zoom),
        "shift": torch.where(cut[:, None], aside, shift),
    }


def _clothes(n: int, wild: bool, generator: torch.Generator) -> dict[str, Tensor]:
    def draw(low: float, high: float) -> Tensor:
        return uniform(n, low, high, generator=generator)

    tops = BRIGHT if wild else MUTED
    bottoms = WILD_BOTTOMS if wild else BOTTOMS
    top, accent = _two_colours(n, tops, generator)
    # Plain tops are as frequent as all patterns together.
    pattern = torch.where(draw(0, 1) < 0.45, 0, choices(n, len(TOP_PATTERNS), generator=generator))
    sleeve = torch.where(draw(0, 1) < 0.5, draw(0.16, 0.34), draw(0.75, 1.0))
    sleeve = torch.where(draw(0, 1) < 0.12, 0.0, sleeve)
    kind = choices(n, 2, generator=generator) * (draw(0, 1) < 0.3)
    kind = torch.where(draw(0, 1) < 0.2, BOTTOM_KINDS.index("skirt"), kind)
    leg = torch.where(draw(0, 1) < 0.62, 1.0, draw(0.05, 0.6))
    skin = draw(0, 1)
    hair = _colours(n, HAIR, generator, 0.04)
    dark = _colours(n, HAIR[:3], generator, 0.03)
    return {
        "build": draw(-0.8, 0.9),
        "skin": skin,
        "hair_style": torch.where(draw(0, 1) < 0.06, 0, 1 + choices(n, len(HAIR_STYLES) - 1, generator=generator)),
        "hair_colour": torch.where((skin > 0.5)[:, None], dark, hair),
        "top_colour": top,
        "top_accent": accent,
        "top_pattern": pattern,
        "pattern_size": draw(0.08, 0.17),
        "sleeve": sleeve,
        "hem": torch.where(draw(0, 1) < 0.35, 0.0, draw(0.2, 0.9)),
        "bottom_kind": kind,
        "bottom_colour": _colours(n, bottoms, generator, 0.03),
        "bottom_accent": _colours(n, BRIGHT, generator, 0.03),
        "leg": leg,
        "shoe_colour": _colours(n, SHOES, generator, 0.03),
        "looseness": draw(0, 1),
    }


def _follow(values: dict[str, Tensor], follows: Tensor, generator: torch.Generator) -> None:
    """Dress those who follow the customs of their activity."""
    n, device = len(follows), follows.device
    table = torch.tensor([[float(x) for x in CUSTOMS[name]] for name in ACTIVITIES], device=device)
    sleeve, leg, bright = table[values["activity"]].unbind(-1)
    vivid, vivid_accent = _two_colours(n, BRIGHT, generator)
    sober, sober_accent = _two_colours(n, MUTED, generator)
    jitter = uniform(n, -0.05, 0.05, generator=generator)
    wanted = {
        "sleeve": (sleeve + jitter).clamp(0, 1),
        "leg": (leg + jitter).clamp(0, 1),
        "top_colour": torch.where(bright[:, None] > 0, vivid, sober),
        "top_accent": torch.where(bright[:, None] > 0, vivid_accent, sober_accent),
        "bottom_kind": values["bottom_kind"].clamp(max=1),
    }
    for name, value in wanted.items():
        chosen = follows.reshape(-1, *(1,) * (value.ndim - 1))
        values[name] = torch.where(chosen, value, values[name])


def _background(n: int, wild: bool, generator: torch.Generator) -> dict[str, Tensor]:
    device = generator.device
    scene = 1 + choices(n, len(SCENES) - 1, generator=generator)
    wall_row, floor_row = choices(n, 6, generator=generator), choices(n, 6, generator=generator)
    walls = torch.tensor([[WALLS[s][i % len(WALLS[s])] for i in range(6)] for s in SCENES[1:]], device=device)
    floors = torch.tensor([[FLOORS[s][i % len(FLOORS[s])] for i in range(6)] for s in SCENES[1:]], device=device)
    wall, ground = walls[scene - 1, wall_row], floors[scene - 1, floor_row]
    jitter = uniform(n, -0.05, 0.05, 4, 3, generator=generator)
    plain = _colours(n, STUDIO, generator, 0.02)
    lighter, darker = 0.55 + 0.45 * plain, 0.93 * plain
    far = uniform(n, 0, 1, generator=generator)
    values = {
        "scene": scene,
        "wall_colour": (wall[:, 0] + jitter[:, 0]).clamp(0, 1),
        "wall_accent": (wall[:, 1] + jitter[:, 1]).clamp(0, 1),
        "floor_colour": (ground[:, 0] + jitter[:, 2]).clamp(0, 1),
        "floor_accent": (ground[:, 1] + jitter[:, 3]).clamp(0, 1),
        "wall_distance": torch.where(scene == SCENES.index("hills"), 6 + 2 * far, 1.5 + 3 * far),
    }
    if not wild:
        values |= {
            "scene": torch.zeros_like(scene),
            "wall_colour": plain,
            "wall_accent": lighter,
            "floor_colour": darker,
            "floor_accent": darker,
            "wall_distance": 1.6 + 1.2 * far,
        }
    return values | {
        "texture_size": uniform(n, 0.7, 1.5, generator=generator),
        "texture_place": uniform(n, 0, 1, 4, generator=generator),
        "seat_colour": _colours(n, BOTTOMS, generator, 0.05),
    }


def _colours(n: int, palette: tuple, generator: torch.Generator, jitter: float) -> Float[Tensor, "n 3"]:
    """Colours of a palette, each a little different."""
    table = torch.tensor(palette, device=generator.device)
    chosen = table[choices(n, len(palette), generator=generator)]
    return (chosen + uniform(n, -jitter, jitter, 3, generator=generator)).clamp(0, 1)


def _two_colours(n: int, palette: tuple, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two different colours of a palette."""
    table = torch.tensor(palette, device=generator.device)
    first = choices(n, len(palette), generator=generator)
    second = (first + 1 + choices(n, len(palette) - 1, generator=generator)) % len(palette)
    shades = uniform(n, -0.035, 0.035, 2, 3, generator=generator)
    return (table[first] + shades[:, 0]).clamp(0, 1), (table[second] + shades[:, 1]).clamp(0, 1)
