"""Forward kinematics: from a rotation at each joint and the lengths of the bones to positions."""

import itertools
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry._precision import full_precision
from course_lib.geometry.skeletons import Skeleton, tree_levels


@full_precision
def forward_kinematics(
    rotations: Float[Tensor, "*batch j 3 3"],
    offsets: Float[Tensor, "*#batch j 3"],
    skeleton: Skeleton | Sequence[int],
    root: Float[Tensor, "*#batch 3"] | None = None,
) -> tuple[Float[Tensor, "*batch j 3"], Float[Tensor, "*batch j 3 3"]]:
    r"""Positions and orientations of the joints of a tree.

    $R_i = R_{p(i)} L_i$ and $x_i = x_{p(i)} + R_{p(i)} o_i$ on column vectors: a joint's own rotation $L_i$ turns what
    hangs from it, not the joint itself. One step for each level of the tree, whatever the batch.

    Args:
        rotations: Rotation of each joint relative to its parent (the root's: relative to the world).
        offsets: Place of each joint in its parent's frame, any unit; the root's is its place in the world.
        skeleton: The tree, or the parents of its joints with -1 for the root.
        root: Translation added to the root's offset.

    Returns:
        Positions, in the unit of the offsets, and the orientation of each joint in the world.

    Raises:
        ValueError: The tree has another number of joints, or is none.
    """
    parents = skeleton.parents if isinstance(skeleton, Skeleton) else tuple(skeleton)
    if rotations.ndim < 3 or rotations.shape[-3:] != (len(parents), 3, 3):
        raise ValueError(f"`rotations` has shape {tuple(rotations.shape)}: the tree needs (..., {len(parents)}, 3, 3)")
    if offsets.ndim < 2 or offsets.shape[-2:] != (len(parents), 3):
        raise ValueError(f"`offsets` has shape {tuple(offsets.shape)}: the tree needs (..., {len(parents)}, 3)")
    batch = rotations.shape[:-3]
    offsets = offsets.expand(*batch, len(parents), 3)
    levels = skeleton.levels if isinstance(skeleton, Skeleton) else tree_levels(parents)
    first = list(levels[0])
    positions = [offsets[..., first, :] if root is None else offsets[..., first, :] + root[..., None, :]]
    orientations = [rotations[..., first, :, :]]
    for above, level in itertools.pairwise(levels):
        joints, hang_from = list(level), [above.index(parents[joint]) for joint in level]
        parent = orientations[-1][..., hang_from, :, :]
        positions.append(positions[-1][..., hang_from, :] + (parent @ offsets[..., joints, :, None]).squeeze(-1))
        orientations.append(parent @ rotations[..., joints, :, :])
    reached = [joint for level in levels for joint in level]
    order = sorted(range(len(parents)), key=reached.__getitem__)  # back from the order of the levels
    return torch.cat(positions, -2)[..., order, :], torch.cat(orientations, -3)[..., order, :, :]


@full_precision
def bone_lengths(joints: Float[Tensor, "*batch j d"], skeleton: Skeleton) -> Float[Tensor, "*batch bones"]:
    """Length of each bone, in the order of `skeleton.bones`.

    Args:
        joints: Joints in the order of the skeleton, 2D or 3D.
        skeleton: Their tree.

    Returns:
        Lengths in the unit of the joints; the gradient of a bone of no length is 0.

    Raises:
        ValueError: `joints` has another number of joints than the skeleton.
    """
    if joints.ndim < 2 or joints.shape[-2] != len(skeleton):
        raise ValueError(f"`joints` has shape {tuple(joints.shape)}: {skeleton.name} needs (..., {len(skeleton)}, d)")
    parents, children = zip(*skeleton.bones, strict=True)
    return torch.linalg.vector_norm(joints[..., list(children), :] - joints[..., list(parents), :], dim=-1)
