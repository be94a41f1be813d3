"""Terms: generated LaTeX, values, refusals."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.teaching import Divergence, Estimate, Term, function
from course_lib.teaching.estimate import combine
from course_lib.teaching.term import bracket, is_sum, mutations

A = Term("a", lambda m: m["a"])
B = Term("b", lambda m: m["b"])
C = Term("c - d", lambda m: m["c"])
MODEL = {"a": 2.0, "b": 3.0, "c": 5.0}


@pytest.mark.parametrize(
    ("expression", "latex", "value"),
    [
        (A - B, "a - b", -1.0),
        (-A + B, "-a + b", 1.0),
        (2 * A + B / 2 - C, r"2\,a + \frac{1}{2}\,b - \left(c - d\right)", 0.5),
        (A - (B - C), r"a - b + c - d", 4.0),
        (A + C, "a + c - d", 7.0),
        (0.1 * A, r"\frac{1}{10}\,a", 0.2),
        (Fraction(2, 3) * B, r"\frac{2}{3}\,b", 2.0),
        (A / 3, r"\frac{1}{3}\,a", 2 / 3),
        (1 - A, "1 - a", -1.0),
        (A * (1 - B), r"a\,\left(1 - b\right)", -4.0),
        (A - B * C, r"a - b\,\left(c - d\right)", -13.0),
        (2 * (A + B), r"2\,a + 2\,b", 10.0),
        (A - A, "a - a", 0.0),
        (math.pi * A, r"3.14159265359\,a", 2 * math.pi),
        (A + 0, "a", 2.0),
    ],
)
def test_latex_and_value_follow_from_the_composition(expression, latex, value):
    assert expression.latex == latex
    assert expression.value(MODEL) == pytest.approx(value)


def test_functions_write_parentheses_only_where_needed():
    log = function(r"\log", math.log)
    assert log(A).latex == r"\log a"
    assert log(A + B).latex == r"\log\left(a + b\right)"
    assert log(A + B).value(MODEL) == pytest.approx(math.log(5))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-4, 4).filter(bool), st.sampled_from("ab")), min_size=1, max_size=5))
def test_the_latex_read_back_gives_the_value(parts):
    terms = {"a": A, "b": B}
    expression = sum((weight * terms[name] for weight, name in parts), start=0 * A)
    text = expression.latex.replace(r"0\,a", "0").replace(r"\,", "*")
    assert eval(text, {"a": 2.0, "b": 3.0}) == pytest.approx(expression.value(MODEL))


@pytest.mark.parametrize("latex", ["p(x|z)", r"\|x\|", "$a$", "a\nb", "{a"])
def test_latex_that_breaks_tables_is_refused(latex):
    with pytest.raises(ValueError, match="latex"):
        Term(latex, lambda m: 0.0)


def test_bar_error_names_the_remedy():
    with pytest.raises(ValueError, match=r"\\mid or \\Vert"):
        Term("p(x|z)", lambda m: 0.0)


def test_sums_are_seen_outside_brackets_only():
    assert is_sum("a + b")
    assert is_sum("-a")
    assert not is_sum(r"\left(a + b\right)")
    assert not is_sum("e^{-x}")
    assert bracket("a - b") == r"\left(a - b\right)"


def test_single_precision_is_refused():
    with pytest.raises(TypeError, match="float64"):
        Term("a", lambda m: torch.tensor(1.0)).value(None)
    assert Term("a", lambda m: torch.tensor(1.0, dtype=torch.float64)).value(None) == 1.0
    assert Term("a", lambda m: np.float64(1.0)).value(None) == 1.0


def test_wrong_operands_are_refused():
    with pytest.raises(TypeError, match="Expected a Term"):
        A + "b"
    with pytest.raises(TypeError, match="Divide by a number"):
        A / B


def test_a_term_is_computed_once_per_cache():
    calls = []
    term = Term("a", lambda m: calls.append(1) or 1.0)
    cache = {}
    (term + term).value(None, cache)
    assert len(calls) == 1


def test_divergence_swaps_arguments():
    d = Divergence("D", "p", "q", fn=lambda m, x, y: x - 2 * y, first=lambda m: 1.0, second=lambda m: 5.0)
    assert d.latex == r"D\left(p\,\Vert\,q\right)"
    assert d.value(None) == -9.0
    assert d.swapped().latex == r"D\left(q\,\Vert\,p\right)"
    assert d.swapped().value(None) == 3.0
    assert d.swapped().swapped().value(None) == -9.0


def test_mutations_cover_signs_terms_and_inner_sums():
    kinds = [(one.kind, one.name) for one in mutations(A - (1 - B) * C)]
    assert ("flip", "a") in kinds
    assert ("drop", "a") in kinds
    assert ("flip", "1") in kinds
    assert ("drop", "b") in kinds
    d = Divergence("D", "p", "q", fn=lambda m, x, y: x, first=lambda m: 1.0, second=lambda m: 2.0, name="d")
    log = function(r"\log", math.log)
    assert ("swap", "d") in [(one.kind, one.name) for one in mutations(A * log(d))]


def test_estimates_combine_by_samples_so_that_shared_noise_cancels():
    x = torch.randn(4000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one, two = Estimate.from_samples(x), Estimate.from_samples(x + 1)
    difference = combine([(1.0, two), (-1.0, one)])
    assert difference.mean == pytest.approx(1.0)
    assert difference.standard_error < 1e-12
    loose = combine([(1.0, Estimate(1.0, 0.1)), (-2.0, Estimate(0.0, 0.2))])
    assert loose.mean == 1.0
    assert loose.standard_error == pytest.approx(0.5)


def test_estimates_refuse_nonsense():
    with pytest.raises(ValueError, match="standard_error"):
        Estimate(0.0, -1.0)
    with pytest.raises(ValueError, match="two values"):
        Estimate.from_samples([1.0])
    noisy = Term("e", lambda m: Estimate(1.0, 0.1))
    with pytest.raises(TypeError, match="two Monte-Carlo"):
        (noisy * noisy).value(None)
    with pytest.raises(TypeError, match="biased"):
        function(r"\log", math.log)(noisy).value(None)
    assert (noisy * A).value(MODEL).mean == 2.0
