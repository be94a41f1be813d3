"""Pixel kernels: compiled equals eager, and what happens where there is no compiler or it fails."""

import warnings

import pytest
import torch

from course_lib.worlds import kernel as kernels
from course_lib.worlds.kernel import Kernel, can_compile, kernel

needs_compiler = pytest.mark.skipif(not can_compile(), reason="needs a C++ compiler, and COURSE_COMPILE not 0")


def radius(x: torch.Tensor, y: torch.Tensor, power: int = 2) -> torch.Tensor:
    return (x.abs() ** power + y.abs() ** power).sqrt()


def rays(n=8):
    return torch.linspace(-1, 1, n), torch.linspace(0, 2, n)


@pytest.fixture
def _no_compiler(monkeypatch):
    def fail(function, **options):
        def run(*tensors, **settings):
            raise OSError("the compiler\nis gone")

        return run

    monkeypatch.setattr(torch, "compile", fail)
    monkeypatch.setattr(kernels, "can_compile", lambda device: True)


@needs_compiler
def test_compiled_and_eager_agree():
    both = kernel(radius)
    x, y = rays(1000)
    torch.testing.assert_close(both(x, y, compiled=True), both(x, y, compiled=False), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(both(x, y), radius(x, y), rtol=1e-6, atol=1e-7)
    assert len(both.shapes) == 1  # the default compiled too, and found the same form


@needs_compiler
def test_a_shape_and_a_setting_are_compiled_once():
    both = kernel(radius)
    for _ in range(3):
        for n in (5, 6):
            both(*rays(n))
            both(*rays(2 * n)[::-1])
    x, y = rays(8)
    both(x[::2], y[::2])  # another layout of four values: made contiguous
    both(*rays(4))
    assert len(both.shapes) == 5
    assert both(x, y, power=1).allclose(x.abs().add(y.abs()).sqrt())
    assert len(both.shapes) == 6


def test_beyond_the_limit_of_shapes_it_runs_eagerly_and_says_so(monkeypatch):
    monkeypatch.setattr(kernels, "SHAPES", 2)
    monkeypatch.setattr(torch, "compile", lambda function, **options: function)
    monkeypatch.setattr(kernels, "can_compile", lambda device: True)
    both = kernel(radius)
    both(*rays(3))
    both(*rays(4))
    with pytest.warns(RuntimeWarning, match="radius has met more than 2 sets of shapes: call it on pieces of one size"):
        assert both(*rays(5)).equal(radius(*rays(5)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both(*rays(4))
    assert len(both.shapes) == 2


@pytest.mark.usefixtures("_no_compiler")
def test_a_compiler_that_fails_is_told_once_and_replaced_by_eager_code():
    both = kernel(radius)
    with pytest.warns(RuntimeWarning, match=r"radius could not be compiled \(OSError: the compiler\) and runs eagerly"):
        assert both(*rays()).equal(radius(*rays()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert both(*rays()).equal(radius(*rays()))
    with pytest.raises(OSError, match="the compiler"):
        both(*rays(), compiled=True)


@pytest.mark.usefixtures("_no_compiler")
def test_errors_of_the_function_itself_reach_the_caller_and_blame_nobody():
    def refuse(x):
        raise FloatingPointError("no root here")

    both = kernel(refuse)
    with pytest.raises(FloatingPointError, match="no root here"):
        both(torch.ones(2))
    assert not both.failed


@needs_compiler
def test_shapes_that_do_not_fit_raise_what_eager_code_raises():
    both = kernel(radius)
    with pytest.raises(RuntimeError, match="must match the size"):
        both(torch.ones(2), torch.ones(3))
    assert not both.failed
    assert both(*rays()).shape == (8,)


@needs_compiler
def test_values_that_are_not_finite_pass_through():
    x = torch.tensor([float("nan"), float("inf"), 3.0])
    y = torch.tensor([0.0, 1.0, 4.0])
    for compiled in (True, False):
        found = kernel(radius)(x, y, compiled=compiled)
        assert found.isnan().tolist() == [True, False, False]
        assert found[1:].tolist() == [float("inf"), 5.0]


def test_a_wanted_gradient_is_computed_eagerly():
    both = kernel(radius)
    x = torch.tensor([3.0], requires_grad=True)
    y = torch.tensor([4.0])
    both(x, y).sum().backward()
    torch.testing.assert_close(x.grad, torch.tensor([0.6]))
    assert not both.shapes
    with pytest.raises(ValueError, match="`compiled=True` gives no gradient"):
        both(x, y, compiled=True)
    with torch.no_grad():
        assert not both(x, y).requires_grad


def test_the_environment_turns_compilation_off(monkeypatch):
    monkeypatch.setenv("COURSE_COMPILE", "0")
    assert not can_compile()
    both = kernel(radius)
    both(*rays())
    assert not both.shapes


def test_without_a_compiler_nothing_is_compiled(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    kernels._has_cpp.cache_clear()
    try:
        assert not can_compile()
    finally:
        kernels._has_cpp.cache_clear()


def test_a_kernel_keeps_its_function_s_name_and_text():
    both = kernel(radius)
    assert isinstance(both, Kernel)
    assert both.__name__ == "radius"
    assert both.eager is radius
