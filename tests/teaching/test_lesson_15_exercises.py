"""Exercises of lesson 15: right answers pass by any route, and each known slip learns what it is."""

import math

import pytest
import torch

from course_lib.metrics import procrustes_mpjpe
from course_lib.papers.ordinal_depth import normalise_points
from course_lib.teaching.exercise_sets.lesson_15 import EXERCISES
from course_lib.teaching.exercises import examine

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def chain(lengths, seen, order):
    steps = order * torch.sqrt(lengths**2 - seen**2)
    return torch.nn.functional.pad(steps.cumsum(1), (1, 0))


def mean_of_foldings(lengths, seen, back):
    depth = torch.sqrt(lengths**2 - seen**2)
    ends = [torch.stack([seen, sign * depth], -1) for sign in (1, -1)]
    return (back[..., None] * ends[0] + (1 - back)[..., None] * ends[1]).norm(dim=-1)


RIGHT = [
    ("15.1", normalise_points),
    ("15.2", chain),
    ("15.3", mean_of_foldings),
    ("15.4", lambda spread, kept: spread * math.tan(math.pi * (1 - kept))),
    ("15.5", lambda predicted, target: procrustes_mpjpe(predicted[None], target[None])[0]),
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
    ("id", "answer"),
    [  # as somebody would write them, not as the slips are
        ("15.1", lambda points: (points - points.mean(1, keepdim=True)) / points.std()),
        ("15.2", lambda lengths, seen, order: chain(lengths, seen, order)[:, 1:]),
        ("15.3", lambda lengths, seen, back: seen),
        ("15.4", lambda spread, kept: spread * (1 - kept)),
        ("15.5", lambda predicted, target: procrustes_mpjpe(predicted[None], target[None])),
    ],
)
def test_other_slips_are_refused(id, answer):
    assert not examine(BY_ID[id], answer).passed
