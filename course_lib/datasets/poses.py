"""Joints of bodies and hands, as every reader of poses returns them."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.datasets.records import LazyImages, RecordSet
from course_lib.geometry.skeletons import Skeleton

FRAMES = ("camera", "world")


@dataclass(frozen=True)
class PoseSet(RecordSet):
    """3D joints with their order.

    Attributes:
        joints: Positions in metres, `(n, j, 3)`, float32; NaN where a joint was not annotated.
        skeleton: Names, parents and order of the joints.
        frame: `"camera"` (x right, y down, z forward, right-handed) or `"world"` (y up, right-handed).
        names: Where each pose comes from (an image, or a clip and its frame number).
        intrinsics: Camera matrices in pixels, `(n, 3, 3)`, where the set gives them.
        images: Pictures or depth maps of the poses, where the set has them.
        rate: Frames per second of a motion, or None for single poses.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ("joints", "names", "intrinsics", "images")

    joints: Float[Tensor, "n j 3"]
    skeleton: Skeleton
    frame: str
    names: tuple[str, ...] = ()
    intrinsics: Float[Tensor, "n 3 3"] | None = None
    images: LazyImages | Tensor | None = None
    rate: float | None = None
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frame not in FRAMES:
            raise ValueError(f"`frame` (={self.frame!r}) must be one of {', '.join(FRAMES)}")
        if self.joints.ndim != 3 or self.joints.shape[1:] != (len(self.skeleton), 3):
            raise ValueError(
                f"`joints` has shape {tuple(self.joints.shape)}: {self.skeleton.name} needs "
                f"(n, {len(self.skeleton)}, 3)"
            )


@dataclass(frozen=True)
class KeypointSet(RecordSet):
    """2D joints in an image, with their order.

    Attributes:
        points: Positions in pixels, x right and y down, the centre of the top left pixel at (0, 0), `(n, j, 2)`,
            float32; NaN where a joint was not annotated.
        visible: Whether a joint is annotated and can be seen, `(n, j)`.
        skeleton: Names, parents and order of the joints.
        names: Image of each record.
        images: The pictures, where they are at hand.
        centers: Centre of each person in pixels, `(n, 2)`, where the set gives it.
        scales: Size of each person as the set defines it (its reader says how), `(n,)`.
        skipped: One line for each record left out by `on_bad="skip"`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ("points", "visible", "names", "images", "centers", "scales")

    points: Float[Tensor, "n j 2"]
    visible: Bool[Tensor, "n j"]
    skeleton: Skeleton
    names: tuple[str, ...] = ()
    images: LazyImages | Tensor | None = None
    centers: Float[Tensor, "n 2"] | None = None
    scales: Float[Tensor, " n"] | None = None
    skipped: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.points.ndim != 3 or self.points.shape[1:] != (len(self.skeleton), 2):
            raise ValueError(
                f"`points` has shape {tuple(self.points.shape)}: {self.skeleton.name} needs "
                f"(n, {len(self.skeleton)}, 2)"
            )
