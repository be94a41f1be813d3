"""The repository's address in `_config.yml` and in every set-up cell."""

import pytest

from course_lib.authoring import address
from course_lib.authoring.address import check_address, configured_address, set_address
from course_lib.authoring.lint import lint
from course_lib.authoring.pairs import differences
from course_lib.authoring.sources import AuthoringError

URL = "https://github.com/someone/bound-by-bound"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (URL, URL),
        (URL + ".git", URL),
        (URL + "/", URL),
        (f"  {URL} ", URL),
        ("https://GitLab.com/group/sub/project", "https://gitlab.com/group/sub/project"),
        ("", ""),
    ],
)
def test_good_addresses_take_their_plain_form(given, kept):
    assert check_address(given) == kept


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("http://github.com/a/b", "must begin with https://"),
        ("git@github.com:a/b.git", "must begin with https://"),
        ("github.com/a/b", "must begin with https://"),
        ("https://token@github.com/a/b", "user name or a token"),
        ("https://github/a/b", "names no host"),
        ("https://github.com/a", "not the page of a repository"),
        ("https://github.com/a/b?x=1", "not the page of a repository"),
        ('https://github.com/a/b"; import os', "not the page of a repository"),
    ],
)
def test_bad_addresses_are_refused(course, given, message):
    before = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    with pytest.raises(AuthoringError, match=message):
        set_address(course.root, given)
    assert before == {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}


def test_address_goes_everywhere_once_and_back(course):
    original = {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}
    changed = set_address(course.root, URL)
    assert changed == ["_config.yml", "notebooks/01_good.py", "notebooks/01_good.ipynb"]
    assert configured_address(course.root) == URL
    assert f'REPOSITORY = "{URL}"' in course.lesson.py.read_text()
    assert f'REPOSITORY = \\"{URL}\\"' in course.lesson.ipynb.read_text()
    assert "`make address URL=...` writes it" in (course.root / "_config.yml").read_text()  # comments stay
    assert lint(course.root) == []
    link = f"(https://colab.research.google.com/github/someone/bound-by-bound/blob/main/notebooks/{course.name}.ipynb)"
    assert course.lesson.source.cells[0].source.endswith(f"\n\n[Open this lesson on Colab]{link}")
    assert differences(course.lesson) == []
    assert set_address(course.root, URL + ".git") == []
    set_address(course.root, URL, "trunk")
    assert course.lesson.source.cells[0].source.count("/blob/trunk/") == 1
    assert lint(course.root) == []
    set_address(course.root, "https://gitlab.com/someone/course")  # Colab opens GitHub alone
    assert "colab" not in course.lesson.py.read_text()
    assert lint(course.root) == []
    set_address(course.root, "", "main")
    assert (course.root / "_config.yml").read_text().count('branch: "main"') == 1
    (course.root / "_config.yml").write_bytes(original[course.root / "_config.yml"])  # but for the quotes
    assert original == {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file()}


def test_branch_is_written_and_checked(course):
    set_address(course.root, URL, "trunk")
    assert 'branch: "trunk"' in (course.root / "_config.yml").read_text()
    with pytest.raises(AuthoringError, match="not the name of a branch"):
        set_address(course.root, URL, "a b")


def test_lesson_without_set_up_cell_stops_before_anything_is_written(course):
    course.spoil('REPOSITORY = ""\n', "")
    config = (course.root / "_config.yml").read_text()
    with pytest.raises(AuthoringError, match="0 lines REPOSITORY"):
        set_address(course.root, URL)
    assert (course.root / "_config.yml").read_text() == config


def test_command(course, monkeypatch, capsys):
    monkeypatch.setattr(address, "checkout_root", lambda: course.root)
    assert address.main([URL]) == 0
    assert "wrote _config.yml" in capsys.readouterr().out
    assert address.main([URL]) == 0
    assert capsys.readouterr().out == "nothing to change\n"
    assert address.main(["ftp://x"]) == 2
    assert "must begin with https://" in capsys.readouterr().err
