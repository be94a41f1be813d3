"""Markdown tables that survive every front end."""


def cell(text: object) -> str:
    """A text as one table cell: on one line and without a raw bar, which would end the cell."""
    return " ".join(str(text).split()).replace("|", "&#124;")


def number(value: float | int | None) -> str:
    """A number with four significant digits and a true minus sign; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A pipe table.

    Raises:
        ValueError: A row has another length than the head, or a cell holds a raw bar.
    """
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"the row {row} has {len(row)} cells, the head has {len(head)}")
        if any("|" in text for text in row):
            raise ValueError(f"a raw bar would break the table row {row}: write \\mid, \\Vert or &#124;")
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
