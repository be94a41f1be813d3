"""Measured claims on disk: rules, bands, a whole file at any time; the committed results follow from their runs."""

import json
import math
import os
import re
import statistics
from importlib import import_module

import pytest
from scipy import stats

from course_lib.experiments import LESSONS, record
from course_lib.experiments.record import Claim, Measurement

CLAIM = Claim(id="speed", what="how fast", metric="v", unit="m/s", rule="mean <= 3", profile="quick")
AGAINST = Claim(id="error", what="how wrong", metric="e", rule="max < baseline", profile="quick", baseline="a guess")
WHERE = {"device": "cpu, 1 thread", "seconds": 1.26, "peak_mb": 99.6}


def new(folder):
    return record.load("99_test", folder)


def claims_of(lesson):
    return [claim for experiment in import_module(LESSONS[lesson]).EXPERIMENTS for claim in experiment.claims]


# ---- rules


@pytest.mark.parametrize(
    ("rule", "values", "baseline", "verdict"),
    [
        ("mean <= 2", [1.0, 3.0], None, True),
        ("mean < 2", [1.0, 3.0], None, False),
        ("max <= 2", [1.0, 3.0], None, False),
        ("median <= 2", [1.0, 2.0, 90.0], None, True),
        ("median > 2", [1.0, 2.0, 90.0], None, False),
        ("min >= 1", [1.0, 3.0], None, True),
        ("min > 1", [1.0, 3.0], None, False),
        ("max < baseline", [1.0, 3.0], 3.1, True),
        ("max < baseline", [1.0, 3.0], 3.0, False),
        ("min > baseline", [1.0, 3.0], 0.9, True),
        ("max <= 1e-9", [1e-10], None, True),
        ("mean > -1.5", [-1.0], None, True),
        ("mean <= 88.5", [math.nan, 1.0], None, False),
        ("min > 4", [math.inf], None, False),
    ],
)
def test_rules(rule, values, baseline, verdict):
    assert record.holds(rule, values, [] if baseline is None else [baseline] * len(values)) is verdict


@pytest.mark.parametrize(
    ("rule", "verdict"), [("each < baseline", False), ("mean < baseline", True), ("max < baseline", True)]
)
def test_each_compares_every_seed_with_its_own_baseline(rule, verdict):
    assert record.holds(rule, [87.0, 86.0, 86.0], [86.5, 88.5, 88.0]) is verdict


@pytest.mark.parametrize(
    "rule",
    ["", "mean < ", "mode < 3", "mean = 3", "mean<3", "mean <= e", "mean <= 3 nats", "mean < 1-2", "< baseline"],
)
def test_rules_that_do_not_read_are_refused(rule):
    with pytest.raises(ValueError, match=re.escape(f"`rule` (={rule!r}) must read like 'mean <= 88.5'")):
        record.holds(rule, [1.0], [2.0])


def test_a_rule_against_a_baseline_needs_one():
    with pytest.raises(ValueError, match="needs a baseline for each of 2 values, got 1"):
        record.holds("max < baseline", [1.0, 2.0], [3.0])


# ---- bands


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_band_is_the_prediction_interval_of_a_new_seed(n):
    values = [math.sin(7 * i) for i in range(n)]
    half = stats.t.ppf(0.975, n - 1) * statistics.stdev(values) * math.sqrt(1 + 1 / n)
    mean = statistics.fmean(values)
    assert record.band(values) == pytest.approx([mean - half, mean + half], abs=2e-3 * half)


def test_many_values_never_get_too_narrow_a_band():
    values = [math.sin(7 * i) for i in range(40)]
    half = stats.t.ppf(0.975, 39) * statistics.stdev(values) * math.sqrt(1 + 1 / 40)
    low, high = record.band(values)
    assert 2 * half <= high - low <= 2.5 * half


def test_one_value_is_its_own_band():
    assert record.band([3.5]) == [3.5, 3.5]


# ---- entries


