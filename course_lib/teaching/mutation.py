"""The mutation test: a derivation that passes is worth something only if its wrong neighbours fail."""

import difflib
from dataclasses import dataclass, replace
from typing import Any

from course_lib.teaching.relation import RELATIONS, Outcome
from course_lib.teaching.term import Mutation, mutations

REVERSED = {">=": "<=", "<=": ">="}


@dataclass(frozen=True)
class Mutant:
    """One changed line of a derivation.

    Args:
        name: Kind, line and term, such as `flip 1.2:kl`, `drop 1.2:kl`, `swap 1.2:kl` or `reverse 1.3`.
        kind: `flip`, `drop`, `swap` or `reverse`.
        line: Position of the changed line.
        red: Position of the line whose relation fails, or None.
        latex: The changed formula, with its relation.
        caught: Whether some relation fails on some model.
        outcome: The comparison that failed, or None.
        reason: Why it is listed as equivalent, or nothing.
        lines: The derivation with the change.
        change: What was changed inside the formula; None for a reversed relation.
    """

    name: str
    kind: str
    line: int
    red: int | None
    latex: str
    caught: bool
    outcome: Outcome | None
    reason: str
    lines: tuple[Any, ...]
    change: Mutation | None = None


def _variants(derivation: Any) -> list[tuple[str, str, int, Any, Mutation | None]]:
    """Every (name, kind, position, changed line, change), with names made unique by `#2`, `#3` ..."""
    found, seen = [], {}
    for index, line in enumerate(derivation.lines):
        changes = [
            (one.kind, f":{one.name}", replace(line, expression=one.expression), one)
            for one in mutations(line.expression)
        ]
        if line.relation in REVERSED:
            changes.append(("reverse", "", replace(line, relation=REVERSED[line.relation]), None))
        for kind, term, changed, change in changes:
            name = f"{kind} {derivation.label(index)}{term}"
            seen[name] = seen.get(name, 0) + 1
            found.append((name if seen[name] == 1 else f"{name}#{seen[name]}", kind, index, changed, change))
    return found


def _judge(derivation: Any, name: str, kind: str, index: int, changed: Any, change: Mutation | None) -> Mutant:
    lines = [*derivation.lines]
    lines[index] = changed
    red, failure = None, None
    for position in (index, index + 1):
        if failure is None and 0 < position < len(lines):
            _, failure = derivation.outcomes(position, lines)
            red = position if failure is not None else None
    relation = f"{RELATIONS[changed.relation]} " if changed.relation else ""
    reason = derivation.equivalents.get(name, "")
    latex = relation + changed.expression.latex
    return Mutant(name, kind, index, red, latex, failure is not None, failure, reason, tuple(lines), change)


def mutants(derivation: Any) -> list[Mutant]:
    """Flip each sign, drop each term, swap the arguments of each divergence, reverse each inequality, one at a time.

    Only the changed line changes: a term that stands in other lines keeps its value there.
    """
    derivation.run()
    return [_judge(derivation, *variant) for variant in _variants(derivation)]


def find_mutant(derivation: Any, name: str) -> Mutant:
    """One mutant by name; an unknown name is refused with the nearest ones."""
    derivation.run()
    variants = {variant[0]: variant for variant in _variants(derivation)}
    if name not in variants:
        raise ValueError(f"mutant (={name!r}) does not exist; {_nearest(name, list(variants))}")
    return _judge(derivation, *variants[name])


def _nearest(name: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.3) or names[:3]
    return "did you mean " + " or ".join(repr(one) for one in near) + "?"


def assert_mutants_caught(derivation: Any) -> None:
    """Raise unless every mutant is caught or listed with a reason, and everything listed is truly uncaught."""
    from course_lib.teaching.derivation import DerivationError

    found = mutants(derivation)
    names = [mutant.name for mutant in found]
    problems = [
        f"{mutant.name} ({mutant.latex}) is not caught: give a tight model, or list it with equivalent()"
        for mutant in found
        if not mutant.caught and not mutant.reason
    ]
    problems += [
        f"{mutant.name} is listed as equivalent but is caught: {mutant.outcome.says()}"
        for mutant in found
        if mutant.caught and mutant.reason
    ]
    problems += [f"{name} is listed as equivalent but does not exist; {_nearest(name, names)}"
                 for name in derivation.equivalents if name not in names]  # fmt: skip
    if problems:
        raise DerivationError(f"{derivation.name}: " + "; ".join(problems))
