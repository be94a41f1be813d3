"""From tables of pieces to pictures: which pixels are worth a ray, pieces of work of one size, layers put together."""

import torch
from torch import Tensor

from course_lib.worlds import tiles
from course_lib.worlds.chunks import in_chunks
from course_lib.worlds.people import tracing

_HIGH, _WIDE = 4, 8  # pixels of a tile
_TILE = _HIGH * _WIDE
_PIECES = 8  # that are tried at once in a tile
_BODY, _SCENE = 256, 4096  # pixels that are lit at once, and of the background
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
    depth, index, picture, pixel = _trace(view, shapes, size, offsets, compiled)

    # Depth and piece at the centres of pixels: the last ray.
    place = torch.where(pixel < pixels, picture[:, None] * pixels + pixel, count * pixels).flatten()
    seen = depth[-1] < 0.5 * tracing.MISS
    layers = view.new_zeros(7, count * pixels + 1)  # the last column takes what is outside
    layers[6] = none
    layers[5, place] = torch.where(seen, depth[-1] + view[picture, 3].repeat_interleave(_TILE), 0.0)
    layers[6, place] = torch.where(seen, index[-1].float(), float(none))

    # Light on the pixels of which a ray meets something. One pixel more, which sees nothing, fills up pieces of work.
    rays = (place < count * pixels) & (depth[:-1] < tracing.MISS).any(0)
    chosen = rays.nonzero()[:, 0]
    if len(chosen):
        of, lit = tiles.deal(picture.repeat_interleave(_TILE)[chosen], chosen, count, _BODY, len(place))
        depth = torch.cat([depth[:-1], depth.new_full((len(depth) - 1, 1), tracing.MISS)], 1)
        index = torch.cat([index[:-1], index.new_zeros(len(index) - 1, 1)], 1)
        pixel, place = (torch.cat([p.flatten(), p.new_full((1,), last)]) for p, last in ((pixel, 0), (place, -1)))

        def body(u: Tensor, v: Tensor, depth: Tensor, index: Tensor, *tables: Tensor) -> Tensor:
            return tracing.shade(u, v, offsets, depth, index, *tables, compiled=compiled)

        where = pixel[lit]
        row = torch.div(where, width, rounding_mode="floor")
        drawn = in_chunks(
            body, (where - row * width).float(), row.float(), *(t[:, lit].transpose(0, 1) for t in (depth, index)),
            *(t[of] for t in (view, shapes, looks, blockers)), cpu=4, cuda=256,
        )  # fmt: skip
        layers[:5, place[lit].flatten()] = drawn.transpose(0, 1).flatten(1)
    layers = layers[:, :-1].unflatten(1, (count, 1, height, width))

    behind = _behind(view, blockers, size, compiled)
    front, cover = layers[:3, :, 0].transpose(0, 1), layers[3]
    colour = (front + (1 - cover) * behind).clamp(0, 1).sqrt()
    return colour.contiguous(), layers[4].contiguous(), layers[5].contiguous(), layers[6].long()


