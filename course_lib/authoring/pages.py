"""Write the pages of the book that follow from data: `python -m course_lib.authoring.pages` (or `make pages`).

| written | from |
|---|---|
| `_toc.yml`, the map and the table in `intro.md` | `book/lessons.yml` and the notebooks that exist |
| `notation.md` | `book/notation.yml` |
| `loss_card.md` | `book/loss_card.yml` and the signatures in `course_lib/losses` |
| `results.md`, `errata.md` | `course_lib/results/*.json` |
| `images/*.svg` | `course_lib/authoring/artwork.py` |

The results are committed and a test holds them in step. Needs the standard library and PyYAML, not PyTorch.
"""

import json
import sys
from pathlib import Path

import yaml

from course_lib.authoring import artwork, lesson_map, loss_card
from course_lib.authoring.tables import cell, number, table

ROOT = Path(__file__).resolve().parents[2]
NOTE = "<!-- Written by `make pages`; edit {source} instead. -->"


def read_lessons(root: Path) -> list[dict]:
    """The plan of the course."""
    return yaml.safe_load((root / "book/lessons.yml").read_text(encoding="utf-8"))["lessons"]


def existing(root: Path, lessons: list[dict]) -> dict[str, str]:
    """Lesson number -> page name (without suffix), for the lessons whose notebook exists."""
    names = {lesson["n"]: f"notebooks/{lesson['n']}_{lesson['slug']}" for lesson in lessons}
    return {n: name for n, name in names.items() if (root / f"{name}.ipynb").is_file()}


def toc(root: Path) -> str:
    """The table of contents: the prose pages, the lessons that exist by part, the reference pages, the API."""
    plan = yaml.safe_load((root / "book/lessons.yml").read_text(encoding="utf-8"))
    pages = existing(root, plan["lessons"])
    lines = [
        "# Written by `make pages` from lessons.yml and the notebooks that exist.",
        "format: jb-book",
        "root: intro",
        "parts:",
        "  - caption: Before you start",
        "    chapters:",
        "      - file: setup",
    ]
    for part, caption in plan["parts"].items():
        here = [pages[lesson["n"]] for lesson in plan["lessons"] if lesson["part"] == part and lesson["n"] in pages]
        if here:
            lines += [f"  - caption: {caption}", "    chapters:", *(f"      - file: {page}" for page in here)]
    lines += ["  - caption: Reference", "    chapters:"]
    lines += [
        f"      - file: {page}" for page in ("notation", "loss_card", "results", "errata", "references", "library")
    ]
    lines += ["        sections:", "          - file: api/index"]
    return "\n".join(lines) + "\n"


def lesson_table(root: Path) -> str:
    """The lessons as a table, the map in words."""
    lessons = read_lessons(root)
    pages = existing(root, lessons)
    rows = []
    for lesson in lessons:
        title = (
            f"[{lesson['title']}]({pages[lesson['n']]}.ipynb)"
            if lesson["n"] in pages
            else lesson["title"] + " *(to come)*"
        )
        rows.append(
            [lesson["n"], title, lesson["derives"], lesson["trains"], ", ".join(lesson["requires"]) or "nothing"]
        )
    return table(["", "Lesson", "Derives", "Trains", "Read first"], rows)


def intro(root: Path) -> str:
    """The first page with its map and its table brought up to date between their markers."""
    text = (root / "book/intro.md").read_text(encoding="utf-8")
    lessons = read_lessons(root)
    addresses = {n: f"{page}.html" for n, page in existing(root, lessons).items()}
    for name, content in (("map", lesson_map.draw(lessons, addresses)), ("table", lesson_table(root))):
        start, end = f"<!-- {name}: written by make pages -->", f"<!-- end of {name} -->"
        if text.count(start) != 1 or text.count(end) != 1:
            raise ValueError(f"book/intro.md must hold {start!r} and {end!r} once each")
        head, rest = text.split(start)
        text = f"{head}{start}\n{content}\n\n{end}{rest.split(end)[1]}"
    return text


