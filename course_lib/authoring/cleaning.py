"""Take out of an executed notebook everything that differs between two equal runs."""

import re

from nbformat import NotebookNode

from course_lib.authoring.sources import AuthoringError, tags

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
INJECTED = "injected-parameters"
PACE = re.compile(r"[ \t]+[\d.e+-]+ (?:µs|us|ms|s) a step, \d+ \w+ left$", re.MULTILINE)  # of a run's progress lines


def clean(notebook: NotebookNode) -> NotebookNode:
    """Strip papermill's cells and time stamps, widget state and paces, in place; number the cells from one.

    Standard error holds progress and warnings with paths of one machine, so none of it is stored.
    """
    notebook.cells = [cell for cell in notebook.cells if INJECTED not in tags(cell)]
    for name in ("papermill", "widgets"):
        notebook.metadata.pop(name, None)
    count = 0
    for cell in notebook.cells:
        for name in ("papermill", "execution", "collapsed", "scrolled"):
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count if cell.source.strip() else None
            cell.outputs = [_renumbered(output, count) for output in _merged(cell.outputs)]
    return notebook


def _merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    kept: list[NotebookNode] = []
    for output in outputs:
        if output.output_type == "stream":
            output.text = PACE.sub("", output.text)
            if output.name == "stderr" or not output.text:
                continue
            if kept and kept[-1].output_type == "stream" and kept[-1].name == output.name:
                kept[-1].text += output.text
                continue
        if output.output_type in ("display_data", "execute_result"):
            if WIDGET_VIEW in output.data:
                continue
            output.get("transient", {}).clear()
            output.pop("transient", None)
        kept.append(output)
    return kept


def _renumbered(output: NotebookNode, count: int) -> NotebookNode:
    if output.output_type == "execute_result":
        output.execution_count = count
    return output


def refuse_errors(notebook: NotebookNode, name: str) -> None:
    """Refuse a notebook that stores an error.

    Raises:
        AuthoringError: A cell raised.
    """
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                what = f"{output.ename}: {output.evalue}"
                raise AuthoringError(f"{name}: cell {index} raised {what}; nothing was stored.")
