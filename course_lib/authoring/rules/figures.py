"""Figures: alt text, and a sentence before each that says what it shows."""

import base64
import io
import re
from collections.abc import Iterator

from course_lib.authoring.rules.base import Book, Finding, code, is_checked, output_texts, script, stored, stored_code
from course_lib.authoring.sources import Lesson

_IMAGE_TAG = re.compile(r"<img\b[^>]*>", re.IGNORECASE | re.DOTALL)
_ALT = re.compile(r"""\balt\s*=\s*(?:"[^"]*\w[^"]*"|'[^']*\w[^']*')""", re.IGNORECASE)
_SENTENCE = re.compile(r"\w+(?:\W+\w+){2,}[^\w\n]*[.:!?]")


def _figure_cells(lesson: Lesson) -> set[int]:
    """Indices of the cells that show a figure: those with a stored image, and those that call `plt.show`."""
    found = {index for index, cell in code(lesson) if re.search(r"^\s*plt\.show\(", cell.source, re.MULTILINE)}
    for index, cell in stored_code(lesson):
        if any(kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {})):
            found.add(index)
    return found


def alt_text(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """A cell that shows a figure carries alt text in its metadata; an `<img>` in its HTML carries its own."""
    for index in sorted(_figure_cells(lesson)):
        metadata = lesson.source.cells[index].metadata if index < len(lesson.source.cells) else {}
        alt = ((metadata.get("mystnb") or {}).get("image") or {}).get("alt") or ""
        if not alt.strip():
            remedy = 'add mystnb={"image": {"alt": "..."}} to the cell, saying what the figure shows'
            yield Finding(script(lesson), index, "a figure without alt text", remedy)
    for index, cell in stored_code(lesson):
        for text in output_texts(cell, "text/html", "text/markdown"):
            for tag in _IMAGE_TAG.findall(text):
                if not _ALT.search(tag) and 'aria-hidden="true"' not in tag:
                    remedy = "give the player or image its alt="
                    yield Finding(stored(lesson), index, "an <img> without alt text", remedy)
    for index, cell in enumerate(lesson.source.cells):
        if cell.cell_type == "markdown" and re.search(r"!\[\s*\]\(", cell.source):
            yield Finding(script(lesson), index, "a Markdown image without alt text", "write ![what it shows](...)")


def drawn_figures(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """No stored figure is a frame with nothing in it: white but for a little black, and without any colour."""
    for index, cell in stored_code(lesson):
        for output in cell.outputs:
            if (data := output.get("data", {}).get("image/png")) and _is_empty("".join(data)):
                remedy = "draw nothing where there is nothing to draw, and run `make notebooks`"
                yield Finding(stored(lesson), index, "a figure whose axes are empty", remedy)


def _is_empty(data: str) -> bool:
    import numpy as np
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
    coloured = (pixels.max(-1) - pixels.min(-1) > 40).any()
    return not coloured and bool((pixels.min(-1) < 200).mean() < 0.08)


def sentence_before(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """The cell before a figure is prose with a sentence that says what it shows."""
    cells = lesson.source.cells
    for index in sorted(_figure_cells(lesson)):
        before = cells[index - 1] if 0 < index < len(cells) + 1 else None
        prose_ = before is not None and before.cell_type == "markdown"
        lines = [line for line in before.source.split("\n") if not line.startswith("#")] if prose_ else []
        if not _SENTENCE.search("\n".join(lines)):
            remedy = "put a Markdown cell with a sentence that says what the figure shows before it"
            yield Finding(script(lesson), index, "a figure that no sentence announces", remedy)


def tagged_figures(lesson: Lesson, book: Book) -> Iterator[Finding]:
    """Cells that train or plot are left out of nbval's comparison."""
    trains = re.compile(r"\.steps\(|\.backward\(|\bPlayer\(|%%?time")
    figures = _figure_cells(lesson)
    for index, cell in code(lesson):
        if is_checked(cell) and (index in figures or trains.search(_without_definitions(cell.source))):
            remedy = "tag it `nbval-ignore-output`"
            yield Finding(script(lesson), index, "a cell that trains or plots is compared by nbval", remedy)


def _without_definitions(source: str) -> str:
    """The lines of a cell that run when it does: bodies of functions and comments are left out."""
    kept, inside = [], False
    for line in source.split("\n"):
        if re.match(r"(?:async )?def |class ", line):
            inside = True
        elif line and not line[0].isspace() and line[0] not in ")#":
            inside = False
        if not inside:
            kept.append(line.split("#")[0])
    return "\n".join(kept)
