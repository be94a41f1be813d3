"""What InfoGAN's players minimise: the game, and the bound on the information between code and image."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.losses.adversarial import (
    hinge_discriminator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    minimax_discriminator_loss,
    minimax_generator_loss,
    nonsaturating_generator_loss,
    wasserstein_discriminator_loss,
    wasserstein_generator_loss,
)
from course_lib.losses.information import barber_agakov, categorical_log_likelihood, gaussian_code_log_likelihood
from course_lib.papers.infogan.config import InfoGanConfig
from course_lib.papers.infogan.model import CodePosterior, Codes

_GAME = {
    "nonsaturating": (minimax_discriminator_loss, nonsaturating_generator_loss),
    "minimax": (minimax_discriminator_loss, minimax_generator_loss),
    "least_squares": (least_squares_discriminator_loss, least_squares_generator_loss),
    "hinge": (hinge_discriminator_loss, wasserstein_generator_loss),
    "wasserstein": (wasserstein_discriminator_loss, wasserstein_generator_loss),
}


def discriminator_loss(
    logits_real: Float[Tensor, " b"], logits_fake: Float[Tensor, " b"], cfg: InfoGanConfig
) -> Float[Tensor, " b"]:
    """The discriminator's side of the game that the configuration names."""
    return _GAME[cfg.gan_loss][0](logits_real, logits_fake)


def generator_loss(logits_fake: Float[Tensor, " b"], cfg: InfoGanConfig) -> Float[Tensor, " b"]:
    """The generator's side."""
    return _GAME[cfg.gan_loss][1](logits_fake)


def information_bounds(codes: Codes, posterior: CodePosterior, cfg: InfoGanConfig) -> dict[str, Float[Tensor, " b"]]:
    r"""The bound $L_I = \log Q(c\mid x) + H(c)$ for each sample, nats, to be maximised.

    Chen et al. 2016, Eq. 5. Entropies are those of the paper's prior, also under the mistaken `code_prior="normal"`:
    $\ln K$ a discrete code, $\ln 2$ a continuous one. They have no gradient; without them the number is not in nats of
    information. With a fixed variance of 1 the continuous part is below -0.22 a code however well the code is read.

    Returns:
        `discrete` and `continuous`, each summed over its codes; 0 where there are none.
    """
    discrete = continuous = torch.zeros(len(codes), device=codes.continuous.device)
    for one_hot, logits in zip(codes.one_hot(cfg), posterior.logits, strict=True):
        log_q = categorical_log_likelihood(one_hot, logits)
        discrete = discrete + barber_agakov(log_q, math.log(logits.shape[1]))
    if cfg.continuous:
        log_q = gaussian_code_log_likelihood(codes.continuous, posterior.mu, posterior.log_var)
        continuous = barber_agakov(log_q, cfg.continuous * math.log(2))
    return {"discrete": discrete, "continuous": continuous}


def information_loss(bounds: dict[str, Float[Tensor, " b"]], cfg: InfoGanConfig) -> Float[Tensor, " b"]:
    """Minus the weighted bound: what the information term adds to a player's loss."""
    return -cfg.weight_discrete * bounds["discrete"] - cfg.weight_continuous * bounds["continuous"]
