"""Unpacks an archive that came from somewhere: nothing outside its folder, no links, no bombs, all or nothing."""

import contextlib
import gzip
import os
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MARGIN = 10 << 20  # bytes that any archive may hold
RATIO = 100  # beyond them, times its own size; text packs ten times, pictures not at all
MAX_FILES = 2_000_000
BLOCK = 1 << 20
STRANGE = re.compile(r'[\x00-\x1f\\:*?"<>|]')  # in no name that every file system takes


# Passwords and unknown packing are RuntimeErrors; a file where a folder was is one of the two after.
DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, RuntimeError, FileExistsError, NotADirectoryError,
    IsADirectoryError, gzip.BadGzipFile,
)  # fmt: skip


class ArchiveError(Exception):
    """An archive was not unpacked; the message is one sentence and names archive, entry and remedy."""


def unpack(archive: Path, folder: Path) -> int:
    """Unpack a zip or a tar (plain or gzipped) into a new folder.

    The folder appears once all is there. Where everything in the archive lies in one folder, that level is dropped.

    Args:
        archive: The file.
        folder: Where its contents go; must not exist.

    Returns:
        Number of files.

    Raises:
        ArchiveError: The archive is damaged, or an entry lies outside, is a link or a device, comes twice, or the
            whole unpacks to absurdly much.
        FileExistsError: `folder` is there already.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} is there already: move it away to unpack {archive.name} again")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
        inside = Path(made) / "inside"
        inside.mkdir()
        try:
            count = _write_all(archive, inside)
        except DAMAGED as error:
            raise ArchiveError(f"{archive} is damaged ({error}): delete it and fetch it again.") from error
        top = list(inside.iterdir())
        (top[0] if len(top) == 1 and top[0].is_dir() else inside).rename(folder)
    return count


def _write_all(archive: Path, folder: Path) -> int:
    limit = MARGIN + RATIO * archive.stat().st_size
    limit = min(limit, shutil.disk_usage(folder).free)
    written, seen = 0, set()
    with contextlib.closing(_entries(archive)) as entries:
        for name, stream in entries:
            with stream:
                target = folder / _safe(archive, name)
                key = str(target).casefold()  # some file systems do not tell A from a
                if key in seen:
                    raise ArchiveError(f"{archive}, entry {name!r}: comes twice; do not trust this archive.")
                seen.add(key)
                if len(seen) > MAX_FILES:
                    raise ArchiveError(f"{archive} holds more than {MAX_FILES:,} files; do not trust this archive.")
                target.parent.mkdir(parents=True, exist_ok=True)
                written = _copy(archive, stream, target, written, limit)
    return len(seen)


def _copy(archive: Path, stream: IO[bytes], target: Path, written: int, limit: int) -> int:
    """Write one file; the bytes written of the whole archive so far."""
    with target.open("xb") as out:
        while block := stream.read(BLOCK):
            written += len(block)
            if written > limit:
                raise ArchiveError(
                    f"{archive} unpacks to more than {limit / 1e6:,.0f} MB, which is too much for its size or for the "
                    "disk: make room, or do not trust it."
                )
            out.write(block)
    return written


def _entries(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and contents of each file; what is neither file nor folder is refused."""
    if zipfile.is_zipfile(archive):
        with archive.open("rb") as raw, zipfile.ZipFile(raw) as packed:
            for info in packed.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                _refuse_kind(archive, info.filename, kind not in (0, stat.S_IFREG, stat.S_IFDIR))
                if info.is_dir():
                    _safe(archive, info.filename)
                else:
                    yield info.filename, packed.open(info)
        return
    with archive.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|*") as packed:
        for member in packed:
            _refuse_kind(archive, member.name, not (member.isfile() or member.isdir()))
            if member.isdir():
                _safe(archive, member.name)
            else:
                yield member.name, packed.extractfile(member)


def _refuse_kind(archive: Path, name: str, other: bool) -> None:
    if other:
        raise ArchiveError(f"{archive}, entry {name!r}: a link or device, expected a file; do not trust this archive.")


def _safe(archive: Path, name: str) -> Path:
    """The entry's path, once it is seen to lie inside."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    strange = (part == ".." or STRANGE.search(part) or len(os.fsencode(part)) > 255 for part in parts)
    if name.startswith("/") or any(strange):
        raise ArchiveError(f"{archive}, entry {name[:100]!r}: a path outside or no path; do not trust this archive.")
    return Path(*parts)
