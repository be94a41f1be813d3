"""Pairs of a coloured background and a coloured digit: two domains that share one handwritten sign.

Gonzalez-Garcia, van de Weijer and Bengio 2018 (MNIST-CD/CB): in domain CB a white digit stands on a coloured ground,
in domain CD the same digit, coloured, stands on black.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.worlds.factors import check_generator
from course_lib.worlds.short_repr import ShortRepr


@dataclass(frozen=True)
class ColouredPairs(ShortRepr):
    """The same n signs in both domains, with the two colours that the domains do not share.

    Attributes:
        coloured_background: Domain CB, white digit on a coloured ground, RGB in [0, 1].
        coloured_digit: Domain CD, coloured digit on black, RGB in [0, 1].
        background: Colour of the ground in CB.
        digit: Colour of the digit in CD.
    """

    coloured_background: Float[Tensor, "n 3 h w"]
    coloured_digit: Float[Tensor, "n 3 h w"]
    background: Float[Tensor, "n 3"]
    digit: Float[Tensor, "n 3"]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.background)


def coloured_pairs(images: Float[Tensor, "n 1 h w"], *, generator: torch.Generator) -> ColouredPairs:
    """Colour signs: I_CB = m + (1 - m) b and I_CD = m d, with colours b and d drawn evenly from [0, 1]^3.

    The two colours are independent of each other and of the sign; the sign m is the same instance in both domains.

    Args:
        images: Signs m in [0, 1], 0 the background: glyphs, the 8 x 8 digits, MNIST.
        generator: Source of the colours.

    Raises:
        ValueError: `images` is not `(n, 1, h, w)` or leaves [0, 1].
    """
    check_generator(generator)
    if images.ndim != 4 or images.shape[1] != 1:
        raise ValueError(f"`images` has shape {tuple(images.shape)}: give grey signs, (n, 1, h, w)")
    if images.numel() and not (float(images.min()) >= 0 and float(images.max()) <= 1):
        raise ValueError(f"`images` spans [{float(images.min()):g}, {float(images.max()):g}]: signs must lie in [0, 1]")
    colours = torch.rand(len(images), 2, 3, generator=generator, device=generator.device)
    background, digit = colours.to(images.device, images.dtype).unbind(1)
    return ColouredPairs(
        coloured_background=images + (1 - images) * background[:, :, None, None],
        coloured_digit=images * digit[:, :, None, None],
        background=background,
        digit=digit,
    )
