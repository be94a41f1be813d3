"""The 18 key points of OpenPose for people of 17 joints: nose, eyes and ears come from the drawn head."""

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets import KeypointSet
from course_lib.geometry import H36M_17, OPENPOSE_18, project
from course_lib.worlds.people.body import frames
from course_lib.worlds.people.render import PeopleImages
from course_lib.worlds.people.visibility import visible_joints

# Metres on the mean body from the head_top joint: to its left, up, towards the face.
_FACE = {
    "nose": (0.0, -0.1, 0.118),
    "right_eye": (-0.034, -0.062, 0.088),
    "left_eye": (0.034, -0.062, 0.088),
    "right_ear": (-0.078, -0.07, 0.0),
    "left_ear": (0.078, -0.07, 0.0),
}


def openpose_joints(joints: Float[Tensor, "n 17 3"]) -> Float[Tensor, "n 18 3"]:
    """Key points in the order of OPENPOSE_18.

    Args:
        joints: In the order of H36M_17, metres, in any right-handed frame.

    Returns:
        The same frame; the neck lies between the shoulders.
    """
    turned = frames(joints)
    axes = torch.stack(turned.head, -1) * turned.size[:, None]
    points = {name: joints[:, i] for i, name in enumerate(H36M_17.joints)}
    points["neck"] = 0.5 * (points["right_shoulder"] + points["left_shoulder"])
    for name, place in _FACE.items():
        points[name] = points["head_top"] + (axes * joints.new_tensor(place)).sum(-1)
    return torch.stack([points[name] for name in OPENPOSE_18.joints], 1)


def openpose_keypoints(pictures: PeopleImages) -> KeypointSet:
    """Key points of OpenPose in pixels with their visibility, as the readers of Market-1501 return them."""
    joints = openpose_joints(pictures.joints_3d)
    points = project(joints, pictures.intrinsics)
    visible = visible_joints(points, joints[..., 2], pictures.depth, OPENPOSE_18.joints)
    for i, name in enumerate(OPENPOSE_18.joints):
        if name in H36M_17.joints:
            visible[:, i] = pictures.visible[:, H36M_17.index(name)]
    return KeypointSet(points, visible, OPENPOSE_18, images=pictures.images)
