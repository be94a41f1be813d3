"""Given joints as depth maps, and the noise of a depth camera."""

import os
from pathlib import Path

import pytest
import torch

from course_lib.datasets import NYU_CAMERA, decode_nyu_depth, load_hand_predictions, read_nyu_centers
from course_lib.geometry.skeletons import HAND_21, ICVL_16, LSP_14, NYU_14
from course_lib.worlds import hands

LAYOUTS = (HAND_21, NYU_14, ICVL_16)


def drawn(n=6, seed=0, size=48):
    factors = hands.sample_factors(n, generator=torch.Generator().manual_seed(seed), gesture="open", view=0.5)
    return hands.render(factors, size=size, compiled=False)


@pytest.mark.parametrize("skeleton", LAYOUTS, ids=lambda s: s.name)
def test_known_joints_stay_and_the_picture_is_that_of_the_hand(skeleton):
    out = drawn()
    joints = out.joints(skeleton)
    again = hands.render_joints(joints, skeleton, out.intrinsics, size=48, compiled=False)
    for name in skeleton.joints:
        if name in hands.LANDMARKS.joints:
            row = hands.LANDMARKS.index(name)
            assert again.landmarks[:, row].equal(joints[:, skeleton.index(name)])
    both = (again.mask & out.mask).sum((1, 2, 3)) / (again.mask | out.mask).sum((1, 2, 3))
    assert both.min() > {"HAND_21": 0.85, "NYU_14": 0.7, "ICVL_16": 0.6}[skeleton.name]
    guessed = (again.landmarks - out.landmarks).norm(dim=-1).mean()
    assert guessed < {"HAND_21": 0.002, "NYU_14": 0.007, "ICVL_16": 0.01}[skeleton.name]


@pytest.mark.parametrize("skeleton", LAYOUTS, ids=lambda s: s.name)
def test_every_joint_is_inside_the_drawn_hand(skeleton):
    joints = drawn(20).joints(skeleton)
    out = hands.render_joints(joints, skeleton, size=64, compiled=False)
    uvd = out.joints_uvd(skeleton) if skeleton is not ICVL_16 else None
    uvd = hands.to_uvd(joints, out.intrinsics) if uvd is None else uvd
    u, v = (uvd[..., i].round().long().clamp(0, 63) for i in range(2))
    seen = out.depth_mm[torch.arange(20)[:, None], 0, v, u]
    assert (seen > 0).double().mean() > 0.99
    assert ((uvd[..., 2] - seen)[seen > 0] > 0).double().mean() > 0.98  # the surface is in front of the joint


def test_hands_turn_with_their_joints():
    """A pose moved as a whole gives the same picture moved: nothing is guessed from the axes of the camera."""
    joints = drawn(2).joints(NYU_14)
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = joints @ turn.T
    first = hands.complete(joints, NYU_14) @ turn.T
    torch.testing.assert_close(hands.complete(turned, NYU_14), first, atol=1e-5, rtol=0)


def test_what_cannot_be_drawn_is_refused():
    good = drawn(1).joints(NYU_14)
    for joints, skeleton, message in (
        (good, LSP_14, r"`skeleton` \(=LSP_14\) must be HAND_21, NYU_14 or ICVL_16"),
        (good, HAND_21, r"`joints` has shape \(1, 14, 3\): HAND_21 needs \(n, 21, 3\)"),
        (good * float("nan"), NYU_14, "`joints` must be finite and in front of the camera"),
        (good * torch.tensor([1, 1, -1]), NYU_14, "`joints` must be finite and in front of the camera"),
    ):
        with pytest.raises(ValueError, match=message):
            hands.render_joints(joints, skeleton, compiled=False)


def noisy(depth, seed=0, **options):
    return hands.add_noise(depth, generator=torch.Generator().manual_seed(seed), **options)


def test_noise_repeats_with_its_generator_and_stays_on_the_hand():
    depth = drawn().depth_mm
    assert noisy(depth).equal(noisy(depth))
    assert not noisy(depth).equal(noisy(depth, seed=1))
    assert (noisy(depth)[depth == 0] == 0).all()
    assert noisy(depth, amount=0, step_mm=0, holes=0).equal(depth)


def test_noise_grows_with_the_square_of_the_depth():
    spread = {}
    for d in (400.0, 800.0):
        wall = torch.full((1, 1, 200, 200), d)
        spread[d] = (noisy(wall, holes=0, step_mm=0) - wall).std()
    assert float(spread[400.0]) == pytest.approx(1.2 * 0.64, rel=0.1)
    assert float(spread[800.0] / spread[400.0]) == pytest.approx(4, rel=0.05)


def test_depths_come_in_whole_steps_and_holes_by_request():
    depth = drawn(size=96).depth_mm
    stepped = noisy(depth, step_mm=2.0)
    assert (stepped % 2 == 0).all()
    hand = depth > 0
    lost = {holes: float((noisy(depth, holes=holes)[hand] == 0).double().mean()) for holes in (0, 1, 3)}
    assert lost[0] == 0
    assert 0.02 < lost[1] < 0.15
    assert lost[3] > 1.5 * lost[1]
    for name in ("amount", "step_mm", "holes"):
        with pytest.raises(ValueError, match=rf"`{name}` \(=-1\) must be 0 or more"):
            noisy(depth, **{name: -1})


@pytest.fixture(scope="module")
def genuine():
    """The first NYU test frame, its joints and its shipped centre."""
    root = os.environ.get("COURSE_DATA")
    folder = Path(root).expanduser() / "hands" / "nyu" if root else None
    if folder is None or not folder.is_dir():
        pytest.skip("the real NYU files are not there: set COURSE_DATA to the folder above `hands/nyu`")
    depth = decode_nyu_depth(folder / "test" / "depth_1_0000001.png")[None]
    hand = load_hand_predictions(folder / "depth_1_0000001.label_uvd.txt", NYU_14, NYU_CAMERA)
    return depth, hand, read_nyu_centers(folder / "crossingNet" / "center_uvd_test.mat")[:1]


def test_the_crop_of_the_genuine_frame_has_the_values_of_the_published_recipe(genuine):
    depth, _, center = genuine
    # The intrinsics of the published code; with them the hand's mean is -0.73 and its largest value 0.03.
    camera = torch.tensor([[[588.235, 0, 320], [0, 587.084, 240], [0, 0, 1]]])
    images = hands.crop_hands(depth, center, camera).images
    hand = images[images < 1]
    assert float(hand.mean()) == pytest.approx(-0.73, abs=0.01)
    assert float(hand.max()) == pytest.approx(0.03, abs=0.005)
    assert float(hand.min()) == -1


def test_drawn_joints_look_like_the_genuine_frame(genuine):
    depth, hand, center = genuine
    drawn = hands.render_joints(hand.joints, NYU_14, hand.intrinsics, size=(480, 640), compiled=False)
    real, fake = (
        hands.crop_hands(one, center, hand.intrinsics, normalise="fixed").images for one in (depth, drawn.depth_mm)
    )
    both = (real < 1) & (fake < 1)
    overlap = both.sum() / ((real < 1) | (fake < 1)).sum()
    assert overlap > 0.8  # 0.83 when this was written
    assert 125 * (real - fake)[both].abs().median() < 6  # millimetres; 4.6 when this was written
