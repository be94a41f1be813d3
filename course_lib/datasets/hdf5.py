"""HDF5 files: plain arrays by name, and nothing else of what the format can do."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.text import AGAIN, is_page

SIGNATURE = b"\x89HDF\r\n\x1a\n"
FILTERS = {1: "gzip", 2: "shuffle", 3: "checksum"}  # built in; others would load a library from a folder
DEFLATE = 1032  # deflate packs at most this many bytes into one


def read_hdf5(path: str | Path, names: Sequence[str], *, remedy: str = AGAIN) -> dict[str, np.ndarray]:
    """Read some arrays of numbers or byte strings.

    Links to other files, virtual and external storage and filters that HDF5 would load from a library are refused.

    Args:
        path: The file.
        names: Arrays to read; `group/array` for one inside a group.
        remedy: What to do about a bad file; ends every message.

    Returns:
        The arrays by name, in the order of `names`.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: No HDF5 file, cut off or damaged; an array is missing, or declares more than the file holds.
        ImportError: h5py is not installed.
    """
    path = Path(path)
    with path.open("rb") as stream:
        start = stream.read(1024)
    if start[:8] != SIGNATURE and start[512:520] != SIGNATURE:  # MATLAB 7.3 puts 512 bytes in front
        what = "this is a web page" if is_page(start) else f"starts with 0x{start[:8].hex()}"
        raise DataFormatError(f"{path}: {what}, expected the signature of HDF5; {remedy}")
    h5py = _h5py()
    try:
        with h5py.File(path, "r", locking=False) as file:
            return {name: _read_one(h5py, file, name, path, remedy) for name in names}
    except DataFormatError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # h5py raises OSError, KeyError, RuntimeError, ValueError, TypeError and more
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataFormatError(f"{path}: the HDF5 file is cut off or damaged ({first}); {remedy}") from None


def quiet_nan(array: np.ndarray) -> np.ndarray:
    """The same array with each NaN the ordinary one: NumPy warns at signalling NaN, which damaged files hold."""
    if array.dtype.kind == "f" and array.ndim:
        array[np.isnan(array)] = np.nan
    return array


def _h5py():
    try:
        import h5py
    except ImportError:
        raise ImportError('h5py reads HDF5 files: install it with  pip install "bound-by-bound[data]"') from None
    return h5py


def _read_one(h5py, file, name: str, path: Path, remedy: str) -> np.ndarray:
    """One array, once its declared size has been compared with what is stored."""
    where = f"{path}, array {name!r}"
    place = file
    for part in name.split("/"):
        link = place.get(part, getlink=True) if isinstance(place, h5py.Group) and part in place else None
        if link is None:
            there = ", ".join(sorted(map(str, file))[:12])
            raise DataFormatError(f"{where}: missing; the file holds {there or 'nothing'}; {remedy}")
        if not isinstance(link, h5py.HardLink):
            raise DataFormatError(f"{where}: a link ({type(link).__name__}), expected the array itself; {remedy}")
        place = place[part]
    if not isinstance(place, h5py.Dataset):
        raise DataFormatError(f"{where}: a {type(place).__name__}, expected an array; {remedy}")
    if place.shape is None or place.dtype.kind not in "biufS" or h5py.check_dtype(ref=place.dtype):
        raise DataFormatError(f"{where}: type {place.dtype}, expected numbers or byte strings; {remedy}")
    if place.is_virtual or place.external:
        raise DataFormatError(f"{where}: stored in other files, expected the data themselves; {remedy}")
    properties = place.id.get_create_plist()
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    if unknown := [number for number in filters if number not in FILTERS]:
        raise DataFormatError(f"{where}: packed by filter {unknown[0]}, only {', '.join(FILTERS.values())}; {remedy}")
    declared, stored = place.size * place.dtype.itemsize, place.id.get_storage_size()
    if stored > path.stat().st_size or declared > stored * (DEFLATE if 1 in filters else 1):
        shape = " x ".join(map(str, place.shape))
        raise DataFormatError(
            f"{where}: declares {shape} of {place.dtype} = {declared:,} bytes, {stored:,} are stored in a file of "
            f"{path.stat().st_size:,}; {remedy}"
        )
    return quiet_nan(place[()])
