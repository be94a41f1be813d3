"""What is wrong with an answer: shape, reduction, sign, factor, or a slip that is known by name."""

import math
from typing import Any

import torch
from torch import Tensor

FEW_DIGITS = (
    "it is right to a few digits only, as float32 arithmetic is: compute in float64, with `math` or with "
    "`dtype=torch.float64`"
)


def as_tensor(value: Any) -> Tensor | None:
    """A number, list, array or tensor as float64, or None for anything else."""
    if isinstance(value, bool | str) or value is None:
        return None
    try:
        tensor = torch.as_tensor(value).detach().cpu().to(torch.float64)
        return tensor.to_dense() if tensor.is_sparse else tensor
    except (TypeError, ValueError, RuntimeError):
        return None


def close(got: Tensor, want: Tensor, *, rtol: float, atol: float) -> bool:
    """Whether two tensors have one shape and agree."""
    return got.shape == want.shape and bool(torch.allclose(got, want, rtol=rtol, atol=atol))


def alike(got: Tensor | None, other: Tensor | None, *, rtol: float, atol: float) -> bool:
    """Whether two answers are the same, wrong ones included: NaN equals NaN, and infinity itself."""
    if got is None or other is None or got.shape != other.shape:
        return False
    return bool(torch.allclose(got, other, rtol=rtol, atol=atol, equal_nan=True))


def shape_problem(value: Any, want: Tensor, *, rtol: float = 1e-6, atol: float = 1e-9) -> str:
    """What keeps an answer from being compared at all, or nothing.

    Args:
        value: What the function returned.
        want: The right answer.
        rtol: Relative tolerance, to recognise a mean or a sum of the right answer.
        atol: Absolute tolerance.
    """
    if value is None or value is ...:
        return "it returned None: end the function with `return ...`"
    got = as_tensor(value)
    if got is None:
        return f"it returned a {type(value).__name__}; a number or a tensor is wanted"
    if got.shape != want.shape:
        shapes = f"wrong shape: {tuple(got.shape)} instead of {tuple(want.shape)}"
        if want.dim() == 1 and got.dim() == 0:
            mean, total = float(want.mean()), float(want.sum())
            words = [word for word, reduced in (("mean", mean), ("sum", total))
                     if math.isclose(float(got), reduced, rel_tol=1e-5, abs_tol=atol)]  # fmt: skip
            if len(words) == 2:  # one sample: it cannot be told which
                return f"{shapes}: that is a reduction over the batch; return one value per sample"
            if words:
                return f"{shapes}: you took the {words[0]} over the batch; return one value per sample"
            return f"{shapes}: one value per sample is wanted, without a reduction over the batch"
        if got.dim() > want.dim() and got.shape[: want.dim()] == want.shape:
            rest = tuple(range(want.dim(), got.dim()))
            if got.numel() == want.numel():  # one value each: a sum cannot be told from a mean
                if close(got.reshape(want.shape), want, rtol=rtol, atol=atol):
                    what = "perhaps a sum or a mean over the batch" if want.dim() == 0 else "perhaps a sum over an axis"
                    return f"{shapes}: on this input the value agrees; {what} is missing"
            elif close(got.sum(rest), want, rtol=rtol, atol=atol):
                return f"{shapes}: the sum over the last axis is missing"
            elif close(got.mean(rest), want, rtol=rtol, atol=atol):
                return f"{shapes}: the mean over the last axis is missing"
        return shapes
    if not got.isfinite().all():
        word = "NaN" if got.isnan().any() else "infinity"
        return f"it returned {word} where the right answer is finite" if want.isfinite().all() else ""
    return ""


def value_problem(got: Tensor, want: Tensor, *, rtol: float, atol: float) -> str:
    """How two tensors of one shape differ: in sign, by a factor, by a constant, or otherwise; nothing if they agree."""
    if close(got, want, rtol=rtol, atol=atol):
        return ""
    got, want = got.flatten(), want.flatten()
    if torch.allclose(got, want, rtol=1e-4, atol=1e-5):
        return FEW_DIGITS
    if close(got, -want, rtol=rtol, atol=atol):
        return "wrong sign: your answer is minus the right one"
    big = want.abs() > 1e-6
    if int(big.sum()) > 1:
        ratios = got[big] / want[big]
        if float((ratios - ratios[0]).abs().max()) < 1e-5 * float(ratios[0].abs()) and close(
            got, ratios[0] * want, rtol=1e-5, atol=atol
        ):
            return f"your answer is {float(ratios[0]):.4g} times the right one, on every input"
    if want.numel() > 1:
        gaps = got - want
        if float((gaps - gaps[0]).abs().max()) < 1e-6 * (1 + float(want.abs().max())):
            return f"your answer is off by the constant {float(gaps[0]):.4g}, on every input"
    return "the values differ"
