"""Volumes, heatmaps and order matrices small enough to be summed by hand: the models of lesson 14's derivations.

Everything is float64 NumPy, written from the definitions and apart from `course_lib.losses`, so that the two can be
compared; gradients come from PyTorch's automatic differentiation, in float64. `draw` takes a seeded generator and
returns one random model, `tight` models are those on which a bound must be an equality.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from course_lib.teaching.tractable import normal, uniform


@dataclass(frozen=True)
class Volume:
    """The scores of one joint over a small box of voxels.

    Attributes:
        scores: Psi, `(d, h, w)`: depth first, then rows, then columns.
        centres: Depth of each layer of voxels, `(d,)`, growing.
    """

    scores: np.ndarray
    centres: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator, size: tuple[int, int, int] = (5, 3, 4)) -> "Volume":
        """Random scores and layers that are not equally spaced."""
        return cls(1.5 * normal(gen, *size), np.cumsum(0.2 + uniform(gen, size[0])))

    def __str__(self) -> str:
        return "a random volume of {} x {} x {}".format(*self.scores.shape)

    @cached_property
    def p(self) -> np.ndarray:
        """Softmax over *all* voxels, `(d, h, w)`."""
        raised = np.exp(self.scores - self.scores.max())
        return raised / raised.sum()

    @property
    def place(self) -> np.ndarray:
        """z(u): the depth of each voxel, `(d, h, w)`."""
        return np.broadcast_to(self.centres[:, None, None], self.scores.shape)

    @cached_property
    def marginal_z(self) -> np.ndarray:
        """p(z): summed over rows and columns, `(d,)`."""
        return np.array([layer.sum() for layer in self.p])

    @cached_property
    def marginal_xy(self) -> np.ndarray:
        """p(x, y): summed over the layers, `(h, w)`."""
        return sum(layer for layer in self.p)

    @cached_property
    def expected(self) -> float:
        """The expected depth, by the marginal."""
        return float(sum(z * p for z, p in zip(self.centres, self.marginal_z, strict=True)))

    def over_all_voxels(self) -> float:
        """The same expectation, voxel by voxel, the marginal never formed."""
        return float((self.p * self.place).sum())

    def along_rays(self) -> np.ndarray:
        """The expected depth of each pixel's own ray: a softmax over z only, `(h, w)`. A slip that circulates."""
        raised = np.exp(self.scores - self.scores.max(0))
        return (raised / raised.sum(0) * self.place).sum(0)

    def gradient(self) -> np.ndarray:
        """Derivative of the expected depth with respect to every score, `(d, h, w)`, by automatic differentiation."""
        leaf = torch.from_numpy(self.scores.copy()).requires_grad_()
        depth = (leaf.flatten().softmax(0).view_as(leaf).sum((1, 2)) * torch.from_numpy(self.centres)).sum()
        return torch.autograd.grad(depth, leaf)[0].numpy()

    def pull(self, sign: int) -> float:
        """Sum of the gradient over the voxels behind the expectation (`sign` 1) or before it (-1)."""
        chosen = sign * (self.place - self.expected) > 0
        return float(self.gradient()[chosen].sum())


@dataclass(frozen=True)
class TwoVolumes:
    """Two joints with a volume each, and which of them is said to be closer.

    Attributes:
        first: Volume of joint i.
        second: Volume of joint j, with the same layers.
        relation: r: +1 where i is closer, -1 where j is.
        unit: How many units of the loss a unit of depth counts.
    """

    first: Volume
    second: Volume
    relation: int
    unit: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "TwoVolumes":
        """Random volumes, either answer, a unit between 0.3 and 3."""
        first = Volume.draw(gen)
        second = replace(Volume.draw(gen), centres=first.centres)
        relation = 1 if float(uniform(gen, 1)[0]) < 0.5 else -1
        return cls(first, second, relation, 0.3 * 10 ** float(uniform(gen, 1)[0]))

    @property
    def argument(self) -> float:
        """What stands in the softplus: r (z_i - z_j), in units of the loss."""
        return self.relation * self.unit * (self.first.expected - self.second.expected)

    @property
    def wrongness(self) -> float:
        """The sigmoid of the argument: 1 when the order is wrong by far, 0 when it is right by far."""
        return 1 / (1 + math.exp(-self.argument))

    def by_differentiation(self, which: int) -> np.ndarray:
        """Derivative of the pair's loss with respect to the scores of joint i (0) or j (1), `(d, h, w)`."""
        leaves = [torch.from_numpy(one.scores.copy()).requires_grad_() for one in (self.first, self.second)]
        centres = torch.from_numpy(self.first.centres)
        z_i, z_j = ((one.flatten().softmax(0).view_as(one).sum((1, 2)) * centres).sum() for one in leaves)
        loss = torch.nn.functional.softplus(self.relation * self.unit * (z_i - z_j))
        return torch.autograd.grad(loss, leaves[which])[0].numpy()

    def by_hand(self, which: int) -> np.ndarray:
        """The product r eta sigmoid p(u) (z(u) - z) of one joint, without the sign that joint j carries."""
        one = (self.first, self.second)[which]
        return self.relation * self.unit * self.wrongness * one.p * (one.place - one.expected)


