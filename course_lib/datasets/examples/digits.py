"""A small IDX file."""

from pathlib import Path

import numpy as np

from course_lib.datasets.examples.example import Example
from course_lib.datasets.idx import read_idx
from course_lib.datasets.mnist import load_mnist

IDX_FILE = "digits-images-idx3-ubyte"


def write_idx(folder: Path) -> Path:
    """Write three pictures of 5 x 4 pixels, each a bright square that moves; `load_mnist` would want 70,000."""
    pictures = np.zeros((3, 5, 4), np.uint8)
    for row in range(3):
        pictures[row, row + 1 : row + 3, 1:3] = 200 + row
    path = folder / IDX_FILE
    path.write_bytes(b"\0\0\x08\x03" + np.array(pictures.shape, ">u4").tobytes() + pictures.tobytes())
    return path


EXAMPLES = (
    Example(
        name="idx",
        write=write_idx,
        read=read_idx,
        files=(IDX_FILE,),
        binary=True,
        real=lambda data: load_mnist(data)[0],
    ),
)
