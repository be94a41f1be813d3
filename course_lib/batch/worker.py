"""What a Dask worker does with a task: start a process for it, wait, and put the result in its place."""

import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from course_lib.batch.execute import finish
from course_lib.batch.plan import Task, write_json

FRONT_END = ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG", "VSCODE_PID")  # in batch nobody watches a bar


def run_task(task: Task) -> dict[str, Any]:
    """Run a task and return its cost, or its failure under `error`; never raises for a failing notebook.

    Each attempt writes into a folder of its own beside the final one, so that an attempt whose worker was killed can
    neither spoil nor block the next. The folder must be reachable from every worker (a shared file system).
    """
    attempt = task.folder.with_name(f".{task.folder.name}.attempt-{socket.gethostname()}-{uuid.uuid4().hex[:8]}")
    attempt.mkdir(parents=True)
    job = {
        "notebook": str(task.notebook),
        "attempt": str(attempt),
        "parameters": {**task.parameters, "profile": task.profile, "seed": task.seed},
        "identity": task.identity(),
    }
    write_json(attempt / "job.json", job)
    environment = {name: value for name, value in os.environ.items() if name not in FRONT_END}
    package_parent = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [package_parent, environment.get("PYTHONPATH", "")]))
    with open(attempt / "log.txt", "w") as log:
        command = [sys.executable, "-m", "course_lib.batch.execute", str(attempt / "job.json")]
        code = subprocess.call(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
    failed = task.folder.with_name(f"{task.folder.name}.failed")
    if code == 0:
        finish(attempt, task.folder)
        shutil.rmtree(failed, ignore_errors=True)
        return json.loads((task.folder / "cost.json").read_text())
    try:
        failure = json.loads((attempt / "failure.json").read_text())
    except (OSError, ValueError):
        failure = task.identity() | {"error": f"the run ended with code {code}; see {failed / 'log.txt'}"}
    finish(attempt, failed)
    return failure | {"failed_notebook": str(failed / "executed.ipynb")}
