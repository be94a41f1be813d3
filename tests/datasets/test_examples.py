"""Every example writes valid files, the same each time, that its reader takes; every reader takes its real files."""

import os
from pathlib import Path

import pytest

from course_lib.datasets.examples import EXAMPLES, MODULES


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_two_examples_share_a_name():
    assert len(EXAMPLES) == sum(len(module.EXAMPLES) for module in MODULES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_and_small(name, tmp_path):
    example = EXAMPLES[name]
    assert example.name == name
    records = example.read(example.write(tmp_path))
    assert len(records) > 0
    assert example.files
    for file in example.files:
        assert (tmp_path / file).is_file(), file
    assert sum(map(len, contents(tmp_path).values())) < 320_000  # a raw depth map of 320 x 240 floats


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_the_same_bytes_each_time(name, tmp_path):
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        EXAMPLES[name].write(folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("name", [name for name, example in EXAMPLES.items() if example.real])
def test_the_reader_takes_its_real_files(name):
    root = os.environ.get("COURSE_DATA")
    if not root:
        pytest.skip("set COURSE_DATA to the folder that holds the real data sets")
    try:
        records = EXAMPLES[name].real(Path(root).expanduser())
    except FileNotFoundError as error:
        pytest.skip(f"the real files are not there: {error}")
    assert len(records) > 0
