"""Tractable models: closed forms against torch.distributions, scipy and plain enumeration."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from course_lib.teaching import tractable
from course_lib.teaching.tractable import Enumerable, Gaussian, Joint, LinearGaussian, Pair, Table

SEEDS = range(4)
MODELS = [LinearGaussian, Enumerable]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def torch_normal(gaussian):
    return torch.distributions.MultivariateNormal(torch.from_numpy(gaussian.mean), torch.from_numpy(gaussian.cov))


@pytest.mark.parametrize("seed", SEEDS)
def test_density_against_scipy(seed):
    gaussian = Pair.full(generator(seed), 3).q
    points = tractable.normal(generator(9), 5, 3)
    want = stats.multivariate_normal(gaussian.mean, gaussian.cov).logpdf(points)
    np.testing.assert_allclose(gaussian.log_density(points), want, rtol=1e-10)
    assert float(gaussian.log_density(points[0])) == pytest.approx(want[0], rel=1e-10)


def test_quadrature_is_exact_for_polynomials():
    gaussian = Pair.full(generator(), 2).q
    nodes, weights = gaussian.nodes()
    assert nodes.shape == (144, 2)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights @ nodes, gaussian.mean, rtol=1e-12)
    centred = nodes - gaussian.mean
    np.testing.assert_allclose(np.einsum("m,mi,mj->ij", weights, centred, centred), gaussian.cov, rtol=1e-10)
    # E[(x1 - m1)^4] = 3 var^2
    assert weights @ centred[:, 0] ** 4 == pytest.approx(3 * gaussian.cov[0, 0] ** 2, rel=1e-10)


@pytest.mark.parametrize("kind", ["diagonal", "to_standard", "full"])
@pytest.mark.parametrize("seed", SEEDS)
def test_divergence_against_torch_distributions(kind, seed):
    pair = getattr(Pair, kind)(generator(seed), 3)
    want = torch.distributions.kl_divergence(torch_normal(pair.q), torch_normal(pair.p))
    assert LinearGaussian.kl(pair.q, pair.p) == pytest.approx(float(want), rel=1e-9)
    assert LinearGaussian.kl(pair.q, pair.q) == pytest.approx(0, abs=1e-12)
    if kind == "diagonal":
        assert np.array_equal(pair.q.cov, np.diag(pair.q.cov.diagonal()))
    if kind == "to_standard":
        assert np.array_equal(pair.p.cov, np.eye(3))


def test_linear_evidence_against_numerical_integration():
    model = LinearGaussian.draw(generator(), latent=1, data=2)

    def joint(z):
        return math.exp(float(model.log_joint(np.array([z]))))

    value, _ = integrate.quad(joint, -12, 12, points=[float(model.posterior.mean[0])], epsabs=0, epsrel=1e-11)
    assert model.log_evidence() == pytest.approx(math.log(value), rel=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_model_against_torch_distributions(seed):
    model = LinearGaussian.draw(generator(seed), latent=2, data=3)
    x, z = torch.from_numpy(model.x), model.sample_q(6, generator(1))
    mean = torch.from_numpy(z @ model.weight.T + model.bias)
    want = torch.distributions.Normal(mean, math.sqrt(model.noise_var)).log_prob(x).sum(-1)
    np.testing.assert_allclose(model.log_likelihood(z), want.numpy(), rtol=1e-10)
    prior = torch.distributions.Normal(0, 1).log_prob(torch.from_numpy(z)).sum(-1)
    np.testing.assert_allclose(model.log_joint(z), (want + prior).numpy(), rtol=1e-10)


@pytest.mark.parametrize("seed", SEEDS)
def test_linear_posterior_is_joint_over_evidence(seed):
    model = LinearGaussian.draw(generator(seed))
    z = model.sample_q(6, generator(1))
    np.testing.assert_allclose(model.posterior.log_density(z), model.log_joint(z) - model.log_evidence(), rtol=1e-8)


def test_gradient_of_the_joint_against_autograd():
    model = LinearGaussian.draw(generator())
    z = torch.from_numpy(model.sample_q(4, generator(1))).requires_grad_()
    residual = torch.from_numpy(model.x - model.bias) - z @ torch.from_numpy(model.weight).T
    (-0.5 * residual.square().sum() / model.noise_var - 0.5 * z.square().sum()).backward()
    np.testing.assert_allclose(model.grad_log_joint(z.detach().numpy()), z.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_evidence_is_bound_plus_divergence_by_three_routes(kind, seed):
    model = kind.draw(generator(seed))
    assert model.log_evidence() == pytest.approx(model.elbo() + model.kl(model.q, model.posterior), rel=1e-9)
    summed = model.under_q(lambda z: model.log_joint(z) - model.q.log_density(z))
    assert model.elbo() == pytest.approx(summed, rel=1e-9)
    integral = model.integrate(lambda z: np.exp(model.log_joint(z)))
    assert math.exp(model.log_evidence()) == pytest.approx(integral, rel=1e-9)
    assert model.elbo() < model.log_evidence() - 1e-6  # a drawn q is not the posterior


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_tight_models_have_no_gap(kind, seed):
    model = kind.tight(generator(seed))
    assert model.elbo() == pytest.approx(model.log_evidence(), rel=1e-10)
    assert model.kl(model.q, model.posterior) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_enumerable_model_by_plain_sums(seed):
    model = Enumerable.draw(generator(seed), 5)
    prior, lik, q = model.prior.probs, model.p_x, model.q.probs
    for table in (prior, q):
        assert table.sum() == pytest.approx(1)
        assert table.min() > 0.01
    assert lik.min() > 0
    assert lik.max() < 1
    evidence = sum(p * x for p, x in zip(prior, lik, strict=True))
    assert model.log_evidence() == pytest.approx(math.log(evidence))
    np.testing.assert_allclose(model.posterior.probs, prior * lik / evidence)
    assert model.kl(model.q, model.prior) == pytest.approx(stats.entropy(q, prior))
    assert model.under_q(lambda z: model.log_likelihood(z)) == pytest.approx(float(q @ np.log(lik)))


def test_importance_weighted_bound_of_tables_is_exact_and_rises():
    model = Enumerable.draw(generator(), 3)
    bounds = [model.importance_weighted(k) for k in (1, 2, 3, 4, 5)]
    assert bounds[0] == pytest.approx(model.elbo(), rel=1e-12)
    assert all(a < b for a, b in itertools.pairwise(bounds))
    assert bounds[-1] < model.log_evidence()
    tight = Enumerable.tight(generator(), 3)
    assert tight.importance_weighted(3) == pytest.approx(tight.log_evidence(), rel=1e-12)
    # against sampling, at k = 2
    draws = torch.from_numpy(model.q.probs).multinomial(40_000, replacement=True, generator=generator(1)).numpy()
    weights = (model.prior.probs * model.p_x / model.q.probs)[draws].reshape(2, -1)
    values = np.log(weights.mean(0))
    assert abs(values.mean() - bounds[1]) < 4 * values.std() / math.sqrt(len(values))


@pytest.mark.parametrize("seed", SEEDS)
def test_joint_model_by_plain_sums(seed):
    model = Joint.draw(generator(seed))
    p = model.table
    assert p.sum() == pytest.approx(1)
    assert model.q_yz.sum() == pytest.approx(1)
    assert model.q_z.sum() == pytest.approx(1)
    assert model.both.log_evidence() == pytest.approx(math.log(p[0].sum()))
    np.testing.assert_allclose(model.both.posterior.probs, (p[0] / p[0].sum()).ravel())
    assert model.log_p_xy() == pytest.approx(math.log(p[0, 0].sum()))
    assert model.log_p_y() == pytest.approx(math.log(p[:, 0].sum()))
    assert model.given.log_evidence() == pytest.approx(model.log_p_xy() - model.log_p_y())  # p(x | y)
    np.testing.assert_allclose(model.given.posterior.probs, p[0, 0] / p[0, 0].sum())


def test_tight_joint_models_have_no_gap():
    model = Joint.tight(generator())
    assert model.both.elbo() == pytest.approx(model.both.log_evidence(), rel=1e-10)
    assert model.given.elbo() == pytest.approx(model.given.log_evidence(), rel=1e-10)


def test_table_is_a_categorical_distribution():
    table = Table(np.array([0.2, 0.3, 0.5]))
    want = torch.distributions.Categorical(torch.from_numpy(table.probs)).log_prob(torch.arange(3))
    np.testing.assert_allclose(table.log_density(np.arange(3)), want.numpy())
    values, probs = table.nodes()
    assert values.tolist() == [0, 1, 2]
    assert probs.tolist() == [0.2, 0.3, 0.5]


def test_samples_of_q_have_its_mean_and_covariance():
    model = LinearGaussian.draw(generator())
    z = model.sample_q(20_000, generator(1))
    deviation = np.sqrt(model.q.cov.diagonal())
    assert (abs(z.mean(0) - model.q.mean) < 4.5 * deviation / math.sqrt(20_000)).all()
    error = np.sqrt(np.outer(deviation, deviation) ** 2 + model.q.cov**2) / math.sqrt(20_000)
    assert (abs(np.cov(z.T) - model.q.cov) < 4.5 * error).all()


def test_the_example_is_what_its_sentence_says():
    model = tractable.example()
    assert model.log_evidence() == pytest.approx(stats.norm(0, math.sqrt(2)).logpdf(2))
    assert (model.posterior.mean[0], model.posterior.cov[0, 0]) == (pytest.approx(1), pytest.approx(0.5))
    assert (model.q.mean[0], model.q.cov[0, 0]) == (0.3, 0.8)


@pytest.mark.parametrize("draw", [LinearGaussian.draw, Enumerable.draw, Joint.draw, Pair.full])
def test_the_seed_decides(draw):
    one, same, other = draw(generator(1)), draw(generator(1)), draw(generator(2))
    assert repr(one) == repr(same) != repr(other)


def test_both_kinds_of_model_are_drawn():
    gen = generator()
    kinds = {type(tractable.gaussian_or_table(gen)) for _ in range(20)}
    assert kinds == set(MODELS)
    for _ in range(5):
        tight = tractable.tight_gaussian_or_table(gen)
        assert tight.elbo() == pytest.approx(tight.log_evidence(), rel=1e-10)


def test_a_gaussian_is_normalised():
    gaussian = Gaussian(np.array([0.5]), np.array([[2.0]]))
    total, _ = integrate.quad(lambda v: math.exp(float(gaussian.log_density(np.array([v])))), -20, 20)
    assert total == pytest.approx(1, rel=1e-9)
