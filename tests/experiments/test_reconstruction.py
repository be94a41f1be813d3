"""Lesson 15's experiments: rivals, ambiguity, the choice of noise, and how real subjects are split."""

import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from course_lib.experiments import reconstruction_runs as runs
from course_lib.experiments.reconstruction import EXPERIMENTS
from course_lib.experiments.reconstruction_errata import errata
from course_lib.experiments.reconstruction_figures import numbers_of, turned
from course_lib.experiments.reconstruction_pipeline import Seen, level_for, shown, spread_of_points
from course_lib.metrics import mpjpe
from course_lib.papers.ordinal_depth import RECONSTRUCTION_PROFILES, Views, upright_poses
from course_lib.papers.ordinal_depth.reconstruction_data import draw_views
from course_lib.training import generator

SMOKE = RECONSTRUCTION_PROFILES["smoke"]


def test_the_claims_of_the_issue_are_there_with_three_seeds():
    claims = {claim.id: experiment for experiment in EXPERIMENTS for claim in experiment.claims}
    wanted = {"recon_2d_only_mm", "recon_ordinal_mm", "noise_choice", "pipeline_mpjpe_mm", "real_mocap_recon_mm"}
    assert wanted <= claims.keys()
    assert all(len(experiment.seeds) >= 3 for experiment in claims.values())


def test_every_slip_is_refuted():
    entries = errata()
    assert len({entry["id"] for entry in entries}) == len(entries) == 6
    assert all("fails" in entry["evidence"] for entry in entries)


def test_people_stand_before_cameras_at_the_distance_of_human36m():
    views = runs.people_views(50, 1)
    assert 3.5 < views.joints[:, 0, 2].min() < views.joints[:, 0, 2].max() < 7.5
    assert torch.allclose(views.points, views.joints[..., :2] / views.joints[..., 2:])
    assert (views.points[:, [3, 6], 1].mean(1) > views.points[:, 10, 1]).float().mean() > 0.9


def test_weak_perspective_is_exact_for_a_flat_body_of_the_mean_size():
    flat = torch.zeros(3, 17, 3)
    flat[..., :2] = torch.randn(3, 17, 2, generator=generator(0))
    flat = flat - flat[:, :1]
    flat = flat / flat.abs().amax((1, 2), keepdim=True)  # all bodies of one size
    standing = flat + torch.tensor([0.0, 0.0, 5.0])
    views = Views(standing, standing[..., :2] / 5)
    rival = runs.WeakPerspective.fit(views)
    assert rival.size == pytest.approx(1.0, abs=1e-5)
    assert mpjpe(rival.reconstruct(views.points, views.depths), views.poses).max() < 1e-5


def test_a_picture_that_two_depths_share_is_ambiguous():
    body = torch.randn(1, 17, 3, generator=generator(1)) * 0.3
    flat = torch.cat([body * torch.tensor([1.0, 1.0, 0.0]), torch.randn(1, 17, 3, generator=generator(2)) * 0.3])
    both = torch.cat([body, body * torch.tensor([1.0, 1.0, -1.0])])
    known = Views(both.repeat(10, 1, 1) + torch.tensor([0, 0, 5.0]), both.repeat(10, 1, 1)[..., :2])
    alike = Views(flat[:1].repeat(20, 1, 1) + torch.tensor([0, 0, 5.0]), flat[:1].repeat(20, 1, 1)[..., :2])
    asked = Views(body + torch.tensor([0, 0, 5.0]), body[..., :2])
    assert runs.ambiguity(asked, known) > 0.1
    assert runs.ambiguity(asked, alike) == 0


def test_the_level_found_keeps_the_share_asked_for():
    depths = 0.25 * torch.randn(4000, 17, generator=generator(0))
    for share in (0.95, 0.85, 0.7):
        level = level_for(share, depths, seed=3)
        noisy = depths + level * torch.randn(depths.shape, generator=generator(8))
        assert runs.order_kept(noisy, depths) == pytest.approx(share, abs=0.005)
    everything = runs.order_kept(depths + 0.1 * torch.randn(depths.shape, generator=generator(9)), depths, threshold=0)
    assert everything == pytest.approx(0.5 + math.atan(2.5) / math.pi, abs=0.005)


def test_measures_of_the_truth_are_perfect():
    views = runs.people_views(20, 2)
    found = runs.measures(views.poses, views)
    assert found["mpjpe"] == found["z"] == found["xy"] == 0
    assert found["pck"] == 100
    assert found["auc"] == pytest.approx(100 * 30 / 31, abs=0.01)
    mirrored = runs.measures(views.poses * torch.tensor([1.0, 1.0, -1.0]), views)
    assert mirrored["procrustes_reflection"] < 0.1 < mirrored["procrustes"]


def test_what_is_recorded_for_the_figures_comes_back():
    views = runs.people_views(20, 3)
    seen = Seen(views.points, views.depths, views)
    points, depth, pose = numbers_of(shown(seen, views.poses, count=4))
    torch.testing.assert_close(points, views.points[:4], atol=6e-4, rtol=0)
    torch.testing.assert_close(depth, views.depths[:4], atol=6e-4, rtol=0)
    torch.testing.assert_close(pose, views.poses[:4], atol=6e-4, rtol=0)
    assert spread_of_points(seen) == 0


def test_walking_around_a_body_once_comes_back_to_it():
    body = runs.people_views(1, 4).poses[0]
    torch.testing.assert_close(turned(body, 2 * math.pi), body)
    aside = turned(body, math.pi / 2)
    torch.testing.assert_close(aside[:, 0], body[:, 2], atol=1e-6, rtol=0)  # depth lies across the picture


def test_depths_lower_the_error_of_a_component_on_strangers():
    upright = upright_poses(runs.people_poses(1500, 5))
    cfg = replace(SMOKE, steps=150, width=128)
    views = runs.people_views(300, 10_005)
    deep, flat = runs.train(upright, 0, cfg), runs.train(upright, 0, cfg, depth_input=False)
    with_depth = mpjpe(deep.reconstruct(views.points, runs.read_depths(views, 0.1, 0)), views.poses).mean()
    without = mpjpe(flat.reconstruct(views.points), views.poses).mean()
    rival = runs.WeakPerspective.fit(draw_views(upright, cfg, 500, gen=generator(1)))
    plain = mpjpe(rival.reconstruct(views.points, runs.read_depths(views, 0.1, 0)), views.poses).mean()
    assert with_depth < without
    assert with_depth < plain


def test_real_subjects_of_training_and_test_are_apart():
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root).expanduser() / "h36m").is_dir():
        pytest.skip("set COURSE_DATA to the folder above `h36m` and `cmu_mocap`")
    assert not set(runs.CMU_TRAIN) & set(runs.CMU_TEST)
    real = runs.real_poses(Path(root).expanduser())
    assert set(real.tests) == {"S6", "S9", "CMU", "rig"}
    thigh = (real.train[:, 2] - real.train[:, 1]).norm(dim=-1)
    assert 0.35 < thigh.min() < thigh.max() < 0.46
    tall = (real.tests["S9"].poses[:, 2] - real.tests["S9"].poses[:, 1]).norm(dim=-1)
    assert tall.min() > thigh.max()  # S9 is taller than all bodies of the training set
    assert all((view.joints[..., 2] > 2).all() for view in real.tests.values())
