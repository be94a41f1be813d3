"""Inputs of the exercises of lesson 15, and the right answers by routes that no solution takes."""

import math

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import norm
from torch import Tensor


def _normal(gen: torch.Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=gen, dtype=torch.float64)


def draw_points(gen: torch.Generator) -> tuple[Tensor]:
    """2D joints of a few poses somewhere in an image; the first joint is the root."""
    return (_normal(gen, 2, 3, 2) * torch.tensor([60.0, 120.0]) + _normal(gen, 2, 1, 2, scale=200.0),)


def are_points(points: Tensor) -> bool:
    """Whether each pose has a joint away from its root, in both coordinates."""
    if points.dim() != 3 or points.shape[-1] != 2 or points.shape[1] < 2:
        return False
    return bool(((points - points[:, :1]).abs().amax(1) > 1e-6).all())


def normalised_by_loops(points: Tensor) -> Tensor:
    """Pose by pose and joint by joint, with plain numbers."""
    out = []
    for pose in points.tolist():
        offsets = [(x - pose[0][0], y - pose[0][1]) for x, y in pose]
        largest = max(abs(value) for joint in offsets for value in joint)
        out.append([[x / largest, y / largest] for x, y in offsets])
    return torch.tensor(out, dtype=torch.float64)


def draw_chain(gen: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Bones of a few chains: lengths in space, in the picture, and orders of their ends."""
    bones = _normal(gen, 2, 4, 3, scale=0.4)
    return bones.norm(dim=-1), bones[..., :2].norm(dim=-1), bones[..., 2].sign()


def is_chain(lengths: Tensor, seen: Tensor, order: Tensor) -> bool:
    """Whether no bone looks longer than it is, and every order is told."""
    same = lengths.dim() == 2 and lengths.shape == seen.shape == order.shape and lengths.shape[1] > 0
    return bool(same and (seen >= 0).all() and (lengths > seen).all() and (order.abs() == 1).all())


def unfolded_by_angles(lengths: Tensor, seen: Tensor, order: Tensor) -> Tensor:
    """Each bone's depth by the angle it makes with the picture plane, added up joint by joint."""
    out = []
    for chain in zip(lengths.tolist(), seen.tolist(), order.tolist(), strict=True):
        depth, depths = 0.0, [0.0]
        for length, short, sign in zip(*chain, strict=True):
            depth += sign * length * math.sin(math.acos(short / length))
            depths.append(depth)
        out.append(depths)
    return torch.tensor(out, dtype=torch.float64)


def draw_folds(gen: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Bones of two bodies: lengths in space and in the picture, and how likely each is to go back."""
    bones = _normal(gen, 2, 3, 3, scale=0.4)
    back = torch.rand((2, 3), generator=gen, dtype=torch.float64)
    return bones.norm(dim=-1), bones[..., :2].norm(dim=-1), back


def are_folds(lengths: Tensor, seen: Tensor, back: Tensor) -> bool:
    """Whether no bone looks longer than it is, and `back` holds probabilities."""
    same = lengths.dim() == 2 and lengths.shape == seen.shape == back.shape and lengths.numel() > 0
    return bool(same and (seen > 0).all() and (lengths > seen).all() and (back >= 0).all() and (back <= 1).all())


def length_by_least_squares(lengths: Tensor, seen: Tensor, back: Tensor) -> Tensor:
    """Bone by bone: the end point nearest to both foldings, each with its weight, found by a solver."""
    out = np.empty(tuple(lengths.shape))
    for at in np.ndindex(out.shape):
        length, short, p = (float(values[at]) for values in (lengths, seen, back))
        angle = math.acos(short / length)
        ends = np.array([[short, length * math.sin(sign * angle)] for sign in (1, -1)])
        weights = np.sqrt([[p], [1 - p]])
        answer, *_ = np.linalg.lstsq(weights, weights * ends, rcond=None)
        out[at] = math.dist(answer[0], (0, 0))
    return torch.from_numpy(out)


def draw_share(gen: torch.Generator) -> tuple[float, float]:
    """Spread of depths in metres, and a share of kept orders."""
    a, b = torch.rand(2, generator=gen, dtype=torch.float64).tolist()
    return 0.1 + 0.3 * a, 0.6 + 0.38 * b


def is_share(spread: float, kept: float) -> bool:
    """Whether depths spread at all, and the share lies between a coin's and certainty."""
    return spread > 0 and 0.5 < kept < 1


def level_by_search(spread: float, kept: float) -> Tensor:
    """The noise at which an integral over the true difference gives that share, by bisection."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    t, weights = 5 * (nodes + 1), 5 * weights * 2 * norm.pdf(5 * (nodes + 1))

    def excess(log_ratio: float) -> float:
        return float(weights @ ndtr(t * math.exp(log_ratio))) - kept

    return torch.tensor(spread * math.exp(-brentq(excess, -12.0, 12.0, xtol=1e-13)), dtype=torch.float64)


def draw_pair(gen: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two bodies of four joints, the first a turned, mirrored or noisy copy of the second."""
    target = _normal(gen, 4, 3, scale=0.4)
    turn, _ = torch.linalg.qr(_normal(gen, 3, 3))
    return 1.2 * target @ turn.T + _normal(gen, 4, 3, scale=0.1) + _normal(gen, 1, 3), target


def are_bodies(predicted: Tensor, target: Tensor) -> bool:
    """Whether two bodies fill space, so that the best turn is one."""
    if predicted.dim() != 2 or predicted.shape != target.shape or predicted.shape[1] != 3 or len(predicted) < 4:
        return False
    centred = [body - body.mean(0) for body in (predicted, target)]
    values = torch.linalg.svdvals(centred[1].T @ centred[0])
    return bool(torch.linalg.svdvals(centred[0])[-1] > 1e-3 and values[-1] > 1e-4 and values[1] - values[2] > 1e-4)


def aligned_by_quaternion(predicted: Tensor, target: Tensor) -> Tensor:
    """Horn 1987: the best turn is the top eigenvector of a 4 x 4 matrix, and never a mirror."""
    source, goal = ((body - body.mean(0)).numpy() for body in (predicted, target))
    s = source.T @ goal
    antisymmetric = np.array([s[1, 2] - s[2, 1], s[2, 0] - s[0, 2], s[0, 1] - s[1, 0]])
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[0, 1:], matrix[1:, 0] = np.trace(s), antisymmetric, antisymmetric
    matrix[1:, 1:] = s + s.T - np.trace(s) * np.eye(3)
    w, x, y, z = np.linalg.eigh(matrix)[1][:, -1]
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    turned = source @ turn.T
    size = (turned * goal).sum() / (source**2).sum()
    return torch.tensor(np.linalg.norm(size * turned - goal, axis=1).mean())
