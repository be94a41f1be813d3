"""Reading the maths of Markdown: where it stands, what it says, and bars that destroy tables."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from course_lib.authoring.rules.base import Book, Finding, output_texts, prose, script, stored, stored_code
from course_lib.authoring.sources import Lesson

_CODE = re.compile(r"^(```+|~~~+).*?^\1[^\n]*$|(`+)(?!`).*?(?<!`)\2(?!`)", re.MULTILINE | re.DOTALL)
_MATHS = re.compile(
    r"(?<!\\)\$\$(?P<display>.+?)(?<!\\)\$\$"
    r"|\\begin\{(?P<name>align|equation|gather|multline|eqnarray)(?P<star>\*?)\}(?P<body>.+?)\\end\{(?P=name)(?P=star)\}"
    r"|(?<![\\$\w])\$(?P<inline>[^\s$](?:[^$\n]*?[^\s\\$])?)\$(?![\d$])",
    re.DOTALL,
)
_TAG = re.compile(r"\\tag\{([^{}]*)\}")
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\S")
_SPACING = {*("\\" + mark for mark in ",;:!> "), "\\quad", "\\qquad", "\\displaystyle", "\\notag", "&", "~"}
_RELATIONS = {"=", "\\ge", "\\geq", "\\le", "\\leq", "\\to", "\\rightarrow"}


@dataclass(frozen=True)
class Formula:
    """A piece of maths in a Markdown text.

    Attributes:
        latex: What stands between the delimiters.
        kind: `inline`, `display`, or the name of the environment with its star.
    """

    latex: str
    kind: str

    @property
    def displayed(self) -> bool:
        """Whether it stands on a line of its own."""
        return self.kind != "inline"


def without_code(markdown: str) -> str:
    """Markdown with code spans and fenced blocks blanked out."""
    return _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), markdown)


def formulas(markdown: str) -> Iterator[Formula]:
    """The maths of a Markdown text, in order."""
    for match in _MATHS.finditer(without_code(markdown)):
        if match["display"] is not None:
            yield Formula(match["display"].strip(), "display")
        elif match["inline"] is not None:
            yield Formula(match["inline"].strip(), "inline")
        else:
            yield Formula(match["body"].strip(), match["name"] + match["star"])


def without_maths(markdown: str) -> str:
    """Markdown without its maths and code: the prose alone."""
    return _MATHS.sub(" ", without_code(markdown))


def numbered(formula: Formula) -> Iterator[tuple[str | None, str]]:
    """The numbered formulas of a display as (number, LaTeX); rows without a number belong to the next that has one."""
    rows = re.split(r"\\\\(?:\[[^\]]*\])?", formula.latex) if formula.kind != "display" else [formula.latex]
    pending = ""
    for row in rows:
        tag = _TAG.search(row)
        pending += _TAG.sub("", row)
        if tag:
            yield tag[1], pending.strip()
            pending = ""
    if pending.strip():
        yield None, pending.strip()


def tokens(latex: str) -> list[str]:
    """The tokens of a formula: commands and single characters, without white space, spacing and alignment."""
    return [token for token in _TOKEN.findall(latex) if token not in _SPACING]


def _joined(parts: list[str]) -> str:
    return "".join(part + " " if part[0] == "\\" and part[-1].isalpha() else part for part in parts).strip()


def normal(latex: str) -> str:
    """LaTeX with white space aside, without a relation in front and punctuation behind."""
    found = tokens(latex)
    if found[:2] == [":", "="]:
        found = found[2:]
    elif found and found[0] in _RELATIONS:
        found = found[1:]
    while found and found[-1] in ".,;":
        found.pop()
    return _joined(found)


def sides(latex: str) -> list[str]:
    """A chain of formulas cut at its relations outside all brackets, each side in normal form."""
    cut, depth = [[]], 0
    for token in tokens(latex):
        depth += (token in "{([") - (token in "})]")
        if depth == 0 and token in _RELATIONS:
            cut.append([])
        else:
            cut[-1].append(token)
    return [side for side in (normal(_joined(part)) for part in cut) if side]


def raw_bars(lesson: Lesson, book: Book) -> Iterator[Finding]:
    r"""No `|` or `\|` within maths, in cells or stored outputs: bars cut Markdown tables in every front end."""
    texts = [(script(lesson), index, text) for index, text in prose(lesson)]
    for index, cell in stored_code(lesson):
        texts += [(stored(lesson), index, text) for text in output_texts(cell, "text/markdown")]
    for where, index, text in texts:
        for formula in formulas(_unescaped(text)):
            if "|" in formula.latex:
                yield Finding(where, index, f"a raw bar in ${formula.latex}$", r"write \mid or \Vert")


def _unescaped(markdown: str) -> str:
    """Take the bars that separate the cells of a Markdown table for line ends, so that they are in no formula."""
    lines = []
    for line in markdown.split("\n"):
        if line.lstrip().startswith("|"):
            inner = line.strip().strip("|")
            # A bar with white space on both sides and an even number of dollars before it ends a table cell.
            line = re.sub(r" \| ", lambda m: "\n" if m.string[: m.start()].count("$") % 2 == 0 else " | ", inner)
        lines.append(line)
    return "\n".join(lines)


def plain_environments(lesson: Lesson, book: Book) -> Iterator[Finding]:
    r"""Several lines stand in a bare `align*`; other environments get a second number, `\\` in `$$` refuses a tag."""
    for index, text in prose(lesson):
        for formula in formulas(text):
            if formula.kind not in ("inline", "display", "align*"):
                remedy = r"write \begin{align*} ... \tag{1.2} ... \end{align*}"
                yield Finding(script(lesson), index, f"the environment {formula.kind}", remedy)
            if formula.kind == "display" and "\\\\" in formula.latex and "\\tag" in formula.latex:
                inner = re.sub(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", "", formula.latex, flags=re.DOTALL)
                if "\\\\" in inner:
                    yield Finding(script(lesson), index, "a tag in $$ with several lines", "use a bare align*")
