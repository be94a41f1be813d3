"""Checks of arguments shared by the public losses: each failure names the argument, its value and the remedy."""

import torch
from torch import Tensor


def same_shape(**tensors: Tensor) -> None:
    """Raise `ValueError` unless all named tensors have one shape."""
    (first, reference), *others = tensors.items()
    for name, tensor in others:
        if tensor.shape != reference.shape:
            raise ValueError(
                f"`{name}` has shape {tuple(tensor.shape)} but `{first}` has {tuple(reference.shape)}: "
                "give both the same shape (no broadcasting, so that a missing axis cannot pass unseen)"
            )


def rank(name: str, tensor: Tensor, expected: int, axes: str) -> None:
    """Raise `ValueError` unless `tensor` has `expected` axes, named in `axes`."""
    if tensor.ndim != expected:
        raise ValueError(f"`{name}` has shape {tuple(tensor.shape)}: expected {expected} axes ({axes})")


def no_nan(**tensors: Tensor) -> None:
    """Raise `ValueError` when a named tensor holds NaN.

    Looked at on the CPU only: on an accelerator the look would wait for the device at each step, and
    `course_lib.training.Run` stops a run whose loss is not finite in any case.
    """
    for name, tensor in tensors.items():
        # A sum is one pass and NaN whenever an entry is; the exact look is only for those (inf - inf is NaN too).
        if can_look(tensor) and bool(torch.isnan(tensor.detach().sum())) and bool((nan := torch.isnan(tensor)).any()):
            index = tuple(int(i) for i in torch.nonzero(nan)[0])
            raise ValueError(f"`{name}` is NaN at index {index}: find the step that made it before taking a loss of it")


def within(name: str, tensor: Tensor, low: float, high: float, remedy: str) -> None:
    """Raise `ValueError` when an entry lies outside [low, high] or is NaN; looked at on the CPU only."""
    if can_look(tensor):
        smallest, largest = (float(end) for end in torch.aminmax(tensor.detach()))
        if not (smallest >= low and largest <= high):
            raise ValueError(
                f"`{name}` spans [{smallest:g}, {largest:g}]: it must lie in [{low:g}, {high:g}] ({remedy})"
            )


def positive_diagonal(**diagonals: Tensor) -> None:
    """Raise `ValueError` when a named Cholesky factor has a diagonal entry that is not positive; CPU only."""
    for name, diagonal in diagonals.items():
        if can_look(diagonal) and bool((diagonal <= 0).any()):
            raise ValueError(
                f"`{name}` has a diagonal entry {float(diagonal.min()):g}: a Cholesky factor is positive there "
                "(pass it through softplus or exp)"
            )


def can_look(tensor: Tensor) -> bool:
    """Whether values may be looked at: on an accelerator a look would wait for the device at each step."""
    return tensor.device.type == "cpu" and tensor.numel() > 0 and not torch.compiler.is_compiling()


def at_least_single(tensor: Tensor) -> Tensor:
    """The tensor itself, or in float32 if it has half precision: too few digits for sums and differences."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor
