"""A small course in a temporary folder: one lesson that obeys every rule, to be spoilt one rule at a time."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from nbformat.v4 import new_output

from course_lib.authoring.notebooks import PROFILE
from course_lib.authoring.sources import Lesson, notebook_text

HERE = Path(__file__).parent
MATERIAL = HERE / "material"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass
class Course:
    """A checkout with one lesson; `spoil` edits a file by one replacement that must match."""

    root: Path
    name: str = "01_good"

    @property
    def lesson(self) -> Lesson:
        return Lesson(self.root, self.name)

    def spoil(self, old: str, new: str, path: str | None = None, *, store: bool = True) -> None:
        file = self.root / (path or f"notebooks/{self.name}.py")
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        file.write_text(text.replace(old, new), encoding="utf-8")
        if store:
            self.store()

    def store(self, **outputs) -> None:
        """Write the notebook with outputs made up by what the cells say, without running them."""
        lesson = self.lesson
        notebook = lesson.source
        count = 0
        for cell in notebook.cells:
            if cell.cell_type != "code":
                continue
            count += 1
            cell.execution_count = count
            cell.outputs = [output for mark, made in PRETENDED.items() if mark in cell.source for output in made()]
        notebook.metadata["course"]["stored"] = {"profile": PROFILE, "inputs": "0"}
        lesson.ipynb.write_text(notebook_text(notebook), encoding="utf-8")


def _markdown(text):
    return [new_output("display_data", data={"text/markdown": text, "text/plain": "<Markdown>"})]


TABLE = """**A derivation**

| no. | relation | formula | because | checked |
| --- | --- | --- | --- | --- |
| <a id="eq-1-1"></a>(1.1) |  | $\\log p(x)$ |  | start |
| <a id="eq-1-2"></a>(1.2) | $=$ | $\\log p(x) - \\log q(x)$ | linearity | holds on 20 draws |

| refuted | a-claim |
| --- | --- |
| the claim | $\\log q(x)$ |
"""
PRETENDED = {
    "print(": lambda: [new_output("stream", name="stdout", text="done\n")],
    ".show(": lambda: _markdown(TABLE),
    "check(": lambda: _markdown("passed"),
    "hint(": lambda: _markdown("a nudge"),
    ".say(": lambda: _markdown("measured"),
    "plots.": lambda: [new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Figure>"})],
    "Player(": lambda: [new_output("display_data", data={"text/html": '<img alt="frames" src="data:,">'})],
}


@pytest.fixture
def course(tmp_path) -> Course:
    """The good course, copied afresh."""
    root = tmp_path / "checkout"
    shutil.copytree(MATERIAL, root)
    (root / "notebooks" / "01_good.py.txt").rename(root / "notebooks" / "01_good.py")
    made = Course(root)
    made.store()
    return made
