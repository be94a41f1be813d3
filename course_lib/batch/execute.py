"""One run, in a process of its own: papermill executes the notebook, then what it measured and cost is written."""

import json
import os
import platform
import shutil
import sys
import threading
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from course_lib.batch.plan import write_json


def main(job_path: str) -> int:
    """Execute the job described in a JSON file; the exit code is 0 if the notebook ran to its end."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    job = json.loads(Path(job_path).read_text())
    attempt = Path(job["attempt"])
    import papermill  # after the watch on the parent has begun

    start, error = time.perf_counter(), ""
    with Usage() as usage:
        try:
            papermill.execute_notebook(
                job["notebook"],
                str(attempt / "executed.ipynb"),
                parameters=job["parameters"] | {"out_dir": str(attempt / "out")},
                cwd=str(Path(job["notebook"]).parent),
                progress_bar=False,
                autosave_cell_every=30,
            )
        except Exception as failure:
            error = one_line(failure)
    cost = {
        **job["identity"],
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(sum(usage.cpu_seconds.values()), 2),
        "peak_mb": round(usage.peak / 2**20, 1),
        "device": _device(attempt / "out"),
        "host": platform.node(),
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": _versions(),
    }
    if error:
        write_json(attempt / "failure.json", cost | {"error": error})
        return 1
    write_json(attempt / "measured.json", job["identity"] | measured(attempt / "out"))
    write_json(attempt / "cost.json", cost)
    return 0


def measured(out: Path) -> dict[str, Any]:
    """Collect what the lesson left in its folder: its own JSON files, and the last logged values of each training."""
    files, runs = {}, {}
    for path in sorted(out.glob("*.json")):
        if path.name != "config.json":
            files[path.stem] = json.loads(path.read_text())
    for path in sorted(out.rglob("metrics.jsonl")):
        lines = path.read_text().splitlines()
        if lines and "previous" not in path.parts:
            runs[path.parent.relative_to(out).as_posix()] = json.loads(lines[-1])
    return {"measured": files, "last_logged": runs}


def one_line(failure: Exception) -> str:
    """Return what went wrong in the notebook as one line: the kind and message of the cell's error."""
    kind, text = getattr(failure, "ename", type(failure).__name__), getattr(failure, "evalue", str(failure))
    cell = getattr(failure, "exec_count", None)
    where = f"cell [{cell}]: " if cell else ""
    return f"{where}{kind}: {' '.join(str(text).split())}"[:300]


class Usage:
    """Processor time and largest memory of the processes below this one together, sampled five times a second."""

    def __init__(self) -> None:
        import psutil

        self.peak = 0
        self.cpu_seconds: dict[int, float] = {}
        self._psutil = psutil
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Usage":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        this = self._psutil.Process()
        while not self._stop.wait(0.2):
            children = this.children(recursive=True)
            self.peak = max(self.peak, sum(self._held(child) for child in children))
            for child in children:
                with suppress(self._psutil.Error):
                    spent = child.cpu_times()
                    self.cpu_seconds[child.pid] = spent.user + spent.system

    def _held(self, process: Any) -> int:
        """Bytes: the kernel's own record of the peak where there is one (Linux), else what is held now."""
        try:
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
        try:
            return process.memory_info().rss
        except self._psutil.Error:
            return 0


def _end_with_parent(parent: int) -> None:
    """End this process when its worker is gone: the run is then done again elsewhere."""
    while os.getppid() == parent:
        time.sleep(0.3)
    os._exit(3)  # the notebook's kernel watches this process in the same way


def _device(out: Path) -> str:
    """Return the device that the lesson's trainings recorded, or this machine's processor."""
    for path in sorted(out.rglob("config.json")):
        try:
            return json.loads(path.read_text())["runtime"]["device"]
        except (ValueError, KeyError, TypeError):
            continue
    return f"cpu ({platform.machine()})"


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in ("bound-by-bound", "torch", "numpy", "papermill"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "unknown"
    return versions


def finish(attempt: Path, folder: Path) -> None:
    """Give a successful attempt its place; an earlier result there stays until this moment."""
    old = folder.with_name(f".{folder.name}.old-{attempt.name}")
    if folder.exists():
        os.replace(folder, old)
    os.replace(attempt, folder)
    shutil.rmtree(old, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
