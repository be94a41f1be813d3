"""Exercises of lesson 04: the loss of a matrix, relations from depths, three bugs of ports, pulls, free directions."""

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.teaching.exercise_sets import references_04 as by
from course_lib.teaching.exercises import Exercise, Slip

NAN = by.NAN


def _matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _pairs(depth: Tensor, order: Tensor) -> tuple[Tensor, Tensor]:
    """Gaps and relations of the pairs above the diagonal."""
    first, second = torch.triu_indices(depth.shape[-1], depth.shape[-1], 1)
    return depth[..., first] - depth[..., second], order[..., first, second]


def _terms(gap: Tensor, relation: Tensor) -> Tensor:
    clean = relation.nan_to_num()
    terms = torch.where(clean == 0, gap**2, F.softplus(clean * gap))
    return torch.where(relation.isnan(), torch.zeros_like(gap), terms)


def _loss(depth: Tensor, order: Tensor) -> Tensor:
    return _terms(*_pairs(depth, order)).sum(-1)


def _gradient_problem(fn, *inputs) -> str:
    """Whether a NaN among the relations, hidden from the value, comes back in the gradient."""
    if not any(one.isnan().any() for one in inputs if isinstance(one, Tensor)):
        return ""
    depth = inputs[0].clone().requires_grad_()
    loss = fn(depth, *inputs[1:])
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        return ""
    (pull,) = torch.autograd.grad(loss.sum(), depth, allow_unused=True)
    if pull is None or bool(pull.isfinite().all()):
        return ""
    return (
        "the value is right, its gradient is NaN: nansum, or a mask at the end, hides the NaN from the sum only; "
        "replace it before any arithmetic"
    )


# 04.1


def _poisoned(depth: Tensor, order: Tensor) -> Tensor:
    gap, relation = _pairs(depth, order)
    terms = F.softplus(relation * gap) * relation.abs() + gap**2 * (1 - relation.abs())
    return (terms * ~relation.isnan()).sum(-1)


def _naive(depth: Tensor, order: Tensor) -> Tensor:
    gap, relation = _pairs(depth, order)
    terms = torch.where(relation == 0, gap**2, torch.log(1 + torch.exp(relation.nan_to_num() * gap)))
    return torch.where(relation.isnan(), torch.zeros_like(gap), terms).sum(-1)


def _softplus_of_all(gap: Tensor, relation: Tensor) -> Tensor:
    terms = F.softplus(relation.nan_to_num() * gap)
    return torch.where(relation.isnan(), torch.zeros_like(gap), terms).sum(-1)


