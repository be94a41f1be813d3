"""Human3.6M in the release of Coarse-to-fine and Ordinal depth (Pavlakos et al. 2017, 2018).

`annot/valid.mat` holds a struct `annot`: joints in the camera's frame, intrinsics, image names, and centre and size of
each person; `annot/<split>.h5` holds 2D joints and the bin of each joint's depth, as the volumetric heads train on
them. The left leg comes first here (`H36M_17_LEFT`), unlike in most code for Human3.6M.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.matlab import read_mat
from course_lib.datasets.poses import KeypointSet, PoseSet
from course_lib.datasets.text import AGAIN, read_text
from course_lib.geometry.skeletons import H36M_17_LEFT

BINS = 64
FARTHEST = 1e5  # millimetres; a number beyond is no place in a studio
LIMBS = (
    *("left hip", "right hip", "pelvis to spine", "left thigh", "left shin", "right thigh", "right shin"),
    *("spine to thorax", "thorax to jaw", "left shoulder", "right shoulder", "jaw to head"),
    *("left upper arm", "left forearm", "right upper arm", "right forearm"),
)


@dataclass(frozen=True)
class C2fPoses(PoseSet):
    """3D joints with the person's place in the image.

    Attributes:
        centers: Centre of each person in pixels, `(n, 2)`.
        scales: Size of each person divided by 200 pixels, `(n,)`: the crop is 200 * scale pixels wide.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = (*PoseSet.PER_RECORD, "centers", "scales")

    centers: Float[Tensor, "n 2"] | None = None
    scales: Float[Tensor, " n"] | None = None


