"""Pictures of people that the experiments of lessons 14 and 15 share: drawn once, kept under `runs/`."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from safetensors.torch import load_file, save
from torch import Tensor

from course_lib.geometry import H36M_17
from course_lib.losses import order_from_depth
from course_lib.papers.ordinal_depth import PoseBatch, cells_to_crop
from course_lib.training import generator
from course_lib.training.folder import write_atomically
from course_lib.worlds import people

SIZE = 64
CACHE = Path(__file__).resolve().parents[2] / "runs" / "people_pool"
CHUNK = 500  # pictures drawn at once


@dataclass(frozen=True)
class Pool:
    """Pictures of people and all that is known about them.

    Attributes:
        images: RGB, 0 to 255, `(m, 3, s, s)`.
        points: Joints in the crop, -1 and 1 its edges, `(m, 17, 2)`.
        joints: Joints in the camera frame, metres, `(m, 17, 3)`, in the order of H36M_17.
        intrinsics: Camera matrices, pixels, `(m, 3, 3)`.
        visible: Which joints are seen, 1 or 0.
    """

    images: UInt8[Tensor, "m 3 s s"]
    points: Float[Tensor, "m 17 2"]
    joints: Float[Tensor, "m 17 3"]
    intrinsics: Float[Tensor, "m 3 3"]
    visible: UInt8[Tensor, "m 17"]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def __getitem__(self, rows: Tensor | slice) -> "Pool":
        """Some of the pictures."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @property
    def depth(self) -> Float[Tensor, "m 17"]:
        """Depths relative to the root, metres."""
        return self.joints[..., 2] - self.joints[:, :1, 2]

    def order(self, threshold: float = 0.1) -> Float[Tensor, "m 17 17"]:
        """True relations."""
        return order_from_depth(self.joints[..., 2], threshold)

    def batch(self, labels: str, *, order: Tensor | None = None) -> PoseBatch:
        """Pictures with some of their labels.

        Args:
            labels: `metric` (places and depths), `ordinal` (places and relations) or `2d` (places).
            order: Relations to use instead of the true ones.
        """
        nothing = torch.full_like(self.points[..., 0], torch.nan)
        if labels != "ordinal":
            order = nothing[..., None].expand(-1, -1, nothing.shape[-1])
        elif order is None:
            order = self.order()
        return PoseBatch(
            images=self.images.float() / 255,
            points=self.points,
            depth=self.depth if labels == "metric" else nothing,
            order=order,
        )


def pool(domain: str, seed: int, n: int, *, size: int = SIZE, cache: bool = True, compiled: bool | None = None) -> Pool:
    """Draw `n` people, or read them back if they were drawn before; deleting `runs/` loses nothing.

    Args:
        domain: "studio" or "wild".
        seed: Of the factors.
        n: Pictures.
        size: Pixels.
        cache: Whether to keep and reuse the pictures.
        compiled: As in `course_lib.worlds.kernel.Kernel`.
    """
    path = CACHE / f"{domain}-{seed}-{n}-{size}.safetensors"
    if cache and path.exists():
        return Pool(**load_file(path))
    factors = people.sample_factors(n, generator=generator(seed), domain=domain)
    parts = []
    for start in range(0, n, CHUNK):
        drawn = people.render(factors[start : start + CHUNK], size=size, compiled=compiled)
        parts.append(
            Pool(
                images=(255 * drawn.images).round().to(torch.uint8),
                points=cells_to_crop(drawn.joints_2d, size),
                joints=drawn.joints_3d,
                intrinsics=drawn.intrinsics,
                visible=drawn.visible.to(torch.uint8),
            )
        )
    whole = Pool(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Pool)})
    if cache:
        CACHE.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save({f.name: getattr(whole, f.name).contiguous() for f in fields(Pool)}))
    return whole


FLIP = H36M_17.flip
