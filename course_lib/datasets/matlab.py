"""MATLAB's `.mat` files (version 5 to 7; 7.3 is HDF5): numbers, text, cells and structs, with every size checked.

`scipy.io.loadmat` reads the same files and is the tests' oracle; it allocates what a damaged header declares, and may
raise anything. This reader never allocates more than the file can hold, and tells the offset.
"""

import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.hdf5 import DEFLATE, SIGNATURE, quiet_nan, read_hdf5
from course_lib.datasets.text import AGAIN, is_page

HEADER = 128
MATRIX, COMPRESSED = 14, 15
STORED = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8", 16: "u1", 17: "u2",
    18: "u4",
}  # fmt: skip
LETTERS = (1, 2, 4, 16, 17, 18)
CELL, STRUCT, TEXT = 1, 2, 4
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
REFUSED = {3: "an object", 5: "a sparse matrix", 16: "a function", 17: "an opaque object"}
LOGICAL, COMPLEX = 0x200, 0x800
MAX_DEPTH = 16


def read_mat(path: str | Path, names: Sequence[str] | None = None, *, remedy: str = AGAIN) -> dict[str, Any]:
    """Read variables of a MATLAB file.

    Args:
        path: The file.
        names: Variables that must be there, and the only ones that are read; None: all.
        remedy: What to do about a bad file; ends every message.

    Returns:
        The variables by name. Numbers are arrays in MATLAB's shape (always two axes or more), logical ones bool; text
        is a `str` (rows joined by newlines); a cell array is a list of its cells, first axis fastest; a struct is a
        dict of its fields, an array of structs a list of dicts.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: No MATLAB file of version 5 to 7.3, cut off or damaged; a variable is missing, or of a kind
            that is not read (objects, functions, sparse and complex matrices; in 7.3 all but numbers).
    """
    path = Path(path)
    raw = path.read_bytes()
    try:
        if SIGNATURE in (raw[:8], raw[512:520]):
            return _read_73(path, names, remedy)
        found = _Reader(raw[HEADER:], _byte_order(raw)).variables(names)
    except _BadError as bad:
        raise DataFormatError(f"{path}: {bad}; {remedy}") from None
    for name in names or ():
        if name not in found:
            there = ", ".join(list(found)[:12])
            raise DataFormatError(f"{path}: no variable {name!r}; the file holds {there or 'none of them'}; {remedy}")
    return found if names is None else {name: found[name] for name in names}


class _BadError(Exception):
    """What is wrong, and where; the caller adds file and remedy."""


def _read_73(path: Path, names: Sequence[str] | None, remedy: str) -> dict[str, Any]:
    if names is None:
        raise _BadError("MATLAB 7.3 files are read by name only: say which variables")
    return {name: value.T for name, value in read_hdf5(path, names, remedy=remedy).items()}  # axes are stored reversed


def _byte_order(raw: bytes) -> str:
    if is_page(raw):
        raise _BadError("this is a web page, not a MATLAB file (a server's error page?)")
    if len(raw) < HEADER:
        raise _BadError(f"{len(raw)} bytes are too few for the {HEADER} of a MATLAB 5 header")
    order = {b"IM": "<", b"MI": ">"}.get(raw[126:128])
    if order is None or struct.unpack(f"{order}H", raw[124:126])[0] != 0x0100:
        raise _BadError(f"0x{raw[124:128].hex()} at offset 124, expected the version and byte order of MATLAB 5")
    return order


