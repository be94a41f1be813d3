"""Measured claims, one module a lesson; `python -m course_lib.experiments LESSON` fills course_lib/results."""

import os
from pathlib import Path

LESSONS = {
    "01_elbo": "course_lib.experiments.elbo",
    "03_information_bounds": "course_lib.experiments.information",
    "04_rank_losses": "course_lib.experiments.ranking",
    "05_worlds": "course_lib.experiments.worlds",
    "06_infogan": "course_lib.experiments.infogan",
    "14_ordinal_depth": "course_lib.experiments.ordinal_depth",
    "15_ordinal_reconstruction": "course_lib.experiments.reconstruction",
}


def data_root(dataset: str) -> Path | None:
    """Folder of a dataset under COURSE_DATA (or COURSE_DATA_ROOT), or None when it is not there."""
    for variable in ("COURSE_DATA", "COURSE_DATA_ROOT"):
        if root := os.environ.get(variable):
            folder = Path(root).expanduser() / dataset
            if folder.is_dir():
                return folder
    return None
