"""The command that measures: refusals, resuming from the JSON alone, one failing seed among others."""

from functools import partial

import pytest

from course_lib.experiments import data_root, measure, record
from course_lib.experiments.elbo import EXPERIMENTS
from course_lib.experiments.record import Measurement

WHERE = {"device": "cpu, 1 thread", "seconds": 1.0, "peak_mb": 1.0}
GAP = next(experiment for experiment in EXPERIMENTS if experiment.name == "gap")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Results go to a folder of the test's own."""
    for name in ("load", "save"):
        monkeypatch.setattr(record, name, partial(getattr(record, name), folder=tmp_path))
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.delenv("COURSE_DATA_ROOT", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["01_elbow"], "unknown lesson '01_elbow'; did you mean 01_elbo? Known: 01_elbo"),
        (["zzz"], "unknown lesson 'zzz'. Known: 01_elbo"),
        (["01_elbo", "--only", "gap", "digit"], "unknown experiment 'digit'; did you mean digits? Known: mnist, long"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(folder, capsys, argv, message):
    assert measure.main(argv) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not list(folder.iterdir())


def test_a_missing_dataset_is_named_and_the_exit_status_tells(folder, capsys):
    assert measure.main(["01_elbo", "--only", "mnist"]) == 1
    error = capsys.readouterr().err
    assert "mnist: left out, mnist is not there; fetch it with `python -m data_scripts.fetch mnist`" in error
    assert "COURSE_DATA" in error


def test_only_what_is_missing_is_measured(folder, capsys):
    results = record.load("01_elbo")
    for seed in GAP.seeds[:-1]:
        record.add(results, GAP.claims[0], seed, Measurement(1e-12), **WHERE)
    record.save(results)
    assert measure.main(["01_elbo", "--only", "gap", "--jobs", "1"]) == 0
    assert "01_elbo: 1 seed(s) to run" in capsys.readouterr().out
    (entry,) = record.load("01_elbo")["claims"]
    assert entry["ours"]["seeds"] == list(GAP.seeds)
    assert entry["ours"]["values"][:-1] == [1e-12] * (len(GAP.seeds) - 1)
    assert 0 < entry["ours"]["values"][-1] <= 1e-9
    assert entry["holds"] is True
    assert measure.main(["01_elbo", "--only", "gap"]) == 0
    assert "01_elbo: 0 seed(s) to run" in capsys.readouterr().out


def test_a_seed_that_fails_is_named_and_changes_nothing(folder, capsys, monkeypatch):
    (folder / "data" / "mnist").mkdir(parents=True)  # there, but empty
    monkeypatch.setenv("COURSE_DATA", str(folder / "data"))
    results = record.load("01_elbo")
    record.add(results, GAP.claims[0], 0, Measurement(1e-12), **WHERE)
    record.save(results)
    assert measure.main(["01_elbo", "--only", "long", "--jobs", "1"]) == 1
    assert "long, seed 0: failed: " in capsys.readouterr().err
    assert [entry["id"] for entry in record.load("01_elbo")["claims"]] == ["gap_is_kl"]


def test_data_root(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA_ROOT", raising=False)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert data_root("mnist") is None
    (tmp_path / "mnist").mkdir()
    assert data_root("mnist") == tmp_path / "mnist"
    monkeypatch.delenv("COURSE_DATA")
    assert data_root("mnist") is None
    monkeypatch.setenv("COURSE_DATA_ROOT", str(tmp_path))
    assert data_root("mnist") == tmp_path / "mnist"
