"""From activity, phase and style to 17 joints: joint angles, their limits, forward kinematics."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry import H36M_17, Skeleton, euler_to_matrix, forward_kinematics
from course_lib.worlds.people.activities import ACTIVITIES, ANGLES, FAMILIES, LIMITS
from course_lib.worlds.people.factors import PeopleFactors

# Mean bones of Human3.6M's training subjects, metres, in the body's frame: x to its left, y up, z forward.
_REST = {
    "pelvis": (0.0, 0.0, 0.0),
    "hip": (0.13405, 0.0, 0.0),
    "knee": (0.0, -0.4492, 0.0),
    "ankle": (0.0, -0.4456, 0.0),
    "spine": (0.0, 0.2384, 0.0),
    "thorax": (0.0, 0.2553, 0.0),
    "jaw": (0.0, 0.1038, 0.0520),  # 116.1 mm, forward: the jaw says where the head looks
    "head_top": (0.0, 0.1127, -0.0229),  # 115.0 mm
    "shoulder": (0.1455, -0.0312, 0.0),  # 148.8 mm
    "elbow": (0.0, -0.2798, 0.0),
    "wrist": (0.0, -0.2495, 0.0),
    "neck_base": (0.0, 0.0, 0.0),
}
MEAN_STATURE = 1.755  # of a body with these bones, crown to sole

# The tree of H36M_17 with a neck, so that the head turns without the shoulders.
_NECK = len(H36M_17)
_PARENTS = tuple(_NECK if name == "jaw" else i for name, i in zip(H36M_17.joints, H36M_17.parents, strict=True))
BODY = Skeleton("body", (*H36M_17.joints, "neck_base"), (*_PARENTS, H36M_17.index("thorax")))


def joint_angles(factors: PeopleFactors) -> Float[Tensor, "n a"]:
    """Angles of the joints within their limits, radians, in the order of `ANGLES`."""
    turn = 2 * math.pi * factors.phase
    style = factors.style.T.contiguous().unbind()
    table = torch.stack([_row(family(turn, style), turn) for family in FAMILIES])  # (activities, angles, n)
    rows = torch.arange(len(factors), device=turn.device)
    angles = dict(zip(ANGLES, table[factors.activity, :, rows].T.contiguous().unbind(), strict=True))
    angles["spine_bend"] = angles["spine_bend"] + 5 * style[4]
    angles["pelvis_tilt"] = angles["pelvis_tilt"] + 2 * style[4]
    for side in ("_r", "_l"):
        angles["shoulder_abduct" + side] = angles["shoulder_abduct" + side] + 4 * style[5]
        angles["elbow_flex" + side] = angles["elbow_flex" + side] + 8 * style[5]
    angles["neck_turn"] = angles["neck_turn"] + torch.rad2deg(factors.glance)
    limits = (LIMITS[name.removesuffix("_r").removesuffix("_l")] for name in ANGLES)
    clamped = [angles[name].clamp(low, high) for name, (low, high) in zip(ANGLES, limits, strict=True)]
    return torch.deg2rad(torch.stack(clamped, -1))


def body_joints(factors: PeopleFactors) -> Float[Tensor, "n 17 3"]:
    """Joints in the order of H36M_17, world frame (y up, metres), pelvis at x = z = 0 but not yet on the ground."""
    positions, _ = forward_kinematics(_rotations(factors), bone_offsets(factors), BODY)
    return positions[:, : len(H36M_17)].contiguous()


def bone_offsets(factors: PeopleFactors) -> Float[Tensor, "n 18 3"]:
    """Place of each joint in its parent's frame, metres: Human3.6M's mean bones, scaled."""
    size = factors.stature / MEAN_STATURE
    scales = {
        "hip": factors.hip_width,
        "knee": factors.leg_length,
        "ankle": factors.leg_length,
        "elbow": factors.arm_length,
        "wrist": factors.arm_length,
        "shoulder": factors.shoulder_width,
    }
    offsets = []
    for joint in BODY.joints:
        side, _, name = joint.rpartition("_") if joint.startswith(("right_", "left_")) else ("", "", joint)
        x, y, z = _REST[name]
        rest = size.new_tensor((-x if side == "right" else x, y, z))
        offsets.append(rest * (size * scales.get(name, 1.0))[:, None])
    return torch.stack(offsets, 1)


def _row(angles: dict[str, Tensor], turn: Tensor) -> Tensor:
    """The angles of one activity in the order of `ANGLES`, `(angles, n)`."""
    unknown = set(angles) - set(ANGLES)
    if unknown:
        raise ValueError(f"no such joint angle: {', '.join(sorted(unknown))}")
    return torch.stack([angles.get(name, torch.zeros_like(turn)).expand_as(turn) for name in ANGLES])


def _rotations(factors: PeopleFactors) -> Tensor:
    """Rotation of each joint of `BODY` relative to its parent, `(n, 18, 3, 3)`.

    In the body's frame a turn about x lowers what points forward, about y turns to the left, about z tilts to the
    right. A limb turns about its own axis first, then flexes, then abducts.
    """
    a = dict(zip(ANGLES, joint_angles(factors).T.contiguous().unbind(), strict=True))
    spins = (factors.activity == ACTIVITIES.index("turning")) * factors.phase * (2 * math.pi)
    zero = torch.zeros_like(spins)
    euler = {
        "pelvis": (a["pelvis_side"], factors.heading + spins + a["pelvis_turn"], a["pelvis_tilt"]),
        "spine": (0.5 * a["spine_side"], 0.4 * a["spine_twist"], 0.55 * a["spine_bend"]),
        "thorax": (0.5 * a["spine_side"], 0.6 * a["spine_twist"], 0.45 * a["spine_bend"]),
        "neck_base": (a["neck_side"], a["neck_turn"], a["neck_bend"]),
    }
    for side, sign, end in (("right_", -1, "_r"), ("left_", 1, "_l")):
        for name in ("hip", "shoulder"):
            euler[side + name] = tuple(
                factor * a[f"{name}_{angle}{end}"]
                for factor, angle in ((sign, "abduct"), (sign, "rotate"), (-1, "flex"))
            )
        euler[side + "knee"] = (zero, zero, a["knee_flex" + end])
        euler[side + "elbow"] = (zero, zero, -a["elbow_flex" + end])
    rows = [torch.stack(euler.get(joint, (zero, zero, zero)), -1) for joint in BODY.joints]
    side, turn, bend = torch.stack(rows, 1).unbind(-1)
    limb = torch.tensor([joint.endswith(("hip", "shoulder")) for joint in BODY.joints], device=turn.device)
    trunk = euler_to_matrix(torch.stack([turn, side, bend], -1).contiguous(), "yzx")
    limbs = euler_to_matrix(torch.stack([side, bend, turn], -1).contiguous(), "zxy")
    return torch.where(limb[:, None, None], limbs, trunk)
