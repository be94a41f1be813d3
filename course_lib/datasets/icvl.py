"""ICVL hands (Tang et al. 2014): 320 x 240 depth frames with 16 joints.

In the frame that labels and intrinsics give they are left hands throughout, where those of NYU and MSRA are right
hands: either left hands were filmed or the pictures are mirrored. Negate x to train one network on all three sets.
"""

from pathlib import Path, PurePosixPath

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.folders import how_to_obtain
from course_lib.datasets.hand_labels import DepthCamera, HandSet, read_uvd_labels, with_images
from course_lib.datasets.pictures import decode_image
from course_lib.geometry.skeletons import ICVL_16

# The values of the common evaluation code; 241.42 is often quoted.
ICVL_CAMERA = DepthCamera(240.99, 240.96, 160.0, 120.0, 240, 320)
FILES = {"test": ("test_seq_1.txt", "test_seq_2.txt"), "train": ("labels.txt",)}
HALVES = {"test": "Testing", "train": "Training"}
NOTHING_MM = 5000.0  # the camera writes 32001 where it measures nothing
REMEDY = how_to_obtain("icvl")


def load_icvl(root: str | Path, *, split: str = "test", images: bool = False, on_bad: str = "raise") -> HandSet:
    """Load ICVL's joints, and its depth maps on request.

    Args:
        root: The folder with `Testing` and `Training`, one of these two, or one above (`icvl`, `hands/icvl`).
        split: `"test"` (the sequences 1 and 2, those that are there) or `"train"` (`labels.txt`).
        images: Whether to add the depth maps from the folder `Depth`: `(1, 240, 320)`, millimetres, 0 where nothing
            was measured, decoded when asked for. All must be there.
        on_bad: `"raise"`, or `"skip"` to leave out lines that are bad, or depth maps that do not decode.

    Returns:
        16 joints of each hand; `names` are the paths below `Depth`.

    Raises:
        FileNotFoundError: No labels, or a depth map is missing.
        DataFormatError: A file is damaged.
        ValueError: An unknown split.
    """
    if split not in FILES:
        raise ValueError(f"`split` (={split!r}) must be 'test' or 'train'")
    paths = _find(Path(root), split)
    parts = [read_uvd_labels(path, len(ICVL_16), named=True, on_bad=on_bad, remedy=REMEDY) for path in paths]
    uvd = torch.cat([part[0] for part in parts])
    names = tuple(name for part in parts for name in part[1])
    for name in names:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise DataFormatError(f"{paths[0]}: the picture {name[:80]!r} lies outside of the folder Depth; {REMEDY}")
    found = HandSet(
        ICVL_CAMERA.to_points(uvd), ICVL_16, "camera", names=names,
        intrinsics=ICVL_CAMERA.matrix().repeat(len(uvd), 1, 1),
        skipped=tuple(line for part in parts for line in part[3]), uvd=uvd,
    )  # fmt: skip
    return with_images(found, paths[0].parent / "Depth", decode_icvl_depth, on_bad, REMEDY) if images else found


def decode_icvl_depth(path: str | Path) -> Float[Tensor, "1 240 320"]:
    """Depth in millimetres from a 16-bit PNG; 0 where the camera measured nothing (32001 in the file).

    The hand of the test sequences is nearer than 500 mm, and Crossing Nets takes all beyond for background.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: No such picture.
    """
    depth = decode_image(path, "depth16", size=(240, 320), remedy=REMEDY)
    return torch.where(depth < NOTHING_MM, depth, 0.0)


def _find(root: Path, split: str) -> list[Path]:
    """Files of labels."""
    folders = [root, *(root / name for name in ("icvl", "hands/icvl"))]
    for folder in (place for one in folders for place in (one / HALVES[split], one)):
        if found := [folder / name for name in FILES[split] if (folder / name).is_file()]:
            return found
    raise FileNotFoundError(
        f"`root` (={root}) holds no {' or '.join(FILES[split])}, nor do its folders {HALVES[split]}, icvl and "
        f"hands/icvl: {REMEDY}"
    )
