"""Gaussians that a network emits, against torch.distributions and against each other."""

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from course_lib.nn.gaussian import DiagonalGaussian, FullGaussian

B, Z = 4, 3


def normals(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def diagonal():
    return DiagonalGaussian(normals(B, Z), normals(B, Z, seed=1))


@pytest.fixture
def full():
    tril = normals(B, Z, Z, seed=2).tril(-1) + torch.diag_embed((0.5 * normals(B, Z, seed=3)).exp())
    return FullGaussian(normals(B, Z), tril)


def oracle(q):
    if isinstance(q, FullGaussian):
        return MultivariateNormal(q.mu, scale_tril=q.tril)
    return Independent(Normal(q.mu, (0.5 * q.log_var).exp()), 1)


@pytest.mark.parametrize("family", ["diagonal", "full"])
def test_density_divergence_and_variance_against_torch_distributions(family, request):
    q = request.getfixturevalue(family)
    value = normals(5, B, Z, seed=4)
    torch.testing.assert_close(q.log_density(value), oracle(q).log_prob(value), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(q.log_var.exp(), oracle(q).variance, rtol=1e-12, atol=1e-12)
    prior = DiagonalGaussian(normals(B, Z, seed=5), normals(B, Z, seed=6))
    p = MultivariateNormal(prior.mu, torch.diag_embed(prior.log_var.exp()))
    want = kl_divergence(
        MultivariateNormal(
            q.mu, oracle(q).covariance_matrix if family == "full" else torch.diag_embed(q.log_var.exp())
        ),
        p,
    )
    torch.testing.assert_close(q.kl(prior), want, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("family", ["diagonal", "full"])
def test_samples_have_the_mean_and_covariance_of_the_gaussian(family, request):
    q = request.getfixturevalue(family)
    k = 20_000
    z = q.sample(normals(k, B, Z, seed=7))
    cov = q.tril @ q.tril.mT if family == "full" else torch.diag_embed(q.log_var.exp())
    centred = z - q.mu
    found = torch.einsum("kbi,kbj->bij", centred, centred) / k
    deviation = cov.diagonal(dim1=-2, dim2=-1).sqrt()
    assert ((z.mean(0) - q.mu).abs() < 5 * deviation / math.sqrt(k)).all()
    # A product of two coordinates has variance c_ii c_jj + c_ij squared.
    error = ((deviation[:, :, None] * deviation[:, None, :]).square() + cov.square()).sqrt() / math.sqrt(k)
    assert ((found - cov).abs() < 5 * error).all()


@pytest.mark.parametrize("family", ["diagonal", "full"])
def test_no_noise_gives_the_mean_and_the_density_its_peak(family, request):
    q = request.getfixturevalue(family)
    at_mean = q.sample(torch.zeros(1, B, Z, dtype=torch.float64))
    assert torch.equal(at_mean[0], q.mu)
    assert (q.log_density(at_mean) >= q.log_density(q.sample(normals(50, B, Z)))).all()


@pytest.mark.parametrize("family", ["diagonal", "full"])
def test_the_divergence_is_the_mean_log_ratio_of_samples(family, request):
    q = request.getfixturevalue(family)
    prior = DiagonalGaussian(torch.zeros(B, Z).double(), torch.zeros(B, Z).double())
    z = q.sample(normals(20_000, B, Z, seed=8))
    ratio = q.log_density(z) - prior.log_density(z)
    assert ((ratio.mean(0) - q.kl(prior)).abs() < 4.5 * ratio.std(0) / math.sqrt(20_000)).all()


def test_a_diagonal_factor_is_the_diagonal_family(diagonal):
    full = FullGaussian(diagonal.mu, torch.diag_embed((0.5 * diagonal.log_var).exp()))
    noise, prior = normals(3, B, Z, seed=9), DiagonalGaussian(normals(B, Z, seed=10), normals(B, Z, seed=11))
    torch.testing.assert_close(full.sample(noise), diagonal.sample(noise))
    torch.testing.assert_close(full.log_density(noise), diagonal.log_density(noise))
    torch.testing.assert_close(full.kl(prior), diagonal.kl(prior))
    torch.testing.assert_close(full.log_var, diagonal.log_var)


def test_samples_carry_gradients_to_mean_and_spread():
    mu, log_var = normals(2, Z).requires_grad_(), normals(2, Z, seed=1).requires_grad_()
    tril = (torch.eye(Z).double() + 0.3 * normals(2, Z, Z, seed=2).tril(-1)).requires_grad_()
    noise = normals(2, 2, Z, seed=3)
    assert torch.autograd.gradcheck(lambda m, v: DiagonalGaussian(m, v).sample(noise), (mu, log_var))
    assert torch.autograd.gradcheck(lambda m, t: FullGaussian(m, t).sample(noise), (mu, tril))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_type_of_the_numbers_is_kept(diagonal, full, dtype):
    noise = normals(2, B, Z).to(dtype)
    for q in (
        DiagonalGaussian(diagonal.mu.to(dtype), diagonal.log_var.to(dtype)),
        FullGaussian(full.mu.to(dtype), full.tril.to(dtype)),
    ):
        prior = DiagonalGaussian(torch.zeros_like(q.mu), torch.zeros_like(q.mu))
        assert {q.sample(noise).dtype, q.log_density(noise).dtype, q.kl(prior).dtype} == {dtype}
