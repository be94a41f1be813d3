"""Colours and patterns of the pieces of a body, as numbers for the pixel kernel."""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.people.body import Frames, MATERIALS, Pieces
from course_lib.worlds.people.factors import BOTTOM_KINDS, TOP_PATTERNS, PeopleFactors

# What the kernel paints on a piece: one colour, a pattern of two, or a face.
KINDS = (*TOP_PATTERNS, "side stripe", "face", "shoe")
ROWS = 21  # colour 3, accent 3, kind, along 3 + 1, across 3 + 1, front 3, folds, gloss, whether it is the person

# Skin from fair to dark, sRGB.
SKIN = ((0.97, 0.83, 0.74), (0.91, 0.74, 0.62), (0.82, 0.62, 0.47), (0.66, 0.46, 0.32), (0.48, 0.32, 0.22), (0.33, 0.21, 0.15))


def skin_color(tone: Float[Tensor, " n"]) -> Float[Tensor, "n 3"]:
    """Colour of the skin for tones between 0 and 1: linear between the entries of `SKIN`."""
    palette = tone.new_tensor(SKIN)
    place = tone.clamp(0, 1) * (len(SKIN) - 1)
    below = place.floor().clamp(max=len(SKIN) - 2).long()
    return torch.lerp(palette[below], palette[below + 1], (place - below)[:, None])


def looks(pieces: Pieces, turned: Frames, joints: Float[Tensor, "b 17 3"], factors: PeopleFactors) -> Float[Tensor, "b r k"]:
    """Table of looks: `ROWS` numbers for each piece. Directions are in the frame of the pieces (the world).

    A pattern is a function of two coordinates along and across the piece, both affine in the position.
    """
    count = len(factors)
    skin = skin_color(factors.skin)
    lips = skin * skin.new_tensor([0.82, 0.55, 0.55])
    seat = factors.seat_color
    color = {"skin": skin, "hair": factors.hair_color, "top": factors.top_color, "bottom": factors.bottom_color,
             "shoes": factors.shoe_color, "seat": seat}
    accent = {"skin": lips, "hair": factors.hair_color, "top": factors.top_accent, "bottom": factors.bottom_accent,
              "shoes": 0.25 * factors.shoe_color + 0.7, "seat": seat}
    gloss = {"skin": 0.12, "hair": 0.3, "top": 0.02, "bottom": 0.03, "shoes": 0.3, "seat": 0.2}
    folds = {"top": 0.13, "bottom": 0.1}
    period = factors.pattern_size[:, None]
    size = turned.size
    pelvis = joints[:, 0]
    left, up, forward = turned.chest
    columns = []
    for k, name in enumerate(pieces.names):
        material = MATERIALS[pieces.material[k]]
        start, axis, lateral = pieces.start[:, k], pieces.axis[:, k], pieces.lateral[:, k]
        if material == "top" and not name.endswith(("sleeve", "cuff")):
            kind = factors.top_pattern
            print_ = (kind == TOP_PATTERNS.index("print"))[:, None]
            origin = torch.where(print_, joints[:, 8] - 0.17 * size * up, pelvis)
            scale = torch.where(print_, 1.1 * period, period)
            along, across, front = up / scale, left / scale, forward
            two_tone = (kind == TOP_PATTERNS.index("two-tone"))[:, None]
            origin = torch.where(two_tone, joints[:, 8] - 0.17 * size * up, origin)
        elif material == "top":
            kind = torch.where(factors.top_pattern == TOP_PATTERNS.index("print"), 0, factors.top_pattern)
            # Sleeves hang: stripes go around them, and a two-tone top has sleeves of the second colour.
            along, across, front, origin = -axis / period, lateral / period, lateral, start - axis * 10 * (
                kind == TOP_PATTERNS.index("two-tone"))[:, None] * -1
        elif name == "head":
            kind = torch.full_like(factors.top_pattern, KINDS.index("face"))
            head_left, head_up, face = turned.head
            along, across, front = head_up / (0.1 * size), head_left / (0.1 * size), face
            origin = start + 0.0 * head_up
        elif material == "bottom" and name.endswith(("trouser", "trouser_leg")):
            striped = factors.bottom_kind == BOTTOM_KINDS.index("trousers with a side stripe")
            kind = striped.long() * KINDS.index("side stripe")
            outward = lateral if name.startswith("left") else -lateral
            along, across, front, origin = axis, lateral, outward, start
        elif name.endswith("foot"):
            kind = torch.full_like(factors.top_pattern, KINDS.index("shoe"))
            sole = torch.linalg.cross(axis, lateral)
            sole = sole * torch.sign((sole * joints.new_tensor([0.0, 1.0, 0.0])).sum(-1, keepdim=True) + 1e-6)
            along, across, front, origin = sole / 0.02, lateral, sole, start - 0.022 * size * sole
        else:
            kind = torch.zeros_like(factors.top_pattern)
            along, across, front, origin = axis, lateral, forward, start
        offsets = [-(direction * origin).sum(-1, keepdim=True) for direction in (along, across)]
        loose = folds.get(material, 0.0) * (0.35 + 0.65 * factors.looseness[:, None])
        if name == "skirt":
            loose = 0.4 * loose
        shine = torch.full((count, 1), gloss[material], device=skin.device, dtype=skin.dtype)
        columns.append(torch.cat(
            [color[material], accent[material], kind[:, None].to(skin.dtype), along, offsets[0], across, offsets[1],
             front, loose * torch.ones_like(shine), shine,
             torch.full_like(shine, float(material != "seat"))], -1))
    return torch.stack(columns, -1)
