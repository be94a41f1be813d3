"""Judges and voters whose probabilities are known: two depths, several votes, a ring, a ranking; float64 NumPy.

Depths are z, larger is farther. `draw` takes a seeded generator and returns one random model.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib.teaching.comparisons import logistic, pair_loss
from course_lib.teaching.tractable import normal, uniform


@dataclass(frozen=True)
class Judge:
    """A judge who sees two depths, each with Gumbel noise, and names the joint that looks closer.

    Attributes:
        z_i: Depth of the first joint.
        z_j: Depth of the second.
        relation: The answer: +1 if the first was named, -1 if the second.
    """

    z_i: float
    z_j: float
    relation: int = 1

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Judge":
        """Depths some noise apart, either answer."""
        z = 1.5 * normal(gen, 2)
        return cls(float(z[0]), float(z[1]), 1 if float(uniform(gen, 1)[0]) < 0.5 else -1)

    @classmethod
    def named_first(cls, gen: torch.Generator) -> "Judge":
        """The same with the first joint named."""
        return replace(cls.draw(gen), relation=1)

    def __str__(self) -> str:
        return f"depths {self.z_i:g} and {self.z_j:g}, relation {self.relation:+d}"

    @property
    def gap(self) -> float:
        """z_i - z_j."""
        return self.z_i - self.z_j

    def names_first(self) -> float:
        """Probability that the first joint looks closer, by the trapezoidal rule over the noise of the first."""
        noise = np.arange(-7.0, 60.0, 0.02)  # the density falls doubly exponentially to the left
        density = np.exp(-noise - np.exp(-noise))
        other_is_farther = -np.expm1(-np.exp(-(self.gap + noise)))
        return float((density * other_is_farther).sum() * 0.02)

    def of_the_answer(self) -> float:
        """Probability of the answer that was given."""
        return self.names_first() if self.relation == 1 else 1 - self.names_first()


@dataclass(frozen=True)
class Pair:
    """Two depths and what is wanted of them, for the losses that are relatives of the softplus.

    Attributes:
        gap: z_i - z_j.
        share: The wanted probability that i is closer: 1, 0, or 1/2 for a tie in RankNet's way.
        tie: Weight of ties in Davidson's model.
        sharpness: Factor on the gap.
    """

    gap: float
    share: float
    tie: float
    sharpness: float = 1.0

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Pair":
        """Any gap, any share."""
        u = uniform(gen, 3)
        return cls(float(2 * normal(gen, 1)[0]), 0.05 + 0.9 * float(u[0]), 0.2 + 2 * float(u[1]))

    @classmethod
    def level(cls, gen: torch.Generator) -> "Pair":
        """Equal depths."""
        return replace(cls.draw(gen), gap=0.0)

    @classmethod
    def at_the_share(cls, gen: torch.Generator) -> "Pair":
        """A gap at which the model's probability is the share."""
        model = cls.draw(gen)
        return replace(model, gap=math.log((1 - model.share) / model.share))

    def sharper(self, steps: int = 7) -> list["Pair"]:
        """The same pair seen with ever larger factors."""
        return [replace(self, sharpness=4.0**step) for step in range(steps)]

    def __str__(self) -> str:
        return f"a gap of {self.gap:g}, wanted with probability {self.share:g}"

    @property
    def closer(self) -> float:
        """The model's probability that i is closer."""
        return float(logistic(-self.gap))

    def davidson(self) -> tuple[float, float, float]:
        """Probabilities of "i closer", "tie", "j closer" in the model of Davidson 1970."""
        odds = np.array([np.exp(-self.gap / 2), self.tie, np.exp(self.gap / 2)])
        return tuple(float(p) for p in odds / odds.sum())


