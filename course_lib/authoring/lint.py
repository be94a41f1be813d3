"""The lesson lint: what the course asks of a notebook, read from its files without running anything."""

import argparse
import sys
import time
from pathlib import Path

from course_lib.authoring.fingerprint import fingerprint
from course_lib.authoring.rules import BOOK_RULES, LESSON_RULES, Book, Finding
from course_lib.authoring.sources import AuthoringError, Lesson, checkout_root, find_lessons


def lint_lesson(lesson: Lesson, book: Book) -> list[tuple[str, Finding]]:
    """All faults of a lesson as (name of the rule, fault)."""
    return [(rule.__name__, finding) for rule in LESSON_RULES for finding in rule(lesson, book)]


def lint(root: Path, names: list[str] | None = None) -> list[tuple[str, Finding]]:
    """All faults of the lessons named, or of all lessons, and of the notation."""
    book = Book(root)
    found = [(rule.__name__, finding) for rule in BOOK_RULES for finding in rule(book)]
    for lesson in find_lessons(root, names):
        found += lint_lesson(lesson, book)
    return found


def is_stale(lesson: Lesson) -> bool:
    """Whether the code, library or results of a lesson have changed since its outputs were stored.

    This is a note and no fault: what nbval compares may well be the same still.
    """
    if lesson.stored is None:
        return False
    made_by = lesson.stored.metadata.get("course", {}).get("stored", {}).get("inputs")
    return made_by is not None and made_by != fingerprint(lesson)


def main(arguments: list[str] | None = None) -> int:
    """Command line: print each fault with its remedy; exit with 1 if there is any."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.authoring.lint", description=__doc__)
    parser.add_argument("names", nargs="*", help="lessons to read (default: all)")
    parser.add_argument("--rules", action="store_true", help="list the rules and what they ask")
    options = parser.parse_args(arguments)
    if options.rules:
        for rule in (*LESSON_RULES, *BOOK_RULES):
            print(f"{rule.__name__}: {rule.__doc__.strip()}")
        return 0
    started = time.perf_counter()
    try:
        root = checkout_root()
        found, count = lint(root, options.names), len(find_lessons(root, options.names))
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 2
    for rule, finding in found:
        print(f"{finding} [{rule}]")
    for lesson in find_lessons(root, options.names):
        if is_stale(lesson):
            print(
                f"note: the code behind notebooks/{lesson.ipynb.name} has changed since it ran: run `make notebooks`."
            )
    verdict = f"{len(found)} fault(s)" if found else "no faults"
    print(f"{count} lesson(s), {len(LESSON_RULES)} rules, {verdict}, {time.perf_counter() - started:.1f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
