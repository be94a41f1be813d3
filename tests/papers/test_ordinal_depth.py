"""Networks and objective of ordinal depth: the sheet's parameter counts, shapes, who supervises what, refusals."""

import inspect
import math
from dataclasses import replace

import pytest
import torch

from course_lib.losses import heatmap_loss, order_from_depth, ranking_loss
from course_lib.papers.ordinal_depth import (
    SMALL,
    OrdinalConfig,
    PoseBatch,
    PoseNet,
    cells_to_crop,
    crop_to_cells,
    metres_of_bins,
    pose_losses,
)
from course_lib.training import generator, seeded

TINY = replace(SMALL, features=16, hourglass_depth=2, image_size=32, bins=8, joints=5)
FORMS = {
    "depth": {"head": "depth"},
    "coordinates": {"head": "coordinates"},
    "volume": {"head": "volume"},
    "two stacks": {"head": "volume", "stacks": 2},
}


def build(cfg, seed=0):
    with seeded(seed):
        return PoseNet(cfg)


def count(module):
    return sum(p.numel() for p in module.parameters())


def at_paper_size(**change):
    with torch.device("meta"):  # counted, never filled
        return PoseNet(OrdinalConfig(**change))


def a_batch(cfg, b=3, *, depth=True, order=True, seed=0):
    """Random pictures with labels."""
    gen = generator(seed)
    z = 0.3 * torch.randn(b, cfg.joints, generator=gen)
    unknown = torch.full((b, cfg.joints), math.nan)
    return PoseBatch(
        images=torch.rand(b, 3, cfg.image_size, cfg.image_size, generator=gen),
        points=1.6 * torch.rand(b, cfg.joints, 2, generator=gen) - 0.8,
        depth=z if depth else unknown,
        order=order_from_depth(z if order else unknown),
    )


# ---- parameters


def test_parameters_of_one_hourglass_are_those_of_the_official_code():
    net = at_paper_size(stacks=1)
    assert count(net.trunk) == 9_429_120
    assert count(net.head) == 279_616
    assert net.head.out_channels == 17 * 64


@pytest.mark.parametrize(("head", "parameters"), [("depth", 17_825_809), ("coordinates", 53_477_427)])
def test_parameters_of_the_fully_connected_heads(head, parameters):
    net = at_paper_size(stacks=1, head=head)
    assert count(net.head) == parameters
    assert count(net.trunk) == 9_429_120


def test_parameters_of_two_hourglasses_are_those_of_the_official_code():
    net = at_paper_size()
    assert count(net) == 26_904_401
    assert net.trunk.mix.in_channels == 384
    assert net.trunk.coarse.out_channels == 17
    assert net.head.in_channels == 512


# ---- shapes


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [32, 48])
def test_shapes(form, size):
    cfg = replace(TINY, image_size=size, **FORMS[form])
    out = build(cfg)(torch.rand(2, 3, size, size))
    grid = size // 4
    assert out.depth.shape == (2, 5)
    assert out.depth.dtype == torch.float32
    assert (out.points is None) == (form == "depth")
    if form in ("volume", "two stacks"):
        assert out.scores.shape == (2, 5, 8, grid, grid)
        assert out.heatmap.shape == (2, 5, grid, grid)
        assert out.bins.shape == (2, 5, 8)
        torch.testing.assert_close(out.heatmap.sum((2, 3)), torch.ones(2, 5))
        assert out.points.abs().max() < 1
        near, far = TINY.near * cfg.units_per_metre, TINY.far * cfg.units_per_metre
        assert near < out.depth.min() <= out.depth.max() < far
    assert (out.coarse is None) == (form != "two stacks")


def test_other_pictures_are_refused():
    net = build(TINY)
    for shape in ((2, 3, 64, 64), (2, 1, 32, 32), (3, 32, 32)):
        with pytest.raises(ValueError, match=r"this network takes \(b, 3, 32, 32\)"):
            inspect.unwrap(PoseNet.forward)(net, torch.zeros(shape))


# ---- conventions


def test_bins_are_those_of_coarse_to_fine():
    cfg = OrdinalConfig()
    centres = cfg.bin_centres(metres=True)
    width = float(centres[1] - centres[0])
    assert width == pytest.approx(0.031032, abs=1e-6)
    assert float(centres[32]) == pytest.approx(0.00335, abs=1e-5)  # the root's bin, 33 of 64
    torch.testing.assert_close(centres, metres_of_bins(torch.arange(64), first=0), atol=1e-5, rtol=0)
    units = cfg.bin_centres()
    assert float(units[1] - units[0]) == pytest.approx(1, abs=1e-4)  # one a bin


