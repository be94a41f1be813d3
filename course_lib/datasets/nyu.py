"""NYU hands (Tompson et al. 2014): 640 x 480 depth frames with 36 joints, of which 14 are evaluated."""

import re
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.folders import how_to_obtain
from course_lib.datasets.hand_labels import DepthCamera, HandSet, impossible, read_uvd_labels, with_images
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.text import read_text
from course_lib.geometry.skeletons import NYU_14

# The values of the common evaluation code; Crossing Nets has 588.235 and 587.084.
NYU_CAMERA = DepthCamera(588.03, 587.07, 320.0, 240.0, 480, 640)
EVALUATED = (0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32)  # rows of the 36 joints
STORED = 36
APART = 20.0  # pixels between `joint_xyz`, projected, and `joint_uvd`; they agree to a fraction of one
REMEDY = how_to_obtain("nyu")


def load_nyu(
    root: str | Path, *, split: str = "test", view: int = 1, images: bool = False, on_bad: str = "raise"
) -> HandSet:
    """Load NYU's joints, and its depth maps on request.

    The labels are taken from `<split>/joint_data.mat`, or else from the text file of the common evaluation code,
    `nyu_<split>_groundtruth_label*.txt` beside `nyu_<split>_list*.txt` (view 1 only). The crop centres that the authors
    of Crossing Nets ship are added where `center_uvd_<split>.mat` is at hand.

    Args:
        root: The folder with `train` and `test`, or one above it (`nyu`, `hands/nyu`).
        split: `"test"` or `"train"`.
        view: Camera 1, 2 or 3; 1 sees the hand from the front.
        images: Whether to add the depth maps: `(1, 480, 640)`, millimetres, decoded when asked for. All must be there.
        on_bad: `"raise"`, or `"skip"` to leave out frames with impossible joints, or depth maps that do not decode.

    Returns:
        The 14 evaluated joints; `names` are the paths of the depth maps below the folder.

    Raises:
        FileNotFoundError: No labels, or a depth map is missing.
        DataFormatError: A file is damaged, or files do not belong together.
        ValueError: An unknown split or view.
    """
    if split not in ("test", "train"):
        raise ValueError(f"`split` (={split!r}) must be 'test' or 'train'")
    if view not in (1, 2, 3):
        raise ValueError(f"`view` (={view}) must be 1, 2 or 3")
    folder, path = _find(Path(root), split, view)
    if path.suffix == ".mat":
        uvd, joints, frames, skipped = _from_mat(path, view, on_bad)
        names = tuple(f"{split}/depth_{view}_{frame + 1:07d}.png" for frame in frames)
    else:
        uvd, names, skipped = _from_text(path, on_bad)
        joints = NYU_CAMERA.to_points(uvd)
    centers = _centers(folder, split, names) if view == 1 else None
    found = HandSet(
        joints, NYU_14, "camera", names=names, intrinsics=NYU_CAMERA.matrix().repeat(len(uvd), 1, 1), skipped=skipped,
        uvd=uvd, centers_uvd=centers,
    )  # fmt: skip
    return with_images(found, folder, decode_nyu_depth, on_bad, REMEDY) if images else found


def decode_nyu_depth(path: str | Path) -> Float[Tensor, "1 480 640"]:
    """Depth in millimetres from a PNG of 8-bit colours: 256 * green + blue; red is empty.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: No such picture, or red is not empty (a colour picture).
    """
    red, green, blue = decode_image(path, "rgb8", size=(480, 640), remedy=REMEDY)
    if red.any():
        row, column = (int(i) for i in red.nonzero()[0])
        raise DataFormatError(
            f"{path}: red is {int(red[row, column])} at row {row}, column {column}; in a depth map of NYU it is 0: is "
            f"this the colour picture? {REMEDY}"
        )
    return (256 * green.float() + blue.float())[None]


def read_nyu_centers(path: str | Path) -> Float[Tensor, "n 3"]:
    """Centres of the hands from `center_uvd_<split>.mat` of Crossing Nets: u and v in pixels, depth in mm.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: It is damaged, of another shape, or holds impossible numbers.
    """
    centers = read_mat(path, ("center_uvd",), remedy=REMEDY)["center_uvd"]
    if not isinstance(centers, np.ndarray) or centers.ndim != 2 or centers.shape[1:] != (3,) or not len(centers):
        told = centers.shape if isinstance(centers, np.ndarray) else type(centers).__name__
        raise DataFormatError(f"{path}: center_uvd is {told}, expected (n, 3); {REMEDY}")
    if problem := impossible(centers.astype(np.float64)):
        raise DataFormatError(f"{path}: {problem.replace('joint', 'row')}; {REMEDY}")
    return torch.from_numpy(centers.astype(np.float32))


