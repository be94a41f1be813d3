"""Writers of small motion files and annotated poses: BVH, ASF/AMC, exponential maps, Coarse-to-fine, ITOP."""

import gzip
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from course_lib.datasets.c2f import load_c2f, load_c2f_bins
from course_lib.datasets.cmu import BONES, BUILDER, ICLONE, STUDIO, load_cmu
from course_lib.datasets.examples.containers import save_hdf5, save_mat
from course_lib.datasets.examples.example import Example
from course_lib.datasets.expmaps import CMU_OFFSETS
from course_lib.datasets.h36m import load_h36m
from course_lib.datasets.itop import load_itop
from course_lib.geometry.skeletons import CMU_38, CMU_ASF_31, H36M_17_LEFT, ICLONE_24, ITOP_15, Skeleton

FRAMES = 4

# Places of the joints of a person who stands upright, arms down: x to the left, y up, z to the front, metres.
_STANDING = {
    "root": (0, 1, 0), "pelvis": (0, 0.92, 0), "hip": (0.1, 0.92, 0), "knee": (0.1, 0.5, 0.01), "ankle": (0.1, 0.08, 0),
    "toe": (0.1, 0.02, 0.15), "toe_end": (0.1, 0.02, 0.2), "foot": (0.1, 0.05, 0.05), "lower_back": (0, 1.01, 0),
    "waist": (0, 1.08, 0), "spine": (0, 1.15, 0), "chest": (0, 1.15, 0), "torso": (0, 1.15, 0),
    "upper_chest": (0, 1.27, 0), "thorax": (0, 1.4, 0), "neck": (0, 1.45, 0), "neck_middle": (0, 1.48, 0),
    "jaw": (0, 1.52, 0.06), "head_base": (0, 1.56, 0), "head": (0, 1.6, 0.03), "head_top": (0, 1.68, 0),
    "collar": (0.02, 1.38, 0), "shoulder": (0.18, 1.4, 0), "elbow": (0.2, 1.12, 0), "wrist": (0.2, 0.88, 0.03),
    "hand": (0.2, 0.8, 0.04), "fingers": (0.2, 0.76, 0.05), "fingers_end": (0.2, 0.73, 0.05),
    "thumb_end": (0.18, 0.78, 0.08),
}  # fmt: skip


def _standing(skeleton: Skeleton) -> np.ndarray:
    """Joints of the standing person in the order of a skeleton."""
    places = []
    for joint in skeleton.joints:
        side, _, part = joint.partition("_")
        x, y, z = _STANDING[part if side in ("left", "right") else joint]
        places.append((-x if side == "right" else x, y, z))
    return np.array(places, dtype=np.float64)


def _offsets(skeleton: Skeleton) -> np.ndarray:
    """Each joint of the standing person relative to its parent."""
    places = _standing(skeleton)
    parents = np.array(skeleton.parents)
    return places - np.where(parents[:, None] >= 0, places[parents], 0)


def _swing(frame: int, joint: int) -> float:
    """Some angle in degrees, never the same twice."""
    return 12 * math.sin(0.7 * frame + 1.3 * joint)


def _numbers(values) -> str:
    return " ".join(f"{value:.6g}" for value in values)


# --- BVH -------------------------------------------------------------------------------------------------------------
def write_bvh(path: Path, names: tuple[str, ...], skeleton: Skeleton, offsets, frames: list[str], rate: float) -> Path:
    """Write a BVH file whose joints turn about z, y and x; joints called `..._end` become end sites.

    Args:
        path: The file; gzipped if its name ends in `.gz`.
        names: Name of each joint in the file.
        skeleton: Their tree, parents first.
        offsets: Place of each joint in its parent's frame.
        frames: The lines of the motion.
        rate: Frames per second.
    """
    lines = ["HIERARCHY"]
    children = {joint: [child for parent, child in skeleton.bones if parent == joint] for joint in range(len(skeleton))}

    def add(joint: int, depth: int) -> None:
        tab = "\t" * depth
        is_end = names[joint].endswith("_end")
        title = "End Site" if is_end else f"{'JOINT' if depth else 'ROOT'} {names[joint]}"
        lines.extend((tab + title, tab + "{", f"{tab}\tOFFSET {_numbers(offsets[joint])}"))
        if not is_end:
            position = "" if depth else "Xposition Yposition Zposition "
            lines.append(f"{tab}\tCHANNELS {3 if depth else 6} {position}Zrotation Yrotation Xrotation")
        for child in children[joint]:
            add(child, depth + 1)
        lines.append(tab + "}")

    add(0, 0)
    lines.extend(("MOTION", f"Frames: {len(frames)}", f"Frame Time: {1 / rate:.7f}", *frames))
    return _save_text(path, "\r\n".join(lines) + "\r\n")


