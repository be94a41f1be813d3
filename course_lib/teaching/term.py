r"""Formulas that compute: terms with a value, and expressions whose LaTeX is generated from their composition.

A `Term` has a LaTeX name and a function of a model. Terms combine with `+`, `-`, `*` and `/`; the signs, coefficients,
brackets and sums of the result are written by this file, never by hand, so a formula and its value cannot disagree:

    >>> a, b = Term("a", lambda m: m["a"]), Term("b", lambda m: m["b"])
    >>> (a - 2 * b).latex
    'a - 2\\,b'
    >>> (a - 2 * b).value({"a": 5.0, "b": 1.0})
    3.0
"""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from course_lib.teaching.estimate import Estimate, Value, combine, to_value

Cache = dict[int, "tuple[Term, Value]"]


def check_latex(latex: str) -> str:
    """Return `latex` if it survives a Markdown table; raise `ValueError` with the remedy otherwise."""
    if "|" in latex:
        raise ValueError(rf"latex (={latex!r}) holds a bar, which breaks Markdown tables: write \mid or \Vert.")
    if "$" in latex or "\n" in latex:
        raise ValueError(f"latex (={latex!r}) must be one formula on one line, without dollar signs.")
    if latex.count("{") != latex.count("}"):
        raise ValueError(f"latex (={latex!r}) has unbalanced braces.")
    return latex


def is_sum(latex: str) -> bool:
    """Whether a formula has a plus or minus outside all brackets, so that a factor needs parentheses around it."""
    depth, bare = 0, re.sub(r"\\(left|right)\s*", "", latex)
    for character in bare:
        depth += (character in "{([") - (character in "})]")
        if depth == 0 and character in "+-":
            return True
    return False


def bracket(latex: str) -> str:
    """Put a formula in parentheses if it is a sum."""
    return rf"\left({latex}\right)" if is_sum(latex) else latex


def _as_number(value: Any) -> Fraction | float:
    """An exact fraction where the number is one with a small denominator, else the float itself."""
    near = Fraction(value).limit_denominator(1000)
    return near if float(near) == float(value) else float(value)


def _number_latex(value: Fraction | float) -> str:
    if isinstance(value, Fraction):
        return str(value.numerator) if value.denominator == 1 else rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
    return f"{value:.12g}" if "e" not in f"{value:.12g}" else f"{value:.15f}".rstrip("0")


class _Composable:
    """The arithmetic that terms and expressions share."""

    def expression(self) -> "Expression":
        raise NotImplementedError

    def __add__(self, other: Any) -> "Expression":
        return Expression(self.expression().parts + as_expression(other).parts)

    def __radd__(self, other: Any) -> "Expression":
        return as_expression(other) + self

    def __neg__(self) -> "Expression":
        return Expression(tuple((-weight, term) for weight, term in self.expression().parts))

    def __sub__(self, other: Any) -> "Expression":
        return self + (-as_expression(other))

    def __rsub__(self, other: Any) -> "Expression":
        return as_expression(other) - self

    def __mul__(self, other: Any) -> "Expression":
        if isinstance(other, _Composable):
            return Product(self.expression(), other.expression()).expression()
        weight = _as_number(other)
        return Expression(tuple((weight * own, term) for own, term in self.expression().parts))

    def __rmul__(self, other: Any) -> "Expression":
        return self * other

    def __truediv__(self, other: Any) -> "Expression":
        if isinstance(other, _Composable):
            raise TypeError("Divide by a number; for a quotient of two formulas write one Term.")
        return self * (1 / Fraction(other) if isinstance(other, int | Fraction) else 1 / other)


