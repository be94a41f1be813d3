"""Damage is the same for the same seed, of every kind, and reaches what is packed."""

import gzip
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from course_lib.datasets.corruption import BINARY, TEXT, corrupt

LINES = b"3 joints\n" + b"".join(b"%d 0.5 -1.25\n" % row for row in range(20))


@given(st.binary(max_size=100), st.integers(0, 2**40), st.booleans())
@settings(max_examples=200, deadline=None, derandomize=True, database=None)
def test_damage_repeats_and_changes_something(raw, seed, binary):
    how, damaged = corrupt(raw, seed=seed, binary=binary)
    assert damaged != raw
    assert corrupt(raw, seed=seed, binary=binary) == (how, damaged)


def test_what_only_looks_like_a_number_is_damaged_too():
    for raw in (b"sha256: 9e9994f1e400", b"-1e999 2\n", b"7" * 400):
        assert all(corrupt(raw, seed=seed, binary=False)[1] != raw for seed in range(300))


@pytest.mark.parametrize(("binary", "ways"), [(True, BINARY), (False, BINARY | TEXT)])
def test_every_kind_of_damage_happens(binary, ways):
    done = [corrupt(LINES, seed=seed, binary=binary)[0] for seed in range(2000)]
    assert set(done) == set(ways) - {"another mark"} | ({"another mark"} if not binary else set())
    assert len(set(corrupt(LINES, seed=seed, binary=binary)[1] for seed in range(2000))) > 1000


def test_a_packed_file_is_damaged_inside_and_stays_readable():
    inside = 0
    for seed in range(100):
        how, damaged = corrupt(gzip.compress(LINES, mtime=0), seed=seed, binary=False)
        if how.endswith("inside the gzip stream"):
            inside += 1
            assert gzip.decompress(damaged) != LINES
    assert 20 < inside < 80


def test_a_png_chunk_is_damaged_under_a_right_checksum():
    stream = io.BytesIO()
    Image.new("L", (4, 4)).save(stream, "PNG")
    sizes = set()
    for seed in range(1500):
        how, damaged = corrupt(stream.getvalue(), seed=seed, binary=True)
        if how.endswith("in a chunk of the PNG"):
            try:
                sizes.add(Image.open(io.BytesIO(damaged)).size)  # only the header is read: wrong checksums fail here
            except Exception:
                continue
    assert len(sizes) > 3


def test_zip_entries_are_damaged_renamed_dropped_and_doubled():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.txt", LINES)
        archive.writestr("b.txt", LINES)
    done, names = set(), set()
    for seed in range(400):
        how, damaged = corrupt(stream.getvalue(), seed=seed, binary=True)
        if how.endswith("inside the zip"):
            done.add(how.split()[2].rstrip(","))
            names |= set(zipfile.ZipFile(io.BytesIO(damaged)).namelist())
    assert done == {"damaged", "renamed", "dropped", "twice"}
    assert {"../outside.jpg", "/tmp/outside.jpg", "a.txt/"} <= names
