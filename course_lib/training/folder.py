"""The output folder of a run: where it lies, who holds it, and how files are written into it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_lib.training.errors import LockedError, OutputError

if os.name == "nt":
    import msvcrt
else:
    import fcntl


def find_checkout() -> Path | None:
    """Return the root of the course's checkout, or None when there is none.

    Looked for above this package first (a checkout, or an editable install of one), then above the working directory.
    """
    for start in (Path(__file__).resolve(), Path.cwd().resolve()):
        for folder in (start, *start.parents):
            if (folder / "notebooks").is_dir() and (folder / "course_lib").is_dir():
                return folder
    return None


def run_folder(lesson: str, profile: str, seed: int, *, out_dir: str | Path = "") -> Path:
    """Return the folder of a run: `out_dir`, or `runs/<lesson>/<profile>-<seed>` of the checkout when that is empty.

    Args:
        lesson: `01_elbo`.
        profile: `smoke`, `quick`, `standard` or `paper`.
        seed: The seed of the run.
        out_dir: A folder that the user chose; relative to the working directory, as users expect.
    """
    if str(out_dir) not in ("", "."):
        return Path(out_dir).expanduser().resolve()
    return (find_checkout() or Path.cwd()) / "runs" / lesson / f"{profile}-{seed}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure of the file system within the block into one sentence that names folder and remedy."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"cannot write {path}: {reason}; free some space or choose another folder with out_dir"
        ) from error


def make_folder(path: Path) -> None:
    """Make a folder and its parents.

    Raises:
        OutputError: It cannot be made, or a file has its name.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: under another name first, forced to the disk, then renamed.

    Raises:
        OutputError: The folder is full or unwritable; an earlier file of that name is then untouched.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with writing(path):
        try:
            with open(part, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def append_whole(path: Path, text: str) -> None:
    """Append lines to a file, all of them or none.

    Raises:
        OutputError: The folder is full or unwritable; the file is then as it was.
    """
    with writing(path):
        size = path.stat().st_size if path.exists() else 0
        try:
            with open(path, "ab") as file:
                file.write(text.encode())
        except OSError:
            if path.exists():
                os.truncate(path, size)
            raise


class FolderLock:
    """An exclusive hold on a folder; the operating system lets go of it when the process ends, however it ends."""

    def __init__(self, folder: Path):
        self.path = folder / "run.lock"
        self._file: Any = None

    def acquire(self) -> None:
        """Take the folder.

        Raises:
            LockedError: Another run has it.
            OutputError: The lock file cannot be written.
        """
        with writing(self.path):
            file = open(self.path, "a+")  # noqa: SIM115 - held until release
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise LockedError(
                f"out_dir (={self.path.parent}) is in use by process {holder}; "
                "wait for it, stop it, or choose another out_dir"
            ) from error
        self._file = file
        with writing(self.path):
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()

    def release(self) -> None:
        """Let the folder go; a second call does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None


if os.name == "nt":

    def _lock(file: Any) -> None:
        file.seek(1 << 20)  # a byte beyond the text, so that another process can still read the holder's number
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)

else:

    def _lock(file: Any) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
