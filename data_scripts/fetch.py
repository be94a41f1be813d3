"""`python -m data_scripts.fetch mnist`: fetch a real dataset, or say in three lines how to obtain it."""

import argparse
import difflib
import os
import sys
from pathlib import Path

from data_scripts.archives import ArchiveError, unpack
from data_scripts.catalogue import CATALOGUE, Dataset, RemoteFile

try:
    from data_scripts.download import FetchError, fetch_file
except ImportError:  # pragma: no cover - said in one sentence below
    fetch_file = None

CHECKOUT = Path(__file__).resolve().parents[1]


def describe(dataset: Dataset) -> str:
    """A dataset in a few lines: terms, size, and when each address was last seen to work."""
    lines = [f"{dataset.name}: {dataset.title}", f"  licence: {dataset.licence}"]
    if dataset.files:
        size = f"{dataset.size / 1e6:.1f} MB" if dataset.size else "size not published"
        many = "s" if len(dataset.files) > 1 else ""
        checked = f"checksum{many} published" if all(file.sha256 for file in dataset.files) else "no checksum published"
        lines.append(f"  {len(dataset.files)} file{many}, {size}, {checked}")
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
        if file.unpack and (folder / file.folder_name).is_dir() and not (folder / file.name).exists():
            print(f"{file.name} is unpacked already in {folder / file.folder_name}")
            continue
        print(f"{file.name} ({f'{file.size / 1e6:.1f} MB' if file.size else 'size not published'})", flush=True)
        try:
            fresh = fetch_file(file, dataset.addresses, folder, say=lambda line: print(line, flush=True))
            print(f"  {'fetched' if fresh else 'is there already'}, {_how_sure(file, folder)}", flush=True)
            if file.unpack:
                _unpack(file, folder)
        except (FetchError, ArchiveError) as error:
            print(error, file=sys.stderr)
            return 1
        except OSError as error:  # while unpacking: a full disk
            print(
                f"{file.name} cannot be unpacked ({error.strerror}): make room or give another --out.", file=sys.stderr
            )
            return 1
    print(f"Give it to a lesson with  -p data_root {folder}  or  COURSE_DATA_ROOT={folder}")
    if dataset.how_to_obtain:
        print("There is more that cannot be fetched so:", *dataset.how_to_obtain, sep="\n")
    return 0


def _how_sure(file: RemoteFile, folder: Path) -> str:
    """How a file on disk was recognised."""
    if file.sha256:
        return "checksum agrees"
    size = (folder / file.name).stat().st_size
    return f"{size:,} bytes" + (", as expected" if file.size else "") + "; no checksum is published"


def _unpack(file: RemoteFile, folder: Path) -> None:
    """Unpack an archive unless that was done before."""
    if (folder / file.folder_name).exists():
        print(f"  is unpacked already in {folder / file.folder_name}")
        return
    count = unpack(folder / file.name, folder / file.folder_name)
    print(f"  unpacked {count:,} files into {folder / file.folder_name}; {file.name} may be deleted", flush=True)


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
    try:
        sys.exit(main())
    except BrokenPipeError:  # the reader of a pipe, such as `| head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
