"""Exercises of lesson 15: joints, depths from signs, bones of a mean, a level of noise, a fair alignment."""

import math

import torch
from torch import Tensor

from course_lib.teaching.exercise_sets import references_15 as by
from course_lib.teaching.exercises import Exercise, Slip


def _offsets(points: Tensor) -> Tensor:
    return points - points[:, :1]


POINTS = Exercise(
    id="15.1",
    title="2D joints without place and size",
    draw=by.draw_points,
    reference=by.normalised_by_loops,
    method="loops over poses and joints",
    hints=(
        "Two steps: take the root's position off, then divide each pose by one number. Which number keeps the body's "
        "proportions?",
        "v_j = (u_j - u_0) / max over joints and coordinates of the absolute offsets",
        "offsets = points - points[:, :1]; return offsets / offsets.abs().amax(..., keepdim=True)",
    ),
    stub="without_place_and_size",
    solution="without_place_and_size_solution",
    valid=by.are_points,
    slips=(
        Slip(
            wrong=lambda points: _offsets(points) / _offsets(points).abs().amax(1, keepdim=True),
            says="x and y have divisors of their own: that stretches the body; take one for both",
        ),
        Slip(
            wrong=lambda points: points / points.abs().amax((1, 2), keepdim=True),
            says="the place is still in: subtract the root first",
        ),
        Slip(
            wrong=lambda points: _offsets(points) / points.abs().amax((1, 2), keepdim=True),
            says="the divisor is taken before the root is subtracted, so it depends on where the person stands",
        ),
        Slip(
            wrong=lambda points: _offsets(points) / _offsets(points).abs().amax(),
            says="one divisor for the whole batch: each pose has its own",
        ),
        Slip(
            wrong=lambda points: _offsets(points) / _offsets(points).amax((1, 2), keepdim=True),
            says="the largest offset may be negative: take the absolute value",
        ),
        Slip(
            wrong=lambda points: _offsets(points) / _offsets(points).norm(dim=-1).amax(1)[:, None, None],
            says="that divides by the largest distance; the component expects the largest single coordinate",
        ),
    ),
)


def _hidden(lengths: Tensor, seen: Tensor) -> Tensor:
    return (lengths.square() - seen.square()).clamp_min(0).sqrt()


def _with_root(steps: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(steps[:, :1]), steps.cumsum(1)], 1)


SIGNS = Exercise(
    id="15.2",
    title="depths from lengths and signs",
    draw=by.draw_chain,
    reference=by.unfolded_by_angles,
    method="the angle of each bone with the picture plane",
    hints=(
        "A bone, its picture and its depth make a right triangle. Which side is the hypotenuse, and who tells the "
        "sign of the depth?",
        "Z_child = Z_parent + r sqrt(L^2 - l^2), from the root's 0 on",
        "steps = order * (...).sqrt(); put a zero before steps.cumsum(1)",
    ),
    stub="depths_of_chain",
    solution="depths_of_chain_solution",
    valid=by.is_chain,
    slips=(
        Slip(
            wrong=lambda lengths, seen, order: _with_root(-order * _hidden(lengths, seen)),
            says="mirrored: +1 means that the parent is closer, so the child lies behind it",
        ),
        Slip(
            wrong=lambda lengths, seen, order: _with_root(order * (lengths - seen)),
            says="the depth is the other side of a right triangle, not the difference of two lengths",
        ),
        Slip(
            wrong=lambda lengths, seen, order: torch.cat(
                [torch.zeros_like(seen[:, :1]), order * _hidden(lengths, seen)], 1
            ),
            says="these are the steps; a joint lies as deep as all steps before it together",
        ),
        Slip(
            wrong=lambda lengths, seen, order: _with_root(_hidden(lengths, seen)),
            says="the order is not used: every bone goes away from the camera",
        ),
    ),
)

