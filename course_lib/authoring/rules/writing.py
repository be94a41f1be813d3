"""Prose that reads the same in every front end, says what it means, and types no measured number."""

import ast
import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course_lib.authoring.rules.base import Book, Finding, calls, code, output_texts, prose, script, stored, stored_code
from course_lib.authoring.rules.maths import formulas, without_code, without_maths
from course_lib.authoring.sources import Lesson

BANNED = ("it can be shown", "it is easy to see", "clearly", "obviously", "trivially")
_DIRECTIVE = re.compile(r"^[ \t]*(?:```+|~~~+|:::+)[ \t]*\{[\w:-]+\}[^\n]*", re.MULTILINE)
_ROLE = re.compile(r"\{[a-z][\w:+-]*\}`[^`\n]+`")
_LABEL = re.compile(r"^\([\w:-]+\)=[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"^%[^\n]*", re.MULTILINE)
_EQUATION = re.compile(
    r"\\tag\{[^}]*\}|\(\d+\.\d+\)|\b(?:[Ee]quations?|[Ll]ines?|[Ff]ormulas?|[Ee]xercises?)\s+\d+\.\d+"
)
_CITES = re.compile(r"\bpublish|\bpapers?\b|\bTable \d|\bet al\b|\breports?\b|\breported\b")
_LINK = re.compile(r"(!?)\[[^\]]*\]\(\s*<?([^)\s>]+)")
_NUMBER = re.compile(r"(?<![\w.,#/-])-?\d+\.\d+(?![\w]|\.\d)")


def portable_markdown(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No MyST directives, roles, labels or comments: they show as raw text on Colab, GitHub and in JupyterLab."""
    for index, text in prose(lesson):
        without_spans = re.sub(r"(?<!\})(`+)[^`\n]+\1", " ", text)
        for kind, pattern, where in (
            ("directive", _DIRECTIVE, text),
            ("role", _ROLE, text),
            ("label", _LABEL, without_spans),
            ("comment", _COMMENT, without_spans),
        ):
            for match in pattern.finditer(where):
                remedy = "write plain Markdown, links and $...$"
                yield Finding(script(lesson), index, f"the MyST {kind} {match[0].strip()!r}", remedy)


def tables(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No maths in HTML tables, which stay raw in the book."""
    texts = [(script(lesson), index, text) for index, text in prose(lesson)]
    for index, cell in stored_code(lesson):
        texts += [(stored(lesson), index, text) for text in output_texts(cell, "text/markdown", "text/html")]
    for where, index, text in texts:
        for table in re.findall(r"<table.*?</table>", text, re.DOTALL | re.IGNORECASE):
            if any(True for _ in formulas(table)):
                yield Finding(where, index, "a formula in an HTML table", "write a Markdown table")


def banned_phrases(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No sentence says that something is clear instead of showing it."""
    for index, text in prose(lesson):
        plain = re.sub(r"\s+", " ", without_maths(text))
        for phrase in BANNED:
            if re.search(rf"\b{phrase}\b", plain, re.IGNORECASE):
                yield Finding(script(lesson), index, f"the phrase {phrase!r}", "show it, or leave the phrase out")


def typed_numbers(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No measured number is typed into Markdown; published numbers, which do not change, may be."""
    if not lesson.results.exists():
        return
    claims = json.loads(lesson.results.read_text(encoding="utf-8")).get("claims", [])
    published = {float(n) for claim in claims for n in _numbers(claim.get("paper"))}
    published |= {float(n) for claim in claims for n in _NUMBER.findall(str(claim.get("rule", "")))}
    measured = {n: claim["id"] for claim in claims for key in ("ours", "baseline") for n in _numbers(claim.get(key))}
    words = [claim.get("unit", "") for claim in claims]
    units = sorted({re.escape(word) for word in words if re.fullmatch(r"[A-Za-z]\w*", word)})
    for index, text in prose(lesson):
        plain = _EQUATION.sub(" ", without_code(text))
        for match in _NUMBER.finditer(plain):
            typed = match[0]
            if float(typed) in published:
                continue
            name = _measured(typed, measured)
            unit = units and re.match(rf"\$?[\s\\,~]*(?:{'|'.join(units)})\b", plain[match.end() :])
            if name or (unit and not _CITES.search(_sentence(plain, match))):
                what = f"the number {typed} is typed" + (f"; it is measured by the claim {name}" if name else "")
                remedy = f'let a cell say it: lesson.say("{name or "..."}")'
                yield Finding(script(lesson), index, what, remedy)


def known_claims(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Cells say claims that the results file holds, and the cost of the lesson comes from a measurement."""
    if not any(True for _, cell in code(lesson) for _ in calls(cell.source, "cost_box")):
        remedy = "call lesson.cost_box() near the top, so that nobody types seconds by hand"
        yield Finding(script(lesson), None, "no cell shows what the lesson costs", remedy)
    if not lesson.results.exists():
        return
    known = {claim["id"] for claim in json.loads(lesson.results.read_text(encoding="utf-8")).get("claims", [])}
    for index, cell in code(lesson):
        for call in (call for name in ("say", "band") for call in calls(cell.source, name)):
            name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.75)
            if name is not None and name not in known and near:  # one unlike all others is not measured yet
                remedy = f"did you mean {near[0]}?"
                yield Finding(script(lesson), index, f"the claim {name!r} is not in {lesson.results.name}", remedy)


def links(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Links and images inside the project lead to files that exist; images are not fetched from other hosts."""
    for index, text in prose(lesson):
        for mark, target in _LINK.findall(without_code(text)):
            if re.match(r"(?:https?:|mailto:|#|data:|attachment:)", target):
                if mark and target.startswith("http"):
                    remedy = "draw it in a cell or keep it beside the lesson"
                    yield Finding(script(lesson), index, f"the image {target} is fetched from another host", remedy)
            elif not any(path.exists() for path in _places(lesson.py.parent / target.split("#")[0])):
                remedy = "link to a file of the project, from the folder notebooks/"
                yield Finding(script(lesson), index, f"the link {target} leads nowhere", remedy)


def _sentence(text: str, match: re.Match[str]) -> str:
    """The sentence in which a match stands."""
    ends = [end.end() for end in re.finditer(r"[.!?](?=\s|$)|\n\s*\n", text)]
    begin = max((end for end in ends if end <= match.start()), default=0)
    return text[begin : min((end for end in ends if end >= match.end()), default=len(text))]


def _places(target: Path) -> list[Path]:
    """The file itself, or the script from which `make notebooks` will write it."""
    return [target, target.with_suffix(".py")] if target.suffix == ".ipynb" else [target]


def _numbers(value: Any) -> Iterator[float]:
    """The measured fractions in a part of a claim: no counts, seeds or costs."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("seeds", "seconds", "peak_mb"):
                yield from _numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, float):
        yield value


def _measured(typed: str, measured: dict[float, str]) -> str | None:
    """The claim that a typed number repeats: equal to its digits, of which there are three at least."""
    digits = typed.lstrip("-").replace(".", "").lstrip("0")
    if len(digits) < 3:
        return None
    places = len(typed.split(".")[1])
    return next((name for value, name in measured.items() if f"{abs(value):.{places}f}" == typed.lstrip("-")), None)
