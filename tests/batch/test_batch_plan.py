"""Plans, resumption, tables and costs, without starting a run."""

import json
import subprocess
from pathlib import Path

import pytest

from course_lib.__main__ import main
from course_lib.batch.cluster import local_gpus, local_workers
from course_lib.batch.execute import finish, measured, one_line
from course_lib.batch.lessons import BatchError, find_lessons, parse_parameters
from course_lib.batch.plan import library_hash, plan, write_json
from course_lib.batch.report import batch_table, read_costs, update_costs


def make_tasks(lessons, out, *, seeds=(0, 1), parameters=None):
    known = find_lessons(lessons)
    return plan([known["01_elbo"]], ["smoke", "quick"], list(seeds), {"01_elbo": parameters or {}}, out)


def complete(task, **changes):
    task.folder.mkdir(parents=True)
    (task.folder / "executed.ipynb").write_text("{}")
    cost = task.identity() | {
        "seconds": 2.0,
        "cpu_seconds": 1.5,
        "peak_mb": 300.0,
        "device": "cpu, 1 thread",
        "when": "2026-01-01T00:00:00Z",
        "versions": {},
    }
    write_json(task.folder / "cost.json", cost | changes)
    return cost


def test_every_combination_once(lessons, tmp_path):
    tasks = make_tasks(lessons, tmp_path, seeds=(0, 1, 1))
    assert [task.folder.relative_to(tmp_path).as_posix() for task in tasks] == [
        "01_elbo/smoke-0",
        "01_elbo/smoke-1",
        "01_elbo/quick-0",
        "01_elbo/quick-1",
    ]
    other = make_tasks(lessons, tmp_path, parameters={"rate": 0.2})
    assert not {task.folder for task in tasks} & {task.folder for task in other}


def test_a_run_is_finished_when_notebook_and_cost_belong_to_it(lessons, tmp_path):
    task = make_tasks(lessons, tmp_path)[0]
    assert task.finished_cost() is None
    cost = complete(task)
    assert task.finished_cost() == cost
    (task.folder / "executed.ipynb").unlink()
    assert task.finished_cost() is None


@pytest.mark.parametrize("changes", [{"source": "0"}, {"seed": 7}, {"parameters": {"rate": 3}}])
def test_a_result_of_other_code_or_parameters_does_not_count(lessons, tmp_path, changes):
    task = make_tasks(lessons, tmp_path)[0]
    complete(task, **changes)
    assert task.finished_cost() is None


@pytest.mark.parametrize("text", ["", "[]", '{"seed"'])
def test_a_cost_cut_off_does_not_count(lessons, tmp_path, text):
    task = make_tasks(lessons, tmp_path)[0]
    complete(task)
    (task.folder / "cost.json").write_text(text)
    assert task.finished_cost() is None


