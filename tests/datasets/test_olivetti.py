"""Olivetti faces: the layout of the file, damaged files, and the real one."""

import os
from pathlib import Path

import numpy as np
import pytest

from course_lib.datasets import DataFormatError, load_olivetti
from course_lib.datasets.examples.containers import save_mat
from course_lib.datasets.examples.faces import write_olivetti


def test_faces_stand_upright_and_come_in_tens(tmp_path):
    folder = write_olivetti(tmp_path)
    faces = load_olivetti(folder)
    assert len(faces) == 400
    assert faces.images.shape == (400, 1, 64, 64)
    assert faces.people.tolist() == [number // 10 for number in range(400)]
    # The writer lights person 0 from the right and person 10 from below.
    assert faces.images[0, 0, :, 40:].mean() > faces.images[0, 0, :, :24].mean() + 0.05
    assert faces.images[100, 0, 40:].mean() > faces.images[100, 0, :24].mean() + 0.05
    assert faces.images[5].equal(faces.images[9])


def test_the_folder_above_will_do(tmp_path):
    (tmp_path / "olivetti").mkdir()
    write_olivetti(tmp_path / "olivetti")
    assert len(load_olivetti(tmp_path)) == 400
    with pytest.raises(FileNotFoundError, match=r"holds no olivettifaces.mat.*data_scripts.fetch olivetti"):
        load_olivetti(tmp_path / "elsewhere")


BAD = {
    "another shape": (np.zeros((4096, 399), np.uint8), r"uint8 \(4096, 399\), expected numbers \(4096, 400\)"),
    "the other way round": (np.zeros((400, 4096), np.uint8), r"\(400, 4096\), expected"),
    "too bright": (np.pad(np.full((1, 1), 256.0), ((7, 4088), (3, 396))), "pixel 7 of face 3 is 256.0, expected 0 to"),
    "not a number": (np.pad(np.full((1, 1), np.nan), ((0, 4095), (0, 399))), "pixel 0 of face 0 is nan"),
    "between two greys": (np.full((4096, 400), 0.5), "pixel 0 of face 0 is 0.5, expected 0 to 255"),
    "a word": ("faces", "`faces` is str"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused(tmp_path, name):
    value, message = BAD[name]
    save_mat(tmp_path / "olivettifaces.mat", {"faces": value})
    with pytest.raises(DataFormatError, match=message) as caught:
        load_olivetti(tmp_path)
    assert str(tmp_path / "olivettifaces.mat") in str(caught.value)


def test_the_real_file():
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root).expanduser() / "faces_olivetti").is_dir():
        pytest.skip("the real Olivetti file is not there: set COURSE_DATA to the folder above `faces_olivetti`")
    faces = load_olivetti(Path(root).expanduser())
    assert (faces.images[0, 0, 32, 30:34] * 255).round().int().tolist() == [167, 176, 181, 178]  # its README
    assert float(faces.images.max()) * 255 == pytest.approx(242)
    # Photographs of one person resemble each other more than those of two.
    flat = faces.images.flatten(1) - faces.images.flatten(1).mean(0)
    flat = flat / flat.norm(dim=1, keepdim=True)
    alike = flat @ flat.T
    same = faces.people[:, None] == faces.people
    assert alike[same].mean() > alike[~same].mean() + 0.5
    # A face is far more symmetric about its vertical middle than about its horizontal one.
    left_right = (faces.images - faces.images.flip(-1)).abs().mean()
    up_down = (faces.images - faces.images.flip(-2)).abs().mean()
    assert left_right < up_down
