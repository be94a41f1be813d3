"""Named factors of a world: what varies, in which range and unit, and a set of drawn values."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from course_lib.worlds.short_repr import ShortRepr


@dataclass(frozen=True)
class Factor:
    """One thing that varies in a world.

    Attributes:
        name: Its field in the factor set.
        low: Smallest value (for a choice, 0).
        high: Largest value (for a choice, the number of choices less 1).
        unit: Unit of the values; empty for a pure number.
        meaning: What it changes in the picture.
        shape: Shape of one value: `()` for a number, `(3,)` for a colour.
        choice: Whether it is a whole number that names one of several kinds.
    """

    name: str
    low: float
    high: float
    unit: str = ""
    meaning: str = ""
    shape: tuple[int, ...] = ()
    choice: bool = False


def factor(
    low: float, high: float, meaning: str, *, unit: str = "", shape: tuple[int, ...] = (), choice: bool = False
) -> Any:
    """A field of a `FactorSet`, with its range, unit and meaning."""
    return dataclasses.field(
        metadata={"factor": dict(low=low, high=high, meaning=meaning, unit=unit, shape=shape, choice=choice)}
    )


Factors = TypeVar("Factors", bound="FactorSet")


@dataclass(frozen=True)
class FactorSet(ShortRepr):
    """Values of all factors of a world for n pictures; a subclass names them as fields made by `factor`.

    Each field is a tensor `(n, *shape)`, float32, or int64 for a choice. A set can be indexed like a tensor, moved,
    joined with others, and changed with `replace`; the values are checked once, when the set is made.
    """

    def __post_init__(self) -> None:
        count = None
        for spec in self.factors().values():
            values = getattr(self, spec.name)
            if not isinstance(values, Tensor) or values.ndim != 1 + len(spec.shape) or values.shape[1:] != spec.shape:
                found = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
                wanted = ", ".join(map(str, ("n", *spec.shape)))
                raise ValueError(f"`{spec.name}` is {found}: give a tensor of shape ({wanted})")
            if values.is_floating_point() == spec.choice:
                raise ValueError(f"`{spec.name}` is {values.dtype}: give {'int64' if spec.choice else 'float32'}")
            count = len(values) if count is None else count
            if len(values) != count:
                raise ValueError(f"`{spec.name}` has {len(values)} rows for {count} pictures: give one row a picture")
            if values.device.type == "cpu" and values.numel() and not torch.compiler.is_compiling():
                smallest, largest = (float(end) for end in torch.aminmax(values))
                slack = 1e-5 * (spec.high - spec.low)
                if not (smallest >= spec.low - slack and largest <= spec.high + slack):
                    found = f"is {smallest:g}" if smallest == largest else f"spans [{smallest:g}, {largest:g}]"
                    raise ValueError(
                        f"`{spec.name}` {found}: it must lie in "
                        f"[{spec.low:g}, {spec.high:g}]{' ' + spec.unit if spec.unit else ''}"
                    )

    @classmethod
    def factors(cls) -> dict[str, Factor]:
        """All factors by name, in order."""
        return {
            field.name: Factor(field.name, **field.metadata["factor"])
            for field in dataclasses.fields(cls)
            if "factor" in field.metadata
        }

    @classmethod
    def cat(cls: type[Factors], sets: Iterable[Factors]) -> Factors:
        """One set from several, in order."""
        parts = list(sets)
        return cls(**{name: torch.cat([getattr(part, name) for part in parts]) for name in cls.factors()})

    def __len__(self) -> int:
        """Number of pictures."""
        return len(getattr(self, next(iter(self.factors()))))

    def __getitem__(self: Factors, rows: int | slice | Tensor | list[int]) -> Factors:
        """The factors of some pictures; a single index gives a set of one."""
        if isinstance(rows, int):
            rows = range(len(self))[rows]
            rows = slice(rows, rows + 1)
        return type(self)(**{name: getattr(self, name)[rows] for name in self.factors()})

    @property
    def device(self) -> torch.device:
        """Where the values lie."""
        return getattr(self, next(iter(self.factors()))).device

    def to(self: Factors, device: torch.device | str) -> Factors:
        """The same values on another device."""
        return type(self)(**{name: getattr(self, name).to(device) for name in self.factors()})

    def repeat(self: Factors, count: int) -> Factors:
        """Each picture `count` times in succession: row 0, row 0, ..., row 1, ..."""
        return type(self)(**{name: getattr(self, name).repeat_interleave(count, dim=0) for name in self.factors()})

    def replace(self: Factors, **changes: Tensor | float | int) -> Factors:
        """The same set with some factors changed; a number, or a value without its row axis, holds for all rows.

        Raises:
            ValueError: No such factor, a value out of its range, or one whose shape or kind does not fit.
        """
        factors = self.factors()
        for name in changes:
            if name not in factors:
                raise ValueError(f"there is no factor `{name}`: choose from {', '.join(factors)}")
        values = {name: getattr(self, name) for name in factors}
        for name, change in changes.items():
            parts = change if isinstance(change, list | tuple) else (change,)
            if any(isinstance(part, str) for part in parts):
                raise ValueError(f"`{name}` (={change!r}) must be a number or a tensor")
            old, new = values[name], torch.as_tensor(change, device=values[name].device)
            if new.is_floating_point() and not old.is_floating_point():
                raise ValueError(f"`{name}` (={change}) names one of several kinds: give whole numbers")
            if new.ndim and new.shape not in (old.shape[1:], old.shape):
                fitting = " or ".join(str(tuple(shape)) for shape in (old.shape[1:], old.shape))
                raise ValueError(f"`{name}` is {tuple(new.shape)}: give a number, {fitting}")
            values[name] = new.to(old.dtype).expand_as(old).clone()
        return type(self)(**values)

    def as_dict(self) -> Mapping[str, Tensor]:
        """All values by name."""
        return {name: getattr(self, name) for name in self.factors()}


def check_generator(generator: object) -> None:
    """Refuse what cannot draw, such as a seed.

    Raises:
        ValueError: `generator` is no `torch.Generator`.
    """
    if not isinstance(generator, torch.Generator):
        seed = generator if isinstance(generator, int) else 0
        raise ValueError(
            f"`generator` (={generator!r}) must be a torch.Generator: give `course_lib.training.generator({seed})`"
        )


def uniform(n: int, low: float, high: float, *shape: int, generator: torch.Generator) -> Tensor:
    """Float32 values drawn evenly from [low, high), `(n, *shape)`, on the generator's device."""
    check_generator(generator)
    return low + (high - low) * torch.rand(n, *shape, generator=generator, device=generator.device)


def choices(n: int, count: int, *shape: int, generator: torch.Generator) -> Tensor:
    """Int64 values drawn evenly from 0 to count - 1, `(n, *shape)`, on the generator's device."""
    check_generator(generator)
    return torch.randint(count, (n, *shape), generator=generator, device=generator.device)
