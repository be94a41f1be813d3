"""The conventions between an image network and the reconstruction component, one function each.

Joints are ordered as in the release of the paper (`H36M_17_LEFT`: the *left* leg first); vectors hold all x, then all
y, then all depths; y points down and depths grow away from the camera; metres come out. Each of these is a place where
ports slip, so each has a test.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.geometry import H36M_17_LEFT, Skeleton

# Depth bins of Coarse-to-fine (Pavlakos et al. 2017): 64 of 31.032 mm, not centred on the root.
BINS = 64
BIN_WIDTH = 0.031032
FIRST_EDGE = -1.00519
DEPTH_UNIT = 32 * BIN_WIDTH  # metres: what the official code calls 1


def pose_to_vector(pose: Float[Tensor, "*b n 3"]) -> Float[Tensor, "*b m"]:
    """`(n, 3)` to all x, all y, all z: the order of the official code, which reshapes its output to 3 x 17."""
    if pose.shape[-1:] != (3,):
        raise ValueError(f"`pose` has shape {tuple(pose.shape)}: its last axis must be x, y, z")
    return pose.mT.flatten(-2)


def vector_to_pose(vector: Float[Tensor, "*b m"]) -> Float[Tensor, "*b n 3"]:
    """All x, all y, all z back to `(n, 3)`."""
    if vector.shape[-1] % 3:
        raise ValueError(f"`vector` has {vector.shape[-1]} numbers: a pose has 3 a joint")
    return vector.unflatten(-1, (3, -1)).mT


def normalise_points(points: Float[Tensor, "b n 2"], *, root: int = 0) -> Float[Tensor, "b n 2"]:
    """2D joints relative to the root, divided by *one* number for x and y: the largest absolute coordinate.

    It takes away where the person stands in the image, how large it is, and the unit: pixels, voxels and coordinates
    divided by the focal length give the same. Two divisors would change the proportions of the body.

    Args:
        points: x right, y down, in any unit.
        root: Row of the pelvis.

    Returns:
        Numbers in [-1, 1], the root at 0.

    Raises:
        ValueError: Not (b, n, 2), `root` is no joint, a number is not finite, or all joints of a pose coincide.
    """
    if points.ndim != 3 or points.shape[-1] != 2 or not 0 <= root < points.shape[1]:
        raise ValueError(f"`points` has shape {tuple(points.shape)} and `root` is {root}: expected (b, n, 2) and a row")
    if not bool(points.isfinite().all()):
        raise ValueError("`points` holds NaN or infinity: the component needs all joints")
    offsets = points - points[:, root, None]
    reach = offsets.abs().amax((1, 2), keepdim=True)
    if not bool((reach > 0).all()):
        raise ValueError("`points`: all joints of a pose lie in one place")
    return offsets / reach


def centre_depth(depth: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
    """Depths less their mean over the joints: an ordinal network knows no origin.

    The official code feeds depths relative to the centre of its volume, which is the root's true depth. The mean over
    all joints is as good an origin and carries a seventeenth of the noise's variance, where the depth *read* at the
    root would hand its whole error to every joint.
    """
    return depth - depth.mean(-1, keepdim=True)


def network_inputs(
    points: Float[Tensor, "b n 2"], depth: Float[Tensor, "b n"] | None, *, root: int = 0
) -> Float[Tensor, "b m"]:
    """The vector that the component takes: all normalised x, all y, all depths in units of 32 bins (0.993 m).

    Args:
        points: As for `normalise_points`.
        depth: Metres, from any origin; None puts 0 for all.
        root: Row of the pelvis.
    """
    flat = normalise_points(points, root=root)
    z = torch.zeros_like(flat[..., 0]) if depth is None else centre_depth(depth) / DEPTH_UNIT
    return torch.cat([flat[..., 0], flat[..., 1], z], 1)


def depth_of_bins(bins: Int[Tensor, "*b"] | Float[Tensor, "*b"], *, first: int) -> Float[Tensor, "*b"]:
    r"""Depth of bins in units of 32 bins, $(k - 33) / 32$ for $k = 1, \dots, 64$; bin 33 holds the root.

    Args:
        bins: Numbers of bins, or expectations of them.
        first: Number of the nearest bin: 1 as in MATLAB and Lua, 0 as `argmax` counts here. There is no default: the
            slip costs 31 mm in every depth and raises no error.

    Returns:
        From -1 (nearest) to 31/32.

    Raises:
        ValueError: `first` is neither, or a bin lies outside.
    """
    if first not in (0, 1):
        raise ValueError(f"`first` (={first}) must be 0 or 1: what the nearest bin is called")
    counted = bins.to(torch.get_default_dtype()) if not bins.is_floating_point() else bins
    if not bool(((counted >= first) & (counted <= BINS - 1 + first)).all()):
        raise ValueError(
            f"`bins` spans [{counted.min():g}, {counted.max():g}]: with `first={first}` bins are "
            f"{first} to {BINS - 1 + first}"
        )
    return (counted - first - 32) / 32


def metres_of_bins(bins: Int[Tensor, "*b"] | Float[Tensor, "*b"], *, first: int) -> Float[Tensor, "*b"]:
    """Depth of the middle of bins relative to the root, metres; the root's own bin has its middle at +3.35 mm."""
    return depth_of_bins(bins, first=first) * DEPTH_UNIT + (FIRST_EDGE + 32.5 * BIN_WIDTH)


def flip_inputs(points: Float[Tensor, "b n 2"], *, skeleton: Skeleton = H36M_17_LEFT) -> Float[Tensor, "b n 2"]:
    """2D joints of the mirrored picture: x changes sign and left and right change places."""
    return points[:, list(skeleton.flip)] * points.new_tensor([-1.0, 1.0])


def flip_pose(pose: Float[Tensor, "b n 3"], *, skeleton: Skeleton = H36M_17_LEFT) -> Float[Tensor, "b n 3"]:
    """The mirror image of bodies: x changes sign and left and right change places. Its own inverse."""
    return pose[:, list(skeleton.flip)] * pose.new_tensor([-1.0, 1.0, 1.0])
