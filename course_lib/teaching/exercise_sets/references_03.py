"""Inputs of the exercises of lesson 03, and the right answers by routes that no solution takes."""

import math
from decimal import Decimal, localcontext

import torch
from torch import Tensor
from torch.distributions import Categorical, Normal


def _normal(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def draw_joint(gen: torch.Generator) -> tuple[Tensor]:
    """A table of probabilities of pairs, none of them near 0."""
    n, m = (int(torch.randint(2, 5, (), generator=gen)) for _ in range(2))
    return (_normal(gen, n * m).softmax(0).view(n, m),)


def by_entropies(joint: Tensor) -> Tensor:
    """Both entropies less that of the pair."""
    rows, columns, pair = (Categorical(probs=p).entropy() for p in (joint.sum(1), joint.sum(0), joint.flatten()))
    return rows + columns - pair


def is_joint(joint: Tensor) -> bool:
    """Whether a table holds positive probabilities that sum to 1."""
    return joint.dim() == 2 and bool((joint > 0).all()) and math.isclose(float(joint.sum()), 1.0, abs_tol=1e-9)


def draw_reading(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Logits of a recognition network, and the codes that were sent."""
    b, k = int(torch.randint(2, 6, (), generator=gen)), int(torch.randint(2, 6, (), generator=gen))
    return _normal(gen, b, k, scale=2.0), torch.randint(k, (b,), generator=gen)


def is_reading(logits: Tensor, code: Tensor) -> bool:
    """Whether each row of logits has a code among its values."""
    fits = logits.dim() == 2 and code.shape == logits.shape[:1] and logits.shape[0] > 0 and logits.shape[1] > 1
    return bool(fits and (code >= 0).all() and (code < logits.shape[1]).all())


def mean_log_gain(logits: Tensor, code: Tensor) -> Tensor:
    """Mean logarithm of what Q gives to the code, over what guessing gives."""
    chosen = [row.softmax(0)[c] * len(row) for row, c in zip(logits, code, strict=True)]
    return torch.stack(chosen).log().mean()


def cross_entropies(logits: Tensor, code: Tensor) -> Tensor:
    """Minus the log-probability of each code, in 40-digit decimals."""
    with localcontext() as context:
        context.prec = 40
        out = []
        for row, c in zip(logits.tolist(), code.tolist(), strict=True):
            total = sum(Decimal(v).exp() for v in row)
            out.append(float(total.ln() - Decimal(row[c])))
    return torch.tensor(out, dtype=torch.float64)


def draw_scores(gen: torch.Generator) -> tuple[Tensor]:
    """A square table of scores."""
    n = int(torch.randint(2, 6, (), generator=gen))
    return (_normal(gen, n, n, scale=2.0),)


def is_square(scores: Tensor) -> bool:
    """Whether a table is square, with at least two rows."""
    return scores.dim() == 2 and scores.shape[0] == scores.shape[1] > 1


def multiple_choice(scores: Tensor) -> Tensor:
    """The same, row by row and in 40-digit decimals."""
    n, total = len(scores), Decimal(0)
    with localcontext() as context:
        context.prec = 40
        for i, row in enumerate(scores.tolist()):
            total += Decimal(row[i]) - (sum(Decimal(v).exp() for v in row) / n).ln()
        return torch.tensor(float(total / n), dtype=torch.float64)


def draw_codes(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Codes uniform on [-1, 1], and how they were read."""
    code = 2 * torch.rand(6, 2, generator=gen, dtype=torch.float64) - 1
    return code, code + _normal(gen, 6, 2, scale=0.3)


def are_codes(code: Tensor, mu: Tensor) -> bool:
    """Whether codes lie in their range and no column is read perfectly."""
    fits = code.dim() == 2 and mu.shape == code.shape and code.numel() > 0
    return bool(fits and (code.abs() <= 1).all() and ((code - mu).square().mean(0) > 1e-6).all())


def honest_bound(code: Tensor, mu: Tensor) -> Tensor:
    """Log-densities under normals with the spread of the errors, and the entropies of the codes."""
    deviation = (code - mu).square().mean(0).sqrt()
    log_q = Normal(mu, deviation.expand_as(mu)).log_prob(code).sum(1)
    return log_q.mean() + code.shape[1] * math.log(2)
