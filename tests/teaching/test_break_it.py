"""Break it: pictures of a derivation and its mutants."""

import numpy as np
import pytest

from course_lib.teaching import Derivation, Term
from course_lib.teaching.break_it import RED, ROOM, _drawable, _rows, _width, break_it, choose, describe, frame
from tests.teaching.coin import draw, jensen


def reds(image) -> int:
    wanted = np.array([int(RED[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(np.asarray(image).astype(int) - wanted).sum(-1) < 12).sum())


def test_broken_frames_are_red_and_the_sound_one_is_not():
    d = jensen()
    sound, broken = frame(d, None), frame(d, d.broken("flip 0.3:p*loga"))
    assert reds(sound) == 0
    assert reds(broken) > 200
    assert sound.size == broken.size


def test_the_player_shows_the_derivation_first_and_names_each_change():
    player = break_it(jensen(), ["reverse 0.3", "drop 0.4:Elog"])
    assert player.labels[0].startswith("As it should be")
    assert player.labels[1] == "Reverse the inequality in (0.3): the red line fails."
    assert player.title == "Break it: 2 of 2 changes make a line fail"


def test_the_default_selection_is_small_and_varied():
    d = jensen()
    kinds = {mutant.kind for mutant in choose(d.mutants(), 6)}
    assert "reverse" in kinds
    player = d.break_it(most=6)
    assert len(player.images) == 7
    assert len(player.html()) < 150_000


def test_uncaught_mutants_say_so():
    d = jensen()
    found = d.mutants()[0]
    from dataclasses import replace

    text = describe(replace(found, caught=False, red=None, outcome=None, reason="it is zero"))
    assert "nothing fails, because it is zero" in text


@pytest.mark.parametrize(
    "latex",
    [
        r"D_{\mathrm{KL}}\left(q(z\mid x)\,\Vert\,p(z)\right)",
        r"\mathbb{E}_{q(z\mid x)}\left[\log p(x\mid z)\right]",
        r"\ge \frac{1}{2}\,\log\det\Sigma \to 0",
        r"\tfrac{1}{2}\sum_{i=1}^{d}\mu_i^2 \le \text{nats}",
        r"\operatorname{logsumexp}_i\, a_i",
    ],
)
def test_the_course_formulas_can_be_drawn(latex):
    assert _drawable(latex).startswith("$")


def test_what_cannot_be_drawn_stays_readable():
    assert _drawable(r"\underbrace{a}_{b}") == r"\underbrace{a}_{b}"


def test_long_formulas_are_broken_at_signs_and_say_the_same():
    long = Term(r"\mathbb{E}_{q(z\mid x)}\left[\log p(x\mid z)\right]", lambda m: 1.0)
    d = Derivation("long", draw=draw).line(long).line(long - long + 2 * long - long, "=")
    rows = _rows(d.lines[1])
    assert len(rows) > 1
    assert all(_width(row) < 1.26 * ROOM for row in rows)
    joined = "".join(rows).replace("= ", "").replace(" ", "")
    assert joined == d.lines[1].expression.latex.replace(" ", "")
    assert len(_rows(jensen().lines[2])) == 1
