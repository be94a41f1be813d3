"""Tables of a batch and of the lessons, and the costs that the lessons' boxes read."""

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from course_lib.batch.lessons import PACKAGE, PROFILES, BatchError, Lesson
from course_lib.batch.plan import Task, write_json

COSTS = PACKAGE / "results" / "costs.json"


def batch_table(results: Iterable[tuple[Task, str, dict[str, Any]]]) -> str:
    """Return one row a run: what became of it and what it cost.

    Args:
        results: Task, status (`ran`, `kept` or `FAILED`) and cost or failure.
    """
    rows = [("lesson", "profile", "seed", "status", "seconds", "peak MB", "device", "where")]
    for task, status, result in results:
        if result.get("attempts", 1) > 1:
            status += f" (attempt {result['attempts']})"
        where = result.get("error") or _short(task.folder)
        cost = (f"{result[key]:.1f}" if key in result else "-" for key in ("seconds", "peak_mb"))
        rows.append((task.lesson, task.profile, str(task.seed), status, *cost, str(result.get("device", "-")), where))
    return _align(rows)


def lesson_table(lessons: Iterable[Lesson], costs: dict[str, Any]) -> str:
    """Return one row a lesson with its measured costs."""
    rows = [("lesson", "title", *PROFILES)]
    for lesson in lessons:
        measured = costs.get(lesson.name, {})
        rows.append((lesson.name, lesson.title, *(_cost(measured.get(profile)) for profile in PROFILES)))
    return _align(rows)


def read_costs(path: Path = COSTS) -> dict[str, Any]:
    """Return the measured costs by lesson and profile; empty where none were measured."""
    if not path.exists():
        return {}
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise BatchError(f"{path} is not JSON ({error}); restore it from the repository") from error


def update_costs(costs: Iterable[dict[str, Any]], path: Path = COSTS) -> None:
    """Write the median seconds and the largest memory over the seeds of each lesson and profile.

    Only runs without further parameters count: the box in a lesson speaks of the lesson as it stands.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for cost in costs:
        if not cost["parameters"]:
            groups.setdefault((cost["lesson"], cost["profile"]), []).append(cost)
    known = read_costs(path)
    for (lesson, profile), group in groups.items():
        last = max(group, key=lambda cost: cost["when"])
        known.setdefault(lesson, {})[profile] = {
            "seconds": round(median(cost["seconds"] for cost in group), 1),
            "cpu_seconds": round(median(cost.get("cpu_seconds", cost["seconds"]) for cost in group), 1),
            "peak_mb": round(max(cost["peak_mb"] for cost in group)),
            "device": last["device"],
            "when": last["when"],
            "seeds": sorted(cost["seed"] for cost in group),
            "versions": last["versions"],
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, dict(sorted(known.items())))


def _cost(entry: dict[str, Any] | None) -> str:
    return f"{entry['seconds']:.0f} s, {entry['peak_mb']:.0f} MB ({entry['device']})" if entry else "not measured"


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _align(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
