"""What the stored outputs of a lesson depend on, as one hash: its code cells, the library it imports, its results."""

import ast
import functools
import hashlib
import json
from pathlib import Path

from course_lib.authoring.sources import Lesson, without_address

PACKAGE = "course_lib"


def fingerprint(lesson: Lesson) -> str:
    """SHA-256 over all that the outputs of a lesson follow from.

    The code cells, every file of `course_lib` that they import directly or through another, its exercises, and the
    JSON of measured claims and costs. Prose, the repository's address and unrelated library files do not count.
    """
    digest = hashlib.sha256()
    cells = [without_address(cell.source) for cell in lesson.source.cells if cell.cell_type == "code"]
    digest.update(json.dumps(cells).encode())
    paths = library_files(lesson.root, "\n".join(map(_plain_python, cells)))
    exercises = lesson.root / PACKAGE / "teaching" / "exercise_sets" / f"lesson_{lesson.name[:2]}.py"
    for path in [*paths, *([exercises] if exercises.exists() else [])]:  # the exercises are found by name
        digest.update(f"{path.relative_to(lesson.root).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    digest.update(_results(lesson))
    return digest.hexdigest()


def _plain_python(source: str) -> str:
    return "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))


def _results(lesson: Lesson) -> bytes:
    folder = lesson.results.parent
    costs = folder / "costs.json"
    parts = [lesson.results.read_bytes() if lesson.results.exists() else b""]
    if costs.exists():
        parts.append(json.dumps(json.loads(costs.read_text()).get(lesson.name), sort_keys=True).encode())
    parts += [path.read_bytes() for path in sorted((folder / "figures").glob(f"{lesson.name}*"))]
    return b"\n".join(parts)


def library_files(root: Path, source: str) -> list[Path]:
    """Files of `course_lib` that a piece of code imports, directly or through other files of the package."""
    found: set[Path] = set()
    waiting = _modules(ast.parse(source), package="")
    while waiting:
        module = waiting.pop()
        for path in _files(root, module):
            if path not in found:
                found.add(path)
                waiting |= _imports(path, path.stat().st_mtime_ns, root)
    return sorted(found)


@functools.cache
def _imports(path: Path, changed: int, root: Path) -> frozenset[str]:
    parts = path.relative_to(root).with_suffix("").parts
    return frozenset(_modules(ast.parse(path.read_text(encoding="utf-8")), package=".".join(parts[:-1])))


def _modules(tree: ast.AST, package: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
    return {name for name in names if name.split(".")[0] == PACKAGE}


def _files(root: Path, module: str) -> list[Path]:
    """The file of a dotted name and the `__init__.py` of each package on the way; none where it is no module."""
    parts = module.split(".")
    candidates = [root.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts) + 1)]
    candidates.append(root.joinpath(*parts[:-1], f"{parts[-1]}.py"))
    return [path for path in candidates if path.is_file()]
