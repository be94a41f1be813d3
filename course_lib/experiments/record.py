"""Measured claims on disk: one JSON file a lesson, written a seed at a time, never half-way."""

import json
import math
import operator
import os
import platform
import re
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "results"

# 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom.
_T975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is claimed, before anything is measured.

    Attributes:
        id: Its name in the JSON file and in `say`.
        what: The quantity, in words.
        metric: Short name of the number.
        unit: Its unit; empty for a pure number.
        better: Which way is better.
        rule: When it holds: `mean`, `median`, `min`, `max` or `each` of our values, `<=`, `<`, `>=` or `>`, and a
            number or `baseline`; `each` compares every seed with the baseline of its own, the others with the mean
            baseline.
        profile: The profile it runs at.
        baseline: Name of what it is compared with, where the rule says `baseline`.
        paper: Published value and its source, if there is one.
        floor: The least value the quantity can have, where the band must end; None for no such end.
    """

    id: str
    what: str
    metric: str
    unit: str = ""
    better: str = "lower"
    rule: str
    profile: str
    baseline: str = ""
    paper: dict[str, Any] | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Measurement:
    """One seed's number for one claim, with its baseline and whatever a figure needs besides."""

    value: float
    baseline: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


def path_of(lesson: str, folder: Path = RESULTS) -> Path:
    """The JSON file of a lesson."""
    return folder / f"{lesson}.json"


def load(lesson: str, folder: Path = RESULTS) -> dict[str, Any]:
    """The recorded results of a lesson; without a file, a record with no claims.

    Raises:
        ValueError: The file is not the JSON that `save` writes.
    """
    path = path_of(lesson, folder)
    if not path.exists():
        return {
            "lesson": lesson,
            "claims": [],
            "errata": [],
            "command": f"make results LESSON={lesson}",
            "versions": {},
        }
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        record["claims"] = list(record["claims"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}): restore it with `git checkout {path}` or delete it") from None
    return record


