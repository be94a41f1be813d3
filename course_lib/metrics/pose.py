"""How far estimated joints are from the true ones, and how much of their order in depth is right.

Positions are in metres, depths in any unit that grows away from the camera. Every measure gives one number a pose, so
that the caller chooses what to average over: frames (as Ordinal depth's table does) or actions.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from course_lib.geometry import procrustes

# MPI-INF-3DHP (Mehta et al. 2017): joints within 150 mm count; the area is taken over 0, 5, ..., 150 mm.
PCK_THRESHOLD = 0.15
AUC_THRESHOLDS = tuple(step / 1000 for step in range(0, 151, 5))
MILLIMETRES_FROM = 10.0  # metres: no joint of a body is that far from its root, unless the numbers are millimetres


def joint_errors(
    predicted: Float[Tensor, "b n d"], target: Float[Tensor, "b n d"], *, root: int | None = 0
) -> Float[Tensor, "b n"]:
    """Distance of each joint from where it should be, both poses moved to have their root at the origin.

    Args:
        predicted: Estimated joints in metres.
        target: True joints in metres, in the same order.
        root: The joint both poses are aligned at; None leaves them where they are.

    Raises:
        ValueError: Shapes differ, or `root` is no joint.
    """
    _poses(predicted, target, root)
    if root is not None:
        predicted, target = predicted - predicted[:, root, None], target - target[:, root, None]
    return (predicted - target).norm(dim=-1)


def mpjpe(
    predicted: Float[Tensor, "b n d"],
    target: Float[Tensor, "b n d"],
    *,
    root: int | None = 0,
    mask: Bool[Tensor, "b n"] | None = None,
) -> Float[Tensor, " b"]:
    r"""Mean per joint position error $\frac1n\sum_j \lVert \hat S_j - S_j \rVert$, aligned at the root.

    The root counts among the joints with its distance of 0, as in the evaluation scripts of Human3.6M.

    Args:
        predicted: Estimated joints in metres.
        target: True joints in metres, in the same order.
        root: The joint both poses are aligned at; None compares them where they are.
        mask: Which joints count.

    Returns:
        Metres, one number a pose; NaN where no joint counts.

    Raises:
        ValueError: Shapes differ, `root` is no joint or is masked, or one of the poses is in millimetres.
    """
    return _average(_checked_errors(predicted, target, root, mask), mask)


def procrustes_mpjpe(
    predicted: Float[Tensor, "b n 3"],
    target: Float[Tensor, "b n 3"],
    *,
    reflection: bool = False,
    scale: bool = True,
    mask: Bool[Tensor, "b n"] | None = None,
) -> Float[Tensor, " b"]:
    """Mean joint error after the similarity that fits best in the least squares sense ("reconstruction error").

    The alignment makes the sum of *squares* least, not this mean of distances: with one joint far off, the aligned
    pose can have the larger mean. `reflection=True` forgives a body whose depth is mirrored; never report that.

    Args:
        predicted: Estimated joints in any unit if `scale`, else in metres.
        target: True joints in metres, in the same order.
        reflection: Whether the alignment may mirror.
        scale: Whether it may change the size.
        mask: Which joints count, for the alignment and for the mean.

    Returns:
        Metres, one number a pose; NaN where no joint counts.

    Raises:
        ValueError: Shapes differ, or a joint that counts is not finite.
    """
    _poses(predicted, target, None)
    _same_mask(predicted, mask)
    fit = procrustes(predicted, target, scale=scale, reflection=reflection, weights=mask)
    errors = (fit.apply(predicted) - target).norm(dim=-1)
    return _average(errors, mask)


def pck_3d(
    predicted: Float[Tensor, "b n 3"],
    target: Float[Tensor, "b n 3"],
    *,
    threshold: float = PCK_THRESHOLD,
    root: int | None = 0,
    mask: Bool[Tensor, "b n"] | None = None,
) -> Float[Tensor, " b"]:
    """Share of the joints strictly nearer than `threshold` to where they should be (PCK3D of MPI-INF-3DHP).

    Args:
        predicted: Estimated joints in metres.
        target: True joints in metres, in the same order.
        threshold: Metres.
        root: The joint both poses are aligned at; it counts, always as right.
        mask: Which joints count.

    Returns:
        0 to 1, one number a pose; NaN where no joint counts.

    Raises:
        ValueError: As for `mpjpe`, or `threshold` is negative or not a number.
    """
    if not threshold >= 0:
        raise ValueError(f"`threshold` (={threshold}) must be 0 m or more")
    errors = _checked_errors(predicted, target, root, mask)
    return _average((errors < threshold).to(errors.dtype), mask)


def auc_3d(
    predicted: Float[Tensor, "b n 3"],
    target: Float[Tensor, "b n 3"],
    *,
    thresholds: Sequence[float] = AUC_THRESHOLDS,
    root: int | None = 0,
    mask: Bool[Tensor, "b n"] | None = None,
) -> Float[Tensor, " b"]:
    """Mean of PCK3D over the thresholds 0, 5, ..., 150 mm, as MPI-INF-3DHP's script takes it.

    No joint is strictly nearer than 0, so that the best possible value is 30/31.

    Args:
        predicted: Estimated joints in metres.
        target: True joints in metres, in the same order.
        thresholds: Metres.
        root: The joint both poses are aligned at; it counts.
        mask: Which joints count.

    Returns:
        0 to 30/31, one number a pose; NaN where no joint counts.

    Raises:
        ValueError: As for `mpjpe`, or there are no thresholds, or one is negative or not a number.
    """
    if len(thresholds) == 0 or not all(threshold >= 0 for threshold in thresholds):
        raise ValueError(f"`thresholds` (={tuple(thresholds)}) must be distances in metres, 0 or more")
    errors = _checked_errors(predicted, target, root, mask)
    within = errors[..., None] < errors.new_tensor(thresholds)
    return _average(within.to(errors.dtype).mean(-1), mask)


def ordinal_accuracy(depth: Float[Tensor, "b n"], order: Float[Tensor, "b n n"]) -> Float[Tensor, " b"]:
    """Share of the annotated pairs that are no ties whose order in depth is right.

    Args:
        depth: Predicted depths, larger = farther; an equal pair counts as wrong.
        order: +1 where joint i is closer than joint j, -1 where it is farther, 0 for ties, NaN for no annotation;
            each unordered pair counts once, also where it is annotated one way only.

    Returns:
        0 to 1, one number a pose; NaN where no pair is annotated as ordered.

    Raises:
        ValueError: Shapes do not fit, an entry of `order` is another number, or a depth is not finite.
    """
    difference, relation = _pairs(depth, order)
    strict = relation.abs() == 1
    right = strict & (difference * relation > 0)
    return _share(right, strict, depth.dtype)


def tie_recall(depth: Float[Tensor, "b n"], order: Float[Tensor, "b n n"], threshold: float) -> Float[Tensor, " b"]:
    """Share of the annotated ties whose two predicted depths differ by less than `threshold`.

    Args:
        depth: Predicted depths.
        order: As for `ordinal_accuracy`.
        threshold: In the unit of the depths, above 0.

    Returns:
        0 to 1, one number a pose; NaN where no pair is annotated as a tie.

    Raises:
        ValueError: As for `ordinal_accuracy`, or `threshold` is not positive.
    """
    if not threshold > 0:
        raise ValueError(f"`threshold` (={threshold}) must be above 0, in the unit of the depths")
    difference, relation = _pairs(depth, order)
    tied = relation == 0
    return _share(tied & (difference.abs() < threshold), tied, depth.dtype)


def mirrored(
    depth: Float[Tensor, "b n"], target: Float[Tensor, "b n"], *, mask: Bool[Tensor, "b n"] | None = None
) -> Bool[Tensor, " b"]:
    r"""Whether the mirrored depths $-z$ fit the true ones better than $z$ does, the mean taken off both.

    With both centred, $\lVert z - Z \rVert^2 - \lVert -z - Z \rVert^2 = -4\, z \cdot Z$: the sign of one inner product
    decides, whatever the unit of the prediction.

    Args:
        depth: Predicted depths, larger = farther, in any unit.
        target: True depths.
        mask: Which joints count.

    Raises:
        ValueError: Shapes differ, or a depth that counts is not finite.
    """
    if depth.shape != target.shape or depth.ndim != 2:
        raise ValueError(
            f"`depth` has shape {tuple(depth.shape)} and `target` {tuple(target.shape)}: give both as (b, n)"
        )
    counts = torch.ones_like(depth, dtype=torch.bool) if mask is None else mask
    if counts.shape != depth.shape or counts.dtype != torch.bool:
        raise ValueError(f"`mask` must be boolean of shape {tuple(depth.shape)}, not {tuple(counts.shape)}")
    depth, target = depth.where(counts, 0), target.where(counts, 0)
    for name, value in (("depth", depth), ("target", target)):
        if not bool(value.isfinite().all()):
            raise ValueError(f"`{name}` holds NaN or infinity: leave such joints out with `mask`")
    number = counts.sum(-1, keepdim=True).clamp_min(1)
    depth = (depth - depth.sum(-1, keepdim=True) / number).where(counts, 0)
    return (depth * target).sum(-1) < 0


def mirror_rate(
    depth: Float[Tensor, "b n"], target: Float[Tensor, "b n"], *, mask: Bool[Tensor, "b n"] | None = None
) -> float:
    """Share of the poses whose depths fit better mirrored; see `mirrored`."""
    if len(depth) == 0:
        raise ValueError("`depth` holds no pose")
    return float(mirrored(depth, target, mask=mask).double().mean())


def _poses(predicted: Tensor, target: Tensor, root: int | None) -> None:
    if predicted.shape != target.shape or predicted.ndim != 3 or predicted.shape[-1] not in (2, 3):
        raise ValueError(
            f"`predicted` has shape {tuple(predicted.shape)} and `target` {tuple(target.shape)}: give both as (b, n, 3)"
        )
    if root is not None and not 0 <= root < predicted.shape[1]:
        raise ValueError(f"`root` (={root}) is none of the {predicted.shape[1]} joints; None aligns nothing")


def _same_mask(predicted: Tensor, mask: Tensor | None) -> None:
    if mask is not None and (mask.shape != predicted.shape[:2] or mask.dtype != torch.bool):
        raise ValueError(
            f"`mask` is {mask.dtype} of shape {tuple(mask.shape)}: it must be boolean of shape "
            f"{tuple(predicted.shape[:2])}, True where a joint counts"
        )


def _checked_errors(predicted: Tensor, target: Tensor, root: int | None, mask: Tensor | None) -> Tensor:
    """Errors of the joints, after looking for the usual slips: units, masked roots, NaN."""
    _poses(predicted, target, root)
    errors = joint_errors(predicted, target, root=root)
    _same_mask(predicted, mask)
    counted = errors if mask is None else errors[mask]
    if root is not None and mask is not None and bool((mask.any(-1) & ~mask[:, root]).any()):
        raise ValueError(f"`mask` leaves out the root (joint {root}) of a pose that it is aligned at: choose another")
    if not bool(counted.isfinite().all()):
        raise ValueError("`predicted` or `target` holds NaN or infinity in a joint that counts: leave it out by `mask`")
    if root is not None:
        for name, pose in (("predicted", predicted), ("target", target)):
            reach = (pose - pose[:, root, None]).norm(dim=-1)
            reach = reach if mask is None else reach[mask]
            if reach.numel() and float(reach.max()) > MILLIMETRES_FROM:
                raise ValueError(
                    f"`{name}` reaches {float(reach.max()):.0f} m from its root: it seems to be in millimetres, "
                    "divide by 1000"
                )
    return errors


def _average(values: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return values.mean(-1)
    counted = mask.sum(-1)
    total = values.where(mask, 0).sum(-1)
    return (total / counted.clamp_min(1)).where(counted > 0, math.nan)


def _pairs(depth: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """Differences `z_j - z_i` and relations of the unordered pairs, NaN where a pair is not annotated."""
    if depth.ndim != 2 or order.shape != (*depth.shape, depth.shape[-1]):
        raise ValueError(
            f"`depth` has shape {tuple(depth.shape)} and `order` {tuple(order.shape)}: give (b, n) and (b, n, n)"
        )
    if not bool(depth.isfinite().all()):
        raise ValueError("`depth` holds NaN or infinity: a missing depth has no order")
    if not bool((order.isnan() | (order == 0) | (order.abs() == 1)).all()):
        raise ValueError("`order` holds a number that is none of -1, 0, 1, NaN")
    first, second = torch.triu_indices(depth.shape[-1], depth.shape[-1], 1, device=depth.device)
    upper, lower = order[:, first, second], -order[:, second, first]
    if bool((upper.isfinite() & lower.isfinite() & (upper != lower)).any()):
        raise ValueError("`order` is not antisymmetric: order[i, j] must be -order[j, i]")
    relation = upper.where(upper.isfinite(), lower)
    return depth[:, second] - depth[:, first], relation


def _share(good: Tensor, among: Tensor, dtype: torch.dtype) -> Tensor:
    number = among.sum(-1)
    return (good.sum(-1).to(dtype) / number.clamp_min(1)).where(number > 0, math.nan)
