"""How two expressions are compared: exactly in float64, within standard errors, or along a limit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib.teaching.estimate import Estimate, mean_of
from course_lib.teaching.term import Cache, Expression

RELATIONS = {"=": "=", ">=": r"\ge", "<=": r"\le", "->": r"\to"}
STANDARD_ERRORS = 4.0


@dataclass(frozen=True)
class Sample:
    """One model to compare on.

    Args:
        name: How errors call it, such as `draw 3`.
        model: What the terms' functions take.
        cache: Values of terms already computed on it.
    """

    name: str
    model: Any
    cache: Cache


@dataclass(frozen=True)
class Outcome:
    """The comparison of two expressions on one model.

    Args:
        holds: Whether the relation holds within the tolerance.
        lhs: Value of the left side; of a vector, the component that is worst off.
        rhs: Value of the right side, likewise.
        tolerance: How far they may differ.
        strict: Whether an inequality holds by more than the tolerance.
        exact: Whether no Monte-Carlo estimate is involved.
        where: The sample's name.
        problem: Why the values could not be compared, or nothing.
        component: Index of the worst component of a vector or matrix; empty for a number.
    """

    holds: bool
    lhs: float
    rhs: float
    tolerance: float
    strict: bool
    exact: bool
    where: str
    problem: str = ""
    component: tuple[int, ...] = ()

    def says(self) -> str:
        """Both values, the tolerance and the sample in words."""
        if self.problem:
            return f"{self.problem} ({self.where})"
        return (
            f"left {self.lhs:.12g}, right {self.rhs:.12g}, difference {self.lhs - self.rhs:.3g}, "
            f"tolerance {self.tolerance:.2g} ({self.where})"
        )


def compare(lhs: Expression, relation: str, rhs: Expression, sample: Sample, *, rtol: float, floor: float) -> Outcome:
    """Compare two expressions on one sample; problems of evaluation become an outcome that does not hold."""
    try:
        left = mean_of(lhs.value(sample.model, sample.cache))
        right = mean_of(rhs.value(sample.model, sample.cache))
        gap = (lhs - rhs).merged().value(sample.model, sample.cache)
    except (ArithmeticError, ValueError) as error:
        return Outcome(False, math.nan, math.nan, 0.0, False, True, sample.name, f"cannot be evaluated: {error}")
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        gap = np.broadcast_to(gap, np.broadcast_shapes(np.shape(left), np.shape(right)))
        return _compare_arrays(left, relation, right, gap, sample, rtol=rtol, floor=floor)
    if not (math.isfinite(left) and math.isfinite(right)):
        problem = f"left {left} and right {right} must be finite"
        return Outcome(False, left, right, 0.0, False, True, sample.name, problem)
    tolerance = rtol * max(abs(left), abs(right)) + floor
    if isinstance(gap, Estimate):
        tolerance += STANDARD_ERRORS * gap.standard_error
    difference = mean_of(gap)
    holds = _HOLDS[relation](difference, tolerance)
    exact = not isinstance(gap, Estimate)
    return Outcome(holds, left, right, tolerance, abs(difference) > tolerance, exact, sample.name)


_HOLDS = {
    "=": lambda difference, tolerance: abs(difference) <= tolerance,
    ">=": lambda difference, tolerance: difference >= -tolerance,
    "<=": lambda difference, tolerance: difference <= tolerance,
}


def _compare_arrays(
    left: np.ndarray | float,
    relation: str,
    right: np.ndarray | float,
    gap: np.ndarray,
    sample: Sample,
    *,
    rtol: float,
    floor: float,
) -> Outcome:
    """Compare each component; the tolerance is that of the largest one, since small ones come from cancellation."""
    left, right = np.broadcast_to(left, gap.shape), np.broadcast_to(right, gap.shape)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        problem = "every component must be finite on both sides"
        return Outcome(False, math.nan, math.nan, 0.0, False, True, sample.name, problem)
    tolerance = float(rtol * max(np.abs(left).max(), np.abs(right).max()) + floor)
    badness = {"=": np.abs(gap), ">=": -gap, "<=": gap}[relation]
    worst = tuple(int(index) for index in np.unravel_index(int(badness.argmax()), gap.shape))
    holds = bool(badness[worst] <= tolerance)
    where = f"{sample.name}, component {', '.join(str(index + 1) for index in worst)}"
    strict = bool((np.abs(gap) > tolerance).any())
    return Outcome(holds, float(left[worst]), float(right[worst]), tolerance, strict, True, where, component=worst)


def compare_limit(lhs: Expression, rhs: Expression, samples: Sequence[Sample], *, within: float) -> Outcome:
    """Whether `lhs` approaches `rhs` along a sequence of models: the last gap is small, and no larger than the first.

    Args:
        lhs: What moves.
        rhs: The limit.
        samples: The sequence, at least two models.
        within: The last gap allowed, relative to the limit (absolute where the limit is below 1).
    """
    if len(samples) < 2:
        raise ValueError(f"along must give at least two models, got {len(samples)}.")
    outcomes = [compare(lhs, "=", rhs, sample, rtol=0.0, floor=within) for sample in samples]
    for outcome in outcomes:
        if outcome.problem:
            return outcome
    first, last = outcomes[0], outcomes[-1]
    tolerance = within * max(1.0, abs(last.rhs))
    gap, start = abs(last.lhs - last.rhs), abs(first.lhs - first.rhs)
    exact = all(outcome.exact for outcome in outcomes)
    return Outcome(gap <= tolerance and gap <= start, last.lhs, last.rhs, tolerance, start > gap, exact, last.where)
