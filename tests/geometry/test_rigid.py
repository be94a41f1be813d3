"""Rigid motions: the exponential map against scipy and kornia, directions of transforms, and gradients at 0 and pi."""

import inspect
import math

import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from course_lib.geometry import (
    axis_angle_to_matrix,
    compose,
    invert,
    look_at,
    make_transform,
    random_rotations,
    relative_motion,
    se3_exp,
    se3_log,
    transform_points,
)

EYE4 = torch.eye(4, dtype=torch.float64)
PI = math.pi


def raw(function):
    return inspect.unwrap(function)


def twists(n, seed=0):
    return torch.randn(n, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def with_angle(angle, n=6):
    twist = twists(n)
    twist[:, 3:] *= angle / twist[:, 3:].norm(dim=-1, keepdim=True)
    return twist


def matrix_of(twist):
    """The 4 x 4 matrix whose exponential the motion is."""
    v1, v2, v3, x, y, z = twist.tolist()
    return [[0, -z, y, v1], [z, 0, -x, v2], [-y, x, 0, v3], [0, 0, 0, 0]]


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-3, 0.499, 0.501, 1.0, 3.0, PI, 5.0])
def test_exponential_is_the_matrix_exponential(angle):
    for twist in with_angle(angle, n=3):
        expected = torch.from_numpy(scipy.linalg.expm(matrix_of(twist)))
        torch.testing.assert_close(se3_exp(twist), expected, atol=1e-13, rtol=0)


def test_kornia_has_the_velocity_first_too():
    lie = pytest.importorskip("kornia.geometry.liegroup")
    twist = twists(5)
    theirs = lie.Se3.exp(twist)
    torch.testing.assert_close(se3_exp(twist), theirs.matrix().detach())
    torch.testing.assert_close(se3_log(se3_exp(twist)), theirs.log().detach())


@given(st.lists(st.floats(-1.8, 1.8), min_size=6, max_size=6))
def test_logarithm_undoes_the_exponential(entries):
    twist = torch.tensor(entries, dtype=torch.float64)  # |axis angle| < pi
    if float(twist[3:].norm()) < PI - 1e-3:
        torch.testing.assert_close(se3_log(se3_exp(twist)), twist, atol=1e-11, rtol=1e-11)


@pytest.mark.parametrize("angle", [0.0, 1e-160, 1e-9, 1e-3, 0.2, 0.5, 1.0, 3.0, PI - 1e-6])
def test_way_to_the_motion_and_back_has_the_identity_for_derivative(angle):
    for twist in with_angle(angle, n=3):
        found = torch.autograd.functional.jacobian(lambda t: se3_log(se3_exp(t)), twist)
        torch.testing.assert_close(found, torch.eye(6, dtype=torch.float64), atol=1e-8, rtol=0)


def test_a_half_turn_comes_back_as_a_motion():
    motion = se3_exp(with_angle(PI))
    torch.testing.assert_close(se3_exp(se3_log(motion)), motion, atol=1e-13, rtol=0)


def test_first_and_second_derivatives_are_right_at_rest_and_beyond():
    twist = torch.cat([torch.zeros(1, 6, dtype=torch.float64), *(with_angle(a, n=1) for a in (1e-6, 0.49, 0.51, 3.0))])
    twist.requires_grad_()
    assert gradcheck(se3_exp, twist)
    assert gradgradcheck(se3_exp, twist)
    assert gradcheck(lambda t: se3_log(se3_exp(t)), twist)
    assert gradgradcheck(lambda t: se3_log(se3_exp(t)), twist)


def test_gradient_is_finite_in_single_precision_at_rest():
    twist = torch.zeros(2, 6, requires_grad=True)
    (gradient,) = torch.autograd.grad(se3_log(se3_exp(twist)).sum(), twist)
    assert gradient.equal(torch.ones(2, 6))


def test_inverse_and_product_form_the_group():
    a, b, c = (se3_exp(twists(4, seed)) for seed in range(3))
    torch.testing.assert_close(compose(a, invert(a)), EYE4.expand(4, 4, 4))
    torch.testing.assert_close(invert(compose(a, b)), compose(invert(b), invert(a)))
    torch.testing.assert_close(compose(a, b, c), compose(a, compose(b, c)))
    torch.testing.assert_close(compose(a, b, c), a @ b @ c)
    assert compose(a).equal(a)


