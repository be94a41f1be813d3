"""Failures made on purpose, the title figures and the slips of lesson 06, at toy size."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.datasets import load_digits
from course_lib.experiments import infogan_figures, record
from course_lib.experiments.infogan_effects import SWEEP, class_sheet, extrapolation, kept, pairing, traversal_sheets
from course_lib.experiments.infogan_errata import CHAIRS, MNIST, SVHN, errata, inputs
from course_lib.experiments.infogan_failures import (
    FAILURES,
    FLOOR,
    broken,
    code_over_noise,
    cross_entropy_of_code,
    push_on_generator,
    shown_by_sweep,
    variety,
)
from course_lib.experiments.infogan_mnist import stacked, steps_to_settle
from course_lib.experiments.infogan_runs import play
from course_lib.papers.infogan import DIGITS_PROFILES

SMALL = replace(DIGITS_PROFILES["smoke"], steps=3)


@pytest.fixture(scope="module")
def images():
    return load_digits()[0].images


@pytest.fixture(scope="module")
def done(images):
    return play(SMALL, images, 0)


def test_two_softmaxes_leave_a_floor_that_no_network_can_pass(done, images):
    sick = broken(FAILURES["two_softmaxes"], SMALL, images, 0)
    assert cross_entropy_of_code(sick, images) > FLOOR
    best = torch.zeros(1, 10).index_fill_(1, torch.tensor([3]), 1.0)
    assert float(torch.nn.functional.cross_entropy(best, torch.tensor([3]))) == pytest.approx(FLOOR, abs=1e-4)
    # the same first weights: after no step the two games differ in the softmax alone
    pair = [
        play(replace(SMALL, steps=1), images, 0),
        broken(FAILURES["two_softmaxes"], replace(SMALL, steps=1), images, 0),
    ]
    first, second = (one.gan.discriminator.recognition.out.weight.detach() for one in pair)
    assert float((first - second).abs().max()) < 0.01


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_trains_and_has_a_finite_sign(name, images):
    failure = FAILURES[name]
    sick = broken(failure, SMALL, images, 0)
    assert np.isfinite(failure.symptom(sick, images))
    assert sick.cfg == failure.settings(SMALL)


class Obedient(torch.nn.Module):
    """A generator whose picture is its code: the class lights a column, the first continuous code the corner."""

    def forward(self, noise, codes):
        pictures = torch.zeros(len(codes), 1, 8, 8)
        rows = torch.arange(len(codes))
        pictures[rows, 0, :, codes.classes[:, 0] % 8] = 0.5
        pictures[:, 0, 0, 0] = 0.5 + codes.continuous[:, 0] / 10
        return pictures


def test_signs_read_what_a_generator_does(images):
    done = play(replace(SMALL, steps=1), images, 0)
    done.gan.generator = Obedient()
    assert code_over_noise(done, images) > 1e6  # the noise does nothing
    assert shown_by_sweep(done, images) == pytest.approx(2 / 1.96, rel=0.02)  # 98 % of a uniform code
    done.cfg = replace(done.cfg, code_prior="normal")
    assert shown_by_sweep(done, images) == pytest.approx(2 / (2 * 2.326), rel=0.05)
    assert 0 < push_on_generator(play(SMALL, images, 0), images) < 2  # of codes between -1 and 1, the variance fixed
    assert variety(done, images) < 1


def test_sheets_and_sweeps_have_their_sizes(done):
    assert class_sheet(done, columns=4).size == (32, 80)
    assert class_sheet(done, columns=4, gap=1).size == (40, 100)
    sweeps = traversal_sheets(done, rows=2, steps=3)
    assert len(sweeps) == 2
    assert {frame.size for frames in sweeps for frame in frames} == {(80, 16)}
    assert stacked(sweeps[0]).size == (80, 48)


def test_extrapolation_reports_both_factors(done):
    effects = {"slant": [0.1, 0.7], "width": [0.6, 0.2]}
    assert pairing(effects) == {"slant": 1, "width": 0}
    found = extrapolation(done, effects, n=8)
    assert {name: row["code"] for name, row in found.items()} == {"slant": 1, "width": 0}
    assert all(len(row["curve"]) == 17 and -1 <= row["monotone"] <= 1 for row in found.values())


def test_settling_is_found_where_a_curve_settles_and_not_where_it_drifts(done):
    def with_curve(looks):
        curve = [{"step": 100 * (i + 1), "g/loss": value} for i, value in enumerate(looks)]
        return replace(done, curve=curve, cfg=replace(done.cfg, steps=100 * len(looks)))

    settles = with_curve([0.0, 1.0, 2.0, 3.0, 2.0] + [1.0] * 20)
    assert steps_to_settle(settles, "g/loss", smooth=1) == 600
    assert steps_to_settle(settles, "g/loss") == 1000  # a mean of five looks is later
    assert steps_to_settle(with_curve([0.1 * i for i in range(40)]), "g/loss") == 4001


def test_what_is_kept_of_a_slope_beyond_the_prior():
    at = np.array(SWEEP)
    straight, stops = 2 * at, np.clip(at, -1, 1)
    turns = np.where(at > 1, 2 - at, at)
    assert [kept({"curve": list(curve)}) for curve in (straight, -straight, stops, turns)] == [1, 1, 0, -1]


def test_inputs_of_the_generators_are_those_that_are_printed():
    assert [one.built() for one in (MNIST, SVHN, CHAIRS)] == [74, 168, 189]
    inputs().assert_mutants_caught()
    assert len(errata()) == 4


def test_the_title_figure_is_composed_of_the_recorded_sheets(done, tmp_path, monkeypatch):
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    monkeypatch.setattr(infogan_figures, "RESULTS", tmp_path)
    infogan_figures.figures()
    assert not (tmp_path / "figures").exists()
    from course_lib.experiments.figures import save_figure

    grey = np.zeros((280, 280), np.uint8)
    from PIL import Image

    for name in ("faithful", "beyond"):
        for seed in range(5):
            save_figure(Image.fromarray(grey), f"06_infogan_{name}_{seed}.webp")
    for code in (2, 3):
        save_figure(Image.fromarray(np.zeros((13 * 84, 280), np.uint8)), f"06_infogan_beyond_code_{code}.webp")
    infogan_figures.figures()
    assert {"06_infogan.webp", "06_infogan_seeds.webp"} <= {path.name for path in (tmp_path / "figures").iterdir()}
