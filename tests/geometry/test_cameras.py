"""Cameras: projection and its inverse, the three models against each other, frames, and kornia's conventions."""

import inspect

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from course_lib.geometry import (
    backproject,
    camera_from_hand,
    centred_perspective,
    crop_intrinsics,
    depth_of,
    hand_from_camera,
    intrinsics_matrix,
    orthographic,
    pixel_grid,
    project,
    rays,
    resize_intrinsics,
    weak_perspective,
)

VKITTI = intrinsics_matrix(725.0, (620.5, 187.0), dtype=torch.float64)


def raw(function):
    return inspect.unwrap(function)


def points(*shape, seed=0):
    """Points in metres, 3 to 7 in front of the camera."""
    out = torch.rand(*shape, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return out * torch.tensor([4.0, 3.0, 4.0]) + torch.tensor([-2.0, -1.5, 3.0])


def test_division_comes_before_the_centre():
    seen = project(torch.tensor([[100.0, 50.0, 1000.0]], dtype=torch.float64), VKITTI)
    torch.testing.assert_close(seen, torch.tensor([[693.0, 223.25]], dtype=torch.float64))


def test_right_and_down_in_the_frame_are_right_and_down_in_the_image():
    seen = project(torch.tensor([[0.0, 0, 2], [0.1, 0, 2], [0, 0.1, 2]], dtype=torch.float64), VKITTI)
    assert seen[0].tolist() == [620.5, 187.0]
    assert seen[1, 0] > seen[0, 0]
    assert seen[2, 1] > seen[0, 1]


def test_projection_is_that_of_kornia():
    perspective = pytest.importorskip("kornia.geometry.camera.perspective")
    cloud, matrix = points(2, 7), VKITTI.expand(2, 1, 3, 3)
    torch.testing.assert_close(project(cloud, VKITTI), perspective.project_points(cloud, matrix))
    pixels, depth = project(cloud, VKITTI), depth_of(cloud)
    theirs = perspective.unproject_points(pixels, depth[..., None], matrix)
    torch.testing.assert_close(backproject(pixels, depth, VKITTI), theirs)


def test_rays_times_depth_are_kornias_points_of_a_depth_map():
    depth = pytest.importorskip("kornia.geometry.depth")
    matrix = intrinsics_matrix((20.0, 30.0), (7.5, 5.5), dtype=torch.float64)
    z = 1 + torch.rand(2, 12, 16, dtype=torch.float64)
    theirs = depth.depth_to_3d_v2(z, matrix.expand(2, 3, 3))
    torch.testing.assert_close(rays(12, 16, matrix) * z[..., None], theirs)


@given(
    st.floats(1, 2000), st.floats(1, 2000), st.floats(-2000, 2000), st.floats(-2000, 2000), st.floats(-50, 50)
)  # fmt: skip
def test_back_projection_undoes_projection(fx, fy, cx, cy, skew):
    matrix = intrinsics_matrix((fx, fy), (cx, cy), dtype=torch.float64)
    matrix[0, 1] = skew
    cloud = points(5)
    back = backproject(project(cloud, matrix), depth_of(cloud), matrix)
    torch.testing.assert_close(back, cloud, atol=1e-8, rtol=0)


def test_depth_is_z_not_the_length_of_the_ray():
    corner = backproject(torch.tensor([[0.0, 0.0]]), torch.tensor([5.0]), VKITTI.float())
    assert float(depth_of(corner)) == 5
    assert float(corner.norm()) > 6


def test_batches_of_points_and_cameras_broadcast():
    matrices = intrinsics_matrix(torch.tensor([[500.0], [600.0]]), (320.0, 240.0))
    assert matrices.shape == (2, 3, 3)
    cloud = points(7, 2, 9).float()
    seen = project(cloud, matrices)
    assert seen.shape == (7, 2, 9, 2)
    torch.testing.assert_close(seen[3, 1], project(cloud[3, 1], matrices[1]))
    assert project(cloud[0, 0], matrices).shape == (2, 9, 2)
    assert rays(4, 6, matrices).shape == (2, 4, 6, 3)
    assert weak_perspective(cloud, matrices).shape == (7, 2, 9, 2)
    assert backproject(seen, depth_of(cloud), matrices).shape == (7, 2, 9, 3)


def test_focal_length_of_each_axis_and_centre_of_each_camera():
    centers = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    matrix = intrinsics_matrix((5.0, 6.0), centers)
    assert matrix.tolist() == [[[5, 0, 1], [0, 6, 2], [0, 0, 1]], [[5, 0, 3], [0, 6, 4], [0, 0, 1]]]
    focal = torch.tensor(100.0, requires_grad=True)
    intrinsics_matrix(focal, (0.0, 0.0)).sum().backward()
    assert focal.grad == 2


def test_pixel_grid_holds_column_then_row_and_starts_at_zero():
    grid = pixel_grid(3, 4)
    assert grid.shape == (3, 4, 2)
    assert grid[2, 1].tolist() == [1, 2]
    assert grid[0, 0].tolist() == [0, 0]
    seen = project(rays(3, 4, VKITTI).flatten(0, 1) * 3.7, VKITTI).view(3, 4, 2)
    torch.testing.assert_close(seen, pixel_grid(3, 4, dtype=torch.float64), atol=1e-10, rtol=0)


def test_a_point_on_the_camera_plane_stays_finite():
    cloud = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, -2.0]], requires_grad=True)
    seen = project(cloud, VKITTI.float())
    (gradient,) = torch.autograd.grad(seen.sum(), cloud)
    assert seen.isfinite().all()
    assert gradient.isfinite().all()


