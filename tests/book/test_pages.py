"""The generated pages: in step with what they are made from, and right about it."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import yaml

from course_lib.authoring import artwork, lesson_map, loss_card, pages
from course_lib.authoring.tables import cell, number, table

ROOT = Path(__file__).resolve().parents[2]


def from_file(path: str):
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def project(tmp_path):
    """A copy of what the generated pages are made from."""
    shutil.copytree(ROOT / "book", tmp_path / "book", symlinks=True, ignore=shutil.ignore_patterns("_build", "api"))
    shutil.copytree(ROOT / "course_lib/losses", tmp_path / "course_lib/losses")
    (tmp_path / "course_lib/results").mkdir()
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def test_generated_pages_are_in_step():
    assert not pages.stale(), "run `make pages` and commit what it writes"


def test_a_new_lesson_enters_the_map_the_table_and_the_contents(project):
    before = pages.all_pages(project)
    assert "notebooks/01_elbo" not in before["_toc.yml"]
    assert "to come" in before["intro.md"]
    (project / "notebooks/01_elbo.ipynb").write_text("{}", encoding="utf-8")
    after = pages.all_pages(project)
    contents = yaml.safe_load(after["_toc.yml"])
    assert {"file": "notebooks/01_elbo"} in contents["parts"][1]["chapters"]
    assert 'href="notebooks/01_elbo.html"' in after["intro.md"]
    assert "[The evidence lower bound](notebooks/01_elbo.ipynb)" in after["intro.md"]


def test_lessons_declare_the_prerequisites_of_the_plan():
    plan = {f"{lesson['n']}_{lesson['slug']}": lesson["requires"] for lesson in pages.read_lessons(ROOT)}
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        header = json.loads(file.read_text(encoding="utf-8"))["metadata"].get("course", {})
        assert file.stem in plan, f"add {file.stem} to book/lessons.yml"
        assert header.get("requires", []) == plan[file.stem], f"{file.stem}: `requires` differs from book/lessons.yml"


def test_map_draws_each_needed_prerequisite_once():
    requires = {lesson["n"]: lesson["requires"] for lesson in pages.read_lessons(ROOT)}
    drawn = lesson_map.arrows(requires)
    assert len(drawn) == len(set(drawn))
    for lesson in requires:
        reached, queue = set(), [lesson]
        while queue:
            current = queue.pop()
            befores = {before for before, after in drawn if after == current}
            queue += befores - reached
            reached |= befores
        assert reached == lesson_map.ancestors(lesson, requires)
    places = [lesson_map._place(lesson, requires) for lesson in requires]
    assert len(set(places)) == len(places) == 17


def test_map_refuses_a_circle_and_an_unknown_lesson():
    with pytest.raises(ValueError, match="01 -> 02 -> 01"):
        lesson_map.level("01", {"01": ["02"], "02": ["01"]})
    with pytest.raises(ValueError, match="'99', which is not in the plan"):
        lesson_map.level("01", {"01": ["99"]})


def test_every_curve_of_the_title_image_is_a_lower_bound_that_touches():
    xs = [-5 + 0.05 * i for i in range(220)]
    for touch in (-4.0, -1.3, 0.3, 1.55, 3.0):
        assert artwork.bound(touch, touch) == pytest.approx(artwork.log_evidence(touch), abs=1e-9)
        assert all(artwork.bound(x, touch) <= artwork.log_evidence(x) + 1e-9 for x in xs)
    total = sum(2.718281828459045 ** artwork.log_evidence(x / 50) / 50 for x in range(-1000, 1000))
    assert total == pytest.approx(1, abs=1e-6), "the curve is the logarithm of a density"


def test_loss_card_refuses_a_loss_without_entry_and_an_entry_without_loss(project):
    file = project / "course_lib/losses/extra.py"
    file.write_text('def new_loss(x):\n    """A loss."""\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"add entries for \['new_loss'\]"):
        loss_card.page(project)
    file.unlink()
    card = project / "book/loss_card.yml"
    text = card.read_text(encoding="utf-8")
    card.write_text(text + "\n- {name: ghost, formula: x, sign: s, sum: s, takes: t}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"remove \['ghost'\]"):
        loss_card.page(project)


def test_loss_card_agrees_with_the_library():
    """Names, arguments and the sizes of real results: what the card says is what the functions do."""
    import inspect

    import torch

    from course_lib import losses
    from course_lib.teaching.equation_tests import find

    read = loss_card.signatures(ROOT / "course_lib/losses")
    assert set(read) <= set(losses.__all__)
    helpers = set(losses.__all__) - set(read)  # targets, read-outs and relations: no losses
    assert "order_from_depth" in helpers
    assert not any(name.endswith(("_loss", "_kl", "_entropy")) for name in helpers)
    for name, loss in read.items():
        assert [argument for argument, _ in loss["arguments"]] == list(
            inspect.signature(getattr(losses, name)).parameters
        )
    for name, loss in read.items():
        given = find(name).draw(torch.Generator().manual_seed(0))  # inputs that make sense, such as one-hot codes
        known: dict[str, tuple[int, ...]] = {}
        for (_, shape), one in zip(loss["arguments"], given, strict=False):
            if shape and isinstance(one, torch.Tensor):
                bind(shape.split(), tuple(one.shape), known)
        value = getattr(losses, name)(*given)
        returned = [size for axis in loss["returns"].split() for size in known[axis]]
        assert list(value.shape) == returned, name


def bind(axes, sizes, known):
    """Give each axis its size, the one that stands for several what is left; a name has one size."""
    several = [i for i, axis in enumerate(axes) if axis == "..." or axis.startswith("*")]
    spare = len(sizes) - (len(axes) - len(several))
    assert len(several) <= 1
    assert spare >= 0 if several else spare == 0
    at = 0
    for i, axis in enumerate(axes):
        width = spare if i in several else 1
        found = sizes[at : at + width]
        assert axis == "..." or "#" in axis or known.setdefault(axis, found) == found, axis
        at += width


def result(holds=True) -> dict:
    return {
        "lesson": "01_elbo",
        "claims": [
            {
                "id": "nll", "what": "test | likelihood", "metric": "NLL", "unit": "nats", "better": "lower",
                "ours": {"profile": "standard", "device": "cpu, 1 thread", "seeds": [0, 1, 2], "mean": 87.654321,
                         "band": [87.1, 88.25]},
                "baseline": {"name": "PCA", "mean": 120.0},
                "paper": {"value": 86.76, "source": "Burda et al., Table 1"},
                "rule": "mean <= 88.5", "holds": holds,
            }
        ],
        "errata": [
            {"id": "kl_sign", "says": "$a = b$", "where": "notes, 1.1", "correct": "$a = -b$",
             "evidence": "1.0 is not 2.0.",
             "lesson": "01_elbo", "equation": "1.3"}
        ],
        "command": "make results LESSON=01_elbo", "versions": {"torch": "2.13.0"},
    }  # fmt: skip


@pytest.mark.parametrize(("holds", "word"), [(True, "| yes |"), (False, "| **no** |")])
def test_results_page_shows_ours_beside_the_paper(project, holds, word):
    (project / "course_lib/results/01_elbo.json").write_text(json.dumps(result(holds)), encoding="utf-8")
    text = pages.results(project)
    row = next(line for line in text.splitlines() if "likelihood" in line)
    for part in ("**87.65** nats (87.1 to 88.25)", "120 (PCA)", "86.76 (Burda et al., Table 1)", "3 seeds", word):
        assert part in row
    assert "test &#124; likelihood" in row


def test_errata_page_links_to_the_equation(project):
    (project / "course_lib/results/01_elbo.json").write_text(json.dumps(result()), encoding="utf-8")
    lesson = project / "notebooks/01_elbo.ipynb"
    lesson.write_text(json.dumps({"cells": ['<a id="eq-1-3"></a>']}), encoding="utf-8")
    text = pages.errata(project)
    assert "**Says** (notes, 1.1): $a = b$" in text
    assert '<a href="notebooks/01_elbo.html#eq-1-3">lesson 01, equation (1.3)</a>' in text
    lesson.write_text("{}", encoding="utf-8")
    assert "[lesson 01, equation (1.3)](notebooks/01_elbo.ipynb)" in pages.errata(project)
    assert "1.0 is not 2.0." in text


def test_check_names_what_is_stale_and_fails(monkeypatch, capsys):
    monkeypatch.setattr(pages, "stale", lambda root=ROOT: ["notation.md"])
    assert pages.main(["--check"]) == 1
    assert "stale: book/notation.md" in capsys.readouterr().out


def test_tables_refuse_what_breaks_them():
    assert cell("a |\n b") == "a &#124; b"
    assert number(-1234.567) == "\N{MINUS SIGN}1235"
    assert number(None) == "–"
    with pytest.raises(ValueError, match="raw bar"):
        table(["x"], [["a | b"]])
    with pytest.raises(ValueError, match="1 cells"):
        table(["x", "y"], [["a"]])


def test_links_become_copies_and_links_again(project):
    links = from_file("book/scripts/links.py")
    (project / "_config.yml").write_text("title: x\n" * 20, encoding="utf-8")
    (project / "notebooks/a.ipynb").write_text("{}", encoding="utf-8")
    book = project / "book"
    assert links.mend(book, "refresh") == []
    links.mend(book, "copy")
    assert not (book / "notebooks").is_symlink()
    assert (book / "notebooks/a.ipynb").read_text(encoding="utf-8") == "{}"
    (project / "notebooks/b.ipynb").write_text("{}", encoding="utf-8")
    links.mend(book, "refresh")
    assert (book / "notebooks/b.ipynb").is_file(), "refresh keeps copies up to date"
    links.mend(book, "link")
    assert (book / "notebooks").is_symlink()
    assert (book / "_config.yml").read_text(encoding="utf-8").startswith("title")
    (book / "notebooks").unlink()
    (book / "notebooks").write_text("../notebooks", encoding="utf-8")  # what Git writes without links
    links.mend(book, "refresh")
    assert (book / "notebooks/a.ipynb").is_file()


def test_links_fall_back_to_copies(project, monkeypatch):
    links = from_file("book/scripts/links.py")

    def refuse(*args, **kwargs):
        raise OSError("links need a privilege here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    (project / "_config.yml").write_text("title: x\n", encoding="utf-8")
    for name in ("_config.yml", "notebooks"):
        (project / "book" / name).unlink()
        (project / "book" / name).write_text(f"../{name}", encoding="utf-8")
    assert all("copy" in sentence for sentence in links.mend(project / "book", "auto"))
    with pytest.raises(OSError, match="does not support links"):
        links.mend(project / "book", "link")


def test_docstrings_are_translated():
    docstrings = from_file("book/_ext/course_docstrings.py")
    lines = docstrings.translate(["With $a_i$ and $b$, `beta` and :math:`c`; $k$KL.", "| a | b |", "", ">>> x = '$5'"])
    assert lines[0] == "With :math:`a_i` and :math:`b`, ``beta`` and :math:`c`; :math:`k`\\ KL."
    assert ".. code-block:: text" in lines
    assert docstrings.shaped("jaxtyping.Float[torch.Tensor, b z] | None") == 'Float[Tensor, "b z"] | None'


def test_results_page_shows_how_fast_the_worlds_are_drawn(project):
    assert "How fast the worlds" not in pages.results(project)
    folder = project / "bench" / "results"
    folder.mkdir(parents=True)
    row = {"p10_ms": 1.0, "median_ms": 2.5, "pictures_a_second": 12800}
    bench = {
        "tables": {"hands, batch 32": {"compiled": row}},
        "machine": {"cpu": "a processor", "threads": 1, "gpu": None},
    }
    (folder / "worlds.json").write_text(json.dumps(bench), encoding="utf-8")
    text = pages.results(project)
    assert "| hands, batch 32 | compiled | 2.5 | 12,800 pictures a second |" in text
    assert "on a processor, 1 thread" in text
