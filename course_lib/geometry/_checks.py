"""Checks of shapes shared by the public functions: each failure names the argument, its shape and the remedy."""

import torch
from torch import Tensor


def last_axes(name: str, tensor: Tensor, *sizes: int | None, holding: str) -> None:
    """Raise `ValueError` unless the last axes of `tensor` have these sizes; None stands for any size.

    Args:
        name: The argument.
        tensor: What was given for it.
        sizes: Expected sizes of the last axes.
        holding: What those axes hold, for the message.
    """
    found = tensor.shape[-len(sizes) :]
    if len(found) < len(sizes) or any(size not in (None, n) for size, n in zip(sizes, found, strict=True)):
        wanted = ", ".join("n" if size is None else str(size) for size in sizes)
        raise ValueError(f"`{name}` has shape {tuple(tensor.shape)}: its last axes must be ({wanted}), {holding}")


def batches_fit(**tensors: tuple[Tensor, int]) -> None:
    """Raise `ValueError` unless the leading axes of the named tensors fit together by broadcasting.

    Args:
        tensors: Name = (tensor, number of last axes that are not batch axes).
    """
    leading = {name: tuple(tensor.shape[: tensor.ndim - last]) for name, (tensor, last) in tensors.items()}
    if len(set(leading.values())) == 1:
        return
    try:
        torch.broadcast_shapes(*leading.values())
    except RuntimeError:
        told = ", ".join(f"`{name}` {axes}" for name, axes in leading.items())
        raise ValueError(f"the leading (batch) axes do not fit together: {told}; make them equal, or 1") from None
