"""The equation tests of the library's losses: how each is evaluated a second time, by another route.

The library's own tests and `course_lib.audit` run the same ones. A loss joins with `register(EquationTests(...))` in a
module of `MODULES`.
"""

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

Inputs = tuple[Any, ...]
MODULES = (  # each registers the losses of one file
    "course_lib.teaching.equations_elbo",
    "course_lib.teaching.equations_adversarial",
    "course_lib.teaching.equations_information",
    "course_lib.teaching.equations_ranking",
    "course_lib.teaching.equations_heatmaps",
)


@dataclass(frozen=True, kw_only=True)
class EquationTests:
    """How one loss is tested.

    Args:
        like: Its name in `course_lib.losses`.
        formula: What it computes, as LaTeX.
        source: Paper and equation.
        draw: Takes a seeded generator, returns float64 inputs with a batch of at least two.
        reference: Evaluates the formula by another route, one value per sample.
        method: That route in words.
        valid: Whether inputs make sense, for small counterexamples.
        extremes: Inputs by name on which value and gradient must be finite.
        zeros: Takes a generator, returns inputs on which the value must be 0; None if there are none.
        nonnegative: Whether the value is never negative.
        batched: Positions of the inputs that carry the batch; None means every tensor.
        batch_axis: The axis of the batch in them.
        differentiable: Positions of the inputs with a gradient; None means every floating-point tensor.
        mixes: Whether samples depend on one another, as in a statistic of the batch; it may return one number.
        rtol: Relative tolerance against the reference, in float64.
        atol: Absolute tolerance.
        slips: Wrong versions by what to say of them, such as exchanged arguments.
    """

    like: str
    formula: str
    source: str
    draw: Callable[[torch.Generator], Inputs]
    reference: Callable[..., Tensor]
    method: str
    valid: Callable[..., bool] = lambda *inputs: True
    extremes: dict[str, Inputs] = field(default_factory=dict)
    zeros: Callable[[torch.Generator], Inputs] | None = None
    nonnegative: bool = False
    batched: tuple[int, ...] | None = None
    batch_axis: int = 0
    differentiable: tuple[int, ...] | None = None
    mixes: bool = False
    rtol: float = 1e-7
    atol: float = 1e-9
    slips: dict[str, Callable[..., Tensor]] = field(default_factory=dict)


_TESTS: dict[str, EquationTests] = {}


def register(tests: EquationTests) -> EquationTests:
    """Add the tests of a loss; a name is taken once."""
    if tests.like in _TESTS:
        raise ValueError(f"like (={tests.like!r}) already has equation tests.")
    _TESTS[tests.like] = tests
    return tests


def names() -> list[str]:
    """The losses that have equation tests."""
    for module in MODULES:
        importlib.import_module(module)
    return sorted(_TESTS)


def find(like: str) -> EquationTests:
    """The tests of a loss; an unknown name is refused with the nearest one."""
    known = names()
    if like not in known:
        near = difflib.get_close_matches(str(like), known, n=1, cutoff=0.0)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"like (={like!r}) has no equation tests; {hint}Known: {', '.join(known)}")
    return _TESTS[like]


def normals(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    """Float64 normal noise, for `draw`."""
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def gauss_hermite(points: int = 40) -> tuple[Tensor, Tensor]:
    """Nodes and weights with which a sum is the mean under a standard normal, exact for polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    return torch.from_numpy(nodes), torch.from_numpy(weights / weights.sum())
