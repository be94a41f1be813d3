"""Small sets of persons in pictures: LSP and its extension, MPII, ordinal depth, Market-1501, DeepFashion."""

from pathlib import Path

import numpy as np

from course_lib.datasets.deepfashion import load_deepfashion
from course_lib.datasets.examples.containers import save_hdf5, save_mat, save_picture, shaded
from course_lib.datasets.examples.example import Example
from course_lib.datasets.lsp import load_lsp, load_lsp_extended
from course_lib.datasets.market import load_market
from course_lib.datasets.mpii import load_mpii
from course_lib.datasets.ordinal import load_ordinal

# A standing person seen from the front in a picture of 24 x 32 pixels, in the order of LSP (the person's right is on
# the left of the picture); the last two stand for the pelvis and the thorax of MPII.
STANDING = np.array(
    [
        *([9, 29], [9, 23], [9, 17], [14, 17], [14, 23], [14, 29]),
        *([5, 17], [6, 13], [8, 9], [15, 9], [17, 13], [18, 17], [11.5, 8], [11.5, 3], [11.5, 17], [11.5, 9]),
    ]
)  # fmt: skip
MPII_ROWS = [0, 1, 2, 3, 4, 5, 14, 15, 12, 13, 6, 7, 8, 9, 10, 11]
CROPS = {
    "0002_c1s1_000451_03.jpg": "0002_c1s1_000451_03.jpg: [22, 40, 41, 62, 84, 40, 62, 85, 80, 99, 118, 80, 99, -1, "
    "20, 20, 22, -1]: [31, 32, 21, 18, 16, 43, 46, 48, 25, 24, 23, 39, 40, -1, 29, 34, 26, -1]",
    "0002_c2s1_000801_01.jpg": "0002_c2s1_000801_01.jpg: [20, 38, 38, 60, 82, 38, 61, 83, 79, 98, 117, 79, 98, 117, "
    "18, 18, 20, 20]: [31, 32, 21, 18, 16, 43, 46, 48, 25, 24, 23, 39, 40, 41, 29, 34, 26, 37]",
    "-1_c3s2_000101_00.jpg": "",
    "0000_c6s3_012345_02.jpg": "",
}


def _standing(count: int) -> np.ndarray:
    """`(count, 16, 2)` positions, each person a little to the right of the one before."""
    return STANDING + np.arange(count)[:, None, None] * [0.5, 0.0]


def _pictures(folder: Path, names: list[str], height: int = 32, width: int = 24) -> None:
    folder.mkdir(parents=True)
    for seed, name in enumerate(names):
        save_picture(folder / name, shaded(height, width, seed=seed))


def write_lsp(folder: Path) -> Path:
    """Write three people; 3 x 14 x N, the third row marks what is occluded."""
    joints = np.zeros((3, 14, 3))
    joints[:2] = _standing(3)[:, :14].transpose(2, 1, 0)
    joints[2, 6, 1] = 1
    save_mat(folder / "joints.mat", {"joints": joints}, packed=False)
    _pictures(folder / "images", [f"im{number:04d}.jpg" for number in (1, 2, 3)])
    return folder


def write_lsp_extended(folder: Path) -> Path:
    """Write three people; 14 x 3 x N, the third column marks what is visible."""
    joints = np.ones((14, 3, 3))
    joints[:, :2] = _standing(3)[:, :14].transpose(1, 2, 0)
    joints[6, :, 1] = (-7.0, 99.0, 0.0)
    save_mat(folder / "joints.mat", {"joints": joints})
    _pictures(folder / "images", [f"im{number:05d}.jpg" for number in (1, 2, 3)])
    return folder


def write_mpii(folder: Path) -> Path:
    """Write three people in two pictures; places count from 1, (0, 0) is missing."""
    part = _standing(3)[:, MPII_ROWS] + 1
    part[1, 0] = 0
    names = ["000000001.jpg", "000000002.jpg", "000000002.jpg"]
    (folder / "annot").mkdir()
    arrays = {
        "center": part[:, 6],
        "imgname": np.array([name.encode() for name in names]),
        "index": np.array([1.0, 2.0, 2.0]),
        "normalize": np.full(3, 3.75),
        "part": part,
        "person": np.array([0.0, 0.0, 1.0]),
        "scale": np.full(3, 0.14),
        "torsoangle": np.zeros(3),
        "visible": (part[..., 0] > 0).astype(np.float64),
    }
    save_hdf5(folder / "annot" / "valid.h5", arrays)
    (folder / "annot" / "valid_images.txt").write_text("".join(f"{name}\n" for name in names))
    _pictures(folder / "images", names[:2])
    return folder


