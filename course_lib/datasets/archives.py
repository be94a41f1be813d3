"""Zip archives read without unpacking them: nothing outside, no links, no bombs, one entry at a time."""

import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.text import AGAIN, is_page

MAX_BYTES = 64 << 20  # of one entry; pictures are far smaller
RATIO = 1032  # deflate packs no tighter
HEADER = 30  # bytes before the name of an entry
ENCRYPTED = 0x1
STRANGE = re.compile(r"[\x00-\x1f\\:]")


class ZipEntry(NamedTuple):
    """Where an entry lies in its archive; small, and free to go to another process.

    Attributes:
        archive: The zip file.
        name: The entry's path inside.
        offset: Of its header, in bytes.
        packed: Bytes in the archive.
        size: Bytes unpacked.
        crc: Checksum of the unpacked bytes.
        method: `zipfile.ZIP_STORED` or `zipfile.ZIP_DEFLATED`.
    """

    archive: Path
    name: str
    offset: int
    packed: int
    size: int
    crc: int
    method: int

    def __str__(self) -> str:
        return f"{self.archive}, entry {self.name}"


def safe_entries(archive: str | Path, *, max_bytes: int = MAX_BYTES, remedy: str = AGAIN) -> dict[str, ZipEntry]:
    """The files in a zip archive by name, once all of them are seen to be harmless; nothing is unpacked.

    Args:
        archive: The zip file.
        max_bytes: Largest entry, unpacked.
        remedy: What to do about a bad file; ends every message.

    Returns:
        Files in the order of the archive; folders are left out.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: No zip file, or one that is cut off; an entry whose path leads outside or that is a link or
            device, is encrypted, packed in an unusual way, comes twice, overlaps another, or would unpack to more than
            `max_bytes` or than its packed bytes can hold.
    """
    archive = Path(archive)
    length = archive.stat().st_size
    with archive.open("rb") as stream:
        if is_page(stream.read(64)):
            raise DataFormatError(f"{archive}: this is a web page, not a zip file (a server's error page?); {remedy}")
        try:
            with zipfile.ZipFile(stream) as opened:
                infos = opened.infolist()
        except MemoryError:
            raise
        except Exception as error:  # a damaged directory makes `zipfile` raise nearly every kind
            told = str(error) or type(error).__name__
            raise DataFormatError(f"{archive}: no zip file, or one that is cut off ({told}); {remedy}") from None
    entries: dict[str, ZipEntry] = {}
    for info in infos:
        if problem := _problem(info, length, max_bytes) or ("comes twice" if info.filename in entries else ""):
            raise DataFormatError(f"{archive}, entry {info.filename[:100]!r}: {problem}; {remedy}")
        if not info.is_dir():
            entries[info.filename] = ZipEntry(
                archive, info.filename, info.header_offset, info.compress_size, info.file_size, info.CRC,
                info.compress_type,
            )  # fmt: skip
    _refuse_overlaps(archive, list(entries.values()), remedy)
    return entries


def read_entry(entry: ZipEntry, *, remedy: str = AGAIN) -> bytes:
    """Unpack one entry.

    Raises:
        FileNotFoundError: The archive is gone.
        DataFormatError: The entry is damaged, or the archive changed since it was listed.
    """
    with entry.archive.open("rb") as stream:
        stream.seek(entry.offset)
        header = stream.read(HEADER)
        if len(header) < HEADER or header[:4] != b"PK\x03\x04":
            raise DataFormatError(f"{entry}: no entry at offset {entry.offset}; {remedy}")
        name_length, extra_length = struct.unpack("<HH", header[26:30])
        name = stream.read(name_length)
        if name not in (entry.name.encode("utf-8"), entry.name.encode("cp437", errors="replace")):
            raise DataFormatError(f"{entry}: named {name[:100]!r} at offset {entry.offset}; {remedy}")
        stream.seek(extra_length, 1)
        raw = stream.read(entry.packed)
    if entry.method == zipfile.ZIP_DEFLATED:
        unpacker = zlib.decompressobj(-15)
        try:
            raw = unpacker.decompress(raw, entry.size + 1)  # never more than was promised
        except zlib.error as error:
            raise DataFormatError(f"{entry}: does not unpack ({error}); {remedy}") from None
    if len(raw) != entry.size:
        raise DataFormatError(f"{entry}: {len(raw):,} bytes, expected {entry.size:,}; {remedy}")
    if zlib.crc32(raw) != entry.crc:
        raise DataFormatError(f"{entry}: checksum 0x{zlib.crc32(raw):08x}, expected 0x{entry.crc:08x}; {remedy}")
    return raw


def _problem(info: zipfile.ZipInfo, length: int, max_bytes: int) -> str:
    """What is wrong with an entry, or nothing."""
    parts = info.filename.split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.filename.startswith("/") or ".." in parts or STRANGE.search(info.orig_filename) or not info.filename:
        return "a path that leads outside the archive, or no path"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "a link or device, expected a file"
    if info.flag_bits & ENCRYPTED:
        return "encrypted, expected an open archive"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"packed by method {info.compress_type}, expected stored (0) or deflated (8)"
    if info.file_size > max_bytes:
        return f"unpacks to {info.file_size:,} bytes, at most {max_bytes:,} are allowed"
    most = info.compress_size * (RATIO if info.compress_type == zipfile.ZIP_DEFLATED else 1)
    if info.file_size > most:
        return f"{info.file_size:,} bytes cannot be in {info.compress_size:,} packed ones"
    if not 0 <= info.header_offset <= length - HEADER - info.compress_size:
        return f"offset {info.header_offset:,} with {info.compress_size:,} bytes in a file of {length:,}"
    return ""


def _refuse_overlaps(archive: Path, entries: list[ZipEntry], remedy: str) -> None:
    """Two entries in the same bytes are how small archives grow without end."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset < end:
            raise DataFormatError(f"{archive}, entry {entry.name[:100]!r}: overlaps the entry before it; {remedy}")
        end = entry.offset + HEADER + entry.packed
