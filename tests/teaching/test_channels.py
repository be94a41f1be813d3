"""Models with known mutual information: closed forms against sums, quadrature and Monte Carlo."""

import math

import numpy as np
import pytest
import torch

from course_lib.teaching.channels import CodeChannel, CorrelatedGaussians, example_channel
from course_lib.teaching.continuous_codes import NoisyDial, TurnedCodes, UniformCode


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_example_has_the_numbers_of_the_sheet():
    model = example_channel()
    assert model.information() == pytest.approx(0.355540, abs=1e-6)
    assert model.entropy() == pytest.approx(1.029653, abs=1e-6)
    assert model.barber_agakov() == pytest.approx(0.218851, abs=1e-6)
    assert model.mean_kl(model.posterior, model.q) == pytest.approx(0.136689, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_tables_are_distributions_and_information_has_two_routes(seed):
    model = CodeChannel.draw(generator(seed))
    assert model.joint.sum() == pytest.approx(1)
    assert np.allclose(model.posterior.sum(1), 1)
    assert np.allclose(model.q.sum(1), 1)
    assert model.information() == pytest.approx(model.entropy() - model.conditional_entropy(), abs=1e-12)
    assert model.under_joint(np.ones_like(model.joint)) == pytest.approx(1)
    assert model.under_product(np.ones_like(model.joint)) == pytest.approx(1)
    assert model.under_product(np.exp(model.log_ratio)) == pytest.approx(1)


def test_exact_info_nce_agrees_with_draws_and_stays_below_information_and_log_k():
    model = CodeChannel.best_for_dv(generator(1))
    values = [model.info_nce(k) for k in (1, 2, 3, 4)]
    assert values[0] == pytest.approx(0, abs=1e-12)
    assert values == sorted(values)
    assert all(v <= min(model.information(), math.log(k)) + 1e-12 for k, v in zip((1, 2, 3, 4), values, strict=True))
    c, x = model.sample(400_000, generator(2))
    scores = model.critic[c[:, None], np.stack([x, np.roll(x, 1)], 1)]
    estimate = math.log(2) + (scores[:, 0] - np.logaddexp(scores[:, 0], scores[:, 1])).mean()
    assert estimate == pytest.approx(values[1], abs=0.005)


def test_feature_maps_lose_information_and_names_do_not_matter():
    model = CodeChannel.draw(generator(3))
    merged = model.merged(np.array([0, 0, 1, 2]))
    assert merged.rows.shape == (3, 3)
    assert np.allclose(merged.rows.sum(1), 1)
    assert merged.information() < model.information() - 1e-4
    assert model.renamed(np.array([2, 0, 1])).information() == pytest.approx(model.information(), abs=1e-12)
    assert model.renamed(np.array([2, 0, 1])).barber_agakov() == pytest.approx(model.barber_agakov(), abs=1e-12)


def test_a_noiseless_channel_carries_its_whole_entropy():
    model = CodeChannel.noiseless(generator(4))
    assert model.information() == pytest.approx(model.entropy(), abs=1e-9)
    assert model.barber_agakov() == pytest.approx(model.entropy(), abs=1e-9)


def test_gibbs_half_step_leaves_the_joint_alone():
    model = example_channel()
    c, x = model.sample(200_000, generator(5))
    fresh = model.resample_code(x, generator(6))
    assert (fresh != c).mean() > 0.2
    counts = np.zeros_like(model.joint)
    np.add.at(counts, (fresh, x), 1)
    assert np.allclose(counts / len(x), model.joint, atol=0.004)


@pytest.mark.parametrize("seed", range(5))
def test_correlated_gaussians_in_closed_form(seed):
    model = CorrelatedGaussians.draw(generator(seed))
    assert 1 <= model.dims <= 20
    assert model.information() == pytest.approx(-0.5 * model.dims * math.log(1 - model.rho**2), rel=1e-9)
    assert model.entropy() + model.mean_log_q() + model.gap() == pytest.approx(model.information(), rel=1e-9)
    assert model.gap() > 0
    assert abs(model.with_posterior().gap()) < 1e-9


def test_correlated_gaussians_agree_with_their_samples():
    model = CorrelatedGaussians.with_information(3.0, dims=4)
    assert model.information() == pytest.approx(3.0)
    x, y = model.sample(100_000, generator(7))
    assert model.log_ratio(x, y).mean() == pytest.approx(3.0, abs=0.03)
    assert model.log_q(x, y).mean() == pytest.approx(model.mean_log_q(), abs=0.03)
    assert (x * y).mean() == pytest.approx(model.rho, abs=0.01)
    with pytest.raises(ValueError, match="never negative"):
        CorrelatedGaussians.with_information(-1.0, dims=2)


def test_uniform_code_has_the_table_of_the_sheet():
    no_reading = UniformCode(0.0, 0.0, 1.0)
    assert no_reading.bound() == pytest.approx(-0.392458, abs=1e-6)
    assert no_reading.with_best_variance().variance == pytest.approx(1 / 3)
    assert no_reading.with_best_variance().bound() == pytest.approx(-0.176485, abs=1e-6)
    assert UniformCode(1.0, 0.0, 1.0).bound() == pytest.approx(-0.225791, abs=1e-6)
    honest = UniformCode.honest(generator(8))
    assert honest.bound() == pytest.approx(math.log(2) - 0.5 * math.log(2 * math.pi * math.e * honest.variance))
    assert honest.bound() > max(
        honest.with_variance(0.9 * honest.variance).bound(), UniformCode.draw(generator(8)).bound()
    )


def test_a_dial_without_noise_has_no_ceiling():
    path = NoisyDial(0.5).finer()
    assert [one.information() for one in path] == sorted(one.information() for one in path)
    for one in path:  # the closed form of the trapezium
        assert one.information() == pytest.approx(math.log(1 / one.noise) + one.noise / 2, abs=1e-9)


def test_turned_codes_keep_their_information_and_lose_their_alignment():
    model = TurnedCodes(math.pi / 4, 0.3)
    assert model.information() == pytest.approx(math.log(1 + 1 / 0.09))
    assert model.information() == pytest.approx(model.straight().information(), abs=1e-12)
    assert model.straight().aligned() == pytest.approx(model.information())
    assert model.aligned() < 0.3 * model.information()
    code, x = model.sample(200_000, generator(9))
    assert np.allclose(np.cov(np.concatenate([code, x], 1).T), model.covariance(), atol=0.02)
