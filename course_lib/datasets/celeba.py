"""CelebA: 202,599 faces of 10,177 people with 40 attributes, aligned and cropped (Liu et al. 2015)."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from course_lib.datasets.archives import ZipEntry, read_entry, safe_entries
from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import find_folder, how_to_obtain
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.records import LazyImages, RecordSet
from course_lib.datasets.text import read_text

ATTRIBUTES = (
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses",
    "Goatee", "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes",
    "No_Beard", "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling",
    "Straight_Hair", "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace",
    "Wearing_Necktie", "Young",
)  # fmt: skip
SIZES = ((218, 178), (109, 89))  # height, width: as published, and the halved copy many people have
NAME = re.compile(r"\d{6}\.jpg", re.ASCII)
PEOPLE = 10_177
SPLITS = ("train", "valid", "test")
LIST, IDENTITY, PARTITION, PICTURES = (
    "list_attr_celeba.txt", "identity_CelebA.txt", "list_eval_partition.txt", "img_align_celeba",
)  # fmt: skip
REMEDY = how_to_obtain("celeba")


@dataclass(frozen=True)
class FaceSet(RecordSet):
    """Faces with their attributes.

    Attributes:
        names: File of each picture.
        attributes: Whether each of `ATTRIBUTES` holds, `(n, 40)`.
        identities: Number of the person, 1 to 10,177, `(n,)`; None where not asked for.
        splits: 0 training, 1 validation, 2 test, `(n,)`; None where the set comes without them.
        images: RGB in [0, 1], `(3, 218, 178)` or `(3, 109, 89)`, decoded when asked for.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ("names", "attributes", "identities", "splits", "images")

    names: tuple[str, ...]
    attributes: Bool[Tensor, "n 40"]
    identities: Int[Tensor, " n"] | None = None
    splits: Int[Tensor, " n"] | None = None
    images: LazyImages | Tensor | None = None
    skipped: tuple[str, ...] = ()

    def attribute(self, name: str) -> Bool[Tensor, " n"]:
        """Whether one attribute holds for each face: `faces[faces.attribute("Big_Nose")]` is a biased subset."""
        if name not in ATTRIBUTES:
            raise ValueError(f"`name` (={name!r}) must be one of {', '.join(ATTRIBUTES)}")
        return self.attributes[:, ATTRIBUTES.index(name)]

    def split(self, name: str) -> "FaceSet":
        """The faces of the published training, validation or test part."""
        if name not in SPLITS:
            raise ValueError(f"`name` (={name!r}) must be one of {', '.join(SPLITS)}")
        if self.splits is None:
            raise ValueError(f"this set came without {PARTITION}, which names the parts")
        return self[self.splits == SPLITS.index(name)]


def load_celeba(
    root: str | Path,
    *,
    images: str | None = "",
    identities: bool = True,
    partial: bool = False,
    verify: bool = False,
    on_bad: str = "raise",
) -> FaceSet:
    """CelebA in its original files: one list of attributes, one of people, pictures in a zip or a folder.

    Args:
        root: Folder with `list_attr_celeba.txt`, or the one above it.
        images: Zip or folder with the pictures, relative to the set's folder; by default `img_align_celeba.zip` or,
            where that is missing, the folder `img_align_celeba`. None: no pictures.
        identities: Whether `identity_CelebA.txt` is wanted.
        partial: Whether it is right that only some of the listed faces have a picture; the others are left out.
        verify: Decode every picture at once, so that `on_bad` holds for undecodable ones too.
        on_bad: `"raise"` or `"skip"` for bad rows and names that are in one file but not in another.

    Returns:
        The faces in the order of the list; with the published parts where `list_eval_partition.txt` is there.

    Raises:
        FileNotFoundError: A file is missing.
        DataFormatError: A file is damaged, the count or the 40 names are wrong, the files belong to different sets, or
            the zip is not safe.
    """
    folder = find_folder(root, LIST, below=("celeba", "CelebA", "Anno", "celeba/Anno"), dataset="celeba")
    bad = BadRecords(on_bad)
    attributes = read_celeba_attributes(folder / LIST, bad)
    columns = {}
    if identities:
        columns["identities"] = IDENTITY, read_celeba_numbers(_there(folder / IDENTITY), 1, PEOPLE, bad)
    if (folder / PARTITION).is_file():
        columns["splits"] = PARTITION, read_celeba_numbers(folder / PARTITION, 0, 2, bad)
    pictures, decode = _pictures(folder, images) if images is not None else (None, None)
    if pictures is not None:
        columns["images"] = images or PICTURES, pictures
    kept = _in_all(folder, attributes, columns, bad, partial)
    if verify and pictures is not None:
        readable = LazyImages([pictures[name] for name in kept], decode).readable(bad)
        kept = [kept[row] for row in readable]
    if not kept:
        raise DataFormatError(f"{folder}: no face is in all of {', '.join(file for file, _ in columns.values())}")
    numbers = {
        field: torch.tensor([rows[name] for name in kept]) for field, (_, rows) in columns.items() if field != "images"
    }
    return FaceSet(
        names=tuple(kept),
        attributes=torch.tensor([attributes[name] for name in kept]),
        images=LazyImages([pictures[name] for name in kept], decode) if pictures is not None else None,
        skipped=bad.messages,
        **numbers,
    )


