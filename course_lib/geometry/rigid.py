"""Rigid motions, SE(3): 4 x 4 matrices, their inverse and product, and the exponential map.

Transforms are named by direction, `target_from_source`: `X_target = R @ X_source + t`. Products then check themselves
by eye, `compose(a_from_b, b_from_c)` is a_from_c. The pose of a camera is `camera_from_world`; many files hold its
inverse.
"""

import functools

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry._checks import batches_fit, last_axes
from course_lib.geometry._precision import full_precision
from course_lib.geometry.rotations import (
    SERIES_BELOW,
    hat,
    matrix_to_axis_angle,
    power_series,
    sinc_terms,
)

# x cot(x) at x = angle / 2: 1 - x cot(x) = sum of |B_2k| / (2k)! angle^2k, k = 1, 2, ... (Bernoulli numbers)
COTANGENT = (
    [1 / 12, 1 / 720, 1 / 30240, 1 / 1209600, 1 / 47900160]
    + [691 / 1307674368000, 1 / 74724249600, 3617 / 10670622842880000]
)  # fmt: skip


@full_precision
def make_transform(rotation: Float[Tensor, "*r 3 3"], translation: Float[Tensor, "*t 3"]) -> Float[Tensor, "... 4 4"]:
    """The 4 x 4 matrix of x -> rotation @ x + translation; batch axes broadcast."""
    last_axes("rotation", rotation, 3, 3, holding="a rotation matrix")
    last_axes("translation", translation, 3, holding="x, y, z")
    batches_fit(rotation=(rotation, 2), translation=(translation, 1))
    batch = torch.broadcast_shapes(rotation.shape[:-2], translation.shape[:-1])
    top = torch.cat([rotation.expand(*batch, 3, 3), translation.expand(*batch, 3)[..., None]], -1)
    return torch.cat([top, _last_row(top)], -2)


@full_precision
def invert(transform: Float[Tensor, "*b 4 4"]) -> Float[Tensor, "*b 4 4"]:
    """The motion back, `source_from_target`: rotation R' and translation -R' t; the rotation must be orthonormal."""
    last_axes("transform", transform, 4, 4, holding="a rigid motion")
    back = transform[..., :3, :3].mT
    top = torch.cat([back, -back @ transform[..., :3, 3:]], -1)
    return torch.cat([top, _last_row(top)], -2)


@full_precision
def compose(*transforms: Float[Tensor, "... 4 4"]) -> Float[Tensor, "... 4 4"]:
    """Product of one or more motions, of which the last acts first: of a_from_b and b_from_c it is a_from_c."""
    if not transforms:
        raise ValueError("`transforms` is empty: give at least one motion to compose")
    for i, transform in enumerate(transforms):
        last_axes(f"transforms[{i}]", transform, 4, 4, holding="a rigid motion")
    batches_fit(**{f"transforms[{i}]": (transform, 2) for i, transform in enumerate(transforms)})
    return functools.reduce(torch.matmul, transforms)


@full_precision
def transform_points(
    target_from_source: Float[Tensor, "*k 4 4"], points: Float[Tensor, "*b n 3"]
) -> Float[Tensor, "... n 3"]:
    """Points moved from the source frame to the target frame; the batch axes before (n, 3) broadcast."""
    last_axes("target_from_source", target_from_source, 4, 4, holding="a rigid motion")
    last_axes("points", points, None, 3, holding="x, y, z of n points")
    batches_fit(target_from_source=(target_from_source, 2), points=(points, 2))
    return points @ target_from_source[..., :3, :3].mT + target_from_source[..., None, :3, 3]


@full_precision
def relative_motion(
    camera_from_world_1: Float[Tensor, "*b 4 4"], camera_from_world_2: Float[Tensor, "*b 4 4"]
) -> Float[Tensor, "*b 4 4"]:
    r"""Motion of the *points* from the frame of camera 1 to that of camera 2, $E_2E_1^{-1}$ (second_from_first).

    Files that store camera to world, $C=E^{-1}$ (KITTI odometry, 7-Scenes), need $C_2^{-1}C_1$, which is the same. A
    camera that drives forward has a negative z in the translation: the points come nearer.
    """
    return compose(camera_from_world_2, invert(camera_from_world_1))


