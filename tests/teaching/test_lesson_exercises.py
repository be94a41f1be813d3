"""In every lesson, the solution of each exercise passes its check, and the stub fails it."""

import ast
import contextlib
from pathlib import Path

import pytest

from course_lib.teaching.exercises import examine, registry

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def definitions(lesson: str) -> dict:
    """Run a lesson's imports, functions and classes, and plain constants; nothing that trains or draws."""
    [path] = NOTEBOOKS.glob(f"{lesson}_*.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    namespace: dict = {"__name__": "lesson"}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
            with contextlib.suppress(NameError):  # a default such as `data=train` needs what was not run
                exec(compile(ast.Module([node], []), str(path), "exec"), namespace)
    return namespace


@pytest.mark.parametrize("id", sorted(registry()))
def test_the_solution_passes_and_the_stub_fails(id):
    exercise = registry()[id]
    if not list(NOTEBOOKS.glob(f"{id[:2]}_*.py")):
        pytest.fail(f"exercise {id} belongs to no lesson in notebooks/")
    found = definitions(id[:2])
    solved = examine(exercise, found[exercise.solution])
    assert solved.passed, solved.text
    assert not examine(exercise, found[exercise.stub]).passed
