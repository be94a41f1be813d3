"""The slips of circulating notes and code that concern mutual information, each with the number that refutes it."""

import math

import numpy as np
import torch

from course_lib.teaching.channels import CodeChannel, example_channel
from course_lib.teaching.continuous_codes import NoisyDial, TurnedCodes, UniformCode
from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.relation import Sample
from course_lib.teaching.term import Term

LESSON = "03_information_bounds"
NOTES = "notes on InfoGAN"
DRAWS = 20


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file."""
    return [one.errata(LESSON) for one in (*_notes(), *_code())]


def _samples(draw, *first: object) -> list[Sample]:
    generators = [torch.Generator().manual_seed(i) for i in range(DRAWS)]
    fixed = [Sample(str(model), model, {}) for model in first]
    return [*fixed, *(Sample(f"draw {i}", draw(gen), {}) for i, gen in enumerate(generators))]


def _notes() -> list[Refutation]:
    dial = Term("I(c; x)", lambda m: m.information())
    ceiling = Term("h(c)", lambda m: math.log(2))
    joint_information = Term("I(c; x)", lambda m: m.information())
    straight = Term(r"I(c; x)\;\text{of the codes turned back}", lambda m: m.straight().information())
    aligned = Term("I(c_1; x_1) + I(c_2; x_2)", lambda m: m.aligned())
    resampled = Term(
        r"\mathbb{E}_{c, x}\,\mathbb{E}_{c' \sim P(c \mid x)}[T(c', x)]",
        lambda m: float((m.p_x * (m.posterior * m.critic.T).sum(1)).sum()),
    )
    squared = Term(
        r"\mathbb{E}_{c, x}\left[T(c, x)\,\mathbb{E}_{c' \sim P(c \mid x)}[T(c', x)]\right]",
        lambda m: m.under_joint(m.critic * (m.posterior * m.critic.T).sum(1)),
    )
    plain = Term(r"\mathbb{E}_{c, x}[T(c, x)]", lambda m: m.under_joint(m.critic))
    bound = Term("L_I", lambda m: m.bound())
    zero = Term("0", lambda m: 0.0)
    return [
        refute(
            id="information-has-a-ceiling",
            says=f"{NOTES}: where x determines c, $H(c \\mid x) = 0$ and the information is at its maximum "
            "(true for discrete codes only)",
            lhs=dial,
            relation="<=",
            rhs=ceiling,
            samples=_samples(NoisyDial.draw, NoisyDial(0.01)),
            correct=r"$I(c; x) = h(c) - h(c \mid x)$, and the differential entropy $h(c \mid x)$ has no lower end",
            number="3.20",
            because="a real number told with less and less noise carries more and more nats",
        ),
        refute(
            id="informative-is-not-disentangled",
            says=f"{NOTES}: codes without effect and codes without meaning are named as one problem",
            lhs=joint_information,
            rhs=aligned,
            correct=straight,
            samples=_samples(TurnedCodes.draw, TurnedCodes(math.pi / 4, 0.3)),
            number="3.27",
            because="turning the codes is a bijection: the information stays, and no single code moves one factor",
        ),
        refute(
            id="lemma-with-a-second-factor",
            says=f"{NOTES}: a circulating copy of the proof of InfoGAN's Lemma 5.1, third line",
            lhs=resampled,
            rhs=squared,
            correct=plain,
            samples=_samples(CodeChannel.draw, example_channel()),
            number="3.9",
            because="the left side is linear in T and the printed line is quadratic",
        ),
        refute(
            id="bound-below-zero",
            says=f"{NOTES}: no word that the bound may be negative, nor on its scale",
            lhs=bound,
            relation=">=",
            rhs=zero,
            samples=_samples(UniformCode.draw, UniformCode(1.0, 0.0, 1.0)),
            correct=r"$I(c; x) \ge \max(L_I, 0)$: a negative bound is true and says nothing",
            number="3.23",
            because="with a fixed variance of 1 even a perfect reading of a uniform code stays below 0",
        ),
    ]


def _code() -> list[Refutation]:
    bound = Term("L_I", lambda m: m.barber_agakov())
    mean_log_q = Term(r"\mathbb{E}[\log Q(c \mid x)]", lambda m: m.under_joint(np.log(m.q.T)))
    entropy = Term("H(c)", lambda m: m.entropy())
    one_hot = Term(r"H(\text{one-hot of } c)", lambda m: 0.0)
    uniform_bound = Term("L_I", lambda m: m.bound())
    read = Term(r"\mathbb{E}[\log Q(c \mid x)]", lambda m: m.under_prior(m.log_q))
    uniform = Term(r"\log 2", lambda m: math.log(2))
    logged = Term(
        r"-\mathbb{E}[\log \mathcal{N}(c; 0, 1)]",
        lambda m: m.under_prior(lambda c: 0.5 * math.log(2 * math.pi) + 0.5 * c**2),
    )
    return [
        refute(
            id="entropy-of-the-one-hot",
            says="two ports of InfoGAN: the entropy term is computed from the one-hot code, where c log c is 0",
            lhs=bound,
            rhs=one_hot + mean_log_q,
            correct=entropy + mean_log_q,
            samples=_samples(CodeChannel.draw, example_channel()),
            number="3.5",
            because="the entropy is that of the prior; it has no gradient, but without it the number is not in nats "
            "of information",
        ),
        refute(
            id="uniform-scored-as-normal",
            says="the official code of InfoGAN: the uniform prior's entropy is taken from an N(0, 1) likelihood",
            lhs=uniform_bound,
            rhs=logged + read,
            correct=uniform + read,
            samples=_samples(UniformCode.draw, UniformCode(1.0, 0.0, 1.0)),
            number="3.21",
            because="the entropy of a code uniform on [-1, 1] is log 2; the logged sum ends at 1/6 a code when the "
            "variance is fixed at 1, and a curve that settles there is solved, not weak",
        ),
    ]
