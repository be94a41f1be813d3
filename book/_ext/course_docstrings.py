"""Sphinx extension: make the library's docstrings and signatures readable in the book.

Docstrings are written for people who read source: formulas between dollar signs, code between single backticks, now and
then a Markdown table. reStructuredText knows none of them, so they are translated before Napoleon sees them. Signatures
keep the shapes of tensors as quoted strings, `Float[Tensor, "b z"]`.
"""

import re

FORMULA = re.compile(r"(?<![\\\w$])\$(?!\s)([^$\n]+(?:\n[^$\n]+)?)(?<!\s)\$(?!\d)")
CODE = re.compile(
    r"(:\w+:`[^`]*`|``[^`]*``|`[^`\n]+`_)|`([^`\n]+)`"
)  # roles, literals and links stay
SHAPED = re.compile(
    r"(?:jaxtyping\.)?(Float|Int|Bool|UInt8|Shaped|Num|Integer)\[(?:torch\.)?Tensor, ?\"?'?([^\]\"']*)'?\"?\]"
)


def shaped(text: str) -> str:
    """An annotation with its shape between quotes: `Float[Tensor, "b z"]`."""
    return SHAPED.sub(lambda match: f'{match[1]}[Tensor, "{match[2].strip()}"]', text)


def _role(match: re.Match) -> str:
    """A formula as a role; letters that follow at once are parted from it by an escaped space, which is not shown."""
    after = match.string[match.end() : match.end() + 1]
    return ":math:`" + " ".join(match[1].split()) + "`" + ("\\ " if after.isalnum() else "")


def translate(lines: list[str]) -> list[str]:
    """Markdown habits of a docstring as reStructuredText; indented and doctest blocks are left alone."""
    text = "\n".join(lines)
    text = FORMULA.sub(_role, text)
    out: list[str] = []
    in_table = fenced = False
    for line in text.split("\n"):
        stripped = line.strip()
        indent = line[: len(line) - len(line.lstrip())]
        if stripped.startswith("```"):
            fenced = not fenced
            out += ["", f"{indent}.. code-block:: text", ""] if fenced else [""]
            continue
        is_table = stripped.startswith("|") and stripped.endswith("|") and len(stripped) > 1
        if is_table and not in_table:
            out += ["", f"{indent}.. code-block:: text", ""]
        if in_table and not is_table:
            out.append("")
        in_table = is_table
        if is_table or fenced:
            out.append("    " + line)
        elif stripped.startswith(">>>"):
            out.append(line)
        else:
            out.append(CODE.sub(lambda match: match[1] or f"``{match[2]}``", line))
    return out


def _on_docstring(app, what, name, obj, options, lines) -> None:
    lines[:] = translate(lines)


def _on_member(app, what, name, obj, skip, options) -> None:
    if what in ("function", "method"):
        obj.args = shaped(obj.args)
        if obj.return_annotation:
            obj.return_annotation = shaped(obj.return_annotation)
    elif what in ("attribute", "data", "property") and isinstance(obj.obj.get("annotation"), str):
        obj.obj["annotation"] = shaped(obj.obj["annotation"])
    return None


def setup(app) -> dict:
    """Connect before Napoleon (500), which parses the sections."""
    app.connect("autodoc-process-docstring", _on_docstring, priority=400)
    app.connect("autoapi-skip-member", _on_member)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
