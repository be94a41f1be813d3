"""A lesson on disk: the `.py` that authors edit, the `.ipynb` that people run, and the text written around them."""

import contextlib
import difflib
import functools
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

LESSON_NAME = re.compile(r"\d\d_[a-z0-9_]+")
ADDRESS_LINE = re.compile(r'^REPOSITORY = "[^"\n]*"', re.MULTILINE)


class AuthoringError(Exception):
    """Something an author has to mend; the message is one sentence and names the remedy."""


@dataclass(frozen=True)
class Lesson:
    """One lesson: the pair of files with the same stem in `notebooks/`.

    Attributes:
        root: The folder that holds `notebooks/`.
        name: The stem, such as `01_elbo`.
    """

    root: Path
    name: str

    @property
    def py(self) -> Path:
        """The percent script that authors edit."""
        return self.root / "notebooks" / f"{self.name}.py"

    @property
    def ipynb(self) -> Path:
        """The notebook that people run, stored with its outputs."""
        return self.root / "notebooks" / f"{self.name}.ipynb"

    @property
    def results(self) -> Path:
        """The measured claims of the lesson."""
        return self.root / "course_lib" / "results" / f"{self.name}.json"

    @functools.cached_property
    def source(self) -> NotebookNode:
        """The cells of the script, without outputs."""
        return read_script(self.py)

    @functools.cached_property
    def stored(self) -> NotebookNode | None:
        """The stored notebook, or None where there is none yet."""
        return read_notebook(self.ipynb) if self.ipynb.exists() else None


def checkout_root(start: Path | None = None) -> Path:
    """The checkout that holds `start`; without `start`, the one that holds this package or the current folder.

    Raises:
        AuthoringError: There is none.
    """
    starts = [start] if start is not None else [Path(__file__).resolve().parents[2], Path.cwd()]
    for folder in (folder for begin in starts for folder in (begin, *begin.parents)):
        if (folder / "notebooks").is_dir() and (folder / "_config.yml").is_file():
            return folder
    raise AuthoringError(f"{starts[-1]} lies in no checkout of the course: run this in the folder with notebooks/.")


def find_lessons(root: Path, names: list[str] | None = None) -> list[Lesson]:
    """All lessons of a checkout in order, or those named.

    Raises:
        AuthoringError: A name belongs to no lesson; the message gives the nearest.
    """
    known = sorted(path.stem for path in (root / "notebooks").glob("*.py") if LESSON_NAME.fullmatch(path.stem))
    wanted = known if not names else [_match(name, known) for name in names]
    return [Lesson(root, name) for name in wanted]


def _match(name: str, known: list[str]) -> str:
    stem = Path(name).stem
    if stem in known:
        return stem
    by_number = [lesson for lesson in known if lesson.split("_")[0] == stem]
    if by_number:
        return by_number[0]
    near = difflib.get_close_matches(stem, known, n=1, cutoff=0.0)
    hint = f"did you mean {near[0]}?" if near else "there are no lessons in notebooks/ yet."
    raise AuthoringError(f"There is no lesson {name!r}: {hint}")


def read_script(path: Path) -> NotebookNode:
    """Read a percent script; cell ids follow from the cells' own text, so that two readings are equal."""
    notebook = jupytext.read(path)
    set_stable_ids(notebook)
    return notebook


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook file.

    Raises:
        AuthoringError: The file is not a notebook.
    """
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:
        raise AuthoringError(f"{path} is not a readable notebook ({error}): run `make notebooks`.") from error


def set_stable_ids(notebook: NotebookNode) -> None:
    """Give each cell an id made from its kind and text, numbered where two cells are equal."""
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def without_address(source: str) -> str:
    """The text of a set-up cell with the repository's address taken out."""
    return ADDRESS_LINE.sub('REPOSITORY = ""', source)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def notebook_text(notebook: NotebookNode) -> str:
    """The file content of a notebook, the same on every machine (keys sorted, one space of indentation)."""
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
