"""Colours and patterns of the pieces of a body, as numbers for the pixel kernel."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry import H36M_17
from course_lib.worlds.people.body import Frames
from course_lib.worlds.people.factors import BOTTOM_KINDS, TOP_PATTERNS, PeopleFactors
from course_lib.worlds.people.pieces import MATERIALS, Pieces

# What the kernel paints on a piece: one colour, a pattern of two, or a face.
KINDS = (*TOP_PATTERNS, "side stripe", "face", "shoe")
ROWS = 21  # colour 3, accent 3, kind, along 3 + 1, across 3 + 1, front 3, folds, gloss, whether it is the person

GLOSS = {"skin": 0.12, "hair": 0.3, "top": 0.02, "bottom": 0.03, "shoes": 0.3, "seat": 0.2}
FOLDS = {"top": 0.13, "bottom": 0.1, "skirt": 0.04}

# Skin from fair to dark, sRGB.
SKIN = (
    (0.97, 0.83, 0.74),
    (0.91, 0.74, 0.62),
    (0.82, 0.62, 0.47),
    (0.66, 0.46, 0.32),
    (0.48, 0.32, 0.22),
    (0.33, 0.21, 0.15),
)


def skin_colour(tone: Float[Tensor, " n"]) -> Float[Tensor, "n 3"]:
    """Colour of the skin for tones between 0 and 1: linear between the entries of `SKIN`."""
    palette = tone.new_tensor(SKIN)
    place = tone.clamp(0, 1) * (len(SKIN) - 1)
    below = place.floor().clamp(max=len(SKIN) - 2).long()
    return torch.lerp(palette[below], palette[below + 1], (place - below)[:, None])


def looks(
    pieces: Pieces, turned: Frames, joints: Float[Tensor, "b 17 3"], factors: PeopleFactors
) -> Float[Tensor, "b r k"]:
    """Table of looks: `ROWS` numbers for each piece. Directions are in the frame of the pieces (the world)."""
    colour, accent = _colours(factors)
    loose = 0.35 + 0.65 * factors.looseness[:, None]
    columns = []
    for k, name in enumerate(pieces.names):
        material = MATERIALS[pieces.material[k]]
        frame = pieces.start[:, k], pieces.axis[:, k], pieces.lateral[:, k]
        if material == "top":
            pattern = _sleeve(factors, *frame) if name.endswith(("sleeve", "cuff")) else _shirt(factors, turned, joints)
        elif name == "head":
            pattern = _face(factors, turned, *frame)
        elif name.endswith(("trouser", "trouser_leg")):
            pattern = _trouser(factors, name.startswith("left"), *frame)
        elif name.endswith("foot"):
            pattern = _shoe(factors, turned, *frame)
        else:
            pattern = _Pattern(torch.zeros_like(factors.scene), frame[1], frame[2], turned.chest[2], frame[0])
        # Positions at which the coordinates of the pattern are 0, as offsets of two affine functions.
        offsets = [-(way * pattern.origin).sum(-1, keepdim=True) for way in (pattern.along, pattern.across)]
        folds = FOLDS.get("skirt" if name == "skirt" else material, 0.0) * loose
        shine, person = (torch.full_like(folds, value) for value in (GLOSS[material], float(material != "seat")))
        rows = [colour[material], accent[material], pattern.kind[:, None].to(folds.dtype), pattern.along, offsets[0]]
        columns.append(torch.cat([*rows, pattern.across, offsets[1], pattern.front, folds, shine, person], -1))
    return torch.stack(columns, -1)


class _Pattern(NamedTuple):
    """Which pattern, `(b,)`, and two coordinates in which it is given, each a direction over a length, `(b, 3)`."""

    kind: Tensor
    along: Tensor
    across: Tensor
    front: Tensor  # where the piece shows a print or a face
    origin: Tensor  # where both coordinates are 0


def _colours(factors: PeopleFactors) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """First and second colour of each material."""
    skin = skin_colour(factors.skin)
    plain = {"skin": skin, "hair": factors.hair_colour, "seat": factors.seat_colour}
    colour = plain | {"top": factors.top_colour, "bottom": factors.bottom_colour, "shoes": factors.shoe_colour}
    soles = 0.25 * factors.shoe_colour + 0.7
    return colour, plain | {"top": factors.top_accent, "bottom": factors.bottom_accent, "shoes": soles}


def _shirt(factors: PeopleFactors, turned: Frames, joints: Tensor) -> _Pattern:
    """Trunk: one pattern runs over all pieces, counted from the pelvis; prints and two tones from the chest."""
    left, up, forward = turned.chest
    kind = factors.top_pattern
    is_print = (kind == TOP_PATTERNS.index("print"))[:, None]
    on_chest = is_print | (kind == TOP_PATTERNS.index("two-tone"))[:, None]
    chest = joints[:, H36M_17.index("thorax")] - 0.17 * turned.size * up
    origin = torch.where(on_chest, chest, joints[:, H36M_17.index("pelvis")])
    period = factors.pattern_size[:, None] * torch.where(is_print, 1.1, 1.0)
    return _Pattern(kind, up / period, left / period, forward, origin)


def _sleeve(factors: PeopleFactors, start: Tensor, axis: Tensor, lateral: Tensor) -> _Pattern:
    """Hoops go around the arm; a print has plain sleeves, two tones have sleeves of the second colour."""
    kind = torch.where(factors.top_pattern == TOP_PATTERNS.index("print"), 0, factors.top_pattern)
    period = factors.pattern_size[:, None]
    below = torch.where(kind == TOP_PATTERNS.index("two-tone"), 10.0, 0.0)[:, None]
    return _Pattern(kind, -axis / period, lateral / period, lateral, start + below * axis)


def _face(factors: PeopleFactors, turned: Frames, start: Tensor, axis: Tensor, lateral: Tensor) -> _Pattern:
    left, up, face = turned.head
    kind = torch.full_like(factors.scene, KINDS.index("face"))
    return _Pattern(kind, up / (0.1 * turned.size), left / (0.1 * turned.size), face, start)


def _trouser(factors: PeopleFactors, is_left: bool, start: Tensor, axis: Tensor, lateral: Tensor) -> _Pattern:
    striped = factors.bottom_kind == BOTTOM_KINDS.index("trousers with a side stripe")
    return _Pattern(striped * KINDS.index("side stripe"), axis, lateral, lateral if is_left else -lateral, start)


def _shoe(factors: PeopleFactors, turned: Frames, start: Tensor, axis: Tensor, lateral: Tensor) -> _Pattern:
    """A sole along the underside."""
    up = torch.linalg.cross(axis, lateral)
    kind = torch.full_like(factors.scene, KINDS.index("shoe"))
    return _Pattern(kind, up / 0.02, lateral, up, start - 0.022 * turned.size * up)
