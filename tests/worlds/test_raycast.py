"""Ray intersections against independent closed forms and brute force, in double and single precision."""

import math

import pytest
import torch

from course_lib.worlds import raycast
from course_lib.worlds.kernel import can_compile
from course_lib.worlds.raycast import (
    MISS,
    capsule_depth,
    cast_cones,
    cone_depth,
    cone_normal,
    cone_normals,
    ellipsoid_depth,
    ellipsoid_normal,
    nearest,
    nearest_packed,
    sphere_depth,
)

needs_compiler = pytest.mark.skipif(not can_compile(), reason="needs a C++ compiler, and COURSE_COMPILE not 0")


def scene(n=300, k=24, distance=0.6, seed=0, dtype=torch.float64):
    """Rays (n,) in a cone of about 20 degrees, and k tapered capsules of a few centimetres where they look."""
    gen = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.rand(*shape, generator=gen, dtype=torch.float64)

    rays = (draw(n, 2) - 0.5) * 0.35
    a = (draw(k, 3) - 0.5) * 0.2 + torch.tensor([0, 0, distance], dtype=torch.float64)
    b = a + (draw(k, 3) - 0.5) * 0.12
    radius = 0.005 + 0.02 * draw(2, k)
    return tuple(t.to(dtype) for t in (rays, a, b, radius[0], radius[1]))


def columns(points):
    return tuple(points.unbind(-1))


def ball_by_quadratic(ray, center, radius):
    """Smaller root of |t d - c|^2 = r^2, by the schoolbook formula in double precision; NaN where there is none."""
    direction = torch.cat([ray, torch.ones_like(ray[..., :1])], -1)
    a = direction.square().sum(-1)
    half_b = (direction * center).sum(-1)
    c = center.square().sum(-1) - radius.square()
    return (half_b - (half_b.square() - a * c).sqrt()) / a


def hull_by_balls(rays, a, b, ra, rb, steps=4001):
    """Depth of a tapered capsule as the nearest of thousands of balls strung along its axis; inf for a miss."""
    t = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    centers, radii = a + t * (b - a), ra + t[:, 0] * (rb - ra)
    return ball_by_quadratic(rays[:, None], centers, radii).nan_to_num(math.inf).amin(1)


def test_spheres_agree_with_the_quadratic():
    rays, a, _, radius, _ = scene()
    found = sphere_depth(columns(rays[:, None]), columns(a), radius)
    wanted = ball_by_quadratic(rays[:, None], a, radius)
    torch.testing.assert_close(found[found < MISS], wanted[~wanted.isnan()], rtol=0, atol=1e-12)
    assert (found < MISS).equal(~wanted.isnan())
    assert 0.01 < (found < MISS).double().mean() < 0.5  # some hit, some do not


def test_a_ray_through_a_sphere_s_centre_meets_it_one_radius_before():
    center = torch.tensor([0.1, -0.2, 2.0], dtype=torch.float64)
    depth = sphere_depth(columns(center[:2] / 2), columns(center), torch.tensor(0.5, dtype=torch.float64))
    distance = float(center.norm())
    assert float(depth) == pytest.approx(2 * (distance - 0.5) / distance, abs=1e-14)


@pytest.mark.parametrize("tapered", [False, True])
def test_capsules_agree_with_a_string_of_balls(tapered):
    rays, a, b, ra, rb = scene(k=12)
    rb = rb if tapered else ra
    ray = columns(rays[:, None])
    depths = [cone_depth(ray, columns(a), columns(b), ra, rb)]
    if not tapered:
        depths.append(capsule_depth(ray, columns(a), columns(b), ra))
    for found in depths:
        for part in range(len(a)):
            wanted = hull_by_balls(rays, a[part], b[part], ra[part], rb[part])
            # The string lies inside the hull: it is never nearer, and misses no more than a hair at the outline.
            assert (found[:, part] <= wanted + 1e-9).all()
            both = wanted < MISS
            error = (found[both, part] - wanted[both]).abs()
            assert error.max() < 1e-3
            assert error.median() < 1e-7
            assert ((found[:, part] < MISS) & ~both).double().mean() < 0.01
            assert both.any()


