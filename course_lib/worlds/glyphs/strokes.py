"""The ten signs as strokes of a pen: control points, and the short straight segments between them.

A sign stands in a box of half height 1, x to the right and y down. A stroke is a straight line through its control
points or a smooth (Catmull-Rom) curve through them. Either way the ends of its segments are *linear* in the control
points, so that one constant matrix for each class turns displaced control points into displaced segments.
"""

import functools
import itertools

import torch
from torch import Tensor

POINTS = 11  # control points of a sign, at most
SEGMENTS = 48  # straight pieces of a sign, at most; signs with fewer repeat their last one
PER_CURVE = 4  # straight pieces between two control points of a curve

_LINE, _CURVE, _LOOP = "line", "curve", "loop"

# For each sign: its control points, and its strokes as (kind, numbers of the points passed).
CLASSES: tuple[tuple[tuple[tuple[float, float], ...], tuple[tuple[str, tuple[int, ...]], ...]], ...] = (
    (  # 0
        ((0, -1), (0.4, -0.72), (0.54, 0), (0.4, 0.72), (0, 1), (-0.4, 0.72), (-0.54, 0), (-0.4, -0.72)),
        ((_LOOP, (0, 1, 2, 3, 4, 5, 6, 7)),),
    ),
    (  # 1
        ((-0.3, -0.62), (0.06, -1), (0.06, 0), (0.06, 1)),
        ((_LINE, (0, 1)), (_CURVE, (1, 2, 3))),
    ),
    (  # 2
        (
            *((-0.5, -0.58), (-0.3, -0.92), (0.12, -0.99), (0.46, -0.66), (0.36, -0.14), (-0.1, 0.42)),
            *((-0.55, 0.96), (0.58, 0.96)),
        ),
        ((_CURVE, (0, 1, 2, 3, 4, 5, 6)), (_LINE, (6, 7))),
    ),
    (  # 3
        (
            *((-0.48, -0.76), (-0.08, -1), (0.36, -0.84), (0.4, -0.38), (-0.08, -0.06)),
            *((0.44, 0.12), (0.54, 0.56), (0.22, 0.94), (-0.24, 0.97), (-0.56, 0.68)),
        ),
        ((_CURVE, (0, 1, 2, 3, 4)), (_CURVE, (4, 5, 6, 7, 8, 9))),
    ),
    (  # 4
        ((0.02, -1), (-0.58, 0.24), (0.6, 0.24), (0.26, -0.42), (0.26, 1)),
        ((_LINE, (0, 1, 2)), (_LINE, (3, 4))),
    ),
    (  # 5
        (
            *((0.5, -0.97), (-0.32, -0.97), (-0.42, -0.1), (0.06, -0.3), (0.46, -0.06)),
            *((0.52, 0.44), (0.22, 0.9), (-0.22, 0.97), (-0.56, 0.72)),
        ),
        ((_LINE, (0, 1, 2)), (_CURVE, (2, 3, 4, 5, 6, 7, 8))),
    ),
    (  # 6
        (
            *((0.34, -1), (-0.14, -0.66), (-0.46, -0.1), (-0.5, 0.5), (-0.2, 0.94)),
            *((0.2, 0.95), (0.5, 0.6), (0.42, 0.14), (0.06, -0.06), (-0.3, 0.1)),
        ),
        ((_CURVE, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3)),),
    ),
    (  # 7
        ((-0.56, -0.95), (0.54, -0.95), (0.2, -0.34), (-0.06, 0.3), (-0.16, 1)),
        ((_LINE, (0, 1)), (_CURVE, (1, 2, 3, 4))),
    ),
    (  # 8
        (
            *((0, -1), (-0.32, -0.84), (-0.33, -0.32), (0, -0.06), (0.46, 0.24), (0.48, 0.76), (0, 1)),
            *((-0.48, 0.76), (-0.46, 0.24), (0.33, -0.32), (0.32, -0.84)),
        ),
        ((_LOOP, (0, 1, 2, 3, 4, 5, 6, 7, 8, 3, 9, 10)),),
    ),
    (  # 9
        (
            *((0.46, -0.52), (0.22, -0.92), (-0.18, -0.95), (-0.46, -0.62), (-0.38, -0.18), (-0.02, 0.02)),
            *((0.34, -0.14), (0.45, 0.02), (0.35, 0.54), (0.14, 1)),
        ),
        ((_LOOP, (0, 1, 2, 3, 4, 5, 6)), (_CURVE, (0, 7, 8, 9))),
    ),
)


