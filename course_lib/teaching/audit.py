"""`course_lib.audit`: run the course's equation tests on a loss of your own."""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.teaching.diagnosis import as_tensor, close, shape_problem, value_problem
from course_lib.teaching.display import table
from course_lib.teaching.equation_tests import EquationTests, Inputs, find
from course_lib.teaching.shrink import shrink, text_of

DRAWS = 20


@dataclass(frozen=True)
class Finding:
    """One test of an audit.

    Args:
        test: What was tested.
        passed: Whether it passed.
        detail: The reason, or what it was compared with.
    """

    test: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class AuditReport:
    """The result of `course_lib.audit`.

    Args:
        name: The audited function.
        like: The loss whose tests ran.
        findings: One entry a test.
    """

    name: str
    like: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return all(finding.passed for finding in self.findings)

    @property
    def summary(self) -> str:
        """The verdict in one sentence."""
        failed = sum(not finding.passed for finding in self.findings)
        verdict = "passes every test" if self.passed else f"fails {failed} of {len(self.findings)} tests"
        return f"{self.name} {verdict} of {self.like}"

    def _rows(self) -> list[list[str]]:
        return [[one.test, "passed" if one.passed else "FAILED", one.detail] for one in self.findings]

    def _repr_markdown_(self) -> str:
        return f"**{self.summary}**\n\n" + table(["test", "verdict", "detail"], self._rows())

    def __repr__(self) -> str:
        width = max(len(one.test) for one in self.findings)
        lines = [f"  {test:<{width}}  {verdict}  {detail}" for test, verdict, detail in self._rows()]
        return "\n".join([self.summary, *lines])


def audit(fn: Any, *, like: str) -> AuditReport:
    """Run the equation tests of a loss on another function with the same arguments.

    Args:
        fn: Your function; it is called with positional arguments, as `course_lib.losses.<like>` is.
        like: The loss it should compute, such as `gaussian_kl`.

    Returns:
        A report: value against an independent evaluation, shape, sign, zeros, independence of the samples, gradient,
        extremes and precision. A function that raises fails the test with its message.

    Raises:
        ValueError: No loss is called `like`.
        TypeError: `fn` cannot be called.
    """
    tests = find(like)
    if not callable(fn):
        raise TypeError(f"fn (a {type(fn).__name__}) must be a function with the arguments of {like}.")
    steps: list[tuple[str, Callable[[], str]]] = [
        ("shape" if tests.mixes else "one value per sample", lambda: _shape(fn, tests)),
        ("value", lambda: _value(fn, tests)),
        *([] if tests.mixes else [("samples do not mix", lambda: _independent(fn, tests))]),
        ("gradient", lambda: _gradient(fn, tests)),
        ("single precision", lambda: _single(fn, tests)),
    ]
    steps += [("never negative", lambda: _nonnegative(fn, tests))] if tests.nonnegative else []
    steps += [("zero where it must be", lambda: _zero(fn, tests))] if tests.zeros else []
    steps += [
        (f"extreme: {name}", lambda at=inputs: _extreme(fn, tests, at)) for name, inputs in tests.extremes.items()
    ]
    good = {"value": f"{DRAWS} draws agree with {tests.method}"}
    findings = []
    for name, step in steps:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                problem = step()
        except Exception as error:  # whatever the audited function raises is a finding
            problem = f"it raises {type(error).__name__}: {' '.join(str(error).split())[:160]}"
        findings.append(Finding(name, not problem, problem or good.get(name, "")))
    return AuditReport(getattr(fn, "__name__", type(fn).__name__), like, tuple(findings))


def _draws(tests: EquationTests) -> list[Inputs]:
    return [tests.draw(torch.Generator().manual_seed(104_729 + i)) for i in range(DRAWS)]


def _call(fn: Callable[..., Any], inputs: Inputs) -> Any:
    return fn(*(one.clone() if isinstance(one, Tensor) else one for one in inputs))


def _shape(fn: Callable[..., Any], tests: EquationTests) -> str:
    inputs = _draws(tests)[0]
    return shape_problem(_call(fn, inputs), tests.reference(*inputs), rtol=tests.rtol, atol=tests.atol)


def _value(fn: Callable[..., Any], tests: EquationTests) -> str:
    draws = _draws(tests)
    want = [tests.reference(*inputs) for inputs in draws]
    got = [as_tensor(_call(fn, inputs)) for inputs in draws]
    tolerances = {"rtol": tests.rtol, "atol": tests.atol}
    if all(one is not None and close(one, right, **tolerances) for one, right in zip(got, want, strict=True)):
        return ""
    for one, right in zip(got, want, strict=True):
        problem = shape_problem(one, right) if one is not None else "it returns no number"
        if problem:
            return problem
    got_all, want_all = (torch.cat([one.flatten() for one in values]) for values in (got, want))
    reason = value_problem(got_all, want_all, **tolerances)
    for says, wrong in tests.slips.items():
        if all(close(one, wrong(*inputs), rtol=1e-6, atol=1e-8) for one, inputs in zip(got, draws, strict=True)):
            reason = says

    def differs(inputs: Inputs) -> bool:
        if not tests.valid(*inputs):
            return False
        try:
            answer, right = as_tensor(_call(fn, inputs)), tests.reference(*inputs)
        except Exception:  # an input too simple for the function, such as a singular matrix, is no example
            return False
        return answer is not None and bool(right.isfinite().all()) and not close(answer, right, rtol=1e-3, atol=1e-3)

    first = next(i for i, one in enumerate(got) if not close(one, want[i], **tolerances))
    small = shrink(draws[first], differs)
    values = f"yours {text_of(as_tensor(_call(fn, small)))}, right {text_of(tests.reference(*small))}"
    return f"{reason}: {values} on {_inputs_text(tests, small)}"