def _channels(names: tuple[str, ...], frame: int, place: tuple[float, ...], rest: bool) -> str:
    """One line: the root's place, then three angles for each joint that turns."""
    turning = [joint for joint, name in enumerate(names) if not name.endswith("_end")]
    angles = [0.0 if rest else _swing(frame, 3 * joint + axis) for joint in turning for axis in range(3)]
    return _numbers((*place, *angles))


def _write_studio(folder: Path) -> Path:
    """The CMU conversion with 3D Studio Max names: every row is motion."""
    frames = [_channels(STUDIO, frame, (0.1 * frame, 16.5, -3 + 0.2 * frame), False) for frame in range(FRAMES)]
    (folder / "bvh").mkdir()
    write_bvh(folder / "bvh" / "35_01.bvh", STUDIO, CMU_38, CMU_OFFSETS, frames, 120)
    return folder


def _write_builder(folder: Path) -> Path:
    """The CMU conversion with MotionBuilder names, gzipped: the first row is a rest pose."""
    frames = [_channels(BUILDER, f, (0.1 * max(1, f), 16.5, 0.2 * max(1, f)), rest=f == 0) for f in range(FRAMES)]
    (folder / "bvh").mkdir()
    write_bvh(folder / "bvh" / "02_01.bvh.gz", BUILDER, CMU_38, CMU_OFFSETS, frames, 120)
    return folder


def _write_iclone(folder: Path) -> Path:
    """The re-targeted rig, in centimetres; the offset of the root is added to its place."""
    keep = [joint for joint, name in enumerate(ICLONE_24.joints) if name != "head_top"]
    rows = {joint: row for row, joint in enumerate(keep)}
    tree = Skeleton(
        "rig",
        tuple(ICLONE[joint] for joint in keep),
        tuple(rows.get(ICLONE_24.parents[joint], -1) for joint in keep),
    )
    offsets = 100 * _offsets(ICLONE_24)[keep]
    frames = [_channels(tree.joints, frame, (1.0 * frame, -2.0, 3.0), False) for frame in range(FRAMES)]
    (folder / "bvh_iclone").mkdir()
    write_bvh(folder / "bvh_iclone" / "005_06.bvh", tree.joints, tree, offsets, frames, 60)
    return folder


# --- ASF/AMC ---------------------------------------------------------------------------------------------------------
_FREEDOMS = {
    "hipjoint": "", "tibia": "rx", "foot": "rx rz", "toes": "rx", "clavicle": "ry rz", "radius": "rx", "wrist": "ry",
    "hand": "rx rz", "fingers": "rx", "thumb": "rx rz",
}  # fmt: skip


