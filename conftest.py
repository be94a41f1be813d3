"""Settings every pytest session shares: tests, notebooks, or both.

`pytest`, `pytest --nbval` and `pytest --nbval notebooks` work from the root, before and after a book build, alone or
with `-n 2`. The book folder reaches the notebooks a second time through a link (and its build a third), so it is left
out of the collection by path; `norecursedirs = book` would also drop `tests/book`.
"""

import os

collect_ignore = ["book", "build", "dist", "runs", "batches", "student", ".venv"]

# Checked cells depend on neither profile nor threads; the small profile keeps a session short on any machine.
os.environ.setdefault("COURSE_PROFILE", "smoke")
for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # ipykernel's debugger warns about frozen modules


def pytest_configure(config):
    # The cells of a notebook share one kernel, so they must stay on one worker: xdist's default would spread them.
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadscope"
