"""Tapered capsules, and a builder that collects those of a body."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry import H36M_17
from course_lib.worlds.people.body import Frames, across, length, unit
from course_lib.worlds.people.factors import PeopleFactors

Interval = tuple[float | Tensor, float | Tensor]

PARTS = (
    ("background", "head", "torso")
    + tuple(f"right_{name}" for name in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"))
    + tuple(f"left_{name}" for name in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot"))
)
MATERIALS = ("background", "skin", "hair", "top", "bottom", "shoes", "seat")

FULL = 9.0  # metres: a piece that is not cut

# Part and material of each piece; limbs have a right and a left one.
KINDS = {
    "hips": ("torso", "bottom"),
    "belly": ("torso", "top"),
    "chest": ("torso", "top"),
    "hem": ("torso", "top"),
    "pectoral": ("torso", "top"),
    "trapezius": ("torso", "top"),
    "neck": ("head", "skin"),
    "head": ("head", "skin"),
    "jaw": ("head", "skin"),
    "nose": ("head", "skin"),
    "hair": ("head", "hair"),
    "locks": ("head", "hair"),
    "tail": ("head", "hair"),
    "upper_arm": ("upper_arm", "skin"),
    "forearm": ("forearm", "skin"),
    "sleeve": ("upper_arm", "top"),
    "cuff": ("forearm", "top"),
    "hand": ("hand", "skin"),
    "thumb": ("hand", "skin"),
    "thigh": ("thigh", "skin"),
    "calf": ("shin", "skin"),
    "shin": ("shin", "skin"),
    "trouser": ("thigh", "bottom"),
    "trouser_leg": ("shin", "bottom"),
    "foot": ("foot", "shoes"),
    "shaft": ("foot", "shoes"),
    "skirt": ("torso", "bottom"),
    "seat": ("background", "seat"),
    "post": ("background", "seat"),
    "base": ("background", "seat"),
}


@dataclass(frozen=True)
class Pieces:
    """Tapered capsules of b bodies, all with the same k pieces.

    A piece is the convex hull of two balls in space stretched by `squash` along `lateral` and along the third axis,
    of which only what lies between `low` and `high` along its axis is kept.

    Attributes:
        start: Centre of the first ball.
        axis: Unit vector to the second.
        lateral: Unit vector across.
        length: From ball to ball.
        radii: Of both balls.
        squash: Stretch along `lateral` and along lateral x axis.
        keep: `low` and `high`, metres from the first centre; a piece with low > high is absent.
        part: Row of `PARTS` of each piece.
        material: Row of `MATERIALS` of each piece.
        names: Name of each piece.
    """

    start: Float[Tensor, "b k 3"]
    axis: Float[Tensor, "b k 3"]
    lateral: Float[Tensor, "b k 3"]
    length: Float[Tensor, "b k"]
    radii: Float[Tensor, "b k 2"]
    squash: Float[Tensor, "b k 2"]
    keep: Float[Tensor, "b k 2"]
    part: tuple[int, ...]
    material: tuple[int, ...]
    names: tuple[str, ...]


class Builder:
    """Collects pieces; lengths and radii are given for the mean body and scaled."""

    def __init__(self, joints: Tensor, turned: Frames, factors: PeopleFactors) -> None:
        self.joints = {name: joints[:, i].contiguous() for i, name in enumerate(H36M_17.joints)}
        self.turned, self.factors = turned, factors
        self.size = turned.size
        # Where the neck begins, from the shoulders: skeletons place the thorax differently.
        shoulders = 0.5 * (self.joints["right_shoulder"] + self.joints["left_shoulder"])
        self.nape = shoulders + 0.031 * self.size * turned.chest[1]
        self.stout = factors.build[:, None]
        self.limb = self.size * (1 + 0.13 * self.stout)
        self.trunk = self.size * (1 + 0.15 * self.stout)
        self.cloth = self.size * (0.005 + 0.013 * factors.looseness[:, None])
        self._rows: list[tuple] = []
        self._labels: list[tuple[int, int, str]] = []

    def add(
        self,
        name: str,
        ends: tuple[Tensor, Tensor],
        radii: Interval,
        lateral: Tensor,
        squash: Interval = (1.0, 1.0),
        keep: Interval = (-FULL, FULL),
        present: Tensor | None = None,
    ) -> None:
        """One piece, with radii, squash and keep as numbers or `(b, 1)`.

        Args:
            name: From `KINDS`, with `right_` or `left_` in front for a limb.
            ends: Centres of its balls.
            radii: Of both balls.
            lateral: Direction across the piece, roughly.
            squash: Stretch along it and along the third axis.
            keep: What is kept along the axis, metres from the first centre.
            present: Whether the piece is there, `(b,)`.
        """
        start, end = ends
        one = torch.ones_like(self.size)
        low, high = (value * one for value in keep)
        if present is not None:
            low = torch.where(present[:, None], low, FULL)
            high = torch.where(present[:, None], high, -FULL)
        columns = [torch.cat([value * one for value in pair], -1) for pair in (radii, squash)]
        self._rows.append((start, end, lateral, *columns, torch.cat([low, high], -1)))
        side = name[: name.index("_") + 1] if name.startswith(("right_", "left_")) else ""
        part, material = KINDS[name.removeprefix(side)]
        part = side + part if side + part in PARTS else part
        self._labels.append((PARTS.index(part), MATERIALS.index(material), name))

    def pieces(self) -> Pieces:
        """All pieces collected."""
        start, end, lateral, radii, squash, keep = (torch.stack(column, 1) for column in zip(*self._rows, strict=True))
        span = length(end - start).clamp_min(1e-4)
        axis = (end - start) / span
        # Balls that hold one another leave no cone: the second gives way.
        taper = 0.98 * span
        radii = torch.stack(
            [radii[..., 0], radii[..., 1].clamp(radii[..., 0] - taper[..., 0], radii[..., 0] + taper[..., 0])], -1
        )
        lateral = unit(across(lateral, axis))
        part, material, names = zip(*self._labels, strict=True)
        return Pieces(start, axis, lateral, span[..., 0], radii, squash, keep, part, material, names)
