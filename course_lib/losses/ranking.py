r"""Rank losses: depths learned from comparisons of pairs.

The relation of joints i and j is $r_{(i,j)}=+1$ when i is closer to the camera, $-1$ when j is, 0 when both are about
as far, NaN when nobody said. Depth grows away from the camera, so $r=+1$ asks for $z_i<z_j$. The files of the published
annotations hold the *opposite* sign; `order_from_dataset` turns them.

Source: Pavlakos, Zhou and Daniilidis 2018, Eqs. 1 and 2. The strict cases are the negative log-likelihood of the model
of Bradley and Terry 1952, as in RankNet (Burges et al. 2005).
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from course_lib.losses._checks import at_least_single, can_look, no_nan, rank, same_shape

REMEDY = (
    "relations are +1 (i closer), -1 (j closer), 0 (about equal) or NaN (not annotated); "
    "give published annotations to order_from_dataset and depths to order_from_depth"
)


def ranking_loss(
    depth: Float[Tensor, "b n"], order: Float[Tensor, "b n n"], *, weights: Float[Tensor, "b n n"] | None = None
) -> Float[Tensor, " b"]:
    r"""Sum over the annotated pairs of $\log(1+e^{z_i-z_j})$, $\log(1+e^{z_j-z_i})$ or $(z_i-z_j)^2$.

    Pavlakos et al. 2018, Eqs. 1 and 2, for $r=+1$, $-1$ and 0. Each unordered pair counts once: a sum over the whole
    matrix would double it against the other terms of a training loss. Adding a number to all depths of a sample changes
    nothing; their *scale* matters. Finite depths are best only where,
    with an arrow from the closer to the farther joint of each strict pair and both ways for a tie, one can walk from
    any joint of a connected group to any other; otherwise two parts of a group drift apart for ever.

    Args:
        depth: z, in the unit of the network, larger is farther.
        order: Relations r. A pair that only (i, j) or only (j, i) annotates is annotated; where both do, they must be
            opposite. On the diagonal 0 or NaN.
        weights: Weight of each pair, 0 or more; where (i, j) and (j, i) differ, their mean. Constants: no gradient
            reaches them.

    Returns:
        Nats plus squared units of depth, 0 or more. A sample without an annotated pair has loss 0 and gradient 0.

    Raises:
        ValueError: Shapes do not fit, a depth is NaN, a relation is none of the four or contradicts its reverse, or a
            weight is negative or NaN.
    """
    rank("depth", depth, 2, "batch, joints")
    count = depth.shape[1]
    if order.shape != (len(depth), count, count):
        raise ValueError(
            f"`order` has shape {tuple(order.shape)} but `depth` {tuple(depth.shape)}: one matrix a sample, "
            f"{(len(depth), count, count)}"
        )
    no_nan(depth=depth)
    depth = at_least_single(depth)
    order = order.to(depth.dtype)
    relation, tied = _both_ways(order)
    signed = relation
    if weights is not None:
        same_shape(weights=weights, order=order)
        weights = _checked(0.5 * (weights + weights.mT)).to(depth.dtype)
        signed, tied = relation * weights, tied * weights
    return _AllPairs.apply(depth, relation, signed, tied)


def pair_ranking_loss(
    depth: Float[Tensor, "b n"],
    first: Int[Tensor, "b p"],
    second: Int[Tensor, "b p"],
    relation: Float[Tensor, "b p"],
    *,
    weights: Float[Tensor, "b p"] | None = None,
) -> Float[Tensor, " b"]:
    r"""The same loss for a list of pairs; a pair listed twice, or by two annotators, counts twice.

    Pavlakos et al. 2018, Eqs. 1 and 2. Answers may contradict one another: the loss then meets them half-way.

    Args:
        depth: z, in the unit of the network, larger is farther.
        first: Joint i of each pair, from 0.
        second: Joint j of each pair, another one than i.
        relation: r of each pair; NaN to leave a place of the list empty.
        weights: Weight of each pair, 0 or more.

    Returns:
        Nats plus squared units of depth, 0 or more; 0 with gradient 0 where no pair is annotated.

    Raises:
        ValueError: Shapes do not fit, a joint is out of range or paired with itself, a depth is NaN, a relation is none
            of the four, or a weight is negative or NaN.
    """
    rank("depth", depth, 2, "batch, joints")
    rank("relation", relation, 2, "batch, pairs")
    same_shape(relation=relation, first=first, second=second)
    if len(relation) != len(depth):
        raise ValueError(f"`relation` has {len(relation)} rows for {len(depth)} of `depth`: give one row a sample")
    for name, joint in (("first", first), ("second", second)):
        if joint.is_floating_point() or joint.dtype == torch.bool:
            raise ValueError(f"`{name}` has dtype {joint.dtype}: joints are numbered by integers")
        if can_look(joint) and not 0 <= int(joint.min()) <= int(joint.max()) < depth.shape[1]:
            raise ValueError(
                f"`{name}` spans [{int(joint.min())}, {int(joint.max())}]: joints are numbered from 0 to "
                f"{depth.shape[1] - 1} (files of MATLAB count from 1)"
            )
    if can_look(first) and bool((first == second).any()):
        raise ValueError("`first` and `second` hold the same joint in a pair: a joint has no order with itself")
    depth = at_least_single(depth)
    relation = relation.to(depth.dtype)
    counts = _known(relation)
    if weights is not None:
        same_shape(weights=weights, relation=relation)
        counts = counts * _checked(weights)
    no_nan(depth=depth)
    relation = relation.nan_to_num()
    _codes(relation, "relation")
    gap = depth.gather(1, first.long()) - depth.gather(1, second.long())
    terms = torch.where(relation == 0, gap.square(), F.softplus(relation * gap))
    return (terms * counts).sum(1)


def order_from_depth(depth: Float[Tensor, "*batch n"], threshold: float = 0.1) -> Float[Tensor, "*batch n n"]:
    r"""Relations from true depths: $\mathrm{sign}(Z_j-Z_i)$, or 0 where $\lvert Z_i-Z_j\rvert$ is below a threshold.

    Pavlakos et al. 2018, Section 4.3: 100 mm, used only where relations stand in for annotations.

    Args:
        depth: Z of each joint; NaN leaves a joint without relations.
        threshold: In the unit of `depth` (metres: 0.1).

    Returns:
        r, 0 on the diagonal; NaN wherever a depth is.

    Raises:
        ValueError: A depth without joints, or a threshold that is negative or not finite.
    """
    if depth.ndim < 1 or not depth.is_floating_point():
        raise ValueError(f"`depth` is {depth.dtype} of shape {tuple(depth.shape)}: give floating (..., joints)")
    if not 0 <= threshold < math.inf:
        raise ValueError(f"`threshold` (={threshold}) must be a length, 0 or more, in the unit of `depth`")
    gap = depth[..., None, :] - depth[..., :, None]
    relation = torch.where(gap.abs() < threshold, torch.zeros_like(gap), gap.sign())
    return torch.where(gap.isnan(), gap, relation)  # the sign of NaN is 0


def order_from_dataset(annotation: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch n n"]:
    r"""Relations from the published matrices, where $-1$ says that joint i is *closer*: $r=-\mathrm{ord}$.

    LSP and MPII ordinal annotations of Pavlakos et al. 2018. A pair annotated one way only is filled in the other way.

    Args:
        annotation: `ord` as in the file: -1, 0, 1, or NaN where there is no annotation.

    Returns:
        r, with the same NaN where neither (i, j) nor (j, i) is annotated.

    Raises:
        ValueError: Not square, another value, or (i, j) and (j, i) that contradict each other.
    """
    if annotation.ndim < 2 or annotation.shape[-1] != annotation.shape[-2]:
        raise ValueError(f"`annotation` has shape {tuple(annotation.shape)}: give square matrices (..., n, n)")
    if not annotation.is_floating_point():
        annotation = annotation.to(torch.get_default_dtype())
    _codes(annotation.nan_to_num(), "annotation")
    total = (annotation + annotation.mT).nan_to_num()
    if can_look(total) and bool(total.any()):
        *_, i, j = index = torch.nonzero(total)[0].tolist()
        raise ValueError(
            f"`annotation` at {tuple(index)} is {float(annotation[tuple(index)]):g} and its reverse "
            f"{float(annotation.mT[tuple(index)]):g}: what ({i}, {j}) and ({j}, {i}) say must be opposite"
        )
    return torch.where(annotation.isnan(), annotation.mT, -annotation) + 0.0  # no -0


def permute_order(order: Float[Tensor, "*batch n n"], permutation: Int[Tensor, " n"]) -> Float[Tensor, "*batch n n"]:
    """Relations after the joints were put in another order: rows *and* columns change places.

    A mirrored picture exchanges left and right joints, so it needs this with the skeleton's mirror permutation; turning
    the picture in its plane or scaling it changes no relation.

    Args:
        order: r, or a file's annotation.
        permutation: Row i of the result is joint `permutation[i]` of `order`.

    Raises:
        ValueError: Not a permutation of the joints of `order`.
    """
    count = order.shape[-1]
    if order.ndim < 2 or order.shape[-2] != count:
        raise ValueError(f"`order` has shape {tuple(order.shape)}: give square matrices (..., n, n)")
    if sorted(permutation.tolist()) != list(range(count)):
        raise ValueError(f"`permutation` (={permutation.tolist()}) must hold each of 0 to {count - 1} once")
    return order.index_select(-2, permutation).index_select(-1, permutation)


class _AllPairs(torch.autograd.Function):
    r"""Half the sum over the whole matrix, with the derivative written out: $\sum_j w_{ij}\,r\,\sigma(r(z_i-z_j))$.

    Left to autograd, the same loss takes twice as long for the few numbers of a body: it is made of calls, not of
    arithmetic. Where a second derivative is asked for, the first is made anew of differentiable operations.
    """

    @staticmethod
    def forward(ctx, depth: Tensor, relation: Tensor, signed: Tensor, tied: Tensor) -> Tensor:
        gap, wanted, pull = _gaps(depth, relation, tied)
        ctx.save_for_backward(depth, relation, signed, tied, wanted, pull)
        return 0.5 * torch.addcmul(F.softplus(wanted) * (relation * signed), pull, gap).sum((1, 2))

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        depth, relation, signed, tied, wanted, pull = ctx.saved_tensors
        if torch.is_grad_enabled():
            _, wanted, pull = _gaps(depth, relation, tied)
        slope = torch.add(torch.sigmoid(wanted) * signed, pull, alpha=2)
        return slope.sum(2) * gradient[:, None], None, None, None


def _gaps(depth: Tensor, relation: Tensor, tied: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """$z_i-z_j$ of all pairs, and it times the relation, and it where there is a tie."""
    gap = depth[:, :, None] - depth[:, None, :]
    return gap, relation * gap, tied * gap


def _both_ways(order: Tensor) -> tuple[Tensor, Tensor]:
    """Relations with 0 for NaN, and which pairs are ties (1 or 0); both hold for (i, j) and for (j, i).

    NaN goes before any arithmetic, since 0 * NaN is NaN, in the value and again in the gradient. Comparisons and
    `where` cost several times as much as sums and products for so few numbers.
    """
    if can_look(order) and torch.equal(order, -order.mT):  # never where there is NaN, which equals nothing
        _codes(order, "order")
        return order, 1 - order.square()
    relation, known = order.nan_to_num(), _known(order)
    _codes(relation, "order")
    total = (order + order.mT).nan_to_num()
    if can_look(order) and bool(total.any()):
        row, i, j = torch.nonzero(total)[0].tolist()
        raise ValueError(
            f"`order` says {float(order[row, i, j]):g} for joints ({i}, {j}) of sample {row} and "
            f"{float(order[row, j, i]):g} for ({j}, {i}): the two must be opposite; {REMEDY}"
        )
    relation = relation - relation.mT * (1 - known)
    return relation, (known + known.mT).clamp(max=1) - relation.square()


def _known(relation: Tensor) -> Tensor:
    """1 where a relation is annotated, 0 where it is NaN."""
    return (relation * 0 + 1).nan_to_num()


def _codes(relation: Tensor, name: str) -> None:
    """Raise `ValueError` unless each relation is -1, 0 or 1."""
    if can_look(relation) and not torch.equal(relation, relation.sign()):
        wrong = relation[relation != relation.sign()][0]
        raise ValueError(f"`{name}` holds {float(wrong):g}: {REMEDY}")


def _checked(weights: Tensor) -> Tensor:
    if can_look(weights) and not bool((weights >= 0).all()):
        raise ValueError("`weights` holds a negative number or NaN: weights are 0 or more")
    return weights
