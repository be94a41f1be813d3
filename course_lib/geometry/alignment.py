"""Procrustes alignment: the rotation, scale and translation that bring one set of points closest to another."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from course_lib.geometry._precision import full_precision


@dataclass(frozen=True)
class Similarity:
    """Maps x to scale * rotation @ x + translation.

    Attributes:
        scale: Factor, `(*batch,)`.
        rotation: Orthogonal matrix acting on column vectors, `(*batch, d, d)`.
        translation: Added last, `(*batch, d)`.
    """

    scale: Float[Tensor, "*batch"]
    rotation: Float[Tensor, "*batch d d"]
    translation: Float[Tensor, "*batch d"]

    @full_precision
    def apply(self, points: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch n d"]:
        """Map points."""
        turned = points @ self.rotation.mT
        return self.scale[..., None, None] * turned + self.translation[..., None, :]


@full_precision
def procrustes(
    source: Float[Tensor, "*batch n d"],
    target: Float[Tensor, "*batch n d"],
    *,
    scale: bool = True,
    reflection: bool = False,
    weights: Float[Tensor, "*#batch n"] | Bool[Tensor, "*#batch n"] | None = None,
) -> Similarity:
    r"""The similarity that minimises $\sum_i w_i \lVert s R x_i + t - y_i \rVert^2$, in closed form.

    Kabsch 1976, with the scale of Umeyama 1991 (Eq. 40-42). Mind `reflection`: a pose and its mirror image in depth
    are the same to an alignment that may reflect, so a depth flip, the error that lifting makes most, goes unseen.

    The gradient of the rotation divides by sums of singular values, not by their differences as that of an SVD does:
    it is finite for round and for planar sets of points. It is 0 along directions that the points leave undetermined
    (all on a line). First derivatives only.

    Args:
        source: Points x to be mapped.
        target: Points y, in the same order.
        scale: Whether a change of size is allowed.
        reflection: Whether a mirror image is allowed.
        weights: Weight of each point, 0 or more, or which points count; points of weight 0 may be NaN.

    Returns:
        The similarity of each set of the batch. Where all source points lie in one place, the scale is 0 (1 with
        `scale=False`), which maps them onto the middle of the target.

    Raises:
        ValueError: Shapes do not fit, a weight is negative, or a point that counts is not finite.
    """
    if source.shape != target.shape or source.ndim < 2 or source.shape[-2] == 0:
        raise ValueError(
            f"`source` {tuple(source.shape)} and `target` {tuple(target.shape)} must be of one shape (..., n, d), n > 0"
        )
    if weights is None:
        weights = source.new_ones(source.shape[:-1])
    else:
        if weights.shape[-1:] != source.shape[-2:-1]:
            raise ValueError(f"`weights` has shape {tuple(weights.shape)}: one for each of {source.shape[-2]} points")
        weights = weights.to(source.dtype).expand(source.shape[:-1])
        if not bool((weights >= 0).all()):
            raise ValueError("`weights` holds a negative number or NaN: weights are 0 or more")
        counts = (weights > 0)[..., None]
        source, target = source.where(counts, 0), target.where(counts, 0)
    for name, points in (("source", source), ("target", target)):
        if not bool(points.isfinite().all()):
            raise ValueError(f"`{name}` holds NaN or infinity: give such points `weights` of 0")
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(source.dtype).tiny)
    mean_source = (weights[..., None] * source).sum(-2)
    mean_target = (weights[..., None] * target).sum(-2)
    centred_source = source - mean_source[..., None, :]
    centred_target = target - mean_target[..., None, :]
    covariance = (weights[..., None] * centred_target).mT @ centred_source
    rotation = _NearestRotation.apply(covariance, reflection)
    if scale:
        variance = (weights[..., None] * centred_source.square()).sum((-2, -1))
        factor = (rotation * covariance).sum((-2, -1)) / variance.clamp_min(torch.finfo(source.dtype).tiny)
    else:
        factor = source.new_ones(source.shape[:-2])
    turned = (rotation @ mean_source[..., None]).squeeze(-1)
    return Similarity(factor, rotation, mean_target - factor[..., None] * turned)


class _NearestRotation(torch.autograd.Function):
    r"""The rotation R that maximises $\mathrm{tr}(R^\top M)$.

    With $M = RP$, $P$ symmetric with eigenvalues $\lambda$ and eigenvectors $V$, a change $dM$ turns R by
    $R^\top dR = V\Omega V^\top$ with $\Omega_{ij} = A_{ij} / (\lambda_i + \lambda_j)$ and
    $A = V^\top(R^\top dM - dM^\top R)V$.
    """

    @staticmethod
    def forward(ctx, matrix: Tensor, reflection: bool) -> Tensor:
        left, values, right = torch.linalg.svd(matrix)
        signs = torch.ones_like(values)
        if not reflection:
            signs[..., -1] = torch.linalg.det(left @ right).sign()
        rotation = (left * signs[..., None, :]) @ right
        ctx.save_for_backward(rotation, right, values * signs)
        return rotation

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        rotation, right, values = ctx.saved_tensors
        inner = right @ (rotation.mT @ gradient) @ right.mT
        sums = values[..., :, None] + values[..., None, :]
        floor = torch.finfo(values.dtype).eps * values[..., :1, None].abs()
        inverse = torch.where(sums.abs() > floor, 1 / sums.where(sums.abs() > floor, 1), 0)
        return rotation @ right.mT @ ((inner - inner.mT) * inverse) @ right, None
