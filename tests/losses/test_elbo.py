"""ELBO losses: hand numbers, quadrature on tractable models, parity with torch.distributions, invariances, extremes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal, kl_divergence

from course_lib.losses import (
    bernoulli_log_likelihood,
    elbo,
    full_gaussian_kl,
    gaussian_kl,
    gaussian_log_density,
    gaussian_log_likelihood,
    importance_weighted_bound,
    standard_normal_kl,
)
from course_lib.teaching.tractable import LinearGaussian, Pair

DTYPES = (torch.float64, torch.float32)
SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 5)
quick = settings(max_examples=40, deadline=None, derandomize=True)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normals(gen, *shape, dtype=torch.float64):
    return torch.randn(shape, generator=gen, dtype=torch.float64).to(dtype)


def factors(gen, b, z, dtype=torch.float64):
    lower = normals(gen, b, z, z).tril(-1) + torch.diag_embed((0.5 * normals(gen, b, z)).exp())
    return lower.to(dtype)


def assert_close(got, want, *, scale=1.0):
    """Equal up to a thousand roundings of the larger of the value and `scale`, the size of the terms it adds up."""
    eps = torch.finfo(got.dtype).eps
    assert got.dtype == want.dtype
    torch.testing.assert_close(got, want, rtol=1000 * eps, atol=1000 * eps * scale)


def normal(mu, log_var):
    return Independent(Normal(mu, (0.5 * log_var).exp()), 1)


# ---- values


def test_hand_numbers():
    def one(value):
        return torch.tensor([[value]], dtype=torch.float64)

    def is_(got, want):
        assert got.shape == (1,)
        assert got.item() == pytest.approx(want, rel=1e-13)

    is_(standard_normal_kl(one(1.0), one(0.0)), 0.5)
    is_(standard_normal_kl(one(0.0), one(math.log(4))), 0.5 * (3 - math.log(4)))
    # means 3 apart, both standard deviations 2: half of (3 / 2) squared
    is_(gaussian_kl(one(3.0), one(math.log(4)), one(0.0), one(math.log(4))), 1.125)
    is_(full_gaussian_kl(one(3.0), one(2.0)[None], one(0.0), one(2.0)[None]), 1.125)
    is_(bernoulli_log_likelihood(one(1.0), one(0.0)), -math.log(2))
    is_(gaussian_log_likelihood(one(1.0), one(0.0)), -0.5 - 0.5 * math.log(2 * math.pi))
    is_(gaussian_log_density(one(1.0), one(0.0), one(0.0)), -0.5 - 0.5 * math.log(2 * math.pi))
    is_(elbo(one(-3.0)[0], one(2.0)[0], 1.5), -6.0)
    is_(importance_weighted_bound(torch.cat([one(1.0), one(3.0)]).log()), math.log(2))


@pytest.mark.parametrize("seed", range(5))
def test_divergences_against_quadrature_on_tractable_pairs(seed):
    gen = generator(seed)

    def mean(gaussian):
        return torch.from_numpy(gaussian.mean)[None]

    def log_var(gaussian):
        return torch.from_numpy(gaussian.cov.diagonal().copy()).log()[None]

    def tril(gaussian):
        return torch.linalg.cholesky(torch.from_numpy(gaussian.cov))[None]

    pair = Pair.diagonal(gen, 3)
    got = gaussian_kl(mean(pair.q), log_var(pair.q), mean(pair.p), log_var(pair.p))
    assert got.item() == pytest.approx(LinearGaussian.kl(pair.q, pair.p), rel=1e-9)
    pair = Pair.to_standard(gen, 3)
    got = standard_normal_kl(mean(pair.q), log_var(pair.q))
    assert got.item() == pytest.approx(LinearGaussian.kl(pair.q, pair.p), rel=1e-9)
    pair = Pair.full(gen, 3)
    got = full_gaussian_kl(mean(pair.q), tril(pair.q), mean(pair.p), tril(pair.p))
    assert got.item() == pytest.approx(LinearGaussian.kl(pair.q, pair.p), rel=1e-9)


def test_the_bounds_on_a_model_with_known_evidence():
    gen = generator()
    model, k, b = LinearGaussian.draw(gen), 8, 4000
    z = model.sample_q(k * b, gen)
    log_likelihood = torch.from_numpy(model.log_likelihood(z)).view(k, b)
    log_weights = torch.from_numpy(model.log_joint(z) - model.q.log_density(z)).view(k, b)
    kl = torch.full((b,), model.kl(model.q, model.prior), dtype=torch.float64)

    bound = elbo(log_likelihood.mean(0), kl)
    assert abs(bound.mean() - model.elbo()) < 4 * bound.std() / math.sqrt(b)
    weighted = importance_weighted_bound(log_weights)
    error = weighted.std() / math.sqrt(b)
    assert model.elbo() + 4 * error < weighted.mean() < model.log_evidence() + 4 * error


@pytest.mark.parametrize("k", [1, 2, 7])
def test_with_the_true_posterior_every_weight_is_the_evidence(k):
    gen = generator(1)
    model = LinearGaussian.tight(gen)
    z = model.sample_q(k, gen)
    log_weights = torch.from_numpy(model.log_joint(z) - model.q.log_density(z))[:, None]
    assert importance_weighted_bound(log_weights).item() == pytest.approx(model.log_evidence(), rel=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(3))
def test_parity_with_torch_distributions(dtype, seed):
    gen = generator(seed)
    mu_q, log_var_q, mu_p, log_var_p = (normals(gen, 4, 3, dtype=dtype) for _ in range(4))
    q, p = normal(mu_q, log_var_q), normal(mu_p, log_var_p)
    assert_close(gaussian_kl(mu_q, log_var_q, mu_p, log_var_p), kl_divergence(q, p), scale=10)
    standard = normal(torch.zeros_like(mu_q), torch.zeros_like(mu_q))
    assert_close(standard_normal_kl(mu_q, log_var_q), kl_divergence(q, standard), scale=10)
    value = normals(gen, 2, 4, 3, dtype=dtype)
    assert_close(gaussian_log_density(value, mu_q, log_var_q), q.log_prob(value), scale=10)

    tril_q, tril_p = factors(gen, 4, 3, dtype), factors(gen, 4, 3, dtype)
    want = kl_divergence(MultivariateNormal(mu_q, scale_tril=tril_q), MultivariateNormal(mu_p, scale_tril=tril_p))
    assert_close(full_gaussian_kl(mu_q, tril_q, mu_p, tril_p), want, scale=float(want.max()) + 10)

    logits = 3 * normals(gen, 4, 1, 5, 5, dtype=dtype)
    x = (normals(gen, 4, 1, 5, 5) > 0).to(dtype)
    want = Bernoulli(logits=logits).log_prob(x).flatten(1).sum(1)
    assert_close(bernoulli_log_likelihood(x, logits), want, scale=10)
    log_var = torch.tensor(-0.7, dtype=dtype)
    want = Normal(logits, (0.5 * log_var).exp()).log_prob(x).flatten(1).sum(1)
    assert_close(gaussian_log_likelihood(x, logits, log_var), want, scale=10)
    assert_close(gaussian_log_likelihood(x, logits, float(log_var)), want, scale=10)


def test_one_value_a_sample_whatever_the_shape_of_the_image():
    for shape in [(4, 6), (4, 1, 2, 3), (4, 3, 2, 1, 1)]:
        x, a = torch.rand(shape), torch.randn(shape)
        flat = bernoulli_log_likelihood(x.flatten(1), a.flatten(1))
        assert flat.shape == (4,)
        assert torch.equal(bernoulli_log_likelihood(x, a), flat)
        assert torch.equal(gaussian_log_likelihood(x, a), gaussian_log_likelihood(x.flatten(1), a.flatten(1)))


def test_a_divergence_keeps_its_digits_close_to_zero():
    # q differs from N(0, 1) by 1e-6 in the log-variance: the divergence is 1e-12 / 4 to first order.
    mu, log_var = torch.zeros(1, 1), torch.full((1, 1), 1e-6)
    assert standard_normal_kl(mu, log_var.double().float()).item() == pytest.approx(0, abs=1e-12)
    exact = 0.5 * (math.expm1(1e-3) - 1e-3)
    got = standard_normal_kl(mu.double(), torch.full((1, 1), 1e-3, dtype=torch.float64))
    assert got.item() == pytest.approx(exact, rel=1e-9)


# ---- invariances


@quick
@given(SEEDS, SIZES, SIZES)
def test_divergences_are_never_negative_and_zero_at_equality(seed, b, z):
    gen = generator(seed)
    mu_q, log_var_q, mu_p, log_var_p = (normals(gen, b, z) for _ in range(4))
    tril_q, tril_p = factors(gen, b, z), factors(gen, b, z)
    assert (gaussian_kl(mu_q, log_var_q, mu_p, log_var_p) >= 0).all()
    assert (standard_normal_kl(mu_q, log_var_q) >= 0).all()
    assert (full_gaussian_kl(mu_q, tril_q, mu_p, tril_p) >= 0).all()
    assert torch.equal(gaussian_kl(mu_q, log_var_q, mu_q, log_var_q), torch.zeros(b).double())
    assert full_gaussian_kl(mu_q, tril_q, mu_q, tril_q).abs().max() < 1e-12
    zeros = torch.zeros(b, z).double()
    assert torch.equal(standard_normal_kl(zeros, zeros), torch.zeros(b).double())


@quick
@given(SEEDS, SIZES, SIZES)
def test_the_three_divergences_agree_where_they_overlap(seed, b, z):
    gen = generator(seed)
    mu_q, log_var_q, mu_p, log_var_p = (normals(gen, b, z) for _ in range(4))
    zeros = torch.zeros_like(mu_q)
    assert_close(standard_normal_kl(mu_q, log_var_q), gaussian_kl(mu_q, log_var_q, zeros, zeros), scale=10)
    full = full_gaussian_kl(
        mu_q, torch.diag_embed((0.5 * log_var_q).exp()), mu_p, torch.diag_embed((0.5 * log_var_p).exp())
    )
    assert_close(full, gaussian_kl(mu_q, log_var_q, mu_p, log_var_p), scale=float(full.max()) + 10)


@quick
@given(SEEDS, SIZES, SIZES, SIZES)
def test_dimensions_add_up(seed, b, z, more):
    gen = generator(seed)
    args = [normals(gen, b, z + more) for _ in range(4)]

    def parts(loss, tensors):
        return loss(*(t[:, :z] for t in tensors)) + loss(*(t[:, z:] for t in tensors))

    assert_close(gaussian_kl(*args), parts(gaussian_kl, args), scale=100)
    assert_close(standard_normal_kl(*args[:2]), parts(standard_normal_kl, args[:2]), scale=100)
    assert_close(gaussian_log_density(*args[:3]), parts(gaussian_log_density, args[:3]), scale=100)
    assert_close(gaussian_log_likelihood(*args[:2]), parts(gaussian_log_likelihood, args[:2]), scale=100)
    pixels = [args[0].sigmoid(), args[1]]
    assert_close(bernoulli_log_likelihood(*pixels), parts(bernoulli_log_likelihood, pixels), scale=100)


@quick
@given(SEEDS, SIZES)
def test_the_batch_may_be_permuted(seed, z):
    gen = generator(seed)
    args = [normals(gen, 5, z) for _ in range(4)]
    tril_q, tril_p = factors(gen, 5, z), factors(gen, 5, z)
    order = torch.randperm(5, generator=gen)
    cases = [
        (gaussian_kl, args),
        (standard_normal_kl, args[:2]),
        (full_gaussian_kl, [args[0], tril_q, args[1], tril_p]),
        (gaussian_log_density, args[:3]),
        (bernoulli_log_likelihood, [args[0].sigmoid(), args[1]]),
        (gaussian_log_likelihood, args[:2]),
        (elbo, [args[0][:, 0], args[1][:, 0].abs()]),
    ]
    for loss, inputs in cases:
        assert_close(loss(*(t[order] for t in inputs)), loss(*inputs)[order], scale=100)
    log_weights = args[0].T.contiguous()
    assert_close(importance_weighted_bound(log_weights[:, order]), importance_weighted_bound(log_weights)[order])


@quick
@given(SEEDS, SIZES, st.floats(-5, 5), st.floats(-3, 3))
def test_a_divergence_does_not_see_units(seed, z, shift, log_scale):
    gen = generator(seed)
    mu_q, log_var_q, mu_p, log_var_p = (normals(gen, 3, z) for _ in range(4))

    def moved(mu):
        return math.exp(log_scale) * (mu + shift)

    got = gaussian_kl(moved(mu_q), log_var_q + 2 * log_scale, moved(mu_p), log_var_p + 2 * log_scale)
    want = gaussian_kl(mu_q, log_var_q, mu_p, log_var_p)
    torch.testing.assert_close(got, want, rtol=1e-9, atol=1e-9)


@quick
@given(SEEDS, SIZES, SIZES, st.floats(-500, 500))
def test_the_weighted_bound(seed, k, b, shift):
    gen = generator(seed)
    log_weights = 3 * normals(gen, k, b)
    bound = importance_weighted_bound(log_weights)
    assert bound.shape == (b,)
    assert_close(importance_weighted_bound(log_weights + shift), bound + shift, scale=abs(shift) + 10)
    assert_close(importance_weighted_bound(log_weights[torch.randperm(k, generator=gen)]), bound, scale=10)
    assert_close(importance_weighted_bound(log_weights.repeat(4, 1)), bound, scale=10)  # a mean, not a sum
    assert (bound >= log_weights.mean(0) - 1e-12).all()
    assert (bound <= log_weights.amax(0) + 1e-12).all()
    assert torch.equal(importance_weighted_bound(log_weights[:1]), log_weights[0])
