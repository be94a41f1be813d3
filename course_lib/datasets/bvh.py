"""BVH motion files: a tree of joints with offsets, then one line of channels for each frame."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.motion import frame_rate, one_number, read_rows, text_lines
from course_lib.datasets.text import AGAIN, read_text
from course_lib.geometry.kinematics import forward_kinematics
from course_lib.geometry.rotations import euler_to_matrix
from course_lib.geometry.skeletons import Skeleton

MAX_DEPTH = 256
MAX_JOINTS = 4096
CHANNELS = {f"{axis}{kind}": (axis, kind) for axis in "xyz" for kind in ("position", "rotation")}


@dataclass(frozen=True)
class BvhMotion:
    """A motion as the file has it: its own joints, its own unit of length.

    Attributes:
        skeleton: The joints in the order of the file, end sites among them as `<joint>_end`.
        offsets: Place of each joint in its parent's frame, in the file's unit.
        translations: Root channels, added to the root's offset.
        rotations: Rotation of each joint relative to its parent, acting on column vectors.
        rate: Frames per second.
    """

    skeleton: Skeleton
    offsets: Float[Tensor, "j 3"]
    translations: Float[Tensor, "t 3"]
    rotations: Float[Tensor, "t j 3 3"]
    rate: float

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.translations)

    def place(self) -> tuple[Float[Tensor, "t j 3"], Float[Tensor, "t j 3 3"]]:
        """Positions and orientations by forward kinematics, in the file's unit and axes."""
        return forward_kinematics(self.rotations, self.offsets, self.skeleton, self.translations)

    def joints(self) -> Float[Tensor, "t j 3"]:
        """Positions alone."""
        return self.place()[0]


def read_bvh(path: str | Path) -> BvhMotion:
    """Read a BVH file, plain or gzipped.

    Channels are applied in the order in which each joint declares them; it differs between files and within them (the
    arms of CMU's conversion turn about z, x, y, the rest about z, y, x). Frame times written with few digits become
    whole rates.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: The tree is broken, or frames and channels do not fit it; the message names the line.
    """
    path = Path(path)
    lines = text_lines(read_text(path))
    place = next((index for index, line in enumerate(lines) if line.split()[:1] == ["MOTION"]), None)
    if place is None:
        raise DataFormatError(f"{path}: no line MOTION in {len(lines)} lines, is it cut off? {AGAIN}")
    tree = _Tree(path, lines[:place])
    frames, frame_time, start = _motion_header(path, lines, place + 1)
    columns = sum(len(channels) for channels in tree.channels)
    rows = [line for line in lines[start:] if line.strip()]
    if len(rows) != frames:  # compared before anything of that size is made
        raise DataFormatError(f"{path}, line {start + 1}: {len(rows):,} frames follow, {frames:,} declared; {AGAIN}")
    table = torch.from_numpy(read_rows(enumerate(lines[start:], start + 1), path=path, columns=columns))
    return _motion(tree, table, frame_rate(frame_time))


