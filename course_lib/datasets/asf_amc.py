"""Acclaim motion capture: a skeleton (`.asf`) and motions for it (`.amc`), the original form of the CMU database."""

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.motion import one_number, read_rows, text_lines
from course_lib.datasets.text import AGAIN, read_text
from course_lib.geometry.kinematics import forward_kinematics
from course_lib.geometry.rotations import euler_to_matrix
from course_lib.geometry.skeletons import Skeleton

MAX_BONES = 1024
ROOT_ORDER = re.compile(r"T[XYZ]|R[XYZ]", re.I)


@dataclass(frozen=True)
class AcclaimSkeleton:
    """What an `.asf` file says.

    Attributes:
        skeleton: The root and the bones, in the order of the file; a bone's joint is its far end.
        directions: Unit vector of each bone in the root's frame at rest (0 for the root).
        lengths: Length of each bone in the file's unit (0 for the root).
        axes: Rotation from the bone's own frame, about whose axes it turns, to the root's.
        orders: Order in which a bone turns about its axes, the first one first, such as `"xyz"`.
        freedoms: The rotations a bone has, in the order of the numbers in the motion, such as `("rx", "rz")`; of the
            root, translations too.
        metres: Metres in one unit of length: CMU's `length 0.45` means inches divided by 0.45.
        degrees: Whether angles are in degrees.
    """

    skeleton: Skeleton
    directions: Float[Tensor, "j 3"]
    lengths: Float[Tensor, " j"]
    axes: Float[Tensor, "j 3 3"]
    orders: tuple[str, ...]
    freedoms: tuple[tuple[str, ...], ...]
    metres: float
    degrees: bool


@dataclass(frozen=True)
class AcclaimMotion:
    """A motion of an Acclaim skeleton.

    Attributes:
        skeleton: What the `.asf` file says.
        translations: Place of the root, in the skeleton's unit of length.
        rotations: Rotation of each bone relative to its parent, in the root's axes at rest.
    """

    skeleton: AcclaimSkeleton
    translations: Float[Tensor, "t 3"]
    rotations: Float[Tensor, "t j 3 3"]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.translations)

    def joints(self) -> Float[Tensor, "t j 3"]:
        """The root and the far ends of the bones, metres.

        A bone's rotation turns the bone itself, unlike that of a joint in `forward_kinematics`, which turns what hangs
        from it: the ends are sums of turned bones along the way from the root.
        """
        tree = self.skeleton.skeleton
        nowhere = self.rotations.new_zeros(len(tree), 3)
        _, orientations = forward_kinematics(self.rotations, nowhere, tree)
        bones = (orientations @ (self.skeleton.directions * self.skeleton.lengths[:, None])[..., None]).squeeze(-1)
        way = torch.eye(len(tree), dtype=bones.dtype)
        for level in tree.levels[1:]:
            for bone in level:
                way[bone] += way[tree.parents[bone]]
        return (self.translations[:, None] + way @ bones) * self.skeleton.metres


