"""`python -m data_scripts.fetch mnist`: fetch a real dataset, or say in three lines how to obtain it."""

import argparse
import difflib
import os
import sys
from pathlib import Path

from data_scripts.catalogue import CATALOGUE, Dataset

try:
    from data_scripts.download import FetchError, fetch_file
except ImportError:  # pragma: no cover - said in one sentence below
    fetch_file = None

CHECKOUT = Path(__file__).resolve().parents[1]


def describe(dataset: Dataset) -> str:
    """A dataset in a few lines: terms, size, and when each address was last seen to work."""
    lines = [f"{dataset.name}: {dataset.title}", f"  licence: {dataset.licence}"]
    if dataset.files:
        lines.append(f"  {len(dataset.files)} files, {dataset.size / 1e6:.1f} MB")
        lines += [f"  {address.url} (last seen to work: {address.last_seen})" for address in dataset.addresses]
    return "\n".join(lines + [f"  {line}" for line in dataset.how_to_obtain])


def fetch(dataset: Dataset, folder: Path) -> int:
    """Fetch all files of a dataset into a folder, saying what happens; the exit status."""
    print(f"{dataset.title}\nlicence: {dataset.licence}")
    if not dataset.files:
        print("\n".join(dataset.how_to_obtain))
        return 0
    if fetch_file is None:
        print("pooch is missing: install it with  pip install 'pooch>=1.8'", file=sys.stderr)
        return 2
    print(f"folder: {folder}")
    for file in dataset.files:
        print(f"{file.name} ({file.size / 1e6:.1f} MB)", flush=True)
        try:
            fresh = fetch_file(file, dataset.addresses, folder, say=lambda line: print(line, flush=True))
        except FetchError as error:
            print(error, file=sys.stderr)
            return 1
        print("  fetched, checksum agrees" if fresh else "  is there already, checksum agrees")
    print(f"Give it to a lesson with  -p data_root {folder}  or  COURSE_DATA_ROOT={folder}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Command line: fetch by name, or list what there is."""
    import logging

    logging.getLogger("pooch").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(prog="python -m data_scripts.fetch", description=__doc__)
    parser.add_argument("name", nargs="?", help=f"one of {', '.join(CATALOGUE)}")
    parser.add_argument("--out", type=Path, help="folder to write (default: data/NAME in the checkout)")
    parser.add_argument("--list", action="store_true", help="list the datasets, their terms and addresses")
    options = parser.parse_args(arguments)
    if options.list:
        print("\n\n".join(map(describe, CATALOGUE.values())))
        return 0
    if options.name not in CATALOGUE:
        if options.name is None:
            print(f"Say which dataset: {', '.join(CATALOGUE)} (or --list).", file=sys.stderr)
        else:
            near = difflib.get_close_matches(options.name.lower(), CATALOGUE, n=1, cutoff=0.0)[0]
            print(
                f"There is no dataset {options.name!r}: did you mean {near}? There are {', '.join(CATALOGUE)}.",
                file=sys.stderr,
            )
        return 2
    folder = options.out or CHECKOUT / "data" / options.name
    try:
        return fetch(CATALOGUE[options.name], Path(os.path.abspath(folder.expanduser())))
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
