"""The set-up cell: finds the library, or says in one sentence what to set; installs nothing by itself."""

import subprocess
import sys

import pytest

from course_lib.teaching.setup_cell import SETUP_CELL


def test_it_prints_versions_and_device(capsys):
    exec(SETUP_CELL, {})
    assert "course_lib 0.1.0, torch" in capsys.readouterr().out


def run(tmp_path, cell: str) -> subprocess.CompletedProcess:
    """Run the cell where course_lib cannot be imported, with a `pip` that only writes down its arguments."""
    fake = "import sys, subprocess\nsys.modules['course_lib'] = None\nreal = subprocess.run\n"
    fake += "def run(command, **kw):\n    print('PIP', command[1:], open(command[-2]).read().split())\n"
    fake += "    raise SystemExit(7)\nsubprocess.run = run\n"
    path = tmp_path / "cell.py"
    path.write_text(fake + cell)
    return subprocess.run([sys.executable, str(path)], capture_output=True, text=True, cwd=tmp_path)


def test_without_an_address_it_says_what_to_set_and_installs_nothing(tmp_path):
    done = run(tmp_path, SETUP_CELL)
    assert done.returncode == 1
    assert "PIP" not in done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert "set REPOSITORY above to the address" in last
    assert last.count(". ") == 0
    assert "During handling" not in done.stderr


@pytest.mark.parametrize(
    ("address", "source"),
    [("https://example.org/a/course", "git+https://example.org/a/course"), ("FOLDER", "FOLDER")],
)
def test_with_an_address_it_installs_that_and_keeps_torch_and_numpy(tmp_path, address, source):
    address, source = (text.replace("FOLDER", str(tmp_path)) for text in (address, source))
    done = run(tmp_path, SETUP_CELL.replace('REPOSITORY = ""', f'REPOSITORY = "{address}"'))
    assert done.returncode == 7
    import numpy
    import torch

    assert f"'{source}'" in done.stdout
    assert "'--constraint'" in done.stdout
    assert f"torch=={torch.__version__}" in done.stdout
    assert f"numpy=={numpy.__version__}" in done.stdout