def test_outputs_leave_the_hash_alone_and_sources_change_it(lessons):
    lesson = find_lessons(lessons)["01_elbo"]
    before = lesson.hash
    content = lesson.content
    content["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "hello"}]
    lesson.path.write_text(json.dumps(content))
    assert lesson.hash == before
    content["cells"][2]["source"] += "\n1 + 1"
    lesson.path.write_text(json.dumps(content))
    assert lesson.hash != before


def test_the_library_counts_as_source(tmp_path):
    for name in ("losses", "batch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text("1")
    before = library_hash(tmp_path)
    (tmp_path / "batch" / "a.py").write_text("2")
    assert library_hash(tmp_path) == before
    (tmp_path / "losses" / "a.py").write_text("2")
    assert library_hash(tmp_path) != before


def test_parameters_take_the_declared_type(lessons):
    lesson = find_lessons(lessons)["01_elbo"]
    given = [["rate", "1e-3"], ["loud", "True"], ["data_root", "7"]]
    assert parse_parameters(lesson, given) == {"rate": 1e-3, "loud": True, "data_root": "7"}
    assert lesson.parameters()["rate"].help == "learning rate"


def test_a_finished_batch_is_kept_and_its_costs_are_written(lessons, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("course_lib.batch.command.update_costs", lambda c: update_costs(c, tmp_path / "costs.json"))
    known = find_lessons(lessons)
    for task, seconds in zip(
        plan([known["01_elbo"]], ["quick"], [0, 1, 2], {}, tmp_path), (1.0, 2.0, 9.0), strict=True
    ):
        complete(task, seconds=seconds)
    words = ["run", "01_elbo", "--seed", "0", "1", "2", "--update-costs"]
    assert main([*words, "--notebooks", str(lessons), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "3 of 3 runs are finished already" in said
    assert said.count("cpu, 1 thread") == 3
    entry = json.loads((tmp_path / "costs.json").read_text())["01_elbo"]["quick"]
    assert (entry["seconds"], entry["cpu_seconds"]) == (2.0, 1.5)
    assert entry["seeds"] == [0, 1, 2]
    assert entry["device"] == "cpu, 1 thread"


def test_costs_of_other_lessons_stay_and_runs_with_parameters_do_not_count(lessons, tmp_path):
    path = tmp_path / "costs.json"
    write_json(path, {"00_start_here": {"quick": {"seconds": 5}}})
    plain, changed = make_tasks(lessons, tmp_path)[0], make_tasks(lessons, tmp_path, parameters={"rate": 9})[0]
    update_costs([complete(plain), complete(changed, seconds=99.0)], path)
    assert read_costs(path)["00_start_here"]["quick"]["seconds"] == 5
    assert read_costs(path)["01_elbo"]["smoke"]["seconds"] == 2.0
    path.write_text("{")
    with pytest.raises(BatchError, match="is not JSON"):
        read_costs(path)


def test_list_names_lessons_and_costs(lessons, capsys, monkeypatch):
    costs = {"01_elbo": {"quick": {"seconds": 41.2, "peak_mb": 690, "device": "cpu, 1 thread"}}}
    monkeypatch.setattr("course_lib.batch.command.read_costs", lambda: costs)
    assert main(["list", "--notebooks", str(lessons)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["00_start_here", "01_elbo"]
    assert "41 s, 690 MB (cpu, 1 thread)" in lines[3]
    assert "not measured" in lines[2]


def test_the_table_says_what_failed(lessons, tmp_path):
    task = make_tasks(lessons, tmp_path)[0]
    table = batch_table([(task, "FAILED", {"error": "cell [3]: ValueError: no", "attempts": 2})])
    assert "FAILED (attempt 2)" in table
    assert "cell [3]: ValueError: no" in table


def test_local_workers_share_cores_and_take_a_gpu_each(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(8)), raising=False)
    workers = local_workers(None, 3, gpu=False)
    assert [worker["env"]["OMP_NUM_THREADS"] for worker in workers] == ["2", "2", "2"]
    assert local_workers(1, 3, gpu=False, threads=1)[0]["env"]["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    workers = local_workers(None, 5, gpu=True)
    assert [worker["env"]["CUDA_VISIBLE_DEVICES"] for worker in workers] == ["4", "7"]
    assert all(worker["resources"] == {"GPU": 1} for worker in workers)


def test_gpus_are_counted_without_torch(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("shutil.which", lambda name: "/bin/nvidia-smi")
    listed = subprocess.CompletedProcess([], 0, stdout="GPU 0: H200 (UUID: a)\nGPU 1: H200 (UUID: b)\n")
    monkeypatch.setattr("subprocess.run", lambda *args, **options: listed)
    assert local_gpus() == ["0", "1"]
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert local_gpus() == []


def test_measured_collects_files_and_trainings(tmp_path):
    (tmp_path / "vae" / "previous").mkdir(parents=True)
    (tmp_path / "claims.json").write_text('{"nll": 87.5}')
    (tmp_path / "vae" / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2, "total": 3.5}\n')
    (tmp_path / "vae" / "previous" / "metrics.jsonl").write_text('{"step": 9}\n')
    assert measured(tmp_path) == {
        "measured": {"claims": {"nll": 87.5}},
        "last_logged": {"vae": {"step": 2, "total": 3.5}},
    }


def test_an_attempt_replaces_the_earlier_result_whole(tmp_path):
    attempt, folder = tmp_path / ".quick-0.attempt-a", tmp_path / "quick-0"
    for path, text in ((attempt, "new"), (folder, "old")):
        path.mkdir()
        (path / "cost.json").write_text(text)
    finish(attempt, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["quick-0"]
    assert (folder / "cost.json").read_text() == "new"


def test_an_error_is_one_line():
    assert one_line(ValueError("two\nlines")) == "ValueError: two lines"


def test_json_is_written_whole_or_not_at_all(tmp_path):
    write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"a": Path()})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1
