"""What every reader returns: records that can be counted, indexed and drawn in batches."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from course_lib.datasets.batches import ShuffledRows
from course_lib.datasets.errors import BadRecords, DataFormatError


class LazyImages:
    """Image files of one set, decoded when asked for.

    `images[3]` is one picture, `images[2:5]` and `images[[4, 0]]` are smaller sets still undecoded, `images.stack()`
    is one tensor of all.

    Args:
        sources: Where each picture lies: a path, or whatever `decode` takes.
        decode: Gives the picture of a source as a tensor, the same shape for all; raises `DataFormatError`.
    """

    def __init__(self, sources: Sequence[str | Path | tuple], decode: Callable[..., Tensor]) -> None:
        self.sources, self.decode = tuple(sources), decode

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.sources)

    def __getitem__(self, rows: int | slice | Sequence[int] | Tensor) -> "Tensor | LazyImages":
        """One decoded picture, or a smaller set."""
        if isinstance(rows, int):
            return self.decode(self.sources[rows])
        return LazyImages(_pick(self.sources, rows), self.decode)

    def stack(self) -> Tensor:
        """All pictures as one tensor, `(n, ...)`; `DataFormatError` names the first whose size differs."""
        pictures = [self.decode(source) for source in self.sources]
        if not pictures:
            raise ValueError("there are no pictures to stack: the set is empty")
        for source, picture in zip(self.sources, pictures, strict=True):
            if picture.shape != pictures[0].shape:
                raise DataFormatError(
                    f"{source}: shape {tuple(picture.shape)}, the first picture has {tuple(pictures[0].shape)}; "
                    "read sets of one size, or take the pictures one by one"
                )
        return torch.stack(pictures)

    def readable(self, bad: BadRecords) -> list[int]:
        """Rows whose picture decodes; the others are reported to `bad`."""
        rows = []
        for row, source in enumerate(self.sources):
            try:
                self.decode(source)
            except (DataFormatError, FileNotFoundError) as error:
                bad.report(str(source), f"row {row}", str(error))
            else:
                rows.append(row)
        return rows


Records = TypeVar("Records", bound="RecordSet")


@dataclass(frozen=True)
class RecordSet:
    """Base of the readers' results: frozen dataclasses whose fields in `PER_RECORD` hold one entry a record.

    `len(records)`, `records[3]` (a set of one), `records[10:20]`, `records[[5, 2]]`, and
    `records.batches(batch_size=32, gen=gen)`.
    """

    PER_RECORD: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in self._filled()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name}: {length}" for name, length in lengths.items())
            raise ValueError(f"the fields of a {type(self).__name__} must have one entry a record; found {told}")

    def _filled(self) -> list[str]:
        """Fields with one entry a record that this set carries: an optional one may be None or ()."""
        values = {name: getattr(self, name) for name in self.PER_RECORD}
        optional = set(self.PER_RECORD[1:])
        return [
            name
            for name, value in values.items()
            if not (name in optional and (value is None or (isinstance(value, tuple) and not value)))
        ]

    def __len__(self) -> int:
        """Number of records."""
        return len(getattr(self, self.PER_RECORD[0]))

    def __getitem__(self: Records, rows: int | slice | Sequence[int] | Tensor) -> Records:
        """Some of the records, in the order asked for; a single index gives a set of one."""
        if isinstance(rows, int):
            rows = range(len(self))[rows]
            rows = slice(rows, rows + 1)
        return dataclasses.replace(self, **{name: _pick(getattr(self, name), rows) for name in self._filled()})

    def to(self: Records, device: torch.device | str) -> Records:
        """The same records with their tensors on another device."""
        tensors = {
            field.name: getattr(self, field.name).to(device)
            for field in dataclasses.fields(self)
            if isinstance(getattr(self, field.name), Tensor)
        }
        return dataclasses.replace(self, **tensors)

    def decoded(self: Records) -> Records:
        """The same records with every picture read into memory."""
        lazy = {name: getattr(self, name) for name in self._filled()}
        return dataclasses.replace(
            self, **{name: value.stack() for name, value in lazy.items() if isinstance(value, LazyImages)}
        )

    def batches(self, *, batch_size: int, gen: torch.Generator) -> "RecordBatches":
        """Endless shuffled batches of `batch_size` records, pictures decoded."""
        return RecordBatches(self, batch_size=batch_size, gen=gen)


def _pick(values, rows):
    """The entries of a tensor, lazy images or a tuple at some rows."""
    if isinstance(values, Tensor | LazyImages):
        return values[rows]
    if isinstance(rows, slice):
        return tuple(values[rows])
    rows = torch.as_tensor(rows)
    if rows.dtype == torch.bool:
        rows = rows.nonzero()[:, 0]
    return tuple(values[row] for row in rows.tolist())


class RecordBatches(ShuffledRows):
    """Batches without end from a `RecordSet`: every record once in each pass, in a new order each time.

    Args:
        records: What to draw from.
        batch_size: Records a batch.
        gen: Source of the order.
    """

    def __init__(self, records: RecordSet, *, batch_size: int, gen: torch.Generator) -> None:
        super().__init__(len(records), batch_size=batch_size, gen=gen)
        self.records = records

    def __iter__(self) -> Iterator[RecordSet]:
        """Yield batches for ever."""
        while True:
            yield self.records[self.next_rows()].decoded()
