"""Tiles and pieces of work: nothing is lost, nothing is tried for nothing."""

import torch

from course_lib.worlds import hands, tiles
from course_lib.worlds.hands.parts import hand_parts
from course_lib.worlds.hands.render import draw_parts, pixel_rays
from course_lib.worlds.raycast import cast_cones


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_tiles_of_rows_and_columns_make_the_picture():
    height, width = 13, 37
    x, y = torch.rand(3, width, generator=generator()), torch.rand(3, height, generator=generator(1))
    columns, rows = tiles.cut(x, tiles.WIDTH), tiles.cut(y, tiles.HEIGHT)
    values = rows[:, :, None, :, None] + columns[:, None, :, None]
    joined = tiles.join(values.flatten(3).flatten(1, 2), height, width)
    assert joined.equal(y[:, :, None] + x[:, None])


def test_pieces_hold_each_entry_once_and_smallest_puts_them_together():
    touched = torch.rand(50, 23, generator=generator()) < 0.3
    touched[7], touched[20:23] = True, False
    row, entries = tiles.pieces_of_work(touched, 4)
    found = torch.zeros(50, 24, dtype=torch.int64)
    found.index_put_((row[:, None].expand_as(entries), entries), torch.ones_like(entries), accumulate=True)
    assert found[:, :23].equal(touched.long())
    assert ((entries < 23).sum(1) > 0).all()
    values = torch.rand(50, 24, generator=generator(1))
    values[:, 23] = 9.0
    least = tiles.smallest(row, values[row[:, None], entries].amin(1, keepdim=True), 50, 9.0)
    assert least[:, 0].equal(torch.where(touched, values[:, :23], 9.0).amin(1))


def test_no_ray_meets_a_cone_outside_the_tiles_tried_for_it():
    """Hands in tiles against all rays on all cones; moved nearer, some of them reach behind the camera."""
    factors = hands.sample_factors(3, generator=generator())
    out = hands.render(factors, size=(40, 56), compiled=False)
    for near in (1.0, 0.2):
        points = out.landmarks - (1 - near) * out.landmarks[..., 2:].mean() * torch.tensor([0.0, 0.0, 1.0])
        parts = hand_parts(points, factors.scale * factors.thickness)
        picture = draw_parts(parts, points, out.intrinsics, (40, 56), compiled=False)
        x, y = pixel_rays(out.intrinsics, 40, 56)
        for i in range(3):
            rays = torch.stack([x[i].repeat(40), y[i].repeat_interleave(56)], -1)
            hits = cast_cones(rays, *(t[i : i + 1] for t in parts.unpacked()), compiled=False)
            wanted = torch.where(hits.hit, 1000 * hits.depth, 0.0).reshape(40, 56)
            torch.testing.assert_close(picture.depth_mm[i, 0], wanted, rtol=1e-5, atol=0)