def save(record: dict[str, Any], folder: Path = RESULTS) -> None:
    """Write the record whole: to a temporary name beside it, then renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(record["lesson"], folder)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1, ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def measured_seeds(record: dict[str, Any], claim: Claim) -> list[int]:
    """Seeds that the record already holds for this claim at the same profile."""
    entry = _entry(record, claim.id)
    return list(entry["ours"]["seeds"]) if entry and entry["ours"]["profile"] == claim.profile else []


def add(
    record: dict[str, Any],
    claim: Claim,
    seed: int,
    measurement: Measurement,
    *,
    device: str,
    seconds: float,
    peak_mb: float,
) -> None:
    """Enter one seed and compute mean, band and `holds` anew; an earlier value of the same seed is replaced.

    Args:
        record: As `load` gave it; changed in place.
        claim: What was measured.
        seed: The seed.
        measurement: The number.
        device: Where it ran.
        seconds: Processor seconds of this seed.
        peak_mb: Peak memory, MB.
    """
    entry = _entry(record, claim.id)
    old = entry["ours"]["runs"] if entry and entry["ours"]["profile"] == claim.profile else {}
    runs = {
        **old,
        str(seed): {
            "value": float(measurement.value),
            "baseline": None if measurement.baseline is None else float(measurement.baseline),
            "seconds": round(seconds, 1),
            "peak_mb": round(peak_mb),
            "device": device,
            **({"extra": measurement.extra} if measurement.extra else {}),
        },
    }
    fresh = _summary(claim, dict(sorted(runs.items(), key=lambda item: int(item[0]))))
    if entry is None:
        record["claims"].append(fresh)
    else:
        record["claims"][record["claims"].index(entry)] = fresh
    record["versions"] = versions()


def refresh(record: dict[str, Any], claims: list[Claim]) -> None:
    """Write the claims' words and rules anew, and what follows from them, for the runs that are recorded.

    The record takes the order of `claims`; a claim that was renamed or taken out leaves it.
    """
    runs = {entry["id"]: entry["ours"]["runs"] for entry in record["claims"]}
    record["claims"] = [_summary(claim, runs[claim.id]) for claim in claims if claim.id in runs]


def holds(rule: str, values: list[float], baselines: list[float]) -> bool:
    """Whether measured values satisfy a rule such as `mean <= 88.5` or `each < baseline`.

    Raises:
        ValueError: The rule does not read so, or needs a baseline that is not there.
    """
    match = re.fullmatch(r"(mean|median|min|max|each) (<=|>=|<|>) (baseline|[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)", rule)
    if not match:
        raise ValueError(f"`rule` (={rule!r}) must read like 'mean <= 88.5' or 'each < baseline'")
    if match[3] == "baseline" and len(baselines) != len(values):
        raise ValueError(f"`rule` (={rule!r}) needs a baseline for each of {len(values)} values, got {len(baselines)}")
    bounds = baselines if match[3] == "baseline" else [float(match[3])] * len(values)
    compare = _COMPARE[match[2]]
    if match[1] == "each":
        verdict = all(map(compare, values, bounds))
    else:
        statistic = {"mean": statistics.fmean, "median": statistics.median, "min": min, "max": max}[match[1]]
        verdict = compare(statistic(values), statistics.fmean(bounds))
    return bool(verdict and all(map(math.isfinite, values)))


def band(values: list[float], floor: float | None = None) -> list[float]:
    """Where a new seed falls 19 times out of 20, if seeds scatter normally: mean -+ t s sqrt(1 + 1/n).

    With one value there is no spread to go by, and the band is that value. It ends at `floor`, if there is one.
    """
    if len(values) < 2:
        return [values[0], values[0]]
    n = len(values)
    t = _T975[min(n - 2, len(_T975) - 1)]  # beyond ten values slightly too wide, never too narrow
    half = t * statistics.stdev(values) * math.sqrt(1 + 1 / n)
    mean = statistics.fmean(values)
    low = mean - half
    return [low if floor is None else max(floor, low), mean + half]


def versions() -> dict[str, str]:
    """Versions of what computes the numbers."""
    import numpy
    import torch

    import course_lib

    return {
        "course_lib": course_lib.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


def _entry(record: dict[str, Any], claim_id: str) -> dict[str, Any] | None:
    return next((entry for entry in record["claims"] if entry["id"] == claim_id), None)


def _summary(claim: Claim, runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    values = [run["value"] for run in runs.values()]
    baselines = [run["baseline"] for run in runs.values() if run["baseline"] is not None]
    baseline = statistics.fmean(baselines) if baselines else None
    return {
        "id": claim.id,
        "what": claim.what,
        "metric": claim.metric,
        "unit": claim.unit,
        "better": claim.better,
        "ours": {
            "profile": claim.profile,
            "device": ", ".join(sorted({run["device"] for run in runs.values()})),
            "seeds": [int(seed) for seed in runs],
            "values": values,
            "mean": statistics.fmean(values),
            "band": band(values, claim.floor),
            "seconds": round(statistics.fmean(run["seconds"] for run in runs.values()), 1),
            "peak_mb": max(run["peak_mb"] for run in runs.values()),
            "runs": runs,
        },
        "baseline": {"name": claim.baseline, "mean": baseline} if baseline is not None else None,
        "paper": claim.paper,
        "rule": claim.rule,
        "holds": holds(claim.rule, values, baselines),
    }


Runner = Callable[[int], dict[str, Measurement]]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One function that measures one or more claims, and the seeds it runs with.

    Attributes:
        name: Its name on the command line.
        run: Called with a seed, returns a measurement for each claim id.
        claims: What it measures.
        seeds: The seeds, all reported.
        needs: Dataset without which it cannot run; empty for none.
        once: Why fewer than three seeds are enough, where they are.
    """

    name: str
    run: Runner
    claims: tuple[Claim, ...]
    seeds: tuple[int, ...]
    needs: str = ""
    once: str = ""
