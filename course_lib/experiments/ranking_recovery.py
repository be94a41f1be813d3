"""Depth from comparisons alone: which pairs are asked, what annotators answer, and the depths that fit best."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from course_lib.geometry import H36M_17, LSP_14, convert, transform_points
from course_lib.losses import pair_ranking_loss
from course_lib.metrics import ordinal_accuracy, tie_recall
from course_lib.worlds import people

THRESHOLD = 0.1  # metres; nearer than that is "about as far" (Pavlakos et al. 2018, Section 4.3)
RIDGE = 1e-3  # holds what the comparisons leave open; where they settle everything it is too weak to be seen
LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.02, 0.0)  # of a Newton step


@dataclass(frozen=True, kw_only=True)
class RecoveryConfig:
    """How many bodies, and how long the search for their depths."""

    bodies: int = 400
    steps: int = 40


PROFILES = {
    "smoke": RecoveryConfig(bodies=20, steps=15),
    "quick": RecoveryConfig(bodies=100, steps=30),
    "standard": RecoveryConfig(),
    "paper": RecoveryConfig(bodies=2000),  # as many as LSP has pictures with comparisons
}


@dataclass(frozen=True)
class Questions:
    """The pairs that were asked, and the answers.

    Attributes:
        first: Joint i of each pair, `(b, p)`.
        second: Joint j, `(b, p)`.
        relation: r_ij, +1 where i is closer, `(b, p)`, float64; NaN where a body has fewer questions than others.
    """

    first: Tensor
    second: Tensor
    relation: Tensor

    def take(self, count: int) -> "Questions":
        """The first `count` questions of each body."""
        return Questions(self.first[:, :count], self.second[:, :count], self.relation[:, :count])

    def reversed(self) -> "Questions":
        """Every answer turned round, as by reading the published files without turning their sign."""
        return Questions(self.first, self.second, -self.relation)

    def without_ties(self) -> "Questions":
        """The same with the ties unanswered."""
        return Questions(self.first, self.second, self.relation.masked_fill(self.relation == 0, torch.nan))

    @property
    def asked(self) -> Tensor:
        """Number of questions that were answered, `(b,)`."""
        return (~self.relation.isnan()).sum(1)


def drawn_bodies(count: int, gen: torch.Generator) -> Tensor:
    """The 14 annotated joints of drawn people in the camera frame, `(count, 14, 3)`, metres, float64."""
    factors = people.sample_factors(count, generator=gen, domain="wild")
    joints = people.people_joints(factors)
    camera = people.place_camera(factors, joints, 64, 64)
    return convert(transform_points(camera.from_world, joints), H36M_17, LSP_14).double()


def depths_of(bodies: Tensor) -> Tensor:
    """Depth of each joint relative to the mean of its body, `(b, n)`, metres."""
    depth = bodies[..., 2]
    return depth - depth.mean(1, keepdim=True)


def answers(
    depth: Tensor, first: Tensor, second: Tensor, threshold: float, noise: float, gen: torch.Generator
) -> Tensor:
    """What an annotator says of each pair, `(b, p)`; with probability `noise` a strict answer is turned round."""
    gap = depth.gather(1, second) - depth.gather(1, first)
    said = torch.where(gap.abs() < threshold, torch.zeros_like(gap), gap.sign())
    return torch.where(torch.rand(said.shape, generator=gen) < noise, -said, said)


def has_gap(depth: Tensor, threshold: float = THRESHOLD) -> Tensor:
    """Whether, in the order of depth, two neighbours are no tie: then no tie bridges them, `(b,)`.

    All strict pairs across such a gap agree, so that no finite depths are best: the two parts drift apart for ever.
    """
    row = depth.sort(1).values
    return ((row[:, 1:] - row[:, :-1]) >= threshold).any(1)


def closure_accuracy(asked: Questions, order: Tensor) -> Tensor:
    """Share of the strict pairs that follow from the strict answers by "closer than someone closer", `(b,)`.

    A coin decides the rest, and where answers contradict one another: half of those count as right. No depths are
    recovered.

    Args:
        asked: Questions and answers.
        order: True relations, `(b, n, n)`.
    """
    b, n = order.shape[:2]
    said = torch.zeros(b, n, n, dtype=torch.float64)
    rows = torch.arange(b)[:, None]
    relation = asked.relation.nan_to_num().double()
    said.index_put_((rows, asked.first, asked.second), relation.clamp_min(0), accumulate=True)
    said.index_put_((rows, asked.second, asked.first), (-relation).clamp_min(0), accumulate=True)
    follows = (said > 0).double()
    for _ in range(max(1, (n - 1).bit_length())):  # paths of twice the length each time
        follows = ((follows + follows @ follows) > 0).double()
    score = 0.5 + 0.5 * (follows - follows.mT)
    closer = (order == 1).double()
    return (score * closer).sum((1, 2)) / closer.sum((1, 2))


def group_count(asked: Questions, joints: int) -> Tensor:
    """Number of groups of joints that the answers connect, `(b,)`."""
    eye = torch.eye(joints, dtype=torch.float64)
    known = (~asked.relation.isnan()).double()
    edges = eye[asked.first] - eye[asked.second]
    return joints - torch.linalg.matrix_rank(edges.mT @ (known[..., None] * edges), hermitian=True)


def every_pair(count: int, joints: int) -> tuple[Tensor, Tensor]:
    """All pairs i < j, `(count, p)` each."""
    first, second = torch.triu_indices(joints, joints, 1)
    return first.expand(count, -1), second.expand(count, -1)


def shuffled_pairs(count: int, joints: int, gen: torch.Generator, *, connected: bool = True) -> tuple[Tensor, Tensor]:
    """All pairs of each body in a random order; with `connected`, the first n - 1 form a random tree of its joints."""
    first, second = every_pair(count, joints)
    keys = torch.rand(first.shape, generator=gen)
    if connected:
        turn = torch.rand(count, joints, generator=gen).argsort(1)
        column = torch.full((joints, joints), -1)
        column[first[0], second[0]] = column[second[0], first[0]] = torch.arange(first.shape[1])
        for k in range(1, joints):
            earlier = turn.gather(1, torch.randint(k, (count, 1), generator=gen))[:, 0]
            keys[torch.arange(count), column[turn[:, k], earlier]] = k - joints  # before all others, in this order
    place = keys.argsort(1)
    return first.gather(1, place), second.gather(1, place)


def ask(
    depth: Tensor,
    plan: str,
    gen: torch.Generator,
    *,
    count: int = 0,
    threshold: float = THRESHOLD,
    noise: float = 0.0,
) -> Questions:
    """Ask about pairs of joints.

    Args:
        depth: True depths, `(b, n)`, metres.
        plan: "all" pairs; "connected": `count` random ones whose first n - 1 connect all joints; "random": `count`
            random ones; "chain": each joint and the next in the true order; "sorting": those that a search by halves
            asks while it puts one joint after the other into its place, each answer deciding the next question.
        gen: Source of the numbers.
        count: How many pairs; 0 for all of the plan.
        threshold: Below it joints are about as far, metres.
        noise: Probability that a strict answer is turned round.
    """
    b, n = depth.shape
    if plan == "sorting":
        return _sorting(depth, gen, threshold, noise)
    match plan:
        case "all":
            first, second = every_pair(b, n)
        case "connected" | "random":
            first, second = shuffled_pairs(b, n, gen, connected=plan == "connected")
        case "chain":
            row = depth.argsort(1)
            first, second = row[:, :-1], row[:, 1:]
        case _:
            raise ValueError(f"`plan` (={plan!r}) must be all, connected, random, chain or sorting")
    if count:
        first, second = first[:, :count], second[:, :count]
    return Questions(first, second, answers(depth, first, second, threshold, noise, gen))


def _sorting(depth: Tensor, gen: torch.Generator, threshold: float, noise: float) -> Questions:
    b, n = depth.shape
    truth = answers(depth, *every_pair(b, n), threshold, noise, gen)  # one answer a pair, drawn beforehand
    table = torch.zeros(b, n, n, dtype=depth.dtype)
    upper = torch.triu_indices(n, n, 1)
    table[:, upper[0], upper[1]], table[:, upper[1], upper[0]] = truth, -truth
    turns = torch.rand(b, n, generator=gen).argsort(1).tolist()
    asked = [_insert(row, turn) for row, turn in zip(table.tolist(), turns, strict=True)]
    longest = max(len(one) for one in asked)
    padded = torch.tensor([one + [(0.0, 1.0, np.nan)] * (longest - len(one)) for one in asked], dtype=depth.dtype)
    return Questions(padded[..., 0].long(), padded[..., 1].long(), padded[..., 2])


def _insert(table: list[list[float]], turn: list[int]) -> list[tuple[int, int, float]]:
    """The questions of a sort by binary insertion; a tie ends the search for a place."""
    row, asked = [turn[0]], []
    for joint in turn[1:]:
        low, high = 0, len(row)
        while low < high:
            middle = (low + high) // 2
            said = table[joint][row[middle]]
            asked.append((joint, row[middle], said))
            if said == 0:
                low = high = middle + 1
            else:
                low, high = (low, middle) if said > 0 else (middle + 1, high)
        row.insert(low, joint)
    return asked


def penalised_loss(depth: Tensor, asked: Questions, ridge: float = RIDGE) -> Tensor:
    """The rank loss of each body, with a weak pull of every depth to 0, `(b,)`."""
    loss = pair_ranking_loss(depth, asked.first, asked.second, asked.relation)
    return loss + 0.5 * ridge * depth.square().sum(1)


def newton_step(depth: Tensor, asked: Questions, ridge: float = RIDGE) -> Tensor:
    """One step of Newton's method for every body at once; the loss of no body grows.

    The Hessian is the Laplacian of the graph of questions: its edges weigh sigma (1 - sigma), those of ties 2.
    """
    gap = depth.gather(1, asked.first) - depth.gather(1, asked.second)
    relation, known = asked.relation.nan_to_num(), (~asked.relation.isnan()).to(depth.dtype)
    tied = known * (1 - relation.square())
    sigma = torch.sigmoid(relation * gap)
    pull = relation * sigma + 2 * tied * gap
    weight = relation.square() * sigma * (1 - sigma) + 2 * tied
    joints = torch.eye(depth.shape[1], dtype=depth.dtype)
    incidence = joints[asked.first] - joints[asked.second]  # (b, p, n)
    gradient = (incidence * pull[..., None]).sum(1) + ridge * depth
    hessian = incidence.mT @ (weight[..., None] * incidence) + ridge * joints
    step = torch.linalg.solve(hessian, gradient)
    tries = torch.stack([depth - length * step for length in LENGTHS])
    losses = torch.stack([penalised_loss(one, asked, ridge) for one in tries])
    return tries[losses.argmin(0), torch.arange(len(depth))]


def recover(asked: Questions, joints: int, steps: int = 40, ridge: float = RIDGE) -> Tensor:
    """The depths that fit the answers best, `(b, joints)`, each body about 0.

    Their unit comes from the answers; where these let parts of a body drift apart, from the ridge.
    """
    depth = torch.zeros(len(asked.first), joints, dtype=torch.float64)
    for _ in range(steps):
        new = newton_step(depth, asked, ridge)
        if float((new - depth).abs().max()) < 1e-8:
            return new
        depth = new
    return depth


def spearman(found: Tensor, truth: Tensor) -> Tensor:
    """Rank correlation of each body, `(b,)`; 0 where all depths found are equal."""
    ranks = [torch.from_numpy(rankdata(one.numpy(), axis=1)) for one in (found, truth)]
    a, b = (one - one.mean(1, keepdim=True) for one in ranks)
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)).clamp_min(1e-12)


def in_metres(found: Tensor, truth: Tensor) -> Tensor:
    """Depths found, multiplied by one number for all bodies, that which fits the truth best."""
    return found * ((found * truth).sum() / found.square().sum().clamp_min(1e-12))


def judge(found: Tensor, truth: Tensor, order: Tensor, threshold: float = THRESHOLD) -> dict[str, float]:
    """How good depths are: order of the pairs that are no ties, ties, rank correlation, and error in mm.

    Args:
        found: Recovered depths, `(b, n)`.
        truth: True depths, `(b, n)`, metres.
        order: True relations, `(b, n, n)`.
        threshold: Below it joints count as tied, metres.
    """
    scaled = in_metres(found, truth)
    return {
        "accuracy": float(ordinal_accuracy(found, order).nanmean()),
        "tie_recall": float(tie_recall(scaled, order, threshold).nanmean()),
        "spearman": float(spearman(found, truth).mean()),
        "error_mm": float((scaled - truth).abs().mean() * 1000),
    }
