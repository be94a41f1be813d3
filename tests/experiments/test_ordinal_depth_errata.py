"""Slips about ordinal depth: each is refuted by a number, and named once."""

from course_lib.experiments import ordinal_depth
from course_lib.experiments.ordinal_depth_errata import errata, label_slips


def test_each_slip_is_refuted_and_named_once():
    entries = errata()
    assert len({entry["id"] for entry in entries}) == len(entries) == 8
    for entry in entries:
        assert "they differ by" in entry["evidence"]
        assert entry["lesson"] == "14_ordinal_depth"
        assert entry["correct"]
        assert entry["where"]


def test_slips_that_fail_everywhere_fail_on_all_models():
    assert all(slip.fails == slip.models for slip in label_slips())


def test_the_experiments_hand_them_out():
    assert ordinal_depth.errata is errata
    assert callable(ordinal_depth.figures)