def _find(root: Path, split: str, view: int) -> tuple[Path, Path]:
    """The set's folder, and its file of labels."""
    folders = (root, root / "nyu", root / "hands" / "nyu")
    for folder in folders:
        if (path := folder / split / "joint_data.mat").is_file():
            return folder, path
    for folder in folders if view == 1 else ():
        if paths := sorted(folder.glob(f"nyu_{split}_groundtruth_label*.txt")):
            return folder, paths[0]
    raise FileNotFoundError(
        f"`root` (={root}) holds neither {split}/joint_data.mat nor nyu_{split}_groundtruth_label*.txt (view 1), nor "
        f"do its folders nyu and hands/nyu: {REMEDY}"
    )


def _from_mat(path: Path, view: int, on_bad: str) -> tuple[Tensor, Tensor, list[int], tuple[str, ...]]:
    """Labels, joints in metres, frame numbers from 0, and what was skipped."""
    arrays = read_mat(path, ("joint_uvd", "joint_xyz"), remedy=REMEDY)
    for name, array in arrays.items():
        shape = array.shape if isinstance(array, np.ndarray) else ()
        if len(shape) != 4 or shape[0] < view or shape[0] > 3 or shape[2:] != (STORED, 3) or not shape[1]:
            raise DataFormatError(f"{path}: {name} is {shape}, expected (3, n, {STORED}, 3), one row a view; {REMEDY}")
    if arrays["joint_uvd"].shape != arrays["joint_xyz"].shape:
        told = " and ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataFormatError(f"{path}: {told} differ; {REMEDY}")
    uvd, xyz = (arrays[name][view - 1][:, list(EVALUATED)].astype(np.float64) for name in ("joint_uvd", "joint_xyz"))
    # Stored with y up; the camera frame of the course has it down.
    points = torch.from_numpy(xyz) * torch.tensor([1e-3, -1e-3, 1e-3], dtype=torch.float64)
    bad, rows = BadRecords(on_bad), []
    projected = NYU_CAMERA.to_uvd(points).numpy()
    for row in range(len(uvd)):
        problem = impossible(uvd[row]) or impossible(projected[row])
        if not problem and (gap := np.abs(projected[row] - uvd[row]).max()) > APART:
            problem = f"joint_xyz and joint_uvd are {gap:.0f} pixels or millimetres apart"
        if problem:
            bad.report(path, f"frame {row + 1}", problem)
        else:
            rows.append(row)
    if not rows:
        raise DataFormatError(f"{path}: no frame could be read; the first problem: {bad.messages[0]}; {REMEDY}")
    return torch.from_numpy(uvd)[rows].float(), points[rows].float(), rows, bad.messages


def _from_text(path: Path, on_bad: str) -> tuple[Tensor, tuple[str, ...], tuple[str, ...]]:
    """Labels, names of the pictures, and what was skipped."""
    uvd, _, frames, skipped = read_uvd_labels(path, len(NYU_14), on_bad=on_bad, remedy=REMEDY)
    listed = path.with_name(path.name.replace("_groundtruth_label", "_list"))
    if not listed.is_file():
        raise FileNotFoundError(f"{listed} is missing, which names the pictures of {path.name}: {REMEDY}")
    names = read_text(listed, remedy=REMEDY).split()
    if len(names) != len(frames) + len(skipped):
        raise DataFormatError(
            f"{listed}: {len(names):,} names for {len(frames) + len(skipped):,} frames of {path.name}; {REMEDY}"
        )
    for line, name in enumerate(names, 1):
        if not re.fullmatch(r"(test|train)/depth_1_\d{7}\.png", name):
            raise DataFormatError(f"{listed}, line {line}: {name[:60]!r}, expected test/depth_1_0000001.png; {REMEDY}")
    return uvd, tuple(names[frame] for frame in frames), skipped


def _centers(folder: Path, split: str, names: tuple[str, ...]) -> Tensor | None:
    """Shipped centres of the frames named, where they are at hand."""
    for place in (folder, folder / "crossingNet", folder / split):
        path = place / f"center_uvd_{split}.mat"
        if path.is_file():
            centers = read_nyu_centers(path)
            rows = [int(name[-11:-4]) - 1 for name in names]
            if max(rows) >= len(centers) or min(rows) < 0:
                raise DataFormatError(f"{path}: {len(centers):,} centres, frame {max(rows) + 1:,} has none; {REMEDY}")
            return centers[rows]
    return None
