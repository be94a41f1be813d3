"""LSP and MPII with ordinal depth: for pairs of joints, which is closer to the camera (Pavlakos et al. 2018)."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import find_folder, how_to_obtain, numbered
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.records import LazyImages, RecordSet
from course_lib.geometry.skeletons import LSP_14, MPII_16, Skeleton

PARTS = {
    "lsp": ("lsp_dataset_original", LSP_14, r"im(\d+)\.jpg"),
    "mpii": ("mpii_upis1h", MPII_16, r"(\d+)_full\.jpg"),
}
FARTHEST = 1e5  # pixels


@dataclass(frozen=True)
class OrdinalSet(RecordSet):
    """2D joints and the order of their depths.

    Attributes:
        points: Positions in pixels as in the file, `(n, j, 2)`, float32.
        flags: Third row of the file's joints as it is, `(n, j)`: in LSP 1 marks occluded joints; for the MPII part
            nothing is documented.
        order: For joints i and j, `(n, j, j)`, float32: +1 when i is closer to the camera, -1 when j is, 0 when both
            are about as far, NaN when nobody said. This is r of the paper, the *negated* number of the file.
        skeleton: Order of the joints.
        names: Picture of each record.
        images: The pictures, decoded when asked for.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ("points", "flags", "order", "names", "images")

    points: Float[Tensor, "n j 2"]
    flags: Float[Tensor, "n j"]
    order: Float[Tensor, "n j j"]
    skeleton: Skeleton
    names: tuple[str, ...] = ()
    images: LazyImages | Tensor | None = None
    skipped: tuple[str, ...] = ()


def load_ordinal(root: str | Path, part: str = "lsp", *, images: bool = True, on_bad: str = "raise") -> OrdinalSet:
    """One half of the annotations.

    The file says -1 where joint i is closer than joint j; `order` says +1 there. A pair that only one of (i, j) and
    (j, i) annotates is filled in from the other; where both do, they must be opposite.

    Args:
        root: Folder with `joints.mat`, `ordinal.mat` and `images/`, or the one above it (`lsp_dataset_original`,
            `mpii_upis1h`).
        part: `"lsp"` (14 joints) or `"mpii"` (16 joints).
        images: Whether the pictures are wanted too; their names are sorted by number, `2_full.jpg` before
            `10_full.jpg`.
        on_bad: `"raise"` or `"skip"` for people whose joints or order make no sense.

    Raises:
        FileNotFoundError: A file is missing.
        DataFormatError: A file is damaged, or joints, order and pictures do not belong together.
        ValueError: `part` is neither.
    """
    if part not in PARTS:
        raise ValueError(f"`part` (={part!r}) must be one of {', '.join(PARTS)}")
    below, skeleton, pattern = PARTS[part]
    places = (below, f"lsp-mpii-ordinal/{below}", f"ordinal/{below}", f"ordinal/lsp-mpii-ordinal/{below}")
    folder = find_folder(root, "ordinal.mat", below=places, dataset="ordinal")
    remedy, size = how_to_obtain("ordinal"), len(skeleton)
    joints = _array(folder / "joints.mat", "joints", (3, size, None), remedy).transpose(2, 1, 0)
    relation = _array(folder / "ordinal.mat", "ord", (None, size, size), remedy)
    if len(relation) != len(joints):
        raise DataFormatError(
            f"{folder / 'ordinal.mat'}: {len(relation):,} people, joints.mat has {len(joints):,}; {remedy}"
        )
    pictures = numbered(folder / "images", pattern, dataset="ordinal") if images else None
    if pictures is not None and len(pictures) != len(joints):
        raise DataFormatError(
            f"{folder / 'images'}: {len(pictures):,} pictures for {len(joints):,} people of joints.mat; {remedy}"
        )
    bad = BadRecords(on_bad)
    order = np.where(np.isnan(relation), relation.transpose(0, 2, 1), -relation)
    keep = _good_rows(folder, joints, relation, skeleton, bad)
    decode = functools.partial(decode_image, mode="rgb", remedy=remedy)
    return OrdinalSet(
        points=torch.from_numpy(joints[keep, :, :2].astype(np.float32)),
        flags=torch.from_numpy(joints[keep, :, 2].astype(np.float32)),
        order=torch.from_numpy(order[keep].astype(np.float32) + 0.0),  # no -0
        skeleton=skeleton,
        names=tuple(pictures[row].name if pictures is not None else f"person {row}" for row in keep),
        images=LazyImages([pictures[row] for row in keep], decode) if pictures is not None else None,
        skipped=bad.messages,
    )


def _array(path: Path, name: str, shape: tuple[int | None, ...], remedy: str) -> np.ndarray:
    """An array of three axes, two of whose sizes are known."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {remedy}")
    array = read_mat(path, [name], remedy=remedy)[name]
    fits = isinstance(array, np.ndarray) and array.dtype.kind in "fiu"
    if fits and array.ndim == 2 and shape[-1] is None:
        array = array[..., None]  # MATLAB drops a last axis of one
    if not fits or array.ndim != 3 or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True)):
        found = " x ".join(map(str, array.shape)) if fits else "no array of numbers"
        expected = " x ".join("N" if n is None else str(n) for n in shape)
        raise DataFormatError(f"{path}: `{name}` is {found}, expected {expected}; {remedy}")
    return array.astype(np.float64)


def _good_rows(
    folder: Path, joints: np.ndarray, relation: np.ndarray, skeleton: Skeleton, bad: BadRecords
) -> list[int]:
    """Rows whose joints are places and whose relation is one; the others are reported."""
    finite = (np.abs(joints) <= FARTHEST).all((1, 2))
    known = np.isnan(relation) | np.isin(relation, (-1, 0, 1))
    reverse = -relation.transpose(0, 2, 1)
    opposite = np.isnan(relation) | np.isnan(reverse) | (relation == reverse)
    keep = []
    for row in range(len(joints)):
        if not finite[row]:
            bad.report(folder / "joints.mat", f"person {row}", "a joint is no place in a picture")
        elif not known[row].all():
            i, j = np.argwhere(~known[row])[0].tolist()
            value = relation[row, i, j]
            bad.report(folder / "ordinal.mat", _pair(row, i, j, skeleton), f"{value:g}, expected -1, 0, 1 or NaN")
        elif not opposite[row].all():
            i, j = np.argwhere(~opposite[row])[0].tolist()
            both = f"{relation[row, i, j]:g} one way and {relation[row, j, i]:g} the other, expected opposite numbers"
            bad.report(folder / "ordinal.mat", _pair(row, i, j, skeleton), both)
        else:
            keep.append(row)
    return keep


def _pair(row: int, i: int, j: int, skeleton: Skeleton) -> str:
    return f"person {row}, {skeleton.joints[i]} and {skeleton.joints[j]}"
