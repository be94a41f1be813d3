r"""Heatmaps and volumes: where a joint is, as a distribution over cells, and the losses on it.

A grid has cells numbered from 0; cell k spans k - 1/2 to k + 1/2, so positions are counted in cells like pixels whose
centres are whole numbers. Axes of a volume are (depth, height, width), positions (x, y, z).

Sources: Pavlakos, Zhou and Daniilidis 2018, Eqs. 3 to 5; the raw volume targets are those of Pavlakos, Zhou, Derpanis
and Daniilidis 2017, "coarse-to-fine".
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from course_lib.losses._checks import at_least_single, no_nan, rank, same_shape


@dataclass(frozen=True)
class Marginals:
    """What remains of a volume when it is summed over depth, or over the picture.

    Attributes:
        xy: Probability of each cell of the picture, `(b, n, h, w)`.
        z: Probability of each bin of depth, `(b, n, d)`.
    """

    xy: Float[Tensor, "b n h w"]
    z: Float[Tensor, "b n d"]


def volume_marginals(scores: Float[Tensor, "b n d h w"]) -> Marginals:
    r"""Softmax over *all* cells of a joint's volume, summed to $p(x,y\mid n)$ and to $p(z\mid n)$.

    Pavlakos et al. 2018, Eq. 4. Each marginal sums to 1, so one volume answers two questions that are supervised apart.
    A softmax over depth alone would give every pixel a depth of its own and no place at all.

    Args:
        scores: Raw scores of the cells.

    Raises:
        ValueError: Not five axes, or NaN.
    """
    rank("scores", scores, 5, "batch, joints, depth, height, width")
    no_nan(scores=scores)
    p = torch.softmax(at_least_single(scores.flatten(2)), -1).view(scores.shape)
    return Marginals(p.sum(2), p.sum((3, 4)))


def expected_depth(probability: Float[Tensor, "b n d"], centres: Float[Tensor, " d"]) -> Float[Tensor, "b n"]:
    r"""Mean depth $z_n=\sum_z z\,p(z\mid n)$, differentiable: $\partial z_n/\partial\Psi_u=p_u(z(u)-z_n)$.

    Pavlakos et al. 2018, Eq. 5. Between two far peaks it lies where neither is; an argmax takes one of them.

    Args:
        probability: Of each bin, summing to 1.
        centres: Depth of each bin, in any unit.

    Raises:
        ValueError: Not one centre a bin.
    """
    rank("probability", probability, 3, "batch, joints, depth")
    if centres.shape != probability.shape[-1:]:
        raise ValueError(f"`centres` has shape {tuple(centres.shape)} for {probability.shape[-1]} bins: one a bin")
    return (probability * centres.to(probability)).sum(-1)


def expected_points(probability: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n 2"]:
    """Mean place (x, y) of a heatmap that sums to 1, in cells.

    Raises:
        ValueError: Not four axes.
    """
    rank("probability", probability, 4, "batch, joints, height, width")
    rows, columns = (torch.arange(s, device=probability.device).to(probability) for s in probability.shape[-2:])
    x = (probability.sum(2) * columns).sum(-1)
    y = (probability.sum(3) * rows).sum(-1)
    return torch.stack([x, y], -1)


def peak_points(probability: Float[Tensor, "b n h w"], *, radius: int = 2) -> Float[Tensor, "b n 2"]:
    """Mean place (x, y) near the highest cell of a heatmap, in cells.

    The squared loss hardly minds a little probability far away, but the mean over the whole map does: each hundredth
    that lies on the other side of the picture moves it. This read-out forgets what is more than `radius` cells away.

    Args:
        probability: Heatmaps, 0 or more.
        radius: Cells in x and in y; 0 gives the highest cell itself.

    Raises:
        ValueError: Not four axes, or a negative `radius`.
    """
    rank("probability", probability, 4, "batch, joints, height, width")
    if radius < 0:
        raise ValueError(f"`radius` (={radius}) must be 0 or more cells")
    height, width = probability.shape[-2:]
    best = probability.flatten(2).argmax(-1)
    rows, columns = (torch.arange(s, device=probability.device) for s in (height, width))
    near_y = (rows - (best // width)[..., None]).abs() <= radius
    near_x = (columns - (best % width)[..., None]).abs() <= radius
    local = probability * near_y[..., :, None] * near_x[..., None, :]
    return expected_points(local / local.sum((2, 3), keepdim=True).clamp_min(1e-12))


def argmax_volume(scores: Float[Tensor, "b n d h w"]) -> Int[Tensor, "b n 3"]:
    """The cell (x, y, z) of the largest score, counted from 0 (published files count from 1).

    The read-out of the official code. It is off by up to half a cell even on a perfect volume, sqrt(1/12) of a cell in
    the quadratic mean.

    Raises:
        ValueError: Not five axes, or NaN.
    """
    rank("scores", scores, 5, "batch, joints, depth, height, width")
    no_nan(scores=scores)
    height, width = scores.shape[-2:]
    best = scores.flatten(2).argmax(-1)
    return torch.stack([best % width, best // width % height, best // (height * width)], -1)


def gaussian_heatmaps(
    points: Float[Tensor, "b n 2"],
    size: int | tuple[int, int],
    *,
    sigma: float = 2.0,
    radius: float = math.inf,
    normalised: bool = True,
) -> Float[Tensor, "b n h w"]:
    r"""Targets: a Gaussian around each point, made as a product of a row and a column.

    Args:
        points: (x, y) in cells. A joint that is NaN or lies outside the grid gets a map of zeros.
        size: Cells, (height, width) or one number for both.
        sigma: Standard deviation, cells.
        radius: Cut off beyond this distance in x or in y, cells.
        normalised: Divide each map by its own sum, as a softmax can only match a map that sums to 1 (a peak of 1 with
            sigma 2 sums to $8\pi\approx25$); otherwise the peak is 1.

    Raises:
        ValueError: Not `(b, n, 2)`, or a `sigma`, `radius` or `size` that cannot be.
    """
    rank("points", points, 3, "batch, joints, x and y")
    if points.shape[-1] != 2:
        raise ValueError(f"`points` has shape {tuple(points.shape)}: the last axis holds x and y")
    height, width = (size, size) if isinstance(size, int) else size
    x, y = _bumps(points, (width, height), sigma, radius)
    if normalised:
        x, y = (bump / bump.sum(-1, keepdim=True).clamp_min(1e-12) for bump in (x, y))
    return y[..., :, None] * x[..., None, :]


def gaussian_volumes(
    points: Float[Tensor, "b n 3"], size: tuple[int, int, int], *, sigma: float = 3.25, radius: float = 6.0
) -> Float[Tensor, "b n d h w"]:
    """Targets of full supervision: a Gaussian of peak 1 around each point.

    The defaults are those of the coarse-to-fine code, whose parameter called sigma = 2 sets the 13 cells of support
    only: the standard deviation is 0.25 * 13.

    Args:
        points: (x, y, z) in cells; a joint that is NaN or outside gets zeros.
        size: Cells, (depth, height, width).
        sigma: Standard deviation, cells.
        radius: Cut off beyond this distance along each axis, cells.

    Raises:
        ValueError: Not `(b, n, 3)`, or a `sigma`, `radius` or `size` that cannot be.
    """
    rank("points", points, 3, "batch, joints, x, y and z")
    if points.shape[-1] != 3:
        raise ValueError(f"`points` has shape {tuple(points.shape)}: the last axis holds x, y and z")
    depth, height, width = size
    x, y, z = _bumps(points, (width, height, depth), sigma, radius)
    return z[..., :, None, None] * (y[..., :, None] * x[..., None, :])[:, :, None]


def keypoint_loss(
    predicted: Float[Tensor, "b n 2"], target: Float[Tensor, "b n 2"], *, annotated: Bool[Tensor, "b n"] | None = None
) -> Float[Tensor, " b"]:
    r"""Squared distance $\sum_n\lVert w_n-\hat w_n\rVert_2^2$ of predicted places.

    Pavlakos et al. 2018, Eq. 3. The unit of w is not stated there; with the weight 100 it must be that of a normalised
    picture: in pixels the rank loss would count for nothing.

    Args:
        predicted: Places, normalised to the crop.
        target: True places; NaN where a joint is not annotated.
        annotated: Which joints count; by default those that are not NaN.

    Returns:
        Squared units, summed over joints; 0 with gradient 0 where no joint counts.

    Raises:
        ValueError: Shapes differ, a prediction is NaN, or a joint that counts is NaN in `target`.
    """
    rank("predicted", predicted, 3, "batch, joints, x and y")
    same_shape(target=target, predicted=predicted)
    no_nan(predicted=predicted)
    counts = _counting(target, annotated)
    gap = predicted - torch.where(counts[..., None], target, predicted.detach())
    return gap.square().sum((1, 2))


def heatmap_loss(
    probability: Float[Tensor, "b n h w"],
    points: Float[Tensor, "b n 2"],
    *,
    sigma: float = 2.0,
    annotated: Bool[Tensor, "b n"] | None = None,
) -> Float[Tensor, " b"]:
    r"""Squared distance between heatmaps that sum to 1 and Gaussians that do too, $\sum_n\sum_{x,y}(p-g)^2$.

    The second term of Pavlakos et al. 2018, Section 3.3.

    Args:
        probability: The maps of a softmax, as `Marginals.xy`.
        points: True places in cells; a joint that is NaN or outside the grid does not count.
        sigma: Standard deviation of the target, cells.
        annotated: Which joints count besides.

    Returns:
        Pure number, 0 with gradient 0 where no joint counts.

    Raises:
        ValueError: Shapes do not fit, a map is NaN, or a joint said to be annotated is NaN.
    """
    rank("probability", probability, 4, "batch, joints, height, width")
    if points.shape != (*probability.shape[:2], 2):
        raise ValueError(f"`points` has shape {tuple(points.shape)}: expected {(*probability.shape[:2], 2)}, x and y")
    no_nan(probability=probability)
    height, width = probability.shape[-2:]
    counts = _counting(points, annotated) & _inside(points, (width, height))
    target = gaussian_heatmaps(points.to(probability), (height, width), sigma=sigma)
    return ((probability - target).square().sum((2, 3)) * counts).sum(1)


def volume_loss(
    scores: Float[Tensor, "b n d h w"],
    points: Float[Tensor, "b n 3"],
    *,
    sigma: float = 3.25,
    radius: float = 6.0,
    annotated: Bool[Tensor, "b n"] | None = None,
) -> Float[Tensor, " b"]:
    """Mean squared error between raw scores and Gaussians of peak 1, over the voxels of the joints that count.

    Full supervision of Pavlakos et al. 2017 (no softmax). Its minimum is a volume of nearly zeros, so it says nothing
    about the order of joints until the peaks rise.

    Args:
        scores: Raw scores.
        points: True places (x, y, z) in cells; a joint that is NaN or outside does not count.
        sigma: Standard deviation of the target, cells.
        radius: Where the target is cut off, cells.
        annotated: Which joints count besides.

    Returns:
        Mean over voxels and joints; 0 with gradient 0 where no joint counts.

    Raises:
        ValueError: Shapes do not fit, a score is NaN, or a joint said to be annotated is NaN.
    """
    rank("scores", scores, 5, "batch, joints, depth, height, width")
    if points.shape != (*scores.shape[:2], 3):
        raise ValueError(f"`points` has shape {tuple(points.shape)}: expected {(*scores.shape[:2], 3)}, x, y and z")
    no_nan(scores=scores)
    depth, height, width = scores.shape[2:]
    counts = _counting(points, annotated) & _inside(points, (width, height, depth))
    target = gaussian_volumes(points.to(scores), (depth, height, width), sigma=sigma, radius=radius)
    each = (scores - target).square().mean((2, 3, 4)) * counts
    return each.sum(1) / counts.sum(1).clamp_min(1)


def _bumps(points: Tensor, sizes: tuple[int, ...], sigma: float, radius: float) -> list[Tensor]:
    """A Gaussian along each axis, 0 for points that are not on the grid."""
    if not 0 < sigma < math.inf or not radius > 0 or min(sizes) < 1:
        raise ValueError(f"`sigma` (={sigma}), `radius` (={radius}) and `size` (={sizes}) must be positive")
    inside = _inside(points, sizes)
    bumps = []
    for axis, size in enumerate(sizes):
        place = torch.where(inside, points[..., axis], 0)
        gap = torch.arange(size, device=points.device, dtype=points.dtype) - place[..., None]
        bump = torch.exp(-0.5 * (gap / sigma).square()) * inside[..., None]
        bumps.append(bump if radius == math.inf else bump * (gap.abs() <= radius))
    return bumps


def _inside(points: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """Whether a point lies on the grid; NaN does not."""
    far = points.new_tensor(sizes) - 0.5
    return ((points >= -0.5) & (points <= far)).all(-1)


def _counting(points: Tensor, annotated: Tensor | None) -> Tensor:
    known = ~points.isnan().any(-1)
    if annotated is None:
        return known
    if annotated.shape != known.shape or annotated.dtype != torch.bool:
        raise ValueError(
            f"`annotated` is {annotated.dtype} of shape {tuple(annotated.shape)}: bool, {tuple(known.shape)}"
        )
    if points.device.type == "cpu" and bool((annotated & ~known).any()):
        raise ValueError("a joint that is `annotated` is NaN: leave it out of `annotated`")
    return annotated
