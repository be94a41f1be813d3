"""Lines of text files, plain or gzipped, and the numbers in them."""

import gzip
import math
import zlib
from pathlib import Path

from course_lib.datasets.errors import DataFormatError

MAX_BYTES = 1 << 30  # no text file of these sets comes near; a gzip bomb does
AGAIN = "obtain the file again"
PAGES = (b"<!doctype", b"<html", b"<?xml")


def read_text(path: str | Path, *, remedy: str = AGAIN) -> str:
    """Read a whole text file.

    Args:
        path: The file; a gzip stream is seen from its first two bytes, not from its name.
        remedy: What to do about a bad file; ends every message.

    Returns:
        The text, without a byte order mark.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: The gzip stream is cut off or damaged, or the file is a web page, binary, or far too large.
    """
    path = Path(path)
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = _unpack(path, raw, remedy)
    if is_page(raw):
        raise DataFormatError(f"{path}: this is a web page, not data (a server's error page?); {remedy}")
    if (place := raw.find(b"\0")) >= 0:
        raise DataFormatError(f"{path}: a zero byte at offset {place}, expected text; {remedy}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataFormatError(
            f"{path}: no text at offset {error.start} (byte 0x{raw[error.start]:02x}); {remedy}"
        ) from None


def is_page(raw: bytes) -> bool:
    """Whether bytes begin like a web page."""
    return raw[:64].lstrip().lower().startswith(PAGES)


def read_numbers(
    words: list[str], *, path: str | Path, where: str, count: int | None = None, remedy: str = AGAIN
) -> list[float]:
    """Read finite decimal numbers from the words of one line.

    Args:
        words: The words.
        path: Their file, for messages.
        where: Their line, for messages.
        count: How many there must be, or None.
        remedy: What to do about a bad file.

    Raises:
        DataFormatError: Another number of words, or one that is no finite number.
    """
    if count is not None and len(words) != count:
        raise DataFormatError(f"{path}, {where}: {len(words)} numbers, expected {count}; {remedy}")
    numbers = []
    for word in words:
        try:
            numbers.append(float(word) if "_" not in word else math.nan)
        except ValueError:
            numbers.append(math.nan)
        if not math.isfinite(numbers[-1]):
            raise DataFormatError(f"{path}, {where}: {word[:40]!r} is not a finite number; {remedy}")
    return numbers


def _unpack(path: Path, raw: bytes, remedy: str) -> bytes:
    """What a gzip stream holds, at most `MAX_BYTES`."""
    pieces, size = [], 0
    try:
        with gzip.open(path) as stream:
            while piece := stream.read(1 << 20):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_BYTES:
                    raise DataFormatError(f"{path}: unpacks to more than {MAX_BYTES:,} bytes of text; {remedy}")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataFormatError(f"{path}: the gzip stream is cut off or damaged ({error}); {remedy}") from None
    return b"".join(pieces)
