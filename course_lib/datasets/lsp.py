"""Leeds Sports Pose and its extension: people in sports, 14 joints a picture (Johnson and Everingham 2010, 2011).

The two files look alike and are not: LSP is 3 x 14 x 2,000 and its third row marks joints that are *occluded*; the
extension is 14 x 3 x 10,000 and its third column marks joints that are *visible*. Neither reader takes the other's.
"""

import functools
from pathlib import Path

import numpy as np
import torch

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import find_folder, how_to_obtain, numbered
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.poses import KeypointSet
from course_lib.datasets.records import LazyImages
from course_lib.geometry.skeletons import LSP_14

LSP_FOLDERS = ("lsp", "lsp/lsp_dataset", "lsp_dataset", "lsp_dataset_original")
LSPET_FOLDERS = ("lspet", "lspet/lspet_dataset", "lspet_dataset", "hr-lspet")
FARTHEST = 1e5  # pixels; no picture is as large


def load_lsp(root: str | Path, *, images: bool = True, on_bad: str = "raise") -> KeypointSet:
    """Leeds Sports Pose: every joint is marked, also the occluded ones.

    Args:
        root: Folder with `joints.mat` and `images/im0001.jpg` ..., or the one above it (`lsp`, `lsp_dataset_original`).
        images: Whether the pictures are wanted too; they are decoded when asked for.
        on_bad: `"raise"` or `"skip"` for people with joints that are no places.

    Returns:
        Points in the pixels of the file; `visible` is False where a joint is occluded.

    Raises:
        FileNotFoundError: A file is missing.
        DataFormatError: A file is damaged, is that of the extension, or has another number of people than pictures.
    """
    folder = find_folder(root, "joints.mat", below=LSP_FOLDERS, dataset="lsp")
    other = "14 x 3 x N: this is LSP extended, use load_lsp_extended"
    joints = _joints(folder / "joints.mat", (3, 14), other, "lsp").transpose(0, 2, 1)
    visible = joints[..., 2] == 0
    return _people(folder, joints, visible, np.ones_like(visible), 4, images, on_bad, "lsp")


def load_lsp_extended(root: str | Path, *, images: bool = True, on_bad: str = "raise") -> KeypointSet:
    """Leeds Sports Pose extended: joints that are not visible are not marked.

    Args:
        root: Folder with `joints.mat` and `images/im00001.jpg` ..., or the one above it (`lspet`).
        images: Whether the pictures are wanted too; they are decoded when asked for.
        on_bad: `"raise"` or `"skip"` for people with joints that are no places.

    Returns:
        Points in the pixels of the file, NaN where not marked (the file has meaningless numbers there).

    Raises:
        FileNotFoundError: A file is missing.
        DataFormatError: A file is damaged, is that of LSP itself, or has another number of people than pictures.
    """
    folder = find_folder(root, "joints.mat", below=LSPET_FOLDERS, dataset="lspet")
    other = "3 x 14 x N: this is LSP itself, use load_lsp"
    joints = _joints(folder / "joints.mat", (14, 3), other, "lspet")
    visible = joints[..., 2] == 1
    return _people(folder, joints, visible, visible, 5, images, on_bad, "lspet")


def _joints(path: Path, shape: tuple[int, int], other: str, dataset: str) -> np.ndarray:
    """The array of the file with the people in front, once it is seen to be of this layout."""
    remedy = how_to_obtain(dataset)
    joints = read_mat(path, ["joints"], remedy=remedy)["joints"]
    if not isinstance(joints, np.ndarray) or joints.dtype.kind not in "fiu" or joints.ndim not in (2, 3):
        raise DataFormatError(f"{path}: `joints` is no array of numbers with three axes; {remedy}")
    joints = joints[..., None] if joints.ndim == 2 else joints  # MATLAB drops a last axis of one
    if joints.shape[:2] == shape[::-1]:
        raise DataFormatError(f"{path}: `joints` is {other}")
    if joints.shape[:2] != shape:
        found = " x ".join(map(str, joints.shape))
        raise DataFormatError(f"{path}: `joints` is {found}, expected {shape[0]} x {shape[1]} x N; {remedy}")
    return joints.transpose(2, 0, 1).astype(np.float64)


def _people(
    folder: Path,
    joints: np.ndarray,
    visible: np.ndarray,
    marked: np.ndarray,
    digits: int,
    images: bool,
    on_bad: str,
    dataset: str,
) -> KeypointSet:
    """The set of the people whose marked joints are places in a picture."""
    pictures = numbered(folder / "images", rf"im(\d{{{digits}}})\.jpg", dataset=dataset) if images else None
    if pictures is not None and len(pictures) != len(joints):
        raise DataFormatError(
            f"{folder / 'images'}: {len(pictures):,} pictures for the {len(joints):,} people of joints.mat; one of the "
            f"two belongs to another set; {how_to_obtain(dataset)}"
        )
    for number, picture in enumerate(pictures or (), start=1):
        if picture.name != f"im{number:0{digits}d}.jpg":
            raise DataFormatError(
                f"{picture}: found where im{number:0{digits}d}.jpg should be; joints.mat counts people from 1 without "
                f"gaps; {how_to_obtain(dataset)}"
            )
    bad, keep = BadRecords(on_bad), []
    wrong = ~np.isin(joints[..., 2], (0, 1)) | (marked & ~(np.abs(joints[..., :2]) <= FARTHEST).all(-1))
    for row in range(len(joints)):
        if wrong[row].any():
            joint = int(np.argmax(wrong[row]))
            x, y, flag = joints[row, joint]
            problem = f"({x:g}, {y:g}) with flag {flag:g}, expected a place in a picture and 0 or 1"
            bad.report(folder / "joints.mat", f"person {row}, {LSP_14.joints[joint]}", problem)
        else:
            keep.append(row)
    names = [path.name for path in pictures] if pictures else [f"person {row}" for row in range(len(joints))]
    decode = functools.partial(decode_image, mode="rgb", remedy=how_to_obtain(dataset))
    points = np.where(marked[..., None], joints[..., :2], np.nan)[keep]
    return KeypointSet(
        points=torch.from_numpy(points.astype(np.float32)),
        visible=torch.from_numpy(visible[keep]),
        skeleton=LSP_14,
        names=tuple(names[row] for row in keep),
        images=LazyImages([pictures[row] for row in keep], decode) if pictures is not None else None,
        skipped=bad.messages,
    )
