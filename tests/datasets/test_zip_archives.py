"""Zip archives: what is harmless is read entry by entry, everything else is refused before a byte is unpacked."""

import pickle
import stat
import struct
import zipfile

import pytest

from course_lib.datasets import DataFormatError, read_entry, safe_entries

FILES = {"a/one.txt": b"one" * 40, "two.bin": bytes(range(256)) * 8, "empty": b""}


def pack(path, files=FILES, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_are_listed_and_read_one_by_one(tmp_path, method):
    path = pack(tmp_path / "a.zip", {**FILES, "folder/": b"", "grüße.txt": b"hello"}, method)
    entries = safe_entries(path)
    assert list(entries) == [*FILES, "grüße.txt"]  # folders are left out
    for name, content in FILES.items():
        assert read_entry(entries[name]) == content
    assert read_entry(entries["grüße.txt"]) == b"hello"
    again = pickle.loads(pickle.dumps(entries["two.bin"]))  # entries travel to worker processes
    assert read_entry(again) == FILES["two.bin"]
    assert str(entries["two.bin"]) == f"{path}, entry two.bin"


@pytest.mark.parametrize("name", ["/etc/passwd", "../up.jpg", "a/../../up.jpg", "..", "a\\b.jpg", "C:x.jpg", "a\x01b"])
def test_paths_that_lead_outside_are_refused(tmp_path, name):
    with pytest.raises(DataFormatError, match="a path that leads outside the archive, or no path") as caught:
        safe_entries(pack(tmp_path / "a.zip", {"fine.txt": b"x", name: b"y"}))
    assert str(tmp_path / "a.zip") in str(caught.value)


def test_a_name_hidden_behind_a_zero_byte_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"picture.jpg#/../x": b"y"})
    path.write_bytes(path.read_bytes().replace(b".jpg#", b".jpg\0"))
    with pytest.raises(DataFormatError, match="leads outside"):
        safe_entries(path)


def test_links_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("000001.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataFormatError, match=r"entry '000001.jpg': a link or device"):
        safe_entries(tmp_path / "a.zip")


def test_an_entry_that_comes_twice_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"one.txt": b"1", "two.txt": b"2"})
    path.write_bytes(path.read_bytes().replace(b"two.txt", b"one.txt"))
    with pytest.raises(DataFormatError, match=r"'one.txt': comes twice"):
        safe_entries(path)


def test_an_unusual_packing_is_refused(tmp_path):
    with pytest.raises(DataFormatError, match=r"packed by method 14, expected stored \(0\) or deflated \(8\)"):
        safe_entries(pack(tmp_path / "a.zip", method=zipfile.ZIP_LZMA))


def directory(path):
    """Offset of the first entry of the central directory."""
    return path.read_bytes().index(b"PK\x01\x02")


def poke(path, offset, form, *values):
    raw = bytearray(path.read_bytes())
    struct.pack_into(form, raw, offset, *values)
    path.write_bytes(raw)


def test_encrypted_entries_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip")
    poke(path, directory(path) + 8, "<H", 1)
    with pytest.raises(DataFormatError, match="encrypted"):
        safe_entries(path)


def test_bombs_are_refused_before_they_are_unpacked(tmp_path):
    path = pack(tmp_path / "a.zip", {"zeros": bytes(1 << 20)})
    with pytest.raises(DataFormatError, match=r"unpacks to 1,048,576 bytes, at most 1,000 are allowed"):
        safe_entries(path, max_bytes=1000)
    assert len(read_entry(safe_entries(path)["zeros"])) == 1 << 20
    poke(path, directory(path) + 24, "<I", 60 << 20)  # a size that no packing reaches
    with pytest.raises(DataFormatError, match=r"62,914,560 bytes cannot be in [\d,]+ packed ones"):
        safe_entries(path)


def test_entries_that_share_bytes_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"one.txt": b"1" * 90, "two.txt": b"2" * 90})
    second = path.read_bytes().index(b"PK\x01\x02", directory(path) + 4)
    poke(path, second + 42, "<I", 0)  # the second entry now points to the first
    with pytest.raises(DataFormatError, match="overlaps the entry before it"):
        safe_entries(path)


def test_damage_is_found_when_the_entry_is_read(tmp_path):
    path = pack(tmp_path / "a.zip", method=zipfile.ZIP_STORED)
    entry = safe_entries(path)["two.bin"]
    place = path.read_bytes().index(FILES["two.bin"])
    poke(path, place + 5, "B", 99)
    with pytest.raises(DataFormatError, match=r"two.bin: checksum 0x"):
        read_entry(entry)
    poke(path, entry.offset + 30, "B", ord("x"))
    with pytest.raises(DataFormatError, match=r"named b'xwo.bin'"):
        read_entry(entry)
    poke(path, entry.offset, "4s", b"none")
    with pytest.raises(DataFormatError, match=f"no entry at offset {entry.offset}"):
        read_entry(entry)


def test_a_packed_entry_that_grows_is_cut_short(tmp_path):
    path = pack(tmp_path / "a.zip", {"zeros": bytes(100_000)})
    poke(path, directory(path) + 24, "<I", 500)
    with pytest.raises(DataFormatError, match="zeros: 501 bytes, expected 500"):
        read_entry(safe_entries(path)["zeros"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no zip file, or one that is cut off"),
        (b"PK\x03\x04 and nothing else", "no zip file"),
        (b"<!DOCTYPE html><html>sign in</html>", "this is a web page, not a zip file"),
    ],
)
def test_what_is_no_zip_is_refused(tmp_path, content, message):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(DataFormatError, match=message):
        safe_entries(tmp_path / "a.zip")


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    path = pack(tmp_path / "a.zip")
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 22, len(whole) // 2):
        path.write_bytes(whole[:length])
        with pytest.raises(DataFormatError, match="cut off"):
            safe_entries(path)
    with pytest.raises(FileNotFoundError):
        safe_entries(tmp_path / "none.zip")
