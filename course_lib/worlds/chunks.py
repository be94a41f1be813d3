"""Batches of any length in pieces of one length: a kernel is compiled once, and a row never depends on others."""

from collections.abc import Callable

import torch
from torch import Tensor


def in_chunks(
    draw: Callable[..., Tensor | tuple[Tensor, ...]], *tensors: Tensor, cpu: int, cuda: int, fill: bool = True
) -> Tensor | tuple[Tensor, ...]:
    """Call `draw` on pieces of equal length and join what it returns.

    What is left over is filled up with repeats of its last row, or comes row by row. Compiled code is specialised to
    shapes: pieces of one length, or of two, are compiled once for every batch size, and a picture comes out the same,
    bit by bit, alone or in a batch.

    Args:
        draw: Takes as many tensors as given, each `(piece, ...)`, returns one or several `(piece, ...)`.
        tensors: Inputs, `(n, ...)` each.
        cpu: Length of a piece on a CPU: few enough to stay in the cache.
        cuda: Length of a piece on a GPU: enough to fill it.
        fill: On a CPU, whether the last piece is filled up; if not, its rows are pieces of their own, which is better
            where a row costs much and pieces only spare calls.

    Returns:
        What `draw` returns, `(n, ...)`.

    Raises:
        ValueError: There are no rows.
    """
    count = len(tensors[0])
    if not count:
        raise ValueError("`factors` holds no pictures (n = 0): draw at least one")
    length = cuda if tensors[0].is_cuda else cpu
    single = 0 if fill or tensors[0].is_cuda else count % length
    starts = [*range(0, count - single, length), *range(count - single, count)]
    pieces = []
    for start in starts:
        size = length if start < count - single else 1
        parts = [tensor[start : start + size] for tensor in tensors]
        missing = size - len(parts[0])
        if missing:
            parts = [torch.cat([part, part[-1:].expand(missing, *part.shape[1:])]) for part in parts]
        pieces.append(draw(*(part.contiguous() for part in parts)))
    if isinstance(pieces[0], Tensor):
        return torch.cat(pieces)[:count]
    return tuple(torch.cat(column)[:count] for column in zip(*pieces, strict=True))
