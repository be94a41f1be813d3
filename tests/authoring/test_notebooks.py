"""`make notebooks` on a small course, executed for real by papermill."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.authoring import notebooks
from course_lib.authoring.cleaning import clean, refuse_errors
from course_lib.authoring.fingerprint import fingerprint, library_files
from course_lib.authoring.notebooks import rebuild
from course_lib.authoring.sources import AuthoringError, find_lessons

LESSON = """# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Small

# %% tags=["parameters"]
profile: str = "standard"  # size

# %% tags=["nbval-ignore-output"] mystnb={"image": {"alt": "nothing"}}
import os
import sys

import course_lib.part

print(profile, course_lib.part.VALUE, os.environ.get("COURSE_PROFILE"))
print(len(os.listdir()), "files here")
print("noise", file=sys.stderr)
print(os.environ.get("VSCODE_PID", "nobody watches"))
"""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_small.py").write_text(LESSON)
    package = tmp_path / "course_lib"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("from . import base\nVALUE = base.VALUE\n")
    (package / "base.py").write_text("VALUE = 3\n")
    (package / "other.py").write_text("")
    return tmp_path


def lesson_of(root):
    return find_lessons(root)[0]


@pytest.mark.slow
def test_executes_once_then_keeps_outputs_until_an_input_changes(small, monkeypatch):
    monkeypatch.setenv("VSCODE_PID", "1")
    assert rebuild(lesson_of(small)) == "executed"
    path = lesson_of(small).ipynb
    first = path.read_text()
    stored = nbformat.read(path, as_version=4)
    cell = stored.cells[2]
    assert [output.text for output in cell.outputs] == ["quick 3 quick\n0 files here\nnobody watches\n"]
    assert cell.metadata.tags == ["nbval-ignore-output"]
    assert cell.metadata.mystnb.image.alt == "nothing"
    assert [c.execution_count for c in stored.cells if c.cell_type == "code"] == [1, 2]
    assert "papermill" not in first
    assert "injected" not in first
    assert str(small) not in first

    assert rebuild(lesson_of(small)) == "unchanged"
    assert rebuild(lesson_of(small), force=True) == "unchanged"  # the same text to the last byte
    assert path.read_text() == first

    script = lesson_of(small).py
    script.write_text(LESSON.replace("# # Small", "# # Renamed"))
    assert rebuild(lesson_of(small)) == "text"
    assert nbformat.read(path, as_version=4).cells[2].outputs == cell.outputs

    (small / "course_lib" / "other.py").write_text("# not imported by the lesson\n")
    assert rebuild(lesson_of(small)) == "unchanged"
    (small / "course_lib" / "base.py").write_text("VALUE = 4\n")
    assert rebuild(lesson_of(small)) == "executed"
    assert "quick 4 quick" in path.read_text()


@pytest.mark.slow
def test_failing_cell_is_named_and_the_stored_notebook_stays(small, monkeypatch, capsys):
    rebuild(lesson_of(small))
    before = lesson_of(small).ipynb.read_text()
    lesson_of(small).py.write_text(LESSON + "\n# %%\n1 / 0\n")
    monkeypatch.setattr(notebooks, "checkout_root", lambda: small)
    assert notebooks.main([]) == 1
    message = capsys.readouterr().out
    assert "FAILED" in message
    assert "'1 / 0' raised ZeroDivisionError" in message
    assert lesson_of(small).ipynb.read_text() == before


def test_unknown_lesson_is_refused_with_the_nearest(small, monkeypatch, capsys):
    monkeypatch.setattr(notebooks, "checkout_root", lambda: small)
    assert notebooks.main(["00_smal"]) == 2
    assert "did you mean 00_small?" in capsys.readouterr().err


def test_a_number_a_stem_and_a_path_name_a_lesson(small):
    for name in ("00", "00_small", "notebooks/00_small.ipynb"):
        assert find_lessons(small, [name]) == find_lessons(small)


def test_too_large_a_notebook_is_refused(small, monkeypatch):
    monkeypatch.setattr(notebooks, "execute", lambda notebook, lesson: notebook)
    monkeypatch.setattr(notebooks, "MAX_BYTES", 100)
    with pytest.raises(AuthoringError, match="make its figures"):
        rebuild(lesson_of(small))
    assert not lesson_of(small).ipynb.exists()


def test_stored_error_is_refused():
    cell = new_code_cell("boom()", outputs=[new_output("error", ename="Boom", evalue="bang", traceback=[])])
    with pytest.raises(AuthoringError, match="cell 0 raised Boom: bang"):
        refuse_errors(new_notebook(cells=[cell]), "00_small")


def test_clean_strips_noise_and_merges_streams():
    outputs = [
        new_output("stream", name="stdout", text="01  step 10/20  nll 2.5  0.753 ms a step, 12 s left\n"),
        new_output("stream", name="stderr", text="50%|##"),
        new_output("stream", name="stdout", text="b\n"),
        new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Bar()"}),
        new_output("execute_result", data={"text/plain": "3"}, execution_count=17),
    ]
    cell = new_code_cell("3", outputs=outputs, execution_count=17)
    cell.metadata = cell.metadata | {"papermill": {"duration": 1}, "execution": {"iopub.status.busy": "now"}}
    injected = new_code_cell("profile = 'quick'", metadata={"tags": ["injected-parameters"]})
    notebook = new_notebook(cells=[injected, cell], metadata={"widgets": {"x": 1}, "papermill": {"duration": 2}})
    clean(notebook)
    assert len(notebook.cells) == 1
    assert not notebook.metadata
    assert not notebook.cells[0].metadata
    first, last = notebook.cells[0].outputs
    assert first.text == "01  step 10/20  nll 2.5\nb\n"
    assert last.execution_count == 1


def test_fingerprint_follows_code_library_and_results_but_not_prose_or_address(small):
    def now():
        return fingerprint(lesson_of(small))

    start, script = now(), lesson_of(small).py
    script.write_text(LESSON.replace("# # Small", "# # Other prose"))
    assert now() == start
    script.write_text(LESSON.replace("import sys\n", "import sys\n\nseed = 1\n"))
    assert now() != start
    script.write_text(LESSON)
    results = small / "course_lib" / "results"
    results.mkdir()
    (results / "00_small.json").write_text("{}")
    assert now() != start
    (results / "00_small.json").unlink()
    (results / "costs.json").write_text('{"07_far": 1}')
    with_other_costs = now()
    (results / "costs.json").write_text('{"07_far": 2}')
    assert now() == with_other_costs
    exercises = small / "course_lib" / "teaching" / "exercise_sets"
    exercises.mkdir(parents=True)
    (exercises / "lesson_01.py").write_text("")
    assert now() == with_other_costs
    (exercises / "lesson_00.py").write_text("")
    assert now() != with_other_costs
    script.write_text(LESSON + '\n# %%\nREPOSITORY = ""\n')
    unset = now()
    script.write_text(LESSON + '\n# %%\nREPOSITORY = "https://example.org/a/b"\n')
    assert now() == unset


def test_library_files_follow_imports(small):
    names = [path.name for path in library_files(small, "import course_lib.part")]
    assert names == ["__init__.py", "base.py", "part.py"]
    (small / "course_lib" / "__init__.py").write_text("def f():\n    return import_module('course_lib.other')\n")
    assert "other.py" in [path.name for path in library_files(small, "import course_lib")]