def _write_asfamc(folder: Path) -> Path:
    """A skeleton and a motion as Vicon wrote them."""
    offsets = _offsets(CMU_ASF_31) / 0.0254 * 0.45
    home = folder / "asfamc" / "02"
    home.mkdir(parents=True)
    freedoms = [_FREEDOMS.get(bone[1:], "rx ry rz") for bone in BONES]
    text = [
        "# an example", ":version 1.10", ":name VICON", ":units", "  mass 1.0", "  length 0.45", "  angle deg",
        ":documentation", "   written by hand", ":root", "   order TX TY TZ RX RY RZ", "   axis XYZ",
        "   position 0 0 0", "   orientation 0 0 0", ":bonedata",
    ]  # fmt: skip
    for row, bone in enumerate(BONES[1:], 1):
        length = float(np.linalg.norm(offsets[row]))
        limits = [f"({' ' * bool(turn)}-90.0 90.0)" for turn in freedoms[row].split()]
        text += ["  begin", f"     id {row}", f"     name {bone}", f"     direction {_numbers(offsets[row] / length)}"]
        text += [f"     length {length:.6g}", f"     axis {10 * (row % 5)} 0 {-20 if bone[0] == 'r' else 20}  XYZ"]
        if limits:
            text += [
                f"    dof {freedoms[row]}",
                f"    limits {limits[0]}",
                *(f"           {line}" for line in limits[1:]),
            ]
        text.append("  end")
    text += [":hierarchy", "  begin"]
    for row, bone in enumerate(BONES):
        if hanging := [BONES[child] for parent, child in CMU_ASF_31.bones if parent == row]:
            text.append(f"    {bone} {' '.join(hanging)}")
    _save_text(home / "02.asf", "\r\n".join([*text, "  end"]) + "\r\n")
    motion = ["#!OML:ASF an example", ":FULLY-SPECIFIED", ":DEGREES"]
    for frame in range(FRAMES):
        motion += [str(frame + 1), f"root {_numbers((0.1 * frame, 17, -30 + 0.2 * frame, 5, -10 + frame, 3))}"]
        for row, bone in enumerate(BONES[1:], 1):
            if turns := freedoms[row].split():
                motion.append(f"{bone} {_numbers(_swing(frame, 3 * row + axis) for axis in range(len(turns)))}")
    _save_text(home / "02_01.amc", "\r\n".join(motion) + "\r\n")
    return folder


# --- exponential maps ------------------------------------------------------------------------------------------------
def _write_cmu_expmaps(folder: Path) -> Path:
    """117 columns: the root's place, then rotations; the first row is a rest pose."""
    rows = []
    for frame in range(FRAMES):
        turns = np.radians([_swing(frame, column) for column in range(114)]) * (frame > 0)
        rows.append((0.4, 16.9, -30 + 0.3 * max(1, frame), *turns))
    return _write_rows(folder, folder / "expmap" / "train" / "walking" / "walking_1.txt", rows)


def _write_h36m(folder: Path) -> Path:
    """99 columns: increments of the root's place and orientation, then rotations."""
    rows = []
    for frame in range(FRAMES):
        turns = np.radians([_swing(frame, column) for column in range(93)])
        rows.append((*((0, 0, 0, 0, 0, 0) if frame == 0 else (3.0, 0.5, 14.0, 0.01, 0.02, -0.01)), *turns))
    return _write_rows(folder, folder / "dataset" / "S1" / "walking_1.txt", rows)


def _write_rows(folder: Path, path: Path, rows: list[tuple[float, ...]]) -> Path:
    path.parent.mkdir(parents=True)
    _save_text(path, "".join(",".join(f"{value:.7f}" for value in row) + "\n" for row in rows))
    return folder


# --- annotated images ------------------------------------------------------------------------------------------------
def _people(skeleton: Skeleton) -> np.ndarray:
    """People before a camera (x right, y down, z forward, metres) who face it and move a little."""
    body = _standing(skeleton)
    moves = [[0.05 * _swing(frame, joint) / 12 for joint in range(len(skeleton))] for frame in range(FRAMES)]
    places = np.stack([body + np.array(move)[:, None] * (0.3, 0.2, 1) for move in moves])
    return places * (1, -1, -1) + (0, 1, 3)


