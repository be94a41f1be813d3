"""Write constraints.txt from the installed environment: `python -m course_lib.authoring.constraints`.

Takes exactly what the project and its extras need, directly or not, at the versions that are installed here. Run it
in an environment in which the tests pass. A local build tag (`2.13.0+cpu`) is dropped: no index has it.
"""

import sys
import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAD = """\
# Exact versions of everything the project and its extras install: resolved on Python {python}, valid for 3.11 to 3.13.
# Written by `python -m course_lib.authoring.constraints`; the tests compare it with pyproject.toml.
"""

# Asked for on other versions of Python than the one this runs on: papermill needs aiohttp on 3.12.
ELSEWHERE = {
    "aiohappyeyeballs": "2.7.1",
    "aiohttp": "3.14.5",
    "aiosignal": "1.4.0",
    "frozenlist": "1.8.0",
    "multidict": "7.2.1",
    "propcache": "0.5.4",
    "yarl": "1.25.1",
}


def canonical(name: str) -> str:
    """A distribution name as indexes compare it."""
    return name.lower().replace("_", "-").replace(".", "-")


def closure(root: Path = ROOT, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Distribution -> installed version, for all that the project and its extras need in this environment.

    Args:
        root: The checkout.
        without: Extras to leave out, because they are not installed here.

    Raises:
        ValueError: A required distribution is not installed.
    """
    from packaging.requirements import Requirement

    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = canonical(project["name"])
    chosen = {name: asked for name, asked in project["optional-dependencies"].items() if name not in without}
    asked = [*project["dependencies"], *(r for extra in chosen.values() for r in extra)]
    queue = [(Requirement(text), "pyproject.toml") for text in asked]
    found: dict[str, str] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    while queue:
        requirement, asker = queue.pop()
        name, extras = canonical(requirement.name), frozenset(requirement.extras)
        if name == own or (name, extras) in done:
            continue
        done.add((name, extras))
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise ValueError(f"{asker} needs {name}, which is not installed here: pip install {name}") from None
        found[name] = distribution.version.split("+")[0]
        for text in distribution.requires or []:
            child = Requirement(text)
            environments = [{"extra": extra} for extra in extras] or [{"extra": ""}]
            # A build of PyTorch may ask for its CUDA parts, which it pins itself; they differ between machines.
            if name == "torch" and canonical(child.name).startswith(("nvidia", "cuda", "triton")):
                continue
            if child.marker is None or any(child.marker.evaluate(environment) for environment in environments):
                queue.append((child, name))
    return {name: found[name] for name in sorted(found)}


def main() -> int:
    """Write the file beside pyproject.toml."""
    python = ".".join(map(str, sys.version_info[:2]))
    pins = "".join(f"{name}=={version}\n" for name, version in sorted({**ELSEWHERE, **closure()}.items()))
    (ROOT / "constraints.txt").write_text(HEAD.format(python=python) + pins, encoding="utf-8", newline="\n")
    print(f"wrote constraints.txt ({pins.count('==')} pins)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
