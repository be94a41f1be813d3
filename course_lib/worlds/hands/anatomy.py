"""From factors to joints: the bones of a right hand, their lengths, and where 24 landmarks lie.

The palm's own frame: origin at the wrist, X towards the thumb, Y towards the finger tips, Z out of the palm, metres.
Mean lengths of the bones are those of adults, rounded to a millimetre (Buryanov and Kotiuk 2010, Table 1, which gives
39.8, 22.4 and 15.8 mm for the index finger, measured on X-ray pictures; some millimetres of joint and flesh are added).

Everything is written out per component, without matrix products, so that a hand comes out the same to the last bit
whether it is posed alone or in a batch.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry.skeletons import HAND_21, Skeleton
from course_lib.worlds.hands.factors import DEGREE, FINGERS, HandFactors

# Knuckles at the palm: x, y, z in the frame of the palm, for index, middle, ring, little.
KNUCKLES = ((0.0265, 0.0890, 0.0005), (0.0035, 0.0915, -0.0020), (-0.0180, 0.0850, 0.0000), (-0.0370, 0.0750, 0.0040))
BONES = ((0.0440, 0.0265, 0.0215), (0.0485, 0.0305, 0.0225), (0.0450, 0.0290, 0.0225), (0.0355, 0.0215, 0.0205))
FAN = (3.0, 0.0, -3.5, -9.0)  # degrees: direction of the straight finger, positive to the thumb
ROLL = (-7.0, 0.0, 6.0, 12.0)  # degrees: the fingers bend towards the root of the thumb, not all straight down
THUMB_ROOT = (0.0210, 0.0200, 0.0080)
THUMB_BONES = (0.0460, 0.0340, 0.0280)
THUMB_ROLL = 55.0  # degrees: how far the thumb's bending plane is turned out of the plane of the palm
WRIST_HALF = 0.0200
MIDDLE = 0.0750  # from the wrist to the point that `offset` and `distance` place

LANDMARKS = Skeleton(
    "HAND_24",
    (*HAND_21.joints, "wrist_little_side", "wrist_thumb_side", "palm"),
    (*HAND_21.parents, 0, 0, 0),
)


def landmarks(factors: HandFactors) -> Float[Tensor, "n 24 3"]:
    """Joints of the hands in the camera frame (x right, y down, z forward), metres, in the order of `LANDMARKS`."""
    points = _in_palm(factors)
    x, y, z = points.unbind(-1)
    y = y - MIDDLE * factors.scale[:, None]
    # Fingers up and palm to the camera: the palm's axes are the camera's with y and z turned round.
    placed = _turn((x, -y, -z), factors.tilt, factors.turn, factors.roll)
    shift = (factors.offset[:, :1], factors.offset[:, 1:], factors.distance[:, None])
    return torch.stack([p + s for p, s in zip(placed, shift, strict=True)], -1)


def _in_palm(factors: HandFactors) -> Tensor:
    """Landmarks in the frame of the palm, `(n, 24, 3)`."""
    wide = (factors.scale * factors.palm_width)[:, None]
    long = factors.scale[:, None]
    zero = torch.zeros_like(long)

    def point(x: float, y: float, z: float) -> Tensor:
        return torch.stack([x * wide, y * long, z * long], -1)

    fingers = [_finger(factors, i, point(*KNUCKLES[i])) for i in range(len(FINGERS))]
    wrist = torch.stack([zero, zero, zero], -1)
    palm = point(0.0035, 0.62 * KNUCKLES[1][1], 0.004)
    sides = [point(-WRIST_HALF, 0.002, 0.0), point(WRIST_HALF, 0.002, 0.0)]
    return torch.cat([wrist, *fingers, _thumb(factors, point(*THUMB_ROOT)), *sides, palm], 1)


def _finger(factors: HandFactors, i: int, knuckle: Tensor) -> Tensor:
    """Knuckle, two joints and tip of finger i, `(n, 4, 3)`."""
    length = factors.scale * factors.finger_length[:, i + 1]
    swing = factors.abduction[:, i].contiguous() + FAN[i] * DEGREE
    side, ahead = torch.sin(swing), torch.cos(swing)
    roll = torch.tensor(ROLL[i] * DEGREE)
    # Straight ahead in the plane of the palm, and the direction in which the finger bends.
    forward = (side * torch.cos(roll), ahead, -side * torch.sin(roll))
    bend = (torch.sin(roll), torch.zeros(()), torch.cos(roll))
    angles = torch.cumsum(
        torch.stack([factors.flexion_mcp[:, i], factors.flexion_pip[:, i], factors.flexion_dip[:, i]], 1), 1
    )
    return _chain(knuckle, forward, bend, angles, [bone * length for bone in BONES[i]])


def _thumb(factors: HandFactors, root: Tensor) -> Tensor:
    """Root, two joints and tip of the thumb, `(n, 4, 3)`."""
    length = factors.scale * factors.finger_length[:, 0]
    sin_s, cos_s = torch.sin(factors.thumb_spread), torch.cos(factors.thumb_spread)
    sin_o, cos_o = torch.sin(factors.thumb_opposition), torch.cos(factors.thumb_opposition)
    forward = (sin_s * cos_o, cos_s, sin_s * sin_o)
    across = (-cos_s * cos_o, sin_s, -cos_s * sin_o)  # to the index finger
    out = (-sin_o, torch.zeros_like(sin_o), cos_o)  # out of the palm, and over it when opposed
    roll = torch.tensor(THUMB_ROLL * DEGREE)
    bend = tuple(torch.cos(roll) * a + torch.sin(roll) * o for a, o in zip(across, out, strict=True))
    bends = torch.stack([torch.zeros_like(sin_s), factors.thumb_mcp, factors.thumb_ip], 1)
    return _chain(root, forward, bend, torch.cumsum(bends, 1), [bone * length for bone in THUMB_BONES])


def _chain(start: Tensor, forward, bend, angles: Tensor, lengths: list[Tensor]) -> Tensor:
    """Joints of a chain that bends in one plane: start `(n, 1, 3)`, angles of its bones from `forward` `(n, 3)`."""
    sines, cosines = torch.sin(angles), torch.cos(angles)
    joints = [start[:, 0]]
    for i, length in enumerate(lengths):
        step = [length * (cosines[:, i] * f + sines[:, i] * b) for f, b in zip(forward, bend, strict=True)]
        joints.append(joints[-1] + torch.stack(step, -1))
    return torch.stack(joints, 1)


def _turn(point, tilt: Tensor, turn: Tensor, roll: Tensor):
    """Rotate points `(n, j)` per component about x (tilt), then y (turn), then z (roll), camera frame."""
    x, y, z = point
    sin, cos = torch.sin(tilt)[:, None], torch.cos(tilt)[:, None]
    y, z = y * cos - z * sin, y * sin + z * cos
    sin, cos = torch.sin(turn)[:, None], torch.cos(turn)[:, None]
    x, z = x * cos + z * sin, z * cos - x * sin
    sin, cos = torch.sin(roll)[:, None], torch.cos(roll)[:, None]
    return x * cos - y * sin, x * sin + y * cos, z
