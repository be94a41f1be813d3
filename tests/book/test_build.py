import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
PROSE = ("intro", "setup", "notation", "loss_card", "results", "errata", "references", "library")


def test_strict_build_succeeds(site):
    log = (site / "build.log").read_text(encoding="utf-8")
    assert (site / "returncode").read_text() == "0", log[-4000:]
    assert not re.findall(r"(?:WARNING|ERROR):.*", log), log[-4000:]


def test_pages_exist_and_are_not_tiny(html):
    lessons = [f"notebooks/{file.stem}" for file in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]
    api = [f"api/course_lib/{name}/index" for name in ("losses/elbo", "training", "teaching", "papers/vae")]
    for name in (*PROSE, *lessons, *api):
        page = html / f"{name}.html"
        assert page.is_file(), f"{name}.html is missing"
        article = re.search(r"<article.*?</article>", page.read_text(encoding="utf-8"), re.S)
        assert article, f"{name}.html has no article"
        assert len(re.sub(r"<[^>]+>", "", article[0]).split()) > (30 if name.startswith("api") else 60), (
            f"{name}.html is tiny"
        )


def test_api_pages_hold_the_losses_and_link_to_their_source(html):
    page = (html / "api/course_lib/losses/elbo/index.html").read_text(encoding="utf-8")
    for name in ("gaussian_kl", "elbo", "importance_weighted_bound"):
        assert f'id="course_lib.losses.elbo.{name}"' in page
    assert "_modules/course_lib/losses/elbo.html" in page
    assert (html / "_modules/course_lib/losses/elbo.html").is_file()


class Links(HTMLParser):
    """The addresses a page links to and the anchors it offers."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        for key in ("id", "name"):
            if attributes.get(key):
                self.anchors.add(attributes[key])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])


def test_no_link_inside_the_book_is_broken(html):
    pages = {}
    for file in html.rglob("*.html"):
        parser = Links()
        parser.feed(file.read_text(encoding="utf-8"))
        pages[file.resolve()] = parser
    broken = []
    for file, parser in pages.items():
        for link in parser.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if not target.exists():
                broken.append(f"{file.relative_to(html.resolve())} -> {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{file.relative_to(html.resolve())} -> {link} (no such anchor)")
    assert not broken, "\n".join(broken[:40])


def test_stored_outputs_hold_no_widget_state_and_every_lesson_is_executed():
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = json.loads(file.read_text(encoding="utf-8"))
        assert "widgets" not in notebook["metadata"], f"{file.name} stores widget state"
        code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        assert any(cell["outputs"] for cell in code), f"{file.name} has no outputs: run `make notebooks`"
