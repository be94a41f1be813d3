"""Symbols: a lesson declares those it uses, and the notation page explains each."""

import re
from collections import Counter
from collections.abc import Iterator

from course_lib.authoring.rules.base import Book, Finding, output_texts, prose, script, stored_code
from course_lib.authoring.rules.maths import formulas, tokens
from course_lib.authoring.sources import Lesson

_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "varpi", "rho", "varrho", "sigma", "varsigma", "tau", "upsilon", "phi"),
    *("varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi"),
    *("Psi", "Omega", "ell"),
)
_UPRIGHT = re.compile(r"\\(?:mathrm|text|textrm|textbf|operatorname\*?|mathsf|tag|begin|end)\s*\{[^{}]*\}")
_STYLED = re.compile(r"\\(mathcal|mathbb|mathbf|boldsymbol|mathfrak)\s*\{?\s*(\\?[A-Za-z]+)\s*\}?")
_SCRIPT = re.compile(r"[_^]\s*(?:\{((?:[^{}]|\{[^{}]*\})*)\}|(\\[A-Za-z]+|.))")


def atoms(latex: str) -> set[str]:
    r"""The symbols of a formula: Greek letters, letters in a special style such as `\mathcal{L}`, single Latin letters.

    Names set upright, Latin letters in indices and exponents, and the numbers e and 2 pi do not count.
    """
    latex = _UPRIGHT.sub(" ", latex).replace(r"2\pi", "2")
    found = {rf"\{style}{{{letter}}}" for style, letter in _STYLED.findall(latex)}
    latex = _STYLED.sub(" ", latex)
    for script_ in _SCRIPT.finditer(latex):
        found |= {token for token in tokens(script_[1] or script_[2]) if token.removeprefix("\\") in _GREEK}
    latex = _SCRIPT.sub(" ", latex)
    for token in tokens(latex):
        if token.removeprefix("\\") in _GREEK or (len(token) == 1 and token.isascii() and token.isalpha()):
            found.add(token)
    return found - {"e"}


def symbols(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Declared symbols exist in book/notation.yml and are used; displayed formulas use declared symbols only."""
    where = script(lesson)
    declared = (lesson.source.metadata.get("course") or {}).get("symbols")
    if not isinstance(declared, list):
        yield Finding(where, None, "the header declares no symbols", "add `course: {symbols: [...]}` under `jupyter:`")
        return
    known = {entry["id"]: entry["latex"] for entry in book.symbols}
    for name, count in Counter(str(name) for name in declared).items():
        if count > 1:
            yield Finding(where, None, f"the symbol {name} is declared twice", "declare it once")
        if name not in known:
            yield Finding(where, None, f"the symbol {name} is not in book/notation.yml", "add it there")
    allowed = set().union(*(atoms(known[name]) for name in declared if name in known))
    everything: set[str] = set()
    text = ""
    for index, latex, displayed in _maths(lesson):
        everything |= atoms(latex)
        text += latex
        undeclared = sorted(atoms(latex) - allowed) if displayed else []
        if undeclared:
            what = f"the formula {latex[:60]} uses {', '.join(undeclared)}, which no declared symbol holds"
            yield Finding(where, index, what, "add its id of book/notation.yml to `course: symbols` in the header")
            allowed |= set(undeclared)
    for name in declared if lesson.stored is not None else ():  # the formulas of derivations stand in the outputs
        if name in known and not _is_used(known[name], everything, text):
            yield Finding(where, None, f"the symbol {name} is declared but stands in no formula", "take it out")


def _maths(lesson: Lesson) -> Iterator[tuple[int, str, bool]]:
    for index, text in prose(lesson):
        for formula in formulas(text):
            yield index, formula.latex, formula.displayed
    for index, cell in stored_code(lesson):
        for text in output_texts(cell, "text/markdown"):
            for line in text.split("\n"):
                in_table = line.lstrip().startswith("|")
                for formula in formulas(line.replace(" | ", "\n") if in_table else line):
                    yield index, formula.latex, in_table or formula.displayed


def _is_used(latex: str, used: set[str], text: str) -> bool:
    wanted = atoms(latex)
    return wanted <= used if wanted else all(name in text for name in re.findall(r"\\\w+\{(\w+)\}", latex))


def doubled_symbols(book: Book) -> Iterator[Finding]:
    """No id and no LaTeX stands twice in the notation."""
    for key in ("id", "latex"):
        for value, count in Counter(entry[key] for entry in book.symbols).items():
            if count > 1:
                yield Finding("book/notation.yml", None, f"the {key} {value} stands {count} times", "keep one entry")
