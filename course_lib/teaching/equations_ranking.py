"""The equation tests of `course_lib.losses.ranking`: loops over pairs, and `torch.distributions`."""

import torch
from torch import Tensor
from torch.distributions import Bernoulli

from course_lib.teaching.equation_tests import EquationTests, Inputs, normals, register

JOINTS = 6
SOURCE = "Pavlakos, Zhou and Daniilidis 2018, Eqs. 1 and 2"
CASES = r"\sum_{i<j} \mathrm{softplus}(r_{ij}(z_i - z_j)) \text{ or } (z_i - z_j)^2"


def _draw_order(gen: torch.Generator, b: int = 3) -> Inputs:
    """Depths, and an antisymmetric matrix that holds every kind of relation."""
    kinds = torch.tensor([1.0, -1.0, 0.0, torch.nan], dtype=torch.float64)
    upper = kinds[torch.randint(4, (b, JOINTS, JOINTS), generator=gen)].triu(1)
    order = torch.where(torch.ones(JOINTS, JOINTS).triu(1).bool(), upper, -upper.mT)
    return normals(gen, b, JOINTS), order.masked_fill(torch.eye(JOINTS, dtype=torch.bool), 0.0)


def _coin(gap: Tensor, relation: Tensor) -> Tensor:
    """One pair: minus the log-probability of the answer, or the square of a tie."""
    if float(relation) == 0:
        return gap**2
    named = (relation > 0).to(gap.dtype)
    return -Bernoulli(logits=-gap).log_prob(named)


def by_loop(depth: Tensor, order: Tensor) -> Tensor:
    """The loss pair by pair."""
    totals = []
    for z, r in zip(depth, order, strict=True):
        total = 0.0 * z.sum()
        for i in range(len(z)):
            for j in range(i + 1, len(z)):
                if not bool(torch.isnan(r[i, j])):
                    total = total + _coin(z[i] - z[j], r[i, j])
        totals.append(total)
    return torch.stack(totals)


def _is_order(depth: Tensor, order: Tensor) -> bool:
    if depth.dim() != 2 or order.shape != (*depth.shape, depth.shape[1]):
        return False
    known = order.isnan() | order.abs().eq(1) | order.eq(0)
    opposite = order.isnan() & order.mT.isnan() | (order + order.mT == 0)
    return bool(known.all() and opposite.all())


def _full(value: float, *shape: int) -> Tensor:
    return torch.full(shape, value, dtype=torch.float64)


def _line(value: float) -> Tensor:
    """Three joints, one behind the other, `value` apart, twice."""
    return value * torch.arange(3, dtype=torch.float64).expand(2, 3)


CLOSER = torch.tensor([[0.0, 1, 1], [-1, 0, 1], [-1, -1, 0]], dtype=torch.float64).expand(2, 3, 3)

register(
    EquationTests(
        like="ranking_loss",
        formula=CASES,
        source=SOURCE,
        draw=_draw_order,
        reference=by_loop,
        method="a double loop, with torch.distributions for the strict pairs",
        valid=_is_order,
        nonnegative=True,
        differentiable=(0,),
        extremes={
            "gaps of 10,000, all wrong": (_line(-1e4), CLOSER),
            "gaps of 10,000, all right": (_line(1e4), CLOSER),
            "nothing annotated": (_line(1.0), _full(torch.nan, 2, 3, 3)),
        },
        zeros=lambda gen: (_line(1.0), _full(torch.nan, 2, 3, 3)),
        slips={
            "the whole matrix is summed: each pair counts twice": lambda depth, order: 2 * by_loop(depth, order),
            "the sign is that of the published files, where -1 means that i is closer: r is its opposite": (
                lambda depth, order: by_loop(depth, -order)
            ),
            "the mean over pairs is taken instead of the sum": lambda depth, order: (
                by_loop(depth, order) / (~order.isnan()).double().triu(1).sum((1, 2)).clamp_min(1)
            ),
            "ties are left out": lambda depth, order: by_loop(depth, order.masked_fill(order == 0, torch.nan)),
            "missing relations are read as ties": lambda depth, order: by_loop(depth, order.nan_to_num()),
        },
    )
)


def _draw_pairs(gen: torch.Generator) -> Inputs:
    depth, order = _draw_order(gen)
    first, second = torch.triu_indices(JOINTS, JOINTS, 1)
    turn = torch.randint(2, first.shape, generator=gen).bool()
    first, second = torch.where(turn, second, first), torch.where(turn, first, second)
    return depth, first.expand(3, -1).clone(), second.expand(3, -1).clone(), order[:, first, second]


def _listed(depth: Tensor, first: Tensor, second: Tensor, relation: Tensor) -> Tensor:
    totals = []
    for row in range(len(depth)):
        total = 0.0 * depth[row].sum()
        for i, j, r in zip(first[row], second[row], relation[row], strict=True):
            if not bool(torch.isnan(r)):
                total = total + _coin(depth[row, i] - depth[row, j], r)
        totals.append(total)
    return torch.stack(totals)


def _is_list(depth: Tensor, first: Tensor, second: Tensor, relation: Tensor) -> bool:
    fits = first.shape == second.shape == relation.shape and len(first) == len(depth) and first.numel() > 0
    inside = fits and all(bool((one >= 0).all() and (one < depth.shape[1]).all()) for one in (first, second))
    known = relation.isnan() | relation.abs().eq(1) | relation.eq(0)
    return bool(inside and (first != second).all() and known.all())


_ONE, _TWO = torch.tensor([[0, 1]] * 2), torch.tensor([[1, 2]] * 2)

register(
    EquationTests(
        like="pair_ranking_loss",
        formula=CASES,
        source=SOURCE,
        draw=_draw_pairs,
        reference=_listed,
        method="a loop over the list, with torch.distributions for the strict pairs",
        valid=_is_list,
        nonnegative=True,
        differentiable=(0,),
        extremes={
            "gaps of 10,000, all wrong": (_line(-1e4), _ONE, _TWO, _full(1.0, 2, 2)),
            "gaps of 10,000, all right": (_line(1e4), _ONE, _TWO, _full(1.0, 2, 2)),
            "an empty list": (_line(1.0), _ONE, _TWO, _full(torch.nan, 2, 2)),
        },
        zeros=lambda gen: (_line(1.0), _ONE, _TWO, _full(torch.nan, 2, 2)),
        slips={
            "the sign is that of the published files, where -1 means that i is closer: r is its opposite": (
                lambda depth, first, second, relation: _listed(depth, first, second, -relation)
            ),
            "the mean over pairs is taken instead of the sum": lambda depth, first, second, relation: (
                _listed(depth, first, second, relation) / (~relation.isnan()).sum(1).clamp_min(1)
            ),
            "ties are left out": lambda depth, first, second, relation: _listed(
                depth, first, second, relation.masked_fill(relation == 0, torch.nan)
            ),
        },
    )
)
