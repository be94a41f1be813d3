"""The surface of a body: which tapered capsules there are, skin below and clothes above."""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.people.body import across, frames, length, soles, unit
from course_lib.worlds.people.factors import BOTTOM_KINDS, HAIR_STYLES, PeopleFactors
from course_lib.worlds.people.pieces import FULL, Builder, Pieces


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
    build = Builder(joints, turned, factors)
    _trunk(build)
    _head(build)
    for side, foot, sole in zip(("right_", "left_"), turned.feet, soles(joints, turned), strict=True):
        _arm(build, side)
        _leg(build, side, foot, sole, floor)
    _skirt(build)
    _stool(build, floor, seat)
    return build.pieces()


def _trunk(build: Builder) -> None:
    j, s, t = build.joints, build.size, build.trunk
    left, up, forward = build.turned.pelvis
    chest_left, chest_up, chest_forward = build.turned.chest
    hips = (j["right_hip"] - j["left_hip"]) * 0.22
    seat = j["pelvis"] - 0.012 * s * up - 0.012 * s * forward
    build.add("hips", (seat + hips, seat - hips), (0.112 * t, 0.112 * t), up, (1.0, 0.98))
    waist = j["pelvis"] + 0.07 * s * up
    middle = j["spine"] + 0.02 * s * up
    belly = 1 + 0.16 * build.stout.clamp_min(0)
    wide = length(j["left_hip"] - j["right_hip"]) / (0.268 * s)
    build.add("belly", (waist, middle), (0.108 * t * belly, 0.108 * t), left, (1.14 * (0.5 + 0.5 * wide), 0.9))
    broad = length(j["left_shoulder"] - j["right_shoulder"]) / (0.291 * s)
    top = build.nape - 0.115 * s * chest_up
    build.add(
        "chest",
        (middle, top + 0.005 * s * chest_forward),
        (0.106 * t, 0.122 * t),
        chest_left,
        (1.17 * (0.4 + 0.6 * broad), 0.88),
    )
    # The shirt hangs over the hips, open below, and rests on the lap of who bends the hips.
    thighs = unit(j["right_knee"] + j["left_knee"] - j["right_hip"] - j["left_hip"])
    fall = build.factors.hem[:, None] * -(thighs * up).sum(-1, keepdim=True).clamp(-1, 0)
    end = j["pelvis"] - (0.02 + 0.12 * fall) * s * up
    loose = build.cloth
    build.add(
        "hem",
        (j["spine"], end),
        (0.094 * t * belly + 0.3 * loose, 0.126 * t + loose),
        left,
        (1.36 * (0.5 + 0.5 * wide), 1.03),
        (-FULL, length(end - j["spine"])),
        build.factors.hem > 0.12,
    )
    neck = build.nape + 0.035 * s * chest_up
    for side in ("right_", "left_"):
        shoulder = j[side + "shoulder"]
        inner = torch.lerp(build.nape, shoulder, 0.55) - 0.045 * s * chest_up
        build.add(
            side + "pectoral",
            (inner - 0.05 * s * chest_up, shoulder - 0.015 * s * chest_up),
            (0.082 * t, 0.055 * t),
            chest_forward,
            (0.95, 1.0),
        )
        build.add(
            side + "trapezius",
            (neck, shoulder + 0.006 * s * chest_up),
            (0.046 * t, 0.046 * t),
            chest_forward,
            (1.05, 0.95),
        )


