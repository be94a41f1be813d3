"""Experiments of lesson 14: labels that lack something, the recovery of metres, pools of pictures, one short run."""

from dataclasses import replace

import pytest
import torch

from course_lib.experiments import ordinal_depth_data, ordinal_depth_forms, ordinal_depth_labels
from course_lib.experiments.one_core import core
from course_lib.experiments.ordinal_depth import EXPERIMENTS
from course_lib.experiments.ordinal_depth_data import FLIP, Pool, pool
from course_lib.experiments.ordinal_depth_labels import (
    connected_pairs,
    keep_pairs,
    random_pairs,
    share_right,
    turn_round,
)
from course_lib.experiments.ordinal_depth_runs import (
    Read,
    Recovery,
    draw_from,
    lift,
    read,
    scores,
    train,
)
from course_lib.geometry import H36M_17, bone_lengths
from course_lib.losses import order_from_depth
from course_lib.papers.ordinal_depth import PROFILES
from course_lib.training import generator


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    folder = tmp_path_factory.mktemp("pool")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordinal_depth_data, "CACHE", folder)
        first, again = pool("studio", 5, 40, size=32), pool("studio", 5, 40, size=32)
        assert len(list(folder.iterdir())) == 1
    for name in ("images", "points", "joints", "intrinsics", "visible"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    return first


@pytest.fixture
def perfect(few: Pool) -> Read:
    """What a network would say that knew everything; its unit is a tenth of a metre."""
    return Read(10 * few.depth, few.points)


def test_pictures_without_a_cache_are_the_same(few: Pool):
    assert torch.equal(pool("studio", 5, 40, size=32, cache=False).images, few.images)


@pytest.mark.parametrize("labels", ["metric", "ordinal", "2d"])
def test_a_batch_knows_only_what_it_is_told(few: Pool, labels: str):
    batch = few.batch(labels)
    assert bool(batch.depth.isnan().all()) == (labels != "metric")
    assert bool(batch.order.isnan().all()) == (labels != "ordinal")
    assert not batch.points.isnan().any()


def test_perfect_answers_have_no_error(few: Pool, perfect: Read):
    recovery = Recovery.fit(perfect, few)
    assert recovery.scale == pytest.approx(0.1, rel=1e-5)
    found = scores(perfect, few, recovery.depth(perfect, few, "scale"))
    assert found["mpjpe_mm"] < 0.5
    assert found["order"] == 1
    assert found["pck"] == 1
    assert found["mirrored"] == 0
    by_bones = scores(perfect, few, recovery.depth(perfect, few, "bones"))
    assert by_bones["mpjpe_mm"] < 40  # bodies differ from the mean body
    assert by_bones["order"] == 1


def test_bones_find_the_scale_of_each_body(few: Pool, perfect: Read):
    own = Recovery(0.1, bone_lengths(few.joints, H36M_17).mean(0))
    one = few[:1]
    alone = Recovery(0.1, bone_lengths(one.joints, H36M_17)[0])
    said = Read(3 * perfect.depth[:1], perfect.points[:1])
    torch.testing.assert_close(alone.depth(said, one, "bones"), one.depth, atol=0.02, rtol=0.02)
    assert own.depth(said, one, "scale").abs().amax() > 2.9 * one.depth.abs().amax()


def test_mirrored_answers_keep_no_order(few: Pool, perfect: Read):
    found = scores(Read(-perfect.depth, None), few, -0.1 * perfect.depth)
    assert found["order"] == 0
    assert found["mirrored"] == 1


def test_a_network_of_depths_alone_is_lifted_along_the_true_rays(few: Pool, perfect: Read):
    torch.testing.assert_close(lift(Read(perfect.depth, None), few, few.depth), few.joints, atol=1e-4, rtol=0)


def test_connected_pairs_join_all_joints_with_the_questions_given():
    asked = connected_pairs(300, 17, 17, generator(0))
    assert torch.equal(asked, asked.mT)
    assert set(asked.triu(1).sum((1, 2)).tolist()) == {17}
    reach = torch.linalg.matrix_power(asked.double() + torch.eye(17, dtype=torch.float64), 16)
    assert bool((reach > 0).all())
    assert len({tuple(row.flatten().tolist()) for row in asked}) > 290


def test_random_pairs_are_a_share_of_all_and_may_leave_joints_alone():
    asked = random_pairs(2000, 17, 0.1, generator(0))
    assert float(asked.triu(1).sum()) / (2000 * 136) == pytest.approx(0.1, abs=0.01)
    assert bool((~asked.any(2)).any())


def test_pairs_not_asked_about_are_unknown():
    order = order_from_depth(torch.randn(4, 6, generator=generator(1)))
    kept = keep_pairs(order, connected_pairs(4, 6, 5, generator(2)))
    assert int((~kept.isnan()).sum()) == 4 * 10


def test_noise_turns_strict_relations_round_both_ways_and_leaves_ties():
    order = order_from_depth(0.2 * torch.randn(400, 17, generator=generator(3)))
    noisy = turn_round(order, 0.2, generator(4))
    assert torch.equal(noisy, -noisy.mT)
    assert torch.equal(noisy == 0, order == 0)
    assert share_right(noisy, order) == pytest.approx(0.8, abs=0.02)
    assert share_right(turn_round(order, 0.0, generator(4)), order) == 1


def test_batches_mix_their_sources_in_the_numbers_asked_for(few: Pool):
    batch = draw_from((few.batch("metric"), 3), (few.batch("ordinal"), 5))(generator(0))
    assert batch.depth.isnan().all(1).tolist() == [False] * 3 + [True] * 5
    assert batch.order.isnan().flatten(1).all(1).tolist() == [True] * 3 + [False] * 5


@pytest.mark.parametrize("form", ["depth", "coordinate", "volume1", "volume2"])
def test_each_form_trains_and_answers_in_the_same_terms(few: Pool, form: str):
    cfg = replace(PROFILES["smoke"], **ordinal_depth_forms.FORMS[form], steps=2)
    done = train(cfg, draw_from((few.batch("ordinal"), cfg.batch_size)), 0, runtime=core())
    said = read(done, few, flip_average=True)
    assert said.depth.shape == (40, 17)
    assert bool(said.depth.isfinite().all())
    assert (said.points is None) == (form == "depth")


def test_the_average_with_the_mirrored_picture_is_its_own_mirror_image(few: Pool):
    cfg = replace(PROFILES["smoke"], **ordinal_depth_forms.FORMS["coordinate"], steps=1)
    done = train(cfg, draw_from((few.batch("2d"), cfg.batch_size)), 0, runtime=core())
    turned = replace(few, images=few.images.flip(-1))
    here, there = read(done, few, flip_average=True), read(done, turned, flip_average=True)
    torch.testing.assert_close(there.depth[:, list(FLIP)], here.depth, atol=2e-2, rtol=0)
    torch.testing.assert_close(there.points[:, list(FLIP)] * torch.tensor([-1.0, 1.0]), here.points, atol=2e-2, rtol=0)


def test_the_experiment_on_labels_gives_its_claims(few: Pool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ordinal_depth_labels, "pool", lambda domain, seed, n: few)
    monkeypatch.setattr(ordinal_depth_labels, "PROFILES", {"standard": PROFILES["smoke"]})
    monkeypatch.setattr(ordinal_depth_labels, "STEPS", 30)
    monkeypatch.setattr(ordinal_depth_labels, "FITTED", 40)
    found = ordinal_depth_labels.labels(0)
    experiment = next(e for e in EXPERIMENTS if e.name == "labels")
    assert set(found) == {claim.id for claim in experiment.claims}
    assert len(found["label_budget"].extra) == 10
