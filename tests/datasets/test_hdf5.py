"""HDF5: plain arrays come back; links, external data, foreign filters and absurd sizes are refused."""

import sys

import numpy as np
import pytest

pytest.importorskip("h5py", reason="h5py is in the extra `data`")

import h5py

from course_lib.datasets import DataFormatError, read_hdf5
from course_lib.datasets.examples.containers import save_hdf5


@pytest.mark.parametrize("packed", [False, True])
def test_arrays_come_back_in_the_order_asked_for(tmp_path, packed):
    arrays = {"part": np.arange(12.0).reshape(2, 3, 2), "imgname": np.array([b"a.jpg", b"b.jpg"])}
    path = save_hdf5(tmp_path / "valid.h5", arrays, packed=packed)
    found = read_hdf5(path, ("imgname", "part"))
    assert list(found) == ["imgname", "part"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_an_array_inside_a_group_is_named_by_its_path(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["annot/center"] = np.ones(3)
    assert read_hdf5(tmp_path / "a.h5", ["annot/center"])["annot/center"].tolist() == [1, 1, 1]


def test_a_signalling_nan_is_an_ordinary_one_and_warns_nobody(tmp_path):
    array = np.array([0x7FF0000000000001, 0], np.uint64).view(np.float64)
    found = read_hdf5(save_hdf5(tmp_path / "a.h5", {"part": array}), ["part"])["part"]
    assert np.isnan(np.round(found)).tolist() == [True, False]
    assert np.isnan(found.astype(np.float32)[0])


def fill(file):
    """Everything that this reader refuses."""
    file["plain"] = np.ones(3)
    file["soft"] = h5py.SoftLink("/plain")
    file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
    file.create_group("group")
    file["text"] = "a string of any length"
    file["empty"] = h5py.Empty("f8")
    file.create_dataset("never written", shape=(1 << 20, 1 << 20), dtype="f8")
    file.create_dataset(
        "never written, in blocks", shape=(1 << 20, 1 << 20), dtype="f8", chunks=(8, 8), compression="gzip"
    )
    file.create_dataset("elsewhere", shape=(4,), dtype="f8", external=[("other.bin", 0, 32)])
    file.create_dataset("packed by lzf", data=np.ones(99), compression="lzf")
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
    file.create_virtual_dataset("virtual", layout)


BAD = {
    "absent": "missing; the file holds elsewhere, empty, group, never written",
    "plain/deeper": "missing",
    "soft": r"a link \(SoftLink\), expected the array itself",
    "outside": r"a link \(ExternalLink\)",
    "group": "a Group, expected an array",
    "text": "type object, expected numbers or byte strings",
    "empty": "expected numbers or byte strings",
    "never written": "declares 1048576 x 1048576 of float64 = 8,796,093,022,208 bytes, 0 are stored",
    "never written, in blocks": "8,796,093,022,208 bytes, 0 are stored",
    "elsewhere": "stored in other files",
    "virtual": "stored in other files",
    "packed by lzf": "packed by filter 32000, only gzip, shuffle, checksum",
}


@pytest.mark.parametrize("name", BAD)
def test_all_but_plain_arrays_are_refused(tmp_path, name):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    with pytest.raises(DataFormatError, match=BAD[name]) as caught:
        read_hdf5(path, [name], remedy="fetch it again")
    assert str(caught.value).startswith(f"{path}, array {name!r}")
    assert str(caught.value).endswith("fetch it again")


def test_cut_off_and_other_files_are_refused(tmp_path):
    path = save_hdf5(tmp_path / "valid.h5", {"part": np.arange(999.0)})
    raw = path.read_bytes()
    for size in (0, 7, 600, 2000, len(raw) - 1):
        path.write_bytes(raw[:size])
        with pytest.raises(DataFormatError, match=r"valid\.h5: .*(expected the signature|cut off or damaged)"):
            read_hdf5(path, ["part"])
    path.write_bytes(b"<html>moved</html>")
    with pytest.raises(DataFormatError, match="this is a web page, expected the signature of HDF5"):
        read_hdf5(path, ["part"])
    with pytest.raises(FileNotFoundError):
        read_hdf5(tmp_path / "nothing.h5", ["part"])


def test_without_h5py_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = save_hdf5(tmp_path / "valid.h5", {"part": np.ones(3)})
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r'^h5py reads HDF5 files: install it with  pip install "bound-by-bound'):
        read_hdf5(path, ["part"])
