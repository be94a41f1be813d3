"""Pictures of one place with the pose of the camera at each: what the readers of drives and of RGB-D scenes return."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.records import LazyImages, RecordSet
from course_lib.geometry.rigid import invert, relative_motion

ROTATION_TOLERANCE = 1e-3  # of R'R against the identity; the files round to 6 digits or more, 7-Scenes is 1.4e-4 off
FARTHEST = 1e6  # metres from the origin of any world


@dataclass(frozen=True)
class SceneSequence(RecordSet):
    """Frames of one camera that moves.

    The camera frame has x right, y down, z forward, metres. The *world* is whatever frame the files give poses in (its
    reader says which), not always with y up; only motions between frames are the same for all.

    Attributes:
        camera_from_world: Pose of the camera at each frame, `(n, 4, 4)`, float64: a kilometre from the origin float32
            has a tenth of a millimetre left, and differences of poses would have less.
        names: Sequence and frame of each record.
        images: Pictures in [0, 1], `(1, h, w)` or `(3, h, w)`, decoded when asked for.
        intrinsics: Camera matrices in pixels, the centre of the top left pixel at (0, 0), `(n, 3, 3)`, float32.
        depth: Depth maps (coordinate z) in metres, `(1, h, w)`, 0 where unknown or sky, decoded when asked for, or
            None.
        right_images: Pictures of a second camera at the same instants, or None.
        right_from_camera: Pose of the second camera against the first, `(4, 4)`, float64, or None.
        rate: Frames per second where known.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = (
        "camera_from_world",
        "names",
        "images",
        "intrinsics",
        "depth",
        "right_images",
    )

    camera_from_world: Float[Tensor, "n 4 4"]
    names: tuple[str, ...]
    images: LazyImages | Tensor
    intrinsics: Float[Tensor, "n 3 3"]
    depth: LazyImages | Tensor | None = None
    right_images: LazyImages | Tensor | None = None
    right_from_camera: Float[Tensor, "4 4"] | None = None
    rate: float | None = None
    skipped: tuple[str, ...] = ()

    @property
    def world_from_camera(self) -> Float[Tensor, "n 4 4"]:
        """Camera to world: its last column is the camera's position, metres."""
        return invert(self.camera_from_world)

    @property
    def baseline(self) -> float | None:
        """How far the second camera stands to the right of the first, metres; None where there is no second."""
        return None if self.right_from_camera is None else -float(self.right_from_camera[0, 3])

    @property
    def path_length(self) -> float:
        """Sum of the distances from frame to frame, metres."""
        return float(self.world_from_camera[:, :3, 3].diff(dim=0).norm(dim=-1).sum())

    def motion(self, first: int | Tensor, second: int | Tensor) -> Float[Tensor, "*b 4 4"]:
        """Motion of the points from one frame's camera to another's, float32: multiplied in float64, rounded once.

        Args:
            first: A frame, or several.
            second: The frame or frames to go to.
        """
        return relative_motion(self.camera_from_world[first], self.camera_from_world[second]).float()


def camera_poses(
    rows: Sequence[tuple[int, list[float]]], *, path: Path, where: Callable[[int], str], bad: BadRecords
) -> dict[int, Tensor | None]:
    """4 x 4 matrices from the 12 or 16 numbers of each frame, checked to be rigid motions.

    The rotation is replaced by the nearest exact one (by singular value decomposition), so that its transpose is its
    inverse; it may be off by rounding, not more.

    Args:
        rows: Frame and numbers, row after row of the matrix.
        path: Their file.
        where: Gives the place of a frame in the file, for messages.
        bad: Takes the frames whose matrix is none.

    Returns:
        The matrices by frame, float64; None for those given to `bad`.
    """
    poses: dict[int, Tensor | None] = {}
    for frame, numbers in rows:
        poses[frame] = None
        matrix = torch.tensor(numbers, dtype=torch.float64).view(-1, 4)
        rotation = matrix[:3, :3]
        off = float((rotation.mT @ rotation - torch.eye(3, dtype=torch.float64)).abs().max())
        if not off <= ROTATION_TOLERANCE or float(torch.linalg.det(rotation)) < 0:
            bad.report(path, where(frame), f"no rotation matrix (R'R is {off:.2g} off the identity, or R is a mirror)")
        elif not float(matrix[:3, 3].abs().max()) < FARTHEST:
            bad.report(path, where(frame), f"{float(matrix[:3, 3].norm()):.3g} m from the origin, expected below 1e6")
        elif matrix.shape[0] == 4 and matrix[3].tolist() != [0, 0, 0, 1]:
            bad.report(path, where(frame), f"last row {matrix[3].tolist()}, expected 0 0 0 1")
        else:
            u, _, vh = torch.linalg.svd(rotation)
            pose = torch.eye(4, dtype=torch.float64)
            pose[:3, :3], pose[:3, 3] = u @ vh, matrix[:3, 3]
            poses[frame] = pose
    return poses


