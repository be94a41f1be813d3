"""7-Scenes: RGB-D sequences of rooms with the camera's pose at each frame (Shotton et al. 2013)."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.records import LazyImages
from course_lib.datasets.scenes import (
    SceneSequence,
    camera_poses,
    check_center,
    check_intrinsics,
    numbered_files,
    readable_frames,
    stacked,
)
from course_lib.datasets.text import read_numbers, read_text
from course_lib.geometry.rigid import invert

REMEDY = "obtain the file again: python -m data_scripts.fetch seven_scenes says how"
INSIDE = ("", "rgbd_7scenes", "7scenes", "seven_scenes")
INTRINSICS = ((585.0, 0.0, 320.0), (0.0, 585.0, 240.0), (0.0, 0.0, 1.0))  # given with the data set, pixels
UNKNOWN = 65535  # the original files; copies write 0


def load_seven_scenes(root: str | Path, sequence: str = "", *, on_bad: str = "raise") -> SceneSequence:
    """One sequence of frames with colours, depth and poses.

    A frame is `frame-000000.color.png` (or .jpg), `.depth.png` (16 bits, millimetres, 0 or 65535 where unknown) and
    `.pose.txt` (4 x 4, camera to world, metres). A file `camera-intrinsics.txt` beside them is used where it is there;
    else the camera matrix published with the set, that of the depth camera: in the original files the colour camera
    stands a few centimetres beside it, and the two pictures are not aligned to the pixel. The world is a frame of the
    reconstruction, without a fixed up.

    Args:
        root: The folder with the frames, one above, or with `sequence` the one that holds it.
        sequence: Folder below `root`, such as `chess/seq-01`.
        on_bad: `"raise"`, or `"skip"` to leave out frames of which a file is missing or bad.

    Raises:
        FileNotFoundError: There are no frames.
        DataFormatError: A file is damaged, or one of a frame's three files is missing.
    """
    if Path(sequence).is_absolute() or ".." in Path(sequence).parts:
        raise ValueError(f"`sequence` (={sequence!r}) must be a folder below `root`, such as 'chess/seq-01'")
    bad = BadRecords(on_bad)
    folder = _find_folder(Path(root), sequence)
    colours = numbered_files(folder, r"frame-(\d{6})\.color\.(?:png|jpg)")
    depths = numbered_files(folder, r"frame-(\d{6})\.depth\.png")
    files = numbered_files(folder, r"frame-(\d{6})\.pose\.txt")
    decode = partial(decode_image, remedy=REMEDY)
    poses: dict[int, Tensor] = {}

    def read_pose(path: Path) -> Tensor:
        frame = int(path.name[6:12])
        return poses.setdefault(frame, _read_pose(path))

    kinds = [("pose", files, read_pose), ("colour picture", colours, decode), ("depth map", depths, decode_depth)]
    frames = readable_frames(sorted(files.keys() | colours.keys() | depths.keys()), kinds, bad)
    for frame in frames:
        read_pose(files[frame])
    images = LazyImages([colours[frame] for frame in frames], decode)
    intrinsics = _read_intrinsics(folder / "camera-intrinsics.txt")
    if frames:
        check_center(intrinsics, images[0], images.sources[0])
    return SceneSequence(
        camera_from_world=invert(stacked([poses[frame] for frame in frames])),
        names=tuple(f"{sequence or folder.name}/frame-{frame:06d}" for frame in frames),
        images=images,
        intrinsics=intrinsics.expand(len(frames), 3, 3).clone(),
        depth=LazyImages([depths[frame] for frame in frames], decode_depth),
        skipped=bad.messages,
    )


def decode_depth(path: Path) -> Tensor:
    """Depth in metres of a 16-bit PNG in millimetres, `(1, h, w)`, 0 where unknown."""
    millimetres = decode_image(path, "depth16", remedy=REMEDY)
    return torch.where(millimetres == UNKNOWN, 0.0, millimetres / 1000)


def _find_folder(root: Path, sequence: str) -> Path:
    for inside in INSIDE:
        folder = root / inside / sequence
        if folder.is_dir() and next(folder.glob("frame-*"), None) is not None:
            return folder
    raise FileNotFoundError(
        f"`root` (={root}) holds no files {Path(sequence) / 'frame-*'}, nor do its folders {', '.join(INSIDE[1:])}: "
        "python -m data_scripts.fetch seven_scenes  says how to obtain the data"
    )


def _matrix(path: Path, size: int) -> list[float]:
    """The numbers of a square matrix, one row a line."""
    lines = read_text(path, remedy=REMEDY).rstrip().splitlines()
    if len(lines) != size:
        raise DataFormatError(f"{path}: {len(lines)} lines, expected {size}; {REMEDY}")
    rows = [
        read_numbers(line.split(), path=path, where=f"line {number}", count=size, remedy=REMEDY)
        for number, line in enumerate(lines, 1)
    ]
    return [number for row in rows for number in row]


def _read_pose(path: Path) -> Tensor:
    """Camera to world, `(4, 4)`, float64."""
    rows = [(0, _matrix(path, 4))]
    return camera_poses(rows, path=path, where=lambda _: "lines 1 to 4", bad=BadRecords("raise"))[0]


def _read_intrinsics(path: Path) -> Tensor:
    matrix = torch.tensor(_matrix(path, 3) if path.is_file() else INTRINSICS, dtype=torch.float32).view(3, 3)
    check_intrinsics(matrix, path, REMEDY)
    return matrix
