"""A step of the ordinal networks: it learns, in half precision too; augmentation moves pictures and labels alike."""

import math
from dataclasses import replace

import pytest
import torch

from course_lib.geometry import H36M_17
from course_lib.losses import order_from_depth
from course_lib.papers.ordinal_depth import (
    SMALL,
    PoseBatch,
    PoseNet,
    augment,
    cells_to_crop,
    crop_to_cells,
    mirror,
    pose_optimizer,
    pose_step,
    set_rate,
    turn_and_scale,
)
from course_lib.training import Runtime, generator, seeded
from course_lib.worlds import people

TINY = replace(SMALL, features=16, hourglass_depth=2, image_size=32, bins=8, joints=3, batch_size=8)
FLIP = (0, 2, 1)
FORMS = {
    "depth": {"head": "depth"},
    "coordinates": {"head": "coordinates"},
    "volume": {},
    "two stacks": {"stacks": 2},
    "voxels": {"stacks": 2, "volume_target": "voxels"},
    "rmsprop": {"optimizer": "rmsprop", "lr": 1e-3},
}


def dots(b, cfg, *, full, seed=0):
    """A red, a green and a blue dot, the brighter the closer."""
    gen, n, size = generator(seed), 3, cfg.image_size
    points = 1.4 * torch.rand(b, n, 2, generator=gen) - 0.7
    depth = 0.6 * torch.rand(b, n, generator=gen) - 0.3
    x, y = crop_to_cells(points, size).unbind(-1)
    row = torch.arange(size, dtype=torch.float32)
    bell = torch.exp(-0.5 * ((row - x[..., None])[:, :, None] ** 2 + (row - y[..., None])[..., None] ** 2) / 2.0)
    images = (1 - 1.2 * (depth + 0.3))[..., None, None] * bell
    unknown = torch.full_like(depth, math.nan)
    return PoseBatch(images, points, depth if full else unknown, order_from_depth(unknown if full else depth, 0.05))


def train(cfg, *, full, steps, autocast=None):
    with seeded(0):
        net = PoseNet(cfg)
    opt = pose_optimizer(net.parameters(), cfg)
    batch = dots(cfg.batch_size, cfg, full=full)
    history = [pose_step(net, opt, batch, cfg, autocast=autocast() if autocast else None) for _ in range(steps)]
    return net, history


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_steps_lower_the_loss(form, full):
    _, history = train(replace(TINY, **FORMS[form]), full=full, steps=12)
    totals = [float(one["total"]) for one in history]
    assert all(math.isfinite(total) for total in totals)
    assert min(totals[-3:]) < 0.9 * totals[0]
    assert all(not value.requires_grad for value in history[0].values())
    parts = sum(float(value) for name, value in history[0].items() if name != "total")
    assert totals[0] == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize("form", ["depth", "coordinates", "two stacks", "voxels"])
def test_half_precision_stays_finite_and_learns(form):
    runtime = Runtime.auto("cpu", precision="bf16")
    net, history = train(replace(TINY, **FORMS[form]), full=form == "voxels", steps=8, autocast=runtime.autocast)
    totals = [float(one["total"]) for one in history]
    assert all(math.isfinite(total) for total in totals)
    assert totals[-1] < totals[0]
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in net.parameters())


def test_weak_training_puts_unseen_dots_in_order():
    cfg = replace(TINY, lr=4e-3, batch_size=16)
    with seeded(0):
        net = PoseNet(cfg)
    opt = pose_optimizer(net.parameters(), cfg)
    for step in range(150):
        set_rate(opt, step, replace(cfg, steps=150))
        pose_step(net, opt, dots(16, cfg, full=False, seed=step), cfg)
    test = dots(64, cfg, full=True, seed=10_000)
    with torch.no_grad():
        out = net.eval()(test.images)
    strict = order_from_depth(test.depth, 0.05)
    said = order_from_depth(out.depth, 0.0)
    right = (said == strict)[strict > 0].float().mean()
    assert right > 0.7
    assert (out.points - test.points).norm(dim=-1).mean() < 0.25