def test_gradients_of_all_cameras():
    cloud = points(2, 3).requires_grad_()
    matrix = VKITTI.clone().requires_grad_()
    scale, center = torch.tensor([90.0, 80.0], dtype=torch.float64), torch.tensor([3.0, 4.0], dtype=torch.float64)
    pixels, depth = project(cloud, matrix).detach(), depth_of(cloud).detach()
    assert gradcheck(project, (cloud, matrix))
    assert gradcheck(weak_perspective, (cloud, matrix))
    assert gradcheck(backproject, (pixels.requires_grad_(), depth.requires_grad_(), matrix))
    assert gradcheck(orthographic, (cloud, scale.requires_grad_(), center.requires_grad_()))
    assert gradcheck(centred_perspective, (cloud, (1 / scale).detach().requires_grad_(), center))


# The models against each other.


def test_weak_perspective_is_exact_at_the_reference_depth_and_off_by_the_ratio_elsewhere():
    cloud = points(6)
    pinhole, weak = project(cloud, VKITTI), weak_perspective(cloud, VKITTI, torch.tensor(5.0, dtype=torch.float64))
    center = VKITTI[:2, 2]
    torch.testing.assert_close(weak - center, (pinhole - center) * depth_of(cloud)[:, None] / 5)
    flat = cloud.clone()
    flat[:, 2] = 4.2
    torch.testing.assert_close(weak_perspective(flat, VKITTI), project(flat, VKITTI))


def test_weak_perspective_is_orthography_at_focal_length_over_depth():
    cloud = points(3, 6)
    depth = depth_of(cloud).mean(-1)
    torch.testing.assert_close(weak_perspective(cloud, VKITTI), orthographic(cloud, 725 / depth, (620.5, 187.0)))


def test_orthography_cannot_tell_a_pose_from_its_depth_mirror_and_a_pinhole_can():
    cloud = points(6)
    mirror = cloud * torch.tensor([1.0, 1.0, -1.0]) + torch.tensor([0.0, 0.0, 10.0])
    assert orthographic(cloud, 100.0, (0.0, 0.0)).equal(orthographic(mirror, 100.0, (0.0, 0.0)))
    assert float((project(cloud, VKITTI) - project(mirror, VKITTI)).abs().max()) > 10


def test_root_centred_camera_is_the_pinhole_with_the_root_at_its_depth():
    """Point (RX in pixels) = shape times s, with s = f / Z0; the lateral translation becomes t / s."""
    focal, root_depth = 1150.0, 5.0
    scale = focal / root_depth
    body = points(9) - torch.tensor([0.0, 0.0, 5.0])
    shift = torch.tensor([0.3, -0.2, 0.0], dtype=torch.float64)
    matrix = intrinsics_matrix(focal, (500.0, 400.0), dtype=torch.float64)
    pinhole = project(body + shift + torch.tensor([0.0, 0.0, root_depth]), matrix)
    torch.testing.assert_close(centred_perspective(scale * (body + shift), 1 / focal, (500.0, 400.0)), pinhole)


