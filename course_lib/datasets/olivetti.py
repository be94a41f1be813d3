"""Olivetti faces: ten photographs of each of 40 people, 64 x 64, AT&T Laboratories Cambridge (Samaria, Harter 1994)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.folders import find_folder, how_to_obtain
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.records import RecordSet

FILE = "olivettifaces.mat"
SHAPE = (64 * 64, 400)
PHOTOGRAPHS = 10  # of each person, one after the other


@dataclass(frozen=True)
class OlivettiSet(RecordSet):
    """Grey faces with the number of the person.

    Attributes:
        images: Grey values in [0, 1], `(n, 1, 64, 64)`.
        people: Who it is, 0 to 39, `(n,)`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ("images", "people")

    images: Float[Tensor, "n 1 64 64"]
    people: Int[Tensor, " n"]


def load_olivetti(root: str | Path) -> OlivettiSet:
    """All 400 faces from `olivettifaces.mat`, whose columns are faces read column by column.

    Args:
        root: Folder with the file, or the one above it (`olivetti`, `faces_olivetti`).

    Raises:
        FileNotFoundError: The file is missing.
        DataFormatError: It is damaged, or `faces` is not 4096 x 400 grey values.
    """
    folder = find_folder(root, FILE, below=("olivetti", "faces_olivetti"), dataset="olivetti")
    remedy = how_to_obtain("olivetti")
    faces = read_mat(folder / FILE, ["faces"], remedy=remedy)["faces"]
    if not isinstance(faces, np.ndarray) or faces.shape != SHAPE or faces.dtype.kind not in "uif":
        told = f"{faces.dtype} {faces.shape}" if isinstance(faces, np.ndarray) else type(faces).__name__
        raise DataFormatError(f"{folder / FILE}: `faces` is {told}, expected numbers {SHAPE}; {remedy}")
    wrong = ~((faces >= 0) & (faces <= 255) & (faces % 1 == 0))
    if wrong.any():
        pixel, face = (int(place[0]) for place in np.nonzero(wrong))
        raise DataFormatError(
            f"{folder / FILE}: pixel {pixel} of face {face} is {faces[pixel, face]}, expected 0 to 255; {remedy}"
        )
    # (row + 64 column, face) -> (face, row, column)
    upright = np.ascontiguousarray(faces.T.reshape(-1, 64, 64).transpose(0, 2, 1))
    images = torch.from_numpy(upright).to(torch.float32).div(255).unsqueeze(1)
    return OlivettiSet(images, torch.arange(len(images)) // PHOTOGRAPHS)
