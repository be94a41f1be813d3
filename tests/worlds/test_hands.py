"""Hands: bones of fixed length, limits, depth against closed form, joints where they are drawn."""

import math

import pytest
import torch

from course_lib.geometry.cameras import project
from course_lib.geometry.skeletons import HAND_21, ICVL_16, LSP_14, NYU_14
from course_lib.worlds import hands
from course_lib.worlds.hands.render import pixel_rays
from course_lib.worlds.kernel import can_compile
from course_lib.worlds.raycast import cast_cones

needs_compiler = pytest.mark.skipif(not can_compile(), reason="needs a C++ compiler, and COURSE_COMPILE not 0")


def draw(n=4, seed=0, **options):
    return hands.sample_factors(n, generator=torch.Generator().manual_seed(seed), **options)


def flat(n=1):
    """An adult's flat hand in front of the camera."""
    values = {
        name: torch.zeros(n, *spec.shape) + (1.0 if name in hands.SHAPE else 0.0)
        for name, spec in hands.HandFactors.factors().items()
    }
    values["distance"] += 0.6
    values["thumb_spread"] += 0.5
    return hands.HandFactors(**values)


def point(factors, name):
    return hands.landmarks(factors)[:, hands.LANDMARKS.index(name)]


def test_there_are_26_degrees_of_freedom():
    factors = hands.HandFactors.factors()
    assert sum(math.prod(factors[name].shape) for name in hands.POSE) == 26
    assert set(hands.POSE) | set(hands.SHAPE) == set(factors)


def test_a_flat_right_hand_points_up_with_its_thumb_to_the_right():
    hand = flat()
    for finger in ("index", "middle", "ring", "little"):
        chain = torch.stack([point(hand, f"{finger}_{joint}") for joint in ("mcp", "pip", "dip", "tip")], 1)[0]
        assert (chain[1:, 1] < chain[:-1, 1]).all()  # each joint above the one before (y is down)
        assert chain[:, 2].max() - chain[:, 2].min() < 0.006  # in the plane of the palm
    tips = torch.stack([point(hand, f"{f}_tip") for f in ("little", "ring", "middle", "index", "thumb")])[:, 0, 0]
    assert tips.equal(tips.sort().values)
    assert float(point(hand, "middle_tip")[0, 1]) < float(point(hand, "wrist")[0, 1]) - 0.15
    torch.testing.assert_close(point(hand, "wrist")[0], torch.tensor([0.0, 0.075, 0.6]))


@pytest.mark.parametrize("joint", ["flexion_mcp", "flexion_pip", "flexion_dip"])
def test_fingers_bend_out_of_the_palm_towards_the_camera(joint):
    straight, bent = flat(), flat().replace(**{joint: 1.0})
    for finger in ("index", "middle", "ring", "little"):
        assert float(point(bent, f"{finger}_tip")[0, 2]) < float(point(straight, f"{finger}_tip")[0, 2]) - 0.01
    assert point(bent, "index_mcp").equal(point(straight, "index_mcp"))


def test_an_angle_of_flexion_is_the_angle_between_the_bones():
    hand = draw(64)
    names = ("index", "middle", "ring", "little")
    for i, finger in enumerate(names):
        joints = torch.stack([point(hand, f"{finger}_{joint}") for joint in ("mcp", "pip", "dip", "tip")], 1).double()
        bones = torch.nn.functional.normalize(joints[:, 1:] - joints[:, :-1], dim=-1)
        angle = (
            torch.linalg.cross(bones[:, :-1], bones[:, 1:]).norm(dim=-1).atan2((bones[:, :-1] * bones[:, 1:]).sum(-1))
        )
        wanted = torch.stack([hand.flexion_pip[:, i], hand.flexion_dip[:, i]], 1).double().abs()
        torch.testing.assert_close(angle, wanted, atol=1e-4, rtol=0)


def test_bones_keep_their_length_in_every_pose():
    person = flat(1).repeat(50)
    poses = draw(50, seed=3)
    moved = person.replace(**{name: getattr(poses, name) for name in hands.POSE})
    joints = hands.landmarks(moved)
    for parent, child in hands.LANDMARKS.bones:
        length = (joints[:, child] - joints[:, parent]).norm(dim=-1)
        assert length.max() - length.min() < 1e-6, hands.LANDMARKS.joints[child]
    index = (joints[:, 2] - joints[:, 1]).norm(dim=-1)
    torch.testing.assert_close(index, torch.full((50,), 0.044), atol=1e-6, rtol=0)


