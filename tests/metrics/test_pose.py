import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import procrustes as scipy_procrustes

from course_lib.geometry import procrustes, random_rotations
from course_lib.metrics import (
    AUC_THRESHOLDS,
    auc_3d,
    joint_errors,
    mirror_rate,
    mirrored,
    mpjpe,
    ordinal_accuracy,
    pck_3d,
    procrustes_mpjpe,
    tie_recall,
)


def poses(count=5, joints=17, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.4 * torch.randn(count, joints, 3, generator=generator, dtype=torch.float64)


def order_of(depth, threshold=0.0):
    difference = depth[:, None, :] - depth[:, :, None]
    return difference.sign().where(difference.abs() > threshold, 0.0)


def test_mpjpe_is_numpys_mean_distance_after_both_roots_are_moved_to_the_origin():
    predicted, target = poses(), poses(seed=1)
    p, t = predicted.numpy(), target.numpy()
    oracle = np.linalg.norm((p - p[:, :1]) - (t - t[:, :1]), axis=-1).mean(-1)
    assert np.allclose(mpjpe(predicted, target).numpy(), oracle)
    assert np.allclose(mpjpe(predicted, target, root=None).numpy(), np.linalg.norm(p - t, axis=-1).mean(-1))
    assert joint_errors(predicted, target)[:, 0].abs().max() == 0


def test_masked_joints_do_not_count_and_may_be_nan():
    predicted, target = poses(), poses(seed=1)
    mask = torch.ones(5, 17, dtype=torch.bool)
    mask[:, 3:6] = False
    target[:, 4] = math.nan
    kept = [j for j in range(17) if j not in (3, 4, 5)]
    assert torch.allclose(mpjpe(predicted, target, mask=mask), mpjpe(predicted[:, kept], target[:, kept]))
    assert torch.allclose(
        procrustes_mpjpe(predicted, target.nan_to_num(), mask=mask),
        procrustes_mpjpe(predicted[:, kept], target[:, kept]),
    )
    assert mpjpe(predicted, target, mask=torch.zeros_like(mask)).isnan().all()


@given(st.integers(0, 10_000), st.floats(-5, 5), st.floats(0.2, 5))
def test_translations_leave_mpjpe_alone_and_similarities_leave_the_procrustes_error_alone(seed, shift, size):
    predicted, target = poses(seed=seed), poses(seed=seed + 1)
    assert torch.allclose(mpjpe(predicted + shift, target), mpjpe(predicted, target))
    turn = random_rotations(5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    moved = size * predicted @ turn.mT + shift
    assert torch.allclose(procrustes_mpjpe(moved, target), procrustes_mpjpe(predicted, target), atol=1e-9)
    assert procrustes_mpjpe(moved, predicted).max() < 1e-9


@given(st.integers(0, 10_000))
def test_turning_both_poses_changes_no_metric_error_and_metres_to_millimetres_commutes(seed):
    predicted, target = poses(seed=seed), poses(seed=seed + 1)
    turn = random_rotations(5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert torch.allclose(mpjpe(predicted @ turn.mT, target @ turn.mT), mpjpe(predicted, target))
    assert torch.allclose(1000 * mpjpe(predicted, target, root=None), mpjpe(1000 * predicted, 1000 * target, root=None))


def test_the_procrustes_residual_is_scipys():
    predicted, target = poses(1), poses(1, seed=1)
    # SciPy lets the alignment mirror, and scales the target to have norm 1.
    disparity = scipy_procrustes(target[0].numpy(), predicted[0].numpy())[2]
    fit = procrustes(predicted, target, reflection=True)
    residual = (fit.apply(predicted) - target).square().sum()
    assert residual / (target - target.mean(1, keepdim=True)).square().sum() == pytest.approx(disparity)


def test_alignment_lessens_squares_always_and_mean_distances_not_always():
    predicted, target = poses(200), poses(200, seed=1)
    aligned = procrustes(predicted, target).apply(predicted)
    centred = predicted - predicted[:, :1] + target[:, :1]
    assert ((aligned - target).square().sum((1, 2)) <= (centred - target).square().sum((1, 2))).all()
    lone = target.clone()
    lone[:, 9] += torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)  # one joint far off, all others exact
    assert (procrustes_mpjpe(lone, target) > mpjpe(lone, target)).all()


def test_a_mirrored_body_passes_only_an_alignment_that_may_mirror():
    target = poses()
    flipped = target * torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    assert procrustes_mpjpe(flipped, target, reflection=True).max() < 1e-9
    assert procrustes_mpjpe(flipped, target).min() > 0.05
    assert mirrored(flipped[..., 2], target[..., 2]).all()
    assert not mirrored(target[..., 2], target[..., 2]).any()


def test_pck_and_auc_are_numpys_on_the_thresholds_of_mpi_inf_3dhp():
    predicted, target = poses(), poses(seed=1)
    predicted = target + 0.2 * (predicted - target)
    errors = joint_errors(predicted, target).numpy()
    assert np.allclose(pck_3d(predicted, target).numpy(), (errors < 0.15).mean(-1))
    curve = np.stack([(errors < t / 1000).mean(-1) for t in range(0, 151, 5)])
    assert np.allclose(auc_3d(predicted, target).numpy(), curve.mean(0))
    assert len(AUC_THRESHOLDS) == 31
    assert torch.allclose(auc_3d(target, target), torch.full((5,), 30 / 31, dtype=torch.float64))
    assert (pck_3d(target, target) == 1).all()


def test_ordinal_accuracy_counts_ordered_pairs_once_and_ties_apart():
    depth = torch.tensor([[0.0, 1.0, 2.0, 2.01]])
    order = order_of(depth, 0.1)
    assert ordinal_accuracy(depth, order) == 1
    assert ordinal_accuracy(-depth, order) == 0
    assert tie_recall(depth, order, 0.1) == 1
    assert tie_recall(depth * 20, order, 0.1) == 0
    wrong = torch.tensor([[1.0, 0.0, 2.0, 2.0]])  # one of the five ordered pairs the wrong way round
    assert ordinal_accuracy(wrong, order).item() == pytest.approx(0.8)
    one_way = order.clone()
    one_way[:, 1, 0] = math.nan
    assert torch.equal(ordinal_accuracy(wrong, one_way), ordinal_accuracy(wrong, order))
    assert ordinal_accuracy(torch.zeros(1, 4), order) == 0  # equal depths order nothing
    nothing = torch.full_like(order, math.nan)
    assert ordinal_accuracy(depth, nothing).isnan().all()
    assert tie_recall(depth, nothing, 0.1).isnan().all()


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-10, 10))
def test_any_increasing_map_of_the_depths_keeps_the_ordinal_accuracy(seed, size, shift):
    depth, truth = poses(seed=seed)[..., 2], poses(seed=seed + 1)[..., 2]
    order = order_of(truth, 0.1)
    assert torch.equal(ordinal_accuracy(size * depth + shift, order), ordinal_accuracy(depth, order))
    assert torch.equal(ordinal_accuracy(depth.exp(), order), ordinal_accuracy(depth, order))
    mirror = ordinal_accuracy(-depth, order) + ordinal_accuracy(depth, order)
    assert torch.allclose(mirror, torch.ones_like(mirror))