def _write_c2f(folder: Path) -> Path:
    joints = 1000 * _people(H36M_17_LEFT) + (0, 0, 2000)
    camera = np.array([[1149.7, 0, 508.8], [0, 1147.6, 508.1], [0, 0, 1]])
    names, cameras = np.empty((FRAMES, 1), object), np.empty((FRAMES, 1), object)
    for frame in range(FRAMES):
        names[frame, 0], cameras[frame, 0] = f"S9_Posing_1.55011271_{5 * frame + 1:06d}", camera
    annot = {
        "imgname": names,
        "center": np.full((FRAMES, 2), 509.05),
        "scale": np.full((FRAMES, 1), 1.906),
        "S": np.ascontiguousarray(joints.transpose(0, 2, 1)),
        "K": cameras,
    }
    (folder / "annot").mkdir()
    save_mat(folder / "annot" / "valid.mat", {"annot": annot}, packed=False)
    return folder


def _write_c2f_bins(folder: Path) -> Path:
    joints = _people(H36M_17_LEFT) + (0, 0, 2)
    bins = np.floor((1000 * (joints - joints[:, :1])[..., 2] + 1005.186) / 31.032) + 1
    arrays = {
        "part": joints[..., :2] / joints[..., 2:] * 1148 + 508,
        "zind": bins,
        "center": np.full((FRAMES, 2), 509.05),
        "scale": np.full(FRAMES, 1.906),
    }
    (folder / "annot").mkdir()
    save_hdf5(folder / "annot" / "train.h5", arrays)
    names = "".join(f"S1_Walking.54138969_{frame:06d}.jpg\n" for frame in range(FRAMES))
    _save_text(folder / "annot" / "train_images.txt", names)
    return folder


def _write_itop(folder: Path) -> Path:
    """A2J's copy; the files' y points up."""
    up = (_people(ITOP_15) * (1, -1, 1)).astype(np.float32)
    save_mat(folder / "itop_side_keypoints3D_test.mat", {"keypoints3D": up})
    return folder


def _write_itop_labels(folder: Path) -> Path:
    """The original labels, the last of them marked as not valid."""
    up = (_people(ITOP_15) * (1, -1, 1)).astype(np.float32)
    valid = np.arange(FRAMES, dtype=np.uint8) < FRAMES - 1
    save_hdf5(folder / "ITOP_side_test_labels.h5", {"real_world_coordinates": up, "is_valid": valid.astype(np.uint8)})
    return folder


def _save_text(path: Path, text: str) -> Path:
    raw = text.encode()
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path


def _cmu(kind: str) -> Callable:
    return lambda root: load_cmu(root, kind=kind)


EXAMPLES = (
    Example("cmu bvh", _write_studio, _cmu("bvh"), ("bvh/35_01.bvh",), False,
            lambda data: load_cmu(data, clips=("35_01", "02_01"))),
    Example("cmu bvh, gzipped", _write_builder, _cmu("bvh"), ("bvh/02_01.bvh.gz",), False),
    Example("cmu bvh, iClone", _write_iclone, _cmu("bvh_iclone"), ("bvh_iclone/005_06.bvh",), False,
            lambda data: load_cmu(data, kind="bvh_iclone", clips=("005_06", "002_03"))),
    Example("cmu asf/amc", _write_asfamc, _cmu("asfamc"), ("asfamc/02/02.asf", "asfamc/02/02_01.amc"), False,
            lambda data: load_cmu(data, kind="asfamc", clips=("02_01", "03_01"))),
    Example("cmu exponential maps", _write_cmu_expmaps, _cmu("expmap"), ("expmap/train/walking/walking_1.txt",), False,
            lambda data: load_cmu(data, kind="expmap", clips=("train/walking_1",))),
    Example("h36m", _write_h36m, load_h36m, ("dataset/S1/walking_1.txt",), False,
            lambda data: load_h36m(data, clips=("S1/walking_1",))),
    Example("c2f", _write_c2f, load_c2f, ("annot/valid.mat",), True, load_c2f),
    Example("c2f bins", _write_c2f_bins, load_c2f_bins, ("annot/train.h5", "annot/train_images.txt"), True),
    Example("itop", _write_itop, load_itop, ("itop_side_keypoints3D_test.mat",), True, load_itop),
    Example("itop labels", _write_itop_labels, load_itop, ("ITOP_side_test_labels.h5",), True),
)  # fmt: skip
