"""Resume to the last bit after kill -9, checkpoints that do not belong, and what a fresh run leaves alone."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from course_lib.datasets import Batches, load_digits
from course_lib.papers.vae import DIGITS_PROFILES, Vae, set_rate, vae_optimizer, vae_step
from course_lib.training import CheckpointError, Run, generator, load_weights, seeded
from course_lib.training.checkpoint import code_hash

CHILD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from stand_in_lesson import Lesson, train_step
from course_lib.training import Run
lesson = Lesson()
with Run(sys.argv[2], **lesson.run_options(), save_every=10, log_every=3) as run:
    for step, batch in run.steps(lesson.batches, total=20):
        run.log(step, train_step(lesson.net, lesson.opt, batch, lesson.gen))
        if step == 13:
            print("at 13", flush=True)
            time.sleep(60)
"""


def train(folder, lesson, step, *, total=20, resume=False, **options):
    with Run(folder, **lesson.run_options() | options, resume=resume, save_every=10, log_every=3) as run:
        for number, batch in run.steps(lesson.batches, total=total):
            run.log(number, step(lesson.net, lesson.opt, batch, lesson.gen))
    return run


def same_tree(a, b):
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_tree(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same_tree, a, b))
    return a == b


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name != "run.lock"}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_twenty_steps_are_ten_then_kill_9_then_ten(tmp_path, make_lesson, step):
    whole = make_lesson()
    whole_run = train(tmp_path / "whole", whole, step)

    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(tmp_path / "cut")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "at 13\n"
        child.kill()
    assert child.returncode == -signal.SIGKILL

    resumed = make_lesson(seed=5)  # other weights and noise: all must come from the checkpoint
    torch.manual_seed(99)
    resumed_run = train(tmp_path / "cut", resumed, step, resume=True)
    assert resumed_run.step_resumed == 10
    assert same_tree(whole.net.state_dict(), resumed.net.state_dict())
    assert same_tree(whole.opt.state_dict(), resumed.opt.state_dict())
    assert torch.equal(whole.gen.get_state(), resumed.gen.get_state())
    for name in ("step", "total"):
        assert resumed_run.history[name] == whole_run.history[name]
    rows = [json.loads(line) for line in (tmp_path / "cut" / "metrics.jsonl").read_text().splitlines()]
    assert [row["total"] for row in rows] == whole_run.history["total"]
    assert contents(tmp_path / "whole")["net.safetensors"] == contents(tmp_path / "cut")["net.safetensors"]


def test_plain_batches_are_read_up_to_the_checkpoint(tmp_path, make_lesson, step):
    batches = [torch.randn(6, 3, generator=torch.Generator().manual_seed(k)) for k in range(20)]
    whole = make_lesson()
    whole.batches = batches
    train(tmp_path / "whole", whole, step)
    cut = make_lesson()
    with Run(tmp_path / "cut", **cut.run_options(), save_every=10) as run:
        for number, batch in run.steps(batches, total=20):
            if number == 12:
                break
            run.log(number, step(cut.net, cut.opt, batch, cut.gen))
    again = make_lesson()
    again.batches = batches
    train(tmp_path / "cut", again, step, resume=True)
    assert same_tree(whole.net.state_dict(), again.net.state_dict())


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_the_lessons_vae_resumes_to_the_last_bit(tmp_path, optimizer):
    train_set, _ = load_digits()
    cfg = replace(DIGITS_PROFILES["smoke"], steps=20, optimizer=optimizer)

    def train_vae(folder, seed, *, stop=None, resume=False):
        with seeded(seed):
            vae = Vae(cfg)
        opt, gen = vae_optimizer(vae, cfg), generator(seed)
        batches = Batches(train_set.images, train_set.labels, batch_size=600, gen=generator(seed + 1))
        parts = {"modules": {"vae": vae}, "optimizers": {"vae": opt}, "generators": {"train": gen}}
        with Run(folder, config=cfg, **parts, resume=resume, save_every=10, quiet=True) as run:
            for number, batch in run.steps(batches, total=20):
                set_rate(opt, number / 20, cfg)
                run.log(number, vae_step(vae, opt, batch, cfg, gen=gen))
                if number == stop:
                    break
        return vae.state_dict()

    whole = train_vae(tmp_path / "whole", 0)
    train_vae(tmp_path / "cut", 0, stop=13)
    assert same_tree(whole, train_vae(tmp_path / "cut", 5, resume=True))


def test_resume_without_a_checkpoint_starts_afresh_and_a_finished_run_stays_finished(tmp_path, make_lesson, step):
    first = train(tmp_path, make_lesson(), step, resume=True)
    before = contents(tmp_path)
    second = train(tmp_path, make_lesson(), step, resume=True)
    assert second.history["total"] == first.history["total"]
    after = contents(tmp_path)
    assert before.keys() == after.keys()
    assert before["checkpoint.pt"] == after["checkpoint.pt"]


def other_config(lesson):
    return {"config": replace(lesson.config, steps=40)}, r"was written with steps = 20, this run has 40; start afresh"


def other_seed(lesson):
    return {"seed": 3}, r"was written with seed = 0, this run has 3"


def other_name(lesson):
    return {"name": "lesson 2"}, r"belongs to 'stand_in', not to 'lesson 2'"


def other_code(lesson):
    return {"code": [contents]}, r"was written by other code \([0-9a-f]{12}\) than this \([0-9a-f]{12}\)"


def other_modules(lesson):
    return {"modules": {"critic": lesson.net}}, r"holds the modules \['net'\], this run has \['critic'\]"


