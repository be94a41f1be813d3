"""Checks and hints: right answers pass, wrong ones learn why, and nothing raises."""

import math
import warnings

import pytest
import torch

from course_lib.teaching import check, hint
from course_lib.teaching.exercise_sets.lesson_00 import JENSEN_GAP
from course_lib.teaching.exercises import Exercise, Slip, examine, registry
from course_lib.teaching.shrink import shrink, text_of


def gap(p: float, a: float, b: float) -> float:
    return math.log(p * a + (1 - p) * b) - (p * math.log(a) + (1 - p) * math.log(b))


def divergence(p, q):
    return p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))


def single_precision(p, a, b):
    return (p * a + (1 - p) * b).log() - p * a.log() - (1 - p) * b.log()


def divide(p, a, b):
    zero = a - a
    return p / zero


def todo(p, a, b):
    raise NotImplementedError


KL = Exercise(
    id="98.1",
    title="a batch of divergences",
    draw=lambda gen: (torch.randn(4, 3, generator=gen, dtype=torch.float64),),
    reference=lambda mu: 0.5 * (mu**2).sum(-1),
    method="a sum over dimensions",
    hints=("one", "two", "three"),
    stub="kl",
    solution="kl_solution",
    slips=(Slip(wrong=lambda mu: 0.5 * mu.abs().sum(-1), says="square the mean, do not take its size"),),
)


def test_a_right_answer_passes_and_says_what_it_was_compared_with(capsys):
    check("00.1", gap)
    out = capsys.readouterr().out
    assert "passed. 62 inputs agree with the divergence" in out


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda p, a, b: -gap(p, a, b), "wrong sign"),
        (lambda p, a, b: 2 * gap(p, a, b), "2 times the right one"),
        (lambda p, a, b: gap(p, a, b) + 0.5, "off by the constant 0.5"),
        (lambda p, a, b: gap(1 - p, a, b), "faces are exchanged"),
        (lambda p, a, b: gap(0.5, a, b), "both faces with 1/2"),
        (lambda p, a, b: gap(p, a, b) * math.log10(math.e), "the base 10"),
        (lambda p, a, b: math.log2(p * a + (1 - p) * b) - p * math.log2(a) - (1 - p) * math.log2(b), "the base 2"),
        (lambda p, a, b: divergence(p * a / (p * a + (1 - p) * b), p), "with its arguments exchanged"),
        (lambda p, a, b: single_precision(*torch.tensor([p, a, b])), "compute in float64"),
        (lambda p, a, b: gap(p, a, b) + float(torch.rand(())), "two calls with the same inputs give different"),
        (lambda p, a, b: gap(p, a, b) + (a > 3), "the values differ"),
        (lambda p, a, b: math.nan, "returned NaN"),
        (lambda p, a, b: math.inf, "returned infinity"),
        (lambda p, a, b: None, "returned None"),
        (lambda p, a, b: "0.1", "returned a str"),
        (lambda p, a, b: torch.zeros(2), r"wrong shape: (2,) instead of ()"),
        (lambda p, a: 0.0, "raises TypeError"),
        (divide, "raises ZeroDivisionError: float division by zero, in line"),
        (todo, "still the stub"),
        (3, "Give the function itself"),
    ],
)
def test_wrong_answers_learn_what_is_wrong(answer, says):
    result = examine(JENSEN_GAP, answer)
    assert not result.passed
    assert says in result.text.replace("division by zero", "float division by zero").replace("float float", "float")


def test_the_line_that_raises_is_quoted():
    assert "`return p / zero`" in examine(JENSEN_GAP, divide).text


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda mu: 0.5 * (mu**2).sum(-1).mean(), "you took the mean over the batch"),
        (lambda mu: 0.5 * (mu**2).sum(), "you took the sum over the batch"),
        (lambda mu: 0.5 * mu**2, "the sum over the last axis is missing"),
        (lambda mu: mu**2 / 2 * mu.shape[1], "the mean over the last axis is missing"),
        (lambda mu: 0.5 * (mu**2).mean(-1), "0.3333 times the right one"),
        (lambda mu: 0.5 * mu.abs().sum(-1), "square the mean"),
        (lambda mu: (mu**2).sum(-1)[:2], "wrong shape: (2,) instead of (4,)"),
    ],
)
def test_shapes_reductions_and_slips_of_batches_are_recognised(answer, says):
    assert says in examine(KL, answer).text


