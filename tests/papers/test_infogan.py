"""InfoGAN's networks, objective and settings: the paper's table, the values of the bound, refusals."""

import inspect
import math
from dataclasses import replace

import pytest
import torch

from course_lib.papers.infogan import (
    DIGITS_PROFILES,
    GLYPHS_PROFILES,
    PROFILES,
    READINGS,
    CodePosterior,
    Codes,
    InfoGan,
    InfoGanConfig,
    discriminator_loss,
    generator_loss,
    information_bounds,
    information_loss,
    sample_codes,
    sample_noise,
)
from course_lib.training import generator, seeded

SMALL = PROFILES["smoke"]


def build(cfg, seed=0):
    with seeded(seed):
        return InfoGan(cfg)


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_those_of_the_papers_table():
    gan = build(PROFILES["paper"])
    assert count(gan.generator) == 6_652_481
    assert count(gan.discriminator) == 6_692_431
    assert count(gan.discriminator.recognition) == 133_262
    assert count(gan) == 13_344_912
    layers = {name: count(layer) for name, layer in gan.named_modules() if not list(layer.children())}
    assert layers["generator.fc1"] == 76_800
    assert layers["generator.fc2"] == 6_428_800
    assert layers["generator.norm2"] == 12_544  # over all 6,272 units
    assert layers["generator.up1"] == 131_136
    assert layers["generator.up2"] == layers["discriminator.to_logit"] == 1_025
    assert layers["discriminator.trunk.conv1"] == 1_088
    assert layers["discriminator.trunk.conv2"] == 131_200
    assert layers["discriminator.trunk.fc"] == 6_423_552
    assert layers["discriminator.recognition.out"] == 1_806


def test_weights_start_as_in_the_official_code():
    gan = build(PROFILES["paper"])
    assert gan.generator.fc2.weight.std().item() == pytest.approx(0.02, rel=0.01)
    assert gan.discriminator.trunk.conv2.weight.abs().max() <= 0.04
    assert gan.generator.norm2.weight.mean().item() == pytest.approx(1, abs=0.002)
    assert gan.generator.norm2.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert all(not p.any() for name, p in gan.named_parameters() if name.endswith("bias"))


@pytest.mark.parametrize("size", [8, 28])
def test_shapes_and_ranges(size):
    cfg = replace(SMALL, image_size=size, categories=(10, 3), continuous=4, code_variance="learned")
    gan = build(cfg)
    gen = generator(0)
    codes = sample_codes(7, cfg, generator=gen)
    images = gan.generator(sample_noise(7, cfg, generator=gen), codes)
    assert images.shape == (7, 1, size, size)
    assert 0 <= images.min() <= images.max() <= 1
    judged = gan.discriminator(images)
    assert judged.logits.shape == (7,)
    assert [one.shape[1] for one in judged.posterior.logits] == [10, 3]
    assert judged.posterior.mu.shape == judged.posterior.log_var.shape == (7, 4)
    torch.testing.assert_close(gan.discriminator.logits(images), judged.logits)


def test_a_code_reaches_the_generator_as_one_hot_and_numbers():
    cfg = InfoGanConfig(categories=(3, 2), continuous=1, noise=0)
    codes = Codes(torch.tensor([[2, 0], [0, 1]]), torch.tensor([[0.5], [-1.0]]))
    assert codes.vector(cfg).tolist() == [[0, 0, 1, 1, 0, 0.5], [1, 0, 0, 0, 1, -1]]


def test_codes_and_noise_have_the_priors_moments_and_follow_their_generator():
    cfg = PROFILES["paper"]
    codes = sample_codes(20_000, cfg, generator=generator(1))
    assert torch.bincount(codes.classes[:, 0]).float().std() / 2000 < 0.04
    assert codes.continuous.abs().max() <= 1
    assert codes.continuous.var(0) == pytest.approx([1 / 3, 1 / 3], rel=0.03)
    again = sample_codes(20_000, cfg, generator=generator(1))
    assert torch.equal(codes.continuous, again.continuous)
    assert torch.equal(codes.classes, again.classes)
    slip = sample_codes(20_000, replace(cfg, code_prior="normal"), generator=generator(1))
    assert slip.continuous.mean().item() == pytest.approx(-1, abs=0.03)
    assert sample_noise(9, cfg, generator=generator(0)).abs().max() <= 1
    assert sample_noise(99, replace(cfg, noise_prior="normal"), generator=generator(0)).abs().max() > 2


def posterior(cfg, logits, mu, log_var):
    full = torch.full((len(logits), cfg.continuous), log_var)
    return CodePosterior((logits,), mu, full)


def bounds_at(cfg, codes, logits, mu, log_var=0.0):
    found = information_bounds(codes, posterior(cfg, logits, mu, log_var), cfg)
    return found["discrete"], found["continuous"]


def test_the_bound_at_its_known_values():
    cfg = PROFILES["paper"]
    codes = sample_codes(50_000, cfg, generator=generator(2))
    sure = 100.0 * codes.one_hot(cfg)[0]
    discrete, continuous = bounds_at(cfg, codes, sure, codes.continuous)
    assert discrete.mean().item() == pytest.approx(math.log(10), rel=1e-6)  # the ceiling H(c)
    assert continuous.mean().item() == pytest.approx(2 * -0.225791, abs=1e-4)  # variance 1: negative even if perfect
    discrete, continuous = bounds_at(cfg, codes, 0 * sure, 0 * codes.continuous)
    assert discrete.mean().item() == pytest.approx(0, abs=1e-5)
    assert continuous.mean().item() == pytest.approx(2 * -0.392458, abs=4e-3)
    _, continuous = bounds_at(cfg, codes, sure, 0 * codes.continuous, math.log(1 / 3))
    assert continuous.mean().item() == pytest.approx(2 * -0.176485, abs=1e-2)
    _, continuous = bounds_at(cfg, codes, sure, codes.continuous, -6.0)
    assert continuous.mean().item() > 2 * 2  # no ceiling


