"""People: bodies of 17 joints that walk, sit and reach, in clothes, before plain walls or in the wild."""

from course_lib.worlds.people.activities import ACTIVITIES
from course_lib.worlds.people.camera import Camera, fit_camera, place_camera
from course_lib.worlds.people.factors import GROUPS, PeopleFactors, combine
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
    "people_joints",
    "place_camera",
    "render",
    "render_joints",
    "sample_factors",
]
