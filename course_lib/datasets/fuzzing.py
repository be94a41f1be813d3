"""Tries a reader on damaged copies of its example: it must refuse them in the documented way, or read them sanely."""

import contextlib
import dataclasses
import inspect
import os
import re
import signal
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_lib.datasets.corruption import corrupt
from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.examples.example import Example
from course_lib.datasets.records import LazyImages

SECONDS = 10.0  # for one damaged file of some kilobytes; a reader needs milliseconds
MEGABYTES = 1024  # that one reading may ask for


@dataclass(frozen=True)
class FuzzCount:
    """What became of the damaged files given to one reader.

    Attributes:
        name: The example.
        tried: Damaged files.
        accepted: Files that were read, with sane values.
        refused: Files refused with `DataFormatError` or `FileNotFoundError`.
        unexpected: One line for each other outcome, with the seed that repeats it.
    """

    name: str
    tried: int
    accepted: int
    refused: int
    unexpected: tuple[str, ...]


class Fuzzer:
    """Damages one file of an example at a time and reads it.

    A file may be read although it was damaged, where the damage lies in a pixel or a digit. It is then held against
    what its result promises: no infinite number, no NaN in a field that does not document it, every picture decodes.

    Args:
        example: Files and reader.
        folder: An empty folder to work in.
    """

    def __init__(self, example: Example, folder: Path) -> None:
        self.example, self.folder = example, folder
        self.root = example.write(folder)
        self.skips = "on_bad" in inspect.signature(example.read).parameters
        self.valid = {name: (folder / name).read_bytes() for name in example.files}
        self.damaged = ""  # the file that holds damage at present
        _examine(example.read(self.root))

    def try_one(self, seed: int) -> tuple[str, str]:
        """Damage one file and read the example; the others are whole.

        Args:
            seed: Decides which file and what damage.

        Returns:
            `"accepted"`, `"refused"` or `"unexpected"`, and the message.
        """
        name = self.example.files[seed % len(self.example.files)]
        path = self.folder / name
        how, damaged = corrupt(self.valid[name], seed=seed, binary=self.example.binary)
        if self.damaged not in ("", name):
            (self.folder / self.damaged).write_bytes(self.valid[self.damaged])
        self.damaged = name
        path.write_bytes(damaged)
        try:
            with warnings.catch_warnings(), _limited():
                warnings.simplefilter("error")
                # Every other time bad records are to be skipped: what is left must be as sane.
                skipping = {"on_bad": "skip"} if self.skips and seed // len(self.example.files) % 2 else {}
                _examine(self.example.read(self.root, **skipping))
        except (DataFormatError, FileNotFoundError) as error:
            problem = self._poor_message(str(error))
            outcome = ("unexpected", problem) if problem else ("refused", str(error))
        except (Exception, _TooSlowError) as error:
            outcome = ("unexpected", f"{type(error).__name__}: {str(error)[:200]}")
        else:
            outcome = ("accepted", "")
        if outcome[0] == "unexpected":
            return "unexpected", f"{self.example.name}, seed {seed} ({how} in {name}): {outcome[1]}"
        return outcome

    def _poor_message(self, message: str) -> str:
        """What a refusal leaves out, or nothing."""
        if str(self.folder) not in message:
            return f"the message names no file: {message[:200]!r}"
        return f"the message has several lines: {message[:200]!r}" if "\n" in message else ""


def fuzz(example: Example, inputs: int, seed: int = 0) -> FuzzCount:
    """Give a reader damaged copies of its example.

    Args:
        example: Files and reader.
        inputs: How many damaged files.
        seed: Another seed, other damage.

    Returns:
        Counts of what became of them.
    """
    if inputs < 1:
        raise ValueError(f"`inputs` (={inputs}) must be at least 1")
    with scratch_folder() as folder:
        fuzzer = Fuzzer(example, folder)
        outcomes = [fuzzer.try_one(seed * 1_000_003 + number) for number in range(inputs)]
    kinds = [kind for kind, _ in outcomes]
    return FuzzCount(
        example.name,
        inputs,
        kinds.count("accepted"),
        kinds.count("refused"),
        tuple(message for kind, message in outcomes if kind == "unexpected"),
    )


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder, in memory where the system has such a place: a run writes each file thousands of times."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK | os.X_OK) else None) as folder:
        yield Path(folder)


def _examine(result: object) -> None:
    """Raise where a result does not keep what it promises, or a picture of it does not decode."""
    len(result)
    if isinstance(result, Tensor):
        _check_numbers(result, "the tensor", nan=False)
    if not dataclasses.is_dataclass(result):
        return
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        if isinstance(value, LazyImages):
            for row in range(len(value)):
                _check_numbers(value[row], f"picture {row}", nan=False)
        elif isinstance(value, Tensor | np.ndarray):
            _check_numbers(torch.as_tensor(value), f"`{field.name}`", nan=_documents_nan(type(result), field.name))


def _documents_nan(kind: type, field: str) -> bool:
    """Whether the docstring of a class, or of one it builds on, says NaN where it describes a field."""
    told = (re.search(rf"^ +{field}: .*?(?=^ +\w+: |\Z)", each.__doc__ or "", re.M | re.S) for each in kind.__mro__)
    return any(found and "NaN" in found[0] for found in told)


def _check_numbers(values: Tensor, what: str, *, nan: bool) -> None:
    if values.is_floating_point():
        if values.isinf().any():
            raise ArithmeticError(f"{what} has an infinite number")
        if not nan and values.isnan().any():
            raise ArithmeticError(f"{what} has a NaN, which it does not document")


class _TooSlowError(BaseException):
    """Raised by the alarm; no `except Exception` of a reader may swallow it."""


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Bounds time (where there is an alarm signal) and memory (on Linux) of what runs inside."""
    start = time.process_time()
    with _alarm(), _memory():
        yield
    if (took := time.process_time() - start) > SECONDS:
        raise _TooSlowError(f"{took:.0f} s for one damaged file, at most {SECONDS:.0f}")


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _TooSlowError(f"not done after {SECONDS:.0f} s of one damaged file")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def _memory() -> Iterator[None]:
    """An allocation beyond the limit becomes a MemoryError."""
    status = Path("/proc/self/statm")
    if not status.exists():
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = int(status.read_text().split()[0]) * resource.getpagesize() + MEGABYTES * 2**20
    if soft != resource.RLIM_INFINITY:
        limit = min(limit, soft)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
