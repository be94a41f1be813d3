"""Pixel kernels: pointwise arithmetic that runs compiled where a compiler is at hand, and eagerly elsewhere.

A renderer asks, for each pixel, which of many parts its ray meets first. Written as plain tensor arithmetic that
stores dozens of (pixels x parts) arrays; compiled into one loop it stores nothing and is tens of times faster. Hence
the rules for a kernel: arithmetic, `where`, comparisons and reductions over the parts only; no matrix products, no
indexing by computed values before the reductions, no branches on values.
"""

import functools
import inspect
import os
import shutil
import warnings
from collections.abc import Callable

import torch
from torch import Tensor

SHAPES = 64  # compiled for one kernel at most: beyond that something is wrong with how it is called


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


def pointwise(function: Callable) -> Callable:
    """Decorator of helpers called inside kernels: takes off wrappers that check arguments, which cannot be compiled."""
    return inspect.unwrap(function)


class Kernel:
    """A pointwise function of tensors with a compiled and an eager form that agree.

    Args:
        function: Takes tensors (and hashable settings by keyword), returns a tensor or a tuple of tensors.
    """

    def __init__(self, function: Callable[..., Tensor | tuple[Tensor, ...]]) -> None:
        self.eager = pointwise(function)
        self.failed = False
        self.shapes: set[tuple] = set()
        self._compiled = None
        functools.update_wrapper(self, self.eager)

    def __call__(self, *tensors: Tensor, compiled: bool | None = None, **settings):
        """Run the kernel.

        Args:
            tensors: Inputs, all on one device; each new set of shapes is compiled once (some seconds).
            compiled: True or False to insist, None to compile where that is possible and no gradient is wanted.
            settings: Passed on to the function.

        Raises:
            ValueError: `compiled=True` with inputs that want a gradient: only the eager form has one.
        """
        wants_gradient = torch.is_grad_enabled() and any(t.requires_grad for t in tensors)
        if compiled and wants_gradient:
            raise ValueError("`compiled=True` gives no gradient: leave it out, or detach the inputs")
        insisted = compiled is True
        if compiled is None:
            compiled = not self.failed and not wants_gradient and can_compile(tensors[0].device)
        if not compiled:
            return self.eager(*tensors, **settings)
        # Layouts count as shapes do, so tensors are made alike first.
        tensors = tuple(t.contiguous() for t in tensors)
        key = (tensors[0].device, *((t.shape, t.dtype) for t in tensors), *sorted(settings.items()))
        if key not in self.shapes and len(self.shapes) >= SHAPES and not insisted:
            self._warn(f"has met more than {SHAPES} sets of shapes: call it on pieces of one size")
            return self.eager(*tensors, **settings)
        try:
            return self._run(key, tensors, settings)
        except Exception as error:
            if insisted:
                raise
            # An error of the function itself comes again here, for the caller to see; otherwise the compiler failed.
            result = self.eager(*tensors, **settings)
            self.failed = True
            cause = str(error).strip().splitlines()
            self._warn(f"could not be compiled ({type(error).__name__}: {cause[0][:200] if cause else ''})")
            return result

    def _run(self, key: tuple, tensors: tuple[Tensor, ...], settings: dict):
        if self._compiled is None:
            self._compiled = torch.compile(self.eager, dynamic=False, fullgraph=True)
        with torch.no_grad():
            if key in self.shapes:
                return self._compiled(*tensors, **settings)
            with torch._dynamo.config.patch(recompile_limit=4 * SHAPES), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the compiler's own deprecations are not the caller's concern
                result = self._compiled(*tensors, **settings)
        self.shapes.add(key)
        return result

    def _warn(self, problem: str) -> None:
        warnings.warn(
            f"{self.eager.__name__} {problem} and runs eagerly, tens of times slower; "
            "COURSE_COMPILE=0 asks for that without a warning",
            RuntimeWarning,
            stacklevel=3,
        )


def kernel(function: Callable[..., Tensor | tuple[Tensor, ...]]) -> Kernel:
    """Decorator: make a pointwise function a `Kernel`."""
    return Kernel(function)
