"""Small valid files in the exact format of each reader: for tests, for the fuzz run, and to show what a format is.

Each module here writes the files of some readers and lists them in its `EXAMPLES`. To add a module: one import line
and one entry in `MODULES`.
"""

from course_lib.datasets.examples import bodies, containers, digits, faces, hands, pairs, people, rendered, scenes
from course_lib.datasets.examples.example import Example

MODULES = (
    bodies,
    containers,
    digits,
    faces,
    hands,
    pairs,
    people,
    rendered,
    scenes,
)  # fmt: skip

EXAMPLES: dict[str, Example] = {example.name: example for module in MODULES for example in module.EXAMPLES}

__all__ = ["EXAMPLES", "Example"]
