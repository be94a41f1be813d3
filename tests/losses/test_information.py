"""Information losses: the numbers of the paper's sheet, enumeration, Monte Carlo on known laws, extremes, refusals."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib import losses
from course_lib.losses import (
    barber_agakov,
    categorical_entropy,
    categorical_log_likelihood,
    donsker_varadhan,
    gaussian_code_log_likelihood,
    info_nce,
    mutual_information,
    nwj,
    paired_mutual_information,
    uniform_entropy,
)

quick = settings(max_examples=30, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
PUBLIC = sorted(n for n in losses.__all__ if getattr(losses, n).__module__ == "course_lib.losses.information")
PRIOR = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
ROWS = torch.tensor([[0.7, 0.2, 0.05, 0.05], [0.1, 0.6, 0.2, 0.1], [0.05, 0.05, 0.3, 0.6]], dtype=torch.float64)
Q = torch.tensor([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.2, 0.3, 0.5], [0.2, 0.2, 0.6]], dtype=torch.float64)


def raw(loss):
    """The loss without the shape checks of the test session, which would speak before it does."""
    return inspect.unwrap(loss)


def normals(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_hot(index, k):
    return torch.nn.functional.one_hot(torch.as_tensor(index), k).double()


# ---- values


def test_the_channel_of_the_sheet():
    joint = PRIOR[:, None] * ROWS
    information = mutual_information(joint)
    entropy = categorical_entropy(PRIOR.log()[None])
    # Every pair (c, x) with its probability: the bound is an exact sum.
    log_q = categorical_log_likelihood(one_hot([c for c in range(3) for _ in range(4)], 3), Q.log().repeat(3, 1))
    bound = (joint.flatten() * barber_agakov(log_q, float(entropy))).sum()
    assert float(information) == pytest.approx(0.355540, abs=1e-6)
    assert float(entropy) == pytest.approx(1.029653, abs=1e-6)
    assert float(bound) == pytest.approx(0.218851, abs=1e-6)
    assert float(information - bound) == pytest.approx(0.136689, abs=1e-6)


def test_the_table_of_continuous_codes():
    # c ~ Unif(-1, 1), every mean by quadrature over c.
    c = torch.linspace(-1, 1, 200_001, dtype=torch.float64)[:, None]
    entropy = float(uniform_entropy(-torch.ones(1).double(), torch.ones(1).double()))

    def bound(mu, log_var):
        return float(barber_agakov(gaussian_code_log_likelihood(c, mu, log_var), entropy).mean())

    assert entropy == pytest.approx(math.log(2))
    assert bound(c, 0.0) == pytest.approx(-0.225791, abs=1e-6)
    assert bound(0 * c, 0.0) == pytest.approx(-0.392458, abs=1e-5)
    assert bound(0 * c, torch.full_like(c, math.log(1 / 3))) == pytest.approx(-0.176485, abs=1e-5)
    # A learned variance equal to the mean squared error v; at v = 4 / (2 pi e) the bound is 0.
    shift = math.sqrt(4 / (2 * math.pi * math.e))
    assert bound(c + shift, torch.full_like(c, 2 * math.log(shift))) == pytest.approx(0.0, abs=1e-9)


def test_softmax_twice_cannot_get_below_the_known_floor():
    # The real port's error: the head ends in a softmax, and the loss takes another.
    best = one_hot(torch.arange(10), 10)
    floor = -categorical_log_likelihood(best, best)
    assert floor.tolist() == pytest.approx([math.log(math.e + 9) - 1] * 10)
    assert -categorical_log_likelihood(best, 1e3 * best).max() < 1e-12


def gaussian_pairs(rho, n, seed):
    x = normals(n, seed=seed)
    y = rho * x + math.sqrt(1 - rho**2) * normals(n, seed=seed + 1)
    return x, y


def log_ratio(x, y, rho):
    r2 = 1 - rho**2
    return -0.5 * math.log(r2) - ((y - rho * x) ** 2 / r2 - y**2) / 2


def test_every_bound_at_its_best_critic_meets_the_truth_or_its_cap():
    rho = 0.9
    truth = -0.5 * math.log(1 - rho**2)
    x, y = gaussian_pairs(rho, 100_000, 0)
    other = y.roll(1)
    joint, product = log_ratio(x, y, rho), log_ratio(x, other, rho)
    assert float(donsker_varadhan(joint, product)) == pytest.approx(truth, abs=0.02)
    assert float(nwj(1 + joint, 1 + product)) == pytest.approx(truth, abs=0.03)
    assert float(donsker_varadhan(joint + 5, product + 5)) == pytest.approx(
        float(donsker_varadhan(joint, product))
    )  # a constant changes nothing
    assert float(nwj(3 + joint, 3 + product)) < truth - 1  # here it does
    log_q = torch.distributions.Normal(rho * y, math.sqrt(1 - rho**2)).log_prob(x)
    entropy = 0.5 * math.log(2 * math.pi * math.e)
    assert float(barber_agakov(log_q, entropy).mean()) == pytest.approx(truth, abs=0.02)
    # InfoNCE, K = 2, 8, 64 and 512: the sheet's measured 0.3346, 0.6805, 0.8054, 0.8280.
    for k, measured in ((2, 0.3346), (8, 0.6805), (64, 0.8054), (512, 0.8280)):
        blocks = [slice(i, i + k) for i in range(0, 16_384, k)]
        means = [float(info_nce(log_ratio(x[s, None], y[s], rho)).mean()) for s in blocks]
        assert sum(means) / len(means) == pytest.approx(measured, abs=0.02)


@quick
@given(SEEDS, st.integers(1, 6), st.floats(0.1, 50))
def test_info_nce_never_exceeds_log_n(seed, n, scale):
    values = info_nce(scale * normals(n, n, seed=seed))
    assert values.shape == (n,)
    assert bool((values <= math.log(n) + 1e-12).all())


@quick
@given(SEEDS, st.floats(-20, 20))
def test_a_constant_leaves_the_ratio_bounds_alone(seed, shift):
    joint, product, scores = normals(5, seed=seed), normals(7, seed=seed + 1), normals(4, 4, seed=seed + 2)
    torch.testing.assert_close(donsker_varadhan(joint + shift, product + shift), donsker_varadhan(joint, product))
    torch.testing.assert_close(info_nce(scores + shift * normals(4, 1, seed=seed)), info_nce(scores))


@quick
@given(SEEDS)
def test_donsker_varadhan_is_nwj_with_the_best_constant(seed):
    joint, product = normals(5, seed=seed), normals(7, seed=seed + 1)
    best = 1 - (product.logsumexp(0) - math.log(len(product)))
    torch.testing.assert_close(nwj(joint + best, product + best), donsker_varadhan(joint, product))
    assert nwj(joint, product) <= donsker_varadhan(joint, product) + 1e-12


@quick
@given(SEEDS)
def test_information_ignores_names_and_never_grows_by_merging(seed):
    gen = torch.Generator().manual_seed(seed)
    joint = torch.rand(4, 5, generator=gen, dtype=torch.float64)
    joint = joint / joint.sum()
    value = mutual_information(joint)
    shuffled = joint[torch.randperm(4, generator=gen)][:, torch.randperm(5, generator=gen)]
    torch.testing.assert_close(mutual_information(shuffled), value)
    torch.testing.assert_close(mutual_information(joint.T), value)
    merged = torch.cat([joint[:, :1] + joint[:, 1:2], joint[:, 2:]], 1)
    assert -1e-12 <= mutual_information(merged) <= value + 1e-12


def test_information_agrees_with_scikit_learn():
    sklearn = pytest.importorskip("sklearn.metrics")
    gen = torch.Generator().manual_seed(0)
    a = torch.randint(3, (500,), generator=gen)
    b = (a + torch.randint(2, (500,), generator=gen)) % 4
    joint = torch.zeros(3, 4).double().index_put((a, b), torch.ones(500).double(), accumulate=True) / 500
    assert float(mutual_information(joint)) == pytest.approx(sklearn.mutual_info_score(a, b), rel=1e-12)
    certain = paired_mutual_information(1000 * one_hot(a, 3), 1000 * one_hot(b, 4))
    torch.testing.assert_close(certain, mutual_information(joint))


def test_paired_information_prefers_certain_equal_and_balanced_codes():
    labels = torch.arange(60) % 3
    agree = paired_mutual_information(20 * one_hot(labels, 3), 20 * one_hot(labels, 3))
    unsure = paired_mutual_information(2 * one_hot(labels, 3), 2 * one_hot(labels, 3))
    one_value = paired_mutual_information(20 * one_hot(0 * labels, 3), 20 * one_hot(0 * labels, 3))
    assert float(agree) == pytest.approx(math.log(3), abs=1e-6)
    assert float(unsure) < float(agree) - 0.3
    assert abs(float(one_value)) < 1e-6


def test_code_gradients_are_those_of_the_sheet():
    code, logits = one_hot([0, 2], 3), normals(2, 3).requires_grad_()
    (grad,) = torch.autograd.grad(-categorical_log_likelihood(code, logits).sum(), logits)
    torch.testing.assert_close(grad, logits.softmax(-1) - code)  # Q - c
    c, mu, log_var = normals(2, 2), normals(2, 2, seed=1).requires_grad_(), normals(2, 2, seed=2).requires_grad_()
    by_mu, by_log_var = torch.autograd.grad(-gaussian_code_log_likelihood(c, mu, log_var).sum(), (mu, log_var))
    torch.testing.assert_close(by_mu, (mu - c) / log_var.exp())
    torch.testing.assert_close(2 * by_log_var, 1 - (c - mu) ** 2 / log_var.exp())  # the gradient by log sigma


# ---- gradients, precision, extremes


def inputs(dtype=torch.float64):
    """Ordinary arguments of every loss, by its name."""
    code, a, b = one_hot([0, 2, 1], 3).to(dtype), normals(3, 3).to(dtype), normals(3, 3, seed=1).to(dtype)
    return {
        "barber_agakov": (a[:, 0], 0.7),
        "categorical_entropy": (a,),
        "categorical_log_likelihood": (code, a),
        "donsker_varadhan": (a[:, 0], b.flatten()),
        "gaussian_code_log_likelihood": (a, b, 0.5 * a),
        "info_nce": (a,),
        "mutual_information": (normals(2, 12).softmax(-1).view(2, 3, 4).to(dtype),),
        "nwj": (a[:, 0], b.flatten()),
        "paired_mutual_information": (a, b),
        "uniform_entropy": (a, a + 1),
    }


def test_the_cases_below_cover_every_public_loss_of_the_file():
    assert set(inputs()) == set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_gradients_agree_with_finite_differences(name):
    constant = {"categorical_log_likelihood": 1}.get(name, 0)  # the code is given
    args = inputs()[name]
    variables = tuple(
        a.clone().requires_grad_(i >= constant) if isinstance(a, torch.Tensor) else a for i, a in enumerate(args)
    )
    assert torch.autograd.gradcheck(getattr(losses, name), variables)


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_is_near_double(name, dtype):
    loss = getattr(losses, name)
    narrow, wide = loss(*inputs(dtype)[name]), loss(*inputs()[name])
    assert narrow.dtype == dtype
    loose = dtype == torch.bfloat16
    torch.testing.assert_close(narrow.double(), wide, rtol=0.05 if loose else 1e-5, atol=0.1 if loose else 1e-5)


def full(value, *shape):
    return torch.full(shape or (2, 3), float(value))


EYE = torch.eye(3)
EXTREMES = {
    "certain and wrong": (lambda a: categorical_log_likelihood(EYE.roll(1, 0), a), 1e4 * EYE),
    "certain and right": (lambda a: categorical_log_likelihood(EYE, a), 1e4 * EYE),
    "narrow code": (gaussian_code_log_likelihood, full(1), full(0), full(-30)),
    "wide code": (gaussian_code_log_likelihood, full(1e4), full(0), full(30)),
    "certain prior": (categorical_entropy, 1e4 * EYE),
    "impossible class": (categorical_entropy, torch.tensor([[0.0, -1e4, 0.0]])),
    "scores of 1e4": (donsker_varadhan, full(1e4, 4), full(1e4, 5)),
    "one pair rules": (donsker_varadhan, full(0, 4), torch.tensor([1e4, 0.0, -1e4])),
    "scores of 80": (nwj, full(80, 4), full(80, 5)),
    "scores of -1e4": (nwj, full(-1e4, 4), full(-1e4, 5)),
    "diagonal of 1e4": (info_nce, 1e4 * EYE),
    "diagonal of -1e4": (info_nce, -1e4 * EYE),
    "one pair": (info_nce, full(3, 1, 1)),
    "table with zeros": (mutual_information, EYE / 3),
    "all in one cell": (mutual_information, torch.tensor([[1.0, 0.0], [0.0, 0.0]])),
    "certain pairs": (paired_mutual_information, 1e4 * EYE, 1e4 * EYE),
    "certain and opposed": (paired_mutual_information, 1e4 * EYE, -1e4 * EYE),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_value_and_gradient_are_finite_at_extremes(name):
    loss, *args = EXTREMES[name]
    variables = [a.clone().requires_grad_() for a in args]
    value = loss(*variables)
    assert value.isfinite().all()
    assert all(g.isfinite().all() for g in torch.autograd.grad(value.sum(), variables))


# ---- refusals


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: raw(categorical_log_likelihood)(torch.tensor([0, 2]), normals(2, 3)), "`logits` has shape|`code`"),
        (
            lambda: raw(categorical_log_likelihood)(2 * one_hot([0], 3), normals(1, 3)),
            r"`code` spans \[0, 2\].*one_hot",
        ),
        (lambda: raw(categorical_log_likelihood)(torch.ones(1, 3).double(), normals(1, 3)), "sum of code.*one-hot"),
        (
            lambda: raw(categorical_log_likelihood)(one_hot([0], 3), math.nan * normals(1, 3)),
            "`logits` is NaN at index",
        ),
        (lambda: raw(gaussian_code_log_likelihood)(normals(2), normals(2)), "`code` has shape .*batch, codes"),
        (lambda: raw(gaussian_code_log_likelihood)(normals(2, 1), normals(2, 2)), "`mu` has shape"),
        (lambda: raw(gaussian_code_log_likelihood)(normals(2, 2), normals(2, 2), normals(2, 1)), "`log_var` has shape"),
        (lambda: raw(categorical_entropy)(normals(3)), "`logits` has shape"),
        (lambda: raw(uniform_entropy)(torch.ones(1, 2), torch.zeros(1, 2)), "must lie above its lower end"),
        (lambda: raw(barber_agakov)(normals(2, 2), 1.0), "`log_q` has shape"),
        (lambda: raw(barber_agakov)(normals(2), math.nan), "`entropy` is NaN"),
        (lambda: raw(barber_agakov)(normals(2), normals(2)), "`entropy` has shape"),
        (lambda: raw(donsker_varadhan)(normals(2, 2), normals(4)), "flatten a table of all pairs first"),
        (lambda: raw(nwj)(normals(2), normals(0)), "`product` holds no critic value"),
        (lambda: raw(info_nce)(normals(2, 3)), "square table"),
        (lambda: raw(mutual_information)(normals(3).abs()), "last two axes"),
        (lambda: raw(mutual_information)(torch.eye(3)), "sum of joint.*divide"),
        (lambda: raw(mutual_information)(5 * torch.eye(3)), "counts"),
        (lambda: raw(paired_mutual_information)(normals(2, 3), normals(3, 3)), "row i of both"),
    ],
)
def test_bad_arguments_are_refused_with_the_remedy(call, says):
    with pytest.raises(ValueError, match=says):
        call()
