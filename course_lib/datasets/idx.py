"""The IDX format of MNIST: a big-endian header of sizes, then raw bytes; plain or gzipped."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from course_lib.datasets.errors import DataFormatError

UINT8 = 0x08


def read_idx(path: str | Path) -> np.ndarray:
    """Read one IDX file of unsigned bytes.

    The header is two zero bytes, a type code (8: unsigned byte), the number of axes, then one big-endian 32-bit size
    for each axis; the data follow, last axis fastest.

    Args:
        path: The file; gzipped or plain is seen from its first two bytes, not from its name.

    Returns:
        An array of `uint8` in the shape of the header.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: The file is cut off, is HTML, has another magic number, or holds more or fewer bytes than its
            header says. The message names the file and the remedy.
    """
    path = Path(path)
    raw = path.read_bytes()
    remedy = "delete it and fetch it again: python -m data_scripts.fetch mnist"
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataFormatError(f"{path}: the gzip stream is cut off or damaged ({error}); {remedy}") from None
    elif raw[:64].lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise DataFormatError(f"{path}: this is a web page, not IDX data (a server's error page?); {remedy}")
    if len(raw) < 4:
        raise DataFormatError(f"{path}: {len(raw)} bytes are too few for an IDX header; {remedy}")
    if raw[0] or raw[1] or raw[2] != UINT8 or not 1 <= raw[3] <= 4:
        raise DataFormatError(
            f"{path}: magic number 0x{raw[:4].hex()} at offset 0, expected 0x000008NN (unsigned bytes, NN axes, "
            f"1 to 4); {remedy}"
        )
    axes = raw[3]
    start = 4 + 4 * axes
    if len(raw) < start:
        raise DataFormatError(f"{path}: cut off inside the header ({len(raw)} of {start} bytes); {remedy}")
    shape = tuple(int(n) for n in np.frombuffer(raw, ">u4", axes, offset=4))
    expected = math.prod(shape)
    found = len(raw) - start
    if found != expected:
        raise DataFormatError(
            f"{path}: header says {' x '.join(map(str, shape))} = {expected:,} bytes, but {found:,} follow; {remedy}"
        )
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