@full_precision
def se3_exp(twist: Float[Tensor, "*b 6"]) -> Float[Tensor, "*b 4 4"]:
    r"""Rigid motion of a twist $(v, \omega)$: rotation $\exp\hat\omega$, translation $V v$.

    $V=I+\frac{1-\cos\theta}{\theta^2}\hat\omega+\frac{\theta-\sin\theta}{\theta^3}\hat\omega^2$ and $\theta=|\omega|$.

    Args:
        twist: Three entries of the velocity v (metres), then three of the axis-angle vector (radians).
    """
    last_axes("twist", twist, 6, holding="velocity, then axis times angle")
    velocity, axis_angle = twist[..., :3], twist[..., 3:]
    a, b, c = (term[..., None, None] for term in sinc_terms(axis_angle.square().sum(-1)))
    skew = hat(axis_angle)
    squared = skew @ skew
    eye = torch.eye(3, dtype=twist.dtype, device=twist.device)
    left_jacobian = eye + b * skew + c * squared
    top = torch.cat([eye + a * skew + b * squared, left_jacobian @ velocity[..., None]], -1)
    return torch.cat([top, _last_row(top)], -2)


@full_precision
def se3_log(transform: Float[Tensor, "*b 4 4"]) -> Float[Tensor, "*b 6"]:
    r"""Twist $(v, \omega)$ of a rigid motion, $|\omega|$ in [0, pi]; the inverse of `se3_exp`.

    $V^{-1}=I-\frac12\hat\omega+\frac{1-(\theta/2)\cot(\theta/2)}{\theta^2}\hat\omega^2$.
    """
    last_axes("transform", transform, 4, 4, holding="a rigid motion")
    axis_angle = matrix_to_axis_angle(transform[..., :3, :3])
    squared_angle = axis_angle.square().sum(-1)
    small = squared_angle < SERIES_BELOW
    far = torch.where(small, 1.0, squared_angle)
    half = far.sqrt() / 2
    closed = (1 - half * half.cos() / half.sin()) / far
    factor = torch.where(small, power_series(torch.where(small, squared_angle, 0.0), COTANGENT), closed)
    skew = hat(axis_angle)
    translation = transform[..., :3, 3:]
    once = skew @ translation
    velocity = translation - once / 2 + factor[..., None, None] * (skew @ once)
    return torch.cat([velocity[..., 0], axis_angle], -1)


@full_precision
def look_at(
    eye: Float[Tensor, "*b 3"],
    target: Float[Tensor, "*b 3"],
    *,
    up: tuple[float, float, float] = (0.0, 1.0, 0.0),
) -> Float[Tensor, "*b 4 4"]:
    """`camera_from_world` of a camera at `eye` whose optical axis passes through `target`, upright in the image.

    The world is right-handed with y up (or another `up`), the camera frame has y down: their relation is a rotation.
    For a camera at the origin that looks along -z it is diag(1, -1, -1).

    Args:
        eye: Position of the camera in the world, metres.
        target: Point in the middle of the view; not straight above or below the camera.
        up: Direction of the world that points up in the image.
    """
    last_axes("eye", eye, 3, holding="x, y, z in the world")
    last_axes("target", target, 3, holding="x, y, z in the world")
    batches_fit(eye=(eye, 1), target=(target, 1))
    forward = torch.nn.functional.normalize(target - eye, dim=-1)
    right = torch.nn.functional.normalize(torch.linalg.cross(forward, eye.new_tensor(up).expand_as(forward)), dim=-1)
    rotation = torch.stack([right, torch.linalg.cross(forward, right), forward], -2)
    return make_transform(rotation, -(rotation @ eye[..., None])[..., 0])


def _last_row(top: Tensor) -> Tensor:
    return top.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(*top.shape[:-2], 1, 4)
