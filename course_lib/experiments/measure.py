"""Measure the claims of a lesson: what is not measured yet, one seed a core, two at once."""

import argparse
import multiprocessing
import os
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from difflib import get_close_matches
from importlib import import_module

from course_lib.experiments import LESSONS, data_root, record
from course_lib.experiments.record import Experiment, Measurement


def main(argv: list[str] | None = None) -> int:
    """Run the experiments of a lesson; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m course_lib.experiments", description=__doc__)
    parser.add_argument("lesson", help="lesson, such as 01_elbo")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="experiments to run (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="seeds at once, each on one core (default: 2)")
    parser.add_argument("--again", action="store_true", help="measure also what the results file already holds")
    args = parser.parse_args(argv)
    if args.lesson not in LESSONS:
        return _refuse("lesson", args.lesson, list(LESSONS))
    module = import_module(LESSONS[args.lesson])
    experiments = {experiment.name: experiment for experiment in module.EXPERIMENTS}
    for name in args.only or ():
        if name not in experiments:
            return _refuse("experiment", name, list(experiments))
    chosen = [experiments[name] for name in args.only] if args.only else list(experiments.values())
    failures = _run_all(args.lesson, chosen, jobs=max(1, args.jobs), again=args.again)
    _write_extras(args.lesson, module)
    return 1 if failures else 0


def _run_all(lesson: str, experiments: list[Experiment], *, jobs: int, again: bool) -> int:
    results = record.load(lesson)
    tasks, failures = [], 0
    for experiment in experiments:
        if experiment.needs and not data_root(experiment.needs):
            print(
                f"{experiment.name}: left out, {experiment.needs} is not there; fetch it with "
                f"`python -m data_scripts.fetch {experiment.needs}` and set COURSE_DATA to the folder above it",
                file=sys.stderr,
            )
            failures += 1
            continue
        for seed in experiment.seeds:
            if again or any(seed not in record.measured_seeds(results, claim) for claim in experiment.claims):
                tasks.append((experiment, seed))
    print(f"{lesson}: {len(tasks)} seed(s) to run, {jobs} at once", flush=True)
    context = multiprocessing.get_context("spawn")
    # A fresh process for each seed: its processor time and peak memory are its own.
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_one_thread, max_tasks_per_child=1) as pool:
        futures = {pool.submit(_measure, lesson, e.name, seed): (e, seed) for e, seed in tasks}
        for future in as_completed(futures):
            experiment, seed = futures[future]
            try:
                measurements, seconds, peak_mb, device = future.result()
            except Exception as error:  # one failed seed must not lose the others
                print(f"{experiment.name}, seed {seed}: failed: {type(error).__name__}: {error}", file=sys.stderr)
                failures += 1
                continue
            results = record.load(lesson)
            for claim in experiment.claims:
                measurement = measurements[claim.id]
                record.add(results, claim, seed, measurement, device=device, seconds=seconds, peak_mb=peak_mb)
                print(f"{claim.id}, seed {seed}: {measurement.value:.6g} {claim.unit} ({seconds:.0f} s)", flush=True)
            record.save(results)
    return failures


def _measure(lesson: str, name: str, seed: int) -> tuple[dict[str, Measurement], float, float, str]:
    from course_lib.training import Runtime

    module = import_module(LESSONS[lesson])
    experiment = next(experiment for experiment in module.EXPERIMENTS if experiment.name == name)
    device = Runtime.auto(threads=1).name
    start = time.process_time()
    measurements = experiment.run(seed)
    seconds = time.process_time() - start
    return measurements, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, device


def _write_extras(lesson: str, module: object) -> None:
    """Words and rules of the claims as they stand in the code now, errata with their numbers, reference figures."""
    results = record.load(lesson)
    record.refresh(results, [claim for experiment in module.EXPERIMENTS for claim in experiment.claims])
    if errata := getattr(module, "errata", None):
        results["errata"] = errata()
    record.save(results)
    if figures := getattr(module, "figures", None):
        figures()


def _one_thread() -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    import torch

    torch.set_num_threads(1)


def _refuse(kind: str, value: str, known: list[str]) -> int:
    near = get_close_matches(value, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    print(f"unknown {kind} {value!r}{hint} Known: {', '.join(known)}", file=sys.stderr)
    return 2
