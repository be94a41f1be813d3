"""Skeletons as data: names, parents and mirror images of joints, in the orders that the datasets use.

`convert(points, H36M_17_LEFT, LSP_14)` reorders joints by name and fills a joint that the source lacks by the one
that stands for it (the neck of LSP by the thorax of Human3.6M); `conversion` tells which joints are only about the
same point. The trees themselves are in `skeleton_data.py`.
"""

import functools
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry.skeleton_data import LOOSE, STAND_INS, TREES


@dataclass(frozen=True)
class Skeleton:
    """An order of joints and the tree that they form.

    Attributes:
        name: What the order is called.
        joints: Name of each joint; the same joint has the same name in every skeleton.
        parents: Index of each joint's parent, -1 for the root. A parent may come after its child.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.joints) != len(self.parents):
            raise ValueError(
                f"`joints` ({len(self.joints)}) and `parents` ({len(self.parents)}) of {self.name} must be one each"
            )
        if len(set(self.joints)) != len(self.joints):
            twice = sorted({joint for joint in self.joints if self.joints.count(joint) > 1})
            raise ValueError(f"`joints` of {self.name} names {', '.join(twice)} more than once: names must differ")
        tree_levels(self.parents)

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Row of a joint."""
        if joint not in self.joints:
            raise ValueError(f"`joint` (={joint!r}) is not in {self.name}, which has {', '.join(self.joints)}")
        return self.joints.index(joint)

    @functools.cached_property
    def root(self) -> int:
        """Row of the root."""
        return self.parents.index(-1)

    @functools.cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """Pairs (parent, child), in the order of the children."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)

    @functools.cached_property
    def levels(self) -> tuple[tuple[int, ...], ...]:
        """Joints by their distance from the root, the root first."""
        return tree_levels(self.parents)

    @functools.cached_property
    def flip(self) -> tuple[int, ...]:
        """Row of each joint's mirror image: left and right change places.

        A mirrored picture needs this and the negated x: `points[..., skeleton.flip, :] * (-1, 1, 1)`. For a hand it
        changes nothing: the mirror image of a left hand is a right hand with the same joints.
        """
        other = {"left": "right", "right": "left"}
        rows = []
        for joint in self.joints:
            side, _, rest = joint.partition("_")
            rows.append(self.index(f"{other[side]}_{rest}" if side in other else joint))
        return tuple(rows)


def tree_levels(parents: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Joints of a tree by their distance from the root.

    Args:
        parents: Index of each joint's parent, -1 for the root.

    Raises:
        ValueError: There is not exactly one root, a parent does not exist, or the parents form a ring.
    """
    roots = [child for child, parent in enumerate(parents) if parent == -1]
    if len(roots) != 1:
        raise ValueError(f"`parents` has {len(roots)} roots (entries of -1); a skeleton has one")
    wrong = [parent for parent in parents if not -1 <= parent < len(parents)]
    if wrong:
        raise ValueError(f"`parents` names joint {wrong[0]}; there are joints 0 to {len(parents) - 1}, and -1")
    children: dict[int, list[int]] = {}
    for child, parent in enumerate(parents):
        children.setdefault(parent, []).append(child)
    levels, reached = [tuple(roots)], 1
    while below := tuple(child for joint in levels[-1] for child in children.get(joint, [])):
        levels.append(below)
        reached += len(below)
    if reached < len(parents):
        raise ValueError(f"`parents` holds a ring: {len(parents) - reached} joints are not reached from the root")
    return tuple(levels)


def _skeleton(name: str) -> Skeleton:
    """A named tree as a skeleton."""
    joints = tuple(joint for joint, _ in TREES[name])
    return Skeleton(name, joints, tuple(joints.index(parent) if parent else -1 for _, parent in TREES[name]))


H36M_17 = _skeleton("H36M_17")
H36M_17_LEFT = _skeleton("H36M_17_LEFT")
H36M_32 = _skeleton("H36M_32")
CMU_31 = _skeleton("CMU_31")
CMU_38 = _skeleton("CMU_38")
CMU_ASF_31 = _skeleton("CMU_ASF_31")
ICLONE_24 = _skeleton("ICLONE_24")
MPII_16 = _skeleton("MPII_16")
LSP_14 = _skeleton("LSP_14")
OPENPOSE_18 = _skeleton("OPENPOSE_18")
ITOP_15 = _skeleton("ITOP_15")
HAND_21 = _skeleton("HAND_21")
NYU_14 = _skeleton("NYU_14")
ICVL_16 = _skeleton("ICVL_16")

SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        *(H36M_17, H36M_17_LEFT, H36M_32, CMU_31, CMU_38, CMU_ASF_31, ICLONE_24),
        *(MPII_16, LSP_14, OPENPOSE_18, ITOP_15, HAND_21, NYU_14, ICVL_16),
    )
}


