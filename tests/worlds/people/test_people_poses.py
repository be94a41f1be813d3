"""Poses of people: bones, joint limits, smoothness in the phase, feet on the ground."""

import math

import pytest
import torch

from course_lib.geometry import H36M_17, bone_lengths
from course_lib.worlds import people
from course_lib.worlds.people.activities import ANGLES, FAMILIES, LIMITS
from course_lib.worlds.people.body import lowest
from course_lib.worlds.people.pose_prior import joint_angles

# Mean limb lengths of Human3.6M's training subjects in millimetres, from the specification of the ordinal paper.
MEANS = {
    "hip": 134.05,
    "knee": 449.2,
    "ankle": 445.6,
    "spine": 238.4,
    "thorax": 255.3,
    "jaw": 116.1,
    "head_top": 115.0,
    "shoulder": 148.8,
    "elbow": 279.8,
    "wrist": 249.5,
}


def draw(n=64, seed=0, **options):
    return people.sample_factors(n, generator=torch.Generator().manual_seed(seed), **options)


def cycle(activity, steps, seed=0):
    """One person through one activity, `steps` frames a cycle."""
    f = draw(1, seed=seed).repeat(steps)
    return f.replace(activity=people.ACTIVITIES.index(activity), phase=torch.arange(steps) / steps)


def test_the_mean_body_has_the_bones_of_the_sheet():
    mean = draw(5).replace(stature=1.755, leg_length=1.0, arm_length=1.0, shoulder_width=1.0, hip_width=1.0)
    lengths = bone_lengths(people.people_joints(mean), H36M_17)
    for (_, child), found in zip(H36M_17.bones, lengths.T, strict=True):
        name = H36M_17.joints[child].removeprefix("right_").removeprefix("left_")
        torch.testing.assert_close(1000 * found, torch.full((5,), MEANS[name]), rtol=0, atol=0.1)


def test_subjects_differ_in_their_bones_and_keep_them_while_they_move():
    f = draw(200)
    lengths = bone_lengths(people.people_joints(f), H36M_17)
    assert (lengths.std(0) / lengths.mean(0)).min() > 0.02
    for activity in people.ACTIVITIES:
        moving = bone_lengths(people.people_joints(cycle(activity, 12)), H36M_17)
        torch.testing.assert_close(moving, moving[:1].expand_as(moving), rtol=1e-4, atol=1e-5)


def test_angles_keep_to_the_limits_of_their_joints():
    f = draw(4000, domain="wild")
    angles = torch.rad2deg(joint_angles(f))
    for name, column in zip(ANGLES, angles.T, strict=True):
        low, high = LIMITS[name.removesuffix("_r").removesuffix("_l")]
        assert low - 1e-3 <= column.min() <= column.max() <= high + 1e-3, name


@pytest.mark.parametrize("activity", people.ACTIVITIES)
def test_families_stay_near_the_limits_without_them(activity):
    """Few angles are cut off: a pose comes from the family, not from the walls of its limits."""
    generator = torch.Generator().manual_seed(0)
    turn = 2 * math.pi * torch.rand(2000, generator=generator)
    style = tuple(2 * torch.rand(2000, generator=generator) - 1 for _ in range(6))
    family = FAMILIES[people.ACTIVITIES.index(activity)]
    cut = []
    for name, values in family(turn, style).items():
        low, high = LIMITS[name.removesuffix("_r").removesuffix("_l")]
        cut.append(((values < low) | (values > high)).float().mean())
    assert torch.stack(cut).max() < 0.25


@pytest.mark.parametrize("activity", people.ACTIVITIES)
def test_motion_is_smooth_and_closes(activity):
    joints = people.people_joints(cycle(activity, 200))
    steps = (joints.roll(-1, 0) - joints).norm(dim=-1)  # the last step leads back to the first frame
    assert steps.max() < 0.08  # metres in a 200th of a cycle
    bends = (joints.roll(-1, 0) - 2 * joints + joints.roll(1, 0)).norm(dim=-1)
    assert bends.max() < 0.03
    assert (joints.amax(0) - joints.amin(0)).max() > 0.15  # and it moves


def test_activities_differ():
    """What each activity is known by, in world coordinates."""
    at = {name: H36M_17.index(name) for name in H36M_17.joints}

    def height(activity, joint, **options):
        return people.people_joints(cycle(activity, 40, **options))[:, at[joint], 1]

    assert height("sitting", "pelvis").max() < 0.7
    assert height("walking", "pelvis").min() > 0.75
    assert height("crouching", "pelvis").min() < 0.6 * height("crouching", "pelvis").max()
    wrists = torch.stack([height("reaching", side + "wrist") for side in ("right_", "left_")])
    assert (wrists.amax(1) - wrists.amin(1)).max() > 0.4
    assert height("kicking", "right_ankle").max().maximum(height("kicking", "left_ankle").max()) > 0.4
    spin = people.people_joints(cycle("turning", 40))
    across = spin[:, at["left_hip"]] - spin[:, at["right_hip"]]
    angles = torch.atan2(across[:, 2], across[:, 0])
    assert angles.max() - angles.min() > 5.5  # all the way round
    walk = people.people_joints(cycle("walking", 40).replace(heading=0.0))
    apart = walk[:, at["right_ankle"], 2] - walk[:, at["left_ankle"], 2]
    assert apart.max() > 0.35
    assert apart.min() < -0.35  # both legs lead in turn
    swing = walk[:, at["right_wrist"], 2] - walk[:, at["left_wrist"], 2]
    assert (apart * swing).mean() < 0  # arms against legs


def test_left_is_left_and_heading_turns_the_body():
    f = draw(30).replace(activity=0)
    joints = people.people_joints(f.replace(heading=0.0))
    across = joints[:, H36M_17.index("left_shoulder")] - joints[:, H36M_17.index("right_shoulder")]
    assert (across[:, 0] > 0.15).all()  # who faces the camera has the left hand on the picture's right
    jaw = joints[:, H36M_17.index("jaw")] - joints[:, H36M_17.index("thorax")]
    assert (jaw[:, 2] > 0).all()  # and looks towards it
    turned = people.people_joints(f.replace(heading=math.pi / 2))
    expected = torch.stack([joints[..., 2], joints[..., 1], -joints[..., 0]], -1)
    torch.testing.assert_close(turned, expected, rtol=0, atol=1e-5)


def test_everybody_stands_on_the_floor():
    joints = people.people_joints(draw(500, domain="wild"))
    torch.testing.assert_close(lowest(joints), torch.zeros(500), rtol=0, atol=1e-5)
    assert (joints[..., 1].amin(1) > 0).all()
    assert (joints[:, 0, [0, 2]].abs() < 1e-6).all()


def test_a_row_does_not_depend_on_its_batch():
    f = draw(9, domain="wild")
    joints = people.people_joints(f)
    for row in range(9):
        assert torch.equal(people.people_joints(f[row])[0], joints[row])
