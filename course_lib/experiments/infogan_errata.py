"""Slips about InfoGAN that one count refutes: how many numbers go into the generator."""

from dataclasses import dataclass, replace

import torch

from course_lib.papers.infogan import PROFILES, Generator
from course_lib.teaching.derivation import Derivation
from course_lib.teaching.refute import refute
from course_lib.teaching.relation import Sample
from course_lib.teaching.term import Term

LESSON = "06_infogan"


@dataclass(frozen=True)
class Inputs:
    """What goes into a generator.

    Attributes:
        categories: Number of values of each discrete code.
        continuous: Number of continuous codes.
        noise: Numbers of z.
    """

    categories: tuple[int, ...]
    continuous: int
    noise: int

    @classmethod
    def draw(cls, gen: torch.Generator) -> "Inputs":
        """Any set-up."""

        def number(low: int, high: int) -> int:
            return int(torch.randint(low, high, (), generator=gen))

        return cls(tuple(number(2, 12) for _ in range(number(1, 5))), number(1, 6), number(10, 100))

    def __str__(self) -> str:
        """How tables call it."""
        return f"{len(self.categories)} discrete and {self.continuous} continuous codes"

    def built(self) -> float:
        """Inputs of the first layer of a generator that is built for it."""
        sizes = {"categories": self.categories, "continuous": self.continuous, "noise": self.noise}
        return float(Generator(replace(PROFILES["smoke"], **sizes)).fc1.in_features)


MNIST = Inputs((10,), 2, 62)  # Appendix C.1
SVHN = Inputs((10,) * 4, 4, 124)  # Appendix C.2
CHAIRS = Inputs((20,) * 3, 1, 128)  # Appendix C.5

_all = Term(r"\text{inputs of } G", lambda m: m.built(), name="inputs")
_noise = Term(r"\text{numbers of } z", lambda m: float(m.noise), name="noise")
_values = Term(r"\text{values of the discrete codes}", lambda m: float(sum(m.categories)), name="values")
_continuous = Term(r"\text{continuous codes}", lambda m: float(m.continuous), name="continuous")


def inputs() -> Derivation:
    """The count itself, on generators that are built."""
    derivation = Derivation("inputs", title="What goes into a generator", draw=Inputs.draw, example=MNIST)
    derivation.line(_all)
    derivation.line(
        _noise + _values + _continuous, "=", reason="noise, one-hot codes and real ones, side by side", number="6.15"
    )
    return derivation


_RIGHT = _noise + _values + _continuous
INPUTS = (
    {
        "id": "generator-without-code",
        "says": "notes on InfoGAN, which print the plain game with $G(z)$",
        "lhs": _all,
        "rhs": _noise,
        "correct": _RIGHT,
        "model": MNIST,
        "because": "the pictures of InfoGAN are painted from noise and code, $G(z, c)$",
        "number": "6.15",
    },
    {
        "id": "five-codes-for-mnist",
        "says": "notes on InfoGAN, which put the five uniform codes of the 3-D faces under MNIST",
        "lhs": _all,
        "rhs": _noise + Term(r"5", lambda m: 5.0, name="five"),
        "correct": _RIGHT,
        "model": MNIST,
        "because": "MNIST has one code of ten values and two uniform ones; 62 + 10 + 2 is the printed 74",
        "number": "6.15",
    },
    {
        "id": "svhn-two-uniform-codes",
        "says": "Chen et al. 2016, main text: SVHN has four discrete and two uniform codes (Appendix C.2: four)",
        "lhs": _all,
        "rhs": _noise + _values + Term(r"2", lambda m: 2.0, name="two"),
        "correct": _RIGHT,
        "model": SVHN,
        "because": "the appendix prints 168 inputs: 124 + 40 + 4",
        "number": "6.15",
    },
    {
        "id": "chairs-four-codes",
        "says": "Chen et al. 2016, main text: the chairs have four codes of twenty values (Appendix C.5: three)",
        "lhs": _all,
        "rhs": _noise + Term(r"4 \cdot 20", lambda m: 80.0, name="four-times-twenty") + _continuous,
        "correct": _RIGHT,
        "model": CHAIRS,
        "because": "the appendix prints 189 inputs: 128 + 60 + 1",
        "number": "6.15",
    },
)


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file."""
    found = []
    for slip in INPUTS:
        model = slip["model"]
        rest = {name: value for name, value in slip.items() if name != "model"}
        found.append(refute(samples=[Sample(str(model), model, {})], **rest).errata(LESSON))
    return found
