"""What a batch refuses before anything starts: one sentence with argument, value and remedy, exit code 2."""

import json
import subprocess
import sys

import pytest

from course_lib.__main__ import main


@pytest.fixture
def refused(lessons, tmp_path, capsys):
    """Return a function that runs the command and returns the sentence of its refusal."""

    def run(*arguments):
        code = main(["run", *arguments, "--notebooks", str(lessons), "--out", str(tmp_path / "batch")])
        said = capsys.readouterr()
        assert code == 2
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert not list((tmp_path / "batch").rglob("*.ipynb")) if (tmp_path / "batch").exists() else True
        return said.err

    return run


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["01_ebo"], "lesson (='01_ebo') does not exist: did you mean '01_elbo'? valid are 00_start_here, 01_elbo"),
        (["01"], "lesson (='01') does not exist: did you mean '01_elbo'?"),
        (["00_start_here", "99"], "lesson (='99') does not exist: valid are 00_start_here, 01_elbo"),
        (["01_elbo", "--profile", "quik"], "--profile (='quik') does not exist: did you mean 'quick'?"),
        (
            ["01_elbo", "-p", "data_rot", "x"],
            "parameter of 01_elbo (='data_rot') does not exist: did you mean 'data_root'?",
        ),
        (["01_elbo", "-p", "rate", "fast"], "-p rate (='fast') must be of type float"),
        (["01_elbo", "-p", "loud", "yes"], "-p loud (='yes') must be of type bool"),
        (["01_elbo", "-p", "seed", "3"], "-p seed (='3') would be the same in every run; use --seed instead"),
        (["01_elbo", "-p", "out_dir", "x"], "use --out instead"),
        (["01_elbo", "--seed", "-1"], "--seed (=-1) must be 0 or more"),
        (["01_elbo", "--workers", "0"], "--workers (=0) must be 1 or more"),
        (["01_elbo", "--threads", "0"], "--threads (=0) must be 1 or more"),
    ],
)
def test_refusals(refused, arguments, sentence):
    assert sentence in refused(*arguments)


def test_a_file_where_the_batch_should_go(lessons, tmp_path, capsys):
    (tmp_path / "taken").write_text("mine")
    assert main(["run", "01_elbo", "--notebooks", str(lessons), "--out", str(tmp_path / "taken")]) == 2
    assert "cannot be written: Not a directory; name another folder" in capsys.readouterr().err


def test_a_lesson_without_the_parameters_of_a_batch(refused, lessons):
    path = lessons / "00_start_here.ipynb"
    content = json.loads(path.read_text())
    content["cells"][1]["source"] = 'profile: str = "quick"  # size'
    path.write_text(json.dumps(content))
    assert "has no parameter 'seed'; add it to the cell tagged parameters" in refused("00_start_here")


@pytest.mark.parametrize("content", ["", "<html></html>", "[]", "{}"])
def test_a_file_that_is_no_notebook(refused, lessons, content):
    (lessons / "00_start_here.ipynb").write_text(content)
    assert "is not a notebook" in refused("00_start_here")


@pytest.mark.parametrize("name", ["papermill", "distributed"])
def test_without_the_batch_extra(refused, monkeypatch, name):
    monkeypatch.setattr("course_lib.batch.command._is_installed", lambda module: module != name)
    assert f"run needs {name}; install the batch extra: pip install 'bound-by-bound[batch]'" in refused("01_elbo")


def test_a_scheduler_that_does_not_answer(refused, monkeypatch):
    monkeypatch.setattr("course_lib.batch.cluster.CONNECT_SECONDS", 1)
    sentence = refused("01_elbo", "--scheduler", "tcp://127.0.0.1:1")
    assert "--scheduler (=tcp://127.0.0.1:1) does not answer; start one with `dask scheduler`" in sentence


def test_a_gpu_that_is_not_there(refused, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "--gpu asks for a GPU a run and this machine has none" in refused("01_elbo", "--gpu")


def test_started_where_there_are_no_notebooks(course_lib_command, tmp_path):
    for arguments in (["list"], ["run", "01_elbo"]):
        with course_lib_command(*arguments) as command:
            said, complained = command.communicate(timeout=60)
        assert command.returncode == 2
        assert said == ""
        assert complained.startswith(f"course_lib: there are no notebooks here ({tmp_path})")
        assert complained.count("\n") == 1


def test_a_folder_without_lessons_is_named(tmp_path, capsys):
    assert main(["list", "--notebooks", str(tmp_path / "nowhere")]) == 2
    assert "holds no lesson such as 01_elbo.ipynb" in capsys.readouterr().err


def test_the_command_starts_without_the_libraries_of_a_batch(course_lib_command, installed):
    code = "import sys, course_lib.__main__; print([m for m in ('torch', 'dask', 'papermill') if m in sys.modules])"
    said = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=installed)
    assert said.strip() == "[]"
