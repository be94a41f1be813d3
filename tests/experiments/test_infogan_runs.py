"""The experiments of lesson 06 at toy size: games repeat, reading leaves networks alone, effects are found."""

from dataclasses import replace

import pytest
import torch

from course_lib.experiments import infogan
from course_lib.experiments.infogan_effects import code_effects, one_code_each
from course_lib.experiments.infogan_glyphs import draw
from course_lib.experiments.infogan_runs import (
    Trained,
    bound_on_new_images,
    errors_on_real,
    generate,
    learn_from_pairs,
    play,
    read,
)
from course_lib.experiments.one_core import core
from course_lib.papers.infogan import GLYPHS_PROFILES, Codes, InfoGan, PairsConfig, sample_codes
from course_lib.training import generator, seeded
from course_lib.worlds import glyphs

SMALL = GLYPHS_PROFILES["smoke"]


@pytest.fixture(scope="module")
def images():
    return draw(200, 0, compiled=False)[0]


@pytest.fixture(scope="module")
def done(images):
    return play(SMALL, images, 0)


def test_a_game_is_the_same_again(images, done):
    again = play(SMALL, images, 0)
    assert all(torch.equal(a, b) for a, b in zip(done.gan.parameters(), again.gan.parameters(), strict=True))
    assert done.curve == again.curve
    assert done.curve[-1]["step"] == SMALL.steps


@pytest.mark.parametrize("statistics", ["batch", "running"])
def test_reading_and_generating_change_nothing(images, done, statistics):
    before = {name: value.clone() for name, value in done.gan.state_dict().items()}
    posterior = read(done, images, statistics=statistics)
    assert posterior.logits[0].shape == (200, 10)
    generate(done, sample_codes(20, SMALL, generator=generator(0)), gen=generator(1))
    assert all(torch.equal(before[name], value) for name, value in done.gan.state_dict().items())
    assert done.gan.training


def test_errors_and_bounds_of_an_untrained_game_are_those_of_chance(images):
    with seeded(0):
        fresh = Trained(InfoGan(SMALL), SMALL, core())
    labels = draw(200, 0, compiled=False)[1].label
    assert errors_on_real(fresh, images, labels)["batch"]["one_to_one"] > 0.5
    assert bound_on_new_images(fresh, n=500)["discrete"] == pytest.approx(0, abs=0.05)


class Shearing(torch.nn.Module):
    """A generator that draws glyphs with slant from the first code and width from the second."""

    def forward(self, noise, codes):
        n = len(codes)
        factors = glyphs.sample_factors(n, generator=generator(5), wobble=0.0)
        factors = replace(
            factors,
            label=codes.classes[:, 0],
            slant=0.4 * codes.continuous[:, 0],
            width=0.95 + 0.25 * codes.continuous[:, 1],
        )
        return glyphs.render(factors, size=16, compiled=False).images


def test_effects_of_a_generator_that_obeys_are_found_and_of_one_that_does_not_are_not(done):
    with seeded(0):
        obeys = Trained(InfoGan(SMALL), SMALL, core())
    obeys.gan.generator = Shearing()
    effects = code_effects(obeys, n=600)
    assert effects["slant"][0] > 0.9 > 0.05 > effects["slant"][1]
    assert effects["width"][1] > 0.8 > 0.05 > effects["width"][0]
    each = one_code_each(effects)
    assert (each["slant"], each["width"]) == (effects["slant"][0], effects["width"][1])
    assert min(each["slant_spearman"], each["width_spearman"]) > 0.9


def test_codes_beyond_the_prior_can_be_shown(done):
    codes = Codes(torch.zeros(4, 1, dtype=torch.int64), torch.full((4, 2), 2.0))
    assert generate(done, codes, gen=generator(0)).shape == (4, 1, 16, 16)


def test_a_taught_q_lands_in_the_discriminator(images):
    pairs = PairsConfig(
        steps=4, batch_size=64, restarts=3, restart_steps=5, restart_batch=100, restart_images=150, values=(10,)
    )
    taught, kept = learn_from_pairs(SMALL, pairs, images, 0)
    assert len(kept["information"]) == 3
    assert kept["information"] == sorted(kept["information"], reverse=True)
    again, _ = learn_from_pairs(SMALL, pairs, images, 0)
    assert torch.equal(read(taught, images).logits[0], read(again, images).logits[0])


def test_every_claim_has_one_experiment():
    names = [claim.id for experiment in infogan.EXPERIMENTS for claim in experiment.claims]
    assert len(set(names)) == len(names)
    wanted = "li_ceiling passive_q_li mnist_error_faithful mnist_error_beyond kmeans_error slant_r2 width_r2 glyph_mig"
    assert set(wanted.split()) | {"lambda_sweep", "trunk_ablation", "step_ms_core"} <= set(names)
