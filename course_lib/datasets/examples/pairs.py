"""Pairs of pictures side by side in one file: coloured digits, and edges with photos."""

from pathlib import Path

import numpy as np

from course_lib.datasets.examples.containers import save_picture, shaded
from course_lib.datasets.examples.example import Example
from course_lib.datasets.mnist_cdcb import SIDE, ColouredDigits, load_mnist_cdcb
from course_lib.datasets.side_by_side import EdgePairs, load_side_by_side

COLOURS = (((40, 90, 200), (250, 180, 20)), ((200, 210, 60), (60, 20, 130)), ((15, 15, 15), (90, 255, 240)))
EDGE_SIDE = 32


def write_mnist_cdcb(folder: Path) -> Path:
    """Write three pairs: a ring that grows, on a coloured ground and in colour on black."""
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    for number, (ground, digit) in enumerate(COLOURS, start=1):
        off = np.abs(np.hypot(rows, columns) - 30 - 15 * number)
        mask = np.clip(12 - off, 0, 1)[..., None]
        left, right = mask * 255 + (1 - mask) * ground, mask * digit
        save_picture(folder / f"{number:05d}.png", np.concatenate([left, right], axis=1).round().astype(np.uint8))
    return folder


def write_edge_pairs(folder: Path, *, photo_first: bool = False) -> Path:
    """Write four pairs of a coloured disc on white and its outline, edges on the left unless told otherwise."""
    (folder / "train").mkdir()
    rows, columns = np.mgrid[:EDGE_SIDE, :EDGE_SIDE] - (EDGE_SIDE - 1) / 2
    for number in range(1, 5):
        off = np.hypot(rows, columns) - 6 - 2 * number
        inside = np.clip(0.5 - off, 0, 1)[..., None]
        photo = inside * shaded(EDGE_SIDE, EDGE_SIDE, seed=number) + (1 - inside) * 255
        edges = np.repeat(np.where(np.abs(off) < 0.6, 0.0, 255.0)[..., None], 3, axis=-1)
        halves = [photo, edges] if photo_first else [edges, photo]
        save_picture(folder / "train" / f"{number}_AB.jpg", np.concatenate(halves, axis=1).round().astype(np.uint8))
    return folder


def _digits(root: Path) -> ColouredDigits:
    return load_mnist_cdcb(root, size=32).decoded()


def _edges(root: Path) -> EdgePairs:
    return load_side_by_side(root, order="edges|photo").decoded()


def _real_shoes(data: Path) -> EdgePairs:
    return load_side_by_side(data / "shoes_edges_pairs", order="photo|edges").decoded()


EXAMPLES = (
    Example("mnist_cdcb", write_mnist_cdcb, _digits, ("00002.png",), True, _digits),
    Example("side_by_side", write_edge_pairs, _edges, ("train/3_AB.jpg",), True, _real_shoes),
)