def test_weights_multiply_the_bound_and_a_loss_is_minus_it():
    cfg = replace(SMALL, weight_discrete=2.0, weight_continuous=0.1)
    bounds = {"discrete": torch.tensor([1.0, 3.0]), "continuous": torch.tensor([10.0, 20.0])}
    assert information_loss(bounds, cfg).tolist() == [-3.0, -8.0]


@pytest.mark.parametrize("change", [{"categories": ()}, {"continuous": 0}])
def test_without_codes_of_a_kind_its_bound_is_zero(change):
    cfg = replace(SMALL, **change)
    gan, codes = build(cfg), sample_codes(3, cfg, generator=generator(0))
    images = gan.generator(torch.zeros(3, cfg.noise), codes)
    found = information_bounds(codes, gan.recognise(images), cfg)
    absent = "discrete" if not cfg.categories else "continuous"
    assert not found.pop(absent).any()
    assert all(bound.any() for bound in found.values())


@pytest.mark.parametrize("kind", ["nonsaturating", "minimax", "least_squares", "hinge", "wasserstein"])
def test_each_game_pulls_real_and_generated_apart_and_the_generator_the_other_way(kind):
    cfg = replace(SMALL, gan_loss=kind)
    real, fake = (torch.full((2,), 0.3, requires_grad=True) for _ in range(2))
    to_real, to_fake = torch.autograd.grad(discriminator_loss(real, fake, cfg).sum(), (real, fake))
    assert (to_real < 0).all()
    assert (to_fake > 0).all()
    (to_fake,) = torch.autograd.grad(generator_loss(fake, cfg).sum(), fake)
    assert (to_fake < 0).all()


def test_a_taught_q_reads_the_discrete_code_and_the_discriminator_the_others():
    gan = build(replace(SMALL, information="taught"))
    x = torch.rand(6, 1, 28, 28, generator=generator(0))
    found, theirs = gan.recognise(x), gan.discriminator(x).posterior
    torch.testing.assert_close(found.logits[0], gan.separate(x).logits[0])
    torch.testing.assert_close(found.mu, theirs.mu)
    assert not torch.equal(found.logits[0], theirs.logits[0])


def test_the_variance_is_fixed_learned_or_clamped_as_configured():
    x = torch.rand(6, 1, 28, 28, generator=generator(0))
    assert not build(SMALL).recognise(x).log_var.any()
    gan = build(replace(SMALL, code_variance="learned"))
    assert gan.recognise(x).log_var.any()
    with torch.no_grad():
        gan.discriminator.recognition.out.bias.fill_(50.0)
    assert gan.recognise(x).log_var.max() == 2
    free = replace(gan.cfg, log_var_range=None)
    gan.discriminator.recognition.cfg = free
    assert gan.recognise(x).log_var.min() > 40


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"image_size": 30}, "multiple of 4"),
        ({"categories": (1,)}, "2 or more each"),
        ({"categories": (), "continuous": 0}, "weights to 0"),
        ({"weight_discrete": -1.0}, "maximised"),
        ({"steps": 0}, "1 or more"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, says):
    with pytest.raises(ValueError, match=says):
        InfoGanConfig(**change)


@pytest.mark.parametrize("name", ["gan_loss", "information", "code_variance", "noise_prior", "code_prior"])
def test_an_unknown_option_is_refused_with_the_known_ones(name):
    cfg = InfoGanConfig()
    object.__setattr__(cfg, name, "nonsense")
    with pytest.raises(
        ValueError, match=rf"`{name}` \(='nonsense'\) must be one of '{getattr(InfoGanConfig(), name)}'"
    ):
        inspect.unwrap(InfoGanConfig.__post_init__)(cfg)


def test_an_image_of_another_size_is_refused_by_name():
    trunk = build(SMALL).discriminator.trunk
    with pytest.raises(ValueError, match="image_size"):
        inspect.unwrap(type(trunk).forward)(trunk, torch.zeros(2, 1, 32, 32))


def test_profiles_differ_in_size_only_and_readings_are_valid():
    size = {"image_size", "noise", "channels", "hidden", "q_hidden", "batch_size", "steps"}
    small = {"lr_d", "lr_g", "leaky_slope"}  # of the digits and the glyphs: both rates three times the paper's
    default = InfoGanConfig()
    for profiles in (PROFILES, DIGITS_PROFILES, GLYPHS_PROFILES):
        assert list(profiles) == ["smoke", "quick", "standard", "paper"]
        for cfg in profiles.values():
            changed = {name for name in vars(cfg) if getattr(cfg, name) != getattr(default, name)}
            assert changed <= (size if profiles is PROFILES else size | small)
            assert cfg.lr_g == pytest.approx(5 * cfg.lr_d)
    assert PROFILES["paper"] == InfoGanConfig(**READINGS["official"])
    assert len({InfoGanConfig(**reading) for reading in READINGS.values()}) == 3
