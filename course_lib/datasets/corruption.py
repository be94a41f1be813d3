"""Damages files on purpose, the same way for the same seed: what downloads, disks and careless tools do, and worse."""

import gzip
import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable

PAGE = b"<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n"
INTEGERS = (
    0, 1, 2, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 2**64 - 1,
    0x7F800001, 0x7FF0000000000001,  # read as floats: NaN that signal, at which NumPy warns where it passes over others
)  # fmt: skip
WORDS = (
    "nan", "NaN", "inf", "-inf", "1e999", "-1", "0", "1e30", "99999999999999999999", "1_000", "0x10", "x", "", "None",
    "[", "-1e-400", "../../../etc/passwd", "\u0661", "1.2.3", "\x00",
)  # fmt: skip
NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
PNG = b"\x89PNG\r\n\x1a\n"


def corrupt(raw: bytes, *, seed: int, binary: bool) -> tuple[str, bytes]:
    """Damage the bytes of a file.

    A packed file (gzip, zip, PNG) is damaged inside half of the time and packed again with right checksums: otherwise
    the checksum would catch everything and no reader's own checks would be tried.

    Args:
        raw: The bytes of a valid file.
        seed: Decides what happens.
        binary: Whether the format is binary; a text file is mostly damaged by lines and numbers.

    Returns:
        What was done, in words, and the bytes, which differ from `raw`.
    """
    rng = random.Random(seed)
    for _ in range(100):
        inside = rng.random() < 0.5
        if inside and (repacked := _inside(rng, raw, binary)):
            name, damaged = repacked
        else:
            name, damaged = _damage(rng, raw, binary)
        if damaged != raw:
            return name, damaged
    return "empty file", b"" if raw else PAGE


def _damage(rng: random.Random, raw: bytes, binary: bool) -> tuple[str, bytes]:
    ways = BINARY if binary or rng.random() < 0.3 else TEXT
    name = rng.choice(tuple(ways))
    return name, ways[name](rng, raw)


# --- bytes -----------------------------------------------------------------------------------------------------------
def _place(rng: random.Random, size: int) -> int:
    """An offset; half of the time near the start, where headers are."""
    return rng.randrange(max(1, min(size, 256) if rng.random() < 0.5 else size))


