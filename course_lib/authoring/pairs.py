"""Is the `.ipynb` of a lesson in step with its `.py`? Compares kinds, sources and tags, cell by cell."""

import argparse
import sys
from itertools import zip_longest

from nbformat import NotebookNode

from course_lib.authoring.sources import AuthoringError, Lesson, checkout_root, find_lessons, tags

REMEDY = "run `make notebooks`"


def differences(lesson: Lesson) -> list[str]:
    """What differs between the two files of a lesson; empty where they are in step."""
    if lesson.stored is None:
        return [f"notebooks/{lesson.name}.ipynb is missing: {REMEDY}."]
    found = []
    for index, (ours, theirs) in enumerate(zip_longest(lesson.source.cells, lesson.stored.cells)):
        reason = _difference(ours, theirs)
        if reason is not None:
            found.append(f"notebooks/{lesson.name}: cell {index} differs between .py and .ipynb ({reason}): {REMEDY}.")
            break
    ours, theirs = (notebook.metadata.get("course") or {} for notebook in (lesson.source, lesson.stored))
    if ours != {key: value for key, value in theirs.items() if key != "stored"}:
        found.append(f"notebooks/{lesson.name}: `course` in the header differs between .py and .ipynb: {REMEDY}.")
    return found


def _difference(ours: NotebookNode | None, theirs: NotebookNode | None) -> str | None:
    if ours is None:
        return f"only the .ipynb has it; it begins {_beginning(theirs.source)}"
    if theirs is None:
        return f"only the .py has it; it begins {_beginning(ours.source)}"
    if ours.cell_type != theirs.cell_type:
        return f"{ours.cell_type} in the .py, {theirs.cell_type} in the .ipynb; it begins {_beginning(ours.source)}"
    if ours.source != theirs.source:
        for number, (left, right) in enumerate(zip_longest(ours.source.split("\n"), theirs.source.split("\n")), 1):
            if left != right:
                return f"line {number} reads {left!r} in the .py and {right!r} in the .ipynb"
    if tags(ours) != tags(theirs):
        return f"tags {tags(ours)} in the .py and {tags(theirs)} in the .ipynb; it begins {_beginning(ours.source)}"
    if ours.metadata.get("mystnb") != theirs.metadata.get("mystnb"):
        return f"alt text; it begins {_beginning(ours.source)}"
    return None


def _beginning(source: str) -> str:
    return repr(source.strip().split("\n")[0][:60])


def main(arguments: list[str] | None = None) -> int:
    """Command line: compare the pairs, print what differs, exit with 1 if anything does."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.authoring.pairs", description=__doc__)
    parser.add_argument("names", nargs="*", help="lessons to compare (default: all)")
    options = parser.parse_args(arguments)
    try:
        lessons = find_lessons(checkout_root(), options.names)
        found = [line for lesson in lessons for line in differences(lesson)]
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 2
    for line in found:
        print(line)
    if not found:
        print(f"{len(lessons)} pair(s) in step")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