RANK = Exercise(
    id="04.1",
    title="the rank loss of a body",
    draw=by.draw_bodies,
    reference=by.by_decimals,
    method="a sum over pairs in 40-digit decimals",
    hints=(
        "One gap and one relation a pair, each pair once. What does a pair without an answer contribute?",
        "sum over i < j of softplus(r (z_i - z_j)) where r is 1 or -1, and (z_i - z_j)^2 where r is 0",
        "i, j = torch.triu_indices(n, n, 1); gap, r = depth[:, i] - depth[:, j], order[:, i, j]; replace the NaN of r "
        "by 0 first; then torch.where(...) twice, and .sum(1)",
    ),
    stub="rank_loss",
    solution="rank_loss_solution",
    valid=by.fit_bodies,
    property=_gradient_problem,
    edges=(
        (_matrix([0.0, 1.0]), _matrix([0.0, 1.0], [-1.0, 0.0])[None]),
        (_matrix([900.0, 0.0]), _matrix([0.0, 1.0], [-1.0, 0.0])[None]),
        (_matrix([0.0, 0.5, 3.0]), _matrix([0.0, 0.0, NAN], [0.0, 0.0, 1.0], [NAN, -1.0, 0.0])[None]),
    ),
    slips=(
        Slip(
            wrong=lambda depth, order: 2 * _loss(depth, order),
            says="the whole matrix is summed: (i, j) and (j, i) are one question, count it once",
        ),
        Slip(
            wrong=lambda depth, order: _loss(depth, -order),
            says="the sign is wrong: r = +1 says that i is closer, so that z_i - z_j being positive costs",
        ),
        Slip(
            wrong=lambda depth, order: _loss(depth, order.nan_to_num()),
            says="pairs without an answer were read as ties: NaN means that nobody said, leave them out",
        ),
        Slip(
            wrong=lambda depth, order: _loss(depth, order.masked_fill(order == 0, NAN)),
            says="the ties are missing: r = 0 costs the square of the gap",
        ),
        Slip(
            wrong=lambda depth, order: _softplus_of_all(*_pairs(depth, order)),
            says="a tie costs log 2 here: softplus at r = 0 is constant and pulls nowhere; it is the square of the gap",
        ),
        Slip(
            wrong=_poisoned,
            says="0 times NaN is NaN: a mask that multiplies comes too late, replace the NaN before any arithmetic",
        ),
        Slip(wrong=_naive, says="right on paper, but exp(900) overflows: use softplus"),
        Slip(
            wrong=lambda depth, order: _loss(depth, order) / max(1, depth.shape[1] * (depth.shape[1] - 1) // 2),
            says="that is a mean over the pairs; the paper's loss is their sum",
        ),
        Slip(
            wrong=lambda depth, order: (
                _loss(depth, order.masked_fill(order == 0, NAN))
                + torch.where(_pairs(depth, order)[1] == 0, _pairs(depth, order)[0].abs(), 0.0).sum(-1)
            ),
            says="the tie has the absolute gap; it is the square",
        ),
    ),
)

# 04.2


def _gaps(depth: Tensor) -> Tensor:
    return depth[None, :] - depth[:, None]


RELATIONS = Exercise(
    id="04.2",
    title="relations from depths",
    draw=by.draw_depths,
    reference=by.by_asking,
    method="asking every pair in turn",
    hints=(
        "Row i, column j: +1 where joint i is closer. Which of the two depths is then the smaller one?",
        "r_ij = sign(Z_j - Z_i), and 0 where |Z_i - Z_j| is below the threshold",
        "gap = depth[None, :] - depth[:, None]; return torch.where(gap.abs() < ..., 0.0, gap.sign())",
    ),
    stub="relations",
    solution="relations_solution",
    valid=by.fit_depths,
    edges=(
        (torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64), 0.25),
        (torch.tensor([0.5, 0.5], dtype=torch.float64), 0.0),
    ),
    slips=(
        Slip(
            wrong=lambda depth, threshold: -by.by_asking(depth, threshold),
            says="that is the sign of the published files, -1 where i is closer; the loss wants +1 there",
        ),
        Slip(
            wrong=lambda depth, threshold: _gaps(depth).sign(),
            says="the threshold is not used: depths nearer than that are ties",
        ),
        Slip(
            wrong=lambda depth, threshold: torch.where(_gaps(depth).abs() <= threshold, 0.0, _gaps(depth).sign()),
            says="a gap of exactly the threshold is no tie any more: *below* it",
        ),
        Slip(
            wrong=lambda depth, threshold: torch.where(_gaps(depth) < threshold, 0.0, _gaps(depth).sign()),
            says="the size of the gap must be below the threshold: take its absolute value",
        ),
        Slip(
            wrong=lambda depth, threshold: by.by_asking(depth, threshold).triu(1),
            says="the lower half is missing: r_ji is the opposite of r_ij",
        ),
    ),
)

# 04.3


def _listed(depth: Tensor, first: Tensor, second: Tensor, relation: Tensor) -> Tensor:
    return _terms(depth.gather(1, first) - depth.gather(1, second), relation).sum(1)


