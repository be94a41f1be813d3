"""The reconstruction component: its size, its loss, its step, and the conventions around it."""

import inspect
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_lib.geometry import H36M_17, H36M_17_LEFT, LSP_14, convert
from course_lib.metrics import mpjpe
from course_lib.papers.ordinal_depth import (
    RECONSTRUCTION_PROFILES,
    Augment,
    ReconstructionConfig,
    ReconstructionNet,
    Reconstructor,
    depth_of_bins,
    metres_of_bins,
    network_inputs,
    normalise_points,
    pose_to_vector,
    reconstruction_loss,
    reconstruction_step,
    train_reconstructor,
    vector_to_pose,
)
from course_lib.papers.ordinal_depth.reconstruction import limit_norms, reconstruction_optimizer
from course_lib.papers.ordinal_depth.reconstruction_data import draw_views, noisy_depths, seen_from, vary_bodies
from course_lib.papers.ordinal_depth.reconstruction_inputs import BIN_WIDTH, DEPTH_UNIT, flip_inputs, flip_pose
from course_lib.training import generator, seeded
from course_lib.worlds.people import people_joints, sample_factors

SMOKE = RECONSTRUCTION_PROFILES["smoke"]
STILL = Augment(stature=0, bones=0, bend=0, mix=0, mirror=0)


def bodies(count=64, seed=0):
    """Upright bodies of the people world, order H36M_17_LEFT, pelvis at the origin."""
    joints = people_joints(sample_factors(count, generator=generator(seed), domain="wild"))
    joints = convert(joints, H36M_17, H36M_17_LEFT)
    return joints - joints[:, :1]


def test_the_papers_network_has_4314163_parameters():
    with torch.device("meta"):
        net = ReconstructionNet(ReconstructionConfig())
    assert sum(p.numel() for p in net.parameters()) == 4_314_163
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Linear)]
    assert [(m.in_features, m.out_features) for m in layers] == [(51, 1024), *[(1024, 1024)] * 4, (1024, 51)]
    assert [m.p for m in net.modules() if isinstance(m, torch.nn.Dropout)] == [0.5] * 5


def test_the_papers_recipe_is_the_default():
    cfg = ReconstructionConfig()
    assert (cfg.optimizer, cfg.lr, cfg.batch_size, cfg.steps) == ("rmsprop", 2.5e-4, 64, 200_000)
    assert RECONSTRUCTION_PROFILES["paper"] == cfg


def test_units_are_residual_and_their_weights_have_the_scale_of_he_et_al():
    cfg = ReconstructionConfig(width=512)
    with seeded(0):
        net = ReconstructionNet(cfg)
    first = net.units[0].both[0][0].weight
    assert float(first.detach().std()) == pytest.approx(math.sqrt(2 / 512), rel=0.02)
    net.eval()
    x = torch.randn(3, 512, generator=generator(0))
    for unit in net.units:
        for linear in (unit.both[0][0], unit.both[1][0]):
            torch.nn.init.zeros_(linear.weight)
    assert torch.equal(net.units(x), x)  # a unit that adds nothing passes its input on
    assert net(torch.randn(2, 51, generator=generator(1))).abs().max() == 0  # every joint starts at the root


def test_the_loss_is_the_sum_of_squared_distances():
    predicted, target = torch.randn(2, 4, 51, generator=generator(0), dtype=torch.float64)
    by_hand = [
        sum(np.linalg.norm(p - t) ** 2 for p, t in zip(a.numpy(), b.numpy(), strict=True))
        for a, b in zip(vector_to_pose(predicted), vector_to_pose(target), strict=True)
    ]
    assert np.allclose(reconstruction_loss(predicted, target).numpy(), by_hand)
    assert torch.autograd.gradcheck(reconstruction_loss, (predicted.requires_grad_(), target))
    with pytest.raises(ValueError, match=r"give both as \(b, 3 n\)"):
        reconstruction_loss(torch.zeros(2, 50), torch.zeros(2, 50))


def test_vectors_hold_all_x_then_all_y_then_all_z():
    pose = torch.arange(51.0).reshape(1, 17, 3)
    vector = pose_to_vector(pose)
    assert torch.equal(vector[0, :17], pose[0, :, 0])
    assert torch.equal(vector[0, 17:34], pose[0, :, 1])
    assert torch.equal(vector[0, 34:], pose[0, :, 2])
    assert torch.equal(vector_to_pose(vector), pose)
    assert torch.equal(vector.reshape(3, 17), pose[0].T)  # the official code's reshape


@given(st.integers(0, 1000), st.floats(0.001, 5000), st.floats(-1000, 1000))
def test_normalised_points_know_neither_size_nor_place_and_keep_proportions(seed, size, shift):
    points = torch.randn(4, 17, 2, generator=generator(seed), dtype=torch.float64)
    normal = normalise_points(points)
    assert torch.allclose(normalise_points(size * points + shift), normal, atol=1e-6)
    assert torch.allclose(normal.abs().amax((1, 2)), torch.ones(4, dtype=torch.float64))
    assert (normal[:, 0] == 0).all()
    ratio = (points[:, 3] - points[:, 0]) / normal[:, 3]
    assert torch.allclose(ratio[:, 0], ratio[:, 1])  # one divisor for x and y


