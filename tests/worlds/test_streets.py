"""Streets: frames, depth, flow and motion agree with each other, and each factor shows."""

import dataclasses
import math

import pytest
import torch

from course_lib.geometry.cameras import backproject, pixel_grid, project
from course_lib.geometry.rigid import invert, transform_points
from course_lib.geometry.warping import rigid_flow, warp_with_flow
from course_lib.worlds import streets
from course_lib.worlds.kernel import can_compile

SMALL = (32, 48)


def factors(n=2, seed=0, **options):
    return streets.sample_factors(n, generator=torch.Generator().manual_seed(seed), **options)


def draw(values, size=SMALL, **options):
    return streets.render(values, size=size, compiled=False, **options)


def level(**changes):
    """One street, the camera in the middle, looking straight ahead, and nothing on the road."""
    still = {name: 0 for name in ("lateral", "yaw", "pitch", "roll", "turn", "pitch_change", "roll_change")}
    return factors(1).replace(**{**still, "car_ahead": -60, "camera_height": 1.5, "focal": 0.6, **changes})


@pytest.fixture(scope="module")
def pairs():
    """Eight pairs of the size that lessons use, of both worlds."""
    both = [factors(4, seed=1), factors(4, seed=2, world="B")]
    return draw(streets.StreetFactors.cat(both), (64, 208))


@pytest.fixture(scope="module")
def traffic():
    return draw(factors(6, seed=3, moving_cars=True), (64, 208))


def mean_error(pairs, mask):
    warped, inside = warp_with_flow(pairs.second, pairs.flow)
    mask = mask & inside
    return float(((warped - pairs.first).abs() * mask).sum() / (3 * mask.sum()))


def test_shapes_and_ranges(pairs):
    assert len(pairs) == 8
    for image in (pairs.first, pairs.second):
        assert image.shape == (8, 3, 64, 208)
        assert image.dtype == torch.float32
        assert 0 <= float(image.min()) < float(image.max()) <= 1
    for depth in (pairs.depth_first, pairs.depth_second):
        assert depth.shape == (8, 1, 64, 208)
        assert 0 <= float(depth.min()) < float(depth.max()) < 250
    assert pairs.flow.shape == (8, 2, 64, 208)
    assert bool(torch.isfinite(pairs.flow).all())
    assert not bool(pairs.moving.any())


def test_the_second_frame_warped_by_the_flow_is_the_first(pairs):
    # Run of 2026-11-20: 0.0075 where visible (bilinear sampling and edges shared by two surfaces), 0.047 unwarped.
    still = dataclasses.replace(pairs, flow=torch.zeros_like(pairs.flow))
    assert mean_error(pairs, pairs.visible) < 0.011
    assert mean_error(still, pairs.visible) > 4 * mean_error(pairs, pairs.visible)
    assert mean_error(pairs, ~pairs.visible) > 4 * mean_error(pairs, pairs.visible)


def test_the_flow_is_that_of_depth_and_motion(pairs):
    seen = pairs.depth_first > 0
    flow = rigid_flow(pairs.depth_first.clamp_min(1), pairs.second_from_first, pairs.intrinsics)
    assert float(((flow - pairs.flow).abs() * seen).max()) < 2e-3
    sky = ~seen
    flow = rigid_flow(torch.full_like(pairs.depth_first, 1e7), pairs.second_from_first, pairs.intrinsics)
    assert float(((flow - pairs.flow).abs() * sky).max()) < 2e-3


def test_depth_of_visible_points_is_found_again_in_the_second_frame(pairs):
    n, _, height, width = pairs.depth_first.shape
    pixels = pixel_grid(height, width).reshape(1, -1, 2).expand(n, -1, -1)
    points = backproject(pixels, pairs.depth_first.flatten(1), pairs.intrinsics)
    moved = transform_points(pairs.second_from_first, points)
    there = (project(moved, pairs.intrinsics) - pixels).mT.unflatten(-1, (height, width))
    seen = pairs.visible & (pairs.depth_first > 0)
    assert float(((there - pairs.flow).abs() * seen).max()) < 2e-3
    sampled, inside = warp_with_flow(pairs.depth_second, pairs.flow)
    gap = (sampled - moved[..., 2].unflatten(-1, (height, width))[:, None]).abs() / pairs.depth_first.clamp_min(1)
    assert float(gap[seen & inside].median()) < 1e-3
    hidden = ~pairs.visible & inside & (pairs.depth_first > 0) & (pairs.depth_second > 0)
    assert float(gap[hidden].median()) > 0.05


