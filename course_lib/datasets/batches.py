"""Endless shuffled batches that remember where they were."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.datasets.images import binarize


@dataclass(frozen=True)
class Batch:
    """Images and, where known, their classes."""

    images: Tensor
    labels: Tensor | None = None


class ShuffledRows:
    """Rows of a set in batches without end: every row once in each pass, in a new order each time.

    A last batch that would be smaller than the others is left out of its pass. `state_dict` holds the place in the
    pass; with the generator's own state, saved by `Run`, a resumed run sees the very batches it would have seen.

    Args:
        count: Rows of the set.
        batch_size: Rows a batch.
        gen: Source of the order; the rows lie on its device.
        of: What the rows are, for messages.
    """

    def __init__(self, count: int, *, batch_size: int, gen: torch.Generator, of: str = "records") -> None:
        if not 1 <= batch_size <= count:
            raise ValueError(f"`batch_size` (={batch_size}) must lie between 1 and the number of {of} ({count})")
        self.of = of
        self.count, self.batch_size, self.gen = count, batch_size, gen
        self._order = torch.empty(0, dtype=torch.int64)
        self._next = 0

    def next_rows(self) -> Tensor:
        """The rows of the next batch, `(batch_size,)`."""
        if self._next + self.batch_size > len(self._order):
            self._order = torch.randperm(self.count, generator=self.gen, device=self.gen.device)
            self._next = 0
        self._next += self.batch_size
        return self._order[self._next - self.batch_size : self._next]

    def state_dict(self) -> dict[str, Tensor | int]:
        """The order of the present pass and the place in it."""
        return {"order": self._order, "next": self._next}

    def load_state_dict(self, state: dict[str, Tensor | int]) -> None:
        """Take up the place that `state_dict` gave."""
        order = state["order"]
        if len(order) not in (0, self.count):
            raise ValueError(f"`state` belongs to a set of {len(order)} {self.of}, this one has {self.count}")
        self._order = order.to(self.gen.device)
        self._next = int(state["next"])


class Batches(ShuffledRows):
    """Endless shuffled batches of images held in memory.

    Args:
        images: Pixels in [0, 1], `(n, ...)`.
        labels: Classes, `(n,)`, or None.
        batch_size: Images a batch.
        gen: Source of the order and of binary pixels, on the device of the images.
        binary: Draw binary pixels anew for each batch (see `binarize`).
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor | None = None,
        *,
        batch_size: int,
        gen: torch.Generator,
        binary: bool = False,
    ) -> None:
        super().__init__(len(images), batch_size=batch_size, gen=gen, of="images")
        if labels is not None and len(labels) != len(images):
            raise ValueError(f"`labels` has {len(labels)} entries for {len(images)} images: give one label an image")
        self.images, self.labels, self.binary = images, labels, binary

    def __iter__(self) -> Iterator[Batch]:
        """Yield batches for ever."""
        while True:
            rows = self.next_rows()
            images = self.images[rows]
            yield Batch(
                binarize(images, gen=self.gen) if self.binary else images,
                None if self.labels is None else self.labels[rows],
            )
