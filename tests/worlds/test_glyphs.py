"""Glyphs: what each factor does to the picture, and what can be measured from it."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from course_lib.worlds import glyphs
from course_lib.worlds.glyphs.render import EDGE, HALF_HEIGHT
from course_lib.worlds.glyphs.strokes import POINTS, SEGMENTS
from course_lib.worlds.kernel import can_compile


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def printed(**changes):
    """The ten printed forms, upright and centred."""
    plain = glyphs.sample_factors(10, generator=generator(), wobble=0)
    return plain.replace(**{"label": torch.arange(10), "slant": 0, "width": 1, "stroke": 0.1, "ink": 1, **changes})


def draw(factors, **options):
    return glyphs.render(factors, compiled=False, **options)


@pytest.mark.parametrize("size", [16, 28, 33])
def test_pictures_are_ink_on_black(size):
    out = draw(printed(), size=size)
    assert out.images.shape == (10, 1, size, size)
    assert out.images.dtype == torch.float32
    assert len(out) == 10
    assert out.labels.tolist() == list(range(10))
    assert float(out.images.min()) == 0
    assert float(out.images.max()) <= 1
    assert out.images.flatten(1).amax(1).min() > 0.9


def test_the_picture_is_the_distance_to_the_nearest_stroke():
    out = draw(printed(), size=40)
    ends, (v, u) = out.segments.double(), torch.meshgrid(*[torch.arange(40.0, dtype=torch.float64)] * 2, indexing="ij")
    pixels = torch.stack([u, v], dim=-1)
    far = torch.full((10, 40, 40), torch.inf, dtype=torch.float64)
    for piece in range(SEGMENTS):
        for share in torch.linspace(0, 1, 41):
            point = torch.lerp(ends[:, piece, 0], ends[:, piece, 1], share.double())
            far = torch.minimum(far, (pixels - point[:, None, None]).norm(dim=-1))
    inside = far < out.stroke_width.double()[:, None, None] / 2 - EDGE / 2
    outside = far > out.stroke_width.double()[:, None, None] / 2 + EDGE / 2
    images = out.images[:, 0]
    assert bool((images[inside] == 1).all())
    assert images[outside].max() < 1e-3  # the sampled distance is a little too large
    assert 0 < images[~(inside | outside)].mean() < 1


def test_a_stroke_ends_where_its_segments_say():
    out = draw(printed(label=torch.ones(10, dtype=torch.int64)), size=64)
    foot = out.segments[0, :, 1][out.segments[0, :, 1, 1].argmax()]
    rows = out.images[0, 0].amax(1)
    below = float(foot[1] + out.stroke_width[0] / 2)
    assert abs(float((rows > 0.5).nonzero().max()) - below) <= 0.5 + EDGE / 2
    assert float(foot[1]) == pytest.approx(63 / 2 + HALF_HEIGHT * 64, abs=1e-4)


def test_slant_and_width_come_back_from_the_moments():
    slants = torch.linspace(-0.4, 0.4, 10)
    for label in range(10):
        upright = printed(label=torch.full((10,), label), stroke=0.07)
        leaning = glyphs.moments(draw(upright.replace(slant=slants), size=64).images)
        # The pen keeps its thickness, so leaning strokes carry more ink than upright ones (up to 14 % less slant, for
        # the 0), and where strokes cross their ink counts once (an offset, at most 0.022 for the 2).
        slope = float(((leaning.slant - leaning.slant.mean()) / slants).mean())
        assert 0.84 < slope < 1.03
        torch.testing.assert_close(leaning.slant, slope * slants, atol=0.03, rtol=0)
        widths = torch.linspace(0.7, 1.25, 10)
        wide = glyphs.moments(draw(upright.replace(width=widths), size=64).images).width
        assert bool((wide[1:] > wide[:-1]).all())
        if label != 1:  # of the 1, most of the width is the pen
            torch.testing.assert_close(wide / wide.mean(), widths / widths.mean(), atol=0.05, rtol=0)


def test_slant_is_recoverable_over_all_classes():
    factors = glyphs.sample_factors(600, generator=generator(1))
    measured = glyphs.moments(draw(factors).images)
    assert np.corrcoef(measured.slant, factors.slant)[0, 1] ** 2 > 0.9
    for label in (0, 5, 8):
        rows = factors.label == label
        assert np.corrcoef(measured.width[rows], factors.width[rows])[0, 1] ** 2 > 0.75
        assert np.corrcoef(measured.mass[rows], factors.stroke[rows])[0, 1] ** 2 > 0.75


def test_a_thicker_pen_covers_more_and_dimmer_ink_less():
    assert bool((draw(printed(stroke=0.15)).images >= draw(printed(stroke=0.1)).images - 1e-6).all())
    torch.testing.assert_close(draw(printed(ink=0.9)).images, 0.9 * draw(printed()).images)


def test_shift_moves_the_picture():
    right = draw(printed(shift=torch.tensor([1 / 40, -2 / 40])), size=40).images
    torch.testing.assert_close(right[..., :-2, 1:], draw(printed(), size=40).images[..., 2:, :-1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("point", range(7))
def test_each_control_point_shapes_the_sign(point):
    shape = torch.zeros(POINTS, 2)
    shape[point] = 0.09
    changed = (draw(printed(shape=shape)).images - draw(printed()).images).abs().flatten(1).amax(1)
    has_point = torch.tensor([8, 4, 8, 10, 5, 9, 10, 5, 11, 10]) > point
    assert bool((changed[has_point] > 0.05).all())
    assert bool((changed[~has_point] == 0).all())


def test_classes_differ():
    factors = glyphs.sample_factors(1200, generator=generator(2))
    pixels, labels = draw(factors, size=14).images.flatten(1).numpy(), factors.label.numpy()
    probe = LogisticRegression(max_iter=300).fit(pixels[:800], labels[:800])
    assert probe.score(pixels[800:], labels[800:]) > 0.93
    printed_forms = draw(printed()).images.flatten(1)
    assert torch.pdist(printed_forms).min() > 4


def test_same_generator_same_picture():
    first, again, other = (draw(glyphs.sample_factors(4, generator=generator(s))).images for s in (3, 3, 4))
    assert first.equal(again)
    assert not first.equal(other)


def test_a_glyph_alone_equals_its_row_in_a_batch():
    factors = glyphs.sample_factors(21, generator=generator(5))
    images = draw(factors).images
    for row in (0, 7, 16, 20):
        assert draw(factors[row]).images[0].equal(images[row])


def test_the_ends_of_every_range_can_be_drawn():
    low, high = ([getattr(s, end) for s in glyphs.GlyphFactors.factors().values()] for end in ("low", "high"))
    names = list(glyphs.GlyphFactors.factors())
    for ends in (low, high):
        values = dict(zip(names, ends, strict=True)) | {"label": torch.arange(10)}
        images = draw(printed(**values)).images
        assert bool(torch.isfinite(images).all())
        assert images.sum((1, 2, 3)).min() > 10


def test_options_of_the_draw():
    one_class = glyphs.sample_factors(50, generator=generator(), label=7, wobble=0)
    assert set(one_class.label.tolist()) == {7}
    assert float(one_class.shape.abs().max()) == 0
    assert float(one_class.shift.abs().max()) == 0
    with pytest.raises(ValueError, match="wobble"):
        glyphs.sample_factors(1, generator=generator(), wobble=2)
    with pytest.raises(ValueError, match="label"):
        glyphs.sample_factors(1, generator=generator(), label=10)
    with pytest.raises(ValueError, match="size"):
        draw(printed(), size=4)


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="no C++ compiler, or COURSE_COMPILE=0")
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")  # 2026-11: torch's own compiler
def test_compiled_and_eager_agree():
    factors = glyphs.sample_factors(20, generator=generator(6))
    fast, plain = (glyphs.render(factors, compiled=compiled).images for compiled in (True, False))
    assert float(((fast - plain).abs() > 1e-3).float().mean()) <= 2e-4
    assert glyphs.render(factors[17], compiled=True).images[0].equal(fast[17])
