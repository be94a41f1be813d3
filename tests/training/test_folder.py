"""Where a run writes, who may write there, and what happens when it cannot."""

import errno
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from course_lib.training import LockedError, OutputError, Run, run_folder, write_atomically
from course_lib.training.folder import append_whole, find_checkout

ROOT = Path(__file__).resolve().parents[2]

HOLDER = """
import sys, time
from course_lib.training import Run
with Run(sys.argv[1], quiet=True) as run:
    print("holding", flush=True)
    time.sleep(60)
"""


def test_folder_is_found_from_the_checkout_not_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_folder("01_elbo", "quick", 3) == ROOT / "runs" / "01_elbo" / "quick-3"
    assert run_folder("01_elbo", "quick", 3, out_dir="mine") == tmp_path / "mine"
    assert Run(name="01_elbo", profile="smoke", seed=1).path == ROOT / "runs" / "01_elbo" / "smoke-1"


def test_installed_elsewhere_it_is_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.setattr("course_lib.training.folder.__file__", str(tmp_path / "site" / "folder.py"))
    monkeypatch.chdir(tmp_path)
    assert find_checkout() is None
    assert run_folder("01_elbo", "quick", 3) == tmp_path / "runs" / "01_elbo" / "quick-3"


def test_two_processes_never_share_a_folder(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "holding\n"
        with (
            pytest.raises(LockedError, match=rf"out_dir \(={tmp_path}\) is in use by process {child.pid}; wait"),
            Run(tmp_path, quiet=True),
        ):
            pass
        child.kill()
    with Run(tmp_path, quiet=True):  # the lock of a killed process holds nobody back
        pass


def test_nor_do_two_runs_of_one_process(tmp_path):
    with Run(tmp_path, quiet=True), pytest.raises(LockedError, match=str(os.getpid())), Run(tmp_path, quiet=True):
        pass


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError, match=r"cannot write .*taken.*: .*; free some space or choose another folder"):
        Run(tmp_path / "taken", quiet=True).__enter__()
    with pytest.raises(OutputError, match="Not a directory"):
        Run(tmp_path / "taken" / "below", quiet=True).__enter__()
    assert (tmp_path / "taken").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no /proc")
def test_an_unwritable_folder():
    with pytest.raises(OutputError, match="cannot write /proc/course"):
        Run("/proc/course", quiet=True).__enter__()


@contextmanager
def small_files():
    """Files may not grow beyond 4 kB: writes fail half-way, as they do on a full disk."""
    resource = pytest.importorskip("resource", reason="this system has no resource limits")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:  # before pytest itself writes a report
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"earlier")
    with pytest.raises(OutputError, match=r"cannot write .*a\.bin: File too large"), small_files():
        write_atomically(path, bytes(10_000))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"a.bin": b"earlier"}


def test_lines_are_appended_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.jsonl"
    append_whole(path, "one\n")
    with pytest.raises(OutputError, match="File too large"), small_files():
        append_whole(path, "x" * 10_000)
    assert path.read_text() == "one\n"


def test_a_full_disk_stops_the_run_and_spares_the_checkpoint(tmp_path, make_lesson, step, monkeypatch):
    lesson = make_lesson()
    disk = {"full": False}
    real = os.fsync

    def fsync(file):
        if disk["full"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file)

    monkeypatch.setattr("os.fsync", fsync)
    with (  # noqa: PT012
        pytest.raises(OutputError, match="No space left on device; free some space or choose another folder"),
        Run(tmp_path, **lesson.run_options(), save_every=5) as run,
    ):
        for number, batch in run.steps(lesson.batches, total=20):
            run.log(number, step(lesson.net, lesson.opt, batch, lesson.gen))
            if number == 7:
                saved = (tmp_path / "checkpoint.pt").read_bytes()
                disk["full"] = True
    assert (tmp_path / "checkpoint.pt").read_bytes() == saved
    assert not list(tmp_path.glob("*.part"))
