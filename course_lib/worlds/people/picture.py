"""From tables of pieces to pictures: which pixels are worth a ray, pieces of work of one size, layers put together."""

import torch
from torch import Tensor

from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.people import tracing

_BODY, _SCENE = 1024, 4096  # pixels in a piece of work
_THIRDS = 3


def paint(
    view: Tensor,
    shapes: Tensor,
    looks: Tensor,
    blockers: Tensor,
    size: tuple[int, int],
    *,
    samples: int,
    compiled: bool | None,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw n pictures.

    A kernel is compiled for pieces of work of a fixed number of pixels, whatever the size of the pictures, and
    only pixels that the body may cover are traced.

    Args:
        view: Camera, light and scene, `(n, VIEW_ROWS)`.
        shapes: Geometry of the pieces, `(n, SHAPE_ROWS, k)`.
        looks: Their looks, `(n, clothes.ROWS, k)`.
        blockers: Capsules that cast shadows, `(n, 7, m)`.
        size: Height and width in pixels.
        samples: Rays across a pixel.
        compiled: As in `Kernel`.

    Returns:
        sRGB colours `(n, 3, h, w)`, coverage by the person `(n, 1, h, w)`, and at the centres of the pixels depth (0
        where there is no piece) and index of the piece (k where there is none), likewise.
    """
    if samples < 1:
        raise ValueError(f"`samples` (={samples}) must be at least 1")
    (height, width), count, device = size, len(view), view.device
    pixels, none = height * width, shapes.shape[2]
    edge = (torch.arange(samples, device=device) + 0.5) / samples - 0.5
    offsets = torch.stack([edge.repeat(samples), edge.repeat_interleave(samples)])
    with_center = torch.cat([offsets, offsets.new_zeros(2, 1)], 1)

    def body(u: Tensor, v: Tensor, *tables: Tensor) -> Tensor:
        one_view, one_shapes, one_looks, one_blockers = tables
        depth, index = tracing.trace(u, v, with_center, one_view, one_shapes, compiled=compiled)
        layers = tracing.shade(
            u,
            v,
            offsets,
            depth[:, :-1],
            index[:, :-1],
            one_view,
            one_shapes,
            one_looks,
            one_blockers,
            compiled=compiled,
        )
        depth, index = depth[:, -1], index[:, -1]
        seen = depth < 0.5 * tracing.MISS
        extra = [torch.where(seen, depth + one_view[:, 3, None], 0.0), torch.where(seen, index, none)]
        return torch.cat([layers, torch.stack(extra, 1)], 1)

    def scene(u: Tensor, v: Tensor, *tables: Tensor) -> Tensor:
        return tracing.surroundings(u, v, *tables, compiled=compiled)

    picture, pixel = _work(_touched(view, shapes, size), _BODY)
    u, v = (pixel % width).float(), (pixel // width).float()
    layers = view.new_zeros(7, count * pixels + 1)  # the last column takes what is outside
    layers[6] = none
    if len(picture):
        drawn = in_chunks(body, u, v, *(t[picture] for t in (view, shapes, looks, blockers)), cpu=1, cuda=64)
        place = torch.where(pixel < pixels, picture[:, None] * pixels + pixel, count * pixels)
        layers[:, place.flatten()] = drawn.transpose(0, 1).flatten(1)
    layers = layers[:, :-1].unflatten(1, (count, 1, height, width))

    picture, pixel = _work(torch.ones(count, height, width, dtype=torch.bool, device=device), _SCENE)
    u, v = (pixel % width).float(), (pixel // width).float()
    behind = in_chunks(scene, u, v, view[picture], blockers[picture], cpu=1, cuda=64)
    behind = behind.transpose(0, 1).reshape(3, count, -1)[..., :pixels].unflatten(2, (height, width)).transpose(0, 1)
    front, cover = layers[:3, :, 0].transpose(0, 1), layers[3]
    colour = (front + (1 - cover) * behind).clamp(0, 1).sqrt()
    return colour.contiguous(), layers[4].contiguous(), layers[5].contiguous(), layers[6].long()


def _touched(view: Tensor, shapes: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels that a piece may cover, `(n, h, w)`: those in the bounding box of a third of one."""
    height, width = size
    anchor = torch.stack([view[:, 3] * view[:, 4], view[:, 3] * view[:, 5], view[:, 3]], -1)[:, :, None, None]
    start, axis, span, radii = (shapes[:, rows, None] for rows in ([21, 22, 23], [10, 11, 12], [14], [15, 16]))
    place = torch.linspace(0, 1, _THIRDS + 1, device=view.device)[:, None]
    balls = anchor + start + place * span * axis  # (n, 3, 4, k)
    # The longest half-axes of the stretched balls.
    reach = (radii[:, 0] + place * (radii[:, 1] - radii[:, 0])) * shapes[:, 24, None]
    near, far = (balls[:, 2] - reach).clamp_min(0.05), balls[:, 2] + reach
    present = (shapes[:, 19] < shapes[:, 20])[:, None]
    spans = []
    for i, length in ((1, height), (0, width)):
        low, high = balls[:, i] - reach, balls[:, i] + reach
        low = torch.where(low < 0, low / near, low / far) / view[:, :1, None]
        high = torch.where(high > 0, high / near, high / far) / view[:, :1, None]
        low = torch.minimum(low[:, :-1], low[:, 1:]) + view[:, 1 + i, None, None] - 0.6
        high = torch.maximum(high[:, :-1], high[:, 1:]) + view[:, 1 + i, None, None] + 0.6
        pixel = torch.arange(length, device=view.device)[:, None, None]
        within = (pixel > low[:, None]) & (pixel < high[:, None]) & present[:, None]
        spans.append(within.to(view.dtype).flatten(2))  # (n, length, 3 k)
    return (spans[0] @ spans[1].mT) > 0


def _work(touched: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Pieces of work: for each the picture `(m,)` and its pixels `(m, length)`, filled up with a pixel outside."""
    picture, pixel = touched.flatten(1).nonzero().unbind(1)
    count = touched.flatten(1).sum(1)
    pieces = (count + length - 1) // length
    rank = torch.arange(len(pixel), device=pixel.device) - (count.cumsum(0) - count)[picture]
    piece = (pieces.cumsum(0) - pieces)[picture] + rank // length
    pixels = pixel.new_full((int(pieces.sum()), length), touched[0].numel())
    pixels[piece, rank % length] = pixel
    return torch.arange(len(count), device=pixel.device).repeat_interleave(pieces), pixels
