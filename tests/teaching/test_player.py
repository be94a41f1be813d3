"""Players and frames: self-contained, described, and moving."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from course_lib.teaching import Player, plots
from course_lib.teaching.frames import sprite, to_image

BROWSER = "/usr/bin/chromium"


def frames(n: int = 5) -> list[np.ndarray]:
    return [np.full((8, 8), i / n) for i in range(n)]


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((8, 6)),
        np.zeros((8, 6, 3), dtype=np.uint8),
        np.zeros((8, 6, 4), dtype=np.uint8),
        torch.zeros(1, 8, 6),
        torch.zeros(3, 8, 6),
        torch.zeros(8, 6, dtype=torch.uint8),
        Image.new("L", (6, 8)),
    ],
)
def test_frames_of_every_kind_become_rgb_pictures_of_whole_pixels(frame):
    image = to_image(frame)
    assert image.mode == "RGB"
    assert image.size == (240, 320)


def test_figures_are_drawn_and_closed():
    plots.use_style()
    figure, axes = plots.figure_axes()
    axes.plot([0, 1])
    assert to_image(figure).width > 400
    assert figure.number not in plt.get_fignums()


def test_frames_that_are_no_pictures_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3, 4, 5\)"):
        to_image(np.zeros((2, 3, 4, 5)))
    with pytest.raises(ValueError, match="NaN"):
        to_image(np.full((8, 8), np.nan))
    with pytest.raises(ValueError, match="16383"):
        sprite([Image.new("RGB", (9000, 9000))] * 4)


def test_the_player_is_one_webp_and_a_script_that_fetches_nothing():
    html = Player(frames(), title="It moves", alt="A grey square that turns white.").html()
    assert len(re.findall("<img", html)) == 1
    assert not re.findall(r"https?://|@import|url\(", html)
    picture = base64.b64decode(re.search(r"data:image/webp;base64,([A-Za-z0-9+/=]+)", html)[1])
    sheet = Image.open(io.BytesIO(picture))
    assert sheet.format == "WEBP"
    assert sheet.width % 240 == 0
    assert 'alt="A grey square that turns white.' in html
    assert "Run this cell to move it" in html


def test_the_same_player_gives_the_same_html_and_labels_cannot_end_the_script():
    first = Player(frames(2), ["</script><b>", "b"], alt="a & b")
    assert first.html() == Player(frames(2), ["</script><b>", "b"], alt="a & b").html()
    assert first.html().count("</script>") == 1


def test_large_players_stay_small_files():
    gen = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(24, 1, 8, 8, generator=gen), size=(256, 256), mode="bicubic")
    assert len(Player(list(smooth), alt="Clouds.").html()) < 400_000


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="frames"):
        Player([], alt="nothing")
    with pytest.raises(ValueError, match="labels"):
        Player(frames(3), ["a"], alt="x")
    with pytest.raises(ValueError, match="alt"):
        Player(frames(3), alt=" ")


def test_without_a_live_front_end_live_players_stay_static(monkeypatch, capsys):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    Player(frames(2), alt="x", live=lambda position: np.full((8, 8), position)).show()
    assert "Player(2 frames" in capsys.readouterr().out


def test_a_live_player_draws_afresh_and_holds_no_frames(monkeypatch):
    widgets = pytest.importorskip("ipywidgets")
    from course_lib.teaching import player

    shown, asked = [], []
    monkeypatch.setattr(player, "is_live_front_end", lambda: True)
    monkeypatch.setattr(player, "show", shown.append)
    Player(frames(2), alt="x", live=lambda position: asked.append(position) or np.full((8, 8), position)).show()
    picture, slider = shown[0].children
    assert isinstance(slider, widgets.FloatSlider)
    slider.value = 0.5
    assert asked == [0.0, 0.5]
    assert "data:image/webp;base64," in picture.value
    assert 'alt="x"' in picture.value


@pytest.fixture
def page(request):
    sync_api = pytest.importorskip("playwright.sync_api")
    import os

    if not os.path.exists(BROWSER):
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(f"REQUIRE_BROWSER=1, but {BROWSER} is missing")
        pytest.skip(f"{BROWSER} is not installed")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(java_script_enabled=request.param, viewport={"width": 390, "height": 800})
        yield context.new_page()
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("page", [True], indirect=True)
def test_the_slider_moves_by_keyboard_and_the_button_plays(page):
    problems, requests = [], []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: requests.append(request.url[:30]))
    html = Player(frames(), list("abcde"), title="It moves", alt="A square.", pause=50).html()
    page.set_content(f"<main>{html}{html}</main>")  # the same player twice, as two views of one notebook
    slider = page.locator("input[type=range]").first
    assert page.locator("input[type=range]").count() == 2
    assert page.get_by_text("Run this cell").count() == 0
    before = page.locator("[data-stage]").first.screenshot()
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "c"
    assert slider.get_attribute("aria-label") == "Frame of: It moves"
    assert page.locator("[data-stage]").first.screenshot() != before
    page.get_by_role("button", name="Play").first.click()
    page.wait_for_function("document.querySelector('input[type=range]').getAttribute('aria-valuetext') !== 'c'")
    page.get_by_role("button", name="Pause").first.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not problems
    assert not [url for url in requests if not url.startswith(("data:", "about:"))]


@pytest.mark.browser
@pytest.mark.parametrize("page", [False], indirect=True)
def test_without_script_the_sheet_shows_with_a_sentence(page):
    page.set_content(Player(frames(), alt="A square.").html())
    assert page.get_by_text("Run this cell to move it").is_visible()
    assert page.locator("input").count() == 0
    assert page.locator("img").bounding_box()["width"] > 100
