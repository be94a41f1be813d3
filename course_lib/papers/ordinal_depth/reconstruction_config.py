"""Settings of the reconstruction component (lesson 15); the defaults are those of the paper."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Augment:
    """What is varied in motion capture before it is projected; the paper does not say, the numbers are ours.

    The camera is that of Human3.6M: 4 to 6 m away, about level. All angles are radians.

    Attributes:
        distance: Depth of the pelvis, metres, uniform.
        pitch: How far the camera looks down, uniform.
        side: Standard deviation of the pelvis' distance from the optical axis, sideways, metres.
        height: The same, up and down.
        tilt: Standard deviation of the lean of the whole body: motion capture knows "up" only about.
        roll: Standard deviation of the camera's turn about its axis.
        stature: Standard deviation of the logarithm of the body's size.
        bones: Standard deviation of the logarithm of each limb's length, left and right alike.
        bend: Standard deviation of the angle by which each bone is turned, about a random axis.
        mix: Chance that the legs come from another pose, and, apart from it, that the arms do.
        mirror: Chance that left and right change places.
    """

    distance: tuple[float, float] = (4.0, 6.5)
    pitch: tuple[float, float] = (-0.1, 0.4)
    side: float = 0.6
    height: float = 0.3
    tilt: float = 0.08
    roll: float = 0.04
    stature: float = 0.04
    bones: float = 0.03
    bend: float = 0.06
    mix: float = 0.2
    mirror: float = 0.5

    def __post_init__(self) -> None:
        """Refuse cameras inside the body and chances that are none."""
        if not 1.5 <= self.distance[0] <= self.distance[1]:
            raise ValueError(f"`distance` (={self.distance}) must be (low, high) in metres, from 1.5 m on")
        if not self.pitch[0] <= self.pitch[1]:
            raise ValueError(f"`pitch` (={self.pitch}) must be (low, high) in radians")
        for name in ("side", "height", "tilt", "roll", "stature", "bones", "bend"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"`{name}` (={getattr(self, name)}) is a standard deviation: 0 or more")
        for name in ("mix", "mirror"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` (={getattr(self, name)}) is a chance: it must lie in [0, 1]")


@dataclass(frozen=True, kw_only=True)
class ReconstructionConfig:
    """The network that turns 2D joints and depths of ordinal quality into joints in metres, and its training.

    Pavlakos et al. 2018, section 3.4 and 4.2; the layers are those of Martinez et al. 2017 ("3d-pose-baseline").

    Attributes:
        joints: Joints N; 3 N numbers go in and out.
        width: Units of the hidden layers.
        blocks: Residual units of two linear layers each.
        dropout: Chance that a unit is dropped.
        max_norm: Longest weight vector of a unit; None for no limit.
        depth_input: Whether the network sees the depths. Otherwise it sees 0 for them: the same network, 2D only.
        depth_noise: Standard deviation of the noise on the true depths, metres: one number, or (low, high) from which
            each pose draws its own (uniform in the logarithm).
        depth_scale: Standard deviation of the logarithm of a factor on all depths of a pose: a network trained with
            ordinal labels alone knows the scale only about.
        point_noise: Standard deviation of the noise on the 2D joints, as a part of the largest offset from the root.
        optimizer: `rmsprop` as in the paper, or `adam`.
        lr: Learning rate at its highest.
        cosine: Whether half a cosine takes the rate to 0; constant otherwise.
        batch_size: Poses a step.
        steps: Training steps.
        augment: What is varied in the poses.
    """

    joints: int = 17
    width: int = 1024  # Martinez et al. 2017, section 3.2
    blocks: int = 2
    dropout: float = 0.5  # the official code of Martinez et al. keeps half of the units
    max_norm: float | None = None  # likewise 1, as an option; the paper of 2018 does not mention it
    depth_input: bool = True
    depth_noise: float | tuple[float, float] = 0.1  # ours: the paper gives no level, see claim noise_choice
    depth_scale: float = 0.0
    point_noise: float = 0.0
    optimizer: Literal["rmsprop", "adam"] = "rmsprop"  # section 4.2
    lr: float = 2.5e-4  # section 4.2
    cosine: bool = False
    batch_size: int = 64  # section 4.2
    steps: int = 200_000  # section 4.2
    augment: Augment = field(default_factory=Augment)

    def __post_init__(self) -> None:
        """Refuse settings that make no network or no noise."""
        if min(self.joints, self.width, self.batch_size, self.steps) < 1 or self.blocks < 0:
            raise ValueError("`joints`, `width`, `batch_size` and `steps` must be 1 or more, `blocks` 0 or more")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` (={self.dropout}) must lie in [0, 1)")
        if self.max_norm is not None and not self.max_norm > 0:
            raise ValueError(f"`max_norm` (={self.max_norm}) must be above 0, or None")
        low, high = self.noise_range
        if not 0 <= low <= high <= 2:
            raise ValueError(f"`depth_noise` (={self.depth_noise}) must be metres, 0 to 2, or (low, high)")
        if low == 0 < high:
            raise ValueError(f"`depth_noise` (={self.depth_noise}): a range in the logarithm begins above 0")
        if not (self.depth_scale >= 0 and self.point_noise >= 0):
            raise ValueError("`depth_scale` and `point_noise` are standard deviations: 0 or more")
        if self.optimizer not in ("rmsprop", "adam"):
            raise ValueError(f"`optimizer` (={self.optimizer!r}) must be 'rmsprop' or 'adam'")

    @property
    def noise_range(self) -> tuple[float, float]:
        """Least and greatest standard deviation of the depth noise, metres."""
        noise = self.depth_noise
        return noise if isinstance(noise, tuple) else (noise, noise)


# The paper's 200,000 small steps with dropout are an hour and more on one core. A larger batch, Adam, a falling rate
# and no dropout (every batch is fresh: nothing can be overfitted but the poses themselves) come as far in two minutes.
_SHORT = {"dropout": 0.0, "optimizer": "adam", "lr": 1e-3, "cosine": True, "batch_size": 256}

PROFILES = {
    "smoke": ReconstructionConfig(**_SHORT | {"batch_size": 64}, width=64, steps=30),
    "quick": ReconstructionConfig(**_SHORT, width=256, steps=1_500),
    "standard": ReconstructionConfig(**_SHORT, steps=2_000),
    "paper": ReconstructionConfig(),
}