@dataclass(frozen=True)
class Conversion:
    """Where each joint of one skeleton comes from in another.

    Attributes:
        source: The skeleton that is at hand.
        target: The skeleton that is wanted.
        weights: For each joint of the target the (row of the source, weight) pairs whose sum it is; () where none is.
        approximate: Joints of the target that are only about the same point, with what stands for them, or with the
            reason where the name is the same and the point is not quite.
        missing: Joints of the target that the source can give nothing for.
    """

    source: Skeleton
    target: Skeleton
    weights: tuple[tuple[tuple[int, float], ...], ...]
    approximate: dict[str, str]
    missing: tuple[str, ...]


@functools.cache
def conversion(source: Skeleton, target: Skeleton) -> Conversion:
    """How the joints of `target` come from those of `source`: by name, else by what stands in for them."""
    found = {joint: _resolve(joint, source.joints, frozenset()) for joint in target.joints}
    loose = {
        joint: reason
        for sets, joints, reason in LOOSE
        if (source.name in sets) != (target.name in sets)
        for joint in joints
        if joint in source.joints and joint in target.joints
    }
    return Conversion(
        source=source,
        target=target,
        weights=tuple(
            tuple((source.index(name), weight) for name, weight in found[joint].items()) for joint in target.joints
        ),
        approximate=loose
        | {
            joint: " + ".join(f"{weight:g} {name}" for name, weight in parts.items())
            for joint, parts in found.items()
            if parts and joint not in source.joints
        },
        missing=tuple(joint for joint, parts in found.items() if not parts),
    )


def _resolve(joint: str, at_hand: tuple[str, ...], asked: frozenset[str]) -> dict[str, float]:
    """Weights of the joints at hand that give a joint, empty where nothing does."""
    if joint in at_hand:
        return {joint: 1.0}
    recipes = STAND_INS.get(joint, ())
    direct = [recipe for recipe in recipes if set(recipe) <= set(at_hand)]
    asked = asked | {joint}  # so that torso -> spine -> torso ends
    for recipe in direct or [recipe for recipe in recipes if len(recipe) > 1]:
        parts = [_resolve(name, at_hand, asked) if name not in asked else {} for name in recipe]
        if all(parts):
            total: dict[str, float] = {}
            for name, weight in ((name, weight) for part in parts for name, weight in part.items()):
                total[name] = total.get(name, 0.0) + weight / len(recipe)
            return total
    return {}


def convert(
    points: Float[Tensor, "*batch j d"],
    source: Skeleton,
    target: Skeleton,
    missing: Literal["raise", "nan"] = "raise",
) -> Float[Tensor, "*batch k d"]:
    """Joints in another order.

    Joints of one name are taken over unchanged. Others are the mean of those that stand for them, which is only about
    the same point of the body: `conversion(source, target).approximate` lists them, and the names that two sets mark
    differently.

    Args:
        points: 2D or 3D joints in the order of `source`.
        source: Their skeleton.
        target: The skeleton wanted.
        missing: What to do about joints that nothing can stand for: refuse, or fill with NaN.

    Returns:
        The joints of `target`; differentiable; NaN where a joint that is used is NaN.

    Raises:
        ValueError: `points` has another number of joints than `source`, or joints are missing.
    """
    if points.ndim < 2 or points.shape[-2] != len(source):
        raise ValueError(f"`points` has shape {tuple(points.shape)}: {source.name} needs (..., {len(source)}, d)")
    if missing not in ("raise", "nan"):
        raise ValueError(f'`missing` (={missing!r}) must be "raise" or "nan"')
    plan = conversion(source, target)
    if plan.missing and missing == "raise":
        raise ValueError(
            f"{source.name} has nothing for {', '.join(plan.missing)} of {target.name}: "
            'choose another `target`, or pass missing="nan"'
        )
    # Gathered, not multiplied by a matrix: 0 * NaN would spread one missing joint over all.
    most = max((len(parts) for parts in plan.weights), default=1) or 1
    padded = [parts + (parts[:1] or ((0, 1.0),)) * (most - len(parts)) for parts in plan.weights]
    rows = torch.tensor([[row for row, _ in parts] for parts in padded], device=points.device)
    weights = torch.tensor(
        [
            [weight if use < len(parts) else 0.0 for use, (_, weight) in enumerate(fill)]
            for parts, fill in zip(plan.weights, padded, strict=True)
        ],
        dtype=points.dtype,
        device=points.device,
    )
    converted = (points[..., rows, :] * weights[..., None]).sum(-2)
    if plan.missing:
        gone = torch.tensor([not parts for parts in plan.weights], device=points.device)
        converted = converted.masked_fill(gone[:, None], torch.nan)
    return converted