@pytest.mark.parametrize("size", [16, 64])
def test_cells_and_crops(size):
    ends = torch.tensor([[-0.5, size - 0.5], [(size - 1) / 2, 0.0]])
    crop = cells_to_crop(ends, size)
    torch.testing.assert_close(crop, torch.tensor([[-1.0, 1.0], [0.0, -1 + 1 / size]]))
    torch.testing.assert_close(crop_to_cells(crop, size), ends)


# ---- objective


def terms_of(cfg, batch, seed=0):
    net = build(cfg, seed)
    with torch.no_grad():
        out = net(batch.images)
    return out, pose_losses(out, batch, cfg)


@pytest.mark.parametrize("form", FORMS)
def test_a_picture_is_asked_for_what_is_known_about_it(form):
    cfg = replace(TINY, **FORMS[form])
    _, weak = terms_of(cfg, a_batch(cfg, depth=False))
    assert (weak["rank"] > 0).all()
    assert weak["metric"].abs().max() == 0
    _, full = terms_of(cfg, a_batch(cfg, order=False))
    assert full["rank"].abs().max() == 0
    assert (full["metric"] > 0).all()
    assert all(value.shape == (3,) for value in weak.values())
    if form != "depth":
        _, unplaced = terms_of(cfg, replace(a_batch(cfg), points=torch.full((3, 5, 2), math.nan)))
        assert unplaced["place"].abs().max() == 0
        torch.testing.assert_close(weak["place"], full["place"])


def test_the_weak_terms_are_the_paper_s():
    cfg = replace(TINY, weight_2d=7.0)
    batch = a_batch(cfg, depth=False)
    out, terms = terms_of(cfg, batch)
    torch.testing.assert_close(terms["rank"], ranking_loss(out.depth, batch.order))
    cells = crop_to_cells(batch.points, cfg.grid)
    torch.testing.assert_close(terms["place"], 7 * heatmap_loss(out.heatmap, cells, sigma=cfg.sigma))


def test_true_depth_is_asked_for_in_the_unit_of_the_loss():
    cfg = replace(TINY, head="depth")
    batch = a_batch(cfg, order=False)
    out, terms = terms_of(cfg, batch)
    want = (out.depth - 10 * batch.depth).square().sum(1)
    torch.testing.assert_close(terms["metric"], want)


@pytest.mark.parametrize("target", ["marginals", "voxels"])
@pytest.mark.parametrize("stacks", [1, 2])
def test_a_mixed_batch_is_both_batches_side_by_side(target, stacks):
    cfg = replace(TINY, volume_target=target, stacks=stacks)
    studio, wild = a_batch(cfg, order=False), a_batch(cfg, depth=False, seed=1)
    both = PoseBatch(*(torch.cat(pair) for pair in zip(vars(studio).values(), vars(wild).values(), strict=True)))
    net = build(cfg).eval()  # batch normalisation would mix them
    with torch.no_grad():
        apart = [pose_losses(net(one.images), one, cfg) for one in (studio, wild)]
        mixed = pose_losses(net(both.images), both, cfg)
    for name in ("rank", "metric", "place"):
        if name in apart[0] and name in apart[1]:
            torch.testing.assert_close(mixed[name], torch.cat([one[name] for one in apart]), rtol=1e-4, atol=1e-5)
    assert (mixed["place"][3:] > 0).all()  # also beside studio pictures, the others learn where joints are


def test_a_picture_without_any_label_has_no_gradient():
    cfg = replace(TINY, stacks=2)
    batch = replace(a_batch(cfg, depth=False, order=False), points=torch.full((3, 5, 2), math.nan))
    net = build(cfg)
    sum(pose_losses(net(batch.images), batch, cfg).values()).sum().backward()
    assert all(p.grad is None or p.grad.abs().max() == 0 for p in net.parameters())


# ---- settings


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stacks": 2, "head": "depth"}, "`stacks` .* with `head='volume'`"),
        ({"stacks": 3}, "`stacks`"),
        ({"image_size": 100}, "`image_size` .* multiple of 64"),
        ({"features": 12}, "`features` .* multiple of 8"),
        ({"joints": 0}, "`joints` .* 1 or more"),
        ({"sigma": 0.0}, "`sigma` .* positive"),
        ({"units_per_metre": math.inf}, "`units_per_metre`"),
        ({"near": 0.1}, "`near`"),
        ({"scale_range": (1.2, 0.8)}, "`scale_range`"),
        ({"flip": 1.5}, "`flip` .* chance"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        OrdinalConfig(**change)


@pytest.mark.parametrize("name", ["head", "optimizer", "volume_target"])
def test_an_unknown_option_is_refused_with_the_known_ones(name):
    cfg = OrdinalConfig()
    object.__setattr__(cfg, name, "nonsense")
    with pytest.raises(
        ValueError, match=rf"`{name}` \(='nonsense'\) must be one of .*{getattr(OrdinalConfig(), name)}"
    ):
        inspect.unwrap(OrdinalConfig.__post_init__)(cfg)