def test_any_origin_of_the_depths_gives_the_same_input():
    points, depth = torch.randn(4, 17, 2, generator=generator(0)), torch.randn(4, 17, generator=generator(1))
    assert torch.allclose(network_inputs(points, depth + 5.4), network_inputs(points, depth), atol=1e-5)
    vector = network_inputs(points, depth)
    assert torch.allclose(vector[:, 34:] * DEPTH_UNIT, depth - depth.mean(1, keepdim=True), atol=1e-6)
    assert (network_inputs(points, None)[:, 34:] == 0).all()


def test_bins_are_counted_from_0_or_from_1_and_the_caller_must_say_so():
    one_based, zero_based = torch.arange(1, 65), torch.arange(64)
    assert torch.equal(depth_of_bins(one_based, first=1), (one_based - 33) / 32)  # the official code's formula
    assert torch.equal(depth_of_bins(one_based, first=1), depth_of_bins(zero_based, first=0))
    assert depth_of_bins(one_based, first=1).aminmax() == (-1, 31 / 32)
    metres = metres_of_bins(zero_based, first=0)
    assert float(metres[32]) == pytest.approx(0.00335, abs=1e-5)  # the bin that holds the root
    assert torch.allclose(metres.diff(), torch.full((63,), BIN_WIDTH), atol=1e-6)
    slip = metres_of_bins(one_based - 0.0, first=1) - metres_of_bins((one_based - 1).float(), first=0)
    assert slip.abs().max() == 0
    with pytest.raises(ValueError, match="`first`"):
        depth_of_bins(zero_based, first=2)
    with pytest.raises(ValueError, match="with `first=1` bins are 1 to 64"):
        depth_of_bins(zero_based, first=1)


def test_flips_undo_themselves_and_mirror_a_projection():
    views = seen_from(bodies(), STILL, gen=generator(0))
    assert torch.equal(flip_pose(flip_pose(views.joints)), views.joints)
    mirrored = flip_pose(views.joints)
    assert torch.allclose(flip_inputs(views.points), mirrored[..., :2] / mirrored[..., 2:], atol=1e-6)


def test_views_keep_bones_and_look_like_human36m():
    upright = bodies(400)
    views = seen_from(upright, STILL, gen=generator(0))

    def lengths(joints):
        return (joints[:, 1:] - joints[:, list(H36M_17_LEFT.parents[1:])]).norm(dim=-1)

    assert torch.allclose(lengths(views.joints), lengths(upright), atol=1e-5)
    assert 3.5 < views.joints[:, 0, 2].min() < views.joints[:, 0, 2].max() < 7
    fall = views.joints[:, [3, 6], 1].mean(1) - views.joints[:, 10, 1]
    assert (fall > 0).float().mean() > 0.98  # y points down
    front = torch.linalg.cross(views.joints[:, 1] - views.joints[:, 4], views.joints[:, 0] - views.joints[:, 8], dim=-1)
    assert 0.4 < (front[:, 2] > 0).float().mean() < 0.6  # they face all ways


def test_varied_bodies_are_new_bodies_in_old_poses():
    upright, rows = bodies(256), torch.randperm(256, generator=generator(1))
    same = vary_bodies(upright, upright[rows], STILL, gen=generator(0))
    assert torch.allclose(same, upright, atol=1e-6)
    varied = vary_bodies(upright, upright[rows], Augment(mix=0, mirror=0, bend=0.0), gen=generator(0))
    directions = torch.nn.functional.normalize(varied[:, 3] - varied[:, 2], dim=-1)
    assert torch.allclose(directions, torch.nn.functional.normalize(upright[:, 3] - upright[:, 2], dim=-1), atol=1e-4)
    left, right = (varied[:, [a]] - varied[:, [b]] for a, b in ((2, 1), (5, 4)))
    old_left, old_right = (upright[:, [a]] - upright[:, [b]] for a, b in ((2, 1), (5, 4)))
    assert torch.allclose(left.norm(dim=-1) / old_left.norm(dim=-1), right.norm(dim=-1) / old_right.norm(dim=-1))
    bent = vary_bodies(upright, upright[rows], replace(STILL, bend=0.2), gen=generator(0))
    bones = [(p[:, 1:] - p[:, list(H36M_17_LEFT.parents[1:])]).norm(dim=-1) for p in (bent, upright)]
    assert torch.allclose(*bones, atol=1e-5)
    mixed = vary_bodies(upright, upright[rows], replace(STILL, mix=1.0), gen=generator(0))
    thigh = [(p[:, 2] - p[:, 1]).norm(dim=-1) for p in (mixed, upright[rows])]
    assert torch.allclose(*thigh, atol=1e-5)
    assert torch.allclose(mixed[:, 8], upright[:, 8], atol=1e-6)  # the trunk stays


