"""What every renderer asks of its arguments: factors of its own world, and a size it can draw."""

from collections.abc import Sequence
from numbers import Integral


def check_factors(factors: object, wanted: type, name: str = "factors") -> None:
    """Refuse factors of another world.

    Raises:
        ValueError: `factors` is not a `wanted`.
    """
    if not isinstance(factors, wanted):
        world = wanted.__module__.split(".")[-2]
        raise ValueError(
            f"`{name}` is of class {type(factors).__name__}: give {wanted.__name__}, "
            f"for example from `{world}.sample_factors`"
        )


def height_and_width(size: object) -> tuple[int, int]:
    """Both sides of a picture from one number or a pair.

    Raises:
        ValueError: `size` is neither.
    """
    if isinstance(size, Integral):
        return int(size), int(size)
    if not isinstance(size, Sequence) or len(size) != 2 or not all(isinstance(side, Integral) for side in size):
        raise ValueError(f"`size` (={size!r}) is a number or (height, width), in whole pixels")
    return int(size[0]), int(size[1])


def check_square(size: object) -> None:
    """Refuse a size that is not one number, where only squares are drawn.

    Raises:
        ValueError: `size` is not one whole number.
    """
    if not isinstance(size, Integral):
        raise ValueError(f"`size` (={size!r}) is one number, in whole pixels: this world draws squares")
