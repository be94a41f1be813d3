"""The surface of a body: tapered capsules around 17 joints, skin below and clothes above.

Everything is in a world frame (y up, metres). Only the joints are given; where feet, hands and face point follows
from them, so that any pose of 17 joints can be dressed, one from motion capture as well as one of the pose prior.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry import H36M_17
from course_lib.worlds.people.factors import BOTTOM_KINDS, HAIR_STYLES, PeopleFactors

PARTS = (
    ("background", "head", "torso")
    + tuple(f"right_{name}" for name in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"))
    + tuple(f"left_{name}" for name in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"))
)
MATERIALS = ("background", "skin", "hair", "top", "bottom", "shoes", "seat")

_FULL = 9.0  # metres: a part that is not cut
_REFERENCE = 2 * (0.4492 + 0.4456) + 0.2384 + 0.2553  # legs and spine of the mean body, metres


@dataclass(frozen=True)
class Pieces:
    """Tapered capsules of b bodies, all with the same k pieces.

    A piece is the convex hull of two balls in space stretched by `squash` along `lateral` and along the third axis,
    of which only what lies between `low` and `high` along its axis is kept.

    Attributes:
        start: Centre of the first ball.
        axis: Unit vector to the second.
        lateral: Unit vector across.
        length: From ball to ball.
        radii: Of both balls.
        squash: Stretch along `lateral` and along lateral x axis.
        keep: `low` and `high`, metres from the first centre; a piece with low > high is absent.
        part: Row of `PARTS` of each piece.
        material: Row of `MATERIALS` of each piece.
        names: Name of each piece.
    """

    start: Float[Tensor, "b k 3"]
    axis: Float[Tensor, "b k 3"]
    lateral: Float[Tensor, "b k 3"]
    length: Float[Tensor, "b k"]
    radii: Float[Tensor, "b k 2"]
    squash: Float[Tensor, "b k 2"]
    keep: Float[Tensor, "b k 2"]
    part: tuple[int, ...]
    material: tuple[int, ...]
    names: tuple[str, ...]


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
    toes = [ball + 0.03 * turned.size * forward for (_, ball), forward in zip(soles(joints, turned), turned.feet, strict=True)]
    return torch.cat([joints, torch.stack([crown, *tips, *toes, soles(joints, turned)[0][0]], 1)], 1)


def body_pieces(
    joints: Float[Tensor, "b 17 3"], factors: PeopleFactors, floor: Float[Tensor, " b"] | None = None, *, seat: Tensor
) -> Pieces:
    """Dress a skeleton.

    Args:
        joints: World frame, metres.
        factors: Build, hair and the cut of the clothes.
        floor: Height of the ground, on which feet do not sink; none by default.
        seat: Whether there is a stool under the pelvis, `(b,)`.
    """
    turned = frames(joints)
    build = _Builder(joints, turned, factors)
    _trunk(build)
    _head(build)
    for side, foot, sole in zip(("right_", "left_"), turned.feet, soles(joints, turned), strict=True):
        _arm(build, side)
        _leg(build, side, foot, sole, floor)
    _skirt(build)
    _stool(build, floor, seat)
    return build.pieces()


class _Builder:
    """Collects pieces; lengths and radii are given for the mean body and scaled."""

    def __init__(self, joints: Tensor, turned: Frames, factors: PeopleFactors) -> None:
        self.joints = {name: joints[:, i].contiguous() for i, name in enumerate(H36M_17.joints)}
        self.turned, self.factors = turned, factors
        self.size = turned.size
        self.stout = factors.build[:, None]
        self.limb = self.size * (1 + 0.13 * self.stout)
        self.trunk = self.size * (1 + 0.15 * self.stout)
        self.cloth = self.size * (0.005 + 0.013 * factors.looseness[:, None])
        self.rows: list[tuple] = []

    def add(
        self,
        name: str,
        part: str,
        material: str,
        ends: tuple[Tensor, Tensor],
        radii: tuple[Tensor, Tensor],
        lateral: Tensor,
        squash: tuple[float | Tensor, float | Tensor] = (1.0, 1.0),
        keep: tuple[float | Tensor, float | Tensor] = (-_FULL, _FULL),
        present: Tensor | None = None,
    ) -> None:
        """One piece from `ends[0]` to `ends[1]`; radii, squash and keep as numbers or `(b, 1)`."""
        start, end = ends
        one = torch.ones_like(self.size)
        low, high = (value * one for value in keep)
        if present is not None:
            low = torch.where(present[:, None], low, _FULL)
            high = torch.where(present[:, None], high, -_FULL)
        columns = [torch.cat([value * one for value in pair], -1) for pair in (radii, squash)]
        self.rows.append((start, end, lateral, *columns, torch.cat([low, high], -1)))
        self.labels = [*getattr(self, "labels", []), (PARTS.index(part), MATERIALS.index(material), name)]

    def pieces(self) -> Pieces:
        start, end, lateral, radii, squash, keep = (torch.stack(column, 1) for column in zip(*self.rows, strict=True))
        span = length(end - start).clamp_min(1e-4)
        axis = (end - start) / span
        # A ball that holds the other leaves no cone: the larger end then stands alone.
        taper = 0.98 * span
        radii = torch.stack([radii[..., 0], radii[..., 1].clamp(radii[..., 0] - taper[..., 0], radii[..., 0] + taper[..., 0])], -1)
        lateral = unit(across(lateral, axis))
        part, material, names = zip(*self.labels, strict=True)
        return Pieces(start, axis, lateral, span[..., 0], radii, squash, keep, part, material, names)


def _trunk(build: _Builder) -> None:
    j, s, t = build.joints, build.size, build.trunk
    left, up, forward = build.turned.pelvis
    chest_left, chest_up, chest_forward = build.turned.chest
    hips = (j["right_hip"] - j["left_hip"]) * 0.22
    seat = j["pelvis"] - 0.012 * s * up - 0.012 * s * forward
    build.add("hips", "torso", "bottom", (seat + hips, seat - hips), (0.112 * t, 0.112 * t), up, (1.0, 0.98))
    waist = j["pelvis"] + 0.07 * s * up
    middle = j["spine"] + 0.02 * s * up
    belly = 1 + 0.16 * build.stout.clamp_min(0)
    wide = length(j["left_hip"] - j["right_hip"]) / (0.268 * s)
    build.add(
        "belly", "torso", "top", (waist, middle), (0.108 * t * belly, 0.108 * t), left, (1.14 * (0.5 + 0.5 * wide), 0.9)
    )
    broad = length(j["left_shoulder"] - j["right_shoulder"]) / (0.291 * s)
    top = j["thorax"] - 0.115 * s * chest_up
    build.add(
        "chest", "torso", "top", (middle, top + 0.005 * s * chest_forward), (0.106 * t, 0.122 * t), chest_left,
        (1.17 * (0.4 + 0.6 * broad), 0.88),
    )
    # The shirt hangs over the hips, open below.
    # It rests on the lap of who bends the hips.
    thighs = unit(j["right_knee"] + j["left_knee"] - j["right_hip"] - j["left_hip"])
    fall = build.factors.hem[:, None] * -(thighs * up).sum(-1, keepdim=True).clamp(-1, 0)
    end = j["pelvis"] - (0.02 + 0.12 * fall) * s * up
    loose = build.cloth
    build.add(
        "hem", "torso", "top", (j["spine"], end), (0.106 * t * belly + 0.3 * loose, 0.126 * t + loose), left,
        (1.36 * (0.5 + 0.5 * wide), 1.03), (-_FULL, length(end - j["spine"])), build.factors.hem > 0.12,
    )
    neck = j["thorax"] + 0.035 * s * chest_up
    for side in ("right_", "left_"):
        shoulder = j[side + "shoulder"]
        inner = j["thorax"] * 0.45 + shoulder * 0.55 - 0.045 * s * chest_up
        build.add(side + "pectoral", "torso", "top", (inner - 0.05 * s * chest_up, shoulder - 0.015 * s * chest_up),
                  (0.082 * t, 0.055 * t), chest_forward, (0.95, 1.0))
        build.add(side + "trapezius", "torso", "top", (neck, shoulder + 0.006 * s * chest_up),
                  (0.046 * t, 0.046 * t), chest_forward, (1.05, 0.95))


def _head(build: _Builder) -> None:
    j, s = build.joints, build.size
    left, up, face = build.turned.head
    crown = j["head_top"]
    build.add("neck", "head", "skin", (j["thorax"] + 0.01 * s * up, crown - 0.09 * s * up - 0.012 * s * face),
              (0.055 * build.limb, 0.05 * build.limb), left)
    skull = crown - 0.075 * s * up + 0.004 * s * face
    build.add("head", "head", "skin", (skull, skull + 0.055 * s * up), (0.083 * s, 0.084 * s), left, (0.92, 1.12))
    jaw = crown - 0.105 * s * up + 0.016 * s * face
    build.add("jaw", "head", "skin", (jaw, jaw - 0.042 * s * up + 0.026 * s * face), (0.066 * s, 0.04 * s), left, (0.98, 1.05))
    nose = crown - 0.07 * s * up + 0.092 * s * face
    build.add("nose", "head", "skin", (nose, nose - 0.03 * s * up + 0.016 * s * face), (0.009 * s, 0.016 * s), left)
    style = build.factors.hair_style
    name = {hair: style == i for i, hair in enumerate(HAIR_STYLES)}
    # A cap cut by a slanting plane: from the forehead down to the neck.
    slant = unit(0.8 * up - 0.6 * face)
    middle = skull + 0.034 * s * up
    build.add("hair", "head", "hair", (middle, middle + 0.02 * s * slant), (0.102 * s, 0.1 * s), left, (0.9, 1.03),
              (-0.036 * s, _FULL), ~name["bald"])
    back = crown - 0.07 * s * up - 0.03 * s * face
    fall = torch.where(name["long"], 0.21, 0.075)[:, None] * s
    build.add("locks", "head", "hair", (back, back - fall * up - 0.35 * fall * face), (0.084 * s, 0.062 * s), left,
              (1.0, 0.8), present=name["medium"] | name["long"])
    knot = crown + 0.0 * s * up - 0.088 * s * face
    tail = torch.where(name["ponytail"], 0.2, 0.012)[:, None] * s
    thick = torch.where(name["ponytail"], 0.024, 0.042)[:, None] * s
    build.add("tail", "head", "hair", (knot, knot - tail * (0.92 * up + 0.4 * face)), (torch.where(name["ponytail"], 0.034, 0.042)[:, None] * s, thick), left,
              present=name["ponytail"] | name["bun"])


def _arm(build: _Builder, side: str) -> None:
    j, s, r = build.joints, build.size, build.limb
    left, up, forward = build.turned.chest
    shoulder, elbow, wrist = (j[side + name] for name in ("shoulder", "elbow", "wrist"))
    covered = build.factors.sleeve[:, None] * (length(elbow - shoulder) + length(wrist - elbow))
    upper, lower = length(elbow - shoulder), length(wrist - elbow)
    arm = unit(wrist - elbow)
    build.add(side + "upper_arm", side + "upper_arm", "skin", (shoulder, elbow), (0.052 * r, 0.04 * r), forward)
    build.add(side + "forearm", side + "forearm", "skin", (elbow, wrist), (0.041 * r, 0.027 * r), forward)
    loose = build.cloth
    build.add(side + "sleeve", side + "upper_arm", "top", (shoulder, elbow), (0.053 * r + loose, 0.041 * r + loose), forward,
              keep=(-_FULL, torch.where(covered < upper, covered, _FULL)), present=build.factors.sleeve > 0.06)
    build.add(side + "cuff", side + "forearm", "top", (elbow, wrist), (0.042 * r + loose, 0.029 * r + 0.7 * loose), forward,
              keep=(-_FULL, torch.minimum(covered - upper, 0.985 * lower)), present=(covered > upper)[:, 0])
    palm = across(forward + 0.25 * up, arm)
    palm = unit(palm + 1e-3 * across(up, arm))
    build.add(side + "hand", side + "hand", "skin", (wrist + 0.03 * s * arm, wrist + 0.145 * s * arm), (0.027 * s, 0.02 * s),
              palm, (1.35, 0.75))
    thumb = wrist + 0.035 * s * arm + 0.022 * s * palm
    build.add(side + "thumb", side + "hand", "skin", (thumb, thumb + 0.05 * s * arm + 0.026 * s * palm), (0.014 * s, 0.011 * s), up)


def _leg(build: _Builder, side: str, foot: Tensor, sole: tuple[Tensor, Tensor], floor: Tensor | None) -> None:
    j, s, r = build.joints, build.size, build.limb
    hip, knee, ankle = (j[side + name] for name in ("hip", "knee", "ankle"))
    thigh, shin = length(knee - hip), length(ankle - knee)
    left = build.turned.pelvis[0]
    # Human3.6M's hip joints lie far apart: thighs begin further inside.
    hip = torch.lerp(hip, j["pelvis"], 0.27)
    skirt = build.factors.bottom_kind == BOTTOM_KINDS.index("skirt")
    # Under a skirt nothing is drawn, so that no knee comes through.
    hidden = 0.9 * length(_skirt_end(build)[0] - j["pelvis"])
    hidden = torch.where(skirt[:, None], hidden, -_FULL)
    build.add(side + "thigh", side + "thigh", "skin", (hip, knee), (0.085 * r, 0.056 * r), left, keep=(hidden, _FULL),
              present=~skirt | (hidden < thigh)[:, 0])
    down = unit(ankle - knee)
    calf = knee + 0.3 * (ankle - knee) - 0.012 * s * foot
    build.add(side + "calf", side + "shin", "skin", (knee + 0.02 * s * down, calf), (0.046 * r, 0.051 * r), left)
    build.add(side + "shin", side + "shin", "skin", (calf, ankle), (0.051 * r, 0.034 * r), left)
    covered = (0.22 + 0.75 * build.factors.leg[:, None]) * (thigh + shin)
    loose = build.cloth
    build.add(side + "trouser", side + "thigh", "bottom", (hip, knee), (0.087 * r + loose, 0.061 * r + 1.4 * loose), left,
              keep=(-_FULL, torch.where(covered < thigh, covered, _FULL)), present=~skirt)
    build.add(side + "trouser_leg", side + "shin", "bottom", (knee, ankle), (0.0604 * r + 1.4 * loose, 0.049 * r + 1.6 * loose), left,
              keep=(-_FULL, covered - thigh), present=(covered > thigh)[:, 0] & ~skirt)
    heel, ball = (_above(point, floor, radius * s) for point, radius in zip(sole, (0.036, 0.03), strict=True))
    build.add(side + "foot", side + "foot", "shoes", (heel, ball), (0.038 * s, 0.033 * s), left, (1.12, 0.95))
    build.add(side + "shaft", side + "foot", "shoes", (heel, ankle), (0.036 * s, 0.036 * s), left, (1.0, 1.1),
              (-_FULL, 0.7 * length(ankle - heel)))


def _skirt_end(build: _Builder) -> tuple[Tensor, Tensor, Tensor]:
    """Lower end of a skirt, and half its width and depth there."""
    j, leg = build.joints, build.factors.leg[:, None]
    left, _, forward = build.turned.pelvis
    knees, ankles = (0.5 * (j["right_" + name] + j["left_" + name]) for name in ("knee", "ankle"))
    short, below = (0.62 + leg).clamp_max(1), (0.55 * (leg - 0.4)).clamp_min(0)
    end = torch.lerp(torch.lerp(j["pelvis"], knees, short), ankles, below)
    apart = torch.lerp(j["right_knee"] - j["left_knee"], j["right_ankle"] - j["left_ankle"], below) * short
    wide, deep = ((apart * way).sum(-1, keepdim=True).abs() for way in (left, forward))
    return end, 0.5 * wide + 0.09 * build.limb, 0.5 * deep + 0.09 * build.limb


def _skirt(build: _Builder) -> None:
    left, up, _ = build.turned.pelvis
    waist = build.joints["pelvis"] + 0.01 * build.size * up
    end, wide, deep = _skirt_end(build)
    lap = (1 + (unit(end - waist) * up).sum(-1, keepdim=True)).clamp(0, 1)  # 0 upright, 1 on the lap of who sits
    depth = torch.lerp((deep / wide).clamp(0.8, 1.25), torch.full_like(lap, 0.6), lap)
    radius = torch.maximum(wide, torch.lerp(deep / 1.25, wide, lap)).clamp_min(0.17 * build.size) / 1.3
    build.add(
        "skirt", "torso", "bottom", (waist, end), (0.128 * build.trunk, radius), left, (1.3, 1.3 * depth),
        (0.0, length(end - waist)), build.factors.bottom_kind == BOTTOM_KINDS.index("skirt"),
    )


def _stool(build: _Builder, floor: Tensor | None, seat: Tensor) -> None:
    pelvis, s = build.joints["pelvis"], build.size
    forward = build.turned.pelvis[2]
    upright = pelvis.new_tensor([0.0, 1.0, 0.0]).expand_as(pelvis)
    across_seat = pelvis.new_tensor([1.0, 0.0, 0.0]).expand_as(pelvis)
    top = pelvis - 0.165 * s * upright + 0.02 * s * across(forward, upright)
    ground = (pelvis[:, 1] - 0.5 if floor is None else floor)[:, None]
    foot = torch.cat([top[:, :1], ground + 0.025, top[:, 2:]], -1)
    build.add("seat", "background", "seat", (top - 0.015 * upright, top + 0.01 * upright), (0.04, 0.04), across_seat, (4.6, 4.6), present=seat)
    build.add("post", "background", "seat", (foot, top), (0.026, 0.026), across_seat, present=seat)
    build.add("base", "background", "seat", (foot - 0.004 * upright, foot), (0.018, 0.018), across_seat, (10.0, 10.0), present=seat)


def _level(foot: Tensor) -> Tensor:
    """Turn a foot at right angles to its shin towards level ground, as far as an ankle goes."""
    fall = foot[:, 1:2]
    kept = torch.where(fall < 0, (fall + 0.55).clamp_max(0), (fall - 0.3).clamp_min(0))
    return unit(torch.cat([foot[:, :1], kept, foot[:, 2:]], -1))


def _above(point: Tensor, floor: Tensor | None, radius: Tensor) -> Tensor:
    """The point, lifted where a ball around it would sink into the ground."""
    if floor is None:
        return point
    return torch.cat([point[:, :1], torch.maximum(point[:, 1:2], floor[:, None] + radius), point[:, 2:]], -1)


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
