"""Training: where it runs (`Runtime`), the loop and its record (`Run`), and explicit randomness.

A training loop stays a `for` loop in sight: `Run.steps` yields the step and the batch, keeps the log, writes
checkpoints that resume to the last bit on a CPU, and stops at the first number that is not finite.
"""

from course_lib.training.checkpoint import load_weights
from course_lib.training.errors import CheckpointError, LockedError, NonFiniteError, OutputError, RunError
from course_lib.training.folder import find_checkout, run_folder, write_atomically
from course_lib.training.randomness import generator, noise_like, seeded
from course_lib.training.run import Run
from course_lib.training.runtime import Runtime

__all__ = [
    "CheckpointError",
    "LockedError",
    "NonFiniteError",
    "OutputError",
    "Run",
    "RunError",
    "Runtime",
    "find_checkout",
    "generator",
    "load_weights",
    "noise_like",
    "run_folder",
    "seeded",
    "write_atomically",
]
