"""Exercises of lesson 01: the bound and its parts, and a sign that a paper lost; 01.2 is in `divergence_01.py`."""

import math

import torch
from torch import Tensor

from course_lib.teaching.exercise_sets import references_01 as by
from course_lib.teaching.exercise_sets.divergence_01 import TWO_GAUSSIANS
from course_lib.teaching.exercises import Exercise, Slip


def _matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# 01.1

TABLE = Exercise(
    id="01.1",
    title="the ELBO of a table",
    draw=by.draw_table,
    reference=by.evidence_minus_divergence,
    method="the log-evidence minus the divergence from the true posterior",
    hints=(
        "The ELBO is a mean under q. Of which difference of two logarithms?",
        "ELBO = sum over z of q(z) (log p(x, z) - log q(z))",
        "log_ratio = ... - ...; return (q * ...).sum()",
    ),
    stub="elbo_of_table",
    solution="elbo_of_table_solution",
    valid=by.is_table,
    edges=(
        (torch.tensor([0.25, 0.25], dtype=torch.float64).log(), torch.tensor([0.5, 0.5], dtype=torch.float64)),
        (torch.tensor([-1.0, -2.0], dtype=torch.float64), torch.tensor([0.25, 0.75], dtype=torch.float64)),
        (torch.tensor([-1000.0, -1001.0], dtype=torch.float64), torch.tensor([0.75, 0.25], dtype=torch.float64)),
    ),
    slips=(
        Slip(
            wrong=lambda log_joint, q: (q * log_joint).sum(),
            says="the entropy is missing: that is the mean of log p(x, z) alone, subtract the mean of log q(z)",
        ),
        Slip(
            wrong=lambda log_joint, q: (q * (q.log() - log_joint)).sum(),
            says="the ratio is upside down: it is log p(x, z) minus log q(z), and yours is minus the ELBO",
        ),
        Slip(
            wrong=lambda log_joint, q: log_joint.logsumexp(0),
            says="that is the log-evidence, the logarithm of the mean of p/q; the ELBO is the mean of the logarithm",
        ),
        Slip(
            wrong=lambda log_joint, q: (q * (log_joint + q.log())).sum(),
            says="the entropy has the wrong sign: the mean of log q(z) is subtracted, not added",
        ),
        Slip(
            wrong=lambda log_joint, q: (log_joint - q.log()).mean(),
            says="that is a mean over the rows of the table; each row must be weighed with its q(z)",
        ),
        Slip(
            wrong=lambda log_joint, q: (q * (log_joint.exp() - q.log())).sum(),
            says="`log_joint` is already a logarithm, and a logarithm is what the sum wants: leave out the exp",
        ),
        Slip(
            wrong=lambda log_joint, q: (q * log_joint.exp()).sum(),
            says="that is the mean of p(x, z) itself: `log_joint` is already a logarithm, and log q(z) is missing",
        ),
        Slip(
            wrong=lambda log_joint, q: (q * (log_joint.log() - q.log())).sum(),
            says="`log_joint` is already a logarithm: do not take another",
        ),
        Slip(
            wrong=lambda log_joint, q: (q * (log_joint.exp() / q).log()).sum(),
            says="exp(-1000) underflows to 0, and the logarithm of 0 is minus infinity: subtract the logarithms "
            "instead of dividing what stands behind them",
        ),
    ),
)

# 01.3

REPARAMETERISE = Exercise(
    id="01.3",
    title="a draw that lets gradients through",
    draw=by.draw_noise,
    reference=by.quantile,
    method="the quantile of N(mu, variance) that the noise is of N(0, 1)",
    hints=(
        "Stretch the noise to the right width, then move it to the right place. Is the width the variance, or its "
        "square root?",
        "z = mu + s * noise, with the standard deviation s = exp(log_var / 2)",
        "std = torch.exp(...); return ... + std * ...",
    ),
    stub="reparameterise",
    solution="reparameterise_solution",
    valid=lambda mu, log_var, noise: float(noise.abs().max()) <= 4,
    edges=(
        (_matrix([1.0, -1.0]), _matrix([0.0, 0.0]), _matrix([0.0, 2.0])),
        (_matrix([0.0, 0.0]), _matrix([4.0, -4.0]), _matrix([1.0, -1.0])),
    ),
    slips=(
        Slip(
            wrong=lambda mu, log_var, noise: mu + log_var.exp() * noise,
            says="you scale the noise with the variance; the width of a draw is the standard deviation, "
            "exp(log_var / 2)",
        ),
        Slip(
            wrong=lambda mu, log_var, noise: mu + 0.05 * torch.exp(log_var / 2) * noise,
            says="the noise is scaled by 0.05, as in the released code of Crossing Nets: that draws from a much "
            "narrower normal than the one whose divergence is paid",
        ),
        Slip(
            wrong=lambda mu, log_var, noise: mu + torch.exp(log_var / 2),
            says="the noise is missing: that is one fixed point, a standard deviation above the mean",
        ),
        Slip(
            wrong=lambda mu, log_var, noise: mu + log_var * noise,
            says="`log_var` is a logarithm: take exp(log_var / 2) to get the standard deviation",
        ),
        Slip(
            wrong=lambda mu, log_var, noise: mu + torch.exp(-log_var / 2) * noise,
            says="the width is upside down: exp(-log_var / 2) is one over the standard deviation",
        ),
        Slip(
            wrong=lambda mu, log_var, noise: torch.exp(log_var / 2) * noise,
            says="`mu` is missing: the noise has the right width, now move it to the right place",
        ),
    ),
    property=by.differentiable,
)