def test_the_counterexample_is_small():
    text = examine(KL, lambda mu: 0.5 * (mu**2).sum(-1) + 0.1 * (mu.sum(-1) > 0)).text
    assert "smallest input found: mu = [[" in text
    assert text.split("mu = [[")[1].split("]]")[0].count(",") == 0  # one sample, one dimension


def test_an_answer_that_changes_its_inputs_is_judged_on_its_value():
    def in_place(mu):
        mu.mul_(mu)
        return 0.5 * mu.sum(-1)

    assert examine(KL, in_place).passed


def test_properties_are_checked_after_the_values():
    exercise = Exercise(**{**KL.__dict__, "property": lambda fn, mu: "the gradient is missing"})
    assert "the gradient is missing" in examine(exercise, lambda mu: 0.5 * (mu**2).sum(-1)).text


@pytest.mark.parametrize("id", ["00.9", "", 3, None])
def test_unknown_exercises_are_named_with_the_nearest_and_nothing_raises(id, capsys):
    assert check(id, gap) is None
    hint(id)
    assert "There is no exercise" in capsys.readouterr().out


def test_check_survives_everything(capsys):
    class Odd:
        def __call__(self, *inputs):
            raise RuntimeError("odd")

        def __getattribute__(self, name):
            raise ValueError(name)

    check("00.1", Odd())
    assert "00.1" in capsys.readouterr().out


def test_hints_go_from_nudge_to_outline(capsys):
    for step in (1, 2, 3):
        hint("00.1", step)
    hint("00.1", step=4)
    out = capsys.readouterr().out
    assert "hint 3 of 3" in out
    assert "must be 1, 2 or 3" in out


def test_a_batch_of_one_does_not_tell_a_mean_from_a_sum():
    one = Exercise(**{**KL.__dict__, "edges": ((torch.tensor([[2.0, 1.0]], dtype=torch.float64),),)})
    assert "you took the mean over the batch" in examine(one, lambda mu: 0.5 * (mu**2).sum(-1).mean()).text
    assert "you took the sum over the batch" in examine(one, lambda mu: 0.5 * (mu**2).sum()).text
    alone = Exercise(**{**KL.__dict__, "draw": lambda gen: (torch.rand(1, 3, generator=gen, dtype=torch.float64),)})
    assert "that is a reduction over the batch" in examine(alone, lambda mu: 0.5 * (mu**2).sum()).text


def test_slips_are_recognised_where_they_are_not_finite():
    slip = Slip(wrong=lambda mu: (0.5 * (mu**2).sum(-1)).exp().log(), says="leave out exp and log")
    edge = (torch.full((2, 3), 40.0, dtype=torch.float64),)
    exercise = Exercise(**{**KL.__dict__, "edges": (edge,), "slips": (slip,)})
    text = examine(exercise, lambda mu: torch.log(torch.exp((mu**2).sum(-1) / 2))).text
    assert "it returned infinity where the right answer is finite: leave out exp and log" in text
    assert "leave out" not in examine(exercise, lambda mu: torch.log(torch.exp((mu**2).sum(-1)))).text


def test_few_digits_are_shown_with_more():
    text = examine(KL, lambda mu: (0.5 * (mu**2).sum(-1)).round(decimals=5)).text
    assert "float64" in text
    right, yours = text.split("right: [")[1].split("], yours: [")
    assert right != yours.rstrip("]")


def test_every_registered_exercise_is_complete():
    for exercise in registry().values():
        assert all(len(text) > 10 for text in exercise.hints), exercise.id
        assert "..." in exercise.hints[2], f"the outline of {exercise.id} must leave something to write"
        assert exercise.stub != exercise.solution
        for slip in exercise.slips:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                verdict = examine(exercise, slip.wrong)
            assert slip.says in verdict.text, (exercise.id, slip.says)


def test_shrinking_keeps_the_fault():
    small = shrink((torch.tensor([[1.37, 5.21], [0.2, 0.1]]),), lambda one: float(one[0].max()) > 3)
    assert small[0].shape == (1, 1)
    assert float(small[0]) == 5.0
    assert text_of(small[0]) == "[[5]]"
    assert text_of(torch.full((4, 4), 0.5)) == "tensor of shape (4, 4)"
    assert text_of(torch.eye(4)) == "[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]"
    assert text_of(torch.zeros(4, 10)) == "tensor of shape (4, 10)"
