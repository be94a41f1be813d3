"""Continuous codes whose mutual information with what is seen of them is known, in float64 NumPy.

A code read with a Gaussian Q, a code sent through ever less noise, and two codes turned against their factors.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib.teaching.tractable import LOG_2PI, normal, uniform


@dataclass(frozen=True)
class UniformCode:
    """A code c uniform on [-1, 1], an x that tells it exactly, and a Gaussian Q whose mean is a c + b.

    Attributes:
        slope: a; 1 is a perfect reading, 0 none.
        shift: b.
        variance: The variance that Q claims.
    """

    slope: float
    shift: float
    variance: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "UniformCode":
        """A random reading of the code."""
        u = uniform(gen, 3)
        return cls(1.5 * u[0], 0.5 * u[1] - 0.25, 0.05 + u[2])

    @classmethod
    def honest(cls, gen: torch.Generator) -> "UniformCode":
        """A random reading whose variance is its mean squared error."""
        return cls.draw(gen).with_best_variance()

    def __str__(self) -> str:
        """How tables call it."""
        return f"a reading {self.slope:g}c + {self.shift:g} of a uniform code, with variance {self.variance:g}"

    def under_prior(self, f: Callable[[np.ndarray], np.ndarray]) -> float:
        """Mean of f(c) over the prior, by Gauss-Legendre quadrature, exact for polynomials."""
        points, weights = np.polynomial.legendre.leggauss(12)
        return float((f(points) * weights).sum() / 2)

    def squared_error(self) -> float:
        """E (c - a c - b)^2."""
        return self.under_prior(lambda c: (c - self.slope * c - self.shift) ** 2)

    def log_q(self, c: np.ndarray) -> np.ndarray:
        """Log Q(c given x) where the true code is c."""
        error = c - self.slope * c - self.shift
        return -0.5 * (LOG_2PI + math.log(self.variance) + error**2 / self.variance)

    def bound(self) -> float:
        """h(c) + E log Q(c given x), by quadrature."""
        return math.log(2) + self.under_prior(self.log_q)

    def with_variance(self, variance: float) -> "UniformCode":
        """The same reading with another claimed variance."""
        return replace(self, variance=variance)

    def with_best_variance(self) -> "UniformCode":
        """The same reading, whose variance is its mean squared error."""
        return self.with_variance(self.squared_error())


@dataclass(frozen=True)
class NoisyDial:
    """A code c uniform on [-1, 1] and x = c plus noise uniform on [-d, d], d below 1: information without a ceiling.

    Attributes:
        noise: d.
    """

    noise: float

    def __str__(self) -> str:
        """How tables call it."""
        return f"a dial read with noise of at most {self.noise:g}"

    @classmethod
    def draw(cls, gen: torch.Generator) -> "NoisyDial":
        """Noise between 0.1 and 0.9."""
        return cls(0.1 + 0.8 * float(uniform(gen, 1)[0]))

    def finer(self, steps: int = 6) -> list["NoisyDial"]:
        """The same dial with ever less noise, a tenth at each step."""
        return [NoisyDial(self.noise * 10.0**-i) for i in range(steps)]

    def output_entropy(self) -> float:
        """h(x) by quadrature on the pieces of its density, a trapezium."""
        d = self.noise
        total = -(2 - 2 * d) * 0.5 * math.log(0.5)  # the flat part
        points, weights = np.polynomial.legendre.leggauss(200)
        t = (points + 1) / 2
        u = t**4  # along a ramp the density is u/2; the fourth power smooths the end, where u log u has a kink
        ramp = float((4 * t**3 * 0.5 * u * np.log(0.5 * u) * weights).sum() / 2)
        return total - 2 * 2 * d * ramp

    def information(self) -> float:
        """I(c; x) = h(c) - h(c given x): given x, the code is uniform on a stretch of min(2d, 1 + d - abs(x))."""
        d = self.noise
        points, weights = np.polynomial.legendre.leggauss(200)
        t = (points + 1) / 2
        u = t**4  # nodes crowd at the end of the ramp, where the logarithm is
        ramps = 4 * d * float((4 * t**3 * 0.5 * u * np.log(2 * d * u) * weights).sum() / 2)
        return math.log(2) - (1 - d) * math.log(2 * d) - ramps


@dataclass(frozen=True)
class TurnedCodes:
    """Two standard normal codes, turned by an angle into two factors, seen as x = factors + noise: all in closed form.

    Attributes:
        angle: How far the codes are turned against the factors, radians.
        noise: Standard deviation of the noise on each factor.
    """

    angle: float
    noise: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "TurnedCodes":
        """Any angle but nearly 0 or a right one, moderate noise."""
        u = uniform(gen, 2)
        return cls(0.2 + 1.1 * u[0], 0.2 + 0.6 * u[1])

    def __str__(self) -> str:
        """How tables call it."""
        return f"two codes turned by {math.degrees(self.angle):.0f} degrees, noise {self.noise:g}"

    @property
    def turn(self) -> np.ndarray:
        """The rotation from codes to factors, `(2, 2)`."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        return np.array([[c, -s], [s, c]])

    def straight(self) -> "TurnedCodes":
        """The same without the turn: code i is factor i."""
        return replace(self, angle=0.0)

    def covariance(self) -> np.ndarray:
        """Covariance of (c, x), `(4, 4)`."""
        cross = self.turn.T
        return np.block([[np.eye(2), cross], [cross.T, (1 + self.noise**2) * np.eye(2)]])

    def between(self, first: list[int], second: list[int]) -> float:
        """Mutual information between two groups of the coordinates (c_1, c_2, x_1, x_2)."""
        cov = self.covariance()

        def log_det(index: list[int]) -> float:
            return float(np.linalg.slogdet(cov[np.ix_(index, index)])[1])

        return 0.5 * (log_det(first) + log_det(second) - log_det(first + second))

    def information(self) -> float:
        """I(c; x) between both codes and all of x."""
        return self.between([0, 1], [2, 3])

    def aligned(self) -> float:
        """I(c_1; x_1) + I(c_2; x_2): what single codes tell about the factor of their number."""
        return self.between([0], [2]) + self.between([1], [3])

    def sample(self, count: int, gen: torch.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`count` codes and observations, each `(count, 2)`."""
        code = normal(gen, count, 2)
        return code, code @ self.turn.T + self.noise * normal(gen, count, 2)