def test_shape_factors_change_what_they_name():
    hand = flat()

    def length(factors, a, b):
        return float((point(factors, a) - point(factors, b)).norm())

    assert length(hand.replace(scale=1.1), "index_mcp", "index_tip") == pytest.approx(
        1.1 * length(hand, "index_mcp", "index_tip"), rel=1e-5
    )
    longer = hand.replace(finger_length=torch.tensor([1.0, 1.0, 1.1, 1.0, 1.0]))
    assert length(longer, "middle_mcp", "middle_tip") > 1.09 * length(hand, "middle_mcp", "middle_tip")
    assert length(longer, "ring_mcp", "ring_tip") == length(hand, "ring_mcp", "ring_tip")
    wider = hand.replace(palm_width=1.1)
    assert length(wider, "index_mcp", "little_mcp") > 1.05 * length(hand, "index_mcp", "little_mcp")
    thick = hands.render(hand.replace(thickness=1.2), compiled=False)
    assert thick.mask.sum() > 1.1 * hands.render(hand, compiled=False).mask.sum()


def test_the_place_of_the_palm_is_where_the_factors_say():
    hand = draw(6)
    middle = hands.landmarks(hand.replace(turn=0.0, tilt=0.0, roll=0.0))
    turned = hands.landmarks(hand)
    place = torch.cat([hand.offset, hand.distance[:, None]], 1)
    # Rotations leave all distances from that place unchanged.
    torch.testing.assert_close((middle - place[:, None]).norm(dim=-1), (turned - place[:, None]).norm(dim=-1))
    torch.testing.assert_close(
        middle[:, 0], place + torch.stack([0 * hand.scale, 0.075 * hand.scale, 0 * hand.scale], 1)
    )


def test_samples_lie_in_their_ranges_and_repeat_with_the_generator():
    first, again, other = draw(200), draw(200), draw(200, seed=1)
    for name, spec in hands.HandFactors.factors().items():
        values = getattr(first, name)
        assert values.equal(getattr(again, name))
        assert values.float().std() > 0
        assert values.min() >= spec.low
        assert values.max() <= spec.high
    assert not first.turn.equal(other.turn)


def test_flexions_of_one_finger_go_together():
    hand = draw(400)
    both = torch.corrcoef(torch.stack([hand.flexion_mcp[:, 1], hand.flexion_pip[:, 1], hand.flexion_dip[:, 1]]))
    assert both.min() > 0.85
    bent = hand.flexion_mcp > 1.3
    assert hand.abduction[bent].abs().mean() < 0.25 * hand.abduction[hand.flexion_mcp < 0.2].abs().mean()


def test_no_finger_of_a_sample_passes_through_another():
    overlap = hands.clash(draw(500))
    assert (overlap < 0.0025).double().mean() > 0.97
    assert overlap.max() < 0.008
    # The measure sees a clash: an index finger laid over the middle finger.
    crossed = flat().replace(abduction=torch.tensor([-0.2, 0.15, 0.0, 0.0]))
    assert float(hands.clash(crossed)) > 0.01
    assert float(hands.clash(flat())) == 0


