"""Exercises of lesson 03: right answers pass by any route, and each known slip learns what it is."""

import math

import pytest
import torch
import torch.nn.functional as F

from course_lib import losses
from course_lib.teaching.exercise_sets.lesson_03 import EXERCISES
from course_lib.teaching.exercises import examine

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def by_loop(joint):
    rows, columns = joint.sum(1), joint.sum(0)
    cells = ((i, j) for i in range(joint.shape[0]) for j in range(joint.shape[1]))
    return sum(joint[i, j] * math.log(joint[i, j] / (rows[i] * columns[j])) for i, j in cells)


def read_by_library(logits, code):
    log_q = losses.categorical_log_likelihood(F.one_hot(code, logits.shape[1]).to(logits), logits)
    return losses.barber_agakov(log_q, math.log(logits.shape[1])).mean()


def claim_by_library(code, mu):
    log_var = (code - mu).square().mean(0).log().expand_as(mu)
    entropy = float(losses.uniform_entropy(-torch.ones(mu.shape[1]).double(), torch.ones(mu.shape[1]).double()))
    return losses.barber_agakov(losses.gaussian_code_log_likelihood(code, mu, log_var), entropy).mean()


RIGHT = [
    ("03.1", by_loop),
    ("03.1", losses.mutual_information),
    ("03.2", lambda logits, code: math.log(logits.shape[1]) - F.cross_entropy(logits, code)),
    ("03.2", read_by_library),
    ("03.3", lambda logits, code: F.nll_loss(logits.log_softmax(1), code, reduction="none")),
    ("03.3", lambda logits, code: logits.logsumexp(1) - logits[torch.arange(len(code)), code]),
    ("03.4", lambda scores: losses.info_nce(scores).mean()),
    ("03.4", lambda scores: math.log(len(scores)) - F.cross_entropy(scores, torch.arange(len(scores)))),
    ("03.5", claim_by_library),
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
    assert "tensor of shape" not in result.text  # the counterexample is small enough to be printed
    assert "right:" in result.text


@pytest.mark.parametrize(
    ("id", "answer", "says"),
    [  # as somebody would write them, not as the slips are
        (
            "03.1",
            lambda p: (p * (p / (p.sum(0, keepdim=True) * p.sum(1, keepdim=True))).log10()).sum(),
            "times the right",
        ),
        ("03.2", lambda logits, code: math.log(10) - F.cross_entropy(logits, code), "values differ"),
        ("03.3", lambda logits, code: F.cross_entropy(logits, code), "you took the mean over the batch"),
        (
            "03.4",
            lambda scores: math.log(len(scores)) - F.cross_entropy(scores.T, torch.arange(len(scores))),
            "columns",
        ),
        ("03.5", lambda c, m: (math.log(2) - 0.5 * (2 * math.pi * math.e * (c - m).var(0)).log()).sum(), ""),
    ],
)
def test_other_slips_are_refused(id, answer, says):
    result = examine(BY_ID[id], answer)
    assert not result.passed
    assert says in result.text
