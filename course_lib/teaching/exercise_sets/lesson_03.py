"""Exercises of lesson 03: information exactly, by reading, by choosing, and of real numbers; a port's two softmaxes."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from course_lib.teaching.exercise_sets import references_03 as by
from course_lib.teaching.exercises import Exercise, Slip


def _matrix(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# 03.1


def _ratio(joint: Tensor) -> Tensor:
    return joint / (joint.sum(1, keepdim=True) * joint.sum(0, keepdim=True))


TABLE = Exercise(
    id="03.1",
    title="the information in a table",
    draw=by.draw_joint,
    reference=by.by_entropies,
    method="two entropies less the entropy of the pair",
    hints=(
        "It is a mean of a log-ratio under the joint. Which two margins stand below the joint, and along which axes "
        "are they summed?",
        "I = sum over i, j of p_ij (log p_ij - log p_i - log p_j)",
        "rows = joint.sum(1, keepdim=True); columns = ...; return (joint * (joint / (rows * ...)).log()).sum()",
    ),
    stub="information_of_table",
    solution="information_of_table_solution",
    valid=by.is_joint,
    edges=((_matrix([0.25, 0.25], [0.25, 0.25]),), (_matrix([0.45, 0.05], [0.05, 0.45]),)),
    slips=(
        Slip(
            wrong=lambda joint: -(joint * joint.log()).sum(),
            says="that is the entropy of the pair; information compares the pair with its margins",
        ),
        Slip(
            wrong=lambda joint: (joint * _ratio(joint).log2()).sum(),
            says="that is in bits; take the natural logarithm for nats",
        ),
        Slip(
            wrong=lambda joint: -(joint * _ratio(joint).log()).sum(),
            says="the ratio is upside down: the joint stands above the product of the margins",
        ),
        Slip(
            wrong=lambda joint: _ratio(joint).log().mean(),
            says="that is a mean over the cells; each cell must be weighed with its probability",
        ),
        Slip(
            wrong=lambda joint: (joint * (joint / joint.sum(1, keepdim=True)).log()).sum(),
            says="only one margin is divided out: that is minus a conditional entropy",
        ),
        Slip(
            wrong=lambda joint: (joint.sum(1, keepdim=True) * joint.sum(0) * -_ratio(joint).log()).sum(),
            says="the mean is taken under the product of the margins; it belongs under the joint",
        ),
    ),
)

# 03.2


def _right(logits: Tensor, code: Tensor) -> Tensor:
    return math.log(logits.shape[1]) - F.cross_entropy(logits, code)


READING = Exercise(
    id="03.2",
    title="what a reader has read, in nats",
    draw=by.draw_reading,
    reference=by.mean_log_gain,
    method="the mean log of Q's probability of the code over that of a guess",
    hints=(
        "A cross-entropy says how much is still missing. What is it missing from?",
        "L_I = H(c) + mean of log Q(c given x), with the entropy of a uniform prior over k values",
        "log_q = logits.log_softmax(1).gather(...)...; return math.log(...) + log_q.mean()",
    ),
    stub="read_information",
    solution="read_information_solution",
    valid=by.is_reading,
    edges=(
        (_matrix([0.0, 0.0], [0.0, 0.0]), torch.tensor([0, 1])),
        (_matrix([800.0, 0.0], [0.0, 800.0]), torch.tensor([0, 1])),
        (_matrix([2.0, 0.0, 0.0], [0.0, 2.0, 0.0]), torch.tensor([0, 2])),
    ),
    slips=(
        Slip(
            wrong=lambda logits, code: -F.cross_entropy(logits, code),
            says="the entropy is missing, or was taken from the one-hot code, where c log c is 0: that is minus a "
            "cross-entropy. The entropy is that of the prior",
        ),
        Slip(
            wrong=lambda logits, code: F.cross_entropy(logits, code) - math.log(logits.shape[1]),
            says="the sign is wrong: that is minus the bound, the loss",
        ),
        Slip(
            wrong=lambda logits, code: math.log(logits.shape[1]) + F.cross_entropy(logits, code),
            says="the sign of the cross-entropy is wrong: what is missing is taken off the entropy",
        ),
        Slip(
            wrong=lambda logits, code: math.log(len(code)) - F.cross_entropy(logits, code),
            says="that is log of the batch size, as in InfoNCE; the entropy is the log of the number of values",
        ),
        Slip(
            wrong=lambda logits, code: _right(logits, code) / math.log(2),
            says="that is in bits; leave it in nats",
        ),
        Slip(
            wrong=lambda logits, code: _right(logits.softmax(1), code),
            says="softmax is taken twice: `cross_entropy` takes one itself, give it the logits",
        ),
        Slip(
            wrong=lambda logits, code: F.cross_entropy(logits, code),
            says="that is the cross-entropy, the loss: it counts what is missing",
        ),
    ),
)

# 03.3

TWO_SOFTMAXES = Exercise(
    id="03.3",
    title="a port's loss, mended",
    draw=by.draw_reading,
    reference=by.cross_entropies,
    method="minus the log-probability of the code in 40-digit decimals",
    hints=(
        "Print the smallest loss that the two lines can reach with three classes. Why is it not 0?",
        "F.cross_entropy(a, c) is -log softmax(a)_c: it takes its own softmax",
        "return F.cross_entropy(..., code, reduction=...)",
    ),
    stub="code_loss",
    solution="code_loss_solution",
    valid=by.is_reading,
    edges=(
        (_matrix([0.0, 0.0, 0.0], [1.0, 0.0, 0.0]), torch.tensor([0, 0])),
        (_matrix([800.0, 0.0, 0.0], [0.0, 0.0, 800.0]), torch.tensor([0, 0])),
    ),
    slips=(
        Slip(
            wrong=lambda logits, code: F.cross_entropy(logits.softmax(1), code, reduction="none"),
            says="there are still two softmaxes, yours and that of `cross_entropy`: the loss cannot get near 0",
        ),
        Slip(
            wrong=lambda logits, code: -logits.softmax(1).gather(1, code[:, None])[:, 0].log(),
            says="right on paper, but a probability that underflows to 0 has no logarithm: stay with the logits",
        ),
        Slip(
            wrong=lambda logits, code: -F.cross_entropy(logits, code, reduction="none"),
            says="the sign is wrong: that is a log-likelihood; a loss is minus that",
        ),
        Slip(
            wrong=lambda logits, code: -logits.gather(1, code[:, None])[:, 0],
            says="that has no softmax at all: `nll_loss` wants log-probabilities, use `cross_entropy` or `log_softmax`",
        ),
        Slip(
            wrong=lambda logits, code: -logits.softmax(1).gather(1, code[:, None])[:, 0],
            says="that is minus a probability, without its logarithm: `nll_loss` wants log-probabilities",
        ),
    ),
)

# 03.4

CHOICE = Exercise(
    id="03.4",
    title="a multiple choice",
    draw=by.draw_scores,
    reference=by.multiple_choice,
    method="the same row by row, in 40-digit decimals",
    hints=(
        "Each row is a question with n answers, the right one on the diagonal. What is the log-probability of it?",
        "InfoNCE = log n + mean over i of (T_ii - logsumexp over j of T_ij)",
        "return math.log(...) + (scores.diagonal() - scores.logsumexp(...)).mean()",
    ),
    stub="choice_bound_of",
    solution="choice_bound_of_solution",
    valid=by.is_square,
    edges=(
        (_matrix([0.0, 0.0], [0.0, 0.0]),),
        (_matrix([900.0, 0.0], [0.0, 900.0]),),
        (_matrix([3.0, 1.0, 0.0], [0.0, 2.0, 0.0], [1.0, 0.0, 1.0]),),
    ),
    slips=(
        Slip(
            wrong=lambda scores: (scores.diagonal() - scores.logsumexp(1)).mean(),
            says="log n is missing: that is a log-probability, and guessing already gives -log n",
        ),
        Slip(
            wrong=lambda scores: math.log(len(scores) - 1) + (scores.diagonal() - scores.logsumexp(1)).mean(),
            says="the true one counts as a candidate, too: log n, not log of n - 1",
        ),
        Slip(
            wrong=lambda scores: math.log(len(scores)) + (scores.diagonal() - scores.logsumexp(0)).mean(),
            says="the sum runs down the columns; the candidates of c_i stand in row i",
        ),
        Slip(
            wrong=lambda scores: -math.log(len(scores)) - (scores.diagonal() - scores.logsumexp(1)).mean(),
            says="the sign is wrong: that is the loss; the bound is its negative",
        ),
        Slip(
            wrong=lambda scores: scores.diagonal().mean() - (scores.flatten().logsumexp(0) - 2 * math.log(len(scores))),
            says="one logarithm for the whole table is Donsker-Varadhan's; here each row has its own",
        ),
        Slip(
            wrong=lambda scores: (scores.diagonal().exp() / scores.exp().mean(1)).log().mean(),
            says="right on paper, but exp(900) overflows: use logsumexp",
        ),
        Slip(
            wrong=lambda scores: (
                math.log(len(scores) - 1)
                + scores.diagonal().mean()
                - scores.masked_fill(torch.eye(len(scores), dtype=torch.bool), -math.inf).logsumexp(1).mean()
            ),
            says="the true candidate is left out of the sum: then there is no ceiling, and the estimate is no bound",
        ),
    ),
)

# 03.5


def _error(code: Tensor, mu: Tensor) -> Tensor:
    return (code - mu).square().mean(0)


HONEST = Exercise(
    id="03.5",
    title="the best that a normal can claim",
    draw=by.draw_codes,
    reference=by.honest_bound,
    method="log-densities of torch.distributions, with the spread of the errors",
    hints=(
        "Line (3.22) is the bound with the variance at its best. Which number is that variance, for each code?",
        "L_I = sum over codes of log 2 - log(2 pi e v) / 2, where v is the mean squared error of that code",
        "v = (code - mu).square().mean(...); return (math.log(2) - 0.5 * (... * v).log()).sum()",
    ),
    stub="best_claim",
    solution="best_claim_solution",
    valid=by.are_codes,
    edges=(
        (_matrix([0.5, -0.5], [-1.0, 1.0]), _matrix([0.4, -0.4], [-0.9, 0.7])),
        (_matrix([1.0], [-1.0], [0.0]), _matrix([0.0], [0.0], [0.5])),
    ),
    slips=(
        Slip(
            wrong=lambda code, mu: (math.log(2) - 0.5 * math.log(2 * math.pi) - 0.5 * _error(code, mu)).sum(),
            says="that is the bound with a variance of 1, which is negative even for a perfect reading",
        ),
        Slip(
            wrong=lambda code, mu: (
                math.log(2)
                - 0.5 * torch.log(2 * math.pi * math.e * _error(code, mu).mean()) * torch.ones(code.shape[1])
            ).sum(),
            says="one variance for all codes is worse than one for each: take the mean over the batch alone",
        ),
        Slip(
            wrong=lambda code, mu: (
                math.log(2) - 0.5 * torch.log(2 * math.pi * math.e * (code - mu).var(0, correction=0).clamp_min(1e-9))
            ).sum(),
            says="that is the variance of the errors: an offset counts, too, take the mean of their squares",
        ),
        Slip(
            wrong=lambda code, mu: (
                math.log(2) - 0.5 * torch.log(2 * math.pi * math.e * _error(code, mu).sqrt())
            ).sum(),
            says="that is the root of the mean squared error; a variance is the square of a deviation",
        ),
        Slip(
            wrong=lambda code, mu: (math.log(2) - 0.5 * torch.log(2 * math.pi * _error(code, mu))).sum(),
            says="the e is missing: the quadratic term is on average 1/2 a code at the best variance",
        ),
        Slip(
            wrong=lambda code, mu: (-0.5 * torch.log(2 * math.pi * math.e * _error(code, mu))).sum(),
            says="the entropy of the codes is missing: log 2 for each code on [-1, 1]",
        ),
        Slip(
            wrong=lambda code, mu: (
                0.5 * math.log(2 * math.pi) + 1 / 6 - 0.5 * torch.log(2 * math.pi * math.e * _error(code, mu))
            ).sum(),
            says="that is the official code's N(0, 1) score of a uniform code; its entropy is log 2",
        ),
        Slip(
            wrong=lambda code, mu: (math.log(2) - 0.5 * torch.log(2 * math.pi * math.e * _error(code, mu))).mean(),
            says="independent codes add up: take the sum over codes, not the mean",
        ),
    ),
)

EXERCISES = (TABLE, READING, TWO_SOFTMAXES, CHOICE, HONEST)
