"""Formulas as matplotlib draws them: its dialect of LaTeX, and how much room a formula takes."""

import functools
import re
from dataclasses import dataclass, replace

import matplotlib
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser

FORMULA = 14.5  # points
SPELLINGS = {"tfrac": "frac", "dfrac": "frac", "ge": "geq", "le": "leq", "to": "rightarrow", "lVert": "Vert"}


def mathtext(latex: str) -> str:
    """LaTeX in the dialect that matplotlib draws; formulas it cannot draw are left for `drawable` to find."""
    text = latex
    for command, spelling in SPELLINGS.items():
        text = re.sub(rf"\\{command}(?![A-Za-z])", rf"\\{spelling}", text)
    text = re.sub(r"\\(text|textrm|operatorname)\s*\{", r"\\mathrm{", text)
    text = re.sub(r"\\(big|Big|bigg|Bigg)[lr]?\b\s*", "", text)
    text = re.sub(r"(\\sum_(?:\{[^{}]*\}|\w))(?!\^)", r"\1\\,", text)  # or the summand touches the sign
    return f"${text}$"


@functools.cache
def drawable(latex: str) -> str:
    """The formula for mathtext, or its source as plain text where mathtext does not know a command."""
    try:
        MathTextParser("path").parse(mathtext(latex))
    except ValueError:
        return latex.replace("$", "")
    return mathtext(latex)


@dataclass(frozen=True)
class Size:
    """Room that a formula takes, in inches.

    Attributes:
        width: From left to right.
        ascent: Above the baseline.
        descent: Below it.
        scale: Share of the full type size.
    """

    width: float
    ascent: float
    descent: float
    scale: float = 1.0

    @property
    def height(self) -> float:
        """Ascent and descent together."""
        return self.ascent + self.descent

    def shrunk(self, room: float) -> "Size":
        """The same formula in smaller type, if it is wider than `room` inches; never below 6 points."""
        factor = max(6.0 / FORMULA, min(1.0, room / self.width)) if self.width > 0 else 1.0
        parts = {name: factor * getattr(self, name) for name in ("width", "ascent", "descent")}
        return replace(self, scale=factor * self.scale, **parts)


@functools.cache
def size(latex: str) -> Size:
    """Room of a formula at full size; one that cannot be drawn counts as narrow, and as tall as a line of text."""
    text = drawable(latex)
    line = Size(0.0, 0.15, 0.05)
    if not text.startswith("$"):
        return line
    with matplotlib.rc_context({"mathtext.fontset": "stix"}):
        parsed = MathTextParser("path").parse(text, dpi=72, prop=FontProperties(size=FORMULA))
    width, height, depth = (value / 72 for value in parsed[:3])
    return Size(width, max(line.ascent, height - depth), max(line.descent, depth))
