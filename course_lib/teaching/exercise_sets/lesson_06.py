"""Exercises of lesson 06: the game at its best judge, slant, a port's likelihood, and clusters against classes."""

import math

import torch
from torch import Tensor

from course_lib.metrics import many_to_one_error
from course_lib.teaching.exercise_sets import references_06 as by
from course_lib.teaching.exercises import Exercise, Slip


def _vector(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


# 06.1


def _best(real: Tensor, made: Tensor) -> Tensor:
    return real / (real + made)


def _value(real: Tensor, made: Tensor) -> Tensor:
    return (real * _best(real, made).log() + made * (1 - _best(real, made)).log()).sum()


GAME = Exercise(
    id="06.1",
    title="the value of a game",
    draw=by.draw_two,
    reference=by.by_divergence,
    method="twice the Jensen-Shannon divergence, less log 4",
    hints=(
        "For each picture on its own: which D makes p log D + g log(1 - D) largest? Set its derivative to 0.",
        "D = p / (p + g), and V = sum of p log D + g log(1 - D)",
        "best = real / (...); return (real * best.log() + made * (...).log()).sum()",
    ),
    stub="value_of_game",
    solution="value_of_game_solution",
    valid=by.are_two,
    edges=((_vector(0.5, 0.5), _vector(0.5, 0.5)), (_vector(0.9, 0.1), _vector(0.2, 0.8))),
    slips=(
        Slip(
            wrong=lambda real, made: _value(real, made) + math.log(4),
            says="that is twice the Jensen-Shannon divergence; the value of the game is less by log 4",
        ),
        Slip(
            wrong=lambda real, made: (_value(real, made) + math.log(4)) / 2,
            says="that is the Jensen-Shannon divergence; the value of the game is twice that, less log 4",
        ),
        Slip(wrong=lambda real, made: -_value(real, made), says="the sign is wrong: that is the judge's loss"),
        Slip(
            wrong=lambda real, made: torch.full((), -math.log(4), dtype=torch.float64),
            says="that is -log 4, the value of a judge who answers 1/2 to everything; the best one makes use of the "
            "difference",
        ),
        Slip(
            wrong=lambda real, made: (real * (1 - _best(real, made)).log() + made * _best(real, made).log()).sum(),
            says="the judge is turned round: D is the probability of being *real*",
        ),
        Slip(
            wrong=lambda real, made: (real * _best(real, made).log() + made * (1 - _best(real, made)).log()).mean(),
            says="each picture is weighed with its probability already: take the sum, not the mean",
        ),
    ),
)

# 06.2


def _moments(ink: Tensor, up: int) -> tuple[Tensor, Tensor, Tensor]:
    y, x = (torch.arange(n, dtype=ink.dtype) for n in ink.shape)
    mass = ink.sum()
    x, y = x - (ink.sum(0) @ x) / mass, up * (y - (ink.sum(1) @ y) / mass)
    return y @ ink @ x / mass, ink.sum(1) @ y.square() / mass, ink.sum(0) @ x.square() / mass


def _corner(ink: Tensor) -> Tensor:
    y, x = (torch.arange(n, dtype=ink.dtype) for n in ink.shape)
    return -(y @ ink @ x) / (ink.sum(1) @ y.square())


def _framed(ink: Tensor) -> Tensor:
    y, x = (torch.arange(n, dtype=ink.dtype) - (n - 1) / 2 for n in ink.shape)
    return -(y @ ink @ x) / (ink.sum(1) @ y.square())


def _ratio(ink: Tensor, up: int = -1) -> Tensor:
    covariance, variance, _ = _moments(ink, up)
    return covariance / variance


SLANT = Exercise(
    id="06.2",
    title="how far a digit leans",
    draw=by.draw_ink,
    reference=by.by_pixels,
    method="covariance over variance, pixel by pixel",
    hints=(
        "Treat the ink as a cloud of points. How far do points move to the right, on average, for each step up?",
        "slant = mu_11 / mu_02: the covariance of x and y, over the variance of y, weighed with the ink, y upwards",
        "x = torch.arange(w) - (ink.sum(0) @ torch.arange(w)) / ink.sum(), in the dtype of the ink; y likewise, with a "
        "minus; return (y @ ink @ x) / (...)",
    ),
    stub="slant_of",
    solution="slant_of_solution",
    valid=by.is_ink,
    edges=(
        (torch.eye(5, dtype=torch.float64),),
        (torch.eye(5, dtype=torch.float64).flip(0),),
        (torch.ones(4, 6, dtype=torch.float64),),
    ),
    slips=(
        Slip(
            wrong=lambda ink: _ratio(ink, up=1),
            says="rows run *down* the picture: a digit that leans right is negative",
        ),
        Slip(
            wrong=lambda ink: _moments(ink, -1)[0] / _moments(ink, -1)[2].clamp_min(1e-12),
            says="that is divided by the variance of x; a slant is the shift for each step *up*",
        ),
        Slip(
            wrong=lambda ink: _moments(ink, -1)[0],
            says="that is the covariance alone; a tall digit has more of it than a small one with the same slant",
        ),
        Slip(
            wrong=lambda ink: _framed(ink),
            says="that is the centre of the frame; the moments are about the centre of the ink",
        ),
        Slip(
            wrong=lambda ink: _ratio(ink).atan(),
            says="that is an angle; the slant is its tangent",
        ),
        Slip(
            wrong=_corner, says="the ink's centre is not subtracted: the slant then depends on where the digit stands"
        ),
        Slip(
            wrong=lambda ink: (
                _moments(ink, -1)[0] / (_moments(ink, -1)[1] * _moments(ink, -1)[2]).sqrt().clamp_min(1e-12)
            ),
            says="that is the correlation, between -1 and 1; the slant is a shift in pixels for each pixel up",
        ),
    ),
)

# 06.3


def _log_density(code: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    return -0.5 * (math.log(2 * math.pi) + log_var + (code - mu).square() / log_var.exp())


LIKELIHOOD = Exercise(
    id="06.3",
    title="a port's likelihood, mended",
    draw=by.draw_reading,
    reference=by.by_distribution,
    method="log-densities of torch.distributions",
    hints=(
        "Put code = mu into the line. For variance 1 it is right; for variance 4, by how much must log N fall, and by "
        "how much does the line?",
        "log N(c; mu, s^2) = -1/2 log(2 pi) - 1/2 log s^2 - (c - mu)^2 / (2 s^2), and log_var is log s^2",
        "return (-0.5 * (math.log(2 * math.pi) + ... + (code - mu) ** 2 / ...)).sum(1)",
    ),
    stub="log_likelihood_of_code",
    solution="log_likelihood_of_code_solution",
    valid=by.is_reading,
    edges=(
        (torch.zeros(2, 1).double(), torch.zeros(2, 1).double(), torch.zeros(2, 1).double()),
        (torch.ones(2, 2).double(), torch.zeros(2, 2).double(), torch.full((2, 2), -2.0).double()),
    ),
    slips=(
        Slip(
            wrong=lambda code, mu, log_var: (
                -0.5 * math.log(2 * math.pi) - log_var - (code - mu).square() / (2 * log_var.exp())
            ).sum(1),
            says="the logarithm of the variance stands there whole: log s is half of it",
        ),
        Slip(
            wrong=lambda code, mu, log_var: (
                -0.5 * math.log(2 * math.pi) + (-0.5 * log_var - (code - mu).square() / (2 * log_var.exp())).sum(1)
            ),
            says="the constant is there once: each of the d codes has its own log 2 pi",
        ),
        Slip(
            wrong=lambda code, mu, log_var: (
                -0.5 * math.log(2 * math.pi) - 0.5 * log_var - (code - mu).square() / log_var.exp()
            ).sum(1),
            says="the 2 under the squared error is missing",
        ),
        Slip(
            wrong=lambda code, mu, log_var: (
                -0.5 * math.log(2 * math.pi) - log_var - (code - mu).square() / (2 * (2 * log_var).exp())
            ).sum(1),
            says="that takes `log_var` for the logarithm of sigma: it is that of sigma squared",
        ),
        Slip(
            wrong=lambda code, mu, log_var: -_log_density(code, mu, log_var).sum(1),
            says="the sign is wrong: that is the loss, minus the log-likelihood",
        ),
        Slip(
            wrong=lambda code, mu, log_var: (
                -0.5 * math.log(2 * math.pi) + 0.5 * log_var - (code - mu).square() / (2 * log_var.exp())
            ).sum(1),
            says="the sign of the log-variance is wrong: a wide density is low",
        ),
        Slip(
            wrong=lambda code, mu, log_var: (-0.5 * (log_var + (code - mu).square() / log_var.exp())).sum(1),
            says="log 2 pi is missing: then the bound is not in nats",
        ),
        Slip(
            wrong=lambda code, mu, log_var: _log_density(code, mu, log_var).mean(1),
            says="independent codes add up: take the sum over codes, not the mean",
        ),
    ),
)

# 06.4


def _table(clusters: Tensor, classes: Tensor) -> Tensor:
    return torch.bincount(3 * clusters + classes, minlength=9).view(3, 3)


def _greedy(clusters: Tensor, classes: Tensor) -> Tensor:
    """The largest cell first, then the largest of what is left."""
    table, right = _table(clusters, classes).clone(), 0
    for _ in range(3):
        row, column = divmod(int(table.argmax()), 3)
        right += max(int(table[row, column]), 0)
        table[row], table[:, column] = -1, -1
    return torch.tensor(1 - right / len(classes), dtype=torch.float64)


CLUSTERS = Exercise(
    id="06.4",
    title="one to one",
    draw=by.draw_clusters,
    reference=by.by_trying,
    method="all six ways to rename three clusters",
    hints=(
        "Values of the code carry arbitrary numbers. How many ways are there to give three of them three names?",
        "Count the pairs in a 3 x 3 table; choose one cell in each row and column so that the sum is largest",
        "table = ...bincount(3 * clusters + classes, minlength=9).view(3, 3); rows, columns = "
        "linear_sum_assignment(table, maximize=True); return 1 - ...",
    ),
    stub="error_one_to_one",
    solution="error_one_to_one_solution",
    valid=by.are_clusters,
    edges=(
        (torch.tensor([0, 1, 2, 0]), torch.tensor([1, 2, 0, 1])),
        (torch.tensor([0, 0, 0, 0]), torch.tensor([0, 1, 2, 0])),
        # The largest cell first is not the best: 2 + 2 beats 3 + 0.
        (torch.tensor([0, 0, 0, 0, 0, 1, 1]), torch.tensor([0, 0, 0, 1, 1, 0, 0])),
    ),
    slips=(
        Slip(
            wrong=lambda clusters, classes: torch.tensor(many_to_one_error(clusters, classes)).double(),
            says="that lets two clusters stand for one class: many to one, which is never worse",
        ),
        Slip(
            wrong=lambda clusters, classes: (clusters != classes).double().mean(),
            says="the numbers of the clusters mean nothing: match them with the classes first",
        ),
        Slip(
            wrong=lambda clusters, classes: 1 - _table(clusters, classes).max(0).values.sum().double() / len(classes),
            says="that lets one value of the code stand for two classes",
        ),
        Slip(
            wrong=_greedy,
            says="taking the largest cell first may cost more later: try all matchings, or Hungarian assignment",
        ),
        Slip(
            wrong=lambda clusters, classes: 1 - by.by_trying(clusters, classes),
            says="that is the share that is right; the error is the rest",
        ),
    ),
)

EXERCISES = (GAME, SLANT, LIKELIHOOD, CLUSTERS)
