"""Two more models with a known truth: a coded posterior as a table, and one direction of a linear autoencoder."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib.teaching.tractable import simplex, uniform


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
        rows = np.stack([simplex(gen, m) for _ in range(n)])
        return cls(simplex(gen, n), rows, simplex(gen, m))

    def with_best_prior(self) -> "Channel":
        """The same channel with the aggregate posterior as its prior."""
        return replace(self, p_z=self.aggregate)

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


@dataclass(frozen=True)
class Direction:
    """One direction of a linear VAE: data of variance `eigenvalue`, decoder x = gain z, q(z given x) = N(a x, v).

    Attributes:
        eigenvalue: Variance of the data along the direction, l.
        noise_var: Noise variance of the decoder, s squared.
        beta: Weight of the divergence.
        gain: The decoder's gain, g.
    """

    eigenvalue: float
    noise_var: float
    beta: float
    gain: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Direction":
        """A random direction; about half of them lie below the threshold."""
        u = uniform(gen, 4)
        return cls(0.2 + 2 * u[0], 0.2 + u[1], 0.5 + 2 * u[2], 0.1 + 1.5 * u[3])

    @classmethod
    def tight(cls, gen: torch.Generator) -> "Direction":
        """A random direction above the threshold with the gain that a search found; no formula has a part in it."""
        one = cls.draw(gen)
        one = replace(one, eigenvalue=one.eigenvalue + one.beta * one.noise_var)
        low, high = 0.0, math.sqrt(one.eigenvalue)
        for _ in range(100):  # golden section: the loss has one minimum at gains of 0 or more
            left, right = low + 0.381966 * (high - low), low + 0.618034 * (high - low)
            if replace(one, gain=left).loss() < replace(one, gain=right).loss():
                high = right
            else:
                low = left
        return replace(one, gain=0.5 * (low + high))

    def best(self) -> "Direction":
        """The same direction with the gain that `threshold` of lesson 01 predicts."""
        return replace(self, gain=math.sqrt(max(self.eigenvalue - self.beta * self.noise_var, 0.0)))

    def encoder(self) -> tuple[float, float]:
        """The a and v that minimise the loss at this gain: the loss is a quadratic in a, and convex in v."""
        scale = self.gain**2 + self.beta * self.noise_var
        return self.gain / scale, self.beta * self.noise_var / scale

    def loss(self) -> float:
        """Squared error over twice the noise variance, plus beta times the divergence, at the best a and v."""
        a, v = self.encoder()
        error = self.eigenvalue * (1 - self.gain * a) ** 2 + self.gain**2 * v
        divergence = 0.5 * (a**2 * self.eigenvalue + v - 1 - math.log(v))
        return error / (2 * self.noise_var) + self.beta * divergence
