"""Key points of OpenPose: on the drawn face, hidden where the head turns away."""

import functools

import torch

from course_lib.geometry import OPENPOSE_18
from course_lib.worlds import people


@functools.cache
def pictures(heading):
    factors = people.sample_factors(6, generator=torch.Generator().manual_seed(0), activities=("walking",))
    factors = factors.replace(heading=heading, glance=0.0, hair_style=1)
    return people.render(factors, size=72, compiled=False)


def test_eyes_show_from_the_front_and_not_from_behind():
    front, back = (people.openpose_keypoints(pictures(heading)) for heading in (0.0, 3.14))
    face = [OPENPOSE_18.index(name) for name in ("nose", "right_eye", "left_eye")]
    assert front.visible[:, face].all()
    assert not back.visible[:, face].any()
    side = people.openpose_keypoints(pictures(1.57))  # the body faces the right of the picture
    assert side.visible[:, OPENPOSE_18.index("right_ear")].all()
    assert not side.visible[:, OPENPOSE_18.index("left_ear")].any()


def test_left_and_right_are_the_person_s():
    points = people.openpose_keypoints(pictures(0.0)).points
    for name in ("eye", "ear", "shoulder", "hip"):
        right, left = (points[:, OPENPOSE_18.index(f"{side}_{name}"), 0] for side in ("right", "left"))
        assert (left > right).all(), name


def test_shared_joints_are_those_of_the_body():
    out = pictures(0.7)
    found = people.openpose_keypoints(out)
    knee = OPENPOSE_18.index("left_knee")
    torch.testing.assert_close(found.points[:, knee], out.joints_2d[:, 5])
    assert torch.equal(found.visible[:, knee], out.visible[:, 5])
    between = people.openpose_joints(out.joints_3d)[:, OPENPOSE_18.index("neck")]
    torch.testing.assert_close(between, 0.5 * (out.joints_3d[:, 11] + out.joints_3d[:, 14]))


def test_the_face_lies_on_the_drawn_head():
    out = pictures(0.0)
    found = people.openpose_keypoints(out)
    for name in ("nose", "right_eye", "left_eye"):
        column, row = found.points[:, OPENPOSE_18.index(name)].round().long().unbind(-1)
        assert (out.parts[torch.arange(6), 0, row, column] == people.PARTS.index("head")).all()
        joint = people.openpose_joints(out.joints_3d)[:, OPENPOSE_18.index(name), 2]
        # Beside the nose, a pixel shows the cheek.
        assert (out.depth[torch.arange(6), 0, row, column] - joint).abs().max() < 0.05
