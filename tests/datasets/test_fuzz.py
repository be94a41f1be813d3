"""Every reader on damaged copies of its example: refused in the documented way, or read sanely.

`COURSE_FUZZ=2000` (`make fuzz`) gives each binary reader 2,000 damaged files instead of 200; a text reader gets a
quarter.
"""

import os
import time

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from course_lib.datasets import DataFormatError, LazyImages, fuzzing
from course_lib.datasets.examples import EXAMPLES, Example
from course_lib.datasets.fuzzing import Fuzzer, fuzz, scratch_folder

INPUTS = int(os.environ.get("COURSE_FUZZ", "200"))


@pytest.fixture
def scratch():
    with scratch_folder() as folder:
        yield folder


@pytest.mark.parametrize("name", EXAMPLES)
def test_only_documented_exceptions_come_out(name, scratch):
    fuzzer = Fuzzer(EXAMPLES[name], scratch)
    inputs = INPUTS if EXAMPLES[name].binary else max(1, INPUTS // 4)
    counts = dict.fromkeys(("accepted", "refused"), 0)

    @settings(
        max_examples=inputs, derandomize=True, deadline=None, database=None, phases=[Phase.generate, Phase.shrink]
    )
    @given(st.integers(0, 2**32 - 1))
    def check(seed):
        kind, message = fuzzer.try_one(seed)
        assert kind != "unexpected", message
        counts[kind] += 1

    check()
    assert sum(counts.values()) >= inputs
    assert counts["refused"] > inputs / 10, counts  # else nothing was damaged, or nothing is checked


VALID = b"1 2 3\n4 5 6\n"


def example(read):
    def write(folder):
        (folder / "a.txt").write_bytes(VALID)
        return folder / "a.txt"

    return Example("an example", write, read, ("a.txt",), binary=False)


def numbers(path):
    try:
        return torch.tensor([[float(word) for word in line.split()] for line in path.read_text().splitlines()])
    except ValueError:
        raise DataFormatError(f"{path}: no numbers") from None


def test_counts_add_up_and_repeat():
    counted = fuzz(EXAMPLES["idx"], 60)
    assert counted == fuzz(EXAMPLES["idx"], 60)
    assert counted.tried == 60 == counted.accepted + counted.refused
    assert min(counted.accepted, counted.refused) > 0
    assert fuzz(EXAMPLES["idx"], 60, seed=1) != counted
    with pytest.raises(ValueError, match=r"`inputs` \(=0\) must be at least 1"):
        fuzz(EXAMPLES["idx"], 0)


def outcomes(read, inputs=20):
    return fuzz(example(read), inputs).unexpected


def fails_with(error):
    def read(path):
        if path.read_bytes() != VALID:
            raise error
        return "ok"

    return read


def test_other_exceptions_and_poor_messages_are_unexpected():
    assert "KeyError: 'joints'" in outcomes(fails_with(KeyError("joints")))[0]
    assert "ValueError: bad" in outcomes(fails_with(ValueError("bad")))[0]
    assert "the message names no file" in outcomes(fails_with(DataFormatError("bad")))[0]
    for value, told in ((torch.inf, "infinite number"), (torch.nan, "has a NaN, which it does not document")):
        assert told in outcomes(lambda path, v=value: torch.tensor([v if path.read_bytes() != VALID else 1.0]), 1)[0]


def test_the_line_of_an_unexpected_outcome_repeats_it(tmp_path):
    line = outcomes(numbers)[0]
    seed = int(line.split("seed ")[1].split()[0])
    assert Fuzzer(example(numbers), tmp_path).try_one(seed) == ("unexpected", line)


def test_endless_readers_and_huge_allocations_are_caught(monkeypatch):
    monkeypatch.setattr(fuzzing, "SECONDS", 0.05)

    def endless(path):
        raw = path.read_bytes()
        while raw != VALID:
            time.process_time()
        return "ok"

    if hasattr(fuzzing.signal, "setitimer"):
        assert "_TooSlowError: not done after" in outcomes(endless, 1)[0]

    def greedy(path):
        return bytes(1 << 40) if path.read_bytes() != VALID else "ok"

    assert "MemoryError" in outcomes(greedy, 1)[0]


def test_pictures_are_decoded_too():
    def decode(path):
        raise OSError("not a picture")

    with pytest.raises(OSError, match="not a picture"):
        fuzzing._examine(fuzz_set(LazyImages(["a.jpg"], decode)))


def fuzz_set(images):
    from course_lib.datasets import KeypointSet
    from course_lib.geometry.skeletons import Skeleton

    points = torch.zeros(1, 1, 2)
    return KeypointSet(points, torch.ones(1, 1, dtype=torch.bool), Skeleton("dot", ("dot",), (-1,)), images=images)


def test_nan_is_welcome_only_where_it_is_documented():
    import dataclasses

    good = fuzz_set(None)
    fuzzing._examine(dataclasses.replace(good, points=torch.full((1, 1, 2), torch.nan)))
    with pytest.raises(ArithmeticError, match="`scales` has a NaN, which it does not document"):
        fuzzing._examine(dataclasses.replace(good, scales=torch.tensor([torch.nan])))


def test_readers_that_skip_bad_records_are_tried_both_ways(tmp_path):
    ways = []

    def read(path, on_bad="raise"):
        ways.append(on_bad)
        return "ok"

    fuzzer = Fuzzer(example(read), tmp_path)
    assert [fuzzer.try_one(seed)[0] for seed in range(4)] == ["accepted"] * 4
    assert ways == ["raise", "raise", "skip", "raise", "skip"]


def test_one_file_is_damaged_at_a_time(tmp_path):
    def write(folder):
        for name in ("a.txt", "b.txt"):
            (folder / name).write_bytes(VALID)
        return folder

    def read(root):
        assert sum((root / name).read_bytes() != VALID for name in ("a.txt", "b.txt")) <= 1
        return "ok"

    fuzzer = Fuzzer(Example("two files", write, read, ("a.txt", "b.txt"), binary=False), tmp_path)
    assert {fuzzer.try_one(seed)[0] for seed in (0, 2, 1, 4, 3, 5)} == {"accepted"}