def other_optimizer(lesson):
    return {
        "optimizers": {"net": torch.optim.Adam([torch.nn.Parameter(torch.ones(2))])}
    }, r"does not fit optimizers 'net'"


@pytest.mark.parametrize("change", [other_config, other_seed, other_name, other_code, other_modules, other_optimizer])
def test_checkpoint_of_another_run_is_refused(tmp_path, make_lesson, step, change):
    train(tmp_path, make_lesson(), step, total=10)
    before = contents(tmp_path)
    lesson = make_lesson()
    options, sentence = change(lesson)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        train(tmp_path, lesson, step, resume=True, **options)
    assert "resume=False" in str(caught.value)
    assert contents(tmp_path) == before
    train(tmp_path, make_lesson(), step, resume=True)  # and the folder is free again


def test_the_code_of_a_class_typed_into_a_notebook_counts():
    def typed(source):
        names = {"nn": torch.nn, "__name__": "__main__"}
        exec(source, names)
        return names["Net"]()

    first, same, other = (
        typed(f"class Net(nn.Module):\n  def forward(self, x):\n    return [{k} * x for _ in range(2)]")
        for k in (2, 2, 3)
    )
    assert code_hash([first]) == code_hash([same])
    assert code_hash([first]) != code_hash([other])


def test_checkpoint_of_another_width_is_refused(tmp_path, make_lesson, step):
    train(tmp_path, make_lesson(), step, total=10)
    wide = make_lesson(width=16)
    with pytest.raises(CheckpointError, match=r"body\.0\.bias has shape \(8,\) there and \(16,\) here"):
        train(tmp_path, wide, step, resume=True, config=make_lesson().config)


@pytest.mark.parametrize("keep", [0, 100, 0.5, 0.99])
def test_a_checkpoint_cut_off_is_refused(tmp_path, make_lesson, step, keep):
    train(tmp_path, make_lesson(), step, total=10)
    path = tmp_path / "checkpoint.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if isinstance(keep, int) else int(keep * len(whole))])
    with pytest.raises(CheckpointError, match=r"checkpoint\.pt \(\d+ bytes\) is cut off or damaged; start afresh"):
        train(tmp_path, make_lesson(), step, resume=True)


@pytest.mark.parametrize("content", [{"step": 1}, [1, 2]])
def test_some_other_file_is_no_checkpoint(tmp_path, make_lesson, step, content):
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(CheckpointError, match="is not a checkpoint of this course"):
        train(tmp_path, make_lesson(), step, resume=True)


def test_a_refusal_ends_a_script_with_one_sentence(tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"PK")
    script = f"from course_lib.training import Run\nwith Run({str(tmp_path)!r}, resume=True) as run: pass"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "checkpoint.pt (2 bytes) is cut off or damaged" in ended.stderr.splitlines()[-1]


def test_a_fresh_run_keeps_the_earlier_one_in_previous(tmp_path, make_lesson, step):
    train(tmp_path, make_lesson(), step)
    finished = contents(tmp_path)

    with pytest.raises(ZeroDivisionError), Run(tmp_path, **make_lesson().run_options()) as run:  # noqa: PT012
        for _ in run.steps(total=5):
            1 / 0  # noqa: B018
    assert contents(tmp_path) == finished, "a run that has written nothing has moved nothing"

    train(tmp_path, make_lesson(), step, total=10)
    assert contents(tmp_path / "previous") == finished
    second = contents(tmp_path)
    train(tmp_path, make_lesson(), step, total=11)
    assert contents(tmp_path / "previous") == second, "a finished run replaces a finished one"


def test_an_unfinished_run_never_replaces_a_finished_one(tmp_path, make_lesson, step):
    train(tmp_path, make_lesson(), step)
    finished = contents(tmp_path)
    for _ in range(2):
        with Run(tmp_path, **make_lesson().run_options()) as run:
            for number, _ in run.steps(total=5):
                run.log(number, {"total": 1.0})
                if number == 3:
                    break
        assert contents(tmp_path / "previous") == finished


def test_a_move_cut_short_is_completed(tmp_path, make_lesson, step):
    train(tmp_path, make_lesson(), step)
    finished = contents(tmp_path)
    (tmp_path / "previous.moving").mkdir()
    (tmp_path / "metrics.jsonl").rename(tmp_path / "previous.moving" / "metrics.jsonl")  # killed here
    train(tmp_path, make_lesson(), step, total=10)
    assert contents(tmp_path / "previous") == finished
    assert not (tmp_path / "previous.moving").exists()


def test_weights_can_be_loaded_by_themselves(tmp_path, make_lesson, step):
    trained, other = make_lesson(), make_lesson(seed=9)
    train(tmp_path, trained, step, total=10)
    assert load_weights(other.net, tmp_path / "net.safetensors") is other.net
    assert same_tree(trained.net.state_dict(), other.net.state_dict())
    with pytest.raises(CheckpointError, match=r"is of another model than Net: body\.0\.bias has shape \(8,\)"):
        load_weights(make_lesson(width=4).net, tmp_path / "net.safetensors")
    with pytest.raises(CheckpointError, match=r"is of another model than Linear: bias is missing there"):
        load_weights(torch.nn.Linear(2, 2), tmp_path / "net.safetensors")
    path = tmp_path / "net.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"\(\d+ bytes\) are cut off or damaged"):
        load_weights(other.net, path)
    with pytest.raises(FileNotFoundError, match="train first"):
        load_weights(other.net, tmp_path / "absent.safetensors")
