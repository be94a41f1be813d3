"""Exercises of lesson 06: right answers pass by any route, and each known slip learns what it is."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_lib import losses
from course_lib.metrics import one_to_one_error
from course_lib.teaching.exercise_sets.lesson_06 import EXERCISES
from course_lib.teaching.exercises import examine
from course_lib.worlds.glyphs import moments

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def value_by_loop(real, made):
    total = 0.0
    for p, g in zip(real, made, strict=True):
        d = p / (p + g)
        total = total + p * torch.log(d) + g * torch.log(1 - d)
    return total


def slant_by_library(ink):
    return moments(ink[None, None]).slant[0]


def by_library(clusters, classes):
    return torch.tensor(one_to_one_error(clusters, classes)).double()


RIGHT = [
    ("06.1", value_by_loop),
    ("06.1", lambda p, g: -(p * F.softplus(-(p / g).log()) + g * F.softplus((p / g).log())).sum()),
    ("06.2", slant_by_library),
    ("06.3", losses.gaussian_code_log_likelihood),
    (
        "06.3",
        lambda code, mu, log_var: -(F.gaussian_nll_loss(mu, code, log_var.exp(), full=True, reduction="none")).sum(1),
    ),
    ("06.4", by_library),
]


@pytest.mark.parametrize(("id", "answer"), RIGHT)
def test_right_answers_pass(id, answer):
    result = examine(BY_ID[id], answer)
    assert result.passed, result.text


@pytest.mark.parametrize("id", BY_ID)
def test_stubs_are_called_stubs(id):
    def stub(*inputs):
        raise NotImplementedError

    result = examine(BY_ID[id], stub)
    assert not result.passed
    assert "still the stub" in result.text


@pytest.mark.parametrize(
    ("id", "slip"),
    [
        pytest.param(exercise.id, slip, id=f"{exercise.id}-{i}")
        for exercise in EXERCISES
        for i, slip in enumerate(exercise.slips)
    ],
)
def test_each_slip_is_told_apart_and_shown_on_a_small_input(id, slip):
    result = examine(BY_ID[id], slip.wrong)
    assert not result.passed
    assert slip.says in result.text
    assert "right:" in result.text


@pytest.mark.parametrize(
    ("id", "answer", "says"),
    [  # as somebody would write them, not as the slips are
        ("06.1", lambda p, g: 2 * math.log(0.5), "answers 1/2"),
        ("06.2", lambda ink: -slant_by_library(ink), "rows run"),
        ("06.4", lambda clusters, classes: float((clusters != classes).float().mean()), ""),
    ],
)
def test_other_slips_are_refused(id, answer, says):
    result = examine(BY_ID[id], answer)
    assert not result.passed
    assert says in result.text
