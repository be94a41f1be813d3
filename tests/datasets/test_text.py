"""Text files and their numbers."""

import gzip

import pytest

from course_lib.datasets import DataFormatError, text
from course_lib.datasets.text import read_numbers, read_text


def write(folder, raw):
    path = folder / "poses.txt"
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize("raw", [b"1 2\r\n3\n", gzip.compress(b"1 2\r\n3\n", mtime=0), b"\xef\xbb\xbf1 2\r\n3\n"])
def test_plain_packed_and_marked_text_is_the_same(tmp_path, raw):
    assert read_text(write(tmp_path, raw)).split() == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"<html>", "this is a web page"),
        (b"12\0", "a zero byte at offset 2, expected text"),
        (b"12\xff", r"no text at offset 2 \(byte 0xff\)"),
        (gzip.compress(b"1 2 3", mtime=0)[:-4], "the gzip stream is cut off or damaged"),
        (gzip.compress(b"1 2 3", mtime=0)[:-8] + bytes(8), "the gzip stream is cut off or damaged"),
    ],
)
def test_files_that_are_no_text_are_refused(tmp_path, raw, message):
    with pytest.raises(DataFormatError, match=f"poses.txt: {message}.*; fetch it again$"):
        read_text(write(tmp_path, raw), remedy="fetch it again")


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "MAX_BYTES", 3 << 20)
    with pytest.raises(DataFormatError, match="unpacks to more than 3,145,728 bytes"):
        read_text(write(tmp_path, gzip.compress(bytes(9 << 20))))


def test_numbers_are_finite_decimals():
    assert read_numbers(["1", "-2.5", "3e-2"], path="a", where="line 1", count=3) == [1.0, -2.5, 0.03]
    for word in ("nan", "inf", "1e999", "x", "1_0", ""):
        with pytest.raises(DataFormatError, match=rf"^a, line 7: '{word}' is not a finite number; obtain"):
            read_numbers(["1", word], path="a", where="line 7")
    with pytest.raises(DataFormatError, match=r"^a, line 7: 2 numbers, expected 3; obtain the file again$"):
        read_numbers(["1", "2"], path="a", where="line 7", count=3)
