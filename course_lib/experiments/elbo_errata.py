"""The slips of circulating notes that concern the ELBO, each with the number that refutes it."""

from dataclasses import replace

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
        *(one.errata(LESSON) for one in _more()),
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
        r"\log p(x \mid y) - \mathrm{ELBO}\big\vert_{q = p(z \mid y)}",
        lambda m: m.log_evidence() - m.with_q(m.prior).elbo(),
    )
    total = Term(r"\sum_{y, z} p(x \mid y, z)", lambda m: float(m.both.p_x.sum()))
    posterior_total = Term(r"\sum_{y, z} p(y, z \mid x)", lambda m: float(m.both.posterior.probs.sum()))
    one = Term("1", lambda m: 1.0)
    tables = _samples(Joint.draw)
    return [
        refute(
            id="likelihood-is-no-posterior",
            says=f"{VUNET}, section 1: maximising $p(x \\mid y, z)$ is 'maximising the posterior' ($p(y, z \\mid x)$)",
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
            says=f"{VUNET}, section 1.2: a 'loss function' of minus divergence plus log-likelihood",
            lhs=loss,
            rhs=likelihood - kl,
            correct=kl - likelihood,
            samples=_on_example(),
            number="1.7",
            because="that is the bound, to be maximised; the loss is its negative",
        ),
        refute(
            id="loss-sign",
            says=f"{VUNET}, section 1.3, after equations 4 and 5 of the paper (slip confirmed by its first author)",
            lhs=bound,
            rhs=error - kl,
            correct=-error - kl,
            samples=_on_example(),
            number="1.7",
            because="an error stands where a log-likelihood must stand; minimise divergence plus error",
        ),
    ]


def _more() -> list[Refutation]:
    negative = Term(r"-\log p(x \mid z)", lambda m: -float(m.log_likelihood(m.q.mean)))
    half_error = Term(
        r"\tfrac12 \Vert x - \hat x \Vert^2",
        lambda m: 0.5 * float(((m.x - m.bias - m.weight @ m.q.mean) ** 2).sum()),
    )
    scaled = Term(
        r"\tfrac{1}{2 s^2} \Vert x - \hat x \Vert^2",
        lambda m: 0.5 * float(((m.x - m.bias - m.weight @ m.q.mean) ** 2).sum()) / m.noise_var,
    )
    unit = Term(r"\tfrac D2 \log 2\pi", lambda m: 0.5 * len(m.x) * np.log(2 * np.pi))
    log_scale = Term(r"\tfrac D2 \log s^2", lambda m: 0.5 * len(m.x) * np.log(m.noise_var))
    pull_on_prior = Term(
        r"\tfrac{\partial}{\partial \mu_q} D_{\mathrm{KL}}(q\,\Vert\,p)",
        lambda m: float((m.q.mean - m.p.mean)[0] / m.p.cov[0, 0]),
    )
    loss = Term(r"-\mathrm{ELBO}", lambda m: -m.elbo())
    noisy_error = Term(
        r"-\mathbb{E}_{\varepsilon \sim \mathcal{N}(0, 0.05^2)}[\log p(x \mid z)]",
        lambda m: -m.with_q(replace(m.q, cov=0.05**2 * m.q.cov)).under_q(m.log_likelihood),
    )
    error = Term(
        r"-\mathbb{E}_{\varepsilon \sim \mathcal{N}(0, 1)}[\log p(x \mid z)]", lambda m: -m.under_q(m.log_likelihood)
    )
    kl = Divergence(
        r"D_{\mathrm{KL}}", "q", "p(z)", fn=lambda m, a, b: m.kl(a, b), first=lambda m: m.q, second=lambda m: m.prior
    )
    return [
        refute(
            id="constant-bias",
            says=f"{VUNET}, section 1.3: with a 'constant bias' of $p(x \\mid y, z)$ its logarithm becomes an error",
            lhs=negative,
            rhs=half_error + unit,
            correct=scaled + unit + log_scale,
            samples=_samples(LinearGaussian.draw),
            number="1.33",
            because="it is a constant standard deviation s that is needed, and s scales the error",
        ),
        refute(
            id="divergence-moves-only-the-prior",
            says=f"{VUNET}, section 1.3: the divergence 'reduces the deviation of the prior'",
            lhs=pull_on_prior,
            rhs=0,
            correct="the divergence has a gradient by both means: it pulls the posterior to the prior and the learned "
            "prior to the posterior",
            samples=_samples(Pair.diagonal),
            number="1.13",
            because="both arguments of the divergence are trained",
        ),
        refute(
            id="noise-of-a-twentieth",
            says="the released code of Crossing Nets: noise of deviation 0.05 with the divergence of full noise",
            lhs=loss,
            rhs=noisy_error + kl,
            correct=error + kl,
            samples=_on_example(),
            number="1.6",
            because="likelihood and divergence must speak of one q; what is trained is nearly a plain autoencoder",
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
    # q = N(a y + b e, 1) with y (shape) and e (the rest) standard normal; a squared is the eigenvalue, b the gain.
    fixed = Term(r"\mathbb{E}\,D_{\mathrm{KL}}\;\text{to}\;\mathcal{N}(0, 1)", lambda m: _cost(m, learned=False))
    learned = Term(r"\mathbb{E}\,D_{\mathrm{KL}}\;\text{to}\;\mathcal{N}(ay, 1)", lambda m: _cost(m, learned=True))
    without_shape = Term(r"\tfrac12 b^2", lambda m: 0.5 * m.gain**2)
    return [
        refute(
            id="shape-in-z-costs-computation-only",
            says=f"{VUNET}, section 1.3: shape information in z 'only increases computation' "
            "(false with the fixed prior N(0, I) of section 1.1)",
            lhs=fixed,
            rhs=without_shape,
            correct=without_shape + Term(r"\tfrac12 a^2", lambda m: 0.5 * m.eigenvalue),
            samples=_samples(Direction.draw),
            because="against a fixed prior all that z repeats of y is paid for in nats, and buys no likelihood",
        ),
        refute(
            id="divergence-buys-invariance",
            says=f"{VUNET}, section 1.3: the divergence makes z invariant to shape "
            "(false with the learned prior of section 1.2)",
            lhs=learned,
            rhs=without_shape + Term(r"\tfrac12 a^2", lambda m: 0.5 * m.eigenvalue),
            correct=without_shape,
            samples=_samples(Direction.draw),
            because="a learned prior follows the shape, so that what z repeats of it is free: nothing drives it out",
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


def _cost(m: Direction, *, learned: bool) -> float:
    """Average divergence of q = N(a y + b e, 1) from N(0, 1) or N(a y, 1): quadrature over y and e."""
    points, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / weights.sum()
    a, b = np.sqrt(m.eigenvalue), m.gain
    shift = (0 if learned else a) * points[:, None] + b * points[None, :]
    return float((0.5 * shift**2 * weights[:, None] * weights[None, :]).sum())