class _Reader:
    """Walks the elements of one buffer; `start` is where it lies in the file, for messages."""

    def __init__(self, raw: bytes | memoryview, order: str, where: str = "", start: int = HEADER) -> None:
        self.raw, self.order, self.where, self.start = memoryview(raw), order, where, start
        self.place = 0

    def bad(self, problem: str, place: int | None = None) -> _BadError:
        """An error at a place."""
        return _BadError(f"{problem} at offset {self.start + (self.place if place is None else place)}{self.where}")

    def take(self, end: int) -> tuple[int, memoryview]:
        """Type and bytes of the next element, which must end by `end`."""
        begin = self.place
        if end - begin < 8:
            raise self.bad(f"cut off: {end - begin} bytes where an element of at least 8 should begin")
        kind, size = struct.unpack_from(f"{self.order}II", self.raw, begin)
        if kind >> 16:  # at most four bytes packed into the second half of the tag
            kind, size, data = kind & 0xFFFF, kind >> 16, begin + 4
            if size > 4:
                raise self.bad(f"a short element of {size} bytes, at most 4 fit", begin)
            self.place = begin + 8
        else:
            data = begin + 8
            if size > end - data:
                raise self.bad(f"cut off: an element declares {size:,} bytes, {end - data:,} follow", begin)
            # The last element of a file need not be padded.
            self.place = min(end, data + size + (0 if kind == COMPRESSED else -size % 8))
        return kind, self.raw[data : data + size]

    def variables(self, names: Sequence[str] | None) -> dict[str, Any]:
        """All variables of a file, or those that are asked for."""
        found = {}
        while self.place < len(self.raw):
            begin = self.place
            kind, data = self.take(len(self.raw))
            if kind == COMPRESSED:
                inner = _Reader(self.unpack(data, begin), self.order, f" of the variable at {self.start + begin}", 0)
                kind, data = inner.take(len(inner.raw))
            if kind != MATRIX:
                raise self.bad(f"an element of type {kind}, expected a matrix (14)", begin)
            name, value = _Reader(data, self.order, f" of the variable at {self.start + begin}", 0).matrix(names)
            if name and value is not None:  # without a name: data that belong to objects
                found[name] = value
        return found if names is None else {name: value for name, value in found.items() if name in names}

    def unpack(self, data: memoryview, begin: int) -> bytes:
        """What a zlib stream holds, at most what its own first tag declares."""
        stream = zlib.decompressobj()
        try:
            head = stream.decompress(data, 8)
            if len(head) < 8:
                raise self.bad("the zlib stream is cut off", begin)
            size = struct.unpack(f"{self.order}II", head)[1]
            if size > DEFLATE * len(data):
                raise self.bad(f"a packed element declares {size:,} bytes, {len(data):,} cannot hold them", begin)
            body = stream.decompress(stream.unconsumed_tail, size + 1)
            rest = stream.decompress(stream.unconsumed_tail, 8)
        except zlib.error as error:
            raise self.bad(f"the zlib stream is damaged ({error})", begin) from None
        if len(body) != size or rest or not stream.eof:
            raise self.bad(f"the zlib stream holds another number of bytes than the {size:,} declared", begin)
        return head + body

    def matrix(self, names: Sequence[str] | None = None, depth: int = 0) -> tuple[str, Any]:
        """Name and value of the matrix that fills this buffer."""
        end = len(self.raw)
        if not end and depth:
            return "", np.zeros((0, 0))
        if depth > MAX_DEPTH:
            raise self.bad(f"cells and structs nested more than {MAX_DEPTH} deep")
        flags = self.array(end, (6,), "array flags")
        if len(flags) != 2:
            raise self.bad(f"{len(flags)} array flags, expected 2", 0)
        kind = int(flags[0]) & 0xFF
        shape = tuple(int(n) for n in self.array(end, (5,), "the shape"))
        if not 2 <= len(shape) <= 32 or min(shape) < 0:
            raise self.bad(f"a shape of {shape[:40]}, expected at least two sizes, none below 0")
        name = self.letters(end)
        if names is not None and not depth and name not in names:
            return name, None
        if kind in REFUSED:
            if names is None:
                return name, None
            raise self.bad(f"variable {name!r} holds {REFUSED[kind]}, expected numbers, text, cells or structs")
        if kind == CELL:
            return name, self.children(end, math.prod(shape), depth)
        if kind == STRUCT:
            return name, self.fields(end, math.prod(shape), depth)
        return name, self.values(end, kind, shape, int(flags[0]))

    def array(self, end: int, kinds: tuple[int, ...], what: str) -> np.ndarray:
        """The next element as numbers of a type among `kinds`."""
        begin = self.place
        kind, data = self.take(end)
        if kind not in kinds:
            raise self.bad(f"an element of type {kind} for {what}, expected {' or '.join(map(str, kinds))}", begin)
        dtype = np.dtype(self.order + STORED[kind])
        if len(data) % dtype.itemsize:
            raise self.bad(f"{len(data)} bytes for {what}, expected a multiple of {dtype.itemsize}", begin)
        return np.frombuffer(data, dtype)

    def letters(self, end: int) -> str:
        """The next element as a name."""
        return self.array(end, (1, 2, 16), "a name").tobytes().decode("latin-1").rstrip("\0")

    def child(self, end: int, depth: int) -> Any:
        """The matrix in the next element."""
        begin = self.place
        kind, data = self.take(end)
        if kind != MATRIX:
            raise self.bad(f"an element of type {kind} in a cell or field, expected a matrix (14)", begin)
        return _Reader(data, self.order, self.where, self.start + begin + 8).matrix(depth=depth + 1)[1]

    def children(self, end: int, count: int, depth: int) -> list:
        """The cells, each at least a tag of 8 bytes long."""
        if count > (end - self.place) // 8:
            raise self.bad(f"{count:,} cells declared, {end - self.place:,} bytes follow")
        return [self.child(end, depth) for _ in range(count)]

    def fields(self, end: int, count: int, depth: int) -> dict | list:
        """A dict for one struct, a list of dicts for an array of them."""
        length = self.array(end, (5,), "the length of field names")
        if len(length) != 1 or not 1 <= length[0] <= 256:
            raise self.bad(f"field names of length {length[:4].tolist()}, expected one number from 1 to 256")
        letters, width = self.array(end, (1, 2, 16), "field names").tobytes(), int(length[0])
        if len(letters) % width:
            raise self.bad(f"{len(letters)} letters for field names of {width}")
        keys = [letters[i : i + width].split(b"\0")[0].decode("latin-1") for i in range(0, len(letters), width)]
        if count * max(1, len(keys)) > max(1, (end - self.place) // 8):
            raise self.bad(f"{count:,} structs of {len(keys)} fields declared, {end - self.place:,} bytes follow")
        structs = [{key: self.child(end, depth) for key in keys} for _ in range(count)]
        return structs[0] if count == 1 else structs

    def values(self, end: int, kind: int, shape: tuple[int, ...], flags: int) -> np.ndarray | str:
        """Numbers or text."""
        if kind != TEXT and kind not in CLASSES:
            raise self.bad(f"a matrix of class {kind}, expected 1 to 17", 0)
        if flags & COMPLEX:
            raise self.bad("complex numbers, expected real ones", 0)
        begin = self.place
        if kind == TEXT:
            return self.text(self.array(end, LETTERS, "text"), shape, begin)
        stored = self.array(end, tuple(STORED), "the values")
        if len(stored) != math.prod(shape):
            told = " x ".join(map(str, shape))
            raise self.bad(f"{len(stored):,} values for a shape of {told} = {math.prod(shape):,}", begin)
        if kind > 7 and stored.dtype.kind == "f":
            raise self.bad(f"a class of integers ({kind}) stored as {stored.dtype.name}", begin)
        limits = np.iinfo(CLASSES[kind]) if kind > 7 else None
        if limits and len(stored) and not (limits.min <= int(stored.min()) and int(stored.max()) <= limits.max):
            raise self.bad(f"integers outside the range of their class ({kind})", begin)
        with np.errstate(invalid="ignore"):  # a signalling NaN
            values = stored.astype(bool if flags & LOGICAL else CLASSES[kind])
        return quiet_nan(values).reshape(shape, order="F")

    def text(self, stored: np.ndarray, shape: tuple[int, ...], begin: int) -> str:
        """Characters as a `str`; several rows are joined by newlines."""
        if stored.dtype.itemsize == 1:
            letters = list(stored.tobytes().decode("utf-8", errors="replace"))
        else:
            letters = [chr(code if code < 0xD800 or 0xDFFF < code < 0x110000 else 0xFFFD) for code in stored.tolist()]
        if len(letters) != math.prod(shape) or len(shape) > 2:
            raise self.bad(f"{len(letters):,} characters for a shape of {shape}", begin)
        rows = ["".join(letters[row :: shape[0]]) for row in range(shape[0])] if letters else []
        return "\n".join(rows)
