"""The two commands of `python -m course_lib`: `list` and `run`."""

import argparse
import contextlib
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from course_lib.batch.lessons import PROFILES, BatchError, choose, find_lessons, find_notebooks, parse_parameters
from course_lib.batch.plan import Task, plan
from course_lib.batch.report import batch_table, lesson_table, read_costs, update_costs


def list_lessons(args: argparse.Namespace) -> int:
    """Print the lessons and what they cost."""
    lessons = find_lessons(find_notebooks(args.notebooks))
    print(lesson_table(lessons.values(), read_costs()))
    return 0


def run(args: argparse.Namespace) -> int:
    """Run lessons; the exit code is 1 if any run failed, after the others have finished."""
    folder = find_notebooks(args.notebooks)
    tasks = _plan(args, folder)  # refuses what is misspelt before anything starts
    results: dict[Task, tuple[str, dict[str, Any]]] = {}
    for task in tasks:
        cost = None if args.fresh else task.finished_cost()
        if cost is not None:
            results[task] = ("kept", cost)
    waiting = [task for task in tasks if task not in results]
    if results:
        print(f"{len(results)} of {len(tasks)} runs are finished already and are kept (--fresh runs them again)")

    def tell(task: Task, result: dict[str, Any]) -> None:
        status = "FAILED" if "error" in result else "ran"
        results[task] = (status, result)
        cost = f"{result['seconds']:.1f} s, {result['peak_mb']:.0f} MB" if "seconds" in result else ""
        said = f"FAILED: {result['error']}" if "error" in result else f"finished, {cost}"
        print(f"[{time.strftime('%H:%M:%S')}] {len(results)}/{len(tasks)}  {task.label}: {said}", flush=True)

    if waiting:
        _start(args, waiting, tell)
    print()
    print(batch_table((task, *results[task]) for task in tasks if task in results))
    failed = [result for status, result in results.values() if status == "FAILED"]
    for result in failed:
        if "failed_notebook" in result:
            print(f"the notebook up to its error: {result['failed_notebook']}")
    if args.update_costs:
        update_costs(result for status, result in results.values() if status != "FAILED")
    return 1 if failed else 0


def _start(args: argparse.Namespace, tasks: list[Task], tell: Any) -> None:
    from course_lib.batch.cluster import cluster_client, local_workers, run_all

    workers = [] if args.scheduler else local_workers(args.workers, len(tasks), gpu=args.gpu, threads=args.threads)
    with cluster_client(args.scheduler, workers, gpu=args.gpu) as client:
        where = (
            f"the cluster at {args.scheduler}"
            if args.scheduler
            else f"{len(workers)} local worker{'s' if len(workers) > 1 else ''}"
        )
        print(f"running {len(tasks)} on {where}; after an interruption the same command goes on", flush=True)
        run_all(client, tasks, gpu=args.gpu, tell=tell)


def _plan(args: argparse.Namespace, folder: Path) -> list[Task]:
    known = find_lessons(folder)
    lessons = [known[choose("lesson", name, list(known))] for name in args.lessons]
    profiles = [choose("--profile", name, list(PROFILES)) for name in args.profile]
    missing = [name for name in ("papermill", "ipykernel", "dask", "distributed", "psutil") if not _is_installed(name)]
    if missing:
        raise BatchError(
            f"run needs {', '.join(missing)}; install the batch extra: pip install 'bound-by-bound[batch]'"
        )
    if min(args.seed) < 0:
        raise BatchError(f"--seed (={min(args.seed)}) must be 0 or more")
    for name in ("workers", "threads"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise BatchError(f"--{name} (={getattr(args, name)}) must be 1 or more")
    parameters = {lesson.name: parse_parameters(lesson, args.parameter) for lesson in lessons}
    out = Path(args.out).expanduser().resolve() if args.out else folder.parent / "batches"
    tasks = plan(lessons, profiles, args.seed, parameters, out)
    try:
        for task in tasks:
            task.folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BatchError(f"--out (={out}) cannot be written: {error.strerror}; name another folder") from error
    return tasks


def _is_installed(name: str) -> bool:
    with contextlib.suppress(ImportError, ValueError):
        return find_spec(name) is not None
    return False
