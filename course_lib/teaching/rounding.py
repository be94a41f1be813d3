"""Numbers as text that every machine prints alike."""

import math

import numpy as np

SHOWN = 4  # components of a vector that are written out


def safe_text(value: float | np.ndarray, digits: int = 4, slack: float = 1e-7) -> str:
    """A value rounded to decimals, with fewer of them where it lies so near a rounding edge that machines may differ.

    Args:
        value: A finite number, or an array, of which a short vector is written out and a larger one described.
        digits: Decimals wanted.
        slack: Relative difference between machines to allow for.
    """
    if isinstance(value, np.ndarray):
        if value.size <= SHOWN:
            return "(" + ", ".join(safe_text(float(one), digits, slack) for one in value.reshape(-1)) + ")"
        return " × ".join(map(str, value.shape)) + " numbers"
    if not math.isfinite(value):
        return str(value)
    wobble = slack * max(1.0, abs(value))
    for places in range(digits, -1, -1):
        low, high = (f"{value + sign * wobble:.{places}f}" for sign in (-1, 1))
        if low == high or float(low) == float(high):
            return f"{abs(float(low)):.{places}f}" if float(low) == 0 else low
    return f"{value:.0f}"