def _inputs_text(tests: EquationTests, inputs: Inputs) -> str:
    names = inspect.signature(tests.reference).parameters
    return ", ".join(f"{name} = {text_of(one)}" for name, one in zip(names, inputs, strict=False))


def _batched(tests: EquationTests, inputs: Inputs) -> list[int]:
    if tests.batched is not None:
        return list(tests.batched)
    return [i for i, one in enumerate(inputs) if isinstance(one, Tensor) and one.dim()]


def _independent(fn: Callable[..., Any], tests: EquationTests) -> str:
    inputs = _draws(tests)[0]
    places = _batched(tests, inputs)
    whole = as_tensor(_call(fn, inputs))
    for row in range(inputs[places[0]].shape[tests.batch_axis]):
        single = (one.narrow(tests.batch_axis, row, 1) if i in places else one for i, one in enumerate(inputs))
        alone = as_tensor(_call(fn, tuple(single)))
        if alone.shape != (1,) or whole.dim() != 1:
            return f"a batch of one gives shape {tuple(alone.shape)}, not (1,)"
        if not close(alone, whole[row : row + 1], rtol=1e-9, atol=1e-12):
            return f"sample {row} is {float(whole[row]):.6g} in its batch and {float(alone):.6g} alone"
    return ""


def _differentiable(tests: EquationTests, inputs: Inputs) -> list[int]:
    if tests.differentiable is not None:
        return list(tests.differentiable)
    return [i for i, one in enumerate(inputs) if isinstance(one, Tensor) and one.is_floating_point()]


def _gradient(fn: Callable[..., Any], tests: EquationTests) -> str:
    inputs = _draws(tests)[0]
    places = _differentiable(tests, inputs)
    variables = [inputs[i].clone().requires_grad_(True) for i in places]

    def value(*changed: Tensor) -> Tensor:
        return fn(*_replaced(inputs, places, changed))

    output = value(*variables)
    if not isinstance(output, Tensor) or not output.requires_grad:
        return "the result has no gradient: compute with torch, without .item(), .detach() or numpy"
    ok = torch.autograd.gradcheck(value, tuple(variables), raise_exception=False)
    return "" if ok else "the gradient differs from finite differences"


def _replaced(inputs: Inputs, places: list[int], changed: tuple[Tensor, ...]) -> Inputs:
    new = dict(zip(places, changed, strict=True))
    return tuple(new.get(i, one) for i, one in enumerate(inputs))


def _single(fn: Callable[..., Any], tests: EquationTests) -> str:
    inputs = _draws(tests)[0]
    narrow = tuple(one.float() if isinstance(one, Tensor) and one.is_floating_point() else one for one in inputs)
    output = fn(*narrow)
    if not isinstance(output, Tensor) or output.dtype != torch.float32:
        return f"float32 inputs give {getattr(output, 'dtype', type(output).__name__)}"
    wide = as_tensor(_call(fn, inputs))
    return "" if close(as_tensor(output), wide, rtol=1e-3, atol=1e-4) else "float32 is far from float64"


def _nonnegative(fn: Callable[..., Any], tests: EquationTests) -> str:
    lowest = min(float(as_tensor(_call(fn, inputs)).min()) for inputs in _draws(tests))
    return "" if lowest >= -tests.atol else f"the lowest value is {lowest:.4g}"


def _zero(fn: Callable[..., Any], tests: EquationTests) -> str:
    value = as_tensor(_call(fn, tests.zeros(torch.Generator().manual_seed(0))))
    largest = float(value.abs().max())
    return "" if largest <= max(tests.atol, 1e-9) else f"the value is {largest:.4g}"


def _extreme(fn: Callable[..., Any], tests: EquationTests, inputs: Inputs) -> str:
    places = _differentiable(tests, inputs)
    variables = tuple(inputs[i].clone().requires_grad_(True) for i in places)
    output = fn(*_replaced(inputs, places, variables))
    if not bool(torch.isfinite(output).all()):
        return f"the value is {float(output.detach().flatten()[0])}"
    gradients = torch.autograd.grad(output.sum(), variables, allow_unused=True)
    bad = [i for i, one in zip(places, gradients, strict=True) if one is not None and not one.isfinite().all()]
    return f"the gradient of argument {bad[0] + 1} is not finite" if bad else ""