def _as_ported(depth: Tensor, first: Tensor, second: Tensor, said: Tensor, sign: int = 1) -> Tensor:
    gap = depth.gather(1, first) - depth.gather(1, second)
    terms = torch.log(1 + torch.exp(sign * said * gap)) * (said != 0) + gap**2 * (said == 0)
    return (terms * ~said.isnan()).sum(1)


def _masked(depth: Tensor, first: Tensor, second: Tensor, said: Tensor, sign: int) -> Tensor:
    gap, clean = depth.gather(1, first) - depth.gather(1, second), sign * said.nan_to_num()
    terms = torch.where(said == 0, gap**2, torch.log(1 + torch.exp(clean * gap)))
    return torch.where(said.isnan(), torch.zeros_like(gap), terms).sum(1)


PORT = Exercise(
    id="04.3",
    title="three bugs in four lines, mended",
    draw=by.draw_list,
    reference=by.list_by_decimals,
    method="a sum over the list in 40-digit decimals, with r = -ord",
    hints=(
        "Try it on three inputs: a pair in its right order, a pair without an answer, and depths of some hundreds.",
        "r = -ord; NaN out before any arithmetic; softplus(r gap) instead of log(1 + exp(r gap))",
        "relation = (...).nan_to_num(); terms = torch.where(relation == 0, ..., F.softplus(...)); then once more, "
        "0 where `said` was NaN: torch.where(..., 0, terms).sum(...)",
    ),
    stub="list_loss",
    solution="list_loss_solution",
    valid=by.fit_list,
    property=_gradient_problem,
    edges=(
        (_matrix([0.0, 1.0, 2.0]), torch.tensor([[0]]), torch.tensor([[1]]), _matrix([-1.0])),
        (_matrix([0.0, 900.0, 2.0]), torch.tensor([[0]]), torch.tensor([[1]]), _matrix([1.0])),
        (_matrix([900.0, 0.0, 2.0]), torch.tensor([[0]]), torch.tensor([[1]]), _matrix([1.0])),
        (_matrix([0.0, 1.0, 2.0]), torch.tensor([[0, 1]]), torch.tensor([[1, 2]]), _matrix([0.0, NAN])),
    ),
    slips=(
        Slip(
            wrong=lambda depth, first, second, said: _listed(depth, first, second, said),
            says="two bugs are gone; the sign is still the file's, where -1 says that i is closer: r = -ord",
        ),
        Slip(wrong=_as_ported, says="that is the port as it was: sign, overflow and NaN"),
        Slip(
            wrong=lambda *given: _as_ported(*given, sign=-1),
            says="the sign is right now; 0 times NaN is still NaN, and exp(900) still overflows",
        ),
        Slip(
            wrong=lambda *given: _masked(*given, sign=-1),
            says="sign and NaN are mended; exp(900) still overflows: use softplus",
        ),
        Slip(
            wrong=lambda *given: _masked(*given, sign=1),
            says="the NaN is mended; the sign is still the file's, and exp(900) still overflows",
        ),
        Slip(
            wrong=lambda depth, first, second, said: _listed(depth, first, second, -said.nan_to_num()),
            says="a pair without an answer is no tie: leave it out",
        ),
    ),
)

# 04.4


def _pull(depth: Tensor, order: Tensor, tie: float = 2.0) -> Tensor:
    gap, relation = depth[:, None] - depth[None, :], order.nan_to_num()
    pulls = torch.where(relation == 0, tie * gap, relation * torch.sigmoid(relation * gap))
    return torch.where(order.isnan(), torch.zeros_like(gap), pulls).sum(1)


