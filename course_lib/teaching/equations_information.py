"""The equation tests of `course_lib.losses.information`: enumeration, plain means, and `torch.distributions`."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Normal, Uniform, kl_divergence

from course_lib.teaching.equation_tests import EquationTests, Inputs, normals, register


def _one_hot(gen: torch.Generator, b: int, k: int) -> Tensor:
    return torch.nn.functional.one_hot(torch.randint(k, (b,), generator=gen), k).double()


def _flat(value: float, *shape: int) -> Tensor:
    return torch.full(shape or (2, 3), value, dtype=torch.float64)


def _log_probability(code: Tensor, logits: Tensor) -> Tensor:
    return Categorical(probs=logits.softmax(-1), validate_args=False).log_prob(code.argmax(-1))


register(
    EquationTests(
        like="categorical_log_likelihood",
        formula=r"\sum_k c_k \log \mathrm{softmax}(a)_k",
        source="Chen et al. 2016, Eq. 5, categorical code",
        draw=lambda gen: (_one_hot(gen, 4, 3), 2 * normals(gen, 4, 3)),
        reference=_log_probability,
        method="torch.distributions, from probabilities instead of logits",
        valid=lambda code, logits: bool(((code == 0) | (code == 1)).all() and (code.sum(-1) == 1).all()),
        differentiable=(1,),
        extremes={
            "logits 1000, wrong class": (
                _one_hot(torch.Generator(), 2, 3).roll(1, -1),
                1000 * _one_hot(torch.Generator(), 2, 3),
            ),
            "logits -1000 everywhere": (_one_hot(torch.Generator(), 2, 3), _flat(-1000.0)),
        },
        slips={
            "softmax is applied twice: hand over the logits themselves": lambda code, logits: (
                code * logits.softmax(-1).log_softmax(-1)
            ).sum(-1),
            "the sign is that of the cross-entropy; a log-likelihood is never positive here": lambda code, logits: (
                -_log_probability(code, logits)
            ),
            "the mean over classes is taken instead of the sum": lambda code, logits: (
                code * logits.log_softmax(-1)
            ).mean(-1),
            "that is the probability of the code, without its logarithm": lambda code, logits: (
                code * logits.softmax(-1)
            ).sum(-1),
        },
    )
)


def _log_normal(code: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    return Normal(mu, (0.5 * log_var).exp()).log_prob(code)


register(
    EquationTests(
        like="gaussian_code_log_likelihood",
        formula=r"-\frac{1}{2}\sum_i \log 2\pi + \ell_i + (c_i - \mu_i)^2\,e^{-\ell_i}",
        source="Chen et al. 2016, Section 6, continuous codes",
        draw=lambda gen: (
            2 * torch.rand(3, 2, generator=gen, dtype=torch.float64) - 1,
            normals(gen, 3, 2),
            normals(gen, 3, 2),
        ),
        reference=lambda code, mu, log_var: _log_normal(code, mu, log_var).sum(-1),
        method="torch.distributions",
        extremes={
            "log-variance -20": (_flat(0.0), _flat(0.0), _flat(-20.0)),
            "log-variance 20": (_flat(1000.0), _flat(0.0), _flat(20.0)),
        },
        slips={
            "the constant -1/2 log(2 pi) a code is missing": lambda code, mu, log_var: (
                _log_normal(code, mu, log_var) + 0.5 * math.log(2 * math.pi)
            ).sum(-1),
            "the log-variances are read as log standard deviations": lambda code, mu, log_var: _log_normal(
                code, mu, 2 * log_var
            ).sum(-1),
            "the variance is not used: this is the likelihood with variance 1": lambda code, mu, log_var: _log_normal(
                code, mu, 0 * log_var
            ).sum(-1),
            "this is minus the log-likelihood, the loss to minimise": lambda code, mu, log_var: (
                -_log_normal(code, mu, log_var).sum(-1)
            ),
        },
    )
)

register(
    EquationTests(
        like="categorical_entropy",
        formula=r"-\sum_k p_k \log p_k",
        source="Chen et al. 2016, Eq. 4, the ceiling of a categorical code",
        draw=lambda gen: (2 * normals(gen, 3, 4),),
        reference=lambda logits: (
            math.log(logits.shape[-1])
            - kl_divergence(Categorical(logits=logits), Categorical(logits=torch.zeros_like(logits)))
        ),
        method="log k minus the divergence from the uniform distribution",
        zeros=lambda gen: (1000 * _one_hot(gen, 3, 4),),
        nonnegative=True,
        extremes={"certain": (1000 * _one_hot(torch.Generator(), 2, 3),), "uniform": (_flat(0.0),)},
        slips={
            "the sign is wrong: an entropy of a discrete code is never negative": lambda logits: (
                logits.softmax(-1) * logits.log_softmax(-1)
            ).sum(-1),
            "that is in bits; the course counts in nats": lambda logits: (
                -(logits.softmax(-1) * logits.log_softmax(-1)).sum(-1) / math.log(2)
            ),
        },
    )
)


def _intervals(gen: torch.Generator) -> Inputs:
    low = normals(gen, 3, 2)
    return low, low + normals(gen, 3, 2).exp()


register(
    EquationTests(
        like="uniform_entropy",
        formula=r"\sum_i \log(b_i - a_i)",
        source="Chen et al. 2016, Section 5: the entropy of a fixed prior is a constant",
        draw=_intervals,
        reference=lambda low, high: -Uniform(low, high).log_prob(0.5 * (low + high)).sum(-1),
        method="minus the log-density of torch.distributions at the midpoint",
        valid=lambda low, high: bool((high > low).all()),
        zeros=lambda gen: (torch.zeros(3, 2).double(), torch.ones(3, 2).double()),
        extremes={"narrow": (_flat(0.0), _flat(1e-30)), "wide": (_flat(-1e30), _flat(1e30))},
        slips={
            "that is the log-density, minus the entropy": lambda low, high: -(high - low).log().sum(-1),
            "that is the official code's N(0, 1) likelihood of a uniform code, not its entropy": lambda low, high: (
                0.5 * math.log(2 * math.pi) + (low**2 + low * high + high**2) / 6
            ).sum(-1),
        },
    )
)

register(
    EquationTests(
        like="barber_agakov",
        formula=r"H(c) + \log Q(c \mid x)",
        source="Barber and Agakov 2003; Chen et al. 2016, Eqs. 4 and 5",
        draw=lambda gen: (-normals(gen, 3).abs(), float(normals(gen, 1).abs())),
        reference=lambda log_q, entropy: log_q - math.log(math.exp(-entropy)),
        method="the log-ratio of Q to a prior of constant density",
        slips={
            "the entropy is subtracted: it is added to log Q": lambda log_q, entropy: log_q - entropy,
            "this is minus the bound, the loss to minimise": lambda log_q, entropy: -log_q - entropy,
            "the entropy is missing: without it the number is no information": lambda log_q, entropy: 1 * log_q,
        },
    )
)

_FAR = {
    "equal scores of 1000": (_flat(1000.0, 4), _flat(1000.0, 6)),
    "equal scores of -1000": (_flat(-1000.0, 4), _flat(-1000.0, 6)),
}

register(
    EquationTests(
        like="donsker_varadhan",
        formula=r"\mathbb{E}_{p(x, y)}[T] - \log \mathbb{E}_{p(x) p(y)}\left[e^T\right]",
        source="Donsker and Varadhan 1983; Belghazi et al. 2018, Eq. 5",
        draw=lambda gen: (normals(gen, 4), normals(gen, 6)),
        reference=lambda joint, product: -torch.log((product[None] - joint.mean()).exp().mean()),
        method="the logarithm of the mean ratio, with the joint mean inside",
        mixes=True,
        zeros=lambda gen: (_flat(3.0, 4), _flat(3.0, 6)),
        extremes=_FAR,
        slips={
            "the logarithm of the sum is taken: divide by the number of pairs first": lambda joint, product: (
                joint.mean() - product.logsumexp(0)
            ),
            "the logarithm and the mean are exchanged: e^T is averaged first": lambda joint, product: (
                joint.mean() - product.mean()
            ),
            "that is the NWJ bound: its exponential stands without a logarithm": lambda joint, product: (
                joint.mean() - (product - 1).exp().mean()
            ),
            "this is minus the bound, the loss to minimise": lambda joint, product: (
                product.exp().mean().log() - joint.mean()
            ),
        },
    )
)

register(
    EquationTests(
        like="nwj",
        formula=r"\mathbb{E}_{p(x, y)}[T] - \mathbb{E}_{p(x) p(y)}\left[e^{T - 1}\right]",
        source="Nguyen, Wainwright and Jordan 2010; Nowozin et al. 2016, Table 6",
        draw=lambda gen: (normals(gen, 4), normals(gen, 6)),
        reference=lambda joint, product: sum(joint) / len(joint) - sum(product.exp()) / (math.e * len(product)),
        method="sums over the pairs, divided by e",
        mixes=True,
        zeros=lambda gen: (_flat(1.0, 4), _flat(1.0, 6)),
        extremes={
            "scores of 80": (_flat(80.0, 4), _flat(80.0, 6)),
            "scores of -1000": (_flat(-1000.0, 4), _flat(-1000.0, 6)),
        },
        slips={
            "the -1 in the exponent is missing": lambda joint, product: joint.mean() - product.exp().mean(),
            "that is the Donsker-Varadhan bound: NWJ has no logarithm": lambda joint, product: (
                joint.mean() - product.exp().mean().log()
            ),
            "the sum over pairs is taken instead of the mean": lambda joint, product: (
                joint.sum() - (product - 1).exp().sum()
            ),
        },
    )
)


def _choice(scores: Tensor) -> Tensor:
    return scores.diagonal() - scores.exp().mean(1).log()


register(
    EquationTests(
        like="info_nce",
        formula=r"\log n + \log \frac{e^{T_{ii}}}{\sum_j e^{T_{ij}}}",
        source="van den Oord, Li and Vinyals 2018, Eq. 4; Poole et al. 2019, Eq. 12",
        draw=lambda gen: (normals(gen, 4, 4),),
        reference=_choice,
        method="the score over the plain mean of the row's exponentials",
        mixes=True,
        zeros=lambda gen: (_flat(2.0, 4, 4),),
        extremes={
            "diagonal of 1000": (1000 * torch.eye(3, dtype=torch.float64),),
            "diagonal of -1000": (-1000 * torch.eye(3, dtype=torch.float64),),
        },
        slips={
            "log n is missing: this is minus a cross-entropy, not yet information": lambda scores: (
                _choice(scores) - math.log(len(scores))
            ),
            "the candidates stand in the columns: take the normalising sum over each row": lambda scores: _choice(
                scores.T
            ),
            "this is minus the bound, the loss to minimise": lambda scores: -_choice(scores),
        },
    )
)


def _tables(gen: torch.Generator) -> Inputs:
    return (normals(gen, 3, 4, 5).flatten(1).softmax(-1).view(3, 4, 5),)


def _by_entropies(joint: Tensor) -> Tensor:
    """Entropy of the rows less that of the rows given the column."""
    column = joint.sum(1)
    rows_given = Categorical(probs=(joint / column[:, None]).mT, validate_args=False)
    rows = Categorical(probs=joint.sum(2), validate_args=False)
    return rows.entropy() - (column * rows_given.entropy()).sum(-1)


def _product_tables(gen: torch.Generator) -> Inputs:
    rows, columns = normals(gen, 3, 4).softmax(-1), normals(gen, 3, 5).softmax(-1)
    return (rows[:, :, None] * columns[:, None],)


register(
    EquationTests(
        like="mutual_information",
        formula=r"\sum_{ij} p_{ij} \log \frac{p_{ij}}{p_i\,p_j}",
        source="Cover and Thomas 2006, Eq. 2.28",
        draw=_tables,
        reference=_by_entropies,
        method="an entropy less a conditional entropy",
        valid=lambda joint: (
            joint.dim() == 3 and bool((joint > 0).all()) and bool(((joint.sum((1, 2)) - 1).abs() < 1e-9).all())
        ),
        zeros=_product_tables,
        nonnegative=True,
        extremes={
            "a table with zeros": (torch.eye(3, dtype=torch.float64).expand(2, 3, 3) / 3,),
            "one cell": (torch.eye(1, dtype=torch.float64).expand(2, 1, 1),),
        },
        slips={
            "that is the entropy of the pair, which is not the information between its parts": lambda joint: (
                -(joint * joint.log()).sum((1, 2))
            ),
            "the sign is wrong: information is never negative": lambda joint: -_by_entropies(joint),
        },
    )
)


def _paired(logits_a: Tensor, logits_b: Tensor) -> Tensor:
    """The same by enumeration: the table cell by cell, then its log-ratios."""
    a, b = logits_a.softmax(-1), logits_b.softmax(-1)
    total = 0.0
    for i in range(a.shape[1]):
        for j in range(b.shape[1]):
            cell = (a[:, i] * b[:, j]).mean()
            total = total + cell * (cell / (a[:, i].mean() * b[:, j].mean())).log()
    return total


register(
    EquationTests(
        like="paired_mutual_information",
        formula=r"\sum_{ij} p_{ij} \log \frac{p_{ij}}{p_i\,p_j} \quad p_{ij} = \frac{1}{n} \sum_b p_i(a_b)\,p_j(b_b)",
        source="Ji, Henriques and Vedaldi 2019, Eq. 3",
        draw=lambda gen: (3 * normals(gen, 6, 4), 3 * normals(gen, 6, 3)),
        reference=_paired,
        method="a sum over the cells of the table",
        mixes=True,
        zeros=lambda gen: (_flat(0.0, 6, 4), normals(gen, 6, 3)),
        nonnegative=True,
        extremes={
            "certain and equal": (1000 * torch.eye(3, dtype=torch.float64), 1000 * torch.eye(3, dtype=torch.float64)),
            "one value for all": (1000 * _flat(1.0, 3, 3).triu().tril(), _flat(0.0, 3, 3)),
        },
        slips={
            "this is minus the information, the loss to minimise": lambda logits_a, logits_b: (
                -_paired(logits_a, logits_b)
            ),
            "the logits are not turned into probabilities: take a softmax over each row": lambda logits_a, logits_b: (
                _paired(logits_a.softmax(-1), logits_b.softmax(-1))
            ),
        },
    )
)
