"""Adversarial losses: hand numbers, optima, gradients at the extremes, patches, refused arguments."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import losses
from course_lib.losses import (
    gradient_penalty,
    hinge_discriminator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    minimax_discriminator_loss,
    minimax_generator_loss,
    nonsaturating_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)

PAIRED = (
    minimax_discriminator_loss,
    least_squares_discriminator_loss,
    hinge_discriminator_loss,
    wasserstein_discriminator_loss,
)
SINGLE = (
    minimax_generator_loss,
    nonsaturating_generator_loss,
    least_squares_generator_loss,
    wasserstein_generator_loss,
)


def one(value):
    return torch.tensor([value], dtype=torch.float64)


def test_hand_numbers():
    zero = one(0.0)
    assert minimax_discriminator_loss(zero, zero).item() == pytest.approx(math.log(4))
    assert minimax_generator_loss(zero).item() == pytest.approx(-math.log(2))
    assert nonsaturating_generator_loss(zero).item() == pytest.approx(math.log(2))
    assert least_squares_discriminator_loss(one(3.0), one(2.0)).item() == 4.0
    assert least_squares_generator_loss(one(3.0)).item() == 2.0
    assert hinge_discriminator_loss(one(0.25), one(-0.5)).item() == 1.25
    assert wasserstein_discriminator_loss(one(3.0), one(1.0)).item() == -2.0
    assert wasserstein_generator_loss(one(3.0)).item() == -3.0
    assert gradient_penalty(torch.tensor([[3.0, 4.0]])).item() == 16.0
    assert gradient_penalty(torch.tensor([[3.0, 4.0]]), target=0).item() == pytest.approx(25.0)


def discrete_pair(seed):
    gen = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(6, generator=gen, dtype=torch.float64).add(0.05).softmax(0) for _ in range(2))


@pytest.mark.parametrize("seed", range(3))
def test_the_best_minimax_discriminator_reaches_log_4_minus_2_jsd(seed):
    p, q = discrete_pair(seed)
    best = (p / q).log().requires_grad_()
    sure = torch.full_like(best, 800.0)  # its own side then costs nothing

    def expected(logits):
        return (p * minimax_discriminator_loss(logits, -sure) + q * minimax_discriminator_loss(sure, logits)).sum()

    (gradient,) = torch.autograd.grad(expected(best), best)
    torch.testing.assert_close(gradient, torch.zeros_like(p), rtol=0, atol=1e-12)
    m = (p + q) / 2
    jsd = 0.5 * (p * (p / m).log() + q * (q / m).log()).sum()
    assert expected(best).item() == pytest.approx(math.log(4) - 2 * jsd.item(), rel=1e-12)
    assert expected(best + 0.1).item() > expected(best).item()


@pytest.mark.parametrize("seed", range(3))
def test_the_best_least_squares_discriminator_is_the_posterior_of_real(seed):
    p, q = discrete_pair(seed)
    best = (p / (p + q)).requires_grad_()
    zero, full = torch.zeros_like(p), torch.ones_like(p)
    expected = p * least_squares_discriminator_loss(best, zero) + q * least_squares_discriminator_loss(full, best)
    (gradient,) = torch.autograd.grad(expected.sum(), best)
    torch.testing.assert_close(gradient, zero, rtol=0, atol=1e-12)


def test_where_the_minimax_generator_stalls_the_non_saturating_one_does_not():
    logits = torch.tensor([-20.0, -20.0], dtype=torch.float64, requires_grad=True)
    (slow,) = torch.autograd.grad(minimax_generator_loss(logits).sum(), logits)
    (fast,) = torch.autograd.grad(nonsaturating_generator_loss(logits).sum(), logits)
    assert (slow.abs() < 1e-8).all()
    assert (fast < -0.999).all()  # both pull the logit up
    assert (slow < 0).all()


def test_minimax_and_non_saturating_agree_where_the_discriminator_is_undecided():
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    (a,) = torch.autograd.grad(minimax_generator_loss(logits).sum(), logits)
    (b,) = torch.autograd.grad(nonsaturating_generator_loss(logits).sum(), logits)
    torch.testing.assert_close(a, b)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5), st.floats(-1e3, 1e3))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_wasserstein_ignores_a_constant_added_to_the_critic(values, shift):
    real = torch.tensor(values, dtype=torch.float64)
    fake = real.flip(0)
    moved = wasserstein_discriminator_loss(real + shift, fake + shift)
    torch.testing.assert_close(moved, wasserstein_discriminator_loss(real, fake), rtol=1e-9, atol=1e-9)


def test_hinge_has_no_gradient_beyond_the_margin():
    real = torch.tensor([1.5, 0.5], dtype=torch.float64, requires_grad=True)
    fake = torch.tensor([-1.5, -0.5], dtype=torch.float64, requires_grad=True)
    to_real, to_fake = torch.autograd.grad(hinge_discriminator_loss(real, fake).sum(), (real, fake))
    assert to_real.tolist() == [0.0, -1.0]
    assert to_fake.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("loss", PAIRED + SINGLE, ids=lambda f: f.__name__)
def test_finite_with_finite_gradients_for_huge_logits(loss, dtype):
    for sign in (1.0, -1.0):
        logits = [torch.full((2,), sign * 3e4, dtype=dtype, requires_grad=True) for _ in range(1 + (loss in PAIRED))]
        value = loss(*logits)
        assert value.dtype == dtype
        assert value.isfinite().all()
        assert all(g.isfinite().all() for g in torch.autograd.grad(value.sum(), logits))


@pytest.mark.parametrize("loss", PAIRED + SINGLE, ids=lambda f: f.__name__)
def test_patches_are_averaged_and_columns_are_read_as_one_value(loss):
    gen = torch.Generator().manual_seed(3)
    maps = [torch.randn(4, 1, 3, 2, generator=gen) for _ in range(1 + (loss in PAIRED))]
    want = torch.stack([loss(*(m[:, 0, i, j] for m in maps)) for i in range(3) for j in range(2)]).mean(0)
    torch.testing.assert_close(loss(*maps), want)
    torch.testing.assert_close(loss(*(m[:, :, 0, 0] for m in maps)), loss(*(m[:, 0, 0, 0] for m in maps)))


def test_gradient_penalty_of_a_linear_critic_is_that_of_its_slope():
    weight = torch.tensor([[0.6, 0.0, 0.8, 1.0]], dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    (gradients,) = torch.autograd.grad((x @ weight.T).sum(), x, create_graph=True)
    penalty = gradient_penalty(gradients)
    torch.testing.assert_close(penalty, torch.full((5,), (math.sqrt(2) - 1) ** 2, dtype=torch.float64))
    (slope,) = torch.autograd.grad(penalty.mean(), weight)
    torch.testing.assert_close(slope, 2 * (1 - 1 / math.sqrt(2)) * weight)  # second derivatives reach the weights


@pytest.mark.parametrize(("value", "want"), [(0.0, 1.0), (1e-30, 1.0), (1e18, 3e36)])
def test_gradient_penalty_is_finite_at_zero_and_far_into_the_range_of_float32(value, want):
    gradients = torch.full((2, 3), value, requires_grad=True)
    penalty = gradient_penalty(gradients)
    (slope,) = torch.autograd.grad(penalty.sum(), gradients)
    assert slope.isfinite().all()
    assert penalty.tolist() == pytest.approx([want, want])


REFUSED = [
    (minimax_discriminator_loss, (torch.zeros(3), torch.zeros(3, 1)), "same shape"),
    (hinge_discriminator_loss, (torch.zeros(3), torch.zeros(4)), "logits_fake"),
    (wasserstein_discriminator_loss, (torch.tensor(0.0), torch.tensor(0.0)), "expected"),
    (minimax_generator_loss, (torch.zeros(0),), "not empty"),
    (least_squares_generator_loss, (torch.tensor([0.0, math.nan]),), "NaN at index"),
    (least_squares_discriminator_loss, (torch.tensor([math.nan]), torch.zeros(1)), "logits_real"),
    (gradient_penalty, (torch.zeros(3),), "gradient of each sample"),
    (gradient_penalty, (torch.zeros(3, 2), -1.0), "target"),
    (gradient_penalty, (torch.full((3, 2), math.nan),), "NaN"),
]


@pytest.mark.parametrize(("loss", "arguments", "says"), REFUSED)
def test_wrong_arguments_are_refused_with_the_reason(loss, arguments, says):
    with pytest.raises(ValueError, match=says):
        inspect.unwrap(loss)(*arguments)  # without the shape checks of the test session, which would speak first


def test_all_are_exported():
    assert {loss.__name__ for loss in (*PAIRED, *SINGLE, gradient_penalty)} <= set(losses.__all__)
