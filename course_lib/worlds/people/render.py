"""Pictures of people with everything that is known about them."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.geometry import H36M_17, project, transform_points
from course_lib.worlds.people.picture import paint
from course_lib.worlds.people import tracing
from course_lib.worlds.people.activities import ACTIVITIES
from course_lib.worlds.people.body import MATERIALS, PARTS, Pieces, body_pieces, frames, lowest
from course_lib.worlds.people.camera import Camera, fit_camera, place_camera
from course_lib.worlds.people.clothes import looks
from course_lib.worlds.people.factors import PeopleFactors
from course_lib.worlds.people.pose_prior import body_joints

# Pieces that cast shadows.
_BLOCKERS = ("hips", "belly", "chest", "head") + tuple(
    side + name
    for side in ("right_", "left_")
    for name in ("upper_arm", "forearm", "thigh", "shin", "foot")
)

# Metres from the body's surface to a joint seen from any side, with some slack.
_THICKNESS = {
    "pelvis": 0.19,
    "hip": 0.17,
    "knee": 0.1,
    "ankle": 0.09,
    "spine": 0.17,
    "thorax": 0.15,
    "jaw": 0.1,
    "head_top": 0.14,
    "shoulder": 0.12,
    "elbow": 0.08,
    "wrist": 0.07,
}


@dataclass(frozen=True)
class PeopleImages:
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


def render(
    factors: PeopleFactors, *, size: int | tuple[int, int] = 64, samples: int = 2, compiled: bool | None = None
) -> PeopleImages:
    """Draw people.

    Args:
        factors: What to draw.
        size: Pixels, (height, width), or one number for both.
        samples: Rays across a pixel: 2 means 2 x 2, 4 gives smoother edges for a figure.
        compiled: As in `Kernel`.
    """
    height, width = _size(size)
    joints = people_joints(factors)
    camera = place_camera(factors, joints, height, width)
    seat = factors.activity == ACTIVITIES.index("sitting")
    floor = torch.zeros_like(factors.phase)
    return _render(joints, factors, camera, floor, seat, (height, width), samples, compiled)


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
        floor: Height of the ground in the world; by default below the lowest foot of each pose.
        size: Pixels, (height, width), or one number for both.
        samples: Rays across a pixel, as in `render`.
        compiled: As in `Kernel`.
    """
    height, width = _size(size)
    count = len(joints)
    if len(appearance) not in (1, count):
        raise ValueError(f"`appearance` has {len(appearance)} rows for {count} poses: give one a pose, or one")
    if len(appearance) != count:
        appearance = appearance.repeat(count)
    if camera_from_world is None:
        # The camera frame with y turned up: a level camera at the origin of the world, looking along -z.
        level = torch.diag(joints.new_tensor([1.0, -1.0, -1.0, 1.0]))
        camera_from_world = level.expand(count, 4, 4)
        joints = transform_points(level, joints)
    camera_from_world = camera_from_world.expand(count, 4, 4)
    if floor is None:
        floor = lowest(joints)
    floor = torch.as_tensor(floor, dtype=joints.dtype, device=joints.device).expand(count)
    if intrinsics is None:
        intrinsics = fit_camera(joints, camera_from_world, height, width)
    camera = Camera(intrinsics.expand(count, 3, 3), camera_from_world)
    seat = torch.zeros(count, dtype=torch.bool, device=joints.device)
    return _render(joints, appearance, camera, floor, seat, (height, width), samples, compiled)


def _render(joints, factors, camera, floor, seat, size, samples, compiled) -> PeopleImages:
    height, width = size
    turned = frames(joints)
    pieces = body_pieces(joints, factors, floor, seat=seat)
    table = looks(pieces, turned, joints, factors)
    joints_3d = transform_points(camera.from_world, joints)
    anchor = joints_3d[:, 0]
    view = _view(factors, camera, anchor, floor)
    shapes = _shapes(pieces, camera, anchor)
    table = _table_to_camera(table, camera, anchor)
    blockers = _blockers(pieces, camera, anchor)
    color, mask, depth, index = paint(view, shapes, table, blockers, size, samples=samples, compiled=compiled)
    part = torch.tensor((*pieces.part, 0), device=joints.device)[index]
    material = torch.tensor((*pieces.material, 0), device=joints.device)[index]
    joints_2d = project(joints_3d, camera.intrinsics)
    return PeopleImages(
        images=color,
        mask=mask,
        parts=part,
        materials=material,
        depth=torch.where(part > 0, depth, 0.0),
        joints_3d=joints_3d,
        joints_2d=joints_2d,
        visible=_visible(joints_2d, joints_3d[..., 2], depth),
        intrinsics=camera.intrinsics,
        camera_from_world=camera.from_world,
    )


def _visible(pixels: Tensor, distance: Tensor, surface: Tensor) -> Tensor:
    """Whether joints are in the picture and not farther behind the first surface than the body around them is thick."""
    height, width = surface.shape[-2:]
    column, row = pixels.round().long().unbind(-1)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    seen = surface.flatten(1).gather(1, place)
    thick = pixels.new_tensor([_THICKNESS[joint.removeprefix("right_").removeprefix("left_")] for joint in H36M_17.joints])
    return inside & ((seen == 0) | (seen > distance - thick))


