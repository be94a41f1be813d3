"""Exercises with an instant check: pass or fail with a reason and the smallest counterexample, and three hints."""

import difflib
import importlib
import inspect
import linecache
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib.teaching.diagnosis import FEW_DIGITS, alike, as_tensor, close, shape_problem, value_problem
from course_lib.teaching.shrink import Inputs, shrink, text_of

STUB = "it is still the stub: write the body"


@dataclass(frozen=True, kw_only=True)
class Slip:
    """A wrong answer that many give, recognised by its values, infinite ones included.

    Args:
        wrong: Computes it.
        says: What to tell whoever gave it.
    """

    wrong: Callable[..., Any]
    says: str


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise: how to draw inputs, and an evaluation independent of the expected solution.

    Args:
        id: Lesson and number, such as `00.1`.
        title: What is asked, in a few words.
        draw: Takes a seeded generator, returns the inputs as a tuple of tensors, floats and integers.
        reference: Computes the right answer, by another route than the solution where there is one.
        method: That route in words: `an exact sum over both faces`.
        hints: Nudge, formula, outline of the code.
        stub: Name of the unfinished function in the lesson.
        solution: Name of the worked solution in the lesson.
        valid: Whether inputs make sense, for the search of small counterexamples.
        edges: Inputs always tried, such as extremes.
        slips: Known wrong answers.
        property: Takes the function and inputs; returns what is wrong, or nothing. Checked after the values.
        rtol: Relative tolerance.
        atol: Absolute tolerance.
        draws: How many random inputs.
    """

    id: str
    title: str
    draw: Callable[[torch.Generator], Inputs]
    reference: Callable[..., Any]
    method: str
    hints: tuple[str, str, str]
    stub: str
    solution: str
    valid: Callable[..., bool] = lambda *inputs: True
    edges: tuple[Inputs, ...] = ()
    slips: tuple[Slip, ...] = ()
    property: Callable[..., str] | None = None
    rtol: float = 1e-6
    atol: float = 1e-8
    draws: int = 60

    def inputs(self) -> list[Inputs]:
        """The edge cases, then the random inputs, the same in every process."""
        return [*self.edges, *(self.draw(torch.Generator().manual_seed(7919 + i)) for i in range(self.draws))]


@dataclass(frozen=True)
class Examined:
    """The result of a check.

    Args:
        passed: Whether the answer is right.
        text: What to print.
    """

    passed: bool
    text: str


def registry() -> dict[str, Exercise]:
    """Every exercise of the course by its id."""
    from importlib.resources import files

    found: dict[str, Exercise] = {}
    for entry in sorted(files("course_lib.teaching.exercise_sets").iterdir(), key=lambda one: one.name):
        if entry.name.startswith("lesson_") and entry.name.endswith(".py"):
            module = importlib.import_module(f"course_lib.teaching.exercise_sets.{entry.name[:-3]}")
            for exercise in module.EXERCISES:
                if exercise.id in found:
                    raise ValueError(f"exercise id (={exercise.id!r}) is used twice.")
                found[exercise.id] = exercise
    return found


def check(id: Any, fn: Any) -> None:
    """Check an answer and print the verdict; never raises.

    Args:
        id: The exercise, such as `00.1`.
        fn: Your function.
    """
    exercise = _find(id)
    if exercise is None:
        return
    try:
        print(examine(exercise, fn).text)
    except Exception as error:  # a check must never stop a lesson, whatever it is given
        print(f"{id} could not be checked: {type(error).__name__}: {error}")


def hint(id: Any, step: Any = 1) -> None:
    """Print a hint: 1 is a nudge, 2 the formula, 3 the outline of the code."""
    exercise = _find(id)
    if exercise is None:
        return
    if step not in (1, 2, 3):
        print(f"step (={step!r}) must be 1, 2 or 3.")
        return
    print(f"{exercise.id}, hint {step} of 3: {exercise.hints[step - 1]}")


def _find(id: Any) -> Exercise | None:
    known = registry()
    if id in known:
        return known[id]
    near = difflib.get_close_matches(str(id), known, n=1, cutoff=0.0)
    print(f"There is no exercise {id!r}; did you mean {near[0]!r}?" if near else f"There is no exercise {id!r}.")
    return None


def examine(exercise: Exercise, fn: Any) -> Examined:
    """Run an exercise's inputs through a function; say what is wrong, on the smallest inputs that show it."""
    title = f"{exercise.id} {exercise.title}"
    if not callable(fn):
        return Examined(False, f"{title}: not yet. Give the function itself, not a {type(fn).__name__}.")
    answers: list[tuple[Inputs, Tensor, Tensor]] = []
    for inputs in exercise.inputs():
        want = as_tensor(exercise.reference(*_copies(inputs)))
        problem, got = _answer(exercise, fn, inputs, want)
        if problem == STUB:
            return Examined(False, f"{title}: not yet, {problem}.")
        if problem:
            inputs, problem = _clearer(exercise, fn, inputs, problem)
            small = shrink(inputs, lambda one, first=problem: _still(exercise, fn, one, first))
            small_want = as_tensor(exercise.reference(*_copies(small)))
            problem = _answer(exercise, fn, small, small_want)[0] or problem
            problem = _slip_without_end(exercise, fn, problem) or problem
            return Examined(False, f"{title}: not yet, {problem}.\n{_smallest(exercise, small, small_want)}")
        answers.append((inputs, got, want))
    wrong = [one for one in answers if not close(one[1], one[2], rtol=exercise.rtol, atol=exercise.atol)]
    if wrong:
        return Examined(False, f"{title}: not yet, {_explain(exercise, fn, answers, wrong)}")
    if exercise.property is not None:
        for inputs in exercise.inputs():
            problem = exercise.property(fn, *_copies(inputs))
            if problem:
                return Examined(False, f"{title}: not yet, {problem}.\n  on {_inputs_text(exercise, inputs)}")
    return Examined(True, f"{title}: passed. {len(answers)} inputs agree with {exercise.method}.")