def notation(root: Path) -> str:
    """The notation page."""
    data = yaml.safe_load((root / "book/notation.yml").read_text(encoding="utf-8"))
    pages = existing(root, read_lessons(root))
    lines = [
        "# Notation",
        "",
        NOTE.format(source="book/notation.yml"),
        "",
        "One symbol, one meaning, one name in code. Logarithms are natural, so information is measured in nats.",
        "Letters in the shape column are axes: `b` batch, `c` channels, `h w` rows and columns of pixels, `z` latent,",
        "`k` samples.",
        "",
    ]
    for group in data["groups"]:
        rows = []
        for symbol in group["symbols"]:
            first = symbol["first"]
            where = f"[lesson {first}]({pages[first]}.ipynb)" if first in pages else f"lesson {first}"
            rows.append(
                [f"${symbol['latex']}$", cell(symbol["meaning"]), f"`{symbol['code']}`", symbol["shape"], where]
            )
        lines += [
            f"## {group['title']}",
            "",
            table(["Symbol", "Meaning", "In code", "Shape or unit", "First used"], rows),
            "",
        ]
    lines += [
        "Two conventions prevent most slips. A divergence is written and coded with the distribution under which the",
        "mean is taken **first**. A variance is passed as its **logarithm**, so that every value is valid.",
    ]
    return "\n".join(lines) + "\n"


def read_results(root: Path) -> list[dict]:
    """The result files of all lessons, in the order of the lessons."""
    files = sorted((root / "course_lib/results").glob("[0-9][0-9]_*.json"))
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def _claim_row(claim: dict) -> list[str]:
    ours, paper, baseline = claim.get("ours") or {}, claim.get("paper") or {}, claim.get("baseline") or {}
    unit = f" {claim['unit']}" if claim.get("unit") else ""
    band = ours.get("band") or []
    mean = f"**{number(ours.get('mean'))}**{unit}"
    if len(band) == 2:
        mean += f" ({number(band[0])} to {number(band[1])})"
    against = [f"{number(baseline['mean'])} ({baseline['name']})"] if baseline.get("mean") is not None else []
    if paper.get("value") is not None:
        against.append(f"{number(paper['value'])} ({paper.get('source', 'paper')})")
    run = ", ".join(str(part) for part in (ours.get("profile"), ours.get("device")) if part)
    seeds = len(ours.get("seeds") or [])
    return [
        cell(claim["what"]),
        mean,
        cell("; ".join(against)) or "none",
        cell(f"{seeds} seed{'s' * (seeds != 1)}, {run}"),
        f"`{claim.get('rule', '')}`",
        "yes" if claim.get("holds") else "**no**",
    ]


def results(root: Path) -> str:
    """The results page: every measured claim of every lesson."""
    lessons = {f"{lesson['n']}_{lesson['slug']}": lesson for lesson in read_lessons(root)}
    pages = existing(root, list(lessons.values()))
    lines = [
        "# Results",
        "",
        NOTE.format(source="course_lib/results (with make results)"),
        "",
        "Every number here was written by an experiment in `course_lib/experiments`, never typed. *Ours* is the mean",
        "over the seeds with the band within which yours may differ. *Holds* is computed from the numbers by the rule",
        "beside it; a claim that fails stays in the table.",
        "",
    ]
    found = read_results(root)
    for data in found:
        lesson = lessons[data["lesson"]]
        title = f"Lesson {lesson['n']}: {lesson['title']}"
        page = pages.get(lesson["n"])
        lines += [f"## {title}", ""]
        if page:
            lines += [f"Discussed in [{title}]({page}.ipynb).", ""]
        if data.get("claims"):
            head = ["Claim", "Ours", "Compared with", "Measured on", "Rule", "Holds"]
            lines += [table(head, [_claim_row(claim) for claim in data["claims"]]), ""]
        else:
            lines += ["Not measured yet.", ""]
        lines += [f"Measure them again with `{data.get('command', 'make results LESSON=' + data['lesson'])}`.", ""]
        versions = ", ".join(f"{name} {version}" for name, version in sorted((data.get("versions") or {}).items()))
        if versions:
            lines += [f"Measured with {versions}.", ""]
    if not found:
        lines += ["No lesson has been measured yet.", ""]
    lines += _world_speeds(root)
    return "\n".join(lines).rstrip() + "\n"


