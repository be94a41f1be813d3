"""Frames of a drive down a street: colour, depth and what moves, rendered frame by frame from the same scene."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.geometry.cameras import intrinsics_matrix
from course_lib.geometry.rigid import invert, relative_motion
from course_lib.worlds.checks import check_factors, height_and_width
from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.kernel import kernel
from course_lib.worlds.short_repr import ShortRepr
from course_lib.worlds.streets.factors import CARS, StreetFactors
from course_lib.worlds.streets.grid import grid_of
from course_lib.worlds.streets.layout import Scene, build_scene, camera_from_world, camera_path
from course_lib.worlds.streets.motion import exact_flow
from course_lib.worlds.streets.shade import colour_of, of_few
from course_lib.worlds.streets.trace import CAR, FAR, cast, decode, first_hit


@dataclass(frozen=True)
class StreetImages(ShortRepr):
    """Pairs of successive frames with their geometry; lengths in metres.

    Attributes:
        first: Frame 1, RGB in [0, 1].
        second: Frame 2, rendered on its own.
        depth_first: Coordinate z of what is seen in the centre of each pixel of frame 1; 0 where it is sky, or
            farther than 250 m.
        depth_second: The same of frame 2.
        intrinsics: Camera matrix of both frames, pixels; the centre of the first pixel is (0, 0).
        second_from_first: Motion of the points of the standing scene from the camera frame 1 to 2.
        camera_from_world: Pose of camera 1; the world has x to the right of the road, y up, z back, 0 on the road.
        flow: From frame 1 to frame 2, (U, V) in pixels: of the standing scene, of moving cars with their own motion,
            of the sky as of something infinitely far.
        visible: Pixels of frame 1 whose point is seen in frame 2 as well: inside it and not hidden. A car's moving
            shadow is not accounted for.
        moving: Pixels of frame 1 that show a car in motion, where flow and `second_from_first` disagree.
    """

    first: Float[Tensor, "n 3 h w"]
    second: Float[Tensor, "n 3 h w"]
    depth_first: Float[Tensor, "n 1 h w"]
    depth_second: Float[Tensor, "n 1 h w"]
    intrinsics: Float[Tensor, "n 3 3"]
    second_from_first: Float[Tensor, "n 4 4"]
    camera_from_world: Float[Tensor, "n 4 4"]
    flow: Float[Tensor, "n 2 h w"]
    visible: Bool[Tensor, "n 1 h w"]
    moving: Bool[Tensor, "n 1 h w"]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.first)


@dataclass(frozen=True)
class StreetDrive(ShortRepr):
    """Frames along one drive.

    Attributes:
        images: RGB in [0, 1].
        depth: Metres, 0 where it is sky.
        intrinsics: Camera matrix of all frames.
        camera_from_world: Pose of each frame.
    """

    images: Float[Tensor, "t 3 h w"]
    depth: Float[Tensor, "t 1 h w"]
    intrinsics: Float[Tensor, "3 3"]
    camera_from_world: Float[Tensor, "t 4 4"]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.images)


def render(
    factors: StreetFactors, *, size: int | tuple[int, int] = (128, 128), compiled: bool | None = None
) -> StreetImages:
    """Pairs of frames, one step apart.

    Args:
        factors: Streets and drives.
        size: Height and width, pixels: (64, 208) for the wide frames of driving sets, one number for squares.
        compiled: True or False to insist on the compiled or the eager kernel, None to choose.

    Raises:
        ValueError: Factors of another world, or `size` is too small.
    """
    check_factors(factors, StreetFactors)
    height, width = _checked(size)
    n = len(factors)
    intrinsics = _intrinsics(factors, height, width)
    poses = camera_path(factors, 2)
    scenes = [build_scene(factors, poses[:, step], intrinsics, poses.new_full((n,), float(step))) for step in (0, 1)]

    def draw(*tables: Tensor) -> tuple[Tensor, ...]:
        pair = Scene(*tables[: len(Scene._fields)]), Scene(*tables[len(Scene._fields) :])
        both = Scene(*(torch.cat(rows) for rows in zip(*pair, strict=True)))
        image, depth, way = (values.chunk(2) for values in _frames(both, height, width, compiled))
        return *image, *depth, way[0] != 0, *exact_flow(*pair, depth[0], way[0], compiled=compiled)

    first, second, depth_first, depth_second, moving, flow, visible = in_chunks(
        draw, *scenes[0], *scenes[1], cpu=4, cuda=16, fill=False
    )
    cameras = [camera_from_world(poses[:, step]) for step in (0, 1)]
    return StreetImages(
        first=first,
        second=second,
        depth_first=depth_first,
        depth_second=depth_second,
        intrinsics=intrinsics,
        second_from_first=relative_motion(*(invert(poses[:, step]) for step in (0, 1))),
        camera_from_world=cameras[0],
        flow=flow,
        visible=visible,
        moving=moving,
    )


def drive(
    factors: StreetFactors,
    frames: int,
    *,
    size: int | tuple[int, int] = (64, 208),
    weave: float = 24.0,
    compiled: bool | None = None,
) -> StreetDrive:
    """Frames along one street, one step apart: they begin like the pair of `render`, then the heading swings about 0.

    The houses end some 150 m ahead: at speed s there is street for about 100 / s frames.

    Args:
        factors: One street.
        frames: Number of frames.
        size: Height and width, pixels.
        weave: Period of the swings, in frames.
        compiled: True or False to insist on the compiled or the eager kernel, None to choose.

    Raises:
        ValueError: Several streets, no frame, or `size` is too small.
    """
    check_factors(factors, StreetFactors)
    if len(factors) != 1 or frames < 1:
        raise ValueError(f"`factors` holds {len(factors)} streets and `frames` is {frames}: drive through one street")
    height, width = _checked(size)
    poses = camera_path(factors, frames, weave=weave)[0]
    rows = factors.repeat(frames)
    intrinsics = _intrinsics(rows, height, width)
    scene = build_scene(rows, poses, intrinsics, torch.arange(frames, device=poses.device, dtype=poses.dtype))
    images, depth, _ = in_chunks(
        lambda *tables: _frames(Scene(*tables), height, width, compiled), *scene, cpu=8, cuda=32, fill=False
    )
    return StreetDrive(images, depth, intrinsics[0], camera_from_world(poses))


def _checked(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = height_and_width(size)
    if height < 16 or width < 16:
        raise ValueError(f"`size` (={size}) must be at least 16 pixels each way")
    return height, width


def _intrinsics(factors: StreetFactors, height: int, width: int) -> Tensor:
    center = factors.focal.new_tensor([(width - 1) / 2, (height - 1) / 2])
    return intrinsics_matrix(factors.focal[:, None] * width, center.expand(len(factors), 2))


def _frames(scene: Scene, height: int, width: int, compiled: bool | None) -> tuple[Tensor, Tensor, Tensor]:
    """Colour `(b, 3, h, w)`; depth, and the way of moving cars, `(b, 1, h, w)` each.

    Two rays a pixel, through its centre and through its corners, each of which four pixels share: half of the colour
    is the centre's, an eighth each corner's. The centre gives the depth.
    """
    grid = grid_of(height, width, scene.camera.device, True)
    rays = cast(scene.camera, grid.u, grid.v)
    hit = first_hit(rays, grid.box.expand(len(scene.camera), -1, -1), scene, compiled=compiled)
    colour = colour_of(rays, hit, scene, compiled=compiled)
    images = in_chunks(lambda few: _blend(*grid.pictures(few), compiled=compiled), colour, cpu=1, cuda=32)
    seen = grid.pictures(_seen(*hit, scene.paints, compiled=compiled))[0]
    return images, seen[:, :1], seen[:, 1:]


@kernel
def _blend(center, corner):
    """Colour of pixels from that of their centres and corners."""
    rows = corner[..., :-1, :] + corner[..., 1:, :]
    return 0.5 * center + 0.125 * (rows[..., :-1] + rows[..., 1:])


@kernel
def _seen(depth, code, paints):
    """Depth, 0 where it is sky, and the way of moving cars, `(b, 2, n)`."""
    kind, row = decode(code)
    is_near = depth < FAR
    box = torch.floor((row + 0.5) / 3)
    way = of_few(paints[:, 3], torch.where(box >= CARS, box - CARS, box))
    return torch.stack([torch.where(is_near, depth, 0.0), torch.where(is_near & (kind == CAR), way, 0.0)], 1)