def _clearer(exercise: Exercise, fn: Any, inputs: Inputs, problem: str) -> tuple[Inputs, str]:
    """Inputs that tell a mean from a sum, where the first ones cannot because the batch is a single sample."""
    for other in exercise.inputs() if "a reduction over the batch" in problem else ():
        found = _answer(exercise, fn, other, as_tensor(exercise.reference(*_copies(other))))[0]
        if "you took the" in found:
            return other, found
    return inputs, problem


def _slip_without_end(exercise: Exercise, fn: Any, problem: str) -> str:
    """The known slip whose answers, NaN and infinity included, are those of the function."""
    if not problem.startswith("it returned") or "finite" not in problem:
        return ""
    try:
        pairs = [(inputs, as_tensor(fn(*_copies(inputs)))) for inputs in exercise.inputs()]
    except Exception:  # it raises elsewhere: then it is no slip that we know
        return ""
    says = _matching_slip(exercise, pairs)
    return f"{problem}: {says}" if says else ""


def _matching_slip(exercise: Exercise, pairs: list[tuple[Inputs, Tensor | None]]) -> str:
    """What the slip says whose values are these on all inputs, or nothing."""
    tolerances = {"rtol": exercise.rtol, "atol": exercise.atol}
    for slip in exercise.slips:
        wrong = (as_tensor(slip.wrong(*_copies(inputs))) for inputs, _ in pairs)
        if all(alike(got, bad, **tolerances) for (_, got), bad in zip(pairs, wrong, strict=True)):
            return slip.says
    return ""


def _copies(inputs: Inputs) -> Inputs:
    """Fresh tensors, so that an answer that changes its inputs in place harms nobody."""
    return tuple(one.clone() if isinstance(one, Tensor) else one for one in inputs)


