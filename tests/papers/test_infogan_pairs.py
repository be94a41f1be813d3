"""Q taught by pairs: deformations, the step, restarts ranked by information, the chosen code inside Q."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from course_lib.metrics import one_to_one_error
from course_lib.papers.infogan import (
    PROFILES,
    Deformation,
    PairNet,
    PairsConfig,
    choose_code,
    deform,
    install_code,
    pair_features,
    pair_rate,
    pair_step,
    without,
)
from course_lib.training import generator, seeded

SMALL = PROFILES["smoke"]
PAIRS = PairsConfig(steps=30, batch_size=48, values=(6, 4), embedding=8, warmup=3, restarts=8, restart_steps=80)
STILL = Deformation(rotation=0.0, shear=0.0, scale=0.0, shift=0.0, thickness=0.0)


def bars(n):
    images = torch.zeros(n, 1, 28, 28)
    for i in range(n):
        images[i, 0, 8 + i % 12 : 11 + i % 12, 4:24] = 1
        if i % 2:
            images[i, 0] = images[i, 0].T.clone()
    return images


def net_of(pairs):
    with seeded(0):
        return PairNet(SMALL, pairs)


def test_no_deformation_changes_nothing_and_the_generator_decides():
    images = bars(9)
    torch.testing.assert_close(deform(images, STILL, generator=generator(0)), images, rtol=0, atol=1e-5)
    one, two = (deform(images, Deformation(), generator=generator(3)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, deform(images, Deformation(), generator=generator(4)))
    assert one.shape == images.shape
    assert 0 <= one.min() <= one.max() <= 1 + 1e-6


@pytest.mark.parametrize("field", ["rotation", "shear", "scale", "shift", "thickness"])
def test_each_deformation_does_something(field):
    images = bars(30)
    moved = deform(images, replace(STILL, **{field: getattr(Deformation(), field)}), generator=generator(0))
    assert (moved - images).abs().mean() > 0.002


def test_a_small_rotation_keeps_the_ink_and_a_shift_moves_its_centre_by_that_much():
    image = torch.zeros(64, 1, 28, 28)
    image[:, :, 11:17, 9:19] = 1
    turned = deform(image, replace(STILL, rotation=20.0), generator=generator(0))
    torch.testing.assert_close(turned.sum((1, 2, 3)), image.sum((1, 2, 3)), rtol=0.02, atol=0)
    moved = deform(image, replace(STILL, shift=2 / 14), generator=generator(0))
    centre = (moved.sum((1, 2)) @ torch.arange(28.0)) / moved.sum((1, 2, 3))
    assert (centre - 13.5).abs().max() < 2.01  # 2 of 14 pixels of half an image
    assert (centre - 13.5).abs().max() > 1.5


@pytest.mark.parametrize("part", ["", "embedding", "codes"])
def test_steps_raise_the_information_of_what_they_train(part):
    pairs = without(PAIRS, part) if part else PAIRS
    net, gen, images = net_of(pairs), generator(0), bars(96)
    opt = torch.optim.Adam(net.parameters(), 1e-3)
    terms = [pair_step(net, opt, images[i % 2 :: 2], pairs, gen=gen) for i in range(pairs.steps)]
    ends = {name: (float(terms[0][name]), float(terms[-1][name])) for name in terms[0]}
    for name, missing in (("pairs/embedding", "embedding"), ("pairs/codes", "codes")):
        before, after = ends[name]
        assert (before, after) == (0, 0) if part == missing else after > before
    assert ends["total"][1] < ends["total"][0]


def blobs(k, n=600, spread=0.15):
    """Two views of points around k corners; the class is known."""
    gen = generator(1)
    kind = torch.arange(n) % k
    centres = 2 * torch.eye(k, 12)
    views = [centres[kind] + spread * torch.randn(n, 12, generator=gen) for _ in range(3)]
    return torch.stack(views), kind


def test_the_most_informative_restart_finds_the_classes_and_the_ranking_is_the_one_of_the_error():
    features, kind = blobs(4)
    cfg = replace(PAIRS, restart_batch=300, restart_lr=5e-2, restarts=24, restart_steps=150)
    found = choose_code(features, 4, cfg, gen=generator(2))
    errors = [
        one_to_one_error((features[0] @ weight.T + bias).argmax(1), kind)
        for weight, bias in zip(found.weight, found.bias, strict=True)
    ]
    assert (found.information.diff() <= 0).all()
    assert errors[0] == 0
    assert errors[-1] > 0.2  # some restarts merge two classes, and their information says so
    assert found.information[0] > 0.9 * torch.tensor(4.0).log()


def test_an_installed_code_is_what_q_then_says():
    net, gen = net_of(PAIRS), generator(0)
    images = bars(60)
    features = pair_features(net, images, PAIRS, gen=gen)
    assert features.shape == (3, 60, SMALL.q_hidden)
    assert net.training
    choice = choose_code(features, 10, replace(PAIRS, restart_batch=40, restart_steps=5), gen=gen)
    install_code(net.recognition, choice, 1)
    net.eval()
    want = net.features(images) @ choice.weight[1].T + choice.bias[1]
    torch.testing.assert_close(net.recognition(images).logits[0], want, rtol=1e-4, atol=1e-4)


def test_a_code_of_another_size_is_refused():
    net = net_of(PAIRS)
    features, _ = blobs(3, n=30)
    choice = choose_code(features, 3, replace(PAIRS, restart_batch=20, restart_steps=1), gen=generator(0))
    with pytest.raises(ValueError, match="codes of 3 values"):
        install_code(net.recognition, choice)


def test_the_rate_warms_up_and_falls():
    rates = [pair_rate(i / 100, replace(PAIRS, steps=100, warmup=10)) for i in range(100)]
    assert rates[0] < rates[5] < rates[10]
    assert rates[10] == pytest.approx(PAIRS.lr, rel=0.03)
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[-1] < 0.03 * PAIRS.lr


def test_parts_are_named():
    assert without(PAIRS, "restarts").restarts == 1
    assert without(PAIRS, "affine").deformation == replace(STILL, thickness=Deformation().thickness)
    assert without(PAIRS, "thickness").deformation.thickness == 0
    with pytest.raises(ValueError, match="'embedding', 'codes'"):
        without(PAIRS, "everything")