def _head(build: Builder) -> None:
    j, s = build.joints, build.size
    left, up, face = build.turned.head
    crown = j["head_top"]
    build.add(
        "neck",
        (build.nape + 0.01 * s * up, crown - 0.09 * s * up - 0.012 * s * face),
        (0.055 * build.limb, 0.05 * build.limb),
        left,
    )
    skull = crown - 0.075 * s * up + 0.004 * s * face
    build.add("head", (skull, skull + 0.055 * s * up), (0.083 * s, 0.084 * s), left, (0.92, 1.12))
    jaw = crown - 0.105 * s * up + 0.016 * s * face
    build.add("jaw", (jaw, jaw - 0.042 * s * up + 0.026 * s * face), (0.066 * s, 0.04 * s), left, (0.98, 1.05))
    nose = crown - 0.07 * s * up + 0.092 * s * face
    build.add("nose", (nose, nose - 0.03 * s * up + 0.016 * s * face), (0.009 * s, 0.016 * s), left)
    style = build.factors.hair_style
    name = {hair: style == i for i, hair in enumerate(HAIR_STYLES)}
    # A cap cut by a slanting plane: from the forehead down to the neck.
    slant = unit(0.8 * up - 0.6 * face)
    middle = skull + 0.034 * s * up
    build.add(
        "hair",
        (middle, middle + 0.02 * s * slant),
        (0.102 * s, 0.1 * s),
        left,
        (0.9, 1.03),
        (-0.036 * s, FULL),
        ~name["bald"],
    )
    back = crown - 0.07 * s * up - 0.03 * s * face
    fall = torch.where(name["long"], 0.21, 0.075)[:, None] * s
    build.add(
        "locks",
        (back, back - fall * up - 0.35 * fall * face),
        (0.084 * s, 0.062 * s),
        left,
        (1.0, 0.8),
        present=name["medium"] | name["long"],
    )
    knot = crown - 0.088 * s * face
    tail = torch.where(name["ponytail"], 0.2, 0.012)[:, None] * s
    thick = torch.where(name["ponytail"], 0.024, 0.042)[:, None] * s
    build.add(
        "tail",
        (knot, knot - tail * (0.92 * up + 0.4 * face)),
        (torch.where(name["ponytail"], 0.034, 0.042)[:, None] * s, thick),
        left,
        present=name["ponytail"] | name["bun"],
    )


def _arm(build: Builder, side: str) -> None:
    j, s, r = build.joints, build.size, build.limb
    _, up, forward = build.turned.chest
    shoulder, elbow, wrist = (j[side + name] for name in ("shoulder", "elbow", "wrist"))
    upper, lower = length(elbow - shoulder), length(wrist - elbow)
    covered = build.factors.sleeve[:, None] * (upper + lower)
    arm = unit(wrist - elbow)
    build.add(side + "upper_arm", (shoulder, elbow), (0.052 * r, 0.04 * r), forward)
    build.add(side + "forearm", (elbow, wrist), (0.041 * r, 0.027 * r), forward)
    loose = build.cloth
    build.add(
        side + "sleeve",
        (shoulder, elbow),
        (0.053 * r + loose, 0.041 * r + loose),
        forward,
        keep=(-FULL, torch.where(covered < upper, covered, FULL)),
        present=build.factors.sleeve > 0.06,
    )
    build.add(
        side + "cuff",
        (elbow, wrist),
        (0.042 * r + loose, 0.029 * r + 0.7 * loose),
        forward,
        keep=(-FULL, torch.minimum(covered - upper, 0.985 * lower)),
        present=(covered > upper)[:, 0],
    )
    palm = across(forward + 0.25 * up, arm)
    palm = unit(palm + 1e-3 * across(up, arm))
    build.add(
        side + "hand", (wrist + 0.03 * s * arm, wrist + 0.145 * s * arm), (0.027 * s, 0.02 * s), palm, (1.35, 0.75)
    )
    thumb = wrist + 0.035 * s * arm + 0.022 * s * palm
    build.add(side + "thumb", (thumb, thumb + 0.05 * s * arm + 0.026 * s * palm), (0.014 * s, 0.011 * s), up)


def _leg(build: Builder, side: str, foot: Tensor, sole: tuple[Tensor, Tensor], floor: Tensor | None) -> None:
    j, s, r = build.joints, build.size, build.limb
    hip, knee, ankle = (j[side + name] for name in ("hip", "knee", "ankle"))
    thigh, shin = length(knee - hip), length(ankle - knee)
    left = build.turned.pelvis[0]
    # Human3.6M's hip joints lie far apart: thighs begin further inside.
    hip = torch.lerp(hip, j["pelvis"], 0.27)
    skirt = build.factors.bottom_kind == BOTTOM_KINDS.index("skirt")
    # Under a skirt nothing is drawn, so that no knee comes through.
    hidden = 0.9 * length(_skirt_end(build)[0] - j["pelvis"])
    hidden = torch.where(skirt[:, None], hidden, -FULL)
    shows = (hidden < thigh)[:, 0]
    build.add(
        side + "thigh",
        (hip, knee),
        (0.085 * r, 0.056 * r),
        left,
        keep=(hidden, FULL),
        present=shows,
    )
    down = unit(ankle - knee)
    calf = knee + 0.3 * (ankle - knee) - 0.012 * s * foot
    build.add(side + "calf", (knee + 0.02 * s * down, calf), (0.046 * r, 0.051 * r), left, present=shows)
    build.add(side + "shin", (calf, ankle), (0.051 * r, 0.034 * r), left)
    covered = (0.22 + 0.75 * build.factors.leg[:, None]) * (thigh + shin)
    loose = build.cloth
    build.add(
        side + "trouser",
        (hip, knee),
        (0.087 * r + loose, 0.061 * r + 1.4 * loose),
        left,
        keep=(-FULL, torch.where(covered < thigh, covered, FULL)),
        present=~skirt,
    )
    build.add(
        side + "trouser_leg",
        (knee, ankle),
        (0.0604 * r + 1.4 * loose, 0.049 * r + 1.6 * loose),
        left,
        keep=(-FULL, covered - thigh),
        present=(covered > thigh)[:, 0] & ~skirt,
    )
    heel, ball = (_above(point, floor, radius * s) for point, radius in zip(sole, (0.036, 0.03), strict=True))
    build.add(side + "foot", (heel, ball), (0.038 * s, 0.033 * s), left, (1.12, 0.95))
    build.add(
        side + "shaft", (heel, ankle), (0.036 * s, 0.036 * s), left, (1.0, 1.1), (-FULL, 0.7 * length(ankle - heel))
    )


