"""The equation tests of the library's losses: how each is evaluated a second time, by another route.

The library's own tests and `course_lib.audit` run the same ones. A loss joins with `register(EquationTests(...))`.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

Inputs = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class EquationTests:
    """How one loss is tested.

    Args:
        like: Its name in `course_lib.losses`.
        formula: What it computes, as LaTeX.
        source: Paper and equation.
        draw: Takes a seeded generator, returns float64 inputs with a batch of at least two.
        reference: Evaluates the formula by another route, one value per sample.
        method: That route in words.
        valid: Whether inputs make sense, for small counterexamples.
        extremes: Inputs by name on which value and gradient must be finite.
        zeros: Takes a generator, returns inputs on which the value must be 0; None if there are none.
        nonnegative: Whether the value is never negative.
        batched: Positions of the inputs that carry the batch on their first axis; None means every tensor.
        differentiable: Positions of the inputs with a gradient; None means every floating-point tensor.
        rtol: Relative tolerance against the reference, in float64.
        atol: Absolute tolerance.
        slips: Wrong versions by what to say of them, such as exchanged arguments.
    """

    like: str
    formula: str
    source: str
    draw: Callable[[torch.Generator], Inputs]
    reference: Callable[..., Tensor]
    method: str
    valid: Callable[..., bool] = lambda *inputs: True
    extremes: dict[str, Inputs] = field(default_factory=dict)
    zeros: Callable[[torch.Generator], Inputs] | None = None
    nonnegative: bool = False
    batched: tuple[int, ...] | None = None
    differentiable: tuple[int, ...] | None = None
    rtol: float = 1e-7
    atol: float = 1e-9
    slips: dict[str, Callable[..., Tensor]] = field(default_factory=dict)


_TESTS: dict[str, EquationTests] = {}


def register(tests: EquationTests) -> EquationTests:
    """Add the tests of a loss; a name is taken once."""
    if tests.like in _TESTS:
        raise ValueError(f"like (={tests.like!r}) already has equation tests.")
    _TESTS[tests.like] = tests
    return tests


def names() -> list[str]:
    """The losses that have equation tests."""
    return sorted(_TESTS)


def find(like: str) -> EquationTests:
    """The tests of a loss; an unknown name is refused with the nearest one."""
    if like not in _TESTS:
        near = difflib.get_close_matches(like, names(), n=1, cutoff=0.0)
        raise ValueError(f"like (={like!r}) has no equation tests; did you mean {near[0]!r}? Known: {names()}")
    return _TESTS[like]


def normals(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    """Float64 normal noise, for `draw`."""
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def gauss_hermite(points: int = 40) -> tuple[Tensor, Tensor]:
    """Nodes and weights with which a sum is the mean under a standard normal, exact for polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())


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
