"""The VAE: parameter counts, shapes, both posteriors, classes with a learned prior, half precision, refusals."""

import inspect
import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from course_lib.nn.gaussian import DiagonalGaussian, FullGaussian
from course_lib.papers.vae import (
    DIGITS_PROFILES,
    PROFILES,
    Vae,
    VaeConfig,
    VaeOutput,
    draw_log_weights,
    log_density_ratio,
    log_likelihoods,
    vae_bound,
)
from course_lib.training import generator, seeded

SMALL = VaeConfig(image_size=4, hidden=(16, 12), latent=3, batch_size=6, steps=50)
VARIANTS = {
    "plain": {},
    "full": {"posterior": "full"},
    "grey": {"likelihood": "gaussian"},
    "conditional": {"num_classes": 3},
    "learned prior": {"num_classes": 3, "learned_prior": True},
    "all": {"num_classes": 3, "learned_prior": True, "posterior": "full", "likelihood": "gaussian"},
    "weighted": {"objective": "iwae", "samples": 4},
    "weighted, full": {"objective": "iwae", "samples": 4, "posterior": "full"},
}


def build(**changes):
    cfg = replace(SMALL, **changes)
    with seeded(0):
        return Vae(cfg), cfg


def images(b=6, size=4, seed=0):
    return torch.rand(b, 1, size, size, generator=generator(seed)).round()


def labels(cfg, b=6):
    return torch.arange(b) % cfg.num_classes if cfg.num_classes else None


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_of_the_published_network():
    # Burda et al. 2016, section 5: 784-200-200-50 and back. They print no total; each layer has in * out weights and
    # out biases, and the last of the encoder has two heads, mean and log-variance.
    with seeded(0):
        vae = Vae(VaeConfig())
    assert count(vae.encoder) == (784 * 200 + 200) + (200 * 200 + 200)
    assert count(vae.to_posterior) == 200 * 100 + 100
    assert count(vae.decoder) == (50 * 200 + 200) + (200 * 200 + 200)
    assert count(vae.to_pixels) == 200 * 784 + 784
    assert count(vae) == 425_284


