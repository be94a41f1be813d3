"""Streets: frame pairs from a moving camera, with depth, ego-motion and exact flow; two worlds, A and B.

town = streets.sample_factors(32, generator=gen, moving_cars=True)
out = streets.render(town, size=(64, 208))
first, second, flow = out.first, out.second, out.flow  # flow in pixels; out.depth_first in metres
"""

from course_lib.worlds.streets.factors import StreetFactors, sample_factors
from course_lib.worlds.streets.render import StreetDrive, StreetImages, drive, render

__all__ = ["StreetDrive", "StreetFactors", "StreetImages", "drive", "render", "sample_factors"]