def read_asf(path: str | Path) -> AcclaimSkeleton:
    """Read an Acclaim skeleton.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: A section is missing, a bone is incomplete, or the bones form no tree; the line is named.
    """
    path = Path(path)
    sections = _sections(path)
    for name in ("units", "root", "bonedata", "hierarchy"):
        if name not in sections:
            there = ", ".join(sections) or "none"
            raise DataFormatError(f"{path}: no section :{name}, found {there}; is this an .asf skeleton? {AGAIN}")
    units = {words[0]: (words[1:], line) for line, words in sections["units"]}
    metres = _metres(path, units)
    degrees = _angle_unit(path, units)
    root = {words[0].lower(): (words[1:], line) for line, words in sections["root"]}
    for key, zeros in (("position", 3), ("orientation", 3)):
        values, line = root.get(key, (["0"] * 3, 0))
        if len(values) != zeros or any(one_number(value, path=path, line=line) for value in values):
            raise DataFormatError(
                f"{path}, line {line}: root {key} {' '.join(values)[:40]}, only 0 0 0 is read; {AGAIN}"
            )
    order, line = root.get("order", ([], 0))
    if sorted(word.lower() for word in order) != ["rx", "ry", "rz", "tx", "ty", "tz"]:
        raise DataFormatError(
            f"{path}, line {line}: root order {' '.join(order)[:40]!r}, expected TX TY TZ RX RY RZ; {AGAIN}"
        )
    axis, line = root.get("axis", ([], 0))
    bones = [
        _Bone("root", tuple(word.lower() for word in order), order=_order(path, line, axis)),
        *_bones(path, sections),
    ]
    parents = _parents(path, sections["hierarchy"], [bone.name for bone in bones])
    angles = torch.tensor([bone.axis for bone in bones], dtype=torch.float64)
    angles = angles.deg2rad() if degrees else angles
    # About fixed axes, the first letter first: the product of matrices is written the other way round.
    axes = torch.stack([euler_to_matrix(a.flip(0), bone.order[::-1]) for a, bone in zip(angles, bones, strict=True)])
    return AcclaimSkeleton(
        skeleton=Skeleton(path.name, tuple(bone.name for bone in bones), parents),
        directions=torch.tensor([bone.direction for bone in bones], dtype=torch.float64),
        lengths=torch.tensor([bone.length for bone in bones], dtype=torch.float64),
        axes=axes,
        orders=tuple(bone.order for bone in bones),
        freedoms=tuple(bone.freedoms for bone in bones),
        metres=metres,
        degrees=degrees,
    )


def read_amc(path: str | Path, skeleton: AcclaimSkeleton) -> AcclaimMotion:
    """Read a motion for a skeleton.

    Every frame must give every bone that can turn, once, with as many numbers as the bone has freedoms.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: Frames are not numbered one after the other, or do not fit the skeleton; the line is named.
    """
    path = Path(path)
    lines = text_lines(read_text(path))
    names = skeleton.skeleton.joints
    moving = {name: len(freedoms) for name, freedoms in zip(names, skeleton.freedoms, strict=True) if freedoms}
    table: dict[str, list[tuple[int, list[str]]]] = {name: [] for name in moving}
    degrees, frame, first = skeleton.degrees, None, 0
    for place, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0].startswith(":"):
            degrees = {":DEGREES": True, ":RADIANS": False}.get(words[0].upper(), degrees)
        elif len(words) == 1 and words[0].isdecimal() and words[0].isascii():
            if frame is not None:
                _complete(path, place, frame - first + 1, table)
            number = int(words[0][:18])
            if frame is not None and number != frame + 1:
                raise DataFormatError(f"{path}, line {place}: frame {number} after frame {frame}; {AGAIN}")
            first, frame = (number if frame is None else first), number
        elif frame is None:
            raise DataFormatError(f"{path}, line {place}: {words[0][:40]!r} before the first frame; {AGAIN}")
        elif words[0] not in moving:
            raise DataFormatError(
                f"{path}, line {place}: {words[0][:40]!r} is no bone that {skeleton.skeleton.name} lets turn; is this "
                "the motion of another subject?"
            )
        else:
            table[words[0]].append((place, words[1:]))
    if frame is None:
        raise DataFormatError(f"{path}: no frames; is this an .amc motion? {AGAIN}")
    _complete(path, len(lines), frame - first + 1, table)
    return _motion(path, skeleton, table, frame - first + 1, degrees)


@dataclass
class _Bone:
    name: str
    freedoms: tuple[str, ...] = ()
    direction: tuple[float, ...] = (0.0, 0.0, 0.0)
    length: float = 0.0
    axis: tuple[float, ...] = (0.0, 0.0, 0.0)
    order: str = "xyz"


