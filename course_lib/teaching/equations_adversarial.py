"""The equation tests of `course_lib.losses.adversarial`: probabilities instead of logits, sums written out."""

import torch
from torch import Tensor
from torch.distributions import Bernoulli

from course_lib.teaching.equation_tests import EquationTests, Inputs, normals, register


def _log_real(logits: Tensor) -> Tensor:
    """Log D from the probability D."""
    return Bernoulli(logits.sigmoid()).log_prob(torch.ones_like(logits))


def _log_generated(logits: Tensor) -> Tensor:
    """Log(1 - D) from the probability D."""
    return Bernoulli(logits.sigmoid()).log_prob(torch.zeros_like(logits))


def _two_sides(gen: torch.Generator) -> Inputs:
    return 2 * normals(gen, 4), 2 * normals(gen, 4)


def _one_side(gen: torch.Generator) -> Inputs:
    return (2 * normals(gen, 4),)


def _at(*values: float) -> Inputs:
    return tuple(torch.full((2,), value, dtype=torch.float64) for value in values)


# Beyond 709, where exp overflows in float64.
_HUGE_PAIRS = {"sure and right": _at(1e4, -1e4), "sure and wrong": _at(-1e4, 1e4)}
_HUGE = {"logits 10000": _at(1e4), "logits -10000": _at(-1e4)}
_EXCHANGED = "real and generated are exchanged: this rewards taking generated samples for real"
_SECOND_SIGMOID = "the logits went through a sigmoid twice"


register(
    EquationTests(
        like="minimax_discriminator_loss",
        formula=r"-\log D(x) - \log\left(1 - D(\tilde{x})\right)",
        source="Goodfellow et al. 2014, Eq. 1",
        draw=_two_sides,
        reference=lambda logits_real, logits_fake: -_log_real(logits_real) - _log_generated(logits_fake),
        method="torch.distributions, from probabilities instead of logits",
        nonnegative=True,
        extremes=_HUGE_PAIRS,
        slips={
            _EXCHANGED: lambda logits_real, logits_fake: -_log_real(logits_fake) - _log_generated(logits_real),
            "this is the value of the game, which the discriminator maximises; the loss is minus it": (
                lambda logits_real, logits_fake: _log_real(logits_real) + _log_generated(logits_fake)
            ),
            "half of the sum is taken: the paper's game adds the two": lambda logits_real, logits_fake: (
                -0.5 * (_log_real(logits_real) + _log_generated(logits_fake))
            ),
            _SECOND_SIGMOID: lambda logits_real, logits_fake: (
                -_log_real(logits_real.sigmoid()) - _log_generated(logits_fake.sigmoid())
            ),
        },
    )
)

register(
    EquationTests(
        like="minimax_generator_loss",
        formula=r"\log\left(1 - D(\tilde{x})\right)",
        source="Goodfellow et al. 2014, Eq. 1",
        draw=_one_side,
        reference=_log_generated,
        method="torch.distributions, from probabilities instead of logits",
        extremes=_HUGE,
        slips={
            "this is the non-saturating loss -log D": lambda logits_fake: -_log_real(logits_fake),
            "the sign is the discriminator's": lambda logits_fake: -_log_generated(logits_fake),
            _SECOND_SIGMOID: lambda logits_fake: _log_generated(logits_fake.sigmoid()),
        },
    )
)

register(
    EquationTests(
        like="nonsaturating_generator_loss",
        formula=r"-\log D(\tilde{x})",
        source="Goodfellow et al. 2014, section 3",
        draw=_one_side,
        reference=lambda logits_fake: -_log_real(logits_fake),
        method="torch.distributions, from probabilities instead of logits",
        nonnegative=True,
        extremes=_HUGE,
        slips={
            "this is the minimax loss log(1 - D)": _log_generated,
            "the sign is wrong: the generator minimises -log D": _log_real,
            _SECOND_SIGMOID: lambda logits_fake: -_log_real(logits_fake.sigmoid()),
        },
    )
)

