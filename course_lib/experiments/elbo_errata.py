"""The slips of circulating notes that concern the ELBO, each with the number that refutes it."""

import numpy as np
import torch

from course_lib.teaching.refute import Refutation, refute
from course_lib.teaching.relation import Sample
from course_lib.teaching.small_models import Direction
from course_lib.teaching.term import Divergence, Term
from course_lib.teaching.tractable import Joint, LinearGaussian, Pair, example

LESSON = "01_elbo"
VUNET = "notes on the Variational U-Net"
DRAWS = 20


def errata() -> list[dict]:
    """Every refuted slip as an entry of the results file, in the order of the notes."""
    return [
        *(one.errata(LESSON) for one in _bounds()),
        *(one.errata(LESSON) for one in _losses()),
        *(one.errata(LESSON) for one in _gaussians()),
    ]


def _samples(draw, *first: Sample) -> list[Sample]:
    generators = [torch.Generator().manual_seed(i) for i in range(DRAWS)]
    return [*first, *(Sample(f"draw {i}", draw(gen), {}) for i, gen in enumerate(generators))]


def _on_example(draw=LinearGaussian.draw) -> list[Sample]:
    return _samples(draw, Sample("z ~ N(0, 1), x given z ~ N(z, 1), x = 2, q = N(0.3, 0.8)", example(), {}))


def _bounds() -> list[Refutation]:
    evidence = Term(r"\log p(x \mid y)", lambda m: m.log_evidence())
    bound = Term(r"\mathrm{ELBO}", lambda m: m.elbo())
    gap = Divergence(
        r"D_{\mathrm{KL}}",
        r"q(z \mid x, y)",
        r"p(z \mid x, y)",
        fn=lambda m, a, b: m.kl(a, b),
        first=lambda m: m.q,
        second=lambda m: m.posterior,
    )
    at_prior = Term(r"\mathrm{ELBO}\;\text{at}\;q = p(z \mid y)", lambda m: m.with_q(m.prior).elbo())
    at_posterior = Term(r"\mathrm{ELBO}\;\text{at}\;q = p(z \mid x, y)", lambda m: m.with_q(m.posterior).elbo())
    gap_left = Term(
        r"\text{gap of the bound where}\;D_{\mathrm{KL}}(q\,\Vert\,p(z \mid y)) = 0",
        lambda m: m.log_evidence() - m.with_q(m.prior).elbo(),
    )
    total = Term(r"\sum_{y, z} p(x \mid y, z)", lambda m: float(m.both.p_x.sum()))
    posterior_total = Term(r"\sum_{y, z} p(y, z \mid x)", lambda m: float(m.both.posterior.probs.sum()))
    one = Term("1", lambda m: 1.0)
    tables = _samples(Joint.draw)
    return [
        refute(
            id="likelihood-is-no-posterior",
            says=f"{VUNET}, section 1: maximising $p(x \\mid y, z)$ is 'maximising the posterior'",
            lhs=total,
            rhs=one,
            samples=tables,
            correct=f"${posterior_total.latex} = 1$: the posterior is $p(y, z \\mid x)$",
            because="a posterior of (y, z) sums to one over (y, z); a likelihood need not",
        ),
        refute(
            id="gap-direction",
            says=f"{VUNET}, section 1.2, last line of the derivation",
            lhs=evidence,
            rhs=bound + gap.swapped(),
            correct=bound + gap,
            samples=_on_example(),
            number="1.11",
            because="minus the integral of q log(p/q) is the integral of q log(q/p): the mean is under q",
        ),
        refute(
            id="tight-at-prior",
            says=f"{VUNET}, section 1.2: the bound is highest if and only if q is the prior",
            lhs=evidence,
            rhs=at_prior,
            correct=at_posterior,
            samples=_on_example(),
            number="1.11",
            because="the gap is the divergence to the posterior",
        ),
        refute(
            id="penalty-is-not-tightness",
            says=f"{VUNET}, section 1.2: tightness 'is ensured by minimising the KL divergence' to the prior",
            lhs=gap_left,
            rhs=0,
            correct=r"at $D_{\mathrm{KL}}(q\,\Vert\,p(z \mid y)) = 0$ the code carries nothing: posterior collapse",
            samples=_on_example(),
            number="1.11",
            because="that divergence is a penalty inside the bound, not the gap of the bound",
        ),
    ]


