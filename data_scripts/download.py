"""Fetch one file: resumed where it was cut, tried at each address, checked, and put in place whole or not at all."""

import contextlib
import errno
import gzip
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pooch
import requests
from tqdm.std import tqdm

from data_scripts.dataset import Address, RemoteFile

CHUNK = 1 << 16
ATTEMPTS = 3  # at one address, each going on where the last was cut
TIMEOUT = (10, 60)  # seconds to connect, and between two pieces
MARGIN = 1 << 20  # bytes that must stay free
MAGIC = {".gz": b"\x1f\x8b", ".zip": b"PK", ".png": b"\x89PNG"}


class FetchError(Exception):
    """A file could not be fetched; the message is one sentence and names the remedy."""


class _AddressError(Exception):
    """One address did not give the file; the next may."""


def is_complete(path: Path, file: RemoteFile) -> bool:
    """Whether a file on disk is the published one, or holds the same data compressed anew."""
    if not path.is_file():
        return False
    if not file.sha256:  # the name itself appears only once a file is whole
        return file.size in (0, path.stat().st_size)
    if _sha256(path, "rb") == file.sha256:
        return True
    if not file.content_sha256:
        return False
    try:
        return _sha256(path, "gz") == file.content_sha256
    except (OSError, EOFError):
        return False


def _sha256(path: Path, mode: str) -> str:
    digest = hashlib.sha256()
    with gzip.open(path) if mode == "gz" else path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def fetch_file(
    file: RemoteFile, addresses: tuple[Address, ...], folder: Path, *, say: Callable[[str], None] = lambda line: None
) -> bool:
    """Put a file into a folder unless it is there already.

    A transfer that is cut leaves `NAME.part`, from which the next one goes on; the name itself appears only once the
    checksum agrees.

    Args:
        file: What to fetch.
        addresses: Where to look, in this order.
        folder: Where to put it.
        say: Told what happens, line by line.

    Returns:
        Whether anything was fetched.

    Raises:
        FetchError: No address gave the right file, or it could not be written.
    """
    target = folder / file.name
    if is_complete(target, file):
        return False
    part = folder / f"{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_space(folder, file, part)
        return _fetch_from_any(file, addresses, target, part, say)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            part.unlink(missing_ok=True)
            raise FetchError(
                f"{folder} is full: {file.name} needs {_megabytes(file.size)}; make room or give another --out."
            ) from error
        raise FetchError(f"{folder} cannot be written ({error.strerror}): give another --out.") from error


def _check_space(folder: Path, file: RemoteFile, part: Path) -> None:
    missing = file.size - (part.stat().st_size if part.exists() else 0)
    if shutil.disk_usage(folder).free < missing + MARGIN:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _fetch_from_any(
    file: RemoteFile, addresses: tuple[Address, ...], target: Path, part: Path, say: Callable[[str], None]
) -> bool:
    failures = []
    for address in addresses:
        if problem := _fetch_from(address, file, target, part):
            failures.append(f"{address.url}: {problem}")
            say(f"  {failures[-1]}")
        else:
            return True
    raise FetchError(
        f"No address gave {file.name}: {'; '.join(failures)}. Try again later, or put the file into {target.parent} "
        "yourself."
    )


def _fetch_from(address: Address, file: RemoteFile, target: Path, part: Path) -> str:
    """Fetch a file from one address; what went wrong, or nothing."""
    if not file.sha256:
        return _fetch_unchecked(address, file, target, part)
    while True:
        resumed = part.exists()
        try:
            # pooch compares the checksum in a temporary file and moves that into place.
            pooch.retrieve(
                url=address.url + (file.remote_name or file.name),
                known_hash=f"sha256:{file.sha256}",
                fname=file.name,
                path=target.parent,
                downloader=_Resuming(file, part),
            )
        except _AddressError as error:
            return str(error)
        except ValueError as error:
            if "hash" not in str(error):
                raise
            if not resumed:  # else the part on disk may have been the wrong half: once more from the start
                return "the file has a wrong checksum"
        else:
            return ""


def _fetch_unchecked(address: Address, file: RemoteFile, target: Path, part: Path) -> str:
    """The same where no checksum is published: the size must do, or the server's word for it."""
    try:
        _Resuming(file, part)(address.url + (file.remote_name or file.name), str(target), None)
    except _AddressError as error:
        return str(error)
    return ""


class _Resuming:
    """A downloader for pooch that keeps `NAME.part` when a transfer is cut and goes on from there."""

    def __init__(self, file: RemoteFile, part: Path) -> None:
        self.file, self.part = file, part

    def __call__(self, url: str, output_file: str, pooch_: object, check_only: bool = False) -> None:
        """Fill the part from the address, then hand its bytes to pooch."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._transfer(url)
                break
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                if attempt == ATTEMPTS or not (self.part.exists() and self.part.stat().st_size):
                    raise _AddressError(_reason(error)) from error
        self._refuse_other_content()
        if not self.file.sha256 and self.file.size not in (0, size := self.part.stat().st_size):
            self.part.unlink()
            raise _AddressError(f"the server sent {size:,} bytes, the file has {self.file.size:,}")
        os.replace(self.part, output_file)

    def _transfer(self, url: str) -> None:
        have = self.part.stat().st_size if self.part.exists() else 0
        if self.file.size and have > self.file.size:
            self.part.unlink()
            have = 0
        if self.file.size and have == self.file.size:
            return
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as answer:
            if answer.status_code == 416:  # the part does not belong to this file
                self.part.unlink()
                raise _AddressError("the server cannot go on from the part on disk")
            if answer.status_code not in (200, 206):
                raise _AddressError(f"the server answered {answer.status_code} {answer.reason}")
            begun = have if answer.status_code == 206 else 0
            bar = tqdm(
                total=self.file.size or None, initial=begun, unit="B", unit_scale=True, desc=self.file.name,
                disable=not sys.stderr.isatty(), leave=False,
            )  # fmt: skip
            with bar, open_part(self.part, "ab" if begun else "wb") as stream:
                for block in answer.iter_content(CHUNK):
                    stream.write(block)
                    bar.update(len(block))
        if self.part.stat().st_size < self.file.size and not self._other_content():
            raise requests.ConnectionError("the connection was cut")

    def _other_content(self) -> str:
        """What stands in the part instead of the file, as far as its first bytes tell, or nothing."""
        with self.part.open("rb") as stream:
            start = stream.read(512)
        if start[:64].lstrip().lower().startswith((b"<!doctype", b"<html")):
            return "a web page"
        magic = next((magic for ending, magic in MAGIC.items() if self.file.name.endswith(ending)), b"")
        return "" if start.startswith(magic) else "something else"

    def _refuse_other_content(self) -> None:
        """Say so in words where a server sent a web page under the file's name."""
        if found := self._other_content():
            self.part.unlink()
            raise _AddressError(f"the server sent {found} instead of the file")


def open_part(path: Path, mode: str):
    """Open the part for writing; a function of its own so that a test can fill the disk."""
    return path.open(mode)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "the server did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "cut" in str(error):
        return f"the connection was cut {ATTEMPTS} times"
    with contextlib.suppress(AttributeError, IndexError):
        return f"no connection ({type(error.args[0].reason).__name__})"
    return "no connection"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
