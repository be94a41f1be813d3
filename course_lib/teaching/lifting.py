"""Bodies and pictures small enough to be summed by hand: the models of lesson 15's derivations.

Everything is float64 NumPy, written from the definitions and apart from `course_lib.metrics` and `course_lib.geometry`,
so that the two can be compared. `draw` takes a seeded generator and returns one random model, `tight` models are those
on which a bound must be an equality.
"""

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from scipy.integrate import quad
from scipy.stats import norm

from course_lib.teaching.tractable import normal, uniform


@dataclass(frozen=True)
class FoldedBody:
    """A tree of bones whose lengths are known, seen by an orthographic camera.

    Attributes:
        parents: Parent of each joint but the root, which is joint 0; parents come before their children.
        bones: Offset of each of these joints from its parent, metres, x right, y down, z away, `(bones, 3)`.
    """

    parents: tuple[int, ...]
    bones: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, joints: int = 6) -> "FoldedBody":
        """A random tree, bones of about 0.3 m."""
        parents = tuple(int(torch.randint(0, child, (1,), generator=gen)) for child in range(1, joints))
        return cls(parents, 0.3 * normal(gen, joints - 1, 3))

    def __str__(self) -> str:
        return f"a body of {len(self.parents)} bones"

    @cached_property
    def lengths(self) -> np.ndarray:
        """L: length of each bone, `(bones,)`."""
        return np.array([math.dist(bone, (0, 0, 0)) for bone in self.bones])

    @cached_property
    def seen(self) -> np.ndarray:
        """l: length of each bone in the picture, `(bones,)`."""
        return np.array([math.hypot(bone[0], bone[1]) for bone in self.bones])

    @cached_property
    def hidden(self) -> np.ndarray:
        """Size of each bone's depth by Pythagoras, without its sign, `(bones,)`."""
        return np.sqrt(self.lengths**2 - self.seen**2)

    @cached_property
    def signs(self) -> np.ndarray:
        """Relation r of parent and child: +1 where the parent is closer to the camera, `(bones,)`."""
        return np.where(self.bones[:, 2] > 0, 1.0, -1.0)

    @cached_property
    def depths(self) -> np.ndarray:
        """Depth of each joint below the root, bone by bone, `(joints,)`."""
        return self._summed(self.bones[:, 2])

    def unfolded(self) -> np.ndarray:
        """The same depths from lengths in space, lengths in the picture, and signs alone."""
        return self._summed(self.signs * self.hidden)

    def _summed(self, steps: np.ndarray) -> np.ndarray:
        depths = [0.0]
        for parent, step in zip(self.parents, steps, strict=True):
            depths.append(depths[parent] + step)
        return np.array(depths)

    def _candidates(self) -> list[np.ndarray]:
        """Depths of every body with these lengths and this picture."""
        patterns = itertools.product((1.0, -1.0), repeat=len(self.parents))
        return [self._summed(np.array(pattern) * self.hidden) for pattern in patterns]

    def candidates(self) -> int:
        """How many different bodies have these lengths and this picture, counted one by one."""
        return len({tuple(np.round(depths, 9)) for depths in self._candidates()})

    def left(self, pairs: list[tuple[int, int]]) -> int:
        """How many of them agree with the true order of these pairs of joints."""
        kept = set()
        for depths in self._candidates():
            if all((depths[i] < depths[j]) == (self.depths[i] < self.depths[j]) for i, j in pairs):
                kept.add(tuple(np.round(depths, 9)))
        return len(kept)

    def left_by_bones(self, told: int) -> int:
        """How many are left when the order of the first `told` bones is told, parent against child."""
        return self.left([(parent, child + 1) for child, parent in enumerate(self.parents[:told])])


