"""MNIST from its four files: small fakes, damaged ones, and the real ones where COURSE_DATA has them."""

import gzip
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.datasets import DataFormatError, ImageSet, load_mnist, mnist

COUNTS = {"train": 6, "test": 4}


def idx(array):
    return struct.pack(f">{array.ndim + 1}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Four small files in the original layout, and a function that replaces one."""
    rng = np.random.default_rng(0)
    for half, count in COUNTS.items():
        images, labels, _ = mnist.FILES[half]
        monkeypatch.setitem(mnist.FILES, half, (images, labels, count))
        (tmp_path / images).write_bytes(idx(rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)))
        (tmp_path / labels).write_bytes(idx(np.arange(count, dtype=np.uint8)))
    return tmp_path


def test_images_and_labels(fake):
    train, test = load_mnist(fake)
    assert (len(train), len(test)) == (6, 4)
    assert isinstance(train, ImageSet)
    assert train.images.shape == (6, 1, 28, 28)
    assert train.images.dtype == torch.float32
    assert train.labels.dtype == torch.int64
    assert train.labels.tolist() == list(range(6))
    raw = np.frombuffer((fake / "train-images-idx3-ubyte").read_bytes()[16:], np.uint8).reshape(6, 28, 28)
    np.testing.assert_allclose(train.images[:, 0].numpy() * 255, raw, atol=1e-4)
    assert train.to("cpu").images.equal(train.images)


@pytest.mark.parametrize("inside", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_usual_folders_and_packed_files_are_found(fake, tmp_path_factory, inside, packed):
    root = tmp_path_factory.mktemp("root")
    folder = root / inside
    folder.mkdir(parents=True, exist_ok=True)
    for path in fake.iterdir():
        raw = path.read_bytes()
        (folder / (path.name + ".gz" * packed)).write_bytes(gzip.compress(raw) if packed else raw)
    train, _ = load_mnist(root)
    assert train.images.equal(load_mnist(fake)[0].images)
    assert load_mnist(str(root))[1].labels.tolist() == [0, 1, 2, 3]


def zeros(*shape):
    return np.zeros(shape, np.uint8)


BAD = {
    "labels of the other half": ("t10k-labels-idx1-ubyte", idx(zeros(6)), r"labels of shape \(6,\) for 4 images"),
    "images for labels": ("t10k-labels-idx1-ubyte", idx(zeros(4, 28, 28)), r"labels of shape \(4, 28, 28\)"),
    "labels for images": (
        "t10k-images-idx3-ubyte",
        idx(zeros(4)),
        r"shape \(4,\), expected \(n, 28, 28\); is this MNI",
    ),
    "a label of 10": (
        "t10k-labels-idx1-ubyte",
        idx(np.array([0, 9, 10, 255], np.uint8)),
        "label 10 in row 2, expected 0 to 9",
    ),
    "images of another size": ("train-images-idx3-ubyte", idx(zeros(6, 32, 32)), r"shape \(6, 32, 32\), expected"),
    "a web page": ("train-labels-idx1-ubyte", b"<html>moved</html>", "this is a web page"),
    "half a file": ("train-images-idx3-ubyte", idx(zeros(6, 28, 28))[:2000], "= 4,704 bytes, but 1,984 follow"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused(fake, name):
    file, raw, message = BAD[name]
    (fake / file).write_bytes(raw)
    with pytest.raises(DataFormatError, match=message) as caught:
        load_mnist(fake)
    assert str(fake / file) in str(caught.value)


def test_too_few_images_with_their_labels_are_refused(fake):
    (fake / "train-images-idx3-ubyte").write_bytes(idx(zeros(5, 28, 28)))
    (fake / "train-labels-idx1-ubyte").write_bytes(idx(zeros(5)))
    with pytest.raises(DataFormatError, match="5 images, MNIST has 6 here; fetch it again"):
        load_mnist(fake)


def test_missing_files_say_how_to_get_them(fake, tmp_path_factory):
    (fake / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(FileNotFoundError, match=r"train-labels-idx1-ubyte\[.gz\] is missing: fetch it with  python -m"):
        load_mnist(fake)
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(FileNotFoundError, match=r"`root` \(=.*\) holds no t10k-images.*data_scripts.fetch mnist --out"):
        load_mnist(empty)


@pytest.fixture(scope="module")
def real():
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root).expanduser() / "mnist").is_dir():
        pytest.skip("the real MNIST files are not there: set COURSE_DATA to the folder above `mnist`")
    return Path(root).expanduser()


# MD5 of the unpacked files as LeCun, Cortes and Burges published them.
MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def test_the_real_files_are_the_published_ones(real):
    for name, md5 in MD5.items():
        packed = real / "mnist" / f"{name}.gz"
        raw = gzip.decompress(packed.read_bytes()) if packed.exists() else (real / "mnist" / name).read_bytes()
        assert hashlib.md5(raw, usedforsecurity=False).hexdigest() == md5, name


def test_the_real_images_and_labels(real):
    train, test = load_mnist(real)
    assert train.images.shape == (60_000, 1, 28, 28)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert train.labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # The mean and standard deviation that every MNIST tutorial subtracts and divides by.
    assert float(train.images.double().mean()) == pytest.approx(0.1307, abs=5e-5)
    assert float(train.images.double().std()) == pytest.approx(0.3081, abs=5e-5)
    assert float(train.images.min()) == 0
    assert float(train.images.max()) == 1
    assert float(train.images[:, :, 0].mean()) < 1e-3 < float(train.images[:, :, 14].mean())  # ink is in the middle
