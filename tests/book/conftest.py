"""One strict build and one visit of every page, shared by all tests of the book and by all workers."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))


def copy_sources(target: Path) -> Path:
    """What the book is made of, copied so that builds at the same time do not meet in the source folder."""
    target.mkdir(parents=True)
    skip = shutil.ignore_patterns("_build", "api", "__pycache__", ".ipynb_checkpoints", "*.pt", "*.safetensors")
    for folder in ("book", "notebooks", "course_lib"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, target / folder, symlinks=True, ignore=skip)
    shutil.copy(ROOT / "_config.yml", target)
    return target


def build(folder: Path) -> subprocess.CompletedProcess:
    """`jupyter-book build book/` as a user types it, with every warning an error."""
    command = Path(sys.executable).with_name("jupyter-book")
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": ""}
    return subprocess.run(
        [command, "build", "book/", "-W", "-n", "--keep-going"],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The folder of one build: its log, its return code and its pages. The first worker builds, others wait."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "site"
    done = folder / "returncode"
    try:
        copy_sources(folder)
    except FileExistsError:
        for _ in range(1200):
            if done.exists():
                return folder
            time.sleep(0.5)
        raise TimeoutError(f"the build of the book in {folder} did not end") from None
    result = build(folder)
    (folder / "build.log").write_text(result.stdout + result.stderr, encoding="utf-8")
    done.write_text(str(result.returncode))
    return folder


@pytest.fixture(scope="session")
def html(site) -> Path:
    """The folder of the built pages."""
    folder = site / "book/_build/html"
    if not (folder / "intro.html").is_file():
        pytest.fail("the book was not built: " + (site / "build.log").read_text(encoding="utf-8")[-3000:])
    return folder


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium; without one the test skips, unless REQUIRE_BROWSER=1."""
    from browser import chromium, open_browser

    if chromium() is None:
        message = "no Chromium here: install the package chromium, or name one with CHROMIUM=/path (.ci/run does it)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(message)
        pytest.skip(message)
    with open_browser() as running:
        yield running


@pytest.fixture(scope="session")
def survey(browser, html):
    """Page name -> what was seen on it, at desktop and at phone width."""
    from browser import open_tab
    from survey import visit

    # index.html only sends the reader on to the first page.
    files = [f for f in sorted(html.rglob("*.html")) if f != html / "index.html" and "_static" not in f.parts]
    with open_tab(browser) as page:
        return {str(file.relative_to(html)): visit(page, html, file) for file in files}