# 01.4

VUNET_LOSS = Exercise(
    id="01.4",
    title="a printed loss, mended",
    draw=by.draw_terms,
    reference=by.minus_bound,
    method="minus the weighted ELBO, with the error as minus the log-likelihood",
    hints=(
        "Make the divergence very large, and keep the error as it is. Does the printed loss go up or down? "
        "Which way should it go?",
        "loss = -ELBO = -(log-likelihood - weight * KL), and the error stands for -log-likelihood",
        "return ... * kl ... reconstruction_error: which sign stands before each?",
    ),
    stub="vunet_loss",
    solution="vunet_loss_solution",
    valid=lambda kl, reconstruction_error, weight: float(torch.cat([kl, reconstruction_error]).min()) >= 0 <= weight,
    edges=(
        (torch.tensor([2.0], dtype=torch.float64), torch.tensor([3.0], dtype=torch.float64), 1.0),
        (torch.tensor([2.0, 0.0], dtype=torch.float64), torch.tensor([0.0, 3.0], dtype=torch.float64), 0.5),
    ),
    slips=(
        Slip(
            wrong=lambda kl, reconstruction_error, weight: -weight * kl + reconstruction_error,
            says="that is the printed form: minimising it makes the divergence as large as it can get, without end",
        ),
        Slip(
            wrong=lambda kl, reconstruction_error, weight: -weight * kl - reconstruction_error,
            says="both signs are reversed: that is the bound, to be maximised, and a loss is minus the bound",
        ),
        Slip(
            wrong=lambda kl, reconstruction_error, weight: weight * kl - reconstruction_error,
            says="now the error has the wrong sign: minimising this rewards bad reconstructions",
        ),
        Slip(
            wrong=lambda kl, reconstruction_error, weight: -kl + reconstruction_error,
            says="that is the printed form, and without its weight: minimising it makes the divergence grow",
        ),
        Slip(
            wrong=lambda kl, reconstruction_error, weight: kl - reconstruction_error,
            says="now the error has the wrong sign, and `weight` is not used: minimising this rewards bad "
            "reconstructions",
        ),
        Slip(
            wrong=lambda kl, reconstruction_error, weight: kl + reconstruction_error,
            says="the signs are right, but `weight` is not used: it multiplies the divergence",
        ),
        Slip(
            wrong=lambda kl, reconstruction_error, weight: kl + weight * reconstruction_error,
            says="the signs are right, but `weight` belongs to the divergence, not to the error",
        ),
        Slip(
            wrong=lambda kl, reconstruction_error, weight: weight * (kl + reconstruction_error),
            says="the signs are right, but `weight` multiplies the divergence alone",
        ),
    ),
)

# 01.5. As many samples as observations, so that a wrong axis shows in the values; `axes` tries others.

