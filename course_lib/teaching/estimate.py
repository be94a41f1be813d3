"""Monte-Carlo values that know how far off they may be."""

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


def to_value(value: Any, latex: str) -> "float | Estimate":
    """Turn what a term returned into a float or an `Estimate`; refuse single precision and arrays.

    Args:
        value: What the term's function returned.
        latex: The term's formula, for the error message.
    """
    if isinstance(value, Estimate):
        return value
    if hasattr(value, "dtype"):
        kind = str(value.dtype)
        if "float" in kind and "64" not in kind:
            raise TypeError(f"The term {latex} returned {kind}; a derivation compares at 1e-9, so compute in float64.")
        if getattr(value, "ndim", 0) and int(np.prod(value.shape)) != 1:
            raise TypeError(f"The term {latex} returned shape {tuple(value.shape)}; reduce it to one number.")
    return float(value)


def combine(parts: Sequence[tuple[float, "float | Estimate"]]) -> "float | Estimate":
    """The weighted sum of floats and estimates."""
    exact = sum(weight * value for weight, value in parts if not isinstance(value, Estimate))
    noisy = [(weight, value) for weight, value in parts if isinstance(value, Estimate)]
    if not noisy:
        return float(exact)
    sizes = {None if value.samples is None else value.samples.size for _, value in noisy}
    if len(sizes) == 1 and None not in sizes:
        return Estimate.from_samples(exact + sum(weight * value.samples for weight, value in noisy))
    return Estimate(
        exact + sum(weight * value.mean for weight, value in noisy),
        sum(abs(weight) * value.standard_error for weight, value in noisy),
    )


def mean_of(value: "float | Estimate") -> float:
    """The number to show for a value."""
    return value.mean if isinstance(value, Estimate) else value