def test_last_transform_of_a_product_acts_first():
    a_from_b, b_from_c = se3_exp(twists(2))
    points = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    one_by_one = transform_points(a_from_b, transform_points(b_from_c, points))
    torch.testing.assert_close(transform_points(compose(a_from_b, b_from_c), points), one_by_one)


def test_points_are_rotated_then_shifted():
    rotation, shift = axis_angle_to_matrix(torch.tensor([0.0, 0.0, PI / 2])), torch.tensor([10.0, 20.0, 30.0])
    moved = transform_points(make_transform(rotation, shift), torch.tensor([[1.0, 2.0, 3.0]]))
    torch.testing.assert_close(moved, torch.tensor([[8.0, 21.0, 33.0]]))


def test_batch_axes_broadcast():
    rotations = random_rotations(5, generator=torch.Generator().manual_seed(0))
    motion = make_transform(rotations, torch.zeros(3))
    assert motion.shape == (5, 4, 4)
    assert make_transform(rotations[0], torch.zeros(7, 3)).shape == (7, 4, 4)
    assert transform_points(motion, torch.zeros(11, 3)).shape == (5, 11, 3)
    assert transform_points(motion[0], torch.zeros(2, 5, 11, 3)).shape == (2, 5, 11, 3)


def test_relative_motion_is_second_times_inverse_of_first():
    e1, e2 = se3_exp(twists(3, 1)), se3_exp(twists(3, 2))
    points = torch.randn(3, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    seen_by_first, seen_by_second = transform_points(e1, points), transform_points(e2, points)
    torch.testing.assert_close(transform_points(relative_motion(e1, e2), seen_by_first), seen_by_second)
    c1, c2 = invert(e1), invert(e2)  # files of camera to world
    torch.testing.assert_close(relative_motion(e1, e2), torch.linalg.inv(c2) @ c1)


def test_points_come_nearer_to_a_camera_that_drives_forward():
    ahead = torch.tensor([0.0, 0.0, 1.0])  # one metre along the optical axis
    before = torch.eye(4)
    after = invert(make_transform(torch.eye(3), ahead))
    assert relative_motion(before, after)[2, 3] == -1


def test_a_camera_looks_at_its_target_the_right_way_up():
    eye, target = torch.tensor([[3.0, 1.5, 2.0], [-1.0, 0.2, 5.0]]), torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.5]])
    camera_from_world = look_at(eye, target)
    rotation = camera_from_world[:, :3, :3]
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3).expand(2, 3, 3))
    torch.testing.assert_close(rotation.det(), torch.ones(2))
    middle = transform_points(camera_from_world, target[:, None])[:, 0]
    torch.testing.assert_close(middle[:, :2], torch.zeros(2, 2), atol=1e-6, rtol=0)
    torch.testing.assert_close(middle[:, 2], (target - eye).norm(dim=-1))
    above = transform_points(camera_from_world, (target + torch.tensor([0.0, 0.1, 0.0]))[:, None])[:, 0]
    assert (above[:, 1] < 0).all()  # y of the camera points down
    torch.testing.assert_close(above[:, 0], torch.zeros(2), atol=1e-6, rtol=0)


def test_a_camera_along_minus_z_is_a_rotation_not_a_mirror():
    found = look_at(torch.zeros(3), torch.tensor([0.0, 0.0, -1.0]))
    torch.testing.assert_close(found, torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0])))


BAD = {
    "3 x 4": (invert, (torch.zeros(3, 4),), r"`transform` has shape \(3, 4\): its last axes must be \(4, 4\)"),
    "nothing": (compose, (), "`transforms` is empty"),
    "second": (compose, (torch.eye(4), torch.eye(3)), r"`transforms\[1\]` has shape \(3, 3\)"),
    "twist": (se3_exp, (torch.zeros(3),), r"`twist` has shape \(3,\)"),
    "flat points": (transform_points, (torch.eye(4), torch.zeros(3)), r"`points` has shape \(3,\).*\(n, 3\)"),
    "batches": (make_transform, (torch.zeros(2, 3, 3), torch.zeros(5, 3)), r"`rotation` \(2,\), `translation` \(5,\)"),
    "homogeneous": (transform_points, (torch.eye(4), torch.zeros(5, 4)), r"`points` has shape \(5, 4\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_shapes_are_refused(name):
    function, args, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        raw(function)(*args)
