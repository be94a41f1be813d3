"""Rigid flow and warping: closed forms, what they cannot tell, masks, gradients, and kornia's warp."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from course_lib.geometry import (
    axis_angle_to_matrix,
    backproject,
    compose,
    depth_after,
    depth_agreement,
    depth_of,
    intrinsics_matrix,
    inverse_warp,
    invert,
    make_transform,
    pixel_grid,
    project,
    relative_motion,
    rigid_flow,
    se3_exp,
    transform_points,
    warp_with_flow,
)

H, W = 12, 16
F, CX, CY = 20.0, 7.5, 5.5
K = intrinsics_matrix(F, (CX, CY), dtype=torch.float64)
EYE = torch.eye(3, dtype=torch.float64)
REST = torch.eye(4, dtype=torch.float64).expand(2, 4, 4)


def raw(function):
    return inspect.unwrap(function)


def gen(seed):
    return torch.Generator().manual_seed(seed)


def depths(seed=0, b=2):
    return 2 + 3 * torch.rand(b, 1, H, W, dtype=torch.float64, generator=gen(seed))


def images(seed=0, c=3):
    return torch.rand(2, c, H, W, dtype=torch.float64, generator=gen(seed))


def motions(seed=0, size=0.1, b=2):
    return se3_exp(size * torch.randn(b, 6, dtype=torch.float64, generator=gen(seed)))


def motion(omega=(0.0, 0.0, 0.0), t=(0.0, 0.0, 0.0)):
    omega, t = (torch.tensor([value], dtype=torch.float64) for value in (omega, t))
    return make_transform(axis_angle_to_matrix(omega), t)


def grid():
    return pixel_grid(H, W, dtype=torch.float64).permute(2, 0, 1)


def test_flow_is_back_projection_motion_and_projection():
    depth, second_from_first = depths(), motions()
    points = backproject(pixel_grid(H, W, dtype=torch.float64).flatten(0, 1), depth.flatten(1), K)
    moved = transform_points(second_from_first, points)
    expected = project(moved, K).mT.unflatten(-1, (H, W)) - grid()
    torch.testing.assert_close(rigid_flow(depth, second_from_first, K), expected, atol=1e-11, rtol=0)
    torch.testing.assert_close(depth_after(depth, second_from_first, K), depth_of(moved).view(2, 1, H, W))


def test_camera_matrix_may_differ_in_the_batch():
    matrices = torch.stack([K, intrinsics_matrix((30.0, 25.0), (8.0, 5.0), dtype=torch.float64)])
    matrices[1, 0, 1] = 0.7  # skew
    depth, moved = depths(), motions()
    both = rigid_flow(depth, moved, matrices)
    for i in range(2):
        torch.testing.assert_close(both[i : i + 1], rigid_flow(depth[i : i + 1], moved[i : i + 1], matrices[i]))
    torch.testing.assert_close(rigid_flow(depth, moved, K[None]), rigid_flow(depth, moved, K))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_camera_at_rest_has_no_flow_whatever_the_depth(dtype):
    rest, matrix = REST.to(dtype), K.to(dtype)
    for seed, size in enumerate((1.0, 1e-3, 1e4)):
        depth = size * depths(seed).to(dtype)
        assert rigid_flow(depth, rest, matrix).equal(torch.zeros(2, 2, H, W, dtype=dtype))
        image = images(seed).to(dtype)
        warped, valid = inverse_warp(image, depth, rest, matrix)
        assert valid.all()
        torch.testing.assert_close(warped, image, atol=10 * H * torch.finfo(dtype).eps, rtol=0)  # photometric loss 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-0.3, 0.3), min_size=3, max_size=3), st.floats(1.1, 50))
def test_pure_rotation_is_a_homography_that_does_not_see_depth(omega, factor):
    depth, turn = depths(b=1), motion(omega)
    flow = rigid_flow(depth, turn, K)
    torch.testing.assert_close(rigid_flow(factor * depth, turn, K), flow, atol=1e-12, rtol=0)
    homogeneous = torch.cat([grid(), torch.ones(1, H, W, dtype=torch.float64)])
    mapped = torch.einsum("ij,jhw->ihw", K @ turn[0, :3, :3] @ torch.linalg.inv(K), homogeneous)
    torch.testing.assert_close(flow[0], mapped[:2] / mapped[2:] - grid(), atol=1e-11, rtol=0)


def small_motion_flow(depth, omega, t):
    """The flow to first order in the motion (Longuet-Higgins and Prazdny 1980), in pixels."""
    (wx, wy, wz), (tx, ty, tz) = omega, t
    x, y = grid() - torch.tensor([CX, CY], dtype=torch.float64)[:, None, None]
    d = depth[0, 0]
    u = (F * tx - x * tz) / d - wx * x * y / F + wy * (F + x**2 / F) - wz * y
    v = (F * ty - y * tz) / d - wx * (F + y**2 / F) + wy * x * y / F + wz * x
    return torch.stack([u, v])


@pytest.mark.parametrize("entry", range(6))
def test_small_motions_follow_the_first_order_formula(entry):
    direction = [0.0] * 6
    direction[entry] = 1.0
    depth, gaps = depths(b=1), []
    for size in (1e-3, 1e-4):
        omega, t = ([size * value for value in part] for part in (direction[:3], direction[3:]))
        exact = rigid_flow(depth, motion(omega, t), K)[0]
        linear = small_motion_flow(depth, omega, t)
        assert float(linear.abs().max()) > 1e-5  # there is something to compare
        gaps.append(float((exact - linear).abs().max()))
    assert gaps[1] <= 1e-13 or gaps[0] / gaps[1] == pytest.approx(100, rel=0.05)  # what is left is of second order


def test_slow_motion_keeps_its_digits_in_single_precision():
    depth, slow = depths(b=1), motion((1e-5, -2e-5, 1e-5), (2e-5, 1e-5, -1e-5))
    exact = rigid_flow(depth, slow, K)
    single = rigid_flow(depth.float(), slow.float(), K.float())
    torch.testing.assert_close(single.double(), exact, atol=3e-4 * float(exact.abs().max()), rtol=0)


def test_driving_forward_makes_the_flow_expand():
    world = torch.eye(4, dtype=torch.float64)[None]
    ahead = invert(make_transform(EYE, torch.tensor([[0.0, 0.0, 0.5]], dtype=torch.float64)))
    second_from_first = relative_motion(world, ahead)
    assert second_from_first[0, 2, 3] < 0
    flow = rigid_flow(depths(b=1), second_from_first, K)[0]
    outward = grid() - torch.tensor([CX, CY], dtype=torch.float64)[:, None, None]
    assert ((flow * outward).sum(0) > 0).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100), st.integers(0, 1000))
def test_scale_of_scene_and_motion_cannot_be_seen(scale, seed):
    depth, second_from_first = depths(seed), motions(seed)
    scaled = second_from_first.clone()
    scaled[:, :3, 3] *= scale
    flow = rigid_flow(depth, second_from_first, K)
    torch.testing.assert_close(rigid_flow(scale * depth, scaled, K), flow, atol=1e-11, rtol=0)
    assert float((rigid_flow(scale * depth, second_from_first, K) - flow).abs().max()) > 0 or scale == 1


def test_flow_of_two_poses_is_that_of_second_times_inverse_of_first():
    e1, e2, depth = motions(1), motions(2), depths()
    swapped = rigid_flow(depth, compose(e1, invert(e2)), K)
    right = rigid_flow(depth, relative_motion(e1, e2), K)
    points = backproject(pixel_grid(H, W, dtype=torch.float64).flatten(0, 1), depth.flatten(1), K)
    world = transform_points(invert(e1), points)
    seen = project(transform_points(e2, world), K).mT.unflatten(-1, (H, W)) - grid()
    torch.testing.assert_close(right, seen, atol=1e-11, rtol=0)
    assert float((swapped - seen).abs().max()) > 1


# Sampling.


@settings(max_examples=30, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2), st.integers(0, 1000))
def test_bilinear_sampling_is_exact_for_affine_pictures(a, b, c, seed):
    picture = (a * grid()[0] + b * grid()[1] + c)[None, None]
    flow = 8 * torch.rand(1, 2, H, W, dtype=torch.float64, generator=gen(seed)) - 4
    warped, valid = warp_with_flow(picture, flow)
    x, y = grid() + flow[0]
    torch.testing.assert_close(warped[valid], (a * x + b * y + c)[valid[0, 0]], atol=1e-12, rtol=0)


def test_a_sample_depends_on_its_four_neighbours_only():
    picture = images(c=1)[:1].requires_grad_()
    flow = torch.zeros(1, 2, H, W, dtype=torch.float64)
    flow[0, :, 4, 5] = torch.tensor([2.25, 3.5])  # to u = 7.25, v = 7.5
    warped, _ = warp_with_flow(picture, flow)
    (gradient,) = torch.autograd.grad(warped[0, 0, 4, 5], picture)
    expected = torch.zeros(H, W, dtype=torch.float64)
    expected[7, 7], expected[7, 8], expected[8, 7], expected[8, 8] = 0.375, 0.125, 0.375, 0.125
    torch.testing.assert_close(gradient[0, 0], expected)


def test_gradient_with_respect_to_the_flow_is_the_slope_between_neighbours():
    picture = images(c=1)[:1]
    flow = torch.zeros(1, 2, H, W, dtype=torch.float64)
    flow[0, :, 4, 5] = torch.tensor([2.25, 3.5])
    warped, _ = warp_with_flow(picture, flow.requires_grad_())
    (gradient,) = torch.autograd.grad(warped[0, 0, 4, 5], flow)
    p = picture[0, 0, 7:9, 7:9]
    slope_u = 0.5 * (p[0, 1] - p[0, 0]) + 0.5 * (p[1, 1] - p[1, 0])
    slope_v = 0.75 * (p[1, 0] - p[0, 0]) + 0.25 * (p[1, 1] - p[0, 1])
    torch.testing.assert_close(gradient[0, :, 4, 5], torch.stack([slope_u, slope_v]))


def test_whole_pixel_flow_shifts_the_picture_and_masks_what_came_from_outside():
    picture = images()
    flow = torch.zeros(2, 2, H, W, dtype=torch.float64)
    flow[:, 0], flow[:, 1] = 3, -2
    warped, valid = warp_with_flow(picture, flow)
    expected, inside = torch.zeros_like(picture), torch.zeros_like(picture[:, :1], dtype=torch.bool)
    expected[..., 2:, :-3], inside[..., 2:, :-3] = picture[..., :-2, 3:], True
    torch.testing.assert_close(warped, expected)
    assert valid.equal(inside)


def test_mask_ends_at_the_centres_of_the_outer_pixels():
    flow = torch.zeros(1, 2, H, W, dtype=torch.float64)
    flow[0, 0, 0] = torch.linspace(-1e-6, 1e-6, W)  # leftmost pixel goes just outside, as does the rightmost
    flow[0, 1, 1] = -1.5
    _, valid = warp_with_flow(images()[:1], flow)
    assert valid[0, 0, 0].tolist() == [False] + [True] * (W - 2) + [False]
    assert not valid[0, 0, 1].any()
    assert valid[0, 0, 2:].all()


def test_flow_that_is_not_a_number_is_not_valid_and_gives_zero():
    flow = torch.zeros(1, 2, H, W, dtype=torch.float64)
    flow[0, 0, 3, 3], flow[0, 1, 4, 4] = math.nan, math.inf
    warped, valid = warp_with_flow(images()[:1], flow)
    assert warped.isfinite().all()
    assert int((~valid).sum()) == 2
    assert not valid[0, 0, 3, 3]


def test_points_behind_the_camera_are_not_valid():
    depth = torch.full((1, 1, H, W), 2.0, dtype=torch.float64)
    depth[..., :4] = 10.0
    backwards = motion(t=(0.0, 0.0, -5.0))  # the camera drives 5 m ahead, past what is 2 m away
    warped, valid = inverse_warp(images()[:1], depth, backwards, K)
    assert not valid[..., 4:].any()
    assert (warped[..., 4:] == 0).all()
    after = depth_after(depth, backwards, K)
    torch.testing.assert_close(after[..., :4], torch.full((1, 1, H, 4), 5.0, dtype=torch.float64))
    assert (after[..., 4:] < 0).all()
    # Mirrored through the centre they would land inside the picture: only the mask of depth keeps them out.
    half_turn = motion(omega=(0.0, math.pi, 0.0))
    assert not inverse_warp(images()[:1], depth, half_turn, K)[1].any()


def test_unknown_depth_is_not_valid_and_has_no_gradient():
    depth = depths()
    depth[:, :, :3] = 0.0
    depth[:, :, 3] = math.nan
    depth.requires_grad_()
    warped, valid = inverse_warp(images(), depth, motions(size=0.02), K)
    assert not valid[:, :, :4].any()
    assert valid[:, :, 5:-1, 2:-2].all()
    (gradient,) = torch.autograd.grad(warped.sum(), depth)
    assert gradient.isfinite().all()
    assert (gradient[:, :, :4] == 0).all()


def test_depths_that_are_no_numbers_take_no_part_in_the_agreement():
    depth1, depth2, twist = depths(), depths(1), torch.zeros(2, 6, dtype=torch.float64, requires_grad=True)
    for depth, row in ((depth1, 2), (depth2, 6)):
        for offset, value in enumerate((math.nan, math.inf, -1.0, 1e-300)):
            depth[:, :, row, offset] = value
    difference, valid = depth_agreement(depth1, depth2, se3_exp(twist), K)
    assert not valid[:, :, 2, :4].any()
    assert not valid[:, :, 6, :4].any()
    assert valid[:, :, 8:, 2:-2].all()
    (gradient,) = torch.autograd.grad(difference.abs().sum(), twist)
    assert gradient.isfinite().all()
    assert rigid_flow(depth1, REST, K).equal(torch.zeros(2, 2, H, W, dtype=torch.float64))


def test_infinite_depth_moves_by_the_rotation_only():
    far = torch.full((2, 1, H, W), math.inf, dtype=torch.float64)
    moved = motions()
    turned = moved.clone()
    turned[:, :3, 3] = 0
    torch.testing.assert_close(rigid_flow(far, moved, K), rigid_flow(depths(), turned, K))


def test_warp_is_that_of_kornia_inside_the_mask():
    kornia_depth = pytest.importorskip("kornia.geometry.depth")
    picture, depth, second_from_first = images(), depths(), motions(size=0.05)
    warped, valid = inverse_warp(picture, depth, second_from_first, K)
    theirs = kornia_depth.warp_frame_depth(picture, depth, second_from_first, K.expand(2, 3, 3))
    assert float(valid.double().mean()) > 0.5
    torch.testing.assert_close(warped, torch.where(valid, theirs, 0.0), atol=1e-11, rtol=0)


def test_gradients_of_flow_and_warp():
    picture, depth, second_from_first = images(c=2)[:1, :, :5, :6], depths()[:1, :, :5, :6], motions(size=0.03)[:1]
    depth2 = depths(1)[:1, :, :5, :6]
    focal, center = torch.tensor([F, 22.0], dtype=torch.float64), torch.tensor([2.5, 2.0], dtype=torch.float64)
    camera = (focal, center)
    for tensor in (picture, depth, depth2, second_from_first, *camera):
        tensor.requires_grad_()
    assert gradcheck(lambda d, m, *c: rigid_flow(d, m, intrinsics_matrix(*c)), (depth, second_from_first, *camera))
    assert gradcheck(lambda d, m, *c: depth_after(d, m, intrinsics_matrix(*c)), (depth, second_from_first, *camera))
    assert gradcheck(
        lambda p, d, m, *c: inverse_warp(p, d, m, intrinsics_matrix(*c))[0],
        (picture, depth, second_from_first, *camera),
    )
    assert gradcheck(
        lambda d1, d2, m, *c: depth_agreement(d1, d2, m, intrinsics_matrix(*c))[0],
        (depth, depth2, second_from_first, *camera),
    )


def test_gradient_at_rest_is_finite_and_not_zero():
    twist = torch.zeros(2, 6, dtype=torch.float64, requires_grad=True)
    picture = images()
    warped, _ = inverse_warp(picture, depths(), se3_exp(twist), K)
    (gradient,) = torch.autograd.grad((warped * images(1)).sum(), twist)
    assert gradient.isfinite().all()
    assert (gradient.abs() > 1e-6).all()


def plane_depth(camera_from_world, normal, offset):
    """Depth map of the plane normal . X = offset (world) seen by a camera."""
    world_from_camera = invert(camera_from_world)
    directions = torch.cat([(grid() - torch.tensor([CX, CY])[:, None, None]) / F, torch.ones(1, H, W)])
    along = torch.einsum("i,ij,jhw->hw", normal, world_from_camera[:3, :3], directions.double())
    return ((offset - normal @ world_from_camera[:3, 3]) / along)[None, None]


def test_depths_of_one_plane_from_two_places_agree_and_swapped_inverses_do_not():
    normal, offset = torch.tensor([0.1, -0.2, 1.0], dtype=torch.float64), 4.0
    e1, e2 = motions(3, size=0.05), motions(4, size=0.05)
    depth1, depth2 = (plane_depth(e[0], normal, offset) for e in (e1, e2))
    difference, valid = depth_agreement(depth1, depth2, relative_motion(e1[:1], e2[:1]), K)
    assert float(valid.double().mean()) > 0.7
    assert float(difference.abs().max()) < 1e-3  # 1 / depth of a plane is affine in the pixel, depth nearly so
    swapped, _ = depth_agreement(depth1, depth2, relative_motion(e2[:1], e1[:1]), K)
    assert float(swapped.abs().max()) > 0.05


def test_something_nearer_in_the_second_picture_gives_a_negative_difference():
    depth1 = torch.full((1, 1, H, W), 4.0, dtype=torch.float64)
    depth2 = depth1.clone()
    depth2[..., 5:8, 6:9] = 1.5
    depth2[..., 0, 0] = 0.0
    difference, valid = depth_agreement(depth1, depth2, REST[:1], K)
    assert (difference[..., 5:8, 6:9] + 2.5).abs().max() < 1e-12
    assert int((difference.abs() > 1e-12).sum()) == 9
    assert not valid[0, 0, 0, 0]
    assert valid[0, 0, 1:, 1:].all()


def test_autocast_and_half_precision_do_not_coarsen_the_warp():
    picture, depth, moved = images().float(), depths().float(), motions(size=0.05).float()
    expected = inverse_warp(picture, depth, moved, K.float())[0]
    with torch.autocast("cpu", torch.bfloat16):
        assert inverse_warp(picture, depth, moved, K.float())[0].equal(expected)
        assert compose(moved, moved).dtype == torch.float32
    half = inverse_warp(picture.bfloat16(), depth.bfloat16(), moved, K.float())[0]
    assert half.equal(inverse_warp(picture.bfloat16().float(), depth.bfloat16().float(), moved, K.float())[0])


def test_single_row_and_single_pixel_pictures_work():
    for h, w in ((1, 5), (5, 1), (1, 1)):
        picture = torch.rand(1, 1, h, w)
        warped, valid = warp_with_flow(picture, torch.zeros(1, 2, h, w))
        torch.testing.assert_close(warped, picture)
        assert valid.all()


BAD = {
    "image rank": (warp_with_flow, (torch.zeros(3, H, W), torch.zeros(1, 2, H, W)), r"`image` has shape \(3, 12, 16\)"),
    "flow size": (
        warp_with_flow,
        (torch.zeros(1, 3, H, W), torch.zeros(1, 2, W, H)),
        r"`flow` has shape \(1, 2, 16, 12\): it must be \(1, 2, 12, 16\)",
    ),
    "depth rank": (rigid_flow, (torch.zeros(2, H, W), REST, K), r"depth has shape \(2, 12, 16\): it must be \(b, 1"),
    "one motion": (rigid_flow, (depths(), REST[0], K), r"motion` has shape \(4, 4\): it must be \(2, 4, 4\)"),
    "3 x 4": (rigid_flow, (depths(), REST[:, :3], K), r"motion` has shape \(2, 3, 4\)"),
    "three cameras": (rigid_flow, (depths(), REST, K.expand(3, 3, 3)), r"`intrinsics` has shape \(3, 3, 3\)"),
    "depth of image": (
        inverse_warp,
        (images(), depths()[..., :5], REST, K),
        r"`depth1` has shape \(2, 1, 12, 5\): it must be \(2, 1, 12, 16\)",
    ),
    "second depth": (depth_agreement, (depths(), depths()[:1], REST, K), r"`depth2` has shape \(1, 1, 12, 16\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_shapes_are_refused(name):
    function, args, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        raw(function)(*args)