def test_rays_along_the_axis_and_across_it():
    one = torch.tensor(1.0, dtype=torch.float64)
    ray = columns(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 0.9]], dtype=torch.float64))
    along = columns(torch.tensor([0.0, 0.0, 4.0], dtype=torch.float64))
    far = columns(torch.tensor([0.0, 0.0, 8.0], dtype=torch.float64))
    for a, b in ((along, far), (far, along)):
        assert float(capsule_depth(ray, a, b, one)[0]) == pytest.approx(3)
        assert float(cone_depth(ray, a, b, one, one)[0]) == pytest.approx(3)
    left, right = (tuple(torch.tensor(v, dtype=torch.float64) for v in (x, 0.0, 4.0)) for x in (-9.0, 9.0))
    assert capsule_depth(ray, left, right, one)[:2].tolist() == pytest.approx([3, 3])  # a tube across the view
    assert float(capsule_depth(ray, left, right, one)[2]) == MISS


@pytest.mark.parametrize(("ra", "rb"), [(0.5, 0.1), (0.1, 0.5), (0.3, 0.3)])
def test_a_ball_inside_the_other_and_a_capsule_of_no_length_are_balls(ra, rb):
    rays, a, _, _, _ = scene(k=1)
    a = a + torch.tensor([0, 0, 1.0], dtype=torch.float64)
    b = a if ra == rb else a + 0.01
    ra, rb = (torch.tensor(r, dtype=torch.float64) for r in (ra, rb))
    ray = columns(rays[:, None])
    big = (columns(a), ra) if ra >= rb else (columns(b), rb)
    torch.testing.assert_close(cone_depth(ray, columns(a), columns(b), ra, rb), sphere_depth(ray, *big))
    if ra == rb:
        torch.testing.assert_close(capsule_depth(ray, columns(a), columns(b), ra), sphere_depth(ray, *big))


@pytest.mark.parametrize("distance", [0.6, 6.0])
@pytest.mark.parametrize("name", ["sphere", "capsule", "cone"])
def test_single_precision_keeps_a_tenth_of_a_millimetre_inside_the_outline(name, distance):
    rays, a, b, ra, rb = scene(n=2000, distance=distance)
    rays = rays * 0.6 / distance
    depths = {}
    for dtype in (torch.float64, torch.float32):
        parts = [t.to(torch.float32).to(dtype) for t in (rays[:, None], a, b, ra, rb)]
        ray, ends = columns(parts[0]), [columns(p) for p in parts[1:3]]
        match name:
            case "sphere":
                depth = sphere_depth(ray, ends[0], parts[3])
            case "capsule":
                depth = capsule_depth(ray, *ends, parts[3])
            case _:
                depth = cone_depth(ray, *ends, *parts[3:])
        depths[dtype] = depth.double()
    difference = (depths[torch.float32] - depths[torch.float64]).abs()
    hit = (depths[torch.float64] < MISS) & (depths[torch.float32] < MISS)
    assert difference[hit].median() < 1e-6
    assert (difference > 1e-4).double().mean() < 2e-3  # only where the ray grazes


def test_normals_are_the_gradient_of_the_distance_to_the_surface():
    rays, a, b, ra, rb = scene(n=1500)
    depth = cone_depth(columns(rays[:, None]), columns(a), columns(b), ra, rb)
    row, part = (depth < MISS).nonzero().unbind(-1)
    point = depth[row, part, None] * torch.cat([rays[row], torch.ones(len(row), 1, dtype=torch.float64)], -1)
    normal = torch.stack(cone_normal(columns(point), columns(a[part]), columns(b[part]), ra[part], rb[part]), -1)
    torch.testing.assert_close(normal.norm(dim=-1), torch.ones(len(row), dtype=torch.float64))
    # Distance to the hull of two balls: the least over the balls strung between them.
    t = torch.linspace(0, 1, 3001, dtype=torch.float64)[:, None, None]

    def distance(p):
        centers = a[part] + t * (b - a)[part]
        return ((p - centers).norm(dim=-1) - ra[part] - t[..., 0] * (rb - ra)[part]).amin(0)

    assert distance(point).abs().max() < 1e-6
    step = 1e-4
    away = distance(point + step * normal)
    torch.testing.assert_close(away, torch.full_like(away, step), rtol=0.01, atol=0)
    assert ((normal * point).sum(-1) < 1e-9).all()  # a surface that is seen faces the camera


def rotation(seed=3):
    gen = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(3, 3, generator=gen, dtype=torch.float64))[0]