def test_the_rate_rises_and_falls():
    cfg = replace(TINY, lr=1.0, warm_up=4, cosine=True, steps=100)
    opt = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    rates = [set_rate(opt, step, cfg) for step in range(101)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[:5] == sorted(rates[:5])
    assert rates[5:] == sorted(rates[5:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)
    assert opt.param_groups[0]["lr"] == rates[-1]
    assert set_rate(opt, 50, replace(cfg, cosine=False)) == 1.0


# ---- augmentation


def labelled(b=4, n=3, size=32, seed=0):
    return dots(b, replace(TINY, image_size=size), full=True, seed=seed)


def with_order(batch):
    return replace(batch, order=order_from_depth(batch.depth, 0.1))


def test_a_mirrored_batch_has_the_order_of_its_mirrored_depths():
    batch = with_order(labelled())
    chosen = torch.tensor([True, False, True, False])
    got = mirror(batch, chosen, flip=FLIP)
    torch.testing.assert_close(got.order, order_from_depth(got.depth, 0.1), rtol=0, atol=0)
    torch.testing.assert_close(got[1::2].order, batch[1::2].order)
    torch.testing.assert_close(got.points[0, 1], batch.points[0, 2] * torch.tensor([-1.0, 1.0]))
    assert not torch.equal(got.order[0], batch.order[0][list(FLIP)])  # rows alone would be wrong
    torch.testing.assert_close(got.order, -got.order.mT)


def test_mirroring_twice_changes_nothing():
    batch = with_order(labelled())
    everyone = torch.ones(4, dtype=torch.bool)
    twice = mirror(mirror(batch, everyone, flip=FLIP), everyone, flip=FLIP)
    for name, value in vars(batch).items():
        torch.testing.assert_close(getattr(twice, name), value, rtol=0, atol=0)


def test_a_mirrored_person_is_the_picture_of_the_mirrored_body():
    """On rendered people: the mirrored picture's own geometry has the labels that `mirror` gives it."""
    shown = people.render(people.sample_factors(4, generator=generator(3)), size=32, compiled=False)
    flip, root = list(H36M_17.flip), H36M_17.root
    depth = shown.joints_3d[..., 2] - shown.joints_3d[:, root, None, 2]
    points = cells_to_crop(shown.joints_2d, 32)
    batch = PoseBatch(shown.images, points, depth, order_from_depth(depth))
    got = mirror(batch, torch.ones(4, dtype=torch.bool), flip=H36M_17.flip)
    pixels = torch.stack([31 - shown.joints_2d[..., 0], shown.joints_2d[..., 1]], -1)[:, flip]
    torch.testing.assert_close(crop_to_cells(got.points, 32), pixels, rtol=0, atol=1e-4)
    torch.testing.assert_close(got.order, order_from_depth(depth[:, flip]), rtol=0, atol=0)


def centres_of(images):
    """Centre of the brightness of each colour, (x, y) in the crop."""
    size = images.shape[-1]
    row = cells_to_crop(torch.arange(size).float()[:, None].expand(-1, 2), size)[:, 0]
    mass = images.sum((2, 3))
    return torch.stack([(images.sum(2) * row).sum(-1) / mass, (images.sum(3) * row).sum(-1) / mass], -1)


@pytest.mark.parametrize(("angle", "scale"), [(0.5, 1.0), (-0.5, 0.8), (0.0, 1.2), (math.pi / 2, 1.0)])
def test_points_turn_with_the_picture(angle, scale):
    batch = with_order(labelled(size=64))
    batch = replace(batch, points=0.6 * batch.points)
    moved = dots(4, replace(TINY, image_size=64), full=True)  # the same depths, redrawn where the points are now
    x, y = crop_to_cells(batch.points, 64).unbind(-1)
    row = torch.arange(64, dtype=torch.float32)
    bell = torch.exp(-0.5 * ((row - x[..., None])[:, :, None] ** 2 + (row - y[..., None])[..., None] ** 2) / 2.0)
    batch = replace(batch, images=bell, depth=moved.depth)
    got = turn_and_scale(batch, torch.full((4,), angle), torch.full((4,), scale))
    torch.testing.assert_close(centres_of(got.images), got.points, rtol=0, atol=0.02)
    torch.testing.assert_close(got.order, batch.order, rtol=0, atol=0)
    torch.testing.assert_close(got.depth, batch.depth, rtol=0, atol=0)


def test_a_quarter_turn_is_exact():
    batch = with_order(labelled())
    got = turn_and_scale(batch, torch.full((4,), math.pi / 2), torch.ones(4))
    torch.testing.assert_close(got.images, batch.images.rot90(-1, (2, 3)), rtol=0, atol=1e-4)  # clockwise
    x, y = batch.points.unbind(-1)
    torch.testing.assert_close(got.points, torch.stack([-y, x], -1), rtol=0, atol=1e-6)


def test_augmentation_draws_from_its_generator_and_keeps_what_is_unknown():
    cfg = replace(TINY, max_rotation=30.0, scale_range=(0.75, 1.25))
    batch = with_order(labelled())
    batch.points[0, 1] = math.nan
    batch.order[1, 0, 1] = batch.order[1, 1, 0] = math.nan
    first, again = (augment(batch, cfg, flip=FLIP, gen=generator(5)) for _ in range(2))
    torch.testing.assert_close(first.images, again.images, rtol=0, atol=0)
    other = augment(batch, cfg, flip=FLIP, gen=generator(6))
    assert not torch.equal(first.images, other.images)
    assert int(first.points.isnan().any(-1).sum()) == 1
    assert int(first.order.isnan().sum()) == 2
    still = augment(
        batch, replace(cfg, flip=0.0, max_rotation=0.0, scale_range=(1.0, 1.0)), flip=FLIP, gen=generator(0)
    )
    torch.testing.assert_close(still.images, batch.images, rtol=0, atol=0)
