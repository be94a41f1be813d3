"""What a batch prints: its class, its length and the shape of each field, never the numbers."""

import dataclasses
import textwrap
from typing import Any

from torch import Tensor

WIDTH = 100  # characters of a line


class ShortRepr:
    """Base of frozen dataclasses of tensors: `FaceImages(n=4, images: (4, 3, 64, 64), ...)`, wrapped."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Put the representation into each subclass, or `dataclass` would write its own."""
        super().__init_subclass__(**options)
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = ShortRepr.__repr__

    def __repr__(self) -> str:
        """The class, the number of rows and each field's shape."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        first = next(value for value in fields.values() if isinstance(value, Tensor))
        items = [f"n={len(first)}", *(f"{name}: {_form(value)}" for name, value in fields.items())]
        # A line breaks between fields only: not inside a shape.
        words = " ".join(f"{item},".replace(" ", "\0") for item in items).removesuffix(",")
        name = type(self).__name__
        lines = textwrap.wrap(f"{name}({words})", WIDTH, subsequent_indent="    ", break_long_words=False)
        return "\n".join(lines).replace("\0", " ")


def _form(value: Any) -> str:
    return str(tuple(value.shape)) if isinstance(value, Tensor) else type(value).__name__
