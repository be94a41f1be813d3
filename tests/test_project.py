"""The frame: folders, imports, lengths, and the files that must say the same thing."""

import ast
import re
import sys
import tomllib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from course_lib.authoring.constraints import canonical, closure

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = sorted((ROOT / "course_lib").rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# A folder may import those of earlier levels, its own, and a neighbour of its level that does not import it back.
LEVELS = [
    {"geometry"}, {"nn", "losses", "metrics"}, {"datasets"}, {"worlds"}, {"training"}, {"teaching"}, {"papers"},
    {"experiments"}, {"batch", "authoring"}, {"__main__"},
]  # fmt: skip
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}

# import name -> distribution, where they differ
DISTRIBUTION = {"IPython": "ipython", "PIL": "pillow", "sklearn": "scikit-learn", "yaml": "pyyaml"}


def imports(file: Path) -> set[str]:
    """Every module that a file imports, also inside functions, as dotted names."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.relative_to(ROOT)} imports relatively: write the whole name"
            found.add(node.module)
            if node.module == "course_lib":
                found |= {f"course_lib.{alias.name}" for alias in node.names}
    return found


def test_the_house_has_its_rooms():
    for name in (
        "README.md", "LICENSE", "LICENSE-text.md", "CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile",
        "pyproject.toml", "constraints.txt", "environment.yml", "_config.yml", ".ci/run", ".github/workflows/tests.yml",
        ".github/workflows/book.yml", ".github/workflows/weekly.yml", ".github/ISSUE_TEMPLATE/cell.yml",
        "book/_config.yml", "book/notebooks", "notebooks", "data_scripts", "tests", "course_lib/results",
    ):  # fmt: skip
        assert (ROOT / name).exists(), f"{name} is missing"
    for name in LEVEL.keys() - {"__main__"}:
        init = ROOT / "course_lib" / name / "__init__.py"
        assert init.is_file(), f"{init.relative_to(ROOT)} is missing"
        assert ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))), (
            f"{init.relative_to(ROOT)} has no docstring"
        )


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_to_the_left_only(file):
    parts = file.relative_to(ROOT / "course_lib").with_suffix("").parts
    own = parts[0]
    for module in imports(file):
        assert module.split(".")[0] not in ("notebooks", "book", "tests", "bench", "conftest"), (
            f"{file} imports {module}"
        )
        if not module.startswith("course_lib.") or parts == ("__init__",):
            continue
        other = module.split(".")[1]
        if other in ("__version__", "audit"):
            continue
        assert other in LEVEL, f"{module} is not a folder of the library"
        assert LEVEL[other] <= LEVEL[own], f"{'/'.join(parts)} imports {module}, which lies to its right"


def test_neighbours_do_not_import_each_other_both_ways():
    pairs = set()
    for file in LIBRARY:
        own = file.relative_to(ROOT / "course_lib").with_suffix("").parts[0]
        others = {module.split(".")[1] for module in imports(file) if module.startswith("course_lib.")}
        pairs |= {(own, other) for other in others if other in LEVEL and other != own}
    assert not [pair for pair in pairs if pair[::-1] in pairs]


def test_every_package_that_the_library_imports_is_declared():
    declared = {canonical(re.split(r"[<>=\[; ]", text)[0]) for text in PROJECT["dependencies"]}
    for extra in PROJECT["optional-dependencies"].values():
        declared |= {canonical(re.split(r"[<>=\[; ]", text)[0]) for text in extra}
    declared |= {"packaging", "pytest"}  # every environment that runs these tools has them
    for file in [*LIBRARY, *sorted((ROOT / "data_scripts").rglob("*.py"))]:
        for module in imports(file):
            top = module.split(".")[0]
            if top in sys.stdlib_module_names or top in ("course_lib", "data_scripts"):
                continue
            name = canonical(DISTRIBUTION.get(top, top))
            assert name in declared, f"{file.relative_to(ROOT)} imports {top}, which pyproject.toml does not declare"


def test_files_are_short_and_named_after_an_idea():
    for folder in ("course_lib", "data_scripts", "tests", "book", "bench"):
        for file in (ROOT / folder).rglob("*.py"):
            if "_build" in file.parts or "notebooks" in file.parts:
                continue
            lines = len(file.read_text(encoding="utf-8").splitlines())
            assert lines <= 400, f"{file.relative_to(ROOT)} has {lines} lines: 400 is the ceiling"
            assert file.stem not in ("utils", "helpers", "misc", "common"), (
                f"name {file.relative_to(ROOT)} after its idea"
            )


def test_library_does_not_print():
    """Only what shows things to people may: display helpers, command lines, progress, authors' tools."""
    may = ("authoring/", "batch/", "__main__", "teaching/", "experiments/", "training/progress")
    for file in LIBRARY:
        name = str(file.relative_to(ROOT / "course_lib"))
        if name.startswith(may):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            is_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            assert not is_print, f"{name}:{node.lineno} prints"