def read_celeba_attributes(path: str | Path, bad: BadRecords | None = None) -> dict[str, list[bool]]:
    """Read `list_attr_celeba.txt`: a count, the 40 names, then a file and 40 times -1 or 1 in each line.

    Args:
        path: The file.
        bad: What to do with bad rows; by default they raise.

    Returns:
        For each file name whether each of `ATTRIBUTES` holds, in that order whatever the order of the file.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: The count, the names or a row is wrong.
    """
    bad = bad or BadRecords("raise")
    lines = read_text(path, remedy=REMEDY).splitlines()
    count, titles = (lines + ["", ""])[:2]
    if not re.fullmatch(r"\d{1,9}", count.strip(), re.ASCII):
        raise DataFormatError(f"{path}, line 1: {count[:40]!r}, expected the number of faces; {REMEDY}")
    order = titles.split()
    if sorted(order) != sorted(ATTRIBUTES):
        odd = [name for name in order if name not in ATTRIBUTES] or ["some come twice or are missing"]
        raise DataFormatError(
            f"{path}, line 2: {len(order)} names ({odd[0][:40]}), expected the 40 attributes of CelebA; {REMEDY}"
        )
    rows = lines[2:]
    if len(rows) != int(count):
        raise DataFormatError(f"{path}: {len(rows):,} rows, line 1 says {int(count):,}: cut off? {REMEDY}")
    columns = [order.index(name) for name in ATTRIBUTES]
    found: dict[str, list[bool]] = {}
    for number, line in enumerate(rows, 3):
        name, *values = line.split() or [""]
        if not NAME.fullmatch(name) or name in found:
            bad.report(path, f"line {number}", f"{name[:40]!r}, expected a new name like 000001.jpg")
        elif len(values) != 40 or values.count("1") + values.count("-1") != 40:
            bad.report(path, f"line {number}", f"{len(values)} values, expected 40 of -1 or 1")
        else:
            found[name] = [values[column] == "1" for column in columns]
    return found


def read_celeba_numbers(path: str | Path, low: int, high: int, bad: BadRecords | None = None) -> dict[str, int]:
    """Read `identity_CelebA.txt` (1 to 10,177) or `list_eval_partition.txt` (0 to 2): a file and a number in each line.

    Args:
        path: The file.
        low: Smallest number.
        high: Largest number.
        bad: What to do with bad rows; by default they raise.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: A row is wrong.
    """
    bad = bad or BadRecords("raise")
    found: dict[str, int] = {}
    for number, line in enumerate(read_text(path, remedy=REMEDY).splitlines(), 1):
        words = line.split()
        if len(words) != 2 or not NAME.fullmatch(words[0]) or words[0] in found:
            bad.report(path, f"line {number}", f"{line[:60]!r}, expected a new name like 000001.jpg and a number")
        elif not re.fullmatch(r"\d{1,9}", words[1], re.ASCII) or not low <= int(words[1]) <= high:
            bad.report(path, f"line {number}", f"{words[1][:20]!r}, expected a number from {low} to {high}")
        else:
            found[words[0]] = int(words[1])
    return found


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing (pass identities=False to do without): {REMEDY}")
    return path


def _pictures(folder: Path, images: str) -> tuple[dict[str, Path | ZipEntry], functools.partial]:
    """The pictures by name, and how to decode them; their size is that of the first."""
    choices = [folder / images] if images else [folder / f"{PICTURES}.zip", folder / PICTURES]
    place = next((path for path in choices if path.exists()), None)
    if place is None:
        told = " nor ".join(map(str, choices))
        raise FileNotFoundError(f"neither {told} is there (pass images=None to do without): {REMEDY}")
    if place.is_dir():
        found = {path.name: path for path in sorted(place.iterdir()) if NAME.fullmatch(path.name)}
    else:
        found = {}
        for name, entry in safe_entries(place, remedy=REMEDY).items():
            short = name.rpartition("/")[2]
            if not NAME.fullmatch(short) or short in found:
                raise DataFormatError(f"{place}, entry {name[:100]!r}: expected new names like 000001.jpg; {REMEDY}")
            found[short] = entry
    if not found:
        raise DataFormatError(f"{place}: no pictures named like 000001.jpg; {REMEDY}")
    return found, functools.partial(_decode, sizes=(_size(found),))


def _size(pictures: dict[str, Path | ZipEntry]) -> tuple[int, int]:
    """Height and width that all pictures must have: those of the first one that decodes."""
    for source in list(pictures.values())[:10]:
        try:
            return tuple(_decode(source, sizes=SIZES).shape[1:])
        except DataFormatError as error:
            problem = error
    raise problem


def _decode(source: Path | ZipEntry, *, sizes: tuple[tuple[int, int], ...]) -> Tensor:
    raw = read_entry(source, remedy=REMEDY) if isinstance(source, ZipEntry) else source
    picture = decode_image(raw, "rgb", name=str(source), max_pixels=SIZES[0][0] * SIZES[0][1], remedy=REMEDY)
    if tuple(picture.shape[1:]) not in sizes:
        told = " or ".join(f"{width} x {height}" for height, width in sizes)
        raise DataFormatError(
            f"{source}: {picture.shape[2]} x {picture.shape[1]} pixels (width x height), expected {told}; {REMEDY}"
        )
    return picture


def _in_all(folder: Path, attributes: dict, columns: dict[str, tuple[str, dict]], bad: BadRecords, partial: bool):
    """Names that every file has, in the order of the list; the others are reported."""
    kept = dict.fromkeys(attributes)
    for field, (file, rows) in columns.items():
        for name in rows:
            if name not in attributes:
                bad.report(folder / file, name, f"no such face in {LIST}: do the two belong together?")
        missing = [name for name in kept if name not in rows]
        for name in missing:
            del kept[name]
            if not (partial and field == "images"):
                how = " (partial=True takes the faces that have one)" if field == "images" else ""
                bad.report(folder / file, name, f"missing, but {LIST} has it{how}")
    return list(kept)
