"""Reading maths out of Markdown and LaTeX."""

import pytest

from course_lib.authoring.rules.maths import formulas, normal, numbered, sides, without_maths
from course_lib.authoring.rules.symbols import atoms


def kinds(markdown):
    return [(formula.kind, formula.latex) for formula in formulas(markdown)]


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a $x$ b $$y$$ c", [("inline", "x"), ("display", "y")]),
        ("it costs $5 and $6 today", []),
        ("code `$x$` and\n```\n$$y$$\n```\n$z$", [("inline", "z")]),
        (r"\begin{align*} a &= b \tag{1.1} \end{align*}", [("align*", r"a &= b \tag{1.1}")]),
        (r"escaped \$x\$ here", []),
        ("$$\nx\n\\tag{1.1}\n$$", [("display", "x\n\\tag{1.1}")]),
    ],
)
def test_formulas_are_found(markdown, expected):
    assert kinds(markdown) == expected


def test_prose_is_what_is_left():
    assert without_maths("We say $x$ and `y`.").split() == ["We", "say", "and", "."]


def test_rows_without_number_belong_to_the_next_number():
    (formula,) = formulas(r"\begin{align*} a &= b \\ &= c \tag{1.1} \\ &\ge d \tag{1.2} \end{align*}")
    assert [number for number, _ in numbered(formula)] == ["1.1", "1.2"]
    assert sides(next(numbered(formula))[1]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (r"\log p(x)", r"\log  p( x )"),
        (r"= a - b", "a-b"),
        (r"\ge a\,b", "ab"),
        (r"&= \log p", r"\log p"),
        (r"a + b .", "a+b"),
    ],
)
def test_white_space_spacing_and_relation_do_not_matter(left, right):
    assert normal(left) == normal(right)


@pytest.mark.parametrize(("left", "right"), [("a-b", "a+b"), (r"\log p", r"\logp"), ("ab", "ba")])
def test_anything_else_matters(left, right):
    assert normal(left) != normal(right)


def test_relations_inside_brackets_do_not_cut():
    assert sides(r"p(x=1) = \sum_{i=1} a \ge b") == ["p(x=1)", r"\sum _{i=1}a", "b"]


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"D_{\mathrm{KL}}\left(q(z\mid x)\,\Vert\,p(z)\right)", {"D", "q", "z", "x", "p"}),
        (r"\mathbb{E}_{q}\left[\log p_\theta(x_i)\right]", {r"\mathbb{E}", "p", r"\theta", "x"}),
        (r"\mathcal{L}^K + \frac{1}{2}\sigma^2", {r"\mathcal{L}", r"\sigma"}),
        (r"e^{\ell_i} + e", {r"\ell"}),
        (r"\log(2\pi s^2)", {"s"}),
        (r"\operatorname{softplus}(-\text{depth})", set()),
    ],
)
def test_symbols_of_a_formula(latex, expected):
    assert atoms(latex) == expected
