"""Exercises: task, stub, hints, check, and a collapsed solution under another name."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbformat import NotebookNode

from course_lib.authoring.rules.base import SOLUTION_TITLE, Book, Finding, calls, is_solution, parse, script
from course_lib.authoring.sources import Lesson, tags

_HEADING = re.compile(r"^#{3,4} Exercise (\d\d\.\d+)\b", re.MULTILINE)


@dataclass
class Exercise:
    """The cells of one exercise of a lesson.

    Attributes:
        name: Its id, as in `check("01.2", ...)`.
        start: Index of the cell with its heading.
        cells: Index and cell of each cell from the heading up to the next heading.
    """

    name: str
    start: int
    cells: list[tuple[int, NotebookNode]] = field(default_factory=list)

    @property
    def solutions(self) -> list[tuple[int, NotebookNode]]:
        """The cells that hold a solution."""
        return [(index, cell) for index, cell in self.cells if is_solution(cell)]

    @property
    def open_cells(self) -> list[tuple[int, NotebookNode]]:
        """The code cells that the learner sees."""
        return [(i, cell) for i, cell in self.cells if cell.cell_type == "code" and not is_solution(cell)]

    def checked(self, *, solution: bool) -> list[str]:
        """Names of the functions that this exercise's `check` is called with."""
        cells = self.solutions if solution else self.open_cells
        return [
            ast.unparse(call.args[1])
            for _, cell in cells
            for call in calls(cell.source, "check")
            if len(call.args) > 1 and _first(call) == self.name
        ]


def _first(call: ast.Call) -> str | None:
    return call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None


def find_exercises(cells: list[NotebookNode]) -> list[Exercise]:
    """The exercises of a notebook, by their headings `### Exercise 01.2: ...`."""
    found: list[Exercise] = []
    current: Exercise | None = None
    for index, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            heading = _HEADING.search(cell.source)
            if heading:
                current = Exercise(heading[1], index)
                found.append(current)
            elif re.search(r"^#{1,4} ", cell.source, re.MULTILINE):
                current = None
        if current is not None:
            current.cells.append((index, cell))
    return found


def exercise_count(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Three to six exercises (lesson 00 one), numbered from one after the lesson; one of them asks to spot a bug."""
    found = find_exercises(lesson.source.cells)
    low, high = (1, 1) if lesson.name.startswith("00_") else (3, 6)
    if not low <= len(found) <= high:
        wanted = "one" if high == 1 else "three to six"
        remedy = f"write {wanted}, each under a heading `### Exercise {lesson.name[:2]}.1: ...`"
        yield Finding(script(lesson), None, f"{len(found)} exercises", remedy)
    tasks = " ".join(cell.source.lower() for exercise in found for _, cell in exercise.cells)
    if found and high > 1 and "bug" not in tasks:
        remedy = "take an error that a real port made, and call the exercise `spot the bug`"
        yield Finding(script(lesson), found[0].start, "no exercise asks to spot a bug", remedy)
    for number, exercise in enumerate(found, 1):
        if exercise.name != f"{lesson.name[:2]}.{number}":
            remedy = f"number it {lesson.name[:2]}.{number}"
            yield Finding(script(lesson), exercise.start, f"the exercise is numbered {exercise.name}", remedy)


def exercise_parts(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Each exercise has a stub, hints, a check of the stub, and a solution of another name that is checked too."""
    where = script(lesson)
    for exercise in find_exercises(lesson.source.cells):
        name, start = exercise.name, exercise.start
        stubs, solved = exercise.checked(solution=False), exercise.checked(solution=True)
        if not any(_first(call) == name for _, cell in exercise.open_cells for call in calls(cell.source, "hint")):
            yield Finding(where, start, f"exercise {name} has no hint", f'add a cell with hint("{name}", step=1)')
        if not stubs:
            remedy = f'add a cell with check("{name}", your_function)'
            yield Finding(where, start, f"exercise {name} has no check", remedy)
        elif not set(stubs) & _defined(exercise.open_cells):
            yield Finding(where, start, f"exercise {name} has no stub of {stubs[0]}", f"define {stubs[0]} for learners")
        if len(exercise.solutions) != 1:
            remedy = f"add one code cell that begins with {SOLUTION_TITLE}"
            yield Finding(where, start, f"exercise {name} has {len(exercise.solutions)} solutions", remedy)
        elif not solved or not set(solved) <= _defined(exercise.solutions):
            remedy = f'define a function in it and end with check("{name}", that_function)'
            yield Finding(where, exercise.solutions[0][0], f"the solution of {name} is not checked", remedy)
        if shared := sorted(_defined(exercise.open_cells) & _defined(exercise.solutions)):
            remedy = f"call it {shared[0]}_solution, so that running it does not replace the learner's"
            yield Finding(where, start, f"stub and solution of {name} are both called {shared[0]}", remedy)


def _defined(cells: list[tuple[int, NotebookNode]]) -> set[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return {node.name for _, cell in cells for node in parse(cell.source).body if isinstance(node, kinds)}


def hidden_solutions(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """A solution is collapsed in the book, in JupyterLab and on Colab."""
    for index, cell in enumerate(lesson.source.cells):
        if not is_solution(cell):
            continue
        if cell.source.split("\n")[0].strip().replace("# @", "#@") != SOLUTION_TITLE:
            remedy = f"begin it with {SOLUTION_TITLE}"
            yield Finding(script(lesson), index, "a solution that Colab does not fold", remedy)
        if "hide-cell" not in tags(cell):
            yield Finding(script(lesson), index, "a solution that the book does not fold", "tag it `hide-cell`")
        if (cell.metadata.get("jupyter") or {}).get("source_hidden") is not True:
            remedy = 'add jupyter={"source_hidden": true} to the cell'
            yield Finding(script(lesson), index, "a solution that JupyterLab does not fold", remedy)
