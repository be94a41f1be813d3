"""Exercises of lesson 05: a pixel, a chain of joints, and a basis of poses; those of two views are in `views_05.py`."""

import torch
from torch import Tensor

from course_lib.teaching.exercise_sets import references_05 as by
from course_lib.teaching.exercise_sets.views_05 import MIRROR, MOTION, SPHERE
from course_lib.teaching.exercises import Exercise, Slip


def _tensor(*rows: object) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# 05.1


def _offsets(points: Tensor, focal: float) -> Tensor:
    """Pixels from the centre."""
    return focal * points[:, :2] / points[:, 2:]


PROJECT = Exercise(
    id="05.1",
    title="from points to pixels",
    draw=by.draw_points,
    reference=by.by_matrix,
    method="the camera matrix, whose first two rows are divided by the third (5.6)",
    hints=(
        "A point twice as far away appears half as far from the centre of the picture. By what do you divide, and "
        "what must not be divided with it?",
        "(5.1): u = f * (X, Y) / Z + c, with the centre added last",
        "depth = points[:, 2:]  # keeps the axis; return focal * points[:, ...] / ... + ...",
    ),
    stub="project",
    solution="project_solution",
    valid=by.in_front,
    edges=(
        (_tensor([1.0, 0.5, 2.0]), 100.0, torch.tensor([32.0, 24.0], dtype=torch.float64)),
        (_tensor([0.5, -1.0, 4.0], [-1.0, 1.0, 2.0]), 64.0, torch.tensor([31.5, 20.0], dtype=torch.float64)),
    ),
    slips=(
        Slip(
            wrong=lambda points, focal, centre: focal * points[:, :2] + centre,
            says="the division by the depth is missing: a point that walks away would stay at its pixel",
        ),
        Slip(
            wrong=lambda points, focal, centre: focal * points[:, :2] / points.norm(dim=1, keepdim=True) + centre,
            says="you divide by the distance from the camera; divide by the depth, the third component, which is "
            "the same for all points of a flat wall that faces the camera",
        ),
        Slip(
            wrong=lambda points, focal, centre: _offsets(points, focal) * torch.tensor([1.0, -1.0]) + centre,
            says="v is upside down: in this course Y points down, as v does, so that no sign is needed",
        ),
        Slip(
            wrong=lambda points, focal, centre: (focal * points[:, :2] + centre) / points[:, 2:],
            says="the centre is divided too: divide first, and add the centre afterwards",
        ),
        Slip(
            wrong=lambda points, focal, centre: _offsets(points, focal),
            says="the centre is missing: pixels count from the centre of the top left one, not from the optical axis",
        ),
        Slip(
            wrong=lambda points, focal, centre: _offsets(points, 1.0) + centre,
            says="the focal length is missing: X / Z is the slope of the ray, and f turns it into pixels",
        ),
        Slip(
            wrong=lambda points, focal, centre: focal * (_offsets(points, 1.0) + centre),
            says="the centre is already in pixels: multiply X / Z by the focal length, and the centre by nothing",
        ),
        Slip(
            wrong=lambda points, focal, centre: focal * points[:, :2] * points[:, 2:] + centre,
            says="you multiply by the depth: farther points would appear farther from the centre; divide",
        ),
        Slip(
            wrong=lambda points, focal, centre: focal * points[:, :2] / points[:, 2:].mean() + centre,
            says="that is weak perspective, (5.2), with one depth for all points; here each has its own",
        ),
        Slip(
            wrong=lambda points, focal, centre: (_offsets(points, focal) + centre).flip(-1),
            says="these are (v, u): return (u, v), the column first",
        ),
    ),
)

# 05.2

QUARTER = [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]  # about z: x goes to y
ROLL = [[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]  # about x: y goes to z
NONE = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]

KINEMATICS = Exercise(
    id="05.2",
    title="a chain of joints",
    draw=by.draw_tree,
    reference=by.inside_out,
    method="a nest of turns and moves, worked out for each joint from its own bone up to the root",
    hints=(
        "A bone is carried along by every rotation above it. If you already know the place and the orientation of the "
        "parent, what is left to do for its child?",
        "(5.10), one joint at a time, with G_i for the product of all rotations from the root to joint i: "
        "p_i = p_parent + G_parent o_i and G_i = G_parent R_i, from p_0 = o_0 and G_0 = R_0",
        "places, turns = [offsets[0]], [rotations[0]]; for i in range(1, len(parents)): append places[...] + "
        "turns[...] @ offsets[i], then turns[...] @ rotations[i]; return torch.stack(places)",
    ),
    stub="forward_kinematics",
    solution="forward_kinematics_solution",
    valid=by.is_tree,
    edges=(
        (_tensor(QUARTER, NONE), _tensor([0.0, 1.0, 0.0], [1.0, 0.0, 0.0]), (-1, 0)),
        (_tensor(NONE, QUARTER), _tensor([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), (-1, 0)),
        (
            _tensor(QUARTER, ROLL, NONE),
            _tensor([0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 2.0]),
            (-1, 0, 1),
        ),
        (_tensor(NONE, QUARTER, NONE), _tensor([0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]), (-1, 0, 0)),
    ),
    slips=(
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations, offsets, parents, order="child first"),
            says="the order of the product is reversed, as for row vectors: for columns the rotation nearest the root "
            "stands leftmost, G_i = G_parent R_i",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations.mT, offsets, parents, order="child first"),
            says="you multiply an offset from the left, as a row vector, which turns it the other way; here vectors "
            "are columns: rotation @ offset",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations.mT, offsets, parents),
            says="that is the whole chain for row vectors: it is right for the transposed rotations, and here vectors "
            "are columns",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations, offsets, parents, turned_by="itself"),
            says="a joint's own rotation turns its offset: it turns only what hangs from the joint, and the bone that "
            "leads to it is turned by the parent's",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations, offsets, parents, order="local"),
            says="only the parent's local rotation is used: multiply by all rotations above, since a shoulder moves "
            "the hand too",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(
                rotations, offsets, parents, order="local", turned_by="itself"
            ),
            says="each offset is turned by its own joint's local rotation: use the product of all rotations above it, "
            "the parent's included and its own left out",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations, offsets, range(-1, len(parents) - 1)),
            says="`parents` is not used: you hang each joint on the one before it, and a body branches",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations, offsets, parents, order="none"),
            says="the rotations are not used: that is the body at rest",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: by.walk(rotations, offsets, parents) - offsets[0],
            says="the root is at the origin: it belongs at its own offset, and all joints with it",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: (
                by.walk(rotations, offsets, parents) - offsets[0] + rotations[0] @ offsets[0]
            ),
            says="the root's offset is turned by the root's rotation: nothing stands above the root, so its offset is "
            "its place",
        ),
        Slip(
            wrong=lambda rotations, offsets, parents: torch.stack(
                [
                    place if parent < 0 else place - by.walk(rotations, offsets, parents)[parent]
                    for place, parent in zip(by.walk(rotations, offsets, parents), parents, strict=True)
                ]
            ),
            says="these are the turned bones: add the place of the parent to each",
        ),
    ),
)

