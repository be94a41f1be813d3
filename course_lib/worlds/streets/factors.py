"""What varies from street to street: the drive, the houses, the furniture and the light; two worlds that differ."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from course_lib.worlds.factors import FactorSet, check_generator, factor, uniform
from course_lib.worlds.streets.palettes import WORLDS

SIDES = 2  # left and right of the road
HOUSES = 9  # on each side, one after another
POSTS = 4  # lamp posts on each side
TREES = 6  # on each side
CARS = 3
WAVES = 10  # of which the grain of all surfaces is made

START = -12.0  # where the rows of houses begin, metres ahead of the origin


@dataclass(frozen=True)
class StreetFactors(FactorSet):
    """Values of all factors for n streets; lengths in metres, angles in radians, a step is the time between frames.

    Lateral positions count to the right of the middle of the road, distances ahead from the origin, where a drive
    begins. Tables of houses, posts and trees have one row for the left and one for the right side.
    """

    # The drive.
    lateral: Tensor = factor(-1.2, 1.2, "camera to the right of the middle of the road", unit="m")
    camera_height: Tensor = factor(1.2, 2.2, "camera above the road", unit="m")
    yaw: Tensor = factor(-0.25, 0.25, "heading to the right of the road's direction", unit="rad")
    pitch: Tensor = factor(-0.08, 0.08, "view tilted up", unit="rad")
    roll: Tensor = factor(-0.05, 0.05, "camera turned clockwise about its axis", unit="rad")
    speed: Tensor = factor(0.0, 1.5, "way forward in a step", unit="m")
    turn: Tensor = factor(-0.06, 0.06, "change of heading in a step, to the right", unit="rad")
    pitch_change: Tensor = factor(-0.015, 0.015, "change of pitch in a step", unit="rad")
    roll_change: Tensor = factor(-0.015, 0.015, "change of roll in a step", unit="rad")
    focal: Tensor = factor(0.5, 1.0, "focal length", unit="image widths")
    # The street.
    road_width: Tensor = factor(7.0, 12.0, "from kerb to kerb", unit="m")
    pavement_width: Tensor = factor(2.0, 4.5, "from kerb to house", unit="m")
    house_width: Tensor = factor(7.0, 22.0, "along the street", unit="m", shape=(SIDES, HOUSES))
    house_gap: Tensor = factor(0.0, 8.0, "free space before each house", unit="m", shape=(SIDES, HOUSES))
    house_height: Tensor = factor(5.0, 30.0, "up to the roof", unit="m", shape=(SIDES, HOUSES))
    house_setback: Tensor = factor(0.0, 3.0, "behind the edge of the pavement", unit="m", shape=(SIDES, HOUSES))
    house_colour: Tensor = factor(0.0, 1.0, "wall, RGB", shape=(SIDES, HOUSES, 3))
    floor_height: Tensor = factor(2.8, 4.2, "from floor to floor", unit="m", shape=(SIDES, HOUSES))
    window_spacing: Tensor = factor(1.8, 4.5, "from window to window", unit="m", shape=(SIDES, HOUSES))
    window_share: Tensor = factor(0.3, 0.8, "of the spacing that is glass", shape=(SIDES, HOUSES))
    post_ahead: Tensor = factor(-10.0, 160.0, "distance of each lamp post", unit="m", shape=(SIDES, POSTS))
    tree_ahead: Tensor = factor(-10.0, 160.0, "distance of each tree", unit="m", shape=(SIDES, TREES))
    tree_size: Tensor = factor(0.0, 1.7, "radius of the crown; 0 for no tree", unit="m", shape=(SIDES, TREES))
    car_lateral: Tensor = factor(-6.0, 6.0, "middle of each car", unit="m", shape=(CARS,))
    car_ahead: Tensor = factor(
        -60.0, 160.0, "rear of each car; behind the camera it is not seen", unit="m", shape=(CARS,)
    )
    car_speed: Tensor = factor(-1.5, 1.5, "way forward of each car in a step", unit="m", shape=(CARS,))
    car_colour: Tensor = factor(0.0, 1.0, "paint, RGB", shape=(CARS, 3))
    # Surfaces and light.
    road_colour: Tensor = factor(0.0, 1.0, "asphalt, RGB", shape=(3,))
    pavement_colour: Tensor = factor(0.0, 1.0, "slabs, RGB", shape=(3,))
    foliage_colour: Tensor = factor(0.0, 1.0, "crowns of the trees, RGB", shape=(3,))
    grain: Tensor = factor(0.0, 1.0, "strength of the texture of all surfaces")
    grain_phase: Tensor = factor(0.0, 2 * math.pi, "phases of its waves", unit="rad", shape=(WAVES,))
    sky_colour: Tensor = factor(0.0, 1.0, "sky overhead, RGB", shape=(3,))
    horizon_colour: Tensor = factor(0.0, 1.0, "sky at the horizon, and haze, RGB", shape=(3,))
    cloud: Tensor = factor(0.0, 1.0, "share of clouds")
    sunshine: Tensor = factor(0.0, 1.0, "0 overcast, 1 full sun with shadows")
    sun_azimuth: Tensor = factor(-math.pi, math.pi, "direction of the sun, to the right of ahead", unit="rad")
    sun_elevation: Tensor = factor(0.3, 1.3, "height of the sun", unit="rad")
    haze: Tensor = factor(0.0, 1.0, "thickness of the haze: 100 m of air let exp(-haze) of the light through")


def sample_factors(
    n: int,
    *,
    generator: torch.Generator,
    world: Literal["A", "B"] = "A",
    moving_cars: bool = False,
    static: bool = False,
) -> StreetFactors:
    """Draw n streets with a drive through each.

    Args:
        n: Number of streets.
        generator: Source of the draws; the values lie on its device.
        world: "A", a town of brick in the sun, or "B", a suburb of low houses under clouds: other sizes, colours,
            light, speeds and camera, so that what was learnt in one must be adapted to the other.
        moving_cars: Whether the cars move; otherwise they stand at the kerb.
        static: Whether the camera stands still: both frames are the same unless cars move.

    Raises:
        ValueError: No such world.
    """
    check_generator(generator)
    if world not in WORLDS:
        raise ValueError(f"`world` (={world!r}) must be one of {', '.join(WORLDS)}")
    kind, ranges = WORLDS[world], StreetFactors.factors()

    def draw(name: str) -> Tensor:
        spec = ranges[name]
        low, high = kind.ranges.get(name, (spec.low, spec.high))
        return uniform(n, low, high, *spec.shape, generator=generator)

    def some(share: float, *shape: int) -> Tensor:
        return (uniform(n, 0, 1, *shape, generator=generator) < share).float()

    values = {name: draw(name) for name in ranges if name not in kind.colours and not name.startswith("car_")}
    for name in ("speed", "turn", "pitch_change", "roll_change"):
        values[name] = values[name] * (0.0 if static else 1.0)
    values["house_gap"] = values["house_gap"] * some(kind.share_of_gaps, SIDES, HOUSES)
    values["tree_size"] = values["tree_size"] * some(kind.share_of_trees, SIDES, TREES)
    values["post_ahead"] = _in_a_row(n, POSTS, generator)
    values["tree_ahead"] = _in_a_row(n, TREES, generator)
    for name, ends in kind.colours.items():
        first, last = torch.tensor(ends, device=generator.device)
        values[name] = torch.lerp(first, last, uniform(n, 0, 1, 1, generator=generator))
    walls = torch.tensor(kind.walls, device=generator.device)
    picks = torch.randint(len(walls), (n, SIDES, HOUSES), generator=generator, device=generator.device)
    values["house_colour"] = (walls[picks] + uniform(n, -0.06, 0.06, SIDES, HOUSES, 3, generator=generator)).clamp(0, 1)
    return StreetFactors(**values, **_cars(n, values["road_width"], moving_cars, generator))


def _in_a_row(n: int, count: int, generator: torch.Generator) -> Tensor:
    """Distances of things that stand along a side, some 20 to 30 m apart."""
    step = 120 / count
    places = torch.arange(count, device=generator.device) * step - 8
    return places + uniform(n, 0, 0.7 * step, SIDES, count, generator=generator)


def _cars(n: int, road_width: Tensor, moving: bool, generator: torch.Generator) -> dict[str, Tensor]:
    """Cars at the kerbs, or one ahead in the lane, one that comes and one at the kerb."""
    near, far = torch.tensor([4.0, 12.0, 25.0]), torch.tensor([10.0, 25.0, 60.0])
    near, far = near.to(generator.device), far.to(generator.device)
    ahead = torch.lerp(near, far, uniform(n, 0, 1, CARS, generator=generator))
    kerb = road_width[:, None] / 2 - 1.2
    side = 2.0 * (uniform(n, 0, 1, CARS, generator=generator) < 0.5) - 1
    lateral = kerb * side
    speeds = uniform(n, 0.4, 1.4, CARS, generator=generator)
    if moving:  # cars keep to the right
        lane = torch.tensor([1.0, -1.0, 1.0], device=generator.device)
        lateral = torch.cat([lane[:2] * road_width[:, None] / 4, kerb], dim=1)
        speeds = speeds * lane * torch.tensor([1.0, 1.0, 0.0], device=generator.device)
    else:
        speeds = torch.zeros_like(speeds)
    paint = torch.tensor(_PAINTS, device=generator.device)
    picks = torch.randint(len(paint), (n, CARS), generator=generator, device=generator.device)
    return {"car_lateral": lateral, "car_ahead": ahead, "car_speed": speeds, "car_colour": paint[picks]}


_PAINTS = (
    *((0.72, 0.12, 0.1), (0.12, 0.25, 0.5), (0.85, 0.85, 0.83), (0.16, 0.17, 0.19)),
    *((0.6, 0.62, 0.64), (0.9, 0.68, 0.15), (0.15, 0.4, 0.33)),
)
