"""A real batch: one run fails, one loses its worker to SIGKILL, the rest finish; then it is resumed."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest


def wait_for(path, process, seconds=200):
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.1)
    return path.read_text()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_batch_survives_a_failing_run_and_a_killed_worker_and_resumes(lessons, tmp_path, course_lib_command):
    out = tmp_path / "batch"
    words = ["01_elbo", "--profile", "smoke", "--out", out, "--workers", "2", "-p", "data_root", tmp_path]
    words += ["--notebooks", lessons]
    with course_lib_command("run", *words, "--seed", "1", "2") as batch:
        worker = int(wait_for(tmp_path / "worker", batch))
        assert worker not in (batch.pid, os.getpid())
        os.kill(worker, signal.SIGKILL)
        said, complained = batch.communicate(timeout=240)
    assert batch.returncode == 1, said + complained
    table = said.split("lesson ")[-1]
    assert "FAILED" in table
    assert "cell [" in table
    assert "ValueError: seed (=1) is unlucky; choose another" in table
    assert "ran (attempt 2)" in table, "the run whose worker was killed ran again"
    assert complained == "", "Dask is silent: the table says what happened"

    folders = {path.name.split("-")[1]: path for path in (out / "01_elbo").iterdir()}
    assert sorted(folders) == ["1", "2"]
    assert folders["1"].name.endswith(".failed")
    folder = folders["2"]
    cost = json.loads((folder / "cost.json").read_text())
    assert cost["seconds"] > 0
    assert cost["peak_mb"] > 10
    assert cost["cpu_seconds"] > 0
    assert cost["versions"].keys() == {"python", "bound-by-bound", "torch", "numpy", "papermill"}
    measured = json.loads((folder / "measured.json").read_text())
    assert measured["measured"]["claims"] == {"twice": 4, "rate": 0.1}
    assert measured["last_logged"]["."]["total"] == 0.5
    executed = json.loads((folder / "executed.ipynb").read_text())
    assert "smoke 2" in json.dumps(executed["cells"][-1]["outputs"])
    failed = json.loads((folders["1"] / "executed.ipynb").read_text())
    assert "unlucky" in json.dumps(failed), "the notebook up to its error is kept"

    # The same batch with another seed in place of the unlucky one: only what is missing runs.
    kept = folders["2"] / "cost.json"
    time_written = kept.stat().st_mtime_ns
    with course_lib_command("run", *words, "--seed", "2", "3") as batch:
        said, complained = batch.communicate(timeout=240)
    assert batch.returncode == 0, said + complained
    assert "1 of 2 runs are finished already and are kept" in said
    assert said.count("kept") == 2, "the sentence and one row"
    assert kept.stat().st_mtime_ns == time_written


@pytest.fixture
def scheduler(installed, tmp_path):
    """The address of a Dask scheduler in a process of its own, with one worker that offers a GPU."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(installed)}
    file = tmp_path / "scheduler.json"
    scheduler_words = ["scheduler", "--scheduler-file", file, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    worker_words = ["worker", "--scheduler-file", file, "--nthreads", "2", "--resources", "GPU=1", "--no-dashboard"]
    with contextlib.ExitStack() as stack:
        for words in (scheduler_words, worker_words):
            if words is worker_words:
                while not file.exists():
                    time.sleep(0.1)
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *map(str, words)],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    cwd=tmp_path,
                )
            )
            stack.callback(process.terminate)
        yield json.loads(file.read_text())["address"]


@pytest.mark.slow
def test_a_batch_on_a_cluster_that_is_up(lessons, tmp_path, course_lib_command, scheduler):
    words = ["00_start_here", "--scheduler", scheduler, "--gpu", "--notebooks", lessons, "--seed", "0", "1"]
    for _ in range(50):  # the worker may still be joining
        with course_lib_command("run", *words) as batch:
            said, complained = batch.communicate(timeout=240)
        if "has no workers" not in complained:
            break
    assert batch.returncode == 0, said + complained
    assert f"running 2 on the cluster at {scheduler}" in said
    for seed in range(2):
        assert (tmp_path / "batches" / "00_start_here" / f"quick-{seed}" / "executed.ipynb").exists()