class _Tree:
    """The HIERARCHY part: names, parents, offsets and channels in the order of the file."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path = path
        self.names: list[str] = []
        self.parents: list[int] = []
        self.offsets: list[list[float]] = []
        self.channels: list[list[str]] = []
        self.line = 1
        self.words = self._words(lines)
        self._read()

    def _words(self, lines: list[str]) -> Iterator[str]:
        for self.line, line in enumerate(lines, 1):
            yield from line.split()

    def bad(self, problem: str) -> DataFormatError:
        return DataFormatError(f"{self.path}, line {self.line}: {problem}; {AGAIN}")

    def next(self, expected: str) -> str:
        word = next(self.words, None)
        if word is None:
            raise self.bad(f"the tree ends where {expected} should stand")
        return word

    def expect(self, expected: str) -> None:
        if (word := self.next(expected)) != expected:
            raise self.bad(f"{word[:40]!r}, expected {expected}")

    def _read(self) -> None:
        self.expect("HIERARCHY")
        self.expect("ROOT")
        stack = [self._add(self.next("the root's name"), -1)]
        while stack:
            word, joint = self.next("}"), stack[-1]
            is_end = self.channels[joint] is _END
            if word == "OFFSET" and not self.offsets[joint]:
                words = [self.next("an offset") for _ in range(3)]
                self.offsets[joint] = [one_number(word, path=self.path, line=self.line) for word in words]
            elif word == "CHANNELS" and not self.channels[joint] and not is_end:
                self.channels[joint] = self._channels(is_root=joint == 0)
            elif word in ("JOINT", "End") and not is_end:
                self._complete(joint)
                if len(stack) >= MAX_DEPTH:
                    raise self.bad(f"joints nested more than {MAX_DEPTH} deep")
                if word == "JOINT":
                    stack.append(self._add(self.next("a joint's name"), joint))
                else:
                    self.expect("Site")
                    stack.append(self._add(f"{self.names[joint]}_end", joint, _END))
            elif word == "}":
                self._complete(joint)
                stack.pop()
            else:
                raise self.bad(f"{word[:40]!r} in joint {self.names[joint]!r}, expected OFFSET, CHANNELS, JOINT or }}")
        if (word := next(self.words, None)) is not None:
            raise self.bad(f"{word[:40]!r} after the tree, expected MOTION (files with several roots are not read)")

    def _add(self, name: str, parent: int, channels: list[str] | None = None) -> int:
        if name in self.names:
            raise self.bad(f"a second joint {name[:40]!r}: names must differ")
        if len(self.names) >= MAX_JOINTS:
            raise self.bad(f"more than {MAX_JOINTS} joints")
        self.expect("{")
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append([])
        self.channels.append([] if channels is None else channels)
        return len(self.names) - 1

    def _complete(self, joint: int) -> None:
        """A joint has its offset and channels before its children: else the columns' order would be in doubt."""
        if not self.offsets[joint] or not (self.channels[joint] or self.channels[joint] is _END):
            what = "CHANNELS" if self.offsets[joint] else "OFFSET"
            raise self.bad(f"joint {self.names[joint]!r} has no {what} before this")

    def _channels(self, *, is_root: bool) -> list[str]:
        count = self.next("a number of channels")
        if count not in ("1", "2", "3", "4", "5", "6"):
            raise self.bad(f"{count[:40]!r} channels, expected 1 to 6")
        channels = [self.next("a channel").lower() for _ in range(int(count))]
        for channel in channels:
            if channel not in CHANNELS:
                raise self.bad(f"channel {channel[:40]!r}, expected Xposition ... Zrotation; fewer than declared?")
            if CHANNELS[channel][1] == "position" and not is_root:
                raise self.bad(
                    "positions of a joint other than the root: programs disagree whether they replace its offset; "
                    "export the motion with rotations only"
                )
        if len(set(channels)) != len(channels):
            raise self.bad(f"a channel twice among {', '.join(channels)}")
        return channels


_END: list[str] = []  # the channels of an end site, told from those not read yet by identity


def _motion_header(path: Path, lines: list[str], start: int) -> tuple[int, float, int]:
    """Number of frames, seconds a frame, and index of the line after them."""
    found = []
    place = start
    for title in (["Frames:"], ["Frame", "Time:"]):
        while place < len(lines) and not lines[place].strip():
            place += 1
        words = lines[place].split() if place < len(lines) else []
        if words[: len(title)] != title or len(words) != len(title) + 1:
            told = " ".join(words)[:60] if words else "the end"
            expected = " ".join(title)
            raise DataFormatError(f"{path}, line {place + 1}: {told!r}, expected {expected} and a number; {AGAIN}")
        found.append(one_number(words[-1], path=path, line=place + 1))
        place += 1
    frames, frame_time = found
    if frames != math.floor(frames) or frames < 1:
        raise DataFormatError(f"{path}, line {start + 1}: {frames:g} frames, expected a whole number above 0; {AGAIN}")
    if not 1e-4 <= frame_time <= 10:
        raise DataFormatError(f"{path}, line {place}: {frame_time:g} s a frame, expected 0.0001 to 10; {AGAIN}")
    return int(frames), frame_time, place


def _motion(tree: _Tree, table: Tensor, rate: float) -> BvhMotion:
    """Translations and rotation matrices from the columns."""
    translations = table.new_zeros(len(table), 3)
    rotations = torch.eye(3, dtype=table.dtype).repeat(len(table), len(tree.names), 1, 1)
    same: dict[str, list[tuple[int, list[int]]]] = {}  # joints that turn about the same axes, and their columns
    column = 0
    for joint, channels in enumerate(tree.channels):
        order, columns = "", []
        for channel in channels:
            axis, kind = CHANNELS[channel]
            if kind == "position":
                translations[:, "xyz".index(axis)] = table[:, column]
            else:
                order, columns = order + axis, [*columns, column]
            column += 1
        if order:
            same.setdefault(order, []).append((joint, columns))
    for order, joints in same.items():
        angles = table[:, torch.tensor([columns for _, columns in joints])].deg2rad()
        rotations[:, [joint for joint, _ in joints]] = euler_to_matrix(angles, order)
    skeleton = Skeleton(tree.path.name, tuple(tree.names), tuple(tree.parents))
    return BvhMotion(skeleton, torch.tensor(tree.offsets, dtype=table.dtype), translations, rotations, rate)