@functools.cache
def control_points() -> Tensor:
    """Control points of the printed forms, `(10, POINTS, 2)`; those a sign does not have are 0.

    Each form is sheared once so that x and y are uncorrelated along its strokes: a printed 7 or 9 leans on paper, but
    a glyph of slant 0 shall have slant 0 when it is measured.
    """
    table = torch.zeros(len(CLASSES), POINTS, 2)
    for row, (points, _) in enumerate(CLASSES):
        table[row, : len(points)] = torch.tensor(points, dtype=torch.float32)
    return torch.stack([table[..., 0] - _lean(table)[:, None] * table[..., 1], table[..., 1]], dim=-1)


def _lean(points: Tensor) -> Tensor:
    """Covariance of x and y along the strokes, over the variance of y, for each sign."""
    ends = torch.einsum("csep,cpx->csex", segment_ends(), points)
    step, middle = ends[:, :, 1] - ends[:, :, 0], ends.mean(2)
    repeated = torch.zeros(ends.shape[:2], dtype=torch.bool)
    repeated[:, 1:] = (ends[:, 1:] == ends[:, :-1]).flatten(2).all(-1)
    weight = torch.where(repeated, 0, step.norm(dim=-1))[..., None]
    weight = weight / weight.sum(1, keepdim=True)
    off = middle - (weight * middle).sum(1, keepdim=True)

    def covariance(i: int, j: int) -> Tensor:  # a straight piece adds step^2 / 12 to that of its middle
        return (weight[..., 0] * (off[..., i] * off[..., j] + step[..., i] * step[..., j] / 12)).sum(1)

    return covariance(0, 1) / covariance(1, 1)


@functools.cache
def segment_ends() -> Tensor:
    """Both ends of each segment as weights of the control points, `(10, SEGMENTS, 2, POINTS)`."""
    return torch.stack([_ends_of(strokes) for _, strokes in CLASSES])


def _ends_of(strokes: tuple[tuple[str, tuple[int, ...]], ...]) -> Tensor:
    ends = []
    for kind, passed in strokes:
        path = _line(passed) if kind == _LINE else _curve(passed, closed=kind == _LOOP)
        ends += itertools.pairwise(path)
    ends += [ends[-1]] * (SEGMENTS - len(ends))
    return torch.stack([torch.stack(pair) for pair in ends])


def _line(passed: tuple[int, ...]) -> list[Tensor]:
    return list(torch.eye(POINTS)[list(passed)])


def _curve(passed: tuple[int, ...], closed: bool) -> list[Tensor]:
    """Catmull-Rom: between two points a cubic whose slope at each is half the chord of its neighbours."""
    rows = torch.eye(POINTS)[list(passed)]
    if closed:
        before, after, spans = rows[-1:], rows[:2], len(rows)
    else:  # the ends go straight on
        before, after, spans = 2 * rows[:1] - rows[1:2], 2 * rows[-1:] - rows[-2:-1], len(rows) - 1
    rows = torch.cat([before, rows, after])
    path = []
    for span in range(spans):
        p0, p1, p2, p3 = rows[span : span + 4]
        for step in range(PER_CURVE):
            t = step / PER_CURVE
            path.append(
                p1
                + 0.5 * t * (p2 - p0)
                + t * t * (p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3)
                + t**3 * (-0.5 * p0 + 1.5 * p1 - 1.5 * p2 + 0.5 * p3)
            )
    path.append(rows[spans + 1])
    return path