@dataclass(frozen=True)
class TwoModes:
    """A joint that is either near, at z_a, or far, at z_b, and a second joint whose depth is certain.

    Attributes:
        near: z_a, positive.
        far: z_b, larger.
        share: nu, the probability of the far mode.
        other: Depth of the second joint, between the two.
        width: Half width of either mode: its mass is spread evenly over five layers around it.
    """

    near: float
    far: float
    share: float
    other: float
    width: float = 0.05

    @classmethod
    def draw(cls, gen: torch.Generator) -> "TwoModes":
        """Two places that are well apart, any share, and a joint between them."""
        u = uniform(gen, 4)
        near = 0.5 + u[0]
        far = near + 0.5 + u[1]
        return cls(near, far, 0.05 + 0.9 * u[2], near + (0.15 + 0.7 * u[3]) * (far - near))

    @classmethod
    def all_near(cls, gen: torch.Generator) -> "TwoModes":
        """Nothing in the far mode."""
        return replace(cls.draw(gen), share=0.0)

    @classmethod
    def all_far(cls, gen: torch.Generator) -> "TwoModes":
        """Everything in the far mode."""
        return replace(cls.draw(gen), share=1.0)

    @classmethod
    def even(cls, gen: torch.Generator) -> "TwoModes":
        """The other joint half-way, where expectation and majority decide alike."""
        model = cls.draw(gen)
        return replace(model, other=(model.near + model.far) / 2)

    def __str__(self) -> str:
        return f"modes at {self.near:g} and {self.far:g}, share {self.share:g}"

    @cached_property
    def layers(self) -> tuple[np.ndarray, np.ndarray]:
        """Depths and probabilities of all layers."""
        offsets = np.linspace(-self.width, self.width, 5)
        depths = np.concatenate([self.near + offsets, self.far + offsets])
        return depths, np.repeat([1 - self.share, self.share], 5) / 5

    @property
    def expected(self) -> float:
        """The mean of the layers."""
        depths, p = self.layers
        return float((depths * p).sum())

    @property
    def most_likely(self) -> float:
        """The centre of the mode with more mass: what argmax reads."""
        return self.far if self.share > 0.5 else self.near

    def squared_error(self, reading: float) -> float:
        """Mean squared distance of a reading to where the joint is, which is at either mode."""
        return (1 - self.share) * (reading - self.near) ** 2 + self.share * (reading - self.far) ** 2

    def order_error(self, reading: float) -> float:
        """How often the reading puts the two joints in the wrong order."""
        says_far = reading > self.other
        return 1 - self.share if says_far else self.share


@dataclass(frozen=True)
class Target:
    """A Gaussian heatmap with peak 1 on a grid of cells.

    Attributes:
        sigma: Its standard deviation, cells.
        at: Where it is centred, `(2,)`: x and y, cells; the grid reaches 12 standard deviations to every side.
        reach: Cells beyond which it is cut to 0 in x and in y; None where it is not cut.
    """

    sigma: float
    at: np.ndarray
    reach: float | None = None

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Target":
        """A width of 1.2 to 3.5 cells, anywhere in a cell."""
        return cls(1.2 + 2.3 * float(uniform(gen, 1)[0]), uniform(gen, 2) - 0.5)

    def __str__(self) -> str:
        return f"a Gaussian of width {self.sigma:g} cells"

    def line(self, axis: int) -> np.ndarray:
        """One factor of the separable product."""
        far = math.ceil(12 * self.sigma)
        offset = np.arange(-far, far + 1) - self.at[axis]
        bell = np.exp(-0.5 * (offset / self.sigma) ** 2)
        return bell if self.reach is None else np.where(np.abs(offset) <= self.reach, bell, 0.0)

    @cached_property
    def map(self) -> np.ndarray:
        """The heatmap cell by cell, `(h, w)`, from squared distances."""
        far = math.ceil(12 * self.sigma)
        y, x = np.meshgrid(*[np.arange(-far, far + 1) - self.at[axis] for axis in (1, 0)], indexing="ij")
        bell = np.exp(-(x**2 + y**2) / (2 * self.sigma**2))
        return bell if self.reach is None else bell * ((np.abs(x) <= self.reach) & (np.abs(y) <= self.reach))

    @property
    def mass(self) -> float:
        """The sum over all cells."""
        return float(self.map.sum())


