"""Small models whose evidence and posterior are known, on which the lines of a derivation are evaluated.

Everything is float64 NumPy, written from the definitions and apart from `course_lib.losses`, so that the two can be
compared. `draw` takes a seeded generator and returns one random model.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

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

    def log_density(self, value: np.ndarray) -> np.ndarray:
        """Log-density at `value`, `(..., n)`, nats."""
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


@dataclass(frozen=True)
class LinearGaussian:
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
        weight, bias, noise = _normal(gen, data, latent), _normal(gen, data), _normal(gen, data)
        noise_var = float(0.2 + torch.rand((), generator=gen, dtype=torch.float64))
        x = weight @ _normal(gen, latent) + bias + math.sqrt(noise_var) * noise
        root = 0.5 * _normal(gen, latent, latent) / math.sqrt(latent)
        model = cls(
            weight, bias, noise_var, x, Gaussian(0.5 * _normal(gen, latent), root @ root.T + 0.3 * np.eye(latent))
        )
        return model

    @classmethod
    def tight(cls, gen: torch.Generator, latent: int = 2, data: int = 3) -> "LinearGaussian":
        """A random model whose q is the posterior: every bound on its evidence is an equality."""
        model = cls.draw(gen, latent, data)
        return model.with_q(model.posterior)

    def with_q(self, q: Gaussian) -> "LinearGaussian":
        """The same model and datum with another q."""
        return replace(self, q=q)

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

    def log_likelihood(self, z: np.ndarray) -> np.ndarray:
        """Log p(x given z) at `(..., z)`."""
        residual = self.x - self.bias - z @ self.weight.T
        return -0.5 * ((residual**2).sum(-1) / self.noise_var + len(self.x) * (LOG_2PI + math.log(self.noise_var)))

    def log_joint(self, z: np.ndarray) -> np.ndarray:
        """Log p(x, z)."""
        return self.log_likelihood(z) + self.prior.log_density(z)

    def grad_log_joint(self, z: np.ndarray) -> np.ndarray:
        """Gradient of log p(x, z) by z."""
        return (self.x - self.bias - z @ self.weight.T) @ self.weight / self.noise_var - z

    def expect(self, values: "np.ndarray | float", weights: np.ndarray) -> float:
        """Sum of `values` under quadrature `weights`."""
        return float(np.sum(np.asarray(values) * weights))

    def under_q(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """E_q[f(z)] by Gauss-Hermite quadrature: exact here, where every f is a quadratic."""
        z, weights = self.q.nodes()
        return self.expect(f(z), weights)

    def elbo(self) -> float:
        """E_q[log p(x, z) - log q(z)], in closed form: the trace of a quadratic under a Gaussian."""
        n, s2 = len(self.q.mean), self.noise_var
        residual = self.x - self.bias - self.weight @ self.q.mean
        spread = np.trace(self.weight @ self.q.cov @ self.weight.T)
        likelihood = -0.5 * ((residual @ residual + spread) / s2 + len(self.x) * (LOG_2PI + math.log(s2)))
        prior = -0.5 * (self.q.mean @ self.q.mean + np.trace(self.q.cov) + n * LOG_2PI)
        entropy = 0.5 * (n * (1 + LOG_2PI) + np.linalg.slogdet(self.q.cov)[1])
        return float(likelihood + prior + entropy)

    @staticmethod
    def kl(first: Gaussian, second: Gaussian) -> float:
        """D_KL(first, second) by quadrature of the log-ratio under the first argument."""
        z, weights = first.nodes(6)
        return float(((first.log_density(z) - second.log_density(z)) * weights).sum())

    def sample_q(self, count: int, gen: torch.Generator) -> np.ndarray:
        """`count` samples of q."""
        noise = _normal(gen, count, len(self.q.mean))
        return self.q.mean + noise @ np.linalg.cholesky(self.q.cov).T


@dataclass(frozen=True)
class Discrete:
    """Finitely many values of y and z, one observed x: every expectation is a finite sum.

    The joint of the latents is `p_yz[y, z]`, the likelihood of the observed x is `p_x[y, z]`, the candidate is
    `q_yz[y, z]`. With one value of y it is a model with a single latent z; with y taken as observed (its first
    value) it is a conditional model.
    """

    p_yz: np.ndarray
    p_x: np.ndarray
    q_yz: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, ys: int = 3, zs: int = 4) -> "Discrete":
        """Random tables, no entry near 0."""
        return cls(_simplex(gen, ys, zs), 0.05 + 0.9 * _uniform(gen, ys, zs), _simplex(gen, ys, zs))

    @classmethod
    def tight(cls, gen: torch.Generator, ys: int = 3, zs: int = 4) -> "Discrete":
        """Random tables with q the posterior."""
        model = cls.draw(gen, ys, zs)
        return replace(model, q_yz=model.posterior)

    @classmethod
    def tight_conditional(cls, gen: torch.Generator, ys: int = 3, zs: int = 4) -> "Discrete":
        """Random tables whose q(z given first y) is the posterior given x and that y."""
        model = cls.draw(gen, ys, zs)
        q = model.q_yz.copy()
        q[0] = model.posterior[0] / model.posterior[0].sum() * q[0].sum()
        return replace(model, q_yz=q)

    @property
    def joint(self) -> np.ndarray:
        """p(x, y, z) at the observed x."""
        return self.p_x * self.p_yz

    @property
    def posterior(self) -> np.ndarray:
        """p(y, z given x)."""
        return self.joint / self.joint.sum()

    def log_evidence(self) -> float:
        """Log p(x)."""
        return float(np.log(self.joint.sum()))

    @staticmethod
    def kl(first: np.ndarray, second: np.ndarray) -> float:
        """D_KL(first, second) as the sum it is."""
        return float((first * (np.log(first) - np.log(second))).sum())


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
        parts = [Gaussian(_normal(gen, n), np.diag(np.exp(_normal(gen, n)))) for _ in range(2)]
        return cls(*parts)

    @classmethod
    def to_standard(cls, gen: torch.Generator, n: int = 2) -> "Pair":
        """A random diagonal Gaussian against N(0, I)."""
        return cls(cls.diagonal(gen, n).q, Gaussian(np.zeros(n), np.eye(n)))

    @classmethod
    def full(cls, gen: torch.Generator, n: int = 2) -> "Pair":
        """Two random Gaussians with full covariances."""
        roots = [_normal(gen, n, n) for _ in range(2)]
        parts = [Gaussian(_normal(gen, n), root @ root.T + 0.5 * np.eye(n)) for root in roots]
        return cls(*parts)


@dataclass(frozen=True)
class Channel:
    """Data with finitely many values, a coded posterior q(z given x) for each, and a prior p(z): all tables.

    Attributes:
        p_x: Data distribution, `(n,)`.
        q: Rows q(z given x), `(n, m)`.
        p_z: Prior, `(m,)`.
    """

    p_x: np.ndarray
    q: np.ndarray
    p_z: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, n: int = 5, m: int = 4) -> "Channel":
        """Random tables."""
        rows = np.stack([_simplex(gen, m) for _ in range(n)])
        return cls(_simplex(gen, n), rows, _simplex(gen, m))

    @property
    def aggregate(self) -> np.ndarray:
        """The aggregate posterior q(z) = E_x[q(z given x)]."""
        return self.p_x @ self.q

    def mean_kl(self, target: np.ndarray) -> float:
        """E_x[D_KL(q(z given x), target)]."""
        return float((self.p_x[:, None] * self.q * (np.log(self.q) - np.log(target))).sum())

    def mutual_information(self) -> float:
        """I(x; z) under p(x) q(z given x), as the divergence of the joint from the product of its marginals."""
        joint = self.p_x[:, None] * self.q
        return float((joint * (np.log(joint) - np.log(self.p_x[:, None] * self.aggregate))).sum())


def example() -> LinearGaussian:
    """The model behind the errata: z ~ N(0, 1), x given z ~ N(z, 1), x = 2, q = N(0.3, 0.8)."""
    one = np.ones(1)
    return LinearGaussian(np.eye(1), 0 * one, 1.0, 2 * one, Gaussian(0.3 * one, 0.8 * np.eye(1)))


def _normal(gen: torch.Generator, *shape: int) -> np.ndarray:
    return torch.randn(shape, generator=gen, dtype=torch.float64).numpy()


def _uniform(gen: torch.Generator, *shape: int) -> np.ndarray:
    return torch.rand(shape, generator=gen, dtype=torch.float64).numpy()


def _simplex(gen: torch.Generator, *shape: int) -> np.ndarray:
    table = 0.1 + _uniform(gen, *shape)
    return table / table.sum()
