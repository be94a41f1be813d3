"""Parametric faces: named factors, shaded pictures in an illustrator's style, and the truth about every part.

people = faces.sample_factors(32, generator=gen)
big_noses = faces.sample_factors(32, generator=gen, nose_width=(0.7, 1.0))
pictures = faces.render(people, size=64).images
"""

from course_lib.worlds.faces.canvas import PARTS
from course_lib.worlds.faces.factors import KINDS, WEIGHTS, FaceFactors, sample_factors
from course_lib.worlds.faces.landmarks import LANDMARKS
from course_lib.worlds.faces.render import FaceImages, nose_width, render

__all__ = [
    "KINDS",
    "LANDMARKS",
    "PARTS",
    "WEIGHTS",
    "FaceFactors",
    "FaceImages",
    "nose_width",
    "render",
    "sample_factors",
]
