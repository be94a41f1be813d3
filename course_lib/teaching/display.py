"""Show Markdown and HTML in a notebook, or as plain text where there is none."""

import inspect
import os
import sys
import textwrap
from typing import Any

from course_lib.training.progress import LIVE_FRONT_ENDS, in_kernel


def is_live_front_end() -> bool:
    """Whether somebody sits before this kernel: Jupyter Server, Colab or VS Code, not papermill or nbval."""
    return in_kernel() and any(name in os.environ for name in LIVE_FRONT_ENDS)


class MarkdownText:
    """Markdown that a front end renders; its `str` is the text itself."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def show(thing: Any) -> None:
    """Display an object with rich representations; print it outside IPython."""
    if "IPython" in sys.modules:
        from IPython import get_ipython
        from IPython.display import display

        if get_ipython() is not None:
            display(thing)
            return
    print(thing)


def show_markdown(text: str) -> None:
    """Display Markdown."""
    show(MarkdownText(text))


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; bars in plain cells are escaped, so that they cannot break it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "&#124;") for cell in line) + " |" for line in lines)


def show_code(thing: Any) -> None:
    """Display the source of a function, method or class as it is in the library."""
    show_markdown(f"```python\n{textwrap.dedent(inspect.getsource(thing)).rstrip()}\n```")
