"""What varies from glyph to glyph, and how it is drawn at random."""

from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.worlds.factors import FactorSet, check_generator, choices, factor, uniform
from course_lib.worlds.glyphs.strokes import CLASSES, POINTS


@dataclass(frozen=True)
class GlyphFactors(FactorSet):
    """Values of the seven factors for n glyphs."""

    label: Tensor = factor(0, len(CLASSES) - 1, "which of the ten signs", choice=True)
    slant: Tensor = factor(-0.4, 0.4, "shift to the right for each step up: positive leans right")
    width: Tensor = factor(0.7, 1.25, "horizontal scale, before the slant")
    stroke: Tensor = factor(0.07, 0.19, "thickness of the pen", unit="glyph heights")
    shift: Tensor = factor(-0.05, 0.05, "displacement to the right and down", unit="image sizes", shape=(2,))
    shape: Tensor = factor(
        -0.09, 0.09, "displacement of each control point", unit="half glyph heights", shape=(POINTS, 2)
    )
    ink: Tensor = factor(0.85, 1.0, "brightness of the middle of a stroke")


def sample_factors(
    n: int, *, generator: torch.Generator, label: int | None = None, wobble: float = 1.0
) -> GlyphFactors:
    """Draw n glyphs: every factor evenly from its range, independently of the others.

    Args:
        n: Number of glyphs.
        generator: Source of the draws; the values lie on its device.
        label: One class for all glyphs; None draws the ten classes evenly.
        wobble: Share of the range of `shape` and `shift` that is used, 0 to 1: 0 gives the printed form, centred.

    Raises:
        ValueError: `wobble` or `label` is out of its range.
    """
    check_generator(generator)
    if not 0 <= wobble <= 1:
        raise ValueError(f"`wobble` (={wobble}) must lie in [0, 1]: 0 for printed forms, 1 for the whole range")
    ranges = GlyphFactors.factors()

    def draw(name: str, scale: float = 1.0) -> Tensor:
        spec = ranges[name]
        return scale * uniform(n, spec.low, spec.high, *spec.shape, generator=generator)

    kinds = choices(n, len(CLASSES), generator=generator)
    return GlyphFactors(
        label=kinds if label is None else torch.full_like(kinds, label),
        slant=draw("slant"),
        width=draw("width"),
        stroke=draw("stroke"),
        shift=draw("shift", wobble),
        shape=draw("shape", wobble),
        ink=draw("ink"),
    )
