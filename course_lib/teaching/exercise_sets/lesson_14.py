"""Exercises of lesson 14: an expected depth, two targets, and two mirrors."""

import torch
from torch import Tensor

from course_lib.teaching.exercise_sets import references_14 as by
from course_lib.teaching.exercises import Exercise, Slip


def _double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# 14.1


def _expected(scores: Tensor, centres: Tensor) -> Tensor:
    return (scores.flatten().softmax(0).view_as(scores).sum((1, 2)) * centres).sum()


_SPIKE = torch.zeros(3, 2, 2, dtype=torch.float64)
_SPIKE[2, 0, 1] = 800.0

DEPTH = Exercise(
    id="14.1",
    title="one volume, one depth",
    draw=by.draw_volume,
    reference=by.by_layers,
    method="log-sums of the layers",
    hints=(
        "How many numbers does the softmax see? A joint has one place in the whole volume, not one on every ray.",
        "p = softmax over all voxels; p(z) = sum of p over x and y; the mean of z under p(z)",
        "p = scores.flatten().softmax(0).view_as(scores); return (p.sum(...) * centres).sum()",
    ),
    stub="expected_depth_of",
    solution="expected_depth_of_solution",
    valid=by.is_volume,
    edges=((_SPIKE, _double(-1.0, 0.0, 2.0)), (torch.zeros(2, 1, 1).double(), _double(0.0, 1.0))),
    slips=(
        Slip(
            wrong=lambda scores, centres: (scores.softmax(0) * centres[:, None, None]).sum(0).mean(),
            says="that is a softmax over z for every pixel, which asks each ray, background too, how deep it is",
        ),
        Slip(
            wrong=lambda scores, centres: (scores.sum((1, 2)).softmax(0) * centres).sum(),
            says="scores are summed before the softmax: it is the probabilities that are summed",
        ),
        Slip(
            wrong=lambda scores, centres: (scores.amax((1, 2)).softmax(0) * centres).sum(),
            says="that takes each layer's largest score, not its sum of probabilities",
        ),
        Slip(
            wrong=lambda scores, centres: centres[scores.flatten().argmax() // scores[0].numel()],
            says="that is the argmax: it has no gradient; the mean of z is wanted",
        ),
        Slip(
            wrong=lambda scores, centres: _expected(scores, torch.arange(len(centres)).to(centres)),
            says="that is the mean index of a layer: use the depths in `centres`",
        ),
        Slip(
            wrong=lambda scores, centres: (scores.exp() / scores.exp().sum() * centres[:, None, None]).sum(),
            says="exponentials overflow: `softmax` takes the largest score away first",
        ),
    ),
)

# 14.2


def _square(point: Tensor, height: int, width: int) -> Tensor:
    x, y = (torch.arange(size, dtype=torch.float64) for size in (width, height))
    return (y[:, None] - point[1]) ** 2 + (x[None] - point[0]) ** 2


def _share(maps: Tensor) -> Tensor:
    return maps / maps.sum()


TARGET = Exercise(
    id="14.2",
    title="a target for a softmax",
    draw=by.draw_place,
    reference=by.by_densities,
    method="a product of two densities",
    hints=(
        "What is the sum of the map that it will be compared with?",
        "g = exp(-((x - x0)^2 + (y - y0)^2) / (2 sigma^2)), divided by its own sum; rows are y, columns x",
        "x, y = torch.arange(width), torch.arange(height); square = (y[:, None] - ...) ** 2 + (x[None] - ...) ** 2; "
        "return ... / ...sum()",
    ),
    stub="target_of",
    solution="target_of_solution",
    valid=by.is_place,
    edges=((_double(0.0, 3.0), 5, 6, 2.0), (_double(2.0, 2.0), 5, 5, 1.0)),
    slips=(
        Slip(
            wrong=lambda point, height, width, sigma: (-_square(point, height, width) / (2 * sigma**2)).exp(),
            says="the peak is 1: a softmax sums to 1, and cannot come near it; divide the map by its own sum",
        ),
        Slip(
            wrong=lambda point, height, width, sigma: (
                (-_square(point, height, width) / (2 * sigma**2)).exp() / (2 * torch.pi * sigma**2)
            ),
            says="that is the density: near an edge, and for small sigma, its sum over the cells is not 1",
        ),
        Slip(
            wrong=lambda point, height, width, sigma: _share(
                (-_square(point.flip(0), height, width) / (2 * sigma**2)).exp()
            ),
            says="x and y are exchanged: the first number of a point counts columns",
        ),
        Slip(
            wrong=lambda point, height, width, sigma: _share((-_square(point, height, width) / sigma**2).exp()),
            says="the 2 of 2 sigma^2 is missing: the map is too narrow",
        ),
        Slip(
            wrong=lambda point, height, width, sigma: _share((-_square(point, height, width) / (2 * sigma)).exp()),
            says="sigma is not squared",
        ),
        Slip(
            wrong=lambda point, height, width, sigma: _share(
                (-_square(point.round(), height, width) / (2 * sigma**2)).exp()
            ),
            says="the point is rounded to a cell first, which costs up to half a cell",
        ),
    ),
)

# 14.3

_THREE = torch.tensor([[0.0, 1, -1], [-1, 0, -1], [1, 1, 0]], dtype=torch.float64)

MIRROR = Exercise(
    id="14.3",
    title="relations in the mirror",
    draw=by.draw_order,
    reference=by.by_entries,
    method="a double loop over pairs of joints",
    hints=(
        "In the picture the left hand is before the right one. Mirror it: which hand is before which now?",
        "Joint i of the mirrored picture is another joint of the old one. Which? And j? Write r'(i, j) with the old r",
        "return order[...][...]: what has to be done to the rows has to be done once more",
    ),
    stub="mirrored_order",
    solution="mirrored_order_solution",
    valid=by.is_order,
    edges=((_THREE, torch.tensor([0, 2, 1])),),
    slips=(
        Slip(
            wrong=lambda order, flip: order[flip],
            says="only rows are permuted: a pair has two joints, and the matrix is no longer antisymmetric",
        ),
        Slip(
            wrong=lambda order, flip: order[:, flip],
            says="only columns are permuted: a pair has two joints, and the matrix is no longer antisymmetric",
        ),
        Slip(wrong=lambda order, flip: order * 1, says="nothing is renamed: what was left is right in the mirror"),
        Slip(
            wrong=lambda order, flip: -order[flip][:, flip],
            says="the signs are turned as well: a mirror changes left and right, not near and far",
        ),
        Slip(wrong=lambda order, flip: -order, says="that mirrors the depth, not the picture"),
    ),
)

# 14.4


def _bell(centres: Tensor, middle: float, sigma: float) -> Tensor:
    return (-((centres - middle) ** 2) / (2 * sigma**2)).softmax(0)


def _searched(centres: Tensor, depth: float, sigma: float, reach: float) -> Tensor:
    """The bell with the wanted mean, its middle at most `reach` times the box's length outside the box."""
    length = float(centres[-1] - centres[0])
    low, high = float(centres[0]) - reach * length, float(centres[-1]) + reach * length
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if float(_bell(centres, middle, sigma) @ centres) < depth else (low, middle)
    return _bell(centres, middle, sigma)


def _moved_once(centres: Tensor, depth: float, sigma: float) -> Tensor:
    off = depth - float(_bell(centres, depth, sigma) @ centres)
    return _bell(centres, depth + off, sigma)


def _two_layers(centres: Tensor, depth: float, sigma: float) -> Tensor:
    return (1 - (centres - depth).abs() / (centres[1] - centres[0])).clamp_min(0)


WALL = Exercise(
    id="14.4",
    title="a bell at the wall of the box",
    draw=by.draw_wall,
    reference=by.by_tilting,
    method="weights tilted by an exponential, the tilt from a root finder",
    hints=(
        "Draw the bell of a joint at the first layer. Which half of it is missing, and where is the mean of the rest?",
        "Keep the width and move the middle of the bell. Its mean grows with its middle: search for the middle at "
        "which the mean is right. It may lie outside the box",
        "low, high = ..., ...; repeat: middle = (low + high) / 2; p = (-(centres - middle) ** 2 / ...).softmax(0); "
        "keep the half in which ... lies; return p",
    ),
    stub="target_with_mean",
    solution="target_with_mean_solution",
    valid=by.is_wall,
    edges=((_double(0.0, 1.0, 2.0, 3.0), 0.3, 1.0), (_double(-1.0, 0.0, 1.0), 0.0, 1.0)),
    slips=(
        Slip(
            wrong=lambda centres, depth, sigma: _bell(centres, depth, sigma),
            says="that is the usual bell around the joint: near a wall a part of it is missing, and its mean lies "
            "too far inside",
        ),
        Slip(
            wrong=lambda centres, depth, sigma: (-((centres - depth) ** 2) / (2 * sigma**2)).exp(),
            says="the sum is not 1, and the bell around the joint has its mean too far inside, if it is cut off",
        ),
        Slip(
            wrong=_moved_once,
            says="the bell is moved by its error once; moved, it loses more on the one side: search until the mean "
            "is right",
        ),
        Slip(
            wrong=lambda centres, depth, sigma: _searched(centres, depth, sigma, 0.0),
            says="the middle of the bell may lie outside the box: search there, too",
        ),
        Slip(
            wrong=_two_layers,
            says="the mean is right, but two layers are no bell of width sigma",
        ),
    ),
)

# 14.5

_SIGN = _double(-1.0, 1.0, 1.0)

AVERAGE = Exercise(
    id="14.5",
    title="a picture and its mirror image",
    draw=by.draw_readings,
    reference=by.joint_by_joint,
    method="a loop over joints",
    hints=(
        "Mirror what was said of the mirrored picture *back* before you take the mean. What changes?",
        "half of said(j), and half of mirrored(flip(j)) with x turned over; y and the depth stay",
        "back = mirrored[...] * torch.tensor([-1.0, ...]); return (said + back) / 2",
    ),
    stub="flip_average",
    solution="flip_average_solution",
    valid=by.are_readings,
    edges=(
        (
            torch.tensor([[0.1, 0.0, 0.0], [0.5, 0.0, 0.2], [-0.5, 0.0, -0.2]], dtype=torch.float64),
            torch.tensor([[-0.1, 0.0, 0.0], [0.5, 0.0, -0.2], [-0.5, 0.0, 0.2]], dtype=torch.float64),
            torch.tensor([0, 2, 1]),
        ),
    ),
    slips=(
        Slip(
            wrong=lambda said, mirrored, flip: (said + mirrored) / 2,
            says="nothing is mirrored back: that averages the picture with another one",
        ),
        Slip(
            wrong=lambda said, mirrored, flip: (said + mirrored * _SIGN) / 2,
            says="the names are not exchanged: the left hand is averaged with the right one",
        ),
        Slip(
            wrong=lambda said, mirrored, flip: (said + mirrored[flip]) / 2,
            says="x is not turned over: in the mirror the left edge is the right one",
        ),
        Slip(
            wrong=lambda said, mirrored, flip: (said - mirrored[flip] * _double(1.0, -1.0, 1.0)) / 2,
            says="the depth is turned over as well: a mirror changes left and right, not near and far",
        ),
        Slip(
            wrong=lambda said, mirrored, flip: said + mirrored[flip] * _SIGN,
            says="that is the sum of the two; take half",
        ),
    ),
)

EXERCISES = (DEPTH, TARGET, MIRROR, WALL, AVERAGE)
