"""The stored notebook: complete outputs of `quick`, clean, small, and the same on every machine."""

import ast
import re
from collections.abc import Iterator

from course_lib.authoring.cleaning import INJECTED, WIDGET_VIEW
from course_lib.authoring.notebooks import MAX_BYTES, PROFILE
from course_lib.authoring.pairs import differences
from course_lib.authoring.rules.base import (
    Book,
    Finding,
    code,
    is_checked,
    output_texts,
    parse,
    script,
    stored,
    stored_code,
)
from course_lib.authoring.sources import Lesson, tags

MAKE = "run `make notebooks`"
SHOWS = {"print", "display", "check", "hint", "say", "show", "show_code", "break_it", "broken", "refute", "cost_box"}
_PATH = re.compile(
    r"(?<![\w.:/\\-])(?:/(?:home|root|Users|tmp|work|opt|var|private|mnt|content)/[\w.]+|[A-Z]:\\\\?\w+)"
)
_UNSTABLE = {
    "a time of day": re.compile(r"\b\d{1,2}:\d{2}:\d{2}\b"),
    "a date": re.compile(r"\b20\d\d-[01]\d-[0-3]\d\b"),
    "a memory address": re.compile(r"\b0x[0-9a-fA-F]{6,}\b"),
    "a measured time": re.compile(r"\b(?:took|elapsed|in)\s+\d+(?:\.\d+)?\s*(?:ms|s|sec|seconds|min)\b"),
}
_UNMEASURED = re.compile(r"(?:[Nn]o claim )?has (?:not )?been measured yet")
_CLOCK = re.compile(
    r"\btime\.(?:time|perf_counter|monotonic|process_time)\(|\bperf_counter\(|datetime\.now\(|%%?time"
    r"|\bos\.getcwd\(|\bPath\.cwd\(|\bPath\(\)\.resolve\(|\bsocket\.gethostname\("
)


def pair_in_step(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """The `.ipynb` holds the cells and tags of the `.py`."""
    for line in differences(lesson):
        what = line.removeprefix(f"notebooks/{lesson.name}: ").removesuffix(f": {MAKE}.")
        yield Finding(stored(lesson), None, what, MAKE)


def stored_outputs(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Every code cell was run on `quick`; cells that print, show or check have stored what they showed; none failed."""
    if lesson.stored is None:
        return
    where = stored(lesson)
    profile = lesson.stored.metadata.get("course", {}).get("stored", {}).get("profile")
    if profile != PROFILE:
        yield Finding(where, None, f"the outputs are of the profile {profile}, not of {PROFILE}", MAKE)
    for index, cell in stored_code(lesson):
        if any(output.output_type == "error" for output in cell.outputs):
            yield Finding(where, index, "a stored error", f"mend the cell and {MAKE}")
        if not cell.source.strip():
            yield Finding(where, index, "an empty code cell", "delete it")
        elif cell.execution_count is None:
            yield Finding(where, index, "a cell that was not run", MAKE)
        elif not cell.outputs and _shows(cell.source):
            yield Finding(where, index, "a cell that shows something has no stored output", MAKE)


def measured(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No stored output says that a claim, or the lesson's cost, has not been measured yet."""
    for index, cell in stored_code(lesson):
        if match := _UNMEASURED.search("\n".join(output_texts(cell))):
            remedy = f"run the command that it names, and {MAKE}"
            yield Finding(stored(lesson), index, f"an output says '{match[0]}'", remedy)


def _shows(source: str) -> bool:
    """Whether a statement of the cell itself calls something that shows."""
    for node in parse(source).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in SHOWS:
                return True
    return False


def clean_storage(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No widget state, no papermill traces, no standard error, at most 1.5 MB."""
    if lesson.stored is None:
        return
    where = stored(lesson)
    if (size := lesson.ipynb.stat().st_size) > MAX_BYTES:
        remedy = f"make its figures and players smaller and {MAKE}"
        yield Finding(where, None, f"the file has {size / 1e6:.2f} MB, more than {MAX_BYTES / 1e6}", remedy)
    for name in ("widgets", "papermill"):
        if name in lesson.stored.metadata:
            yield Finding(where, None, f"{name} state in the metadata", MAKE)
    for index, cell in enumerate(lesson.stored.cells):
        if INJECTED in tags(cell):
            yield Finding(where, index, "a cell that papermill injected", MAKE)
        if {"papermill", "execution"} & set(cell.metadata):
            yield Finding(where, index, "time stamps in the metadata", MAKE)
        for output in cell.get("outputs", []):
            if WIDGET_VIEW in output.get("data", {}):
                yield Finding(where, index, "a stored widget, dead in the book", f"use a Player, and {MAKE}")
            if output.output_type == "stream" and output.name == "stderr":
                yield Finding(where, index, "standard error in the outputs", MAKE)


def portable_outputs(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No absolute path in any output; no clock, date, address or working directory in a checked cell."""
    for index, cell in stored_code(lesson):
        for text in output_texts(cell):
            if match := _PATH.search(text):
                remedy = "print paths relative to runs/"
                yield Finding(stored(lesson), index, f"the path {match[0]} in the output", remedy)
            for name, pattern in _UNSTABLE.items() if is_checked(cell) else ():
                if match := pattern.search(text):
                    remedy = "print what does not change, or tag the cell `nbval-ignore-output`"
                    yield Finding(stored(lesson), index, f"{name} ({match[0]}) in a checked cell", remedy)
    for index, cell in code(lesson):
        if match := _PATH.search(cell.source):
            yield Finding(script(lesson), index, f"the path {match[0]} in the code", "use data_root or out_dir")
        if is_checked(cell) and (match := _CLOCK.search(cell.source)):
            remedy = "tag the cell `nbval-ignore-output`"
            yield Finding(script(lesson), index, f"{match[0].rstrip('(')} in a checked cell", remedy)
