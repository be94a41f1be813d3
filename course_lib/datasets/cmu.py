"""CMU motion capture in the four forms in which it circulates, as joints of one body in metres.

Mind the BVH conversion and the exponential maps made from it: they lost two bones of the original skeleton, thorax
(117 mm for subject 02) and wrist (95 mm), so that head and arms sit that much too low on a body otherwise the same to
within micrometres. `kind="asfamc"` has the whole trunk, and `restore_thorax=True` puts the bone back.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, assert_never

from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.asf_amc import AcclaimSkeleton, read_amc, read_asf
from course_lib.datasets.bvh import BvhMotion, read_bvh
from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.expmaps import ASF_UNIT, read_expmaps
from course_lib.datasets.motion import Clip, choose_clips, clip_name, find_folder, join_clips
from course_lib.datasets.poses import PoseSet
from course_lib.geometry.skeletons import CMU_38, CMU_ASF_31, ICLONE_24, Skeleton

CENTIMETRE = 0.01
HEAD_HEIGHT = 20.0

# Joints of the BVH files in the order of CMU_38: the 3D Studio Max names, and those of the MotionBuilder release.
STUDIO = (
    *("Hips", "LHipJoint", "LeftHip", "LeftKnee", "LeftAnkle", "LeftToe", "LeftToe_end"),
    *("RHipJoint", "RightHip", "RightKnee", "RightAnkle", "RightToe", "RightToe_end"),
    *("lowerback", "Chest", "Chest2", "lowerneck", "Neck", "Head", "Head_end"),
    *("LeftCollar", "LeftShoulder", "LeftElbow", "LeftWrist", "lhand", "LFingers", "LFingers_end", "LThumb"),
    *("LThumb_end", "RightCollar", "RightShoulder", "RightElbow", "RightWrist", "rhand", "RFingers", "RFingers_end"),
    *("RThumb", "RThumb_end"),
)
BUILDER = (
    *("Hips", "LHipJoint", "LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase", "LeftToeBase_end"),
    *("RHipJoint", "RightUpLeg", "RightLeg", "RightFoot", "RightToeBase", "RightToeBase_end"),
    *("LowerBack", "Spine", "Spine1", "Neck", "Neck1", "Head", "Head_end"),
    *("LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand", "LeftFingerBase", "LeftHandIndex1", "LeftHandIndex1_end"),
    *("LThumb", "LThumb_end", "RightShoulder", "RightArm", "RightForeArm", "RightHand", "RightFingerBase"),
    *("RightHandIndex1", "RightHandIndex1_end", "RThumb", "RThumb_end"),
)
# Joints of the iClone rig in the order of ICLONE_24; the rig has some hundred. It has no top of the head: that is put
# 20 cm above the head's joint, along the head's own y (its eyes are 8.2 cm up and 8.2 cm in front).
ICLONE = tuple(
    f"CC_Base_{name}"
    for name in (
        *("Hip", "L_Thigh", "L_Calf", "L_Foot", "L_ToeBase", "R_Thigh", "R_Calf", "R_Foot", "R_ToeBase"),
        *("Waist", "Spine01", "Spine02", "NeckTwist01", "NeckTwist02", "Head", "Head"),
        *("L_Clavicle", "L_Upperarm", "L_Forearm", "L_Hand", "R_Clavicle", "R_Upperarm", "R_Forearm", "R_Hand"),
    )
)
# Bones of the .asf files in the order of CMU_ASF_31.
BONES = (
    *("root", "lhipjoint", "lfemur", "ltibia", "lfoot", "ltoes", "rhipjoint", "rfemur", "rtibia", "rfoot", "rtoes"),
    *("lowerback", "upperback", "thorax", "lowerneck", "upperneck", "head"),
    *("lclavicle", "lhumerus", "lradius", "lwrist", "lhand", "lfingers", "lthumb"),
    *("rclavicle", "rhumerus", "rradius", "rwrist", "rhand", "rfingers", "rthumb"),
)


def load_cmu(
    root: str | Path,
    *,
    kind: Literal["bvh", "bvh_iclone", "asfamc", "expmap"] = "bvh",
    clips: Sequence[str] | None = None,
    skeleton: Skeleton | None = None,
    restore_thorax: bool = False,
    on_bad: str = "raise",
) -> PoseSet:
    """Load motions of the CMU database, one clip after the other.

    * `"bvh"`: Hahne's BVH conversion (`bvh/SS_TT.bvh`), 120 Hz, joints `CMU_38`.
    * `"bvh_iclone"`: motions re-targeted onto one rig (`bvh_iclone/SSS_TT.bvh[.gz]`), 60 Hz, joints `ICLONE_24`.
    * `"asfamc"`: the original files (`asfamc/SS/SS.asf`, `SS_TT.amc`), 120 Hz, joints `CMU_ASF_31`.
    * `"expmap"`: exponential maps (`expmap/train/<action>/<action>_<n>.txt`), 120 Hz, joints `CMU_38`, the body of
      subject 02 for everyone.

    The first row of exponential maps, and of some releases of the BVH files, is a rest pose and no part of the motion
    (its joints jump by a radian and more to the next row): it is left out, and the frame numbers in `names` start at 1.

    Args:
        root: The folder `cmu_mocap`, its parent, or the folder of one kind of files.
        kind: Which files.
        clips: Which, such as `("35_01",)` or, of exponential maps, `("train/walking_1",)`; None: all that are there.
        skeleton: Order of the joints; None: that of the files; `H36M_17` for the 17-joint body.
        restore_thorax: Whether to put back the thorax bone that `"bvh"` and `"expmap"` lost, upright in its own frame
            and as long as the bone below it: on the clips that exist in both forms, neck, head and arms then lie
            within 0.5 mm of where the original files have them, instead of 117 mm too low.
        on_bad: `"raise"`, or `"skip"` to leave out clips that cannot be read.

    Returns:
        Poses in metres, world frame (y up, right-handed); `names` are `35_01/0` and so on.

    Raises:
        FileNotFoundError: No such files below `root`, or an `.asf` is missing.
        DataFormatError: A file is damaged, of another kind, or in another unit; or the rates of the clips differ.
        ValueError: A clip is asked for that is not there, `kind` is none of the above, or has its thorax bone.
    """
    endings = {
        "bvh": (".bvh", ".bvh.gz"),
        "bvh_iclone": (".bvh", ".bvh.gz"),
        "asfamc": (".amc",),
        "expmap": (".txt", ".txt.gz"),
    }
    if kind not in endings:
        raise ValueError(f"`kind` (={kind!r}) must be one of {', '.join(endings)}")
    if restore_thorax and kind in ("bvh_iclone", "asfamc"):
        raise ValueError(f"`restore_thorax` is for kinds bvh and expmap: {kind} has the bone")
    folder = find_folder(root, (f"cmu_mocap/{kind}", kind, "cmu_mocap", ""), endings[kind], "cmu_mocap")
    paths = [path for path in folder.rglob("*") if path.name.endswith(endings[kind])]
    read: Callable[[Path], Clip]
    match kind:
        case "bvh":
            read = functools.partial(_read_bvh, restore_thorax=restore_thorax)
        case "bvh_iclone":
            read = _read_iclone
        case "asfamc":
            read = _AsfAmc()
        case "expmap":
            read = functools.partial(_read_expmap, restore_thorax=restore_thorax)
        case _:
            assert_never(kind)
    chosen = choose_clips(paths, clips, folder, _expmap_name if kind == "expmap" else clip_name)
    return join_clips(chosen, read, skeleton=skeleton, on_bad=on_bad, root=folder)


def starts_at_rest(motion) -> bool:
    """Whether the first row is a rest pose: the root is unturned and has not moved from where the second row has it."""
    places = motion.translations if isinstance(motion, BvhMotion) else motion.root
    unturned = bool((motion.rotations[0, 0] == motion.rotations.new_tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1]])).all())
    return len(motion) > 1 and unturned and bool((places[0] - places[1]).abs().max() < 1e-3)


def _with_thorax(offsets: Float[Tensor, "j 3"], rows: list[int]) -> Float[Tensor, "j 3"]:
    """Offsets with the lost bone: what hangs from the upper chest moves up by the length of the bone below it.

    In the original skeletons of subjects 02 and 03 the two bones differ by at most 0.5 %, and the thorax leans from
    its frame's y by at most 1.6 degrees.
    """
    offsets = offsets.clone()
    length = offsets[rows[CMU_38.index("upper_chest")]].norm()
    offsets[[rows[CMU_38.index(joint)] for joint in ("thorax", "left_collar", "right_collar")], 1] += length
    return offsets


def _read_bvh(path: Path, restore_thorax: bool) -> Clip:
    motion = read_bvh(path)
    rows = _rows(path, motion.skeleton, (STUDIO, BUILDER), "CMU's BVH conversion")
    if restore_thorax:
        motion = dataclasses.replace(motion, offsets=_with_thorax(motion.offsets, rows))
    rest = int(starts_at_rest(motion))
    return Clip(clip_name(path), motion.joints()[rest:, rows] * ASF_UNIT, CMU_38, motion.rate, rest)


def _read_iclone(path: Path) -> Clip:
    motion = read_bvh(path)
    rows = _rows(path, motion.skeleton, (ICLONE,), "the iClone rig")
    places, orientations = motion.place()
    joints, head = places[:, rows], ICLONE_24.index("head_top")
    joints[:, head] += HEAD_HEIGHT * orientations[:, rows[head], :, 1]
    return Clip(clip_name(path), joints * CENTIMETRE, ICLONE_24, motion.rate)


def _read_expmap(path: Path, restore_thorax: bool) -> Clip:
    motion = read_expmaps(path)
    if motion.skeleton is not CMU_38:
        raise DataFormatError(f"{path}: 99 columns, these are Human3.6M's; CMU has 117: see load_h36m")
    if restore_thorax:
        motion = dataclasses.replace(motion, offsets=_with_thorax(motion.offsets, list(range(len(CMU_38)))))
    rest = int(starts_at_rest(motion))
    return Clip(_expmap_name(path), motion.joints(motion.root * ASF_UNIT)[rest:], CMU_38, 120.0, rest)


def _expmap_name(path: Path) -> str:
    """Such as `train/walking_1`: the two halves of the set use the same file names."""
    half = path.parent.parent.name
    return f"{half}/{clip_name(path)}" if half in ("train", "test") else clip_name(path)


class _AsfAmc:
    """Reads each subject's skeleton once."""

    def __init__(self) -> None:
        self.skeletons: dict[Path, AcclaimSkeleton] = {}

    def __call__(self, path: Path) -> Clip:
        asf = path.with_name(path.name.split("_")[0] + ".asf")
        if asf not in self.skeletons:
            if not asf.is_file():
                raise FileNotFoundError(
                    f"{asf}, the skeleton of {path.name}, is missing: `python -m data_scripts.fetch cmu_mocap` says "
                    "how to obtain it"
                )
            self.skeletons[asf] = read_asf(asf)
        motion = read_amc(path, self.skeletons[asf])
        rows = _rows(path, motion.skeleton.skeleton, (BONES,), "CMU's .asf files")
        return Clip(clip_name(path), motion.joints()[:, rows], CMU_ASF_31, 120.0)


def _rows(path: Path, skeleton: Skeleton, orders: tuple[tuple[str, ...], ...], what: str) -> list[int]:
    """Rows of the joints in the first order all of whose names the file has."""
    for names in orders:
        if set(names) <= set(skeleton.joints):
            return [skeleton.index(name) for name in names]
    missing = next(name for name in orders[0] if name not in skeleton.joints)
    raise DataFormatError(f"{path}: no joint {missing!r}, this is not {what}; read_bvh and read_asf take any tree")
