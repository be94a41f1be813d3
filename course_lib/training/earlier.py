"""The earlier run in a folder: kept until a new one has something to write, then moved to `previous/`."""

import json
import os
import shutil
from pathlib import Path

from course_lib.training.folder import writing

LAST = ("checkpoint.pt", "config.json")  # moved last, so that a move cut short is still recognised


def is_finished(folder: Path) -> bool:
    """Whether the folder holds a run that reached its last step."""
    try:
        return bool(json.loads((folder / "config.json").read_text())["finished"])
    except (OSError, ValueError, KeyError):
        return False


def set_earlier_aside(folder: Path) -> None:
    """Move the record of an earlier run to `previous/`; only a finished run replaces a finished one there.

    An earlier run that never finished is dropped when `previous/` holds a finished one. Called at the first write of a
    fresh run; if the process is killed in between, the next fresh run completes the move.
    """
    records = [p for p in folder.iterdir() if p.name in ("metrics.jsonl", *LAST) or p.suffix == ".safetensors"]
    previous, moving = folder / "previous", folder / "previous.moving"
    records.sort(key=lambda path: LAST.index(path.name) if path.name in LAST else -1)
    with writing(folder):
        if records and not moving.exists() and is_finished(previous) and not is_finished(folder):
            for path in records:
                path.unlink()
        elif records or moving.exists():
            moving.mkdir(exist_ok=True)
            for path in records:
                os.replace(path, moving / path.name)
            shutil.rmtree(previous, ignore_errors=True)
            moving.rename(previous)
