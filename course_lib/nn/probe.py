"""A small network that reads numbers off a picture: what can be known from pixels, it finds."""

from jaxtyping import Float
from torch import Tensor, nn


class FactorProbe(nn.Module):
    """Strided convolutions, then a linear layer; the location of a feature is kept, not averaged away.

    Args:
        channels: Channels of a picture.
        size: Height and width, multiples of 16.
        outputs: Numbers to read off.
        width: Channels of the first convolution; each of the four doubles them up to four times this.
    """

    def __init__(self, *, channels: int, size: int | tuple[int, int], outputs: int, width: int = 24) -> None:
        super().__init__()
        height, breadth = (size, size) if isinstance(size, int) else size
        if height % 16 or breadth % 16:
            raise ValueError(f"`size` (={size}) must be a multiple of 16 in height and width")
        layers: list[nn.Module] = []
        for wide in (width, 2 * width, 4 * width, 4 * width):
            layers += [nn.Conv2d(channels, wide, 4, stride=2, padding=1), nn.GroupNorm(4, wide), nn.SiLU()]
            channels = wide
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(channels * (height // 16) * (breadth // 16), outputs)

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """The numbers, `(b, outputs)`, in whatever units the probe was trained on."""
        return self.head(self.features(images))
