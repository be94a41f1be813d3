"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28 (LeCun, Cortes and Burges)."""

from pathlib import Path

import numpy as np
import torch

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.idx import read_idx
from course_lib.datasets.images import ImageSet

FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 60_000),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 10_000),
}


def load_mnist(root: str | Path) -> tuple[ImageSet, ImageSet]:
    """Training and test set from the four original files, gzipped or plain.

    Args:
        root: Folder that holds them, or whose subfolder `mnist` or `MNIST/raw` does.

    Returns:
        Training set (60,000) and test set (10,000).

    Raises:
        FileNotFoundError: A file is missing; the message says which and how to fetch it.
        DataFormatError: A file is damaged, or images and labels do not belong together.
    """
    folder = _find_folder(Path(root))
    train, test = (_load_half(folder, *FILES[half]) for half in ("train", "test"))
    return train, test


def _find_folder(root: Path) -> Path:
    for folder in (root, root / "mnist", root / "MNIST" / "raw"):
        if any((folder / (FILES["test"][0] + suffix)).is_file() for suffix in ("", ".gz")):
            return folder
    raise FileNotFoundError(
        f"`root` (={root}) holds no {FILES['test'][0]}[.gz], nor do its folders mnist and MNIST/raw: "
        f"fetch the files with  python -m data_scripts.fetch mnist --out {root}"
    )


def _load_half(folder: Path, images_name: str, labels_name: str, count: int) -> ImageSet:
    images = read_idx(_either(folder, images_name))
    labels = read_idx(_either(folder, labels_name))
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DataFormatError(f"{folder / images_name}: shape {images.shape}, expected (n, 28, 28); is this MNIST?")
    if labels.ndim != 1 or len(labels) != len(images):
        raise DataFormatError(
            f"{folder / labels_name}: labels of shape {labels.shape} for {len(images):,} images; "
            "one file belongs to another set: fetch both again"
        )
    if len(images) != count:
        raise DataFormatError(
            f"{folder / images_name}: {len(images):,} images, MNIST has {count:,} here; fetch it again"
        )
    if len(labels) and labels.max() > 9:
        row = int(np.argmax(labels > 9))
        raise DataFormatError(
            f"{folder / labels_name}: label {labels[row]} in row {row}, expected 0 to 9; fetch it again"
        )
    pixels = torch.from_numpy(images.copy()).to(torch.float32).div(255).unsqueeze(1)
    return ImageSet(pixels, torch.from_numpy(labels.astype(np.int64)))


def _either(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{folder / name}[.gz] is missing: fetch it with  python -m data_scripts.fetch mnist --out {folder}"
    )
