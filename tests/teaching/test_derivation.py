"""Derivations: what holds is shown, what fails is named."""

import math

import pytest
import torch

from course_lib.teaching import Definition, Derivation, DerivationError, Estimate, Term
from course_lib.teaching.derivation import name_of
from tests.teaching.coin import Coin, a, b, draw, jensen, kl, log, log_mean, mean_log, p, tight


def test_the_table_has_numbers_anchors_formulas_and_verdicts():
    text = jensen(example=Coin(0.5, 1.0, 4.0)).markdown()
    assert '<a id="eq-0-3"></a>(0.3)' in text
    assert r"| $\ge$ | $p\,\log a + \left(1 - p\right)\,\log b$ | Jensen |" in text
    assert "on 20 draws; equal on 3 tight ones" in text
    assert "**Jensen on a coin** · Values on Coin(p=0.5, a=1.0, b=4.0)." in text
    assert "0.9163" in text
    assert "0.6931" in text
    assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1
    assert jensen(example=Coin(0.5, 1.0, 4.0)).markdown() == text


def test_show_displays_the_table(capsys):
    jensen().show()
    assert "Jensen on a coin" in capsys.readouterr().out


def test_a_wrong_line_is_named_with_values_tolerance_and_draw():
    d = Derivation("wrong", draw=draw).line(log_mean, number="0.1").line(mean_log, "=", number="0.2")
    with pytest.raises(DerivationError, match=r"wrong, line 0\.2 fails.*left .*right .*tolerance .*\(draw 0\)"):
        d.show()


def test_an_inequality_that_is_not_tight_where_it_must_be_fails():
    d = Derivation("loose", draw=draw).line(log_mean).line(mean_log - 1, ">=", tight=tight)
    with pytest.raises(DerivationError, match="tight model 0"):
        d.run()


def test_an_inequality_that_is_always_an_equality_fails():
    d = Derivation("vacuous", draw=draw).line(log_mean).line(mean_log + kl, ">=")
    with pytest.raises(DerivationError, match="never strict"):
        d.run()


def test_the_gap_is_a_divergence_and_the_order_of_its_arguments_matters():
    d = Derivation("gap", draw=draw).line(log_mean, number="0.5").line(mean_log + kl, "=", number="0.6")
    d.assert_mutants_caught()
    with pytest.raises(DerivationError, match=r"line 0\.6 fails"):
        Derivation("gap", draw=draw).line(log_mean).line(mean_log + kl.swapped(), "=", number="0.6").run()


def test_monte_carlo_lines_hold_within_four_standard_errors_and_fail_beyond():
    def sampled(coin: Coin) -> Estimate:
        gen = torch.Generator().manual_seed(int(coin.p * 1e9))
        heads = torch.rand(4000, generator=gen, dtype=torch.float64) < coin.p
        return Estimate.from_samples(torch.where(heads, math.log(coin.a), math.log(coin.b)).double())

    noisy = Term(r"\frac{1}{n}\sum_i \log x_i", sampled, name="mc")
    d = Derivation("mc", draw=draw, example=Coin(0.5, 1.0, 4.0)).line(mean_log).line(noisy, "=", reason="law")
    assert "within 4 standard errors" in d.markdown()
    assert "(estimated)" in d.markdown()
    assert all(mutant.caught for mutant in d.mutants())
    with pytest.raises(DerivationError, match="line-2"):
        Derivation("mc", draw=draw).line(mean_log).line(noisy + 0.5, "=").run()


def test_limits_are_followed_along_a_sequence():
    power = Term(r"\frac{1}{t}\log\mathbb{E}[X^t]", lambda m: math.log(m[1].p * m[1].a ** m[0]
                 + (1 - m[1].p) * m[1].b ** m[0]) / m[0])  # fmt: skip
    rhs = Term(r"\mathbb{E}[\log X]", lambda m: mean_log.value(m[1]), name="Elog")
    d = Derivation("limit", draw=lambda gen: (1.0, draw(gen)))
    d.line(power).line(rhs, "->", along=lambda m: [(t, m[1]) for t in (1.0, 0.1, 1e-3)])
    d.assert_mutants_caught()
    assert r"$\to$" in d.markdown()
    wrong = Derivation("limit", draw=lambda gen: (1.0, draw(gen)))
    wrong.line(power).line(rhs + 1, "->", along=lambda m: [(t, m[1]) for t in (1.0, 1e-3)])
    with pytest.raises(DerivationError, match="step 1"):
        wrong.run()


def test_nan_infinity_and_undefined_values_fail():
    for bad in (math.nan, math.inf):
        d = (
            Derivation("bad", draw=draw)
            .line(Term("x", lambda m, bad=bad: bad))
            .line(Term("y", lambda m, bad=bad: bad), "=")
        )
        with pytest.raises(DerivationError, match="finite"):
            d.run()
    with pytest.raises(DerivationError, match="cannot be evaluated"):
        Derivation("bad", draw=draw).line(log_mean).line(log(-a), "=").run()


def test_bad_calls_are_refused():
    d = Derivation("bad", draw=draw)
    with pytest.raises(ValueError, match="first line"):
        d.line(a, "=")
    d.line(a, number="0.1")
    with pytest.raises(ValueError, match="must be one of"):
        d.line(a, "==")
    with pytest.raises(ValueError, match="along"):
        d.line(a, "->")
    with pytest.raises(ValueError, match="tight"):
        d.line(a, "=", tight=tight)
    with pytest.raises(ValueError, match="already"):
        d.line(a, "=", number="0.1")
    with pytest.raises(ValueError, match="at least 20"):
        Derivation("few", draw=draw, draws=3)


def test_a_new_chain_starts_where_a_line_has_no_relation():
    d = Derivation("two", draw=draw).line(a).line(a + 0, "=").line(b).line(2 * b - b, "=")
    assert d.markdown().count("start") == 2


def test_definitions_carry_tag_and_anchor():
    text = Definition(r"q = p\,x", "0.9")._repr_markdown_()
    assert r"\tag{0.9}" in text
    assert 'id="eq-0-9"' in text
    with pytest.raises(ValueError, match="bar"):
        Definition("p(x|z)", "0.9")


def test_formulas_are_listed_for_the_lint():
    assert jensen().formulas()["0.3"] == (p * log(a) + (1 - p) * log(b)).latex


def test_long_winded_models_are_not_spelt_out():
    assert name_of(Coin(0.5, 1.0, 4.0)) == "Coin(p=0.5, a=1.0, b=4.0)"
    assert name_of("x" * 61) == "one fixed model"
