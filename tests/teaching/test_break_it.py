"""Break it: pictures of a derivation and its mutants."""

import numpy as np
import pytest

from course_lib.teaching import Derivation, Term
from course_lib.teaching.break_it import (
    PAD,
    RED,
    ROOM,
    VERDICT,
    _rows,
    _verdict,
    break_it,
    choose,
    describe,
    frame,
    row_height,
    worst,
)
from course_lib.teaching.mathtext import drawable, size
from tests.teaching.coin import Coin, draw, jensen, kl, log_mean, mean_log


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
    chosen = choose(d.mutants(), 6)
    assert {mutant.kind for mutant in chosen} == {"reverse", "drop", "flip"}
    assert [mutant.line for mutant in chosen] == sorted(mutant.line for mutant in chosen)
    gap = Derivation("gap", draw=draw).line(log_mean, number="0.5").line(mean_log + kl, "=", number="0.6")
    assert {mutant.kind for mutant in choose(gap.mutants(), 4)} == {"swap", "drop", "flip"}
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
    assert drawable(latex).startswith("$")


def test_what_cannot_be_drawn_stays_readable():
    assert drawable(r"\underbrace{a}_{b}") == r"\underbrace{a}_{b}"


def test_long_formulas_are_broken_at_signs_and_say_the_same():
    long = Term(r"\mathbb{E}_{q(z\mid x)}\left[\log p(x\mid z)\right]", lambda m: 1.0)
    d = Derivation("long", draw=draw).line(long).line(long - long + 2 * long - long, "=")
    rows = _rows(d.lines[1])
    assert len(rows) > 1
    assert all(size(row).width < 1.26 * ROOM for row in rows)
    joined = "".join(rows).replace("= ", "").replace(" ", "")
    assert joined == d.lines[1].expression.latex.replace(" ", "")
    assert len(_rows(jensen().lines[2])) == 1


SUM = r"\frac{1}{2}\,\sum_{i=1}^{d} \frac{(\mu_{q,i} - \mu_{p,i})^2}{\sigma_{p,i}^2}"


def test_tall_formulas_get_the_room_that_they_take():
    flat, tall = size(r"\log p(x)"), size(SUM)
    assert tall.height > flat.height + 0.05
    assert row_height(1, [SUM]) == pytest.approx(tall.height + VERDICT + 2 * PAD)
    assert row_height(0, [SUM]) == pytest.approx(tall.height + 2 * PAD)
    half = tall.shrunk(tall.width / 2)
    assert (half.width, half.scale) == pytest.approx((tall.width / 2, 0.5))
    assert size(r"\underbrace{a}_{b}").height > 0


def test_the_verdict_stands_below_a_tall_formula():
    """A band without ink must separate the formula from the words, whatever the formula holds."""
    one = Term(SUM, lambda m: m.a)
    image = np.asarray(frame(Derivation("tall", draw=draw).line(one).line(one + 0 * one, "="), None))
    used = (image.min(axis=(1, 2)) < 128).astype(int)
    bands = int((np.diff(used) == 1).sum()) + int(used[0])
    assert bands == 4  # heading, first formula, second formula, verdict


def test_rows_stay_in_their_place_when_the_slider_moves():
    d = jensen()
    assert len({image.size for image in d.break_it(most=9).images}) == 1


def test_changes_are_told_in_words_without_internal_names():
    for mutant in jensen().mutants():
        text = describe(mutant)
        assert "#" not in text
        assert "loga" not in text
    d = jensen()
    assert describe(d.broken("flip 0.3:p*loga")) == "Flip the sign of the first term of (0.3): the red line fails."
    assert describe(d.broken("flip 0.1:logE")) == "Flip the sign of the whole of (0.1): the line after it fails."
    assert "a part of" in describe(next(one for one in d.mutants() if one.change and one.change.inside))


def test_the_values_shown_are_those_of_the_example_or_of_the_largest_discrepancy():
    mutant = jensen().broken("drop 0.4:Elog")
    shown = worst(jensen(), mutant)
    assert abs(shown.lhs - shown.rhs) >= abs(mutant.outcome.lhs - mutant.outcome.rhs)
    assert abs(shown.lhs - shown.rhs) == max(abs(one.lhs - one.rhs) for one in jensen().failures(3, mutant.lines))
    d = jensen(example=Coin(0.5, 1.0, 4.0))
    mutant = d.broken("drop 0.4:Elog")
    assert worst(d, mutant).where == "Coin(p=0.5, a=1.0, b=4.0)"
    assert _verdict(d, mutant, 3)[0] == "FAILS: 0.6931 against 0.0000 (Coin(p=0.5, a=1.0, b=4.0))"


def test_a_mutant_without_a_value_says_so():
    d = jensen()
    none = next(one for one in d.mutants() if one.outcome and "cannot be evaluated" in one.outcome.problem)
    if not [one for one in d.failures(none.red, none.lines) if not one.problem]:
        assert "it has no value" in _verdict(d, none, none.red)[0]
