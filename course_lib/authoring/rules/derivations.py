"""Derivations: every lesson executes its chains, refutes a slip, breaks a line, and holds the mutants to account."""

from collections.abc import Iterator

from course_lib.authoring.rules.base import Book, Finding, calls, code, script
from course_lib.authoring.sources import Lesson

WANTED = {
    "Derivation": "write the chain of = and >= as a Derivation, so that each line is evaluated",
    "assert_mutants_caught": "call derivation.assert_mutants_caught(), so that no line is true by luck",
    "refute": "refute the slip that circulates, with the number that shows it",
    "break_it": "let the reader flip a sign: derivation.break_it()",
}


def derivations(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """The lesson has a Derivation, whose mutants must be caught, a refuted slip, and a `break it`."""
    for name, remedy in WANTED.items():
        if not any(True for _, cell in code(lesson) for _ in calls(cell.source, name)):
            yield Finding(script(lesson), None, f"no cell calls {name}", remedy)
