"""Tiny lessons: notebooks that run in a second, fail on request, or wait for their worker to be killed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

PARAMETERS = """import os
profile: str = os.environ.get("COURSE_PROFILE", "quick")  # smoke, quick, standard or paper
seed: int = 0  # seed of everything random
data_root: str = ""  # folder of real data
out_dir: str = ""  # folder for results
rate: float = 0.1  # learning rate
loud: bool = False  # say more
"""

QUIET = """import json, pathlib
folder = pathlib.Path(out_dir); folder.mkdir(parents=True)
(folder / "claims.json").write_text(json.dumps({"twice": 2 * seed, "rate": rate}))
(folder / "metrics.jsonl").write_text(json.dumps({"step": 1, "total": 0.5}) + "\\n")
print(profile, seed)
"""

FAILS_ON_ONE = (
    QUIET
    + """
if seed == 1:
    raise ValueError("seed (=1) is unlucky; choose another")
"""
)

# The first attempt with seed 2 leaves the number of its Dask worker (two processes up) in a file, and waits.
WAITS_ON_TWO = (
    FAILS_ON_ONE
    + """
import os, psutil, time
marker = pathlib.Path(data_root) / "worker"
if seed == 2 and not marker.exists():
    part = marker.with_suffix(".part")
    part.write_text(str(psutil.Process().parents()[1].pid))
    os.replace(part, marker)
    time.sleep(120)
"""
)


def notebook(title, code, parameters=PARAMETERS):
    def cell(kind, source, **metadata):
        extra = {"outputs": [], "execution_count": None} if kind == "code" else {}
        return {"cell_type": kind, "id": f"c{len(source)}", "metadata": metadata, "source": source, **extra}

    cells = [cell("markdown", f"# {title}\n\nText."), cell("code", parameters, tags=["parameters"]), cell("code", code)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def lessons(tmp_path):
    """A folder with two tiny lessons."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "00_start_here.ipynb").write_text(json.dumps(notebook("Start here", QUIET)))
    (folder / "01_elbo.ipynb").write_text(json.dumps(notebook("The bound", WAITS_ON_TWO)))
    return folder


@pytest.fixture
def installed(tmp_path):
    """A folder that holds what the commands need of the package, without the checkout around it."""
    site = tmp_path / "site"
    package = Path(course_lib.__file__).parent
    shutil.copytree(package / "batch", site / "course_lib" / "batch", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(package / name, site / "course_lib" / name)
    return site


@pytest.fixture
def course_lib_command(installed, tmp_path):
    """Return a function that starts `python -m course_lib ...`."""

    def start(*arguments):
        words = [sys.executable, "-m", "course_lib", *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(installed)}
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )

    return start
