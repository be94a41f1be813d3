"""Settings of the networks of ordinal depth (lesson 14); the defaults are those of the paper's best network."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

Head = Literal["depth", "coordinates", "volume"]

_OPTIONS = {
    "head": ("depth", "coordinates", "volume"),
    "volume_target": ("marginals", "voxels"),
    "optimizer": ("rmsprop", "adam"),
}


@dataclass(frozen=True, kw_only=True)
class OrdinalConfig:
    """A hourglass that reads depth, coordinates or a volume off a picture, and how it is trained.

    Pavlakos, Zhou and Daniilidis 2018 (arXiv 1805.04095); layers from the code of Pavlakos et al. 2017
    (coarse-to-fine, "c2f" below), which is the network that they train. Their training code was never published.

    Attributes:
        head: What comes out: `depth` (one number a joint), `coordinates` (x, y and depth), or `volume`.
        stacks: Hourglasses: 1, or 2 from coarse (a heatmap for each joint) to fine (the volume).
        joints: Number of joints.
        image_size: Height and width of a crop, pixels; the features are a quarter of it.
        features: Channels of the features; the stem is built from a quarter and a half of it.
        hourglass_depth: How often an hourglass halves its input.
        modules: Residuals in a row inside an hourglass.
        bins: Bins of depth of the volume.
        near: Near end of the volume, metres relative to the root.
        far: Far end.
        units_per_metre: Unit of the depth that the rank loss sees: its value, and the scale that the ties settle,
            depend on it.
        weight_2d: Weight of the places in the picture beside the rank loss (lambda).
        sigma: Standard deviation of the heatmap target, cells.
        volume_target: How true depth supervises a volume: `marginals` (the heatmap, and the expected depth by its
            square error: the weak loss with metric depth in the place of order) or `voxels` (raw scores against
            Gaussians of peak 1, as c2f does).
        voxel_sigma: Standard deviation of those Gaussians, cells.
        voxel_radius: Where they are cut off.
        optimizer: RMSprop (the paper) or Adam.
        lr: Learning rate.
        warm_up: Steps in which the rate rises from 0.
        cosine: Whether the rate then falls to 0 along a cosine.
        batch_size: Pictures a step.
        steps: Updates.
        max_rotation: Largest turn of a picture in its plane, degrees.
        scale_range: Smallest and largest change of size.
        flip: Chance that a picture is mirrored.
    """

    head: Head = "volume"
    stacks: int = 2  # the paper, "unless stated otherwise"
    joints: int = 17  # Human3.6M
    image_size: int = 256
    features: int = 256  # c2f
    hourglass_depth: int = 4  # 64 to 4 cells
    modules: int = 3  # c2f, nModules
    bins: int = 64  # the paper, section 3.3
    near: float = -1.00519  # c2f: 64 bins of 31.032 mm whose middle lies 12 mm before the root
    far: float = 0.98086
    units_per_metre: float = 32.2246  # one a bin, Eq. 5; the official code hints at ten a bin (never published)
    weight_2d: float = 100.0  # section 3.2
    sigma: float = 2.0  # not stated for this loss; c2f calls its parameter so
    volume_target: Literal["marginals", "voxels"] = "voxels"  # full supervision, c2f
    voxel_sigma: float = 3.25  # c2f: 0.25 * 13 cells
    voxel_radius: float = 6.0
    optimizer: Literal["rmsprop", "adam"] = "rmsprop"  # section 4.2
    lr: float = 2.5e-4  # section 4.2
    warm_up: int = 0
    cosine: bool = False
    batch_size: int = 4  # section 4.2
    steps: int = 300_000  # section 4.2, Human3.6M alone; 2,500,000 with LSP and MPII
    max_rotation: float = 30.0  # section 4.2
    scale_range: tuple[float, float] = (0.75, 1.25)
    flip: float = 0.5  # c2f

    def __post_init__(self) -> None:
        """Refuse settings that make no network or contradict each other."""
        for name, options in _OPTIONS.items():
            if getattr(self, name) not in options:
                raise ValueError(f"`{name}` (={getattr(self, name)!r}) must be one of {', '.join(options)}")
        if self.stacks not in (1, 2) or (self.stacks == 2 and self.head != "volume"):
            raise ValueError(f"`stacks` (={self.stacks}) must be 1, or 2 with `head='volume'` (coarse to fine)")
        smallest = 4 * 2**self.hourglass_depth
        if self.image_size % smallest:
            raise ValueError(
                f"`image_size` (={self.image_size}) must be a multiple of {smallest}: the stem divides it by 4, the "
                f"hourglass {self.hourglass_depth} times by 2"
            )
        if self.features % 8:
            raise ValueError(f"`features` (={self.features}) must be a multiple of 8")
        for name in ("joints", "bins", "modules", "hourglass_depth", "batch_size", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` (={getattr(self, name)}) must be 1 or more")
        for name in ("units_per_metre", "sigma", "voxel_sigma", "voxel_radius", "lr"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"`{name}` (={getattr(self, name)}) must be positive")
        if not self.near < 0 < self.far:
            raise ValueError(f"`near` (={self.near}) and `far` (={self.far}) must lie before and behind the root, at 0")
        if not 0 < self.scale_range[0] <= self.scale_range[1]:
            raise ValueError(f"`scale_range` (={self.scale_range}) must be (smallest, largest), positive")
        if not 0 <= self.flip <= 1:
            raise ValueError(f"`flip` (={self.flip}) is a chance, 0 to 1")

    @property
    def grid(self) -> int:
        """Cells of the features, across and down."""
        return self.image_size // 4

    def bin_centres(self, *, metres: bool = False) -> Tensor:
        """Depth of each bin, `(bins,)`, relative to the root: in units of the loss, or in metres."""
        width = (self.far - self.near) / self.bins
        centres = self.near + width * (torch.arange(self.bins, dtype=torch.float64) + 0.5)
        return (centres if metres else centres * self.units_per_metre).float()


# The paper's hundreds of thousands of small steps at 256 pixels are days on a core. A network a quarter as wide at a
# quarter of the size, Adam at ten times the rate and a falling rate show the same comparisons in two minutes.
SMALL = OrdinalConfig(
    stacks=1,
    image_size=64,
    features=64,
    hourglass_depth=3,
    modules=1,
    bins=16,
    units_per_metre=10.0,  # about where the rank loss of a body with ties at 100 mm is smallest (lesson 04)
    sigma=1.0,
    volume_target="marginals",
    voxel_sigma=1.0,
    voxel_radius=3.0,
    optimizer="adam",
    lr=3e-3,
    warm_up=50,
    cosine=True,
    batch_size=16,
    steps=1800,
    max_rotation=0.0,
    scale_range=(1.0, 1.0),
)

PROFILES = {
    "smoke": replace(SMALL, image_size=32, features=16, hourglass_depth=2, bins=8, batch_size=8, steps=4, warm_up=0),
    "quick": replace(SMALL, features=32, steps=400),
    "standard": SMALL,
    "paper": OrdinalConfig(),
}

# The four forms of Table 1: changes to a configuration.
FORMS = {
    "depth": {"head": "depth", "stacks": 1},
    "coordinate": {"head": "coordinates", "stacks": 1},
    "volume1": {"head": "volume", "stacks": 1},
    "volume2": {"head": "volume", "stacks": 2},
}
