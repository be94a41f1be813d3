r"""Break it: a slider over wrong versions of a derivation, each with the row that turns red.

The rows are drawn, formulas included, with matplotlib's mathtext. Live HTML with `\(...\)` is typeset in the book only
inside classes that belong to its theme, and not at all in Colab's output frames; a picture shows the same formula in
the book, in JupyterLab, in Colab and without a network.
"""

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from course_lib.teaching.frames import to_image
from course_lib.teaching.mathtext import FORMULA, drawable, size
from course_lib.teaching.mutation import REVERSED, Mutant, find_mutant, mutants
from course_lib.teaching.player import Player
from course_lib.teaching.relation import RELATIONS, Outcome
from course_lib.teaching.rounding import safe_text
from course_lib.teaching.term import Expression

RED, GREEN, INK, PALE = "#B3001B", "#00664A", "#111111", "#FDE8EA"
KINDS = ("drop", "swap", "reverse", "flip")
VERBS = {
    "flip": "flip the sign of",
    "drop": "drop",
    "swap": "swap the arguments",
    "reverse": "turn the inequality round",
}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
WIDTH, LEFT = 4.8, 0.14  # inches, share of the width
ROOM = WIDTH * (0.98 - LEFT)  # inches for a formula
PAD, GAP, VERDICT = 0.1, 0.09, 0.26  # inches around a row, between the pieces of a formula, for the words below it
HEADING, SMALL = 0.26, 12.5  # inches for a line of the heading, points of its formula


def describe(mutant: Mutant | None) -> str:
    """What was changed, in words."""
    if mutant is None:
        return "As it should be: every line holds."
    return f"{_change(mutant)}: {_consequence(mutant)}."


def _label(mutant: Mutant) -> str:
    number = mutant.lines[mutant.line].number
    if number:
        return f"({number})"
    return f"the {ORDINALS[mutant.line]} line" if mutant.line < len(ORDINALS) else f"line {mutant.line + 1}"


def _change(mutant: Mutant) -> str:
    """The change in plain words, for the label below the picture."""
    line = _label(mutant)
    if mutant.kind == "reverse":
        return f"Reverse the inequality in {line}"
    change = mutant.change
    if mutant.kind == "swap":
        return f"Swap the arguments of the divergence in {line}"
    count = len(mutant.lines[mutant.line].expression.parts) + (mutant.kind == "drop" and not change.inside)
    which = f"{ORDINALS[change.term]} term" if change.term < len(ORDINALS) else f"term number {change.term + 1}"
    if change.inside:
        place = f"a part of {line}" if count == 1 else f"a part of the {which} of {line}"
    else:
        place = f"the whole of {line}" if count == 1 else f"the {which} of {line}"
    return f"Drop {place}" if mutant.kind == "drop" else f"Flip the sign of {place}"


def _consequence(mutant: Mutant) -> str:
    if not mutant.caught:
        return f"nothing fails, because {mutant.reason or 'no model here can tell'}"
    if mutant.red is None or mutant.red == mutant.line:
        return "the red line fails"
    return "the line after it fails"


def _formula(mutant: Mutant) -> str:
    """The change with its formula typeset, for the heading of the picture."""
    if mutant.kind == "reverse":
        after = mutant.lines[mutant.line].relation
        return f"{drawable(RELATIONS[REVERSED[after]])}  becomes  {drawable(RELATIONS[after])}"
    target = drawable(mutant.change.target)
    return f"{target}  becomes  {drawable(mutant.change.becomes)}" if mutant.kind == "swap" else target


def _fit(figure: Figure, text: Any, limit: float) -> None:
    """Shrink a text until it is no wider than `limit` of the figure."""
    renderer = figure.canvas.get_renderer()
    width = text.get_window_extent(renderer).width / figure.bbox.width
    if width > limit:
        text.set_fontsize(max(6.0, text.get_fontsize() * limit / width))


