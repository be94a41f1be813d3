"""Rays of a frame in bundles that are traced together, and the pictures that are made of them.

Whole tiles of pixels come first, one after the other; in a frame that is drawn, each is followed by the rays through
the corners of the same pixels. The rows and columns that are left over at the bottom and at the right fill the last
bundles.
"""

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.worlds.tiles import HEIGHT, PIXELS, WIDTH

BUNDLE = 2 * PIXELS


@dataclass(frozen=True)
class Grid:
    """Where the rays of a frame pass, bundle by bundle.

    Attributes:
        u: Columns, `(1, t * BUNDLE)`.
        v: Rows, likewise.
        box: Smallest and largest u, smallest and largest v of each bundle, `(1, 4, t)`.
        sizes: Height and width of each picture of rays: the centres, and the corners if there are any.
        whole: Rows and columns that are covered by whole tiles, in all pictures alike.
    """

    u: Tensor
    v: Tensor
    box: Tensor
    sizes: tuple[tuple[int, int], ...]
    whole: tuple[int, int]

    def pictures(self, values: Tensor) -> list[Tensor]:
        """Pictures `(b, c, h, w)` of values `(b, c, t * BUNDLE)`."""
        high, wide = self.whole
        tiles, count = (high // HEIGHT, wide // WIDTH, len(self.sizes), HEIGHT, WIDTH), high * wide * len(self.sizes)
        blocks, begin, found = values[..., :count].unflatten(-1, tiles), count, []
        for i, (height, width) in enumerate(self.sizes):
            picture = values.new_empty(*values.shape[:2], height, width)
            block = picture[..., :high, :wide].unflatten(-1, (-1, WIDTH)).unflatten(-3, (-1, HEIGHT))
            block.copy_(blocks[..., i, :, :].transpose(-3, -2))
            for part in (picture[..., high:, :], picture[..., :high, wide:]):
                end = begin + part[0, 0].numel()
                part.copy_(values[..., begin:end].unflatten(-1, part.shape[2:]))
                begin = end
            found.append(picture)
        return found

    def listed(self, *pictures: Tensor) -> Tensor:
        """Values `(b, t * BUNDLE)` of pictures `(b, h, w)`; the last bundle is filled up with its last value."""
        high, wide = self.whole
        blocks = [p[:, :high, :wide].unflatten(2, (-1, WIDTH)).unflatten(1, (-1, HEIGHT)) for p in pictures]
        parts = [torch.stack([block.transpose(2, 3) for block in blocks], 3).flatten(1)]
        for p in pictures:
            parts += [p[:, high:].flatten(1), p[:, :high, wide:].flatten(1)]
        values = torch.cat(parts, 1)
        return torch.cat([values, values[:, -1:].expand(-1, -values.shape[1] % BUNDLE)], 1)


@functools.lru_cache(maxsize=32)
def grid_of(height: int, width: int, device: torch.device, corners: bool) -> Grid:
    """The grid of a frame: the pixels' centres, whose coordinates are whole numbers, and if wanted their corners."""
    sizes = ((height, width), (height + 1, width + 1)) if corners else ((height, width),)
    whole = height - height % HEIGHT, width - width % WIDTH
    empty = torch.empty(0, device=device)
    grid = Grid(empty, empty, empty, sizes, whole)
    pictures = []
    for size, shift in zip(sizes, (0.0, -0.5), strict=False):
        v, u = (torch.arange(side, device=device, dtype=torch.float32) + shift for side in size)
        pictures.append(torch.stack([u.expand(size), v[:, None].expand(size)]))
    u, v = grid.listed(*pictures).split(1)
    return Grid(u, v, boxes(u, v), sizes, whole)


def boxes(u: Tensor, v: Tensor) -> Tensor:
    """Smallest and largest u, smallest and largest v of each bundle, `(b, 4, t)`, of places `(b, t * BUNDLE)`."""
    ends = (*u.unflatten(1, (-1, BUNDLE)).aminmax(dim=2), *v.unflatten(1, (-1, BUNDLE)).aminmax(dim=2))
    return torch.stack(ends, 1)
