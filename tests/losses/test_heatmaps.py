"""Heatmaps and volumes: NumPy and SciPy oracles, gradients, invariances, extremes, and refusals by name."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d
from scipy.special import softmax
from torch.nn import functional as F

from course_lib import losses
from course_lib.losses import (
    argmax_volume,
    expected_depth,
    expected_points,
    gaussian_heatmaps,
    gaussian_volumes,
    heatmap_loss,
    keypoint_loss,
    volume_loss,
    volume_marginals,
)
from course_lib.teaching.volumes import ShiftedMaps, Volume, nearest_map

quick = settings(max_examples=30, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
NAN = math.nan


def raw(loss):
    """The function without the shape checks of the test session, which would speak before it does."""
    return inspect.unwrap(loss)


def normals(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def places(b, n, *sizes, seed=0):
    """Points (x, y) or (x, y, z) somewhere on the grid of these sizes."""
    draw = torch.rand(b, n, len(sizes), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return draw * (torch.tensor(sizes) - 1)


# ---- marginals and read-outs


def test_marginals_are_sums_of_one_softmax():
    scores = normals(2, 3, 4, 5, 6)
    got = volume_marginals(scores)
    p = softmax(scores.numpy(), axis=(2, 3, 4))
    np.testing.assert_allclose(got.xy, p.sum(2), atol=1e-14)
    np.testing.assert_allclose(got.z, p.sum((3, 4)), atol=1e-14)
    np.testing.assert_allclose(got.xy.sum((2, 3)), 1, atol=1e-14)
    np.testing.assert_allclose(got.z.sum(2), 1, atol=1e-14)


@quick
@given(seed=SEEDS)
def test_the_expected_depth_and_its_gradient_are_those_of_the_teaching_model(seed):
    model = Volume.draw(torch.Generator().manual_seed(seed))
    scores = torch.from_numpy(model.scores)[None, None].requires_grad_()
    depth = expected_depth(volume_marginals(scores).z, torch.from_numpy(model.centres))
    assert depth.item() == pytest.approx(model.over_all_voxels(), abs=1e-12)
    (gradient,) = torch.autograd.grad(depth.sum(), scores)
    np.testing.assert_allclose(gradient[0, 0], model.p * (model.place - model.expected), atol=1e-13)
    assert abs(float(gradient.sum())) < 1e-13


def test_scores_may_be_shifted_and_may_be_large():
    scores = normals(1, 2, 3, 4, 5)
    got = volume_marginals(scores)
    for moved in (scores + 7.0, scores + normals(1, 2, 1, 1, 1, seed=1)):
        torch.testing.assert_close(volume_marginals(moved).z, got.z)
    certain = torch.full((1, 1, 3, 3, 3), -1e4)
    certain[0, 0, 2, 1, 0] = 1e4
    certain.requires_grad_()
    marginals = volume_marginals(certain)
    assert marginals.z[0, 0].tolist() == [0, 0, 1]
    assert marginals.xy[0, 0, 1, 0] == 1
    marginals.z.square().sum().backward()
    assert certain.grad.isfinite().all()


def test_half_precision_scores_give_marginals_that_sum_to_one():
    got = volume_marginals(normals(2, 3, 16, 16, 16).to(torch.bfloat16))
    assert got.z.dtype == torch.float32
    torch.testing.assert_close(got.xy.sum((2, 3)), torch.ones(2, 3))


def test_the_place_of_a_single_cell_is_read_by_mean_and_by_argmax():
    scores = torch.full((1, 2, 4, 5, 6), -1e3, dtype=torch.float64)
    scores[0, 0, 3, 1, 2] = 0.0  # z, y, x
    scores[0, 1, 0, 4, 5] = 0.0
    marginals = volume_marginals(scores)
    assert expected_points(marginals.xy)[0].tolist() == [[2, 1], [5, 4]]
    assert expected_depth(marginals.z, torch.arange(4.0))[0].tolist() == [3, 0]
    assert argmax_volume(scores)[0].tolist() == [[2, 1, 3], [5, 4, 0]]


def test_argmax_is_that_of_numpy():
    scores = normals(3, 4, 5, 6, 7)
    for got, volume in zip(argmax_volume(scores).flatten(0, 1), scores.flatten(0, 1), strict=True):
        z, y, x = np.unravel_index(int(volume.argmax()), volume.shape)
        assert got.tolist() == [x, y, z]


def test_between_two_modes_the_expectation_is_where_nothing_is():
    z = torch.zeros(1, 1, 9, dtype=torch.float64)
    z[0, 0, 1], z[0, 0, 7] = 0.5, 0.5
    assert float(expected_depth(z, torch.arange(9.0).double())) == 4
    assert z[0, 0, 4] == 0


def test_the_error_of_argmax_on_perfect_volumes_is_that_of_rounding():
    points = places(1, 4000, 31, 31, 31, seed=3)
    sharp = gaussian_volumes(points, (32, 32, 32), sigma=1.0)
    error = (argmax_volume(sharp) - points).double()
    assert float(error.square().mean().sqrt()) == pytest.approx(math.sqrt(1 / 12), rel=0.02)
    assert error.abs().max() <= 0.5


# ---- targets


def test_heatmaps_are_gaussians_with_the_masses_of_the_sheet():
    middle = torch.full((1, 1, 2), 31.0, dtype=torch.float64)
    assert float(gaussian_heatmaps(middle, 64, normalised=False).sum()) == pytest.approx(8 * math.pi, rel=1e-9)
    cut = gaussian_heatmaps(middle, 64, sigma=3.25, radius=6.0, normalised=False)
    assert float(cut.sum()) == pytest.approx(60.6, abs=0.05)
    assert cut[0, 0, 31, 37] == pytest.approx(0.18, abs=0.005)
    assert cut[0, 0, 31, 38] == 0
    assert float(gaussian_heatmaps(middle, 64).sum()) == pytest.approx(1, abs=1e-12)


def test_a_heatmap_is_a_filtered_impulse():
    impulse = np.zeros((21, 17))
    impulse[9, 6] = 1
    filtered = gaussian_filter1d(gaussian_filter1d(impulse, 1.5, 0, truncate=20), 1.5, 1, truncate=20, mode="constant")
    got = gaussian_heatmaps(torch.tensor([[[6.0, 9.0]]], dtype=torch.float64), (21, 17), sigma=1.5)
    np.testing.assert_allclose(got[0, 0], filtered / filtered.sum(), atol=1e-6)


@quick
@given(seed=SEEDS, sigma=st.floats(0.5, 4))
def test_volumes_are_products_of_three_lines(seed, sigma):
    points = places(2, 3, 7, 6, 5, seed=seed)
    got = gaussian_volumes(points, (5, 6, 7), sigma=sigma)
    z, y, x = np.meshgrid(np.arange(5), np.arange(6), np.arange(7), indexing="ij")
    for volume, at in zip(got.flatten(0, 1), points.flatten(0, 1).numpy(), strict=True):
        square = (x - at[0]) ** 2 + (y - at[1]) ** 2 + (z - at[2]) ** 2
        near = (abs(x - at[0]) <= 6) & (abs(y - at[1]) <= 6) & (abs(z - at[2]) <= 6)
        np.testing.assert_allclose(volume, np.exp(-square / (2 * sigma**2)) * near, atol=1e-12)


@pytest.mark.parametrize("point", [[NAN, 2.0], [2.0, NAN], [-0.6, 2.0], [2.0, 7.6], [1e9, 2.0], [math.inf, 0.0]])
def test_a_joint_that_is_nowhere_has_a_map_of_zeros(point):
    points = torch.tensor([[point, [2.0, 3.0]]], dtype=torch.float64)
    maps = gaussian_heatmaps(points, 8)
    assert maps[0, 0].abs().max() == 0
    assert float(maps[0, 1].sum()) == pytest.approx(1)


def test_near_the_edge_a_target_still_sums_to_one():
    points = torch.tensor([[[-0.4, 0.0], [7.4, 7.4]]], dtype=torch.float64)
    torch.testing.assert_close(gaussian_heatmaps(points, 8).sum((2, 3)), torch.ones(1, 2).double())


# ---- losses


def test_the_heat_loss_of_two_gaussians_levels_off():
    model = ShiftedMaps(2.0, np.array([2.5, -1.5]))
    point = torch.tensor([[[30.0, 30.0]]], dtype=torch.float64)
    made = gaussian_heatmaps(point + torch.from_numpy(model.shift), 64)
    assert float(heatmap_loss(made, point)) == pytest.approx(model.heat_loss(), rel=1e-8)
    assert float(heatmap_loss(gaussian_heatmaps(point, 64), point)) == pytest.approx(0, abs=1e-15)
    far = gaussian_heatmaps(point - 18, 64)
    assert float(heatmap_loss(far, point)) == pytest.approx(1 / (8 * math.pi), rel=1e-4)


def test_gradient_descent_finds_the_normalised_target_and_cannot_find_one_of_peak_one():
    point = torch.tensor([[[5.0, 4.0]]], dtype=torch.float64)
    peak = gaussian_heatmaps(point, 11, normalised=False)
    for normalised in (True, False):
        scores = torch.zeros(1, 1, 121, dtype=torch.float64, requires_grad=True)
        opt = torch.optim.Adam([scores], lr=0.1)
        for _ in range(1500):
            p = scores.softmax(-1).view(1, 1, 11, 11)
            loss = heatmap_loss(p, point).sum() if normalised else (p - peak).square().sum()
            opt.zero_grad()
            loss.backward()
            opt.step()
        wanted = gaussian_heatmaps(point, 11) if normalised else torch.from_numpy(nearest_map(peak[0, 0].numpy()))
        # The nearest probabilities to a target that sums to 25: nine cells instead of a bell.
        np.testing.assert_allclose(p.detach()[0, 0], wanted.view(11, 11), atol=3e-3)
    assert loss.item() > 10


def test_keypoints_are_squared_distances():
    said, true = normals(3, 4, 2, seed=1), normals(3, 4, 2, seed=2)
    torch.testing.assert_close(
        keypoint_loss(said, true), F.mse_loss(said, true, reduction="none").sum((1, 2)), rtol=0, atol=1e-12
    )


def test_volumes_are_compared_by_the_mean():
    scores, points = normals(2, 3, 4, 5, 6), places(2, 3, 6, 5, 4, seed=1)
    target = gaussian_volumes(points, (4, 5, 6))
    want = F.mse_loss(scores, target, reduction="none").mean((1, 2, 3, 4))
    torch.testing.assert_close(volume_loss(scores, points), want)
    assert float(volume_loss(target, points).max()) == 0


SIZES = {"heatmap_loss": (5, 6), "keypoint_loss": (), "volume_loss": (4, 5, 6)}


def arguments(name, b=2, n=3):
    """A prediction that needs a gradient and true places."""
    if name == "keypoint_loss":
        return normals(b, n, 2, seed=7), normals(b, n, 2, seed=8)
    made = normals(b, n, *SIZES[name], seed=7)
    if name == "heatmap_loss":
        made = made.flatten(2).softmax(-1).view_as(made)
    return made, places(b, n, *reversed(SIZES[name]), seed=8)


@pytest.mark.parametrize("name", SIZES)
def test_gradients_agree_with_finite_differences(name):
    made, points = arguments(name)
    points[0, 1] = NAN
    assert torch.autograd.gradcheck(lambda x: getattr(losses, name)(x, points), made.requires_grad_())


@pytest.mark.parametrize("name", SIZES)
def test_joints_that_nobody_placed_count_nothing(name):
    loss, (made, points) = getattr(losses, name), arguments(name)
    kept = [0, 2]
    points[:, 1] = NAN
    alone = loss(made[:, kept], points[:, kept])
    torch.testing.assert_close(loss(made, points), alone)
    by_mask = torch.tensor([True, False, True]).expand(2, 3)
    torch.testing.assert_close(loss(made, points.nan_to_num(1.0), annotated=by_mask), alone)


@pytest.mark.parametrize("name", SIZES)
def test_without_a_joint_the_loss_and_its_gradient_are_zero(name):
    made, points = arguments(name)
    made.requires_grad_()
    value = getattr(losses, name)(made, points * NAN)
    assert value.tolist() == [0, 0]
    value.sum().backward()
    assert made.grad is not None
    assert made.grad.abs().max() == 0


@pytest.mark.parametrize("name", ["heatmap_loss", "volume_loss"])
def test_joints_beyond_the_grid_count_nothing(name):
    made, points = arguments(name)
    outside = points.clone()
    outside[1, 0, 0] = 1e6
    unknown = points.clone()
    unknown[1, 0] = NAN
    loss = getattr(losses, name)
    torch.testing.assert_close(loss(made, outside), loss(made, unknown))


@pytest.mark.parametrize("name", SIZES)
def test_samples_do_not_mix_and_joints_may_be_renamed(name):
    loss, (made, points) = getattr(losses, name), arguments(name)
    whole = loss(made, points)
    torch.testing.assert_close(torch.cat([loss(made[:1], points[:1]), loss(made[1:], points[1:])]), whole)
    order = [2, 0, 1]
    torch.testing.assert_close(loss(made[:, order], points[:, order]), whole)


# ---- refusals

GRID, PLACE = torch.zeros(2, 3, 5, 6), torch.ones(2, 3, 2)
VOXELS, PLACE_3D = torch.zeros(2, 3, 4, 5, 6), torch.ones(2, 3, 3)
POISONED = VOXELS.clone()
POISONED[1, 2, 3, 0, 0] = NAN
MASK = torch.ones(2, 3, dtype=torch.bool)

REFUSALS = {
    "a volume without joints": (volume_marginals, (VOXELS[0],), {}, r"`scores` has shape \(3, 4, 5, 6\)"),
    "NaN scores": (volume_marginals, (POISONED,), {}, r"`scores` is NaN at index \(1, 2, 3, 0, 0\)"),
    "NaN at argmax": (argmax_volume, (POISONED,), {}, "`scores` is NaN"),
    "five axes for argmax": (argmax_volume, (GRID,), {}, "expected 5 axes"),
    "a centre too few": (expected_depth, (torch.ones(2, 3, 4), torch.ones(3)), {}, "one a bin"),
    "a flat marginal": (expected_depth, (torch.ones(3, 4), torch.ones(4)), {}, "expected 3 axes"),
    "a map without joints": (expected_points, (GRID[0],), {}, "expected 4 axes"),
    "points with a depth": (gaussian_heatmaps, (PLACE_3D, 8), {}, "the last axis holds x and y"),
    "points without a depth": (gaussian_volumes, (PLACE, (4, 5, 6)), {}, "the last axis holds x, y and z"),
    "no width": (gaussian_heatmaps, (PLACE, 8), {"sigma": 0.0}, r"`sigma` \(=0\.0\)"),
    "an infinite width": (gaussian_heatmaps, (PLACE, 8), {"sigma": math.inf}, "`sigma`"),
    "no radius": (gaussian_volumes, (PLACE_3D, (4, 5, 6)), {"radius": 0.0}, r"`radius` \(=0\.0\)"),
    "no grid": (gaussian_heatmaps, (PLACE, 0), {}, "must be positive"),
    "other points": (heatmap_loss, (GRID, PLACE[:, :2]), {}, r"`points` has shape \(2, 2, 2\): expected \(2, 3, 2\)"),
    "a flat map": (heatmap_loss, (GRID[0], PLACE), {}, "expected 4 axes"),
    "NaN in a map": (heatmap_loss, (GRID * NAN, PLACE), {}, "`probability` is NaN"),
    "annotated but NaN": (heatmap_loss, (GRID, PLACE * NAN), {"annotated": MASK}, "is NaN: leave it out"),
    "a mask of numbers": (heatmap_loss, (GRID, PLACE), {"annotated": MASK.float()}, "`annotated` is torch.float32"),
    "a mask of another shape": (keypoint_loss, (PLACE, PLACE), {"annotated": MASK[:1]}, "`annotated` is"),
    "targets of another shape": (keypoint_loss, (PLACE, PLACE[:1]), {}, "`target`|`predicted`"),
    "NaN said": (keypoint_loss, (PLACE * NAN, PLACE), {}, "`predicted` is NaN"),
    "no batch": (keypoint_loss, (PLACE[0], PLACE[0]), {}, "expected 3 axes"),
    "NaN in a volume": (volume_loss, (POISONED, PLACE_3D), {}, "`scores` is NaN"),
    "2D places for a volume": (volume_loss, (VOXELS, PLACE), {}, r"expected \(2, 3, 3\), x, y and z"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_with_a_remedy(name):
    function, positional, named, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        raw(function)(*positional, **named)
