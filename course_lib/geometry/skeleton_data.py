"""The trees of joints that the datasets use, as data, and what stands in for a joint that another order lacks.

Each tree is a tuple of (joint, its parent) in the dataset's own order; the root's parent is "". Left and right are
the person's. The same name means the same point of the body, to within what the annotators of each set meant by it:
hips are the centres of the hip joints in motion capture and a point on the surface in LSP and MPII.
"""

# Human3.6M as most code has it (the right leg first, the left arm first).
H36M_17 = (
    ("pelvis", ""),
    ("right_hip", "pelvis"),
    ("right_knee", "right_hip"),
    ("right_ankle", "right_knee"),
    ("left_hip", "pelvis"),
    ("left_knee", "left_hip"),
    ("left_ankle", "left_knee"),
    ("spine", "pelvis"),
    ("thorax", "spine"),
    ("jaw", "thorax"),
    ("head_top", "jaw"),
    ("left_shoulder", "thorax"),
    ("left_elbow", "left_shoulder"),
    ("left_wrist", "left_elbow"),
    ("right_shoulder", "thorax"),
    ("right_elbow", "right_shoulder"),
    ("right_wrist", "right_elbow"),
)

# The same 17 joints in the files of Coarse-to-fine and Ordinal depth (the left leg first).
H36M_17_LEFT = H36M_17[:1] + H36M_17[4:7] + H36M_17[1:4] + H36M_17[7:]


