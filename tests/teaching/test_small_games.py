"""Games that can be solved: the best judge, readings of codes and two gradients, each by a second route."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from course_lib.losses import minimax_discriminator_loss
from course_lib.teaching.small_games import CodedGame, NoisyPlaces, OneReading, example_game, kl


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(4))
def test_the_best_judge_beats_others_and_its_value_is_a_divergence(seed):
    game = CodedGame.draw(generator(seed))
    best = game.with_best_judge()
    rng = np.random.default_rng(seed)
    for _ in range(50):
        other = CodedGame(game.data, rng.uniform(0.01, 0.99, len(game.data)), game.channel, game.weight)
        assert other.value() <= best.value() + 1e-12
    jsd = (kl(game.data, game.middle) + kl(game.generated, game.middle)) / 2
    assert best.value() == pytest.approx(2 * jsd - math.log(4), abs=1e-12)
    assert 0 < jsd < math.log(2)


def test_a_solved_game_is_worth_minus_log_four():
    assert CodedGame.solved(generator(3)).value() == pytest.approx(-math.log(4), abs=1e-12)


def test_the_value_is_minus_the_discriminators_loss_in_the_library():
    game = example_game()
    logits = torch.from_numpy(np.log(game.judge) - np.log1p(-game.judge))
    # a pair of pictures has the odds of both, which are independent
    weights = torch.from_numpy(np.outer(game.data, game.generated))
    n = len(game.data)
    losses = minimax_discriminator_loss(logits.repeat_interleave(n), logits.repeat(n))
    assert game.value() == pytest.approx(-float((weights.flatten() * losses).sum()), abs=1e-12)


def test_a_best_reader_has_no_gap_left():
    channel = CodedGame.best_reader(generator(1)).channel
    assert channel.mean_kl(channel.posterior, channel.q) == pytest.approx(0, abs=1e-12)


def test_gradients_of_a_reading_agree_with_differences():
    reading = OneReading.draw(generator(2))

    def loss(mu, log_sigma):
        return -norm(mu, math.exp(log_sigma)).logpdf(reading.code)

    mu, scale, h = reading.mu, reading.log_sigma, 1e-6
    assert reading.gradient("mu") == pytest.approx((loss(mu + h, scale) - loss(mu - h, scale)) / (2 * h), rel=1e-6)
    assert reading.gradient("log_sigma") == pytest.approx(
        (loss(mu, scale + h) - loss(mu, scale - h)) / (2 * h), rel=1e-6
    )
    assert reading.gradient("logits").sum() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_both_gradients_are_that_of_the_integral(seed):
    model = NoisyPlaces.draw(generator(seed))

    def mean(place):
        return quad(lambda z: float(model.log_q(np.array([place + model.sigma * z]))[0]) * norm.pdf(z), -10, 10)[0]

    h = 1e-4
    by_hand = (mean(model.theta[0] + h) - mean(model.theta[0] - h)) / (2 * h)
    assert model.exact_gradient() == pytest.approx(by_hand, rel=1e-5, abs=1e-7)
    assert model.pathwise() == pytest.approx(model.exact_gradient(), rel=1e-8, abs=1e-10)
    assert model.score() == pytest.approx(model.exact_gradient(), rel=1e-8, abs=1e-10)
    for kind in ("pathwise", "score"):
        drawn = model.sampled(kind, 20_000)
        assert drawn.mean == pytest.approx(model.pathwise(), abs=5 * drawn.standard_error)
        assert model.variance(kind) == pytest.approx(drawn.standard_error**2 * 20_000, rel=0.2)
