"""From the factors of glyphs to pictures: the distance of each pixel to the nearest stroke, anti-aliased."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.worlds.checks import check_factors, check_square
from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.glyphs.factors import GlyphFactors
from course_lib.worlds.glyphs.strokes import control_points, segment_ends
from course_lib.worlds.kernel import kernel
from course_lib.worlds.short_repr import ShortRepr

HALF_HEIGHT = 0.335  # of a sign, in image sizes
EDGE = 1.3  # pixels over which the edge of a stroke fades


@dataclass(frozen=True)
class GlyphImages(ShortRepr):
    """Pictures of glyphs with what is known about them.

    Attributes:
        images: Ink on black in [0, 1], `(n, 1, size, size)`.
        labels: Classes 0 to 9, `(n,)`.
        segments: Ends of the straight pieces of the strokes, `(n, SEGMENTS, 2, 2)`: (u, v) in pixels.
        stroke_width: Thickness of the pen, pixels, `(n,)`.
    """

    images: Float[Tensor, "n 1 h w"]
    labels: Int[Tensor, " n"]
    segments: Float[Tensor, "n s 2 2"]
    stroke_width: Float[Tensor, " n"]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)


def render(factors: GlyphFactors, *, size: int = 28, compiled: bool | None = None) -> GlyphImages:
    """Draw glyphs.

    Args:
        factors: What to draw.
        size: Height and width, pixels; 8 or more.
        compiled: True or False to insist on the compiled or the eager kernel, None to choose.

    Raises:
        ValueError: Factors of another world, or `size` is too small.
    """
    check_factors(factors, GlyphFactors)
    check_square(size)
    if size < 8:
        raise ValueError(f"`size` (={size}) must be at least 8 pixels: smaller signs cannot be told apart")
    segments = _segments(factors) * size + (size - 1) / 2
    stroke_width = factors.stroke * (2 * HALF_HEIGHT * size)
    starts, steps = segments[:, :, 0], segments[:, :, 1] - segments[:, :, 0]
    squared = steps.square().sum(-1).clamp_min(1e-8)
    rows = torch.stack([starts[..., 0], starts[..., 1], steps[..., 0], steps[..., 1], 1 / squared], dim=1)
    pens = torch.stack([stroke_width / 2, factors.ink], dim=1)
    grid = torch.arange(size, dtype=torch.float32, device=factors.device)

    def draw(row: Tensor, pen: Tensor) -> Tensor:
        return _ink(row, pen, grid, compiled=compiled)

    images = in_chunks(draw, rows, pens, cpu=16, cuda=1024)
    return GlyphImages(images[:, None], factors.label.clone(), segments, stroke_width)


def _segments(factors: GlyphFactors) -> Tensor:
    """Ends of all segments in image sizes from the centre, `(n, SEGMENTS, 2, 2)`.

    Worked out in double precision: a matrix product in single precision depends in its last bit on the batch.
    """
    device = factors.device
    points = control_points().to(device).double()[factors.label] + factors.shape
    ends = torch.einsum("nsep,npc->nsec", segment_ends().to(device).double()[factors.label], points)
    x, y = ends.unbind(-1)
    x = x * factors.width[:, None, None] - y * factors.slant[:, None, None]  # y points down
    return (HALF_HEIGHT * torch.stack([x, y], dim=-1) + factors.shift[:, None, None]).float()


@kernel
def _ink(rows, pens, grid):
    """Brightness of each pixel: rows `(b, 5, s)` of the segments, pens `(b, 2)`, grid `(size,)`."""
    x0, y0, dx, dy, inverse = (rows[:, i, :, None, None] for i in range(5))
    from_x, from_y = grid[None, None, None, :] - x0, grid[None, None, :, None] - y0
    along = ((from_x * dx + from_y * dy) * inverse).clamp(0, 1)
    off_x, off_y = from_x - along * dx, from_y - along * dy
    nearest = (off_x * off_x + off_y * off_y).amin(1).sqrt()
    cover = ((pens[:, 0, None, None] - nearest) / EDGE + 0.5).clamp(0, 1)
    return cover * cover * (3 - 2 * cover) * pens[:, 1, None, None]
