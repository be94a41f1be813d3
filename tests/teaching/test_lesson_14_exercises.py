"""Exercises of lesson 14: right answers pass by any route, and each known slip learns what it is."""

import pytest
import torch
from torch.nn import functional as F

from course_lib.losses import (
    expected_depth,
    gaussian_heatmaps,
    permute_order,
    volume_marginals,
)
from course_lib.teaching.exercise_sets.lesson_14 import EXERCISES
from course_lib.teaching.exercises import examine

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def depth_by_library(scores, centres):
    return expected_depth(volume_marginals(scores[None, None]).z, centres)[0, 0]


def bell_by_newton(centres, depth, sigma):
    tilt = 0.0
    for _ in range(200):
        p = (tilt * centres - centres**2 / (2 * sigma**2)).softmax(0)
        mean = float(p @ centres)
        step = (depth - mean) / max(float(p @ centres**2) - mean**2, 0.05 * sigma**2)
        tilt += max(-1 / sigma, min(1 / sigma, step))
    return p


def by_logits(point, height, width, sigma):
    x, y = torch.arange(width).double() - point[0], torch.arange(height).double() - point[1]
    return F.softmax(-(y[:, None] ** 2 + x[None] ** 2).flatten() / (2 * sigma**2), 0).view(height, width)


def by_permutation_matrix(order, flip):
    pi = torch.eye(len(flip), dtype=order.dtype)[flip]
    return pi @ order @ pi.mT


def average_in_place(said, mirrored, flip):
    back = mirrored[flip]
    back[:, 0] *= -1
    return torch.lerp(said, back, 0.5)


RIGHT = [
    ("14.1", depth_by_library),
    ("14.1", lambda scores, centres: scores.logsumexp((1, 2)).softmax(0) @ centres),
    ("14.2", lambda point, h, w, sigma: gaussian_heatmaps(point[None, None], (h, w), sigma=sigma)[0, 0]),
    ("14.2", by_logits),
    ("14.3", permute_order),
    ("14.3", by_permutation_matrix),
    ("14.4", bell_by_newton),
    ("14.5", average_in_place),
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
        ("14.1", lambda scores, centres: float(scores.max()), ""),
        ("14.2", lambda point, h, w, sigma: by_logits(point, w, h, sigma), ""),
        ("14.3", lambda order, flip: order[flip].T, ""),
        ("14.4", lambda *inputs: bell_by_newton(*inputs).sum(), "wrong shape"),
        ("14.4", lambda z, depth, sigma: bell_by_newton(z, 2 * float(z.mean()) - depth, sigma), ""),
    ],
)
def test_other_slips_are_refused(id, answer, says):
    result = examine(BY_ID[id], answer)
    assert not result.passed
    assert says in result.text
