"""The crop of Crossing Nets: its geometry, both ranges of values, and its edge cases."""

import pytest
import torch

from course_lib.geometry.cameras import project
from course_lib.worlds import hands

CAMERA = torch.tensor([[120.0, 0, 80], [0, 121, 60], [0, 0, 1]])
K = torch.tensor([[588.0, 0, 320], [0, 588.0, 240], [0, 0, 1]])


def wall(depth, height=480, width=640):
    return torch.full((1, 1, height, width), float(depth))


def center(u=320.0, v=240.0, d=750.0):
    return torch.tensor([[u, v, d]])


def crop(depth, where, **options):
    return hands.crop_hands(depth, where, K[None], **options)


@pytest.mark.parametrize("d", [500.0, 750.0, 1100.0])
def test_the_crop_is_a_quarter_of_a_metre_wide_at_its_centre_s_depth(d):
    cut = crop(wall(d), center(d=d))
    assert cut.images.shape == (1, 1, 128, 128)
    # 1.953 mm a pixel, whatever the distance; rounding the bounds down costs up to one source pixel of the width.
    millimetres = d / cut.intrinsics[0, 0, 0]
    assert float(millimetres) == pytest.approx(250 / 128, abs=1.01 * d / 588 / 128)
    torch.testing.assert_close(cut.centers, torch.tensor([[0.0, 0, d / 1000]]))


def test_points_project_into_the_crop_where_its_pixels_show_them():
    depth = wall(0)
    depth[0, 0, 200:203, 340:343] = 700.0  # a square spot, its middle at u = 341, v = 201
    cut = crop(depth, center(330.0, 220.0, 700.0), normalise="fixed")
    spot = (cut.images[0, 0] < 1).nonzero().double().mean(0).flip(0)
    point = torch.tensor([[[(341 - 320) / 588 * 0.7, (201 - 240) / 588 * 0.7, 0.7]]])
    assert (project(point, cut.intrinsics)[0, 0] - spot).abs().max() < 1.0
    assert project(cut.centers[:, None], cut.intrinsics)[0, 0].tolist() == pytest.approx([63.5, 63.5], abs=1.0)


def test_fixed_values_run_from_the_front_face_to_the_back_face():
    depth = wall(0)
    for row, d in enumerate((500.0, 625.0, 750.0, 870.0, 880.0)):
        depth[0, 0, 200 + 10 * row : 210 + 10 * row] = d
    values = crop(depth, center(), normalise="fixed").images[0, 0, :, 64]
    assert sorted(set(values.tolist())) == pytest.approx([-1.0, 0.0, 2 * 245 / 250 - 1, 1.0])
    assert (values == -1).sum() > 1.5 * (values == 0).sum()  # nearer than the cube: moved to its front face


def test_frame_values_start_at_the_nearest_pixel_and_lose_the_farthest():
    depth = wall(0)
    depth[0, 0, 200:240, 300:340] = 700.0
    depth[0, 0, 240:280, 300:340] = 760.0
    depth[0, 0, 280:284, 300:340] = 800.0
    near, far = (crop(depth + (depth > 0) * shift, center()).images for shift in (0.0, 40.0))
    value = {d: (d - 625 + 10) / 250 for d in (700.0, 760.0, 800.0)}
    wanted = [-1.0, 2 * (value[760.0] - value[700.0]) / value[800.0] - 1, 1.0]
    assert sorted(set(near.flatten().tolist())) == pytest.approx(wanted)
    # The hand's distance from the centre of the cube is all but lost: both hands begin at -1.
    assert near.min() == far.min() == -1
    fixed = [crop(depth + (depth > 0) * shift, center(), normalise="fixed").images for shift in (0.0, 40.0)]
    assert float(fixed[1].min() - fixed[0].min()) == pytest.approx(2 * 40 / 250)


@pytest.mark.parametrize("normalise", ["frame", "fixed"])
def test_an_empty_crop_and_one_beyond_the_picture_are_background(normalise):
    assert (crop(wall(0), center(), normalise=normalise).images == 1).all()
    assert (crop(wall(2001), center(), normalise=normalise).images == 1).all()
    corner = crop(wall(750), center(0.0, 0.0), normalise=normalise).images[0, 0]
    assert (corner[:63] == 1).all()
    assert (corner[:, :63] == 1).all()
    if normalise == "fixed":
        assert (corner[66:, 66:] == 0).all()


def test_a_batch_is_its_rows():
    gen = torch.Generator().manual_seed(0)
    factors = hands.sample_factors(3, generator=gen)
    out = hands.render(factors, size=(120, 160), intrinsics=CAMERA, compiled=False)
    where = out.joints_uvd().mean(1)
    whole = hands.crop_hands(out.depth_mm, where, out.intrinsics, size=32)
    for row in range(3):
        one = slice(row, row + 1)
        alone = hands.crop_hands(out.depth_mm[one], where[one], out.intrinsics[one], size=32)
        assert alone.images.equal(whole.images[one])
        assert alone.intrinsics.equal(whole.intrinsics[one])
    assert (whole.images < 1).flatten(1).any(1).all()
    assert whole.images.amin((1, 2, 3)).tolist() == [-1, -1, -1]


def test_centres_that_cannot_be_are_refused():
    for bad in (0.0, -5.0, float("nan")):
        with pytest.raises(ValueError, match="`centers_uvd` holds a depth that is not positive"):
            crop(wall(700), center(d=bad))
    with pytest.raises(ValueError, match=r"`depth_mm` is \(1, 1, 480, 640\), `centers_uvd` \(2, 3\)"):
        crop(wall(700), center().repeat(2, 1))
