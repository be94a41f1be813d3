"""What the readers of motion share: rows of numbers, folders of clips, and clips joined to one set of poses."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor, cat

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.poses import PoseSet
from course_lib.datasets.text import AGAIN, read_numbers
from course_lib.geometry.skeletons import Skeleton, conversion, convert

LARGEST = 1e9  # neither degrees nor lengths of any unit come near; larger ones would overflow in single precision
THIGH = (0.2, 0.8)  # metres; outside, the file's unit is not what its kind says


@dataclass(frozen=True)
class Clip:
    """One motion.

    Attributes:
        name: Where it comes from.
        joints: Positions in metres.
        skeleton: Their order.
        rate: Frames per second.
        first: Number of its first frame in the file, counted from 0.
    """

    name: str
    joints: Float[Tensor, "t j 3"]
    skeleton: Skeleton
    rate: float
    first: int = 0


def text_lines(text: str) -> list[str]:
    """Lines of a text whatever system wrote it; line k of an editor is entry k - 1."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def read_rows(
    lines: Iterable[tuple[int, str]], *, path: Path, columns: int, separator: str | None = None
) -> np.ndarray:
    """Read a table of finite numbers, one row a line; blank lines are left out.

    Args:
        lines: Lines with their numbers.
        path: Their file, for messages.
        columns: Numbers in each row.
        separator: What stands between them; None: blanks.

    Returns:
        `(rows, columns)`, double precision.

    Raises:
        DataFormatError: A row has another number of entries, or one that is no finite number below a thousand million.
    """
    numbers: list[float] = []
    places: list[int] = []
    for place, line in lines:
        if not line.strip():
            continue
        words = line.split(separator)
        places.append(place)
        if len(words) == columns and line.isascii() and "_" not in line:
            try:
                numbers.extend(list(map(float, words)))  # the list first: nothing is added when a word is no number
                continue
            except ValueError:
                pass
        numbers.extend(read_numbers(plain(words), path=path, where=f"line {place}", count=columns))
    table = np.array(numbers, dtype=np.float64).reshape(-1, columns)
    wrong = ~(np.abs(table) <= LARGEST)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataFormatError(
            f"{path}, line {places[row]}: number {column + 1} is {table[row, column]:g}, expected a finite number "
            f"of magnitude at most {LARGEST:g}; {AGAIN}"
        )
    return table


def one_number(word: str, *, path: Path, line: int) -> float:
    """A finite number of sane size from one word."""
    number = read_numbers(plain([word]), path=path, where=f"line {line}")[0]
    if abs(number) > LARGEST:
        raise DataFormatError(f"{path}, line {line}: {word[:40]!r} is beyond {LARGEST:g}; {AGAIN}")
    return number


def plain(words: Iterable[str]) -> list[str]:
    """Words with those spoilt that are no plain digits: Python would read the digits of other scripts as numbers."""
    return [word.strip() if word.isascii() else "?" + word.strip() for word in words]


def frame_rate(frame_time: float) -> float:
    """Frames per second of a frame time written with few digits: 0.0083333 is 120, not 120.0005."""
    rate = 1 / frame_time
    whole = max(1, round(rate))
    return float(whole) if abs(rate - whole) < 5e-4 * rate else rate  # 29.97 stays


def find_folder(root: str | Path, candidates: Iterable[str], endings: tuple[str, ...], fetch: str) -> Path:
    """The first folder that holds files with one of the endings, in it or below.

    Args:
        root: Where to look.
        candidates: Subfolders of `root`, the best first; "" is `root` itself.
        endings: Ends of the files' names.
        fetch: Name of the dataset for `data_scripts.fetch`.

    Raises:
        FileNotFoundError: There is none; the message says how to obtain the files.
    """
    root = Path(root)
    candidates = tuple(candidates)
    for name in candidates:
        folder = root / name
        if folder.is_dir() and any(path.name.endswith(endings) for path in folder.rglob("*")):
            return folder
    inside = ", ".join(name for name in candidates if name)
    raise FileNotFoundError(
        f"`root` (={root}) holds no file that ends in {' or '.join(endings)}, nor do its folders {inside}: "
        f"`python -m data_scripts.fetch {fetch}` says how to obtain them"
    )


def clip_name(path: Path) -> str:
    """File name without its endings."""
    return path.name.removesuffix(".gz").rsplit(".", 1)[0]


def choose_clips(
    paths: Iterable[Path], clips: Sequence[str] | None, root: Path, name: Callable[[Path], str] = clip_name
) -> list[Path]:
    """Files of the clips asked for, in the order asked for; all of them in the order of their names.

    Raises:
        ValueError: A clip is asked for that is not there.
    """
    by_name = {name(path): path for path in sorted(paths)}
    if clips is None:
        return list(by_name.values())
    for clip in clips:
        if clip not in by_name:
            there = ", ".join(list(by_name)[:8])
            raise ValueError(f"`clips` names {clip!r}, which is not below {root}; there are {there or 'none'} ...")
    return [by_name[clip] for clip in clips]


def join_clips(
    paths: Sequence[Path],
    read: Callable[[Path], Clip],
    *,
    skeleton: Skeleton | None,
    on_bad: str,
    root: Path,
) -> PoseSet:
    """Read clips and put their frames one after the other.

    A bad frame makes its whole clip bad: a motion with a frame left out would play on with a jump.

    Raises:
        DataFormatError: A clip cannot be read (with `on_bad="raise"`), none can, or their rates differ.
        ValueError: No joint of `skeleton` is one that the files have.
    """
    bad = BadRecords(on_bad)
    found: list[Clip] = []
    for path in paths:
        try:
            clip = read(path)
            check_size(clip, path)
        except DataFormatError as error:
            if on_bad == "raise":
                raise
            bad.report(path, "whole clip", str(error))
            continue
        if found and clip.rate != found[0].rate:
            raise DataFormatError(
                f"{path}: {clip.rate:g} frames per second, {found[0].name} has {found[0].rate:g}; "
                "read clips of one rate at a time (`clips=`)"
            )
        found.append(clip)
    if not found:
        why = f"; the first problem: {bad.messages[0]}" if bad.messages else ""
        raise DataFormatError(f"{root}: no clip could be read{why}; {AGAIN}")
    target = skeleton or found[0].skeleton
    if len(conversion(found[0].skeleton, target).missing) == len(target):
        raise ValueError(f"`skeleton` (={target.name}) has no joint that {found[0].skeleton.name} could give")
    return PoseSet(
        joints=cat([convert(clip.joints, clip.skeleton, target, missing="nan").float() for clip in found]),
        skeleton=target,
        frame="world",
        names=tuple(f"{clip.name}/{clip.first + row}" for clip in found for row in range(len(clip.joints))),
        rate=found[0].rate,
        skipped=bad.messages,
    )


def check_size(clip: Clip, path: Path) -> None:
    """Refuse a body whose thighs are no human being's: the file is in another unit than it should be."""
    names = clip.skeleton.joints
    if "left_hip" not in names or "left_knee" not in names:
        return
    thigh = float((clip.joints[0, names.index("left_hip")] - clip.joints[0, names.index("left_knee")]).norm())
    if not (math.isfinite(thigh) and THIGH[0] < thigh < THIGH[1]):
        raise DataFormatError(
            f"{path}: the left thigh is {thigh:.3g} m long, expected {THIGH[0]} to {THIGH[1]}; is this file of another "
            "kind or unit?"
        )