def _answer(exercise: Exercise, fn: Any, inputs: Inputs, want: Tensor) -> tuple[str, Tensor | None]:
    """What keeps an answer from being compared, and the answer."""
    try:
        value = fn(*_copies(inputs))
    except NotImplementedError:
        return STUB, None
    except Exception as error:
        return _raised(fn, error), None
    problem = shape_problem(value, want, rtol=exercise.rtol, atol=exercise.atol)
    return problem, None if problem else as_tensor(value)


def _raised(fn: Any, error: Exception) -> str:
    """The exception, with the line of the learner's function where it arose."""
    file = getattr(getattr(fn, "__code__", None), "co_filename", "")
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == file]
    message = " ".join(str(error).split())[:160]
    text = f"it raises {type(error).__name__}: {message}" if message else f"it raises {type(error).__name__}"
    if not frames:
        return text
    line = linecache.getline(file, frames[-1].lineno).strip()
    return f"{text}, in line {frames[-1].lineno}" + (f": `{line}`" if line else "")


def _still(exercise: Exercise, fn: Any, inputs: Inputs, first: str) -> bool:
    """Whether smaller inputs show the same kind of problem."""
    if not exercise.valid(*inputs):
        return False
    want = as_tensor(exercise.reference(*_copies(inputs)))
    problem = _answer(exercise, fn, inputs, want)[0] if want is not None and want.isfinite().all() else ""
    return _kind(problem) == _kind(first)


def _kind(problem: str) -> str:
    """A problem without its shapes and messages, which change as the inputs shrink."""
    if problem.startswith("wrong shape"):
        return re.sub(r"\([\d, ]*\)", "", problem)
    return problem.split(":")[0]


def _explain(exercise: Exercise, fn: Any, answers: list[Any], wrong: list[Any]) -> str:
    """Name the slip from all answers, then show the smallest inputs on which the values differ."""
    tolerances = {"rtol": exercise.rtol, "atol": exercise.atol}
    got, want = (torch.cat([one[k].flatten() for one in answers]) for k in (1, 2))
    reason = value_problem(got, want, **tolerances)
    reason = _matching_slip(exercise, [one[:2] for one in answers]) or _random(exercise, fn, wrong[0]) or reason

    def differs(inputs: Inputs) -> bool:
        if not exercise.valid(*inputs):
            return False
        right = as_tensor(exercise.reference(*_copies(inputs)))
        problem, answer = _answer(exercise, fn, inputs, right)
        return not problem and bool(right.isfinite().all()) and not close(answer, right, rtol=1e-3, atol=1e-3)

    small = shrink(wrong[0][0], differs)
    right = as_tensor(exercise.reference(*_copies(small)))
    answer = _answer(exercise, fn, small, right)[1]
    digits = 10 if reason == FEW_DIGITS else 4
    return f"{reason}.\n{_smallest(exercise, small, right, digits)}, yours: {text_of(answer, digits)}"


def _random(exercise: Exercise, fn: Any, wrong: tuple[Inputs, Tensor, Tensor]) -> str:
    """Whether a wrong answer changes from call to call."""
    problem, again = _answer(exercise, fn, wrong[0], wrong[2])
    if problem or alike(again, wrong[1], rtol=exercise.rtol, atol=exercise.atol):
        return ""
    given = "noise" in inspect.signature(exercise.reference).parameters
    remedy = "use the `noise` you are given, and draw none of your own" if given else "nothing random belongs here"
    return f"two calls with the same inputs give different answers: {remedy}"


def _inputs_text(exercise: Exercise, inputs: Inputs) -> str:
    names = list(inspect.signature(exercise.reference).parameters)
    return ", ".join(f"{name} = {text_of(value)}" for name, value in zip(names, inputs, strict=False))


def _smallest(exercise: Exercise, inputs: Inputs, want: Tensor, digits: int = 4) -> str:
    return f"  smallest input found: {_inputs_text(exercise, inputs)}\n  right: {text_of(want, digits)}"
