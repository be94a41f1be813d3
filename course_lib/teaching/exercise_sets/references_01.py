"""Inputs of the exercises of lesson 01, and the right answers by routes that no solution takes."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Categorical, Normal, kl_divergence

from course_lib.losses import elbo
from course_lib.teaching.diagnosis import as_tensor, close

NODES, NODE_WEIGHTS = (torch.from_numpy(one) for one in np.polynomial.hermite_e.hermegauss(12))


def _normal(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def draw_table(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """A table of log p(x, z), and probabilities q(z)."""
    n = int(torch.randint(2, 6, (), generator=gen))
    joint = _normal(gen, n + 1, scale=1.5).log_softmax(0)[:n]  # what the last entry takes is left for other x
    return joint, _normal(gen, n, scale=1.5).softmax(0)


def evidence_minus_divergence(log_joint: Tensor, q: Tensor) -> Tensor:
    """The other way to the ELBO: the log-evidence less the divergence of q from the true posterior."""
    posterior = Categorical(logits=log_joint)
    return log_joint.logsumexp(0) - kl_divergence(Categorical(probs=q), posterior)


def is_table(log_joint: Tensor, q: Tensor) -> bool:
    """Whether q is a distribution, and p(x, z) no more than one."""
    return bool((q > 0).all()) and math.isclose(float(q.sum()), 1.0) and float(log_joint.logsumexp(0)) < 1e-9


def draw_gaussians(gen: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Means and log-variances of two batches of normals."""
    return _normal(gen, 4, 3), _normal(gen, 4, 3), _normal(gen, 4, 3), _normal(gen, 4, 3)


def quadrature(mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    """The mean of log q - log p under q, as a weighted sum over nodes: exact, since the integrand is a quadratic."""
    q = Normal(mu_q[..., None], torch.exp(log_var_q[..., None] / 2))
    p = Normal(mu_p[..., None], torch.exp(log_var_p[..., None] / 2))
    z = q.mean + q.stddev * NODES
    integrand = q.log_prob(z) - p.log_prob(z)
    return (integrand * NODE_WEIGHTS / NODE_WEIGHTS.sum()).sum((-2, -1))


def draw_noise(gen: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Means, log-variances and noise, without the far tails in which a quantile loses digits."""
    return _normal(gen, 4, 3), _normal(gen, 4, 3, scale=1.5), _normal(gen, 4, 3).clamp(-4, 4)


def quantile(mu: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    """The point of N(mu, variance) below which lies as much of it as lies below the noise in N(0, 1)."""
    return Normal(mu, log_var.exp().sqrt()).icdf(Normal(0.0, 1.0).cdf(noise))


def differentiable(fn: Callable[..., Any], mu: Tensor, log_var: Tensor, noise: Tensor) -> str:
    """Whether gradients pass through the draw, the reason why it is written in this way."""
    leaves = mu.requires_grad_(), log_var.requires_grad_()
    lost = "the values are right, but no gradient reaches `mu` and `log_var`: use tensor operations only, no detach"
    try:
        z = fn(leaves[0].clone(), leaves[1].clone(), noise)
        grads = torch.autograd.grad(z.sum(), leaves, allow_unused=True)
    except Exception:  # whatever a learner's function does, it is described and not raised
        return lost
    want = torch.ones_like(mu), noise * torch.exp(log_var / 2) / 2
    if any(grad is None for grad in grads):
        return lost
    right = all(close(g, w.detach(), rtol=1e-6, atol=1e-8) for g, w in zip(grads, want, strict=True))
    return "" if right else "the values are right, but a gradient is lost on the way to `mu` or `log_var`"


def draw_terms(gen: torch.Generator) -> tuple[Tensor, Tensor, float]:
    """Divergences, errors and the weight of the divergence."""
    return _normal(gen, 4).exp(), 3 * _normal(gen, 4).exp(), math.exp(float(_normal(gen)))


def minus_bound(kl: Tensor, reconstruction_error: Tensor, weight: float) -> Tensor:
    """Minus a bound to be maximised, in which the error is minus a log-likelihood."""
    return -elbo(-reconstruction_error, kl, beta=weight)


def draw_weights(gen: torch.Generator) -> tuple[Tensor]:
    """Log-weights of three samples of three observations."""
    return (_normal(gen, 3, 3, scale=2.0) - 3 * float(torch.rand((), generator=gen)),)


def in_decimals(log_w: Tensor) -> Tensor:
    """The formula to the letter, in decimals that neither overflow nor underflow."""
    with localcontext(prec=40):
        columns = [[Decimal(one).exp() for one in column] for column in log_w.T.tolist()]
        return torch.tensor([float((sum(one) / len(one)).ln()) for one in columns], dtype=torch.float64)


def axes(fn: Callable[..., Any], log_w: Tensor) -> str:
    """Each sample counted twice must change nothing, and an observation does not depend on the others."""
    cases = (
        (torch.cat([log_w, log_w]), "the bound must not change when every sample is counted twice, and yours does: "
         "k is the length of the first axis, b that of the second"),
        (log_w[:, :1], "the bound of an observation must not depend on the others, and yours does"),
    )  # fmt: skip
    for more, says in cases:
        try:
            got = as_tensor(fn(more.clone()))
        except Exception as error:
            return f"it raises {type(error).__name__} on weights of shape {tuple(more.shape)}"
        if got is None or not close(got, in_decimals(more), rtol=1e-6, atol=1e-8):
            return says
    return ""


def draw_spectrum(gen: torch.Generator) -> tuple[Tensor, float, float]:
    """Eigenvalues on both sides of the threshold, the weight of the divergence, and the noise variance."""
    n = int(torch.randint(1, 7, (), generator=gen))
    beta, noise_var = torch.exp(_normal(gen, 2)).clamp(0.1, 8).tolist()
    eigenvalues = (beta * noise_var) ** 0.7 * torch.exp(_normal(gen, n, scale=1.5))
    near = (eigenvalues / (beta * noise_var) - 1).abs() < 0.05  # too near for a search to tell
    return torch.where(near, 1.2 * eigenvalues, eigenvalues).sort(descending=True).values, beta, noise_var


def search(eigenvalues: Tensor, beta: float, noise_var: float) -> Tensor:
    """Count the directions whose loss is lower at some gain above 0 than at 0.

    The decoder is x = gain z, q(z given x) = N(slope x, spread), and the loss is the squared error over twice the noise
    variance plus beta times the divergence, at the slope and spread that are best for each gain.
    """
    eigenvalue = eigenvalues[:, None]
    gain = eigenvalue.sqrt() * torch.linspace(0, 1, 1001, dtype=torch.float64)
    scale = gain**2 + beta * noise_var
    slope, spread = gain / scale, beta * noise_var / scale
    error = eigenvalue * (1 - gain * slope) ** 2 + gain**2 * spread
    divergence = 0.5 * (slope**2 * eigenvalue + spread - 1 - spread.log())
    loss = error / (2 * noise_var) + beta * divergence
    without = loss[:, 0]
    return (loss.min(1).values < without - 1e-12 * (1 + without)).sum()


def is_spectrum(eigenvalues: Tensor, beta: float, noise_var: float) -> bool:
    """Whether the inputs make sense, with no eigenvalue nearer to the threshold than a search can tell."""
    if not (beta > 0 and noise_var > 0 and bool((eigenvalues >= 0).all())):
        return False
    near = (eigenvalues - beta * noise_var).abs() < 0.04 * beta * noise_var
    return not bool((near & (eigenvalues != beta * noise_var)).any())
