"""The log of a run: terms stay on the device, and many steps are read in one transfer."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_lib.training.errors import NonFiniteError
from course_lib.training.folder import append_whole, write_atomically


class MetricsLog:
    """Terms by step, kept on the device until `read` and then appended to `metrics.jsonl`."""

    def __init__(self, path: Path, *, average: Callable[[Tensor], Tensor]):
        self.path = path
        self.history: dict[str, list[float]] = {}
        self._average = average
        self._waiting: list[tuple[int, float, dict[str, Tensor]]] = []
        self._lines: list[str] = []
        self._start = time.perf_counter()

    def add(self, step: int, terms: Mapping[str, Any]) -> None:
        """Keep the terms of one step; nothing is read from the device."""
        kept = {name: torch.as_tensor(value).detach().reshape(()).float() for name, value in terms.items()}
        self._waiting.append((step, time.perf_counter() - self._start, kept))

    def read(self) -> None:
        """Read all waiting terms in one transfer and add them to the history.

        Raises:
            NonFiniteError: A term is NaN or infinite; its step and all later ones are left out.
        """
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        device = next((t.device for *_, terms in waiting for t in terms.values() if t.device.type != "cpu"), None)
        values = [value.to(device) if device else value for *_, terms in waiting for value in terms.values()]
        numbers = iter(self._average(torch.stack(values)).tolist() if values else [])
        for step, seconds, terms in waiting:
            row = {name: next(numbers) for name in terms}
            bad = {name: value for name, value in row.items() if not abs(value) < float("inf")}
            if bad:
                shown = ", ".join(f"{name} = {value}" for name, value in bad.items())
                raise NonFiniteError(
                    f"step {step}: {shown}; the run is stopped and what was saved before is intact "
                    "(try a smaller learning rate, or look at the inputs of this term)"
                )
            for name, value in {"step": step, "seconds": round(seconds, 4), **row}.items():
                self.history.setdefault(name, []).append(float(value))
            self._lines.append(json.dumps({"step": step, "seconds": round(seconds, 4), **row}) + "\n")

    @property
    def has_unwritten(self) -> bool:
        """Whether lines were read and not yet written."""
        return bool(self._lines)

    def write(self) -> None:
        """Append what was read to the file."""
        if self._lines:
            append_whole(self.path, "".join(self._lines))
            self._lines = []

    def restore(self, step: int, *, rewrite: bool) -> None:
        """Take up the log of an earlier run as far as `step`; later lines, and a last one cut off, are dropped."""
        rows = []
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else ():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue
            if row["step"] <= step:
                rows.append(row)
        for row in rows:
            for name, value in row.items():
                self.history.setdefault(name, []).append(float(value))
        self._start = time.perf_counter() - (rows[-1]["seconds"] if rows else 0.0)
        if rewrite:
            write_atomically(self.path, "".join(json.dumps(row) + "\n" for row in rows).encode())
