"""The measuring scripts: what they report of steps and notebooks of known cost. No time is asserted."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


def load(name):
    spec = importlib.util.spec_from_file_location(name, BENCH / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_alternating_blocks_rank_a_slow_step_below_a_fast_one():
    steps = {"slow": lambda: time.sleep(0.004), "fast": lambda: None}
    rows = load("alternate").alternate(steps, base="slow", blocks=3, block=2, warm_up=1)
    assert rows["slow"]["speed_relative_to_slow"] == 1
    assert rows["fast"]["speed_relative_to_slow"] > 10
    assert rows["slow"]["p10_ms"] >= 4


def test_the_report_names_machine_and_versions(tmp_path, capsys):
    alternate = load("alternate")
    alternate.report(
        "x", {"table": {"row": {"p10_ms": 1.0}}}, out=str(tmp_path / "a" / "x.json"), about=alternate.machine()
    )
    written = json.loads((tmp_path / "a" / "x.json").read_text())
    assert written["machine"]["versions"].keys() == {"python", "torch", "numpy"}
    assert written["tables"]["table"]["row"]["p10_ms"] == 1.0
    assert "p10_ms 1.0" in capsys.readouterr().out


def test_the_slowest_cells_of_an_executed_lesson(tmp_path):
    cells = [
        {"cell_type": "code", "source": f"step {k}\nmore", "metadata": {"papermill": {"duration": seconds}}}
        for k, seconds in enumerate((0.5, 3.0, 1.0))
    ]
    (tmp_path / "executed.ipynb").write_text(json.dumps({"cells": cells}))
    keys = ("lesson", "profile", "seed", "seconds", "peak_mb", "device", "when", "versions")
    (tmp_path / "cost.json").write_text(json.dumps(dict.fromkeys(keys, 1)))
    run = load("notebook_cost").costs(tmp_path, 2)[0]
    assert [cell["begins"] for cell in run["slowest"]] == ["step 1", "step 2"]


@pytest.mark.parametrize("script", ["vae_step", "torchrun_vae", "notebook_cost"])
def test_each_script_says_what_it_does(script):
    said = subprocess.check_output([sys.executable, str(BENCH / f"{script}.py"), "--help"], text=True)
    assert load_docstring(script) in " ".join(said.split())


def load_docstring(script):
    text = (BENCH / f"{script}.py").read_text()
    return text.split('"""')[1].splitlines()[0]
