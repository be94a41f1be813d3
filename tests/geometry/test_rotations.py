"""Rotations: parity with scipy, roma and kornia, round trips, and gradients at the angles where formulas break down."""

import inspect
import itertools
import math

import numpy as np
import pytest
import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch.autograd import gradcheck, gradgradcheck

from course_lib.geometry import (
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    euler_to_matrix,
    geodesic_angle,
    hat,
    matrix_to_axis_angle,
    matrix_to_euler,
    matrix_to_quaternion,
    matrix_to_six_d,
    multiply_quaternions,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    random_rotations,
    six_d_to_matrix,
)

EYE = torch.eye(3, dtype=torch.float64)
PI = math.pi


def raw(function):
    """The function without the session's shape checks, as users call it."""
    return inspect.unwrap(function)


def vectors(n, seed=0, size=1.0):
    return size * torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def at_angle(angle, n=8):
    """Axis-angle vectors of one length in all directions."""
    axes = torch.cat([vectors(n - 3), EYE])
    return angle * axes / axes.norm(dim=-1, keepdim=True)


ANGLES = [0.0, 1e-12, 1e-7, 1e-3, 0.199, 0.201, 0.499, 0.501, 1.0, PI / 2, 3.0, PI - 1e-4, PI - 1e-8]


def jacobian(function, x):
    """Matrix of derivatives for each row of x."""
    return torch.stack([torch.autograd.functional.jacobian(function, row) for row in x])


def test_matrices_are_those_of_scipy_and_roma():
    turns = torch.cat([at_angle(angle) for angle in [*ANGLES, PI, 4.0, 7.0, 100.0]])
    matrix = axis_angle_to_matrix(turns)
    np.testing.assert_allclose(matrix, Rotation.from_rotvec(turns.numpy()).as_matrix(), atol=2e-14)
    np.testing.assert_allclose(matrix, roma.rotvec_to_rotmat(turns), atol=2e-14)


def test_axis_angle_and_quaternion_of_a_matrix_are_those_of_scipy():
    turns = torch.cat([at_angle(angle) for angle in ANGLES])
    matrix = axis_angle_to_matrix(turns)
    theirs = Rotation.from_matrix(matrix.numpy())
    np.testing.assert_allclose(matrix_to_axis_angle(matrix), theirs.as_rotvec(), atol=1e-14)
    quaternion = theirs.as_quat(canonical=True, scalar_first=True)
    np.testing.assert_allclose(matrix_to_quaternion(matrix), quaternion, atol=1e-14)
    np.testing.assert_allclose(axis_angle_to_quaternion(turns), quaternion, atol=1e-14)


def test_kornia_has_the_same_order_of_a_quaternion():
    conversions = pytest.importorskip("kornia.geometry.conversions")
    quaternion = torch.randn(9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    matrix = quaternion_to_matrix(quaternion)
    torch.testing.assert_close(matrix, conversions.quaternion_to_rotation_matrix(quaternion))
    turns = vectors(9)
    torch.testing.assert_close(axis_angle_to_matrix(turns), conversions.axis_angle_to_rotation_matrix(turns))
    theirs = conversions.rotation_matrix_to_quaternion(matrix)
    torch.testing.assert_close(matrix_to_quaternion(matrix), theirs * theirs[:, :1].sign())  # kornia keeps either sign


@given(st.lists(st.floats(-4, 4), min_size=3, max_size=3))
def test_exponential_is_a_rotation_that_keeps_its_axis(entries):
    turn = torch.tensor(entries, dtype=torch.float64)
    matrix = axis_angle_to_matrix(turn)
    torch.testing.assert_close(matrix @ matrix.mT, EYE, atol=1e-14, rtol=0)
    assert float(matrix.det()) == pytest.approx(1, abs=1e-14)
    torch.testing.assert_close(matrix @ turn, turn, atol=1e-13, rtol=0)


@given(st.lists(st.floats(-4, 4), min_size=3, max_size=3))
def test_axis_angle_comes_back_up_to_whole_turns(entries):
    turn = torch.tensor(entries, dtype=torch.float64)
    back = matrix_to_axis_angle(axis_angle_to_matrix(turn))
    assert float(back.norm()) <= PI + 1e-12
    torch.testing.assert_close(axis_angle_to_matrix(back), axis_angle_to_matrix(turn), atol=1e-13, rtol=0)
    if float(turn.norm()) < PI - 1e-3:
        torch.testing.assert_close(back, turn, atol=1e-13, rtol=1e-12)


@pytest.mark.parametrize("angle", [1e-4, 1.0, PI - 1e-4])
def test_single_precision_keeps_its_digits_at_small_and_large_angles(angle):
    turns = at_angle(angle).float()
    back = matrix_to_axis_angle(axis_angle_to_matrix(turns))
    torch.testing.assert_close(back, turns, rtol=2e-6, atol=1e-6 * angle)
    measured = geodesic_angle(torch.eye(3), axis_angle_to_matrix(turns))
    torch.testing.assert_close(measured, torch.full((8,), angle), rtol=2e-6, atol=0)


@given(st.lists(st.floats(-3, 3), min_size=8, max_size=8))
def test_product_of_quaternions_is_the_product_of_matrices(entries):
    a, b = torch.tensor(entries, dtype=torch.float64).view(2, 4)
    if min(float(a.norm()), float(b.norm())) < 1e-3:
        return
    product = quaternion_to_matrix(multiply_quaternions(a, b))
    torch.testing.assert_close(product, quaternion_to_matrix(a) @ quaternion_to_matrix(b), atol=1e-12, rtol=0)


def test_a_half_turn_has_its_axis_up_to_sign():
    turns = at_angle(PI)
    back = matrix_to_axis_angle(axis_angle_to_matrix(turns))
    torch.testing.assert_close(back * (back * turns).sum(-1, keepdim=True).sign(), turns, atol=1e-13, rtol=0)
    exact = torch.diag_embed(torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64))
    torch.testing.assert_close(matrix_to_axis_angle(exact), PI * EYE)


