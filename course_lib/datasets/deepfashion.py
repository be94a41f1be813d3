"""DeepFashion, In-shop Clothes Retrieval: fashion pictures, 256 x 256, and their key points (Liu et al. 2016).

Pose-transfer code flattens the original path `WOMEN/Dresses/id_00005537/05_4_full.jpg` to
`fasionWOMENDressesid0000553705_4full.jpg` (with or without the h).
"""

import functools
import re
from pathlib import Path
from typing import NamedTuple

from course_lib.datasets.errors import BadRecords
from course_lib.datasets.folders import find_folder, how_to_obtain
from course_lib.datasets.keypoint_csv import read_keypoint_csv
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.poses import KeypointSet
from course_lib.datasets.records import LazyImages

SIZE = (256, 256)
VIEWS = ("front", "side", "back", "full", "flat", "additional")
NAME = re.compile(
    rf"fash?ion(MEN|WOMEN)([A-Za-z_]+)id(\d{{8}})(\d{{2}})_(\d)({'|'.join(VIEWS)})\.jpg", re.ASCII
)  # fmt: skip


class DeepFashionName(NamedTuple):
    """What a file name says.

    Attributes:
        gender: `"MEN"` or `"WOMEN"`.
        category: Kind of clothes, as `"Dresses"`.
        item: Number of the item of clothing.
        outfit: Number of its colour or wearer.
        view: `"front"`, `"side"`, `"back"`, `"full"`, `"flat"` or `"additional"`.
    """

    gender: str
    category: str
    item: int
    outfit: int
    view: str


def parse_deepfashion_name(name: str) -> DeepFashionName:
    """Take a flattened file name apart.

    Raises:
        ValueError: It does not follow the pattern.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"`name` (={name!r}) is not like fasionWOMENDressesid0000553705_4full.jpg")
    gender, category, item, outfit, _, view = match.groups()
    return DeepFashionName(gender, category, int(item), int(outfit), view)


def load_deepfashion(
    root: str | Path,
    *,
    keypoints: str = "fasion-annotation-test.csv",
    folder: str | None = "test",
    on_bad: str = "raise",
) -> KeypointSet:
    """Key points of one split, and its pictures.

    Args:
        root: Folder with the files of key points, or the one above it (`deepfashion`).
        keypoints: File with the key points.
        folder: Folder with the pictures under their flattened names, or None to do without; they are decoded when
            asked for.
        on_bad: `"raise"` or `"skip"` for names that do not follow the pattern, wrong rows and missing pictures.

    Raises:
        FileNotFoundError: The file, or the folder of pictures, is missing.
        DataFormatError: A row is wrong, or a picture is missing.
    """
    base = find_folder(root, keypoints, below=("deepfashion",), dataset="deepfashion")
    remedy, bad = how_to_obtain("deepfashion"), BadRecords(on_bad)
    people = read_keypoint_csv(base / keypoints, size=SIZE, on_bad=on_bad, remedy=remedy)
    if folder is not None and not (base / folder).is_dir():
        raise FileNotFoundError(f"{base / folder} is missing (pass folder=None to do without): {remedy}")
    keep = []
    for row, name in enumerate(people.names):
        if NAME.fullmatch(name) is None:
            bad.report(base / keypoints, f"row {row}", f"{name[:80]!r} does not follow the pattern of DeepFashion")
        elif folder is not None and not (base / folder / name).is_file():
            bad.report(base / keypoints, f"row {row}", f"picture {base / folder / name} is missing")
        else:
            keep.append(row)
    decode = functools.partial(decode_image, mode="rgb", size=SIZE, remedy=remedy)
    kept = people[keep]
    return KeypointSet(
        points=kept.points,
        visible=kept.visible,
        skeleton=kept.skeleton,
        names=kept.names,
        images=LazyImages([base / folder / name for name in kept.names], decode) if folder is not None else None,
        skipped=(*people.skipped, *bad.messages),
    )
