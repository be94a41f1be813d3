"""How likely held-out data are under a latent-variable model, and how much of its code the model uses."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor


@torch.no_grad()
def importance_log_likelihood(
    log_weights: Callable[[Tensor, int], Tensor],
    data: Shaped[Tensor, "n ..."],
    *,
    samples: int,
    rows: int = 1000,
) -> Float[Tensor, " n"]:
    r"""Estimate $\log p(x)$ of each datum as $\log\frac1k\sum_i w_i$ (Burda et al. 2016, Eq. 8).

    A lower bound on average, tight as k grows; k = 5,000 is customary. Weights are added up in float64 as a running
    log-sum-exp, so that memory does not grow with k.

    Args:
        log_weights: Called with `(x, k)`, returns the log-weights `(k, b)` of k new samples for each of b data.
        data: The data; the first axis counts them.
        samples: Weights a datum, k.
        rows: Weights in one call, k times b: about a thousand keeps the work in a processor's cache, more suits a GPU.

    Returns:
        Nats, one value a datum.

    Raises:
        ValueError: `samples` or `rows` is below 1, or a weight is NaN.
    """
    if samples < 1 or rows < 1:
        raise ValueError(f"`samples` (={samples}) and `rows` (={rows}) must be 1 or more")
    b = min(len(data), max(1, rows // 50))
    k_call = max(1, min(samples, rows // b))
    results = []
    for chunk in data.split(b):
        total = torch.full((len(chunk),), -torch.inf, dtype=torch.float64, device=chunk.device)
        for start in range(0, samples, k_call):
            weights = log_weights(chunk, min(k_call, samples - start)).double()
            total = torch.logaddexp(total, torch.logsumexp(weights, 0))
        results.append(total - math.log(samples))
    values = torch.cat(results)
    if bool(torch.isnan(values).any()):
        raise ValueError("`log_weights` returned NaN: the model's weights are not finite, or the data are not in range")
    return values


def active_units(means: Float[Tensor, "n z"], threshold: float = 0.01) -> int:
    """Number of code units whose posterior mean varies over the data by more than `threshold` (a variance).

    Burda, Grosse and Salakhutdinov 2016, section 5.2, with their threshold 0.01.

    Raises:
        ValueError: Fewer than two data.
    """
    if len(means) < 2:
        raise ValueError(f"`means` holds {len(means)} data: a variance over the data needs two or more")
    return int((means.var(0) > threshold).sum())
