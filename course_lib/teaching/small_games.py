"""Games small enough to be solved: finite sums, or integrals by quadrature, in float64 NumPy, apart from the losses.

`draw` takes a seeded generator and returns one random model, `tight` one on which a bound must be an equality.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from course_lib.teaching.channels import CodeChannel
from course_lib.teaching.estimate import Estimate
from course_lib.teaching.tractable import normal, simplex, uniform


@dataclass(frozen=True)
class CodedGame:
    """A generator with a code whose pictures are n symbols, real symbols, a discriminator and a reader.

    Attributes:
        data: P_data(x), `(n,)`.
        judge: D(x), the probability of being real that the discriminator gives each symbol, `(n,)`.
        channel: The generator as a channel from its code to a symbol, with Q(c given x).
        weight: Lambda, the weight of the information.
    """

    data: np.ndarray
    judge: np.ndarray
    channel: CodeChannel
    weight: float

    @classmethod
    def draw(cls, gen: torch.Generator, n: int = 4) -> "CodedGame":
        """Random tables, no entry near 0."""
        u = uniform(gen, n + 1)
        return cls(simplex(gen, n), 0.1 + 0.8 * u[:n], CodeChannel.draw(gen, n=n), 0.2 + 2 * float(u[n]))

    @classmethod
    def best_judge(cls, gen: torch.Generator) -> "CodedGame":
        """A random game with the discriminator that maximises its value."""
        return cls.draw(gen).with_best_judge()

    @classmethod
    def solved(cls, gen: torch.Generator) -> "CodedGame":
        """A random game whose generator makes the data, with the best discriminator."""
        game = cls.draw(gen)
        return replace(game, data=game.generated).with_best_judge()

    @classmethod
    def best_reader(cls, gen: torch.Generator) -> "CodedGame":
        """A random game whose Q is the posterior of the code."""
        game = cls.draw(gen)
        return replace(game, channel=replace(game.channel, q=game.channel.posterior))

    def __str__(self) -> str:
        """How tables call it."""
        return f"a game over {len(self.data)} symbols"

    def with_best_judge(self) -> "CodedGame":
        """The same game with D = P_data / (P_data + P_G), Goodfellow et al. 2014, proposition 1."""
        return replace(self, judge=self.data / (self.data + self.generated))

    @property
    def generated(self) -> np.ndarray:
        """P_G(x), `(n,)`."""
        return self.channel.p_x

    def value(self) -> float:
        """V(D, G), summed symbol by symbol."""
        rows = zip(self.data, self.generated, self.judge, strict=True)
        return sum(p * math.log(d) + g * math.log(1 - d) for p, g, d in rows)

    @cached_property
    def middle(self) -> np.ndarray:
        """Half data, half generated, `(n,)`."""
        return (self.data + self.generated) / 2


def kl(first: np.ndarray, second: np.ndarray) -> float:
    """Divergence of one table of probabilities from another, nats."""
    return float((first * np.log(first / second)).sum())


def example_game() -> CodedGame:
    """The game on which the lesson shows numbers."""
    from course_lib.teaching.channels import example_channel

    data = np.array([0.25, 0.25, 0.3, 0.2])
    return CodedGame(data, np.array([0.4, 0.5, 0.6, 0.5]), example_channel(), 1.0)


@dataclass(frozen=True)
class OneReading:
    """What Q says of one picture: logits of a discrete code, mean and log of sigma of a continuous one, and the truth.

    Attributes:
        logits: Of the discrete code, `(k,)`.
        one_hot: The value that was sent, `(k,)`.
        mu: Mean of the continuous code.
        log_sigma: Logarithm of its standard deviation.
        code: The continuous code that was sent.
    """

    logits: np.ndarray
    one_hot: np.ndarray
    mu: float
    log_sigma: float
    code: float

    @classmethod
    def draw(cls, gen: torch.Generator, k: int = 4) -> "OneReading":
        """Any reading of any code."""
        sent = int(torch.randint(k, (), generator=gen))
        mu, log_sigma, code = (float(v) for v in uniform(gen, 3) * np.array([2, 1.5, 2]) - np.array([1, 1, 1]))
        return cls(2 * normal(gen, k), np.eye(k)[sent], mu, log_sigma, code)

    @property
    def q(self) -> np.ndarray:
        """Q(c given x), `(k,)`."""
        shifted = np.exp(self.logits - self.logits.max())
        return shifted / shifted.sum()

    @property
    def sigma(self) -> float:
        """Standard deviation of the continuous code."""
        return math.exp(self.log_sigma)

    def gradient(self, name: str) -> np.ndarray | float:
        """Derivative of minus log Q with respect to `logits`, `mu` or `log_sigma`, by automatic differentiation."""
        values = {
            "logits": torch.from_numpy(self.logits),
            "mu": torch.tensor(self.mu, dtype=torch.float64),
            "log_sigma": torch.tensor(self.log_sigma, dtype=torch.float64),
        }
        leaf = values[name].requires_grad_()
        density = torch.distributions.Normal(values["mu"], values["log_sigma"].exp())
        categorical = torch.distributions.OneHotCategorical(logits=values["logits"])
        code = torch.tensor(self.code, dtype=torch.float64)
        loss = -categorical.log_prob(torch.from_numpy(self.one_hot)) - density.log_prob(code)
        (found,) = torch.autograd.grad(loss, leaf)
        return found.numpy() if found.dim() else float(found)


@dataclass(frozen=True)
class NoisyPlaces:
    """The generator x = theta_c + sigma z with z standard normal, read by a fixed softmax that is linear in x.

    Attributes:
        theta: Where each value of the code is shown, `(k,)`.
        sigma: Spread of the noise.
        slope: Logits of Q are slope times x ...
        offset: ... plus this, `(k,)` each.
    """

    theta: np.ndarray
    sigma: float
    slope: np.ndarray
    offset: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, k: int = 3) -> "NoisyPlaces":
        """Random places and a random reader."""
        return cls(normal(gen, k), 0.4 + 0.8 * float(uniform(gen, 1)[0]), 1.5 * normal(gen, k), normal(gen, k))

    def log_q(self, x: np.ndarray) -> np.ndarray:
        """Log Q of the first value of the code at points x."""
        logits = self.slope * x[..., None] + self.offset
        return logits[..., 0] - np.logaddexp.reduce(logits, -1)

    def slope_of_log_q(self, x: np.ndarray) -> np.ndarray:
        """Its derivative with respect to x."""
        logits = self.slope * x[..., None] + self.offset
        q = np.exp(logits - np.logaddexp.reduce(logits, -1, keepdims=True))
        return self.slope[0] - (q * self.slope).sum(-1)

    def shown(self, z: np.ndarray) -> np.ndarray:
        """Pictures of the first value of the code."""
        return self.theta[0] + self.sigma * z

    def integral(self, of: np.ndarray) -> float:
        """Mean over z of values at the nodes of `nodes`."""
        return float((self.nodes[1] * of).sum())

    @cached_property
    def nodes(self) -> tuple[np.ndarray, np.ndarray]:
        """Points and weights of a fine sum over the standard normal: smooth integrands to the last digits."""
        z = np.linspace(-12, 12, 2401)
        weights = np.exp(-0.5 * z**2)
        return z, weights / weights.sum()

    def exact_gradient(self, step: float = 1e-4) -> float:
        """Derivative of the mean of log Q with respect to the first place: a difference of two integrals."""
        z, _ = self.nodes

        def mean_at(place: float) -> float:
            return self.integral(self.log_q(place + self.sigma * z))

        t = self.theta[0]
        far, near = mean_at(t + 2 * step) - mean_at(t - 2 * step), mean_at(t + step) - mean_at(t - step)
        return (8 * near - far) / (12 * step)  # five points: the error is of the fourth power of the step

    def pathwise(self) -> float:
        """Mean of the derivative along the path x = theta + sigma z."""
        return self.integral(self.slope_of_log_q(self.shown(self.nodes[0])))

    def score(self) -> float:
        """Mean of log Q times the score of x, z / sigma."""
        z, _ = self.nodes
        return self.integral(self.log_q(self.shown(z)) * z / self.sigma)

    def sampled(self, kind: str, count: int = 4000, seed: int = 0) -> Estimate:
        """`pathwise` or `score` estimated from draws of the noise."""
        z = torch.randn(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).numpy()
        x = self.shown(z)
        return Estimate.from_samples(self.slope_of_log_q(x) if kind == "pathwise" else self.log_q(x) * z / self.sigma)

    def variance(self, kind: str) -> float:
        """Variance of one draw of either estimator."""
        z, _ = self.nodes
        x = self.shown(z)
        draws = self.slope_of_log_q(x) if kind == "pathwise" else self.log_q(x) * z / self.sigma
        return self.integral(draws**2) - self.integral(draws) ** 2
