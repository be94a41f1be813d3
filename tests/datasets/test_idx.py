"""The IDX reader: good files, plain and gzipped, and every way a file can be bad."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.datasets import DataFormatError, read_idx


def idx(array, magic=None):
    header = struct.pack(">I", 0x0800 + array.ndim if magic is None else magic)
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


GOOD = idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
HTML = b"<!DOCTYPE html><html><body>404 Not Found</body></html>"


def write(folder, raw, name="t10k-images-idx3-ubyte"):
    path = folder / name
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (2, 1, 3, 2), (0, 28, 28)])
@pytest.mark.parametrize("packed", [False, True])
def test_good_files(tmp_path, shape, packed):
    array = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    raw = idx(array)
    found = read_idx(write(tmp_path, gzip.compress(raw) if packed else raw))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array, strict=True)


def test_the_name_does_not_decide(tmp_path):
    # A browser may unpack a .gz and keep the name; a plain name may hold a gzip stream.
    assert read_idx(write(tmp_path, GOOD, "a.gz")).shape == (2, 3, 4)
    assert read_idx(str(write(tmp_path, gzip.compress(GOOD), "a"))).shape == (2, 3, 4)


BAD = {
    "empty": (b"", "0 bytes are too few for an IDX header"),
    "three bytes": (GOOD[:3], "3 bytes are too few"),
    "cut in the header": (GOOD[:10], r"cut off inside the header \(10 of 16 bytes\)"),
    "cut in the body": (GOOD[:-1], "header says 2 x 3 x 4 = 24 bytes, but 23 follow"),
    "no body": (GOOD[:16], "24 bytes, but 0 follow"),
    "bytes too many": (GOOD + b"\0\0", "24 bytes, but 26 follow"),
    "another type": (idx(np.zeros(4, np.uint8), 0x0D01), "magic number 0x00000d01 at offset 0, expected 0x000008NN"),
    "no axes": (idx(np.zeros(4, np.uint8), 0x0800), "magic number 0x00000800"),
    "nine axes": (idx(np.zeros(4, np.uint8), 0x0809), "magic number 0x00000809"),
    "little-endian": (struct.pack("<I", 0x0803) + GOOD[4:], "magic number 0x03080000"),
    "a PNG": (b"\x89PNG\r\n\x1a\n" + bytes(40), "magic number 0x89504e47"),
    "a web page": (HTML, "this is a web page, not IDX data"),
    "a web page after a line": (b"\n <html>\n", "this is a web page"),
    "a huge header": (struct.pack(">4I", 0x0803, *(0xFFFFFFFF,) * 3), "but 0 follow"),
    "gzip cut off": (gzip.compress(GOOD)[:-9], "gzip stream is cut off or damaged"),
    "gzip cut in its header": (gzip.compress(GOOD)[:5], "gzip stream is cut off or damaged"),
    "gzip without its sum": (gzip.compress(GOOD)[:-8] + bytes(8), r"damaged \(CRC check failed"),
    "gzip of half": (gzip.compress(GOOD[:-3]), "24 bytes, but 21 follow"),
    "gzip of a web page": (gzip.compress(HTML), "magic number 0x3c21444f"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_refused_in_one_sentence_with_file_and_remedy(tmp_path, name):
    raw, message = BAD[name]
    path = write(tmp_path, raw, "t10k-images-idx3-ubyte.gz")
    with pytest.raises(DataFormatError, match=message) as caught:
        read_idx(path)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert text.endswith("fetch it again: python -m data_scripts.fetch mnist")
    assert "\n" not in text


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_idx(tmp_path / "nothing")


@st.composite
def damaged(draw):
    """The good file, plain or packed, with bytes changed, cut off or added."""
    raw = bytearray(gzip.compress(GOOD, mtime=0) if draw(st.booleans()) else GOOD)
    kind = draw(st.sampled_from(["change", "cut", "add", "noise"]))
    if kind == "change":
        for _ in range(draw(st.integers(1, 4))):
            raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    elif kind == "cut":
        raw = raw[: draw(st.integers(0, len(raw) - 1))]
    elif kind == "add":
        raw += draw(st.binary(min_size=1, max_size=20))
    else:
        raw = bytearray(draw(st.binary(max_size=40)))
    return bytes(raw)


@settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damaged())
def test_two_hundred_damaged_files_raise_nothing_else(tmp_path, raw):
    path = write(tmp_path, raw)
    found, refusal = None, ""
    try:
        found = read_idx(path)
    except DataFormatError as error:
        refusal = str(error)
    if found is None:
        assert refusal.startswith(str(path))
    else:
        # Changed pixels, or a change gzip does not guard, are beyond any reader; the shape is then the header's.
        plain = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        assert found.tobytes() == plain[4 + 4 * found.ndim :]
        assert found.shape == struct.unpack_from(f">{found.ndim}I", plain, 4)
