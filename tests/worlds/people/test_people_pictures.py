"""Pictures of people: the same each time, true to their joints and labels, changed by every factor."""

import dataclasses
import os
from pathlib import Path

import pytest
import torch

from course_lib.geometry import H36M_17, convert, look_at, project, transform_points
from course_lib.worlds import people
from course_lib.worlds.kernel import can_compile
from course_lib.worlds.people.body import outline

FIELDS = tuple(field.name for field in dataclasses.fields(people.PeopleImages))
TOLERANCE, ALLOWED = 1e-3, 2e-4  # of the pixels may differ by more between eager and compiled code


def draw(n=8, seed=0, **options):
    return people.sample_factors(n, generator=torch.Generator().manual_seed(seed), **options)


def render(factors, **options):
    return people.render(factors, **{"size": 64, "compiled": False, **options})


@pytest.fixture(scope="module")
def wild():
    factors = draw(12, seed=5, domain="wild")
    return factors, render(factors)


def test_same_factors_same_bytes(wild):
    factors, first = wild
    again = render(factors)
    for name in FIELDS:
        assert torch.equal(getattr(first, name), getattr(again, name)), name


def test_a_batch_of_one_is_a_row_of_the_batch(wild):
    factors, batch = wild
    for row in (0, 5, 11):
        alone = render(factors[row])
        for name in FIELDS:
            assert torch.equal(getattr(alone, name)[0], getattr(batch, name)[row]), name


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="needs a C++ compiler, and COURSE_COMPILE not 0")
def test_eager_and_compiled_code_agree():
    factors = draw(16, seed=6, domain="wild")
    eager, compiled = render(factors), render(factors, compiled=True)
    for name in ("images", "mask", "depth"):
        apart = (getattr(eager, name) - getattr(compiled, name)).abs().amax(1) > TOLERANCE
        assert apart.float().mean() <= ALLOWED, name
    for name in ("parts", "materials", "visible"):
        assert (getattr(eager, name) != getattr(compiled, name)).float().mean() <= ALLOWED, name
    alone = render(factors[7], compiled=True)
    for name in FIELDS:
        assert torch.equal(getattr(alone, name)[0], getattr(compiled, name)[7]), name


@pytest.mark.parametrize("size", [48, (64, 32), (128, 64)])
def test_any_shape_of_picture(size):
    out = render(draw(2), size=size)
    height, width = (size, size) if isinstance(size, int) else size
    assert out.images.shape == (2, 3, height, width)
    for name in ("mask", "parts", "materials", "depth"):
        assert getattr(out, name).shape == (2, 1, height, width)
    assert 0 <= out.images.min() < out.images.max() <= 1
    assert 0.04 < out.mask.mean() < 0.6


@pytest.mark.parametrize("domain", ["studio", "wild"])
@pytest.mark.parametrize("size", [(64, 64), (64, 32)])
def test_people_stay_in_the_picture(domain, size):
    height, width = size
    factors = draw(200, seed=7, domain=domain)
    joints = people.people_joints(factors)
    camera = people.place_camera(factors, joints, height, width)
    pixels = project(transform_points(camera.from_world, outline(joints)), camera.intrinsics)
    low, high = pixels.amin(1), pixels.amax(1)
    assert (low > -0.5).all()
    assert (high < torch.tensor([width - 0.5, height - 0.5])).all()
    depth = transform_points(camera.from_world, joints)[:, 0, 2]
    assert 3.4 < depth.min() < depth.max() < 7
    tall = (high - low).amax(1)
    assert tall.median() > 0.6 * height


def test_joints_project_to_their_pixels_and_lie_in_the_body(wild):
    _, out = wild
    torch.testing.assert_close(project(out.joints_3d, out.intrinsics), out.joints_2d)
    column, row = out.joints_2d.round().long().unbind(-1)
    rows = torch.arange(len(out.images))[:, None]
    covered = out.mask[rows, 0, row.clamp(0, 63), column.clamp(0, 63)]
    assert (covered[out.visible] > 0).float().mean() > 0.97


def test_the_part_at_a_visible_joint_is_one_that_holds_it():
    out = render(draw(24, seed=8))
    column, row = out.joints_2d.round().long().unbind(-1)
    rows = torch.arange(24)[:, None]
    seen = out.parts[rows, 0, row.clamp(0, 63), column.clamp(0, 63)]
    allowed = {"knee": ("thigh", "shin"), "ankle": ("shin", "foot"), "elbow": ("upper_arm", "forearm")}
    right = []
    for name, parts in allowed.items():
        for side in ("right_", "left_"):
            joint = H36M_17.index(side + name)
            wanted = torch.tensor([people.PARTS.index(side + part) for part in parts])
            here = out.visible[:, joint] & (seen[:, joint] != people.PARTS.index("torso"))  # a skirt may lie before it
            right.append((seen[here, joint, None] == wanted).any(1))
    assert torch.cat(right).float().mean() > 0.9


