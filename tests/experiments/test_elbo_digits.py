"""Experiments on real digits at reduced size; probabilistic PCA and the grid against other routes."""

import math
from functools import partial

import pytest
import torch

from course_lib.datasets import load_digits
from course_lib.experiments import elbo_digits
from course_lib.experiments.elbo import EXPERIMENTS
from course_lib.experiments.elbo_digits import Ppca, best_posterior, grid_log_evidence, log_evidence, posterior_elbo
from course_lib.papers.vae import DIGITS_PROFILES, Vae, VaeConfig, draw_log_weights
from course_lib.training import generator, seeded

SMOKE = DIGITS_PROFILES["smoke"]


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.fixture(scope="module")
def trained(digits):
    """A VAE with a code of 2 numbers after a few steps: good enough to have a posterior worth bounding."""
    return elbo_digits.train_digits(SMOKE, 0, digits[0])


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setitem(DIGITS_PROFILES, "quick", SMOKE)


def correlated(n=300, d=6):
    gen = generator(0)
    root = torch.randn(d, d, generator=gen)
    return torch.randn(n, d, generator=gen) @ root.T + torch.arange(d)


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_ppca_is_the_normal_distribution_it_stands_for(latent):
    x = correlated()
    ppca = Ppca.fit(x, latent)
    loadings = ppca.axes * (ppca.eigenvalues - ppca.noise_var).clamp_min(0).sqrt()
    cov = loadings @ loadings.T + ppca.noise_var * torch.eye(6, dtype=torch.float64)
    normal = torch.distributions.MultivariateNormal(ppca.mean, cov)
    torch.testing.assert_close(ppca.log_evidence(x), normal.log_prob(x.double()), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_ppca_against_scikit_learn(latent):
    from sklearn.decomposition import PCA

    x = correlated()
    ours, oracle = Ppca.fit(x, latent), PCA(latent).fit(x.double().numpy())
    torch.testing.assert_close(
        ours.reconstruct(x), torch.from_numpy(oracle.inverse_transform(oracle.transform(x.double().numpy())))
    )
    # scikit-learn divides by n - 1 where the maximum of the likelihood divides by n.
    scale = len(x) / (len(x) - 1)
    rescaled = Ppca(ours.mean, ours.axes, scale * ours.eigenvalues, scale * ours.noise_var)
    assert float(rescaled.log_evidence(x).mean()) == pytest.approx(oracle.score(x.double().numpy()), rel=1e-9)
    assert ours.log_evidence(x).mean() > rescaled.log_evidence(x).mean()  # ours is the maximum


def test_ppca_of_the_digits_keeps_most_of_their_variance(digits):
    x = digits[0].images.flatten(1)
    errors = [elbo_digits._rmse(x, Ppca.fit(x, latent).reconstruct(x)) for latent in (1, 2, 10, 40)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < float((x - x.mean(0)).square().mean().sqrt())


@torch.no_grad()
def test_the_grid_agrees_with_importance_sampling():
    with seeded(0):
        vae = Vae(VaeConfig(image_size=3, hidden=(8,), latent=2, likelihood="gaussian")).requires_grad_(False)
    x = torch.rand(6, 9, generator=generator(1))
    on_grid = grid_log_evidence(vae, x, points=121)
    k = 20_000
    log_weights = draw_log_weights(vae, x, k, gen=generator(2)).double()
    weights = (log_weights - log_weights.amax(0)).exp()
    estimate = log_weights.amax(0) + weights.mean(0).log()
    error = weights.std(0) / weights.mean(0) / math.sqrt(k)
    assert ((on_grid - estimate).abs() < 4.5 * error + 1e-4).all()  # 1e-4: float32 sums of about 10 nats
    finer = grid_log_evidence(vae, x, points=241)
    torch.testing.assert_close(on_grid, finer, rtol=1e-4, atol=1e-4)


def test_training_is_repeatable_and_learns(digits, trained):
    again = elbo_digits.train_digits(SMOKE, 0, digits[0])
    assert all(torch.equal(p, q) for p, q in zip(trained.parameters(), again.parameters(), strict=True))
    assert not any(p.requires_grad for p in trained.parameters())
    x = digits[1].images.flatten(1)
    to_mean = elbo_digits._rmse(x, digits[0].images.flatten(1).mean(0).expand_as(x))
    assert elbo_digits._rmse(x, trained.decode(trained.encode(x).mu)) < to_mean


def test_better_posteriors_close_the_gap_and_never_pass_the_evidence(digits, trained):
    x = digits[1].images[:8].flatten(1)
    truth = grid_log_evidence(trained, x, points=121)
    families = {family: best_posterior(trained, x, family, seed=0, steps=150) for family in elbo_digits.FAMILIES}
    encoder = posterior_elbo(trained, x, trained.encode(x), seed=0, samples=500)
    bounds = {name: posterior_elbo(trained, x, q, seed=0, samples=500) for name, q in families.items()}
    assert encoder.mean() < bounds["diagonal"].mean()
    assert bounds["full"].mean() < truth.mean() + 0.1  # an ELBO of 500 samples scatters by less than this
    assert bounds["diagonal"].mean() < truth.mean() + 0.1
    assert families["full"].tril.tril().equal(families["full"].tril)


def test_the_evidence_of_a_set_is_that_of_its_images(digits, trained):
    part = type(digits[1])(digits[1].images[:5], digits[1].labels[:5])
    sampled = log_evidence(trained, part, seed=0, samples=4000)
    exact = grid_log_evidence(trained, part.images.flatten(1), points=121)
    assert sampled.shape == (5,)
    # Below the truth on average, near it with 4,000 samples of two numbers.
    torch.testing.assert_close(sampled.float(), exact, rtol=0, atol=0.25)


@pytest.mark.parametrize("name", ["digits", "conditional", "richer"])
def test_experiments_measure_exactly_what_they_claim(short, monkeypatch, name):
    (experiment,) = [e for e in EXPERIMENTS if e.name == name]
    changes = {"count": 4} if name == "richer" else {}
    monkeypatch.setattr(elbo_digits, "best_posterior", partial(best_posterior, steps=60))
    monkeypatch.setattr(elbo_digits, "posterior_elbo", partial(posterior_elbo, samples=200))
    monkeypatch.setattr(elbo_digits, "log_evidence", partial(log_evidence, samples=50))
    found = experiment.run(0, **changes)
    assert set(found) == {claim.id for claim in experiment.claims}
    for claim in experiment.claims:
        assert math.isfinite(found[claim.id].value)
        if "baseline" in claim.rule:
            assert math.isfinite(found[claim.id].baseline)


def test_even_the_smoke_run_rebuilds_digits_better_than_their_mean(short, digits, monkeypatch):
    monkeypatch.setattr(elbo_digits, "log_evidence", partial(log_evidence, samples=50))
    found = elbo_digits.digits(0)["digits_vae_beats_pca"]
    test = digits[1].images.flatten(1)
    mean = digits[0].images.flatten(1).mean(0).expand_as(test)
    assert found.value < elbo_digits._rmse(test, mean)
    assert found.baseline == pytest.approx(0.22860, abs=1e-4)  # PCA with 2 components, a fixed number
