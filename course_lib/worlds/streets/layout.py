"""From factors to the tables that the kernel reads: where everything stands, and where the camera is at each step.

The street frame is x to the right, y down and z ahead along the road, the ground at y = 0: the axes of a camera that
looks straight ahead. Tables name heights, up from the ground, instead of y.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from course_lib.geometry.rigid import invert, make_transform
from course_lib.geometry.rotations import euler_to_matrix
from course_lib.worlds.streets.factors import HOUSES, POSTS, SIDES, START, TREES, StreetFactors

KERB = 0.13  # height of the pavement, metres
POST_TOP, POST_RADIUS = 5.6, 0.07
CAR_LENGTH, CAR_HALF_WIDTH, CAR_WAIST, CAR_TOP = 4.2, 0.88, 0.88, 1.45
LUMPS = 3  # spheres of which a crown is made


class Scene(NamedTuple):
    """One row for each frame. All tensors are float32; sides lie one after the other, left first.

    Attributes:
        camera: Rotation street_from_camera by rows (9), place x, height, z, focal length and centre in pixels.
        street: Half road width, house line, grain, cloud, sunshine, haze, sun x, height, z.
        colours: Road, pavement, foliage, sky and horizon, `(b, 5, 3)`.
        phases: Of the waves of the grain, `(b, WAVES)`.
        houses: Distance of the front from the middle, first and last z, top, window spacing, floor height, share of
            glass, red, green, blue, and red, green, blue of the shop's sign and whether there is one:
            `(b, 14, SIDES * HOUSES)`.
        cylinders: Distance from the middle, z, radius, top: `(b, 4, SIDES * (POSTS + TREES))`, posts first.
        spheres: Distance, height, z, radius: `(b, 4, SIDES * (POSTS + LUMPS * TREES))`, lamps first.
        cars: x from, x to, height from, to, z from, to, of the bodies, then of the cabins: `(b, 6, 2 * CARS)`.
        paints: Of the cars: red, green, blue, way ahead until the next frame: `(b, 4, CARS)`.
        sun_houses: Front, first and last z and top of the houses on the side of the sun, `(b, 4, HOUSES)`.
        sun_crowns: The main spheres of the crowns there, as in `spheres`: `(b, 4, TREES)`.
    """

    camera: Tensor
    street: Tensor
    colours: Tensor
    phases: Tensor
    houses: Tensor
    cylinders: Tensor
    spheres: Tensor
    cars: Tensor
    paints: Tensor
    sun_houses: Tensor
    sun_crowns: Tensor


def build_scene(factors: StreetFactors, street_from_camera: Tensor, intrinsics: Tensor, steps: Tensor) -> Scene:
    """Tables of one frame for each row.

    Args:
        factors: The streets.
        street_from_camera: Pose of each camera, `(n, 4, 4)`.
        intrinsics: `(n, 3, 3)`, pixels.
        steps: Time of each frame in steps, `(n,)`: where moving cars are.
    """
    place = street_from_camera[:, :3, 3] * street_from_camera.new_tensor([1, -1, 1])
    pinhole = torch.stack([intrinsics[:, 0, 0], intrinsics[:, 0, 2], intrinsics[:, 1, 2]], dim=1)
    half, line = factors.road_width / 2, factors.road_width / 2 + factors.pavement_width
    up, flat = factors.sun_elevation.sin(), factors.sun_elevation.cos()
    sun = [factors.sun_azimuth.sin() * flat, up, factors.sun_azimuth.cos() * flat]
    light = [factors.grain, factors.cloud, factors.sunshine, factors.haze]
    colours = ["road_colour", "pavement_colour", "foliage_colour", "sky_colour", "horizon_colour"]
    cylinders, spheres = _furniture(factors, half)
    houses = _houses(factors, line)
    on_right = (factors.sun_azimuth.sin() >= 0)[:, None, None]
    return Scene(
        camera=torch.cat([street_from_camera[:, :3, :3].flatten(1), place, pinhole], dim=1),
        street=torch.stack([half, line, *light, *sun], dim=1),
        colours=torch.stack([getattr(factors, name) for name in colours], dim=1),
        phases=factors.grain_phase,
        houses=houses,
        cylinders=cylinders,
        spheres=spheres,
        cars=_cars(factors, steps),
        paints=torch.cat([factors.car_colour.mT, factors.car_speed[:, None]], dim=1),
        sun_houses=torch.where(on_right, houses[:, :4, HOUSES:], houses[:, :4, :HOUSES]),
        sun_crowns=torch.where(
            on_right, *(half[..., POSTS : POSTS + TREES] for half in spheres.chunk(2, dim=-1)[::-1])
        ),
    )


def _houses(factors: StreetFactors, line: Tensor) -> Tensor:
    first = START + factors.house_gap.cumsum(-1) + factors.house_width.cumsum(-1) - factors.house_width
    columns = [
        line[:, None, None] + factors.house_setback,
        first,
        first + factors.house_width,
        factors.house_height,
        factors.window_spacing,
        factors.floor_height,
        factors.window_share,
        *factors.house_colour.unbind(-1),
    ]
    number = torch.arange(SIDES * HOUSES, device=line.device, dtype=line.dtype)
    signs = [0.55 + 0.4 * torch.sin(1.7 * number + 2.1 * i) for i in range(3)]
    signs.append((100 * torch.sin(2.6 * number + 0.7) + 0.5).clamp(0, 1))
    return torch.cat([torch.stack(columns, dim=1).flatten(2), torch.stack(signs).expand(len(line), -1, -1)], dim=1)


def _furniture(factors: StreetFactors, half: Tensor) -> tuple[Tensor, Tensor]:
    """Lamp posts with their lamps, trees with LUMPS spheres for a crown."""

    def table(*columns: Tensor | float) -> Tensor:
        shape = torch.broadcast_shapes(*(c.shape for c in columns if isinstance(c, Tensor)))
        ones = half.new_ones(shape)
        return torch.stack([ones * column for column in columns], dim=1)

    kerb, size = half[:, None, None], factors.tree_size
    stem = size.clamp(max=1) * (0.1 + 0.04 * size)  # no tree: no stem
    crown = 2.3 + 0.9 * size
    cylinders = torch.cat(
        [
            table(kerb + 0.4, factors.post_ahead, POST_RADIUS, POST_TOP),
            table(kerb + 0.9, factors.tree_ahead, stem, crown),
        ],
        dim=-1,
    )
    spheres = torch.cat(
        [
            table(kerb + 0.4, POST_TOP, factors.post_ahead, 0.2),
            table(kerb + 0.9, crown, factors.tree_ahead, size),
            table(kerb + 0.9 + 0.2 * size, crown + 0.72 * size, factors.tree_ahead + 0.3 * size, 0.7 * size),
            table(kerb + 0.9 - 0.42 * size, crown + 0.3 * size, factors.tree_ahead - 0.45 * size, 0.66 * size),
        ],
        dim=-1,
    )
    return cylinders.flatten(2), spheres.flatten(2)


def _cars(factors: StreetFactors, steps: Tensor) -> Tensor:
    x = factors.car_lateral
    rear = factors.car_ahead + factors.car_speed * steps[:, None]
    one = torch.ones_like(x)
    bodies = [x - CAR_HALF_WIDTH, x + CAR_HALF_WIDTH, 0.05 * one, CAR_WAIST * one, rear, rear + CAR_LENGTH]
    back, front = _cabin(factors.car_speed < 0)
    cabins = [x - 0.74, x + 0.74, CAR_WAIST * one, CAR_TOP * one, rear + back, rear + front]
    return torch.cat([torch.stack(bodies, dim=1), torch.stack(cabins, dim=1)], dim=-1)


def _cabin(coming: Tensor) -> tuple[Tensor, Tensor]:
    """Where the cabin begins and ends behind the rear: cars that come towards us are turned round."""
    return torch.where(coming, 1.15, 0.35), torch.where(coming, CAR_LENGTH - 0.35, CAR_LENGTH - 1.15)


def camera_path(factors: StreetFactors, steps: int, *, weave: float | None = None) -> Tensor:
    """Poses of the camera at steps 0, 1, ..., `(n, steps, 4, 4)`, street_from_camera.

    Between two steps the camera goes straight on in the mean of the two headings.

    Args:
        factors: The drives.
        steps: Number of frames.
        weave: None to turn on and on (a pair of frames); otherwise the period in steps in which heading, pitch and roll
            swing to and fro about 0, so that a long drive stays on the road.
    """
    time = torch.arange(steps, dtype=torch.float32, device=factors.device)[None]

    def follow(start: Tensor, rate: Tensor) -> Tensor:
        if weave is None:
            return start[:, None] + rate[:, None] * time
        phase = 2 * torch.pi * time / weave
        return start[:, None] * phase.cos() + rate[:, None] * weave / (2 * torch.pi) * phase.sin()

    yaw = follow(factors.yaw, factors.turn)
    pitch, roll = follow(factors.pitch, factors.pitch_change), follow(factors.roll, factors.roll_change)
    heading = (yaw[:, 1:] + yaw[:, :-1]) / 2
    way = factors.speed[:, None, None] * torch.stack([heading.sin(), torch.zeros_like(heading), heading.cos()], -1)
    start = torch.stack([factors.lateral, -factors.camera_height, torch.zeros_like(factors.lateral)], dim=-1)[:, None]
    places = start + torch.cat([torch.zeros_like(start), way.cumsum(1)], dim=1)
    return make_transform(euler_to_matrix(torch.stack([yaw, pitch, roll], dim=-1), "yxz"), places)


def camera_from_world(street_from_camera: Tensor) -> Tensor:
    """The same pose from the course's world frame: x right, y up, z back along the road."""
    half_turn = street_from_camera.new_tensor([1, -1, -1, 1]).diag()
    return invert(street_from_camera) @ half_turn
