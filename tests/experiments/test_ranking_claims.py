"""Experiments of lesson 04 at reduced size, and their parts by other routes."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from course_lib.experiments import data_root, ranking, ranking_bodies
from course_lib.experiments.ranking_errata import errata
from course_lib.experiments.ranking_recovery import (
    PROFILES,
    RIDGE,
    Questions,
    ask,
    closure_accuracy,
    depths_of,
    drawn_bodies,
    group_count,
    has_gap,
    in_metres,
    judge,
    newton_step,
    penalised_loss,
    recover,
    shuffled_pairs,
    spearman,
)
from course_lib.losses import order_from_depth
from course_lib.metrics import ordinal_accuracy
from course_lib.teaching.exercise_sets.references_04 import by_walking

CLAIMS = {claim.id for experiment in ranking.EXPERIMENTS for claim in experiment.claims}
SMALL = PROFILES["smoke"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def depths(b=6, n=14, seed=0, scale=0.25):
    z = scale * torch.randn(b, n, generator=generator(seed), dtype=torch.float64)
    return z - z.mean(1, keepdim=True)


def test_the_claims_of_the_course_are_there_with_seeds_enough():
    assert {"shift_invariance", "finite_scale_from_ties", "sign_refuted", "comparisons_to_depth"} <= CLAIMS
    assert all(len(experiment.seeds) >= 3 for experiment in ranking.EXPERIMENTS)


def test_bodies_are_those_of_the_annotations():
    bodies = drawn_bodies(20, generator())
    assert bodies.shape == (20, 14, 3)
    truth = depths_of(bodies)
    assert 0.1 < float(truth.std(1).mean()) < 0.3  # metres
    assert bool((bodies[..., 2] > 2).all())  # before the camera
    tied = (order_from_depth(truth, 0.1) == 0).double().sum((1, 2)).mean() - 14
    assert 0.2 < float(tied) / (14 * 13) < 0.5  # about a third


@pytest.mark.parametrize("connected", [True, False])
def test_every_pair_comes_once_and_a_tree_comes_first(connected):
    first, second = shuffled_pairs(50, 14, generator(1), connected=connected)
    codes = (first * 14 + second).sort(1).values
    upper = torch.triu_indices(14, 14, 1)
    assert (codes == upper[0] * 14 + upper[1]).all()
    groups = []
    for i, j in zip(first[:, :13], second[:, :13], strict=True):
        order = torch.full((14, 14), torch.nan)
        order[i, j] = order[j, i] = 0.0
        groups.append(float(by_walking(order)))
    assert (max(groups) == 1) == connected


def test_answers_are_those_of_the_library_and_noise_turns_round_as_often_as_said():
    truth = depths(200)
    asked = ask(truth, "all", generator(2))
    order = order_from_depth(truth, 0.1)
    right = order[torch.arange(200)[:, None], asked.first, asked.second]
    assert torch.equal(asked.relation, right)
    noisy = ask(truth, "all", generator(2), noise=0.2)
    strict = right != 0
    assert float((noisy.relation != right)[strict].double().mean()) == pytest.approx(0.2, abs=0.01)
    assert torch.equal(noisy.relation[~strict], right[~strict])
    assert torch.equal(asked.reversed().relation, -asked.relation)
    assert (asked.without_ties().asked == strict.sum(1)).all()
    with pytest.raises(ValueError, match="plan"):
        ask(truth, "some", generator())


def test_sorting_asks_few_questions_and_settles_the_order():
    truth = depths(30)
    asked = ask(truth, "sorting", generator(3), threshold=0.0)
    assert int(asked.asked.max()) <= sum(math.ceil(math.log2(k + 1)) for k in range(1, 14))
    found = recover(asked, 14)
    assert float(ordinal_accuracy(found, order_from_depth(truth, 0.0)).min()) == 1.0


def test_newton_finds_what_scipy_finds_and_never_climbs():
    from scipy.optimize import minimize

    truth = depths(1, 5)
    asked = ask(truth, "all", generator(4), noise=0.2)
    best = minimize(
        lambda z: float(penalised_loss(torch.from_numpy(z)[None], asked)), np.zeros(5), options={"gtol": 1e-9}
    )
    assert np.allclose(recover(asked, 5, 60)[0], best.x, atol=1e-4)
    depth, last = torch.zeros(6, 14, dtype=torch.float64), math.inf
    asked = ask(depths(), "connected", generator(5), count=17, noise=0.1)
    for _ in range(10):
        depth = newton_step(depth, asked)
        total = float(penalised_loss(depth, asked).sum())
        assert total <= last
        last = total


def test_two_joints_settle_at_the_log_odds():
    votes = Questions(
        torch.zeros(1, 4, dtype=torch.long),
        torch.ones(1, 4, dtype=torch.long),
        torch.tensor([[1.0, 1, 1, -1]]).double(),
    )
    margin = recover(votes, 2, 60) @ torch.tensor([-1.0, 1.0]).double()
    assert float(margin) == pytest.approx(math.log(3), abs=5 * RIDGE)


def test_spearman_and_scale_agree_with_libraries():
    found, truth = depths(3, seed=6), depths(3, seed=7)
    found[0, :4] = found[0, 0]  # equal ranks
    ours = spearman(found, truth)
    for row in range(3):
        assert float(ours[row]) == pytest.approx(spearmanr(found[row], truth[row]).statistic)
    assert float(spearman(torch.zeros(1, 5), depths(1, 5))) == 0.0
    scale, *_ = np.linalg.lstsq(found.reshape(-1, 1).numpy(), truth.reshape(-1).numpy(), rcond=None)
    assert np.allclose(in_metres(found, truth), found * scale[0])
    perfect = judge(3 * truth, truth, order_from_depth(truth, 0.1))
    assert perfect["accuracy"] == perfect["tie_recall"] == 1.0
    assert perfect["error_mm"] < 1e-6


def test_depths_are_finite_where_ties_bridge_every_gap():
    truth = torch.tensor([[0.0, 0.08, 0.16, 0.24], [0.0, 0.08, 0.3, 0.36]], dtype=torch.float64)
    assert has_gap(truth).tolist() == [False, True]
    asked = ask(truth, "all", generator())
    held, wide = (recover(asked, 4, 200, ridge).std(1) for ridge in (1e-6, 1e-8))
    assert float(wide[0] / held[0]) == pytest.approx(1, abs=1e-3)
    assert float(wide[1] / held[1]) > 1.1


def test_what_follows_from_answers_and_their_groups():
    truth = torch.tensor([[0.0, 1.0, 2.0, 3.0]], dtype=torch.float64)
    order = order_from_depth(truth, 0.1)
    chain = ask(truth, "chain", generator())
    assert float(closure_accuracy(chain, order)) == 1.0
    assert group_count(chain, 4).tolist() == [1]
    assert float(closure_accuracy(chain.reversed(), order)) == 0.0
    assert float(closure_accuracy(chain.take(1), order)) == pytest.approx((1 + 5 / 2) / 6)
    assert group_count(chain.take(1), 4).tolist() == [3]
    nothing = Questions(chain.first, chain.second, torch.full((1, 3), torch.nan, dtype=torch.float64))
    assert float(closure_accuracy(nothing, order)) == 0.5


@pytest.mark.parametrize("experiment", [one for one in ranking.EXPERIMENTS if not one.needs], ids=lambda one: one.name)
def test_experiments_run_small_and_show_their_direction(experiment):
    measured = experiment.run(0, SMALL)
    assert set(measured) == {claim.id for claim in experiment.claims}
    for claim in experiment.claims:
        one = measured[claim.id]
        assert math.isfinite(one.value)
        assert ("baseline" in claim.rule) == (one.baseline is not None)
        if one.baseline is not None and claim.id != "spearman_from_comparisons":  # too close for 20 bodies
            assert (one.value < one.baseline) == ("<" in claim.rule), claim.id


def test_more_questions_order_more_pairs():
    rows = ranking_bodies.budget(0, SMALL)["comparisons_to_depth"].extra["connected"]["0"]
    accuracy = [row["accuracy"] for row in rows]
    assert accuracy == sorted(accuracy)
    assert accuracy[-1] == 1.0


def test_real_bodies_are_seen_from_any_side():
    root = data_root("h36m")
    if root is None:
        pytest.skip("Human3.6M is not there: set COURSE_DATA")
    bodies = ranking_bodies.real_bodies(Path(root), 50, generator())
    assert bodies.shape == (50, 14, 3)
    thigh = (bodies[:, 1] - bodies[:, 2]).norm(dim=1)  # right knee, right hip
    assert torch.allclose(thigh, torch.full_like(thigh, 0.4429), atol=1e-3)  # metres
    assert float(bodies[:, 13, 1].mean()) < float(bodies[:, 0, 1].mean())  # y down: the head above the ankle
    assert set(ranking_bodies.mocap(0, SMALL)) <= CLAIMS


def test_every_slip_is_refuted_with_numbers():
    entries = errata()
    assert len({entry["id"] for entry in entries}) == len(entries) == 7
    assert all(entry["lesson"] == "04_rank_losses" and "differ by" in entry["evidence"] for entry in entries)
