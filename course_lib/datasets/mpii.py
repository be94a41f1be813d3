"""MPII Human Pose in the annotation files of Stacked Hourglass Networks (Andriluka 2014; Newell 2016)."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import find_folder, how_to_obtain
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.poses import KeypointSet
from course_lib.datasets.records import LazyImages
from course_lib.datasets.text import read_text
from course_lib.geometry.skeletons import MPII_16

ARRAYS = {
    "imgname": (), "part": (16, 2), "visible": (16,), "center": (2,), "scale": (), "normalize": (), "person": (),
}  # fmt: skip
FARTHEST = 1e5  # pixels
PERSON_HEIGHT = 200  # pixels that a scale of 1 stands for


@dataclass(frozen=True)
class MpiiSet(KeypointSet):
    """People of MPII: `scales` is the person's height divided by 200 pixels.

    Attributes:
        points: Positions in pixels of the whole picture, `(n, 16, 2)`, NaN where missing.
        head_sizes: Size of the head in pixels, `(n,)`, by which PCKh divides.
        persons: Number of the person in its picture, `(n,)`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = (*KeypointSet.PER_RECORD, "head_sizes", "persons")

    head_sizes: Float[Tensor, " n"] | None = None
    persons: Int[Tensor, " n"] | None = None


def load_mpii(root: str | Path, *, part: str = "valid", images: bool = True, on_bad: str = "raise") -> MpiiSet:
    """One annotation file.

    The files count pixels from 1, as MATLAB does: 1 is subtracted, so that the centre of the first pixel is (0, 0).

    Args:
        root: Folder with `annot/valid.h5` and `images/`, or the one above it (`mpii`).
        part: `"train"`, `"valid"` or `"test"`, the file's name.
        images: Whether the pictures are wanted too; they are decoded when asked for.
        on_bad: `"raise"` or `"skip"` for people whose numbers make no sense or whose picture is missing.

    Raises:
        FileNotFoundError: A file is missing.
        DataFormatError: The file is damaged, or its list of pictures is another.
        ImportError: h5py is not installed.
    """
    folder = find_folder(root, f"annot/{part}.h5", below=("mpii",), dataset="mpii")
    path, remedy = folder / "annot" / f"{part}.h5", how_to_obtain("mpii")
    arrays = read_hdf5(path, tuple(ARRAYS), remedy=remedy)
    count = len(arrays["part"]) if arrays["part"].ndim else 0
    for name, shape in ARRAYS.items():
        kind = "S" if name == "imgname" else "fiu"
        if arrays[name].shape != (count, *shape) or arrays[name].dtype.kind not in kind:
            raise DataFormatError(
                f"{path}, array {name!r}: {arrays[name].dtype} of shape {arrays[name].shape}, expected "
                f"{'byte strings' if name == 'imgname' else 'numbers'} of shape {(count, *shape)}; {remedy}"
            )
    names = _names(path, arrays.pop("imgname"), remedy)
    bad = BadRecords(on_bad)
    numbers = {name: values.astype(np.float64) for name, values in arrays.items()}
    keep = _good_rows(path, numbers, names, folder / "images" if images else None, bad)
    return _people(numbers, names, keep, folder / "images" if images else None, bad, remedy)


def _names(path: Path, raw: np.ndarray, remedy: str) -> list[str]:
    """Names of the pictures; the list beside the file, where there is one, must agree."""
    names = []
    for row, name in enumerate(raw.tolist()):
        text = name.decode("ascii", errors="replace")
        if not text or not all(letter.isalnum() or letter in "._-" for letter in text) or text.startswith("."):
            raise DataFormatError(f"{path}, row {row} of 'imgname': {text[:80]!r} is no name of a picture; {remedy}")
        names.append(text)
    listed = path.with_name(f"{path.stem}_images.txt")
    if listed.is_file():
        lines = [line.strip() for line in read_text(listed, remedy=remedy).split("\n") if line.strip()]
        if lines != names:
            row = next(
                (i for i, (a, b) in enumerate(zip(lines, names, strict=False)) if a != b), min(len(lines), len(names))
            )
            raise DataFormatError(
                f"{listed}, line {row + 1}: the names differ from those of {path.name} from here on ({len(lines)} "
                f"lines, {len(names)} rows); {remedy}"
            )
    return names


def _good_rows(
    path: Path, numbers: dict[str, np.ndarray], names: list[str], folder: Path | None, bad: BadRecords
) -> list[int]:
    """Rows whose numbers make sense and whose picture is there."""
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing (pass images=False to do without): {how_to_obtain('mpii')}")
    keep = []
    for row, name in enumerate(names):
        problem = ""
        for key in ("part", "center", "scale", "normalize"):
            if not (np.abs(numbers[key][row]) <= FARTHEST).all():
                problem = f"{key!r} holds a number that is no place or size in a picture"
        if not problem and not (numbers["scale"][row] > 0 and numbers["normalize"][row] > 0):
            problem = f"scale {numbers['scale'][row]:g}, head {numbers['normalize'][row]:g}: both must be above 0"
        if not problem and not np.isin(numbers["visible"][row], (0, 1)).all():
            problem = "'visible' holds a number other than 0 and 1"
        person = numbers["person"][row]
        if not problem and not (person == round(person) if abs(person) < 1e6 else False):
            problem = f"person {person:g} is no whole number"
        if not problem and folder is not None and not (folder / name).is_file():
            problem = f"picture {folder / name} is missing (images=False does without)"
        if problem:
            bad.report(path, f"row {row}", problem)
        else:
            keep.append(row)
    return keep


def _people(
    numbers: dict[str, np.ndarray], names: list[str], keep: list[int], folder: Path | None, bad: BadRecords, remedy: str
) -> MpiiSet:
    def tensor(name: str) -> Tensor:
        return torch.from_numpy(numbers[name][keep].astype(np.float32))

    marked = (tensor("part") != 0).any(-1)
    decode = functools.partial(decode_image, mode="rgb", remedy=remedy)
    return MpiiSet(
        points=(tensor("part") - 1).masked_fill(~marked[..., None], torch.nan),
        visible=(tensor("visible") == 1) & marked,
        skeleton=MPII_16,
        names=tuple(names[row] for row in keep),
        images=LazyImages([folder / names[row] for row in keep], decode) if folder is not None else None,
        centers=tensor("center") - 1,
        scales=tensor("scale"),
        head_sizes=tensor("normalize"),
        persons=tensor("person").long(),
        skipped=bad.messages,
    )