def test_parameters_of_the_other_forms():
    plain = count(build()[0])
    assert count(build(likelihood="gaussian")[0]) == plain + 1  # the variance of a pixel
    assert count(build(posterior="full")[0]) == plain + (6 - 3) * (12 + 1)  # 3 * 4 / 2 entries of a factor, not 3
    assert count(build(num_classes=3)[0]) == plain + 3 * 16 + 3 * 12  # a one-hot class into encoder and decoder
    assert count(build(num_classes=3, learned_prior=True)[0]) == plain + 3 * 16 + 3 * 12 + 3 * 6


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("b", "size"), [(6, 4), (2, 7)])
def test_shapes(variant, b, size):
    vae, cfg = build(image_size=size, **VARIANTS[variant])
    x = images(b, size)
    out = vae(x, labels(cfg, b), gen=generator(0), samples=5)
    assert isinstance(out.posterior, FullGaussian if cfg.posterior == "full" else DiagonalGaussian)
    assert out.posterior.mu.shape == out.prior.mu.shape == (b, 3)
    assert out.z.shape == (5, b, 3)
    assert out.decoded.shape == (5, b, size**2)
    assert log_likelihoods(x, out).shape == log_density_ratio(out).shape == (5, b)
    assert {name: term.shape for name, term in vae_bound(x, out, cfg).items()} == dict.fromkeys(
        ("bound", "log_likelihood", "kl"), (b,)
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_parameter_gets_a_gradient(variant):
    vae, cfg = build(**VARIANTS[variant])
    x = images()
    vae_bound(x, vae(x, labels(cfg), gen=generator(0), samples=cfg.samples), cfg)["bound"].mean().backward()
    for name, parameter in vae.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("variant", VARIANTS)
def test_bfloat16_autocast_is_finite_and_near(variant):
    vae, cfg = build(**VARIANTS[variant])
    x, noise = images(), torch.randn(cfg.samples, 6, 3, generator=generator(1))
    exact = vae_bound(x, vae(x, labels(cfg), noise=noise), cfg)["bound"]
    with torch.autocast("cpu", torch.bfloat16):
        coarse = vae_bound(x, vae(x, labels(cfg), noise=noise), cfg)["bound"]
    coarse.mean().backward()
    # bfloat16 keeps 8 bits: 1 part in 256 at each of a few layers
    torch.testing.assert_close(coarse, exact, rtol=0.05, atol=0.05)
    assert all(p.grad.isfinite().all() for p in vae.parameters())


def test_the_same_noise_gives_the_same_output_and_the_samples_are_independent():
    vae, _ = build()
    x = images()
    first, again = (vae(x, gen=generator(3), samples=4) for _ in range(2))
    assert torch.equal(first.decoded, again.decoded)
    assert len({tuple(z.flatten().tolist()) for z in first.z.detach()}) == 4
    noise = torch.zeros(1, 6, 3)
    assert torch.equal(vae(x, noise=noise).z[0], vae.encode(x).mu)
    alone = vae(x[2:3], noise=noise[:, :1])
    torch.testing.assert_close(alone.decoded[0, 0], vae(x, noise=noise).decoded[0, 2])


def test_flat_and_square_images_are_the_same():
    vae, _ = build()
    assert torch.equal(vae.encode(images()).mu, vae.encode(images().flatten(1)).mu)


def test_the_output_starts_at_the_mean_image():
    mean = torch.full((1, 4, 4), 0.25)
    mean[0, 0] = 0.0  # a border that is always black
    for likelihood in ("bernoulli", "gaussian"):
        vae, _ = build(likelihood=likelihood)
        vae.init_output(mean)
        torch.nn.init.zeros_(vae.to_pixels.weight)
        decoded = vae.decode(torch.zeros(1, 3))
        got = decoded.sigmoid() if likelihood == "bernoulli" else decoded
        torch.testing.assert_close(got.view(1, 4, 4), mean, rtol=1e-5, atol=1.1e-3)
        assert decoded.isfinite().all()


def test_full_posterior_is_a_valid_gaussian_and_starts_where_the_diagonal_one_does():
    vae, _ = build(posterior="full")
    q = vae.encode(images())
    assert (q.tril.diagonal(dim1=-2, dim2=-1) > 0).all()
    assert torch.equal(q.tril, q.tril.tril())
    torch.nn.init.zeros_(vae.to_posterior.weight)
    assert torch.equal(vae.encode(images()).tril, torch.eye(3).expand(6, 3, 3))


def test_a_learned_prior_is_standard_normal_at_first_and_one_a_class_later():
    vae, cfg = build(num_classes=3, learned_prior=True)
    prior = vae.prior(6, labels(cfg))
    assert torch.equal(prior.mu, torch.zeros(6, 3))
    assert torch.equal(prior.log_var, torch.zeros(6, 3))
    with torch.no_grad():
        vae.prior_table.weight.copy_(torch.arange(18.0).view(3, 6))
    prior = vae.prior(6, labels(cfg))
    assert prior.mu[1].tolist() == [6, 7, 8]
    assert prior.log_var[1].tolist() == [9, 10, 11]
    assert torch.equal(prior.mu[0], prior.mu[3])


def test_the_class_changes_encoder_and_decoder():
    vae, _ = build(num_classes=3)
    x, zero, one = images(), torch.zeros(6, dtype=torch.long), torch.ones(6, dtype=torch.long)
    assert not torch.equal(vae.encode(x, zero).mu, vae.encode(x, one).mu)
    z = torch.zeros(6, 3)
    assert not torch.equal(vae.decode(z, zero), vae.decode(z, one))


def test_log_weights_with_one_sample_are_the_sampled_bound():
    vae, cfg = build(objective="iwae", samples=1)
    x = images()
    out = vae(x, gen=generator(0))
    by_hand = log_likelihoods(x, out) + out.prior.log_density(out.z) - out.posterior.log_density(out.z)
    torch.testing.assert_close(vae_bound(x, out, cfg)["bound"], by_hand[0])
    torch.testing.assert_close(draw_log_weights(vae, x, 1, gen=generator(0)), by_hand)


def test_with_one_sample_the_weighted_bound_is_the_elbo_on_average():
    vae, cfg = build()
    x, k = images(), 5000
    with torch.no_grad():
        log_weights = draw_log_weights(vae, x, k, gen=generator(0))
        elbo = vae_bound(x, vae(x, gen=generator(1), samples=k), cfg)["bound"]
    # Both are Monte-Carlo means over k samples; the ELBO's, with the divergence in closed form, scatters less.
    assert ((log_weights.mean(0) - elbo).abs() < 5 * math.sqrt(2) * log_weights.std(0) / math.sqrt(k)).all()


def test_beta_weighs_the_divergence():
    vae, cfg = build()
    x = images()
    out = vae(x, gen=generator(0))
    terms = vae_bound(x, out, cfg)
    torch.testing.assert_close(terms["bound"], terms["log_likelihood"] - terms["kl"])
    heavy = vae_bound(x, out, replace(cfg, beta=4.0))
    torch.testing.assert_close(heavy["bound"], terms["log_likelihood"] - 4 * terms["kl"])


def test_grey_pixels_have_a_density_with_their_learned_variance():
    vae, _ = build(likelihood="gaussian")
    x = torch.rand(6, 1, 4, 4, generator=generator(2))
    out = vae(x, gen=generator(0))
    normal = torch.distributions.Normal(out.decoded, (0.5 * vae.pixel_log_var).exp())
    torch.testing.assert_close(log_likelihoods(x, out), normal.log_prob(x.flatten(1)).sum(-1))


REFUSALS = [
    ({}, lambda vae, x: vae(x, torch.zeros(6, dtype=torch.long)), "`labels` given to an unconditional VAE: leave them"),
    ({"num_classes": 3}, lambda vae, x: vae(x), "`labels` missing: this VAE is conditional on 3 classes"),
    ({"num_classes": 3, "learned_prior": True}, lambda vae, x: vae.prior(6), "`labels` missing"),
]


@pytest.mark.parametrize(("changes", "call", "message"), REFUSALS)
def test_labels_that_do_not_fit_are_refused(changes, call, message):
    with pytest.raises(ValueError, match=message):
        call(build(**changes)[0], images())


def test_labels_of_another_batch_are_refused():
    vae, _ = build(num_classes=3)
    encode = inspect.unwrap(Vae.encode)
    with pytest.raises(ValueError, match=r"`labels` has shape \(4,\): expected \(6,\), one class a datum"):
        encode(vae, images(), torch.zeros(4, dtype=torch.long))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learned_prior": True}, "`learned_prior` needs `num_classes` >= 1"),
        ({"objective": "iwae", "beta": 2.0}, r"`beta` \(=2.0\) must be 1 with `objective='iwae'`"),
        ({"samples": 0}, "must be 1 or more"),
        ({"latent": 0}, "must be 1 or more"),
        ({"steps": -1}, "must be 1 or more"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **changes)


@pytest.mark.parametrize("profiles", [PROFILES, DIGITS_PROFILES])
def test_profiles_change_size_and_length_never_the_model(profiles):
    assert list(profiles) == ["smoke", "quick", "standard", "paper"]
    kept = ("image_size", "num_classes", "learned_prior", "posterior", "likelihood", "objective", "samples", "beta")
    assert len({tuple(getattr(cfg, name) for name in kept) for cfg in profiles.values()}) == 1
    steps = [cfg.steps for cfg in profiles.values()]
    assert steps == sorted(steps)
    assert steps[0] <= 60


def test_the_paper_profile_is_the_default():
    assert PROFILES["paper"] == VaeConfig()
    assert VaeConfig().steps == 3280 * 60_000 // 20


@pytest.mark.slow
def test_forward_compiles_without_a_break():
    # A process of its own: the shape checks of the test session and the compiler do not go together.
    code = """
import torch
from course_lib.papers.vae import Vae, VaeConfig, vae_bound
for posterior in ("diagonal", "full"):
    cfg = VaeConfig(image_size=4, hidden=(16,), latent=3, posterior=posterior)
    vae, x, noise = Vae(cfg), torch.rand(6, 1, 4, 4).round(), torch.randn(2, 6, 3)
    out = torch.compile(vae, fullgraph=True, backend="aot_eager")(x, noise=noise)
    torch.testing.assert_close(out.decoded, vae(x, noise=noise).decoded)
    torch.testing.assert_close(vae_bound(x, out, cfg)["bound"], vae_bound(x, vae(x, noise=noise), cfg)["bound"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_output_is_frozen():
    vae, _ = build()
    out = vae(images(), gen=generator(0))
    assert isinstance(out, VaeOutput)
    with pytest.raises(AttributeError):
        out.z = None


@pytest.mark.parametrize(
    ("name", "value"), [("posterior", "ful"), ("objective", "iwea"), ("optimizer", "sgd"), ("schedule", "linear")]
)
def test_a_misspelt_option_is_refused(name, value):
    cfg = VaeConfig()
    object.__setattr__(cfg, name, value)  # the shape checker of the tests would speak first
    with pytest.raises(ValueError, match=rf"`{name}` \(='{value}'\) must be one of"):
        inspect.unwrap(VaeConfig.__post_init__)(cfg)


def test_images_of_another_size_and_strange_labels_are_refused():
    vae, _ = build()
    with pytest.raises(ValueError, match=r"expected .* pixels"):
        vae.encode(torch.zeros(2, 1, 5, 5))
    conditional = Vae(VaeConfig(image_size=4, latent=2, hidden=(8,), num_classes=3))
    x = torch.zeros(2, 1, 4, 4)
    with pytest.raises(ValueError, match=r"spans 0 to 3: this VAE knows the classes 0 to 2"):
        conditional.encode(x, torch.tensor([0, 3]))
