"""Market-1501: crops of pedestrians, 64 x 128, from six cameras, and their key points (Zheng et al. 2015)."""

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import find_folder, how_to_obtain
from course_lib.datasets.keypoint_csv import read_keypoint_csv
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.records import LazyImages, RecordSet
from course_lib.geometry.skeletons import OPENPOSE_18, Skeleton

SIZE = (128, 64)  # height, width
NAME = re.compile(
    r"(-1|\d{4})_c([1-6])s([1-6])_(\d{6})_(\d{2})\.jpg(?:\.jpg)?", re.ASCII
)  # one crop of the test set is .jpg.jpg
FOLDERS = ("market1501", "market1501/Market-1501-v15.09.15", "Market-1501-v15.09.15")


class MarketName(NamedTuple):
    """What a file name says: `0002_c1s1_000451_03.jpg`.

    Attributes:
        identity: The person, 1 to 1,501; 0 (`0000`) a distractor, -1 junk that evaluation leaves out.
        camera: 1 to 6.
        sequence: Of that camera, from 1.
        frame: In the sequence.
        box: Of that frame, from 1; 00 where it was drawn by hand.
    """

    identity: int
    camera: int
    sequence: int
    frame: int
    box: int


def parse_market_name(name: str) -> MarketName:
    """Take a file name apart.

    Raises:
        ValueError: It does not follow the pattern.
    """
    match = NAME.fullmatch(name)
    if match is None or int(match[1]) > 1501:
        raise ValueError(
            f"`name` (={name!r}) is not like 0002_c1s1_000451_03.jpg (person 0 to 1501 or -1, camera 1 to 6)"
        )
    return MarketName(*(int(group) for group in match.groups()))


@dataclass(frozen=True)
class MarketSet(RecordSet):
    """Crops with what their names say, and key points where a row gives them.

    Attributes:
        names: File of each crop.
        identities: Person, `(n,)`; 0 a distractor, -1 junk.
        cameras: Camera 1 to 6, `(n,)`.
        frames: Sequence and number of the frame, `(n, 2)`.
        boxes: Number of the box in its frame, `(n,)`.
        points: Key points in pixels, `(n, 18, 2)`, float32; NaN where none was found or the crop has no row.
        visible: Whether a key point was found, `(n, 18)`.
        annotated: Whether the crop has a row of key points, `(n,)`.
        images: The crops, `(3, 128, 64)` in [0, 1], decoded when asked for.
        skeleton: Order of the key points.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = (
        "names", "identities", "cameras", "frames", "boxes", "points", "visible", "annotated", "images",
    )  # fmt: skip

    names: tuple[str, ...]
    identities: Int[Tensor, " n"]
    cameras: Int[Tensor, " n"]
    frames: Int[Tensor, "n 2"]
    boxes: Int[Tensor, " n"]
    points: Float[Tensor, "n 18 2"]
    visible: Bool[Tensor, "n 18"]
    annotated: Bool[Tensor, " n"]
    images: LazyImages | Tensor | None = None
    skeleton: Skeleton = OPENPOSE_18
    skipped: tuple[str, ...] = ()


def load_market(
    root: str | Path,
    folder: str = "bounding_box_train",
    *,
    keypoints: str | None = "market-annotation-train.csv",
    on_bad: str = "raise",
) -> MarketSet:
    """The crops of one folder, sorted by name.

    Args:
        root: Folder of the set (`Market-1501-v15.09.15`), or the one above it (also named `market1501`).
        folder: `bounding_box_train`, `bounding_box_test` or `query`.
        keypoints: File with the key points in the set's folder or the one above, or None.
        on_bad: `"raise"` or `"skip"` for names that do not follow the pattern and bad rows of key points.

    Raises:
        FileNotFoundError: The folder or the file of key points is missing.
        DataFormatError: A name or a row is wrong, or no crop of the folder has a row in `keypoints`.
    """
    base = find_folder(root, folder, below=FOLDERS, dataset="market1501")
    remedy, bad = how_to_obtain("market1501"), BadRecords(on_bad)
    rows, skipped, csv = {}, (), None
    if keypoints is not None:
        csv = base / keypoints
        if not csv.is_file() and (base.parent / keypoints).is_file():  # beside the unpacked folder
            csv = base.parent / keypoints
        if not csv.is_file():
            raise FileNotFoundError(f"{csv} is missing (pass keypoints=None to do without): {remedy}")
        annotation = read_keypoint_csv(csv, size=SIZE, on_bad=on_bad, remedy=remedy)
        rows, skipped = {name: row for row, name in enumerate(annotation.names)}, annotation.skipped
    names, parsed = [], []
    for path in sorted((base / folder).iterdir()):
        if path.name == "Thumbs.db":  # the archive has one in each folder
            continue
        try:
            parsed.append(parse_market_name(path.name))
            names.append(path.name)
        except ValueError as error:
            bad.report(base / folder, path.name, str(error))
    if csv is not None and not any(name in rows for name in names):
        raise DataFormatError(f"{csv}: no row for any of the {len(names):,} crops of {base / folder}; {remedy}")
    points, visible = torch.full((len(names), 18, 2), torch.nan), torch.zeros(len(names), 18, dtype=torch.bool)
    annotated = torch.tensor([name in rows for name in names], dtype=torch.bool)
    if annotated.any():
        taken = [rows[name] for name in names if name in rows]
        points[annotated], visible[annotated] = annotation.points[taken], annotation.visible[taken]
    facts = torch.tensor(parsed, dtype=torch.int64).reshape(-1, 5)
    decode = functools.partial(decode_image, mode="rgb", size=SIZE, remedy=remedy)
    return MarketSet(
        names=tuple(names),
        identities=facts[:, 0],
        cameras=facts[:, 1],
        frames=facts[:, 2:4],
        boxes=facts[:, 4],
        points=points,
        visible=visible,
        annotated=annotated,
        images=LazyImages([base / folder / name for name in names], decode),
        skipped=(*skipped, *bad.messages),
    )
