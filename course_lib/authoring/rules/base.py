"""What a rule sees and what it says."""

import ast
import functools
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from nbformat import NotebookNode

from course_lib.authoring.address import configured_address
from course_lib.authoring.sources import Lesson, tags

SOLUTION_TITLE = '#@title Solution {display-mode: "form"}'


@dataclass(frozen=True)
class Finding:
    """One fault of a lesson.

    Attributes:
        where: The file, relative to the checkout.
        cell: Index of the cell, or None where the whole file is meant.
        what: What is wrong.
        remedy: What to do.
    """

    where: str
    cell: int | None
    what: str
    remedy: str

    def __str__(self) -> str:
        place = self.where if self.cell is None else f"{self.where}: cell {self.cell}"
        end = "" if self.remedy.endswith("?") else "."
        return f"{place}: {self.what}. {self.remedy[:1].upper()}{self.remedy[1:]}{end}"


@dataclass(frozen=True)
class Book:
    """What the rules know about the course around a lesson: its settings, symbols and standard cells."""

    root: Path

    @functools.cached_property
    def symbols(self) -> list[dict[str, str]]:
        """The entries of book/notation.yml, in order; each has `id` and `latex`."""
        content = yaml.safe_load((self.root / "book" / "notation.yml").read_text(encoding="utf-8"))
        return [entry for group in content["groups"] for entry in group["symbols"]]

    @functools.cached_property
    def setup_cell(self) -> str:
        """The one set-up cell of all lessons; its file is loaded alone, so that the lint never imports torch."""
        path = self.root / "course_lib" / "teaching" / "setup_cell.py"
        spec = importlib.util.spec_from_file_location("_setup_cell_of_the_course", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.SETUP_CELL

    @functools.cached_property
    def address(self) -> str:
        """The repository's address in `_config.yml`; empty while it is unset."""
        return configured_address(self.root)


def script(lesson: Lesson) -> str:
    """The script of a lesson as messages name it."""
    return f"notebooks/{lesson.py.name}"


def stored(lesson: Lesson) -> str:
    """The notebook of a lesson as messages name it."""
    return f"notebooks/{lesson.ipynb.name}"


def prose(lesson: Lesson) -> Iterator[tuple[int, str]]:
    """Index and text of each Markdown cell."""
    return ((i, cell.source) for i, cell in enumerate(lesson.source.cells) if cell.cell_type == "markdown")


def code(lesson: Lesson) -> Iterator[tuple[int, NotebookNode]]:
    """Index and cell of each code cell of the script."""
    return ((i, cell) for i, cell in enumerate(lesson.source.cells) if cell.cell_type == "code")


def stored_code(lesson: Lesson) -> Iterator[tuple[int, NotebookNode]]:
    """Index and cell of each code cell of the stored notebook; none where it is missing."""
    cells = lesson.stored.cells if lesson.stored is not None else []
    return ((i, cell) for i, cell in enumerate(cells) if cell.cell_type == "code")


def output_texts(cell: NotebookNode, *kinds: str) -> Iterator[str]:
    """The texts that a cell has stored: streams, and the data of the kinds asked for (all text where none is)."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            if not kinds or "stream" in kinds:
                yield output.text
            continue
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/") and (not kinds or kind in kinds):
                yield data if isinstance(data, str) else "".join(data)


def is_checked(cell: NotebookNode) -> bool:
    """Whether nbval compares the outputs of a cell."""
    return "nbval-ignore-output" not in tags(cell)


def is_solution(cell: NotebookNode) -> bool:
    """Whether a cell holds the solution of an exercise."""
    return cell.cell_type == "code" and re.match(r"\s*# ?@title Solution\b", cell.source) is not None


def parse(source: str) -> ast.Module:
    """The syntax tree of a code cell; lines for IPython count as `pass`, a cell that cannot be read as empty."""
    plain = "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.split("\n"))
    try:
        return ast.parse(plain)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def calls(source: str, name: str) -> Iterator[ast.Call]:
    """Calls of a function or method of this name in a code cell."""
    for node in ast.walk(parse(source)):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called == name:
                yield node
