"""Relations between the depths of n joints as a graph: its loss, gradient and Hessian, in float64 NumPy.

Everything is written from the definitions and apart from `course_lib.losses`, so that the two can be compared. Joint i
has the depth z_i, larger is farther. The relation r_ij is +1 when i is closer, -1 when j is, 0 when both are about as
far, NaN when nobody said. `draw` takes a seeded generator and returns one random model.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from course_lib.teaching.tractable import normal, uniform

STEP = 1e-30  # of the complex-step derivative, which subtracts nothing and so loses no digit


def logistic(u: np.ndarray | float) -> np.ndarray | float:
    """1 / (1 + exp(-u)); complex arguments of moderate size are welcome."""
    return 1 / (1 + np.exp(-u))


def pair_loss(gap: np.ndarray | complex, relation: float) -> np.ndarray | complex:
    """The loss of one pair, from the gap z_i - z_j, written out case by case."""
    if relation == 1:
        return np.log(1 + np.exp(gap))
    if relation == -1:
        return np.log(1 + np.exp(-gap))
    return gap**2


@dataclass(frozen=True)
class Comparisons:
    """Depths of n joints and relations between some of their pairs.

    Attributes:
        z: `(n,)`.
        order: Relations, `(n, n)`, antisymmetric, NaN where nobody said.
        name: How tables call it.
    """

    z: np.ndarray
    order: np.ndarray
    name: str = "random comparisons"

    @classmethod
    def draw(cls, gen: torch.Generator, n: int = 5) -> "Comparisons":
        """Any depths, any relations, contradictions included; every kind of relation is there."""
        order = np.full((n, n), np.nan)
        first, second = np.triu_indices(n, 1)
        kinds = np.floor(4 * uniform(gen, len(first)))
        kinds[:4] = (0, 1, 2, 3)
        order[first, second] = np.array([1.0, -1.0, 0.0, np.nan])[kinds.astype(int)]
        order[second, first] = -order[first, second]
        return cls(normal(gen, n), order)

    @classmethod
    def from_depth(cls, depth: np.ndarray, threshold: float, name: str = "relations of true depths") -> "Comparisons":
        """Relations of given depths, which are also the depths of the model."""
        gap = depth[None] - depth[:, None]
        return cls(depth, np.where(np.abs(gap) < threshold, 0.0, np.sign(gap)), name)

    @classmethod
    def body(cls, gen: torch.Generator, n: int = 14, spread: float = 0.25, threshold: float = 0.1) -> "Comparisons":
        """Depths like those of a body's joints, in metres, with ties below a threshold."""
        return cls.from_depth(spread * normal(gen, n), threshold, f"{n} joints, ties below {threshold:g} m")

    @classmethod
    def untied(cls, gen: torch.Generator) -> "Comparisons":
        """The same without ties, every relation kept by the depths."""
        return cls.body(gen, threshold=0.0)

    @classmethod
    def at_best_scale(cls, gen: torch.Generator) -> "Comparisons":
        """Depths of a body, with ties, multiplied by the factor at which their loss is least."""
        model = cls.body(gen)
        return model.scaled(model.best_scale())

    def __str__(self) -> str:
        return self.name

    @cached_property
    def pairs(self) -> np.ndarray:
        """Annotated pairs (i, j) with i < j, each once, `(p, 2)`."""
        n = len(self.z)
        return np.array([(i, j) for i in range(n) for j in range(i + 1, n) if not math.isnan(self.order[i, j])])

    @cached_property
    def relation(self) -> np.ndarray:
        """Relation of each pair, `(p,)`."""
        return self.order[self.pairs[:, 0], self.pairs[:, 1]]

    @cached_property
    def incidence(self) -> np.ndarray:
        """A row a pair, +1 at i and -1 at j, `(p, n)`: times z it gives the gaps."""
        rows = np.zeros((len(self.pairs), len(self.z)))
        rows[np.arange(len(rows)), self.pairs[:, 0]] = 1
        rows[np.arange(len(rows)), self.pairs[:, 1]] = -1
        return rows

    @property
    def gaps(self) -> np.ndarray:
        """z_i - z_j of each pair, `(p,)`."""
        return self.incidence @ self.z

    def at(self, z: np.ndarray) -> float | complex:
        """The rank loss of other depths with these relations: a double loop over the pairs."""
        total = 0.0
        for i in range(len(z)):
            for j in range(i + 1, len(z)):
                if not math.isnan(self.order[i, j]):
                    total += pair_loss(z[i] - z[j], self.order[i, j])
        return total

    def loss(self) -> float:
        """The rank loss."""
        return float(self.at(self.z))

    def strict(self) -> float:
        """The part of the loss that strict relations make."""
        return float(sum(pair_loss(g, r) for g, r in zip(self.gaps, self.relation, strict=True) if r != 0))

    def ties(self) -> float:
        """The part that ties make."""
        return float((self.gaps[self.relation == 0] ** 2).sum())

    def gradient(self) -> np.ndarray:
        """Derivative of the loss with respect to each depth, by complex steps, `(n,)`."""
        eye = np.eye(len(self.z))
        return np.array([np.imag(self.at(self.z + 1j * STEP * eye[k])) / STEP for k in range(len(self.z))])

    def slopes(self, z: np.ndarray | None = None) -> np.ndarray:
        """What each pair pulls at its first joint, `(p,)`: r sigma(r gap), or twice the gap of a tie."""
        gaps = self.incidence @ (self.z if z is None else z)
        return np.where(self.relation == 0, 2 * gaps, self.relation * logistic(self.relation * gaps))

    def pulls(self) -> np.ndarray:
        """The pulls of all pairs summed up joint by joint, `(n,)`, with a loop over the pairs."""
        total = np.zeros(len(self.z))
        for (i, j), slope in zip(self.pairs, self.slopes(), strict=True):
            total[i] += slope
            total[j] -= slope
        return total

    def hessian(self) -> np.ndarray:
        """Second derivatives, by complex steps of the gradient, `(n, n)`."""
        eye = np.eye(len(self.z))
        columns = [self.incidence.T @ np.imag(self.slopes(self.z + 1j * STEP * one)) / STEP for one in eye]
        return np.stack(columns, 1)

    @property
    def stiffness(self) -> np.ndarray:
        """Weight of each pair as an edge of a graph, `(p,)`: sigma (1 - sigma), and 2 for a tie."""
        sigma = logistic(self.gaps)
        return np.where(self.relation == 0, 2.0, sigma * (1 - sigma))

    def laplacian(self) -> np.ndarray:
        """Degrees on the diagonal, minus the weights of the edges beside it, `(n, n)`."""
        matrix = np.zeros((len(self.z), len(self.z)))
        for (i, j), weight in zip(self.pairs, self.stiffness, strict=True):
            matrix[[i, j], [i, j]] += weight
            matrix[[i, j], [j, i]] -= weight
        return matrix

    def components(self) -> int:
        """Number of groups of joints that no comparison connects, by merging them."""
        group = list(range(len(self.z)))
        for i, j in self.pairs:
            group = [group[i] if label == group[j] else label for label in group]
        return len(set(group))

    def with_depths(self, z: np.ndarray) -> "Comparisons":
        """Other depths, the same relations."""
        return replace(self, z=z)

    def shifted(self, by: float) -> "Comparisons":
        """All depths moved by one number."""
        return self.with_depths(self.z + by)

    def scaled(self, factor: float) -> "Comparisons":
        """All depths multiplied by one number."""
        return self.with_depths(factor * self.z)

    def mirrored(self) -> "Comparisons":
        """The body seen in a mirror: front and back exchanged, the relations as they are."""
        return self.with_depths(-self.z)

    def reversed(self) -> "Comparisons":
        """Every relation turned into its opposite: what reading the files with the wrong sign does."""
        return replace(self, order=-self.order)

    def stretched(self, steps: int = 7) -> list["Comparisons"]:
        """Ever larger scales, until the smallest gap counts."""
        smallest = np.abs(self.gaps).min()
        return [self.scaled(2.0**step / smallest) for step in range(steps)]

    def best_scale(self) -> float:
        """The factor at which the loss of the scaled depths is least, by bisection of its slope; inf without ties."""
        if not self.ties():
            return math.inf

        def slope(factor: float) -> float:
            return float(self.scaled(factor).slopes() @ self.gaps)

        low, high = 0.0, 1.0
        while slope(high) < 0:
            high *= 2
        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
        return 0.5 * (low + high)


def example_body() -> Comparisons:
    """Four joints on which the lesson shows numbers: one strict chain, and a tie between the last two."""
    z = np.array([0.0, 1.0, 2.5, 3.0])
    order = np.array([[0, 1, 1, np.nan], [-1, 0, 1, 1], [-1, -1, 0, 0], [np.nan, -1, 0, 0]])
    return Comparisons(z, order, "four joints, five pairs")
