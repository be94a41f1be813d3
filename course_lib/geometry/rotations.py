"""Rotations: matrices, axis-angle vectors, quaternions, six numbers, Euler angles, and the ways between them.

A rotation matrix acts on column vectors, `y = R @ x`. An axis-angle vector points along the axis and is as long as the
angle, in radians; the rotation is counter-clockwise when the axis points at the viewer (in a right-handed frame).
Quaternions are (w, x, y, z), w the real part; q and -q are the same rotation, and `matrix_to_quaternion` returns the
one with w >= 0.

Every gradient is finite and right at the angle 0, where the textbook formulas divide 0 by 0, and on either side of pi.
The formulas are analytic in the *square* of the angle; near 0 they are evaluated by their series. At pi itself the
axis-angle vector is not unique: the one that is returned continues smoothly, and its gradient is that of the branch.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry._checks import batches_fit, last_axes
from course_lib.geometry._precision import full_precision

# Below this square of the angle (half a radian) series stand in for the closed forms, whose second derivatives divide
# by its square. Eight terms then leave less than 1e-17.
SERIES_BELOW = 0.25


def sinc_terms(
    squared_angle: Float[Tensor, "*b"],
) -> tuple[Float[Tensor, "*b"], Float[Tensor, "*b"], Float[Tensor, "*b"]]:
    r"""The three coefficients of rotations and rigid motions, as functions of $\theta^2$.

    $\sin\theta/\theta$, $(1-\cos\theta)/\theta^2$ and $(\theta-\sin\theta)/\theta^3$: 1, 1/2 and 1/6 at 0.
    """
    small = squared_angle < SERIES_BELOW
    near = torch.where(small, squared_angle, 0.0)
    far = torch.where(small, 1.0, squared_angle)
    angle = far.sqrt()
    closed = (angle.sin() / angle, 2 * (angle / 2).sin().square() / far, (angle - angle.sin()) / (angle * far))
    # sum over k of (-t)^k / (2k + first)!
    series = (power_series(near, [(-1) ** k / math.factorial(2 * k + first) for k in range(8)]) for first in (1, 2, 3))
    a, b, c = (torch.where(small, s, f) for s, f in zip(series, closed, strict=True))
    return a, b, c


def power_series(t: Float[Tensor, "*b"], coefficients: list[float]) -> Float[Tensor, "*b"]:
    """Value of a polynomial, lowest power first."""
    total = torch.full_like(t, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * t + coefficient
    return total


def hat(vector: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    """The skew-symmetric matrix of a cross product: `hat(a) @ b` is a x b."""
    last_axes("vector", vector, 3, holding="x, y, z")
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


@full_precision
def axis_angle_to_matrix(axis_angle: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    r"""Rodrigues' formula, $\exp\hat\omega = I + \frac{\sin\theta}{\theta}\hat\omega + \frac{1-\cos\theta}{\theta^2}\hat\omega^2$.

    Args:
        axis_angle: Axis times angle, radians; any length.
    """  # noqa: E501
    last_axes("axis_angle", axis_angle, 3, holding="axis times angle")
    squared = axis_angle.square().sum(-1)
    a, b, _ = sinc_terms(squared)
    outer = axis_angle[..., :, None] * axis_angle[..., None, :]  # hat(w)^2 = w w^T - |w|^2 I
    eye = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    cosine = (1 - b * squared)[..., None, None]
    return cosine * eye + a[..., None, None] * hat(axis_angle) + b[..., None, None] * outer


@full_precision
def matrix_to_axis_angle(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 3"]:
    """Axis times angle of rotation matrices, the angle in [0, pi].

    It goes through the quaternion, whose entries keep their digits at every angle; the usual arccosine of the trace
    loses half of them near 0 and near pi, and has no gradient there.
    """
    return quaternion_to_axis_angle(matrix_to_quaternion(matrix))


@full_precision
def quaternion_to_axis_angle(quaternion: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 3"]:
    """Axis times angle of quaternions (w, x, y, z) of any length but 0, the angle in [0, pi]."""
    last_axes("quaternion", quaternion, 4, holding="w, x, y, z")
    quaternion = _with_positive_real_part(quaternion)
    real, imaginary = quaternion[..., 0], quaternion[..., 1:]
    squared = imaginary.square().sum(-1)
    # angle / |imaginary| = 2 atan2(|v|, w) / |v|, near 0 the series of the arctangent in |v| / w (below 1/10)
    small = squared < 0.01 * real.square()
    safe_real = torch.where(small, real, 1.0)
    ratio = torch.where(small, squared, 0.0) / safe_real.square()
    series = 2 / safe_real * power_series(ratio, [(-1) ** k / (2 * k + 1) for k in range(8)])
    length = torch.where(small, 1.0, squared).sqrt()
    return torch.where(small, series, 2 * torch.atan2(length, real) / length)[..., None] * imaginary


@full_precision
def axis_angle_to_quaternion(axis_angle: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 4"]:
    """Unit quaternions (w, x, y, z) of axis-angle vectors, smooth at every angle; w < 0 for angles beyond pi."""
    last_axes("axis_angle", axis_angle, 3, holding="axis times angle")
    squared_half = axis_angle.square().sum(-1, keepdim=True) / 4
    sine_over_angle, one_minus_cosine, _ = sinc_terms(squared_half)
    return torch.cat([1 - squared_half * one_minus_cosine, axis_angle * sine_over_angle / 2], -1)


@full_precision
def quaternion_to_matrix(quaternion: Float[Tensor, "*b 4"]) -> Float[Tensor, "*b 3 3"]:
    """Rotation matrices of quaternions (w, x, y, z), which need not have length 1; the quaternion 0 gives the identity.

    A network may hence regress four free numbers.
    """
    last_axes("quaternion", quaternion, 4, holding="w, x, y, z")
    squared = quaternion.square().sum(-1)
    w, x, y, z = quaternion.unbind(-1)
    xx, yy, zz, xy, xz, yz, wx, wy, wz = x * x, y * y, z * z, x * y, x * z, y * z, w * x, w * y, w * z
    entries = [-yy - zz, xy - wz, xz + wy, xy + wz, -xx - zz, yz - wx, xz - wy, yz + wx, -xx - yy]
    twice = 2 / torch.where(squared > 0, squared, 1.0)
    eye = torch.eye(3, dtype=quaternion.dtype, device=quaternion.device)
    return eye + twice[..., None, None] * torch.stack(entries, -1).unflatten(-1, (3, 3))


@full_precision
def matrix_to_quaternion(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 4"]:
    """Unit quaternions (w, x, y, z) of rotation matrices, with w >= 0.

    The matrix gives the sixteen products 4 q_i q_j; the row of the largest q_i, divided by its length, is q or -q
    (Shepperd 1978). No root of a number near 0 is taken, so the gradient is right at every angle.
    """
    last_axes("matrix", matrix, 3, 3, holding="a rotation matrix")
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (row.unbind(-1) for row in matrix.unbind(-2))
    wx, wy, wz = zy - yz, xz - zx, yx - xy
    products = torch.stack(
        [
            torch.stack([1 + xx + yy + zz, wx, wy, wz], -1),
            torch.stack([wx, 1 + xx - yy - zz, xy + yx, xz + zx], -1),
            torch.stack([wy, xy + yx, 1 - xx + yy - zz, yz + zy], -1),
            torch.stack([wz, xz + zx, yz + zy, 1 - xx - yy + zz], -1),
        ],
        -2,
    )
    largest = products.diagonal(dim1=-2, dim2=-1).argmax(-1)
    row = products.gather(-2, largest[..., None, None].expand(*largest.shape, 1, 4)).squeeze(-2)
    return _with_positive_real_part(row / row.square().sum(-1, keepdim=True).sqrt())


@full_precision
def multiply_quaternions(a: Float[Tensor, "*b 4"], b: Float[Tensor, "*c 4"]) -> Float[Tensor, "... 4"]:
    """Product of quaternions (w, x, y, z): the rotation b first, then a, as in the product of their matrices."""
    for name, value in (("a", a), ("b", b)):
        last_axes(name, value, 4, holding="w, x, y, z")
    batches_fit(a=(a, 1), b=(b, 1))
    a, b = torch.broadcast_tensors(a, b)
    real = a[..., :1] * b[..., :1] - (a[..., 1:] * b[..., 1:]).sum(-1, keepdim=True)
    imaginary = a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:] + torch.linalg.cross(a[..., 1:], b[..., 1:])
    return torch.cat([real, imaginary], -1)


@full_precision
def six_d_to_matrix(six: Float[Tensor, "*b 6"]) -> Float[Tensor, "*b 3 3"]:
    """Rotation matrices of six free numbers (Zhou et al. 2019, Eq. 15).

    The first three are made the first column, the last three the second, by Gram and Schmidt; the third is their cross
    product. The map covers all rotations continuously, which no map from three or four numbers does: so a network can
    learn it. (PyTorch3D takes *rows*; transpose its matrices.) Where the numbers are zero or the two vectors parallel,
    coordinate axes stand in: the result is a rotation at every input, the gradient finite.
    """
    last_axes("six", six, 6, holding="the first two columns of a matrix")
    a, b = six[..., :3], six[..., 3:]
    eye = torch.eye(3, dtype=six.dtype, device=six.device)
    first = _unit(a, eye[0].expand_as(a), torch.zeros_like(a[..., :1]))
    spare = eye[first.abs().argmin(-1)]  # the coordinate axis most nearly perpendicular
    second = _unit(_across(b, first), _across(spare, first), b.detach().abs().amax(-1, keepdim=True))
    second = _across(second, first)  # once more: of two nearly parallel vectors little but rounding was left
    second = second / second.square().sum(-1, keepdim=True).sqrt()
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)


@full_precision
def matrix_to_six_d(matrix: Float[Tensor, "*b 3 3"]) -> Float[Tensor, "*b 6"]:
    """The first two columns of rotation matrices, one after the other; the inverse of `six_d_to_matrix`."""
    last_axes("matrix", matrix, 3, 3, holding="a rotation matrix")
    return matrix[..., :2].mT.flatten(-2)


@full_precision
def euler_to_matrix(angles: Float[Tensor, "*b a"], order: str = "xyz") -> Float[Tensor, "*b 3 3"]:
    """Product of rotations about coordinate axes, in the order in which they are written.

    `order="xyz"` is Rx @ Ry @ Rz: seen from the turned body it turns about its own x, then its new y, then its new z;
    seen from outside, about the fixed z, then y, then x. It is scipy's `from_euler("XYZ")`, in capitals, and what the
    CHANNELS line of a BVH file means by Xrotation Yrotation Zrotation.

    Args:
        angles: Radians, one for each letter.
        order: One to three of the letters x, y and z; a letter may come twice, as in "zxz".

    Raises:
        ValueError: `order` is not such a word, or `angles` has another number of entries.
    """
    if not 1 <= len(order) <= 3 or set(order) - set("xyz"):
        raise ValueError(f'`order` (={order!r}) must be one to three of the letters x, y, z, such as "zxy"')
    last_axes("angles", angles, len(order), holding=f"one angle for each letter of order={order!r}")
    cosines, sines = angles.cos(), angles.sin()
    product = None
    for i, letter in enumerate(order):
        turn = _about_axis("xyz".index(letter), cosines[..., i], sines[..., i])
        product = turn if product is None else product @ turn
    return product


@full_precision
def matrix_to_euler(matrix: Float[Tensor, "*b 3 3"], order: str = "xyz") -> Float[Tensor, "*b 3"]:
    """Three angles whose product of rotations, in the written order, is the matrix; the inverse of `euler_to_matrix`.

    The middle angle lies in [-pi/2, pi/2], or in [0, pi] where the first letter comes again, as in "zxz". At the ends
    of its range (gimbal lock) only the sum or difference of the other two is determined: the last is set to 0 there,
    and the gradient near there grows without bound. To learn a rotation use `six_d_to_matrix`.

    Args:
        matrix: Rotation matrices.
        order: Three of the letters x, y and z, no two neighbours alike.

    Raises:
        ValueError: `order` is not such a word, or `matrix` is not 3 x 3.
    """
    last_axes("matrix", matrix, 3, 3, holding="a rotation matrix")
    if len(order) != 3 or set(order) - set("xyz") or order[0] == order[1] or order[1] == order[2]:
        raise ValueError(f'`order` (={order!r}) must be three of the letters x, y, z, no neighbours alike, as in "zxy"')
    i, j = "xyz".index(order[0]), "xyz".index(order[1])
    k = 3 - i - j
    sign = 1.0 if (j - i) % 3 == 1 else -1.0  # of the permutation (i, j, k)
    if order[0] == order[2]:  # the first row and column hold products with the sine of the middle angle
        sine, cosine = (matrix[..., i, j], sign * matrix[..., i, k]), matrix[..., i, i]
        first, last = (matrix[..., j, i], -sign * matrix[..., k, i]), (matrix[..., i, j], sign * matrix[..., i, k])
        middle = torch.atan2(_length(*sine), cosine)
    else:  # the same with its cosine
        first, last = (-sign * matrix[..., j, k], matrix[..., k, k]), (-sign * matrix[..., i, j], matrix[..., i, i])
        middle = torch.atan2(sign * matrix[..., i, k], _length(*last))
    locked = _length(*last).detach() < 8 * torch.finfo(matrix.dtype).eps
    alone = torch.atan2(sign * matrix[..., k, j], matrix[..., j, j])  # the first angle when the last is 0
    a = torch.where(locked, alone, _atan2(*first, locked))
    return torch.stack([a, middle, _atan2(*last, locked)], -1)


def random_rotations(
    n: int,
    *,
    generator: torch.Generator | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str | None = None,
) -> Float[Tensor, "n 3 3"]:
    """Rotation matrices drawn uniformly (Haar measure): quaternions of four normal numbers.

    Args:
        n: How many.
        generator: Source of the numbers; they are drawn on its device.
        dtype: Type of the result; PyTorch's default if None.
        device: Device of the result; that of `generator` if None.
    """
    source = None if generator is None else generator.device
    return quaternion_to_matrix(torch.randn(n, 4, generator=generator, dtype=dtype, device=source)).to(device or source)


@full_precision
def geodesic_angle(a: Float[Tensor, "*b 3 3"], b: Float[Tensor, "*c 3 3"]) -> Float[Tensor, "..."]:
    """Angle in [0, pi] of the rotation between two rotations, radians.

    Exact to rounding near 0 and pi, where the arccosine of the trace is not. The angle has a kink at both ends; the
    gradient there is taken as 0.
    """
    for name, value in (("a", a), ("b", b)):
        last_axes(name, value, 3, 3, holding="a rotation matrix")
    batches_fit(a=(a, 2), b=(b, 2))
    between = a.mT @ b
    skew = between - between.mT
    squared_sine = torch.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], -1).square().sum(-1)
    at_kink = squared_sine == 0
    twice_sine = torch.where(at_kink, 1.0, squared_sine).sqrt()
    twice_cosine = between.diagonal(dim1=-2, dim2=-1).sum(-1) - 1
    ends = math.pi * (twice_cosine.detach() < 0).to(between.dtype)
    return torch.where(at_kink, ends, torch.atan2(twice_sine, twice_cosine))


def _with_positive_real_part(quaternion: Tensor) -> Tensor:
    return torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def _length(a: Tensor, b: Tensor) -> Tensor:
    """Length of (a, b), its gradient 0 where it is 0."""
    squared = a.square() + b.square()
    return torch.where(squared > 0, torch.where(squared > 0, squared, 1.0).sqrt(), 0.0)


def _atan2(sine: Tensor, cosine: Tensor, undetermined: Tensor) -> Tensor:
    """The angle, and 0 without a gradient where it is undetermined."""
    return torch.atan2(torch.where(undetermined, 0.0, sine), torch.where(undetermined, 1.0, cosine))


def _about_axis(axis: int, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotation about one coordinate axis."""
    one, zero = torch.ones_like(cosine), torch.zeros_like(cosine)
    rows = {
        0: [one, zero, zero, zero, cosine, -sine, zero, sine, cosine],
        1: [cosine, zero, sine, zero, one, zero, -sine, zero, cosine],
        2: [cosine, -sine, zero, sine, cosine, zero, zero, zero, one],
    }
    return torch.stack(rows[axis], -1).unflatten(-1, (3, 3))


def _across(vector: Tensor, unit: Tensor) -> Tensor:
    """What is left of a vector perpendicular to a unit vector."""
    return vector - (vector * unit).sum(-1, keepdim=True) * unit


def _unit(vector: Tensor, instead: Tensor, size: Tensor) -> Tensor:
    """The vector at length 1, or `instead` at length 1 where the vector is lost in rounding against `size`."""
    largest = vector.detach().abs().amax(-1, keepdim=True)
    lost = largest <= 16 * torch.finfo(vector.dtype).eps * size
    chosen = torch.where(lost, instead, vector / torch.where(lost, 1.0, largest))  # no square then underflows
    return chosen / chosen.square().sum(-1, keepdim=True).sqrt()
