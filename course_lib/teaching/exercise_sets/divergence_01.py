"""Exercise 01.2 of lesson 01: the divergence between two diagonal Gaussians, and the ways in which it goes wrong."""

import torch
from torch import Tensor

from course_lib.teaching.exercise_sets import references_01 as by
from course_lib.teaching.exercises import Exercise, Slip


def _matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _parts(mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    """The divergence of each dimension."""
    ratio = log_var_q - log_var_p
    return 0.5 * (ratio.exp() - ratio - 1 + (mu_q - mu_p) ** 2 / log_var_p.exp())


def _with_shift(shift: Tensor, log_var_q: Tensor, log_var_p: Tensor) -> Tensor:
    """The divergence with another price of the means."""
    ratio = log_var_q - log_var_p
    return 0.5 * (ratio.exp() - ratio - 1 + shift).sum(-1)


TWO_GAUSSIANS = Exercise(
    id="01.2",
    title="the divergence between two Gaussians",
    draw=by.draw_gaussians,
    reference=by.quadrature,
    method="a quadrature of log q - log p, with 12 nodes a dimension",
    hints=(
        "The dimensions are independent, so the divergence is a sum over them. Each has a price for its mean and a "
        "price for its variance, and both are zero where the two normals are the same.",
        "(1.13): KL = 1/2 * sum over dimensions of (log(s2_p / s2_q) + s2_q / s2_p + (mu_q - mu_p)^2 / s2_p - 1), "
        "where s2 is a variance; a difference of log-variances is the logarithm of their ratio",
        "log_ratio = log_var_p - ...; spread = torch.exp(...); shift = (...) ** 2 / ...; "
        "return 0.5 * (log_ratio + spread + shift - ...).sum(-1)",
    ),
    stub="kl_between",
    solution="kl_between_solution",
    edges=(
        (_matrix([0.0, 0.0]), _matrix([0.0, 0.0]), _matrix([0.0, 0.0]), _matrix([0.0, 0.0])),
        (
            _matrix([2.0, 0.0], [0.0, -1.0]),
            _matrix([0.0, 1.0], [-2.0, 0.0]),
            _matrix([1.0, 0.0], [0.0, 1.0]),
            _matrix([0.0, -1.0], [2.0, 1.0]),
        ),
        (_matrix([5.0, -5.0, 0.0]), _matrix([-20.0, 8.0, 3.0]), _matrix([5.0, 5.0, 0.0]), _matrix([0.0, 9.0, 1.0])),
    ),
    slips=(
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: _parts(mu_p, log_var_p, mu_q, log_var_q).sum(-1),
            says="the arguments are exchanged: that is the divergence from p to q, with its mean taken under p",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: _parts(mu_q, 2 * log_var_q, mu_p, 2 * log_var_p).sum(-1),
            says="you read the log-variances as logarithms of standard deviations; they are logarithms of variances, "
            "twice as large",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: _parts(mu_q, log_var_q / 2, mu_p, log_var_p / 2).sum(-1),
            says="you put standard deviations where variances belong: the logarithms are already those of variances, "
            "do not halve them",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: -_parts(mu_q, log_var_q, mu_p, log_var_p).sum(-1),
            says="that is minus the divergence, the form in which Kingma and Welling print theirs in Appendix B; "
            "a divergence is never negative",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: _parts(mu_q, log_var_q, mu_p, log_var_p).mean(-1),
            says="you took the mean over the latent dimensions; a divergence of independent parts is their sum",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: (_parts(mu_q, log_var_q, mu_p, log_var_p) + 0.5).sum(-1),
            says="the -1 of each dimension is missing: the divergence of a normal from itself must be 0",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: (
                (_parts(mu_q, log_var_q, mu_p, log_var_p) + 0.5).sum(-1) - 0.5
            ),
            says="1 is subtracted once for all; it belongs to each dimension, so subtract it before the sum",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: (
                _parts(mu_q, log_var_q, mu_p, log_var_p) + log_var_q - log_var_p
            ).sum(-1),
            says="the logarithm is upside down: it is log(variance of p / variance of q)",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: _with_shift(
                (mu_q - mu_p) ** 2 / log_var_q.exp(), log_var_q, log_var_p
            ),
            says="the distance of the means is divided by the variance of q; it is measured in widths of p",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: _with_shift((mu_q - mu_p) ** 2, log_var_q, log_var_p),
            says="the squared distance of the means must be divided by the variance of p",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: _with_shift(
                (mu_q - mu_p) / log_var_p.exp(), log_var_q, log_var_p
            ),
            says="the distance of the means is not squared",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: 0.5 * (mu_q**2 + log_var_q.exp() - log_var_q - 1).sum(-1),
            says="that is the divergence from the standard normal (1.14): `mu_p` and `log_var_p` are not used",
        ),
        Slip(
            wrong=lambda mu_q, log_var_q, mu_p, log_var_p: (
                0.5 * ((1 + mu_q**2) / log_var_q.exp() + log_var_q - 1).sum(-1)
            ),
            says="that is the divergence from N(0, I) to q: the wrong way round, and without `mu_p` and `log_var_p`",
        ),
    ),
)
