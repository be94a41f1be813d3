"""What the VAE of lesson 01 maximises: the ELBO or the importance-weighted bound, one value a datum."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.losses.elbo import elbo, importance_weighted_bound
from course_lib.papers.vae.config import VaeConfig
from course_lib.papers.vae.model import Vae, VaeOutput, log_density_ratio, log_likelihoods


def vae_bound(x: Float[Tensor, "b ..."], out: VaeOutput, cfg: VaeConfig) -> dict[str, Float[Tensor, " b"]]:
    """The bound to be maximised and its parts, per datum, nats.

    With `objective="elbo"` the divergence is in closed form, only the likelihood is sampled (Kingma and Welling 2014,
    Eq. 7, estimator B); with `"iwae"` all of log w is sampled (Burda et al. 2016, Eq. 8).

    Returns:
        `bound`, `log_likelihood` (mean over the k samples) and `kl`.
    """
    log_lik = log_likelihoods(x, out)
    kl = out.posterior.kl(out.prior)
    if cfg.objective == "elbo":
        bound = elbo(log_lik.mean(0), kl, cfg.beta)
    else:
        bound = importance_weighted_bound(log_lik + log_density_ratio(out))
    return {"bound": bound, "log_likelihood": log_lik.mean(0), "kl": kl}


def draw_log_weights(
    vae: Vae,
    x: Float[Tensor, "b ..."],
    samples: int,
    *,
    labels: Int[Tensor, " b"] | None = None,
    gen: torch.Generator | None = None,
) -> Float[Tensor, "k b"]:
    """Log importance weights of new samples from the posterior, nats: what `importance_log_likelihood` asks for."""
    out = vae(x, labels, gen=gen, samples=samples)
    return log_likelihoods(x, out) + log_density_ratio(out)
