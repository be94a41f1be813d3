r"""Displayed formulas: each has a number, and stands in the lesson as something that was evaluated or defined."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from course_lib.authoring.rules.base import Book, Finding, calls, code, output_texts, prose, script, stored, stored_code
from course_lib.authoring.rules.maths import formulas, normal, numbered, sides, without_code
from course_lib.authoring.sources import AuthoringError, Lesson, read_notebook

_ANCHOR = re.compile(r"""<a\s+(?:id|name)=["'](eq-\d+-\d+)["']""")
_LINK = re.compile(r"""(?:\]\(|href=["'])([\w./-]*)#(eq-[\w-]+)""")
_MENTION = re.compile(r"\b(?:[Ee]quations?|[Ee]qs?\.|[Ll]ines?)[  ]\(?(\d+\.\d+)\)?")


@dataclass
class Registry:
    """What a lesson has evaluated or defined.

    Attributes:
        numbers: The normal forms known for each number.
        latex: All normal forms, whatever their number.
        anchors: The anchors of the stored outputs and the prose, as often as they stand there.
        announced: Numbers that the code gives to lines of derivations.
    """

    numbers: dict[str, set[str]] = field(default_factory=dict)
    latex: set[str] = field(default_factory=set)
    anchors: list[str] = field(default_factory=list)
    announced: set[str] = field(default_factory=set)

    def add(self, number: str | None, latex: str) -> None:
        """Record a formula."""
        self.latex.add(normal(latex))
        if number:
            self.numbers.setdefault(number, set()).add(normal(latex))


def registry(lesson: Lesson) -> Registry:
    """Read the evaluated formulas of a lesson from its stored outputs, and its definitions from its code."""
    found = Registry()
    for _, cell in stored_code(lesson):
        for output in cell.outputs:
            for number, latex in (output.get("metadata", {}).get("course", {}).get("equations", {})).items():
                found.add(number, latex)
        for text in output_texts(cell, "text/markdown"):
            _read_table(text, found)
            for formula in formulas(text):
                if formula.displayed:
                    for number, latex in numbered(formula):
                        found.add(number, latex)
        for text in output_texts(cell, "text/markdown", "text/html"):
            found.anchors += _ANCHOR.findall(text)
    for _, text in prose(lesson):
        found.anchors += _ANCHOR.findall(text)
    for _, cell in code(lesson):
        for call in (call for name in ("Definition", "Term") for call in calls(cell.source, name)):
            _read_call(call, found)
        for call in calls(cell.source, "line"):
            found.announced |= {
                word.value.value for word in call.keywords if word.arg == "number" and _text(word.value)
            }
    return found


def _text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _read_table(markdown: str, found: Registry) -> None:
    """The rows of a derivation's table, which has a column `formula`; other tables (refuted claims) do not count."""
    column = None
    for line in markdown.split("\n"):
        if not line.lstrip().startswith("|"):
            column = None
            continue
        row = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if column is None:
            column = row.index("formula") if "formula" in row else len(row)
        elif column < len(row):
            anchor = _ANCHOR.search(line)
            number = anchor[1].removeprefix("eq-").replace("-", ".") if anchor else None
            for formula in formulas(row[column]):
                found.add(number, formula.latex)


def _read_call(call: ast.Call, found: Registry) -> None:
    """A literal `Definition(latex, number)` or `Term(latex, function)`."""
    values = [*call.args[:2], *(None,) * (2 - len(call.args[:2]))]
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    latex, number = (
        node.value if node is not None and _text(node) else None
        for node in (named.get("latex", values[0]), named.get("number", values[1]))
    )
    if latex:
        found.add(number, latex)


def displayed_formulas(lesson: Lesson, book: Book) -> Iterator[Finding]:
    r"""A displayed formula has a `\tag{n.m}` of this lesson and equals what the lesson evaluates or defines."""
    known = registry(lesson)
    chapter = str(int(lesson.name[:2]))
    for index, text in prose(lesson):
        for formula in (formula for formula in formulas(text) if formula.displayed):
            for number, latex in numbered(formula):
                short = latex if len(latex) < 60 else latex[:57] + "..."
                if number is None:
                    remedy = rf"give it a \tag{{{chapter}.m}}, or set it in the line with single dollars"
                    yield Finding(script(lesson), index, f"the displayed formula {short} has no number", remedy)
                elif not re.fullmatch(rf"{chapter}\.\d+", number):
                    remedy = f"number it {chapter}.m, after the lesson"
                    yield Finding(script(lesson), index, f"the formula number {number} is of another lesson", remedy)
                elif lesson.stored is not None and not _evaluated(number, latex, known):
                    have = " and ".join(sorted(known.numbers.get(number, {"nothing"})))
                    remedy = "show a Derivation line or Term with this number and LaTeX, or mark it by a Definition"
                    what = f"formula {number}, {short}, is evaluated nowhere (the lesson evaluates {have} as {number})"
                    yield Finding(script(lesson), index, what, remedy)


def _evaluated(number: str, latex: str, known: Registry) -> bool:
    if normal(latex) in known.numbers.get(number, set()):
        return True
    parts = sides(latex)
    return number in known.numbers and all(part in known.latex for part in parts)


def formula_numbers(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """A number is given once; links, and numbers named in the prose, lead to a formula that exists."""
    known = registry(lesson)
    tagged: dict[str, int] = {}
    for index, text in prose(lesson):
        for formula in (formula for formula in formulas(text) if formula.displayed):
            for number, _ in numbered(formula):
                if number in tagged:
                    what = f"formula {number} stands in cell {tagged[number]} already"
                    yield Finding(script(lesson), index, what, "give one of them another number, or link to the first")
                elif number:
                    tagged[number] = index
    for anchor in sorted({anchor for anchor in known.anchors if known.anchors.count(anchor) > 1}):
        number = anchor.removeprefix("eq-").replace("-", ".")
        yield Finding(stored(lesson), None, f"the number {number} is given twice", "number each formula once")
    chapter = str(int(lesson.name[:2]))
    numbers = {*known.numbers, *known.announced, *tagged}
    for index, text in prose(lesson):
        text = without_code(text)
        for number in _MENTION.findall(text):
            if number.split(".")[0] == chapter and number not in numbers:
                yield Finding(script(lesson), index, f"there is no formula {number}", "name a number that exists")
        for target, anchor in _LINK.findall(text):
            if (target or lesson.stored is not None) and anchor not in _anchors(lesson, target, known):
                remedy = "link to the anchor of a derivation's row"
                yield Finding(script(lesson), index, f"the link {target}#{anchor} leads nowhere", remedy)


def _anchors(lesson: Lesson, target: str, known: Registry) -> list[str]:
    if not target:
        return known.anchors
    path = (lesson.ipynb.parent / target).with_suffix(".ipynb")
    if not path.exists():
        return []
    try:
        read_notebook(path)
    except AuthoringError:
        return []
    return registry(Lesson(lesson.root, path.stem)).anchors
