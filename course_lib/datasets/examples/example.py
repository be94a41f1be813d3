"""What a reader's example is: a small valid file set, how to read it, and what may be corrupted in it."""

from collections.abc import Callable, Sized
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Example:
    """A small valid set of files in one format, with the reader that takes it.

    Attributes:
        name: What the example is called, `format` or `dataset`.
        write: Fills an empty folder and gives the path that `read` takes. The same bytes each time.
        read: The reader; what it returns has a length.
        files: Files worth corrupting, relative to the folder that `write` filled.
        binary: Whether the format is binary (else lines of text).
        real: Reads the real files below a folder laid out like the course's data folder; raises `FileNotFoundError`
            where they are not there. None where no real file was at hand when the reader was written.
    """

    name: str
    write: Callable[[Path], Path]
    read: Callable[[Path], Sized]
    files: tuple[str, ...]
    binary: bool
    real: Callable[[Path], Sized] | None = None
