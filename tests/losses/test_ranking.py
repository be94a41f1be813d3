"""Rank losses: a loop over pairs, library oracles, gradients, invariances, extremes, and refusals by name."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from course_lib import losses
from course_lib.losses import (
    order_from_dataset,
    order_from_depth,
    pair_ranking_loss,
    permute_order,
    ranking_loss,
)
from course_lib.teaching.comparisons import Comparisons
from course_lib.teaching.equations_ranking import by_loop

quick = settings(max_examples=30, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**32 - 1)
NAN = math.nan


def raw(loss):
    """The loss without the shape checks of the test session, which would speak before it does."""
    return inspect.unwrap(loss)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def normals(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def random_order(b, n, seed=0, kinds=(1.0, -1.0, 0.0, NAN)):
    """Antisymmetric relations of every kind."""
    chosen = torch.tensor(kinds, dtype=torch.float64)[torch.randint(len(kinds), (b, n, n), generator=generator(seed))]
    upper = torch.ones(n, n).triu(1).bool()
    order = torch.where(upper, chosen, -chosen.mT)
    return order.masked_fill(torch.eye(n, dtype=torch.bool), 0.0)


# ---- values


@pytest.mark.parametrize(("b", "n"), [(1, 2), (3, 5), (2, 14)])
def test_the_value_is_that_of_a_double_loop(b, n):
    depth, order = normals(b, n, seed=1), random_order(b, n, seed=2)
    torch.testing.assert_close(ranking_loss(depth, order), by_loop(depth, order))


@pytest.mark.parametrize("seed", range(5))
def test_the_teaching_model_agrees_value_gradient_and_hessian(seed):
    model = Comparisons.draw(generator(seed))
    depth, order = torch.from_numpy(model.z), torch.from_numpy(model.order)[None]

    def loss(z):
        return ranking_loss(z[None], order).sum()

    assert float(loss(depth)) == pytest.approx(model.loss(), rel=1e-12)
    gradient = torch.autograd.functional.jacobian(loss, depth)
    hessian = torch.autograd.functional.hessian(loss, depth)
    assert np.allclose(gradient, model.gradient(), atol=1e-12)
    assert np.allclose(hessian, model.laplacian(), atol=1e-12)


def test_the_list_of_pairs_and_the_matrix_are_one_loss():
    depth, order = normals(3, 7, seed=3), random_order(3, 7, seed=4)
    first, second = (one.expand(3, -1) for one in torch.triu_indices(7, 7, 1))
    listed = pair_ranking_loss(depth, first, second, order[:, first[0], second[0]])
    torch.testing.assert_close(listed, ranking_loss(depth, order))
    turned = pair_ranking_loss(depth, second, first, -order[:, first[0], second[0]])
    torch.testing.assert_close(turned, listed)


def test_equal_depths_cost_log_two_a_strict_pair_and_nothing_a_tie():
    order = torch.tensor([[[0.0, 1, 0], [-1, 0, NAN], [0, NAN, 0]]])
    assert float(ranking_loss(torch.zeros(1, 3), order)) == pytest.approx(math.log(2))


def test_a_pair_that_is_annotated_one_way_only_counts():
    depth = normals(1, 3, seed=5)
    one_way = torch.full((1, 3, 3), NAN, dtype=torch.float64)
    one_way[0, 2, 0] = 1.0  # below the diagonal
    both = one_way.clone()
    both[0, 0, 2] = -1.0
    torch.testing.assert_close(ranking_loss(depth, one_way), ranking_loss(depth, both))
    torch.testing.assert_close(ranking_loss(depth, one_way), F.softplus(depth[:, 2] - depth[:, 0]))


def test_weights_multiply_pairs_and_a_pair_listed_twice_counts_twice():
    depth, order = normals(2, 4, seed=6), random_order(2, 4, seed=7)
    weights = torch.rand(2, 4, 4, generator=generator(8), dtype=torch.float64)
    mean = 0.5 * (weights + weights.mT)
    by_hand = torch.zeros(2, dtype=torch.float64)
    for i in range(4):
        for j in range(i + 1, 4):
            alone = torch.full_like(order, NAN)
            alone[:, i, j] = order[:, i, j]
            by_hand += mean[:, i, j] * ranking_loss(depth, alone)
    torch.testing.assert_close(ranking_loss(depth, order, weights=weights), by_hand)
    zero, one = torch.zeros(2, 2, dtype=torch.long), torch.ones(2, 2, dtype=torch.long)
    relation = torch.ones(2, 2, dtype=torch.float64)
    twice = pair_ranking_loss(depth, zero, one, relation)
    once = pair_ranking_loss(depth, zero[:, :1], one[:, :1], relation[:, :1])
    torch.testing.assert_close(twice, 2 * once)
    doubled = pair_ranking_loss(depth, zero[:, :1], one[:, :1], relation[:, :1], weights=2 * relation[:, :1])
    torch.testing.assert_close(doubled, twice)


# ---- libraries people trust


def test_strict_pairs_are_those_of_binary_cross_entropy_and_soft_margin():
    gaps = normals(50, seed=9)
    relation = torch.where(torch.rand(50, generator=generator(10)) < 0.5, 1.0, -1.0).double()
    depth = torch.stack([gaps, torch.zeros_like(gaps)], 1)
    ours = pair_ranking_loss(depth, torch.zeros(50, 1).long(), torch.ones(50, 1).long(), relation[:, None])
    named = (relation > 0).double()
    torch.testing.assert_close(ours, F.binary_cross_entropy_with_logits(-gaps, named, reduction="none"))
    torch.testing.assert_close(ours.mean(), F.soft_margin_loss(-gaps, relation))


def test_many_times_the_softplus_is_the_hinge():
    gaps = normals(50, seed=11)
    depth = torch.stack([1e3 * gaps, torch.zeros_like(gaps)], 1)
    ours = pair_ranking_loss(depth, torch.zeros(50, 1).long(), torch.ones(50, 1).long(), torch.ones(50, 1).double())
    hinge = F.margin_ranking_loss(torch.zeros_like(gaps), gaps, torch.ones_like(gaps), reduction="none")
    torch.testing.assert_close(ours / 1e3, hinge, atol=1e-3, rtol=0)


def test_the_least_loss_is_that_of_logistic_regression():
    n = 6
    first, second = torch.triu_indices(n, n, 1)
    truth = normals(n, seed=12)
    draws = torch.rand(40, len(first), generator=generator(13), dtype=torch.float64)
    relation = torch.where(draws < torch.sigmoid(truth[second] - truth[first]), 1.0, -1.0).double()
    depth = torch.zeros(1, n, dtype=torch.float64, requires_grad=True)
    opt = torch.optim.LBFGS([depth], max_iter=200, tolerance_grad=1e-10, line_search_fn="strong_wolfe")
    lists = (first.repeat(40)[None], second.repeat(40)[None], relation.reshape(1, -1))

    def loss():
        opt.zero_grad()
        value = pair_ranking_loss(depth, *lists).sum() + 0.5 * depth.square().sum()
        value.backward()
        return value

    opt.step(loss)
    design = np.zeros((relation.numel(), n))
    rows = np.arange(len(design))
    design[rows, lists[0][0]], design[rows, lists[1][0]] = -1, 1
    oracle = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=1000)
    oracle.fit(design, (lists[2][0] > 0).numpy())
    assert np.allclose(depth.detach()[0], oracle.coef_[0], atol=1e-5)


# ---- gradients


@pytest.mark.parametrize("name", ["ranking_loss", "pair_ranking_loss"])
def test_gradients_agree_with_finite_differences(name):
    depth = normals(2, 5, seed=14).requires_grad_()
    order = random_order(2, 5, seed=15)
    first, second = (one.expand(2, -1) for one in torch.triu_indices(5, 5, 1))
    if name == "ranking_loss":
        weights = torch.rand(2, 5, 5, generator=generator(16), dtype=torch.float64)
        assert torch.autograd.gradcheck(lambda z: ranking_loss(z, order, weights=weights), depth)
        assert torch.autograd.gradgradcheck(lambda z: ranking_loss(z, order), depth)
    else:
        relation = order[:, first[0], second[0]]
        assert torch.autograd.gradcheck(lambda z: pair_ranking_loss(z, first, second, relation), depth)


@pytest.mark.parametrize("relation", [1.0, -1.0])
def test_the_gradient_is_the_sigmoid(relation):
    depth = normals(20, 2, seed=17).requires_grad_()
    order = torch.tensor([[0, relation], [-relation, 0]], dtype=torch.float64).expand(20, 2, 2)
    ranking_loss(depth, order).sum().backward()
    pull = relation * torch.sigmoid(relation * (depth[:, 0] - depth[:, 1])).detach()
    torch.testing.assert_close(depth.grad, torch.stack([pull, -pull], 1))


@quick
@given(seed=SEEDS, shift=st.floats(-1e3, 1e3))
def test_shifts_change_nothing_and_pulls_cancel(seed, shift):
    depth, order = normals(2, 6, seed=seed).requires_grad_(), random_order(2, 6, seed=seed)
    value = ranking_loss(depth, order)
    torch.testing.assert_close(ranking_loss(depth + shift, order), value, rtol=1e-9, atol=1e-9)
    (gradient,) = torch.autograd.grad(value.sum(), depth)
    torch.testing.assert_close(gradient.sum(1), torch.zeros(2, dtype=torch.float64), atol=1e-12, rtol=0)


@quick
@given(seed=SEEDS)
def test_mirrors_and_permutations(seed):
    depth, order = normals(2, 6, seed=seed), random_order(2, 6, seed=seed)
    torch.testing.assert_close(ranking_loss(-depth, -order), ranking_loss(depth, order))
    permutation = torch.randperm(6, generator=generator(seed))
    torch.testing.assert_close(
        ranking_loss(depth[:, permutation], permute_order(order, permutation)), ranking_loss(depth, order)
    )
    torch.testing.assert_close(ranking_loss(depth, order.mT), ranking_loss(depth, -order))


@quick
@given(seed=SEEDS)
def test_the_loss_is_convex(seed):
    order = random_order(1, 5, seed=seed)
    one, other = normals(1, 5, seed=seed), normals(1, 5, seed=seed + 1)
    middle = ranking_loss((one + other) / 2, order)
    assert float(middle) <= float(ranking_loss(one, order) + ranking_loss(other, order)) / 2 + 1e-12


# ---- extremes


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("far", [1e4, -1e4, 0.0])
def test_huge_gaps_stay_finite(dtype, far):
    depth = (far * torch.arange(4.0)).to(dtype)[None].requires_grad_()
    value = ranking_loss(depth, order_from_depth(torch.arange(4.0)[None]).to(dtype))
    assert value.isfinite().all()
    assert float(value.detach()) == pytest.approx({1e4: 0.0, -1e4: 10e4, 0.0: 6 * math.log(2)}[far], rel=1e-2)
    value.sum().backward()
    assert depth.grad.isfinite().all()


def test_missing_relations_reach_neither_value_nor_gradient():
    depth = torch.tensor([[0.0, 1.0, 1e4]], requires_grad=True)
    order = torch.tensor([[[0.0, 1, NAN], [-1, 0, NAN], [NAN, NAN, 0]]])
    value = ranking_loss(depth, order)
    value.sum().backward()
    assert float(value.detach()) == pytest.approx(math.log1p(math.exp(-1)))
    assert float(depth.grad[0, 2]) == 0.0
    assert depth.grad.isfinite().all()


@pytest.mark.parametrize("n", [1, 4])
def test_without_an_annotation_loss_and_gradient_are_zero(n):
    depth = normals(2, n, seed=18).requires_grad_()
    value = ranking_loss(depth, torch.full((2, n, n), NAN, dtype=torch.float64))
    value.sum().backward()
    assert value.tolist() == [0.0, 0.0]
    assert depth.grad.tolist() == [[0.0] * n] * 2
    depth.grad = None
    nobody = torch.zeros(2, 0)
    value = pair_ranking_loss(depth, nobody.long(), nobody.long(), nobody.double())
    value.sum().backward()
    assert value.tolist() == [0.0, 0.0]
    assert not depth.grad.any()
    assert ranking_loss(torch.zeros(0, 3), torch.zeros(0, 3, 3)).shape == (0,)


# ---- relations


def test_relations_from_depth_have_the_sign_of_the_paper():
    order = order_from_depth(torch.tensor([0.0, 0.3, 0.35, NAN]))
    expected = torch.tensor([[0, 1, 1, NAN], [-1, 0, 0, NAN], [-1, 0, 0, NAN], [NAN, NAN, NAN, NAN]])
    torch.testing.assert_close(order, expected, equal_nan=True)
    exact = order_from_depth(torch.tensor([0.0, 0.25]), 0.25)  # the threshold itself is no tie
    assert exact[0, 1] == 1
    assert order_from_depth(torch.tensor([0.0, 0.25]), 0.0)[0, 1] == 1


def test_relations_from_the_dataset_are_turned_and_filled():
    file = torch.tensor([[0, -1, NAN], [1, 0, NAN], [NAN, 1, 0]])
    order = order_from_dataset(file)
    torch.testing.assert_close(order, torch.tensor([[0, 1, NAN], [-1, 0, 1], [NAN, -1, 0]]), equal_nan=True)
    assert not torch.signbit(order[0, 0])
    assert raw(order_from_dataset)(torch.tensor([[0, -1], [1, 0]]))[0, 1] == 1.0  # integers as some readers give them


def test_the_wrong_sign_rewards_the_mirror():
    truth = 0.25 * normals(1, 14, seed=19)
    file = -order_from_depth(truth)  # what the dataset would hold
    right, wrong = order_from_dataset(file), file
    assert float(ranking_loss(5 * truth, right)) < 0.3 * float(ranking_loss(-5 * truth, right))
    torch.testing.assert_close(ranking_loss(-5 * truth, wrong), ranking_loss(5 * truth, right))


# ---- refusals

GOOD = torch.tensor([[[0.0, 1, 0], [-1, 0, NAN], [0, NAN, 0]]])
DEPTH = torch.zeros(1, 3)


def changed(i, j, value):
    order = GOOD.clone()
    order[0, i, j] = value
    return order


def index(*rows):
    return torch.tensor([list(rows)])


PAIRS = (DEPTH, index(0), index(1), torch.ones(1, 1))
BAD = {
    "another value": (ranking_loss, (DEPTH, changed(1, 2, 2.0)), "holds 2"),
    "a half": (ranking_loss, (DEPTH, changed(1, 2, 0.5)), "holds 0.5"),
    "symmetric": (ranking_loss, (DEPTH, changed(1, 0, 1.0)), r"joints \(0, 1\) of sample 0"),
    "a tie against a sign": (ranking_loss, (DEPTH, changed(2, 0, 1.0)), "must be opposite"),
    "a depth is NaN": (ranking_loss, (torch.tensor([[0.0, NAN, 1]]), GOOD), "`depth` is NaN"),
    "one matrix for all": (ranking_loss, (torch.zeros(2, 3), GOOD), "one matrix a sample"),
    "no batch": (ranking_loss, (torch.zeros(3), GOOD), "expected 2 axes"),
    "too many joints": (ranking_loss, (torch.zeros(1, 4), GOOD), r"\(1, 4, 4\)"),
    "joint from 1": (pair_ranking_loss, (DEPTH, index(1), index(3), torch.ones(1, 1)), "count from 1"),
    "negative joint": (pair_ranking_loss, (DEPTH, index(-1), index(1), torch.ones(1, 1)), "numbered from 0"),
    "with itself": (pair_ranking_loss, (DEPTH, index(1), index(1), torch.ones(1, 1)), "no order with itself"),
    "fractional joints": (pair_ranking_loss, (DEPTH, index(0).float(), index(1), torch.ones(1, 1)), "integers"),
    "relation 3": (pair_ranking_loss, (*PAIRS[:3], torch.full((1, 1), 3.0)), "holds 3"),
    "lists of unequal length": (pair_ranking_loss, (DEPTH, index(0, 1), index(1), torch.ones(1, 1)), "`first`"),
    "one list for all": (pair_ranking_loss, (torch.zeros(2, 3), *PAIRS[1:]), "one row a sample"),
    "NaN in a list": (pair_ranking_loss, (torch.full((1, 3), NAN), *PAIRS[1:]), "`depth` is NaN"),
    "whole depths": (order_from_depth, (torch.zeros(3, dtype=torch.long),), "floating"),
    "negative threshold": (order_from_depth, (DEPTH, -0.1), "threshold"),
    "millimetres without end": (order_from_depth, (DEPTH, math.inf), "threshold"),
    "not square": (order_from_dataset, (torch.zeros(2, 3),), "square"),
    "MATLAB's true": (order_from_dataset, (torch.full((2, 2), 2.0),), "holds 2"),
    "both closer": (order_from_dataset, (torch.tensor([[0.0, -1], [-1, 0]]),), "must be opposite"),
    "a joint twice": (permute_order, (GOOD, torch.tensor([0, 1, 1])), "each of 0 to 2 once"),
    "a joint too few": (permute_order, (GOOD, torch.tensor([0, 1])), "each of 0 to 2 once"),
    "a joint out of range": (permute_order, (GOOD, torch.tensor([0, 1, 3])), "each of 0 to 2 once"),
    "no square to permute": (permute_order, (torch.zeros(2, 3), torch.tensor([0, 1, 2])), "square"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_name(name):
    function, arguments, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        raw(function)(*arguments)


@pytest.mark.parametrize("value", [-1.0, NAN])
def test_bad_weights_are_refused(value):
    with pytest.raises(ValueError, match="`weights`"):
        ranking_loss(DEPTH, GOOD, weights=torch.full((1, 3, 3), value))
    with pytest.raises(ValueError, match="`weights`"):
        pair_ranking_loss(*PAIRS, weights=torch.full((1, 1), value))
    with pytest.raises(ValueError, match="`weights`"):
        raw(ranking_loss)(DEPTH, GOOD, weights=torch.ones(1, 2, 2))


def test_every_public_function_is_tested_here():
    public = {n for n in losses.__all__ if getattr(losses, n).__module__ == "course_lib.losses.ranking"}
    assert public == {"ranking_loss", "pair_ranking_loss", "order_from_depth", "order_from_dataset", "permute_order"}
