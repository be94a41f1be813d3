"""Frames of a drive down a street: colour, depth and what moves, rendered frame by frame from the same scene."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.geometry.cameras import intrinsics_matrix
from course_lib.geometry.rigid import invert, relative_motion
from course_lib.worlds.checks import check_factors, height_and_width
from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.short_repr import ShortRepr
from course_lib.worlds.streets.factors import StreetFactors
from course_lib.worlds.streets.layout import Scene, build_scene, camera_from_world, camera_path
from course_lib.worlds.streets.motion import exact_flow
from course_lib.worlds.streets.shade import colour_of, pick
from course_lib.worlds.streets.trace import CAR, FAR, cast, crop, first_hit, grid


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
    (first, depth_first, way), (second, depth_second, *_) = (_frames(s, height, width, compiled) for s in scenes)
    flow, visible = exact_flow(*scenes, depth_first, way, compiled=compiled)
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
        moving=way != 0,
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
    images, depth, *_ = _frames(scene, height, width, compiled)
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
    """Colour `(n, 3, h, w)`; depth, and the way of moving cars, `(n, 1, h, w)` each."""

    def draw(*tables: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _frame(Scene(*tables), height, width, compiled)

    return in_chunks(draw, *scene, cpu=1, cuda=32)


def _frame(scene: Scene, height: int, width: int, compiled: bool | None) -> tuple[Tensor, Tensor, Tensor]:
    """One frame of each scene.

    Two rays a pixel, through its centre and through its corners, each of which four pixels share: half of the colour
    is the centre's, an eighth each corner's. The centre gives the depth.
    """
    u, v = grid(scene.camera, height, width)
    rays = cast(scene.camera, u, v)
    hit = first_hit(rays, scene, compiled=compiled)
    center = colour_of(rays, hit, scene, compiled=compiled)
    rays = cast(scene.camera, u - 0.5, v - 0.5)
    corner = colour_of(rays, first_hit(rays, scene, compiled=compiled), scene, compiled=compiled)
    image = _blend(center.unflatten(-1, (height + 1, width + 1)), corner.unflatten(-1, (height + 1, width + 1)))
    way = torch.where(hit.kind == CAR, pick(scene.paints[:, 3].repeat(1, 2), hit.car), 0.0)
    depth = torch.where(hit.depth < FAR, hit.depth, 0.0)
    return image, crop(depth, height, width), crop(torch.where(depth > 0, way, 0.0), height, width)


def _blend(center: Tensor, corner: Tensor) -> Tensor:
    rows = corner[..., :-1, :] + corner[..., 1:, :]
    return 0.5 * center[..., :-1, :-1] + 0.125 * (rows[..., :-1] + rows[..., 1:])