def test_labels_depth_and_mask_agree(wild):
    _, out = wild
    person = out.parts > 0
    assert torch.equal(person, out.depth > 0)
    assert torch.equal(person, (out.materials > 0) & (out.materials != people.MATERIALS.index("seat")))
    assert (out.mask[person] > 0).float().mean() > 0.99
    assert (out.mask[~person] < 1).float().mean() > 0.99
    distance = out.joints_3d[..., 2]
    for row in range(len(out.images)):
        depth = out.depth[row][person[row]]
        assert distance[row].min() - 0.35 < depth.min() <= depth.max() < distance[row].max() + 0.35


def test_depth_lies_before_the_joints(wild):
    """The surface at a visible joint's pixel is nearer than the joint, by no more than the body is thick."""
    _, out = wild
    column, row = out.joints_2d.round().long().unbind(-1)
    surface = out.depth[torch.arange(len(out.images))[:, None], 0, row.clamp(0, 63), column.clamp(0, 63)]
    ahead = (out.joints_3d[..., 2] - surface)[out.visible & (surface > 0)]
    assert ahead.median() > 0.02
    assert ahead.max() < 0.25


def test_every_factor_changes_the_picture():
    """On the picture where it matters: seats for who sits, wall and floor in the wild."""
    base = draw(1, seed=9, domain="wild").replace(
        activity=people.ACTIVITIES.index("sitting"), scene=2, heading=0.4, top_pattern=1, hair_style=3, bottom_kind=1,
        sleeve=0.5, leg=0.5, hem=0.5, pitch=0.1, zoom=0.95, light_strength=0.6, looseness=0.4, build=0.0,
    )  # fmt: skip
    stands = base.replace(activity=people.ACTIVITIES.index("walking"))
    changed = {}
    for name, spec in people.PeopleFactors.factors().items():
        old, step = getattr(base, name), 0.3 * (spec.high - spec.low)
        far = torch.where(old > (spec.low + spec.high) / 2, old - step, old + step)
        start = stands if name == "hem" else base  # a long shirt rests on the lap of who sits
        changed[name] = start.replace(**{name: (old + 1) % (int(spec.high) + 1) if spec.choice else far})
    sitting, standing, *images = render(people.PeopleFactors.cat([base, stands, *changed.values()]), size=48).images
    for name, image in zip(changed, images, strict=True):
        assert (image - (standing if name == "hem" else sitting)).abs().max() > 0.02, name


def test_the_ends_of_every_range_can_be_drawn():
    base = draw(1, seed=10, domain="wild")
    rows = [
        base.replace(**{name: end})
        for name, spec in people.PeopleFactors.factors().items()
        for end in (spec.low, spec.high)
    ]
    out = render(people.PeopleFactors.cat(rows), size=16)
    for name in FIELDS:
        assert getattr(out, name).isfinite().all(), name
    for end in ("low", "high"):
        extreme = base.replace(**{name: getattr(spec, end) for name, spec in people.PeopleFactors.factors().items()})
        assert render(extreme, size=16).images.isfinite().all()


def test_a_swap_changes_what_it_should():
    a, b = draw(6, seed=11), draw(6, seed=12)
    own, other = render(b), render(people.combine(pose=b, appearance=a))
    assert torch.equal(own.joints_2d, other.joints_2d)
    assert torch.equal(own.intrinsics, other.intrinsics)
    walls = render(people.combine(pose=b, appearance=b, background=draw(6, seed=13, domain="wild")))
    inside = (own.mask == 1) & (own.materials != people.MATERIALS.index("seat"))
    assert torch.equal(own.mask, walls.mask)
    assert (own.images - walls.images).abs()[inside.expand(-1, 3, -1, -1)].max() < 1e-6  # the person stays
    assert (own.images - walls.images).abs()[(own.mask == 0).expand(-1, 3, -1, -1)].mean() > 0.05
    lit = render(people.combine(pose=b, appearance=a, light=b))
    outside = ((own.mask == 0) & (lit.mask == 0)).expand(-1, 3, -1, -1)
    assert (own.images - lit.images).abs()[outside].mean() < 0.01  # the wall stays, but for the shadow
    skin = people.MATERIALS.index("top")
    for row in range(6):
        shirt = (other.materials[row] == skin) & (other.mask[row] == 1)
        colour = other.images[row][shirt.expand(3, -1, -1)].reshape(3, -1).median(1).values
        palette = torch.stack([a.top_colour[row], a.top_accent[row]])
        # Light changes the brightness; the hue is that of the clothes of A.
        direction = torch.nn.functional.cosine_similarity(palette, colour[None])
        assert direction.max() > 0.97


