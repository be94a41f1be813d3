"""The networks of ordinal depth: a stem, one or two hourglasses, and a head for depths, coordinates or a volume."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from course_lib.losses.heatmaps import expected_depth, peak_points, volume_marginals
from course_lib.nn.hourglass import Hourglass, Residual, lin, residuals
from course_lib.papers.ordinal_depth.config import OrdinalConfig


@dataclass(frozen=True)
class PoseOutput:
    """What a network says about b pictures.

    Attributes:
        depth: Depth of each joint, units of the loss, larger is farther, `(b, n)`.
        points: Place of each joint in the crop, (x, y) from -1 (left, top edge) to 1, `(b, n, 2)`; None for a head that
            gives depths only.
        heatmap: Probability of each cell of the picture, `(b, n, h, w)`; of a volume only.
        bins: Probability of each bin of depth, `(b, n, d)`; of a volume only.
        scores: Raw scores of the volume, `(b, n, d, h, w)`.
        coarse: Raw heatmaps of the first of two hourglasses, `(b, n, h, w)`.
    """

    depth: Float[Tensor, "b n"]
    points: Float[Tensor, "b n 2"] | None = None
    heatmap: Float[Tensor, "b n h w"] | None = None
    bins: Float[Tensor, "b n d"] | None = None
    scores: Float[Tensor, "b n d h w"] | None = None
    coarse: Float[Tensor, "b n h w"] | None = None


class Stem(nn.Module):
    """A quarter of the size: 7x7 convolution of stride 2, a residual, pooling; then residuals up to all features.

    Args:
        features: Channels at the end.
        repeats: Residuals between pooling and the last one.
    """

    def __init__(self, features: int, repeats: int) -> None:
        super().__init__()
        quarter, half = features // 4, features // 2
        self.first = nn.Sequential(
            nn.Conv2d(3, quarter, 7, stride=2, padding=3),
            nn.BatchNorm2d(quarter),
            nn.ReLU(inplace=True),
            Residual(quarter, half),
            nn.MaxPool2d(2),
        )
        self.rest = nn.Sequential(*(Residual(half, half) for _ in range(repeats)), Residual(half, features))

    def forward(self, images: Float[Tensor, "b 3 s t"]) -> tuple[Float[Tensor, "b f h w"], Float[Tensor, "b g h w"]]:
        """The features, and the pooled ones of half the width that a second hourglass looks at again."""
        pooled = self.first(images)
        return self.rest(pooled), pooled


class SingleTrunk(nn.Module):
    """One hourglass of one width (`hg` of c2f)."""

    def __init__(self, cfg: OrdinalConfig) -> None:
        super().__init__()
        f, n = cfg.features, cfg.modules
        self.stem = Stem(f, repeats=1)
        self.hourglass = Hourglass(cfg.hourglass_depth, f, modules=n, bottom=n, after=n)
        self.after = nn.Sequential(residuals(n, f, f, f), lin(f, f))

    def forward(self, images: Float[Tensor, "b 3 s t"]) -> Float[Tensor, "b f h w"]:
        """Features at a quarter of the size."""
        return self.after(self.hourglass(self.stem(images)[0]))


class CoarseToFineTrunk(nn.Module):
    """Two hourglasses (`hg-stacked-2` of c2f): the first draws heatmaps, which the second sees beside the features."""

    def __init__(self, cfg: OrdinalConfig) -> None:
        super().__init__()
        f, depth, n = cfg.features, cfg.hourglass_depth, cfg.modules
        mixed = f + f // 2
        self.stem = Stem(f, repeats=2)
        self.first = nn.Sequential(Hourglass(depth, f, 2 * f, width=f, modules=n), lin(2 * f, 2 * f), lin(2 * f, f))
        self.coarse = nn.Conv2d(f, cfg.joints, 1)
        self.mix = nn.Conv2d(mixed, mixed, 1)
        self.back = nn.Conv2d(cfg.joints, mixed, 1)
        self.second = nn.Sequential(
            Hourglass(depth, mixed, 2 * f, width=f, modules=n), lin(2 * f, 2 * f), lin(2 * f, 2 * f)
        )

    def forward(self, images: Float[Tensor, "b 3 s t"]) -> tuple[Float[Tensor, "b f h w"], Float[Tensor, "b n h w"]]:
        """Features for the volume, and the raw heatmaps of the first hourglass."""
        features, pooled = self.stem(images)
        features = self.first(features)
        coarse = self.coarse(features)
        return self.second(self.mix(torch.cat([features, pooled], 1)) + self.back(coarse)), coarse


class PoseNet(nn.Module):
    """Picture to joints, in one of the paper's four forms.

    Args:
        cfg: Settings; `head` and `stacks` choose the form.
    """

    centres: Tensor

    def __init__(self, cfg: OrdinalConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.trunk = CoarseToFineTrunk(cfg) if cfg.stacks == 2 else SingleTrunk(cfg)
        channels = cfg.features * cfg.stacks
        if cfg.head == "volume":
            self.head: nn.Module = nn.Conv2d(channels, cfg.joints * cfg.bins, 1)
        else:
            numbers = cfg.joints * (1 if cfg.head == "depth" else 3)
            self.head = nn.Sequential(nn.Flatten(), nn.Linear(channels * cfg.grid**2, numbers))
        self.register_buffer("centres", cfg.bin_centres(), persistent=False)

    def forward(self, images: Float[Tensor, "b 3 s s"]) -> PoseOutput:
        """Joints of pictures in [0, 1].

        Raises:
            ValueError: Pictures of another size than the network was made for.
        """
        size = self.cfg.image_size
        if images.ndim != 4 or images.shape[1:] != (3, size, size):
            raise ValueError(f"`images` has shape {tuple(images.shape)}: this network takes (b, 3, {size}, {size})")
        images = images - 0.5
        coarse = None
        if self.cfg.stacks == 2:
            features, coarse = self.trunk(images)
        else:
            features = self.trunk(images)
        out = self.head(features)
        if self.cfg.head == "depth":
            return PoseOutput(out.float())
        if self.cfg.head == "coordinates":
            numbers = out.float().unflatten(1, (self.cfg.joints, 3))
            return PoseOutput(numbers[..., 2], numbers[..., :2])
        scores = out.unflatten(1, (self.cfg.joints, self.cfg.bins))
        marginals = volume_marginals(scores)
        return PoseOutput(
            expected_depth(marginals.z, self.centres),
            cells_to_crop(peak_points(marginals.xy), marginals.xy.shape[-1]),
            marginals.xy,
            marginals.z,
            scores,
            coarse,
        )


def cells_to_crop(cells: Float[Tensor, "*b 2"], size: int) -> Float[Tensor, "*b 2"]:
    """Places in cells (or pixels) of a grid of `size` to places in the crop: -1 and 1 are its edges."""
    return (cells + 0.5) * (2 / size) - 1


def crop_to_cells(points: Float[Tensor, "*b 2"], size: int) -> Float[Tensor, "*b 2"]:
    """The inverse of `cells_to_crop`."""
    return (points + 1) * (size / 2) - 0.5
