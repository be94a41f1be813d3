"""Every lesson found in notebooks/ is tested, so that a new one is covered at once."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_lib.authoring.sources import Lesson, find_lessons

ROOT = Path(__file__).resolve().parents[2]
LESSONS = find_lessons(ROOT)


def pytest_generate_tests(metafunc):
    if "lesson" in metafunc.fixturenames:
        metafunc.parametrize("lesson", LESSONS, ids=[lesson.name for lesson in LESSONS], scope="module")


def command(*arguments, cwd, timeout=600, **environment):
    """Run `python -m ...` as a reader would: no settings of this test session, one thread."""
    variables = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "PYTEST_ADDOPTS")}
    variables |= {"OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd, env=variables, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def executed(lesson: Lesson, tmp_path_factory):
    """The lesson as plain papermill runs it on `quick`, started in an empty folder."""
    folder = tmp_path_factory.mktemp(lesson.name)
    start = folder / "start"
    start.mkdir()
    parameters = ["-p", "profile", "quick", "-p", "out_dir", folder / "runs"]
    done = command(
        "papermill", lesson.ipynb, folder / "out.ipynb", *parameters, "--no-progress-bar", cwd=start, COURSE_PROFILE=""
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(start.iterdir()) == [], "a lesson writes only to out_dir"
    return nbformat.read(folder / "out.ipynb", as_version=4)
