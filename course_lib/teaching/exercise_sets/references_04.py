"""Inputs of the exercises of lesson 04, and the right answers by routes that no solution takes."""

import math
from decimal import Decimal, localcontext

import torch
from torch import Tensor

NAN = math.nan
KINDS = torch.tensor([1.0, -1.0, 0.0, NAN], dtype=torch.float64)


def _normal(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def _size(gen: torch.Generator, low: int, high: int) -> int:
    return int(torch.randint(low, high, (), generator=gen))


def _relations(gen: torch.Generator, b: int, n: int) -> Tensor:
    """Antisymmetric relations of every kind, 0 on the diagonal."""
    upper = KINDS[torch.randint(4, (b, n, n), generator=gen)]
    above = torch.ones(n, n).triu(1).bool()
    return torch.where(above, upper, -upper.mT).masked_fill(torch.eye(n, dtype=torch.bool), 0.0)


def are_relations(order: Tensor) -> bool:
    """Whether the last two axes hold relations whose reverse is opposite, and 0 on the diagonal."""
    if order.dim() < 2 or order.shape[-1] != order.shape[-2] or order.shape[-1] < 2:
        return False
    known = order.isnan() | order.abs().eq(1) | order.eq(0)
    opposite = (order.isnan() & order.mT.isnan()) | (order + order.mT == 0)
    return bool(known.all() and opposite.all() and (torch.diagonal(order, dim1=-2, dim2=-1) == 0).all())


def exact_pair(gap: float, relation: float) -> Decimal:
    """The loss of one pair in 40-digit decimals."""
    with localcontext() as context:
        context.prec = 40
        if relation == 0:
            return Decimal(gap) ** 2
        return (1 + (Decimal(relation) * Decimal(gap)).exp()).ln()


def draw_bodies(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Depths of a few bodies, and their relations."""
    b, n = _size(gen, 2, 4), _size(gen, 2, 6)
    return _normal(gen, b, n, scale=2.0), _relations(gen, b, n)


def fit_bodies(depth: Tensor, order: Tensor) -> bool:
    """Whether each body has its matrix."""
    return (
        depth.dim() == 2 and len(depth) > 0 and order.shape == (*depth.shape, depth.shape[1]) and are_relations(order)
    )


def by_decimals(depth: Tensor, order: Tensor) -> Tensor:
    """The rank loss pair by pair."""
    totals = []
    for z, r in zip(depth.tolist(), order.tolist(), strict=True):
        pairs = ((i, j) for i in range(len(z)) for j in range(i + 1, len(z)) if not math.isnan(r[i][j]))
        totals.append(float(sum((exact_pair(z[i] - z[j], r[i][j]) for i, j in pairs), Decimal(0))))
    return torch.tensor(totals, dtype=torch.float64)


def draw_depths(gen: torch.Generator) -> tuple[Tensor, float]:
    """Depths of joints in metres, some of them near one another, and a threshold."""
    return _normal(gen, _size(gen, 2, 7), scale=0.2), (0.0, 0.05, 0.1, 0.2)[_size(gen, 0, 4)]


def fit_depths(depth: Tensor, threshold: float) -> bool:
    """Whether there are joints and a length."""
    return depth.dim() == 1 and len(depth) > 1 and threshold >= 0


def by_asking(depth: Tensor, threshold: float) -> Tensor:
    """Relations, one question after the other."""
    z = depth.tolist()

    def answer(i: int, j: int) -> float:
        if i == j or abs(z[i] - z[j]) < threshold:
            return 0.0
        return 1.0 if z[i] < z[j] else -1.0 if z[i] > z[j] else 0.0

    return torch.tensor([[answer(i, j) for j in range(len(z))] for i in range(len(z))], dtype=torch.float64)


def draw_list(gen: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Depths, lists of pairs, and what the file says of them."""
    b, n, p = _size(gen, 2, 4), _size(gen, 3, 6), _size(gen, 2, 7)
    first = torch.randint(n, (b, p), generator=gen)
    second = (first + torch.randint(1, n, (b, p), generator=gen)) % n
    return _normal(gen, b, n, scale=2.0), first, second, KINDS[torch.randint(4, (b, p), generator=gen)]


def fit_list(depth: Tensor, first: Tensor, second: Tensor, said: Tensor) -> bool:
    """Whether the lists name two joints of the body each."""
    if depth.dim() != 2 or not first.shape == second.shape == said.shape or first.dim() != 2 or first.numel() == 0:
        return False
    inside = all(bool((one >= 0).all() and (one < depth.shape[1]).all()) for one in (first, second))
    known = said.isnan() | said.abs().eq(1) | said.eq(0)
    return len(first) == len(depth) and inside and bool((first != second).all() and known.all())


def list_by_decimals(depth: Tensor, first: Tensor, second: Tensor, said: Tensor) -> Tensor:
    """The rank loss of the list, each answer of the file turned round."""
    totals = []
    for row in range(len(depth)):
        z, total = depth[row].tolist(), Decimal(0)
        for i, j, s in zip(first[row].tolist(), second[row].tolist(), said[row].tolist(), strict=True):
            total += Decimal(0) if math.isnan(s) else exact_pair(z[i] - z[j], -s)
        totals.append(float(total))
    return torch.tensor(totals, dtype=torch.float64)


def draw_body(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Depths of one body, and its relations."""
    n = _size(gen, 2, 6)
    return _normal(gen, n, scale=2.0), _relations(gen, 1, n)[0]


def fit_body(depth: Tensor, order: Tensor) -> bool:
    """Whether the body has its matrix."""
    return depth.dim() == 1 and order.shape == (len(depth), len(depth)) and are_relations(order)


def by_autograd(depth: Tensor, order: Tensor) -> Tensor:
    """Derivative of the loss, written as a negative log-probability, by automatic differentiation."""
    z = depth.clone().requires_grad_(True)
    total = 0.0 * z.sum()
    for i in range(len(z)):
        for j in range(i + 1, len(z)):
            if order[i, j] == 0:
                total = total + (z[i] - z[j]) ** 2
            elif not bool(order[i, j].isnan()):
                total = total - torch.nn.functional.logsigmoid(order[i, j] * (z[j] - z[i]))
    return torch.autograd.grad(total, z)[0]


def draw_sparse(gen: torch.Generator) -> tuple[Tensor]:
    """Relations of one body, many of them missing."""
    n = _size(gen, 2, 7)
    order = _relations(gen, 1, n)[0]
    drop = (torch.rand(n, n, generator=gen) < 0.6).triu(1)
    return (order.masked_fill(drop | drop.mT, NAN),)


def by_walking(order: Tensor) -> Tensor:
    """Number of groups of joints that no comparison connects, by walking from joint to joint."""
    n = len(order)
    linked = [[j for j in range(n) if j != i and not bool(order[i, j].isnan())] for i in range(n)]
    seen: set[int] = set()
    groups = 0
    for start in range(n):
        groups += start not in seen
        stack = [start]
        while stack:
            joint = stack.pop()
            if joint not in seen:
                seen.add(joint)
                stack += linked[joint]
    return torch.tensor(float(groups), dtype=torch.float64)