def _sections(path: Path) -> dict[str, list[tuple[int, list[str]]]]:
    """Numbered lines, as words, below each keyword that starts with a colon."""
    sections: dict[str, list[tuple[int, list[str]]]] = {}
    current: list[tuple[int, list[str]]] | None = None
    for place, line in enumerate(text_lines(read_text(path)), 1):
        words = line.split("#")[0].split()
        if words and words[0].startswith(":"):
            name = words[0][1:].lower()
            if name in sections:
                raise DataFormatError(f"{path}, line {place}: a second section {words[0][:40]}; {AGAIN}")
            current = sections[name] = []
        elif words and current is not None:
            current.append((place, words))
    return sections


def _metres(path: Path, units: dict[str, tuple[list[str], int]]) -> float:
    words, line = units.get("length", ([], 0))
    length = one_number(words[0], path=path, line=line) if len(words) == 1 else 0.0
    if not 1e-3 <= length <= 1e3:
        raise DataFormatError(
            f"{path}, line {line}: units length {' '.join(words)[:40]!r}, expected one number; {AGAIN}"
        )
    return 0.0254 / length


def _angle_unit(path: Path, units: dict[str, tuple[list[str], int]]) -> bool:
    words, line = units.get("angle", ([], 0))
    if words not in (["deg"], ["rad"]):
        raise DataFormatError(
            f"{path}, line {line}: units angle {' '.join(words)[:40]!r}, expected deg or rad; {AGAIN}"
        )
    return words == ["deg"]


def _order(path: Path, line: int, words: list[str]) -> str:
    """Order of three axes."""
    order = words[0].lower() if len(words) == 1 else ""
    if sorted(order) != ["x", "y", "z"]:
        raise DataFormatError(
            f"{path}, line {line}: axes {' '.join(words)[:40]!r}, expected an order such as XYZ; {AGAIN}"
        )
    return order


def _bones(path: Path, sections: dict[str, list[tuple[int, list[str]]]]) -> list[_Bone]:
    """The bones between `begin` and `end`."""
    bones: list[_Bone] = []
    fields: dict[str, tuple[list[str], int]] | None = None
    line = 0
    for line, words in sections["bonedata"]:
        key = words[0].lower()
        if key == "begin" and fields is None:
            fields = {}
        elif key == "end" and fields is not None:
            if len(bones) >= MAX_BONES:
                raise DataFormatError(f"{path}, line {line}: more than {MAX_BONES} bones; {AGAIN}")
            bones.append(_bone(path, line, fields))
            fields = None
        elif fields is None or key in ("begin", "end"):
            raise DataFormatError(
                f"{path}, line {line}: {words[0][:40]!r} out of place, bones stand between begin and end; {AGAIN}"
            )
        elif words[0].startswith("("):
            continue  # limits go on over several lines
        elif key in fields:
            raise DataFormatError(f"{path}, line {line}: {words[0][:40]!r} twice in one bone; {AGAIN}")
        else:
            fields[key] = (words[1:], line)
    if fields is not None:
        raise DataFormatError(f"{path}, line {line}: the last bone has no end; {AGAIN}")
    return bones


def _bone(path: Path, line: int, fields: dict[str, tuple[list[str], int]]) -> _Bone:
    """A bone from its fields; limits, masses and numbers are left out."""

    def numbers(key: str, count: int) -> tuple[float, ...]:
        words, place = fields.get(key, ([], line))
        if len(words) < count or (key != "axis" and len(words) > count):
            raise DataFormatError(
                f"{path}, line {place}: {len(words)} entries for a bone's {key}, expected {count}; {AGAIN}"
            )
        return tuple(one_number(word, path=path, line=place) for word in words[:count])

    name, place = fields.get("name", ([], line))
    if len(name) != 1:
        raise DataFormatError(f"{path}, line {place}: a bone without a name; {AGAIN}")
    direction, (length,) = numbers("direction", 3), numbers("length", 1)
    if abs(sum(value * value for value in direction) - 1) > 0.01 or length < 0:
        raise DataFormatError(
            f"{path}, line {line}: bone {name[0][:40]!r} of direction {direction} and length {length:g}, expected a "
            f"unit vector and 0 or more; {AGAIN}"
        )
    axis, axis_line = numbers("axis", 3), fields["axis"][1]
    freedoms, place = fields.get("dof", ([], line))
    freedoms = tuple(word.lower() for word in freedoms)
    if not set(freedoms) <= {"rx", "ry", "rz"} or len(set(freedoms)) != len(freedoms):
        raise DataFormatError(
            f"{path}, line {place}: dof {' '.join(freedoms)[:40]}, only rx, ry and rz are read; {AGAIN}"
        )
    return _Bone(name[0], freedoms, direction, length, axis, _order(path, axis_line, fields["axis"][0][3:]))


