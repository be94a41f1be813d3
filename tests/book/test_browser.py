"""Every page of the built book, opened from disk in a real browser without a network."""

import pytest
from survey import axe_faults

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROSE = ["intro", "setup", "notation", "loss_card", "results", "errata", "references", "library"]


def faults(survey, key):
    return {page: seen[key] for page, seen in survey.items() if seen[key]}


def test_no_page_logs_an_error(survey):
    assert len(survey) > 20
    assert not faults(survey, "errors")


def test_no_request_leaves_the_book(survey):
    assert not faults(survey, "foreign")


def test_no_formula_is_left_unrendered(survey):
    assert not faults(survey, "raw")


def test_no_image_is_missing_or_without_alternative_text(survey):
    assert not faults(survey, "bad_images")
    assert not faults(survey, "no_alt")


def test_every_player_moves(survey):
    still = {page: [p for p in seen["players"] if not p["moves"]] for page, seen in survey.items()}
    assert not {page: players for page, players in still.items() if players}


def test_lessons_hold_players(survey):
    lessons = [page for page in survey if page.startswith("notebooks/")]
    assert all(survey[page]["players"] for page in lessons), lessons


def test_nothing_is_out_of_reach_on_a_phone(survey):
    wide = {
        page: seen["phone"] for page, seen in survey.items() if seen["phone"]["sideways"] > 1 or seen["phone"]["cut"]
    }
    assert not wide


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(browser, html, scheme):
    names = [*PROSE, *(f"notebooks/{file.stem}" for file in sorted((html / "notebooks").glob("*.html")))]
    names.append("api/course_lib/losses/elbo/index")
    found = {name: axe_faults(browser, html / f"{name}.html", scheme) for name in names}
    assert not {name: fault for name, fault in found.items() if fault}


def test_map_links_exactly_the_lessons_that_exist(browser, html):
    from browser import open_page

    with open_page(browser, html / "intro.html") as (page, _):
        links = page.evaluate("() => [...document.querySelectorAll('.lesson-map a')].map(a => a.getAttribute('href'))")
        nodes = page.evaluate("() => document.querySelectorAll('.lesson-map .map-node').length")
        overflow = page.evaluate(
            """() => [...document.querySelectorAll('.lesson-map .map-node')].filter(node => {
                 const box = node.querySelector('rect').getBBox();
                 const right = [...node.querySelectorAll('text')].map(t => t.getBBox().x + t.getBBox().width);
                 return Math.max(...right) > box.x + box.width - 2;
               }).map(node => node.textContent)"""
        )
    assert nodes == 17
    assert links == [f"notebooks/{file.stem}.html" for file in sorted((html / "notebooks").glob("*.html"))]
    assert not overflow, "a title does not fit its box on the map"


def test_pages_read_without_script(browser, html):
    from browser import open_page

    for file in [html / "intro.html", *sorted((html / "notebooks").glob("*.html"))]:
        with open_page(browser, file, scripts=False) as (page, _):
            text = page.locator("article").first.inner_text()
            assert len(text.split()) > 60
            for player in page.locator("[data-player]").all():
                assert "Run this cell to move it" in player.inner_text()
                assert player.locator("img").first.is_visible()
