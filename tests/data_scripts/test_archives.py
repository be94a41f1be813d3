"""Unpacking: what is inside comes out once, whole or not at all; what points outside or explodes does not."""

import io
import os
import tarfile
import zipfile

import pytest

from data_scripts import archives
from data_scripts.archives import ArchiveError, unpack

FILES = {"top/a.txt": b"one", "top/images/im0001.jpg": b"two" * 100, "top/images/im0002.jpg": b""}


def zipped(path, files, kind=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", kind) as packed:
        for name, data in files.items():
            packed.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), data, kind)
    return path


def tarred(path, files, mode="w:gz"):
    with tarfile.open(path, mode) as packed:
        for name, data in files.items():
            member = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return path


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("make", [zipped, tarred])
def test_everything_comes_out_and_a_single_top_folder_is_dropped(tmp_path, make):
    archive = make(tmp_path / "set", FILES)
    assert unpack(archive, tmp_path / "out") == 3
    assert contents(tmp_path / "out") == {name.removeprefix("top/"): data for name, data in FILES.items()}
    assert unpack(make(tmp_path / "two", FILES | {"README": b"x"}), tmp_path / "both") == 4
    assert contents(tmp_path / "both") == FILES | {"README": b"x"}
    assert sorted(os.listdir(tmp_path)) == ["both", "out", "set", "two"]
    with pytest.raises(FileExistsError, match="is there already"):
        unpack(archive, tmp_path / "out")


def link(kind):
    member = tarfile.TarInfo("top/link")
    member.type, member.linkname = kind, "../../outside"
    return {**FILES, member: b""}


def zip_link():
    info = zipfile.ZipInfo("top/link")
    info.external_attr = 0o120777 << 16
    return {**FILES, info: b"/etc/passwd"}


OUTSIDE = ("../outside", "/tmp/outside", "top/../../outside", "top/..\\outside", "C:outside", "top/a\nb", "x" * 300)
BAD = {
    **{f"zip, {name[:20]!r}": (zipped, FILES | {name: b"x"}, "a path outside or no path") for name in OUTSIDE},
    **{f"tar, {name[:20]!r}": (tarred, FILES | {name: b"x"}, "a path outside or no path") for name in OUTSIDE},
    "a link in a tar": (tarred, link(tarfile.SYMTYPE), "a link or device"),
    "a hard link in a tar": (tarred, link(tarfile.LNKTYPE), "a link or device"),
    "a device in a tar": (tarred, link(tarfile.CHRTYPE), "a link or device"),
    "a pipe in a tar": (tarred, link(tarfile.FIFOTYPE), "a link or device"),
    "a link in a zip": (zipped, zip_link(), "a link or device"),
    "a name twice but for its case": (zipped, FILES | {"top/A.txt": b"x"}, "entry 'top/A.txt': comes twice"),
    "a file where a folder is": (zipped, FILES | {"top/images": b"x"}, "is damaged"),
    "a folder where a file is": (zipped, FILES | {"top/a.txt/b": b"x"}, "is damaged"),
    "a bomb": (zipped, {"zeros": bytes(30 << 20)}, "unpacks to more than"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_archives_leave_nothing_behind(tmp_path, name):
    make, files, message = BAD[name]
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    archive = make(below / "set", files)
    with pytest.raises(ArchiveError, match=message) as caught:
        unpack(archive, below / "out")
    assert str(archive) in str(caught.value)
    assert os.listdir(below) == ["set"]
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("make", [zipped, tarred])
def test_damaged_archives_are_refused(tmp_path, make):
    archive = make(tmp_path / "set", {"a": os.urandom(3000), "b": os.urandom(3000)})
    whole = archive.read_bytes()
    for raw in (b"", b"<html>", whole[:1000], whole[:-300], whole[:500] + b"\xff" * 500 + whole[1000:]):
        archive.write_bytes(raw)
        with pytest.raises(ArchiveError, match=r"is damaged.*: delete it and fetch it again"):
            unpack(archive, tmp_path / "out")
        assert os.listdir(tmp_path) == ["set"]


def test_locked_zips_are_refused(tmp_path):
    archive = zipped(tmp_path / "set", {"a": b"x"})
    raw = bytearray(archive.read_bytes())
    for start in (raw.index(b"PK\x03\x04") + 6, raw.index(b"PK\x01\x02") + 8):
        raw[start] |= 1  # says that a password is needed
    archive.write_bytes(bytes(raw))
    with pytest.raises(ArchiveError, match=r"is damaged .*password"):
        unpack(archive, tmp_path / "out")


def test_too_many_files_and_a_small_disk_are_refused(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "set", FILES)
    monkeypatch.setattr(archives, "MAX_FILES", 2)
    with pytest.raises(ArchiveError, match="holds more than 2 files"):
        unpack(archive, tmp_path / "out")
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 100}))
    with pytest.raises(ArchiveError, match="make room"):
        unpack(archive, tmp_path / "out")
    assert os.listdir(tmp_path) == ["set"]
