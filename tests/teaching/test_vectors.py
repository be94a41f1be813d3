"""Lines whose values are vectors or matrices are compared component by component."""

import numpy as np
import pytest
import torch

from course_lib.teaching import Derivation, DerivationError, Term
from course_lib.teaching.rounding import safe_text

A = Term("a", lambda m: m)
TWICE = Term("b", lambda m: 2 * m)
ONES = Term("e", lambda m: np.ones(3))


def draw(gen):
    return torch.randn(3, generator=gen, dtype=torch.float64)


def test_a_true_line_of_vectors_passes():
    chain = Derivation("vectors", draw=draw).line(A + A).line(TWICE, "=", reason="twice")
    chain.run()
    chain.assert_mutants_caught()


def test_one_wrong_component_fails_the_line_and_is_named():
    wrong = Term("c", lambda m: 2 * m + torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    chain = Derivation("vectors", draw=draw).line(A + A).line(wrong, "=")
    with pytest.raises(DerivationError, match=r"difference -1, .*draw 0, component 2"):
        chain.run()


def test_an_inequality_must_hold_in_every_component():
    larger = Term("c", lambda m: m + torch.tensor([1.0, 2.0, 0.0], dtype=torch.float64))
    Derivation("vectors", draw=draw).line(larger).line(A, ">=").run()
    mixed = Term("c", lambda m: m + torch.tensor([1.0, -2.0, 0.0], dtype=torch.float64))
    with pytest.raises(DerivationError, match="component 2"):
        Derivation("vectors", draw=draw).line(mixed).line(A, ">=").run()


def test_small_components_are_judged_on_the_scale_of_the_largest():
    noisy = Term("c", lambda m: np.array([1e6, 1e-7]))
    exact = Term("d", lambda m: np.array([1e6, 0.0]))
    Derivation("scale", draw=draw).line(noisy).line(exact, "=").run()


def test_matrices_are_compared_too():
    turn = Term("R", lambda m: np.eye(3))
    other = Term("Q", lambda m: np.diag([1.0, 1.0, -1.0]))
    with pytest.raises(DerivationError, match="component 3, 3"):
        Derivation("matrices", draw=draw).line(turn).line(other, "=").run()


def test_a_refutation_of_vectors_shows_the_component_that_fails():
    chain = Derivation("vectors", draw=draw, example=torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64))
    chain.line(A + A).line(TWICE, "=", number="9.1")
    slip = chain.refute(id="once", lhs=A + A, rhs=A, correct=TWICE, number="9.1")
    assert (slip.lhs, slip.rhs, slip.correct_rhs) == (-6.0, -3.0, -6.0)
    assert "component 3" in slip.where


def test_a_component_that_is_not_finite_fails():
    broken = Term("c", lambda m: np.array([1.0, np.inf, 0.0]))
    with pytest.raises(DerivationError, match="every component must be finite"):
        Derivation("vectors", draw=draw).line(broken).line(broken, "=").run()


def test_sums_of_numbers_and_vectors_and_products_of_vectors_are_refused():
    with pytest.raises(TypeError, match=r"a number and shape \(3,\)"):
        (A + 1).value(np.zeros(3))
    with pytest.raises(TypeError, match="two arrays"):
        (A * TWICE).value(np.zeros(3))
    half = Term("h", lambda m: 0.5)
    assert np.allclose((half * TWICE).value(np.ones(3)), 1.0)
    assert np.allclose((TWICE * half - ONES).value(np.ones(3)), 0.0)


def test_short_vectors_are_written_out_and_long_ones_described():
    assert safe_text(np.array([1.0, -0.25])) == "(1.0000, -0.2500)"
    assert safe_text(np.zeros((3, 3))) == "3 × 3 numbers"
