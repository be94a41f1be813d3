"""The loop: steps, log, history, progress, refusal of numbers that are not finite."""

import inspect
import json
import sys

import pytest
import torch

from course_lib.training import NonFiniteError, Run, progress


def test_loop_trains_and_keeps_a_record(tmp_path, make_lesson, step):
    lesson = make_lesson()
    with Run(tmp_path, **lesson.run_options(), log_every=7) as run:
        seen = []
        for number, batch in run.steps(lesson.batches, total=100):
            run.log(number, step(lesson.net, lesson.opt, batch, lesson.gen))
            seen.append(run.every(10))
    assert sum(seen) == 10
    assert run.history["step"] == list(range(1, 101))
    assert sum(run.history["total"][-20:]) < sum(run.history["total"][:20])
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["total"] for row in rows] == run.history["total"]
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["finished"]
    assert record["config"] == {"seed": 0, "width": 8, "steps": 20}
    assert record["runtime"]["device"].startswith("cpu, ")
    assert not list(tmp_path.glob("*.part"))


def test_without_batches_the_batch_is_none(tmp_path):
    with Run(tmp_path, quiet=True) as run:
        assert [(n, b) for n, b in run.steps(total=3)] == [(1, None), (2, None), (3, None)]


def test_batches_that_end_early_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"batches ended after step 2, total \(=3\)"), Run(tmp_path, quiet=True) as run:
        list(run.steps([1, 2], total=3))


@pytest.mark.parametrize("options", [{"log_every": 0}, {"save_every": 0}])
def test_intervals_below_one_step(tmp_path, options):
    with pytest.raises(ValueError, match=rf"{next(iter(options))} \(=0\)"):
        Run(tmp_path, quiet=True, **options)


def test_a_total_below_one_step(tmp_path):
    with pytest.raises(ValueError, match=r"total \(=0\) must be at least 1 step"), Run(tmp_path, quiet=True) as run:
        list(run.steps(total=0))


def test_steps_outside_the_block(tmp_path):
    with pytest.raises(RuntimeError, match="with Run"):
        next(Run(tmp_path, quiet=True).steps(total=1))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_term_that_is_not_finite_stops_the_run(tmp_path, make_lesson, step, bad):
    lesson = make_lesson()
    with Run(tmp_path, **lesson.run_options()) as run:
        for number, batch in run.steps(lesson.batches, total=5):
            run.log(number, step(lesson.net, lesson.opt, batch, lesson.gen))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    lesson = make_lesson()
    with (  # noqa: PT012
        pytest.raises(NonFiniteError, match=rf"step 3: g/info = {bad}; the run is stopped"),
        Run(tmp_path, **lesson.run_options()) as run,
    ):
        for number, _ in run.steps(lesson.batches, total=50):
            run.log(number, {"total": torch.tensor(1.0), "g/info": torch.tensor(bad if number == 3 else 0.0)})
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    before.pop("run.lock"), after.pop("run.lock")
    assert before == after, "the earlier run is intact"
    assert run.history["step"] == [1, 2]


def test_a_weight_that_is_not_finite_is_never_saved(tmp_path, make_lesson):
    lesson = make_lesson()
    with (  # noqa: PT012
        pytest.raises(NonFiniteError, match=r"step 2: weight net\.body\.0\.weight is not finite"),
        Run(tmp_path, **lesson.run_options(), save_every=2) as run,
    ):
        for number, _ in run.steps(lesson.batches, total=4):
            run.log(number, {"total": torch.tensor(1.0)})
            lesson.net.body[0].weight.data.fill_(float("nan"))
    assert not (tmp_path / "checkpoint.pt").exists()


def test_an_interrupted_loop_keeps_its_finished_steps(tmp_path, make_lesson, step):
    lesson = make_lesson()
    with pytest.raises(KeyboardInterrupt), Run(tmp_path, **lesson.run_options(), log_every=1) as run:  # noqa: PT012
        for number, batch in run.steps(lesson.batches, total=50):
            run.log(number, step(lesson.net, lesson.opt, batch, lesson.gen))
            if number == 7:
                raise KeyboardInterrupt
    rows = [json.loads(line)["step"] for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows == list(range(1, 8))


def test_a_short_run_prints_its_last_step_in_batch(tmp_path, capsys):
    with Run(tmp_path, name="01_elbo") as run:
        for number, _ in run.steps(total=200):
            run.log(number, {"total": 1.0 / number})
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("01_elbo  step 200/200  total 0.005")
    assert "\r" not in line


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [
        (0.001, [900]),
        (0.02, [300, 600, 900]),
        (0.1, [150, 300, 600, 900]),
        (0.6, [30, 230, 300, 500, 600, 800, 900]),
    ],
)
def test_lines_come_at_thirds_and_after_silence(monkeypatch, capsys, seconds, steps):
    clock = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: clock[0])
    shown = progress.Progress("run", first=0, total=900)
    for step in range(10, 901, 10):
        clock[0] += 10 * seconds
        shown.show(step, {"total": 1.0})
    lines = capsys.readouterr().err.splitlines()
    assert [int(line.split()[2].split("/")[0]) for line in lines] == steps
    assert all("ms a step" in line for line in lines)


def test_progress_is_a_bar_where_somebody_watches(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("course_lib.training.progress.is_live", lambda stream: True)
    with Run(tmp_path, name="01_elbo") as run:
        for number, _ in run.steps(total=20):
            run.log(number, {"total": 1.0 / number})
    shown = capsys.readouterr().err
    assert "20/20" in shown
    assert "total 0.05" in shown


@pytest.mark.parametrize(("variable", "live"), [("JPY_SESSION_NAME", True), ("COLAB_RELEASE_TAG", True), (None, False)])
def test_a_kernel_is_watched_only_from_a_front_end(monkeypatch, variable, live):
    """papermill and nbval start the same kernels, and store what is printed."""
    monkeypatch.setattr(progress, "in_kernel", lambda: True)
    for name in progress.LIVE_FRONT_ENDS:
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "1")
    assert progress.is_live(sys.stdout) is live


def test_the_core_is_short_enough_to_read_aloud():
    assert len(inspect.getsource(Run.steps).splitlines()) <= 30