def _write_ordinal(folder: Path, rows: list[int], pictures: list[str]) -> Path:
    """Write three people whose joints lie the farther, the higher their number; some pairs are open."""
    joints = np.zeros((3, len(rows), 3))
    joints[:2] = _standing(3)[:, rows].transpose(2, 1, 0)
    rank = np.arange(len(rows)) // 2
    relation = np.repeat(np.sign(rank[:, None] - rank)[None], 3, 0).astype(np.float64)
    relation[1, 0, 5] = relation[1, 5, 0] = np.nan
    relation[2, 3, 9] = np.nan
    save_mat(folder / "joints.mat", {"joints": joints})
    save_mat(folder / "ordinal.mat", {"ord": relation}, packed=False)
    _pictures(folder / "images", pictures)
    return folder


def write_ordinal_lsp(folder: Path) -> Path:
    """Write the LSP half."""
    return _write_ordinal(folder, list(range(14)), [f"im{number:04d}.jpg" for number in (1, 2, 3)])


def write_ordinal_mpii(folder: Path) -> Path:
    """Write the MPII half; its pictures sort by number, not by letter."""
    return _write_ordinal(folder, MPII_ROWS, ["9_full.jpg", "10_full.jpg", "12172_full.jpg"])


def write_market(folder: Path) -> Path:
    """Write two crops with key points, one of junk and one of a distractor."""
    _pictures(folder / "bounding_box_train", list(CROPS), 128, 64)
    rows = "".join(f"{row}\n" for row in CROPS.values() if row)
    (folder / "market-annotation-train.csv").write_text(f"name:keypoints_y:keypoints_x\n{rows}")
    (folder / "market-pairs-train.csv").write_text("from,to\n" + ",".join(list(CROPS)[:2]) + "\n")
    return folder


def write_deepfashion(folder: Path) -> Path:
    """Write two pictures with key points; what `_full` in a name shows need not be the whole person."""
    names = ["fasionWOMENDressesid0000553705_4full.jpg", "fashionMENShirts_Polosid0000180202_1front.jpg"]
    _pictures(folder / "test", names, 256, 256)
    ys = [24, 49, 49, 86, 116, 49, 85, 117, 114, 167, 216, 114, 168, 214, 19, 19, 20, -1]
    xs = [129, 122, 103, 95, 83, 141, 144, 155, 112, 118, 125, 134, 126, 122, 124, 132, 115, -1]
    rows = "".join(f"{name}: {ys}: {xs}\n" for name in names)
    (folder / "fasion-annotation-test.csv").write_text(f"name:keypoints_y:keypoints_x\n{rows}")
    return folder


EXAMPLES = (
    Example("lsp", write_lsp, load_lsp, ("joints.mat", "images/im0002.jpg"), True),
    Example("lspet", write_lsp_extended, load_lsp_extended, ("joints.mat", "images/im00002.jpg"), True,
            lambda data: load_lsp_extended(data)),
    Example("mpii", write_mpii, load_mpii, ("annot/valid.h5", "annot/valid_images.txt"), True,
            lambda data: load_mpii(data, images=False)),
    Example("ordinal depth, LSP", write_ordinal_lsp, load_ordinal, ("ordinal.mat", "joints.mat"), True),
    Example("ordinal depth, MPII", write_ordinal_mpii, lambda root: load_ordinal(root, "mpii"),
            ("ordinal.mat", "joints.mat"), True),
    Example("market1501", write_market, load_market, ("market-annotation-train.csv",), False,
            lambda data: load_market(data, "images")),
    Example("deepfashion", write_deepfashion, load_deepfashion, ("fasion-annotation-test.csv",), False,
            lambda data: load_deepfashion(data, folder=None)),
)  # fmt: skip