def numbered_files(folder: Path, pattern: str) -> dict[int, Path]:
    """Files of a folder by their number.

    Args:
        folder: Where to look.
        pattern: Regular expression of the whole name, its first group the number.
    """
    found = ((re.fullmatch(pattern, path.name), path) for path in sorted(folder.iterdir()))
    return {int(match[1]): path for match, path in found if match}


def frames_with_pose(
    frames: list[int], poses: dict[int, Tensor | None], *, files: dict[int, Path], path: Path, bad: BadRecords
) -> list[int]:
    """Frames whose pose is known.

    Args:
        frames: The frames to look at.
        poses: Poses by frame, None where the pose was bad and has been reported.
        files: A picture of each frame, for messages.
        path: The file of the poses, for messages.
        bad: Takes the frames that the file does not have.
    """
    for frame in frames:
        if frame not in poses:
            bad.report(files[frame], f"frame {frame}", f"{path.name} has poses of {len(poses)} frames only")
    return [frame for frame in frames if poses.get(frame) is not None]


def stacked(poses: Sequence[Tensor]) -> Float[Tensor, "n 4 4"]:
    """Poses of all frames as one tensor, of no frames too."""
    return torch.stack(list(poses)) if poses else torch.empty(0, 4, 4, dtype=torch.float64)


def check_intrinsics(matrix: Tensor, path: Path, remedy: str) -> None:
    """Raise `DataFormatError` unless a 3 x 3 matrix has focal lengths and is upper triangular with a 1 at its end."""
    (fx, skew, _), (zero, fy, _), last = matrix.tolist()
    if not (1 < fx < 1e5 and 1 < fy < 1e5 and abs(skew) < fx and zero == 0 and last == [0, 0, 1]):
        numbers = " ".join(f"{number:g}" for number in matrix.flatten().tolist())
        raise DataFormatError(f"{path}: no camera matrix ({numbers}), expected f 0 cx, 0 f cy, 0 0 1; {remedy}")


def check_center(intrinsics: Tensor, picture: Tensor, path: Path) -> None:
    """Raise `DataFormatError` where a picture was resized and its camera matrix not: then its centre is elsewhere."""
    height, width = picture.shape[-2:]
    u, v = (intrinsics[:2, 2] + 0.5).tolist()
    if not (0.3 * width <= u <= 0.7 * width and 0.3 * height <= v <= 0.7 * height):
        raise DataFormatError(
            f"{path}: {width} x {height} pixels (width x height), but the camera's centre is ({u - 0.5:g}, "
            f"{v - 0.5:g}); a resized picture? use the original size, and `resize_intrinsics` after reading"
        )


def readable_frames(
    frames: list[int], pictures: Sequence[tuple[str, dict[int, Path], Callable[[Path], Tensor]]], bad: BadRecords
) -> list[int]:
    """Frames of which every picture is there and, if bad records are to be skipped, decodes.

    Args:
        frames: The frames to look at.
        pictures: For each kind of picture what it is called, its files by frame, and how to decode one.
        bad: Takes the other frames. Where it raises, pictures are not decoded before they are asked for.
    """
    good = []
    for frame in frames:
        try:
            for kind, files, decode in pictures:
                if frame not in files:
                    raise DataFormatError(f"no {kind} of this frame")
                if bad.on_bad == "skip":
                    decode(files[frame])
        except DataFormatError as error:
            present = next(files[frame] for _, files, _ in pictures if frame in files)
            bad.report(present, f"frame {frame}", str(error))
        else:
            good.append(frame)
    return good