def _parents(path: Path, lines: list[tuple[int, list[str]]], names: list[str]) -> tuple[int, ...]:
    """Parent of each bone from lines `parent child child ...`."""
    rows = {name: row for row, name in enumerate(names)}
    if len(rows) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataFormatError(f"{path}: a second bone {twice[:40]!r}: names must differ; {AGAIN}")
    parents: dict[int, int] = {0: -1}
    for line, words in lines:
        if words in (["begin"], ["end"]):
            continue
        for word in words:
            if word not in rows:
                raise DataFormatError(f"{path}, line {line}: {word[:40]!r} is no bone of this file; {AGAIN}")
        for child in words[1:]:
            if rows[child] in parents:
                raise DataFormatError(f"{path}, line {line}: {child!r} hangs from a second bone; {AGAIN}")
            parents[rows[child]] = rows[words[0]]
    lost = [name for name, row in rows.items() if row not in parents]
    if lost:
        raise DataFormatError(f"{path}: {lost[0][:40]!r} hangs from no bone in :hierarchy; {AGAIN}")
    tree = tuple(parents[row] for row in range(len(names)))
    try:
        Skeleton(path.name, tuple(names), tree)
    except ValueError as error:
        raise DataFormatError(f"{path}: the bones form no tree ({error}); {AGAIN}") from None
    return tree


def _complete(path: Path, line: int, frames: int, table: dict[str, list[tuple[int, list[str]]]]) -> None:
    """Every bone was given once in the frame that ends here."""
    for name, rows in table.items():
        if len(rows) != frames:
            problem = "missing from" if len(rows) < frames else "twice in"
            raise DataFormatError(f"{path}, line {line}: bone {name!r} is {problem} the frame that ends here; {AGAIN}")


def _motion(
    path: Path,
    skeleton: AcclaimSkeleton,
    table: dict[str, list[tuple[int, list[str]]]],
    frames: int,
    degrees: bool,
) -> AcclaimMotion:
    """Rotation matrices from the numbers of each bone."""
    tree = skeleton.skeleton
    rotations = torch.eye(3, dtype=torch.float64).repeat(frames, len(tree), 1, 1)
    translations = torch.zeros(frames, 3, dtype=torch.float64)
    for row, (name, freedoms) in enumerate(zip(tree.joints, skeleton.freedoms, strict=True)):
        if not freedoms:
            continue
        numbers = _columns(path, table[name], len(freedoms))
        turns = [freedom for freedom in freedoms if freedom[0] == "r"]
        order = "".join(axis for axis in skeleton.orders[row][::-1] if f"r{axis}" in turns)
        if order:
            angles = numbers[:, [freedoms.index(f"r{axis}") for axis in order]]
            turned = euler_to_matrix(angles.deg2rad() if degrees else angles, order)
            rotations[:, row] = skeleton.axes[row] @ turned @ skeleton.axes[row].mT
        for freedom in freedoms:
            if freedom[0] == "t":
                translations[:, "xyz".index(freedom[1])] = numbers[:, freedoms.index(freedom)]
    return AcclaimMotion(skeleton, translations, rotations)


def _columns(path: Path, rows: list[tuple[int, list[str]]], count: int) -> Tensor:
    """The numbers of one bone."""
    return torch.from_numpy(
        read_rows(((place, " ".join(words) or "nothing") for place, words in rows), path=path, columns=count)
    )
