"""Importance-sampled log-likelihood against an exact one, and the count of active units against an oracle."""

import inspect
import math

import pytest
import torch

from course_lib.losses import importance_weighted_bound
from course_lib.metrics import active_units, importance_log_likelihood
from course_lib.nn.gaussian import DiagonalGaussian, FullGaussian


class Linear:
    """A linear-Gaussian model of a batch of data, with log p(x) and the posterior in closed form."""

    def __init__(self, seed=0, latent=2, pixels=4, noise_var=0.3):
        gen = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(pixels, latent, generator=gen, dtype=torch.float64)
        self.noise_var, self.gen = noise_var, gen
        identity = torch.eye(pixels, dtype=torch.float64)
        cov = self.weight @ self.weight.T + noise_var * identity
        self.marginal = torch.distributions.MultivariateNormal(torch.zeros(pixels).double(), cov)
        precision = torch.eye(latent).double() + self.weight.T @ self.weight / noise_var
        self.posterior_cov = torch.linalg.inv(precision)

    def data(self, n):
        return torch.randn(n, 4, generator=self.gen, dtype=torch.float64) @ self.marginal.scale_tril.T

    def posterior(self, x):
        mu = x @ self.weight @ self.posterior_cov / self.noise_var
        return FullGaussian(mu, torch.linalg.cholesky(self.posterior_cov).expand(len(x), -1, -1))

    def prior(self, x):
        zeros = x.new_zeros(len(x), 2)
        return DiagonalGaussian(zeros, zeros)

    def weights(self, q):
        def draw(x, k):
            gaussian = q(x)
            z = gaussian.sample(torch.randn(k, len(x), 2, generator=self.gen, dtype=torch.float64))
            pixels = torch.distributions.Normal(z @ self.weight.T, math.sqrt(self.noise_var))
            log_likelihood = pixels.log_prob(x).sum(-1)
            return log_likelihood + self.prior(x).log_density(z) - gaussian.log_density(z)

        return draw


@pytest.mark.parametrize("samples", [1, 3, 100])
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_with_the_true_posterior_any_number_of_samples_is_exact(samples, rows):
    model = Linear()
    x = model.data(25)
    got = importance_log_likelihood(model.weights(model.posterior), x, samples=samples, rows=rows)
    assert got.dtype == torch.float64
    torch.testing.assert_close(got, model.marginal.log_prob(x), rtol=1e-11, atol=1e-11)


def test_with_another_proposal_it_converges_to_the_exact_value_from_below():
    model = Linear(noise_var=1.0)
    x = model.data(200)
    exact = model.marginal.log_prob(x)
    shortfalls = []
    for k in (1, 10, 100, 1000):
        error = importance_log_likelihood(model.weights(model.prior), x, samples=k) - exact
        standard_error = error.std() / math.sqrt(len(x))
        assert error.mean() < 4 * standard_error
        shortfalls.append(float(-error.mean()))
    assert shortfalls == sorted(shortfalls, reverse=True)
    assert shortfalls[-1] < 0.05 < shortfalls[0]


@pytest.mark.parametrize("rows", [1, 6, 64, 10_000])
@pytest.mark.parametrize("samples", [1, 2, 64])
def test_the_running_sum_is_the_bound_whatever_the_size_of_a_call(rows, samples):
    # Every call hands out the next weights of a fixed table, far too large and too small for exp.
    n = 5
    table = 1000 * torch.randn(samples, n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    used = [0] * n
    calls = []

    def weights(x, k):
        first = int(x[0])
        start = used[first]
        calls.append(k * len(x))
        for i in x.long().tolist():
            used[i] += k
        return table[start : start + k, first : first + len(x)]

    got = importance_log_likelihood(weights, torch.arange(n).double(), samples=samples, rows=rows)
    torch.testing.assert_close(got, importance_weighted_bound(table), rtol=1e-12, atol=0)
    assert used == [samples] * n
    assert max(calls) <= rows  # a call is never larger than asked for


def test_no_gradient_is_kept():
    weight = torch.ones((), requires_grad=True)
    got = importance_log_likelihood(lambda x, k: weight * x.expand(k, -1), torch.zeros(3), samples=2)
    assert not got.requires_grad


@pytest.mark.parametrize(("samples", "rows"), [(0, 10), (10, 0), (-1, 10)])
def test_no_samples_are_refused(samples, rows):
    with pytest.raises(ValueError, match=rf"`samples` \(={samples}\) and `rows` \(={rows}\) must be 1 or more"):
        importance_log_likelihood(lambda x, k: x.expand(k, -1), torch.zeros(3), samples=samples, rows=rows)


def test_weights_that_are_not_numbers_are_refused():
    with pytest.raises(ValueError, match="`log_weights` returned NaN: the model's weights are not finite"):
        importance_log_likelihood(lambda x, k: x.expand(k, -1), torch.tensor([0.0, float("nan")]), samples=2)


def test_impossible_data_have_no_likelihood():
    got = importance_log_likelihood(lambda x, k: torch.full((k, len(x)), -math.inf), torch.zeros(2), samples=3)
    assert got.tolist() == [-math.inf] * 2


def test_active_units_are_those_whose_mean_moves():
    gen = torch.Generator().manual_seed(0)
    noise = torch.randn(500, 4, generator=gen, dtype=torch.float64)
    noise = (noise - noise.mean(0)) / noise.std(0)  # variance 1 to the last digit
    scale = torch.tensor([1.0, 0.2, 0.05, 0.0], dtype=torch.float64)  # variances 1, 0.04, 0.0025 and 0
    means = scale * noise + torch.tensor([0.0, 5.0, -5.0, 100.0], dtype=torch.float64)
    assert active_units(means) == 2
    assert active_units(means, threshold=0.001) == 3
    assert active_units(means, threshold=2.0) == 0
    assert active_units(means[torch.randperm(500, generator=gen)][:, [3, 1, 0, 2]]) == 2
    assert active_units(torch.ones(10, 7)) == 0


def test_one_datum_has_no_variance():
    with pytest.raises(ValueError, match="`means` holds 1 data: a variance over the data needs two or more"):
        inspect.unwrap(active_units)(torch.zeros(1, 3))
