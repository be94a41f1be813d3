"""Pictures of people with everything that is known about them."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.geometry import H36M_17, project, transform_points
from course_lib.worlds.checks import check_factors, height_and_width
from course_lib.worlds.people.activities import ACTIVITIES
from course_lib.worlds.people.body import frames, lowest
from course_lib.worlds.people.camera import Camera, fit_camera, place_camera
from course_lib.worlds.people.clothes import looks
from course_lib.worlds.people.dressing import body_pieces
from course_lib.worlds.people.factors import PeopleFactors
from course_lib.worlds.people.picture import paint
from course_lib.worlds.people.pose_prior import body_joints
from course_lib.worlds.people.tables import blockers_table, shapes_table, to_camera, view_table
from course_lib.worlds.people.visibility import visible_joints
from course_lib.worlds.short_repr import ShortRepr


@dataclass(frozen=True)
class PeopleImages(ShortRepr):
    """Pictures of people and their ground truth; n pictures of h x w pixels.

    Attributes:
        images: RGB in [0, 1].
        mask: How much of a pixel the person covers, 0 to 1.
        parts: Part of the body at each pixel's centre, a row of `PARTS`; 0 for the background (a stool too).
        materials: What is seen there, a row of `MATERIALS`: skin, hair, top, bottom, shoes, seat.
        depth: Depth of the person at each pixel's centre, metres; 0 where the person is not (see `parts`).
        joints_3d: Joints in the order of H36M_17, camera frame, metres.
        joints_2d: Joints in pixels.
        visible: Whether a joint is inside the picture and not behind a part of the body that does not hold it, or
            behind the stool.
        intrinsics: Camera matrices in pixels.
        camera_from_world: Poses of the cameras; in the world y is up, 0 the floor, the pelvis at x = z = 0.
    """

    images: Float[Tensor, "n 3 h w"]
    mask: Float[Tensor, "n 1 h w"]
    parts: Int[Tensor, "n 1 h w"]
    materials: Int[Tensor, "n 1 h w"]
    depth: Float[Tensor, "n 1 h w"]
    joints_3d: Float[Tensor, "n 17 3"]
    joints_2d: Float[Tensor, "n 17 2"]
    visible: Bool[Tensor, "n 17"]
    intrinsics: Float[Tensor, "n 3 3"]
    camera_from_world: Float[Tensor, "n 4 4"]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)


def render(
    factors: PeopleFactors, *, size: int | tuple[int, int] = 64, samples: int = 2, compiled: bool | None = None
) -> PeopleImages:
    """Draw people.

    Args:
        factors: What to draw.
        size: Pixels, (height, width), or one number for both.
        samples: Rays across a pixel: 2 means 2 x 2, 4 gives smoother edges for a figure.
        compiled: As in `Kernel`.

    Raises:
        ValueError: Factors of another world, no picture, or a `size` or `samples` that cannot be.
    """
    check_factors(factors, PeopleFactors)
    height, width = _size(size)
    if not len(factors):
        raise ValueError("`factors` holds no pictures (n = 0): draw at least one")
    joints = people_joints(factors)
    camera = place_camera(factors, joints, height, width)
    seat = factors.activity == ACTIVITIES.index("sitting")
    ground = torch.zeros_like(joints[:, 0])
    return _render(joints, factors, camera, ground, seat, (height, width), samples, compiled)


def people_joints(factors: PeopleFactors) -> Float[Tensor, "n 17 3"]:
    """Joints in the order of H36M_17, world frame, metres: y up, the floor at 0, the pelvis above the origin."""
    joints = body_joints(factors)
    rise = torch.stack([torch.zeros_like(factors.phase), -lowest(joints), torch.zeros_like(factors.phase)], -1)
    return joints + rise[:, None]


def render_joints(
    joints: Float[Tensor, "n 17 3"],
    appearance: PeopleFactors,
    *,
    camera_from_world: Float[Tensor, "... 4 4"] | None = None,
    intrinsics: Float[Tensor, "... 3 3"] | None = None,
    floor: float | Float[Tensor, " n"] | None = None,
    size: int | tuple[int, int] = 64,
    samples: int = 2,
    compiled: bool | None = None,
) -> PeopleImages:
    """Draw given poses in given clothes, for example motion capture.

    Args:
        joints: Joints in the order of H36M_17, metres; in the world frame (y up) if `camera_from_world` is given, in
            the camera frame (y down) otherwise.
        appearance: Build, hair, clothes, light and background; its pose is not used. One row, or one a pose.
        camera_from_world: The cameras; one, or one a pose.
        intrinsics: In pixels of the picture of `size`; by default the crop that fits the body.
        floor: Height of the ground in the world; by default below the lowest foot, of all poses where they share a
            camera and of each pose otherwise.
        size: Pixels, (height, width), or one number for both.
        samples: Rays across a pixel, as in `render`.
        compiled: As in `Kernel`.
    """
    check_factors(appearance, PeopleFactors, "appearance")
    height, width = _size(size)
    count = len(joints)
    if len(appearance) not in (1, count):
        raise ValueError(f"`appearance` has {len(appearance)} rows for {count} poses: give one a pose, or one")
    if len(appearance) != count:
        appearance = appearance.repeat(count)
    if camera_from_world is None:
        # The camera frame turned upright: a level camera at the origin of the world, looking along -z.
        camera_from_world = torch.diag(joints.new_tensor([1.0, -1.0, -1.0, 1.0]))
        joints = transform_points(camera_from_world, joints)
        shared = False
    else:
        shared = camera_from_world.ndim == 2 or len(camera_from_world) == 1
    camera_from_world = camera_from_world.expand(count, 4, 4)
    depths = transform_points(camera_from_world, joints)[..., 2]
    if not bool((depths > 0.3).all()) or not bool(joints.isfinite().all()):
        raise ValueError(
            f"`joints` come as near as {depths.amin():g} m to the camera's plane, nan where they are not finite: they "
            "must be finite and lie in front of it, by 0.3 m at least; "
            "give joints in the camera frame (y down, z forward), or in the world with `camera_from_world`"
        )
    heights, places = lowest(joints), joints[:, 0]
    if shared:  # one camera films one place
        heights, places = heights.amin().expand(count), places.mean(0).expand(count, 3)
    if floor is not None:
        heights = torch.as_tensor(floor, dtype=joints.dtype, device=joints.device).expand(count)
    ground = torch.stack([places[:, 0], heights, places[:, 2]], -1)
    if intrinsics is None:
        intrinsics = fit_camera(joints, camera_from_world, height, width)
    camera = Camera(intrinsics.expand(count, 3, 3), camera_from_world)
    seat = torch.zeros(count, dtype=torch.bool, device=joints.device)
    return _render(joints, appearance, camera, ground, seat, (height, width), samples, compiled)


def _render(
    joints: Tensor,
    factors: PeopleFactors,
    camera: Camera,
    ground: Tensor,
    seat: Tensor,
    size: tuple[int, int],
    samples: int,
    compiled: bool | None,
) -> PeopleImages:
    """Draw people whose joints stand in the world; `ground` is the origin of the stage, `(n, 3)`."""
    turned = frames(joints)
    pieces = body_pieces(joints, factors, ground[:, 1], seat=seat)
    table = looks(pieces, turned, joints, factors)
    joints_3d = transform_points(camera.from_world, joints)
    anchor = joints_3d[:, 0]
    view = view_table(factors, camera, anchor, ground)
    shapes = shapes_table(pieces, camera, anchor)
    table = to_camera(table, camera, anchor)
    blockers = blockers_table(pieces, camera, anchor)
    colour, mask, depth, index = paint(view, shapes, table, blockers, size, samples=samples, compiled=compiled)
    part = torch.tensor((*pieces.part, 0), device=joints.device)[index]
    material = torch.tensor((*pieces.material, 0), device=joints.device)[index]
    joints_2d = project(joints_3d, camera.intrinsics)
    return PeopleImages(
        images=colour,
        mask=mask,
        parts=part,
        materials=material,
        depth=torch.where(part > 0, depth, 0.0),
        joints_3d=joints_3d,
        joints_2d=joints_2d,
        visible=visible_joints(joints_2d, joints_3d[..., 2], depth, H36M_17.joints),
        intrinsics=camera.intrinsics,
        camera_from_world=camera.from_world,
    )


def _size(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = height_and_width(size)
    if min(height, width) < 1:
        raise ValueError(f"`size` (={size}) must be positive: give pixels, or (height, width)")
    return height, width
