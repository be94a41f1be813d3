"""Pixel kernels: pointwise arithmetic that runs compiled where a compiler is at hand, and eagerly elsewhere.

A renderer asks, for each pixel, which of many parts its ray meets first. Written as plain tensor arithmetic that
stores dozens of (pixels x parts) arrays; compiled into one loop it stores nothing and is tens of times faster. Hence
the rules for a kernel: arithmetic, `where`, comparisons and reductions over the parts only; no matrix products, no
indexing by computed values before the reductions, no branches on values.
"""

import functools
import os
import shutil
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

_LIMIT = 64  # shapes compiled for one kernel before it falls back to eager code


def can_compile(device: torch.device | str = "cpu") -> bool:
    """Whether kernels are compiled by default: there is a compiler, and `COURSE_COMPILE` is not 0."""
    if os.environ.get("COURSE_COMPILE", "") == "0":
        return False
    if torch.device(device).type == "cuda":
        return _has_triton()
    return _has_cpp()


@functools.cache
def _has_cpp() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", ""), "g++", "clang++", "c++") if name)


@functools.cache
def _has_triton() -> bool:
    from torch.utils._triton import has_triton

    return has_triton()


class Kernel:
    """A pointwise function of tensors with a compiled and an eager form that agree.

    Args:
        function: Takes tensors (and hashable settings by keyword), returns a tensor or a tuple of tensors.
    """

    def __init__(self, function: Callable[..., Tensor | tuple[Tensor, ...]]) -> None:
        self.eager = function
        self._compiled = None
        self._failed = False
        functools.update_wrapper(self, function)

    def __call__(self, *tensors: Tensor, compiled: bool | None = None, **settings):
        """Run the kernel.

        Args:
            tensors: Inputs, all on one device; each new set of shapes is compiled once (some seconds).
            compiled: True or False to insist, None to compile where that is possible and no gradient is wanted.
            settings: Passed on to the function.
        """
        if compiled is None:
            wants_gradient = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
            compiled = not self._failed and not wants_gradient and can_compile(tensors[0].device)
        if not compiled:
            return self.eager(*tensors, **settings)
        if self._compiled is None:
            self._compiled = torch.compile(self.eager, dynamic=False, fullgraph=True)
        try:
            with torch._dynamo.config.patch(recompile_limit=_LIMIT), torch.no_grad():
                return self._compiled(*tensors, **settings)
        except Exception as error:  # the compiler itself failed: say so once, and go on without it
            if not self._is_compiler_error(error):
                raise
            self._failed = True
            warnings.warn(
                f"{self.eager.__name__} could not be compiled and runs eagerly, tens of times slower "
                f"({type(error).__name__}): set COURSE_COMPILE=0 to silence this",
                RuntimeWarning,
                stacklevel=2,
            )
            return self.eager(*tensors, **settings)

    @staticmethod
    def _is_compiler_error(error: Exception) -> bool:
        return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def kernel(function: Callable[..., Tensor | tuple[Tensor, ...]]) -> Kernel:
    """Decorator: make a pointwise function a `Kernel`."""
    return Kernel(function)
