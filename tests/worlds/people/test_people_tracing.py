"""Rays and pieces: against the intersections of `worlds.raycast`, in single and double precision."""

import math

import pytest
import torch

from course_lib.geometry import make_transform, project, random_rotations
from course_lib.worlds import raycast
from course_lib.worlds.people import picture, tracing
from course_lib.worlds.people.body import across, unit
from course_lib.worlds.people.camera import Camera
from course_lib.worlds.people.pieces import FULL, Pieces
from course_lib.worlds.people.tables import shapes_table

LEVEL = torch.diag(torch.tensor([1.0, -1.0, -1.0]))


def camera(focal=400.0, distance=5.0, size=64, dtype=torch.float64):
    """One level camera that looks at the origin of the world."""
    transform = make_transform(LEVEL, torch.tensor([0.0, 0.0, distance])).to(dtype)[None]
    middle = (size - 1) / 2
    k = torch.tensor([[focal, 0, middle], [0, focal, middle], [0, 0, 1]], dtype=dtype)[None]
    return Camera(k, transform)


def pieces(start, end, radii, squash=None, lateral=None, keep=None):
    """Pieces of one body, `(1, k, ...)`, from centres `(k, 3)` and radii `(k, 2)`."""
    span = (end - start).norm(dim=-1, keepdim=True)
    axis = (end - start) / span
    count, like = len(start), {"dtype": start.dtype}
    lateral = torch.ones(count, 3, **like) if lateral is None else lateral
    squash = torch.ones(count, 2, **like) if squash is None else squash
    keep = torch.tensor([-FULL, FULL], **like).expand(count, 2) if keep is None else keep
    columns = (start, axis, unit(across(lateral, axis)), span[:, 0], radii, squash, keep)
    return Pieces(*(column[None] for column in columns), (1,) * count, (1,) * count, ("piece",) * count)


def depths(found, view, u, v):
    """Depth of each piece along each ray, `(k, n)`; infinite for a miss."""
    anchor = view.from_world[:, :3, 3]
    shapes = shapes_table(found, view, anchor)[..., None]
    k = view.intrinsics[0]
    x, y = (u - k[0, 2]) / k[0, 0], (v - k[1, 2]) / k[1, 1]
    z0 = anchor[0, 2]
    ex, ey = z0 * (x - anchor[0, 0] / z0), z0 * (y - anchor[0, 1] / z0)
    s = tracing.intersect(x, y, ex, ey, shapes)[0]
    return torch.where(s < tracing.MISS, s + z0, math.inf), (x, y)


