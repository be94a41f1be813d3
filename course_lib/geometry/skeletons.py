"""Skeletons as data: names, parents and mirror images of joints, in the orders that the datasets use."""

import functools
from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """An order of joints and the tree that they form.

    Attributes:
        name: What the order is called.
        joints: Name of each joint; the same joint has the same name in every skeleton.
        parents: Index of each joint's parent, -1 for the root.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.joints)

    @functools.cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Pairs (parent, child), in the order of the children."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)
