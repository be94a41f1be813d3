"""MSRA hands: the 2014 set (Qian et al.) and the 2015 set (Sun et al.), 320 x 240 depth frames with 21 joints."""

import math
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import how_to_obtain
from course_lib.datasets.hand_labels import DepthCamera, HandSet, impossible, with_images
from course_lib.datasets.text import is_page, read_numbers, read_text
from course_lib.geometry.skeletons import HAND_21

MSRA_CAMERA = DepthCamera(241.42, 241.42, 160.0, 120.0, 240, 320)
SUBJECTS = tuple(f"P{number}" for number in range(9))
GESTURES = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "I", "IP", "L", "MP", "RP", "T", "TIP", "Y")
HEADER = struct.Struct("<6i")
LARGEST = 4096  # rows or columns
REMEDY = how_to_obtain("msra")


def load_msra(
    root: str | Path,
    *,
    subjects: tuple[str, ...] | None = None,
    gestures: tuple[str, ...] | None = None,
    images: bool = False,
    on_bad: str = "raise",
) -> HandSet:
    """Load MSRA15's joints, and its depth maps on request.

    Args:
        root: The folder with `P0` to `P8`, or one above it (`msra`, `hands/msra15`).
        subjects: Which of `P0` to `P8`; by default those that are there. One is left out for testing at a time.
        gestures: Which of the 17 folders of each (`"1"` to `"9"`, `"I"`, `"IP"`, ...); by default those there.
        images: Whether to add the depth maps: `(1, 240, 320)`, millimetres, 0 without a hand, decoded when asked for.
        on_bad: `"raise"`, or `"skip"` to leave out frames that are bad, or depth maps that do not decode.

    Returns:
        21 joints of each hand; `names` are the paths of the depth maps, `P0/1/000000_depth.bin`.

    Raises:
        FileNotFoundError: No labels, or a depth map is missing.
        DataFormatError: A file is damaged.
        ValueError: An unknown subject or gesture.
    """
    for name, wanted, known in (("subjects", subjects, SUBJECTS), ("gestures", gestures, GESTURES)):
        if wanted is not None and (unknown := [one for one in wanted if one not in known]):
            raise ValueError(f"`{name}` names {unknown[0]!r}: choose from {', '.join(known)}")
    folder = _find(Path(root), ("", "msra", "msra15", "hands/msra15"), [f"{s}/{g}" for s in SUBJECTS for g in GESTURES])
    clips = [f"{s}/{g}" for s in subjects or SUBJECTS for g in gestures or GESTURES]
    there = [clip for clip in clips if (folder / clip / "joint.txt").is_file()]
    missing = [clip for clip in clips if clip not in there]
    if not there or (subjects and gestures and missing):
        raise FileNotFoundError(f"{folder / (missing[0])}/joint.txt is missing: {REMEDY}")
    return _join(folder, [(clip, folder / clip / "joint.txt") for clip in there], images, read_msra_depth, on_bad)


def load_msra14(root: str | Path, *, images: bool = False, on_bad: str = "raise") -> HandSet:
    """Load MSRA14's joints, and its depth maps on request.

    Args:
        root: A folder with `joint*.txt`, or with folders of subjects that have one, or one above (`msra14`,
            `hands/msra14`).
        images: Whether to add the depth maps `000000_depth.bin` beside each `joint.txt`: `(1, 240, 320)`, millimetres.
        on_bad: As in `load_msra`.

    Returns:
        21 joints of each hand.

    Raises:
        FileNotFoundError: No labels, or a depth map is missing.
        DataFormatError: A file is damaged.
    """
    for folder in (Path(root) / name for name in ("", "msra14", "hands/msra14")):
        if paths := sorted((*folder.glob("joint*.txt"), *folder.glob("[Ss]ubject*/joint*.txt"))):
            clips = [(str(path.parent.relative_to(folder).as_posix()).strip("."), path) for path in paths]
            return _join(folder, clips, images, read_msra14_depth, on_bad)
    raise FileNotFoundError(
        f"`root` (={root}) holds no joint*.txt, nor do its folders msra14 and hands/msra14: {REMEDY}"
    )


def read_msra_joints(
    path: str | Path, *, on_bad: str = "raise"
) -> tuple[Float[Tensor, "n 21 3"], tuple[int, ...], tuple[str, ...]]:
    """Read a `joint.txt`: the number of frames, then x, y, z of 21 joints a line in millimetres.

    The file's y points up and its z towards the camera, so that depths are negative; it is right-handed.

    Args:
        path: The file.
        on_bad: `"raise"`, or `"skip"` to leave out bad lines.

    Returns:
        Joints in the camera frame (y down, z forward), metres; numbers of their frames from 0; what was skipped.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: The first line is no number, or not that of the lines that follow; a line is bad.
    """
    lines = [words for line in read_text(path, remedy=REMEDY).splitlines() if (words := line.split())]
    if not lines or len(lines[0]) != 1 or not lines[0][0].isascii() or not lines[0][0].isdigit():
        told = " ".join(lines[0])[:40] if lines else ""
        raise DataFormatError(f"{path}, line 1: {told!r}, expected the number of frames; {REMEDY}")
    if lines[0][0] != str(len(lines) - 1):
        raise DataFormatError(
            f"{path}: line 1 says {lines[0][0][:20]} frames, {len(lines) - 1:,} lines follow; {REMEDY}"
        )
    bad, rows, frames = BadRecords(on_bad), [], []
    turn = np.array([1e-3, -1e-3, -1e-3])  # half a turn about x
    for frame, words in enumerate(lines[1:]):
        where = f"line {frame + 2}"
        try:
            row = np.array(read_numbers(words, path=path, where=where, count=63, remedy=REMEDY)).reshape(21, 3) * turn
            problem = impossible(np.stack([0 * row[:, 0], 0 * row[:, 1], 1000 * row[:, 2]], 1))
            if not problem and np.abs(row[:, :2]).max() > 5:
                problem = f"a joint lies {np.abs(row[:, :2]).max():g} m from the optical axis"
        except DataFormatError as error:
            row, problem = None, str(error).removeprefix(f"{path}, {where}: ").removesuffix(f"; {REMEDY}")
        if problem:
            bad.report(path, where, problem)
        else:
            rows.append(row)
            frames.append(frame)
    if not rows:
        why = f"; the first problem: {bad.messages[0]}" if bad.messages else ""
        raise DataFormatError(f"{path}: holds no frame that could be read{why}; {REMEDY}")
    return torch.from_numpy(np.stack(rows)).float(), tuple(frames), bad.messages


