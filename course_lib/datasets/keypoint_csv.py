"""Key points of persons in CSV files as pose-transfer code has them: `name: [18 y]: [18 x]`, and lists beside them."""

import re
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Int
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.poses import KeypointSet
from course_lib.datasets.text import AGAIN, read_text
from course_lib.geometry.skeletons import OPENPOSE_18

HEADER = "name:keypoints_y:keypoints_x"
ROW = re.compile(r"([^:]+): ?\[([^\]]*)\]: ?\[([^\]]*)\]", re.ASCII)
NUMBER = re.compile(r" ?-?\d{1,6}", re.ASCII)
NAME = re.compile(r"[A-Za-z0-9_\-][A-Za-z0-9_.\-]*", re.ASCII)
MISSING = -1


def read_keypoint_csv(
    path: str | Path, *, size: tuple[int, int] | None = None, on_bad: str = "raise", remedy: str = AGAIN
) -> KeypointSet:
    """Read key points: after a header, one line a picture, the eighteen y FIRST, then the eighteen x, -1 = not found.

    Args:
        path: The file, plain or gzipped.
        size: Height and width of the pictures, in which every key point must lie; None: not checked.
        on_bad: `"raise"` or `"skip"` for lines that are wrong.
        remedy: What to do about a bad file; ends every message.

    Returns:
        Points as (x, y), in the order of OpenPose's 18.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: Another header, or a line that is wrong: other numbers than 18 and 18, one coordinate of a
            point missing, a point outside the picture, a name with a folder in it, a name twice.
    """
    path = Path(path)
    lines = read_text(path, remedy=remedy).splitlines()
    if not lines or lines[0].strip() != HEADER:
        found = lines[0][:80] if lines else ""
        raise DataFormatError(f"{path}, line 1: {found!r}, expected the header {HEADER!r}; {remedy}")
    bad, names, rows = BadRecords(on_bad), {}, []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        name, points, problem = _line(line, size)
        if not problem and name in names:
            problem = f"{name} has a row already, in line {names[name]}"
        if problem:
            bad.report(path, f"line {number}", problem)
        else:
            names[name] = number
            rows.append(points)
    points = torch.tensor(rows, dtype=torch.float32).reshape(-1, 2, 18).flip(1).transpose(1, 2).contiguous()
    found = (points != MISSING).all(-1)
    return KeypointSet(
        points=points.masked_fill(~found[..., None], torch.nan),
        visible=found,
        skeleton=OPENPOSE_18,
        names=tuple(names),
        skipped=bad.messages,
    )


def _line(line: str, size: tuple[int, int] | None) -> tuple[str, list[list[int]], str]:
    """Name, [y, x] and what is wrong with one line."""
    match = ROW.fullmatch(line.strip())
    if match is None:
        return "", [], f"{line[:60]!r}, expected  name: [18 y]: [18 x]"
    name, points = match[1], []
    if not NAME.fullmatch(name):
        return name, [], f"{name[:80]!r} is no name of a picture"
    for axis, text in zip("yx", match.groups()[1:], strict=True):
        words = text.split(",")
        wrong = [word for word in words if not NUMBER.fullmatch(word)]
        if wrong or len(words) != 18:
            return (
                name,
                [],
                f"{axis} is {f'{wrong[0][:20]!r}' if wrong else f'{len(words)} numbers'}, expected 18 numbers",
            )
        points.append([int(word) for word in words])
    for joint, y, x in zip(OPENPOSE_18.joints, *points, strict=True):
        if (y == MISSING) != (x == MISSING) or min(x, y) < MISSING:
            return name, [], f"{joint} at (x {x}, y {y}): both must be -1, or neither below 0"
        if size is not None and not (y < size[0] and x < size[1]):
            return name, [], f"{joint} at (x {x}, y {y}) lies outside {size[1]} x {size[0]} pixels (width x height)"
    return name, points, ""


def read_pairs_csv(
    path: str | Path, names: Sequence[str], *, on_bad: str = "raise", remedy: str = AGAIN
) -> tuple[Int[Tensor, "n 2"], tuple[str, ...]]:
    """Read pairs of pictures: after the header `from,to`, two names a line.

    Args:
        path: The file, plain or gzipped.
        names: Names of the records that the pairs are about.
        on_bad: `"raise"` or `"skip"` for lines that are wrong or name a picture that is not in `names`.
        remedy: What to do about a bad file; ends every message.

    Returns:
        Rows of `names`, `(n, 2)`, from and to; and one line for each pair left out.
    """
    path = Path(path)
    lines = read_text(path, remedy=remedy).splitlines()
    if not lines or lines[0].strip() != "from,to":
        raise DataFormatError(f"{path}, line 1: {lines[0][:80] if lines else ''!r}, expected 'from,to'; {remedy}")
    rows, bad, pairs = {name: row for row, name in enumerate(names)}, BadRecords(on_bad), []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip():
            continue
        words = line.strip().split(",")
        unknown = [word for word in words if word not in rows]
        if len(words) != 2:
            bad.report(path, f"line {number}", f"{len(words)} names, expected 2")
        elif unknown:
            bad.report(path, f"line {number}", f"{unknown[0][:80]!r} is not among the {len(rows):,} pictures")
        else:
            pairs.append([rows[word] for word in words])
    return torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2), bad.messages


def read_image_list(path: str | Path, *, remedy: str = AGAIN) -> tuple[str, ...]:
    """Read a `.lst` file, one picture's name a line, plain or gzipped; no name may hold a folder or come twice."""
    path = Path(path)
    seen: dict[str, int] = {}
    for number, line in enumerate(read_text(path, remedy=remedy).splitlines(), start=1):
        name = line.strip()
        if not name:
            continue
        if not NAME.fullmatch(name):
            raise DataFormatError(f"{path}, line {number}: {name[:80]!r} is no name of a picture; {remedy}")
        if name in seen:
            raise DataFormatError(f"{path}, line {number}: {name} stands in line {seen[name]} already; {remedy}")
        seen[name] = number
    return tuple(seen)