PULLS = Exercise(
    id="04.4",
    title="what the comparisons pull at each joint",
    draw=by.draw_body,
    reference=by.by_autograd,
    method="automatic differentiation of the loss as a log-probability",
    hints=(
        "Row i of the matrix holds every comparison that joint i takes part in. Differentiate one of them.",
        "dL/dz_i = sum over j of r_ij sigma(r_ij (z_i - z_j)), and of 2 (z_i - z_j) for ties",
        "gap = depth[:, None] - depth[None, :]; r = order.nan_to_num(); pulls = torch.where(r == 0, 2 * gap, "
        "r * torch.sigmoid(...)); leave the NaN out; return pulls.sum(1)",
    ),
    stub="pulls",
    solution="pulls_solution",
    valid=by.fit_body,
    edges=(
        (torch.tensor([0.0, 1.0], dtype=torch.float64), _matrix([0.0, 1.0], [-1.0, 0.0])),
        (torch.tensor([0.0, 0.5], dtype=torch.float64), _matrix([0.0, 0.0], [0.0, 0.0])),
        (torch.tensor([900.0, 0.0], dtype=torch.float64), _matrix([0.0, 1.0], [-1.0, 0.0])),
    ),
    slips=(
        Slip(
            wrong=lambda depth, order: -_pull(depth, order),
            says="that is where the depths will move, minus the gradient; return the gradient",
        ),
        Slip(
            wrong=lambda depth, order: 2 * _pull(depth, order),
            says="every pair pulls twice: row i alone holds all comparisons of joint i",
        ),
        Slip(wrong=lambda depth, order: _pull(depth, order, 1.0), says="the square of a tie has the derivative 2 gap"),
        Slip(
            wrong=lambda depth, order: _pull(depth, -order),
            says="the sign of the relations is wrong: r = +1 says that i is closer",
        ),
        Slip(
            wrong=lambda depth, order: _pull(depth, order.nan_to_num()),
            says="pairs without an answer pull here, as ties: they pull at nothing",
        ),
        Slip(
            wrong=lambda depth, order: _pull(depth, order.masked_fill(order == 0, NAN)),
            says="ties pull, too: 2 (z_i - z_j)",
        ),
    ),
)

# 04.5


def _links(order: Tensor) -> Tensor:
    return (~order.isnan()).double().fill_diagonal_(0)


FREE = Exercise(
    id="04.5",
    title="how many numbers the comparisons leave open",
    draw=by.draw_sparse,
    reference=by.by_walking,
    method="walking from joint to joint along comparisons",
    hints=(
        "Adding a number to all depths changes nothing. When may you add one number to some of them only?",
        "the dimension of the null space of the Laplacian, degrees minus links: one for each group of joints",
        "links = (~order.isnan()).double() without its diagonal; laplacian = torch.diag(...) - links; "
        "return n - torch.linalg.matrix_rank(laplacian)",
    ),
    stub="free_directions",
    solution="free_directions_solution",
    valid=lambda order: order.dim() == 2 and by.are_relations(order),
    edges=(
        (_matrix([0.0, NAN], [NAN, 0.0]),),
        (_matrix([0.0, 0.0], [0.0, 0.0]),),
        (_matrix([0.0, 1.0, NAN], [-1.0, 0.0, NAN], [NAN, NAN, 0.0]),),
    ),
    slips=(
        Slip(
            wrong=lambda order: torch.tensor(1.0),
            says="only the shift of all joints is counted: a group that nothing connects to the rest has its own",
        ),
        Slip(
            wrong=lambda order: (
                len(order) - torch.linalg.matrix_rank(torch.diag(_links(order).sum(1)) - _links(order)).double() - 1
            ),
            says="the shift of all joints counts, too: it is one of the free numbers",
        ),
        Slip(
            wrong=lambda order: torch.linalg.matrix_rank(torch.diag(_links(order).sum(1)) - _links(order)).double(),
            says="that is the rank, the number of directions that are settled",
        ),
        Slip(
            wrong=lambda order: by.by_walking(order.masked_fill(order == 0, NAN)),
            says="ties connect joints, too: r = 0 is an answer",
        ),
        Slip(
            wrong=lambda order: (_links(order).sum(1) == 0).sum().double(),
            says="that counts joints without any comparison; two pairs apart are two groups, too",
        ),
    ),
)

EXERCISES = (RANK, RELATIONS, PORT, PULLS, FREE)