C2F_TARGET = Target(3.25, np.zeros(2), reach=6.0)  # image.gaussian(13): width 0.25 of 13 cells, cut at 6


def nearest_map(wanted: np.ndarray) -> np.ndarray:
    """The probabilities that come nearest to `wanted` in squared distance: its projection onto the simplex.

    Sorting finds the threshold: p = max(wanted - t, 0) with the t that makes the sum one.
    """
    high = np.sort(wanted.ravel())[::-1]
    thresholds = (np.cumsum(high) - 1) / np.arange(1, high.size + 1)
    return np.maximum(wanted - thresholds[np.nonzero(high > thresholds)[0][-1]], 0)


@dataclass(frozen=True)
class ShiftedMaps:
    """A heatmap and its target, both Gaussians of sum 1 and of one width, some cells apart.

    Attributes:
        sigma: Their standard deviation, cells.
        shift: From the target to the heatmap, `(2,)`, cells.
    """

    sigma: float
    shift: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator) -> "ShiftedMaps":
        """A width of 1.7 to 2.7 cells, some cells apart."""
        return cls(1.7 + float(uniform(gen, 1)[0]), 2 * normal(gen, 2))

    def __str__(self) -> str:
        return f"two Gaussians of width {self.sigma:g} cells, {self.distance:g} cells apart"

    @property
    def distance(self) -> float:
        """Cells between the two centres."""
        return math.hypot(*self.shift)

    def heat_loss(self) -> float:
        """Squared distance of the two maps, summed over cells."""
        far = math.ceil(12 * self.sigma + np.abs(self.shift).max())
        y, x = np.meshgrid(*[np.arange(-far, far + 1)] * 2, indexing="ij")
        maps = [np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * self.sigma**2)) for a, b in ((0, 0), self.shift)]
        return float(((maps[0] / maps[0].sum() - maps[1] / maps[1].sum()) ** 2).sum())

    def keypoint_loss(self) -> float:
        """Squared distance of the two places."""
        return float(self.shift @ self.shift)


@dataclass(frozen=True)
class FlippedScores:
    """Scores of a midline joint, a left and a right one, from a network that treats mirrored pictures alike.

    Attributes:
        scores: `(3, h, w)`: midline, left, right.
    """

    scores: np.ndarray

    @classmethod
    def draw(cls, gen: torch.Generator) -> "FlippedScores":
        """Random scores."""
        return cls(normal(gen, 3, 2, 4))

    def __str__(self) -> str:
        return "scores of three joints"

    def of_mirrored_picture(self) -> np.ndarray:
        """What the network says of the mirrored picture: columns mirrored, and left is called right."""
        mirrored = np.stack([[row[::-1] for row in one] for one in self.scores])
        return np.stack([mirrored[0], mirrored[2], mirrored[1]])

    def turned_back(self) -> np.ndarray:
        """The same, columns mirrored back and the names exchanged again."""
        return self.of_mirrored_picture()[[0, 2, 1], :, ::-1]

    def only_mirrored_back(self) -> np.ndarray:
        """Columns mirrored back, the names left as they are."""
        return self.of_mirrored_picture()[:, :, ::-1]


@dataclass(frozen=True)
class Margin:
    """Two joints that are some bins apart, and the unit in which the loss counts a bin.

    Attributes:
        bins: How many bins z_i is behind z_j when i should be closer: negative where the order is right.
        unit: eta, units of the loss for each bin.
    """

    bins: float
    unit: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Margin":
        """Up to three bins either way."""
        return cls(6 * float(uniform(gen, 1)[0]) - 3, 0.5 + 3 * float(uniform(gen, 1)[0]))

    def __str__(self) -> str:
        return f"{-self.bins:g} bins of margin, {self.unit:g} units a bin"

    def sharper(self) -> list["Margin"]:
        """The same pair, counted in ever finer units."""
        return [replace(self, unit=self.unit * 4.0**step) for step in range(6)]

    def softplus(self) -> float:
        """The loss of the pair, r = +1."""
        return float(np.logaddexp(0, self.unit * self.bins))

    def slope(self) -> float:
        """Its derivative with respect to the number of bins, by differences of fourth order."""
        h = 1e-3

        def at(step: int) -> float:
            return replace(self, bins=self.bins + step * h).softplus()

        return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
