r"""Break it: a slider over wrong versions of a derivation, each with the row that turns red.

The rows are drawn, formulas included, with matplotlib's mathtext. Live HTML with `\(...\)` is typeset in the book only
inside classes that belong to its theme, and not at all in Colab's output frames; a picture shows the same formula in
the book, in JupyterLab, in Colab and without a network.
"""

import functools
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser
from PIL import Image

from course_lib.teaching.frames import to_image
from course_lib.teaching.mutation import Mutant, find_mutant, mutants
from course_lib.teaching.player import Player
from course_lib.teaching.relation import RELATIONS
from course_lib.teaching.rounding import safe_text
from course_lib.teaching.term import Expression

RED, GREEN, INK, PALE = "#B3001B", "#00664A", "#111111", "#FDE8EA"
WORDS = {
    "flip": "Flip the sign of",
    "drop": "Drop",
    "swap": "Swap the arguments of",
    "reverse": "Reverse the inequality",
}
SPELLINGS = {"tfrac": "frac", "dfrac": "frac", "ge": "geq", "le": "leq", "to": "rightarrow", "lVert": "Vert"}
WIDTH, LEFT, FORMULA = 4.8, 0.14, 14.5  # inches, share of the width, points
ROOM = WIDTH * (0.98 - LEFT)  # inches for a formula
ROW, FURTHER = 0.62, 0.3  # inches for a line of the derivation, and for each further row of its formula


def mathtext(latex: str) -> str:
    """LaTeX in the dialect that matplotlib draws; formulas it cannot draw are left for `_drawable` to find."""
    text = latex
    for command, spelling in SPELLINGS.items():
        text = re.sub(rf"\\{command}(?![A-Za-z])", rf"\\{spelling}", text)
    text = re.sub(r"\\(text|textrm|operatorname)\s*\{", r"\\mathrm{", text)
    text = re.sub(r"\\(big|Big|bigg|Bigg)[lr]?\b\s*", "", text)
    return f"${text}$"


@functools.cache
def _drawable(latex: str) -> str:
    """The formula for mathtext, or its source as plain text where mathtext does not know a command."""
    try:
        MathTextParser("path").parse(mathtext(latex))
    except ValueError:
        return latex.replace("$", "")
    return mathtext(latex)


def _fit(figure: Figure, text: Any, limit: float) -> None:
    """Shrink a text until it is no wider than `limit` of the figure."""
    renderer = figure.canvas.get_renderer()
    width = text.get_window_extent(renderer).width / figure.bbox.width
    if width > limit:
        text.set_fontsize(max(6.0, text.get_fontsize() * limit / width))


def describe(mutant: Mutant | None) -> str:
    """What was changed, in words."""
    if mutant is None:
        return "As it should be: every line holds."
    term = mutant.name.partition(":")[2]
    label = mutant.name.partition(" ")[2].partition(":")[0]
    change = f"{WORDS[mutant.kind]} {term}" if term else WORDS[mutant.kind]
    if not mutant.caught:
        return f"{change} in ({label}): nothing fails, because {mutant.reason or 'no model here can tell'}."
    return f"{change} in ({label}): the red line fails."


def frame(derivation: Any, mutant: Mutant | None) -> Image.Image:
    """One picture of the derivation, with the mutant's changed line and the line that fails in red."""
    with matplotlib.rc_context({"mathtext.fontset": "stix", "font.family": "DejaVu Sans"}):
        return to_image(_draw(derivation, mutant))


@functools.cache
def _width(latex: str) -> float:
    """Width of a formula in inches at full size; formulas that cannot be drawn count as narrow."""
    drawable = _drawable(latex)
    if not drawable.startswith("$"):
        return 0.0
    return MathTextParser("path").parse(drawable, dpi=72, prop=FontProperties(size=FORMULA))[0] / 72


def _rows(line: Any) -> list[str]:
    """A line's formula, broken before a plus or minus where it would become too small on a phone."""
    relation = f"{RELATIONS[line.relation]} " if line.relation else ""
    parts = line.expression.parts
    whole = relation + line.expression.latex
    if _width(whole) <= 1.25 * ROOM or len(parts) < 2:
        return [whole]
    rows, start = [], 0
    for end in range(1, len(parts) + 1):
        following = _piece(parts[start : end + 1], relation if start == 0 else "")
        if end == len(parts) or _width(following) > 1.1 * ROOM:
            rows.append(_piece(parts[start:end], relation if start == 0 else ""))
            start = end
    return rows


