"""The teachers' hand-out."""

import nbformat
import pytest

from course_lib.authoring import student
from course_lib.authoring.sources import AuthoringError


def test_handout_has_stubs_hints_and_checks_but_no_solution(course):
    folder = course.root / "build" / "student"
    written = student.write_handout(course.root, folder)
    assert [path.name for path in written] == ["01_good.ipynb", "README.md"]
    text = written[0].read_text()
    for absent in ("_solution", "#@title", "return 2 * x", "source_hidden"):
        assert absent not in text
    for present in ('hint(\\"01.2\\"', 'check(\\"01.2\\", twice)', "def twice(x)"):
        assert present in text
    notebook = nbformat.read(written[0], as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")
    assert "jupytext" not in notebook.metadata


def test_stubs_of_the_handout_do_not_pass_their_checks(course):
    folder = course.root / "build" / "student"
    student.write_handout(course.root, folder)
    asked = []
    space = {"hint": lambda *a, **k: None}
    for cell in nbformat.read(folder / "01_good.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and ("def " in cell.source or "check(" in cell.source):
            space["check"] = lambda name, function: asked.append((name, function(3)))
            exec(cell.source.replace("def check", "def unused_check").replace("def hint", "def unused_hint"), space)
    assert asked == [("01.1", None), ("01.2", None), ("01.3", None)]


def test_a_second_call_writes_the_same_bytes_and_drops_old_lessons(course):
    folder = course.root / "build" / "student"
    first = {path.name: path.read_bytes() for path in student.write_handout(course.root, folder)}
    (folder / "09_gone.ipynb").write_text("{}")
    again = {path.name: path.read_bytes() for path in student.write_handout(course.root, folder)}
    assert again == first


def test_overview_gives_prerequisites_and_minutes(course):
    course.spoil("#     requires: []\n", "#     requires: []\n#     minutes: {Derive: 15}\n")
    text = student.overview([course.lesson])
    assert "| Derive | 15 |" in text
    assert "| Exercises | ~19 |" in text  # three exercises of six minutes, their prose and code
    assert "graph LR\n  01_good[" in text
    assert "needs nothing" in text


def test_a_folder_with_other_files_is_left_alone(course, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    with pytest.raises(AuthoringError, match="something other than a hand-out"):
        student.write_handout(course.root, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_command(course, monkeypatch, capsys):
    monkeypatch.setattr(student, "checkout_root", lambda: course.root)
    assert student.main([]) == 0
    assert "wrote 1 notebook(s)" in capsys.readouterr().out
    assert (course.root / "build" / "student" / "README.md").exists()
