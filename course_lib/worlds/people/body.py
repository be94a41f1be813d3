"""What a skeleton of 17 joints tells about its body: where chest, head and feet point, where the soles are.

Everything is in a world frame (y up, metres). Only the joints are given; where feet and face point follows from them,
so that any pose can be dressed, one from motion capture as well as one of the pose prior.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry import H36M_17

_REFERENCE = 2 * (0.4492 + 0.4456) + 0.2384 + 0.2553  # legs and spine of the mean body, metres


@dataclass(frozen=True)
class Frames:
    """Where the parts of b bodies point, each `(b, 3)`: unit vectors, world frame."""

    pelvis: tuple[Tensor, Tensor, Tensor]  # left, up, forward
    chest: tuple[Tensor, Tensor, Tensor]
    head: tuple[Tensor, Tensor, Tensor]
    feet: tuple[Tensor, Tensor]  # right, left
    size: Tensor  # (b, 1): height relative to the mean body


def frames(joints: Float[Tensor, "b 17 3"]) -> Frames:
    """Directions of pelvis, chest, head and feet, derived from the joints."""
    j = {name: joints[:, i].contiguous() for i, name in enumerate(H36M_17.joints)}
    pelvis = _frame(j["left_hip"] - j["right_hip"], j["spine"] - j["pelvis"])
    chest = _frame(j["left_shoulder"] - j["right_shoulder"], j["thorax"] - j["spine"])
    up = unit(j["head_top"] - j["thorax"])
    # The jaw lies before the line from thorax to crown. Where it does not (motion capture without a jaw), the chest
    # says where the head looks.
    face = across(j["jaw"] - j["thorax"], up) + 0.03 * across(chest[2], up)
    face = unit(face)
    head = (torch.linalg.cross(up, face), up, face)
    legs, feet = 0, []
    for side in ("right_", "left_"):
        thigh, shin = j[side + "knee"] - j[side + "hip"], j[side + "ankle"] - j[side + "knee"]
        legs = legs + length(thigh) + length(shin)
        down = unit(shin)
        # A bent knee points forward, and so does the pelvis.
        feet.append(_level(unit(across(1.5 * (unit(thigh) - down) + 0.5 * pelvis[2], down) + 1e-4 * pelvis[2])))
    size = (legs + length(j["spine"] - j["pelvis"]) + length(j["thorax"] - j["spine"])) / _REFERENCE
    return Frames(pelvis, chest, head, (feet[0], feet[1]), size)


def soles(joints: Float[Tensor, "b 17 3"], turned: Frames) -> list[tuple[Tensor, Tensor]]:
    """Centres of heel and ball of the right and of the left foot."""
    found = []
    for side, forward in zip(("right_", "left_"), turned.feet, strict=True):
        ankle = joints[:, H36M_17.index(side + "ankle")]
        down = unit(ankle - joints[:, H36M_17.index(side + "knee")])
        sole = unit(across(down, forward))
        heel = ankle + turned.size * (0.044 * sole - 0.035 * forward)
        ball = ankle + turned.size * (0.05 * sole + 0.135 * forward)
        found.append((heel, ball))
    return found


def lowest(joints: Float[Tensor, "b 17 3"]) -> Float[Tensor, " b"]:
    """Height of the lowest point of feet, knees and hands."""
    turned = frames(joints)
    heights = [ball[:, 1] - 0.03 * turned.size[:, 0] for _, ball in soles(joints, turned)]
    heights += [heel[:, 1] - 0.036 * turned.size[:, 0] for heel, _ in soles(joints, turned)]
    heights += [joints[:, H36M_17.index(side + "knee"), 1] - 0.07 for side in ("right_", "left_")]
    return torch.stack(heights).amin(0)


def outline(joints: Float[Tensor, "b 17 3"]) -> Float[Tensor, "b 23 3"]:
    """The joints, crown, finger tips and toes: what must be in the picture."""
    turned = frames(joints)
    crown = joints[:, H36M_17.index("head_top")] + 0.075 * turned.size * turned.head[1]
    tips = []
    for side in ("right_", "left_"):
        wrist, elbow = (joints[:, H36M_17.index(side + name)] for name in ("wrist", "elbow"))
        tips.append(wrist + 0.17 * turned.size * unit(wrist - elbow))
    toes = [
        ball + 0.03 * turned.size * forward
        for (_, ball), forward in zip(soles(joints, turned), turned.feet, strict=True)
    ]
    return torch.cat([joints, torch.stack([crown, *tips, *toes, soles(joints, turned)[0][0]], 1)], 1)


def _level(foot: Tensor) -> Tensor:
    """Turn a foot at right angles to its shin towards level ground, as far as an ankle goes."""
    fall = foot[:, 1:2]
    kept = torch.where(fall < 0, (fall + 0.55).clamp_max(0), (fall - 0.3).clamp_min(0))
    return unit(torch.cat([foot[:, :1], kept, foot[:, 2:]], -1))


def _frame(lateral: Tensor, up: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Left, up and forward of a part whose left and rough up are given."""
    left = unit(lateral)
    up = unit(across(up, left))
    return left, up, torch.linalg.cross(left, up)


def length(vector: Tensor) -> Tensor:
    """Length along the last axis, kept."""
    return vector.square().sum(-1, keepdim=True).clamp_min(1e-12).sqrt()


def unit(vector: Tensor) -> Tensor:
    """Vector of length 1; a vector of no length stays short."""
    return vector / length(vector)


def across(vector: Tensor, direction: Tensor) -> Tensor:
    """The part of a vector perpendicular to a unit vector."""
    return vector - (vector * direction).sum(-1, keepdim=True) * direction
