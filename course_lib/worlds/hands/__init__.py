"""Hands: a right hand of 26 degrees of freedom as depth maps, with its joints, parts and shape known.

drawn = hands.sample_factors(32, generator=gen)
out = hands.render(drawn, size=64)  # out.depth_mm, out.labels, out.normals
tips = out.joints()[:, geometry.HAND_21.index("index_tip")]  # metres; out.joints_uvd() in pixels
"""

from course_lib.worlds.hands.anatomy import LANDMARKS, landmarks
from course_lib.worlds.hands.crop import HandCrop, crop_hands
from course_lib.worlds.hands.factors import POSE, SHAPE, HandFactors
from course_lib.worlds.hands.joints import complete, render_joints
from course_lib.worlds.hands.noise import add_noise
from course_lib.worlds.hands.parts import CAPSULES, PARTS, HandParts, hand_parts
from course_lib.worlds.hands.render import HandImages, crop_camera, draw_parts, render, to_uvd
from course_lib.worlds.hands.sampling import GESTURES, clash, sample_factors
from course_lib.worlds.hands.shading import depth_picture, shade

__all__ = [
    "CAPSULES",
    "GESTURES",
    "LANDMARKS",
    "PARTS",
    "POSE",
    "SHAPE",
    "HandCrop",
    "HandFactors",
    "HandImages",
    "HandParts",
    "add_noise",
    "clash",
    "complete",
    "crop_camera",
    "crop_hands",
    "depth_picture",
    "draw_parts",
    "hand_parts",
    "landmarks",
    "render",
    "render_joints",
    "sample_factors",
    "shade",
    "to_uvd",
]
