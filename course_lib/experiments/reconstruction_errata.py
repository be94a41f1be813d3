"""The slips of a circulating note, of a sheet and of ports that concern reconstruction, each with its number."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from course_lib.papers.ordinal_depth import ReconstructionConfig, ReconstructionNet, pose_to_vector
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
class Flattened:
    """A body, and the row of numbers that the component answers with.

    Attributes:
        body: `(n, 3)`.
    """

    body: torch.Tensor

    def __str__(self) -> str:
        return f"a body of {len(self.body)} joints"

    def bone(self) -> float:
        """Distance of the second joint from the root, in the body itself."""
        return math.dist(self.body[0].tolist(), self.body[1].tolist())

    def bone_after(self, *, coordinates_first: bool) -> float:
        """The same distance in a body that was put together again from the library's row of numbers."""
        row = pose_to_vector(self.body[None])[0].numpy()
        again = row.reshape(3, -1).T if coordinates_first else row.reshape(-1, 3)
        return math.dist(again[0], again[1])


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file."""
    return [one.errata(LESSON) for one in (*network(), *geometry())]


def network() -> list[Refutation]:
    """Slips about the component itself."""
    weights = Term(r"\text{weights of one unit}", lambda m: m.linear())
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
    ]


def geometry() -> list[Refutation]:
    """Slips about what goes in and how it is judged."""
    readings = [_sample(i, NoisyReading.draw) for i in range(DRAWS)]
    exact = replace(readings[0].model, spread=0.25, noise=0.1, believed=0.1)
    bodies = [_sample(i, TwoBodies.outlier) for i in range(DRAWS)]
    points = [_sample(i, lambda gen: Normalised(normal(gen, 6, 2) * np.array([0.4, 1.0]))) for i in range(DRAWS)]
    return [
        refute(
            id="share-without-ties",
            says="an easy slip: (15.9), solved for the noise, with the share of the pairs farther apart than 0.1 m, "
            "the ones that labels give an order",
            lhs=Term(r"\sigma_{\mathrm{read}}", lambda m: m.noise),
            rhs=Term(r"\text{from pairs beyond 0.1 m}", lambda m: _level(m.spread, m.kept_beyond(0.1))),
            samples=[Sample("depths of 0.25 m, noise of 0.1 m", exact, {}), *readings],
            correct=Term(r"\text{from all pairs}", lambda m: _level(m.spread, m.kept())),
            rtol=1e-5,
            because="close pairs lose their order most easily; without them more orders survive, and the formula gives "
            "too little noise",
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
            id="rows-of-three",
            says="an easy slip: the 51 numbers that come out are reshaped to 17 x 3",
            lhs=Term(r"\text{length of a bone}", lambda m: m.bone()),
            rhs=Term(r"\text{after a reshape to } n \times 3", lambda m: m.bone_after(coordinates_first=False)),
            correct=Term(r"\text{after a reshape to } 3 \times n", lambda m: m.bone_after(coordinates_first=True)),
            samples=[
                _sample(i, lambda gen: Flattened(torch.from_numpy(0.3 * normal(gen, 17, 3)))) for i in range(DRAWS)
            ],
            because="the numbers are all x, all y, all z",
        ),
        refute(
            id="mirror-is-no-turn",
            says="an easy slip: the orthogonal matrix of the SVD, whatever its determinant, is the best rotation",
            lhs=Term(r"\text{error after the best rotation}", _after_rotation),
            rhs=Term(r"\text{error after the SVD's matrix}", lambda m: m.distance("mirror")),
            correct=Term(r"\text{with } \det\mathbf{R} = +1", lambda m: m.distance("turn")),
            samples=[_sample(i, TwoBodies.mirrored) for i in range(DRAWS)],
            rtol=1e-6,
            because="for a body with mirrored depth the best orthogonal matrix is a mirror, which makes it perfect",
            number="15.15",
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


def _level(spread: float, share: float) -> float:
    """(15.9), solved for the noise."""
    return spread / math.tan(math.pi * (share - 0.5))


def _after_rotation(model: TwoBodies) -> float:
    """Mean distance of the joints after turn, size and shift, the turn by SciPy, which knows no mirrors."""
    source, target = (body - body.mean(0) for body in (model.predicted, model.true))
    turned = Rotation.align_vectors(target, source)[0].apply(source)
    size = (turned * target).sum() / (source**2).sum()
    return float(np.linalg.norm(size * turned - target, axis=1).mean())