def test_depth_noise_has_the_level_that_was_asked_for():
    depths = torch.zeros(4000, 17)
    noise = noisy_depths(depths, replace(SMOKE, depth_noise=0.07), gen=generator(0))
    assert float(noise.std()) == pytest.approx(0.07, rel=0.02)
    ranged = noisy_depths(depths, replace(SMOKE, depth_noise=(0.02, 0.2)), gen=generator(0)).std(1)
    assert ranged.min() < 0.03
    assert ranged.max() > 0.15
    assert torch.equal(noisy_depths(depths + 1, replace(SMOKE, depth_noise=0.0), gen=generator(0)), depths + 1)


def test_a_step_lowers_the_loss_and_the_same_seed_gives_the_same_component():
    upright = bodies(256)
    cfg = replace(SMOKE, steps=60)
    first, second = (train_reconstructor(upright, cfg, seed=3) for _ in range(2))
    for a, b in zip(first.net.state_dict().values(), second.net.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    views = draw_views(upright, cfg, 200, gen=generator(9))
    reached = mpjpe(first.reconstruct(views.points, views.depths), views.poses).mean()
    assert reached < 0.7 * mpjpe(views.poses.mean(0).expand_as(views.poses), views.poses).mean()


def test_rmsprop_dropout_and_the_norm_limit_work_together():
    cfg = replace(ReconstructionConfig(), width=32, max_norm=1.0, batch_size=16)
    with seeded(0):
        net = ReconstructionNet(cfg)
    opt = reconstruction_optimizer(net, cfg)
    assert isinstance(opt, torch.optim.RMSprop)
    batch = torch.randn(16, 51, generator=generator(0)), torch.randn(16, 51, generator=generator(1))
    terms = reconstruction_step(net, opt, batch, cfg)
    assert set(terms) == {"loss", "distance"}
    assert all(torch.isfinite(value) for value in terms.values())
    norms = torch.cat([m.weight.norm(dim=1) for m in net.modules() if isinstance(m, torch.nn.Linear)])
    assert norms.max() <= 1 + 1e-5
    limit_norms(net, 0.5)
    assert net.enter[0].weight.norm(dim=1).max() <= 0.5 + 1e-5


def test_reconstruction_refuses_what_it_cannot_use():
    component = train_reconstructor(bodies(), replace(SMOKE, steps=2), seed=0)
    flat = train_reconstructor(bodies(), replace(SMOKE, steps=2, depth_input=False), seed=0)
    views = seen_from(bodies(40), STILL, gen=generator(0))
    points, depth = views.points, views.depths
    with pytest.raises(ValueError, match="`depth` is needed"):
        component.reconstruct(points)
    with pytest.raises(ValueError, match="trained without"):
        flat.reconstruct(points, depth)
    with pytest.raises(ValueError, match=r"H36M_17_LEFT needs \(n, 17, 2\)"):
        inspect.unwrap(Reconstructor.reconstruct)(component, points[:, :14], depth)
    with pytest.raises(ValueError, match="17 joints of Human3"):
        inspect.unwrap(Reconstructor.reconstruct)(flat, points[:, :14], skeleton=LSP_14)
    with pytest.raises(ValueError, match="NaN"):
        component.reconstruct(points * math.nan, depth)
    with pytest.raises(ValueError, match="one place"):
        component.reconstruct(points * 0, depth)
    assert component.reconstruct(points[:0], depth[:0]).shape == (0, 17, 3)
    pose = component.reconstruct(points[:1], depth[:1])
    assert pose.shape == (1, 17, 3)
    assert (pose[:, 0] == 0).all()
    assert component.net.training is False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 0}, "1 or more"),
        ({"dropout": 1.0}, "`dropout`"),
        ({"max_norm": 0.0}, "`max_norm`"),
        ({"depth_noise": -0.1}, "`depth_noise`"),
        ({"depth_noise": (0.0, 0.1)}, "begins above 0"),
        ({"depth_noise": (0.3, 0.1)}, "`depth_noise`"),
        ({"depth_noise": 100.0}, "metres"),
        ({"point_noise": -1.0}, "standard deviations"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(SMOKE, **changes)


def test_only_two_optimisers_are_known():
    cfg = replace(SMOKE)
    object.__setattr__(cfg, "optimizer", "sgd")  # the types of the tests would refuse it first
    with pytest.raises(ValueError, match="`optimizer`"):
        cfg.__post_init__()


@pytest.mark.parametrize("changes", [{"distance": (1.0, 2.0)}, {"pitch": (1.0, 0.0)}, {"mix": 2.0}, {"tilt": -1.0}])
def test_views_that_make_no_sense_are_refused(changes):
    with pytest.raises(ValueError, match=f"`{next(iter(changes))}`"):
        Augment(**changes)
