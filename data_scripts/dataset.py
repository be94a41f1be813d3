"""What the catalogue says about a dataset: its files, where they are, its terms, and how a whole file is recognised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """Where a file can be had.

    Attributes:
        url: The address of the folder; the file's name follows.
        last_seen: The day on which a download from it was seen to work, or `not checked`.
    """

    url: str
    last_seen: str = "not checked"


@dataclass(frozen=True)
class RemoteFile:
    """One file of a dataset.

    Attributes:
        name: Its name on disk, which follows the address.
        size: Bytes, or 0 where nobody has published it.
        sha256: Published checksum of the file, or "" where there is none.
        content_sha256: Checksum of what is inside a `.gz`: the same data may have been compressed anew.
        remote_name: What follows the address instead of `name`.
        unpack: Whether it is an archive to be unpacked, into a folder named after it.
    """

    name: str
    size: int = 0
    sha256: str = ""
    content_sha256: str = ""
    remote_name: str = ""
    unpack: bool = False

    @property
    def folder_name(self) -> str:
        """Name of the folder into which an archive is unpacked."""
        return self.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".zip").removesuffix(".tgz")


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be fetched, or one that somebody must give you, or partly either.

    Attributes:
        name: What the command calls it.
        title: What it is.
        licence: Its terms, shown before anything is fetched.
        files: What there is to fetch.
        addresses: Where to look, in this order.
        how_to_obtain: Three lines for what cannot be fetched: who gives it, what to take, where to put it.
    """

    name: str
    title: str
    licence: str
    files: tuple[RemoteFile, ...] = ()
    addresses: tuple[Address, ...] = ()
    how_to_obtain: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files, or 0 where that of one is not known."""
        sizes = [file.size for file in self.files]
        return sum(sizes) if all(sizes) else 0
