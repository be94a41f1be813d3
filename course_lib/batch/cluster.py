"""Dask: a cluster on this machine or one that is already up, and the tasks of a batch on it."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from course_lib.batch.lessons import BatchError
from course_lib.batch.plan import Task
from course_lib.batch.worker import run_task

ALLOWED_LOSSES = 3  # workers that may die under one run before it counts as failed
CONNECT_SECONDS = 10


def local_gpus() -> list[str]:
    """Return the names by which the GPUs of this machine can be made visible."""
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        return [name for name in os.environ["CUDA_VISIBLE_DEVICES"].split(",") if name.strip() not in ("", "-1")]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(number) for number, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def local_workers(number: int | None, tasks: int, *, gpu: bool, threads: int | None = None) -> list[dict[str, Any]]:
    """Return the environment and resources of each worker on this machine.

    Args:
        number: How many; None means one a core, or one a GPU, and never more than there are tasks.
        tasks: Runs in the batch.
        threads: CPU threads of each run; None shares the cores out.
        gpu: Each run takes a GPU: every worker then sees one of its own.

    Raises:
        BatchError: A GPU is asked for and there is none.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gpus = local_gpus() if gpu else []
    if gpu and not gpus:
        raise BatchError("--gpu asks for a GPU a run and this machine has none; leave it out or name a --scheduler")
    number = min(number or (len(gpus) or cores), tasks, len(gpus) or tasks)
    share = str(threads or max(1, cores // number))
    workers = []
    for index in range(number):
        environment = {name: share for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = gpus[index]
        workers.append({"env": environment, "resources": {"GPU": 1} if gpus else {}})
    return workers


@contextmanager
def cluster_client(scheduler: str | None, workers: list[dict[str, Any]], *, gpu: bool) -> Iterator[Any]:
    """Yield a Dask client of the scheduler at an address, or of a new cluster with these workers.

    Raises:
        BatchError: Nothing answers at the address, it has no worker, or none that offers a GPU.
    """
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")  # the table tells what became of each run
    import dask
    from distributed import Client, Nanny, Scheduler, SpecCluster

    dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_LOSSES})
    if scheduler is not None:
        try:
            client = Client(scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError, TypeError) as error:
            raise BatchError(
                f"--scheduler (={scheduler}) does not answer; start one with `dask scheduler` and give its address"
            ) from error
        with client:
            offers = [worker["resources"] for worker in client.scheduler_info(n_workers=-1)["workers"].values()]
            if not offers:
                raise BatchError(f"--scheduler (={scheduler}) has no workers; start some: dask worker {scheduler}")
            if gpu and not any("GPU" in offer for offer in offers):
                raise BatchError(f"no worker of {scheduler} offers a GPU; start them with --resources GPU=1")
            yield client
        return
    options = {"nthreads": 1, "memory_limit": 0, "dashboard_address": None}
    spec = {index: {"cls": Nanny, "options": options | worker} for index, worker in enumerate(workers)}
    head = {"cls": Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}}
    with SpecCluster(workers=spec, scheduler=head, silence_logs=50) as cluster, Client(cluster) as client:
        yield client


def run_all(client: Any, tasks: list[Task], *, gpu: bool, tell: Callable[[Task, dict[str, Any]], None]) -> None:
    """Run the tasks and tell each result as it arrives; a task whose worker dies is run again on another.

    Args:
        client: A Dask client.
        tasks: What to run.
        gpu: Each run takes one unit of the resource `GPU`.
        tell: Called with the task and its cost, or its failure under `error`.
    """
    from distributed import as_completed

    start = time.time()
    resources = {"GPU": 1} if gpu else None
    futures = {client.submit(run_task, task, resources=resources, pure=False): task for task in tasks}
    for future in as_completed(futures):
        task = futures[future]
        try:
            result = future.result()
        except Exception as error:  # the worker died too often, or could not write: the other runs go on
            result = task.identity() | {"error": f"{type(error).__name__}: {' '.join(str(error).split())}"[:300]}
        left = [path for path in task.folder.parent.glob(f".{task.folder.name}.attempt-*") if path.is_dir()]
        lost = sum(path.stat().st_ctime >= start for path in left)  # older ones are of an interrupted batch
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
        tell(task, result | {"attempts": 1 + lost})
