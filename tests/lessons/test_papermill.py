"""Plain papermill on every lesson: `quick` runs through, its own checks hold, exercises answer as they should."""

import ast

import pytest

from course_lib.authoring.rules.base import calls, output_texts
from course_lib.authoring.rules.exercises import find_exercises

from .conftest import command

pytestmark = pytest.mark.slow


def verdicts(cells):
    """What `check(...)` printed, by the name of the function that was checked."""
    found = {}
    for _, cell in cells:
        names = [ast.unparse(call.args[1]) for call in calls(cell.source, "check") if len(call.args) > 1]
        if names:
            found[names[-1]] = "\n".join(output_texts(cell))
    return found


def test_quick_runs_through_without_errors(executed):
    for cell in executed.cells:
        assert not [output for output in cell.get("outputs", []) if output.output_type == "error"]
    assert executed.metadata.papermill.exception is None


def test_solutions_pass_and_stubs_do_not(lesson, executed):
    exercises = find_exercises(executed.cells)
    assert exercises
    for exercise in exercises:
        for name, said in verdicts(exercise.solutions).items():
            assert "passed" in said, f"{exercise.name}: {name}: {said}"
        for name, said in verdicts(exercise.open_cells).items():
            assert "not yet" in said, f"{exercise.name}: {name}: {said}"
            assert "passed" not in said, f"{exercise.name}: the stub {name} passes"
        assert verdicts(exercise.solutions)
        assert verdicts(exercise.open_cells)


def test_exercises_are_those_of_the_registry(lesson):
    from course_lib.teaching.exercises import registry

    known = {name: entry for name, entry in registry().items() if name.startswith(lesson.name[:2])}
    exercises = find_exercises(lesson.source.cells)
    assert sorted(known) == [exercise.name for exercise in exercises]
    for exercise in exercises:
        entry = known[exercise.name]
        assert len([text for text in entry.hints if text.strip()]) == 3
        assert entry.stub in exercise.checked(solution=False)
        assert exercise.checked(solution=True) == [entry.solution]


def test_help_shows_typed_parameters(lesson, tmp_path):
    done = command("papermill", lesson.ipynb, "--help-notebook", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name, kind in {"profile": "str", "seed": "int", "data_root": "str", "out_dir": "str"}.items():
        (line,) = [line for line in done.stdout.split("\n") if line.strip().startswith(f"{name}:")]
        assert line.strip().startswith(f"{name}: {kind} ")
    assert "Unknown type" not in done.stdout
    assert "smoke, quick, standard or paper" in " ".join(done.stdout.split())


def test_misspelt_profile_is_refused_with_the_nearest(lesson, tmp_path):
    parameters = ["-p", "profile", "quikc", "-p", "out_dir", tmp_path / "runs", "--no-progress-bar"]
    done = command("papermill", lesson.ipynb, tmp_path / "out.ipynb", *parameters, cwd=tmp_path)
    assert done.returncode != 0
    assert "did you mean 'quick'?" in done.stderr
