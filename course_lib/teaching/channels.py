"""Models whose mutual information is known: codes sent through channels, in float64 NumPy, apart from the losses.

`draw` takes a seeded generator and returns one random model, `tight` one on which a bound must be an equality.
"""

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from course_lib.teaching.tractable import LOG_2PI, normal, simplex, uniform


@dataclass(frozen=True)
class CodeChannel:
    """A code c with finitely many values, sent through a noisy channel that puts out x; all sums are finite.

    Attributes:
        prior: P(c), `(k,)`.
        rows: P(x given c), `(k, n)`.
        q: Q(c given x), the recognition distribution, `(n, k)`.
        critic: T(c, x), any table of numbers, `(k, n)`.
    """

    prior: np.ndarray
    rows: np.ndarray
    q: np.ndarray
    critic: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, k: int = 3, n: int = 4) -> "CodeChannel":
        """Random tables, no entry near 0, and a random critic."""
        rows = np.stack([simplex(gen, n) for _ in range(k)])
        q = np.stack([simplex(gen, k) for _ in range(n)])
        return cls(simplex(gen, k), rows, q, normal(gen, k, n))

    @classmethod
    def tight(cls, gen: torch.Generator) -> "CodeChannel":
        """A random channel whose Q is the posterior."""
        model = cls.draw(gen)
        return replace(model, q=model.posterior)

    @classmethod
    def best_for_dv(cls, gen: torch.Generator) -> "CodeChannel":
        """A random channel whose critic is the log-ratio plus a constant."""
        model = cls.draw(gen)
        return replace(model, critic=model.log_ratio + float(normal(gen, 1)[0]))

    @classmethod
    def best_for_nwj(cls, gen: torch.Generator) -> "CodeChannel":
        """A random channel whose critic is the log-ratio plus 1."""
        model = cls.draw(gen)
        return replace(model, critic=model.log_ratio + 1)

    @classmethod
    def near_best(cls, gen: torch.Generator) -> "CodeChannel":
        """A random channel that tells much, and a critic not far from its log-ratio."""
        model = cls.draw(gen)
        rows = model.rows**4 / (model.rows**4).sum(1, keepdims=True)
        model = replace(model, rows=rows)
        return replace(model, critic=model.log_ratio + 0.1 * model.critic)

    @classmethod
    def split(cls, gen: torch.Generator) -> "CodeChannel":
        """A random channel whose first two outputs tell the same: one output, split by a coin that knows nothing."""
        model = cls.draw(gen)
        both, share = model.rows[:, 0] + model.rows[:, 1], 0.2 + 0.6 * float(uniform(gen, 1)[0])
        return replace(model, rows=np.column_stack([share * both, (1 - share) * both, model.rows[:, 2:]]))

    @classmethod
    def noiseless(cls, gen: torch.Generator, k: int = 3) -> "CodeChannel":
        """A random prior, and an x that names its code almost surely, with the posterior as Q."""
        rows = np.full((k, k), 1e-15) + (1 - k * 1e-15) * np.eye(k)
        model = cls(simplex(gen, k), rows, rows, np.zeros((k, k)))
        return replace(model, q=model.posterior)

    def __str__(self) -> str:
        """How tables call it."""
        return f"a channel of {self.rows.shape[0]} codes and {self.rows.shape[1]} outputs"

    @cached_property
    def joint(self) -> np.ndarray:
        """P(c, x), `(k, n)`."""
        return self.prior[:, None] * self.rows

    @cached_property
    def p_x(self) -> np.ndarray:
        """P(x), `(n,)`."""
        return self.joint.sum(0)

    @cached_property
    def posterior(self) -> np.ndarray:
        """P(c given x), `(n, k)`."""
        return (self.joint / self.p_x).T

    @cached_property
    def log_ratio(self) -> np.ndarray:
        """The logarithm of the joint over the product of its margins, `(k, n)`: the best critic."""
        return np.log(self.joint) - np.log(self.prior[:, None] * self.p_x)

    def under_joint(self, table: np.ndarray) -> float:
        """Mean of a table `(k, n)` over pairs that belong together."""
        return float((self.joint * table).sum())

    def under_product(self, table: np.ndarray) -> float:
        """Mean of a table `(k, n)` over pairs put together at random."""
        return float((self.prior[:, None] * self.p_x * table).sum())

    def entropy(self) -> float:
        """H(c)."""
        return float(-(self.prior * np.log(self.prior)).sum())

    def conditional_entropy(self) -> float:
        """H(c given x), averaged over x."""
        return float(-(self.p_x[:, None] * self.posterior * np.log(self.posterior)).sum())

    def information(self) -> float:
        """I(c; x), as the divergence of the joint from the product of its margins."""
        return self.under_joint(self.log_ratio)

    def mean_kl(self, first: np.ndarray, second: np.ndarray) -> float:
        """E_x of the divergence between two tables of distributions over c given x, both `(n, k)`."""
        return float((self.p_x[:, None] * first * (np.log(first) - np.log(second))).sum())

    def barber_agakov(self) -> float:
        """H(c) + E log Q(c given x), summed pair by pair."""
        pairs = itertools.product(range(len(self.prior)), range(len(self.p_x)))
        return self.entropy() + sum(self.joint[c, x] * math.log(self.q[x, c]) for c, x in pairs)

    def info_nce(self, k: int) -> float:
        """Expectation of InfoNCE with k candidates, exact: one true pair and every choice of k - 1 other outputs."""
        codes, outputs = self.joint.shape
        total = 0.0
        for c, x in itertools.product(range(codes), range(outputs)):
            for others in itertools.product(range(outputs), repeat=k - 1):
                scores = self.critic[c, [x, *others]]
                chance = self.joint[c, x] * float(np.prod(self.p_x[list(others)]))
                total += chance * (math.log(k) + scores[0] - float(np.logaddexp.reduce(scores)))
        return total

    def renamed(self, order: np.ndarray) -> "CodeChannel":
        """The same channel with its codes renamed: a bijection of the code."""
        return replace(self, prior=self.prior[order], rows=self.rows[order], q=self.q[:, order])

    def merged(self, target: np.ndarray) -> "CodeChannel":
        """The channel seen through a feature map: output i becomes `target[i]`; Q is the posterior of the result."""
        rows = np.stack([self.rows[:, target == value].sum(1) for value in np.unique(target)], 1)
        model = replace(self, rows=rows, critic=np.zeros_like(rows))
        return replace(model, q=model.posterior)

    def sample(self, count: int, gen: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`count` pairs (c, x), as indices."""
        cells = torch.from_numpy(self.joint.ravel())
        index = torch.multinomial(cells, count, replacement=True, generator=gen).numpy()
        return np.divmod(index, self.joint.shape[1])

    def resample_code(self, x: np.ndarray, gen: torch.Generator) -> np.ndarray:
        """One code from the posterior for each output: half a step of Gibbs sampling."""
        return torch.multinomial(torch.from_numpy(self.posterior)[x], 1, generator=gen)[:, 0].numpy()


def example_channel() -> CodeChannel:
    """The channel on which the lesson shows numbers: three codes, four outputs, a Q that is a rough guess."""
    prior = np.array([0.5, 0.3, 0.2])
    rows = np.array([[0.7, 0.2, 0.05, 0.05], [0.1, 0.6, 0.2, 0.1], [0.05, 0.05, 0.3, 0.6]])
    q = np.array([[0.6, 0.3, 0.1], [0.2, 0.6, 0.2], [0.2, 0.3, 0.5], [0.2, 0.2, 0.6]])
    critic = np.array([[1.0, 0.0, -1.0, -1.0], [-1.0, 1.0, 0.0, 0.0], [-1.0, -1.0, 1.0, 1.0]])
    return CodeChannel(prior, rows, q, critic)


@dataclass(frozen=True)
class CorrelatedGaussians:
    """A code c and an observation x, standard normal vectors whose coordinates are correlated one by one.

    Attributes:
        dims: Number of coordinates.
        rho: Correlation of each c_i with its x_i, between -1 and 1.
        slope: Q(c given x) has the mean slope times x ...
        variance: ... and this variance in each coordinate.
    """

    dims: int
    rho: float
    slope: float = 0.0
    variance: float = 1.0

    @classmethod
    def draw(cls, gen: torch.Generator) -> "CorrelatedGaussians":
        """1 to 20 coordinates, any correlation up to 0.95, a Q that is not the posterior."""
        u = uniform(gen, 4)
        return cls(1 + int(20 * u[0]), 1.9 * u[1] - 0.95, 2 * u[2] - 1, 0.2 + u[3])

    @classmethod
    def tight(cls, gen: torch.Generator) -> "CorrelatedGaussians":
        """The same with Q the posterior."""
        return cls.draw(gen).with_posterior()

    @classmethod
    def with_information(cls, nats: float, dims: int) -> "CorrelatedGaussians":
        """The model of this mutual information, with the posterior as Q."""
        if not nats >= 0:
            raise ValueError(f"nats (={nats}) must be 0 or more: mutual information is never negative.")
        return cls(dims, math.sqrt(-math.expm1(-2 * nats / dims))).with_posterior()

    def __str__(self) -> str:
        """How tables call it."""
        return f"{self.dims} pair{'s' * (self.dims > 1)} of normals with correlation {self.rho:g}"

    def with_posterior(self) -> "CorrelatedGaussians":
        """The same pairs with Q(c given x) = N(rho x, 1 - rho squared)."""
        return replace(self, slope=self.rho, variance=1 - self.rho**2)

    def information(self) -> float:
        """I(c; x), from the determinant of the joint covariance."""
        eye = np.eye(self.dims)
        cov = np.block([[eye, self.rho * eye], [self.rho * eye, eye]])
        return float(-0.5 * np.linalg.slogdet(cov)[1])

    def entropy(self) -> float:
        """h(c), differential."""
        return 0.5 * self.dims * (LOG_2PI + 1)

    def mean_log_q(self) -> float:
        """E log Q(c given x), from second moments."""
        error = 1 - 2 * self.slope * self.rho + self.slope**2
        return -0.5 * self.dims * (LOG_2PI + math.log(self.variance) + error / self.variance)

    def gap(self) -> float:
        """E_x of the divergence of Q from the posterior, by quadrature over x of the closed form of two normals."""
        points, weights = np.polynomial.hermite_e.hermegauss(6)
        v = 1 - self.rho**2
        shift = (self.rho - self.slope) * points
        kl = 0.5 * (v / self.variance - 1 - math.log(v / self.variance) + shift**2 / self.variance)
        return self.dims * float((kl * weights / weights.sum()).sum())

    def sample(self, count: int, gen: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`count` codes and observations, each `(count, dims)`."""
        c = normal(gen, count, self.dims)
        return c, self.rho * c + math.sqrt(1 - self.rho**2) * normal(gen, count, self.dims)

    def log_ratio(self, c: np.ndarray, x: np.ndarray) -> np.ndarray:
        """The best critic, log p(x given c) - log p(x), at `(..., dims)`."""
        v = 1 - self.rho**2
        return (-0.5 * math.log(v) - 0.5 * (x - self.rho * c) ** 2 / v + 0.5 * x**2).sum(-1)

    def log_q(self, c: np.ndarray, x: np.ndarray) -> np.ndarray:
        """Log Q(c given x) at `(..., dims)`."""
        return (-0.5 * (LOG_2PI + math.log(self.variance) + (c - self.slope * x) ** 2 / self.variance)).sum(-1)