def test_no_string_annotations_beside_jaxtyping():
    for file in LIBRARY:
        modules = imports(file)
        assert not {"jaxtyping", "__future__"} <= modules, f"{file.relative_to(ROOT)}: shapes would not be checked"


def test_version_is_the_same_everywhere():
    import course_lib

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert course_lib.__version__ == PROJECT["version"] == str(citation["version"])
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_environment_equals_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge"]
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert "-e ." in pip, "without the library itself the pages of the API would be empty"
    assert f"python{PROJECT['requires-python']}" in conda
    listed = {*conda, *pip} - {"-e .", "pip", "make", f"python{PROJECT['requires-python']}"}
    extras = (text for extra in PROJECT["optional-dependencies"].values() for text in extra)
    wanted = {text for text in (*PROJECT["dependencies"], *extras) if not text.startswith(PROJECT["name"])}
    assert listed == {re.sub(r"^torch>", "pytorch>", text) for text in wanted}


# `make test` installs no JupyterLab: where there is none, its pins are looked at by whoever has it.
NOT_HERE = () if find_spec("jupyterlab") else ("lab",)


def test_constraints_cover_everything():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([a-z0-9-]+)==([0-9][\w.]*)$", text, re.M))
    rest = [line for line in text.splitlines() if line and not line.startswith("#") and "==" not in line]
    assert not rest, f"every line is an exact pin: {rest}"
    assert "file:" not in text
    assert "://" not in text
    assert pins["torch"] == "2.13.0"
    missing = sorted(set(closure(without=NOT_HERE)) - set(pins))
    assert not missing, f"run `python -m course_lib.authoring.constraints`: no pins for {missing}"


def test_pins_install_on_every_python_that_the_project_supports():
    """Debian 12 still has Python 3.11.2, so a pin that asks for 3.11.5 would break `make book` there."""
    from importlib import metadata

    from packaging.specifiers import SpecifierSet

    for name, version in closure(without=NOT_HERE).items():
        asked = SpecifierSet(metadata.metadata(name).get("Requires-Python") or "")
        for python in ("3.11.2", "3.12.0", "3.13.0"):
            assert asked.contains(python), f"{name} {version} asks for Python {asked}: pin an older version of it"


def test_pins_satisfy_the_lower_bounds():
    from packaging.requirements import Requirement

    pins = dict(
        re.findall(r"^([a-z0-9-]+)==([0-9][\w.]*)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    )
    extras = (text for extra in PROJECT["optional-dependencies"].values() for text in extra)
    for text in (*PROJECT["dependencies"], *extras):
        requirement = Requirement(text)
        if canonical(requirement.name) != PROJECT["name"]:
            assert ">=" in text, f"{text}: give a lower bound, it is the pins that are exact"
            assert requirement.specifier.contains(pins[canonical(requirement.name)]), text


def test_every_make_target_is_documented():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.M)[0].split())
    helped = set(re.findall(r"^([a-z]+):.*## ", makefile, re.M))
    documented = set(re.findall(r"^\| `make ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M))
    assert targets == helped == documented


def test_exceptions_to_warnings_carry_a_date_and_a_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"filterwarnings = \[(.*?)\n?\]", text, re.S)[1]
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    for before, line in pairwise(lines):
        if line.startswith(('"ignore', '"default', "'ignore")):
            assert re.match(r"# 20\d\d-\d\d-\d\d: .{15,}", before), f"say when and why above {line}"


def test_only_the_ci_script_knows_where_the_data_lie_here():
    pattern = "../" + "shared/data"
    for file in ROOT.rglob("*"):
        if file.suffix not in (".py", ".md", ".yml", ".toml", ".txt", ".cff", ".ipynb") or not file.is_file():
            continue
        if {".venv", ".git", "runs", "_build", "build"} & set(file.relative_to(ROOT).parts) or file.is_symlink():
            continue
        assert pattern not in file.read_text(encoding="utf-8", errors="ignore"), (
            f"{file.relative_to(ROOT)} names {pattern}"
        )
