"""Where a ray first meets a sphere, a capsule, a tapered capsule or an ellipsoid, in closed form.

Rays leave the camera centre through pixels: the point at depth t of ray (x, y) is t (x, y, 1), so that the parameter
of the ray *is* the depth, in the camera frame of the course (x right, y down, z forward, metres).

The functions `*_depth` and `*_normal` are pointwise arithmetic on tensors that broadcast against each other, so that
a kernel can call them on rays `(1, n)` and parts `(k, 1)`, take the nearest part over the first axis, and be compiled
into one loop that stores nothing of size k x n. Points and directions are tuples of component tensors.

Every intersection starts from the point of the ray nearest to the part, not from the camera: the differences of large
squares that make the textbook formulas inexact in single precision do not arise.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.kernel import kernel, pointwise

MISS = 1e6  # depth of a ray that meets nothing, metres
_TINY = 1e-20

Vector = tuple[Tensor, Tensor, Tensor]


@pointwise
def sphere_depth(ray: tuple[Tensor, Tensor], center: Vector, radius: Tensor) -> Tensor:
    """Depth at which rays enter spheres, `MISS` where they do not.

    Args:
        ray: x and y of the ray's direction (x, y, 1).
        center: x, y, z of the centres; the camera is outside the spheres (behind it the depth is negative).
        radius: Radii.
    """
    start, offset, _, inverse = _nearest_point(ray, center)
    slack = radius * radius - _dot(offset, offset)
    depth = start - torch.sqrt(torch.clamp_min(slack, 0) * inverse)
    return torch.where(slack > 0, depth, MISS)


@pointwise
def capsule_depth(ray: tuple[Tensor, Tensor], a: Vector, b: Vector, radius: Tensor) -> Tensor:
    """Depth at which rays enter capsules (all points within `radius` of the segment from a to b), else `MISS`.

    Args:
        ray: x and y of the ray's direction (x, y, 1).
        a: Start of the segments.
        b: End of the segments; equal to a for a sphere.
        radius: Radii.
    """
    axis = _minus(b, a)
    start, offset, length, _ = _nearest_point(ray, a)
    # Distance from the axis line: a quadratic in the depth s beyond `start`, where offset and ray are perpendicular.
    along, slope, size = _dot(axis, offset), _along_ray(axis, ray), _dot(axis, axis)
    # A ray along the axis must still be seen to come from one end: keep the quadratic from vanishing.
    k2 = torch.maximum(size * length - slope * slope, 1e-12 * size * length + _TINY)
    k1 = -along * slope
    k0 = size * (_dot(offset, offset) - radius * radius) - along * along
    inside = k1 * k1 - k0 * k2
    s = (-k1 - torch.sqrt(torch.clamp_min(inside, 0))) / k2
    where = along + s * slope  # along the axis: 0 at a, `size` at b
    on_side = (inside > 0) & (where > 0) & (where < size)
    # Beyond an end the ray can only enter through the ball at that end.
    end = tuple(torch.where(where >= size, q, p) for p, q in zip(a, b, strict=True))
    return torch.where(on_side, start + s, sphere_depth(ray, end, radius))


@pointwise
def cone_depth(ray: tuple[Tensor, Tensor], a: Vector, b: Vector, radius_a: Tensor, radius_b: Tensor) -> Tensor:
    """Depth at which rays enter tapered capsules: the convex hull of two balls, else `MISS`.

    With equal radii it is a capsule; where one ball holds the other, it is that ball.

    Args:
        ray: x and y of the ray's direction (x, y, 1).
        a: Centre of the first ball.
        b: Centre of the second ball.
        radius_a: Radius of the first ball.
        radius_b: Radius of the second ball.
    """
    return prepared_cone_depth(ray, prepare_cone(a, b, radius_a, radius_b))


@pointwise
def prepare_cone(a: Vector, b: Vector, radius_a: Tensor, radius_b: Tensor) -> tuple[Tensor, ...]:
    """What `prepared_cone_depth` needs to know of a tapered capsule: 14 numbers, the same for all rays.

    Computed before a kernel instead of inside, they save it a fifth of its time.
    """
    axis = _minus(b, a)
    size, taper = _dot(axis, axis), radius_a - radius_b
    side = size - taper * taper  # squared length of the line that touches both balls
    square = radius_a * radius_a
    return *a, *b, *axis, taper * radius_a, side, size * square, square, radius_b * radius_b


@pointwise
def prepared_cone_depth(ray: tuple[Tensor, Tensor], cone: Sequence[Tensor]) -> Tensor:
    """As `cone_depth`, for cones from `prepare_cone`."""
    a, b, axis = cone[:3], cone[3:6], cone[6:9]
    shift, side, reach, square_a, square_b = cone[9:]
    start, offset, length, inverse = _nearest_point(ray, a)
    gap = _dot(offset, offset)
    along, slope = _dot(axis, offset) - shift, _along_ray(axis, ray)
    # Distance from the side: a quadratic in the depth s beyond `start`, where offset and ray are perpendicular.
    k2 = side * length - slope * slope
    k1 = slope * along
    k0 = side * gap - along * along + shift * shift - reach
    inside = k1 * k1 - k0 * k2
    # Along the side itself k2 is 0 and s infinite or NaN, which no comparison lets through.
    s = (k1 - torch.sqrt(torch.relu(inside))) / k2
    where = along + s * slope  # 0 where the side meets the first ball, `side` at the second
    on_side = (inside > 0) & (where > 0) & (where < side)
    # Where the side is not met, the nearer of the balls: the rest of each lies inside the hull.
    slack = square_a - gap
    first = torch.where(slack > 0, start - torch.sqrt(torch.relu(slack) * inverse), MISS)
    begin, offset, _, _ = _nearest_point(ray, b)
    slack = square_b - _dot(offset, offset)
    second = torch.where(slack > 0, begin - torch.sqrt(torch.relu(slack) * inverse), MISS)
    return torch.where(on_side, start + s, torch.where(first < second, first, second))


@pointwise
def ellipsoid_depth(ray: tuple[Tensor, Tensor], center: Vector, rows: Sequence[Vector]) -> Tensor:
    """Depth at which rays enter ellipsoids: all p at which M (p - c) is no longer than 1, else `MISS`.

    Args:
        ray: x and y of the ray's direction (x, y, 1).
        center: x, y, z of c.
        rows: Three rows of M: each a unit axis of the ellipsoid divided by its semi-axis.
    """
    direction = tuple(_along_ray(row, ray) for row in rows)
    middle = tuple(_dot(row, center) for row in rows)
    length = _dot(direction, direction)
    start = _dot(direction, middle) / length
    offset = tuple(start * d - m for d, m in zip(direction, middle, strict=True))
    slack = 1 - _dot(offset, offset)
    return torch.where(slack > 0, start - torch.sqrt(torch.clamp_min(slack, 0) / length), MISS)


@pointwise
def cone_normal(point: Vector, a: Vector, b: Vector, radius_a: Tensor, radius_b: Tensor) -> Vector:
    """Unit outward normals of tapered capsules (capsules and spheres too) at points of their surfaces.

    Args:
        point: x, y, z of the points.
        a: Centre of the first ball.
        b: Centre of the second ball.
        radius_a: Radius of the first ball.
        radius_b: Radius of the second ball.
    """
    axis, offset = _minus(b, a), _minus(point, a)
    taper = radius_a - radius_b
    side = torch.clamp_min(_dot(axis, axis) - taper * taper, _TINY)
    # The ball of the family that touches the surface here: its centre is this far along the axis.
    where = torch.clamp((_dot(axis, offset) - radius_a * taper) / side, 0, 1)
    return _unit(tuple(o - where * u for o, u in zip(offset, axis, strict=True)))


@pointwise
def ellipsoid_normal(point: Vector, center: Vector, rows: Sequence[Vector]) -> Vector:
    """Unit outward normals of ellipsoids at points of their surfaces; arguments as above."""
    local = tuple(_dot(row, _minus(point, center)) for row in rows)
    return _unit(tuple(sum(m * row[i] for m, row in zip(local, rows, strict=True)) for i in range(3)))


@pointwise
def nearest(depth: Tensor, dim: int = 0) -> tuple[Tensor, Tensor]:
    """Smallest depth over the parts and the part that has it; parts behind the camera do not count."""
    depth = torch.where(depth > 0, depth, MISS)
    return depth.amin(dim), depth.argmin(dim)


@pointwise
def nearest_packed(depth: Tensor, dim: int = 0, bits: int = 6) -> tuple[Tensor, Tensor]:
    """As `nearest`, a fifth faster: the part's number takes the place of the last bits of the depth.

    Positive floats are ordered as their bits are, so one minimum finds both. Depths come out smaller by at most
    2 ** (bits - 23) of themselves: 5 micrometres at 0.6 m for 64 parts. Single precision only.
    """
    shape = [1] * depth.ndim
    shape[dim] = -1
    number = torch.arange(depth.shape[dim], dtype=torch.int32, device=depth.device).reshape(shape)
    return unpack(pack(depth, number, bits).amin(dim), bits)


@pointwise
def pack(depth: Tensor, number: Tensor, bits: int = 6) -> Tensor:
    """Depths with the numbers of the parts (int32) in their last bits, as int32; behind the camera as for a miss."""
    depth = torch.where(depth > 0, depth, MISS)
    return (depth.view(torch.int32) & -(1 << bits)) | number


@pointwise
def unpack(packed: Tensor, bits: int = 6) -> tuple[Tensor, Tensor]:
    """Depths and numbers from `pack`."""
    low = (1 << bits) - 1
    return (packed & ~low).view(torch.float32), packed & low


def float_bits(value: float) -> int:
    """The bits of a number in single precision, as a whole number."""
    return struct.unpack("<i", struct.pack("<f", value))[0]


@kernel
def _cast(x: Tensor, y: Tensor, cones: Tensor) -> tuple[Tensor, Tensor]:
    """Rays `(n,)`, prepared cones `(b, 14, k)` to depth and index `(b, n)`."""
    return nearest(prepared_cone_depth((x, y), [one[..., None] for one in cones.unbind(1)]), 1)


@dataclass(frozen=True)
class Hits:
    """What the rays of b pictures meet.

    Attributes:
        depth: Depth of the first surface, metres; `MISS` where there is none.
        index: Which part that is; -1 where there is none.
    """

    depth: Float[Tensor, "b n"]
    index: Int[Tensor, "b n"]

    @property
    def hit(self) -> Tensor:
        """Where a part was met, `(b, n)`."""
        return self.index >= 0


def cast_cones(
    rays: Float[Tensor, "n 2"],
    a: Float[Tensor, "b k 3"],
    b: Float[Tensor, "b k 3"],
    radius_a: Float[Tensor, "b k"],
    radius_b: Float[Tensor, "b k"] | None = None,
    *,
    compiled: bool | None = None,
) -> Hits:
    """First tapered capsule that each ray meets, for a batch of scenes seen through the same pixels.

    Args:
        rays: x and y of the directions (x, y, 1).
        a: Centres of the first balls, camera frame, metres; the camera is outside all parts.
        b: Centres of the second balls.
        radius_a: Radii of the first balls, metres.
        radius_b: Radii of the second balls; left out, those of the first (capsules).
        compiled: As in `Kernel`.

    Returns:
        Depth and index of the first part.
    """
    radius_b = radius_a if radius_b is None else radius_b
    cones = torch.stack(prepare_cone(a.unbind(-1), b.unbind(-1), radius_a, radius_b), 1)
    x, y = rays[:, 0].contiguous(), rays[:, 1].contiguous()
    depth, index = in_chunks(lambda piece: _cast(x, y, piece, compiled=compiled), cones, cpu=1, cuda=64)
    return Hits(depth, torch.where(depth < MISS, index, -1))


def cone_normals(
    points: Float[Tensor, "b n 3"],
    index: Int[Tensor, "b n"],
    a: Float[Tensor, "b k 3"],
    b: Float[Tensor, "b k 3"],
    radius_a: Float[Tensor, "b k"],
    radius_b: Float[Tensor, "b k"] | None = None,
) -> Float[Tensor, "b n 3"]:
    """Unit outward normals at points found by `cast_cones`, in the camera frame; zero where `index` is -1."""
    radius_b = radius_a if radius_b is None else radius_b
    parts = torch.cat([a, b, radius_a[..., None], radius_b[..., None]], -1)
    chosen = parts.gather(1, index.clamp_min(0)[..., None].expand(-1, -1, 8)).unbind(-1)
    normal = torch.stack(cone_normal(points.unbind(-1), chosen[:3], chosen[3:6], chosen[6], chosen[7]), -1)
    return normal * (index >= 0)[..., None]


@pointwise
def _nearest_point(ray: tuple[Tensor, Tensor], center: Vector) -> tuple[Tensor, Vector, Tensor, Tensor]:
    """Depth of the ray's point nearest to a centre, that point less the centre, squared ray length and its inverse."""
    x, y = ray
    length = x * x + y * y + 1
    inverse = 1 / length
    start = _along_ray(center, ray) * inverse
    return start, (start * x - center[0], start * y - center[1], start - center[2]), length, inverse


@pointwise
def _along_ray(vector: Vector, ray: tuple[Tensor, Tensor]) -> Tensor:
    return vector[0] * ray[0] + vector[1] * ray[1] + vector[2]


@pointwise
def _dot(a: Vector, b: Vector) -> Tensor:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@pointwise
def _minus(a: Vector, b: Vector) -> Vector:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


@pointwise
def _unit(vector: Vector) -> Vector:
    scale = torch.rsqrt(torch.clamp_min(_dot(vector, vector), 1e-24))
    return vector[0] * scale, vector[1] * scale, vector[2] * scale