@dataclass(frozen=True)
class Lifting:
    """A few pictures, each of which several bodies may have caused, some nearer and some farther: all in tables.

    Attributes:
        p: Probability of each picture, order and body, `(pictures, orders, bodies)`.
        bodies: The bodies as vectors, `(pictures, orders, bodies, coordinates)`.
        guess: What some lifter answers to a picture, `(pictures, coordinates)`.
    """

    p: np.ndarray
    bodies: np.ndarray
    guess: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Lifting":
        """Three pictures, two orders, four bodies for each pair, three coordinates."""
        table = 0.1 + uniform(gen, 3, 2, 4)
        return cls(table / table.sum(), normal(gen, 3, 2, 4, 3), normal(gen, 3, 3))

    def __str__(self) -> str:
        return "a table of {} pictures, {} orders, {} bodies".format(*self.p.shape)

    @classmethod
    def best(cls, gen: torch.Generator) -> "Lifting":
        """With the best lifter."""
        model = cls.draw(gen)
        return replace(model, guess=model.mean_u)

    @classmethod
    def silent_order(cls, gen: torch.Generator) -> "Lifting":
        """Bodies that both orders share: the order says nothing beyond the picture."""
        model = cls.draw(gen)
        weights = model.p.sum(1, keepdims=True) * np.array([0.4, 0.6])[:, None]
        return replace(model, p=weights, bodies=np.broadcast_to(model.bodies[:, :1], model.bodies.shape))

    @cached_property
    def mean_u(self) -> np.ndarray:
        """E[S given the picture], `(pictures, coordinates)`."""
        total = np.einsum("uor,uord->ud", self.p, self.bodies)
        return total / self.p.sum((1, 2))[:, None]

    @cached_property
    def mean_ur(self) -> np.ndarray:
        """E[S given picture and order], `(pictures, orders, coordinates)`."""
        return np.einsum("uor,uord->uod", self.p, self.bodies) / self.p.sum(2)[:, :, None]

    def error(self, guess: np.ndarray) -> float:
        """Mean squared distance of the bodies from a guess that broadcasts, cell by cell."""
        total = 0.0
        for cell in np.ndindex(self.p.shape):
            told = np.broadcast_to(guess, self.bodies.shape)[cell]
            total += self.p[cell] * sum((a - b) ** 2 for a, b in zip(self.bodies[cell], told, strict=True))
        return float(total)

    @property
    def error_of_guess(self) -> float:
        """Mean squared distance of the bodies from what the lifter answers."""
        return self.error(self.guess[:, None, None])

    @property
    def spread_u(self) -> float:
        """Mean variance of the body given the picture, by second moments."""
        second = np.einsum("uor,uord->", self.p, self.bodies**2)
        return float(second - (self.p.sum((1, 2))[:, None] * self.mean_u**2).sum())

    @property
    def spread_ur(self) -> float:
        """Mean variance of the body given picture and order, by second moments."""
        second = np.einsum("uor,uord->", self.p, self.bodies**2)
        return float(second - (self.p.sum(2)[:, :, None] * self.mean_ur**2).sum())

    @property
    def missed(self) -> float:
        """Mean squared distance of the lifter from the conditional mean."""
        return float((self.p.sum((1, 2))[:, None] * (self.mean_u - self.guess) ** 2).sum())

    @property
    def told_by_order(self) -> float:
        """Mean squared distance of the mean given both from the mean given the picture."""
        apart = ((self.mean_ur - self.mean_u[:, None]) ** 2).sum(2)
        return float((self.p.sum(2) * apart).sum())


