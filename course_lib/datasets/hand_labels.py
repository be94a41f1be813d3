"""Hand joints as depth cameras' labels have them: u and v in pixels, depth in millimetres; and as points in metres.

The sets' own 3D frames have y up. That of NYU and ICVL (x right, y up, z away from the camera) is left-handed and that
of MSRA (z towards the camera) right-handed; both become the camera frame of the course, x right, y down, z forward.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.poses import PoseSet
from course_lib.datasets.records import LazyImages
from course_lib.datasets.text import AGAIN, read_numbers, read_text
from course_lib.geometry.skeletons import Skeleton

FARTHEST_MM = 5000.0  # these cameras see less far
WIDEST = 10_000.0  # pixels; no joint lies that far outside its picture


@dataclass(frozen=True)
class HandSet(PoseSet):
    """Hands seen by a depth camera: joints in metres, and as the labels have them.

    Attributes:
        uvd: Joints as labelled: u and v in pixels, depth in millimetres, `(n, j, 3)`.
        centers_uvd: Centre of each hand for the crop, likewise, `(n, 3)`, where the set ships it.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = (*PoseSet.PER_RECORD, "uvd", "centers_uvd")

    uvd: Float[Tensor, "n j 3"] | None = None
    centers_uvd: Float[Tensor, "n 3"] | None = None


@dataclass(frozen=True)
class DepthCamera:
    """A pinhole depth camera: focal lengths and centre in pixels, size of its pictures.

    Attributes:
        fx: Focal length along u.
        fy: Focal length along v.
        cx: u of the optical axis.
        cy: v of the optical axis.
        height: Rows of a picture.
        width: Columns of a picture.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    height: int
    width: int

    def matrix(self) -> Float[Tensor, "3 3"]:
        """Intrinsics in pixels."""
        return torch.tensor([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    def to_points(self, uvd: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        """Points in the camera frame (y down), metres, of pixels and depths in millimetres."""
        u, v, d = uvd.double().unbind(-1)
        points = torch.stack([(u - self.cx) / self.fx * d, (v - self.cy) / self.fy * d, d], -1)
        return (points / 1000).to(uvd.dtype)

    def to_uvd(self, points: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
        """Pixels and depths in millimetres of points in the camera frame, metres."""
        x, y, z = points.double().unbind(-1)
        return torch.stack([self.fx * x / z + self.cx, self.fy * y / z + self.cy, 1000 * z], -1).to(points.dtype)


def read_uvd_labels(
    path: str | Path, joints: int, *, named: bool = False, on_bad: str = "raise", remedy: str = AGAIN
) -> tuple[Float[Tensor, "n j 3"], tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """Read labels or published predictions: one frame a line, u, v and depth of each joint, blanks between.

    Args:
        path: The file, plain or gzipped. Empty lines do not count.
        joints: Joints a line.
        named: Whether each line begins with the name of its picture.
        on_bad: `"raise"`, or `"skip"` to leave out lines with another number of values, or impossible ones.
        remedy: What to do about a bad file.

    Returns:
        Pixels and millimetres; names (empty unless `named`); which frames of the file these are, counted from 0; and
        one line for each frame left out.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: A line is bad, or no line could be read.
    """
    bad, rows, names, frames = BadRecords(on_bad), [], [], []
    text = read_text(path, remedy=remedy).replace("\r\r\n", "\n")  # as ICVL's lines end
    lines = [(number, line.split()) for number, line in enumerate(text.splitlines(), 1)]
    for frame, (number, words) in enumerate((number, words) for number, words in lines if words):
        name, values = (words[0], words[1:]) if named else ("", words)
        try:
            row = read_numbers(values, path=path, where=f"line {number}", count=3 * joints, remedy=remedy)
            problem = impossible(np.array(row).reshape(joints, 3))
        except DataFormatError as error:
            row, problem = [], str(error).removeprefix(f"{path}, line {number}: ").removesuffix(f"; {remedy}")
        if problem:
            bad.report(path, f"line {number}", problem)
            continue
        rows.append(row)
        names.append(name)
        frames.append(frame)
    if not rows:
        why = f"; the first problem: {bad.messages[0]}" if bad.messages else ""
        raise DataFormatError(f"{path}: holds no frame that could be read{why}; {remedy}")
    uvd = torch.tensor(rows, dtype=torch.float32).reshape(-1, joints, 3)
    return uvd, tuple(names) if named else (), tuple(frames), bad.messages


def impossible(uvd: np.ndarray) -> str:
    """What is wrong with the labels of one hand `(j, 3)`, or nothing."""
    if not np.isfinite(uvd).all():
        return f"joint {int(np.argwhere(~np.isfinite(uvd))[0, 0])} is not finite"
    depth = uvd[:, 2]
    if not ((depth > 0) & (depth < FARTHEST_MM)).all():
        joint = int(np.argmin((depth > 0) & (depth < FARTHEST_MM)))
        return f"joint {joint} has a depth of {depth[joint]:g} mm, expected 0 to {FARTHEST_MM:g}"
    if np.abs(uvd[:, :2]).max() > WIDEST:
        return f"a joint lies {np.abs(uvd[:, :2]).max():g} pixels from the corner of the picture"
    return ""


def load_hand_predictions(
    path: str | Path, skeleton: Skeleton, camera: DepthCamera, *, on_bad: str = "raise"
) -> HandSet:
    """Load published predictions, which have the form of the labels.

    Args:
        path: The file.
        skeleton: Order of the joints: NYU_14, ICVL_16 or HAND_21.
        camera: `NYU_CAMERA`, `ICVL_CAMERA` or `MSRA_CAMERA`.
        on_bad: As in `read_uvd_labels`.

    Returns:
        One record a line, in the order of the labels' file; `names` are the numbers of the lines, from 0.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: A line is bad.
    """
    uvd, _, frames, skipped = read_uvd_labels(path, len(skeleton), on_bad=on_bad)
    return HandSet(
        camera.to_points(uvd), skeleton, "camera", names=tuple(map(str, frames)),
        intrinsics=camera.matrix().repeat(len(uvd), 1, 1), skipped=skipped, uvd=uvd,
    )  # fmt: skip


def with_images(found: HandSet, folder: Path, decode: Callable[[Path], Tensor], on_bad: str, remedy: str) -> HandSet:
    """The same hands with the depth maps that their names name; bad ones raise at once, or are left out.

    Args:
        found: Hands.
        folder: Where their names begin.
        decode: Gives the depth map of a path.
        on_bad: `"raise"` (a bad map raises when it is decoded) or `"skip"` (all are decoded now).
        remedy: What to do about a missing file.
    """
    paths = [folder / name for name in found.names]
    bad = BadRecords(on_bad)
    for row, path in enumerate(paths):
        if not path.is_file() and on_bad == "raise":
            raise FileNotFoundError(f"{path} is missing (row {row}; pass images=False to do without): {remedy}")
    pictures = LazyImages(paths, decode)
    found = dataclasses.replace(found, images=pictures)
    if on_bad == "skip":
        rows = pictures.readable(bad)
        found = dataclasses.replace(found[rows], skipped=(*found.skipped, *bad.messages))
    return found
