"""MATLAB files: the values of scipy's reader, and every size a file declares compared with what it holds."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from course_lib.datasets import DataFormatError, read_mat
from course_lib.datasets.examples.containers import save_mat


def element(kind, data):
    return struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8)


def matrix(name=b"x", kind=6, shape=(2, 3), stored=9, values=None, flags=0):
    """One variable, spelt out: class 6 is double, stored type 9 is float64."""
    values = np.arange(np.prod(shape), dtype="<f8").tobytes() if values is None else values
    body = element(6, struct.pack("<II", kind | flags, 0)) + element(5, np.array(shape, "<i4").tobytes())
    return element(14, body + element(1, name) + element(stored, values))


def header(version=0x0100, order=b"IM"):
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", version) + order


def packed(raw):
    stream = zlib.compress(raw)
    return struct.pack("<II", 15, len(stream)) + stream


def write(folder, raw):
    path = folder / "joints.mat"
    path.write_bytes(raw)
    return path


def test_the_layout_of_matlab_is_kept(tmp_path):
    found = read_mat(write(tmp_path, header() + matrix()))
    assert list(found) == ["x"]
    assert found["x"].dtype == np.float64
    assert found["x"].tolist() == [[0, 2, 4], [1, 3, 5]]  # first axis fastest


@given(
    npst.arrays(
        st.sampled_from(["f8", "f4", "u1", "i2", "u2", "i4", "u4", "i8", "bool"]),
        npst.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4),
        elements={"allow_nan": False},
    ),
    st.booleans(),
)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_arrays_come_back_as_they_were_written(tmp_path_factory, array, packed):
    path = save_mat(tmp_path_factory.mktemp("mat") / "a.mat", {"a": array}, packed=packed)
    np.testing.assert_array_equal(read_mat(path, ["a"])["a"], array, strict=True)


def test_structs_cells_and_text_become_dicts_lists_and_strings(tmp_path):
    cells = np.empty((2, 2), object)
    cells[:] = [["a", 1.0], [np.zeros((0, 0)), "long enough for an element of its own"]]
    records = np.array([(1, "one"), (2, "two")], [("n", object), ("word", object)])
    path = save_mat(tmp_path / "a.mat", {"cells": cells, "one": {"x": 1, "y": {"z": "deep"}}, "many": records})
    found = read_mat(path)
    assert [np.asarray(cell).tolist() for cell in found["cells"]] == ["a", [], [[1.0]], cells[1, 1]]
    assert found["one"]["x"].tolist() == [[1]]
    assert found["one"]["y"] == {"z": "deep"}
    assert [record["word"] for record in found["many"]] == ["one", "two"]


def test_doubles_that_matlab_stored_as_bytes_are_doubles_again(tmp_path):
    raw = header() + matrix(stored=2, values=bytes([1, 2, 3, 4, 5, 255]))
    assert read_mat(write(tmp_path, raw))["x"].tolist() == [[1.0, 3.0, 5.0], [2.0, 4.0, 255.0]]
    assert read_mat(write(tmp_path, raw))["x"].dtype == np.float64


def test_text_of_any_script_is_kept(tmp_path):
    for text in ("plain", "Ωμέγα", "全角Ａ", "two\nrows"):
        rows = np.array(text.split("\n")) if "\n" in text else text
        assert read_mat(save_mat(tmp_path / "a.mat", {"x": rows}))["x"].split() == text.split()
    raw = header() + matrix(kind=4, shape=(1, 2), stored=4, values=b"\x00\xd8A\x00")  # half of a surrogate pair
    assert read_mat(write(tmp_path, raw))["x"] == "\N{REPLACEMENT CHARACTER}A"


@pytest.mark.parametrize(("stored", "signalling"), [(9, "<Q"), (7, "<I")])
def test_a_signalling_nan_is_an_ordinary_one_and_warns_nobody(tmp_path, stored, signalling):
    bits = 0x7FF0000000000001 if stored == 9 else 0x7F800001
    one = struct.pack("<d" if stored == 9 else "<f", 1.0)
    raw = header() + matrix(shape=(1, 2), stored=stored, values=struct.pack(signalling, bits) + one)
    values = read_mat(write(tmp_path, raw))["x"]
    assert np.isnan(values[0, 0])
    assert values.astype(np.float32)[0, 1] == 1  # a warning would be an error here


def test_big_endian_files_are_read(tmp_path):
    def big(kind, data):
        return struct.pack(">II", kind, len(data)) + data + bytes(-len(data) % 8)

    body = big(6, struct.pack(">II", 6, 0)) + big(5, struct.pack(">ii", 1, 2)) + big(1, b"x")
    raw = b"MATLAB".ljust(124) + b"\x01\x00MI" + big(14, body + big(9, struct.pack(">dd", 1.5, -2.0)))
    assert read_mat(write(tmp_path, raw))["x"].tolist() == [[1.5, -2.0]]


def test_version_73_is_read_through_hdf5(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "ordinal.mat"
    array = np.arange(24.0).reshape(2, 3, 4)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["ord"] = array.T
    with path.open("r+b") as stream:
        stream.write(header(0x0200))
    np.testing.assert_array_equal(read_mat(path, ["ord"])["ord"], array, strict=True)
    with pytest.raises(DataFormatError, match=r"7\.3 files are read by name only: say which variables"):
        read_mat(path)


huge = (1 << 30, 1 << 30)
BAD = {
    "empty": (b"", "0 bytes are too few for the 128"),
    "a web page": (b"<!doctype html>" + bytes(200), "this is a web page"),
    "version 4": (bytes(200), "0x00000000 at offset 124, expected the version and byte order of MATLAB 5"),
    "another version": (header(0x0300) + matrix(), "0x0003494d at offset 124"),
    "cut in a tag": (header() + matrix()[:5], "cut off: 5 bytes where an element of at least 8 should begin at offset"),
    "cut in the values": (header() + matrix()[:-3], r"declares 104 bytes, 101 follow at offset 128"),
    "a huge shape": (header() + matrix(shape=huge, values=bytes(8)), "1 values for a shape of 1073741824 x 1073741824"),
    "a negative size": (header() + matrix(shape=(-1, 3), values=b""), r"a shape of \(-1, 3\), expected"),
    "one axis": (header() + matrix(shape=(3,)), "expected at least two sizes"),
    "values of half a number": (header() + matrix(values=bytes(44)), "44 bytes for the values, expected a multiple"),
    "complex": (header() + matrix(flags=0x800), "complex numbers"),
    "an object": (header() + matrix(kind=3), "holds an object, expected numbers"),
    "a function": (header() + matrix(kind=16), "holds a function"),
    "a sparse matrix": (header() + matrix(kind=5), "holds a sparse matrix"),
    "an unknown class": (header() + matrix(kind=77), "class 77"),
    "too many cells": (header() + matrix(kind=1, shape=huge, values=bytes(64)), "cells declared, 72 bytes follow"),
    "floats as integers": (header() + matrix(kind=9), r"a class of integers \(9\) stored as float64"),
    "letters that are floats": (header() + matrix(kind=4, shape=(1, 2)), "type 9 for text, expected 1 or 2"),
    "no matrix": (header() + element(9, bytes(16)), "an element of type 9, expected a matrix"),
    "a broken stream": (header() + struct.pack("<II", 15, 20) + bytes(20), "the zlib stream is damaged"),
    "a cut stream": (header() + packed(matrix())[:8] + packed(matrix())[8:-9].ljust(200, b"\0"), "zlib|cut off"),
    "a bomb": (header() + packed(struct.pack("<II", 14, 0x7FFFFFFF)), "declares 2,147,483,647 bytes, 16 cannot hold"),
    "a stream too long": (header() + packed(matrix() + bytes(999)), "another number of bytes than the 104 declared"),
    "another variable": (header() + matrix(b"faces"), "no variable 'x'; the file holds none of them"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_with_offset_and_remedy(tmp_path, name):
    raw, message = BAD[name]
    path = write(tmp_path, raw)
    with pytest.raises(DataFormatError, match=message) as caught:
        read_mat(path, ["x"], remedy="fetch it again")
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith("; fetch it again")


def test_variables_that_are_not_asked_for_may_be_of_any_kind(tmp_path):
    path = write(tmp_path, header() + matrix(b"f", kind=16) + matrix())
    assert list(read_mat(path, ["x"])) == ["x"]
    assert list(read_mat(path)) == ["x"]


def test_nesting_has_an_end(tmp_path):
    value = np.zeros((1, 1))
    for _ in range(30):
        cell = np.empty((1, 1), object)
        cell[0, 0] = value
        value = cell
    with pytest.raises(DataFormatError, match="nested more than 16 deep"):
        read_mat(save_mat(tmp_path / "a.mat", {"x": value}))


def equal(ours, scipys):
    """Whether a value of ours holds what scipy read."""
    if isinstance(ours, dict):
        return list(ours) == list(scipys.dtype.names) and all(equal(ours[key], scipys[key][0, 0]) for key in ours)
    if isinstance(ours, list):
        entries = scipys.ravel(order="F")
        if scipys.dtype.names:
            return all(equal(a[key], b[key]) for a, b in zip(ours, entries, strict=True) for key in a)
        return all(equal(a, b) for a, b in zip(ours, entries, strict=True))
    if isinstance(ours, str):
        return ours == "\n".join(scipys.tolist())
    return np.array_equal(ours, scipys, equal_nan=ours.dtype.kind == "f")


def test_the_real_files_hold_what_scipy_reads():
    root = os.environ.get("COURSE_DATA")
    paths = sorted(Path(root).expanduser().rglob("*.mat")) if root else []
    if not paths:
        pytest.skip("no real MATLAB files: set COURSE_DATA to the folder that holds the data sets")
    for path in paths:
        ours = read_mat(path)
        scipys = {name: value for name, value in scipy.io.loadmat(path).items() if not name.startswith("__")}
        assert list(ours) == list(scipys), path
        assert all(equal(ours[name], scipys[name]) for name in ours), path
