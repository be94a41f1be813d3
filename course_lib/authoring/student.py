"""`make student`: notebooks without solutions in build/student/, with minutes per section and the prerequisites.

The hand-out is cut out of the lessons' scripts, so that it cannot drift apart from them; hints and checks stay.
"""

import argparse
import copy
import re
import shutil
import sys
import tempfile
from pathlib import Path

from nbformat import NotebookNode

from course_lib.authoring.rules.base import is_solution
from course_lib.authoring.rules.exercises import find_exercises
from course_lib.authoring.rules.frame import section_of
from course_lib.authoring.rules.maths import formulas, without_code
from course_lib.authoring.sources import (
    AuthoringError,
    Lesson,
    checkout_root,
    find_lessons,
    notebook_text,
    set_stable_ids,
)

# An estimate where the header gives no minutes: reading speed of technical prose and of code, thought per formula.
WORDS_PER_MINUTE, LINES_PER_MINUTE, MINUTES_PER_FORMULA, MINUTES_PER_EXERCISE = 150, 12, 0.5, 6
_SOLUTION_HEADING = re.compile(r"\s*#{3,6} Solution[^\n]*\s*")


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """A copy of a notebook without solutions and outputs."""
    student = copy.deepcopy(notebook)
    student.cells = [
        cell for cell in student.cells if not is_solution(cell) and not _SOLUTION_HEADING.fullmatch(cell.source)
    ]
    for cell in student.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    student.metadata.pop("jupytext", None)  # the hand-out has no pair
    set_stable_ids(student)
    return student


def minutes(lesson: Lesson) -> dict[str, tuple[int, bool]]:
    """Minutes of each section as (minutes, whether they are an estimate), in order.

    The header may give them, `course: {minutes: {Derive: 15}}`; the rest is estimated from words, formulas, code
    and exercises.
    """
    given = (lesson.source.metadata.get("course") or {}).get("minutes") or {}
    spent: dict[str, float] = {"Promise": 0.0}
    section = "Promise"
    exercises = {exercise.start for exercise in find_exercises(lesson.source.cells)}
    for index, cell in enumerate(lesson.source.cells):
        if cell.cell_type == "markdown":
            for part in re.split(r"^(?=## )", cell.source, flags=re.MULTILINE):
                title = re.match(r"## (.+)", part)
                section = (section_of(title[1]) or title[1]) if title else section
                text = without_code(part)
                spent[section] = spent.get(section, 0.0) + len(text.split()) / WORDS_PER_MINUTE
                spent[section] += MINUTES_PER_FORMULA * sum(formula.displayed for formula in formulas(text))
            spent[section] += MINUTES_PER_EXERCISE * (index in exercises)
        elif not is_solution(cell):
            spent[section] += len([line for line in cell.source.split("\n") if line.strip()]) / LINES_PER_MINUTE
    return {
        name: (int(given[name]), False) if name in given else (max(1, round(value)), True)
        for name, value in spent.items()
    }


def title(lesson: Lesson) -> str:
    """The title of a lesson, from its first heading."""
    for cell in lesson.source.cells:
        heading = re.search(r"^# (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if heading:
            return heading[1].strip()
    return lesson.name


def overview(lessons: list[Lesson]) -> str:
    """The README of the hand-out: the prerequisites as a graph and in words, and the minutes of each section."""
    names = {lesson.name[:2]: lesson.name for lesson in lessons}
    lines = ["# Bound by Bound: notebooks without solutions", ""]
    lines += ["Hints and checks are in place: run a cell with `check(...)` to see whether an answer holds.", ""]
    lines += ["## Prerequisites", "", "```mermaid", "graph LR"]
    for lesson in lessons:
        lines.append(f'  {lesson.name}["{title(lesson).replace(chr(34), chr(39))}"]')
        lines += [f"  {names[number]} --> {lesson.name}" for number in _requires(lesson) if number in names]
    lines += ["```", ""]
    for lesson in lessons:
        before = ", ".join(names.get(number, number) for number in _requires(lesson)) or "nothing"
        lines.append(f"- [{lesson.name}]({lesson.name}.ipynb), {title(lesson)}: needs {before}")
    lines += ["", "## Minutes per section", ""]
    lines += ["Numbers with a ~ are estimated from the words, formulas, code and exercises of the section.", ""]
    for lesson in lessons:
        spent = minutes(lesson)
        lines += [f"### {lesson.name}: {title(lesson)}", "", "| section | minutes |", "|---|---:|"]
        lines += [f"| {name} | {'~' if estimated else ''}{value} |" for name, (value, estimated) in spent.items()]
        lines += [f"| **together** | **~{sum(value for value, _ in spent.values())}** |", ""]
    return "\n".join(lines).rstrip() + "\n"


def _requires(lesson: Lesson) -> list[str]:
    return [str(number) for number in (lesson.source.metadata.get("course") or {}).get("requires") or []]


def write_handout(root: Path, folder: Path) -> list[Path]:
    """Write the hand-out to a folder that takes the place of the one there, whole or not at all.

    Raises:
        AuthoringError: There are no lessons, or the folder holds something else.
    """
    lessons = find_lessons(root)
    if not lessons:
        raise AuthoringError("There are no lessons in notebooks/ yet.")
    if folder.exists() and any(folder.iterdir()) and not (folder / "README.md").exists():
        raise AuthoringError(f"{folder} holds something other than a hand-out: name an empty or new folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".student-"))
    try:
        for lesson in lessons:
            text = notebook_text(without_solutions(lesson.source))
            (fresh / f"{lesson.name}.ipynb").write_text(text, encoding="utf-8")
        (fresh / "README.md").write_text(overview(lessons), encoding="utf-8")
        fresh.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return sorted(folder.iterdir())


def main(arguments: list[str] | None = None) -> int:
    """Command line: write the hand-out and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.authoring.student", description=__doc__)
    parser.add_argument("--out", type=Path, help="folder to write (default: build/student in the checkout)")
    options = parser.parse_args(arguments)
    try:
        root = checkout_root()
        folder = options.out or root / "build" / "student"
        written = write_handout(root, folder.resolve())
    except (AuthoringError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"wrote {len(written) - 1} notebook(s) without solutions and README.md to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
