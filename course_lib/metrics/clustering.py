"""How well clusters found without labels agree with known classes.

Clusters carry arbitrary numbers, so they must be matched with classes first, and the result depends on how: *one to
one* (each class gets one cluster; the harder and more honest number) or *many to one* (each cluster takes its most
frequent class; it can only be better, and tends to 0 with the number of clusters). State which; papers often do not.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def contingency(
    clusters: Int[Tensor, " n"],
    classes: Int[Tensor, " n"],
    *,
    num_clusters: int | None = None,
    num_classes: int | None = None,
) -> Int[Tensor, "k c"]:
    """Count how many data of each class each cluster holds.

    Args:
        clusters: Cluster of each datum, from 0.
        classes: Class of each datum, from 0.
        num_clusters: Rows of the table; the highest cluster plus one when not given.
        num_classes: Columns of the table; the highest class plus one when not given.

    Returns:
        Counts, one row a cluster, one column a class.

    Raises:
        ValueError: Lengths differ, there is no datum, or a number is negative or too large.
    """
    if clusters.shape != classes.shape or clusters.ndim != 1 or not len(clusters):
        raise ValueError(
            f"`clusters` has shape {tuple(clusters.shape)} and `classes` {tuple(classes.shape)}: "
            "give both as (n,), with n > 0"
        )
    rows = _extent("clusters", clusters, num_clusters, "num_clusters")
    columns = _extent("classes", classes, num_classes, "num_classes")
    cells = clusters.long() * columns + classes.long()
    return torch.bincount(cells, minlength=rows * columns).view(rows, columns)


def match_clusters(table: Int[Tensor, "k c"], *, one_to_one: bool = True) -> Int[Tensor, " k"]:
    """The class that each cluster stands for, chosen so that most data are right.

    Args:
        table: Counts from `contingency`; it may be of other data than those that are judged with the result.
        one_to_one: Give each class to at most one cluster (Kuhn's Hungarian assignment); clusters that are left over
            get -1. Otherwise each cluster takes its most frequent class, an empty one -1.

    Returns:
        A class for each cluster, or -1.
    """
    if not one_to_one:
        return torch.where(table.sum(1) > 0, table.argmax(1), -1)
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table.cpu().numpy(), maximize=True)
    matched = table.new_full((len(table),), -1)
    matched[torch.from_numpy(rows).to(table.device)] = torch.from_numpy(columns).to(table)
    return matched


def one_to_one_error(clusters: Int[Tensor, " n"], classes: Int[Tensor, " n"]) -> float:
    """Share of data that lie outside the cluster matched with their class, each class having one cluster.

    Also called 1 - clustering accuracy (ACC). With more clusters than classes the data of all further clusters count as
    wrong; with fewer, whole classes do.

    Args:
        clusters: Cluster of each datum, from 0.
        classes: Class of each datum, from 0.

    Returns:
        Between 0 and 1. For random clusters about 1 - 1/classes, less a little because the best match is chosen.

    Raises:
        ValueError: See `contingency`.
    """
    return _error(contingency(clusters, classes), one_to_one=True)


def many_to_one_error(clusters: Int[Tensor, " n"], classes: Int[Tensor, " n"]) -> float:
    """Share of data that are not of their cluster's most frequent class: 1 - purity.

    Args:
        clusters: Cluster of each datum, from 0.
        classes: Class of each datum, from 0.

    Returns:
        Between 0 and 1, never above `one_to_one_error`.

    Raises:
        ValueError: See `contingency`.
    """
    return _error(contingency(clusters, classes), one_to_one=False)


def normalized_mutual_information(clusters: Int[Tensor, " n"], classes: Int[Tensor, " n"]) -> float:
    r"""Mutual information of clusters and classes over the mean of their entropies, $2I/(H_k+H_c)$.

    It needs no matching, and does not punish splitting a class as `one_to_one_error` does.

    Args:
        clusters: Cluster of each datum, from 0.
        classes: Class of each datum, from 0.

    Returns:
        Between 0 and 1; 1 when one determines the other both ways (also when both are constant).

    Raises:
        ValueError: See `contingency`.
    """
    joint = contingency(clusters, classes).double() / len(clusters)
    entropies = _entropy(joint.sum(1)) + _entropy(joint.sum(0))
    if float(entropies) == 0:
        return 1.0
    information = entropies - _entropy(joint.flatten())
    return float((2 * information / entropies).clamp(0, 1))


def _error(table: Tensor, *, one_to_one: bool) -> float:
    matched = match_clusters(table, one_to_one=one_to_one)
    kept = matched >= 0
    right = table[kept].gather(1, matched[kept].unsqueeze(1)).sum()
    return 1 - float(right) / float(table.sum())


def _entropy(p: Float[Tensor, " k"]) -> Float[Tensor, ""]:
    return torch.special.entr(p).sum()


def _extent(name: str, values: Tensor, given: int | None, argument: str) -> int:
    low, high = (int(end) for end in torch.aminmax(values))
    if low < 0:
        raise ValueError(f"`{name}` holds {low}: number clusters and classes from 0, and leave out data without one")
    if given is not None and high >= given:
        raise ValueError(f"`{name}` holds {high} but `{argument}` is {given}: raise it to {high + 1} or more")
    return high + 1 if given is None else given