def _size(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise ValueError(f"`size` (={size}) must be positive: give pixels, or (height, width)")
    return height, width


def _rotate(rotation: Tensor, vectors: Tensor) -> Tensor:
    """Rotation `(b, 3, 3)` of vectors `(b, k, 3)`, written out so that a row does not depend on the batch."""
    return (rotation[:, None] * vectors[:, :, None]).sum(-1)


def _view(factors: PeopleFactors, camera: Camera, anchor: Tensor, floor: Tensor) -> Tensor:
    """Camera, light and scene as `(b, VIEW_ROWS)`."""
    k, rotation = camera.intrinsics, camera.from_world[:, :3, :3]
    to_world = rotation.mT
    position = -_rotate(to_world, camera.from_world[:, None, :3, 3])[:, 0]
    azimuth, elevation = factors.light_azimuth, factors.light_elevation
    # The light stays with the camera's view: its azimuth counts from the camera's own.
    backward = -rotation[:, 2]
    level = torch.stack([backward[:, 0], torch.zeros_like(azimuth), backward[:, 2]], -1)
    level = level / level.square().sum(-1, keepdim=True).clamp_min(1e-8).sqrt()
    right = torch.stack([level[:, 2], torch.zeros_like(azimuth), -level[:, 0]], -1)
    flat = azimuth.cos()[:, None] * level + azimuth.sin()[:, None] * right
    up = level.new_tensor([0.0, 1.0, 0.0])
    toward = elevation.cos()[:, None] * flat + elevation.sin()[:, None] * up
    toward = _rotate(rotation, toward[:, None])[:, 0]
    strength = factors.light_strength
    key, ambient = 0.35 + 0.75 * strength, 0.72 - 0.34 * strength
    columns = [
        1 / k[:, 0, 0, None], k[:, :2, 2], anchor[:, 2:], anchor[:, :2] / anchor[:, 2:], to_world.flatten(1), position,
        toward, key[:, None], ambient[:, None], factors.scene[:, None].to(k.dtype), factors.wall_color,
        factors.wall_accent, factors.floor_color, factors.floor_accent, factors.texture_size[:, None],
        factors.texture_place, factors.wall_distance[:, None], floor[:, None],
    ]
    view = torch.cat(columns, -1)
    return torch.cat([view, view.new_zeros(len(view), tracing.VIEW_ROWS - view.shape[1])], -1)


def _shapes(pieces: Pieces, camera: Camera, anchor: Tensor) -> Tensor:
    """Geometry of the pieces in the camera frame as `(b, SHAPE_ROWS, k)`."""
    rotation = camera.from_world[:, :3, :3]
    start = _rotate(rotation, pieces.start) + (camera.from_world[:, None, :3, 3] - anchor[:, None])
    axis, lateral = _rotate(rotation, pieces.axis), _rotate(rotation, pieces.lateral)
    third = torch.linalg.cross(lateral, axis)
    a, b = (pieces.squash**-2).unbind(-1)
    metric = {}
    for name, (i, k) in {"xx": (0, 0), "xy": (0, 1), "yy": (1, 1), "xz": (0, 2), "yz": (1, 2), "zz": (2, 2)}.items():
        metric[name] = (
            axis[..., i] * axis[..., k] + a * lateral[..., i] * lateral[..., k] + b * third[..., i] * third[..., k]
        )
    x, y, z = start.unbind(-1)
    wx = metric["xx"] * x + metric["xy"] * y + metric["xz"] * z
    wy = metric["xy"] * x + metric["yy"] * y + metric["yz"] * z
    wz = metric["xz"] * x + metric["yz"] * y + metric["zz"] * z
    r0, r1 = pieces.radii.unbind(-1)
    taper = (r0 - r1) / pieces.length
    rows = [
        *metric.values(), wx, wy, wz, wx * x + wy * y + wz * z, *axis.unbind(-1), (axis * start).sum(-1),
        pieces.length, r0, r1, taper, 1 - taper * taper, *pieces.keep.unbind(-1), x, y, z,
        pieces.squash.amax(-1).clamp_min(1),
    ]
    return torch.stack(rows, 1)


def _table_to_camera(table: Tensor, camera: Camera, anchor: Tensor) -> Tensor:
    """Turn the directions in a table of looks from the world to the camera frame around the anchor."""
    rotation, move = camera.from_world[:, :3, :3], camera.from_world[:, :3, 3]
    shift = (anchor - move)[:, None]  # camera frame
    columns = [table[:, :7]]
    for row in (7, 11):
        direction = _rotate(rotation, table[:, row : row + 3].mT)
        offset = table[:, row + 3] + (direction * shift).sum(-1)
        columns += [direction.mT, offset[:, None]]
    columns += [_rotate(rotation, table[:, 15:18].mT).mT, table[:, 18:]]
    return torch.cat(columns, 1)


def _blockers(pieces: Pieces, camera: Camera, anchor: Tensor) -> Tensor:
    """Capsules that cast shadows, in the camera frame around the anchor, `(b, 7, m)`."""
    chosen = [pieces.names.index(name) for name in _BLOCKERS]
    rotation = camera.from_world[:, :3, :3]
    start = _rotate(rotation, pieces.start[:, chosen]) + (camera.from_world[:, None, :3, 3] - anchor[:, None])
    axis = _rotate(rotation, pieces.axis[:, chosen]) * pieces.length[:, chosen, None]
    radius = 0.5 * pieces.radii[:, chosen].sum(-1)
    return torch.cat([start.mT, axis.mT, radius[:, None]], 1)