MEAN = Exercise(
    id="15.3",
    title="how long the bones of the best answer are",
    draw=by.draw_folds,
    reference=by.length_by_least_squares,
    method="a weighted least squares fit to both foldings",
    hints=(
        "The best answer is the mean of the two foldings. In the picture they agree; what is their mean depth?",
        "sqrt(l^2 + (2 p - 1)^2 (L^2 - l^2))",
        "mean_depth = (2 * back - 1) * (...).sqrt(); then Pythagoras with `seen`",
    ),
    stub="length_in_best_answer",
    solution="length_in_best_answer_solution",
    valid=by.are_folds,
    slips=(
        Slip(
            wrong=lambda lengths, seen, back: lengths,
            says="both foldings have this length, their mean has not: average the bodies, not their lengths",
        ),
        Slip(
            wrong=lambda lengths, seen, back: torch.hypot(seen, back * _hidden(lengths, seen)),
            says="the other folding lies at minus this depth, not at 0: the mean depth has the factor p - (1 - p)",
        ),
        Slip(
            wrong=lambda lengths, seen, back: (2 * back - 1).abs() * _hidden(lengths, seen),
            says="that is the size of its mean depth alone; the bone has a length in the picture, too",
        ),
        Slip(
            wrong=lambda lengths, seen, back: seen + (2 * back - 1).abs() * _hidden(lengths, seen),
            says="picture and depth are the two short sides of a right triangle: add their squares",
        ),
        Slip(
            wrong=lambda lengths, seen, back: (2 * back - 1).abs() * lengths,
            says="only the depth shrinks; in the picture both foldings agree",
        ),
        Slip(
            wrong=lambda lengths, seen, back: (
                seen.square() + (2 * back - 1).abs() * _hidden(lengths, seen).square()
            ).sqrt(),
            says="the factor 2 p - 1 belongs to the depth: under the root it is squared",
        ),
    ),
)

LEVEL = Exercise(
    id="15.4",
    title="how much noise keeps so many orders",
    draw=by.draw_share,
    reference=by.level_by_search,
    method="a search, with the share as an integral over true differences",
    hints=(
        "Solve (15.9) for the noise. Which function undoes the arctangent, and what stands before it?",
        "sigma_read = sigma_Z / tan(pi (P_kept - 1/2))",
        "return spread / math.tan(...)",
    ),
    stub="noise_for_share",
    solution="noise_for_share_solution",
    valid=by.is_share,
    rtol=1e-4,
    atol=1e-6,
    slips=(
        Slip(
            wrong=lambda spread, kept: spread * math.tan(math.pi * (kept - 0.5)),
            says="upside down: more kept orders must mean less noise",
        ),
        Slip(
            wrong=lambda spread, kept: spread / math.tan(math.pi * kept / 2),
            says="a coin keeps half of the orders: take 1/2 off before you multiply with pi",
        ),
        Slip(
            wrong=lambda spread, kept: math.sqrt(2) * spread / math.tan(math.pi * (kept - 0.5)),
            says="truth and noise both enter as a difference of two joints, so that the factor sqrt(2) cancels",
        ),
        Slip(
            wrong=lambda spread, kept: spread / math.tan(kept - 0.5),
            says="the factor pi is missing: the share is an angle divided by pi",
        ),
    ),
)


def _aligned(predicted: Tensor, target: Tensor, *, mirror: bool = False, size: bool = True) -> Tensor:
    source, goal = predicted - predicted.mean(0), target - target.mean(0)
    left, values, right = torch.linalg.svd(goal.T @ source)
    signs = torch.ones_like(values)
    if not mirror:
        signs[-1] = torch.linalg.det(left @ right).sign()
    turn = (left * signs) @ right
    factor = (values * signs).sum() / source.square().sum() if size else 1.0
    return (factor * source @ turn.T - goal).norm(dim=1).mean()


FAIR = Exercise(
    id="15.5",
    title="spot the bug: an alignment that may not mirror",
    draw=by.draw_pair,
    reference=by.aligned_by_quaternion,
    method="Horn's quaternion, an eigenvector that cannot mirror",
    hints=(
        "Take the means off, then an SVD of the 3 x 3 products. What is the determinant of left @ right when the body "
        "is mirrored?",
        "M = Y^T X = U diag(s) V^T; R = U diag(1, 1, det(U V^T)) V^T; scale = (s1 + s2 + det s3) / sum of squares of X",
        "signs[-1] = det(left @ right).sign(); turn = (left * signs) @ right; factor = (values * signs).sum() / ...",
    ),
    stub="fair_error",
    solution="fair_error_solution",
    valid=by.are_bodies,
    rtol=1e-6,
    slips=(
        Slip(
            wrong=lambda predicted, target: _aligned(predicted, target, mirror=True),
            says="the best orthogonal matrix may be a mirror: force its determinant to be +1",
        ),
        Slip(
            wrong=lambda predicted, target: _aligned(predicted, target, size=False),
            says="the size is not aligned: multiply with the factor that the singular values give",
        ),
        Slip(
            wrong=lambda predicted, target: (
                ((predicted - predicted.mean(0)) - (target - target.mean(0))).norm(dim=1).mean()
            ),
            says="only the means are aligned, nothing is turned",
        ),
        Slip(
            wrong=lambda predicted, target: (predicted - target).norm(dim=1).mean(),
            says="that is the error without any alignment",
        ),
    ),
)

EXERCISES = (POINTS, SIGNS, MEAN, LEVEL, FAIR)
