"""ELBO losses: gradients, extreme and empty inputs, single and half precision, refusal of bad input."""

import inspect

import pytest
import torch

from course_lib import losses
from course_lib.losses import (
    bernoulli_log_likelihood,
    elbo,
    full_gaussian_kl,
    gaussian_kl,
    gaussian_log_density,
    gaussian_log_likelihood,
    importance_weighted_bound,
    standard_normal_kl,
)

PUBLIC = sorted(name for name in losses.__all__ if getattr(losses, name).__module__ == "course_lib.losses.elbo")


def raw(loss):
    """The loss without the shape checks of the test session, which would speak before it does."""
    return inspect.unwrap(loss)


def normals(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def factor(b, z, seed=0):
    return normals(b, z, z, seed=seed).tril(-1) + torch.diag_embed((0.5 * normals(b, z, seed=seed + 1)).exp())


def inputs(dtype=torch.float64):
    """Ordinary arguments of every loss, by its name."""
    mu, log_var, mu_p, log_var_p = (normals(3, 2, seed=i).to(dtype) for i in range(4))
    return {
        "gaussian_kl": (mu, log_var, mu_p, log_var_p),
        "standard_normal_kl": (mu, log_var),
        "full_gaussian_kl": (mu, factor(3, 2).to(dtype), mu_p, factor(3, 2, seed=5).to(dtype)),
        "gaussian_log_density": (mu, mu_p, log_var),
        "bernoulli_log_likelihood": (mu.sigmoid(), log_var),
        "gaussian_log_likelihood": (mu, mu_p, torch.tensor(-0.5, dtype=dtype)),
        "elbo": (mu[:, 0], log_var[:, 0].abs(), 0.7),
        "importance_weighted_bound": (log_var.T.contiguous(),),
    }


def test_the_cases_below_cover_every_public_loss_of_the_file():
    assert set(inputs()) == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_gradients_agree_with_finite_differences(name):
    args = inputs()[name]
    variables = tuple(a.clone().requires_grad_() if isinstance(a, torch.Tensor) else a for a in args)
    assert torch.autograd.gradcheck(getattr(losses, name), variables)


@pytest.mark.parametrize("name", PUBLIC)
def test_single_precision_agrees_with_double(name):
    loss = getattr(losses, name)
    narrow, wide = loss(*inputs(torch.float32)[name]), loss(*inputs()[name])
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow.double(), wide, rtol=1e-5, atol=1e-5)


# Triangular solves have no bfloat16 kernel in PyTorch.
@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"full_gaussian_kl"}))
def test_bfloat16_is_finite_and_near(name):
    loss = getattr(losses, name)
    coarse, wide = loss(*inputs(torch.bfloat16)[name]), loss(*inputs()[name])
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.double(), wide, rtol=0.05, atol=0.1)


def full(value, *shape):
    return torch.full(shape or (2, 3), float(value))