def _piece(parts: Sequence[Any], relation: str) -> str:
    """Some parts of a sum; a sign leads where they go on from the row above."""
    latex = Expression(tuple(parts)).latex
    return relation + latex if relation or latex.startswith("-") else f"+ {latex}"


def _draw(derivation: Any, mutant: Mutant | None) -> Figure:
    lines = derivation.lines if mutant is None else mutant.lines
    formulas = [_rows(line) for line in lines]
    height = 0.75 + sum(ROW + FURTHER * (len(rows) - 1) for rows in formulas)
    figure = plt.figure(figsize=(WIDTH, height), dpi=150, layout="none")
    heading = "\n".join(textwrap.wrap(describe(mutant), 58))
    colour = INK if mutant is None or not mutant.caught else RED
    figure.text(0.02, 1 - 0.08 / height, heading, va="top", fontsize=10, color=colour, fontweight="bold")
    at = 0.55  # inches from the top
    for index, (line, rows) in enumerate(zip(lines, formulas, strict=True)):
        tall = ROW + FURTHER * (len(rows) - 1)
        red = mutant is not None and mutant.red == index
        if red:
            box = plt.Rectangle((0, 1 - (at + tall) / height), 1, tall / height, color=PALE)
            box.set_transform(figure.transFigure)
            figure.patches.append(box)
        number = f"({line.number})" if line.number else ""
        figure.text(0.02, 1 - (at + 0.12) / height, number, va="top", fontsize=10, color=RED if red else INK)
        changed = RED if mutant is not None and mutant.line == index else INK
        for row, latex in enumerate(rows):
            place = 1 - (at + 0.07 + FURTHER * row) / height
            text = figure.text(LEFT, place, _drawable(latex), va="top", fontsize=FORMULA, color=changed)
            _fit(figure, text, ROOM / WIDTH)
        if index:
            words, tone = _verdict(mutant, index)
            place = 1 - (at + tall - 0.2) / height
            _fit(figure, figure.text(LEFT, place, words, va="top", fontsize=9.5, color=tone), ROOM / WIDTH)
        at += tall
    return figure


def _verdict(mutant: Mutant | None, index: int) -> tuple[str, str]:
    """What became of a line, and the colour to say it in."""
    if mutant is None or mutant.red is None or index < mutant.red:
        return "holds", GREEN
    return (_values(mutant), RED) if index == mutant.red else ("not reached", INK)


def _values(mutant: Mutant) -> str:
    outcome = mutant.outcome
    if outcome.problem:
        return f"FAILS: {outcome.problem} ({outcome.where})"
    return f"FAILS: {safe_text(outcome.lhs)} against {safe_text(outcome.rhs)} ({outcome.where})"


def choose(found: Sequence[Mutant], most: int) -> list[Mutant]:
    """A varied selection: swaps and reversals first, then flips and drops, in the order of the lines."""
    rank = {"swap": 0, "reverse": 1, "flip": 2, "drop": 3}
    kept = sorted(found, key=lambda one: (rank[one.kind], one.outcome is None or bool(one.outcome.problem)))[:most]
    return [one for one in found if one in kept]


def break_it(derivation: Any, names: Sequence[str] = (), *, most: int = 12) -> Player:
    """A player over the derivation as it is and its mutants.

    Args:
        derivation: A derivation that holds.
        names: Mutants to show, such as `swap 1.2:kl`; a selection if empty.
        most: How many to select at most.
    """
    derivation.run()
    chosen = [find_mutant(derivation, name) for name in names] or choose(mutants(derivation), most)
    frames = [frame(derivation, mutant) for mutant in [None, *chosen]]
    labels = [describe(mutant) for mutant in [None, *chosen]]
    caught = sum(mutant.caught for mutant in chosen)
    return Player(
        frames,
        labels,
        title=f"Break it: {caught} of {len(chosen)} changes make a line fail",
        alt=f"The lines of the derivation '{derivation.title or derivation.name}', with one change a frame; "
        "the line that fails is red and shows both values.",
        lossless=True,
        pause=1800,
    )
