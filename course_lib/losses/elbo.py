"""The evidence lower bound and its parts: divergences between Gaussians, likelihoods, and the bounds themselves.

Every function returns one value a sample, `(b,)`, in nats; none takes a mean over the batch. Signs: a divergence
is never negative, a log-likelihood is what it says, and a *bound is to be maximised*: a training loss is minus a bound.
Variances enter as log-variances, so that no value of a network's output is invalid.

Sources: Kingma and Welling 2014 (the ELBO, Eq. 3; the Gaussian case, Appendix B), Sohn, Lee and Yan 2015 (the
conditional ELBO), Burda, Grosse and Salakhutdinov 2016 (the importance-weighted bound, Eq. 8).
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course_lib.losses._checks import no_nan, positive_diagonal, rank, same_shape, within

LOG_2PI = math.log(2 * math.pi)


def gaussian_kl(
    mu_q: Float[Tensor, "b z"],
    log_var_q: Float[Tensor, "b z"],
    mu_p: Float[Tensor, "b z"],
    log_var_p: Float[Tensor, "b z"],
) -> Float[Tensor, " b"]:
    r"""Divergence $D_{KL}(q \Vert p)$ between two diagonal Gaussians, in closed form.

    Equation (1.13) of lesson 01; with a learned prior it is the second term of the conditional ELBO
    (Sohn, Lee and Yan 2015, Eq. 4). The expectation is taken under the *first* argument.

    Args:
        mu_q: Means of q.
        log_var_q: Log-variances of q (not log standard deviations: those are half as large).
        mu_p: Means of p.
        log_var_p: Log-variances of p.

    Returns:
        Nats, never negative beyond rounding, 0 exactly where q and p agree.

    Raises:
        ValueError: Shapes differ, an argument is not `(b, z)`, or one holds NaN.
    """
    rank("mu_q", mu_q, 2, "batch, latent")
    same_shape(mu_q=mu_q, log_var_q=log_var_q, mu_p=mu_p, log_var_p=log_var_p)
    no_nan(mu_q=mu_q, log_var_q=log_var_q, mu_p=mu_p, log_var_p=log_var_p)
    log_ratio = log_var_q - log_var_p
    # expm1 keeps the digits that exp(r) - 1 - r loses near q = p, where the divergence is of order r squared.
    spread = torch.expm1(log_ratio) - log_ratio
    shift = (mu_q - mu_p).square() * torch.exp(-log_var_p)
    return 0.5 * (spread + shift).sum(-1)


def standard_normal_kl(mu: Float[Tensor, "b z"], log_var: Float[Tensor, "b z"]) -> Float[Tensor, " b"]:
    r"""Divergence $D_{KL}(N(\mu, e^{\ell}) \Vert N(0, I))$ of a diagonal Gaussian from the standard normal.

    Kingma and Welling 2014, Appendix B (with the opposite sign there); equation (1.14) of lesson 01.

    Args:
        mu: Means.
        log_var: Log-variances.

    Returns:
        Nats, never negative beyond rounding.

    Raises:
        ValueError: Shapes differ, an argument is not `(b, z)`, or one holds NaN.
    """
    rank("mu", mu, 2, "batch, latent")
    same_shape(mu=mu, log_var=log_var)
    no_nan(mu=mu, log_var=log_var)
    return 0.5 * (torch.expm1(log_var) - log_var + mu.square()).sum(-1)


def full_gaussian_kl(
    mu_q: Float[Tensor, "b z"],
    tril_q: Float[Tensor, "b z z"],
    mu_p: Float[Tensor, "b z"],
    tril_p: Float[Tensor, "b z z"],
) -> Float[Tensor, " b"]:
    r"""Divergence $D_{KL}(q \Vert p)$ between two Gaussians with full covariances, in closed form.

    Equation (1.15) of lesson 01. Covariances are given by their lower Cholesky factors, $\Sigma = L L^\top$, so that no
    matrix is inverted and no determinant is formed.

    Args:
        mu_q: Means of q.
        tril_q: Lower Cholesky factors of q's covariances, positive on the diagonal.
        mu_p: Means of p.
        tril_p: Lower Cholesky factors of p's covariances, positive on the diagonal.

    Returns:
        Nats, never negative beyond rounding.

    Raises:
        ValueError: Shapes do not fit, a diagonal entry is not positive, or an argument holds NaN.
    """
    rank("mu_q", mu_q, 2, "batch, latent")
    rank("tril_q", tril_q, 3, "batch, latent, latent")
    same_shape(mu_q=mu_q, mu_p=mu_p)
    same_shape(tril_q=tril_q, tril_p=tril_p)
    b, z = mu_q.shape
    if tril_q.shape != (b, z, z):
        raise ValueError(f"`tril_q` has shape {tuple(tril_q.shape)}: with `mu_q` {(b, z)} it must be {(b, z, z)}")
    no_nan(mu_q=mu_q, tril_q=tril_q, mu_p=mu_p, tril_p=tril_p)
    diagonal_q, diagonal_p = tril_q.diagonal(dim1=-2, dim2=-1), tril_p.diagonal(dim1=-2, dim2=-1)
    positive_diagonal(tril_q=diagonal_q, tril_p=diagonal_p)
    ratio = torch.linalg.solve_triangular(tril_p, tril_q.tril(), upper=False)
    shift = torch.linalg.solve_triangular(tril_p, (mu_q - mu_p).unsqueeze(-1), upper=False)
    trace = ratio.square().sum((-2, -1))
    mahalanobis = shift.square().sum((-2, -1))
    log_det = 2 * (diagonal_p.log() - diagonal_q.log()).sum(-1)
    return 0.5 * (trace + mahalanobis - z + log_det)


def gaussian_log_density(
    value: Float[Tensor, "*batch z"], mu: Float[Tensor, "*#batch z"], log_var: Float[Tensor, "*#batch z"]
) -> Float[Tensor, "*batch"]:
    r"""Log-density of a diagonal Gaussian, $-\tfrac12\sum_i\big[\log 2\pi + \ell_i + (v_i-\mu_i)^2 e^{-\ell_i}\big]$.

    The constant is kept: importance weights and reported log-likelihoods are wrong without it.

    Args:
        value: Where to evaluate.
        mu: Means; leading axes may be 1 or missing, so that k samples share one posterior.
        log_var: Log-variances, likewise.

    Returns:
        Nats, one value for each entry of the leading axes.
    """
    return -0.5 * (LOG_2PI + log_var + (value - mu).square() * torch.exp(-log_var)).sum(-1)


def bernoulli_log_likelihood(x: Float[Tensor, "b ..."], logits: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    r"""Log-probability of binary pixels, $\sum_i x_i a_i - \log(1+e^{a_i})$ for logits $a$, summed over pixels.

    A *sum*: the mean over pixels weighs the divergence 784 times too heavily on a 28 x 28 image. For grey values
    between 0 and 1 this is a cross-entropy, not the log-density of anything.

    Args:
        x: Pixels in [0, 1].
        logits: Logits of the decoder, before any sigmoid.

    Returns:
        Nats, never positive.

    Raises:
        ValueError: Shapes differ, a pixel lies outside [0, 1], or an argument holds NaN.
    """
    same_shape(x=x, logits=logits)
    no_nan(logits=logits)
    within("x", x, 0.0, 1.0, "grey values of 0 to 255? divide by 255")
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(1)


def gaussian_log_likelihood(
    x: Float[Tensor, "b ..."], mu: Float[Tensor, "b ..."], log_var: float | Float[Tensor, ""] = 0.0
) -> Float[Tensor, " b"]:
    r"""Log-density of real-valued data under $N(\mu, e^{\ell} I)$ with one shared log-variance, summed over entries.

    With $\ell=0$ it is minus half the squared error, *up to the constant* $-\tfrac d2\log 2\pi$ that is kept here.

    Args:
        x: Data.
        mu: Means, of the same shape.
        log_var: Shared log-variance: a number, or a scalar tensor to be learned.

    Returns:
        Nats.

    Raises:
        ValueError: Shapes differ or an argument holds NaN.
    """
    same_shape(x=x, mu=mu)
    no_nan(x=x, mu=mu)
    log_var = torch.as_tensor(log_var, dtype=x.dtype, device=x.device)
    return -0.5 * (LOG_2PI + log_var + (x - mu).square() * torch.exp(-log_var)).flatten(1).sum(1)


def elbo(log_likelihood: Float[Tensor, " b"], kl: Float[Tensor, " b"], beta: float = 1.0) -> Float[Tensor, " b"]:
    r"""Evidence lower bound, $\mathbb E_q[\log p(x\mid z)] - \beta\,D_{KL}(q\Vert p)$, to be maximised.

    Kingma and Welling 2014, Eq. 3 (`beta` = 1). With another `beta` it bounds $\log p(x)$ only if `beta` >= 1
    (Higgins et al. 2017 use it so); below 1 it may exceed it.

    Args:
        log_likelihood: $\log p(x\mid z)$ at one sample of z, or its mean over several.
        kl: $D_{KL}(q(z\mid x)\Vert p(z))$.
        beta: Weight of the divergence, not negative.

    Returns:
        Nats.

    Raises:
        ValueError: Shapes differ, `beta` is negative, or an argument holds NaN.
    """
    same_shape(log_likelihood=log_likelihood, kl=kl)
    no_nan(log_likelihood=log_likelihood, kl=kl)
    if not beta >= 0:
        raise ValueError(f"`beta` (={beta}) must be 0 or more: the loss is minus the ELBO, the sign is not in beta")
    return log_likelihood - beta * kl


def importance_weighted_bound(log_weights: Float[Tensor, "k b"]) -> Float[Tensor, " b"]:
    r"""Importance-weighted bound $\log\frac1k\sum_{i=1}^k w_i$ with $w_i=p(x,z_i)/q(z_i\mid x)$, to be maximised.

    Burda, Grosse and Salakhutdinov 2016, Eq. 8. Its expectation grows with k, from the ELBO at k = 1 to
    $\log p(x)$. The logarithm of a *mean*: forgetting $-\log k$ adds $\log k$ nats to every result.

    Args:
        log_weights: $\log p(x\mid z_i)+\log p(z_i)-\log q(z_i\mid x)$ for k samples of each of b data.

    Returns:
        Nats.

    Raises:
        ValueError: `log_weights` is not `(k, b)` with k >= 1, or holds NaN.
    """
    rank("log_weights", log_weights, 2, "samples k, batch b")
    if log_weights.shape[0] < 1:
        raise ValueError("`log_weights` holds no sample (k = 0): draw at least one z per datum")
    no_nan(log_weights=log_weights)
    return torch.logsumexp(log_weights, 0) - math.log(log_weights.shape[0])
