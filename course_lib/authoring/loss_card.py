"""The loss card: one page that says for each loss its sign, its sum and its inputs.

What a reader must know is written in book/loss_card.yml; names, arguments and shapes are read from the source of
`course_lib/losses` without importing it, so that the page cannot name a loss or an argument that does not exist.
"""

import ast
from pathlib import Path

import yaml

from course_lib.authoring.tables import cell, table


def signatures(folder: Path) -> dict[str, dict]:
    """Public loss -> {"module", "arguments": [(name, shape)], "returns", "summary"}, read from the source.

    What returns anything but one number or one row of numbers, such as a target or a matrix of relations, is no loss.
    """
    found = {}
    for file in sorted(folder.glob("*.py")):
        if file.name.startswith("_"):
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and _is_loss(node):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                found[node.name] = {
                    "module": file.stem,
                    "arguments": [(a.arg, _shape(a.annotation)) for a in arguments],
                    "returns": _shape(node.returns),
                    "summary": (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " "),
                }
    return found


def _is_loss(function: ast.FunctionDef) -> bool:
    if function.returns is None:
        return True  # says nothing: it must be on the card
    returns = [node.value for node in ast.walk(function.returns) if isinstance(node, ast.Constant)]
    return len(returns) == 1 and isinstance(returns[0], str) and len(returns[0].split()) <= 1


def _shape(annotation: ast.expr | None) -> str:
    """The axes of a jaxtyping annotation, `Float[Tensor, "b z"]` -> `b z`; "" where there are none."""
    for node in ast.walk(annotation) if annotation is not None else ():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value.strip()
    return ""


def page(root: Path) -> str:
    """The page as Markdown.

    Raises:
        ValueError: A public loss has no entry in book/loss_card.yml, or an entry names no public loss.
    """
    library = signatures(root / "course_lib/losses")
    entries = yaml.safe_load((root / "book/loss_card.yml").read_text(encoding="utf-8"))
    named = [entry["name"] for entry in entries]
    missing, unknown = sorted(set(library) - set(named)), sorted(set(named) - set(library))
    if missing or unknown:
        raise ValueError(f"book/loss_card.yml: add entries for {missing}, remove {unknown}")
    rows, calls = [], []
    for entry in entries:
        loss = library[entry["name"]]
        name = f"`{entry['name']}`<br>${entry['formula']}$"
        rows.append([name, cell(entry["sign"]), cell(entry["sum"]), cell(entry["takes"])])
        given = [f"{name}: ({', '.join(shape.split())})" if shape else name for name, shape in loss["arguments"]]
        calls += [f"{entry['name']} -> ({', '.join(loss['returns'].split())})", *(f"    {one}" for one in given)]
    lines = [
        "# Loss card",
        "",
        "<!-- Written by `make pages`; edit book/loss_card.yml or the docstrings in course_lib/losses instead. -->",
        "",
        "One page to keep beside the editor: which loss, which sign, sum or mean, logits or not. Four rules for all:",
        "",
        "* A loss returns **one value a sample**, never a mean over the batch. Write `.mean()` in the training step.",
        "* Pixels and latent dimensions are **summed**. A mean over pixels silently multiplies the KL weight by their",
        "  number.",
        "* Networks return **logits and log-variances**; no loss takes a probability or a standard deviation.",
        "* A *log-likelihood* or a *bound* is maximised, a *divergence* is minimised. The training loss is **minus**",
        "  the bound.",
        "",
        table(["Loss", "Sign", "Sum or mean", "Takes"], rows),
        "",
        "The same functions with the shapes of their tensors (nats out, always):",
        "",
        "```text",
        *calls,
        "```",
        "",
        "Each of them is compared with an independent evaluation of its formula in the tests. To run these checks on a",
        'loss of your own, call `course_lib.audit(my_kl, like="gaussian_kl")`.',
    ]
    return "\n".join(lines) + "\n"