def _skirt_end(build: Builder) -> tuple[Tensor, Tensor, Tensor]:
    """Lower end of a skirt, and half its width and depth there."""
    j, leg = build.joints, build.factors.leg[:, None]
    left, _, forward = build.turned.pelvis
    knees, ankles = (0.5 * (j["right_" + name] + j["left_" + name]) for name in ("knee", "ankle"))
    short, below = (0.62 + leg).clamp_max(1), (0.55 * (leg - 0.4)).clamp_min(0)
    end = torch.lerp(torch.lerp(j["pelvis"], knees, short), ankles, below)
    apart = torch.lerp(j["right_knee"] - j["left_knee"], j["right_ankle"] - j["left_ankle"], below) * short
    wide, deep = ((apart * way).sum(-1, keepdim=True).abs() for way in (left, forward))
    return end, 0.5 * wide + 0.09 * build.limb, 0.5 * deep + 0.09 * build.limb


def _skirt(build: Builder) -> None:
    left, up, _ = build.turned.pelvis
    waist = build.joints["pelvis"] + 0.01 * build.size * up
    end, wide, deep = _skirt_end(build)
    lap = (1 + (unit(end - waist) * up).sum(-1, keepdim=True)).clamp(0, 1)  # 0 upright, 1 on the lap of who sits
    depth = torch.lerp((deep / wide).clamp(0.8, 1.25), torch.full_like(lap, 0.6), lap)
    radius = torch.maximum(wide, torch.lerp(deep / 1.25, wide, lap)).clamp_min(0.17 * build.size) / 1.3
    build.add(
        "skirt",
        (waist, end),
        (0.128 * build.trunk, radius),
        left,
        (1.3, 1.3 * depth),
        (0.0, length(end - waist)),
        build.factors.bottom_kind == BOTTOM_KINDS.index("skirt"),
    )


def _stool(build: Builder, floor: Tensor | None, seat: Tensor) -> None:
    pelvis, s = build.joints["pelvis"], build.size
    forward = build.turned.pelvis[2]
    upright = pelvis.new_tensor([0.0, 1.0, 0.0]).expand_as(pelvis)
    across_seat = pelvis.new_tensor([1.0, 0.0, 0.0]).expand_as(pelvis)
    top = pelvis - 0.165 * s * upright + 0.02 * s * across(forward, upright)
    ground = (pelvis[:, 1] - 0.5 if floor is None else floor)[:, None]
    foot = torch.cat([top[:, :1], ground + 0.025, top[:, 2:]], -1)
    build.add(
        "seat", (top - 0.015 * upright, top + 0.01 * upright), (0.04, 0.04), across_seat, (4.6, 4.6), present=seat
    )
    build.add("post", (foot, top), (0.026, 0.026), across_seat, present=seat)
    build.add("base", (foot - 0.004 * upright, foot), (0.018, 0.018), across_seat, (10.0, 10.0), present=seat)


def _above(point: Tensor, floor: Tensor | None, radius: Tensor) -> Tensor:
    """The point, lifted where a ball around it would sink into the ground."""
    if floor is None:
        return point
    return torch.cat([point[:, :1], torch.maximum(point[:, 1:2], floor[:, None] + radius), point[:, 2:]], -1)
