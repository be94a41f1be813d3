"""Freed memory is kept where glibc can be told so: the same blocks are not mapped anew."""

import subprocess
import sys

import pytest

from course_lib.training.allocator import keep_freed_memory

COUNT = """
import resource, sys, torch
if sys.argv[1] == "keep":
    from course_lib.training.allocator import keep_freed_memory
    assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    torch.ones(10_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    run = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=True)
    return int(run.stdout)


def test_it_says_whether_it_was_done_and_may_be_called_again():
    assert keep_freed_memory() is keep_freed_memory()


@pytest.mark.slow
def test_blocks_of_a_step_are_taken_again_without_new_pages():
    if not keep_freed_memory():
        pytest.skip("this system's allocator cannot be told")
    default, kept = faults("default"), faults("keep")
    if default < 20_000:
        pytest.skip("this system maps huge pages: there is nothing to save")
    assert kept < default / 4
