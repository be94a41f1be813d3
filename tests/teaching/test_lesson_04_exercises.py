"""Exercises of lesson 04: right answers pass by any route, and each known slip learns what it is."""

import pytest
import torch
import torch.nn.functional as F

from course_lib import losses
from course_lib.teaching.exercise_sets.lesson_04 import EXERCISES
from course_lib.teaching.exercises import examine

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def by_half_the_matrix(depth, order):
    gap, clean = depth[:, :, None] - depth[:, None, :], order.nan_to_num()
    terms = torch.where(clean == 0, gap**2, -F.logsigmoid(-clean * gap))
    return 0.5 * torch.where(order.isnan(), torch.zeros_like(gap), terms).sum((1, 2))


def pulls_by_library(depth, order):
    z = depth.clone().requires_grad_()
    return torch.autograd.grad(losses.ranking_loss(z[None], order[None]).sum(), z)[0]


def free_by_eigenvalues(order):
    links = (~order.isnan()).double().fill_diagonal_(0)
    return (torch.linalg.eigvalsh(torch.diag(links.sum(1)) - links) < 1e-9).sum()


RIGHT = [
    ("04.1", losses.ranking_loss),
    ("04.1", by_half_the_matrix),
    ("04.2", losses.order_from_depth),
    ("04.2", lambda z, t: (z[None] - z[:, None]).sign() * ((z[None] - z[:, None]).abs() >= t)),
    ("04.3", lambda z, i, j, said: losses.pair_ranking_loss(z, i, j, -said)),
    ("04.4", pulls_by_library),
    ("04.5", free_by_eigenvalues),
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
        ("04.1", lambda z, r: losses.ranking_loss(z, r).mean(), "you took the mean over the batch"),
        ("04.1", lambda z, r: 2 * losses.ranking_loss(z, r), "whole matrix is summed"),
        ("04.1", lambda z, r: losses.ranking_loss(z, r.mT), "the sign is wrong"),
        ("04.2", lambda z, t: losses.order_from_depth(-z, t), "published files"),
        ("04.3", losses.pair_ranking_loss, "the sign is still the file's"),
        ("04.4", lambda z, r: -pulls_by_library(z, r), "return the gradient"),
        ("04.5", lambda r: len(r) - free_by_eigenvalues(r), "that is the rank"),
    ],
)
def test_other_slips_are_refused(id, answer, says):
    result = examine(BY_ID[id], answer)
    assert not result.passed
    assert says in result.text


@pytest.mark.parametrize("id", ["04.1", "04.3"])
def test_a_nan_that_hides_in_the_gradient_is_found(id):
    def body(depth, order):
        gap = depth[:, :, None] - depth[:, None, :]
        return torch.where(order == 0, gap**2, F.softplus(order * gap)).triu(1).nansum((1, 2))

    def listed(depth, first, second, said):
        gap = depth.gather(1, first) - depth.gather(1, second)
        return torch.where(said == 0, gap**2, F.softplus(-said * gap)).nansum(1)

    result = examine(BY_ID[id], body if id == "04.1" else listed)
    assert not result.passed
    assert "its gradient is NaN" in result.text
