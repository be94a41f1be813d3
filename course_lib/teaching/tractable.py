"""Small models whose evidence and posterior are known, on which the lines of a derivation are evaluated.

Everything is float64 NumPy, written from the definitions and apart from `course_lib.losses`, so that the two can be
compared. `draw` takes a seeded generator and returns one random model.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Gaussian:
    """A Gaussian by mean and covariance.

    Attributes:
        mean: `(n,)`.
        cov: `(n, n)`, positive definite.
    """

    mean: np.ndarray
    cov: np.ndarray

    def log_density(self, value: np.ndarray) -> np.ndarray | float:
        """Log-density at `value`, `(..., n)`, nats; a number where `value` is one point."""
        shift = np.asarray(value) - self.mean
        quadratic = np.einsum("...i,ij,...j->...", shift, np.linalg.inv(self.cov), shift)
        return -0.5 * (len(self.mean) * LOG_2PI + np.linalg.slogdet(self.cov)[1] + quadratic)

    def nodes(self, order: int = 12) -> tuple[np.ndarray, np.ndarray]:
        """Gauss-Hermite nodes `(m, n)` and weights `(m,)`: exact for polynomials up to degree 2 `order` - 1."""
        points, weights = np.polynomial.hermite_e.hermegauss(order)
        n = len(self.mean)
        grid = np.stack(np.meshgrid(*[points] * n, indexing="ij"), -1).reshape(-1, n)
        mass = np.prod(np.stack(np.meshgrid(*[weights / weights.sum()] * n, indexing="ij"), -1).reshape(-1, n), -1)
        return self.mean + grid @ np.linalg.cholesky(self.cov).T, mass


class _Model:
    """What every tractable model can do with its own `prior`, `q`, `posterior` and `log_likelihood`."""

    def with_q(self, q: Any) -> Any:
        """The same model and datum with another q."""
        return replace(self, q=q)

    @classmethod
    def tight(cls, gen: torch.Generator, *sizes: int) -> Any:
        """A random model whose q is the posterior: every bound on its evidence is an equality."""
        model = cls.draw(gen, *sizes)
        return model.with_q(model.posterior)

    def log_joint(self, z: np.ndarray) -> np.ndarray | float:
        """Log p(x, z)."""
        return self.log_likelihood(z) + self.prior.log_density(z)

    def under_q(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """E_q[f(z)]: a finite sum, or Gauss-Hermite quadrature, exact where f is a polynomial."""
        z, weights = self.q.nodes()
        return float((f(z) * weights).sum())

    @staticmethod
    def kl(first: Any, second: Any) -> float:
        """D_KL(first, second): the log-ratio under the first argument, by sum or quadrature."""
        z, weights = first.nodes(6)
        return float(((first.log_density(z) - second.log_density(z)) * weights).sum())


@dataclass(frozen=True)
class LinearGaussian(_Model):
    """Latent z ~ N(0, I), datum x given z ~ N(W z + b, s^2 I), one observed x and one candidate posterior q.

    Attributes:
        weight: W, `(d, z)`.
        bias: b, `(d,)`.
        noise_var: s squared.
        x: The observed datum, `(d,)`.
        q: The candidate posterior; any Gaussian.
    """

    weight: np.ndarray
    bias: np.ndarray
    noise_var: float
    x: np.ndarray
    q: Gaussian

    @classmethod
    def draw(cls, gen: torch.Generator, latent: int = 2, data: int = 3) -> "LinearGaussian":
        """A random model, a datum from it, and a random q that is not the posterior."""
        weight, bias, noise = normal(gen, data, latent), normal(gen, data), normal(gen, data)
        noise_var = float(0.2 + torch.rand((), generator=gen, dtype=torch.float64))
        x = weight @ normal(gen, latent) + bias + math.sqrt(noise_var) * noise
        root = 0.5 * normal(gen, latent, latent) / math.sqrt(latent)
        q = Gaussian(0.5 * normal(gen, latent), root @ root.T + 0.3 * np.eye(latent))
        return cls(weight, bias, noise_var, x, q)

    @property
    def prior(self) -> Gaussian:
        """p(z) = N(0, I)."""
        n = self.weight.shape[1]
        return Gaussian(np.zeros(n), np.eye(n))

    @cached_property
    def posterior(self) -> Gaussian:
        """p(z given x), by completing the square."""
        precision = np.eye(self.weight.shape[1]) + self.weight.T @ self.weight / self.noise_var
        cov = np.linalg.inv(precision)
        return Gaussian(cov @ self.weight.T @ (self.x - self.bias) / self.noise_var, cov)

    def log_evidence(self) -> float:
        """Log p(x), from the marginal N(b, W W' + s^2 I)."""
        cov = self.weight @ self.weight.T + self.noise_var * np.eye(len(self.x))
        return float(Gaussian(self.bias, cov).log_density(self.x))

    def log_likelihood(self, z: np.ndarray) -> np.ndarray | float:
        """Log p(x given z) at `(..., z)`."""
        residual = self.x - self.bias - z @ self.weight.T
        return -0.5 * ((residual**2).sum(-1) / self.noise_var + len(self.x) * (LOG_2PI + math.log(self.noise_var)))

    def grad_log_joint(self, z: np.ndarray) -> np.ndarray:
        """Gradient of log p(x, z) by z."""
        return (self.x - self.bias - z @ self.weight.T) @ self.weight / self.noise_var - z

    def integrate(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """Integral of f over z, by quadrature on the nodes of the posterior: exact for p(x, z) times a polynomial."""
        z, weights = self.posterior.nodes()
        return float((f(z) * weights / np.exp(self.posterior.log_density(z))).sum())

    def elbo(self) -> float:
        """E_q[log p(x, z) - log q(z)], in closed form: the trace of a quadratic under a Gaussian."""
        n, s2 = len(self.q.mean), self.noise_var
        residual = self.x - self.bias - self.weight @ self.q.mean
        spread = np.trace(self.weight @ self.q.cov @ self.weight.T)
        likelihood = -0.5 * ((residual @ residual + spread) / s2 + len(self.x) * (LOG_2PI + math.log(s2)))
        prior = -0.5 * (self.q.mean @ self.q.mean + np.trace(self.q.cov) + n * LOG_2PI)
        entropy = 0.5 * (n * (1 + LOG_2PI) + np.linalg.slogdet(self.q.cov)[1])
        return float(likelihood + prior + entropy)

    def sample_q(self, count: int, gen: torch.Generator) -> np.ndarray:
        """`count` samples of q."""
        noise = normal(gen, count, len(self.q.mean))
        return self.q.mean + noise @ np.linalg.cholesky(self.q.cov).T


@dataclass(frozen=True)
class Table:
    """A distribution over finitely many values.

    Attributes:
        probs: Their probabilities, `(n,)`, none of them 0.
    """

    probs: np.ndarray

    def log_density(self, index: np.ndarray) -> np.ndarray:
        """Log-probability of each value in `index`, nats."""
        return np.log(self.probs)[index]

    def nodes(self, order: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Every value and its probability (`order` is there for the sake of `Gaussian.nodes`)."""
        return np.arange(len(self.probs)), self.probs


@dataclass(frozen=True)
class Enumerable(_Model):
    """A latent with finitely many values, one observed x, one candidate posterior: every expectation is a finite sum.

    Attributes:
        prior: p(z).
        p_x: p(x given z) at the observed x, for each z, `(n,)`.
        q: The candidate posterior.
    """

    prior: Table
    p_x: np.ndarray
    q: Table

    @classmethod
    def draw(cls, gen: torch.Generator, values: int = 4) -> "Enumerable":
        """Random tables, no entry near 0."""
        return cls(Table(simplex(gen, values)), 0.05 + 0.9 * uniform(gen, values), Table(simplex(gen, values)))

    @property
    def posterior(self) -> Table:
        """p(z given x), by Bayes."""
        joint = self.prior.probs * self.p_x
        return Table(joint / joint.sum())

    def log_evidence(self) -> float:
        """Log p(x), the sum over z."""
        return float(np.log((self.prior.probs * self.p_x).sum()))

    def log_likelihood(self, z: np.ndarray) -> np.ndarray | float:
        """Log p(x given z)."""
        return np.log(self.p_x)[z]

    def integrate(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """Sum of f over all values of z."""
        return float(f(np.arange(len(self.p_x))).sum())

    def elbo(self) -> float:
        """E_q[log p(x, z) - log q(z)], summed value by value."""
        return float(sum(q * (math.log(p * lik) - math.log(q)) for q, p, lik in self._rows()))

    def importance_weighted(self, k: int) -> float:
        """Expectation of the importance-weighted bound, exact: all n^k samples of k values with their probabilities."""
        weights = self.prior.probs * self.p_x / self.q.probs
        total = 0.0
        for choice in itertools.product(range(len(weights)), repeat=k):
            index = list(choice)
            total += float(np.prod(self.q.probs[index]) * np.log(weights[index].mean()))
        return total

    def _rows(self) -> list[tuple[float, float, float]]:
        return list(zip(self.q.probs.tolist(), self.prior.probs.tolist(), self.p_x.tolist(), strict=True))


@dataclass(frozen=True)
class Joint:
    """A random table of x, y and z, of which x (and, in the conditional case, y) is observed at its first value.

    Attributes:
        table: p(x, y, z), `(nx, ny, nz)`.
        q_yz: A candidate for p(y, z given x), `(ny, nz)`.
        q_z: A candidate for p(z given x, y), `(nz,)`.
    """

    table: np.ndarray
    q_yz: np.ndarray
    q_z: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, nx: int = 3, ny: int = 3, nz: int = 4) -> "Joint":
        """Random tables, no entry near 0."""
        return cls(simplex(gen, nx, ny, nz), simplex(gen, ny, nz), simplex(gen, nz))

    @classmethod
    def tight(cls, gen: torch.Generator) -> "Joint":
        """Random tables whose candidates are the true posteriors."""
        model = cls.draw(gen)
        at_x = model.table[0]
        return replace(model, q_yz=at_x / at_x.sum(), q_z=at_x[0] / at_x[0].sum())

    @cached_property
    def both(self) -> Enumerable:
        """The model whose latent is the pair (y, z)."""
        prior = self.table.sum(0)
        return Enumerable(Table(prior.ravel()), (self.table[0] / prior).ravel(), Table(self.q_yz.ravel()))

    @cached_property
    def given(self) -> Enumerable:
        """The model given y, by the definition of conditional probability: latent z, prior p(z given y)."""
        p_yz = self.table.sum(0)[0]
        return Enumerable(Table(p_yz / p_yz.sum()), self.table[0, 0] / p_yz, Table(self.q_z))

    def log_p_xy(self) -> float:
        """Log p(x, y) at what is observed."""
        return float(np.log(self.table[0, 0].sum()))

    def log_p_y(self) -> float:
        """Log p(y)."""
        return float(np.log(self.table[:, 0].sum()))


@dataclass(frozen=True)
class Pair:
    """Two Gaussians to compare.

    Attributes:
        q: First argument of the divergence.
        p: Second argument.
    """

    q: Gaussian
    p: Gaussian

    @classmethod
    def diagonal(cls, gen: torch.Generator, n: int = 2) -> "Pair":
        """Two random Gaussians with diagonal covariances."""
        parts = [Gaussian(normal(gen, n), np.diag(np.exp(normal(gen, n)))) for _ in range(2)]
        return cls(*parts)

    @classmethod
    def to_standard(cls, gen: torch.Generator, n: int = 2) -> "Pair":
        """A random diagonal Gaussian against N(0, I)."""
        return cls(cls.diagonal(gen, n).q, Gaussian(np.zeros(n), np.eye(n)))

    @classmethod
    def full(cls, gen: torch.Generator, n: int = 2) -> "Pair":
        """Two random Gaussians with full covariances."""
        roots = [normal(gen, n, n) for _ in range(2)]
        parts = [Gaussian(normal(gen, n), root @ root.T + 0.5 * np.eye(n)) for root in roots]
        return cls(*parts)


def gaussian_or_table(gen: torch.Generator) -> LinearGaussian | Enumerable:
    """A random model: linear-Gaussian or enumerable, as a coin falls."""
    return LinearGaussian.draw(gen) if torch.rand((), generator=gen) < 0.5 else Enumerable.draw(gen)


def tight_gaussian_or_table(gen: torch.Generator) -> LinearGaussian | Enumerable:
    """The same with q the posterior."""
    model = gaussian_or_table(gen)
    return model.with_q(model.posterior)


def example() -> LinearGaussian:
    """One model to see numbers on: z ~ N(0, 1), x given z ~ N(z, 1), x = 2, q = N(0.3, 0.8) (a variance)."""
    one = np.ones(1)
    return LinearGaussian(np.eye(1), 0 * one, 1.0, 2 * one, Gaussian(0.3 * one, 0.8 * np.eye(1)))


def normal(gen: torch.Generator, *shape: int) -> np.ndarray:
    """Standard normal numbers."""
    return torch.randn(shape, generator=gen, dtype=torch.float64).numpy()


def uniform(gen: torch.Generator, *shape: int) -> np.ndarray:
    """Numbers between 0 and 1."""
    return torch.rand(shape, generator=gen, dtype=torch.float64).numpy()


def simplex(gen: torch.Generator, *shape: int) -> np.ndarray:
    """A table of probabilities, none of them near 0."""
    table = 0.1 + uniform(gen, *shape)
    return table / table.sum()