IMPORTANCE_WEIGHTED = Exercise(
    id="01.5",
    title="the importance-weighted bound",
    draw=by.draw_weights,
    reference=by.in_decimals,
    method="the logarithm of a mean of weights in 40-digit decimals",
    hints=(
        "It is the logarithm of a mean of weights, and you hold the logarithms of the weights. Which function of "
        "PyTorch adds what stands behind logarithms without leaving them?",
        "L_k = logsumexp over the k samples of log_w, minus log k",
        "k = log_w.shape[...]; return log_w.logsumexp(...) - ...",
    ),
    stub="importance_weighted",
    solution="importance_weighted_solution",
    edges=(
        (_matrix([-1.5]),),
        (_matrix([0.0, -1.0, 2.0], [0.0, -3.0, 1.0], [0.0, -1.0, -2.0]),),
        (_matrix([-1000.0, -1003.0, -2.0], [-1001.0, -1000.0, -1.0], [-1002.0, -1001.0, 0.0]),),
        (_matrix([800.0, 805.0, 790.0], [801.0, 803.0, 800.0], [799.0, 804.0, 795.0]),),
    ),
    slips=(
        Slip(
            wrong=lambda log_w: log_w.logsumexp(0),
            says="-log k is missing: that is the logarithm of the sum of the weights, not of their mean",
        ),
        Slip(
            wrong=lambda log_w: log_w.mean(0),
            says="that is the mean of the logarithms, the ELBO averaged over k draws; take the logarithm of the mean",
        ),
        Slip(
            wrong=lambda log_w: log_w.logsumexp(1) - math.log(log_w.shape[1]),
            says="the mean runs over the wrong axis: the k samples of one observation lie along the first axis",
        ),
        Slip(
            wrong=lambda log_w: log_w.logsumexp(1),
            says="the sum runs over the wrong axis, and -log k is missing: the k samples lie along the first axis",
        ),
        Slip(
            wrong=lambda log_w: log_w.logsumexp(0) + math.log(log_w.shape[0]),
            says="log k has the wrong sign: to divide by k is to subtract log k",
        ),
        Slip(
            wrong=lambda log_w: log_w.logsumexp(0) / log_w.shape[0],
            says="you divide the logarithm by k: the mean is taken inside the logarithm, so subtract log k",
        ),
        Slip(
            wrong=lambda log_w: log_w.exp().mean(0).log(),
            says="exp underflows to 0 near -1000, and overflows near 800: use logsumexp, which never leaves the "
            "logarithms",
        ),
        Slip(
            wrong=lambda log_w: (log_w - log_w.max()).exp().mean(0).log() + log_w.max(),
            says="you take out the largest weight of all observations together: where those of one observation are "
            "all far smaller, exp still underflows to 0. Take out the largest of each column, as logsumexp(0) does",
        ),
    ),
    property=by.axes,
)

# 01.6

ACTIVE_DIRECTIONS = Exercise(
    id="01.6",
    title="directions that do not collapse",
    draw=by.draw_spectrum,
    reference=by.search,
    method="a search over 1,001 gains of each direction for the lowest loss",
    hints=(
        "A direction is worth a latent variable if what it explains is more than what it costs. A larger beta makes "
        "it dearer, and so does a larger noise variance.",
        "the best gain has gain^2 = max(eigenvalue - beta * noise_var, 0), and a direction is kept if that is above 0",
        "threshold = ...; return int((eigenvalues ... threshold).sum())",
    ),
    stub="active_directions",
    solution="active_directions_solution",
    valid=by.is_spectrum,
    edges=(
        (torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64), 1.0, 2.0),
        (torch.tensor([8.0, 3.0, 0.5], dtype=torch.float64), 4.0, 0.25),
        (torch.tensor([0.25, 0.0], dtype=torch.float64), 1.0, 1.0),
    ),
    slips=(
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues > noise_var).sum(),
            says="beta is missing: a heavier divergence makes every direction dearer, so the threshold grows with it",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues > beta).sum(),
            says="the noise variance is missing: how much a direction is worth is measured against the noise",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues.sqrt() > beta * noise_var).sum(),
            says="you compare the square root of the eigenvalue, a standard deviation, with a variance",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues > beta * noise_var**0.5).sum(),
            says="you compare an eigenvalue, which is a variance, with the standard deviation of the noise",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues > (beta * noise_var) ** 0.5).sum(),
            says="leave out the square root: the threshold is beta * noise_var, a variance like the eigenvalue",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues > beta * noise_var**2).sum(),
            says="`noise_var` is already a variance: do not square it",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues > noise_var / beta).sum(),
            says="beta is on the wrong side: it multiplies the noise variance, it does not divide it",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues >= beta * noise_var).sum(),
            says="a direction that lies exactly at the threshold has the gain 0: it is not kept",
        ),
        Slip(
            wrong=lambda eigenvalues, beta, noise_var: (eigenvalues <= beta * noise_var).sum(),
            says="you counted the directions that collapse; count those that are kept",
        ),
    ),
)

EXERCISES = (TABLE, TWO_GAUSSIANS, REPARAMETERISE, VUNET_LOSS, IMPORTANCE_WEIGHTED, ACTIVE_DIRECTIONS)
