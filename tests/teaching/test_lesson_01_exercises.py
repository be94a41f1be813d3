"""Exercises of lesson 01: right answers pass by any route, and each known slip learns what it is."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_lib import losses
from course_lib.teaching import check
from course_lib.teaching.exercise_sets import references_01 as by
from course_lib.teaching.exercise_sets.lesson_01 import EXERCISES
from course_lib.teaching.exercises import examine
from course_lib.teaching.small_models import Direction

BY_ID = {exercise.id: exercise for exercise in EXERCISES}


def kl_of_my_own(mu_q, log_var_q, mu_p, log_var_p):
    log_ratio = log_var_q - log_var_p
    return -0.5 * torch.sum(1 + log_ratio - (mu_q - mu_p).pow(2) / log_var_p.exp() - log_ratio.exp(), dim=1)


def kl_of_torch(mu_q, log_var_q, mu_p, log_var_p):
    q, p = (torch.distributions.Normal(m, torch.exp(v / 2)) for m, v in ((mu_q, log_var_q), (mu_p, log_var_p)))
    return torch.distributions.kl_divergence(q, p).sum(1)


def kl_in_standard_deviations(mu_q, sd_q, mu_p, sd_p):
    """As somebody writes it who takes the log-variances for logarithms of standard deviations."""
    shift = (torch.exp(2 * sd_q) + (mu_q - mu_p) ** 2) / (2 * torch.exp(2 * sd_p))
    return (sd_p - sd_q + shift - 0.5).sum(1)


def weighted_by_loop(log_w):
    k, b = log_w.shape
    out = []
    for i in range(b):
        top = max(log_w[:, i].tolist())
        out.append(top + math.log(sum(math.exp(w - top) for w in log_w[:, i].tolist()) / k))
    return out


def weighted_by_tensor(log_w):
    return log_w.logsumexp(0) - math.log(log_w.shape[0])


def kept_by_loop(eigenvalues, beta, noise_var):
    count = 0
    for one in eigenvalues:
        if one / noise_var > beta:
            count += 1
    return count


RIGHT = [
    ("01.1", lambda log_joint, q: (q * (log_joint - q.log())).sum()),
    ("01.1", lambda log_joint, q: q @ log_joint + torch.distributions.Categorical(q).entropy()),
    ("01.1", lambda log_joint, q: -F.kl_div(log_joint, q, reduction="sum")),
    ("01.2", kl_of_my_own),
    ("01.2", kl_of_torch),
    ("01.2", losses.gaussian_kl),
    ("01.3", lambda mu, log_var, noise: mu + torch.exp(log_var / 2) * noise),
    ("01.3", lambda mu, log_var, noise: mu.addcmul_(log_var.exp_().sqrt(), noise)),
    ("01.4", lambda kl, reconstruction_error, weight: weight * kl + reconstruction_error),
    ("01.4", lambda kl, error, weight: [weight * a + b for a, b in zip(kl, error, strict=True)]),
    ("01.5", weighted_by_tensor),
    ("01.5", losses.importance_weighted_bound),
    ("01.5", weighted_by_loop),
    ("01.6", lambda eigenvalues, beta, noise_var: int((eigenvalues > beta * noise_var).sum())),
    ("01.6", kept_by_loop),
    ("01.6", lambda eigenvalues, beta, noise_var: np.count_nonzero(eigenvalues.numpy() > beta * noise_var)),
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
        ("01.1", lambda log_joint, q: torch.dot(q, log_joint), "the entropy is missing"),
        ("01.1", lambda log_joint, q: F.kl_div(log_joint, q, reduction="sum"), "upside down"),
        ("01.1", lambda log_joint, q: (q * (log_joint.exp() / q)).sum().log(), "returned infinity"),
        ("01.1", lambda log_joint, q: (q * torch.log(log_joint.exp() / q)).sum(), "minus infinity: subtract the log"),
        ("01.1", lambda log_joint, q: torch.dot(q, log_joint.exp() - q.log()), "already a logarithm"),
        ("01.1", lambda log_joint, q: (q * (log_joint / q).log()).sum(), "returned NaN"),
        ("01.1", lambda log_joint, q: (q * (log_joint.log() - q.log())).sum(), "do not take another"),
        ("01.1", lambda log_joint, q: (q * (log_joint - q.log()).exp()).sum().log(), "returned infinity"),
        ("01.1", lambda log_joint, q: (log_joint - q.log() + q.log()).logsumexp(0), "that is the log-evidence"),
        ("01.1", lambda log_joint, q: q * (log_joint - q.log()), "the sum over the last axis is missing"),
        ("01.2", kl_in_standard_deviations, "twice as large"),
        ("01.2", lambda *g: -kl_of_my_own(*g), "Kingma and Welling"),
        ("01.2", lambda *g: kl_of_my_own(*g) / g[0].shape[1], "mean over the latent dimensions"),
        ("01.2", lambda *g: kl_of_my_own(*g).mean(), "you took the mean over the batch"),
        ("01.2", lambda *g: kl_of_my_own(*g).sum(), "you took the sum over the batch"),
        ("01.2", lambda *g: 2 * kl_of_my_own(*g), "2 times the right one"),
        ("01.2", lambda *g: losses.gaussian_kl(g[2], g[3], g[0], g[1]), "the arguments are exchanged"),
        ("01.2", lambda *g: losses.standard_normal_kl(g[0], g[1]), "are not used"),
        (
            "01.2",
            lambda m, v, n, w: losses.gaussian_kl(torch.zeros_like(m), torch.zeros_like(m), m, v),
            "from N(0, I) to q",
        ),
        ("01.3", lambda mu, log_var, noise: mu + noise * log_var.exp(), "the width of a draw is the standard dev"),
        ("01.3", lambda mu, log_var, noise: mu + (0.05 * noise) * log_var.exp().sqrt(), "Crossing Nets"),
        ("01.3", lambda mu, log_var, noise: mu + log_var.exp().sqrt() * torch.randn_like(mu), "the `noise` you are"),
        ("01.3", lambda mu, log_var, noise: noise * log_var.exp().sqrt(), "`mu` is missing"),
        ("01.4", lambda kl, error, weight: error - weight * kl, "that is the printed form"),
        ("01.4", lambda kl, error, weight: error - kl, "without its weight"),
        ("01.4", lambda kl, error, weight: kl - error, "wrong sign, and `weight` is not used"),
        ("01.4", lambda kl, error, weight: -(error + weight * kl), "both signs are reversed"),
        ("01.4", lambda kl, error, weight: (error + weight * kl).mean(), "you took the mean over the batch"),
        ("01.5", lambda log_w: losses.importance_weighted_bound(log_w) + math.log(len(log_w)), "-log k is missing"),
        ("01.5", lambda log_w: log_w.sum(0) / len(log_w), "that is the mean of the logarithms"),
        ("01.5", lambda log_w: losses.importance_weighted_bound(log_w.T.contiguous()), "over the wrong axis"),
        ("01.5", lambda log_w: log_w.exp().mean(0).log(), "use logsumexp"),
        ("01.5", lambda log_w: log_w.exp().sum(0).log() - math.log(len(log_w)), "use logsumexp"),
        ("01.5", lambda log_w: log_w.logsumexp(0) / len(log_w), "so subtract log k"),
        ("01.5", lambda log_w: log_w.logsumexp(0) - math.log(log_w.shape[1]), "every sample is counted twice"),
        ("01.5", lambda log_w: log_w.logsumexp(0) - math.log(3 if len(log_w) > 1 else 1), "counted twice"),
        ("01.5", lambda log_w: (log_w - log_w.max()).exp().mean(0).log() + log_w.max(), "of each column"),
        ("01.5", lambda log_w: weighted_by_tensor(log_w) + (log_w.shape == (3, 1)), "depend on the others"),
        ("01.6", lambda ev, beta, noise_var: sum(one > noise_var for one in ev.tolist()), "beta is missing"),
        ("01.6", lambda ev, beta, noise_var: (ev > beta).sum(), "the noise variance is missing"),
        ("01.6", lambda ev, beta, noise_var: (ev**0.5 > beta * noise_var).sum(), "you compare the square root"),
        ("01.6", lambda ev, beta, noise_var: (ev > beta * noise_var**2).sum(), "already a variance"),
        ("01.6", lambda ev, beta, noise_var: ev > beta * noise_var, "wrong shape"),
    ],
)
def test_wrong_answers_learn_what_is_wrong(id, answer, says):
    result = examine(BY_ID[id], answer)
    assert not result.passed
    assert says in result.text, result.text


def test_the_overflow_is_shown_on_one_weight():
    text = examine(BY_ID["01.5"], lambda log_w: log_w.exp().mean(0).log()).text
    assert "log_w = [[-1000]]" in text


@pytest.mark.parametrize(
    "draw",
    [
        lambda mu, log_var, noise: (mu + torch.exp(log_var / 2) * noise).detach(),
        lambda mu, log_var, noise: (mu + torch.exp(log_var / 2) * noise).tolist(),
        lambda mu, log_var, noise: mu.numpy() + np.exp(log_var.numpy() / 2) * noise.numpy(),
        lambda mu, log_var, noise: mu + torch.exp(log_var.detach() / 2) * noise,
    ],
)
def test_a_draw_that_stops_gradients_is_told_so(draw):
    result = examine(BY_ID["01.3"], draw)
    assert not result.passed
    assert "gradient" in result.text


def raises(*inputs):
    raise RuntimeError("odd")


WEIRD = [
    None,
    "1.0",
    True,
    math.nan,
    -math.inf,
    1 + 2j,
    {},
    [],
    [[1.0], [2.0, 3.0]],
    object(),
    torch.zeros(0),
    torch.zeros(7, 7, 7),
    torch.full((4,), math.nan),
    torch.tensor([True, False]),
    torch.ones(4, requires_grad=True),
    torch.zeros(3).to_sparse(),
    np.array("text"),
    lambda: 0,
]


@pytest.mark.parametrize("id", BY_ID)
def test_nothing_that_an_answer_returns_makes_the_check_raise(id, capsys):
    for value in WEIRD:
        check(id, lambda *inputs, value=value: value)
    for answer in (raises, lambda: 0, None, 3, "x", torch.nn.Identity, lambda *inputs: inputs):
        check(id, answer)
    out = capsys.readouterr().out
    assert out.count(id) >= len(WEIRD) + 7
    assert "passed" not in out


@pytest.mark.parametrize("id", ["01.3", "01.5"])
def test_answers_that_turn_weird_once_the_values_are_right_do_not_raise(id):
    exercise = BY_ID[id]
    right = {"01.3": RIGHT[6][1], "01.5": weighted_by_tensor}[id]
    for late in (None, "x", 1.0, torch.zeros(2), raises):
        calls = []

        def answer(*inputs, late=late, calls=calls):
            calls.append(1)
            if len(calls) <= len(exercise.inputs()):
                return right(*inputs)
            return raises() if late is raises else late

        assert not examine(exercise, answer).passed


def test_the_references_agree_with_the_library():
    gen = torch.Generator().manual_seed(5)
    pair = by.draw_gaussians(gen)
    assert torch.allclose(by.quadrature(*pair), losses.gaussian_kl(*pair), rtol=1e-12)
    (log_w,) = by.draw_weights(gen)
    assert torch.allclose(by.in_decimals(log_w), losses.importance_weighted_bound(log_w), rtol=1e-12)
    assert float(by.in_decimals(torch.full((5, 1), -1000.0))) == -1000.0


def test_the_search_finds_what_the_best_gain_of_the_lesson_says():
    gen = torch.Generator().manual_seed(6)
    for _ in range(50):
        eigenvalues, beta, noise_var = by.draw_spectrum(gen)
        assert by.is_spectrum(eigenvalues, beta, noise_var)
        gains = [Direction(one, noise_var, beta, gain=1.0).best().gain for one in eigenvalues.tolist()]
        assert int(by.search(eigenvalues, beta, noise_var)) == sum(gain > 0 for gain in gains)


def test_random_spectra_lie_on_both_sides_of_the_threshold():
    counts = [(int(by.search(*one)), len(one[0])) for one in BY_ID["01.6"].inputs()]
    assert 0.3 < sum(kept for kept, _ in counts) / sum(n for _, n in counts) < 0.7