def _losses() -> list[Refutation]:
    bound = Term(r"\mathrm{ELBO}", lambda m: m.elbo())
    likelihood = Term(r"\mathbb{E}_q[\log p(x \mid y, z)]", lambda m: m.under_q(m.log_likelihood))
    kl = Divergence(
        r"D_{\mathrm{KL}}",
        r"q(z \mid x, y)",
        r"p(z \mid y)",
        fn=lambda m, a, b: m.kl(a, b),
        first=lambda m: m.q,
        second=lambda m: m.prior,
    )
    loss = Term(r"\mathcal{L}_{\text{to minimise}}", lambda m: -m.elbo())
    error = Term(r"\text{error}", lambda m: -m.under_q(m.log_likelihood))
    return [
        refute(
            id="bound-called-loss",
            says=f"{VUNET}, section 1.2: 'loss function' for minus divergence plus log-likelihood",
            lhs=loss,
            rhs=likelihood - kl,
            correct=kl - likelihood,
            samples=_on_example(),
            number="1.7",
            because="that is the bound, to be maximised; the loss is its negative",
        ),
        refute(
            id="loss-sign",
            says=f"{VUNET}, section 1.3, after equations 3 to 5 of the paper (slip confirmed by its first author)",
            lhs=bound,
            rhs=error - kl,
            correct=-error - kl,
            samples=_on_example(),
            number="1.7",
            because="an error stands where a log-likelihood must stand; minimise divergence plus error",
        ),
    ]


def _gaussians() -> list[Refutation]:
    def variances(gaussian):
        return np.diag(gaussian.cov)

    kl = Term(
        r"D_{\mathrm{KL}}\left(q\,\Vert\,\mathcal{N}(0, I)\right)",
        lambda m: float(m.q.nodes(6)[1] @ (m.q.log_density(m.q.nodes(6)[0]) - m.p.log_density(m.q.nodes(6)[0]))),
    )
    squares = Term(r"\sum_i \mu_i^2", lambda m: float((m.q.mean**2).sum()))
    deviations = Term(r"\sum_i e^{\log\sigma_i}", lambda m: float(np.sqrt(variances(m.q)).sum()))
    doubled = Term(r"\sum_i e^{2 \log\sigma_i}", lambda m: float(variances(m.q).sum()))
    logs = Term(r"\sum_i \log\sigma_i", lambda m: float(0.5 * np.log(variances(m.q)).sum()))
    dimension = Term("d", lambda m: float(len(m.q.mean)))
    shape_in_code = Term(r"\mathbb{E}\,D_{\mathrm{KL}}\;\text{with}\;p(z) = \mathcal{N}(0, 1)", _fixed_prior_cost)
    without_shape = Term(r"\mathbb{E}\,D_{\mathrm{KL}}\;\text{without shape in}\;z", lambda m: 0.5 * m.gain**2)
    return [
        refute(
            id="shape-in-z-only-costs-computation",
            says=f"{VUNET}, section 1.3: shape information in z 'only increases computation'",
            lhs=shape_in_code,
            rhs=without_shape,
            correct=without_shape + Term(r"\tfrac12 a^2", lambda m: 0.5 * m.eigenvalue),
            samples=_samples(Direction.draw),
            number="1.23",
            because="against a fixed prior every bit of shape in z is paid for in nats; a learned prior makes it free",
        ),
        refute(
            id="log-deviation",
            says="the name `logsd` for a log-variance in the released code of Crossing Nets",
            lhs=kl,
            rhs=(squares + deviations - logs - dimension) / 2,
            correct=(squares + doubled - 2 * logs - dimension) / 2,
            samples=_samples(Pair.to_standard),
            number="1.14",
            because="with a log standard deviation the formula needs twice its value, in both places",
        ),
    ]


def _fixed_prior_cost(m: Direction) -> float:
    """Average divergence of q = N(a y + b e, 1) from N(0, 1), with y, e standard normal: quadrature over both."""
    points, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / weights.sum()
    a, b = np.sqrt(m.eigenvalue), m.gain
    mean = a * points[:, None] + b * points[None, :]
    return float((0.5 * mean**2 * weights[:, None] * weights[None, :]).sum())