# Gradients.

SMOOTH = {
    "axis angle to matrix": axis_angle_to_matrix,
    "axis angle to quaternion": axis_angle_to_quaternion,
    "matrix to axis angle": lambda turn: matrix_to_axis_angle(axis_angle_to_matrix(turn)),
    "quaternion to axis angle": lambda turn: quaternion_to_axis_angle(axis_angle_to_quaternion(turn) * 1.7),
    "matrix to quaternion": lambda turn: matrix_to_quaternion(axis_angle_to_matrix(turn)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivatives_are_right_at_every_angle(name):
    turns = torch.cat([at_angle(angle, n=4)[:2] for angle in [0.0, 1e-9, 1e-3, 0.19, 0.21, 0.49, 0.51, 2.0, 3.1]])
    turns.requires_grad_()
    assert gradcheck(SMOOTH[name], turns)
    assert gradgradcheck(SMOOTH[name], turns[::2].detach().requires_grad_())


@pytest.mark.parametrize("angle", [0.0, 1e-160, 1e-12, 1e-8, 1e-4, 0.2, 0.5, 1.0, 3.0, PI - 1e-5, PI - 1e-9])
def test_way_to_the_matrix_and_back_has_the_identity_for_derivative(angle):
    found = jacobian(lambda turn: matrix_to_axis_angle(axis_angle_to_matrix(turn)), at_angle(angle))
    torch.testing.assert_close(found, EYE.expand_as(found), atol=1e-9, rtol=0)


def test_derivative_at_a_half_turn_is_that_of_the_branch_returned():
    turns = at_angle(PI)
    found = jacobian(lambda turn: matrix_to_axis_angle(axis_angle_to_matrix(turn)), turns)
    axes = turns / PI
    along = axes[:, :, None] * axes[:, None, :]
    same = (matrix_to_axis_angle(axis_angle_to_matrix(turns)) * turns).sum(-1) > 0
    # w comes back as itself, or as w - 2 pi w / |w|, whose derivative across the axis is 1 - 2
    expected = torch.where(same[:, None, None], EYE, 2 * along - EYE)
    torch.testing.assert_close(found, expected, atol=1e-9, rtol=0)


def test_derivative_of_the_exponential_at_rest_is_the_cross_product():
    derivative = torch.autograd.functional.jacobian(axis_angle_to_matrix, torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(derivative.permute(2, 0, 1), hat(EYE), atol=0, rtol=0)


def test_gradients_are_finite_in_single_precision_at_rest_and_at_a_half_turn():
    turns = torch.cat([torch.zeros(1, 3), torch.full((1, 3), 1e-25), at_angle(PI).float()]).requires_grad_()
    matrix = axis_angle_to_matrix(turns)
    outputs = [matrix_to_axis_angle(matrix), matrix_to_quaternion(matrix), geodesic_angle(torch.eye(3), matrix)]
    (gradient,) = torch.autograd.grad(sum(out.sum() for out in outputs), turns)
    assert gradient.isfinite().all()


# Six numbers, Euler angles, random rotations, distances.


def test_six_numbers_are_made_a_rotation_as_roma_does():
    six = torch.randn(20, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    theirs = roma.special_gramschmidt(six.view(20, 2, 3).mT)
    torch.testing.assert_close(six_d_to_matrix(six), theirs)
    torch.testing.assert_close(six_d_to_matrix(matrix_to_six_d(theirs)), theirs)
    assert gradcheck(six_d_to_matrix, six.requires_grad_())


def test_columns_not_rows_make_the_six_numbers():
    turn = euler_to_matrix(torch.tensor([0.3]), "z")
    torch.testing.assert_close(matrix_to_six_d(turn), torch.cat([turn[:, 0], turn[:, 1]]))


@pytest.mark.parametrize(
    "six",
    [
        [0, 0, 0, 0, 0, 0],
        [1, 2, 3, 2, 4, 6],
        [0, 0, 0, 1, 0, 0],
        [1, 0, 0, 0, 0, 0],
        [1e-30, 0, 0, 0, 1e-30, 0],
        [1, 0, 0, 1, 1e-5, 0],
        [0.6, 0.8, 0, 0.6, 0.8, 1e-6],
    ],
)
def test_degenerate_six_numbers_still_give_a_rotation_and_a_finite_gradient(six):
    six = torch.tensor([six], dtype=torch.float32, requires_grad=True)
    matrix = six_d_to_matrix(six)
    torch.testing.assert_close(matrix @ matrix.mT, torch.eye(3)[None], atol=1e-6, rtol=0)
    assert matrix.det().item() == pytest.approx(1, abs=1e-6)
    (gradient,) = torch.autograd.grad(matrix.sum(), six)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("order", ["xyz", "xzy", "yxz", "yzx", "zxy", "zyx", "xyx", "zxz", "yzy", "zx", "y"])
def test_euler_angles_are_those_of_scipy_about_the_turning_axes(order):
    angles = 3 * torch.randn(6, len(order), dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    theirs = Rotation.from_euler(order.upper(), angles.numpy()).as_matrix()
    np.testing.assert_allclose(euler_to_matrix(angles, order), theirs, atol=1e-14)
    assert gradcheck(lambda a: euler_to_matrix(a, order), angles[:2].requires_grad_())


ORDERS = [a + b + c for a in "xyz" for b in "xyz" for c in "xyz" if a != b != c]


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_of_a_matrix_are_those_of_scipy_and_give_it_back(order):
    matrix = random_rotations(40, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    angles = matrix_to_euler(matrix, order)
    theirs = Rotation.from_matrix(matrix.numpy()).as_euler(order.upper())
    np.testing.assert_allclose(angles, theirs, atol=1e-12)
    torch.testing.assert_close(euler_to_matrix(angles, order), matrix)
    small = angles[:2].requires_grad_()
    assert gradcheck(lambda a: matrix_to_euler(euler_to_matrix(a, order), order), small)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_euler_angles_at_gimbal_lock_give_the_matrix_back_with_a_finite_gradient(order, dtype):
    ends = (0.0, PI) if order[0] == order[2] else (-PI / 2, PI / 2)
    angles = torch.tensor([[0.7, end, -0.4] for end in ends], dtype=dtype)
    matrix = euler_to_matrix(angles, order).requires_grad_()
    back = matrix_to_euler(matrix, order)
    (gradient,) = torch.autograd.grad(back.sum(), matrix)
    assert gradient.isfinite().all()
    tolerance = 1e-3 if dtype == torch.float32 else 1e-7  # rounding of an angle near the lock goes by the square root
    torch.testing.assert_close(euler_to_matrix(back.detach(), order), matrix.detach(), atol=tolerance, rtol=0)
    eye = torch.eye(3, dtype=dtype)
    torch.testing.assert_close(euler_to_matrix(matrix_to_euler(eye, order), order), eye)


def test_euler_order_is_the_order_of_the_written_product():
    a = torch.tensor([0.3, -0.5, 0.7], dtype=torch.float64)
    about = [euler_to_matrix(angle[None], letter) for angle, letter in zip(a, "xyz", strict=True)]
    torch.testing.assert_close(euler_to_matrix(a), about[0] @ about[1] @ about[2])


def test_small_euler_angles_and_axis_angles_agree_to_first_order():
    direction = torch.tensor([0.4, -0.8, 0.5], dtype=torch.float64)
    sizes = [1e-2, 1e-3, 1e-4]
    gaps = [float((axis_angle_to_matrix(s * direction) - euler_to_matrix(s * direction)).abs().max()) for s in sizes]
    linear = [float((axis_angle_to_matrix(s * direction) - EYE - hat(s * direction)).abs().max()) for s in sizes]
    for coarse, fine in [*itertools.pairwise(gaps), *itertools.pairwise(linear)]:
        assert coarse / fine == pytest.approx(100, rel=0.05)  # second order: ten times smaller, a hundred times closer


def test_random_rotations_are_uniform_and_repeatable():
    draw = [random_rotations(4000, generator=torch.Generator().manual_seed(7), dtype=torch.float64) for _ in range(2)]
    assert draw[0].equal(draw[1])
    torch.testing.assert_close(draw[0] @ draw[0].mT, EYE.expand(4000, 3, 3))
    torch.testing.assert_close(draw[0].det(), torch.ones(4000, dtype=torch.float64))
    # Haar measure: every entry has mean 0 and variance 1/3; the angle has the density (1 - cos) / pi, mean pi/2 + 2/pi
    assert float(draw[0].mean(0).abs().max()) < 4 / math.sqrt(3 * 4000)
    torch.testing.assert_close(draw[0].var(0), torch.full((3, 3), 1 / 3, dtype=torch.float64), atol=0.03, rtol=0)
    assert float(geodesic_angle(EYE, draw[0]).mean()) == pytest.approx(PI / 2 + 2 / PI, abs=0.05)


def test_geodesic_angle_is_that_of_the_relative_rotation():
    a, b = axis_angle_to_matrix(vectors(9, 4)), axis_angle_to_matrix(vectors(9, 5))
    angle = geodesic_angle(a, b)
    theirs = (Rotation.from_matrix(a.numpy()).inv() * Rotation.from_matrix(b.numpy())).magnitude()
    np.testing.assert_allclose(angle, theirs, atol=1e-14)
    torch.testing.assert_close(angle, roma.rotmat_geodesic_distance(a, b))
    torch.testing.assert_close(angle, geodesic_angle(b, a))
    assert float(geodesic_angle(EYE, EYE)) == 0
    half_turns = axis_angle_to_matrix(at_angle(PI))
    torch.testing.assert_close(geodesic_angle(EYE, half_turns), torch.full((8,), PI, dtype=torch.float64))
    exact = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
    assert float(geodesic_angle(EYE, exact)) == pytest.approx(PI, rel=1e-15)


@settings(max_examples=50)
@given(st.floats(1e-6, PI - 1e-6))
def test_geodesic_angle_has_slope_one_along_the_geodesic(angle):
    size = torch.tensor(angle, dtype=torch.float64, requires_grad=True)
    axis = torch.tensor([2.0, -1.0, 2.0], dtype=torch.float64) / 3
    measured = geodesic_angle(EYE, axis_angle_to_matrix(size * axis))
    (slope,) = torch.autograd.grad(measured, size)
    assert measured.item() == pytest.approx(angle, abs=1e-14)
    assert float(slope) == pytest.approx(1, abs=1e-8)


def test_hat_is_the_cross_product():
    a, b = vectors(5, 8), vectors(5, 9)
    torch.testing.assert_close((hat(a) @ b[..., None])[..., 0], torch.linalg.cross(a, b))


BAD = {
    "four entries": (axis_angle_to_matrix, (torch.zeros(2, 4),), r"`axis_angle` has shape \(2, 4\).*\(3\)"),
    "flat matrix": (matrix_to_quaternion, (torch.zeros(2, 9),), r"`matrix` has shape \(2, 9\).*\(3, 3\)"),
    "three of four": (quaternion_to_matrix, (torch.zeros(3),), r"`quaternion` has shape \(3,\).*w, x, y, z"),
    "nine of six": (six_d_to_matrix, (torch.zeros(9),), r"`six` has shape \(9,\)"),
    "angles for order": (euler_to_matrix, (torch.zeros(2), "xyz"), r"`angles` has shape \(2,\).*order='xyz'"),
    "capital letters": (euler_to_matrix, (torch.zeros(3), "XYZ"), r"`order` \(='XYZ'\) must be one to three"),
    "neighbours": (matrix_to_euler, (torch.eye(3), "xxz"), r"`order` \(='xxz'\) must be three of the letters"),
    "batches": (geodesic_angle, (torch.zeros(2, 3, 3), torch.zeros(5, 3, 3)), r"do not fit.*`a` \(2,\), `b` \(5,\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_shapes_are_refused(name):
    function, args, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        raw(function)(*args)


def test_leading_axes_are_kept():
    turns = vectors(24).view(2, 3, 4, 3)
    matrix = axis_angle_to_matrix(turns)
    assert matrix.shape == (2, 3, 4, 3, 3)
    assert matrix_to_six_d(matrix).shape == (2, 3, 4, 6)
    quaternion = axis_angle_to_quaternion(turns)
    assert quaternion.shape == (2, 3, 4, 4) == matrix_to_quaternion(matrix).shape
    torch.testing.assert_close(quaternion_to_matrix(quaternion), matrix)
    assert multiply_quaternions(quaternion, quaternion[0, 0, 0]).shape == (2, 3, 4, 4)
    assert matrix_to_euler(matrix, "zxz").shape == (2, 3, 4, 3)
    assert geodesic_angle(matrix, matrix[0, 0, 0]).shape == (2, 3, 4)
    assert six_d_to_matrix(matrix_to_six_d(matrix)).shape == (2, 3, 4, 3, 3)
    assert matrix_to_axis_angle(torch.zeros(0, 3, 3)).shape == (0, 3)
    one = axis_angle_to_matrix(turns[1, 2, 3])
    assert one.equal(matrix[1, 2, 3])
