"""Geometry is computed in float32 at least: the eight bits of bfloat16 cannot hold the position of a pixel."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

HALVES = (torch.float16, torch.bfloat16)

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def full_precision(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Raise half-precision arguments to float32 and switch autocast off inside `function`.

    Autocast turns every matrix product into bfloat16, so that a rotation of a point 5 m away would be off by
    centimetres and a warp by pixels. A loss may therefore call these functions under autocast, on a network's outputs.
    """

    @functools.wraps(function)
    def in_full(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        halves = any(tensor.dtype in HALVES for tensor in tensors)
        device = tensors[0].device.type if tensors else "cpu"
        if not halves and not torch.is_autocast_enabled(device):
            return function(*args, **kwargs)
        with torch.autocast(device, enabled=False):
            return function(*map(_raised, args), **{name: _raised(value) for name, value in kwargs.items()})

    return in_full


def _raised(value: object) -> object:
    return value.float() if isinstance(value, Tensor) and value.dtype in HALVES else value
