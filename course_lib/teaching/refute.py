"""Claims that must fail: the slips that circulate, each with the number that refutes it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from course_lib.teaching.display import show, table
from course_lib.teaching.estimate import mean_of
from course_lib.teaching.relation import RELATIONS, Sample, compare
from course_lib.teaching.rounding import safe_text
from course_lib.teaching.term import as_expression


@dataclass(frozen=True)
class Refutation:
    """A claim that failed, with the numbers that show it; `asdict()` is what the errata file stores.

    Args:
        id: Short name of the slip.
        claim: The claim as LaTeX, left side, relation and right side.
        says: Who says so: note, page, equation.
        correct: What is right instead, in words or LaTeX.
        because: Why the claim fails.
        number: Equation number of the right version, or nothing.
        lhs: The left side's value on the first model on which the claim fails.
        rhs: The right side's value there.
        difference: Left minus right.
        where: That model.
        fails: On how many models the claim fails.
        models: On how many it was tried.
        draws: How many of these are random draws; the others are fixed examples.
        correct_rhs: The right side that does hold, on the same model, or None.
    """

    id: str
    claim: str
    says: str
    correct: str
    because: str
    number: str
    lhs: float
    rhs: float
    difference: float
    where: str
    fails: int
    models: int
    correct_rhs: float | None = None
    draws: int = 0

    def asdict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return asdict(self)

    def errata(self, lesson: str) -> dict[str, str]:
        """The entry of the errata page, as a results file stores it."""
        return {
            "id": self.id,
            "says": f"${self.claim}$",
            "where": self.says,
            "correct": self.correct,
            "evidence": self.evidence,
            "lesson": lesson,
            "equation": self.number,
        }

    @property
    def evidence(self) -> str:
        """The numbers in one sentence."""
        left, right, gap = (safe_text(value) for value in (self.lhs, self.rhs, self.difference))
        text = f"On {self.where} the left side is {left} and the right side {right}: they differ by {gap}."
        return f"{text} The claim fails on {self._extent()}."

    def _extent(self) -> str:
        """On which models the claim fails."""
        draws = f"{'both' if self.draws == 2 else f'all {self.draws}'} random draws"
        if self.fails < self.models:
            what = "random draws" if self.draws == self.models else "models"
            return f"{self.fails} of {self.models} {what}"
        if self.draws == self.models:
            return draws
        if self.draws == self.models - 1:
            return f"this example and on {draws}" if self.draws > 0 else "this example"
        return f"all {self.models} models"

    def _repr_markdown_(self) -> str:
        header = ["this claim fails", f"${self.claim}$" + (f" ({self.says})" if self.says else "")]
        rows = [["refuted by", self.evidence]]
        if self.correct:
            value = "" if self.correct_rhs is None else f", which gives {safe_text(self.correct_rhs)}"
            rows += [["right is", f"{self.correct}{value}"]]
        rows += [["because", self.because]] if self.because else []
        return table(header, rows)

    def show(self) -> None:
        """Display the table."""
        show(self)

    def __repr__(self) -> str:
        return f"Refutation({self.claim}: {self.evidence})"


def refute(
    *,
    lhs: Any,
    rhs: Any,
    samples: Sequence[Sample],
    relation: str = "=",
    claim: str = "",
    says: str = "",
    correct: Any = "",
    because: str = "",
    number: str = "",
    id: str = "",
    rtol: float = 1e-9,
    floor: float = 1e-10,
) -> Refutation:
    """Show that a claimed relation fails.

    Args:
        lhs: Left side, composed from terms.
        rhs: Right side as claimed.
        samples: Models to try, those whose numbers to show first.
        relation: `=`, `>=` or `<=`.
        claim: Name of the slip where `id` is not given.
        says: Where it is written.
        correct: What is right: words, or an expression, which is then checked to satisfy the relation.
        because: Why the claim fails.
        number: Equation number of the right version.
        id: Short name for the errata file.
        rtol: Relative tolerance.
        floor: Absolute tolerance.

    Raises:
        ValueError: The claim holds on every model, or `correct` does not.
    """
    if relation not in ("=", ">=", "<="):
        raise ValueError(f"relation (={relation!r}) of a refutation must be '=', '>=' or '<='.")
    left, right = as_expression(lhs), as_expression(rhs)
    tolerances = {"rtol": rtol, "floor": floor}
    outcomes = [compare(left, relation, right, sample, **tolerances) for sample in samples]
    failing = [(sample, outcome) for sample, outcome in zip(samples, outcomes, strict=True) if not outcome.holds]
    formula = f"{left.latex} {RELATIONS[relation]} {right.latex}"
    if not failing:
        raise ValueError(f"The claim {formula} holds on all {len(samples)} models: there is nothing to refute.")
    sample, worst = failing[0]
    if worst.problem:
        raise ValueError(f"The claim {formula} {worst.says()}; a refutation needs two numbers.")
    correct_rhs, correct_text = None, correct
    if not isinstance(correct, str):
        good = as_expression(correct)
        for one in samples:
            check = compare(left, relation, good, one, **tolerances)
            if not check.holds:
                raise ValueError(f"The correction {good.latex} does not hold either: {check.says()}.")
        right_value = mean_of(good.value(sample.model, sample.cache))
        correct_rhs = float(right_value[worst.component]) if worst.component else right_value
        correct_text = f"${left.latex} {RELATIONS[relation]} {good.latex}$"
    gap = worst.lhs - worst.rhs
    return Refutation(
        id or claim, formula, says, correct_text, because, number, worst.lhs, worst.rhs, gap,
        worst.where, len(failing), len(samples), correct_rhs, sum(one.name.startswith("draw ") for one in samples),
    )  # fmt: skip
