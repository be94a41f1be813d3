"""Labelled images, as every image reader returns them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class ImageSet:
    """Images with one class each.

    Attributes:
        images: Pixels in [0, 1], 0 the background, `(n, 1, h, w)`, float32.
        labels: Classes 0 to 9, `(n,)`, int64.
    """

    images: Float[Tensor, "n 1 h w"]
    labels: Int[Tensor, " n"]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    def to(self, device: torch.device | str) -> "ImageSet":
        """The same images on another device."""
        return ImageSet(self.images.to(device), self.labels.to(device))


def binarize(images: Float[Tensor, "*shape"], *, gen: torch.Generator | None = None) -> Float[Tensor, "*shape"]:
    """Draw each pixel as 1 with probability equal to its grey value, else 0 (Salakhutdinov and Murray 2008).

    Drawn anew at each training step, it keeps a model from learning one fixed draw by heart.
    """
    return torch.bernoulli(images, generator=gen)
