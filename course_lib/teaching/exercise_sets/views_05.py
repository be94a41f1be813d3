"""Exercises 05.3 to 05.5 of lesson 05: the depth of a sphere, the motion between two views, and a mirrored picture."""

import math

import torch
from torch import Tensor

from course_lib.teaching.exercise_sets import references_05 as by
from course_lib.teaching.exercises import Exercise, Slip


def _tensor(*entries: object) -> Tensor:
    return torch.tensor(entries, dtype=torch.float64)


# 05.3


def _entry(
    rays: Tensor, centre: Tensor, radius: float, *, root: int = -1, miss: float = math.inf, behind: bool = False
) -> Tensor:
    """Depths with a slip: another root, another value for a miss, or hits behind the camera kept."""
    a, b, c = (rays**2).sum(1), rays @ centre, centre @ centre - radius**2
    inside = b**2 - a * c
    depth = (b + root * inside.clamp(min=0).sqrt()) / a
    if not behind:
        depth = torch.where(depth > 0, depth, math.inf)
    return torch.where(inside >= 0, depth, miss)


def _unit(rays: Tensor) -> Tensor:
    return rays / rays.norm(dim=1, keepdim=True)


def _length_one(rays: Tensor, centre: Tensor, radius: float) -> Tensor:
    """The root of a quadratic whose first coefficient was left out."""
    b = rays @ centre
    inside = b**2 - (centre @ centre - radius**2)
    depth = b - inside.clamp(min=0).sqrt()
    return torch.where((inside >= 0) & (depth > 0), depth, math.inf)


def _closest(rays: Tensor, centre: Tensor) -> Tensor:
    return rays @ centre / (rays**2).sum(1)


SPHERE = Exercise(
    id="05.3",
    title="the depth of a sphere",
    draw=by.draw_sphere,
    reference=by.by_bisection,
    method="a search along each ray, which halves its steps and has no formula for the root",
    hints=(
        "Put the point t * ray into the equation of the sphere: its squared distance from the centre is the squared "
        "radius. That is a quadratic in t. What does it mean if it has no root, and if its root is negative?",
        "(5.15) to (5.17) with n = 0: A = v.v, B = a.v, C = a.a - r^2, t = (B - sqrt(B^2 - A C)) / A; no hit where "
        "B^2 - A C < 0 or t < 0",
        "a = (rays**2).sum(1); b = rays @ centre; c = ...; inside = b**2 - a * c; "
        "t = (b - inside.clamp(min=0).sqrt()) / a; return torch.where((inside >= 0) & (...), t, math.inf)",
    ),
    stub="sphere_depth",
    solution="sphere_depth_solution",
    draws=30,
    valid=by.is_sphere,
    edges=(
        (_tensor([0.0, 0.0, 1.0]), _tensor(0.0, 0.0, 3.0), 1.0),
        (_tensor([0.75, 0.0, 1.0]), _tensor(3.0, 0.0, 4.0), 2.5),
        (_tensor([0.0, 0.0, 1.0]), _tensor(3.0, 0.0, 4.0), 1.0),
        (_tensor([0.0, 0.0, 1.0]), _tensor(0.0, 0.0, -3.0), 1.0),
        (_tensor([0.0, 0.0, 1.0], [1.0, 0.0, 1.0]), _tensor(0.0, 0.0, 2.0), 0.5),
    ),
    slips=(
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, centre, radius, root=1),
            says="that is the far root, where the ray leaves the sphere again: what is seen is the near side, with "
            "minus before the square root",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, centre, radius, root=1, miss=math.nan, behind=True),
            says="that is the far root, where the ray leaves again; it is NaN where the ray misses, and negative "
            "behind the camera",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(_unit(rays), centre, radius),
            says="that is the length of the ray up to the hit: do not normalise the rays; with third component 1 the "
            "root is the depth",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(_unit(rays), centre, radius, miss=math.nan, behind=True),
            says="that is the length of the ray and not the depth; it is NaN where the ray misses, and negative "
            "behind the camera",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, centre, radius, miss=math.nan, behind=True),
            says="the root is right where there is a hit, but it is NaN where the ray misses, and negative where the "
            "sphere is behind the camera: both are inf",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, centre, radius, miss=math.nan),
            says="it is NaN where the ray misses: the square root of a negative number; a miss is inf, so that a "
            "minimum over several shapes finds the nearest",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, centre, radius, behind=True),
            says="hits behind the camera are kept: a negative depth is no hit, and it would win every minimum",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, centre, radius).nan_to_num(posinf=0.0),
            says="a miss is 0: that is nearer than everything else, so it would win every minimum; return inf",
        ),
        Slip(
            wrong=lambda rays, centre, radius: torch.where(
                (_closest(rays, centre) > 0) & _entry(rays, centre, radius).isinf(),
                _closest(rays, centre),
                _entry(rays, centre, radius),
            ),
            says="a miss gets the depth at which the ray passes nearest to the centre: clamping what stands under the "
            "square root is good, but a miss must still become inf",
        ),
        Slip(
            wrong=_length_one,
            says="A is left out, as if the rays had length 1: with third component 1 they are longer, so multiply C "
            "by A and divide by A",
        ),
        Slip(
            wrong=lambda rays, centre, radius: 2 * _entry(rays, centre, radius),
            says="twice the depth: the quadratic is A t^2 - 2 B t + C, and the 2 cancels against that of the 2 A",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, -centre, radius),
            says="the sphere is on the wrong side of the camera: the middle term of the quadratic is -2 B t, so B "
            "enters the root with a plus",
        ),
        Slip(
            wrong=lambda rays, centre, radius: _entry(rays, centre, math.sqrt(radius)),
            says="the radius must be squared: squared distances are compared",
        ),
    ),
)

