"""ITOP (Haque et al. 2016): 3D joints of people before a depth camera, side view."""

from pathlib import Path

import numpy as np
import torch

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.poses import PoseSet
from course_lib.datasets.text import AGAIN
from course_lib.geometry.skeletons import ITOP_15

FARTHEST = 20.0  # metres; the camera sees less than 5


def load_itop(root: str | Path, *, split: str = "test", on_bad: str = "raise") -> PoseSet:
    """Load the joints of `itop_side_keypoints3D_<split>.mat` (A2J's copy) or `ITOP_side_<split>_labels.h5` (original).

    The files' frame is x right, y up, z forward, which is left-handed; here y points down. Rows that the original
    marks as not valid are left out.

    Args:
        root: The folder `itop` or its parent.
        split: `"test"` or `"train"`.
        on_bad: `"raise"`, or `"skip"` to leave out persons with a joint that is NaN, behind the camera or too far.

    Returns:
        Joints in metres in the camera's frame; `names` are rows of the file.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: It is damaged, or of another shape.
    """
    path = _find(Path(root), split)
    if path.suffix == ".mat":
        joints = read_mat(path, ("keypoints3D",))["keypoints3D"]
        valid = None
    else:
        arrays = read_hdf5(path, ("real_world_coordinates", "is_valid"))
        joints, valid = arrays["real_world_coordinates"], arrays["is_valid"]
    if (
        not isinstance(joints, np.ndarray)
        or joints.ndim != 3
        or joints.shape[1:] != (15, 3)
        or joints.dtype.kind != "f"
    ):
        told = f"{joints.shape} of {joints.dtype}" if isinstance(joints, np.ndarray) else type(joints).__name__
        raise DataFormatError(f"{path}: the joints are {told}, expected (n, 15, 3) floating-point numbers; {AGAIN}")
    if valid is not None and (valid.shape != joints.shape[:1] or valid.dtype.kind not in "biu"):
        raise DataFormatError(f"{path}: is_valid is {valid.shape} of {valid.dtype}, expected ({len(joints)},); {AGAIN}")
    bad, rows = BadRecords(on_bad), []
    for row in range(len(joints)):
        if valid is not None and not valid[row]:
            continue
        if not (np.abs(joints[row]) < FARTHEST).all():
            bad.report(path, f"row {row}", f"a joint is NaN or farther than {FARTHEST:g} m")
        elif not (joints[row, :, 2] > 0).all():
            bad.report(path, f"row {row}", "a joint lies behind the camera")
        else:
            rows.append(row)
    if not rows:
        why = f"; the first problem: {bad.messages[0]}" if bad.messages else ""
        raise DataFormatError(f"{path}: holds no person that could be read{why}; {AGAIN}")
    down = torch.from_numpy(joints[rows].astype(np.float32)) * torch.tensor([1.0, -1.0, 1.0])
    return PoseSet(down, ITOP_15, "camera", names=tuple(f"{path.name}/{row}" for row in rows), skipped=bad.messages)


def _find(root: Path, split: str) -> Path:
    names = (f"itop_side_keypoints3D_{split}.mat", f"ITOP_side_{split}_labels.h5")
    for folder in (root, root / "itop", root / "ITOP"):
        for name in names:
            if (folder / name).is_file():
                return folder / name
    raise FileNotFoundError(
        f"`root` (={root}) holds neither {names[0]} nor {names[1]}, nor does its folder itop: "
        "`python -m data_scripts.fetch itop` says how to obtain it"
    )
