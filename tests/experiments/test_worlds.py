"""The experiments of lesson 05, in small."""

import os
import sys
from dataclasses import replace

import pytest
import torch
from PIL import Image

from course_lib.experiments import record, worlds, worlds_probe, worlds_readers, worlds_real, worlds_render
from course_lib.experiments.figures import mosaic, save_figure
from course_lib.training import generator


def test_the_claims_of_the_issue_are_all_there():
    ids = {claim.id for experiment in worlds.EXPERIMENTS for claim in experiment.claims}
    assert ids >= {
        *("hand_render_ms", "person_render_ms", "street_pair_ms", "joint_projection_px", "flow_warp_error"),
        *("factor_probe_r2", "fuzzed_inputs", "real_readers"),
    }


def test_a_probe_reads_what_is_drawn_and_not_what_is_hidden():
    def draw(n, gen):
        shown, hidden = torch.rand(2, n, generator=gen)
        return shown[:, None, None, None] * torch.ones(n, 1, 16, 16), {"shown": shown, "hidden": hidden}

    task = worlds_probe.ProbeTask(draw, 1, (16, 16), ("shown",), ("hidden",), pictures=400)
    found = worlds_probe.read_off(task, 0, worlds_probe.ProbeConfig(steps=120, batch_size=32, width=8, test=200))
    assert found["shown"] > 0.8
    assert found["hidden"] < 0.2


def test_the_same_seed_gives_the_same_pictures():
    for name, task in worlds_probe.TASKS.items():
        first, second = (task.draw(2, generator(3)) for _ in range(2))
        assert torch.equal(first[0], second[0]), name
        assert first[0].shape == (2, task.channels, *task.size), name
        assert set(task.visible) | set(task.hidden) <= set(first[1]), name


def test_a_basis_of_all_directions_loses_nothing_and_fewer_lose_more():
    poses = torch.randn(200, 4, 3, generator=generator(0), dtype=torch.float64)
    errors = worlds_real.basis_errors(poses[:150], poses[150:], (1, 6, 12))
    assert errors[12] < 1e-6
    assert errors[1] > errors[6] > 100


def test_drawn_joints_lie_where_they_are_projected():
    found = worlds_render.projection(0)["joint_projection_px"]
    assert 0 < found.value < 0.25
    assert set(found.extra) == {"hands", "people"}


def test_a_renderer_that_is_off_by_half_a_pixel_is_caught(monkeypatch):
    renderer = sys.modules["course_lib.worlds.hands.render"]
    honest, half = renderer.pixel_rays, torch.tensor([[0, 0, 2.0], [0, 0, 2.0], [0, 0, 0]])  # of pixels drawn 4 times
    monkeypatch.setattr(renderer, "pixel_rays", lambda camera, *size: honest(camera + half, *size))
    assert worlds_render._hand_offset(0, 4, count=2) > 0.25


def test_the_exact_flow_beats_every_flow_nearby():
    found = worlds_render.flow(1, pairs=4)["flow_warp_error"]
    assert found.value < found.baseline < found.extra["no_flow"] < found.extra["flow_reversed"]


def test_milliseconds_leave_the_first_call_out():
    calls = []
    assert worlds_render.milliseconds(lambda: calls.append(1), rounds=3) >= 0
    assert len(calls) == 4


def test_the_fuzz_counts_name_every_reader(monkeypatch):
    few = dict(list(worlds_readers.EXAMPLES.items())[:3])
    monkeypatch.setattr(worlds_readers, "EXAMPLES", few)
    monkeypatch.setattr(worlds_readers, "BINARY", 6)
    monkeypatch.setattr(worlds_readers, "TEXT", 6)
    found = worlds_readers.fuzzed(0)["fuzzed_inputs"]
    assert found.extra["tried"] == 18
    assert set(found.extra["by_reader"]) == set(few)
    assert found.value == len(found.extra["unexpected"])


def test_a_reader_that_fails_on_real_files_is_counted_and_named(monkeypatch, tmp_path):
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))

    def broken(root):
        raise OSError("no such file")

    one = next(iter(worlds_readers.EXAMPLES.values()))
    pair = {"good": replace(one, real=lambda root: [1, 2]), "bad": replace(one, real=broken)}
    monkeypatch.setattr(worlds_readers, "EXAMPLES", pair)
    found = worlds_readers.real_readers(0)["real_readers"]
    assert (found.value, found.baseline) == (1, 2)
    assert found.extra["records"] == {"good": 2}
    assert "no such file" in found.extra["failures"]["bad"]


def test_a_mosaic_has_straight_edges():
    tile = Image.new("RGB", (30, 20), "black")
    picture = mosaic([[tile] * 3, [tile] * 2], width=101, gap=4)
    assert picture.width == 101
    assert picture.getpixel((100, 0)) == (0, 0, 0)
    assert picture.getpixel((100, picture.height - 1)) == (0, 0, 0)


def test_a_figure_is_written_whole(monkeypatch, tmp_path):
    monkeypatch.setattr(record, "RESULTS", tmp_path)
    save_figure(Image.new("RGB", (8, 8), "red"), "one.webp")
    assert os.listdir(tmp_path / "figures") == ["one.webp"]
    with Image.open(tmp_path / "figures" / "one.webp") as picture:
        assert picture.size == (8, 8)


def test_every_slip_of_the_lesson_is_refuted():
    entries = worlds.errata()
    assert len(entries) >= 7
    assert all("fails on" in entry["evidence"] for entry in entries)


@pytest.mark.skipif(not os.environ.get("COURSE_DATA"), reason="COURSE_DATA is not set: no real files")
def test_the_drawn_nyu_hand_is_nearer_to_the_frame_than_a_flat_card():
    found = worlds_real.rendered_hand(0)["real_hand_depth_mm"]
    assert found.value < found.baseline
    assert found.extra["covered"] > 0.5
