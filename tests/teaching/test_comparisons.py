"""Comparisons whose answers are known: quadrature, complex steps, bisection and graphs against closed forms."""

import math

import numpy as np
import pytest
import torch

from course_lib.teaching.comparisons import Comparisons, example_body, logistic
from course_lib.teaching.judges import Judge, Pair, Ranking, Ring, Votes


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(5))
def test_gumbel_noise_makes_a_logistic_judge(seed):
    judge = Judge.draw(generator(seed))
    assert judge.names_first() == pytest.approx(float(logistic(judge.z_j - judge.z_i)), abs=1e-11)
    assert 0 < judge.of_the_answer() < 1
    noise = -torch.empty(200_000, 2, dtype=torch.float64).exponential_(generator=generator(seed)).log()
    named = (judge.z_i + noise[:, 0] < judge.z_j + noise[:, 1]).double().mean()
    assert float(named) == pytest.approx(judge.names_first(), abs=5e-3)


@pytest.mark.parametrize("seed", range(5))
def test_gradient_and_hessian_by_two_routes_and_by_differences(seed):
    model = Comparisons.draw(generator(seed))
    assert np.allclose(model.gradient(), model.pulls(), atol=1e-13)
    assert np.allclose(model.hessian(), model.laplacian(), atol=1e-13)
    assert np.allclose(model.laplacian(), model.incidence.T @ (model.stiffness[:, None] * model.incidence), atol=1e-13)
    step = 1e-5 * np.eye(len(model.z))
    numbers = [(model.at(model.z + one) - model.at(model.z - one)) / 2e-5 for one in step]
    assert np.allclose(model.gradient(), numbers, atol=1e-8)
    assert model.loss() == pytest.approx(model.strict() + model.ties())
    assert {1.0, -1.0, 0.0} <= set(model.relation)
    assert len(model.relation) < 10


@pytest.mark.parametrize("seed", range(10))
def test_components_are_the_null_space(seed):
    gen = generator(seed)
    order = Comparisons.draw(gen, 7).order
    cut = torch.rand(7, 7, generator=gen).numpy() < 0.7
    order[cut | cut.T] = math.nan
    np.fill_diagonal(order, math.nan)
    order[0, 1], order[1, 0] = 1, -1
    model = Comparisons(np.zeros(7), order)
    zeros = int((np.linalg.eigvalsh(model.laplacian()) < 1e-9).sum())
    assert zeros == model.components()


def test_the_scale_of_a_body_is_that_of_the_sheet():
    """Loss over scales: large at 0, least near 10, and larger again beyond, when there are ties; without, ever less."""
    scales = (0, 1, 3, 10, 30, 100)
    for seed in range(5):
        body = Comparisons.body(generator(seed))
        losses = [body.scaled(scale).loss() for scale in scales]
        assert losses[0] == pytest.approx(math.log(2) * (body.relation != 0).sum())
        assert losses[3] == min(losses)
        assert losses[5] > 300
        assert 5 < body.best_scale() < 15
        free = Comparisons.untied(generator(seed))
        assert free.best_scale() == math.inf
        losses = [free.scaled(scale).loss() for scale in scales]
        assert losses == sorted(losses, reverse=True)
        assert free.stretched()[-1].loss() < 1e-9


def test_the_mirror_and_the_wrong_sign():
    body = Comparisons.body(generator(0)).scaled(5)
    assert body.loss() < 20
    assert body.mirrored().loss() > 120
    assert body.mirrored().reversed().loss() == pytest.approx(body.loss(), rel=1e-12)
    assert body.shifted(1e3).loss() == pytest.approx(body.loss(), rel=1e-9)


def test_the_example():
    body = example_body()
    assert len(body.pairs) == 5
    assert body.components() == 1
    by_hand = sum(math.log1p(math.exp(-gap)) for gap in (1, 2.5, 1.5, 2)) + 0.25
    assert body.loss() == pytest.approx(by_hand)
    assert np.allclose(body.gradient().sum(), 0)


@pytest.mark.parametrize("seed", range(5))
def test_votes_settle_at_the_log_odds(seed):
    votes = Votes.draw(generator(seed))
    best = votes.at_best()
    assert best.margin == pytest.approx(math.log(votes.closer / votes.farther), abs=1e-12)
    total = votes.closer + votes.farther
    assert best.loss() == pytest.approx(total * Votes.entropy(votes.share))
    assert votes.loss() == pytest.approx(total * (Votes.entropy(votes.share) + Votes.kl(votes.share, votes.model)))
    assert Votes(3, 1, 0.0).at_best().margin == pytest.approx(math.log(3))


def test_a_ring_is_least_where_all_are_level():
    assert Ring.level(generator(0)).loss() == pytest.approx(3 * math.log(2))
    assert all(Ring.draw(generator(seed)).loss() > 3 * math.log(2) for seed in range(5))


@pytest.mark.parametrize("seed", range(5))
def test_rankings_lie_between_chain_and_all_pairs(seed):
    ranking = Ranking.draw(generator(seed))
    assert ranking.chain() < ranking.plackett_luce() < ranking.all_pairs()
    two = Ranking.two(generator(seed))
    assert two.plackett_luce() == pytest.approx(two.chain()) == pytest.approx(two.all_pairs())
    in_order = Ranking.sorted(generator(seed))
    assert in_order.nearest_neighbours() == pytest.approx(in_order.smallest_margin())


def test_plackett_luce_agrees_with_drawn_rankings():
    ranking = Ranking(np.array([0.0, 0.4, 1.0]))
    noise = -torch.empty(200_000, 3, dtype=torch.float64).exponential_(generator=generator(1)).log()
    # Gumbel noise on minus the depth: the largest is chosen first.
    drawn = (torch.from_numpy(-ranking.z) + noise).argsort(1, descending=True)
    share = (drawn == torch.arange(3)).all(1).double().mean()
    assert float(share) == pytest.approx(math.exp(-ranking.plackett_luce()), abs=4e-3)


def test_davidson_has_three_answers():
    pair = Pair.draw(generator(2))
    closer, tie, farther = pair.davidson()
    assert closer + tie + farther == pytest.approx(1)
    assert closer / (closer + farther) == pytest.approx(pair.closer)
    assert Pair.level(generator(2)).davidson()[1] == pytest.approx(pair.tie / (2 + pair.tie))
    assert Pair.at_the_share(generator(3)).closer == pytest.approx(Pair.at_the_share(generator(3)).share)