def test_ellipsoids_are_stretched_spheres():
    rays, a, _, _, _ = scene(k=6)
    axes = torch.tensor([0.02, 0.03, 0.05], dtype=torch.float64)
    matrix = rotation() / axes[:, None]
    rows = [columns(row) for row in matrix]
    depth = ellipsoid_depth(columns(rays[:, None]), columns(a), rows)
    hit = depth < MISS
    assert hit.any(1).double().mean() > 0.1
    ray, part = hit.nonzero().unbind(-1)
    direction = torch.cat([rays[ray], torch.ones(len(ray), 1, dtype=torch.float64)], -1)
    point = depth[hit][:, None] * direction
    local = (point - a[part]) @ matrix.T
    torch.testing.assert_close(local.norm(dim=-1), torch.ones(len(ray), dtype=torch.float64))
    normal = torch.stack(ellipsoid_normal(columns(point), columns(a[part]), rows), -1)
    torch.testing.assert_close(normal, torch.nn.functional.normalize(local @ matrix, dim=-1))
    assert ((normal * direction).sum(-1) <= 1e-9).all()  # the near side
    # A ray hits exactly where its line passes the stretched centre within one unit.
    d = torch.cat([rays, torch.ones(len(rays), 1, dtype=torch.float64)], -1) @ matrix.T
    c = a @ matrix.T
    gap = torch.linalg.cross(d[:, None].expand(-1, 6, -1), c[None].expand(len(d), -1, -1)).norm(dim=-1)
    assert (gap / d.norm(dim=-1, keepdim=True) < 1).equal(hit)


def test_round_ellipsoids_are_spheres():
    rays, a, _, _, _ = scene(k=3)
    rows = [columns(row) for row in rotation() / 0.04]
    radius = torch.tensor(0.04, dtype=torch.float64)
    ray = columns(rays[:, None])
    torch.testing.assert_close(ellipsoid_depth(ray, columns(a), rows), sphere_depth(ray, columns(a), radius))


def test_the_nearest_part_is_the_first_met_and_parts_behind_the_camera_are_not_seen():
    depth = torch.tensor([[2.0, MISS, -1.0], [1.0, MISS, 3.0], [1.5, MISS, 3.0]])
    found, index = nearest(depth)
    assert found.tolist() == [1.0, MISS, 3.0]
    assert index.tolist()[0] == 1
    assert index.tolist()[2] == 1


def batch(n=256, k=9, b=3):
    scenes = [scene(n, k, seed=seed, dtype=torch.float32) for seed in range(b)]
    return scenes[0][0], *(torch.stack([one[i] for one in scenes]) for i in range(1, 5))


def test_a_scene_gives_depth_index_and_normal_of_the_first_part():
    rays, a, b, ra, rb = batch()
    hits = cast_cones(rays, a, b, ra, rb, compiled=False)
    each = cone_depth(columns(rays[:, None]), *(columns(t[1]) for t in (a, b)), ra[1], rb[1])
    torch.testing.assert_close(hits.depth[1], each.amin(1))
    assert hits.index[1][hits.hit[1]].equal(each.argmin(1)[hits.hit[1]])
    assert hits.hit.equal(hits.depth < MISS)
    assert hits.hit.any(1).all()
    points = hits.depth[..., None] * torch.cat([rays, torch.ones(len(rays), 1)], -1)
    normals = cone_normals(points, hits.index, a, b, ra, rb)
    torch.testing.assert_close(normals.norm(dim=-1), hits.hit.float())
    assert cast_cones(rays, a, b, ra, compiled=False).depth.equal(cast_cones(rays, a, b, ra, ra, compiled=False).depth)


@needs_compiler
@pytest.mark.slow
def test_compiled_and_eager_scenes_agree_and_a_picture_alone_is_the_same():
    rays, a, b, ra, rb = batch(n=4096, k=20, b=4)
    fast, plain = (cast_cones(rays, a, b, ra, rb, compiled=compiled) for compiled in (True, False))
    assert ((fast.depth - plain.depth).abs() > 1e-3).double().mean() <= 2e-4
    alone = cast_cones(rays, a[2:3], b[2:3], ra[2:3], rb[2:3], compiled=True)
    assert alone.depth.equal(fast.depth[2:3])
    assert alone.index.equal(fast.index[2:3])
    assert len(raycast._cast.shapes) >= 1


def test_packing_the_index_into_the_depth_costs_less_than_five_micrometres():
    gen = torch.Generator().manual_seed(0)
    depth = 0.3 + 0.3 * torch.rand(26, 5000, generator=gen)
    depth[3] = MISS
    depth[4] = -1.0
    exact, packed = nearest(depth), nearest_packed(depth)
    assert packed[1].equal(depth.argsort(0)[1].int())  # the first in order is the one behind the camera
    assert packed[1].equal(exact[1].int())
    assert ((exact[0] - packed[0]) >= 0).all()
    assert (exact[0] - packed[0]).max() < 5e-6
    assert (nearest_packed(depth.T, 1)[0]).equal(packed[0])
    assert nearest_packed(torch.full((2, 1), MISS))[0] > 0.99 * MISS
