"""Values of formulas: numbers, vectors, and Monte-Carlo values that know how far off they may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Estimate:
    """A mean with its standard error.

    Where the samples are kept, sums of estimates are formed sample by sample, so that shared randomness cancels as it
    should. Without them the standard errors of a sum are added, which is never too small.

    Args:
        mean: The estimate.
        standard_error: Its standard error, at least 0.
        samples: The samples behind it, or None.
    """

    mean: float
    standard_error: float
    samples: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Refuse a standard error that is not one."""
        if not self.standard_error >= 0:
            raise ValueError(f"standard_error (={self.standard_error}) must be at least 0.")

    @classmethod
    def from_samples(cls, samples: Any) -> "Estimate":
        """The mean of independent samples (a tensor or array of any shape) and its standard error."""
        if hasattr(samples, "detach"):
            samples = samples.detach().cpu().numpy()
        values = np.asarray(samples, dtype=np.float64).reshape(-1)
        if values.size < 2:
            raise ValueError(f"samples (size {values.size}) must hold at least two values for a standard error.")
        return cls(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)), values)


Value = float | np.ndarray | Estimate


def to_value(value: Any, latex: str) -> Value:
    """Turn what a term returned into a float, a float64 array or an `Estimate`; refuse single precision.

    Args:
        value: What the term's function returned; an array of one number becomes that number.
        latex: The term's formula, for the error message.
    """
    if isinstance(value, Estimate):
        return value
    if hasattr(value, "dtype"):
        kind = str(value.dtype)
        if "float" in kind and "64" not in kind:
            raise TypeError(f"The term {latex} returned {kind}; a derivation compares at 1e-9, so compute in float64.")
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        value = np.asarray(value, dtype=np.float64)
        if value.size != 1:
            return value
    return float(np.asarray(value).reshape(()))


def combine(parts: Sequence[tuple[float, Value]]) -> Value:
    """The weighted sum of numbers, of vectors of one shape, or of numbers and estimates."""
    shapes = {value.shape if isinstance(value, np.ndarray) else () for _, value in parts}
    if len(shapes) > 1:
        told = " and ".join(sorted("a number" if shape == () else f"shape {shape}" for shape in shapes))
        raise TypeError(f"A sum joins {told}: give all its terms one shape.")
    exact = sum(weight * value for weight, value in parts if not isinstance(value, Estimate))
    noisy = [(weight, value) for weight, value in parts if isinstance(value, Estimate)]
    if not noisy:
        return exact if isinstance(exact, np.ndarray) else float(exact)
    sizes = {None if value.samples is None else value.samples.size for _, value in noisy}
    if len(sizes) == 1 and None not in sizes:
        return Estimate.from_samples(exact + sum(weight * value.samples for weight, value in noisy))
    return Estimate(
        exact + sum(weight * value.mean for weight, value in noisy),
        sum(abs(weight) * value.standard_error for weight, value in noisy),
    )


def mean_of(value: Value) -> float | np.ndarray:
    """The number or vector to show for a value."""
    return value.mean if isinstance(value, Estimate) else value
