"""Derivations that are executed: every line is evaluated on models where the truth is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from course_lib.teaching.display import show_markdown, table
from course_lib.teaching.estimate import Estimate
from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.relation import RELATIONS, Outcome, Sample, compare, compare_limit
from course_lib.teaching.rounding import safe_text
from course_lib.teaching.term import Expression, as_expression

TIGHT_DRAWS = 3


class DerivationError(AssertionError):
    """A line of a derivation does not hold on some model."""


@dataclass(frozen=True)
class Line:
    """One line of a derivation.

    Args:
        expression: What the line says.
        relation: Its relation to the line before, or nothing where a chain starts.
        reason: Why it holds.
        number: The equation number, such as `1.3`, or nothing.
        tight: Takes a generator, returns a model on which an inequality must be an equality.
        along: Takes a model, returns a sequence of models along which a limit is taken.
        within: How near the limit the last model of `along` must come, relative.
    """

    expression: Expression
    relation: str
    reason: str
    number: str
    tight: Callable[[torch.Generator], Any] | None = None
    along: Callable[[Any], Sequence[Any]] | None = None
    within: float = 1e-2


def anchor(number: str) -> str:
    """The equation number with its anchor, for a Markdown cell: `1.3` is found at `#eq-1-3`."""
    return f'<a id="eq-{number.replace(".", "-")}"></a>({number})' if number else ""


def name_of(model: Any) -> str:
    """How a table calls a fixed model: its own words if they are short."""
    text = str(model)
    return text if len(text) <= 60 and "\n" not in text else "one fixed model"


class Definition:
    r"""A numbered formula that defines a symbol, and so cannot be wrong; shown with `\tag`.

    Args:
        latex: The formula.
        number: Its number, such as `1.1`.
    """

    def __init__(self, latex: str, number: str) -> None:
        from course_lib.teaching.term import check_latex

        self.latex, self.number = check_latex(latex), number

    def _repr_markdown_(self) -> str:
        return f'<a id="eq-{self.number.replace(".", "-")}"></a>\n\n$$ {self.latex} \\tag{{{self.number}}} $$'

    def __repr__(self) -> str:
        return f"Definition({self.number}: {self.latex})"


class Derivation:
    """A chain of lines, each composed from terms and compared with the line before on random models.

    Args:
        name: A short name, used in errors.
        draw: Takes a seeded `torch.Generator`, returns one random model.
        title: Heading of the table.
        draws: How many random models, at least 20.
        seed: Seeds the draws.
        example: A fixed model; its values are shown beside the lines. The table calls it by a short `str`.
        rtol: Relative tolerance of exact lines.
        floor: Absolute tolerance of exact lines.
    """

    def __init__(
        self,
        name: str,
        *,
        draw: Callable[[torch.Generator], Any],
        title: str = "",
        draws: int = 20,
        seed: int = 0,
        example: Any = None,
        rtol: float = 1e-9,
        floor: float = 1e-10,
    ) -> None:
        if draws < 20:
            raise ValueError(f"draws (={draws}) must be at least 20, so that a wrong line cannot pass by luck.")
        self.name, self.title, self.example = name, title, example
        self.lines: list[Line] = []
        self.equivalents: dict[str, str] = {}
        self._draw, self._draws, self._seed, self._rtol, self._floor = draw, draws, seed, rtol, floor
        self._pools: dict[Any, list[Sample]] = {}

    def line(
        self,
        expression: Any,
        relation: str = "",
        *,
        reason: str = "",
        number: str = "",
        tight: Callable[[torch.Generator], Any] | None = None,
        along: Callable[[Any], Sequence[Any]] | None = None,
        within: float = 1e-2,
    ) -> "Derivation":
        """Add a line; see `Line`. A line without relation starts a chain."""
        if relation not in RELATIONS and relation:
            raise ValueError(f"relation (={relation!r}) must be one of {', '.join(RELATIONS)}.")
        if not self.lines and relation:
            raise ValueError(f"relation (={relation!r}) of the first line must be empty: nothing stands before it.")
        if (relation == "->") != (along is not None):
            raise ValueError("A line with relation '->' needs `along`, and only such a line takes it.")
        if tight is not None and relation not in (">=", "<="):
            raise ValueError(f"tight models belong to '>=' and '<=', not to relation {relation!r}.")
        if number and number in {line.number for line in self.lines}:
            raise ValueError(f"number (={number!r}) is already that of another line.")
        self.lines.append(Line(as_expression(expression), relation, reason, number, tight, along, within))
        return self

    def equivalent(self, mutant: str, *, because: str) -> "Derivation":
        """List a mutant that no model can catch, with the reason; `assert_mutants_caught` holds the list to account."""
        if not because:
            raise ValueError(f"because must say why the mutant {mutant!r} changes nothing.")
        self.equivalents[mutant] = because
        return self

    def label(self, index: int) -> str:
        """How names and errors call a line: its number, or its position from 1."""
        return self.lines[index].number or f"line-{index + 1}"

    def _samples(self, key: Any, make: Callable[[torch.Generator], Any], count: int, word: str) -> list[Sample]:
        if key not in self._pools:
            generators = [torch.Generator().manual_seed(10_007 * self._seed + 1 + i) for i in range(count)]
            self._pools[key] = [Sample(f"{word} {i}", make(gen), {}) for i, gen in enumerate(generators)]
        return self._pools[key]

    def _along(self, index: int) -> list[list[Sample]]:
        key = ("along", index)
        if key not in self._pools:
            self._pools[key] = [
                [Sample(f"{base.name}, step {step}", model, {}) for step, model in enumerate(along)]
                for base in self.samples()
                for along in [self.lines[index].along(base.model)]
            ]
        return self._pools[key]

    def samples(self) -> list[Sample]:
        """The random models, drawn once."""
        return self._samples("draws", self._draw, self._draws, "draw")

    def outcomes(self, index: int, lines: Sequence[Line] | None = None) -> tuple[list[Outcome], Outcome | None]:
        """Compare a line with the one before, on every model.

        Args:
            index: Position of the line, at least 1.
            lines: The lines to use instead of the derivation's own, for mutants.

        Returns:
            Every outcome, and the first that fails, or None.
        """
        lines = self.lines if lines is None else lines
        before, line = lines[index - 1].expression, lines[index]
        if not line.relation:
            return [], None
        done: list[Outcome] = []
        if line.relation == "->":
            for path in self._along(index):
                done.append(compare_limit(before, line.expression, path, within=line.within))
                if not done[-1].holds:
                    return done, done[-1]
            return done, None
        tolerances = {"rtol": self._rtol, "floor": self._floor}
        for sample in self.samples():
            done.append(compare(before, line.relation, line.expression, sample, **tolerances))
            if not done[-1].holds:
                return done, done[-1]
        if line.tight is not None:
            for sample in self._samples(("tight", index), line.tight, TIGHT_DRAWS, "tight model"):
                done.append(compare(before, "=", line.expression, sample, **tolerances))
                if not done[-1].holds:
                    return done, done[-1]
        if line.relation != "=" and all(one.exact for one in done) and not any(one.strict for one in done):
            problem = f"never strict on {len(self.samples())} draws: write '='"
            return done, replace(done[0], holds=False, problem=problem)
        return done, None

    def failures(self, index: int, lines: Sequence[Line]) -> list[Outcome]:
        """Every comparison of a line with the one before that fails, that of the example first; none for a limit."""
        before, line = lines[index - 1].expression, lines[index]
        if line.relation not in ("=", ">=", "<="):
            return []
        fixed = [] if self.example is None else [Sample(name_of(self.example), self.example, {})]
        pairs = [(line.relation, sample) for sample in [*fixed, *self.samples()]]
        if line.tight is not None:
            tight = self._samples(("tight", index), line.tight, TIGHT_DRAWS, "tight model")
            pairs += [("=", sample) for sample in tight]
        tolerances = {"rtol": self._rtol, "floor": self._floor}
        done = [compare(before, relation, line.expression, sample, **tolerances) for relation, sample in pairs]
        return [one for one in done if not one.holds]

    def run(self) -> "Derivation":
        """Check every line; raise `DerivationError` naming line, values, tolerance and model at the first failure."""
        for index in range(1, len(self.lines)):
            _, failure = self.outcomes(index)
            if failure is not None:
                line, before = self.lines[index], self.lines[index - 1].expression
                claim = f"{before.latex} {line.relation} {line.expression.latex}"
                raise DerivationError(f"{self.name}, line {self.label(index)} fails: {claim}: {failure.says()}")
        return self

    def _verdict(self, index: int) -> str:
        line = self.lines[index]
        if not line.relation:
            return "start"
        done, _ = self.outcomes(index)
        text = f"on {len(self.samples())} draws"
        if any(not one.exact for one in done):
            text += ", within 4 standard errors"
        return text + (f"; equal on {TIGHT_DRAWS} tight ones" if line.tight is not None else "")

    def _example(self, line: Line) -> str:
        value = line.expression.value(self.example)
        return "(estimated)" if isinstance(value, Estimate) else safe_text(value)

    def markdown(self) -> str:
        """The checked derivation as one Markdown table."""
        self.run()
        header = ["no.", "relation", "formula", "because", "checked"]
        rows = []
        for index, line in enumerate(self.lines):
            relation = f"${RELATIONS[line.relation]}$" if line.relation else ""
            row = [anchor(line.number), relation, f"${line.expression.latex}$", line.reason, self._verdict(index)]
            rows.append(row + ([self._example(line)] if self.example is not None else []))
        title = [f"**{self.title}**"] if self.title else []
        if self.example is not None:
            header += ["value"]
            title += [f"Values on {name_of(self.example)}."]
        return (" · ".join(title) + "\n\n" if title else "") + table(header, rows)

    def show(self) -> None:
        """Check every line and display the table."""
        show_markdown(self.markdown())

    def formulas(self) -> dict[str, str]:
        """The LaTeX of every numbered line, for the lint that compares displayed formulas with evaluated ones."""
        return {line.number: line.expression.latex for line in self.lines if line.number}

    def refute(self, *, lhs: Any, rhs: Any, relation: str = "=", model: Any = None, **words: Any) -> Refutation:
        """A claim that must fail on this derivation's models; see `course_lib.teaching.refute.refute`."""
        fixed = self.example if model is None else model
        samples = [] if fixed is None else [Sample(name_of(fixed), fixed, {})]
        tolerances = {"rtol": self._rtol, "floor": self._floor}
        return refute(lhs=lhs, relation=relation, rhs=rhs, samples=samples + self.samples(), **tolerances, **words)

    def mutants(self) -> list[Any]:
        """A `course_lib.teaching.mutation.Mutant` for every single change, which says whether the draws catch it."""
        from course_lib.teaching.mutation import mutants

        return mutants(self)

    def assert_mutants_caught(self) -> None:
        """Raise `DerivationError` unless exactly the mutants listed by `equivalent` go uncaught."""
        from course_lib.teaching.mutation import assert_mutants_caught

        assert_mutants_caught(self)

    def broken(self, mutant: str) -> Any:
        """One mutant by its name, such as `flip 1.2:kl`; its `outcome` says which line turns red, and why."""
        from course_lib.teaching.mutation import find_mutant

        return find_mutant(self, mutant)

    def break_it(self, names: Sequence[str] = (), *, most: int = 12) -> Any:
        """A slider over broken versions of the derivation; see `course_lib.teaching.break_it.break_it`."""
        from course_lib.teaching.break_it import break_it

        return break_it(self, names, most=most)
