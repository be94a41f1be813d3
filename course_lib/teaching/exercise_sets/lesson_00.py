"""Exercises of lesson 00."""

import math

import torch

from course_lib.teaching.exercises import Exercise, Slip


def _draw(gen: torch.Generator) -> tuple[float, float, float]:
    u = torch.rand(3, generator=gen, dtype=torch.float64).tolist()
    return 0.05 + 0.9 * u[0], math.exp(4 * u[1] - 2), math.exp(4 * u[2] - 2)


def _divergence(p: float, a: float, b: float) -> float:
    """The gap as the divergence of the coin from its weighted self: another route than the difference of two logs."""
    mean = p * a + (1 - p) * b
    return p * math.log(mean / a) + (1 - p) * math.log(mean / b)


def _exchanged(p: float, a: float, b: float) -> float:
    """The divergence of the weighted coin from the coin."""
    mean = p * a + (1 - p) * b
    return p * a / mean * math.log(a / mean) + (1 - p) * b / mean * math.log(b / mean)


JENSEN_GAP = Exercise(
    id="00.1",
    title="the gap of Jensen's inequality",
    draw=_draw,
    reference=_divergence,
    method="the divergence of equation (0.6), summed over both faces",
    hints=(
        "The gap is the larger side of Jensen's inequality minus the smaller one. Which is larger, the logarithm of "
        "the mean or the mean of the logarithms?",
        "gap = log(p a + (1 - p) b) - (p log a + (1 - p) log b)",
        "mean = p * a + ...; mean_log = p * math.log(a) + ...; return math.log(...) - ...",
    ),
    stub="jensen_gap",
    solution="jensen_gap_solution",
    valid=lambda p, a, b: 0 < p < 1 and a > 0 and b > 0,
    edges=((0.5, 1.0, 1.0), (0.5, 1.0, 4.0)),
    slips=(
        Slip(
            wrong=lambda p, a, b: math.log(p * a + (1 - p) * b),
            says="that is the logarithm of the mean alone; subtract the mean of the logarithms",
        ),
        Slip(
            wrong=lambda p, a, b: math.log((1 - p) * a + p * b) - ((1 - p) * math.log(a) + p * math.log(b)),
            says="the faces are exchanged: `a` is paid with probability `p`",
        ),
        Slip(
            wrong=lambda p, a, b: p * a + (1 - p) * b - (p * math.log(a) + (1 - p) * math.log(b)),
            says="the logarithm of the mean is missing: you subtract from the mean itself",
        ),
        Slip(
            wrong=_exchanged,
            says="that is the divergence with its arguments exchanged: the mean of log p - log q is taken under p, "
            "the coin that is thrown, and not under q",
        ),
        Slip(
            wrong=lambda p, a, b: math.log((a + b) / 2) - (math.log(a) + math.log(b)) / 2,
            says="you weigh both faces with 1/2: the first has the probability `p`, the other 1 - p",
        ),
        Slip(
            wrong=lambda p, a, b: math.log((a + b) / 2) - (p * math.log(a) + (1 - p) * math.log(b)),
            says="the mean of the prizes is taken with 1/2: weigh `a` with `p` and `b` with 1 - p there, too",
        ),
        Slip(
            wrong=lambda p, a, b: _divergence(p, a, b) / math.log(10),
            says="your logarithm has the base 10; here it is the natural one, `math.log`",
        ),
        Slip(
            wrong=lambda p, a, b: _divergence(p, a, b) / math.log(2),
            says="your logarithm has the base 2; here it is the natural one, `math.log`",
        ),
    ),
)

EXERCISES = (JENSEN_GAP,)
