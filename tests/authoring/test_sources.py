"""Finding lessons and writing files."""

import os

import pytest

from course_lib.authoring import sources
from course_lib.authoring.sources import AuthoringError, checkout_root, read_notebook, read_script, write_atomically


def test_checkout_is_found_from_below_and_refused_elsewhere(course, tmp_path):
    below = course.root / "notebooks" / "deep"
    below.mkdir()
    assert checkout_root(below) == course.root
    with pytest.raises(AuthoringError, match="lies in no checkout"):
        checkout_root(tmp_path / "elsewhere")
    assert (checkout_root() / "course_lib").is_dir()


def test_two_readings_of_a_script_are_equal_and_equal_cells_have_ids_of_their_own(course):
    course.spoil("# Five sentences.\n", "# Five sentences.\n\n# %%\na = 1\n\n# %%\na = 1\n", store=False)
    first, second = read_script(course.lesson.py), read_script(course.lesson.py)
    assert first == second
    ids = [cell["id"] for cell in first.cells]
    assert len(ids) == len(set(ids))


def test_damaged_notebook_is_named(course):
    course.lesson.ipynb.write_text('{"cells": [')
    with pytest.raises(AuthoringError, match="is not a readable notebook"):
        read_notebook(course.lesson.ipynb)


def test_write_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "file.txt"
    write_atomically(path, "first")
    path.chmod(0o640)

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(sources.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "second")
    assert path.read_text() == "first"
    assert os.listdir(path.parent) == ["file.txt"]
    monkeypatch.undo()
    write_atomically(path, "third")
    assert path.read_text() == "third"
    assert path.stat().st_mode & 0o777 == 0o640
