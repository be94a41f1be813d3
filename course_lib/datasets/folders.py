"""Where the files of a data set lie below the folder that somebody names."""

import re
from collections.abc import Sequence
from pathlib import Path


def find_folder(root: str | Path, marker: str, *, below: Sequence[str], dataset: str) -> Path:
    """The folder that holds a known file or folder: `root` itself or one of some folders in it.

    Args:
        root: What the caller was given.
        marker: Path, relative to the folder sought, of something that must be there.
        below: Folders of `root` to look into as well.
        dataset: Name in the catalogue, for the remedy.

    Raises:
        FileNotFoundError: None of them holds it.
    """
    root = Path(root)
    for folder in (root, *(root / name for name in below)):
        if (folder / marker).exists():
            return folder
    raise FileNotFoundError(
        f"`root` (={root}) holds no {marker}, nor do its folders {', '.join(below)}: {how_to_obtain(dataset)}"
    )


def how_to_obtain(dataset: str) -> str:
    """The sentence that ends every message about a data set's files."""
    return f"python -m data_scripts.fetch {dataset}  says how to obtain it"


def numbered(folder: Path, pattern: str, *, dataset: str) -> list[Path]:
    """Files of a folder whose names have a number, in the order of the number (`2_full.jpg` before `10_full.jpg`).

    Args:
        folder: Where to look.
        pattern: Regular expression of the whole name; its first group is the number.
        dataset: Name in the catalogue, for the remedy.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing (pass images=False to do without): {how_to_obtain(dataset)}")
    found = [(int(match[1]), path) for path in folder.iterdir() if (match := re.fullmatch(pattern, path.name))]
    return [path for _, path in sorted(found)]
