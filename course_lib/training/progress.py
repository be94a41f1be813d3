"""Progress of a run: plain lines in batch, a bar in a terminal or a live notebook; never a stored widget."""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from tqdm.std import tqdm

APART = 3.0  # seconds between two lines at least
SETTLED = 15.0  # seconds after which a first line can say how long it will take
SILENCE = 120.0  # seconds without a line at most
LIVE_FRONT_ENDS = ("JPY_SESSION_NAME", "COLAB_RELEASE_TAG", "VSCODE_PID")


def in_kernel() -> bool:
    """Whether this code runs in a Jupyter kernel."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython and ipython.get_ipython(), "kernel", None) is not None


def is_live(stream: Any) -> bool:
    """Whether somebody watches: a terminal, or a kernel that a notebook front end started.

    papermill and nbval start kernels too; only Jupyter Server, Colab and VS Code set the variables looked for here.
    """
    if in_kernel():
        return any(name in os.environ for name in LIVE_FRONT_ENDS)
    return stream.isatty()


class Progress:
    """Shows how far a run is. The library's one way to print; `quiet` turns it off."""

    def __init__(self, name: str, *, first: int, total: int, quiet: bool = False):
        self.name = name
        self.first = first
        self.total = total
        self.stream = sys.stdout if in_kernel() else sys.stderr
        self.quiet = quiet
        self._start = time.perf_counter()
        self._shown = first
        self._said: float | None = None  # when the last line was printed
        self._bar: tqdm | None = None
        if not quiet and is_live(self.stream):
            self._bar = tqdm(desc=name, initial=first, total=total, file=self.stream, mininterval=0.5, leave=True)

    def show(self, step: int, latest: Mapping[str, float]) -> None:
        """Show the step reached and the latest values.

        As plain lines: at each third of the run, the first after `SETTLED` seconds, and one where nothing was said for
        `SILENCE` seconds; of a run that lasts less than `APART` seconds, the last step alone.
        """
        if self.quiet:
            return
        values = "  ".join(f"{name} {value:.4g}" for name, value in latest.items())
        if self._bar is not None:
            self._bar.set_postfix_str(values, refresh=False)
            self._bar.update(step - self._shown)
            self._shown = step
        elif step == self.total or self._is_time(step):
            self._shown, self._said = step, time.perf_counter()
            pace = (self._said - self._start) / max(1, step - self.first)
            left = pace * (self.total - step)
            print(
                f"{self.name}  step {step}/{self.total}  {values}  {1e3 * pace:.3g} ms a step, {left:.0f} s left",
                file=self.stream,
                flush=True,
            )

    def _is_time(self, step: int) -> bool:
        """Whether a line is due before the end."""
        now = time.perf_counter()
        quiet = now - (self._start if self._said is None else self._said)
        third = step * 3 // self.total > self._shown * 3 // self.total
        return quiet >= (APART if third else SETTLED if self._said is None else SILENCE)

    def close(self) -> None:
        """End the bar, so that later output starts on a line of its own."""
        if self._bar is not None:
            self._bar.close()