def test_moving_cars_carry_their_own_flow(traffic):
    assert bool(traffic.moving.any())
    flow = rigid_flow(traffic.depth_first.clamp_min(1), traffic.second_from_first, traffic.intrinsics)
    off = (flow - traffic.flow).norm(dim=1, keepdim=True)
    stands = ~traffic.moving & (traffic.depth_first > 0)
    assert float(off[stands].max()) < 2e-3
    assert float(off[traffic.moving].mean()) > 1
    assert mean_error(traffic, traffic.visible & traffic.moving) < 0.05
    rigid = dataclasses.replace(traffic, flow=flow)
    assert mean_error(rigid, traffic.visible & traffic.moving) > 2 * mean_error(
        traffic, traffic.visible & traffic.moving
    )


def test_a_standing_camera_sees_the_same_twice():
    out = draw(factors(3, static=True))
    assert out.first.equal(out.second)
    assert out.second_from_first.allclose(torch.eye(4), atol=1e-6)
    assert float(out.flow.abs().max()) < 1e-3


def test_turning_on_the_spot_moves_pixels_without_regard_to_depth():
    out = draw(level(speed=0, turn=0.05, camera_height=1.4))
    flow = rigid_flow(torch.full_like(out.depth_first, 5.0), out.second_from_first, out.intrinsics)
    assert float((flow - out.flow).abs().max()) < 2e-3
    assert float(out.flow[:, 0].max()) < -1  # turned right: all goes left


def test_driving_forward_makes_the_picture_expand():
    out = draw(level(speed=1.0))
    assert float(out.second_from_first[0, 2, 3]) == pytest.approx(-1, abs=1e-5)
    u, v = pixel_grid(*SMALL).unbind(-1)
    away = (out.flow[0, 0] * (u - 23.5) + out.flow[0, 1] * (v - 15.5))[out.depth_first[0, 0] > 0]
    assert float(away.min()) > 0


def test_the_road_has_the_depth_of_a_plane():
    out = draw(level(), size=(33, 48))
    focal = 0.6 * 48
    for row in (24, 28, 32):
        assert float(out.depth_first[0, 0, row, 24]) == pytest.approx(1.5 * focal / (row - 16), rel=1e-5)


def test_a_house_stands_where_its_factors_say():
    wall = level(road_width=8, pavement_width=3, house_setback=0, house_gap=0, tree_size=0, post_ahead=160)
    out = draw(wall.replace(house_height=30), size=(33, 49))
    focal = 0.6 * 49
    for column in (46, 47, 48):  # front of the houses on the right, 7 m off the middle of the road
        assert float(out.depth_first[0, 0, 12, column]) == pytest.approx(7 * focal / (column - 24), rel=1e-5)


def test_posts_trees_and_cars_are_met_where_they_stand():
    plain = level(road_width=8, tree_size=0, post_ahead=-10)
    focal, size = 0.6 * 97, (65, 97)

    def depth(change, x, height, z):
        picture = draw(plain.replace(**change), size=size).depth_first[0, 0]
        return float(picture[round(32 + (1.5 - height) * focal / z), round(48 + x * focal / z)])

    assert depth({"car_ahead": 10.0, "car_lateral": 0.0}, 0, 0.6, 10) == pytest.approx(10, abs=1e-3)
    assert depth({"tree_ahead": 12.0, "tree_size": 1.5}, 4.9, 3.65, 12) == pytest.approx(12 - 1.5, abs=0.6)
    post = depth({"post_ahead": 8.0}, 4.4, 2.0, 8)
    assert post == pytest.approx(8, abs=0.08)


def test_the_pose_is_that_of_the_drive():
    out = draw(level(lateral=0.7, yaw=0.2))
    world_from_camera = invert(out.camera_from_world)[0]
    torch.testing.assert_close(world_from_camera[:3, 3], torch.tensor([0.7, 1.5, 0.0]))
    ahead = world_from_camera[:3, :3] @ torch.tensor([0.0, 0.0, 1.0])
    torch.testing.assert_close(ahead, torch.tensor([math.sin(0.2), 0.0, -math.cos(0.2)]))
    down = world_from_camera[:3, :3] @ torch.tensor([0.0, 1.0, 0.0])
    torch.testing.assert_close(down, torch.tensor([0.0, -1.0, 0.0]))


