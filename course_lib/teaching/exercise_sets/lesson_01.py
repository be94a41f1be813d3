"""Exercises of lesson 01: the bound and its parts, and a sign that a paper lost."""

import math

import torch
from torch import Tensor

from course_lib.teaching.exercise_sets import references_01 as by
from course_lib.teaching.exercises import Exercise, Slip


def _matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _kl(mu: Tensor, log_var: Tensor) -> Tensor:
    return 0.5 * (mu**2 + log_var.exp() - log_var - 1)


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
        "log_ratio = log_joint - q.log(); return (q * log_ratio).sum()",
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
    ),
)

# 01.2

STANDARD_NORMAL_KL = Exercise(
    id="01.2",
    title="the divergence from the standard normal",
    draw=by.draw_gaussians,
    reference=by.quadrature,
    method="a quadrature of log q - log p, with 12 nodes a dimension",
    hints=(
        "The dimensions are independent, so the divergence is a sum over them. Each has a price for its mean and a "
        "price for its variance, and both are zero for N(0, 1).",
        "KL = 1/2 * sum over dimensions of (mu^2 + s2 - log s2 - 1), where s2 is the variance",
        "variance = log_var.exp(); per_dimension = 0.5 * (mu**2 + variance - log_var - 1); "
        "return per_dimension.sum(-1)",
    ),
    stub="kl_to_standard_normal",
    solution="kl_to_standard_normal_solution",
    edges=(
        (_matrix([0.0, 0.0]), _matrix([0.0, 0.0])),
        (_matrix([2.0, 0.0], [0.0, -1.0]), _matrix([0.0, 1.0], [-2.0, 0.0])),
        (_matrix([5.0, -5.0, 0.0]), _matrix([-20.0, 8.0, 3.0])),
    ),
    slips=(
        Slip(
            wrong=lambda mu, log_var: _kl(mu, 2 * log_var).sum(-1),
            says="you read `log_var` as the logarithm of the standard deviation; it is the logarithm of the variance, "
            "twice as large",
        ),
        Slip(
            wrong=lambda mu, log_var: _kl(mu, log_var / 2).sum(-1),
            says="you put the standard deviation where the variance belongs: `log_var` is already the logarithm of "
            "the variance, do not halve it",
        ),
        Slip(
            wrong=lambda mu, log_var: 0.5 * (mu**2 + torch.exp(log_var / 2) - log_var - 1).sum(-1),
            says="exp(log_var / 2) is the standard deviation; the formula wants the variance, exp(log_var)",
        ),
        Slip(
            wrong=lambda mu, log_var: _kl(mu, log_var).mean(-1),
            says="you took the mean over the latent dimensions; a divergence of independent parts is their sum",
        ),
        Slip(
            wrong=lambda mu, log_var: -_kl(mu, log_var).sum(-1),
            says="that is minus the divergence, the form in which Kingma and Welling print it in their Appendix B; "
            "a divergence is never negative",
        ),
        Slip(
            wrong=lambda mu, log_var: (_kl(mu, log_var) + 0.5).sum(-1),
            says="the -1 of each dimension is missing: the divergence of N(0, 1) from itself must be 0",
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
        "std = torch.exp(log_var / 2); return mu + std * noise",
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
        "return weight * kl + reconstruction_error",
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
        "k = log_w.shape[0]; return log_w.logsumexp(0) - math.log(k)",
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
        "return int((eigenvalues > beta * noise_var).sum())",
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

EXERCISES = (TABLE, STANDARD_NORMAL_KL, REPARAMETERISE, VUNET_LOSS, IMPORTANCE_WEIGHTED, ACTIVE_DIRECTIONS)