@given(st.integers(0, 10_000), st.floats(0.01, 100))
def test_whether_a_body_is_mirrored_depends_on_no_unit_and_is_what_the_squares_say(seed, size):
    depth, truth = poses(seed=seed)[..., 2], poses(seed=seed + 1)[..., 2]
    centred, goal = depth - depth.mean(-1, keepdim=True), truth - truth.mean(-1, keepdim=True)
    fits = (centred - goal).square().sum(-1) > (-centred - goal).square().sum(-1)
    assert torch.equal(mirrored(size * depth + 3, truth - 1), fits)
    assert mirror_rate(depth, truth) == pytest.approx(float(fits.double().mean()))
    mask = torch.ones_like(depth, dtype=torch.bool)
    mask[:, 0] = False
    assert torch.equal(mirrored(depth, truth, mask=mask), mirrored(depth[:, 1:], truth[:, 1:]))


def test_bad_input_is_named_with_its_remedy():
    good, mask = poses(), torch.ones(5, 17, dtype=torch.bool)
    for metric in (mpjpe, procrustes_mpjpe, pck_3d, auc_3d):
        bare = inspect.unwrap(metric)
        with pytest.raises(ValueError, match=r"give both as \(b, n, 3\)"):
            bare(good, good[:, :, :1])
        with pytest.raises(ValueError, match="`mask`"):
            bare(good, good, mask=mask[:, :3])
    with pytest.raises(ValueError, match=r"`root` \(=17\)"):
        mpjpe(good, good, root=17)
    with pytest.raises(ValueError, match="in millimetres"):
        mpjpe(good, 1000 * good)
    with pytest.raises(ValueError, match=r"`predicted`.*millimetres"):
        mpjpe(1000 * good, good)
    with pytest.raises(ValueError, match="leaves out the root"):
        mpjpe(good, good, mask=mask.clone().index_fill(1, torch.tensor([0]), False))
    with pytest.raises(ValueError, match="NaN"):
        mpjpe(good * math.nan, good)
    with pytest.raises(ValueError, match="`threshold`"):
        pck_3d(good, good, threshold=-0.1)
    with pytest.raises(ValueError, match="`thresholds`"):
        auc_3d(good, good, thresholds=())


def test_orders_that_are_none_are_refused():
    depth, order = torch.zeros(1, 3), torch.zeros(1, 3, 3)
    with pytest.raises(ValueError, match="`order`"):
        inspect.unwrap(ordinal_accuracy)(depth, order[:, :2])
    with pytest.raises(ValueError, match="none of -1, 0, 1, NaN"):
        ordinal_accuracy(depth, order + 2)
    with pytest.raises(ValueError, match="antisymmetric"):
        ordinal_accuracy(depth, order + 1)
    with pytest.raises(ValueError, match="`depth` holds NaN"):
        ordinal_accuracy(depth * math.nan, order)
    with pytest.raises(ValueError, match="above 0"):
        tie_recall(depth, order, 0.0)
    with pytest.raises(ValueError, match=r"give both as \(b, n\)"):
        inspect.unwrap(mirrored)(depth, order)
    with pytest.raises(ValueError, match="`mask`"):
        inspect.unwrap(mirrored)(depth, depth, mask=torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match="no pose"):
        mirror_rate(depth[:0], depth[:0])
