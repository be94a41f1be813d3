"""The lessons that can be run: where their notebooks lie, and which profiles and parameters they take."""

import hashlib
import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

PROFILES = ("smoke", "quick", "standard", "paper")
PACKAGE = Path(__file__).resolve().parents[1]


class BatchError(Exception):
    """A batch cannot start: one sentence with the argument, its value and the remedy."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a lesson, as its parameters cell declares it."""

    name: str
    type_name: str
    default: str
    help: str


@dataclass(frozen=True)
class Lesson:
    """A notebook that papermill can run."""

    name: str
    path: Path

    @property
    def content(self) -> dict[str, Any]:
        """The notebook as JSON.

        Raises:
            BatchError: The file is no notebook.
        """
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            if not all(isinstance(cell["source"], str | list) for cell in content["cells"]):
                raise ValueError("a cell without source")
            return content
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise BatchError(f"{self.path} is not a notebook ({error}); rebuild it with make notebooks") from error

    @property
    def title(self) -> str:
        """The first heading, without its marks."""
        for cell in self.content["cells"]:
            for line in "".join(cell["source"]).splitlines():
                if cell["cell_type"] == "markdown" and line.startswith("# "):
                    return line[2:].strip()
        return self.name

    @property
    def hash(self) -> str:
        """A hash of what is executed: the sources of the cells, not their stored outputs."""
        sources = [(cell["cell_type"], "".join(cell["source"])) for cell in self.content["cells"]]
        return hashlib.sha256(json.dumps(sources).encode()).hexdigest()

    def parameters(self) -> dict[str, Parameter]:
        """The parameters that papermill finds in the cell tagged `parameters`."""
        from papermill import inspect_notebook  # half a second: only `run` pays

        content = self.content  # refuses what is no notebook at all
        try:
            found = inspect_notebook(str(self.path)).values()
        except Exception as error:  # nbformat and jsonschema raise many kinds
            raise BatchError(
                f"{self.path} (nbformat {content.get('nbformat')}) is not for papermill; rebuild it with make notebooks"
            ) from error
        return {p["name"]: Parameter(p["name"], p["inferred_type_name"], p["default"], p["help"]) for p in found}


def find_notebooks(folder: str | Path | None = None) -> Path:
    """Return the folder of the lessons' notebooks.

    Args:
        folder: Where the user says they are; None looks beside this package (a checkout), then in the working
            directory and the folders above it.

    Raises:
        BatchError: There are none.
    """
    if folder is not None:
        if not any(Path(folder).glob("[0-9][0-9]_*.ipynb")):
            raise BatchError(
                f"--notebooks (={folder}) holds no lesson such as 01_elbo.ipynb; name the folder that does"
            )
        return Path(folder).resolve()
    here = Path.cwd().resolve()
    for place in (PACKAGE.parent / "notebooks", here, *(parent / "notebooks" for parent in (here, *here.parents))):
        if any(place.glob("[0-9][0-9]_*.ipynb")):
            return place
    raise BatchError(
        f"there are no notebooks here ({here}): the lessons are not part of the installed package, so start this "
        "command in a checkout of the course or name the folder with --notebooks DIR"
    )


def find_lessons(folder: Path) -> dict[str, Lesson]:
    """Return all lessons of a folder by name."""
    return {path.stem: Lesson(path.stem, path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))}


def choose(what: str, value: str, valid: list[str]) -> str:
    """Return `value` if it is valid.

    Raises:
        BatchError: It is not; the sentence names the nearest valid one.
    """
    if value in valid:
        return value
    begin = [name for name in valid if value and name.startswith(value)]
    near = begin or get_close_matches(value, valid, n=1, cutoff=0.3)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise BatchError(f"{what} (={value!r}) does not exist: {meant}valid are {', '.join(valid) or 'none'}")


def parse_parameters(lesson: Lesson, given: list[list[str]]) -> dict[str, Any]:
    """Turn `-p NAME VALUE` pairs into values of the types that the lesson declares.

    Raises:
        BatchError: An unknown name, one that has its own option, or a value of another type.
    """
    known = lesson.parameters()
    values: dict[str, Any] = {}
    for name, text in given:
        if name in ("profile", "seed", "out_dir"):
            option = {"out_dir": "--out"}.get(name, f"--{name}")
            raise BatchError(f"-p {name} (={text!r}) would be the same in every run; use {option} instead")
        choose(f"parameter of {lesson.name}", name, [key for key in known if key not in ("profile", "seed", "out_dir")])
        values[name] = _convert(name, text, known[name].type_name)
    for name in ("profile", "seed", "out_dir"):
        if name not in known:
            raise BatchError(f"{lesson.path} has no parameter {name!r}; add it to the cell tagged parameters")
    return values


def _convert(name: str, text: str, type_name: str) -> Any:
    try:
        match type_name:
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case _:
                return text
    except (ValueError, KeyError):
        raise BatchError(f"-p {name} (={text!r}) must be of type {type_name}") from None