# 05.6


def _count(eigenvalues: Tensor, share: float) -> Tensor:
    """The first number of directions, in the order given, that reaches the share."""
    return (eigenvalues.cumsum(0) / eigenvalues.sum() < share).sum() + 1


def _sorted(eigenvalues: Tensor) -> Tensor:
    return eigenvalues.sort(descending=True).values


COMPONENTS = Exercise(
    id="05.6",
    title="how many directions a pose basis needs",
    draw=by.draw_variances,
    reference=by.smallest_subset,
    method="a search through all subsets of the directions, smaller ones first",
    hints=(
        "Which direction would you keep first, and which next? Keep adding until you have enough.",
        "the smallest M for which the M largest eigenvalues sum to at least share * (sum of all); what (5.13) loses is "
        "the rest",
        "ordered = eigenvalues.sort(descending=...).values; reached = ordered.cumsum(0) >= ...; return the place of "
        "the first True, counted from one",
    ),
    stub="components_needed",
    solution="components_needed_solution",
    valid=by.is_share,
    edges=(
        (torch.tensor([4.0, 2.0, 1.0, 1.0], dtype=torch.float64), 0.75),
        (torch.tensor([1.0, 2.0, 8.0, 5.0], dtype=torch.float64), 0.75),
        (torch.tensor([5.0, 2.0, 1.0, 0.0], dtype=torch.float64), 0.99),
    ),
    slips=(
        Slip(
            wrong=lambda eigenvalues, share: len(eigenvalues) - _count(_sorted(eigenvalues), share),
            says="you counted the directions that are left out; count those that are kept",
        ),
        Slip(
            wrong=lambda eigenvalues, share: _count(_sorted(eigenvalues), share) - 1,
            says="one too few: a position counts from zero, and the direction that crosses the share is kept too",
        ),
        Slip(
            wrong=lambda eigenvalues, share: _count(_sorted(eigenvalues), share) + 1,
            says="one too many: with one direction fewer the share is reached already",
        ),
        Slip(
            wrong=lambda eigenvalues, share: _count(eigenvalues, share),
            says="you take the directions in the order in which they come: sort them first, the largest in front",
        ),
        Slip(
            wrong=lambda eigenvalues, share: _count(eigenvalues.sort().values, share),
            says="you add the smallest first, as `eigh` and `sort` order them: the largest must come first",
        ),
        Slip(
            wrong=lambda eigenvalues, share: _count(eigenvalues.flip(0), share),
            says="you take the directions in reverse order, which helps only if they came in ascending order: sort",
        ),
        Slip(
            wrong=lambda eigenvalues, share: _count(_sorted(eigenvalues.sqrt()), share),
            says="you add square roots: standard deviations of several directions do not add up, variances do, and a "
            "share of the variance is a sum of eigenvalues",
        ),
        Slip(
            wrong=lambda eigenvalues, share: _count(_sorted(eigenvalues**2), share),
            says="you square the eigenvalues: they are variances already (the squares of singular values are not)",
        ),
        Slip(
            wrong=lambda eigenvalues, share: (_sorted(eigenvalues).cumsum(0) / eigenvalues.sum() <= share).sum() + 1,
            says="a share that is reached exactly is enough: use >=, not >",
        ),
        Slip(
            wrong=lambda eigenvalues, share: (_sorted(eigenvalues).cumsum(0) < share).sum() + 1,
            says="`share` is a part of the whole: compare with share * eigenvalues.sum()",
        ),
        Slip(
            wrong=lambda eigenvalues, share: (eigenvalues >= (1 - share) * eigenvalues.sum()).sum(),
            says="you compare each direction with the part that may be lost: it is the sum of what is left out that "
            "must stay below it",
        ),
    ),
)

EXERCISES = (PROJECT, KINEMATICS, SPHERE, MOTION, MIRROR, COMPONENTS)