def read_msra_depth(path: str | Path) -> Float[Tensor, "1 h w"]:
    """Read a `_depth.bin` of MSRA15: six int32 (width, height, left, top, right, bottom), then float32 depths in mm.

    Only the window from (left, top) up to (right, bottom), exclusive, is stored, row by row.

    Returns:
        The whole picture, `(1, height, width)`, 0 outside of the window and where there is no hand.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: The header makes no sense, or more or fewer values follow; a depth is negative or not finite.
    """
    path = Path(path)
    raw = path.read_bytes()
    if is_page(raw):
        raise DataFormatError(f"{path}: this is a web page, not a depth map (a server's error page?); {REMEDY}")
    if len(raw) < HEADER.size:
        raise DataFormatError(f"{path}: {len(raw)} bytes are too few for the header of {HEADER.size}; {REMEDY}")
    width, height, left, top, right, bottom = HEADER.unpack_from(raw)
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        raise DataFormatError(f"{path}: {width} x {height} pixels at offset 0, expected 320 x 240; {REMEDY}")
    if not (0 <= left <= right <= width and 0 <= top <= bottom <= height):
        raise DataFormatError(
            f"{path}: the window from ({left}, {top}) to ({right}, {bottom}) at offset 8 is not inside of "
            f"{width} x {height} pixels; {REMEDY}"
        )
    window = _depths(path, raw, HEADER.size, (bottom - top, right - left))
    depth = torch.zeros(1, height, width)
    depth[0, top:bottom, left:right] = window
    return depth


def read_msra14_depth(path: str | Path) -> Float[Tensor, "1 240 320"]:
    """Read a `.bin` of MSRA14: 320 x 240 float32 depths in millimetres, row by row, without a header.

    No such file was at hand when this was written: the layout is that of the set's description.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: Another number of bytes; a depth is negative or not finite.
    """
    path = Path(path)
    return _depths(path, path.read_bytes(), 0, (240, 320))[None]


def _depths(path: Path, raw: bytes, start: int, shape: tuple[int, int]) -> Tensor:
    """Float32 values of a known number from an offset to the end of a file."""
    expected = 4 * math.prod(shape)
    if len(raw) - start != expected:
        raise DataFormatError(
            f"{path}: {shape[1]} x {shape[0]} depths are {expected:,} bytes from offset {start}, but "
            f"{len(raw) - start:,} follow; {REMEDY}"
        )
    depth = np.frombuffer(raw, "<f4", offset=start).reshape(shape)
    wrong = ~((depth >= 0) & (depth < 65536))
    if wrong.any():
        place = int(np.argmax(wrong))
        raise DataFormatError(
            f"{path}: a depth of {depth.flat[place]:g} mm at offset {start + 4 * place}, expected 0 to 65535; {REMEDY}"
        )
    return torch.from_numpy(depth.astype(np.float32))


def _find(root: Path, below: tuple[str, ...], clips: list[str]) -> Path:
    """The folder that holds the joints of at least one of some clips."""
    for folder in (root / name for name in below):
        if any((folder / clip / "joint.txt").is_file() for clip in clips):
            return folder
    raise FileNotFoundError(
        f"`root` (={root}) holds no P0/1/joint.txt or other subject and gesture, nor do its folders "
        f"{', '.join(below[1:])}: {REMEDY}"
    )


def _join(
    folder: Path, clips: list[tuple[str, Path]], images: bool, decode: Callable[[Path], Tensor], on_bad: str
) -> HandSet:
    """One set from the joints of several clips."""
    joints, names, skipped = [], [], []
    for clip, path in clips:
        points, frames, messages = read_msra_joints(path, on_bad=on_bad)
        joints.append(points)
        names.extend(f"{clip}/{frame:06d}_depth.bin".lstrip("/") for frame in frames)
        skipped.extend(messages)
    points = torch.cat(joints)
    found = HandSet(
        points, HAND_21, "camera", names=tuple(names), intrinsics=MSRA_CAMERA.matrix().repeat(len(points), 1, 1),
        skipped=tuple(skipped), uvd=MSRA_CAMERA.to_uvd(points),
    )  # fmt: skip
    return with_images(found, folder, decode, on_bad, REMEDY) if images else found
