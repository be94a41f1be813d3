"""Losses as pure functions: tensors in, one value a sample out, no weights inside."""

from course_lib.losses.elbo import (
    bernoulli_log_likelihood,
    elbo,
    full_gaussian_kl,
    gaussian_kl,
    gaussian_log_density,
    gaussian_log_likelihood,
    importance_weighted_bound,
    standard_normal_kl,
)

__all__ = [
    "bernoulli_log_likelihood",
    "elbo",
    "full_gaussian_kl",
    "gaussian_kl",
    "gaussian_log_density",
    "gaussian_log_likelihood",
    "importance_weighted_bound",
    "standard_normal_kl",
]