def test_root_centred_camera_tends_to_orthography_with_the_series_in_one_over_f():
    body = 200 * (points(9) - torch.tensor([0.0, 0.0, 5.0]))  # pixels
    center = (500.0, 400.0)
    flat = orthographic(body, 1.0, center)
    assert centred_perspective(body, 0.0, center).equal(flat)
    remainders = []
    for inverse in (1e-4, 1e-5):
        first_order = -body[:, :2] * body[:, 2:] * inverse
        remainders.append(float((centred_perspective(body, inverse, center) - flat - first_order).abs().max()))
    assert remainders[0] / remainders[1] == pytest.approx(100, rel=0.1)  # what is left is of second order


# Frames and images.


def test_hand_frame_differs_by_the_sign_of_y_alone():
    hand = torch.tensor([[1.0, 2.0, 3.0]])
    assert camera_from_hand(hand).tolist() == [[1, -2, 3]]
    assert hand_from_camera(camera_from_hand(hand)).equal(hand)


def test_hand_frame_is_the_mirror_image_of_the_camera_frame():
    assert torch.linalg.det(camera_from_hand(torch.eye(3))) == -1


def test_resized_image_keeps_the_edges_of_its_pixels():
    """The corner (-1/2, -1/2) and the middle of the image stay where they are in the scene."""
    height, width = 6, 10
    small = resize_intrinsics(VKITTI, 0.5)
    corner = torch.tensor([[-0.5, -0.5], [(width - 1) / 2, (height - 1) / 2]], dtype=torch.float64)
    smaller = torch.tensor([[-0.5, -0.5], [(width / 2 - 1) / 2, (height / 2 - 1) / 2]], dtype=torch.float64)
    depth = torch.ones(2, dtype=torch.float64)
    torch.testing.assert_close(backproject(smaller, depth, small), backproject(corner, depth, VKITTI))
    uneven = resize_intrinsics(VKITTI, 0.5, 0.25)
    assert uneven[0, 0] == 725 / 2
    assert uneven[1, 1] == 725 / 4


def test_area_resize_agrees_with_the_resized_camera():
    """A ramp that grows with X/Z, drawn at full size and halved by averaging, is the one drawn by the small camera."""
    matrix = intrinsics_matrix((40.0, 50.0), (15.5, 11.5), dtype=torch.float64)
    large = rays(24, 32, matrix)[..., :2].permute(2, 0, 1)
    halved = torch.nn.functional.avg_pool2d(large, 2)
    small = rays(12, 16, resize_intrinsics(matrix, 0.5))[..., :2].permute(2, 0, 1)
    torch.testing.assert_close(halved, small)


def test_cropped_image_has_its_centre_moved():
    cloud = points(4)
    cropped = project(cloud, crop_intrinsics(VKITTI, 100, 20))
    torch.testing.assert_close(cropped, project(cloud, VKITTI) - torch.tensor([100.0, 20.0], dtype=torch.float64))


BAD = {
    "2D points": (project, (torch.zeros(5, 2), VKITTI), r"`points` has shape \(5, 2\): its last axes must be \(n, 3\)"),
    "3 x 4": (project, (torch.zeros(5, 3), torch.zeros(3, 4)), r"`intrinsics` has shape \(3, 4\).*\(3, 3\)"),
    "batches": (project, (torch.zeros(2, 5, 3), torch.zeros(4, 3, 3)), r"`points` \(2,\), `intrinsics` \(4,\)"),
    "depths": (backproject, (torch.zeros(5, 2), torch.zeros(4), VKITTI), r"`depth` has shape \(4,\).*\(5\)"),
    "focal": (intrinsics_matrix, (torch.zeros(3), (0.0, 0.0)), r"`focal` has shape \(3,\).*give focal\[:, None\]"),
    "center": (intrinsics_matrix, (1.0, torch.zeros(3)), r"`center` has shape \(3,\)"),
    "scale": (orthographic, (torch.zeros(2, 5, 3), torch.ones(3), (0.0, 0.0)), r"`scale` \(3,\)"),
    "rays": (rays, (4, 4, torch.zeros(4, 4)), r"`intrinsics` has shape \(4, 4\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_shapes_are_refused(name):
    function, args, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        raw(function)(*args)
