"""The mutation test and refutations."""

import json

import pytest
import torch

from course_lib.teaching import Derivation, DerivationError, Term
from tests.teaching.coin import Coin, draw, jensen, kl, log_mean, mean_log, tight


def test_every_mutant_of_jensen_is_caught():
    d = jensen()
    d.assert_mutants_caught()
    names = [mutant.name for mutant in d.mutants()]
    assert len(names) == len(set(names))
    assert {"flip 0.1:logE", "drop 0.4:Elog", "reverse 0.3", "flip 0.3:p*loga"} <= set(names)


def test_a_swapped_divergence_is_caught():
    d = Derivation("gap", draw=draw).line(log_mean).line(mean_log + kl, "=", number="0.6")
    mutant = d.broken("swap 0.6:kl")
    assert mutant.caught
    assert mutant.red == 1
    assert "left" in mutant.outcome.says()


def test_without_a_tight_model_some_mutants_survive_and_are_named():
    d = Derivation("weak", draw=draw).line(log_mean).line(mean_log - kl, ">=", number="0.7")
    with pytest.raises(DerivationError, match=r"drop 0\.7:kl .* not caught"):
        d.assert_mutants_caught()
    for mutant in d.mutants():
        if not mutant.caught:
            d.equivalent(mutant.name, because="the bound is loose")
    d.assert_mutants_caught()


def test_an_equivalence_that_is_caught_or_unknown_is_an_error():
    with pytest.raises(DerivationError, match="listed as equivalent but is caught"):
        jensen().equivalent("reverse 0.3", because="wrong").assert_mutants_caught()
    with pytest.raises(DerivationError, match=r"does not exist; did you mean .*reverse 0\.3"):
        jensen().equivalent("revers 0.3", because="typo").assert_mutants_caught()
    with pytest.raises(ValueError, match="because"):
        jensen().equivalent("reverse 0.3", because="")


def test_a_term_that_is_zero_everywhere_is_an_equivalence():
    zero = Term(r"\mathbb{E}[s]", lambda coin: 0.0, name="zero")
    d = Derivation("zero", draw=draw).line(log_mean).line(mean_log + kl + zero, "=", number="0.8")
    with pytest.raises(DerivationError, match=r"flip 0\.8:zero"):
        d.assert_mutants_caught()
    d.equivalent("flip 0.8:zero", because="the score has mean zero")
    d.equivalent("drop 0.8:zero", because="the score has mean zero").assert_mutants_caught()


def test_mutants_change_one_line_only():
    mutant = jensen().broken("flip 0.4:Elog")
    assert [i for i, (x, y) in enumerate(zip(mutant.lines, jensen().lines, strict=True)) if x != y and i == 3] == [3]
    assert mutant.red == 3
    assert mutant.latex == r"= -\mathbb{E}[\log X]"


def test_unknown_mutants_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean"):
        jensen().broken("flip 0.4:Elgo")


def test_a_refutation_shows_both_numbers_and_serialises():
    d = jensen(example=Coin(0.5, 1.0, 4.0))
    refutation = d.refute(id="jensen-equal", lhs=log_mean, rhs=mean_log, says="a note", correct=mean_log + kl)
    assert refutation.lhs == pytest.approx(0.91629, abs=1e-4)
    assert refutation.rhs == pytest.approx(0.69315, abs=1e-4)
    assert refutation.difference == pytest.approx(refutation.lhs - refutation.rhs)
    assert refutation.correct_rhs == pytest.approx(refutation.lhs)
    text = refutation._repr_markdown_()
    assert "0.9163" in text
    assert "0.6931" in text
    assert "fails on this example and on all 20 random draws." in text
    assert "jensen-equal" not in text
    entry = refutation.errata("00_start_here")
    assert entry["says"] == r"$\log\mathbb{E}[X] = \mathbb{E}[\log X]$"
    assert entry["where"] == "a note"
    assert set(entry) == {"id", "says", "where", "correct", "evidence", "lesson", "equation"}
    assert json.loads(json.dumps(refutation.asdict()))["id"] == "jensen-equal"


def test_a_claim_that_holds_is_not_refuted():
    with pytest.raises(ValueError, match="nothing to refute"):
        jensen().refute(lhs=log_mean, rhs=mean_log, relation=">=")
    with pytest.raises(ValueError, match="does not hold either"):
        jensen().refute(lhs=log_mean, rhs=mean_log, correct=mean_log - kl)
    with pytest.raises(ValueError, match="relation"):
        jensen().refute(lhs=log_mean, rhs=mean_log, relation="->")


def test_refutations_run_on_a_fixed_model_first():
    refutation = jensen().refute(lhs=log_mean, rhs=mean_log, model=Coin(0.5, 1.0, 2.0))
    assert refutation.where == "Coin(p=0.5, a=1.0, b=2.0)"


def test_tight_models_are_where_the_bound_touches():
    assert kl.value(tight(torch.Generator().manual_seed(0))) == pytest.approx(0.0)


def test_a_refutation_says_on_which_models_the_claim_fails():
    assert jensen().refute(lhs=log_mean, rhs=mean_log).evidence.endswith("The claim fails on all 20 random draws.")
    text = jensen(example=Coin(0.5, 1.0, 4.0)).refute(lhs=log_mean, rhs=mean_log, relation="<=").evidence
    assert "this example and on all 20" in text
    some = jensen().refute(lhs=log_mean, rhs=0 * log_mean, relation=">=")
    assert 0 < some.fails < 20
    assert some.evidence.endswith(f"The claim fails on {some.fails} of 20 random draws.")