def _trace(
    view: Tensor, shapes: Tensor, size: tuple[int, int], offsets: Tensor, compiled: bool | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What rays meet in the tiles in which there may be something.

    Args:
        view: As in `paint`.
        shapes: Likewise.
        size: Likewise.
        offsets: Of the rays in a pixel; one through its centre is added.
        compiled: As in `Kernel`.

    Returns:
        Depth behind the anchor and number of the piece (int32), `(s + 1, m * _TILE)` each; of each of m tiles its
        picture `(m,)`; and its pixels `(m, _TILE)`, height x width where a tile juts out.
    """
    (height, width), count, none = size, len(view), shapes.shape[2]
    near = _near(view, shapes, size, (_HIGH, _WIDE))
    down, across = near.shape[1:3]
    tile, number = tiles.pieces_of_work(near.flatten(0, 2), _PIECES)
    rows, columns = (torch.arange(side, device=view.device) for side in (down * _HIGH, across * _WIDE))
    u = columns.unflatten(0, (1, across, 1, _WIDE)).expand(down, across, _HIGH, _WIDE).reshape(-1, _TILE)
    v = rows.unflatten(0, (down, 1, _HIGH, 1)).expand(down, across, _HIGH, _WIDE).reshape(-1, _TILE)
    # One piece more, which is absent, fills up the work.
    absent = shapes.new_zeros(count, 1, tracing.SHAPE_ROWS)
    absent[..., 19] = 1.0
    table = torch.cat([shapes.mT, absent], 1).flatten(0, 1)
    picture = torch.div(tile, down * across, rounding_mode="floor")
    spot = tile - picture * (down * across)
    chosen = (picture[:, None] * (none + 1) + number).flatten()
    with_center = torch.cat([offsets, offsets.new_zeros(2, 1)], 1)

    def rays(u: Tensor, v: Tensor, *tables: Tensor) -> tuple[Tensor, Tensor]:
        return tracing.trace(u, v, with_center, *tables, compiled=compiled)

    fields = (u.float()[spot], v.float()[spot], view[picture])
    fields = (*fields, table.index_select(0, chosen).unflatten(0, (-1, _PIECES)))
    if len(tile):
        depth, found = in_chunks(rays, *fields, number.int(), cpu=64, cuda=4096)
    else:
        depth, found = (like.new_zeros(0, with_center.shape[1], _TILE) for like in (view, number.int()))
    # Of a tile with several pieces of work the nearest counts.
    rank = torch.arange(len(tile), device=tile.device) - torch.searchsorted(tile, tile)
    first = rank == 0
    row, best, name = first.cumsum(0) - 1, depth[first], found[first]
    for turn in range(1, int(rank.max()) + 1 if len(rank) else 1):
        again = (rank == turn).nonzero()[:, 0]
        new, old = depth[again], best[row[again]]
        name[row[again]] = torch.where(new < old, found[again], name[row[again]])
        best[row[again]] = torch.minimum(new, old)
    spot, inside = spot[first], (u < width) & (v < height)
    pixel = torch.where(inside, v * width + u, height * width)[spot]
    best, name = (values.transpose(0, 1).flatten(1) for values in (best, name))
    return best, name, picture[first], pixel


def _behind(view: Tensor, blockers: Tensor, size: tuple[int, int], compiled: bool | None) -> Tensor:
    """Linear colour of wall and floor, `(n, 3, h, w)`: all pixels, in pieces of work of one length."""
    (height, width), count = size, len(view)
    pixel = torch.arange(height * width, device=view.device)
    pixel = torch.cat([pixel, pixel[-1:].expand(-len(pixel) % _SCENE)]).unflatten(0, (-1, _SCENE)).repeat(count, 1)
    row = torch.div(pixel, width, rounding_mode="floor")
    tables = (t.repeat_interleave(len(pixel) // count, 0) for t in (view, blockers))
    colour = in_chunks(
        lambda u, v, *tables: tracing.surroundings(u, v, *tables, compiled=compiled),
        (pixel - row * width).float(), row.float(), *tables, cpu=1, cuda=64,
    )  # fmt: skip
    colour = colour.unflatten(0, (count, -1)).transpose(1, 2).flatten(2)
    return colour[..., : height * width].unflatten(2, (height, width))


def _touched(view: Tensor, shapes: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels that a piece may cover, `(n, h, w)`."""
    return _near(view, shapes, size, (1, 1)).any(-1)


def _near(view: Tensor, shapes: Tensor, size: tuple[int, int], tile: tuple[int, int]) -> Tensor:
    """Which pieces may show in which tiles, `(n, rows, columns, k)`: those of which a third has its bounding box there.

    Args:
        view: As in `paint`.
        shapes: Likewise.
        size: Likewise.
        tile: Height and width of a tile, pixels.
    """
    anchor = torch.stack([view[:, 3] * view[:, 4], view[:, 3] * view[:, 5], view[:, 3]], -1)[:, :, None, None]
    start, axis, span, radii = (shapes[:, rows, None] for rows in ([21, 22, 23], [10, 11, 12], [14], [15, 16]))
    place = torch.linspace(0, 1, _THIRDS + 1, device=view.device)[:, None]
    balls = anchor + start + place * span * axis  # (n, 3, 4, k)
    # The longest half-axes of the stretched balls.
    reach = (radii[:, 0] + place * (radii[:, 1] - radii[:, 0])) * shapes[:, 24, None]
    near, far = (balls[:, 2] - reach).clamp_min(0.05), balls[:, 2] + reach
    present = (shapes[:, 19] < shapes[:, 20])[:, None]
    spans = []
    for i, length, side in ((1, size[0], tile[0]), (0, size[1], tile[1])):
        low, high = balls[:, i] - reach, balls[:, i] + reach
        low = torch.where(low < 0, low / near, low / far) / view[:, :1, None]
        high = torch.where(high > 0, high / near, high / far) / view[:, :1, None]
        low = torch.minimum(low[:, :-1], low[:, 1:]) + view[:, 1 + i, None, None] - 0.6
        high = torch.maximum(high[:, :-1], high[:, 1:]) + view[:, 1 + i, None, None] + 0.6
        first = torch.arange(0, length, side, device=view.device)[:, None, None]
        spans.append((first + (side - 1) > low[:, None]) & (first < high[:, None]) & present[:, None])
    found = spans[0][:, :, None, 0] & spans[1][:, None, :, 0]
    for third in range(1, _THIRDS):
        found |= spans[0][:, :, None, third] & spans[1][:, None, :, third]
    return found


def _work(touched: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Pieces of work: for each the picture `(m,)` and its pixels `(m, length)`, filled up with a pixel outside."""
    return tiles.pieces_of_work(touched.flatten(1), length)
