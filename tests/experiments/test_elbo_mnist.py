"""The MNIST experiment on a few made-up images: both ways to spend the time, and what is recorded of each."""

import math
import struct
from dataclasses import replace

import numpy as np
import pytest

from course_lib.datasets import mnist as files
from course_lib.experiments import elbo_mnist, record
from course_lib.experiments.elbo import EXPERIMENTS
from course_lib.papers.vae import PROFILES
from course_lib.training import Run


def idx(array):
    return struct.pack(f">{array.ndim + 1}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Made-up MNIST files, a network and a number of steps to match, and run folders of the test's own."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for half, count in (("train", 60), ("test", 8)):
        images, labels, _ = files.FILES[half]
        monkeypatch.setitem(files.FILES, half, (images, labels, count))
        (folder / images).write_bytes(idx(rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)))
        (folder / labels).write_bytes(idx(np.zeros(count, np.uint8)))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    cfg = replace(PROFILES["smoke"], steps=8, batch_size=20)
    monkeypatch.setitem(PROFILES, "standard", cfg)
    monkeypatch.setattr(elbo_mnist, "SAMPLES", 20)
    monkeypatch.setattr(elbo_mnist, "IW", elbo_mnist.IW | {"batch_size": 10, "samples": 3, "warmup": 1})
    monkeypatch.setattr(record, "RESULTS", tmp_path)  # a reference figure goes there, not into the repository
    runs = []

    def run(**options):
        runs.append((options["profile"], options["config"]))
        return Run(tmp_path / "runs" / options["profile"], **options)

    monkeypatch.setattr(elbo_mnist, "Run", run)
    return runs


def ids(name):
    return {claim.id for experiment in EXPERIMENTS if experiment.name == name for claim in experiment.claims}


def test_both_ways_are_measured(small):
    found = elbo_mnist.mnist(0)
    assert set(found) == ids("mnist")
    whole, tuned = found["mnist_nll"], found["mnist_nll_iw50"]
    assert tuned.baseline == whole.value
    assert whole.baseline is None
    for measurement in found.values():
        assert math.isfinite(measurement.value)
        extra = measurement.extra
        assert set(extra) == {"train_core_seconds", "curve", "negative_elbo", "kl", "active_units"}
        assert 0 <= extra["active_units"] <= PROFILES["standard"].latent
        seconds = [look["seconds"] for look in extra["curve"]]
        assert seconds == sorted(seconds)
        assert all(math.isfinite(look["nll"]) for look in extra["curve"])
    assert [look["phase"] for look in whole.extra["curve"]] == ["elbo", "elbo"]
    assert [look["phase"] for look in tuned.extra["curve"]] == ["elbo", "elbo", "iw50", "iw50"]

    (_, first), (_, half), (_, fine) = small
    assert [name for name, _ in small] == ["mnist_nll-0-elbo", "mnist_nll_iw50-0-elbo", "mnist_nll_iw50-0-iw50"]
    assert (first.objective, half.objective, fine.objective) == ("elbo", "elbo", "iwae")
    assert half.steps == first.steps // 2
    assert fine.steps == round(half.steps / elbo_mnist.ELBO_STEPS_PER_IW_STEP)


def test_the_same_seed_gives_the_same_numbers(small):
    first, again = elbo_mnist.mnist(1), elbo_mnist.mnist(1)
    assert {i: m.value for i, m in first.items()} == {i: m.value for i, m in again.items()}


def test_the_long_run_is_compared_with_the_short_one_of_its_seed(small, monkeypatch):
    monkeypatch.setattr(record, "load", lambda lesson: {"claims": []})
    with pytest.raises(RuntimeError, match="run the experiment `mnist` first"):
        elbo_mnist.long_run(0)
    short = {"id": "mnist_nll", "ours": {"runs": {"0": {"value": 123.0}}}}
    monkeypatch.setattr(record, "load", lambda lesson: {"claims": [short]})
    found = elbo_mnist.long_run(0)
    assert set(found) == ids("long")
    assert found["mnist_nll_long"].baseline == 123.0
    assert small[0][1].steps == round(elbo_mnist.LONGER * 8)
    with pytest.raises(RuntimeError, match="same seed"):
        elbo_mnist.long_run(1)
