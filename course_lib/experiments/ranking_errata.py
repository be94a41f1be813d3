"""The slips of circulating notes and code that concern rank losses, each with the number that refutes it."""

import math

import numpy as np
import torch

from course_lib.teaching.comparisons import Comparisons, example_body, pair_loss
from course_lib.teaching.judges import Judge, Ranking, Ring
from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.relation import Sample
from course_lib.teaching.term import Term

LESSON = "04_rank_losses"
NOTES = "notes on ordinal depth"
DRAWS = 20

LOSS = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z}; r)", lambda m: m.loss())
FILE = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z}; \mathrm{ord})", lambda m: m.reversed().loss())
TURNED = Term(r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z}; -\mathrm{ord})", lambda m: m.reversed().reversed().loss())


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file."""
    return [one.errata(LESSON) for one in (*_notes(), *_code())]


def _samples(draw, *first: object) -> list[Sample]:
    generators = [torch.Generator().manual_seed(i) for i in range(DRAWS)]
    fixed = [Sample(str(model), model, {}) for model in first]
    return [*fixed, *(Sample(f"draw {i}", draw(gen), {}) for i, gen in enumerate(generators))]


def body_times_five(gen: torch.Generator) -> Comparisons:
    """A random body of 14 joints, its depths in metres times five."""
    return Comparisons.body(gen).scaled(5)


def _first_closer(gen: torch.Generator) -> Judge:
    """A pair in its right order: the first joint is closer, and was named."""
    model = Judge.named_first(gen)
    return Judge(min(model.z_i, model.z_j), max(model.z_i, model.z_j))


def _notes() -> list[Refutation]:
    strict = Term(r"\log\left(1 + e^{z_i - z_j}\right)", lambda m: pair_loss(m.gap, 1))
    square = Term(r"(z_i - z_j)^2", lambda m: m.gap**2)
    level = Term(r"\mathcal{L}_{ij}(z_i = z_j)", lambda m: math.log(2))
    here = Term(r"\mathcal{L}_{ij}(z_i, z_j)", lambda m: pair_loss(m.gap, 1))
    ring = Term(r"\inf_{\mathbf{z}} \mathcal{L}_{\mathrm{rank}}", lambda m: Ring(np.zeros(3)).loss())
    consistent = Term(r"\text{of three consistent answers}", lambda m: Ranking(1e3 * np.arange(3.0)).all_pairs())
    as_ties = Term(
        r"\mathcal{L}_{\mathrm{rank}}(\mathbf{z};\ \text{NaN as } 0)",
        lambda m: Comparisons(m.z, np.nan_to_num(m.order)).loss(),
    )
    return [
        refute(
            id="third-case-of-the-rank-loss",
            says=f"{NOTES}: the square is printed as a second case for $r = +1$",
            lhs=strict,
            rhs=square,
            samples=_samples(Judge.named_first, Judge(0.0, 1.0)),
            correct=r"the square is the case $r = 0$, of joints about as far",
            number="4.4",
            because="two cases for one label contradict each other",
        ),
        refute(
            id="ordinal-files-hold-the-opposite-sign",
            says=f"{NOTES}: the matrices of the published annotations beside the loss, without reconciling their signs",
            lhs=LOSS,
            rhs=FILE,
            correct=TURNED,
            samples=_samples(body_times_five),
            number="4.5",
            because="the files write -1 where joint i has the smaller depth, the loss +1: fed as they are they reward "
            "the mirrored body",
        ),
        refute(
            id="missing-relation-is-not-a-tie",
            says=f"{NOTES}: NaN for pairs that nobody annotated, mentioned once and never masked",
            lhs=LOSS,
            rhs=as_ties,
            correct=r"leave these pairs out, before any arithmetic: $0 \cdot \mathrm{NaN}$ is NaN, and 0 means a tie",
            samples=_samples(Comparisons.draw, example_body()),
            number="4.5",
            because="a pair without an answer pulls at nothing; read as a tie it pulls both joints together",
        ),
        refute(
            id="only-the-wrong-order-is-penalised",
            says=f"{NOTES}: where i is closer, the gap of the two depths is said to be penalised",
            lhs=level,
            relation="<=",
            rhs=here,
            correct=r"every gap $z_i - z_j$ is penalised, the less the more negative it is",
            samples=_samples(_first_closer, Judge(0.0, 1.0)),
            number="4.9",
            because="the pull on the closer joint is towards the camera at every gap, also past the other joint",
        ),
        refute(
            id="contradictions-have-a-floor",
            says=f"{NOTES}: consensus is described as answers that are consistent with an order",
            lhs=ring,
            rhs=consistent,
            correct=r"any answers may be given: a ring of three costs $3 \log 2$ at least, where all depths are equal",
            samples=_samples(Ring.draw, Ring(np.zeros(3))),
            number="4.18",
            because="the loss meets contradictory answers half-way, by the share of the votes",
        ),
    ]


def _code() -> list[Refutation]:
    doubled = Term(
        r"\sum_{i} \sum_{j \ne i} \mathcal{L}_{ij}",
        lambda m: sum(pair_loss(s * g, s * r) for g, r in zip(m.gaps, m.relation, strict=True) for s in (1, -1)),
    )
    scaled = Term(r"\mathcal{L}_{\mathrm{rank}}(3\,\mathbf{z}; r)", lambda m: m.scaled(3).loss())
    return [
        refute(
            id="each-pair-counts-once",
            says="code that sums the whole matrix of relations, as it comes out of a file",
            lhs=LOSS,
            rhs=doubled,
            correct=doubled / 2,
            samples=_samples(Comparisons.draw, example_body()),
            number="4.5",
            because="(i, j) and (j, i) are one question: the weight of the rank loss beside the other losses doubles",
        ),
        refute(
            id="order-does-not-leave-the-scale-free",
            says="an easy belief: the labels are an order, so the scale of the depths is free",
            lhs=LOSS,
            rhs=scaled,
            correct=r"shifts of all depths are free; the scale is pushed up by strict pairs and held by ties",
            samples=_samples(Comparisons.body, example_body()),
            number="4.13",
            because="a softplus asks for gaps much larger than 1, and a tie for gaps much smaller",
        ),
    ]
