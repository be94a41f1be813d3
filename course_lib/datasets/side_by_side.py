"""Pairs of pictures in one file, side by side, as pix2pix stores them (edges2shoes and its like; Isola et al. 2017)."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import how_to_obtain
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.records import LazyImages, RecordSet

FOLDERS = ("edges2shoes", "edges2shoes/edges2shoes", "shoes_edges_pairs")
NAME = re.compile(r"(\d{1,9})_AB\.jpg", re.ASCII)
ORDERS = ("edges|photo", "photo|edges")
LOOKED_AT = 8  # pairs, spread over the set, in which the order of the halves is checked
REMEDY = how_to_obtain("edges2shoes")


@dataclass(frozen=True)
class EdgePairs(RecordSet):
    """Photos with drawings of their edges.

    Attributes:
        edges: Dark lines on white, RGB in [0, 1], `(3, h, h)`, decoded when asked for.
        photos: The same things in colour, likewise.
        names: File of each pair.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ("edges", "photos", "names")

    edges: LazyImages | Tensor
    photos: LazyImages | Tensor
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()


def load_side_by_side(
    root: str | Path,
    *,
    order: Literal["edges|photo", "photo|edges"],
    split: str = "train",
    check: bool = True,
    on_bad: str = "raise",
) -> EdgePairs:
    """Files `1_AB.jpg`, `2_AB.jpg`, ... twice as wide as high, in the order of their numbers.

    Args:
        root: Folder that holds the folder `split`, or the one above it (`edges2shoes`).
        order: Which half is on the left. The published edges2shoes has `"edges|photo"`; collections in the same layout
            have either, and nothing in the files says which.
        split: Folder of the pairs: `"train"` or `"val"`.
        check: Whether to look at a few pairs and refuse halves that are the other way round.
        on_bad: `"raise"` or `"skip"` for files that are no pairs; the latter decodes every file.

    Raises:
        FileNotFoundError: There is no such folder, or no pair in it.
        DataFormatError: A file is no picture twice as wide as high, or the halves are not in the order said.
        ValueError: `order` or `split` is not one of those.
    """
    if order not in ORDERS:
        raise ValueError(f"`order` (={order!r}) must be one of {', '.join(ORDERS)}: which half is on the left")
    if split not in ("train", "val", "test"):
        raise ValueError(f'`split` (={split!r}) must be "train", "val" or "test"')
    folder = _find(Path(root), split)
    found = sorted((int(match[1]), path) for path in folder.iterdir() if (match := NAME.fullmatch(path.name)))
    paths, bad = [path for _, path in found], BadRecords(on_bad)
    if on_bad == "skip":
        kept = LazyImages(paths, read_halves).readable(bad)
        paths = [paths[row] for row in kept]
    left, right = (LazyImages([(path, half) for path in paths], _half) for half in (0, 1))
    edges, photos = (left, right) if order == ORDERS[0] else (right, left)
    if check and paths:
        _check_order(folder, edges, photos, order)
    return EdgePairs(edges, photos, tuple(path.name for path in paths), bad.messages)


def read_halves(path: str | Path, *, remedy: str = REMEDY) -> Float[Tensor, "2 3 h h"]:
    """Left and right half of one file, RGB in [0, 1].

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: It does not decode, or is not twice as wide as high.
    """
    picture = decode_image(path, "rgb", remedy=remedy)
    height, width = picture.shape[1:]
    if width != 2 * height:
        raise DataFormatError(
            f"{path}: {width} x {height} pixels (width x height), expected two squares side by side; {remedy}"
        )
    return torch.stack(picture.chunk(2, dim=2))


def drawn_share(pictures: Float[Tensor, "n 3 h w"]) -> Float[Tensor, " n"]:
    """Share of the pixels that are neither white paper nor a black line.

    Photos of things on white have many, drawings of their edges only the blurred rims of lines: in ten real pairs 0.23
    to 0.46 against 0.00 to 0.01.
    """
    grey = pictures.mean(1)
    spread = pictures.amax(1) - pictures.amin(1)
    return ((grey > 0.15) & (grey < 0.9) | (spread > 0.2)).float().mean((1, 2))


def _find(root: Path, split: str) -> Path:
    for folder in (root, *(root / name for name in FOLDERS)):
        if (folder / split).is_dir() and any(NAME.fullmatch(path.name) for path in (folder / split).iterdir()):
            return folder / split
    raise FileNotFoundError(
        f"`root` (={root}) holds no {split}/1_AB.jpg, nor do its folders {', '.join(FOLDERS)}: {REMEDY}"
    )


def _half(source: tuple[Path, int]) -> Tensor:
    path, half = source
    return read_halves(path)[half]


def _check_order(folder: Path, edges: LazyImages, photos: LazyImages, order: str) -> None:
    rows = sorted({round(i * (len(edges) - 1) / max(LOOKED_AT - 1, 1)) for i in range(LOOKED_AT)})
    drawn, shot = (torch.cat([drawn_share(images[row][None]) for row in rows]).median() for images in (edges, photos))
    if drawn >= shot:
        other = ORDERS[1 - ORDERS.index(order)]
        raise DataFormatError(
            f"{folder}: with `order` {order!r} the drawings have more tones than the photos (on {drawn:.0%} of their "
            f"pixels against {shot:.0%}): the halves lie the other way round, pass order={other!r}, or check=False if "
            "these are no drawings of edges"
        )
