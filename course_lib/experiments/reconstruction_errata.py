"""The slips of a circulating note, of a sheet and of ports that concern reconstruction, each with its number."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_lib.papers.ordinal_depth import ReconstructionConfig, ReconstructionNet
from course_lib.teaching.lifting import NoisyReading, TwoBodies
from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.relation import Sample
from course_lib.teaching.term import Term
from course_lib.teaching.tractable import normal

LESSON = "15_ordinal_reconstruction"
NOTE = "a note on ordinal depth"
DRAWS = 20


@dataclass(frozen=True)
class Unit:
    """A residual unit of a width, counted two ways.

    Attributes:
        width: Units of its layers.
    """

    width: int

    def __str__(self) -> str:
        return f"a unit of width {self.width:,}"

    def linear(self) -> int:
        """Weights of the two linear layers that the component has, counted in the network itself."""
        with torch.device("meta"):
            unit = ReconstructionNet(ReconstructionConfig(width=self.width)).units[0]
        return sum(p.numel() for name, p in unit.named_parameters() if p.ndim == 2)

    def bilinear(self) -> int:
        """Weights of a bilinear layer: one matrix for each output."""
        with torch.device("meta"):
            layer = torch.nn.Bilinear(self.width, self.width, self.width, bias=False)
        return layer.weight.numel()


@dataclass(frozen=True)
class Normalised:
    """2D joints relative to the root.

    Attributes:
        points: `(n, 2)`.
    """

    points: np.ndarray

    def __str__(self) -> str:
        return f"{len(self.points)} joints"

    def slope(self, divisors: np.ndarray) -> float:
        """Angle of the first joint's direction after a division, radians."""
        x, y = self.points[1] / divisors
        return math.atan2(y, x)


@dataclass(frozen=True)
class Recipe:
    """A number in the recipes of two papers.

    Attributes:
        name: What it is.
        ours: In Ordinal depth.
        theirs: In 3d-pose-baseline.
    """

    name: str
    ours: float
    theirs: float

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class SecondInput:
    """The constant tensor that the official code feeds beside the picture: one row of it.

    Attributes:
        bin: 1 to 64.
        scale: Scale of the crop of some person: 1.51 to 2.07 in the official sample.
    """

    bin: int
    scale: float

    def __str__(self) -> str:
        return f"bin {self.bin}, a person of scale {self.scale:.2f}"


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file."""
    return [one.errata(LESSON) for one in (*network(), *geometry())]


def network() -> list[Refutation]:
    """Slips about the component and its training."""
    weights = Term(r"\text{weights of one unit}", lambda m: m.linear())
    rate = Term(r"10^4 \times \text{learning rate of Ordinal depth}", lambda m: m.ours)
    fed = Term(r"\text{second input}", lambda m: (m.bin - 32) * 10.0)
    return [
        refute(
            id="bilinear-units",
            says=f"{NOTE}: the component is made of two bilinear units",
            lhs=weights,
            rhs=Term(r"\text{weights of a bilinear layer}", lambda m: m.bilinear()),
            correct=Term(r"2\,\text{width}^2", lambda m: 2 * m.width**2),
            samples=[Sample(f"width {w}", Unit(w), {}) for w in (1024, 64, 128, 256, 512)],
            because="bi-linear means two linear layers with a skip around them; nothing is multiplied with anything",
        ),
        refute(
            id="same-recipe-as-the-baseline",
            says=f"{NOTE}: rate 0.00025 and batches of 64, \u201cthe same as that paper\u201d (Martinez et al. 2017)",
            lhs=rate,
            rhs=Term(r"10^4 \times \text{learning rate of Martinez et al.}", lambda m: m.theirs),
            correct=Term("2.5", lambda m: 2.5),
            samples=[Sample("the learning rate", Recipe("the learning rate", 2.5, 10.0), {})],
            because="the batch is the same; Martinez et al. use Adam with 0.001, which falls by 4 % every 100,000 "
            "steps, Ordinal depth RMSprop with 0.00025",
        ),
        refute(
            id="second-input-is-no-scale",
            says=f"{NOTE}: the test network is called with the picture and the scale of the crop",
            lhs=fed,
            rhs=Term(r"\text{scale of the crop}", lambda m: m.scale),
            correct=Term(r"10\,(k - 32)", lambda m: 10.0 * (m.bin - 32)),
            samples=[
                Sample(f"draw {i}", SecondInput(1 + (13 * i) % 64, 1.51 + 0.56 * i / DRAWS), {}) for i in range(DRAWS)
            ],
            because="what the code names `scaling` is the constant row 10 (k - 32) of the 64 bins for each joint, over "
            "which an expected depth can be taken",
        ),
    ]


def geometry() -> list[Refutation]:
    """Slips about what goes in and how it is judged."""
    readings = [_sample(i, NoisyReading.draw) for i in range(DRAWS)]
    exact = replace(readings[0].model, spread=0.25, noise=0.1, believed=0.1)
    bodies = [_sample(i, TwoBodies.outlier) for i in range(DRAWS)]
    points = [_sample(i, lambda gen: Normalised(normal(gen, 6, 2) * np.array([0.4, 1.0]))) for i in range(DRAWS)]
    return [
        refute(
            id="tie-threshold-is-no-noise",
            says=f"{NOTE}: 0.1 is the noise that ordinal depth tolerates (100 mm is where relations of true depths "
            "become ties, and only in Table 1)",
            lhs=Term(r"\text{orders kept beyond 0.1 m, noise 0.1 m}", lambda m: replace(m, noise=0.1).kept_beyond(0.1)),
            rhs=Term("1", lambda m: 1.0),
            samples=[Sample("depths of 0.25 m", exact, {}), *readings],
            correct="the paper gives no level; noise of 0.1 m turns over some orders of pairs farther apart than 0.1 m",
            because="a difference carries the noise of two joints",
            number="15.9",
        ),
        refute(
            id="two-divisors",
            says=f"{NOTE}: x and y are divided by the largest value (of each, as a port reads it)",
            lhs=Term(r"\text{direction of a bone}", lambda m: m.slope(np.ones(2))),
            rhs=Term(r"\text{after two divisors}", lambda m: m.slope(np.abs(m.points).max(0))),
            correct=Term(r"\text{after one divisor}", lambda m: m.slope(np.full(2, np.abs(m.points).max()))),
            samples=points,
            because="two divisors stretch the body; the official code takes one largest absolute value of both, "
            "relative to the root",
            number="15.1",
        ),
        refute(
            id="alignment-can-raise-the-mean-distance",
            says="a sheet of identities: MPJPE is at least the Procrustes error",
            lhs=Term(r"\text{MPJPE}", lambda m: m.distance("root")),
            relation=">=",
            rhs=Term(r"\text{Procrustes MPJPE}", lambda m: m.distance("turn")),
            correct=r"it holds for the sum of *squares*, which the alignment makes least: see (15.14)",
            samples=bodies,
            because="both are means of distances; when one joint is far off, the best alignment for squares moves all "
            "others a little",
            number="15.14",
        ),
    ]


def _sample(i: int, draw) -> Sample:
    return Sample(f"draw {i}", draw(torch.Generator().manual_seed(i)), {})
