"""Variational autoencoders: Kingma and Welling 2014; Burda, Grosse and Salakhutdinov 2016; Sohn, Lee and Yan 2015.

One stochastic layer between tanh layers, plain or conditional on a class, trained on the ELBO or on the
importance-weighted bound; binary or grey pixels, diagonal or full posteriors. `PROFILES` holds the settings for MNIST,
`DIGITS_PROFILES` those for the 8 x 8 digits that come with scikit-learn.
"""

from course_lib.papers.vae.config import DIGITS_PROFILES, PROFILES, VaeConfig
from course_lib.papers.vae.model import Vae, VaeOutput, log_density_ratio, log_likelihoods
from course_lib.papers.vae.objective import draw_log_weights, vae_bound
from course_lib.papers.vae.step import rate_factor, set_rate, vae_optimizer, vae_step

__all__ = [
    "DIGITS_PROFILES",
    "PROFILES",
    "Vae",
    "VaeConfig",
    "VaeOutput",
    "draw_log_weights",
    "log_density_ratio",
    "log_likelihoods",
    "rate_factor",
    "set_rate",
    "vae_bound",
    "vae_optimizer",
    "vae_step",
]