def test_a_record_with_no_file_is_empty(tmp_path):
    assert new(tmp_path)["claims"] == []
    assert new(tmp_path)["command"] == "make results LESSON=99_test"
    assert not list(tmp_path.iterdir())


def test_seeds_are_entered_one_by_one_in_order(tmp_path):
    results = new(tmp_path)
    for seed, value in ((2, 3.0), (0, 1.0), (10, 5.0)):
        record.add(results, CLAIM, seed, Measurement(value, extra={"curve": [value]}), **WHERE)
        record.save(results, tmp_path)
        results = new(tmp_path)
    (entry,) = results["claims"]
    ours = entry["ours"]
    assert ours["seeds"] == [0, 2, 10]
    assert ours["values"] == [1.0, 3.0, 5.0]
    assert ours["mean"] == 3.0
    assert ours["band"] == record.band([1.0, 3.0, 5.0])
    assert entry["holds"] is True
    assert entry["baseline"] is None
    assert ours["runs"]["2"] == {
        "value": 3.0, "baseline": None, "seconds": 1.3, "peak_mb": 100, "device": "cpu, 1 thread",
        "extra": {"curve": [3.0]},
    }  # fmt: skip
    assert record.measured_seeds(results, CLAIM) == [0, 2, 10]
    assert record.measured_seeds(results, AGAINST) == []
    assert set(results["versions"]) == {"course_lib", "python", "torch", "numpy"}


def test_a_seed_measured_again_replaces_its_value(tmp_path):
    results = new(tmp_path)
    record.add(results, CLAIM, 0, Measurement(1.0), **WHERE)
    record.add(results, CLAIM, 1, Measurement(2.0), **WHERE)
    record.add(results, CLAIM, 0, Measurement(9.0), **WHERE)
    (entry,) = results["claims"]
    assert entry["ours"]["values"] == [9.0, 2.0]
    assert entry["holds"] is False


def test_values_of_another_profile_are_not_mixed_in(tmp_path):
    results = new(tmp_path)
    record.add(results, CLAIM, 0, Measurement(1.0), **WHERE)
    standard = Claim(id="speed", what="how fast", metric="v", rule="mean <= 3", profile="standard")
    assert record.measured_seeds(results, standard) == []
    record.add(results, standard, 1, Measurement(2.0), **WHERE)
    (entry,) = results["claims"]
    assert entry["ours"]["seeds"] == [1]
    assert entry["ours"]["profile"] == "standard"


def test_baselines_are_averaged_over_seeds(tmp_path):
    results = new(tmp_path)
    record.add(results, AGAINST, 0, Measurement(1.0, 2.0), **WHERE)
    record.add(results, AGAINST, 1, Measurement(1.5, 4.0), **WHERE)
    (entry,) = results["claims"]
    assert entry["baseline"] == {"name": "a guess", "mean": 3.0}
    assert entry["holds"] is True


def test_a_missing_baseline_leaves_the_record_as_it_was(tmp_path):
    results = new(tmp_path)
    record.add(results, CLAIM, 0, Measurement(1.0), **WHERE)
    before = json.dumps(results)
    with pytest.raises(ValueError, match="needs a baseline"):
        record.add(results, AGAINST, 0, Measurement(1.0), **WHERE)
    assert json.dumps(results) == before


# ---- the file


def filled(folder):
    results = new(folder)
    record.add(results, CLAIM, 0, Measurement(1.0), **WHERE)
    record.save(results, folder)
    return results


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    results = filled(tmp_path)
    path = record.path_of("99_test", tmp_path)
    old = path.read_bytes()
    results["claims"][0]["ours"]["runs"]["0"]["extra"] = {"model": object()}  # fails in the middle of the file
    with pytest.raises(TypeError):
        record.save(results, tmp_path)
    assert path.read_bytes() == old

    def full_disk(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        record.save(new(tmp_path), tmp_path)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]  # no half file lies about


