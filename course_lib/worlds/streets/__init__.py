"""Streets: frame pairs from a moving camera, with depth, ego-motion and exact flow; two worlds, A and B."""

from course_lib.worlds.streets.factors import StreetFactors, sample_factors
from course_lib.worlds.streets.render import StreetDrive, StreetImages, drive, render

__all__ = ["StreetDrive", "StreetFactors", "StreetImages", "drive", "render", "sample_factors"]
