"""nbval on `smoke`: what checked cells print depends on neither profile nor machine."""

import re

import pytest

from .conftest import LESSONS, ROOT, command

pytestmark = pytest.mark.slow


def test_nbval_passes_as_typed():
    if not LESSONS:
        pytest.skip("there are no lessons yet")
    done = command("pytest", "--nbval", "notebooks", "-q", "-p", "no:cacheprovider", cwd=ROOT, timeout=1200)
    assert done.returncode == 0, done.stdout[-5000:]
    assert re.search(r"\d+ passed", done.stdout)


def test_every_cell_is_collected_once():
    if not LESSONS:
        pytest.skip("there are no lessons yet")
    done = command(
        "pytest", "--nbval", "--collect-only", "-q", ".", "--ignore=tests", "-p", "no:cacheprovider", cwd=ROOT
    )
    collected = [line for line in done.stdout.split("\n") if "::" in line]
    assert collected
    assert len(collected) == len(set(collected))
    assert all(line.startswith("notebooks/") for line in collected)
    cells = sum(cell.cell_type == "code" for lesson in LESSONS for cell in lesson.stored.cells)
    assert len(collected) == cells
