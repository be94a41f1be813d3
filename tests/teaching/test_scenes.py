"""The scenes agree with scipy and with each other by routes of their own."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.spatial.transform import Rotation

from course_lib.teaching.scenes import Capsule, Chain, Poses, Sight, TwoViews, fixed, turn


def seeds(make, count=5):
    return [make(torch.Generator().manual_seed(seed)) for seed in range(count)]


@pytest.mark.parametrize("axis_angle", [[0.0, 0.0, 0.0], [0.3, -0.2, 0.9], [3.0, 1.0, -2.0]])
def test_turn_is_the_rotation_of_an_axis_angle_vector(axis_angle):
    assert np.allclose(turn(np.array(axis_angle)), Rotation.from_rotvec(axis_angle).as_matrix(), atol=1e-12)


def test_the_same_seed_gives_the_same_scene():
    first, second = (Sight.draw(torch.Generator().manual_seed(3)) for _ in range(2))
    assert np.array_equal(first.points, second.points)
    assert not np.array_equal(first.points, Sight.draw(torch.Generator().manual_seed(4)).points)


def test_pinhole_pixels_lie_on_the_line_from_the_camera():
    for sight in seeds(Sight.draw):
        through = np.linalg.solve(sight.matrix, sight.homogeneous(sight.pinhole).T).T
        assert np.allclose(np.cross(through, sight.points), 0, atol=1e-12)


def test_receding_keeps_the_size_of_the_picture():
    for sight in seeds(Sight.draw):
        sizes = [np.ptp(one.weak, axis=0) for one in sight.receding()]
        assert np.allclose(sizes, sizes[0])


def test_the_mirror_image_has_the_same_mean_depth_and_twice_flipped_is_the_scene():
    for sight in seeds(Sight.draw):
        other = sight.with_points(sight.flipped())
        assert other.mean_depth == pytest.approx(sight.mean_depth)
        assert np.allclose(other.flipped(), sight.points)


def test_a_chain_from_the_inside_out_ends_where_the_chain_from_the_root_does():
    for chain in seeds(Chain.draw):
        assert np.allclose(chain.tip(), chain.joints()[-1])
        lengths = np.linalg.norm(np.diff(chain.joints(), axis=0), axis=1)
        assert np.allclose(lengths, np.linalg.norm(chain.offsets, axis=1))


def test_pose_directions_are_orthonormal_and_sorted():
    for poses in seeds(Poses.draw):
        assert np.allclose(poses.basis @ poses.basis.T, np.eye(poses.kept))
        assert (np.diff(poses.eigenvalues) <= 1e-12).all()
        assert poses.variance() == pytest.approx(poses.eigenvalues.sum())


def test_the_hit_lies_on_the_surface_and_nothing_before_it_does():
    for capsule in seeds(Capsule.draw, 10):
        depth = capsule.hit()
        assert abs(capsule.distance(depth)) < 1e-12
        assert all(capsule.distance(t) > 0 for t in np.linspace(0, depth, 400)[:-1])
        assert capsule.distance(depth + 1e-6) < 0


def test_a_ray_that_misses_finds_nothing():
    missed = Capsule(np.array([0.0, 0.0, 1.0]), np.array([5.0, 0.0, 2.0]), np.array([5.0, 1.0, 2.0]), 0.1)
    assert np.isnan(missed.hit())


def test_the_flow_of_a_motion_agrees_with_homogeneous_transforms():
    for views in seeds(TwoViews.draw):
        motion = np.eye(4)
        twist = np.array([[0, -views.velocity[2], views.velocity[1]], [views.velocity[2], 0, -views.velocity[0]],
                          [-views.velocity[1], views.velocity[0], 0]])  # fmt: skip
        motion[:3, :3], motion[:3, 3] = expm(twist), views.translation
        point = motion @ np.array([*(views.depth * views.ray), 1.0])
        assert np.allclose(views.flow(), views.focal * point[:2] / point[2] + views.centre - views.pixel)


def test_no_motion_no_flow():
    for views in seeds(TwoViews.draw):
        still = views.changed(velocity=np.zeros(3), translation=np.zeros(3))
        assert np.allclose(still.flow(), 0, atol=1e-12)


def test_a_fixed_scene_has_its_name():
    assert str(fixed(Sight.draw, name="five points")) == "five points"
    assert str(fixed(Chain.draw)) == "a random chain"
