"""Pictures in tiles, so that rays are tried against the parts that may show near them instead of against all.

Which parts those are differs from tile to tile, while a compiled kernel wants arrays of one shape. So the work is cut
into pieces: one tile and at most so many of its parts. A tile that shows more takes several pieces, whose results are
joined by a minimum; a tile that shows none takes none. What a piece gives depends on nothing but itself, so a picture
comes out the same, bit by bit, alone or in a batch.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

HEIGHT, WIDTH = 8, 16  # pixels of a tile: a row of it fills a vector register
PIXELS = HEIGHT * WIDTH


def cut(values: Float[Tensor, "n s"], length: int) -> Float[Tensor, "n t l"]:
    """Values of the columns or rows of pictures, tile by tile; the last tile is filled up with the last value."""
    missing = -values.shape[1] % length
    if missing:
        values = torch.cat([values, values[:, -1:].expand(-1, missing)], 1)
    return values.unflatten(1, (-1, length))


def join(tiles: Tensor, height: int, width: int) -> Tensor:
    """Pictures `(n, h, w)` of their tiles `(n, rows x columns of tiles, PIXELS)`."""
    columns = -(-width // WIDTH)
    tiles = tiles.unflatten(1, (-1, columns)).unflatten(-1, (HEIGHT, WIDTH)).transpose(2, 3)
    return tiles.flatten(3, 4).flatten(1, 2)[:, :height, :width]


def overlap(tiles: Float[Tensor, "n t l"], low: Float[Tensor, "n k"], high: Float[Tensor, "n k"]) -> Tensor:
    """Which tiles of columns (or rows) reach into which intervals, `(n, t, k)`, with half a pixel to spare."""
    first, last = tiles.aminmax(dim=2)
    spare = 0.5 * (last - first) / (tiles.shape[2] - 1)
    # The last tile may be filled up: its own step says too little.
    spare = spare.amax(1, keepdim=True)
    return ((last + spare)[..., None] >= low[:, None]) & ((first - spare)[..., None] <= high[:, None])


def ball_span(place: Tensor, depth: Tensor, radius: Tensor) -> tuple[Tensor, Tensor]:
    """Interval of x / z over balls with centres at x = `place`, z = `depth`: a little wide, but never too narrow."""
    near, far = depth - radius, depth + radius
    low, high = place - radius, place + radius
    low = torch.where(low < 0, low / near, low / far)
    high = torch.where(high > 0, high / near, high / far)
    behind = near < 1e-3  # a ball that reaches the camera's plane may be seen anywhere
    return torch.where(behind, -torch.inf, low), torch.where(behind, torch.inf, high)


def pieces_of_work(touched: Bool[Tensor, "m k"], length: int) -> tuple[Int[Tensor, " p"], Int[Tensor, "p l"]]:
    """Cut the true entries of each row into pieces of one length.

    Args:
        touched: What concerns each row.
        length: Entries of a piece.

    Returns:
        For each piece its row, in order, and its entries, filled up with k.
    """
    row, entry = touched.nonzero().unbind(1)
    return deal(row, entry, len(touched), length, touched.shape[1])


def deal(
    row: Int[Tensor, " e"], entry: Int[Tensor, " e"], rows: int, length: int, fill: int
) -> tuple[Int[Tensor, " p"], Int[Tensor, "p l"]]:
    """As `pieces_of_work`, of entries listed row by row; `fill` fills up pieces."""
    count = torch.bincount(row, minlength=rows)
    pieces = torch.div(count + length - 1, length, rounding_mode="floor")
    rank = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
    part = torch.div(rank, length, rounding_mode="floor")
    owner = torch.arange(rows, device=row.device).repeat_interleave(pieces)
    entries = entry.new_full((len(owner), length), fill)
    entries[(pieces.cumsum(0) - pieces)[row] + part, rank - part * length] = entry
    return owner, entries


def smallest(row: Int[Tensor, " p"], values: Tensor, count: int, fill: int | float) -> Tensor:
    """Minimum over the pieces of each row, `(count, ...)`; `fill` where a row has none.

    Args:
        row: Row of each piece, in order, as from `pieces_of_work`.
        values: Of the pieces, `(p, ...)`.
        count: Number of rows.
        fill: Largest value there is.
    """
    result = values.new_full((count, *values.shape[1:]), fill)
    number = torch.arange(len(row), device=row.device)
    rank = number - torch.searchsorted(row, row)
    for turn in range(int(rank.max()) + 1 if len(row) else 0):
        chosen = (rank == turn).nonzero()[:, 0]
        place = row[chosen]
        new = values[chosen]
        result[place] = torch.minimum(result[place], new) if turn else new
    return result