def test_the_file_is_readable_for_all_and_ends_with_a_line(tmp_path):
    filled(tmp_path / "deep" / "er")
    path = record.path_of("99_test", tmp_path / "deep" / "er")
    assert path.read_text().endswith("}\n")
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "raw", [b"", b'{"claims": [', b"[1, 2]", b'{"lesson": "99_test"}', b'{"claims": 3}', b"\xff\xfe"]
)
def test_a_damaged_file_is_named_with_the_way_out(tmp_path, raw):
    path = record.path_of("99_test", tmp_path)
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=r"is damaged .*: restore it with `git checkout .*` or delete it") as caught:
        new(tmp_path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == raw


# ---- what is claimed, and what is committed


def test_every_claim_of_the_first_lesson_is_measured():
    assert {claim.id for claim in claims_of("01_elbo")} >= {
        "mnist_nll",
        "mnist_nll_iw50",
        "mnist_nll_long",
        "digits_vae_beats_pca",
        "gap_is_kl",
        "reparam_variance",
        "iwae_monotone",
        "collapse_threshold",
        "conditional_beats_unconditional",
    }


@pytest.mark.parametrize("lesson", LESSONS)
def test_experiments_are_well_formed(lesson):
    experiments = import_module(LESSONS[lesson]).EXPERIMENTS
    names = [experiment.name for experiment in experiments]
    ids = [claim.id for claim in claims_of(lesson)]
    assert len(set(names)) == len(names)
    assert len(set(ids)) == len(ids)
    for experiment in experiments:
        assert len(set(experiment.seeds)) == len(experiment.seeds) > 0
        assert len(experiment.seeds) >= 3 or experiment.once
        for claim in experiment.claims:
            record.holds(claim.rule, [1.0], [1.0])  # reads
            assert ("baseline" in claim.rule) == bool(claim.baseline), claim.id
            # The rule looks in the direction that is called better.
            assert ("<" in claim.rule) == (claim.better == "lower"), claim.id
            assert claim.paper is None or {"value", "source"} == set(claim.paper)


COMMITTED = [(lesson, entry["id"]) for lesson in LESSONS for entry in record.load(lesson)["claims"]]


@pytest.mark.parametrize(("lesson", "claim_id"), COMMITTED)
def test_committed_numbers_follow_from_their_runs(lesson, claim_id):
    (entry,) = [entry for entry in record.load(lesson)["claims"] if entry["id"] == claim_id]
    (claim,) = [claim for claim in claims_of(lesson) if claim.id == claim_id]
    ours = entry["ours"]
    runs = {int(seed): run for seed, run in ours["runs"].items()}
    values = [runs[seed]["value"] for seed in ours["seeds"]]
    assert list(runs) == ours["seeds"]
    assert ours["values"] == values
    assert ours["mean"] == pytest.approx(statistics.fmean(values), rel=1e-12)
    assert ours["band"] == pytest.approx(record.band(values, claim.floor), rel=1e-12)
    baselines = [run["baseline"] for run in runs.values() if run["baseline"] is not None]
    assert len(baselines) in (0, len(runs))
    baseline = statistics.fmean(baselines) if baselines else None
    assert (entry["baseline"] or {}).get("mean") == baseline
    assert entry["holds"] is record.holds(entry["rule"], values, baselines)
    # The rule is the one that stands in the code, not one fitted to the numbers afterwards.
    assert (entry["rule"], ours["profile"], entry["better"]) == (claim.rule, claim.profile, claim.better)


@pytest.mark.parametrize(("lesson", "claim_id"), COMMITTED)
def test_no_seed_is_left_out_of_a_committed_claim(lesson, claim_id):
    (entry,) = [entry for entry in record.load(lesson)["claims"] if entry["id"] == claim_id]
    (experiment,) = [
        e for e in import_module(LESSONS[lesson]).EXPERIMENTS if claim_id in {claim.id for claim in e.claims}
    ]
    assert entry["ours"]["seeds"] == sorted(experiment.seeds)
