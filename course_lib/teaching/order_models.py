"""Bodies with an order of depths, depth bins and 2D errors: the models of lesson 14 that are about labels.

Float64 NumPy, written from the definitions and apart from `course_lib.losses`. `draw` takes a seeded generator and
returns one random model.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib.teaching.tractable import normal, uniform

PAIRS = ((0, 0), (1, 4), (2, 5), (3, 6))  # of a body with seven joints: the root, then a left and a right chain


@dataclass(frozen=True)
class OrderedBody:
    """Seven joints in the camera frame with the order of their depths.

    Attributes:
        joints: `(7, 3)`, metres: x right, y down, z forward; the root, three joints of the left, three of the right.
        threshold: Depths nearer than this are "about as far", metres.
    """

    joints: np.ndarray
    threshold: float = 0.1

    @classmethod
    def draw(cls, gen: torch.Generator) -> "OrderedBody":
        """A random cloud 5 m away, a quarter of a metre deep."""
        return cls(np.array([0.0, 0.0, 5.0]) + normal(gen, 7, 3) * [0.4, 0.6, 0.25])

    def __str__(self) -> str:
        return "a body of seven joints"

    @property
    def order(self) -> np.ndarray:
        """Relations of all pairs, `(7, 7)`: +1 where the row's joint is closer, -1 if it is farther, 0 if tied."""
        n = len(self.joints)
        r = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                behind = self.joints[j, 2] - self.joints[i, 2]
                r[i, j] = 0.0 if abs(behind) < self.threshold else math.copysign(1, behind)
        return r

    @property
    def swap(self) -> np.ndarray:
        """Row of each joint's mirror image, `(7,)`."""
        rows = np.zeros(7, int)
        for left, right in PAIRS:
            rows[left], rows[right] = right, left
        return rows

    @property
    def permutation(self) -> np.ndarray:
        """The same as a matrix, `(7, 7)`."""
        return np.eye(7)[self.swap]

    def rolled(self, angle: float = 0.4) -> "OrderedBody":
        """The body turned about the optical axis, as a rotation of the picture about its principal point shows it."""
        turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1.0]])
        return replace(self, joints=self.joints @ turn.T)

    def zoomed(self, factor: float = 1.25) -> "OrderedBody":
        """The body as a picture scaled by a factor shows it to a camera whose focal length nobody changed: wider."""
        return replace(self, joints=self.joints * [factor, factor, 1])

    def flipped(self) -> "OrderedBody":
        """The mirrored picture, its joints called by their new names: what was the left hand is a right one."""
        return replace(self, joints=(self.joints * [-1, 1, 1])[self.swap])

    def mirrored_depth(self) -> "OrderedBody":
        """The body mirrored in the plane of its root: what a wrong sign asks for."""
        root = self.joints[0, 2]
        return replace(self, joints=self.joints * [1, 1, -1] + [0, 0, 2 * root])

    def loss_of_depths(self, order: np.ndarray) -> float:
        """Rank loss of the true depths under an order matrix, each unordered pair once, depths in tenths of a metre."""
        total, z = 0.0, 10 * self.joints[:, 2]
        for i in range(7):
            for j in range(i):
                gap = z[i] - z[j]
                total += gap**2 if order[i, j] == 0 else float(np.logaddexp(0, order[i, j] * gap))
        return total

    def masked_loss(self, seen: np.ndarray) -> float:
        """The same where only the pairs of `seen` were annotated, the others left out."""
        total, z = 0.0, 10 * self.joints[:, 2]
        for i in range(7):
            for j in range(i):
                if seen[i, j]:
                    gap, r = z[i] - z[j], self.order[i, j]
                    total += gap**2 if r == 0 else float(np.logaddexp(0, r * gap))
        return total


@dataclass(frozen=True)
class DepthBins:
    """Equal bins of depth relative to the root, and one joint.

    Attributes:
        low: Where the first bin begins, millimetres.
        width: Width of a bin, millimetres.
        index: The joint's bin, counted from 1.
    """

    low: float
    width: float
    index: int

    @classmethod
    def draw(cls, gen: torch.Generator) -> "DepthBins":
        """Any bins, any of the first 64."""
        u = uniform(gen, 2)
        return cls(-1200 + 400 * u[0], 20 + 20 * u[1], 1 + int(torch.randint(64, (), generator=gen)))

    def __str__(self) -> str:
        return f"bin {self.index} of width {self.width:g} mm"

    @property
    def edges(self) -> tuple[float, float]:
        """Where the joint's bin begins and ends, found by walking from the first."""
        begin = self.low
        for _ in range(self.index - 1):
            begin = begin + self.width
        return begin, begin + self.width

    @property
    def centre(self) -> float:
        """The middle of its edges."""
        return sum(self.edges) / 2

    @property
    def middle(self) -> float:
        """The middle of all 64 bins."""
        return self.low + 32 * self.width

    def squared_error(self, points: int = 64) -> float:
        """Mean squared error of the bin's centre for a joint that is anywhere in it, by Gauss-Legendre quadrature."""
        nodes, weights = np.polynomial.legendre.leggauss(points)
        begin, end = self.edges
        depths = begin + (nodes + 1) * (end - begin) / 2
        return float((weights / 2 * (depths - self.centre) ** 2).sum())


# Coarse-to-fine (Pavlakos et al. 2017): 64 bins from -1005.19 to 980.86 mm relative to the root; the root is in bin 33.
C2F_BINS = DepthBins(-1005.19, (980.86 + 1005.19) / 64, 33)


@dataclass(frozen=True)
class Records:
    """2D joints of n people as a MATLAB file holds them, the person last.

    Attributes:
        joints: `(3, j, n)`: x, y and a flag.
        person: Which one is asked for.
    """

    joints: np.ndarray
    person: int

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Records":
        """Four people of three joints."""
        return cls(normal(gen, 3, 3, 4), int(torch.randint(1, 4, (), generator=gen)))

    def __str__(self) -> str:
        return f"person {self.person} of four"

    def picked(self) -> np.ndarray:
        """The person's joints, one number at a time, `(j, 3)`."""
        return np.array([[self.joints[c, j, self.person] for c in range(3)] for j in range(self.joints.shape[1])])

    def transposed(self) -> np.ndarray:
        """Axes turned round, then the person taken."""
        return self.joints.transpose(2, 1, 0)[self.person]

    def reshaped(self) -> np.ndarray:
        """The numbers re-read in the other shape, which leaves them where they are in memory."""
        return self.joints.reshape(self.joints.shape[::-1])[self.person]


@dataclass(frozen=True)
class KeypointErrors:
    """2D errors of a few joints, and the unit that they are measured in.

    Attributes:
        errors: w - w-hat, `(n, 2)`, pixels.
        side: Pixels of one unit of the normalised coordinates.
        weight: lambda for normalised coordinates.
    """

    errors: np.ndarray
    side: float
    weight: float

    @classmethod
    def draw(cls, gen: torch.Generator) -> "KeypointErrors":
        """Errors of some pixels in a picture of 64 to 256."""
        u = uniform(gen, 2)
        return cls(3 * normal(gen, 5, 2), 64 + 192 * u[0], 10 + 100 * u[1])

    def __str__(self) -> str:
        return f"five joints, pictures of {self.side:g} pixels"

    def keypoint_loss(self, unit: float) -> float:
        """Sum of squared distances, counted in units of `unit` pixels."""
        return sum(float((one / unit) @ (one / unit)) for one in self.errors)
