"""The files of every lesson: pairs in step, lint clean, hand-out without solutions, one address."""

import ast
import contextlib
import io
import shutil

from course_lib.authoring.address import configured_address, set_address
from course_lib.authoring.lint import lint_lesson
from course_lib.authoring.pairs import differences
from course_lib.authoring.rules import BOOK_RULES, Book
from course_lib.authoring.rules.base import is_solution, parse
from course_lib.authoring.rules.exercises import find_exercises
from course_lib.authoring.student import overview, without_solutions, write_handout

from .conftest import LESSONS, ROOT


def test_pair_is_in_step(lesson):
    assert differences(lesson) == []


def test_lint_is_clean(lesson):
    assert [f"{finding} [{rule}]" for rule, finding in lint_lesson(lesson, Book(ROOT))] == []


def test_notation_is_clean():
    assert [str(finding) for rule in BOOK_RULES for finding in rule(Book(ROOT))] == []


def test_handout_holds_no_solution(lesson):
    student = without_solutions(lesson.source)
    text = "\n".join(cell.source for cell in student.cells)
    shown = {line.strip() for line in text.split("\n")}
    for cell in lesson.source.cells:
        if is_solution(cell):
            for node in parse(cell.source).body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    assert node.name not in text
                    last = ast.unparse(node.body[-1])
                    assert last not in shown, f"{last!r} of the solution stands elsewhere in the lesson"
    assert all(not cell.get("outputs") for cell in student.cells)
    assert len(find_exercises(student.cells)) == len(find_exercises(lesson.source.cells))


def test_stubs_of_the_handout_fail_their_checks(lesson):
    student = without_solutions(lesson.source)
    space = {}
    for cell in student.cells:
        if cell.cell_type == "code":
            imports = [node for node in parse(cell.source).body if isinstance(node, ast.Import | ast.ImportFrom)]
            exec(compile(ast.Module(imports, []), "<imports>", "exec"), space)
    for exercise in find_exercises(student.cells):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            for _, cell in exercise.open_cells:
                exec(cell.source, space)
        assert f"{exercise.name}, hint 1 of 3" in said.getvalue()
        assert "not yet" in said.getvalue()
        assert "passed" not in said.getvalue()


def test_handout_of_the_whole_course(tmp_path):
    if LESSONS:
        names = {path.name for path in write_handout(ROOT, tmp_path / "student")}
        assert names == {f"{lesson.name}.ipynb" for lesson in LESSONS} | {"README.md"}
        for lesson in LESSONS:
            assert f"### {lesson.name}" in overview(LESSONS)


def test_address_can_be_set_everywhere(tmp_path):
    """On a copy: the address is written into the settings and every lesson, and taken out again."""
    (tmp_path / "notebooks").mkdir()
    for path in (ROOT / "_config.yml", *(path for lesson in LESSONS for path in (lesson.py, lesson.ipynb))):
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    original = configured_address(tmp_path)
    url = "https://example.org/somebody/course"
    changed = set_address(tmp_path, url)
    assert len(changed) == 1 + 2 * len(LESSONS)
    assert set_address(tmp_path, url) == []
    set_address(tmp_path, original)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
