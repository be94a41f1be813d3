"""MNIST-CD/CB: the same handwritten digit on a coloured ground and in colour on black (Gonzalez-Garcia et al. 2018).

The authors' files hold a pair each, 512 x 256: on the left domain CB, a white digit on a ground of one colour; on the
right domain CD, the digit in one colour on black. The digits are enlarged from 28 x 28 with some ringing, so that the
two-colour model holds only near the middle of strokes and on the ground; `worlds.glyphs.coloured_pairs` makes pairs
for which it is exact.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import how_to_obtain
from course_lib.datasets.records import LazyImages, RecordSet
from course_lib.datasets.side_by_side import read_halves

FOLDERS = ("mnist_cdcb", "MNISTCDCB", "DATA/MNISTCDCB")
NAME = re.compile(r"(\d{5})\.png", re.ASCII)
SIDE = 256
CORNER = 8  # pixels of each corner that are ground in every file
EVEN = 4 / 255  # by which the ground may differ from corner to corner; in 70 real files at most 2/255
REMEDY = how_to_obtain("mnist_cdcb")


@dataclass(frozen=True)
class ColouredDigits(RecordSet):
    """Pairs of the two domains.

    Attributes:
        coloured_background: Domain CB, RGB in [0, 1], decoded when asked for.
        coloured_digit: Domain CD, likewise.
        numbers: Number of each file, from 1; in the authors' sample, file k shows test image k - 1 of MNIST, `(n,)`.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ("numbers", "coloured_background", "coloured_digit")

    numbers: Int[Tensor, " n"]
    coloured_background: LazyImages | Tensor
    coloured_digit: LazyImages | Tensor
    skipped: tuple[str, ...] = ()


def load_mnist_cdcb(root: str | Path, *, size: int = SIDE, on_bad: str = "raise") -> ColouredDigits:
    """All pairs of a folder, in the order of their numbers.

    Args:
        root: Folder with `00001.png` ..., or the one above it (`mnist_cdcb`).
        size: Height and width wanted, pixels; smaller ones by the mean over areas, as the authors' code does.
        on_bad: `"raise"` or `"skip"` for files that are no such pair; the latter decodes every file.

    Raises:
        FileNotFoundError: There are no such files.
        DataFormatError: When a file is decoded: it is no picture of 512 x 256, its left half has no even ground, or
            its right half no black one.
        ValueError: `size` is not 1 to 256.
    """
    if not 1 <= size <= SIDE:
        raise ValueError(f"`size` (={size}) must be 1 to {SIDE} pixels: the files have {SIDE}")
    folder = _find(Path(root))
    found = sorted((int(match[1]), path) for path in folder.iterdir() if (match := NAME.fullmatch(path.name)))
    bad = BadRecords(on_bad)
    if on_bad == "skip":
        kept = LazyImages([path for _, path in found], read_cdcb).readable(bad)
        found = [found[row] for row in kept]
    halves = [LazyImages([(path, half) for _, path in found], functools.partial(_half, size=size)) for half in (0, 1)]
    return ColouredDigits(torch.tensor([number for number, _ in found], dtype=torch.int64), *halves, bad.messages)


def read_cdcb(path: str | Path) -> Float[Tensor, "2 3 h h"]:
    """The CB and the CD picture of one file, in this order.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: It is no such pair.
    """
    pair = read_halves(path, remedy=REMEDY)
    if pair.shape[-1] != SIDE:
        raise DataFormatError(f"{path}: halves of {pair.shape[-1]} pixels, expected {SIDE}; {REMEDY}")
    ground = _corners(pair)
    if float(ground[1].max()) > EVEN:
        raise DataFormatError(
            f"{path}: the corners of the right half are not black (up to {float(ground[1].max()):.3f}), expected a "
            f"coloured digit on black; are the halves swapped? {REMEDY}"
        )
    uneven = float((ground[0].amax(-1) - ground[0].amin(-1)).max())
    if uneven > EVEN:
        raise DataFormatError(
            f"{path}: the corners of the left half differ by {uneven:.3f}, expected a ground of one colour; {REMEDY}"
        )
    return pair


def pair_colours(
    coloured_background: Float[Tensor, "n 3 h w"], coloured_digit: Float[Tensor, "n 3 h w"]
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3"]]:
    """Colours of ground and digit: the mean of the corners, and the median over the pixels that the digit covers.

    Args:
        coloured_background: Pictures of domain CB.
        coloured_digit: The same digits in domain CD, on black.

    Returns:
        Colour of the ground in CB and of the digit in CD; the latter 0 where it is black throughout.
    """
    size = coloured_background.shape[-1]
    side = max(1, size * CORNER // SIDE)
    rows = torch.cat([coloured_background[..., :side, :], coloured_background[..., -side:, :]], dim=-2)
    ground = torch.cat([rows[..., :side], rows[..., -side:]], dim=-1).flatten(2).mean(-1)
    ink = coloured_digit.flatten(2)
    covered = ink.sum(1) >= 0.85 * ink.sum(1).quantile(0.98, dim=1, keepdim=True)
    digit = torch.stack([row[:, mask].median(-1).values for row, mask in zip(ink, covered, strict=True)])
    return ground, digit


def _find(root: Path) -> Path:
    for folder in (root, *(root / name for name in FOLDERS)):
        if folder.is_dir() and any(NAME.fullmatch(path.name) for path in folder.iterdir()):
            return folder
    raise FileNotFoundError(f"`root` (={root}) holds no 00001.png, nor do its folders {', '.join(FOLDERS)}: {REMEDY}")


def _half(source: tuple[Path, int], *, size: int) -> Tensor:
    path, half = source
    picture = read_cdcb(path)[half]
    return picture if size == SIDE else F.interpolate(picture[None], size=(size, size), mode="area")[0]


def _corners(pair: Tensor) -> Tensor:
    """All pixels of the four corners, `(2, 3, 4 * CORNER^2)`."""
    rows = torch.cat([pair[..., :CORNER, :], pair[..., -CORNER:, :]], dim=-2)
    return torch.cat([rows[..., :CORNER], rows[..., -CORNER:]], dim=-1).flatten(2)