@pytest.mark.parametrize("name", list(streets.StreetFactors.factors()))
def test_every_factor_shows(name):
    base = factors(1, seed=7).replace(
        speed=0.5, sunshine=0.9, tree_size=1.4, tree_ahead=15.0, car_ahead=12.0, car_lateral=2.5, house_setback=0.5
    )
    base = base.replace(pitch=0.05, cloud=0.5, house_gap=1.0)
    spec = streets.StreetFactors.factors()[name]
    old = getattr(base, name)
    middle = (spec.low + spec.high) / 2
    new = torch.where(old > middle, old + 0.25 * (spec.low - old), old + 0.25 * (spec.high - old))
    before, after = draw(base), draw(base.replace(**{name: new}))
    changed = torch.stack([(after.first - before.first).abs().amax(), (after.second - before.second).abs().amax()])
    assert float(changed.max()) > 0.01


@pytest.mark.parametrize("end", ["low", "high"])
def test_the_ends_of_every_range_can_be_drawn(end):
    ends = {name: getattr(spec, end) for name, spec in streets.StreetFactors.factors().items()}
    out = draw(factors(1).replace(**ends))
    for field in dataclasses.fields(out):
        assert bool(torch.isfinite(getattr(out, field.name)).all()), field.name


def test_the_two_worlds_differ():
    a, b = (draw(factors(12, seed=5, world=world)) for world in "AB")
    blue = [(p.first[:, 2] - p.first[:, 0])[p.depth_first[:, 0] == 0].mean() for p in (a, b)]
    assert blue[0] > blue[1] + 0.1
    heights = [factors(12, seed=5, world=world).house_height for world in "AB"]
    assert heights[0].mean() > heights[1].max()
    with pytest.raises(Exception, match="world"):
        factors(1, world="C")


def test_same_generator_same_pair_and_a_pair_alone_equals_its_row():
    values = factors(5, seed=8)  # four in one piece, and one
    first, again = draw(values), draw(factors(5, seed=8))
    assert first.first.equal(again.first)
    for row in (2, 4):
        alone = draw(values[row])
        for field in dataclasses.fields(alone):
            assert getattr(alone, field.name)[0].equal(getattr(first, field.name)[row]), field.name


def test_a_drive_stays_on_the_road_and_begins_like_the_pair():
    values = factors(1, seed=9)
    out = streets.drive(values, 24, size=SMALL, compiled=False)
    assert len(out) == 24
    assert out.images.shape == (24, 3, *SMALL)
    pair = draw(values)
    torch.testing.assert_close(out.images[0], pair.first[0])
    torch.testing.assert_close(out.depth[0], pair.depth_first[0])
    places = invert(out.camera_from_world)[:, :3, 3]
    steps = (places[1:] - places[:-1]).norm(dim=1)
    torch.testing.assert_close(steps, values.speed.expand(23), atol=1e-3, rtol=0)
    assert float(places[:, 0].abs().max()) < float(values.road_width) / 2
    assert bool((places[1:, 2] < places[:-1, 2]).all())


def test_wrong_sizes_are_named():
    with pytest.raises(ValueError, match="size"):
        draw(factors(1), size=8)
    with pytest.raises(ValueError, match="2 streets"):
        streets.drive(factors(2), 3, compiled=False)


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="no C++ compiler, or COURSE_COMPILE=0")
def test_compiled_and_eager_agree():
    values = factors(4, seed=10, moving_cars=True)  # one piece
    fast, plain = streets.render(values, size=SMALL, compiled=True), draw(values)
    for name in ("first", "second", "depth_first", "flow", "visible"):
        gap = (getattr(fast, name).float() - getattr(plain, name).float()).abs()
        assert float((gap > 1e-3).float().mean()) <= 2e-4, name
    alone = streets.render(values[1], size=SMALL, compiled=True)
    assert alone.first[0].equal(fast.first[1])
    assert alone.flow[0].equal(fast.flow[1])