def _block(rng: random.Random, size: int) -> tuple[int, int]:
    """Start and end of a stretch of some bytes, mostly short."""
    start = _place(rng, size)
    return start, min(size, start + rng.choice((1, 2, 4, 8, 16, 64, 512, max(1, size // 3))))


def _cut(rng: random.Random, raw: bytes) -> bytes:
    return raw[: rng.randrange(len(raw))] if raw else raw


def _cut_tail(rng: random.Random, raw: bytes) -> bytes:
    return raw[: max(0, len(raw) - rng.randint(1, 16))]


def _flip(rng: random.Random, raw: bytes) -> bytes:
    damaged = bytearray(raw)
    for _ in range(rng.randint(1, 8) if raw else 0):
        damaged[_place(rng, len(raw))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _zero(rng: random.Random, raw: bytes) -> bytes:
    start, end = _block(rng, len(raw))
    return raw[:start] + bytes(end - start) + raw[end:]


def _repeat(rng: random.Random, raw: bytes) -> bytes:
    start, end = _block(rng, len(raw))
    return raw[:end] + raw[start:end] * rng.randint(1, 3) + raw[end:]


def _insert(rng: random.Random, raw: bytes) -> bytes:
    start = _place(rng, len(raw))
    return raw[:start] + rng.randbytes(rng.choice((1, 2, 3, 4, 8, 100))) + raw[start:]


def _delete(rng: random.Random, raw: bytes) -> bytes:
    start, end = _block(rng, len(raw))
    return raw[:start] + raw[end:]


def _swap(rng: random.Random, raw: bytes) -> bytes:
    (a, b), (c, d) = sorted((_block(rng, len(raw)), _block(rng, len(raw))))
    return raw[:a] + raw[c:d] + raw[b:c] + raw[a:b] + raw[d:] if b <= c else raw


def _integer(rng: random.Random, raw: bytes) -> bytes:
    code = rng.choice(("<H", ">H", "<I", ">I", "<Q", ">Q"))
    size = struct.calcsize(code)
    start = _place(rng, len(raw)) // size * size
    value = rng.choice(INTEGERS) & (256**size - 1)
    return raw[:start] + struct.pack(code, value) + raw[start + size :]


def _float(rng: random.Random, raw: bytes) -> bytes:
    code = rng.choice(("<f", "<d"))
    size = struct.calcsize(code)
    start = _place(rng, len(raw)) // size * size
    return raw[:start] + struct.pack(code, rng.choice((float("nan"), float("inf"), -1e30, -0.0))) + raw[start + size :]


BINARY: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "cut off": _cut,
    "cut at the end": _cut_tail,
    "bits flipped": _flip,
    "bytes zeroed": _zero,
    "bytes repeated": _repeat,
    "bytes inserted": _insert,
    "bytes deleted": _delete,
    "blocks swapped": _swap,
    "an extreme integer": _integer,
    "a special float": _float,
    "bytes appended": lambda rng, raw: raw + rng.randbytes(rng.randint(1, 40)),
    "noise": lambda rng, raw: rng.randbytes(rng.randrange(300)),
    "noise after the first bytes": lambda rng, raw: raw[:8] + rng.randbytes(rng.randrange(300)),
    "a web page": lambda rng, raw: PAGE,
    "empty file": lambda rng, raw: b"",
}


# --- lines and numbers -----------------------------------------------------------------------------------------------
def _lines(change: Callable[[random.Random, list[bytes]], object]) -> Callable[[random.Random, bytes], bytes]:
    def damage(rng: random.Random, raw: bytes) -> bytes:
        lines = raw.splitlines(keepends=True) or [b"\n"]
        changed = change(rng, lines)
        return b"".join(changed if isinstance(changed, list) else lines)

    return damage


def _duplicate(rng: random.Random, lines: list[bytes]) -> None:
    lines.insert(rng.randint(0, len(lines)), rng.choice(lines))


def _shuffle(rng: random.Random, lines: list[bytes]) -> None:
    start = rng.choice((0, 1))
    rest = lines[start:]
    rng.shuffle(rest)
    lines[start:] = rest


def _drop(rng: random.Random, lines: list[bytes]) -> None:
    del lines[rng.randrange(len(lines))]


def _merge(rng: random.Random, lines: list[bytes]) -> None:
    row = rng.randrange(len(lines))
    lines[row] = lines[row].rstrip(b"\r\n") + rng.choice((b"", b" ", b","))


def _cut_line(rng: random.Random, lines: list[bytes]) -> None:
    row = rng.randrange(len(lines))
    lines[row] = lines[row][: rng.randrange(len(lines[row]) + 1)] + b"\n"


def _number(rng: random.Random, raw: bytes, words: Callable[[random.Random, bytes], bytes]) -> bytes:
    places = list(NUMBER.finditer(raw))
    if not places:
        return raw
    place = rng.choice(places[:10] if rng.random() < 0.3 else places)
    return raw[: place.start()] + words(rng, place[0]) + raw[place.end() :]


def _another_count(rng: random.Random, number: bytes) -> bytes:
    value = int(max(-1e15, min(1e15, float(number))))  # what looks like a number may be part of a checksum: 9e999
    return rng.choice((b"%d" % (value + 1), b"%d" % (value - 1), b"%d" % (value * 1000), b"-" + number, number + b"9"))


TEXT: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "a line twice": _lines(_duplicate),
    "lines shuffled": _lines(_shuffle),
    "a line missing": _lines(_drop),
    "two lines in one": _lines(_merge),
    "a line cut off": _lines(_cut_line),
    "blank lines": _lines(
        lambda rng, lines: lines.insert(rng.randint(0, len(lines)), rng.choice((b"\n", b"  \r\r\n")))
    ),
    "half of the lines": _lines(lambda rng, lines: lines[: len(lines) // 2]),
    "a word for a number": lambda rng, raw: _number(rng, raw, lambda rng, _: rng.choice(WORDS).encode()),
    "another count": lambda rng, raw: _number(rng, raw, _another_count),
    "a number twice": lambda rng, raw: _number(rng, raw, lambda rng, number: number + b" " + number),
    "another separator": lambda rng, raw: raw.replace(*rng.choice(((b",", b" "), (b" ", b","), (b":", b";")))),
    "another mark": lambda rng, raw: raw.replace(*rng.choice(((b"{", b"("), (b"]", b""), (b"\n", b" ")))),
    "another encoding": lambda rng, raw: raw.decode("latin-1").encode(rng.choice(("utf-16", "utf-32-be"))),
    "a web page": lambda rng, raw: PAGE,
    "empty file": lambda rng, raw: b"",
}


# --- what is packed --------------------------------------------------------------------------------------------------
def _inside(rng: random.Random, raw: bytes, binary: bool) -> tuple[str, bytes] | None:
    """Damage what a packed file holds; None where nothing is packed, or only the first bytes say so."""
    try:
        return _unpacked(rng, raw, binary)
    except (OSError, EOFError, ValueError, zlib.error, struct.error, zipfile.BadZipFile):
        return None


def _unpacked(rng: random.Random, raw: bytes, binary: bool) -> tuple[str, bytes] | None:
    if raw[:2] == b"\x1f\x8b":
        name, damaged = _damage(rng, gzip.decompress(raw), binary)
        return f"{name}, inside the gzip stream", gzip.compress(damaged, mtime=0)
    if raw[:4] == b"PK\x03\x04":
        return _inside_zip(rng, raw)
    if raw[:8] == PNG:
        return _inside_png(rng, raw)
    return None


def _inside_zip(rng: random.Random, raw: bytes) -> tuple[str, bytes]:
    """Damage, rename, double or drop one entry."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        entries = [[info.filename, archive.read(info)] for info in archive.infolist()]
    row = rng.randrange(len(entries))
    done = rng.choice(("damaged", "renamed", "dropped", "twice"))
    if done == "damaged":
        entries[row][1] = _damage(rng, entries[row][1], True)[1]
    elif done == "renamed":
        outside = ("../outside.jpg", "/tmp/outside.jpg", "a/../../outside", "C:\\outside.jpg", "", "x" * 300)
        entries[row][0] = rng.choice(outside)
    elif done == "dropped":
        del entries[row]
    else:
        entries.append([entries[row][0] + rng.choice(("x", "/")), entries[row][1]])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data)
    return f"an entry {done}, inside the zip", stream.getvalue()


def _inside_png(rng: random.Random, raw: bytes) -> tuple[str, bytes]:
    """Damage the contents of one chunk and give it its right checksum."""
    chunks, place = [], 8
    while place + 12 <= len(raw):
        (length,) = struct.unpack_from(">I", raw, place)
        chunks.append([raw[place + 4 : place + 8], raw[place + 8 : place + 8 + length]])
        place += 12 + length
    chunk = rng.choice(chunks)
    name, chunk[1] = _damage(rng, chunk[1], True)
    packed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
              for kind, data in chunks)  # fmt: skip
    return f"{name}, in a chunk of the PNG", PNG + b"".join(packed)
