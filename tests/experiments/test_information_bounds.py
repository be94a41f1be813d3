"""Experiments of lesson 03 at reduced size, and their parts by other routes."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.experiments import information, information_bounds, information_glyphs
from course_lib.experiments.information_errata import errata
from course_lib.experiments.information_estimators import (
    BOUNDS,
    PROFILES,
    Critic,
    Reader,
    at_best,
    new_estimator,
    pairs,
    train_estimator,
)
from course_lib.teaching.channels import CorrelatedGaussians

CLAIMS = {claim.id for experiment in information.EXPERIMENTS for claim in experiment.claims}
SMALL = replace(PROFILES["quick"], dims=2, hidden=16, embed=4, batch_size=32, steps=250, lr=1e-2, batches=40)


def test_the_claims_of_the_course_are_there_with_seeds_enough():
    assert {"ba_gap_exact", "infonce_cap", "nwj_variance", "equal_mi_not_disentangled"} <= CLAIMS
    assert all(len(experiment.seeds) >= 3 for experiment in information.EXPERIMENTS)


def test_the_gap_is_the_divergence():
    measured = information_bounds.gap(0, models=20)
    assert set(measured) <= CLAIMS
    assert 0 < measured["ba_gap_exact"].value <= 1e-9


def test_the_cap_is_hit_and_never_passed():
    measured = information_bounds.cap(0, batches=5)["infonce_cap"]
    assert math.log(64) - 0.05 < measured.value <= math.log(64)
    assert measured.extra["truth"] == pytest.approx(16.6073, abs=1e-4)
    assert all(a <= b for a, b in zip(measured.extra["info_nce"], measured.extra["log_n"], strict=True))


def test_best_critics_are_unbiased_where_little_is_to_be_known():
    found = at_best(CorrelatedGaussians.with_information(0.5, 3), 64, 300, gen=torch.Generator().manual_seed(0))
    for name in BOUNDS:
        error = found[name].std() / math.sqrt(300)
        assert found[name].mean() == pytest.approx(0.5, abs=4 * error + 0.01), name


def test_scatter_records_what_the_figure_needs():
    measured = information_bounds.scatter(0, batches=30)
    assert set(measured) <= CLAIMS
    extra = measured["nwj_variance"].extra
    assert all(len(extra[name][key]) == len(extra["nats"]) for name in BOUNDS for key in ("mean", "deviation", "low"))
    assert measured["dv_overshoots"].value > 0


@pytest.mark.parametrize("name", BOUNDS)
def test_training_raises_each_bound_towards_the_truth(name):
    model = CorrelatedGaussians.with_information(1.0, 2)
    found = train_estimator(name, model, SMALL, seed=0)
    assert found["curve"][0] < 0.4
    assert 0.6 < np.mean(found["values"]) < 1.3
    again = train_estimator(name, model, SMALL, seed=0)
    assert again == found  # same seed, same numbers


def test_pairs_have_the_correlation_asked_for():
    c, x = next(pairs(CorrelatedGaussians(3, 0.8), 20_000, gen=torch.Generator().manual_seed(0)))
    assert float((c * x).mean()) == pytest.approx(0.8, abs=0.02)
    assert float(x.square().mean()) == pytest.approx(1.0, abs=0.03)


def test_the_published_sizes():
    cfg = PROFILES["paper"]
    count = sum(p.numel() for p in Critic(cfg).parameters())
    embed = (20 * 256 + 256) + (256 * 256 + 256) + (256 * 33 + 33) + (20 * 33 + 33)
    assert count == 2 * embed
    assert sum(p.numel() for p in Reader(cfg).parameters()) == 20 * 20 + 20 + 20
    net, opt = new_estimator("NWJ", cfg, seed=0)
    assert isinstance(net, Critic)
    assert opt.param_groups[0]["lr"] == 5e-4


def test_the_free_variance_runs_away_and_the_limits_hold():
    fixed = information_bounds.explode(0, 200, fixed=True)
    free, held = information_bounds.explode(0, 200), information_bounds.explode(0, 200, floor=-6.0)
    assert fixed["bound"][-1] == pytest.approx(-0.2258, abs=1e-3)  # the trap
    assert free["weight"][-1] > 5 * math.exp(6)
    assert held["weight"][-1] == pytest.approx(math.exp(6), rel=1e-3)
    assert max(held["bound"]) > 2


def test_turned_codes_paint_the_same_pictures():
    codes = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    angle = math.pi / 4
    straight = information_glyphs.draw_glyphs(codes @ information_glyphs.turn(angle).T, 0.0)
    torch.testing.assert_close(information_glyphs.draw_glyphs(codes, angle), straight)


def test_turning_halves_the_alignment():
    codes = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    by_angle = [
        information_glyphs.alignment(codes, information_glyphs.draw_glyphs(codes, a)) for a in (0.0, math.pi / 4)
    ]
    assert by_angle[0] > 0.95
    assert by_angle[1] == pytest.approx(0.5, abs=0.1)


def test_the_readers_density_is_that_of_a_normal():
    gen = torch.Generator().manual_seed(0)
    root = torch.tensor([[2.0, 0.0], [0.7, 0.5]]).expand(5, 2, 2)
    code, mu = torch.randn(2, 5, 2, generator=gen)
    normal = torch.distributions.MultivariateNormal(mu, precision_matrix=root @ root.mT)
    torch.testing.assert_close(information_glyphs.log_q(code, mu, root), normal.log_prob(code))


def test_glyph_experiment_runs_small():
    measured = information_glyphs.turned(0, count=200, steps=20)
    assert set(measured) <= CLAIMS
    assert measured["equal_mi_not_disentangled"].value < measured["equal_mi_not_disentangled"].baseline


def test_every_slip_is_refuted_with_numbers():
    entries = errata()
    assert len({entry["id"] for entry in entries}) == len(entries) == 6
    assert all(entry["lesson"] == "03_information_bounds" and "differ by" in entry["evidence"] for entry in entries)
