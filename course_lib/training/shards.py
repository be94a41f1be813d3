"""Shards: several processes share one stream of global batches, each taking its own rows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from torch import Tensor


class Shards:
    """A view of a stream of batches that yields only the rows of one process.

    Every process draws the same global batch (same data, same generator) and keeps its own part of equal size: the
    mean over the processes of the mean loss over a part is the mean loss over the batch, and so are the gradients.
    """

    def __init__(self, batches: Iterable[Any], rank: int, world_size: int):
        self.batches = batches
        self.rank = rank
        self.world_size = world_size

    def __iter__(self) -> Iterator[Any]:
        """Yield this process's part of each batch."""
        return (shard(batch, self.rank, self.world_size) for batch in self.batches)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the stream, the same in every process."""
        return self.batches.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of the stream."""
        self.batches.load_state_dict(state)


def shard(batch: Any, rank: int, world_size: int) -> Any:
    """Return one process's rows of a tensor, or of every tensor in a dataclass, tuple, list or dictionary.

    Raises:
        ValueError: The rows cannot be divided evenly.
    """
    if isinstance(batch, Tensor):
        if batch.shape[0] % world_size:
            raise ValueError(
                f"batch size (={batch.shape[0]}) must be a multiple of the number of processes (={world_size})"
            )
        return batch.chunk(world_size)[rank]
    if is_dataclass(batch) and not isinstance(batch, type):
        return replace(batch, **{f.name: shard(getattr(batch, f.name), rank, world_size) for f in fields(batch)})
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(shard(part, rank, world_size) for part in batch))
    if isinstance(batch, (tuple, list)):
        return type(batch)(shard(part, rank, world_size) for part in batch)
    if isinstance(batch, Mapping):
        return {key: shard(part, rank, world_size) for key, part in batch.items()}
    return batch
