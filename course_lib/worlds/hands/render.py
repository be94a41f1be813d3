"""From hands to depth maps: one ray a pixel, the nearest of the tapered capsules."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.geometry.skeletons import HAND_21, Skeleton, convert
from course_lib.worlds import tiles
from course_lib.worlds.checks import check_factors, height_and_width
from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.hands.anatomy import LANDMARKS, landmarks
from course_lib.worlds.hands.factors import HandFactors
from course_lib.worlds.hands.parts import HandParts, hand_parts, part_labels
from course_lib.worlds.kernel import kernel
from course_lib.worlds.raycast import MISS, cone_normals, float_bits, pack, prepared_cone_depth, unpack
from course_lib.worlds.short_repr import ShortRepr

CUBE = 0.25  # metres that the default camera sees at the depth of the hand
_CONES = 5  # that a piece of work holds


@dataclass(frozen=True)
class HandImages(ShortRepr):
    """Depth maps of hands with what is known about them.

    Attributes:
        depth_mm: Depth in millimetres, 0 where there is no hand, `(n, 1, h, w)`.
        capsules: Which of `hands.CAPSULES` is seen at each pixel, -1 for none, `(n, h, w)`, int32.
        landmarks: Joints in the camera frame, metres, in the order of `hands.LANDMARKS`.
        parts: The capsules in the camera frame, metres.
        intrinsics: Camera of each picture, pixels.
    """

    depth_mm: Float[Tensor, "n 1 h w"]
    capsules: Int[Tensor, "n h w"]
    landmarks: Float[Tensor, "n 24 3"]
    parts: HandParts
    intrinsics: Float[Tensor, "n 3 3"]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.depth_mm)

    @property
    def mask(self) -> Bool[Tensor, "n 1 h w"]:
        """Where there is a hand."""
        return self.depth_mm > 0

    @property
    def labels(self) -> Int[Tensor, "n h w"]:
        """Part of the hand at each pixel: a place in `hands.PARTS`, 0 the background."""
        return part_labels(self.capsules.device)[self.capsules.long()]

    @property
    def normals(self) -> Float[Tensor, "n 3 h w"]:
        """Unit normals of the surface in the camera frame, 0 where there is no hand."""
        depth = self.depth_mm[:, 0] / 1000
        x, y = pixel_rays(self.intrinsics, *depth.shape[1:])
        points = torch.stack([depth * x[:, None], depth * y[:, :, None], depth], -1)
        flat = cone_normals(points.flatten(1, 2), self.capsules.flatten(1).long(), *self.parts.unpacked())
        return flat.unflatten(1, depth.shape[1:]).permute(0, 3, 1, 2).contiguous()

    def joints(self, skeleton: Skeleton = HAND_21) -> Float[Tensor, "n j 3"]:
        """Joints in the camera frame, metres, in the order of HAND_21, NYU_14 or ICVL_16."""
        return convert(self.landmarks, LANDMARKS, skeleton)

    def joints_uvd(self, skeleton: Skeleton = HAND_21) -> Float[Tensor, "n j 3"]:
        """Joints as depth cameras' labels have them: u and v in pixels of this picture, depth in millimetres."""
        return to_uvd(self.joints(skeleton), self.intrinsics)


def to_uvd(joints: Float[Tensor, "n j 3"], intrinsics: Float[Tensor, "n 3 3"]) -> Float[Tensor, "n j 3"]:
    """Pixels and depth in millimetres of points in the camera frame (metres)."""
    x, y, z = joints.unbind(-1)
    k = intrinsics[:, None]
    return torch.stack([k[..., 0, 0] * x / z + k[..., 0, 2], k[..., 1, 1] * y / z + k[..., 1, 2], 1000 * z], -1)


def crop_camera(centers: Float[Tensor, "n 3"], size: int, *, cube: float = CUBE) -> Float[Tensor, "n 3 3"]:
    """Cameras that see a square of `cube` metres at the depth of each centre, and the centre in the middle.

    They stay where they are and keep their direction, as when a window is cut from a larger picture.
    """
    x, y, z = centers.unbind(-1)
    focal = size * z / cube
    middle = (size - 1) / 2
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = (focal, zero, middle - focal * x / z, zero, focal, middle - focal * y / z, zero, zero, one)
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def render(
    factors: HandFactors,
    *,
    size: int | tuple[int, int] = 64,
    intrinsics: Float[Tensor, "3 3"] | Float[Tensor, "n 3 3"] | None = None,
    compiled: bool | None = None,
) -> HandImages:
    """Draw hands as depth maps, without noise (`add_noise` brings it).

    Args:
        factors: What to draw.
        size: Height and width, pixels, or the pair (height, width).
        intrinsics: Camera in pixels; left out, each hand is looked at through its own window of a quarter of a metre,
            the crop that hand pose networks take.
        compiled: True or False to insist on the compiled or the eager kernel, None to choose.

    Raises:
        ValueError: Factors of another world, or `size` is too small.
    """
    check_factors(factors, HandFactors)
    points = landmarks(factors)
    height, width = _size(size)
    if intrinsics is None:
        centers = torch.cat([factors.offset, factors.distance[:, None]], 1)
        intrinsics = crop_camera(centers, min(height, width))
        intrinsics[:, 0, 2] += (width - min(height, width)) / 2
        intrinsics[:, 1, 2] += (height - min(height, width)) / 2
    intrinsics = intrinsics.expand(len(factors), 3, 3).to(points)
    parts = hand_parts(points, factors.scale * factors.thickness)
    return draw_parts(parts, points, intrinsics, (height, width), compiled=compiled)


