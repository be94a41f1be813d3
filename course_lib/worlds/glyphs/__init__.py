"""Glyphs: ten digit-like signs with known slant, width, stroke and wobble, grey or as coloured pairs.

signs = glyphs.sample_factors(32, generator=gen)
leaning = glyphs.render(signs.replace(slant=0.3), size=28).images
pairs = glyphs.coloured_pairs(leaning, generator=gen)  # pairs.coloured_background, pairs.coloured_digit
"""

from course_lib.worlds.glyphs.coloured import ColouredPairs, coloured_pairs
from course_lib.worlds.glyphs.factors import GlyphFactors, sample_factors
from course_lib.worlds.glyphs.moments import Moments, moments
from course_lib.worlds.glyphs.render import GlyphImages, render

__all__ = [
    "ColouredPairs",
    "GlyphFactors",
    "GlyphImages",
    "Moments",
    "coloured_pairs",
    "moments",
    "render",
    "sample_factors",
]
