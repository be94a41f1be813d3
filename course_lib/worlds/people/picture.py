"""From tables of pieces to pictures: which pixels are worth a ray, pieces of work of one size, layers put together."""

import torch
from torch import Tensor

from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.people import tracing

_BODY, _SCENE = 1024, 2048  # pixels in a piece of work


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

    A kernel is compiled for pieces of work of a fixed number of pixels, whatever the size of the pictures. On a CPU
    only pixels in the body's bounding box are traced.

    Args:
        view: Camera, light and scene, `(n, VIEW_ROWS)`.
        shapes: Geometry of the pieces, `(n, SHAPE_ROWS, k)`.
        looks: Their looks, `(n, clothes.ROWS, k)`.
        blockers: Capsules that cast shadows, `(n, 7, m)`.
        size: Height and width in pixels.
        samples: Rays across a pixel.
        compiled: As in `Kernel`.

    Returns:
        sRGB colours `(n, 3, h, w)`, coverage by the person `(n, 1, h, w)`, and at the centres of the pixels depth and index of the
        piece, k where there is none.
    """
    (height, width), count, device = size, len(view), view.device
    pixels, none = height * width, shapes.shape[2]
    edge = (torch.arange(samples, device=device) + 0.5) / samples - 0.5
    offsets = torch.stack([edge.repeat(samples), edge.repeat_interleave(samples)])
    with_center = torch.cat([offsets, offsets.new_zeros(2, 1)], 1)

    def body(u: Tensor, v: Tensor, *tables: Tensor) -> Tensor:
        one_view, one_shapes, one_looks, one_blockers = tables
        depth, index = tracing.trace(u, v, with_center, one_view, one_shapes, compiled=compiled)
        layers = tracing.shade(
            u, v, offsets, depth[:, :-1], index[:, :-1], one_view, one_shapes, one_looks, one_blockers,
            compiled=compiled,
        )
        depth, index = depth[:, -1], index[:, -1]
        seen = depth < 0.5 * tracing.MISS
        extra = [torch.where(seen, depth + one_view[:, 3, None], 0.0), torch.where(seen, index, none)]
        return torch.cat([layers, torch.stack(extra, 1)], 1)

    def scene(u: Tensor, v: Tensor, *tables: Tensor) -> Tensor:
        return tracing.surroundings(u, v, *tables, compiled=compiled)

    picture, pixel = _work(_boxes(view, shapes, size), size, _BODY)
    u, v = (pixel % width).float(), (pixel // width).float()
    drawn = in_chunks(body, u, v, *(t[picture] for t in (view, shapes, looks, blockers)), cpu=1, cuda=64)
    layers = view.new_zeros(7, count * pixels + 1)
    layers[6] = none
    place = torch.where(pixel < pixels, picture[:, None] * pixels + pixel, count * pixels)
    layers[:, place.flatten()] = drawn.transpose(0, 1).flatten(1)
    layers = layers[:, :-1].unflatten(1, (count, 1, height, width))

    full = torch.tensor([[0, 0, width, height]], device=device).expand(count, 4)
    picture, pixel = _work(full, size, _SCENE)
    u, v = (pixel % width).float(), (pixel // width).float()
    behind = in_chunks(scene, u, v, view[picture], blockers[picture], cpu=1, cuda=64)
    behind = behind.transpose(0, 1).reshape(3, count, -1)[..., :pixels].unflatten(2, (height, width)).transpose(0, 1)
    front, cover = layers[:3, :, 0].transpose(0, 1), layers[3]
    color = (front + (1 - cover) * behind).clamp(0, 1).sqrt()
    return color.contiguous(), layers[4].contiguous(), layers[5].contiguous(), layers[6].long()


def _boxes(view: Tensor, shapes: Tensor, size: tuple[int, int]) -> Tensor:
    """Left, top, right, bottom of the pixels that a body can cover, ends not included, `(n, 4)` whole numbers."""
    height, width = size
    if view.is_cuda:  # to look at the numbers would make the device wait
        return torch.tensor([[0, 0, width, height]], device=view.device).expand(len(view), 4)
    start, axis = shapes[:, 21:24], shapes[:, 10:13]
    anchor = torch.stack([view[:, 3] * view[:, 4], view[:, 3] * view[:, 5], view[:, 3]], -1)
    low, high = [], []
    for ball, radius in ((start, shapes[:, 15]), (start + shapes[:, 14:15] * axis, shapes[:, 16])):
        reach = radius * shapes[:, 24]  # the longest half-axis of the stretched ball
        x, y, z = (anchor[:, :, None] + ball).unbind(1)
        near = (z - reach).clamp_min(0.05)
        for coordinate, column in ((x, 1), (y, 2)):
            for sign, found in ((-1, low), (1, high)):
                edge = coordinate + sign * reach
                farther = torch.where(edge * sign > 0, edge / near, edge / (z + reach))
                found.append(farther / view[:, :1] + view[:, column, None])
    present = shapes[:, 19] < shapes[:, 20]
    low = torch.stack([torch.where(present, torch.minimum(low[i], low[i + 2]), 1e6).amin(1) for i in (0, 1)], -1)
    high = torch.stack([torch.where(present, torch.maximum(high[i], high[i + 2]), -1e6).amax(1) for i in (0, 1)], -1)
    limit = torch.tensor([width, height], device=view.device)
    first = torch.minimum((low - 0.5).floor().clamp_min(0), limit - 1)
    last = torch.minimum((high + 0.5).ceil() + 1, limit).clamp_min(1)
    return torch.cat([first, torch.maximum(last, first + 1)], -1).long()


def _work(boxes: Tensor, size: tuple[int, int], length: int) -> tuple[Tensor, Tensor]:
    """Pieces of work: for each the picture `(m,)` and its pixels `(m, length)`, those over filled with a pixel outside."""
    height, width = size
    left, top, right, bottom = boxes.unbind(1)
    across, count = right - left, (right - left) * (bottom - top)
    pieces = (count + length - 1) // length
    picture = torch.arange(len(boxes), device=boxes.device).repeat_interleave(pieces)
    before = (pieces.cumsum(0) - pieces)[picture]
    rank = (torch.arange(len(picture), device=boxes.device) - before)[:, None] * length
    rank = rank + torch.arange(length, device=boxes.device)
    row = top[picture, None] + rank // across[picture, None]
    column = left[picture, None] + rank % across[picture, None]
    return picture, torch.where(rank < count[picture, None], row * width + column, height * width)