def test_people_and_gestures_can_be_chosen():
    hand = draw(60, subjects=2)
    assert len(hand.scale.unique()) == 2
    assert len(torch.cat([hand.scale[:, None], hand.finger_length], 1).unique(dim=0)) == 2
    fist, opened = draw(30, gesture="fist"), draw(30, gesture="open")
    assert fist.flexion_pip.min() > 1.3
    assert opened.flexion_pip.max() < 0.5
    still = draw(5, view=0.0)
    assert still.turn.abs().max() < 1e-6
    for options, message in (
        ({"gesture": "wave"}, r"`gesture` \(='wave'\) must be one of open, flat"),
        ({"subjects": 0}, r"`subjects` \(=0\) must be 1 or more"),
        ({"view": -1.0}, r"`view` \(=-1.0\) must be 0 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            draw(2, **options)


def test_depth_agrees_with_single_capsules_in_double_precision():
    out = hands.render(draw(2), size=24, compiled=False)
    x, y = pixel_rays(out.intrinsics.double(), 24, 24)
    for row in range(2):
        rays = torch.stack(torch.broadcast_tensors(x[row, None, :], y[row, :, None]), -1).reshape(-1, 2)
        parts = [part[row : row + 1].double() for part in out.parts.unpacked()]
        hits = cast_cones(rays, *parts, compiled=False)
        depth = torch.where(hits.hit, 1000 * hits.depth, 0).reshape(24, 24)
        difference = (out.depth_mm[row, 0] - depth).abs()
        assert difference.median() < 0.01
        assert (difference > 0.05).double().mean() < 0.005
        same = out.capsules[row] == hits.index.reshape(24, 24)
        assert same.double().mean() > 0.99
    assert out.mask.equal(out.depth_mm > 0)
    assert 0.08 < out.mask.double().mean() < 0.6


@pytest.mark.parametrize("size", [64, (96, 128)])
def test_a_joint_projects_to_the_middle_of_its_drawn_ball(size):
    """Half a pixel at most between each projected joint and the centroid of a ball drawn round it."""
    hand = draw(3)
    out = hands.render(hand, size=size, compiled=False)
    uv = project(out.landmarks, out.intrinsics)
    torch.testing.assert_close(out.joints_uvd()[..., :2], uv[:, :21], atol=1e-3, rtol=0)
    height, width = out.depth_mm.shape[-2:]
    x, y = pixel_rays(out.intrinsics, height, width)
    worst = 0.0
    for row in range(3):
        rays = torch.stack(torch.broadcast_tensors(x[row, None, :], y[row, :, None]), -1).reshape(-1, 2)
        for joint in range(21):
            center = out.landmarks[row, joint][None, None]
            drawn = cast_cones(rays, center, center, torch.full((1, 1), 0.012), compiled=False).hit.reshape(
                height, width
            )
            v, u = drawn.nonzero().double().unbind(1)
            ends = (
                torch.stack([u.min(), v.min(), width - 1 - u.max(), height - 1 - v.max()]) if len(u) else torch.zeros(1)
            )
            if ends.min() > 0:  # wholly inside the picture
                middle = torch.stack([u.mean(), v.mean()])
                worst = max(worst, float((middle - uv[row, joint].double()).norm()))
    assert 0 < worst < 0.5


def test_the_surface_lies_in_front_of_its_joint():
    hand = draw(20)
    out = hands.render(hand, size=64, compiled=False)
    uvd = out.joints_uvd()
    u, v = uvd[..., 0].round().long(), uvd[..., 1].round().long()
    inside = (u >= 0) & (u < 64) & (v >= 0) & (v < 64)
    seen = out.depth_mm[torch.arange(20)[:, None], 0, v.clamp(0, 63), u.clamp(0, 63)]
    ahead = (uvd[..., 2] - seen)[inside & (seen > 0)]
    assert (seen[inside] > 0).double().mean() > 0.99
    assert ahead.min() > 3  # the thinnest ball has a radius of 5 mm


def test_labels_name_the_part_at_each_joint():
    out = hands.render(flat(), size=128, compiled=False)
    uvd = out.joints_uvd()[0].round().long()
    for name in ("index_tip", "little_tip", "thumb_tip"):
        u, v, _ = uvd[HAND_21.index(name)]
        assert hands.PARTS[int(out.labels[0, v, u])] == name.replace("tip", "distal")
    assert hands.PARTS[int(out.labels[0, 127, 64])] == "forearm"
    assert (out.labels > 0).equal(out.mask[:, 0])
    assert set(hands.PARTS) == {part.label for part in hands.CAPSULES} | {"background"}


def test_normals_are_units_that_face_the_camera():
    out = hands.render(draw(2), size=32, compiled=False)
    torch.testing.assert_close(out.normals.norm(dim=1, keepdim=True), out.mask.float())
    x, y = pixel_rays(out.intrinsics, 32, 32)
    facing = out.normals[:, 0] * x[:, None] + out.normals[:, 1] * y[:, :, None] + out.normals[:, 2]
    assert (facing[out.mask[:, 0]] < 0.01).all()


def test_joints_come_in_three_layouts():
    out = hands.render(draw(2), size=16, compiled=False)
    assert out.joints().equal(out.landmarks[:, :21])
    nyu, icvl = out.joints(NYU_14), out.joints(ICVL_16)
    assert nyu.shape == (2, 14, 3)
    assert icvl.shape == (2, 16, 3)
    assert nyu[:, NYU_14.index("index_tip")].equal(out.landmarks[:, HAND_21.index("index_tip")])
    palm = out.landmarks[:, hands.LANDMARKS.index("palm")]
    assert nyu[:, NYU_14.index("palm")].equal(palm)
    assert icvl[:, 0].equal(palm)
    torch.testing.assert_close(out.joints_uvd(NYU_14)[..., 2], 1000 * nyu[..., 2])


@pytest.mark.parametrize("name", list(hands.HandFactors.factors()))
def test_every_factor_changes_the_picture(name):
    hand = draw(1, seed=2, view=0.3).replace(distance=0.6, offset=0.0)
    spec = hands.HandFactors.factors()[name]
    before, after = (
        hands.render(hand.replace(**{name: spec.low + share * (spec.high - spec.low)}), size=24, compiled=False)
        for share in (0.4, 0.6)
    )
    assert (before.depth_mm - after.depth_mm).abs().max() > 0.5


@pytest.mark.parametrize("end", ["low", "high"])
def test_hands_at_both_ends_of_all_ranges_are_finite(end):
    values = {
        name: torch.full((1, *spec.shape), float(getattr(spec, end)))
        for name, spec in hands.HandFactors.factors().items()
    }
    out = hands.render(hands.HandFactors(**values), size=16, compiled=False)
    assert out.landmarks.isfinite().all()
    assert out.depth_mm.isfinite().all()
    assert out.normals.isfinite().all()
    assert out.mask.any()


def test_a_given_camera_and_a_picture_that_is_not_square():
    hand = flat().replace(offset=torch.tensor([0.05, 0.0]))
    intrinsics = torch.tensor([[120.0, 0, 79.5], [0, 120.0, 59.5], [0, 0, 1]])
    out = hands.render(hand, size=(120, 160), intrinsics=intrinsics, compiled=False)
    assert out.depth_mm.shape == (1, 1, 120, 160)
    u = out.mask[0, 0].nonzero()[:, 1].double().mean()
    assert float(u) == pytest.approx(79.5 + 120 * 0.05 / 0.6, abs=3)
    with pytest.raises(ValueError, match=r"`size` \(=4\) must be at least 8 pixels"):
        hands.render(hand, size=4)


@pytest.mark.parametrize("size", [21, 32])
def test_one_hand_alone_is_the_hand_of_a_batch(size):
    hand = draw(5)
    batch = hands.render(hand, size=size, compiled=False)
    for row in (0, 3):
        alone = hands.render(hand[row], size=size, compiled=False)
        assert alone.depth_mm.equal(batch.depth_mm[row : row + 1])
        assert alone.landmarks.equal(batch.landmarks[row : row + 1])
        assert alone.capsules.equal(batch.capsules[row : row + 1])


@needs_compiler
@pytest.mark.slow
def test_compiled_and_eager_hands_agree():
    hand = draw(16)
    fast, plain = (hands.render(hand, size=64, compiled=compiled) for compiled in (True, False))
    assert ((fast.depth_mm - plain.depth_mm).abs() > 1).double().mean() <= 2e-4
    for row in (0, 7, 15):
        assert hands.render(hand[row], size=64, compiled=True).depth_mm.equal(fast.depth_mm[row : row + 1])


def test_shaded_pictures_are_colours_and_smooth_at_the_edges():
    out = hands.render(draw(2), size=48, compiled=False)
    picture = hands.shade(out, average=2)
    assert picture.shape == (2, 3, 24, 24)
    assert picture.min() >= 0
    assert picture.max() <= 1
    background = torch.tensor((0.97, 0.97, 0.98))[:, None, None]
    assert torch.isclose(picture, background).all(1).double().mean() > 0.3
    assert picture.std() > 0.05
    grey = hands.depth_picture(out.depth_mm)
    assert (grey > 0).equal(out.mask)
    assert grey.amax((1, 2, 3)).tolist() == pytest.approx([1, 1])


def test_other_skeletons_are_refused():
    with pytest.raises(ValueError):
        hands.render(draw(1), size=16, compiled=False).joints(LSP_14)
