r"""Break it: a slider over wrong versions of a derivation, each with the row that turns red.

The rows are drawn, formulas included, with matplotlib's mathtext. Live HTML with `\(...\)` is typeset in the book only
inside classes that belong to its theme, and not at all in Colab's output frames; a picture shows the same formula in
the book, in JupyterLab, in Colab and without a network.
"""

import re
import textwrap
from collections.abc import Sequence
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from PIL import Image

from course_lib.teaching.frames import to_image
from course_lib.teaching.mutation import Mutant, find_mutant, mutants
from course_lib.teaching.player import Player
from course_lib.teaching.relation import RELATIONS
from course_lib.teaching.rounding import safe_text

RED, GREEN, INK, PALE = "#B3001B", "#00664A", "#111111", "#FDE8EA"
WORDS = {
    "flip": "Flip the sign of",
    "drop": "Drop",
    "swap": "Swap the arguments of",
    "reverse": "Reverse the inequality",
}
SPELLINGS = {"tfrac": "frac", "dfrac": "frac", "ge": "geq", "le": "leq", "to": "rightarrow", "lVert": "Vert"}
ROW = 0.62  # inches a line of the derivation


def mathtext(latex: str) -> str:
    """LaTeX in the dialect that matplotlib draws; formulas it cannot draw are left for `_drawable` to find."""
    text = latex
    for command, spelling in SPELLINGS.items():
        text = re.sub(rf"\\{command}(?![A-Za-z])", rf"\\{spelling}", text)
    text = re.sub(r"\\(text|textrm|operatorname)\s*\{", r"\\mathrm{", text)
    text = re.sub(r"\\(big|Big|bigg|Bigg)[lr]?\b\s*", "", text)
    return f"${text}$"


def _drawable(latex: str) -> str:
    """The formula for mathtext, or its source as plain text where mathtext does not know a command."""
    from matplotlib.mathtext import MathTextParser

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


def _draw(derivation: Any, mutant: Mutant | None) -> Figure:
    lines = derivation.lines if mutant is None else mutant.lines
    figure = plt.figure(figsize=(4.8, ROW * len(lines) + 0.75), dpi=150, layout="none")
    height = figure.get_figheight()
    heading = "\n".join(textwrap.wrap(describe(mutant), 58))
    colour = INK if mutant is None or not mutant.caught else RED
    figure.text(0.02, 1 - 0.08 / height, heading, va="top", fontsize=10, color=colour, fontweight="bold")
    for index, line in enumerate(lines):
        top = 1 - (0.55 + ROW * index) / height
        red = mutant is not None and mutant.red == index
        if red:
            box = (0.0, top - ROW / height)
            figure.patches.append(plt.Rectangle(box, 1, ROW / height, color=PALE, transform=figure.transFigure))
        relation = f"{RELATIONS[line.relation]} " if line.relation else ""
        number = f"({line.number})" if line.number else ""
        figure.text(0.02, top - 0.12 / height, number, va="top", fontsize=10, color=RED if red else INK)
        formula = _drawable(relation + line.expression.latex)
        changed = mutant is not None and mutant.line == index
        drawn = figure.text(0.14, top - 0.07 / height, formula, va="top", fontsize=14.5,
                            color=RED if changed else INK)  # fmt: skip
        _fit(figure, drawn, 0.84)
        if index:
            words, tone = ("holds", GREEN) if not red else (_values(mutant), RED)
            if mutant is not None and mutant.red is not None and index > mutant.red:
                words, tone = "not reached", INK
            verdict = figure.text(0.14, top - 0.42 / height, words, va="top", fontsize=9.5, color=tone)
            _fit(figure, verdict, 0.84)
    return figure


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