def _world_speeds(root: Path) -> list[str]:
    """How fast the worlds are drawn, as `bench/worlds.py` recorded it; nothing where it has not run."""
    path = root / "bench" / "results" / "worlds.json"
    if not path.exists():
        return []
    bench = json.loads(path.read_text(encoding="utf-8"))
    rows = []
    for what, ways in bench["tables"].items():
        for way, numbers in ways.items():
            rate = numbers.get("pictures_a_second")
            tests = numbers.get("million_tests_a_second")
            speed = f"{rate:,} pictures a second" if rate else f"{tests:,} million tests a second" if tests else ""
            rows.append([cell(what), cell(way), f"{numbers['median_ms']:g}", cell(speed)])
    machine = bench["machine"]
    device = machine.get("gpu") or f"{machine['cpu'].strip()}, {machine['threads']} thread"
    return [
        "## How fast the worlds are drawn",
        "",
        table(["What", "How", "ms", "Speed"], rows),
        "",
        f"Measured by `python bench/worlds.py` on {device}.",
        "",
    ]


def _link_to_equation(root: Path, page: str | None, equation: str, text: str) -> str:
    """A link to an equation of a lesson. As HTML, since the anchors of derivation tables are unknown to Sphinx."""
    if page is None:
        return text
    anchor = f"eq-{equation.replace('.', '-')}"
    stored = (root / f"{page}.ipynb").read_text(encoding="utf-8")
    if not equation or f'id=\\"{anchor}\\"' not in stored:
        return f"[{text}]({page}.ipynb)"
    return f'<a href="{page}.html#{anchor}">{text}</a>'


def errata(root: Path) -> str:
    """The errata page: each slip of circulating notes with the number that refutes it."""
    lessons = {f"{lesson['n']}_{lesson['slug']}": lesson for lesson in read_lessons(root)}
    pages = existing(root, list(lessons.values()))
    lines = [
        "# Where the notes go wrong",
        "",
        NOTE.format(source="the refutations in the lessons (with make results)"),
        "",
        "Lecture notes, blog posts and ports of code pass the same slips on. Each one below was met in circulation",
        "and is refuted by a number that the lesson computes: both sides are evaluated where the truth is known.",
        "",
    ]
    entries = [(data["lesson"], entry) for data in read_results(root) for entry in data.get("errata", [])]
    for slug, entry in entries:
        lesson = lessons.get(entry.get("lesson") or slug, lessons.get(slug))
        page = pages.get(lesson["n"]) if lesson else None
        where = f"lesson {lesson['n']}" if lesson else slug
        equation = f", equation ({entry['equation']})" if entry.get("equation") else ""
        link = _link_to_equation(root, page, str(entry.get("equation") or ""), where + equation)
        source = f" ({entry['where']})" if entry.get("where") else ""
        lines += [
            f"## {entry.get('title') or entry['id'].replace('_', ' ').replace('-', ' ').capitalize()}",
            "",
            f"**Says**{source}: {entry['says']}",
            "",
            *([f"**Correct:** {entry['correct']}", ""] if entry.get("correct") else []),
            f"**Refuted by a number:** {entry['evidence']} See {link}.",
            "",
        ]
    if not entries:
        lines += ["No slip has been recorded yet.", ""]
    return "\n".join(lines).rstrip() + "\n"


def all_pages(root: Path = ROOT) -> dict[str, str]:
    """Every generated file: path below book/ -> text."""
    return {
        "_toc.yml": toc(root),
        "intro.md": intro(root),
        "notation.md": notation(root),
        "loss_card.md": loss_card.page(root),
        "results.md": results(root),
        "errata.md": errata(root),
        **{f"images/{name}": svg for name, svg in artwork.images().items()},
    }


def stale(root: Path = ROOT) -> list[str]:
    """The generated files that differ from what would be written now."""
    return [
        name
        for name, text in all_pages(root).items()
        if not (root / "book" / name).is_file() or (root / "book" / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write what is stale; with --check only say what is, and fail if anything is."""
    check = "--check" in (sys.argv[1:] if arguments is None else arguments)
    names, texts = stale(), all_pages()
    for name in names:
        if not check:
            path = ROOT / "book" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[name], encoding="utf-8", newline="\n")
        print(f"{'stale' if check else 'wrote'}: book/{name}")
    if not names:
        print("the generated pages are up to date")
    elif check:
        print("run `make pages` and commit what it writes")
    return int(check and bool(names))


if __name__ == "__main__":
    sys.exit(main())
