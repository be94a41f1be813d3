"""People: bodies of 17 joints that walk, sit and reach, in clothes, before plain walls or in the wild.

`f = people.sample_factors(32, generator=g)` draws them, `people.render(f, size=64)` their pictures with labels, depth
and joints. A person walks when the phase runs: `f[0].repeat(24).replace(phase=torch.arange(24) / 24)`. The truth of a
swap is `people.render(people.combine(pose=f_b, appearance=f_a))`, and `people.render_joints` draws any given poses.

out = people.render(people.sample_factors(32, generator=gen, activities="walking"), size=64)
wrists = out.joints_2d[:, geometry.H36M_17.index("left_wrist")]  # pixels; out.joints_3d in metres
"""

from course_lib.worlds.people.activities import ACTIVITIES
from course_lib.worlds.people.camera import Camera, fit_camera, place_camera
from course_lib.worlds.people.factors import GROUPS, PeopleFactors, combine
from course_lib.worlds.people.keypoints import openpose_joints, openpose_keypoints
from course_lib.worlds.people.pieces import MATERIALS, PARTS
from course_lib.worlds.people.render import PeopleImages, people_joints, render, render_joints
from course_lib.worlds.people.sampling import sample_factors

__all__ = [
    "ACTIVITIES",
    "GROUPS",
    "MATERIALS",
    "PARTS",
    "Camera",
    "PeopleFactors",
    "PeopleImages",
    "combine",
    "fit_camera",
    "openpose_joints",
    "openpose_keypoints",
    "people_joints",
    "place_camera",
    "render",
    "render_joints",
    "sample_factors",
]
