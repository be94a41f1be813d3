"""Mend the two links of book/: `python book/scripts/links.py [auto|link|copy|refresh]` (or `make links MODE=...`).

`book/_config.yml` points to `../_config.yml` and `book/notebooks` to `../notebooks`, so that `jupyter-book build book/`
works as it stands. Where links are not supported, Git writes them as small text files and the book cannot be built.
`copy` puts copies in their place, `link` puts the links back, `auto` tries a link first. `refresh`, which `make book`
calls, does nothing to good links and brings copies up to date. Standard library only.
"""

import os
import shutil
import sys
from pathlib import Path

NAMES = ("_config.yml", "notebooks")


def remove(path: Path) -> None:
    """Remove a link, a file or a folder of copies."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.exists() or path.is_symlink():
        path.unlink()


def make_link(path: Path) -> bool:
    """Put a relative link at `path`; False where links are not supported (what stood there then stays)."""
    trial = path.with_name(path.name + ".trial")
    remove(trial)
    target = Path("..") / path.name
    try:
        trial.symlink_to(target, target_is_directory=(path.parent / target).is_dir())
    except (OSError, NotImplementedError):
        return False
    remove(path)
    os.replace(trial, path)
    return True


def make_copy(path: Path) -> None:
    """Put a copy of the original at `path`."""
    original = path.parent.parent / path.name
    remove(path)
    if original.is_dir():
        shutil.copytree(original, path, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__"))
    else:
        shutil.copyfile(original, path)


def mend(book: Path, mode: str) -> list[str]:
    """Bring both links into the state asked for; returns one sentence for each."""
    said = []
    for name in NAMES:
        path = book / name
        if mode == "refresh" and path.is_symlink() and path.exists():
            continue
        # A folder, or a file longer than a path, is a copy that someone asked for; a short file is a broken link.
        copied = not path.is_symlink() and (path.is_dir() or (path.is_file() and path.stat().st_size > 100))
        wants_copy = mode == "copy" or (mode == "refresh" and copied)
        if not wants_copy and make_link(path):
            said.append(f"book/{name} is a link to ../{name}")
        elif mode == "link":
            raise OSError(f"book/{name}: this folder does not support links; use `copy`")
        else:
            make_copy(path)
            said.append(f"book/{name} is a copy of {name} (run this again after a change, or build with `make book`)")
    return said


def main(arguments: list[str]) -> int:
    """Mend the links beside this script."""
    mode = arguments[0] if arguments else "auto"
    if mode not in ("auto", "link", "copy", "refresh"):
        print(f"unknown mode {mode!r}: give auto, link, copy or refresh", file=sys.stderr)
        return 2
    try:
        for sentence in mend(Path(__file__).resolve().parents[1], mode):
            print(sentence)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
