"""Where the camera stands and which crop of its picture is taken.

The camera is that of Human3.6M: about 1150 pixels of focal length for a picture of 1000, at 4 to 6 m, level or looking
down a little. Of that picture the crop around the person is kept and scaled to the size asked for. The crop follows
the body: its side is the longer side of the body's outline with a margin, so that focal length and size of the full
picture cancel, and only the perspective that distance and pitch give remains.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry import H36M_17, make_transform, transform_points
from course_lib.worlds.people.body import outline
from course_lib.worlds.people.factors import PeopleFactors
from course_lib.worlds.short_repr import ShortRepr

FOCAL = 1150.0  # pixels, for the full picture of 1000 x 1000 pixels
MARGIN = 1.09  # crop relative to the body
SMALLEST = 1.45  # metres at the distance of the body: a crouching person does not fill the picture


@dataclass(frozen=True)
class Camera(ShortRepr):
    """Cameras of n pictures.

    Attributes:
        intrinsics: Pixels of the crop; the centre of the top left pixel is (0, 0).
        from_world: `camera_from_world`, metres.
    """

    intrinsics: Float[Tensor, "n 3 3"]
    from_world: Float[Tensor, "n 4 4"]


def place_camera(factors: PeopleFactors, joints: Float[Tensor, "n 17 3"], height: int, width: int) -> Camera:
    """Camera and crop for people whose pelvis stands at x = z = 0 of the world.

    Args:
        factors: Distance, pitch, side, zoom and shift.
        joints: World frame, metres.
        height: Pixels.
        width: Pixels.
    """
    sine, cosine = factors.pitch.sin(), factors.pitch.cos()
    zero, one = torch.zeros_like(sine), torch.ones_like(sine)
    rows = [one, zero, zero, zero, -cosine, sine, zero, -sine, -cosine]  # right, down, forward in the world
    rotation = torch.stack(rows, -1).unflatten(-1, (3, 3))
    middle = 0.53 * factors.stature
    position = torch.stack([-factors.side, middle + factors.distance * factors.pitch.tan(), factors.distance], -1)
    from_world = make_transform(rotation, -(rotation * position[:, None]).sum(-1))
    return Camera(_fit(factors, joints, from_world, height, width), from_world)


def fit_camera(
    joints: Float[Tensor, "n 17 3"],
    from_world: Float[Tensor, "n 4 4"],
    height: int,
    width: int,
    factors: PeopleFactors | None = None,
) -> Float[Tensor, "n 3 3"]:
    """Intrinsics of the crop around people seen by any camera; `factors` may zoom and shift it."""
    return _fit(factors, joints, from_world, height, width)


def _fit(
    factors: PeopleFactors | None, joints: Tensor, from_world: Tensor, height: int, width: int
) -> Float[Tensor, "n 3 3"]:
    points = transform_points(from_world, outline(joints))
    plane = points[..., :2] / points[..., 2:].clamp_min(0.1)
    low, high = plane.amin(1), plane.amax(1)
    half = 0.5 * MARGIN * (high - low)
    depth = points[:, H36M_17.index("pelvis"), 2].clamp_min(0.1)
    extent = torch.stack([half[:, 1], half[:, 0] * (height / width), 0.5 * SMALLEST / depth]).amax(0)
    # Sideways the pelvis is the middle, as far as the body allows, so that swinging arms do not shake the picture.
    middle, room = 0.5 * (low + high), (extent * (width / height))[:, None] - half
    pelvis = plane[:, H36M_17.index("pelvis"), 0]
    across = torch.minimum(torch.maximum(pelvis, middle[:, 0] - room[:, 0]), middle[:, 0] + room[:, 0])
    middle = torch.stack([across, middle[:, 1]], -1)
    focal = 0.5 * height / extent
    if factors is not None:
        focal = focal * factors.zoom
        middle = middle - factors.shift * (focal.new_tensor([width, height]) / focal[:, None])
    center = middle.new_tensor([(width - 1) / 2, (height - 1) / 2]) - focal[:, None] * middle
    zero, one = torch.zeros_like(focal), torch.ones_like(focal)
    rows = [focal, zero, center[:, 0], zero, focal, center[:, 1], zero, zero, one]
    return torch.stack(rows, -1).unflatten(-1, (3, 3))