@dataclass(frozen=True)
class NoisyReading:
    """A normal depth that is read with normal noise, and a reader who expects noise of another size.

    Attributes:
        spread: sigma_Z: standard deviation of the true depth.
        noise: sigma_read: standard deviation of the noise.
        believed: The noise that the reader was trained with.
    """

    spread: float
    noise: float
    believed: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "NoisyReading":
        """Depths of 0.1 to 0.4 m, noises of 0.02 to 0.5 m."""
        a, b, c = uniform(gen, 3)
        return cls(0.1 + 0.3 * a, 0.02 * 25**b, 0.02 * 25**c)

    @classmethod
    def matched(cls, gen: torch.Generator) -> "NoisyReading":
        """A reader trained with the noise that there is."""
        model = cls.draw(gen)
        return replace(model, believed=model.noise)

    def __str__(self) -> str:
        return f"depths of {self.spread:g} m, noise {self.noise:g} m, trained with {self.believed:g} m"

    def trust(self, noise: float) -> float:
        """By how much a reader who expects this noise multiplies a reading."""
        return self.spread**2 / (self.spread**2 + noise**2)

    def kept(self) -> float:
        """Share of the pairs whose order survives the noise, by integration over the true difference."""
        scale, blur = math.sqrt(2) * self.spread, math.sqrt(2) * self.noise
        value, _ = quad(lambda d: 2 * norm.pdf(d, scale=scale) * norm.cdf(d / blur), 0, 10 * scale, epsabs=1e-13)
        return float(value)

    def kept_beyond(self, threshold: float) -> float:
        """The same of the pairs that lie farther apart than a threshold."""
        scale, blur = math.sqrt(2) * self.spread, math.sqrt(2) * self.noise
        value, _ = quad(lambda d: norm.pdf(d, scale=scale) * norm.cdf(d / blur), threshold, 12 * scale, epsabs=1e-13)
        return float(value / norm.sf(threshold, scale=scale))

    def error(self, trust: float) -> float:
        """Mean squared error of a reader who multiplies a reading by `trust`, by integration over truth and noise."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(24)
        weights = weights / weights.sum()
        truth, noise = self.spread * nodes[:, None], self.noise * nodes[None]
        missed = (truth - trust * (truth + noise)) ** 2
        return float(weights @ missed @ weights)


@dataclass(frozen=True)
class TwoBodies:
    """A predicted and a true body, to be laid over each other.

    Attributes:
        predicted: `(n, 3)`, metres.
        true: `(n, 3)`.
    """

    predicted: np.ndarray
    true: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator) -> "TwoBodies":
        """Seven joints, the prediction a turned, scaled, mirrored or noisy copy."""
        true = 0.4 * normal(gen, 7, 3)
        turn, _ = np.linalg.qr(normal(gen, 3, 3))
        turn[:, 2] *= np.where(uniform(gen, 1) < 0.5, -1.0, 1.0)  # some of them mirror
        size = 0.8 + 0.4 * float(uniform(gen, 1)[0])
        return cls(size * true @ turn.T + 0.05 * normal(gen, 7, 3) + normal(gen, 1, 3), true)

    @classmethod
    def mirrored(cls, gen: torch.Generator) -> "TwoBodies":
        """The prediction is the true body with its depth mirrored."""
        model = cls.draw(gen)
        return replace(model, predicted=model.true * np.array([1.0, 1.0, -1.0]))

    @classmethod
    def unmirrored(cls, gen: torch.Generator) -> "TwoBodies":
        """The prediction is noisy, but on the right side: a reflection would not help."""
        model = cls.draw(gen)
        return replace(model, predicted=model.true + 0.02 * normal(gen, *model.true.shape))

    @classmethod
    def outlier(cls, gen: torch.Generator) -> "TwoBodies":
        """All joints right but one, which is far off."""
        model = cls.draw(gen)
        predicted = model.true.copy()
        predicted[-1] += np.array([0.8, 0.3, -0.5])
        return replace(model, predicted=predicted)

    @classmethod
    def turned(cls, gen: torch.Generator) -> "TwoBodies":
        """The prediction needs no more than the shift of its root."""
        model = cls.draw(gen)
        return replace(model, predicted=model.true + normal(gen, 1, 3))

    def __str__(self) -> str:
        return f"two bodies of {len(self.true)} joints"

    def aligned(self, how: str) -> np.ndarray:
        """The prediction laid over the truth: `root`, `mean`, `turn` (a similarity) or `mirror` (may mirror too)."""
        if how == "root":
            return self.predicted - self.predicted[0] + self.true[0]
        source, target = (body - body.mean(0) for body in (self.predicted, self.true))
        if how == "mean":
            return source + self.true.mean(0)
        left, values, right = np.linalg.svd(target.T @ source)
        signs = np.array([1.0, 1.0, 1.0 if how == "mirror" else np.sign(np.linalg.det(left @ right))])
        turn = (left * signs) @ right
        return ((values * signs).sum() / (source**2).sum()) * source @ turn.T + self.true.mean(0)

    def squares(self, how: str) -> float:
        """Sum of squared distances after alignment, joint by joint."""
        return float(sum(math.dist(a, b) ** 2 for a, b in zip(self.aligned(how), self.true, strict=True)))

    def distance(self, how: str, unit: float = 1.0) -> float:
        """Mean distance after alignment, both bodies counted in `unit` metres."""
        pairs = zip(self.aligned(how) / unit, self.true / unit, strict=True)
        return float(np.mean([math.dist(a, b) for a, b in pairs]))


def example_body() -> FoldedBody:
    """A leg and an arm: hip, knee, ankle, shoulder, elbow; rounded numbers."""
    bones = [[0.1, 0.0, 0.05], [0.0, 0.4, -0.2], [0.05, 0.35, 0.25], [0.15, -0.45, 0.12], [0.2, 0.1, -0.16]]
    return FoldedBody((0, 1, 2, 0, 4), np.array(bones))