register(
    EquationTests(
        like="least_squares_discriminator_loss",
        formula=r"\frac{1}{2}(a - 1)^2 + \frac{1}{2}\tilde{a}^2",
        source="Mao et al. 2017, Eq. 9",
        draw=_two_sides,
        reference=lambda logits_real, logits_fake: (
            (logits_real**2 + logits_fake**2) / 2 - logits_real + torch.tensor(0.5, dtype=logits_real.dtype)
        ),
        method="the squares multiplied out",
        zeros=lambda gen: _at(1.0, 0.0),
        nonnegative=True,
        extremes=_HUGE_PAIRS,
        slips={
            _EXCHANGED: lambda logits_real, logits_fake: 0.5 * ((logits_fake - 1) ** 2 + logits_real**2),
            "the factor 1/2 is missing": lambda logits_real, logits_fake: (logits_real - 1) ** 2 + logits_fake**2,
        },
    )
)

register(
    EquationTests(
        like="least_squares_generator_loss",
        formula=r"\frac{1}{2}(\tilde{a} - 1)^2",
        source="Mao et al. 2017, Eq. 9",
        draw=_one_side,
        reference=lambda logits_fake: logits_fake**2 / 2 - logits_fake + 0.5,
        method="the square multiplied out",
        zeros=lambda gen: _at(1.0),
        nonnegative=True,
        extremes=_HUGE,
        slips={
            "the target is 0, the discriminator's; the generator wants 1": lambda logits_fake: logits_fake**2 / 2,
            "the factor 1/2 is missing": lambda logits_fake: (logits_fake - 1) ** 2,
        },
    )
)

register(
    EquationTests(
        like="hinge_discriminator_loss",
        formula=r"\max(0,\, 1 - a) + \max(0,\, 1 + \tilde{a})",
        source="Miyato et al. 2018, Eq. 16",
        draw=_two_sides,
        reference=lambda logits_real, logits_fake: (
            torch.where(logits_real < 1, 1 - logits_real, 0.0) + torch.where(logits_fake > -1, 1 + logits_fake, 0.0)
        ),
        method="its two cases written out",
        zeros=lambda gen: _at(1.5, -1.5),
        nonnegative=True,
        extremes=_HUGE_PAIRS,
        slips={
            _EXCHANGED: lambda logits_real, logits_fake: (
                (1 - logits_fake).clamp_min(0) + (1 + logits_real).clamp_min(0)
            ),
            "there is no hinge: samples beyond the margin still count": lambda logits_real, logits_fake: (
                2 - logits_real + logits_fake
            ),
        },
    )
)

register(
    EquationTests(
        like="wasserstein_discriminator_loss",
        formula=r"\tilde{a} - a",
        source="Arjovsky, Chintala and Bottou 2017, Eq. 2",
        draw=_two_sides,
        reference=lambda logits_real, logits_fake: -torch.stack([logits_real, -logits_fake]).sum(0),
        method="minus the sum of the signed values",
        extremes=_HUGE_PAIRS,
        slips={_EXCHANGED: lambda logits_real, logits_fake: logits_real - logits_fake},
    )
)

register(
    EquationTests(
        like="wasserstein_generator_loss",
        formula=r"-\tilde{a}",
        source="Arjovsky, Chintala and Bottou 2017, Eq. 2",
        draw=_one_side,
        reference=lambda logits_fake: 0 - logits_fake,
        method="the difference from 0",
        extremes=_HUGE,
        slips={"the sign is wrong: the generator raises the critic's value": lambda logits_fake: logits_fake},
    )
)

register(
    EquationTests(
        like="gradient_penalty",
        formula=r"\left(\lVert g \rVert_2 - 1\right)^2",
        source="Gulrajani et al. 2017, Eq. 3",
        draw=lambda gen: (normals(gen, 3, 1, 2, 2),),
        reference=lambda gradients: (gradients**2).sum((1, 2, 3)) - 2 * (gradients**2).sum((1, 2, 3)).sqrt() + 1,
        method="the square multiplied out",
        valid=lambda gradients: gradients.dim() == 4,
        zeros=lambda gen: (torch.full((2, 1, 2, 2), 0.5, dtype=torch.float64),),
        nonnegative=True,
        extremes={
            "no gradient": (torch.zeros(2, 1, 2, 2, dtype=torch.float64),),
            "a gradient of 1e100": (torch.full((2, 1, 2, 2), 1e100, dtype=torch.float64),),
        },
        slips={
            "the squared norm is compared with 1 instead of the norm": lambda gradients: (
                ((gradients**2).sum((1, 2, 3)) - 1) ** 2
            ),
            "the norm is penalised only above 1: the paper's penalty is two-sided": lambda gradients: (
                (gradients.flatten(1).norm(dim=1) - 1).clamp_min(0) ** 2
            ),
        },
    )
)
