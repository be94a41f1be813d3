"""Open pages of the built book in headless Chromium, from disk and without a network, as a reader would.

`python tests/book/browser.py FOLDER [PAGE ...]` writes screenshots (desktop, dark, phone) of book/_build/html.
"""

import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def chromium() -> str | None:
    """The path of an installed Chromium or Chrome, or None."""
    names = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@dataclass
class Seen:
    """What a page did while it loaded."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def open_browser():
    """A running headless browser; closed at the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_tab(browser, *, viewport: dict = DESKTOP, scheme: str = "light", scripts: bool = True):
    """A tab of its own window; closed at the end."""
    context = browser.new_context(
        viewport=viewport, color_scheme=scheme, java_script_enabled=scripts, reduced_motion="reduce"
    )
    try:
        yield context.new_page()
    finally:
        context.close()


def load(page, file: Path, *, scripts: bool = True) -> Seen:
    """Load a page of the book from disk, wait for its formulas, and say what it did meanwhile."""
    seen = Seen()
    listeners = {
        "console": lambda message: seen.errors.append(message.text) if message.type == "error" else None,
        "pageerror": lambda error: seen.errors.append(str(error)),
        "request": lambda request: seen.requests.append(request.url),
    }
    for event in ("console", "pageerror", "request"):
        page.on(event, listeners[event])
    try:
        page.goto(file.resolve().as_uri(), wait_until="load")
        if scripts:
            page.evaluate("() => window.MathJax?.startup?.promise")
            page.evaluate("() => document.fonts.ready")
    finally:
        for event in listeners:
            page.remove_listener(event, listeners[event])
    return seen


@contextmanager
def open_page(browser, file: Path, **how):
    """One page in a tab of its own; yields the page and what it did while it loaded."""
    with open_tab(browser, **how) as page:
        yield page, load(page, file, scripts=how.get("scripts", True))


def screenshots(html: Path, folder: Path, names: list[str]) -> list[Path]:
    """Whole-page pictures of each page at desktop width (light, dark) and on a phone."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with open_browser() as browser:
        for name in names:
            for label, viewport, scheme in (
                ("desktop", DESKTOP, "light"), ("dark", DESKTOP, "dark"), ("phone", PHONE, "light")
            ):  # fmt: skip
                with open_page(browser, html / f"{name}.html", viewport=viewport, scheme=scheme) as (page, _):
                    path = folder / f"{name.replace('/', '-')}-{label}.png"
                    page.screenshot(path=path, full_page=True)
                    written.append(path)
    return written


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2] / "book/_build/html"
    pages = sys.argv[2:] or sorted(p.stem for p in root.glob("*.html") if p.stem not in ("search", "genindex", "index"))
    for picture in screenshots(root, Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots"), pages):
        print(picture)
