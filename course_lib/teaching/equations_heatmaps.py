"""The equation tests of `course_lib.losses.heatmaps`: loops over cells, with the densities of SciPy."""

import math

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor

from course_lib.teaching.equation_tests import EquationTests, Inputs, normals, register

SOURCE = "Pavlakos, Zhou and Daniilidis 2018"
H, W, D = 5, 6, 4


def _points(gen: torch.Generator, *sizes: int, b: int = 2, n: int = 3) -> Tensor:
    """Places on the grid, the last one unknown."""
    places = torch.rand(b, n, len(sizes), generator=gen, dtype=torch.float64) * (torch.tensor(sizes) - 1)
    places[-1, -1] = torch.nan
    return places


def _bell(size: int, place: float, sigma: float) -> np.ndarray:
    """A Gaussian of peak 1, from SciPy's density."""
    return norm(place, sigma).pdf(np.arange(size)) * sigma * math.sqrt(2 * math.pi)


def _maps(
    points: Tensor, sizes: tuple[int, ...], sigma: float, reach: float = math.inf
) -> list[list[np.ndarray | None]]:
    """Targets of peak 1 joint by joint, None where a joint is unknown or off the grid; axes from the last to x."""
    rows = []
    for sample in points.detach().numpy():
        row = []
        for place in sample:
            on_grid = all(-0.5 <= at <= size - 0.5 for at, size in zip(place, sizes, strict=True))
            if np.isnan(place).any() or not on_grid:
                row.append(None)
                continue
            bells = [
                np.where(np.abs(np.arange(size) - at) <= reach, _bell(size, at, sigma), 0.0)
                for at, size in zip(place, sizes, strict=True)
            ]
            target = bells[0]
            for bell in bells[1:]:
                target = bell[..., *([None] * target.ndim)] * target
            row.append(target)
        rows.append(row)
    return rows


def _distance(made: Tensor, points: Tensor, *, normalised: bool = True, mean: bool = False) -> Tensor:
    """Squared distance of each sample's maps to targets of width 2 that sum to 1."""
    totals = []
    for maps, targets in zip(made, _maps(points, (made.shape[-1], made.shape[-2]), 2.0), strict=True):
        total = 0.0 * maps.sum()
        for one, target in zip(maps, targets, strict=True):
            if target is not None:
                wanted = torch.from_numpy(target / target.sum() if normalised else target)
                gap = (one - wanted.to(one)).square()
                total = total + (gap.mean() if mean else gap.sum())
        totals.append(total)
    return torch.stack(totals)


def _draw_maps(gen: torch.Generator) -> Inputs:
    scores = 2 * normals(gen, 2, 3, H, W)
    return scores.flatten(2).softmax(-1).view_as(scores), _points(gen, W, H)


def _fits(made: Tensor, points: Tensor, *, axes: int) -> bool:
    return made.dim() == axes and points.shape == (*made.shape[:2], axes - 2) and min(made.shape[2:]) > 1


_UNKNOWN = torch.full((2, 1, 2), torch.nan, dtype=torch.float64)
_ONE_CELL = torch.eye(9, dtype=torch.float64)[0].view(1, 1, 3, 3).expand(2, 1, 3, 3)

register(
    EquationTests(
        like="heatmap_loss",
        formula=r"\sum_n \sum_{x, y} \left(p(x, y \mid n) - g_n(x, y)\right)^2",
        source=f"{SOURCE}, Section 3.3",
        draw=_draw_maps,
        reference=_distance,
        method="a loop over joints, targets from SciPy's density",
        valid=lambda probability, points: _fits(probability, points, axes=4),
        nonnegative=True,
        differentiable=(0,),
        zeros=lambda gen: (_ONE_CELL, _UNKNOWN),
        extremes={
            "all in the farthest cell": (_ONE_CELL, 2 * torch.ones(2, 1, 2).double()),
            "no joint known": (_ONE_CELL, _UNKNOWN),
            "a joint beyond the grid": (_ONE_CELL, 1e6 * torch.ones(2, 1, 2).double()),
        },
        slips={
            "the target has peak 1: divide it by its own sum, since the map's sum is 1": lambda p, points: _distance(
                p, points, normalised=False
            ),
            "the mean over cells is taken instead of the sum": lambda p, points: _distance(p, points, mean=True),
            "x and y are exchanged: the first number of a point counts columns": lambda p, points: _distance(
                p.mT, points
            ),
        },
    )
)