class Term(_Composable):
    r"""A named quantity: LaTeX, and the function that computes it on a model.

    Args:
        latex: The formula, for example `\log p(x)`. No bars: write `\mid` and `\Vert`.
        fn: Takes one model, returns a float64 number, a float64 vector or matrix, or an `Estimate`.
        name: A short name for the mutation test, such as `kl`; the formula without its LaTeX marks if omitted.
    """

    def __init__(self, latex: str, fn: Callable[[Any], Any], *, name: str = "") -> None:
        self.latex = check_latex(latex)
        self.fn = fn
        self.name = name or re.sub(r"[\\{}\s,]+|mathrm|mathbb|left|right|operatorname", "", latex)

    def expression(self) -> "Expression":
        """This term alone as an expression."""
        return Expression(((Fraction(1), self),))

    def value(self, model: Any, cache: Cache | None = None) -> Value:
        """The value on a model; evaluated once for each `cache`."""
        if cache is None:
            return to_value(self._compute(model, cache), self.latex)
        if id(self) not in cache:
            cache[id(self)] = (self, to_value(self._compute(model, cache), self.latex))
        return cache[id(self)][1]

    def _compute(self, model: Any, cache: Cache | None) -> Any:
        return self.fn(model)

    def children(self) -> tuple["Expression", ...]:
        """The expressions inside this term, which the mutation test also changes."""
        return ()

    def with_child(self, index: int, child: "Expression") -> "Term":
        """This term with one inner expression replaced."""
        raise IndexError(f"{self.latex} has no inner expression {index}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.latex!r})"


class Divergence(Term):
    r"""A term of two arguments whose order matters, such as a KL divergence.

    Args:
        symbol: LaTeX of the divergence, for example `D_{\mathrm{KL}}`.
        left: LaTeX of the first argument.
        right: LaTeX of the second argument.
        fn: Takes a model, the first and the second argument; returns the value.
        first: Takes a model, returns the first argument.
        second: Takes a model, returns the second argument.
        name: As in `Term`.
    """

    def __init__(
        self,
        symbol: str,
        left: str,
        right: str,
        *,
        fn: Callable[[Any, Any, Any], Any],
        first: Callable[[Any], Any],
        second: Callable[[Any], Any],
        name: str = "",
    ) -> None:
        latex = rf"{symbol}\left({left}\,\Vert\,{right}\right)"
        super().__init__(latex, lambda model: fn(model, first(model), second(model)), name=name)
        self._reverse = {"left": right, "right": left, "fn": fn, "first": second, "second": first}
        self._symbol = symbol

    def swapped(self) -> "Divergence":
        """The same divergence with its arguments exchanged."""
        return Divergence(self._symbol, **self._reverse, name=self.name)


class Product(Term):
    """The product of two expressions; brackets are written where a factor is a sum."""

    def __init__(self, left: "Expression", right: "Expression") -> None:
        self._factors = (left, right)
        super().__init__(rf"{bracket(left.latex)}\,{bracket(right.latex)}", lambda model: None)
        self.name = "*".join(factor.name for factor in self._factors)

    def _compute(self, model: Any, cache: Cache | None) -> Any:
        left, right = (factor.value(model, cache) for factor in self._factors)
        if isinstance(left, Estimate) and isinstance(right, Estimate):
            raise TypeError(f"{self.latex} multiplies two Monte-Carlo estimates; write the product as one Term.")
        if isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
            raise TypeError(f"{self.latex} multiplies two arrays, which may mean several things; write one Term.")
        if isinstance(right, Estimate | np.ndarray):
            left, right = right, left
        return combine([(right, left)])

    def children(self) -> tuple["Expression", ...]:
        """The two factors."""
        return self._factors

    def with_child(self, index: int, child: "Expression") -> "Term":
        """The product with one factor replaced."""
        left, right = self._factors
        return Product(child, right) if index == 0 else Product(left, child)


class Applied(Term):
    """A function of an expression, such as the logarithm of a sum; made by `function`."""

    def __init__(self, symbol: str, fn: Callable[[float], float], inner: "Expression", name: str = "") -> None:
        self._symbol, self._outer, self._inner = symbol, fn, inner
        plain = len(inner.parts) == 1 and re.fullmatch(r"\\?[A-Za-z]+(_[A-Za-z0-9]|_\{\w+\})?", inner.latex)
        latex = f"{symbol} {inner.latex}" if plain else rf"{symbol}\left({inner.latex}\right)"
        super().__init__(latex, lambda model: None, name=name)

    def _compute(self, model: Any, cache: Cache | None) -> Any:
        inner = self._inner.value(model, cache)
        if isinstance(inner, Estimate):
            raise TypeError(f"{self.latex} applies a function to a Monte-Carlo estimate, which is biased.")
        if isinstance(inner, np.ndarray):
            raise TypeError(f"{self.latex} applies a function of one number to an array; write it as one Term.")
        return self._outer(inner)

    def children(self) -> tuple["Expression", ...]:
        """The argument."""
        return (self._inner,)

    def with_child(self, index: int, child: "Expression") -> "Term":
        """The function of another argument."""
        return Applied(self._symbol, self._outer, child, self.name)


def function(symbol: str, fn: Callable[[float], float]) -> Callable[..., Term]:
    r"""Name a function once, then apply it to expressions.

    With `log = function(r"\log", math.log)`, `log(p * a + b)` is a term whose formula and value follow from it.
    """
    check_latex(symbol)
    return lambda inner, name="": Applied(symbol, fn, as_expression(inner), name)


class _One(Term):
    """The unit that carries constants, so that `1 - p` is an expression like any other."""

    def __init__(self) -> None:
        super().__init__("1", lambda model: 1.0, name="1")


ONE = _One()


class Expression(_Composable):
    """A sum of terms with numeric weights, in the order in which it was composed."""

    def __init__(self, parts: tuple[tuple[Fraction | float, Term], ...]) -> None:
        self.parts = parts

    def expression(self) -> "Expression":
        """Itself."""
        return self

    def value(self, model: Any, cache: Cache | None = None) -> Value:
        """The value on a model."""
        return combine([(float(weight), term.value(model, cache)) for weight, term in self.parts])

    def merged(self) -> "Expression":
        """The same sum with equal terms joined, so that what cancels exactly is never estimated."""
        weights: dict[int, Fraction | float] = {}
        terms = {id(term): term for _, term in self.parts}
        for weight, term in self.parts:
            weights[id(term)] = weights.get(id(term), Fraction(0)) + weight
        return Expression(tuple((weight, terms[key]) for key, weight in weights.items() if weight != 0))

    @property
    def latex(self) -> str:
        """The formula: signs, coefficients and brackets follow from the composition."""
        pieces = []
        for index, (weight, term) in enumerate(self.parts):
            size, minus = abs(weight), weight < 0
            if term is ONE:
                body = _number_latex(size)
            elif size == 1:
                negative_start = index > 0 and term.latex.lstrip().startswith("-")
                body = bracket(term.latex) if minus or negative_start else term.latex
            else:
                body = rf"{_number_latex(size)}\,{bracket(term.latex)}"
            sign = ("-" if minus else "") if index == 0 else (" - " if minus else " + ")
            pieces.append(sign + body)
        return "".join(pieces) or "0"

    @property
    def name(self) -> str:
        """A short name built from those of the terms, in parentheses where there are several."""
        text = "".join(("-" if weight < 0 else "+" if index else "") + term.name
                       for index, (weight, term) in enumerate(self.parts))  # fmt: skip
        return f"({text})" if len(self.parts) > 1 else text

    def __repr__(self) -> str:
        return f"Expression({self.latex!r})"


def as_expression(thing: Any) -> Expression:
    """A term, expression or number as an expression."""
    if isinstance(thing, _Composable):
        return thing.expression()
    if isinstance(thing, int | float | Fraction):
        weight = _as_number(thing)
        return Expression(((weight, ONE),) if weight != 0 else ())
    raise TypeError(f"Expected a Term, an Expression or a number, got {type(thing).__name__}.")


class Mutation(NamedTuple):
    """One change of an expression.

    Attributes:
        kind: `flip` a sign, `drop` a term, or `swap` the arguments of a divergence.
        name: Short name of the changed term.
        expression: The changed expression.
        target: LaTeX of the term, as it was.
        becomes: LaTeX of the term where it is exchanged for another, else nothing.
        term: Position in the sum of the changed term, or of the term that it is a part of.
        inside: Whether it is a part of a term.
    """

    kind: str
    name: str
    expression: Expression
    target: str
    becomes: str
    term: int
    inside: bool


def mutations(expression: Expression) -> Iterator[Mutation]:
    """Every single change of an expression, inside products and functions too."""
    for index, (weight, term) in enumerate(expression.parts):
        before, after = expression.parts[:index], expression.parts[index + 1 :]
        latex = Expression(((abs(weight), term),)).latex
        yield Mutation("flip", term.name, Expression((*before, (-weight, term), *after)), latex, "", index, False)
        yield Mutation("drop", term.name, Expression((*before, *after)), latex, "", index, False)
        if isinstance(term, Divergence):
            other = term.swapped()
            changed = Expression((*before, (weight, other), *after))
            yield Mutation("swap", term.name, changed, term.latex, other.latex, index, False)
        for position, child in enumerate(term.children()):
            for inner in mutations(child):
                parts = inner.expression.parts
                same_term = not parts or parts[0][1] is child.parts[0][1]
                if len(child.parts) == 1 and inner.kind != "swap" and same_term:
                    continue  # flipping or dropping a lone factor is the change of the whole term, seen above
                outer = Expression((*before, (weight, term.with_child(position, inner.expression)), *after))
                yield inner._replace(expression=outer, term=index, inside=True)
