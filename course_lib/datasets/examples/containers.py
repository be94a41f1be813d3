"""Writers of the containers that the data sets use (MATLAB, HDF5, pictures), the same bytes each time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from course_lib.datasets.examples.example import Example
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.pictures import decode_image


def save_mat(path: Path, values: Mapping[str, Any], *, packed: bool = True) -> Path:
    """Write variables as MATLAB does by default: version 5, each variable packed with zlib."""
    import scipy.io

    scipy.io.savemat(path, dict(values), do_compression=packed, oned_as="row")
    with path.open("r+b") as stream:  # scipy writes the time of day here
        stream.write(b"MATLAB 5.0 MAT-file, an example".ljust(116))
    return path


def save_hdf5(path: Path, values: Mapping[str, np.ndarray], *, packed: bool = False) -> Path:
    """Write arrays (lists of `bytes` become fixed-length strings)."""
    import h5py

    with h5py.File(path, "w", libver="earliest", track_order=False) as file:
        for name, value in values.items():
            array = np.asarray(value)
            file.create_dataset(name, data=array, compression="gzip" if packed else None, track_times=False)
    return path


def save_picture(path: Path, pixels: np.ndarray) -> Path:
    """Write `(h, w)` or `(h, w, 3)` uint8, or `(h, w)` uint16 (as 16-bit PNG); the name's ending is the format."""
    options = {"quality": 90} if path.suffix in (".jpg", ".jpeg") else {}
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, **options)
    return path


def shaded(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """A smooth coloured picture, `(height, width, 3)` uint8; another seed, another picture."""
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(3 * rows * (k + 1) + 5 * columns + seed + 2 * k) for k in range(3)]
    return (127.5 * (1 + 0.9 * np.stack(waves, -1))).astype(np.uint8)


def _write_mat(folder: Path) -> Path:
    """Write each kind of value that is read, packed."""
    frames = np.empty((1, 2), object)
    frames[0, 0], frames[0, 1] = np.eye(3), "im00001.jpg"
    values = {
        "joints": np.arange(24, dtype=np.float64).reshape(4, 3, 2),
        "faces": np.arange(12, dtype=np.uint8).reshape(6, 2),
        "annot": {"imgname": "S9_Posing_1", "scale": np.float32([[1.5, 2.5]]), "cells": frames},
        "seen": np.array([[True, False]]),
    }
    return save_mat(folder / "values.mat", values)


def _write_plain_mat(folder: Path) -> Path:
    """The same, not packed: corruption then reaches the elements themselves."""
    return save_mat(
        folder / "plain.mat", read_mat(_write_mat(folder), ("joints", "faces", "annot", "seen")), packed=False
    )


def _write_hdf5(folder: Path) -> Path:
    return save_hdf5(folder / "valid.h5", _ARRAYS)


def _write_packed_hdf5(folder: Path) -> Path:
    return save_hdf5(folder / "packed.h5", _ARRAYS, packed=True)


_ARRAYS = {"part": np.arange(40, dtype=np.float64).reshape(4, 5, 2), "imgname": np.array([b"a.jpg", b"bc.jpg"] * 2)}


def _write_png(folder: Path) -> Path:
    return save_picture(folder / "picture.png", shaded(9, 12))


def _write_jpeg(folder: Path) -> Path:
    return save_picture(folder / "picture.jpg", shaded(9, 12))


def _write_depth(folder: Path) -> Path:
    return save_picture(folder / "depth.png", (shaded(9, 12)[..., 0] * np.uint16(40)).astype(np.uint16))


EXAMPLES = (
    Example("mat", _write_mat, read_mat, ("values.mat",), True, lambda data: read_mat(data / "lspet" / "joints.mat")),
    Example("mat, not packed", _write_plain_mat, read_mat, ("plain.mat",), True),
    Example("hdf5", _write_hdf5, lambda path: read_hdf5(path, tuple(_ARRAYS)), ("valid.h5",), True,
            lambda data: read_hdf5(data / "mpii" / "annot" / "valid.h5", ("part", "imgname"))),
    Example("hdf5, packed", _write_packed_hdf5, lambda path: read_hdf5(path, tuple(_ARRAYS)), ("packed.h5",), True),
    Example("png", _write_png, decode_image, ("picture.png",), True,
            lambda data: decode_image(data / "mnist_cdcb" / "00001.png")),
    Example("jpeg", _write_jpeg, decode_image, ("picture.jpg",), True,
            lambda data: decode_image(data / "lspet" / "images" / "im00001.jpg")),
    Example("depth png", _write_depth, lambda path: decode_image(path, "depth16"), ("depth.png",), True,
            lambda data: decode_image(data / "rgbd_7scenes" / "frame-000000.depth.png", "depth16")),
)  # fmt: skip
