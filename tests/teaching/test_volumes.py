"""Volumes, heatmaps and order models of lesson 14, each by a second route."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import softmax

from course_lib.losses import ranking
from course_lib.teaching.order_models import C2F_BINS, DepthBins, KeypointErrors, OrderedBody, Records
from course_lib.teaching.volumes import (
    C2F_TARGET,
    FlippedScores,
    Margin,
    ShiftedMaps,
    Target,
    TwoModes,
    TwoVolumes,
    Volume,
    nearest_map,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(4))
def test_marginals_and_expectation_agree_with_scipy(seed):
    volume = Volume.draw(generator(seed))
    p = softmax(volume.scores)
    np.testing.assert_allclose(volume.marginal_xy, p.sum(0), atol=1e-14)
    np.testing.assert_allclose(volume.marginal_z, p.sum((1, 2)), atol=1e-14)
    assert volume.expected == pytest.approx(np.einsum("dhw,d->", p, volume.centres), abs=1e-13)
    assert volume.over_all_voxels() == pytest.approx(volume.expected, abs=1e-13)


def test_the_gradient_of_an_expected_depth_agrees_with_differences_and_sums_to_zero():
    volume, h = Volume.draw(generator(1)), 1e-6
    for index in np.ndindex(volume.scores.shape):
        moved = [volume.scores.copy() for _ in range(2)]
        moved[0][index] += h
        moved[1][index] -= h
        up, down = (Volume(scores, volume.centres).expected for scores in moved)
        assert volume.gradient()[index] == pytest.approx((up - down) / (2 * h), abs=1e-8)
    assert abs(volume.gradient().sum()) < 1e-14


def test_a_softmax_over_z_alone_is_another_number_unless_all_rays_agree():
    volume = Volume.draw(generator(2))
    assert np.abs(volume.along_rays() - volume.expected).max() > 0.05
    alike = Volume(np.broadcast_to(volume.scores[:, :1, :1], volume.scores.shape).copy(), volume.centres)
    np.testing.assert_allclose(alike.along_rays(), alike.expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_two_volumes_are_the_library_s_rank_loss(seed):
    pair = TwoVolumes.draw(generator(seed))
    depth = torch.tensor([[pair.first.expected, pair.second.expected]], dtype=torch.float64) * pair.unit
    order = torch.tensor([[[0.0, pair.relation], [-pair.relation, 0.0]]], dtype=torch.float64)
    assert float(ranking.ranking_loss(depth, order)) == pytest.approx(np.logaddexp(0, pair.argument), abs=1e-12)
    np.testing.assert_allclose(pair.by_hand(0), pair.by_differentiation(0), atol=1e-13)
    np.testing.assert_allclose(-pair.by_hand(1), pair.by_differentiation(1), atol=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_errors_of_two_readings_by_drawing(seed):
    model = TwoModes.draw(generator(seed))
    rng = np.random.default_rng(seed)
    at = np.where(rng.random(200_000) < model.share, model.far, model.near)
    for reading in (model.expected, model.most_likely):
        assert model.squared_error(reading) == pytest.approx(((at - reading) ** 2).mean(), rel=0.03, abs=2e-3)
        wrong = ((at > model.other) != (reading > model.other)).mean()
        assert model.order_error(reading) == pytest.approx(wrong, abs=0.01)
    assert model.near < model.expected < model.far


def test_heatmaps_have_the_masses_of_the_sheet():
    assert Target(2.0, np.zeros(2)).mass == pytest.approx(8 * math.pi, rel=1e-12)
    assert C2F_TARGET.mass == pytest.approx(60.6, abs=0.05)
    kernel = np.exp(-0.5 * (np.arange(-6, 7) / (0.25 * 13)) ** 2)  # image.gaussian(13)
    assert C2F_TARGET.mass == pytest.approx(kernel.sum() ** 2, rel=1e-12)
    assert kernel[0] == pytest.approx(0.18, abs=0.005)


def test_the_nearest_probabilities_are_found():
    wanted = np.array([0.9, 0.7, 0.2, 0.0])
    found = nearest_map(wanted)
    by_solver = minimize(
        lambda p: ((p - wanted) ** 2).sum(),
        np.full(4, 0.25),
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        tol=1e-12,
    ).x
    np.testing.assert_allclose(found, by_solver, atol=1e-5)
    normalised = Target(2.0, np.zeros(2)).map / (8 * math.pi)
    np.testing.assert_allclose(nearest_map(normalised), normalised, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_heat_loss_is_bounded_and_the_keypoint_loss_is_not(seed):
    maps = ShiftedMaps.draw(generator(seed))
    limit = 1 / (2 * math.pi * maps.sigma**2)
    assert maps.heat_loss() == pytest.approx(limit * -math.expm1(-(maps.distance**2) / (4 * maps.sigma**2)), rel=1e-8)
    far = ShiftedMaps(maps.sigma, np.array([40.0, 30.0]))
    assert far.heat_loss() == pytest.approx(limit, rel=1e-8)
    assert far.keypoint_loss() == pytest.approx(2500)


def test_averaging_without_exchanging_names_mixes_left_and_right():
    model = FlippedScores.draw(generator(0))
    np.testing.assert_array_equal(model.turned_back(), model.scores)
    mixed = (model.scores + model.only_mirrored_back()) / 2
    np.testing.assert_allclose(mixed[1], mixed[2], atol=1e-15)


def test_a_margin_is_a_softplus_and_becomes_a_hinge():
    for unit, value in ((10.0, 4.5e-5), (1.0, 0.313)):
        assert Margin(-1.0, unit).softplus() == pytest.approx(value, rel=0.01)
    margin = Margin.draw(generator(0))
    last = margin.sharper()[-1]
    assert last.softplus() / last.unit == pytest.approx(max(0.0, margin.bins), abs=1e-3)
    assert margin.slope() == pytest.approx(margin.unit / (1 + math.exp(-margin.unit * margin.bins)), rel=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_orders_agree_with_the_library(seed):
    body = OrderedBody.draw(generator(seed))
    order = torch.from_numpy(body.order)
    assert torch.equal(ranking.order_from_depth(torch.from_numpy(body.joints[:, 2]), 0.1), order)
    swapped = ranking.permute_order(order, torch.from_numpy(body.swap))
    np.testing.assert_array_equal(swapped.numpy(), body.flipped().order)
    depth = 10 * torch.from_numpy(body.joints[:, 2])[None]
    assert float(ranking.ranking_loss(depth, order[None])) == pytest.approx(body.loss_of_depths(body.order), rel=1e-9)
    seen = np.triu(np.random.default_rng(seed).random((7, 7)) < 0.5)
    partly = torch.from_numpy(np.where(seen | seen.T, body.order, np.nan))
    assert float(ranking.ranking_loss(depth, partly[None])) == pytest.approx(body.masked_loss(seen | seen.T), rel=1e-9)
    assert body.loss_of_depths(-body.order) > body.loss_of_depths(body.order)


def test_bins_of_coarse_to_fine():
    assert C2F_BINS.width == pytest.approx(31.032, abs=5e-4)
    assert C2F_BINS.middle == pytest.approx(-12.16, abs=0.01)
    begin, end = C2F_BINS.edges
    assert begin < 0 < end  # the root
    assert C2F_BINS.centre == pytest.approx(3.35, abs=0.01)
    assert math.sqrt(C2F_BINS.squared_error()) == pytest.approx(8.96, abs=0.005)
    edges = np.linspace(-1005.19, 980.86, 65)
    for index in (1, 20, 64):
        assert DepthBins(C2F_BINS.low, C2F_BINS.width, index).centre == pytest.approx(
            edges[index - 1 : index + 1].mean()
        )


def test_the_unit_of_2d_errors_is_worth_its_square():
    model = KeypointErrors.draw(generator(0))
    assert model.keypoint_loss(model.side) * model.side**2 == pytest.approx((model.errors**2).sum(), rel=1e-12)


def test_a_reshape_is_no_transposition():
    model = Records.draw(generator(0))
    np.testing.assert_array_equal(model.picked(), model.transposed())
    assert np.abs(model.picked() - model.reshaped()).max() > 0.1
