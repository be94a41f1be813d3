"""Moments of ink against closed forms."""

import pytest
import torch

from course_lib.worlds import glyphs


def gaussian(mean_x, mean_y, covariance, size=61):
    """A normal density on the pixel grid, y up."""
    v, u = torch.meshgrid(
        torch.arange(size, dtype=torch.float64), torch.arange(size, dtype=torch.float64), indexing="ij"
    )
    off = torch.stack([u - mean_x, (size - 1 - v) - mean_y], dim=-1)
    return torch.exp(-0.5 * ((off @ torch.linalg.inv(covariance)) * off).sum(-1))[None, None]


def test_moments_of_a_normal_density_are_its_parameters():
    covariance = torch.tensor([[20.0, 6.0], [6.0, 30.0]], dtype=torch.float64)
    found = glyphs.moments(gaussian(31.3, 27.6, covariance))
    expected = {"x": 31.3, "y": 27.6, "mu20": 20, "mu11": 6, "mu02": 30, "slant": 0.2, "width": (20 - 36 / 30) ** 0.5}
    for name, value in expected.items():
        assert float(getattr(found, name)) == pytest.approx(value, rel=1e-5), name
    assert float(found.height) == pytest.approx(30**0.5, rel=1e-5)


@pytest.mark.parametrize("shear", [-0.5, 0.3])
def test_a_shear_adds_itself_to_the_slant_and_leaves_the_width(shear):
    before = torch.tensor([[16.0, -4.0], [-4.0, 25.0]], dtype=torch.float64)
    matrix = torch.tensor([[1.0, shear], [0.0, 1.0]], dtype=torch.float64)
    plain, sheared = (glyphs.moments(gaussian(30, 30, c)) for c in (before, matrix @ before @ matrix.T))
    assert float(sheared.slant - plain.slant) == pytest.approx(shear, abs=1e-4)
    assert float(sheared.width) == pytest.approx(float(plain.width), rel=1e-4)


def test_an_empty_image_has_no_spread():
    found = glyphs.moments(torch.zeros(1, 1, 9, 7))
    assert [float(getattr(found, n)) for n in ("mass", "x", "y", "slant", "width", "height")] == [0, 3, 4, 0, 0, 0]


def test_ink_is_one_channel_and_not_negative():
    with pytest.raises(ValueError, match="negative"):
        glyphs.moments(torch.full((1, 1, 4, 4), -0.5))
    with pytest.raises(Exception, match="images"):
        glyphs.moments(torch.zeros(1, 3, 4, 4))
