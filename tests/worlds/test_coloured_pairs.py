"""Coloured pairs against the two formulas of the cross-domain data."""

import pytest
import torch

from course_lib.datasets import load_digits
from course_lib.worlds import glyphs


def signs(kind, n=6):
    if kind == "digits":
        return load_digits()[0].images[:n]
    factors = glyphs.sample_factors(n, generator=torch.Generator().manual_seed(0))
    return glyphs.render(factors, compiled=False).images


@pytest.mark.parametrize("kind", ["glyphs", "digits"])
def test_pairs_are_the_two_formulas(kind):
    m = signs(kind)
    pairs = glyphs.coloured_pairs(m, generator=torch.Generator().manual_seed(1))
    assert len(pairs) == 6
    for row in range(6):
        for channel in range(3):
            b, d = pairs.background[row, channel], pairs.digit[row, channel]
            torch.testing.assert_close(pairs.coloured_background[row, channel], m[row, 0] * 1 + (1 - m[row, 0]) * b)
            torch.testing.assert_close(pairs.coloured_digit[row, channel], m[row, 0] * d)


def test_the_same_sign_comes_back_from_either_domain():
    m = signs("glyphs")
    pairs = glyphs.coloured_pairs(m, generator=torch.Generator().manual_seed(2))
    ground = pairs.background[:, :, None, None]
    torch.testing.assert_close(
        ((pairs.coloured_background - ground) / (1 - ground)).mean(1, True), m, atol=1e-4, rtol=0
    )
    colour = pairs.digit.amax(1)[:, None, None]
    torch.testing.assert_close(pairs.coloured_digit.amax(1) / colour, m[:, 0], atol=1e-5, rtol=0)


def test_colours_are_even_and_independent():
    n = 4000
    pairs = glyphs.coloured_pairs(torch.rand(n, 1, 2, 2), generator=torch.Generator().manual_seed(3))
    colours = torch.cat([pairs.background, pairs.digit], dim=1)
    for column in colours.T:  # Kolmogorov's distance from the uniform law, five times its usual size at most
        gap = (column.sort().values - (torch.arange(n) + 0.5) / n).abs().max()
        assert gap < 5 * 0.5 / n**0.5
    off_diagonal = torch.corrcoef(colours.T) - torch.eye(6)
    assert off_diagonal.abs().max() < 5 / n**0.5


def test_the_generator_decides_the_colours():
    m = signs("digits")
    first, again, other = (glyphs.coloured_pairs(m, generator=torch.Generator().manual_seed(s)) for s in (4, 4, 5))
    assert first.background.equal(again.background)
    assert first.coloured_digit.equal(again.coloured_digit)
    assert not first.digit.equal(other.digit)


def test_signs_must_be_masks():
    with pytest.raises(ValueError, match="spans"):
        glyphs.coloured_pairs(2 * torch.ones(1, 1, 4, 4), generator=torch.Generator())