def _rows(line: Any) -> list[str]:
    """A line's formula, broken before a plus or minus where it would become too small on a phone."""
    relation = f"{RELATIONS[line.relation]} " if line.relation else ""
    parts = line.expression.parts
    whole = relation + line.expression.latex
    if size(whole).width <= 1.25 * ROOM or len(parts) < 2:
        return [whole]
    rows, start = [], 0
    for end in range(1, len(parts) + 1):
        following = _piece(parts[start : end + 1], relation if start == 0 else "")
        if end == len(parts) or size(following).width > 1.1 * ROOM:
            rows.append(_piece(parts[start:end], relation if start == 0 else ""))
            start = end
    return rows


def _piece(parts: Sequence[Any], relation: str) -> str:
    """Some parts of a sum; a sign leads where they go on from the row above."""
    latex = Expression(tuple(parts)).latex
    return relation + latex if relation or latex.startswith("-") else f"+ {latex}"


def row_height(index: int, pieces: Sequence[str]) -> float:
    """Inches that a line of the derivation takes: its formula as it is drawn, and the verdict below it."""
    formulas = sum(size(piece).shrunk(ROOM).height for piece in pieces)
    return 2 * PAD + formulas + GAP * (len(pieces) - 1) + (VERDICT if index else 0.0)


def frame(derivation: Any, mutant: Mutant | None, heights: Sequence[float] = ()) -> Image.Image:
    """One picture of the derivation, with the mutant's changed line, and the line that fails in red.

    Args:
        derivation: The derivation.
        mutant: The change, or None for the derivation as it is.
        heights: Inches of each line where several pictures must agree; the larger of both versions if empty.
    """
    with matplotlib.rc_context({"mathtext.fontset": "stix", "font.family": "DejaVu Sans"}):
        return to_image(_draw(derivation, mutant, list(heights) or _heights(derivation, [mutant])))


def _heights(derivation: Any, shown: Sequence[Mutant | None]) -> list[float]:
    """Inches of each line, enough for every picture: rows must not move when the slider does."""
    versions = [derivation.lines, *(mutant.lines for mutant in shown if mutant is not None)]
    return [max(row_height(index, _rows(lines[index])) for lines in versions) for index in range(len(derivation.lines))]


def _draw(derivation: Any, mutant: Mutant | None, heights: Sequence[float]) -> Figure:
    lines = derivation.lines if mutant is None else mutant.lines
    top = 2 * HEADING + 0.27
    height = top + sum(heights)
    figure = plt.figure(figsize=(WIDTH, height), dpi=150, layout="none")

    def write(x: float, inches: float, words: str, **style: Any) -> Any:
        return figure.text(x, 1 - inches / height, words, va="baseline", **style)

    _head(figure, write, mutant)
    at = top
    for index, (line, tall) in enumerate(zip(lines, heights, strict=True)):
        red = mutant is not None and mutant.red == index
        if red:
            box = plt.Rectangle((0, 1 - (at + tall) / height), 1, tall / height, color=PALE)
            box.set_transform(figure.transFigure)
            figure.patches.append(box)
        base = at + PAD
        for row, latex in enumerate(_rows(line)):
            measured = size(latex).shrunk(ROOM)
            base += measured.ascent
            changed = RED if mutant is not None and mutant.line == index else INK
            write(LEFT, base, drawable(latex), fontsize=FORMULA * measured.scale, color=changed)
            if row == 0 and line.number:
                write(0.02, base, f"({line.number})", fontsize=10, color=RED if red else INK)
            base += measured.descent + GAP
        if index:
            words, tone = _verdict(derivation, mutant, index)
            _fit(figure, write(LEFT, at + tall - 0.11, words, fontsize=9.5, color=tone), ROOM / WIDTH)
        at += tall
    return figure


def _head(figure: Figure, write: Any, mutant: Mutant | None) -> None:
    if mutant is None:
        write(0.02, HEADING, describe(None), fontsize=10, color=INK, fontweight="bold")
        return
    colour = RED if mutant.caught else INK
    words = f"In {_label(mutant)}, {VERBS[mutant.kind]}" + ("" if mutant.caught else " (nothing fails)") + ":"
    write(0.02, HEADING, words, fontsize=10, color=colour, fontweight="bold")
    _fit(figure, write(0.02, 2 * HEADING + 0.05, _formula(mutant), fontsize=SMALL, color=colour), 0.96)


