"""`make notebooks`: rebuild every `.ipynb` from its `.py`, execute what changed on `quick`, store clean outputs.

The script is the only source (file times are never asked); stored outputs are kept as long as everything that they
depend on is unchanged, so a second call writes nothing.
"""

import argparse
import contextlib
import copy
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

from course_lib.authoring.cleaning import clean, refuse_errors
from course_lib.authoring.fingerprint import fingerprint
from course_lib.authoring.sources import (
    AuthoringError,
    Lesson,
    checkout_root,
    find_lessons,
    notebook_text,
    read_notebook,
    without_address,
    write_atomically,
)

PROFILE = "quick"
LIVE_FRONT_ENDS = ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG", "VSCODE_PID")
MAX_BYTES = 1_500_000


def rebuild(lesson: Lesson, *, force: bool = False) -> str:
    """Bring the `.ipynb` of a lesson in step with its `.py`; execute only where outputs are missing or out of date.

    Returns:
        What was done: `unchanged`, `text` (outputs kept) or `executed`.

    Raises:
        AuthoringError: A cell raised or the notebook is too large; the stored notebook is then left as it was.
    """
    inputs = fingerprint(lesson)
    notebook = copy.deepcopy(lesson.source)
    done = "text"
    if force or not _is_current(notebook, lesson.stored, inputs):
        executed = clean(execute(notebook, lesson))
        refuse_errors(executed, lesson.name)
        done = "executed"
    _take_outputs(notebook, lesson.stored if done == "text" else executed)
    notebook.metadata["language_info"] = NotebookNode(name="python", file_extension=".py", mimetype="text/x-python")
    notebook.metadata.setdefault("course", NotebookNode())["stored"] = {"profile": PROFILE, "inputs": inputs}
    text = notebook_text(notebook)
    if (size := len(text.encode())) > MAX_BYTES:
        raise AuthoringError(
            f"{lesson.name}: the notebook has {size / 1e6:.2f} MB, more than {MAX_BYTES / 1e6} MB; make its figures "
            "and players smaller. Nothing was stored."
        )
    if lesson.ipynb.exists() and lesson.ipynb.read_text(encoding="utf-8") == text:
        return "unchanged"
    write_atomically(lesson.ipynb, text)
    return done


def _is_current(notebook: NotebookNode, stored: NotebookNode | None, inputs: str) -> bool:
    """Whether the stored outputs belong to this code; False where there are none."""
    if stored is None or stored.metadata.get("course", {}).get("stored", {}).get("inputs") != inputs:
        return False
    new, old = ([without_address(cell.source) for cell in _code(book)] for book in (notebook, stored))
    return new == old


def _take_outputs(notebook: NotebookNode, other: NotebookNode) -> None:
    """Take outputs and counts alone, so that text, tags and alt text are always the script's."""
    for cell, run in zip(_code(notebook), _code(other), strict=True):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def execute(notebook: NotebookNode, lesson: Lesson, *, profile: str = PROFILE) -> NotebookNode:
    """Run a notebook by papermill in an empty folder and return it with its outputs.

    Raises:
        AuthoringError: A cell raised, or papermill could not run the notebook.
    """
    try:
        import papermill
    except ImportError as error:
        raise AuthoringError("papermill is missing: install the `batch` extra.") from error
    with tempfile.TemporaryDirectory(prefix="lesson-") as folder, _environment(lesson.root, profile):
        before, after = Path(folder, "before.ipynb"), Path(folder, "after.ipynb")
        work = Path(folder, "work")
        work.mkdir()
        before.write_text(notebook_text(copy.deepcopy(notebook)), encoding="utf-8")
        try:
            papermill.execute_notebook(
                before,
                after,
                parameters={"profile": profile},
                cwd=str(work),
                kernel_name="python3",
                progress_bar=False,
                extra_arguments=["--Application.log_level=40"],  # the kernel's own warnings are no news to authors
            )
        except papermill.PapermillExecutionError as error:
            beginning = error.source.strip().split("\n")[0]
            raise AuthoringError(
                f"{lesson.name}: the cell that begins {beginning!r} raised {error.ename}: {error.evalue}; "
                "nothing was stored."
            ) from error
        return read_notebook(after)


@contextlib.contextmanager
def _environment(root: Path, profile: str) -> Iterator[None]:
    """The environment in which stored outputs are made: one thread, no real data, this checkout's library."""
    paths = [str(root), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    wanted = {
        "COURSE_PROFILE": profile,
        "COURSE_DATA_ROOT": "",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **dict.fromkeys(LIVE_FRONT_ENDS, ""),  # nobody watches, even where a front end started this process
    }
    before = {name: os.environ.get(name) for name in wanted}
    for name, value in wanted.items():
        os.environ.pop(name, None) if value == "" else os.environ.__setitem__(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


def main(arguments: list[str] | None = None) -> int:
    """Command line: rebuild the lessons, one line each, and go on after a failure; exit with 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.authoring.notebooks", description=__doc__)
    parser.add_argument("names", nargs="*", help="lessons to rebuild, such as 01_elbo or 01 (default: all)")
    parser.add_argument("--force", action="store_true", help="execute even where nothing changed")
    options = parser.parse_args(arguments)
    try:
        lessons = find_lessons(checkout_root(), options.names)
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 2
    failed = 0
    for lesson in lessons:
        print(f"{lesson.name}: ...", end="", flush=True)
        started = time.perf_counter()
        try:
            done = rebuild(lesson, force=options.force)
        except AuthoringError as error:
            failed += 1
            print(f"\r{lesson.name}: FAILED after {time.perf_counter() - started:.1f} s. {error}")
        else:
            size = lesson.ipynb.stat().st_size
            print(f"\r{lesson.name}: {done} ({time.perf_counter() - started:.1f} s, {size / 1e6:.2f} MB)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
