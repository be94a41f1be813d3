"""The equation tests of `course_lib.losses.elbo`: quadrature, enumeration, and `torch.distributions`."""

import math

import torch
from torch import Tensor
from torch.distributions import Bernoulli, MultivariateNormal, Normal

from course_lib.teaching.equation_tests import EquationTests, Inputs, gauss_hermite, normals, register


def _log_normal(x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    return torch.distributions.Normal(mu, (0.5 * log_var).exp()).log_prob(x)


def gaussian_kl_by_quadrature(mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor, log_var_p: Tensor) -> Tensor:
    """The mean of log q - log p under q, by Gauss-Hermite quadrature in each dimension."""
    nodes, weights = gauss_hermite()
    x = mu_q[..., None] + (0.5 * log_var_q).exp()[..., None] * nodes
    gap = _log_normal(x, mu_q[..., None], log_var_q[..., None]) - _log_normal(x, mu_p[..., None], log_var_p[..., None])
    return (gap * weights).sum(-1).sum(-1)


def _two_gaussians(gen: torch.Generator) -> Inputs:
    return tuple(normals(gen, 3, 2) for _ in range(4))


def _one_gaussian_twice(gen: torch.Generator) -> Inputs:
    mu, log_var = normals(gen, 3, 2), normals(gen, 3, 2)
    return mu, log_var, mu.clone(), log_var.clone()


def _flat(value: float) -> Tensor:
    return torch.full((2, 3), value, dtype=torch.float64)


register(
    EquationTests(
        like="gaussian_kl",
        formula=r"D_{\mathrm{KL}}\left(\mathcal{N}(\mu_q, \sigma_q^2)\,\Vert\,\mathcal{N}(\mu_p, \sigma_p^2)\right)",
        source="Kingma and Welling 2014, Appendix B, for a general second Gaussian",
        draw=_two_gaussians,
        reference=gaussian_kl_by_quadrature,
        method="Gauss-Hermite quadrature of log q - log p under q",
        zeros=_one_gaussian_twice,
        nonnegative=True,
        extremes={
            "equal": (_flat(0.0), _flat(0.0), _flat(0.0), _flat(0.0)),
            "log-variance -20": (_flat(0.0), _flat(-20.0), _flat(0.0), _flat(0.0)),
            "log-variance 20": (_flat(0.0), _flat(20.0), _flat(0.0), _flat(0.0)),
            "means 1000 apart": (_flat(1000.0), _flat(0.0), _flat(0.0), _flat(0.0)),
        },
        slips={
            "the arguments are exchanged: this is KL(p, q)": lambda mu_q, log_var_q, mu_p, log_var_p: (
                gaussian_kl_by_quadrature(mu_p, log_var_p, mu_q, log_var_q)
            ),
            "the log-variances are read as log standard deviations": lambda mu_q, log_var_q, mu_p, log_var_p: (
                gaussian_kl_by_quadrature(mu_q, 2 * log_var_q, mu_p, 2 * log_var_p)
            ),
            "the mean over latent dimensions is taken instead of the sum": lambda mu_q, log_var_q, mu_p, log_var_p: (
                gaussian_kl_by_quadrature(mu_q, log_var_q, mu_p, log_var_p) / mu_q.shape[-1]
            ),
        },
    )
)


def _one_gaussian(gen: torch.Generator) -> Inputs:
    return normals(gen, 3, 2), normals(gen, 3, 2)


register(
    EquationTests(
        like="standard_normal_kl",
        formula=r"D_{\mathrm{KL}}\left(\mathcal{N}(\mu, \sigma^2)\,\Vert\,\mathcal{N}(0, 1)\right)",
        source="Kingma and Welling 2014, Appendix B",
        draw=_one_gaussian,
        reference=lambda mu, log_var: gaussian_kl_by_quadrature(mu, log_var, 0 * mu, 0 * mu),
        method="Gauss-Hermite quadrature of log q - log p under q",
        zeros=lambda gen: (torch.zeros(3, 2, dtype=torch.float64), torch.zeros(3, 2, dtype=torch.float64)),
        nonnegative=True,
        extremes={
            "log-variance -20": (_flat(0.0), _flat(-20.0)),
            "log-variance 20": (_flat(0.0), _flat(20.0)),
            "mean 1000": (_flat(1000.0), _flat(0.0)),
        },
        slips={
            "the arguments are exchanged: this is KL(p, q)": lambda mu, log_var: gaussian_kl_by_quadrature(
                0 * mu, 0 * mu, mu, log_var
            ),
            "the log-variances are read as log standard deviations": lambda mu, log_var: gaussian_kl_by_quadrature(
                mu, 2 * log_var, 0 * mu, 0 * mu
            ),
            "the mean over latent dimensions is taken instead of the sum": lambda mu, log_var: (
                gaussian_kl_by_quadrature(mu, log_var, 0 * mu, 0 * mu) / mu.shape[-1]
            ),
        },
    )
)


def _factor(gen: torch.Generator, b: int, z: int) -> Tensor:
    """Lower Cholesky factors with a positive diagonal."""
    return normals(gen, b, z, z).tril(-1) + torch.diag_embed((0.5 * normals(gen, b, z)).exp())


def full_kl_by_quadrature(mu_q: Tensor, tril_q: Tensor, mu_p: Tensor, tril_p: Tensor) -> Tensor:
    """The mean of log q - log p under q, on a Gauss-Hermite grid: exact, because the integrand is quadratic."""
    nodes, weights = gauss_hermite(5)
    z = mu_q.shape[-1]
    grid = torch.cartesian_prod(*[nodes] * z).reshape(-1, 1, z)
    mass = torch.cartesian_prod(*[weights] * z).reshape(-1, 1, z).prod(-1)
    x = mu_q + (tril_q @ grid[..., None]).squeeze(-1)
    q = MultivariateNormal(mu_q, scale_tril=tril_q.tril(), validate_args=False)
    p = MultivariateNormal(mu_p, scale_tril=tril_p.tril(), validate_args=False)
    return ((q.log_prob(x) - p.log_prob(x)) * mass).sum(0)


def _two_full_gaussians(gen: torch.Generator) -> Inputs:
    return normals(gen, 3, 2), _factor(gen, 3, 2), normals(gen, 3, 2), _factor(gen, 3, 2)


def _one_full_gaussian_twice(gen: torch.Generator) -> Inputs:
    mu, tril = normals(gen, 3, 2), _factor(gen, 3, 2)
    return mu, tril, mu.clone(), tril.clone()


def _scaled(value: float) -> Tensor:
    return value * torch.eye(3, dtype=torch.float64).expand(2, 3, 3)


register(
    EquationTests(
        like="full_gaussian_kl",
        formula=r"D_{\mathrm{KL}}\left(\mathcal{N}(\mu_q, \Sigma_q)\,\Vert\,\mathcal{N}(\mu_p, \Sigma_p)\right)",
        source="Kingma and Welling 2014, Appendix B, for full covariances",
        draw=_two_full_gaussians,
        reference=full_kl_by_quadrature,
        method="Gauss-Hermite quadrature of log q - log p under q",
        valid=lambda mu_q, tril_q, mu_p, tril_p: (
            tril_q.dim() == 3
            and tril_q.shape[-2:] == (mu_q.shape[-1],) * 2
            and tril_p.shape == tril_q.shape
            and bool((tril_q.diagonal(dim1=-2, dim2=-1) > 0).all())
            and bool((tril_p.diagonal(dim1=-2, dim2=-1) > 0).all())
        ),
        zeros=_one_full_gaussian_twice,
        nonnegative=True,
        extremes={
            "a narrow q": (_flat(0.0), _scaled(1e-5), _flat(0.0), _scaled(1.0)),
            "means 1000 apart": (_flat(1000.0), _scaled(1.0), _flat(0.0), _scaled(1.0)),
        },
        slips={
            "the arguments are exchanged: this is KL(p, q)": lambda mu_q, tril_q, mu_p, tril_p: full_kl_by_quadrature(
                mu_p, tril_p, mu_q, tril_q
            ),
        },
    )
)


def _pixels(gen: torch.Generator) -> Inputs:
    return (normals(gen, 3, 1, 2, 2) > 0).double(), 2 * normals(gen, 3, 1, 2, 2)


register(
    EquationTests(
        like="bernoulli_log_likelihood",
        formula=r"\sum_i x_i\,a_i - \log\left(1 + e^{a_i}\right)",
        source="Kingma and Welling 2014, Appendix C.1, with logits",
        draw=_pixels,
        reference=lambda x, logits: Bernoulli(logits.sigmoid()).log_prob(x).flatten(1).sum(1),
        method="torch.distributions, from probabilities instead of logits",
        valid=lambda x, logits: bool(((x == 0) | (x == 1)).all()),
        differentiable=(1,),
        extremes={  # beyond 709, where exp overflows in float64
            "logits 1000, pixels 0": (torch.zeros(2, 1, 2, 2).double(), torch.full((2, 1, 2, 2), 1000.0).double()),
            "logits -1000, pixels 1": (torch.ones(2, 1, 2, 2).double(), torch.full((2, 1, 2, 2), -1000.0).double()),
        },
        slips={
            "the mean over pixels is taken instead of the sum": lambda x, logits: (
                Bernoulli(logits.sigmoid()).log_prob(x).flatten(1).mean(1)
            ),
            "the sign is that of the cross-entropy; a log-likelihood is never positive here": lambda x, logits: (
                -Bernoulli(logits.sigmoid()).log_prob(x).flatten(1).sum(1)
            ),
            "the logits are taken for probabilities after a second sigmoid": lambda x, logits: (
                Bernoulli(logits.sigmoid().sigmoid()).log_prob(x).flatten(1).sum(1)
            ),
        },
    )
)

register(
    EquationTests(
        like="gaussian_log_likelihood",
        formula=r"-\frac{1}{2}\sum_i \log 2\pi + \ell + (x_i - \mu_i)^2\,e^{-\ell}",
        source="Kingma and Welling 2014, Appendix C.2, with one shared variance",
        draw=lambda gen: (normals(gen, 3, 1, 2, 2), normals(gen, 3, 1, 2, 2), normals(gen, 1)[0]),
        reference=lambda x, mu, log_var: Normal(mu, math.exp(0.5 * float(log_var))).log_prob(x).flatten(1).sum(1),
        method="torch.distributions",
        batched=(0, 1),
        extremes={
            "log-variance -20": (_flat(0.0), _flat(0.0), torch.tensor(-20.0).double()),
            "log-variance 20": (_flat(1000.0), _flat(0.0), torch.tensor(20.0).double()),
        },
        slips={
            "the constant -1/2 log(2 pi) a dimension is missing": lambda x, mu, log_var: (
                (Normal(mu, math.exp(0.5 * float(log_var))).log_prob(x) + 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)
            ),
            "the mean over dimensions is taken instead of the sum": lambda x, mu, log_var: (
                Normal(mu, math.exp(0.5 * float(log_var))).log_prob(x).flatten(1).mean(1)
            ),
        },
    )
)

register(
    EquationTests(
        like="importance_weighted_bound",
        formula=r"\log \frac{1}{K}\sum_{k=1}^{K} w_k",
        source="Burda, Grosse and Salakhutdinov 2016, Eq. 8",
        draw=lambda gen: (2 * normals(gen, 5, 3),),
        reference=lambda log_weights: log_weights.exp().mean(0).log(),
        method="the logarithm of the plain mean of the weights",
        batch_axis=1,
        extremes={
            "log-weights -2000": (torch.full((5, 2), -2000.0).double(),),
            "log-weights 2000": (torch.full((5, 2), 2000.0).double(),),
        },
        slips={
            "-log K is missing: this is the logarithm of a sum, not of a mean": lambda log_weights: (
                log_weights.exp().sum(0).log()
            ),
            "the mean of the log-weights is the ELBO; the mean belongs inside the logarithm": lambda log_weights: (
                log_weights.mean(0)
            ),
        },
    )
)

register(
    EquationTests(
        like="elbo",
        formula=r"\mathbb{E}_{q}\left[\log p(x\mid z)\right] - \beta\,D_{\mathrm{KL}}",
        source="Kingma and Welling 2014, Eq. 3; beta: Higgins et al. 2017, Eq. 4",
        draw=lambda gen: (normals(gen, 3), normals(gen, 3).abs(), float(normals(gen, 1).abs())),
        reference=lambda log_likelihood, kl, beta: log_likelihood - beta * kl,
        method="its two terms",
        valid=lambda log_likelihood, kl, beta: bool((kl >= 0).all()) and beta >= 0,
        slips={
            "the divergence is added; the bound subtracts it": lambda log_likelihood, kl, beta: (
                log_likelihood + beta * kl
            ),
            "this is minus the bound, the loss to minimise; the function returns the bound itself": (
                lambda log_likelihood, kl, beta: beta * kl - log_likelihood
            ),
        },
    )
)

register(
    EquationTests(
        like="gaussian_log_density",
        formula=r"-\frac{1}{2}\sum_i \log 2\pi + \ell_i + (v_i - \mu_i)^2\,e^{-\ell_i}",
        source="Kingma and Welling 2014, Appendix B",
        draw=lambda gen: (normals(gen, 3, 2), normals(gen, 3, 2), normals(gen, 3, 2)),
        reference=lambda value, mu, log_var: _log_normal(value, mu, log_var).sum(-1),
        method="torch.distributions",
        extremes={
            "log-variance -20": (_flat(0.0), _flat(0.0), _flat(-20.0)),
            "log-variance 20": (_flat(1000.0), _flat(0.0), _flat(20.0)),
        },
        slips={
            "the constant -1/2 log(2 pi) a dimension is missing": lambda value, mu, log_var: (
                _log_normal(value, mu, log_var) + 0.5 * math.log(2 * math.pi)
            ).sum(-1),
            "the log-variances are read as log standard deviations": lambda value, mu, log_var: _log_normal(
                value, mu, 2 * log_var
            ).sum(-1),
        },
    )
)