def test_cutting_off_hides_joints():
    near = render(draw(8, seed=14, cut_off=1.0), size=32)
    whole = render(draw(8, seed=14), size=32)
    assert near.visible.float().mean() < whole.visible.float().mean() - 0.1


def test_given_joints_are_drawn_as_the_renderer_draws_its_own():
    factors = draw(4, seed=15, activities=("walking", "crouching"))
    own = render(factors)
    again = people.render_joints(
        people.people_joints(factors),
        factors,
        camera_from_world=own.camera_from_world,
        intrinsics=own.intrinsics,
        floor=0.0,
        size=64,
        compiled=False,
    )
    for name in FIELDS:
        torch.testing.assert_close(getattr(again, name), getattr(own, name), msg=name)


def test_camera_frame_and_world_frame_give_one_picture():
    factors = draw(3, seed=16, activities=("walking",))
    joints = people.people_joints(factors)
    level = look_at(torch.tensor([[0.3, 1.0, 5.0]] * 3), torch.tensor([[0.0, 1.0, 0.0]] * 3))
    world = people.render_joints(joints, factors, camera_from_world=level, size=48, compiled=False)
    camera = people.render_joints(transform_points(level, joints), factors, size=48, compiled=False)
    torch.testing.assert_close(camera.joints_2d, world.joints_2d, rtol=0, atol=1e-3)
    torch.testing.assert_close(camera.joints_3d, world.joints_3d)
    assert (camera.parts != world.parts).float().mean() < 0.02  # the world of the first turns with its camera


def test_a_camera_that_films_a_walk_sees_one_floor():
    factors = draw(1, seed=17, activities=("walking",)).repeat(4)
    joints = people.people_joints(factors) + torch.tensor([0.0, 0.0, 0.4]) * torch.arange(4.0)[:, None, None]
    view = look_at(torch.tensor([4.0, 1.5, 1.0]), torch.tensor([0.0, 1.0, 0.6]))
    k = torch.tensor([[90.0, 0, 31.5], [0, 90.0, 31.5], [0, 0, 1]])
    out = people.render_joints(joints, factors[0], camera_from_world=view, intrinsics=k, size=64, compiled=False)
    empty = (out.mask == 0).all(0).expand(3, -1, -1)
    far = empty.clone()
    far[:, 20:] = False  # above the ground: no shadows
    spread = (out.images.amax(0) - out.images.amin(0))[far]
    assert spread.numel() > 500
    assert spread.max() < 1e-4
    assert (out.joints_2d[0, 0] - out.joints_2d[3, 0]).norm() > 10  # while the person walks through


def test_who_is_out_of_the_picture_is_not_drawn():
    joints = people.people_joints(draw(2))
    view = look_at(torch.tensor([0.0, 1.0, 5.0]), torch.tensor([0.0, 1.0, 0.0]))
    k = torch.tensor([[60.0, 0, 900.0], [0, 60.0, 31.5], [0, 0, 1]])
    out = people.render_joints(joints, draw(2), camera_from_world=view, intrinsics=k, size=64, compiled=False)
    assert not out.mask.any()
    assert not out.visible.any()
    assert out.images.isfinite().all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: render(draw(1), size=0), "`size`"),
        (lambda: render(draw(1), samples=0), "`samples`"),
        (lambda: people.render_joints(torch.zeros(2, 17, 3), draw(2)), "`joints`"),
        (lambda: people.render_joints(torch.full((2, 17, 3), float("nan")), draw(2)), "`joints`"),
        (lambda: people.render_joints(torch.ones(2, 17, 3), draw(3)), "`appearance`"),
        (lambda: render(draw(1)[:0]), "`factors`"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def real(name):
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root) / name).exists():
        pytest.skip(f"needs COURSE_DATA with {name}")
    return Path(root) / name


def test_real_poses_of_human36m_are_drawn_where_their_joints_are():
    from course_lib.datasets.c2f import load_c2f

    poses = load_c2f(real("h36m"))
    joints = convert(poses.joints[::80], poses.skeleton, H36M_17)
    out = people.render_joints(joints, draw(len(joints), seed=18), size=64, compiled=False)
    torch.testing.assert_close(out.joints_3d, joints, rtol=0, atol=1e-4)
    column, row = out.joints_2d.round().long().unbind(-1)
    covered = out.mask[torch.arange(len(joints))[:, None], 0, row.clamp(0, 63), column.clamp(0, 63)]
    assert (covered > 0).float().mean() > 0.95