def draw_parts(
    parts: HandParts,
    points: Float[Tensor, "n 24 3"],
    intrinsics: Float[Tensor, "n 3 3"],
    size: tuple[int, int],
    *,
    compiled: bool | None = None,
) -> HandImages:
    """Draw capsules that are already placed; `render` and `render_joints` say what from."""
    x, y = pixel_rays(intrinsics, *size)
    columns, rows = tiles.cut(x, tiles.WIDTH), tiles.cut(y, tiles.HEIGHT)
    touched = _touched(parts, columns, rows)
    (n, down, across, cones), nothing = touched.shape, float_bits(MISS)
    tile, number = tiles.pieces_of_work(touched.flatten(0, 2), _CONES)
    if not len(tile):
        tile, number = tile.new_zeros(1), number.new_full((1, _CONES), cones)
    row = torch.div(tile, across, rounding_mode="floor")
    picture = torch.div(row, down, rounding_mode="floor")
    column = picture * across + tile - row * across
    # One cone more, with all numbers 0, which no ray meets: it fills up pieces.
    table = torch.cat([parts.prepared().mT, x.new_zeros(n, 1, 14)], 1).flatten(0, 1)
    chosen = (picture[:, None] * (cones + 1) + number).flatten()

    def draw(*tensors: Tensor) -> Tensor:
        return _nearest(*tensors, compiled=compiled)

    pieces = (
        number.int(),
        table.index_select(0, chosen).unflatten(0, (-1, _CONES)),
        columns.flatten(0, 1).index_select(0, column),
        rows.flatten(0, 1).index_select(0, row),
    )
    found = tiles.smallest(tile, in_chunks(draw, *pieces, cpu=128, cuda=4096), n * down * across, nothing)
    found = tiles.join(found.unflatten(0, (n, -1)), *size)
    depth, capsules = unpack(found)
    hit = found < nothing
    return HandImages((1000 * depth * hit)[:, None], torch.where(hit, capsules, -1), points, parts, intrinsics)


def _touched(parts: HandParts, columns: Tensor, rows: Tensor) -> Tensor:
    """Tiles in which a cone may show, `(n, rows of tiles, columns of tiles, k)`: those that its bounding box meets."""
    spans = []
    for axis in (0, 1):
        (low, high), (low_b, high_b) = (
            tiles.ball_span(ball[..., axis], ball[..., 2], radius)
            for ball, radius in ((parts.a, parts.radius_a), (parts.b, parts.radius_b))
        )
        spans.append((torch.minimum(low, low_b), torch.maximum(high, high_b)))
    return tiles.overlap(rows, *spans[1])[:, :, None] & tiles.overlap(columns, *spans[0])[:, None]


def pixel_rays(intrinsics: Float[Tensor, "n 3 3"], height: int, width: int) -> tuple[Tensor, Tensor]:
    """Components x of the rays (x, y, 1) through the columns, `(n, w)`, and y through the rows, `(n, h)`."""
    columns = torch.arange(width, dtype=intrinsics.dtype, device=intrinsics.device)
    rows = torch.arange(height, dtype=intrinsics.dtype, device=intrinsics.device)
    x = (columns - intrinsics[:, 0, 2:]) / intrinsics[:, 0, :1]
    return x, (rows - intrinsics[:, 1, 2:]) / intrinsics[:, 1, 1:2]


def _size(size: int | tuple[int, int]) -> tuple[int, int]:
    height, width = height_and_width(size)
    if min(height, width) < 8:
        raise ValueError(f"`size` (={size}) must be at least 8 pixels: a finger is a tenth of the picture wide")
    return height, width


@kernel
def _nearest(number, cones, x, y):
    """Packed depth and number `(p, PIXELS)` of numbered cones `(p, k, 14)` on rays through tiles `(p, w)`, `(p, h)`."""
    ray = (x[:, None, None, :], y[:, None, :, None])
    depth = prepared_cone_depth(ray, [one[..., None, None] for one in cones.unbind(2)])
    return pack(depth, number[..., None, None]).amin(1).flatten(1)