@dataclass(frozen=True)
class C2fBins(KeypointSet):
    """2D joints with the bin of each one's depth.

    Attributes:
        bins: Bin of the depth relative to the root, 0 (nearest) to 63, `(n, j)`; 1 to 64 in the file. Bin k lies
            between the limits k and k + 1 of `read_depth_limits`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = (*KeypointSet.PER_RECORD, "bins")

    bins: Int[Tensor, "n j"] | None = None


def load_c2f(root: str | Path, *, split: str = "valid", on_bad: str = "raise") -> C2fPoses:
    """Load the 3D joints of `annot/<split>.mat`.

    Args:
        root: The folder `h36m-sample` or `h36m` of the release, or its parent.
        split: `"valid"`; the release has 3D joints for no other.
        on_bad: `"raise"`, or `"skip"` to leave out persons with NaN joints, joints behind the camera or impossible
            intrinsics.

    Returns:
        Joints in metres in the camera's frame, joints `H36M_17_LEFT`, with intrinsics.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: It is damaged, or its fields have other shapes than the release's.
    """
    path = _find(root, f"{split}.mat")
    annot = read_mat(path, ("annot",))["annot"]
    fields = ("S", "K", "imgname", "center", "scale")
    if not isinstance(annot, dict) or any(field not in annot for field in fields):
        there = ", ".join(annot) if isinstance(annot, dict) else type(annot).__name__
        raise DataFormatError(f"{path}: `annot` holds {there}, expected a struct with {', '.join(fields)}; {AGAIN}")
    joints = annot["S"]
    count = len(joints) if isinstance(joints, np.ndarray) else 0
    if count == 0 or joints.shape != (count, 3, 17):
        raise DataFormatError(f"{path}: S is {_told(joints)}, expected n x 3 x 17; {AGAIN}")
    names = _names(path, annot["imgname"], count)
    cameras = annot["K"] if isinstance(annot["K"], list) else [annot["K"]]
    if len(cameras) != count or any(not isinstance(k, np.ndarray) or k.shape != (3, 3) for k in cameras):
        raise DataFormatError(f"{path}: K is {_told(annot['K'])}, expected {count} cells of 3 x 3; {AGAIN}")
    centers = _array(path, "center", annot["center"], (count, 2))
    scales = _array(path, "scale", annot["scale"], (count,))
    places = torch.from_numpy(np.ascontiguousarray(joints.astype(np.float64).transpose(0, 2, 1)))
    intrinsics = torch.from_numpy(np.stack(cameras).astype(np.float64))
    bad = BadRecords(on_bad)
    good = [row for row in range(count) if _good(path, row, places[row], intrinsics[row], bad)]
    if not good:
        raise DataFormatError(f"{path}: no person could be read; the first problem: {bad.messages[0]}")
    return C2fPoses(
        joints=(places[good] / 1000).float(),
        skeleton=H36M_17_LEFT,
        frame="camera",
        names=tuple(names[row] for row in good),
        intrinsics=intrinsics[good].float(),
        centers=torch.from_numpy(centers)[good].float(),
        scales=torch.from_numpy(scales)[good].float(),
        skipped=bad.messages,
    )


def load_c2f_bins(root: str | Path, *, split: str = "train", on_bad: str = "raise") -> C2fBins:
    """Load 2D joints and depth bins from `annot/<split>.h5` (`part`, `zind`, `center`, `scale`).

    The image names come from `annot/<split>_images.txt` where that is there. No complete file was at hand when this
    was written: the layout is that of the release's description.

    Args:
        root: The folder `h36m-sample` or `h36m` of the release, or its parent.
        split: `"train"` or `"valid"`.
        on_bad: `"raise"`, or `"skip"` to leave out persons with a bin outside 1 to 64 or a joint that is NaN.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: It is damaged, or its arrays have other shapes.
    """
    path = _find(root, f"{split}.h5")
    arrays = read_hdf5(path, ("part", "zind", "center", "scale"))
    count = len(arrays["part"]) if arrays["part"].ndim else 0
    points = _array(path, "part", arrays["part"], (count, 17, 2), finite=False)
    bins = _array(path, "zind", arrays["zind"], (count, 17), finite=False)
    centers = _array(path, "center", arrays["center"], (count, 2))
    scales = _array(path, "scale", arrays["scale"], (count,))
    listed = path.with_name(f"{split}_images.txt")
    names = tuple(read_text(listed).split()) if listed.is_file() else ()
    if names and len(names) != count:
        raise DataFormatError(f"{listed}: {len(names):,} names for {count:,} persons of {path.name}; {AGAIN}")
    bad, good = BadRecords(on_bad), []
    for row in range(count):
        if not (np.abs(points[row]) < FARTHEST).all():
            bad.report(path, f"row {row}", "a joint of `part` is no place in an image")
        elif not ((bins[row] >= 1) & (bins[row] <= BINS) & (bins[row] == np.round(bins[row]))).all():
            bad.report(path, f"row {row}", f"a depth bin of `zind` is no whole number from 1 to {BINS}")
        else:
            good.append(row)
    if not good:
        raise DataFormatError(f"{path}: holds no person that could be read{_first(bad)}; {AGAIN}")
    return C2fBins(
        points=torch.from_numpy(points)[good].float(),
        visible=torch.ones(len(good), 17, dtype=torch.bool),
        skeleton=H36M_17_LEFT,
        names=tuple(names[row] for row in good) if names else (),
        centers=torch.from_numpy(centers)[good].float(),
        scales=torch.from_numpy(scales)[good].float(),
        bins=torch.from_numpy(bins)[good].long() - 1,
        skipped=bad.messages,
    )


def read_depth_limits(path: str | Path) -> Float[Tensor, " edges"]:
    """The 65 edges of the 64 depth bins in `voxel_limits.mat`, metres relative to the root, nearest first."""
    path = Path(path)
    limits = _array(path, "limits", read_mat(path, ("limits",))["limits"], (BINS + 1,)) / 1000
    if not (np.diff(limits) > 0).all():
        raise DataFormatError(f"{path}: the limits do not grow from bin to bin; {AGAIN}")
    return torch.from_numpy(limits).float()


def read_limb_lengths(path: str | Path) -> dict[str, float]:
    """Mean limb lengths of the training subjects in `limb_train.mat`, metres, by name."""
    path = Path(path)
    lengths = _array(path, "Ltr", read_mat(path, ("Ltr",))["Ltr"], (len(LIMBS),)) / 1000
    if not ((lengths > 0) & (lengths < 1)).all():
        raise DataFormatError(f"{path}: a limb of {lengths.min():g} to {lengths.max():g} m, expected 0 to 1; {AGAIN}")
    return dict(zip(LIMBS, lengths.tolist(), strict=True))


def _find(root: str | Path, name: str) -> Path:
    root = Path(root)
    folders = ("annot", "h36m-sample/annot", "h36m/h36m-sample/annot", "h36m/annot", "")
    for folder in folders:
        if (root / folder / name).is_file():
            return root / folder / name
    raise FileNotFoundError(
        f"`root` (={root}) holds no annot/{name}, nor do its folders h36m and h36m-sample: "
        "`python -m data_scripts.fetch h36m` says how to obtain it"
    )


def _array(path: Path, name: str, value: object, shape: tuple[int, ...], *, finite: bool = True) -> np.ndarray:
    """Numbers of a shape; axes of length 1 at either end are dropped."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        if value.shape in ((*shape, 1), (1, *shape)):
            value = value.reshape(shape)
        if value.shape == shape:
            value = value.astype(np.float64)
            if finite and not (np.abs(value) < FARTHEST).all():
                raise DataFormatError(
                    f"{path}: {name} holds a number that is not finite or beyond {FARTHEST:g}; {AGAIN}"
                )
            return value
    raise DataFormatError(f"{path}: {name} is {_told(value)}, expected {' x '.join(map(str, shape))} numbers; {AGAIN}")


def _names(path: Path, value: object, count: int) -> Sequence[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or len(names) != count or not all(isinstance(name, str) for name in names):
        raise DataFormatError(f"{path}: imgname is {_told(value)}, expected {count} names; {AGAIN}")
    return names


def _told(value: object) -> str:
    """What a value is, for messages."""
    if isinstance(value, np.ndarray):
        return f"{' x '.join(map(str, value.shape))} of {value.dtype}"
    return f"{len(value)} cells" if isinstance(value, list) else type(value).__name__


def _good(path: Path, row: int, joints: Tensor, camera: Tensor, bad: BadRecords) -> bool:
    """Whether one person's numbers are possible."""
    if not bool((joints.abs() < FARTHEST).all()):
        bad.report(path, f"row {row}", "a joint of S is NaN or farther than 100 m")
    elif not bool((joints[:, 2] > 0).all()):
        bad.report(path, f"row {row}", "a joint of S lies behind the camera")
    elif not (camera.abs() < FARTHEST).all() or camera.diagonal().min() <= 0 or camera[2].tolist() != [0, 0, 1]:
        bad.report(path, f"row {row}", "K is no camera matrix (positive focal lengths, last row 0 0 1)")
    else:
        return True
    return False


def _first(bad: BadRecords) -> str:
    return f"; the first problem: {bad.messages[0]}" if bad.messages else ""