def _verdict(derivation: Any, mutant: Mutant | None, index: int) -> tuple[str, str]:
    """What became of a line, and the colour to say it in."""
    if mutant is None or mutant.red is None or index < mutant.red:
        return "holds", GREEN
    return (_values(worst(derivation, mutant)), RED) if index == mutant.red else ("not reached", INK)


def worst(derivation: Any, mutant: Mutant) -> Outcome:
    """The comparison to show: that of the example if it fails there, else the one with the largest discrepancy."""
    failing = [one for one in derivation.failures(mutant.red, mutant.lines) if not one.problem]
    if not failing:
        return mutant.outcome
    named = [one for one in failing if derivation.example is not None and not one.where.startswith(("draw ", "tight "))]
    return named[0] if named else max(failing, key=lambda one: abs(one.lhs - one.rhs))


def _values(outcome: Outcome) -> str:
    if "cannot be evaluated" in outcome.problem:
        return f"FAILS: it has no value ({outcome.where})"
    if outcome.problem:
        return f"FAILS: {outcome.problem} ({outcome.where})"
    values = f"FAILS: {safe_text(outcome.lhs)} against {safe_text(outcome.rhs)}"
    return values + (", where both must be equal" if outcome.where.startswith("tight ") else f" ({outcome.where})")


def choose(found: Sequence[Mutant], most: int) -> list[Mutant]:
    """A varied selection, in the order of the lines: each kind of change in turn, each spread over the lines."""
    chosen = list(chain.from_iterable(zip_longest(*(_spread(found, kind) for kind in KINDS))))
    kept = [one.name for one in chosen if one is not None][:most]
    return [one for one in found if one.name in kept]


def _spread(found: Sequence[Mutant], kind: str) -> list[Mutant]:
    """The mutants of one kind: one of each line, then a second of each; sums before single terms, numbers first."""
    ordered = [one for one in found if one.kind == kind]
    if kind == "flip":
        ordered.reverse()  # where a line's first term is dropped, the sign of its last one is flipped
    ordered.sort(key=lambda one: (bool(one.outcome and one.outcome.problem), bool(one.change and one.change.inside)))
    seen: dict[int, int] = {}
    ranked = []
    for place, one in enumerate(ordered):
        seen[one.line] = seen.get(one.line, 0) + 1
        ranked.append((not one.caught, _is_trivial(one), seen[one.line], place, one))
    return [entry[-1] for entry in sorted(ranked, key=lambda entry: entry[:-1])]


def _is_trivial(mutant: Mutant) -> bool:
    """Whether a line that is one term loses it or its sign."""
    terms = len(mutant.lines[mutant.line].expression.parts) + (mutant.kind == "drop")
    return mutant.kind in ("flip", "drop") and not mutant.change.inside and terms == 1


def break_it(derivation: Any, names: Sequence[str] = (), *, most: int = 12) -> Player:
    """A player over the derivation as it is and its mutants.

    Args:
        derivation: A derivation that holds.
        names: Mutants to show, such as `swap 1.2:kl`; a selection if empty.
        most: How many to select at most.
    """
    derivation.run()
    chosen = [find_mutant(derivation, name) for name in names] or choose(mutants(derivation), most)
    shown = [None, *chosen]
    heights = _heights(derivation, shown)
    caught = sum(mutant.caught for mutant in chosen)
    return Player(
        [frame(derivation, mutant, heights) for mutant in shown],
        [describe(mutant) for mutant in shown],
        title=f"Break it: {caught} of {len(chosen)} changes make a line fail",
        alt=f"The lines of the derivation '{derivation.title or derivation.name}', with one change a frame; "
        "the line that fails is red and shows both values.",
        lossless=True,
        pause=1800,
    )
