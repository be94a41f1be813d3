"""`make address URL=...`: write the repository's address into `_config.yml` and every lesson.

A lesson holds it in its set-up cell, and, where Colab can open the repository, in a text link below its promise.
"""

import argparse
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from course_lib.authoring.sources import (
    ADDRESS_LINE,
    AuthoringError,
    checkout_root,
    find_lessons,
    notebook_text,
    read_notebook,
    set_stable_ids,
    write_atomically,
)

_BLOCK = re.compile(r"^repository:[^\n]*\n(?:[ \t]+[^\n]*\n|[ \t]*\n)*", re.MULTILINE)
_FIRST_PROSE = re.compile(r"^# %% \[markdown\][^\n]*\n(?:#[^\n]*\n)*", re.MULTILINE)
_COLAB = re.compile(r"\n(?:# ?)?\n(?:# )?\[Open this lesson on Colab\]\([^)\n]*\)")
_REMEDY = "give the address of a hosted repository, such as https://github.com/NAME/bound-by-bound"


def check_address(url: str) -> str:
    """The address in its plain form: https, host, and the path of a repository; empty unsets it.

    Raises:
        AuthoringError: It is not the https address of a hosted git repository.
    """
    url = url.strip()
    if url == "":
        return ""
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise AuthoringError(f"URL (={url!r}) must begin with https://: {_REMEDY}.")
    if parts.username or parts.password or "@" in parts.netloc:
        raise AuthoringError("URL must not hold a user name or a token, because readers will see it.")
    if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?", parts.netloc):
        raise AuthoringError(f"URL (={url!r}) names no host: {_REMEDY}.")
    path = parts.path.rstrip("/").removesuffix(".git")
    if parts.query or parts.fragment or not re.fullmatch(r"(/[A-Za-z0-9._~-]+){2,}", path):
        raise AuthoringError(f"URL (={url!r}) is not the page of a repository: {_REMEDY}.")
    return f"https://{parts.netloc.lower()}{path}"


def configured_address(root: Path) -> str:
    """The address in `_config.yml`; empty while it is unset."""
    return _field(_config(root), "url")[1]


def _config(root: Path) -> str:
    path = root / "_config.yml"
    if not path.exists():
        raise AuthoringError(f"{path} is missing: run this in a checkout of the course.")
    return path.read_text(encoding="utf-8")


def _field(config: str, name: str) -> tuple[re.Match[str], str]:
    """Where a field of the `repository:` block stands in the file, and its value."""
    block = _BLOCK.search(config)
    field = re.compile(rf"^([ \t]+{name}:[ \t]*)(\"[^\"]*\"|'[^']*'|[^\s#]*)", re.MULTILINE)
    match = block and field.search(config, block.start(), block.end())
    if not match:
        raise AuthoringError(f"_config.yml has no `{name}:` under `repository:`: add one.")
    return match, match[2].strip("\"'")


def _with_field(config: str, name: str, value: str) -> str:
    match, _ = _field(config, name)
    return config[: match.start()] + match[1] + f'"{value}"' + config[match.end() :]


def set_address(root: Path, url: str, branch: str | None = None) -> list[str]:
    """Write the address everywhere it stands; a second call with the same address writes nothing.

    Returns:
        The files that changed.

    Raises:
        AuthoringError: The address is none, or a lesson has no set-up cell; then nothing is written.
    """
    url = check_address(url)
    if branch is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]*", branch):
        raise AuthoringError(f"branch (={branch!r}) is not the name of a branch.")
    config = _with_field(_config(root), "url", url)
    if branch is not None:
        config = _with_field(config, "branch", branch)
    texts = {root / "_config.yml": config}
    for lesson in find_lessons(root):
        link = colab_link(url, _field(config, "branch")[1], lesson.name)
        texts[lesson.py] = _script_with_address(lesson.py, url, link)
        if lesson.ipynb.exists():
            texts[lesson.ipynb] = _notebook_with_address(lesson.ipynb, url, link)
    changed = {path: text for path, text in texts.items() if path.read_text(encoding="utf-8") != text}
    for path, text in changed.items():
        write_atomically(path.resolve(), text)
    return [path.relative_to(root).as_posix() for path in changed]


def colab_link(url: str, branch: str, lesson: str) -> str:
    """The Markdown link that opens a lesson on Colab; empty where Colab cannot open the repository."""
    if not url.startswith("https://github.com/"):
        return ""
    place = f"{url.removeprefix('https://github.com/')}/blob/{branch}/notebooks/{lesson}.ipynb"
    return f"[Open this lesson on Colab](https://colab.research.google.com/github/{place})"


def expected_colab_link(root: Path, lesson: str) -> str:
    """The link that the settings ask for."""
    config = _config(root)
    return colab_link(_field(config, "url")[1], _field(config, "branch")[1], lesson)


def _script_with_address(path: Path, url: str, link: str) -> str:
    text = _with_address(path.read_text(encoding="utf-8"), url, path.name)
    promise = _FIRST_PROSE.search(text)
    if promise is None:
        raise AuthoringError(f"{path.name} has no Markdown cell: it must begin with its title.")
    prose = _COLAB.sub("", promise[0].rstrip("\n")) + (f"\n#\n# {link}" if link else "") + "\n"
    return text[: promise.start()] + prose + text[promise.end() :]


def _with_address(text: str, url: str, name: str) -> str:
    text, count = ADDRESS_LINE.subn(f'REPOSITORY = "{url}"', text)
    if count != 1:
        raise AuthoringError(f'{name} has {count} lines REPOSITORY = "...", not one: its set-up cell must have it.')
    return text


def _notebook_with_address(path: Path, url: str, link: str) -> str:
    notebook = read_notebook(path)
    for cell in notebook.cells:
        if cell.cell_type == "code" and ADDRESS_LINE.search(cell.source):
            cell.source = _with_address(cell.source, url, path.name)
    promise = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    promise.source = _COLAB.sub("", promise.source) + (f"\n\n{link}" if link else "")
    set_stable_ids(notebook)
    return notebook_text(notebook)


def main(arguments: list[str] | None = None) -> int:
    """Command line: set the address, say which files changed."""
    parser = argparse.ArgumentParser(prog="make address URL=", description=__doc__)
    parser.add_argument("url", help="https address of the hosted repository; an empty string unsets it")
    parser.add_argument("--branch", help="branch that Colab and the pages' links use (default: as it is)")
    options = parser.parse_args(arguments)
    try:
        changed = set_address(checkout_root(), options.url, options.branch)
    except AuthoringError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(f"wrote {name}" for name in changed) or "nothing to change")
    return 0


if __name__ == "__main__":
    sys.exit(main())