def scene(k=40, n=3000, seed=0):
    """Tapered capsules of the size of limbs in all directions, and rays around them."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(*shape, generator=generator, dtype=torch.float64)

    start = draw(k, 3) - 0.5
    along = unit(draw(k, 3) - 0.5)
    along[:6] = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64) * torch.tensor([1, 1, 1, -1, -1, -1])[:, None]
    span = 0.05 + 0.35 * draw(k, 1)
    radii = 0.02 + 0.1 * draw(k, 2)
    radii[:, 1] = radii[:, 1].clamp(radii[:, 0] - 0.95 * span[:, 0], radii[:, 0] + 0.95 * span[:, 0])
    return start, start + span * along, radii, draw(n) * 64, draw(n) * 64


def test_round_pieces_agree_with_tapered_capsules():
    start, end, radii, u, v = scene()
    view = camera()
    found, (x, y) = depths(pieces(start, end, radii), view, u, v)
    in_camera = [p @ LEVEL.double() + view.from_world[0, :3, 3] for p in (start, end)]
    columns = [tuple(c[:, None] for c in p.unbind(-1)) for p in in_camera]
    wanted = raycast.cone_depth((x, y), *columns, radii[:, :1], radii[:, 1:])
    wanted = torch.where(wanted < raycast.MISS, wanted, math.inf)
    assert (found.isinf() == wanted.isinf()).double().mean() > 0.9999  # rays that graze a piece may differ
    both = found.isfinite() & wanted.isfinite()
    assert both.sum() > 1000
    torch.testing.assert_close(found[both], wanted[both], rtol=0, atol=1e-9)


def test_stretched_balls_agree_with_ellipsoids():
    generator = torch.Generator().manual_seed(1)
    count = 30
    rotation = random_rotations(count, generator=generator, dtype=torch.float64)
    center = torch.rand(count, 3, generator=generator, dtype=torch.float64) - 0.5
    squash = 0.5 + torch.rand(count, 2, generator=generator, dtype=torch.float64)
    radius, tiny = 0.12, 1e-5
    axis, lateral = rotation[:, :, 1], rotation[:, :, 0]
    radii = torch.full((count, 2), radius, dtype=torch.float64)
    balls = pieces(center, center + tiny * axis, radii, squash, lateral)
    view = camera()
    _, _, _, u, v = scene()
    found, (x, y) = depths(balls, view, u, v)
    third = torch.linalg.cross(lateral, axis)
    rows = [lateral / squash[:, :1], axis, third / squash[:, 1:]]
    rows = [tuple(c[:, None] for c in (row @ LEVEL.double() / radius).unbind(-1)) for row in rows]
    middle = (center + 0.5 * tiny * axis) @ LEVEL.double() + view.from_world[0, :3, 3]
    wanted = raycast.ellipsoid_depth((x, y), tuple(c[:, None] for c in middle.unbind(-1)), rows)
    wanted = torch.where(wanted < raycast.MISS, wanted, math.inf)
    both = found.isfinite() & wanted.isfinite()
    assert both.sum() > 1000
    assert (found.isinf() == wanted.isinf()).double().mean() > 0.999
    # A capsule of length 1e-5 is taken for a ball: that shifts the surface by about as much, more where rays graze.
    assert (found - wanted)[both].abs().quantile(0.99) < 1e-4


def test_single_precision_is_good_to_a_tenth_of_a_millimetre():
    start, end, radii, u, v = scene()
    exact, _ = depths(pieces(start, end, radii), camera(), u, v)
    single, _ = depths(
        pieces(start.float(), end.float(), radii.float()), camera(dtype=torch.float32), u.float(), v.float()
    )
    both = exact.isfinite() & single.isfinite()
    error = (single.double() - exact)[both].abs()
    assert error.median() < 1e-6
    assert error.quantile(0.999) < 1e-4
    assert (exact.isfinite() != single.isfinite()).double().mean() < 1e-4


def test_what_is_cut_off_is_not_met():
    start = torch.tensor([[0.0, 0.3, 0.0]], dtype=torch.float64)
    end = torch.tensor([[0.0, -0.3, 0.0]], dtype=torch.float64)
    radii = torch.full((1, 2), 0.1, dtype=torch.float64)
    keep = torch.tensor([[-FULL, 0.2]], dtype=torch.float64)
    view = camera(focal=300.0)
    v = torch.linspace(0, 63, 200, dtype=torch.float64)
    u = torch.full_like(v, 31.5)
    found, (_, y) = depths(pieces(start, end, radii, keep=keep), view, u, v)
    height = -(found * y)[0]  # in the world, of the points met
    met = found[0].isfinite()
    assert met.any()
    assert height[met].min() > 0.1 - 1e-9  # 0.2 below the first centre
    assert height[met].max() > 0.35
    absent = torch.tensor([[FULL, -FULL]], dtype=torch.float64)
    assert depths(pieces(start, end, radii, keep=absent), view, u, v)[0].isinf().all()


def test_a_joint_is_drawn_where_it_projects():
    """Centre of the pixels of a small ball against the projection of its centre: within half a pixel."""
    generator = torch.Generator().manual_seed(2)
    centers = torch.rand(40, 3, generator=generator) * 1.4 - 0.7
    radii = torch.full((40, 2), 0.06)
    view = camera(focal=170.0, dtype=torch.float32)
    grid = torch.arange(64.0)
    u, v = grid.repeat(64), grid.repeat_interleave(64)
    found, _ = depths(pieces(centers, centers + torch.tensor([0.0, 1e-4, 0.0]), radii), view, u, v)
    drawn = found.isfinite().float()
    assert (drawn.sum(1) > 4).all()
    middle = torch.stack([(drawn * u).sum(1), (drawn * v).sum(1)], -1) / drawn.sum(1, keepdim=True)
    wanted = project(centers @ LEVEL + view.from_world[0, :3, 3], view.intrinsics[0])
    assert (middle - wanted).norm(dim=-1).max() < 0.5


def test_no_pixel_that_meets_a_piece_is_left_out():
    """The boxes that choose the pixels to trace hold every pixel that a ray through any place of it would hit."""
    generator = torch.Generator().manual_seed(3)
    start, end, radii, *_ = scene(k=12, seed=4)
    squash = 0.5 + 2 * torch.rand(12, 2, generator=generator, dtype=torch.float64)
    view = camera(focal=60.0, distance=3.0)
    found = pieces(start, end, radii, squash)
    anchor = view.from_world[:, :3, 3]
    shapes = shapes_table(found, view, anchor)
    k = view.intrinsics
    table = torch.cat([1 / k[:, 0, 0, None], k[:, :2, 2], anchor[:, 2:], anchor[:, :2] / anchor[:, 2:]], -1)
    touched = picture._touched(table, shapes, (64, 64))[0].flatten()
    assert 0.05 < touched.float().mean() < 0.9
    grid = torch.arange(64, dtype=torch.float64)
    u, v = grid.repeat(64), grid.repeat_interleave(64)
    for du, dv in ((-0.5, -0.5), (0.5, -0.5), (0.0, 0.0), (-0.5, 0.5), (0.5, 0.5)):
        depth, _ = depths(found, view, u + du, v + dv)
        assert touched[depth.isfinite().any(0)].all()


@pytest.mark.parametrize("length", [7, 64, 5000])
def test_work_covers_each_touched_pixel_once(length):
    touched = torch.rand(3, 9, 11, generator=torch.Generator().manual_seed(0)) < 0.4
    touched[1] = False
    pictures, pixels = picture._work(touched, length)
    again = torch.zeros(3, 9 * 11 + 1, dtype=torch.int64)
    again.index_put_((pictures[:, None].expand_as(pixels), pixels), torch.ones_like(pixels), accumulate=True)
    assert torch.equal(again[:, :-1].reshape(touched.shape), touched.long())
