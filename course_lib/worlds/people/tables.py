"""Camera, light, scene and pieces as tables of numbers, in the camera frame, for the pixel kernels."""

import torch
from torch import Tensor

from course_lib.worlds.people.body import unit
from course_lib.worlds.people.camera import Camera
from course_lib.worlds.people.factors import PeopleFactors
from course_lib.worlds.people.pieces import Pieces

# Pieces that cast shadows.
_BLOCKERS = ("hips", "belly", "chest", "head") + tuple(
    side + name for side in ("right_", "left_") for name in ("upper_arm", "forearm", "thigh", "shin", "foot")
)


def _rotate(rotation: Tensor, vectors: Tensor) -> Tensor:
    """Rotation `(b, 3, 3)` of vectors `(b, k, 3)`, written out so that a row does not depend on the batch."""
    return (rotation[:, None] * vectors[:, :, None]).sum(-1)


def view_table(factors: PeopleFactors, camera: Camera, anchor: Tensor, ground: Tensor) -> Tensor:
    """Camera, light and scene as `(b, VIEW_ROWS)`.

    Floor and wall are given in the frame of a stage: x to the right of the picture, y up, z level towards the camera,
    the origin on the ground. Light comes from a direction of the stage, so it turns with the camera.
    """
    k, rotation = camera.intrinsics, camera.from_world[:, :3, :3]
    position = -_rotate(rotation.mT, camera.from_world[:, None, :3, 3])
    flat = rotation.new_tensor([1.0, 0.0, 1.0])
    toward = unit(-rotation[:, 2] * flat + 1e-4 * rotation[:, 1].abs() * flat)
    up = torch.tensor([0.0, 1.0, 0.0], device=k.device).expand_as(toward)
    stage = torch.stack([torch.linalg.cross(up, toward), up, toward], 1)
    from_camera = (stage[:, :, None] * rotation[:, None]).sum(-1)
    azimuth, elevation = factors.light_azimuth, factors.light_elevation
    level = elevation.cos()
    lamp = torch.stack([azimuth.sin() * level, elevation.sin(), azimuth.cos() * level], -1)
    strength = factors.light_strength[:, None]
    columns = [
        1 / k[:, 0, 0, None],
        k[:, :2, 2],
        anchor[:, 2:],
        anchor[:, :2] / anchor[:, 2:],
        from_camera.flatten(1),
        _rotate(stage, position - ground[:, None])[:, 0],
        _rotate(from_camera.mT, lamp[:, None])[:, 0],
        0.35 + 0.75 * strength,
        0.72 - 0.34 * strength,
        factors.scene[:, None].to(k.dtype),
        factors.wall_colour,
        factors.wall_accent,
        factors.floor_colour,
        factors.floor_accent,
        factors.texture_size[:, None],
        factors.texture_place,
        factors.wall_distance[:, None],
    ]
    return torch.cat(columns, -1)


def shapes_table(pieces: Pieces, camera: Camera, anchor: Tensor) -> Tensor:
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
        *metric.values(),
        wx,
        wy,
        wz,
        wx * x + wy * y + wz * z,
        *axis.unbind(-1),
        (axis * start).sum(-1),
        pieces.length,
        r0,
        r1,
        taper,
        1 - taper * taper,
        *pieces.keep.unbind(-1),
        x,
        y,
        z,
        pieces.squash.amax(-1).clamp_min(1),
    ]
    return torch.stack(rows, 1)


def to_camera(table: Tensor, camera: Camera, anchor: Tensor) -> Tensor:
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


def blockers_table(pieces: Pieces, camera: Camera, anchor: Tensor) -> Tensor:
    """Capsules that cast shadows, in the camera frame around the anchor, `(b, 7, m)`."""
    chosen = [pieces.names.index(name) for name in _BLOCKERS]
    rotation = camera.from_world[:, :3, :3]
    start = _rotate(rotation, pieces.start[:, chosen]) + (camera.from_world[:, None, :3, 3] - anchor[:, None])
    axis = _rotate(rotation, pieces.axis[:, chosen]) * pieces.length[:, chosen, None]
    radius = 0.5 * pieces.radii[:, chosen].sum(-1)
    return torch.cat([start.mT, axis.mT, radius[:, None]], 1)
