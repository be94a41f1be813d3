"""Colours of the faces, sRGB in [0, 1], chosen to sit well beside each other."""

import torch
from torch import Tensor


def _colours(*codes: str) -> Tensor:
    return torch.tensor([[int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in codes])


# From fair to deep, evenly spaced on the axis of `skin_tone`.
SKIN = _colours("fbdcc4", "f3c7a3", "dfa97f", "bd8258", "8d5a3c", "5e3a2a")

HAIR_NAMES = ("black", "dark_brown", "brown", "auburn", "ginger", "blond", "grey", "white")
HAIR = _colours("2a2530", "46302a", "70482f", "8e4024", "cc6d2e", "e3b869", "93939c", "e4e0da")

EYE_NAMES = ("dark_brown", "brown", "hazel", "green", "blue", "grey")
EYES = _colours("3b2418", "6e4324", "94703a", "4f7d50", "3f78a8", "6f8796")

BACKGROUND_NAMES = ("mint", "peach", "sky", "butter", "lilac", "coral", "sage", "navy")
BACKGROUND = _colours("b9ded0", "f8cdb0", "b5d5ea", "f5dfa0", "cfc3e6", "ef9a85", "a9bd9a", "40587c")

CLOTHES_COLOUR_NAMES = ("ink", "brick", "teal", "mustard", "cream", "plum", "denim", "forest")
CLOTHES = _colours("333c52", "b6503f", "2f7f80", "d9a13b", "efe5d2", "7b4468", "4f78a6", "3f6b4b")

LIPS = _colours("c4606a", "7d3c44")  # on the fairest and on the deepest skin


def along(anchors: Tensor, where: Tensor) -> Tensor:
    """Colours `(n, 3)` at `where` in [0, 1] on a row of evenly spaced anchors `(k, 3)`."""
    anchors = anchors.to(where.device)
    place = where.clamp(0, 1) * (len(anchors) - 1)
    low = place.floor().clamp_max(len(anchors) - 2).long()
    share = (place - low).unsqueeze(-1)
    return anchors[low] * (1 - share) + anchors[low + 1] * share
