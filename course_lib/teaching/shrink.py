"""Smaller inputs that still fail: one sample instead of a batch, round numbers instead of long ones."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

Inputs = tuple[Any, ...]


def _rows(inputs: Inputs) -> Iterator[Inputs]:
    """Each sample alone, where all tensors share their first axis."""
    tensors = [one for one in inputs if isinstance(one, Tensor) and one.dim()]
    if tensors and len({len(one) for one in tensors}) == 1 and len(tensors[0]) > 1:
        for row in range(len(tensors[0])):
            yield tuple(one[row : row + 1] if isinstance(one, Tensor) and one.dim() else one for one in inputs)


def _last(inputs: Inputs) -> Iterator[Inputs]:
    """One entry of the last axis, where all matrices share it."""
    tensors = [one for one in inputs if isinstance(one, Tensor) and one.dim() == 2]
    if tensors and len({one.shape[-1] for one in tensors}) == 1 and tensors[0].shape[-1] > 1:
        for entry in range(tensors[0].shape[-1]):
            yield tuple(one[..., entry : entry + 1] if isinstance(one, Tensor) and one.dim() == 2 else one
                        for one in inputs)  # fmt: skip


def _rounder(value: Any) -> Iterator[Any]:
    """Simpler values for one input, simplest first."""
    if isinstance(value, Tensor) and value.is_floating_point():
        yield from (torch.zeros_like(value), torch.ones_like(value), value.round(), value.round(decimals=1))
    elif isinstance(value, float):
        yield from (0.0, 1.0, 0.5, float(round(value)), round(value, 1))


def _simpler(inputs: Inputs) -> Iterator[Inputs]:
    yield from _rows(inputs)
    yield from _last(inputs)
    for index, value in enumerate(inputs):
        for candidate in _rounder(value):
            same = torch.equal(candidate, value) if isinstance(value, Tensor) else candidate == value
            if not same:
                yield (*inputs[:index], candidate, *inputs[index + 1 :])


def shrink(inputs: Inputs, fails: Callable[[Inputs], bool], *, tries: int = 200) -> Inputs:
    """The simplest inputs found on which `fails` still holds.

    Args:
        inputs: Inputs on which it holds.
        fails: Whether inputs still show the fault; it must return False for inputs that make no sense.
        tries: How often it may be asked.
    """
    seen: set[str] = {repr(inputs)}
    found = True
    while found and tries > 0:
        found = False
        for candidate in _simpler(inputs):
            if repr(candidate) in seen:
                continue
            seen.add(repr(candidate))
            tries -= 1
            if fails(candidate):
                inputs, found = candidate, True
                break
            if tries <= 0:
                break
    return inputs


def text_of(value: Any, digits: int = 4) -> str:
    """An input or answer as short text."""
    if isinstance(value, Tensor):
        whole = value.dim() > 1 and torch.equal(value, value.round())  # poses and turns of whole numbers stay readable
        if value.numel() > (36 if whole else 12):
            return f"tensor of shape {tuple(value.shape)}"
        if value.is_floating_point():
            return str([round(x, digits) for x in value.tolist()]) if value.dim() == 1 else _nested(value, digits)
        return str(value.tolist())
    return f"{value:.{digits}g}" if isinstance(value, float) else repr(value)


def _nested(value: Tensor, digits: int) -> str:
    if value.dim() == 0:
        return f"{float(value):.{digits}g}"
    return "[" + ", ".join(_nested(row, digits) for row in value) + "]"
