"""KITTI odometry: drives of a car with two grey and two colour cameras, and its path (Geiger et al. 2012)."""

import re
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.records import LazyImages
from course_lib.datasets.scenes import (
    SceneSequence,
    camera_poses,
    check_center,
    check_intrinsics,
    frames_with_pose,
    numbered_files,
    readable_frames,
    stacked,
)
from course_lib.datasets.text import read_numbers, read_text
from course_lib.geometry.rigid import invert

REMEDY = "obtain the file again: python -m data_scripts.fetch kitti says how"
INSIDE = ("", "kitti_odometry", "kitti", "dataset", "kitti_odometry/dataset", "kitti/dataset")
CAMERAS = {"grey": (0, 1), "colour": (2, 3)}


def load_kitti(
    root: str | Path, sequence: str = "06", *, camera: str = "grey", stereo: bool = False, on_bad: str = "raise"
) -> SceneSequence:
    """One sequence of KITTI odometry.

    The world is the camera frame of the left *grey* camera at frame 0: x right, y DOWN, z forward. Frames are matched
    to lines of the pose file by the number in the picture's name, so a part of the pictures will do.

    Args:
        root: The folder with `sequences` and `poses`, or the one above.
        sequence: Two digits; the poses of 00 to 10 are public.
        camera: `"grey"` (image_0 and image_1) or `"colour"` (image_2 and image_3).
        stereo: Give the right pictures too, and of the frames only those that have both.
        on_bad: `"raise"`, or `"skip"` to leave out frames whose pose or picture is bad.

    Returns:
        The frames, 10 a second. In the right picture a point at depth Z lies focal * baseline / Z pixels further LEFT.

    Raises:
        FileNotFoundError: A file or folder is missing.
        DataFormatError: A file is damaged, or files do not belong together.
    """
    if not re.fullmatch(r"\d\d", sequence):
        raise ValueError(f'`sequence` (={sequence!r}) must be two digits, such as "06"')
    if camera not in CAMERAS:
        raise ValueError(f'`camera` (={camera!r}) must be "grey" or "colour"')
    bad = BadRecords(on_bad)
    base = _find_base(Path(root), sequence)
    folder = base / "sequences" / sequence
    left, right = CAMERAS[camera]
    projections = read_kitti_calibration(folder / "calib.txt")
    intrinsics, left_from_grey = _split(projections, left, folder)
    poses_file = _poses_file(base, sequence)
    poses = _read_poses(poses_file, bad)
    decode = partial(decode_image, mode="grey" if camera == "grey" else "rgb", remedy=REMEDY)
    kinds = [("left picture", _pictures(folder, left), decode)]
    frames = sorted(kinds[0][1])
    if stereo:
        kinds.append(("right picture", _pictures(folder, right), decode))
        frames = [frame for frame in frames if frame in kinds[1][1]]
    if not frames:
        raise FileNotFoundError(f"{folder}: no frame has all of its pictures; {REMEDY}")
    frames = readable_frames(frames, kinds, bad)
    frames = frames_with_pose(frames, poses, files=kinds[0][1], path=poses_file, bad=bad)
    pictures = [LazyImages([files[frame] for frame in frames], decode) for _, files, _ in kinds]
    if frames:
        check_center(intrinsics, pictures[0][0], pictures[0].sources[0])
    return SceneSequence(
        camera_from_world=left_from_grey @ invert(stacked([poses[frame] for frame in frames])),
        names=tuple(f"{sequence}/{frame:06d}" for frame in frames),
        images=pictures[0],
        intrinsics=intrinsics.float().expand(len(frames), 3, 3).clone(),
        right_images=pictures[1] if stereo else None,
        right_from_camera=_split(projections, right, folder)[1] @ invert(left_from_grey) if stereo else None,
        rate=10.0,
        skipped=bad.messages,
    )


