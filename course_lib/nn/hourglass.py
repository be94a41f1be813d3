"""Hourglasses: networks that go down to a few cells and back up, keeping a detour at each size.

Newell, Yang and Deng 2016, in the two shapes of the code of Pavlakos et al. 2017 (coarse-to-fine): one width throughout
(`hg`), and the stacked one, whose hourglasses are wider at the end than at the beginning.
"""

import itertools

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


class Residual(nn.Module):
    """BN-ReLU-1x1 (half the channels), BN-ReLU-3x3, BN-ReLU-1x1, and a detour; pre-activation.

    Args:
        inputs: Channels in.
        outputs: Channels out, even; where they differ from `inputs` the detour is a 1x1 convolution without BN.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        if outputs < 2 or outputs % 2:
            raise ValueError(f"`outputs` (={outputs}) must be even: the middle of a residual has half the channels")
        half = outputs // 2
        self.body = nn.Sequential(
            *_ready(inputs),
            nn.Conv2d(inputs, half, 1),
            *_ready(half),
            nn.Conv2d(half, half, 3, padding=1),
            *_ready(half),
            nn.Conv2d(half, outputs, 1),
        )
        self.detour = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """Features of the same size."""
        return self.body(x) + self.detour(x)


class Hourglass(nn.Module):
    """At each size: residuals on the detour; pool, residuals, the smaller hourglass, residuals, upsample; the sum.

    Args:
        depth: Times the size is halved.
        inputs: Channels in.
        outputs: Channels out.
        width: Channels inside.
        modules: Residuals on the detour, and before the smaller hourglass.
        bottom: Residuals at the smallest size.
        after: Residuals after the smaller hourglass.
    """

    def __init__(
        self,
        depth: int,
        inputs: int,
        outputs: int | None = None,
        *,
        width: int | None = None,
        modules: int = 3,
        bottom: int = 1,
        after: int = 1,
    ) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"`depth` (={depth}) must be 1 or more: an hourglass halves the size at least once")
        outputs, width = outputs or inputs, width or inputs
        self.depth = depth
        self.detour = residuals(modules, inputs, width, outputs)
        self.down = residuals(modules, inputs, width, width)
        if depth > 1:
            self.inner: nn.Module = Hourglass(
                depth - 1, width, outputs, width=width, modules=modules, bottom=bottom, after=after
            )
        else:
            self.inner = residuals(bottom, width, width, outputs)
        self.up = residuals(after, outputs, outputs, outputs)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        """Features of the same size.

        Raises:
            ValueError: Height or width is not a multiple of 2^depth.
        """
        if x.shape[-2] % 2**self.depth or x.shape[-1] % 2**self.depth:
            raise ValueError(f"`x` has shape {tuple(x.shape)}: height and width must be multiples of {2**self.depth}")
        low = self.up(self.inner(self.down(F.max_pool2d(x, 2))))
        return self.detour(x) + F.interpolate(low, scale_factor=2, mode="nearest")


def residuals(count: int, inputs: int, width: int, outputs: int) -> nn.Sequential:
    """`count` residuals in a row: the first takes `inputs` channels, the last gives `outputs`, `width` between."""
    if count < 1:
        raise ValueError(f"`count` (={count}) must be 1 or more")
    widths = [inputs, *[width] * (count - 1), outputs]
    return nn.Sequential(*(Residual(a, b) for a, b in itertools.pairwise(widths)))


def lin(inputs: int, outputs: int) -> nn.Sequential:
    """1x1 convolution, BN, ReLU: a linear map of the features of each cell."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1), *_ready(outputs))


def _ready(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
