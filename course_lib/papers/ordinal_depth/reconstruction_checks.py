"""Slips that raise no error by themselves: millimetres, y the wrong way up, exchanged sides, mirrored depths.

One pose can be odd (someone stands on their hands, crosses the legs); a set of poses cannot. So what is looked at are
shares of a whole batch, and averages that lie on the wrong side by more than three standard errors.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry import H36M_17_LEFT

BODY = H36M_17_LEFT
THIGH = (0.2, 0.8)  # metres
DEPTH_RANGE = 3.0  # metres: no two joints of a body are farther apart
CLEAR = 0.15  # of the largest offset from the root: hips or shoulders less apart than this say nothing about sides


def handedness(joints: Float[Tensor, "n 17 3"]) -> Float[Tensor, " n"]:
    r"""Which way knees bend, $((\text{left} \times \text{up}) \cdot \text{bend})$, made to lie in [-1, 1].

    Positive for a person in a right-handed frame, negative for its mirror image, and for a person whose left and right
    were exchanged; 0 for straight legs. Turning, moving and stretching an axis do not change the sign.

    Args:
        joints: Order `H36M_17_LEFT`, any right-handed frame.
    """
    at = {name: joints[:, row] for row, name in enumerate(BODY.joints)}
    left = at["left_hip"] - at["right_hip"]
    total = torch.zeros_like(left[:, 0])
    for side in ("left_", "right_"):
        thigh, shin = at[side + "knee"] - at[side + "hip"], at[side + "ankle"] - at[side + "knee"]
        # left x (up along the thigh) . bend, the bend being what the shin adds across the thigh
        total = total + torch.linalg.cross(left, -thigh, dim=-1).mul(-shin).sum(-1)
    size = left.norm(dim=-1) * (at["left_knee"] - at["left_hip"]).norm(dim=-1) ** 2
    return (total / (2 * size.clamp_min(1e-9))).clamp(-1, 1)


def check_training_poses(upright: Float[Tensor, "n 17 3"], name: str) -> None:
    """Raise `ValueError` when poses are in millimetres, upside down, mirrored, or have their sides exchanged.

    Args:
        upright: Order `H36M_17_LEFT`, y up, metres, relative to the pelvis.
        name: Their skeleton, for the message.
    """
    if not bool(upright.isfinite().all()):
        raise ValueError(f"`poses` ({name}) holds NaN or infinity: leave such poses out")
    at = {joint: upright[:, row] for row, joint in enumerate(BODY.joints)}
    thigh = float((at["left_knee"] - at["left_hip"]).norm(dim=-1).median())
    if not THIGH[0] <= thigh <= THIGH[1]:
        unit = "millimetres" if 200 <= thigh <= 800 else "another unit"
        raise ValueError(f"`poses` ({name}) have thighs of {thigh:.4g} m: they seem to be in {unit}, give metres")
    rise = at["head_top"][:, 1] - 0.5 * (at["left_ankle"] + at["right_ankle"])[:, 1]
    if float((rise < -0.3).float().mean()) > 0.5:
        raise ValueError(
            f"`poses` ({name}) stand on their heads: `frame` must be 'world' where y points up and 'camera' where it "
            "points down"
        )
    if surely_negative(handedness(upright)):
        raise ValueError(
            f"`poses` ({name}) bend their knees backwards: left and right are exchanged (is the order that of "
            f"{name}?), or the body is mirrored (negating one axis mirrors; turn the frame instead)"
        )


def check_points(points: Float[Tensor, "n 17 2"], name: str) -> None:
    """Raise `ValueError` when 2D joints seem to have y up, or the legs of the other side.

    Args:
        points: Normalised, order `H36M_17_LEFT`.
        name: The skeleton they were given in.
    """
    at = {joint: points[:, row] for row, joint in enumerate(BODY.joints)}
    fall = 0.5 * (at["left_ankle"] + at["right_ankle"])[:, 1] - at["head_top"][:, 1]
    if float((fall < -0.5).float().mean()) > 0.5:
        raise ValueError(
            "`points` have their heads below their feet: y must point down, as pixels do (`check=False` if these "
            "people do stand on their heads)"
        )
    hips = (at["left_hip"] - at["right_hip"])[:, 0]
    shoulders = (at["left_shoulder"] - at["right_shoulder"])[:, 0]
    clear = (hips.abs() > 0.6 * CLEAR) & (shoulders.abs() > CLEAR)
    opposite = clear & (hips * shoulders < 0)
    if int(opposite.sum()) > 0.5 * int(clear.sum()):
        raise ValueError(
            f"`points` have the left hip on the side of the right shoulder in {int(opposite.sum())} of "
            f"{int(clear.sum())} poses: are they in the order of {name}? H36M_17 begins with the right leg, "
            "H36M_17_LEFT with the left one"
        )


def check_depth(points: Float[Tensor, "n 17 2"], depth: Float[Tensor, "n 17"]) -> None:
    """Raise `ValueError` when depths are in millimetres or grow towards the camera.

    Args:
        points: Normalised, order `H36M_17_LEFT`.
        depth: Metres, from any origin.
    """
    if not bool(depth.isfinite().all()):
        raise ValueError("`depth` holds NaN or infinity: the component needs a depth for each joint")
    extent = float((depth.amax(1) - depth.amin(1)).median())
    if extent > DEPTH_RANGE:
        raise ValueError(
            f"`depth` spans {extent:.4g} m in a pose: it must be in metres (millimetres / 1000; bins: `metres_of_bins`)"
        )
    if surely_negative(handedness(torch.cat([points, depth[..., None]], -1))):
        raise ValueError(
            "`depth` seems mirrored, knees bend backwards: it must grow away from the camera (+depth, not -depth), and "
            "the pictures must not be mirrored"
        )


def surely_negative(values: Float[Tensor, " n"], *, least: int = 8, errors: float = 3.0) -> bool:
    """Whether the mean of at least `least` values lies below 0 by more than `errors` standard errors of it."""
    if len(values) < least:
        return False
    values = values.double()
    return bool(values.mean() + errors * values.std() / math.sqrt(len(values)) < 0)
