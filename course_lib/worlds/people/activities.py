"""What people do: for each activity, joint angles as smooth functions of a phase and a style.

Angles are in degrees and anatomical: flexion brings a limb forward (a knee: the heel back), abduction takes it away
from the body, rotation turns it outwards. What an activity does not mention stays at 0. All functions are periodic
in the phase, which is a whole turn of 2 pi, so that a sequence of phases makes a person move.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

ACTIVITIES = ("walking", "sitting", "reaching", "crouching", "turning", "running", "dancing", "kicking")
STYLES = 6  # numbers in [-1, 1] that say how: the first four belong to the activity, then lean and carriage of the arms

# Joint limits in degrees. `_r` and `_l` are added for the limbs.
LIMITS = {
    "pelvis_tilt": (-35, 60),
    "pelvis_side": (-25, 25),
    "pelvis_turn": (-180, 180),
    "spine_bend": (-25, 70),
    "spine_side": (-30, 30),
    "spine_twist": (-45, 45),
    "neck_bend": (-40, 45),
    "neck_side": (-30, 30),
    "neck_turn": (-70, 70),
    "hip_flex": (-25, 120),
    "hip_abduct": (-20, 45),
    "hip_rotate": (-35, 45),
    "knee_flex": (0, 145),
    "shoulder_flex": (-50, 175),
    "shoulder_abduct": (-15, 170),
    "shoulder_rotate": (-80, 80),
    "elbow_flex": (2, 145),
}
LIMBS = ("hip", "knee", "shoulder", "elbow")
ANGLES = tuple(f"{name}{side}" for name in LIMITS for side in (("_r", "_l") if name.split("_")[0] in LIMBS else ("",)))

Angles = dict[str, Tensor]


def bump(turn: Tensor, where: float, sharp: float) -> Tensor:
    """A smooth periodic bump of height 1 at the phase `where` (a fraction of the cycle)."""
    return torch.exp(sharp * (torch.cos(turn - 2 * math.pi * where) - 1))


def walking(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """Gait with counter-swinging arms: stride, arm swing, knee lift, sway."""
    stride, swing, lift, sway = style[:4]
    angles = {
        "pelvis_turn": 6 * torch.cos(turn),
        "pelvis_side": (3 + 2 * sway) * torch.sin(turn),
        "spine_twist": -10 * torch.cos(turn),
        "spine_side": -(3 + 2 * sway) * torch.sin(turn),
        "pelvis_tilt": 2 + 0 * turn,
    }
    for side, start in (("_r", 0.0), ("_l", math.pi)):
        t = turn + start
        angles["hip" + "_flex" + side] = 7 + (24 + 6 * stride) * torch.cos(t) + 4 * bump(t, 0.85, 5.0)
        angles["knee_flex" + side] = 5 + (54 + 8 * lift) * bump(t, 0.72, 5.5) + 13 * bump(t, 0.13, 9.0)
        angles["hip_abduct" + side] = 2 + 0 * t
        angles["shoulder_flex" + side] = 2 - (22 + 12 * swing) * torch.cos(t)
        angles["shoulder_abduct" + side] = 7 + 2 * sway
        angles["elbow_flex" + side] = 20 + 6 * swing - (12 + 6 * swing) * torch.cos(t)
    return angles


def running(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """A run with high heels and bent arms: stride, arm swing, knee lift, sway."""
    stride, swing, lift, sway = style[:4]
    angles = {
        "pelvis_tilt": 9 + 3 * lift,
        "pelvis_turn": 9 * torch.cos(turn),
        "spine_twist": -18 * torch.cos(turn),
        "spine_bend": 4 + 0 * turn,
        "neck_bend": -9 + 0 * turn,
    }
    for side, start in (("_r", 0.0), ("_l", math.pi)):
        t = turn + start
        angles["hip_flex" + side] = 24 + 3 * lift + (40 + 6 * stride) * torch.cos(t - 0.15)
        angles["knee_flex" + side] = 18 + (88 + 14 * lift) * bump(t, 0.72, 2.6)
        angles["hip_abduct" + side] = 2 + 0 * t
        angles["shoulder_flex" + side] = -4 - (38 + 8 * swing) * torch.cos(t)
        angles["shoulder_abduct" + side] = 12 + 4 * sway
        angles["shoulder_rotate" + side] = -14 + 0 * t
        angles["elbow_flex" + side] = 88 + 10 * swing - 12 * torch.cos(t)
    return angles


def sitting(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """On a stool, talking with the hands: lean, feet drawn in, knees apart, which hand talks."""
    lean, feet, apart, talk = style[:4]
    nod = torch.sin(turn)
    angles = {
        "pelvis_tilt": -6 + 8 * lean + 2 * nod,
        "spine_bend": 12 + 8 * lean + 3 * nod,
        "spine_twist": 6 * talk * torch.cos(turn),
        "neck_bend": -4 - 6 * lean + 4 * torch.sin(2 * turn),
        "neck_turn": 14 * talk * torch.sin(turn + 0.6),
    }
    for side, sign in (("_r", 1.0), ("_l", -1.0)):
        talks = torch.sigmoid(4 * sign * talk)
        wave = 0.5 - 0.5 * torch.cos(turn + 0.5 * sign)
        rest = 1 - talks * wave
        angles["hip_flex" + side] = 82 - 6 * lean
        angles["hip_abduct" + side] = 9 + 8 * apart
        angles["hip_rotate" + side] = 4 + 8 * apart
        angles["knee_flex" + side] = 84 + 12 * feet + 5 * sign * apart
        angles["shoulder_flex" + side] = 34 + 10 * lean + 26 * (1 - rest)
        angles["shoulder_abduct" + side] = 12 + 6 * apart + 18 * (1 - rest)
        angles["shoulder_rotate" + side] = -14 - 4 * apart + 20 * (1 - rest)
        angles["elbow_flex" + side] = 42 - 8 * lean + 62 * (1 - rest)
    return angles


def reaching(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """One hand goes up or out to a shelf and comes back: which hand, how high, how far out, step."""
    hand, height, out, step = style[:4]
    go = 0.5 - 0.5 * torch.cos(turn)
    right = torch.sigmoid(5 * hand)
    side_sign = 1 - 2 * right  # -1 for the right arm
    angles = {
        "spine_bend": 3 + 8 * go * (1 - height) - 5 * go * (1 + height),
        "spine_side": 9 * go * side_sign * (-0.4 - 0.5 * height),
        "spine_twist": -14 * go * side_sign,
        "pelvis_turn": -6 * go * side_sign,
        "pelvis_side": 3 * go * side_sign,
        "neck_bend": -14 * go * (0.3 + height),
        "neck_turn": -8 * go * side_sign,
    }
    for side, active in (("_r", right), ("_l", 1 - right)):
        angles["hip_flex" + side] = 4 + 12 * step * (2 * active - 1) * (0.5 + 0.5 * go) + 6 * go * (1 - height)
        angles["hip_abduct" + side] = 5 + 2 * step + 0 * go
        angles["knee_flex" + side] = 7 + 10 * go * (1 - height) * 0.6 + 4 * active
        angles["shoulder_flex" + side] = active * go * (118 + 42 * height) + (1 - active) * (6 - 16 * go) + 4
        angles["shoulder_abduct" + side] = 8 + active * go * (16 + 18 * out) + (1 - active) * 8 * go
        angles["elbow_flex" + side] = 16 + active * (34 * torch.sin(turn).square() - 8 * go) + (1 - active) * 10 * go
    return angles


def crouching(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """Down to the ground and up again: how deep, hands to the floor, feet apart, one foot ahead."""
    deep, hands, apart, ahead = style[:4]
    go = 0.5 - 0.5 * torch.cos(turn)
    depth = go * (0.86 + 0.14 * deep)
    low = depth * (0.5 + 0.5 * hands)
    angles = {
        "pelvis_tilt": 30 * depth,
        "spine_bend": 4 + 22 * depth + 12 * low,
        "neck_bend": -18 * depth,
    }
    for side, sign in (("_r", 1.0), ("_l", -1.0)):
        angles["hip_flex" + side] = 5 + 98 * depth + 10 * sign * ahead * (0.4 + depth)
        angles["hip_abduct" + side] = 5 + (8 + 6 * apart) * depth + 2 * apart
        angles["hip_rotate" + side] = 3 + (8 + 4 * apart) * depth
        angles["knee_flex" + side] = 8 + 126 * depth - 8 * sign * ahead * depth
        angles["shoulder_flex" + side] = 6 + 70 * depth - 22 * low
        angles["shoulder_abduct" + side] = 8 + 6 * depth
        angles["shoulder_rotate" + side] = -10 * depth
        angles["elbow_flex" + side] = 14 + 40 * depth - 34 * low
    return angles


def turning(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """Once around on the spot with small steps, the head first: step, arms out, bend of the arms, how far ahead."""
    step, out, bend, ahead = style[:4]
    angles = {
        "pelvis_turn": 0 * turn,  # the whole turn is added to the heading
        "spine_twist": 12 + 5 * ahead + 6 * torch.sin(4 * turn),
        "neck_turn": 22 + 10 * ahead + 8 * torch.sin(4 * turn),
        "pelvis_side": 2 * torch.sin(4 * turn),
    }
    for side, start, sign in (("_r", 0.0, 1.0), ("_l", math.pi, -1.0)):
        t = 4 * turn + start
        lift = bump(t, 0.5, 2.0)
        angles["hip_flex" + side] = 4 + (16 + 6 * step) * lift
        angles["knee_flex" + side] = 7 + (34 + 12 * step) * lift
        angles["hip_abduct" + side] = 4 + 5 * bump(t, 0.62, 2.0)
        angles["hip_rotate" + side] = -6 * sign + 9 * torch.sin(t)
        angles["shoulder_flex" + side] = 4 - 12 * torch.cos(t)
        angles["shoulder_abduct" + side] = 18 + 12 * out + 3 * torch.sin(t)
        angles["elbow_flex" + side] = 28 + 16 * bend + 6 * torch.sin(t)
    return angles


def dancing(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """Hips sway, arms go up and out in turn: height of the arms, sway, bounce, twist."""
    height, sway, bounce, twist = style[:4]
    beat = torch.sin(turn)
    angles = {
        "pelvis_side": (9 + 4 * sway) * beat,
        "pelvis_turn": (12 + 8 * twist) * torch.sin(turn + 0.8),
        "spine_side": -(10 + 5 * sway) * beat,
        "spine_twist": -(14 + 8 * twist) * torch.sin(turn + 0.8),
        "neck_side": 8 * beat,
        "neck_turn": 12 * torch.sin(turn + 1.6),
    }
    for side, start, sign in (("_r", 0.0, 1.0), ("_l", math.pi, -1.0)):
        t = turn + start
        dip = 0.5 - 0.5 * torch.cos(2 * turn + 0.6)
        up = 0.5 + 0.5 * torch.sin(t + 0.4)
        angles["hip_flex" + side] = 8 + (10 + 6 * bounce) * dip + 14 * bump(t, 0.25, 2.0)
        angles["knee_flex" + side] = 14 + (22 + 10 * bounce) * dip + 30 * bump(t, 0.25, 2.0)
        angles["hip_abduct" + side] = 9 + 4 * sway * sign * beat + 4 * bump(t, 0.25, 2.0)
        angles["hip_rotate" + side] = 10 + 0 * t
        angles["shoulder_abduct" + side] = 38 + (70 + 34 * height) * up
        angles["shoulder_flex" + side] = 14 + 18 * torch.sin(t + 1.2)
        angles["shoulder_rotate" + side] = 10 * torch.sin(t)
        angles["elbow_flex" + side] = 46 - 12 * height + 34 * torch.sin(t + 2.0)
    return angles


def kicking(turn: Tensor, style: tuple[Tensor, ...]) -> Angles:
    """One leg swings back and kicks, the arms keep the balance: which leg, height, lean back, arms."""
    leg, height, back, arms = style[:4]
    right = torch.sigmoid(5 * leg)
    swing = -0.45 * bump(turn, 0.28, 3.0) + bump(turn, 0.55, 3.5)  # back, then forward
    kick = bump(turn, 0.55, 3.5)
    angles = {
        "pelvis_tilt": -8 * kick * (1 + 0.5 * back) + 4,
        "spine_bend": 6 + 10 * kick,
        "spine_twist": 14 * swing * (2 * right - 1),
        "pelvis_turn": 10 * swing * (1 - 2 * right) * -1,
        "neck_bend": 6 + 0 * turn,
    }
    for side, active in (("_r", right), ("_l", 1 - right)):
        angles["hip_flex" + side] = 4 + active * (swing * (72 + 22 * height)) + (1 - active) * 4
        angles["hip_abduct" + side] = 5 + 3 * active
        angles["knee_flex" + side] = 10 + active * (66 * bump(turn, 0.32, 4.0) - 4 * kick) + (1 - active) * 12 * kick
        angles["shoulder_flex" + side] = 6 + (1 - active) * (54 + 14 * arms) * kick - active * 34 * kick
        angles["shoulder_abduct" + side] = 12 + (16 + 10 * arms) * (1 - active) * kick + 30 * active * kick
        angles["elbow_flex" + side] = 26 + 10 * arms + 12 * active * kick
    return angles


FAMILIES: tuple[Callable[[Tensor, tuple[Tensor, ...]], Angles], ...] = (
    walking,
    sitting,
    reaching,
    crouching,
    turning,
    running,
    dancing,
    kicking,
)