def _side(side: str, *pairs: tuple[str, str], middle: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    """A limb of one side: every name but those in `middle` gets the side in front."""
    return tuple((f"{side}_{joint}", parent if parent in middle else f"{side}_{parent}") for joint, parent in pairs)


_H36M_LEG = (("hip", "pelvis"), ("knee", "hip"), ("ankle", "knee"), ("toe", "ankle"), ("toe_end", "toe"))
_H36M_ARM = (
    ("collar", "spine"),
    ("shoulder", "collar"),
    ("elbow", "shoulder"),
    ("wrist", "elbow"),
    ("thumb", "wrist"),
    ("thumb_end", "thumb"),
    ("hand_end", "wrist"),
    ("hand_site", "hand_end"),
)

# Human3.6M's own skeleton, as in the exponential maps. "spine_base" lies on the pelvis, both collars on the thorax.
H36M_32 = (
    ("pelvis", ""),
    *_side("right", *_H36M_LEG, middle=("pelvis",)),
    *_side("left", *_H36M_LEG, middle=("pelvis",)),
    ("spine_base", "pelvis"),
    ("spine", "spine_base"),
    ("thorax", "spine"),
    ("jaw", "thorax"),
    ("head_top", "jaw"),
    *_side("left", *_H36M_ARM, middle=("spine",)),
    *_side("right", *_H36M_ARM, middle=("spine",)),
)

_CMU_LEG = (("hip_base", "root"), ("hip", "hip_base"), ("knee", "hip"), ("ankle", "knee"), ("toe", "ankle"))
_CMU_ARM = (
    ("collar", "upper_chest"),
    ("shoulder", "collar"),
    ("elbow", "shoulder"),
    ("wrist", "elbow"),
    ("hand", "wrist"),
    ("fingers", "hand"),
)
_CMU_TRUNK = (
    ("lower_back", "root"),
    ("chest", "lower_back"),
    ("upper_chest", "chest"),
    ("thorax", "upper_chest"),
    ("neck_middle", "thorax"),
    ("head_base", "neck_middle"),
)

# CMU motion capture as the BVH conversion has it: a joint sits where its bone begins. This conversion lost two bones
# of the original skeleton, thorax (about 117 mm) and wrist (about 95 mm): "thorax" and the collars lie on
# "upper_chest", "hand" and "thumb" on "wrist".
CMU_31 = (
    ("root", ""),
    *_side("left", *_CMU_LEG, middle=("root",)),
    *_side("right", *_CMU_LEG, middle=("root",)),
    *_CMU_TRUNK,
    *_side("left", *_CMU_ARM, ("thumb", "wrist"), middle=("upper_chest",)),
    *_side("right", *_CMU_ARM, ("thumb", "wrist"), middle=("upper_chest",)),
)

_CMU_ARM_ENDS = (*_CMU_ARM, ("fingers_end", "fingers"), ("thumb", "wrist"), ("thumb_end", "thumb"))

# CMU motion capture as exponential maps: the BVH tree with its seven end sites.
CMU_38 = (
    ("root", ""),
    *_side("left", *_CMU_LEG, ("toe_end", "toe"), middle=("root",)),
    *_side("right", *_CMU_LEG, ("toe_end", "toe"), middle=("root",)),
    *_CMU_TRUNK,
    ("head_top", "head_base"),
    *_side("left", *_CMU_ARM_ENDS, middle=("upper_chest",)),
    *_side("right", *_CMU_ARM_ENDS, middle=("upper_chest",)),
)

_ASF_LEG = (("hip", "root"), ("knee", "hip"), ("ankle", "knee"), ("toe", "ankle"), ("toe_end", "toe"))
_ASF_ARM = (
    ("shoulder", "thorax"),
    ("elbow", "shoulder"),
    ("wrist", "elbow"),
    ("hand", "wrist"),
    ("fingers", "hand"),
    ("fingers_end", "fingers"),
    ("thumb_end", "hand"),
)

# CMU motion capture in the original ASF/AMC files: the root and the far end of each of the 30 bones, in the order of
# the bones' numbers. All bones are there, so the thorax is higher than in CMU_31 and CMU_38.
CMU_ASF_31 = (
    ("root", ""),
    *_side("left", *_ASF_LEG, middle=("root",)),
    *_side("right", *_ASF_LEG, middle=("root",)),
    ("chest", "root"),
    ("upper_chest", "chest"),
    ("thorax", "upper_chest"),
    ("neck_middle", "thorax"),
    ("head_base", "neck_middle"),
    ("head_top", "head_base"),
    *_side("left", *_ASF_ARM, middle=("thorax",)),
    *_side("right", *_ASF_ARM, middle=("thorax",)),
)

_ICLONE_ARM = (("collar", "chest"), ("shoulder", "collar"), ("elbow", "shoulder"), ("wrist", "elbow"))

# CMU motion capture re-targeted onto the iClone rig: the joints of the rig that other bodies have too.
ICLONE_24 = (
    ("root", ""),
    *_side("left", ("hip", "root"), *_ASF_LEG[1:4], middle=("root",)),
    *_side("right", ("hip", "root"), *_ASF_LEG[1:4], middle=("root",)),
    ("lower_back", "root"),
    ("waist", "lower_back"),
    ("chest", "waist"),
    ("thorax", "chest"),
    ("neck_middle", "thorax"),
    ("head_base", "neck_middle"),
    ("head_top", "head_base"),
    *_side("left", *_ICLONE_ARM, middle=("chest",)),
    *_side("right", *_ICLONE_ARM, middle=("chest",)),
)

MPII_16 = (
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("right_hip", "pelvis"),
    ("left_hip", "pelvis"),
    ("left_knee", "left_hip"),
    ("left_ankle", "left_knee"),
    ("pelvis", ""),
    ("thorax", "pelvis"),
    ("upper_neck", "thorax"),
    ("head_top", "upper_neck"),
    ("right_wrist", "right_elbow"),
    ("right_elbow", "right_shoulder"),
    ("right_shoulder", "thorax"),
    ("left_shoulder", "thorax"),
    ("left_elbow", "left_shoulder"),
    ("left_wrist", "left_elbow"),
)

LSP_14 = (
    ("right_ankle", "right_knee"),
    ("right_knee", "right_hip"),
    ("right_hip", "neck"),
    ("left_hip", "neck"),
    ("left_knee", "left_hip"),
    ("left_ankle", "left_knee"),
    ("right_wrist", "right_elbow"),
    ("right_elbow", "right_shoulder"),
    ("right_shoulder", "neck"),
    ("left_shoulder", "neck"),
    ("left_elbow", "left_shoulder"),
    ("left_wrist", "left_elbow"),
    ("neck", ""),
    ("head_top", "neck"),
)

# OpenPose's COCO model: the neck is the middle of the shoulders, the right eye and ear come before the left.
OPENPOSE_18 = (
    ("nose", "neck"),
    ("neck", ""),
    ("right_shoulder", "neck"),
    ("right_elbow", "right_shoulder"),
    ("right_wrist", "right_elbow"),
    ("left_shoulder", "neck"),
    ("left_elbow", "left_shoulder"),
    ("left_wrist", "left_elbow"),
    ("right_hip", "neck"),
    ("right_knee", "right_hip"),
    ("right_ankle", "right_knee"),
    ("left_hip", "neck"),
    ("left_knee", "left_hip"),
    ("left_ankle", "left_knee"),
    ("right_eye", "nose"),
    ("left_eye", "nose"),
    ("right_ear", "right_eye"),
    ("left_ear", "left_eye"),
)

ITOP_15 = (
    ("head", "neck"),
    ("neck", "torso"),
    ("right_shoulder", "neck"),
    ("left_shoulder", "neck"),
    ("right_elbow", "right_shoulder"),
    ("left_elbow", "left_shoulder"),
    ("right_hand", "right_elbow"),
    ("left_hand", "left_elbow"),
    ("torso", ""),
    ("right_hip", "torso"),
    ("left_hip", "torso"),
    ("right_knee", "right_hip"),
    ("left_knee", "left_hip"),
    ("right_foot", "right_knee"),
    ("left_foot", "left_knee"),
)


def _fingers(names: tuple[str, ...], segments: tuple[str, ...], palm: str) -> tuple[tuple[str, str], ...]:
    """Chains of joints from the palm to the tips."""
    return tuple(
        (f"{finger}_{segment}", f"{finger}_{before}" if before else palm)
        for finger in names
        for segment, before in zip(segments, ("", *segments), strict=False)
    )


# MSRA14 and MSRA15. The thumb's joints carry the fingers' names there; anatomically they are CMC, MCP, IP and tip.
HAND_21 = (
    ("wrist", ""),
    *_fingers(("index", "middle", "ring", "little", "thumb"), ("mcp", "pip", "dip", "tip"), "wrist"),
)

# The 14 joints that NYU is evaluated on. The two wrist points are told apart by their distances to thumb and little
# finger in the labels.
NYU_14 = (
    ("little_tip", "little_pip"),
    ("little_pip", "palm"),
    ("ring_tip", "ring_pip"),
    ("ring_pip", "palm"),
    ("middle_tip", "middle_pip"),
    ("middle_pip", "palm"),
    ("index_tip", "index_pip"),
    ("index_pip", "palm"),
    ("thumb_tip", "thumb_dip"),
    ("thumb_dip", "thumb_pip"),
    ("thumb_pip", "palm"),
    ("wrist_little_side", "palm"),
    ("wrist_thumb_side", "palm"),
    ("palm", ""),
)

# ICVL marks three points a finger, 28 and 18 mm apart where MSRA's joints are 31, 23 and 21 mm apart: about the middle
# of the three segments, its "tip" some 10 mm short of the finger's end.
ICVL_16 = (("palm", ""), *_fingers(("thumb", "index", "middle", "ring", "little"), ("root", "mid", "tip"), "palm"))

TREES = {
    "H36M_17": H36M_17,
    "H36M_17_LEFT": H36M_17_LEFT,
    "H36M_32": H36M_32,
    "CMU_31": CMU_31,
    "CMU_38": CMU_38,
    "CMU_ASF_31": CMU_ASF_31,
    "ICLONE_24": ICLONE_24,
    "MPII_16": MPII_16,
    "LSP_14": LSP_14,
    "OPENPOSE_18": OPENPOSE_18,
    "ITOP_15": ITOP_15,
    "HAND_21": HAND_21,
    "NYU_14": NYU_14,
    "ICVL_16": ICVL_16,
}

# What stands in for a joint that the source lacks: the mean of the joints of the first recipe that the source has in
# full, else of the first whose joints have stand-ins themselves. All are only *about* the same point of the body.
STAND_INS: dict[str, tuple[tuple[str, ...], ...]] = {
    "pelvis": (("left_hip", "right_hip"),),  # CMU's root lies some 100 mm above the line of the hips
    "root": (("pelvis",),),
    "neck": (("upper_neck",), ("thorax",), ("left_shoulder", "right_shoulder")),
    "upper_neck": (("jaw",), ("neck",), ("neck_middle",)),
    "thorax": (("neck",), ("left_shoulder", "right_shoulder")),
    "spine": (("chest",), ("torso",), ("pelvis", "thorax")),
    "torso": (("spine",), ("chest",), ("pelvis", "neck")),
    "jaw": (("neck_middle", "head_base"), ("upper_neck",), ("nose",), ("neck", "head"), ("neck", "head_top")),
    "head": (("jaw", "head_top"), ("head_base", "head_top"), ("upper_neck", "head_top"), ("nose",)),
    "head_top": (("head",), ("head_base",)),  # some 100 mm too low
    "palm": (("wrist", "middle_mcp"),),
    "wrist": (("wrist_little_side", "wrist_thumb_side"),),
    "wrist_little_side": (("wrist",),),
    "wrist_thumb_side": (("wrist",),),
}
for _s in ("left", "right"):
    STAND_INS[f"{_s}_wrist"] = ((f"{_s}_hand",),)
    STAND_INS[f"{_s}_hand"] = ((f"{_s}_wrist",),)
    STAND_INS[f"{_s}_ankle"] = ((f"{_s}_foot",),)
    STAND_INS[f"{_s}_foot"] = ((f"{_s}_ankle",),)
for _f in ("index", "middle", "ring", "little", "thumb"):
    STAND_INS[f"{_f}_root"] = ((f"{_f}_mcp", f"{_f}_pip"),)
    STAND_INS[f"{_f}_mid"] = ((f"{_f}_pip", f"{_f}_dip"), (f"{_f}_pip",))
    STAND_INS[f"{_f}_pip"] = ((f"{_f}_root", f"{_f}_mid"),)
    STAND_INS[f"{_f}_dip"] = ((f"{_f}_mid", f"{_f}_tip"),)

# Joints of one name that are not quite one point: the sets that mark it differently from all others, the joints, why.
LOOSE: tuple[tuple[frozenset[str], tuple[str, ...], str], ...] = (
    (
        frozenset({"LSP_14", "MPII_16", "OPENPOSE_18", "ITOP_15"}),
        ("left_hip", "right_hip"),
        "marked by eye in pictures, not the centre of the hip joint",
    ),
    (frozenset({"CMU_31", "CMU_38"}), ("thorax",), "some 117 mm too low: the conversion lost a bone"),
    (
        frozenset({"CMU_31", "CMU_38"}),
        tuple(f"{side}_{joint}" for side in ("left", "right") for joint in ("hand", "fingers", "fingers_end")),
        "some 95 mm too near to the elbow: the conversion lost a bone",
    ),
    (
        frozenset({"ICVL_16"}),
        ("thumb_tip", "index_tip", "middle_tip", "ring_tip", "little_tip"),
        "some 10 mm short of the end of the finger",
    ),
)