@dataclass(frozen=True)
class Votes:
    """Answers of several annotators to one question.

    Attributes:
        closer: How many say that i is closer.
        farther: How many say that j is.
        margin: z_j - z_i.
    """

    closer: float
    farther: float
    margin: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Votes":
        """One to six votes each way, any margin."""
        u = np.floor(1 + 6 * uniform(gen, 2))
        return cls(float(u[0]), float(u[1]), float(1.5 * normal(gen, 1)[0]))

    @classmethod
    def settled(cls, gen: torch.Generator) -> "Votes":
        """The margin at which the loss is least, found by bisection."""
        return cls.draw(gen).at_best()

    def __str__(self) -> str:
        return f"{self.closer:g} votes against {self.farther:g}, margin {self.margin:g}"

    @property
    def share(self) -> float:
        """Share of the votes for "i closer"."""
        return self.closer / (self.closer + self.farther)

    @property
    def model(self) -> float:
        """The model's probability of such a vote."""
        return float(logistic(self.margin))

    def loss(self, margin: float | None = None) -> float:
        """The rank loss of all votes."""
        m = self.margin if margin is None else margin
        return self.closer * math.log1p(math.exp(-m)) + self.farther * math.log1p(math.exp(m))

    def at_best(self) -> "Votes":
        """The same votes at the best margin, by bisection of the slope: the loss is convex."""
        low, high = -40.0, 40.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            slope = (self.closer + self.farther) * float(logistic(middle)) - self.closer
            low, high = (middle, high) if slope < 0 else (low, middle)
        return replace(self, margin=0.5 * (low + high))

    @staticmethod
    def entropy(p: float) -> float:
        """Of a coin."""
        return -p * math.log(p) - (1 - p) * math.log(1 - p)

    @staticmethod
    def kl(p: float, q: float) -> float:
        """Divergence of two coins."""
        return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


@dataclass(frozen=True)
class Ring:
    """Three joints of whom each is said to be closer than the next, round and round, equally often."""

    z: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Ring":
        """Any depths."""
        return cls(normal(gen, 3))

    @classmethod
    def level(cls, gen: torch.Generator) -> "Ring":
        """Equal depths."""
        return cls(np.full(3, float(normal(gen, 1)[0])))

    def __str__(self) -> str:
        return f"a ring at depths {', '.join(f'{z:g}' for z in self.z)}"

    def loss(self) -> float:
        """One, two and three against the next."""
        return float(sum(pair_loss(self.z[i] - self.z[(i + 1) % 3], 1) for i in range(3)))


@dataclass(frozen=True)
class Ranking:
    """n joints with depths z of which joint 1 is said to be the closest, joint 2 the next, and so on.

    Attributes:
        z: `(n,)`.
    """

    z: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, n: int = 5) -> "Ranking":
        """Depths in any order."""
        return cls(1.5 * normal(gen, n))

    @classmethod
    def sorted(cls, gen: torch.Generator, n: int = 5) -> "Ranking":
        """Depths that keep the order."""
        return cls(np.sort(1.5 * normal(gen, n)))

    @classmethod
    def two(cls, gen: torch.Generator) -> "Ranking":
        """Two joints only."""
        return cls.draw(gen, 2)

    def __str__(self) -> str:
        return f"{len(self.z)} joints in a row"

    def chain(self) -> float:
        """Rank loss of neighbours alone: n - 1 comparisons."""
        return float(sum(pair_loss(a - b, 1) for a, b in zip(self.z, self.z[1:], strict=False)))

    def all_pairs(self) -> float:
        """Rank loss of all n (n - 1) / 2 comparisons that follow from the order."""
        n = len(self.z)
        return float(sum(pair_loss(self.z[i] - self.z[j], 1) for i in range(n) for j in range(i + 1, n)))

    def plackett_luce(self) -> float:
        """Minus the log-probability of choosing the closest first, then the closest of the rest, and so on."""
        scores, total = np.exp(-self.z), 0.0
        for k in range(len(scores)):
            total -= math.log(scores[k] / scores[k:].sum())
        return total

    def nearest_neighbours(self) -> float:
        """The smallest gap between neighbours in the order."""
        return float(np.diff(self.z).min())

    def smallest_margin(self) -> float:
        """The smallest gap of all pairs."""
        n = len(self.z)
        return min(float(self.z[j] - self.z[i]) for i in range(n) for j in range(i + 1, n))