# 05.4


def _pose(rotation: list[list[float]], place: list[float]) -> Tensor:
    rows = [[*turn, float(step)] for turn, step in zip(rotation, place, strict=True)]
    return torch.tensor([*rows, [0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)


def _assembled(rotation: Tensor, translation: Tensor) -> Tensor:
    top = torch.cat([rotation, translation[:, None]], 1)
    return torch.cat([top, top.new_tensor([[0.0, 0.0, 0.0, 1.0]])])


def _step(world_from_camera_1: Tensor, world_from_camera_2: Tensor) -> Tensor:
    """The step of the camera, in the axes of the world."""
    return world_from_camera_2[:3, 3] - world_from_camera_1[:3, 3]


def _turn(world_from_camera_1: Tensor, world_from_camera_2: Tensor) -> Tensor:
    return world_from_camera_2[:3, :3].T @ world_from_camera_1[:3, :3]


STRAIGHT = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
RIGHT = [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]  # a quarter turn about y: the camera looks to the right
UP = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]  # and one about x

MOTION = Exercise(
    id="05.4",
    title="the motion between two frames, mended",
    draw=by.draw_cameras,
    reference=by.by_axes,
    method="the origin and three points of frame 1, carried into the world and looked at along the axes of frame 2",
    hints=(
        "Follow one point. It is given in frame 1; which matrix takes it into the world? And which takes it from the "
        "world into frame 2?",
        "camera_2_from_camera_1 = camera_2_from_world @ world_from_camera_1: what stands at the right acts first, and "
        "the names that meet are the same",
        "camera_2_from_world = torch.linalg.inv(...); return camera_2_from_world @ ...",
    ),
    stub="motion_between",
    solution="motion_between_solution",
    valid=by.are_cameras,
    edges=(
        (_pose(STRAIGHT, [0, 0, 0]), _pose(STRAIGHT, [0, 0, 1])),
        (_pose(RIGHT, [1, 0, 0]), _pose(STRAIGHT, [0, 0, 2])),
        (_pose(RIGHT, [0, 1, 0]), _pose(UP, [2, 0, 1])),
    ),
    slips=(
        Slip(
            wrong=lambda one, two: one @ two.inverse(),
            says="that is the first of the two forms in the loader. The right factor acts first, and inverse(C2) "
            "expects a point of the world, where yours is in frame 1",
        ),
        Slip(
            wrong=lambda one, two: one.inverse() @ two,
            says="that is the second of the two forms in the loader: it takes points from frame 2 to frame 1, and "
            "so is the inverse of what is asked",
        ),
        Slip(
            wrong=lambda one, two: two @ one.inverse(),
            says="that is right for world-to-camera matrices, such as those of Virtual KITTI; these are "
            "camera-to-world, so invert the second and not the first",
        ),
        Slip(
            wrong=lambda one, two: two @ one,
            says="no inverse is taken: C2 expects a point of frame 2, and C1 gives one of the world",
        ),
        Slip(
            wrong=lambda one, two: one @ two,
            says="no inverse is taken, and the order is reversed: C1 acts first, so it stands at the right",
        ),
        Slip(
            wrong=lambda one, two: two.T @ one,
            says="the transpose inverts a rotation, but not a 4 x 4 pose: the translation has to be carried along",
        ),
        Slip(
            wrong=lambda one, two: _assembled(two[:3, :3].T, -two[:3, 3]) @ one,
            says="the inverse of a pose is (R^T, -R^T T): you negate the translation, but leave it in the axes of the "
            "world",
        ),
        Slip(
            wrong=lambda one, two: _assembled(_turn(one, two), -_step(one, two)),
            says="the rotation is right, but the translation is still in the axes of the world: turn it into frame 2",
        ),
        Slip(
            wrong=lambda one, two: _assembled(_turn(one, two), _step(one, two)),
            says="the rotation is right, but the translation is the step of the camera in the world: points move the "
            "other way, and along the axes of frame 2",
        ),
        Slip(
            wrong=lambda one, two: _assembled(_turn(one, two), two[:3, :3].T @ _step(one, two)),
            says="the translation has the wrong sign: where the camera moves forward, points come nearer",
        ),
        Slip(
            wrong=lambda one, two: two.inverse(),
            says="that takes points of the world into frame 2, which is right only if frame 1 is the world",
        ),
    ),
)

# 05.5


def _mirrored(points: Tensor, width: float) -> Tensor:
    return torch.stack([width - points[..., 0], points[..., 1]], -1)


def _upside_down(points: Tensor, width: float) -> Tensor:
    return torch.stack([points[..., 0], width - points[..., 1]], -1)


MIRROR = Exercise(
    id="05.5",
    title="the joints of a mirrored picture",
    draw=by.draw_keypoints,
    reference=by.by_reversed_columns,
    method="a lookup of each joint's column in the list of columns from right to left",
    hints=(
        "Two things happen in a mirror. A column changes its place, and a right hand becomes a left one. Where does "
        "column 0 go?",
        "u becomes width - 1 - u, v stays, and joint k gets the place of joint swap[k]",
        "mirrored = points[:, ...].clone(); mirrored[..., 0] = ... - mirrored[..., 0]; return mirrored",
    ),
    stub="mirror_keypoints",
    solution="mirror_keypoints_solution",
    valid=by.in_picture,
    edges=(
        (_tensor([[1.0, 2.0], [5.0, 3.0]]), 8, torch.tensor([1, 0])),
        (_tensor([[4.0, 0.0], [0.0, 1.0], [7.0, 2.0]]), 10, torch.tensor([0, 2, 1])),
    ),
    slips=(
        Slip(
            wrong=lambda points, width, swap: _mirrored(points, width - 1),
            says="left and right joints are not exchanged: the picture now shows a left hand where the right one "
            "was, and its label must follow",
        ),
        Slip(
            wrong=lambda points, width, swap: _mirrored(points[:, swap], width),
            says="all joints are one pixel too far right: the centres of the pixels go from 0 to width - 1, so "
            "that column 0 becomes width - 1, not width",
        ),
        Slip(
            wrong=lambda points, width, swap: _mirrored(points, width),
            says="left and right joints are not exchanged, and all are one pixel too far right: column 0 becomes "
            "width - 1",
        ),
        Slip(
            wrong=lambda points, width, swap: points[:, swap],
            says="the labels are exchanged, but the places are not mirrored: u becomes width - 1 - u",
        ),
        Slip(
            wrong=lambda points, width, swap: _upside_down(points[:, swap], width - 1),
            says="v is mirrored instead of u: that turns the person upside down; u is the first of the two",
        ),
        Slip(
            wrong=lambda points, width, swap: _upside_down(points, width - 1),
            says="v is mirrored instead of u, and left and right joints are not exchanged",
        ),
        Slip(
            wrong=lambda points, width, swap: width - 1 - points[:, swap],
            says="v is mirrored too: that is a half turn of the picture; only u changes",
        ),
        Slip(
            wrong=lambda points, width, swap: width - 1 - points,
            says="v is mirrored too, and left and right joints are not exchanged; only u changes",
        ),
        Slip(
            wrong=lambda points, width, swap: _mirrored(points[:, swap], 0),
            says="u becomes -u, which is outside the picture: count from the other edge, width - 1 - u",
        ),
        Slip(
            wrong=lambda points, width, swap: _mirrored(points.flip(1), width - 1),
            says="the order of all joints is reversed: `swap` says which two change places",
        ),
    ),
)