def read_kitti_calibration(path: str | Path) -> dict[str, Float[Tensor, "3 4"]]:
    """Projection matrices of a `calib.txt`: 3 x 4, pixels of a rectified camera from points of the left grey one.

    Lines are `P0:` and 12 numbers, row after row; lines without a name, as in some copies, are P0, P1, ... in order.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: A line has another number of numbers, a name comes twice, or some lines are named and some not.
    """
    path = Path(path)
    matrices: dict[str, Tensor] = {}
    named = None
    for number, line in enumerate(_lines(path), 1):
        name, colon, rest = line.rpartition(":")
        if named not in (None, bool(colon)):
            raise DataFormatError(f"{path}, line {number}: some lines begin with a name and colon, some not; {REMEDY}")
        named = bool(colon)
        name = name.strip() if named else f"P{number - 1}"
        if name in matrices:
            raise DataFormatError(f"{path}, line {number}: {name[:40]} comes twice; {REMEDY}")
        numbers = read_numbers(rest.split(), path=path, where=f"line {number}", count=12, remedy=REMEDY)
        matrices[name] = torch.tensor(numbers, dtype=torch.float64).view(3, 4)
    return matrices


def read_kitti_poses(path: str | Path) -> Float[Tensor, "n 4 4"]:
    """Poses of the left grey camera, one a line, `world_from_camera` as in the file, float64.

    Each line holds the 12 numbers of a 3 x 4 matrix, row after row; the world is the camera frame at frame 0.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: A line holds no pose.
    """
    return stacked(list(_read_poses(Path(path), BadRecords("raise")).values()))


def _read_poses(path: Path, bad: BadRecords) -> dict[int, Tensor | None]:
    """Poses by frame; None where the line was given to `bad`."""
    rows = []
    broken: dict[int, Tensor | None] = {}
    for frame, line in enumerate(_lines(path)):
        try:
            rows.append((frame, read_numbers(line.split(), path=path, where="", count=12, remedy=REMEDY)))
        except DataFormatError as error:
            bad.report(path, f"line {frame + 1}", str(error).removeprefix(f"{path}, : "))
            broken[frame] = None
    return camera_poses(rows, path=path, where=lambda frame: f"line {frame + 1}", bad=bad) | broken


def _lines(path: Path) -> list[str]:
    """Lines of a text file without the empty ones at its end; at least one."""
    lines = read_text(path, remedy=REMEDY).rstrip().splitlines()
    if not lines:
        raise DataFormatError(f"{path}: the file is empty; {REMEDY}")
    return lines


def _find_base(root: Path, sequence: str) -> Path:
    for inside in INSIDE:
        if (root / inside / "sequences" / sequence).is_dir():
            return root / inside
    raise FileNotFoundError(
        f"`root` (={root}) holds no folder sequences/{sequence}, nor do its folders {', '.join(INSIDE[1:])}: "
        "python -m data_scripts.fetch kitti  says how to obtain the data"
    )


def _poses_file(base: Path, sequence: str) -> Path:
    """The official pose file, or a copy beside the pictures."""
    for path in (base / "poses" / f"{sequence}.txt", base / "sequences" / sequence / "poses.txt"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{base / 'poses' / sequence}.txt is missing (the poses of 11 to 21 are not public): "
        "python -m data_scripts.fetch kitti  says how to obtain the data"
    )


def _pictures(folder: Path, camera: int) -> dict[int, Path]:
    inside = folder / f"image_{camera}"
    if not inside.is_dir():
        raise FileNotFoundError(f"{inside} is missing: python -m data_scripts.fetch kitti  says how to obtain the data")
    return numbered_files(inside, r"(\d{6})\.png")


def _split(projections: dict[str, Tensor], camera: int, folder: Path) -> tuple[Tensor, Tensor]:
    """Camera matrix K, and the pose against the left grey camera: P = K [I | t]."""
    path, name = folder / "calib.txt", f"P{camera}"
    if name not in projections:
        raise DataFormatError(f"{path}: no {name}, found {', '.join(projections)[:80]}; {REMEDY}")
    matrix = projections[name]
    intrinsics = matrix[:, :3]
    check_intrinsics(intrinsics, path, REMEDY)
    pose = torch.eye(4, dtype=torch.float64)
    pose[:3, 3] = torch.linalg.solve(intrinsics, matrix[:, 3])
    if not (away := float(pose[:3, 3].norm())) < 5:
        raise DataFormatError(f"{path}: {name} stands {away:.3g} m from P0, expected less than 5 m; {REMEDY}")
    return intrinsics, pose
