"""The runs of a batch: their folders, and which of them are finished already."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.batch.lessons import PACKAGE, Lesson

APART = {"authoring", "batch", "results", "__main__.py"}  # no part of what a lesson computes


@dataclass(frozen=True, eq=False)
class Task:
    """One run: a lesson with a profile, a seed and further parameters; it can be sent to a worker.

    Attributes:
        folder: Where it ends: `executed.ipynb`, `measured.json`, `cost.json`, and `out/`, the lesson's own folder.
        source: Hash of the notebook's cells and of the library.
    """

    lesson: str
    profile: str
    seed: int
    parameters: dict[str, Any]
    notebook: Path
    folder: Path
    source: str

    @property
    def label(self) -> str:
        """The run in words."""
        return f"{self.lesson} {self.profile} seed {self.seed}"

    def identity(self) -> dict[str, Any]:
        """What a finished run must agree in to be this one."""
        return {
            "lesson": self.lesson,
            "profile": self.profile,
            "seed": self.seed,
            "parameters": self.parameters,
            "source": self.source,
        }

    def finished_cost(self) -> dict[str, Any] | None:
        """Return the cost of this run if it is finished: notebook and cost are there and belong to it."""
        try:
            cost = json.loads((self.folder / "cost.json").read_text())
        except (OSError, ValueError):
            return None
        same = isinstance(cost, dict) and all(cost.get(key) == value for key, value in self.identity().items())
        return cost if same and (self.folder / "executed.ipynb").is_file() else None


def plan(
    lessons: list[Lesson], profiles: list[str], seeds: list[int], parameters: dict[str, dict[str, Any]], out: Path
) -> list[Task]:
    """Return every combination once, in the order given.

    Args:
        lessons: What to run.
        profiles: At which sizes.
        seeds: With which seeds.
        parameters: Further parameters by lesson.
        out: The folder of the batch; a run's is `<out>/<lesson>/<profile>-<seed>`, with a hash where it has further
            parameters, so that runs with other parameters stand beside it.
    """
    library = library_hash()
    tasks: dict[Path, Task] = {}
    for lesson in lessons:
        source = hashlib.sha256((lesson.hash + library).encode()).hexdigest()
        extra = parameters.get(lesson.name, {})
        suffix = f"-{hashlib.sha256(json.dumps(extra, sort_keys=True).encode()).hexdigest()[:8]}" if extra else ""
        for profile in profiles:
            for seed in seeds:
                folder = out / lesson.name / f"{profile}-{seed}{suffix}"
                tasks[folder] = Task(lesson.name, profile, seed, extra, lesson.path, folder, source)
    return list(tasks.values())


def library_hash(package: Path = PACKAGE) -> str:
    """Hash the sources that a lesson's numbers depend on."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        relative = path.relative_to(package)
        if relative.parts[0] not in APART:
            digest.update(f"{relative.as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(part, "w", encoding="utf-8") as file:
            file.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
