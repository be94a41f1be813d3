"""The frame of a lesson: header, set-up cell, parameters, sections."""

import ast
import itertools
import re
from collections.abc import Iterator

from course_lib.authoring.address import expected_colab_link
from course_lib.authoring.rules.base import Book, Finding, code, parse, prose, script, stored, stored_code
from course_lib.authoring.rules.maths import without_code
from course_lib.authoring.sources import ADDRESS_LINE, Lesson, find_lessons, tags, without_address

PARAMETERS = {"profile": "str", "seed": "int", "data_root": "str", "out_dir": "str"}
SECTIONS = (
    "Set-up",
    "Look first",
    "Derive",
    "From formula to code",
    "The model",
    "Predict, then train",
    "Look again",
    "Measure",
    "Exercises",
    "Remember",
)
FIRST_LESSON_SECTIONS = ("Set-up", "Derive", "Exercises", "Remember")


def header(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """The header names the kernel and the pair, keeps cell metadata, and names prerequisites that exist."""
    where, metadata = script(lesson), lesson.source.metadata
    if metadata.get("kernelspec", {}).get("name") != "python3":
        remedy = "add kernelspec with `name: python3`, or papermill cannot run the lesson"
        yield Finding(where, None, "the header names no kernel python3", remedy)
    settings = metadata.get("jupytext", {})
    if "-all" in str(settings.get("cell_metadata_filter", "")):
        yield Finding(where, None, "cell_metadata_filter: -all drops the tags of all cells", "delete that line")
    if settings.get("formats") != "ipynb,py:percent":
        remedy = "write `formats: ipynb,py:percent` under jupytext"
        yield Finding(where, None, "the header does not pair .ipynb and .py", remedy)
    requires = (metadata.get("course") or {}).get("requires")
    numbers = [other.name[:2] for other in find_lessons(lesson.root)]
    if not isinstance(requires, list):
        yield Finding(where, None, "the header names no prerequisites", 'add `course: {requires: ["00"]}`, or `[]`')
    else:
        for name in requires:
            if name not in numbers or name >= lesson.name[:2]:
                remedy = f"name earlier lessons by number in quotes, of {', '.join(numbers)}"
                yield Finding(where, None, f"the prerequisite {name!r} is no earlier lesson", remedy)


def setup_cell(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """The first code cell is the course's set-up cell, with the repository's address of `_config.yml`."""
    for where, cells in ((script(lesson), code(lesson)), (stored(lesson), stored_code(lesson))):
        found = [(index, cell) for index, cell in cells if ADDRESS_LINE.search(cell.source)]
        if where == stored(lesson) and lesson.stored is None:
            continue
        if len(found) != 1:
            yield Finding(where, None, f"{len(found)} set-up cells, not one", "copy SETUP_CELL of setup_cell.py")
            continue
        (index, cell), first = found[0], next(code(lesson))[0]
        if index != first:
            yield Finding(where, index, "the set-up cell is not the first code cell", "move it up")
        if without_address(cell.source).strip() != without_address(book.setup_cell).strip():
            remedy = "copy SETUP_CELL of course_lib/teaching/setup_cell.py"
            yield Finding(where, index, "the set-up cell differs from the course's", remedy)
        if ADDRESS_LINE.search(cell.source)[0] != f'REPOSITORY = "{book.address}"':
            remedy = f"run `make address URL={book.address or '...'}`"
            yield Finding(where, index, "the repository's address differs from _config.yml", remedy)


def colab_link(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Where the repository is on GitHub, the promise ends with a text link to Colab; else none stands there."""
    expected = expected_colab_link(lesson.root, lesson.name)
    first = next((text for _, text in prose(lesson)), "")
    found = re.findall(r"\[[^\]]*\]\(https://colab\.research\.google\.com/[^)]*\)", first)
    if found != ([expected] if expected else []):
        remedy = f"run `make address URL={book.address or '...'}`, which writes it"
        yield Finding(script(lesson), 0, "the link to Colab is not that of _config.yml", remedy)


def parameters(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Exactly one cell is tagged `parameters`; it types and explains profile, seed, data_root and out_dir."""
    where = script(lesson)
    cells = [(index, cell) for index, cell in code(lesson) if "parameters" in tags(cell)]
    if len(cells) != 1:
        yield Finding(where, None, f"{len(cells)} cells are tagged `parameters`, not one", "tag exactly one code cell")
        return
    index, cell = cells[0]
    lines = cell.source.split("\n")
    found = {}
    for node in parse(cell.source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = ast.unparse(node.annotation)
            if "#" not in lines[node.end_lineno - 1][node.end_col_offset :]:
                remedy = "end the line with `# ...`; papermill --help-notebook shows it"
                yield Finding(where, index, f"the parameter {node.target.id} has no help comment", remedy)
        elif isinstance(node, ast.Assign):
            yield Finding(where, index, f"{ast.unparse(node.targets[0])} has no type", "write `name: type = value`")
    if found != PARAMETERS:
        wanted = ", ".join(f"{name}: {kind}" for name, kind in PARAMETERS.items())
        have = ", ".join(f"{name}: {kind}" for name, kind in found.items()) or "none"
        yield Finding(where, index, f"the parameters are {have}", f"declare {wanted}")
    if 'os.environ.get("COURSE_PROFILE", "quick")' not in cell.source:
        remedy = 'write os.environ.get("COURSE_PROFILE", "quick")'
        yield Finding(where, index, "profile does not follow COURSE_PROFILE with quick as its default", remedy)


def sections(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """The sections of a lesson's anatomy are there, in order; lesson 00 needs only some."""
    where = script(lesson)
    if not re.match(r"# \S", lesson.source.cells[0].source if lesson.source.cells else ""):
        yield Finding(where, 0, "the lesson does not begin with its title", "begin the first cell with `# Title`")
    wanted = FIRST_LESSON_SECTIONS if lesson.name.startswith("00_") else SECTIONS
    headings = [(i, title) for i, text in prose(lesson) for title in re.findall(r"^## (.+)$", without_code(text), re.M)]
    order = [(index, SECTIONS.index(name), name) for index, title in headings if (name := section_of(title))]
    for name in wanted:
        if name not in [found for _, _, found in order]:
            yield Finding(where, None, f"the section {name!r} is missing", f"add a heading that begins `## {name}`")
    for (_, before, name), (index, after, late) in itertools.pairwise(order):
        if after < before:
            remedy = f"keep the order {', '.join(SECTIONS)}"
            yield Finding(where, index, f"the section {late!r} stands after {name!r}", remedy)


def section_of(title: str) -> str | None:
    """The section of the anatomy that a heading opens, or None; a number before it and more after it are allowed."""
    plain = re.sub(r"^\d+[.)]?\s*", "", title).strip().lower().replace("setup", "set-up").replace("set up", "set-up")
    return next((name for name in SECTIONS if plain.startswith(name.lower())), None)


def refused_tags(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No cell is skipped and none is allowed to raise."""
    reasons = {
        "nbval-skip": "it skips the execution, so later cells fail: tag it `nbval-ignore-output`",
        "raises-exception": "papermill then ends with an error: catch the exception in the cell and print it",
        "nbval-raises-exception": "papermill then ends with an error: catch the exception in the cell and print it",
        "skip-execution": "every cell of a lesson runs: remove the tag",
    }
    for index, cell in enumerate(lesson.source.cells):
        for tag in tags(cell):
            if tag in reasons:
                yield Finding(script(lesson), index, f"the tag {tag}", reasons[tag])