EYE3 = torch.eye(3).repeat(2, 1, 1)
EXTREMES = {
    "narrow q, wide p": (gaussian_kl, full(0), full(-30), full(0), full(30)),
    "wide q, narrow p": (gaussian_kl, full(0), full(30), full(0), full(-30)),
    "means 1e4 apart": (gaussian_kl, full(1e4), full(0), full(0), full(0)),
    "q narrow": (standard_normal_kl, full(0), full(-30)),
    "q wide": (standard_normal_kl, full(0), full(30)),
    "all zero": (standard_normal_kl, full(0), full(0)),
    "tiny factor": (full_gaussian_kl, full(0), 1e-6 * EYE3, full(0), EYE3),
    "density, narrow": (gaussian_log_density, full(1), full(0), full(-30)),
    "density, wide": (gaussian_log_density, full(1), full(0), full(30)),
    "ink where the logit is -1e4": (bernoulli_log_likelihood, full(1), full(-1e4)),
    "no ink where the logit is 1e4": (bernoulli_log_likelihood, full(0), full(1e4)),
    "certain and right": (bernoulli_log_likelihood, full(1), full(1e4)),
    "grey, narrow": (gaussian_log_likelihood, full(1), full(0), torch.tensor(-30.0)),
    "grey, wide": (gaussian_log_likelihood, full(1), full(0), torch.tensor(30.0)),
    "weights of e^-1e4": (importance_weighted_bound, full(-1e4)),
    "weights of e^1e4": (importance_weighted_bound, full(1e4)),
    "one weight rules": (importance_weighted_bound, torch.tensor([[-1e4, 1e4], [1e4, -1e4]])),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_value_and_gradient_are_finite_at_extremes(name):
    loss, *args = EXTREMES[name]
    variables = [a.clone().requires_grad_() for a in args]
    value = loss(*variables)
    assert value.isfinite().all()
    gradients = torch.autograd.grad(value.sum(), variables)
    assert all(g.isfinite().all() for g in gradients)


def test_extreme_values_are_the_right_ones():
    assert bernoulli_log_likelihood(full(1), full(-1e4)).tolist() == [-3e4, -3e4]
    assert bernoulli_log_likelihood(full(1), full(1e4)).tolist() == [0, 0]
    assert importance_weighted_bound(full(-1e4)).tolist() == [-1e4] * 3
    # -log_var alone is left when the variance is tiny: half of (30 - 1) in each of 3 dimensions
    assert standard_normal_kl(full(0), full(-30)).tolist() == pytest.approx([43.5, 43.5])


def test_an_empty_code_costs_nothing_and_an_empty_batch_gives_no_value():
    none = torch.zeros(4, 0)
    assert standard_normal_kl(none, none).tolist() == [0] * 4
    assert gaussian_kl(none, none, none, none).tolist() == [0] * 4
    square = torch.zeros(4, 0, 0)
    assert full_gaussian_kl(none, square, none, square).tolist() == [0] * 4
    assert gaussian_log_density(none, none, none).tolist() == [0] * 4
    empty = torch.zeros(0, 3)
    assert standard_normal_kl(empty, empty).shape == (0,)
    assert bernoulli_log_likelihood(empty, empty).shape == (0,)
    assert importance_weighted_bound(torch.zeros(5, 0)).shape == (0,)


def test_one_sample_is_its_own_bound():
    log_weights = normals(1, 4)
    assert torch.equal(importance_weighted_bound(log_weights), log_weights[0])


def nan_at(*index, shape=(3, 2)):
    tensor = torch.zeros(shape)
    tensor[index] = float("nan")
    return tensor


A, WIDE, EYE = torch.zeros(3, 2), torch.zeros(3, 1), torch.eye(2).repeat(3, 1, 1)
SAME = "give both the same shape"
REFUSALS = {
    "kl: rank": (gaussian_kl, (A[0],) * 4, r"`mu_q` has shape \(2,\): expected 2 axes \(batch, latent\)"),
    "kl: no broadcasting": (gaussian_kl, (A, WIDE, A, A), rf"`log_var_q` has shape \(3, 1\) but `mu_q` .*{SAME}"),
    "kl: prior": (gaussian_kl, (A, A, A, WIDE), rf"`log_var_p` has shape \(3, 1\).*{SAME}"),
    "kl: NaN": (gaussian_kl, (A, A, nan_at(1, 0), A), r"`mu_p` is NaN at index \(1, 0\): find the step"),
    "standard: rank": (standard_normal_kl, (A[0], A[0]), r"`mu` has shape \(2,\): expected 2 axes"),
    "standard: shapes": (standard_normal_kl, (A, WIDE), rf"`log_var` has shape \(3, 1\).*{SAME}"),
    "standard: NaN": (standard_normal_kl, (A, nan_at(2, 1)), r"`log_var` is NaN at index \(2, 1\)"),
    "full: rank": (full_gaussian_kl, (A, A, A, A), r"`tril_q` has shape \(3, 2\): expected 3 axes"),
    "full: means": (full_gaussian_kl, (A, EYE, WIDE, EYE), rf"`mu_p` has shape \(3, 1\).*{SAME}"),
    "full: factors": (full_gaussian_kl, (A, EYE, A, EYE[:2]), rf"`tril_p` has shape \(2, 2, 2\).*{SAME}"),
    "full: size": (
        full_gaussian_kl,
        (WIDE, EYE, WIDE, EYE),
        r"`tril_q` .* with `mu_q` \(3, 1\) it must be \(3, 1, 1\)",
    ),
    "full: diagonal of q": (
        full_gaussian_kl,
        (A, -EYE, A, EYE),
        r"`tril_q` has a diagonal entry -1: .*softplus or exp",
    ),
    "full: diagonal of p": (full_gaussian_kl, (A, EYE, A, 0 * EYE), r"`tril_p` has a diagonal entry 0: .*softplus"),
    "full: NaN": (full_gaussian_kl, (nan_at(0, 0), EYE, A, EYE), r"`mu_q` is NaN at index \(0, 0\)"),
    "pixels: shapes": (bernoulli_log_likelihood, (A, WIDE), rf"`logits` has shape \(3, 1\) but `x` .*{SAME}"),
    "pixels: 255": (bernoulli_log_likelihood, (A + 255, A), r"`x` spans \[255, 255\].*\[0, 1\] .*divide by 255"),
    "pixels: negative": (bernoulli_log_likelihood, (A - 0.5, A), r"`x` spans \[-0.5, -0.5\]: it must lie in \[0, 1\]"),
    "pixels: NaN": (bernoulli_log_likelihood, (nan_at(0, 1), A), r"`x` spans \[nan, nan\]"),
    "pixels: NaN logit": (bernoulli_log_likelihood, (A, nan_at(0, 1)), r"`logits` is NaN at index \(0, 1\)"),
    "grey: shapes": (gaussian_log_likelihood, (A, WIDE), rf"`mu` has shape \(3, 1\) but `x` .*{SAME}"),
    "grey: NaN": (gaussian_log_likelihood, (nan_at(2, 0), A), r"`x` is NaN at index \(2, 0\)"),
    "elbo: shapes": (elbo, (A[:, 0], A[:2, 0]), rf"`kl` has shape \(2,\) but `log_likelihood` .*{SAME}"),
    "elbo: beta": (elbo, (A[:, 0], A[:, 0], -1.0), r"`beta` \(=-1.0\) must be 0 or more"),
    "elbo: NaN beta": (elbo, (A[:, 0], A[:, 0], float("nan")), r"`beta` \(=nan\) must be 0 or more"),
    "elbo: NaN": (elbo, (A[:, 0], nan_at(1, shape=(3,))), r"`kl` is NaN at index \(1,\)"),
    "bound: rank": (importance_weighted_bound, (A[0],), r"`log_weights` has shape \(2,\): .*samples k, batch b"),
    "bound: none": (importance_weighted_bound, (A[:0],), r"`log_weights` holds no sample \(k = 0\): draw at least one"),
    "bound: NaN": (importance_weighted_bound, (nan_at(1, 1),), r"`log_weights` is NaN at index \(1, 1\)"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_bad_input_is_refused_with_argument_value_and_remedy(name):
    loss, args, message = REFUSALS[name]
    with pytest.raises(ValueError, match=message):
        raw(loss)(*args)


def test_infinity_of_both_signs_is_not_taken_for_nan():
    # Their sum is NaN, which is the quick look; the exact one must then find none.
    x = torch.tensor([[float("inf"), -float("inf")]])
    assert raw(importance_weighted_bound)(x).tolist() == [float("inf"), -float("inf")]


def test_shape_checks_of_the_session_speak_first():
    with pytest.raises(TypeError, match="log_var_q"):
        gaussian_kl(A, WIDE, A, A)