def _squares(predicted: Tensor, target: Tensor) -> Tensor:
    totals = []
    for said, true in zip(predicted, target, strict=True):
        total = 0.0 * said.sum()
        for w, w_hat in zip(said, true, strict=True):
            if not bool(w_hat.isnan().any()):
                total = total + torch.dot(w - w_hat, w - w_hat)
        totals.append(total)
    return torch.stack(totals)


register(
    EquationTests(
        like="keypoint_loss",
        formula=r"\sum_n \Vert w_n - \hat{w}_n \Vert_2^2",
        source=f"{SOURCE}, Eq. 3",
        draw=lambda gen: (normals(gen, 2, 3, 2), _points(gen, 2, 2)),
        reference=_squares,
        method="a loop over joints",
        valid=lambda predicted, target: predicted.dim() == 3 and predicted.shape == target.shape,
        nonnegative=True,
        differentiable=(0,),
        zeros=lambda gen: (normals(gen, 2, 1, 2), _UNKNOWN),
        extremes={
            "no joint known": (torch.zeros(2, 1, 2).double(), _UNKNOWN),
            "a million apart": (1e6 * torch.ones(2, 1, 2).double(), torch.zeros(2, 1, 2).double()),
        },
        slips={
            "the distance is taken, not its square": lambda predicted, target: (
                (predicted - target).norm(dim=2).nansum(1)
            ),
            "half of it: the square without the factor 1/2 is meant": lambda predicted, target: (
                0.5 * _squares(predicted, target)
            ),
            "the mean over joints is taken instead of the sum": lambda predicted, target: (
                _squares(predicted, target) / predicted.shape[1]
            ),
        },
    )
)


def _voxels(scores: Tensor, points: Tensor, *, reduce: str = "mean", sigma: float = 3.25, reach: float = 6.0) -> Tensor:
    totals = []
    sizes = (scores.shape[-1], scores.shape[-2], scores.shape[-3])
    for volumes, targets in zip(scores, _maps(points, sizes, sigma, reach), strict=True):
        total, known = 0.0 * volumes.sum(), 0
        for one, target in zip(volumes, targets, strict=True):
            if target is not None:
                gap = (one - torch.from_numpy(target).to(one)).square()
                total, known = total + (gap.mean() if reduce == "mean" else gap.sum()), known + 1
        totals.append(total / max(known, 1) if reduce == "mean" else total)
    return torch.stack(totals)


_FLAT = torch.zeros(2, 1, 3, 3, 3).double()
_NOWHERE = torch.full((2, 1, 3), torch.nan, dtype=torch.float64)

register(
    EquationTests(
        like="volume_loss",
        formula=r"\frac{1}{\text{voxels}} \sum_u \left(\Psi_n(u) - g_n(u)\right)^2",
        source="Pavlakos, Zhou, Derpanis and Daniilidis 2017, and its code",
        draw=lambda gen: (normals(gen, 2, 3, D, H, W), _points(gen, W, H, D)),
        reference=_voxels,
        method="a loop over joints, targets from SciPy's density",
        valid=lambda scores, points: _fits(scores, points, axes=5),
        nonnegative=True,
        differentiable=(0,),
        zeros=lambda gen: (_FLAT, _NOWHERE),
        extremes={
            "scores of 1000": (1e3 + _FLAT, torch.ones(2, 1, 3).double()),
            "no joint known": (_FLAT, _NOWHERE),
        },
        slips={
            "the sum over voxels is taken instead of the mean": lambda scores, points: _voxels(
                scores, points, reduce="sum"
            ),
            "sigma is 2: in the code the number 2 only sets the support; the width is 0.25 of 13 cells": (
                lambda scores, points: _voxels(scores, points, sigma=2.0)
            ),
            "depth and columns are exchanged: a point is (x, y, z), a volume (z, y, x)": lambda scores, points: _voxels(
                scores.transpose(2, 4), points
            ),
        },
    )
)
