r"""Mutual information: likelihoods of a code, entropies of its prior, and the lower bounds built from them.

All values are in nats, and every bound is to be **maximised**; a training loss is minus a bound. Likelihoods and
Barber-Agakov return one value a sample, `(b,)`, like the other losses. Donsker-Varadhan and NWJ compare two whole
samples, so each returns one number a batch; InfoNCE returns one value a row, which depends on all pairs.

Sources: Barber and Agakov 2003 (the bound with a decoder); Chen et al. 2016, InfoGAN, Eqs. 4 and 5 (the same bound with
a known prior of the code); Donsker and Varadhan 1983; Nguyen, Wainwright and Jordan 2010; van den Oord, Li and Vinyals
2018 (InfoNCE); Poole et al. 2019, which compares them; Ji, Henriques and Vedaldi 2019 (the information of two tables).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.losses._checks import no_nan, rank, same_shape, within
from course_lib.losses.elbo import gaussian_log_density


def categorical_log_likelihood(code: Float[Tensor, "b k"], logits: Float[Tensor, "b k"]) -> Float[Tensor, " b"]:
    r"""Log-probability $\log Q(c\mid x)=\sum_k c_k\log\mathrm{softmax}(a)_k$ of a one-hot code.

    Chen et al. 2016, Eq. 5, categorical code: minus the cross-entropy. The softmax is taken *here*: a network that ends
    in a softmax of its own makes it two, and its best value is $1-\log(e+k-1)$ instead of 0.

    Args:
        code: One-hot codes, or probabilities that sum to 1.
        logits: Outputs of the recognition network, before any softmax.

    Returns:
        Nats, never positive.

    Raises:
        ValueError: Shapes differ or are not `(b, k)`, a code lies outside [0, 1] or does not sum to 1, or NaN.
    """
    rank("logits", logits, 2, "batch, classes")
    same_shape(code=code, logits=logits)
    no_nan(code=code, logits=logits)
    within("code", code, 0.0, 1.0, "indices of classes? pass torch.nn.functional.one_hot(index, k).to(logits)")
    _sums_to_one("code", code.sum(-1), "give one-hot codes; several codes in one vector are scored one by one")
    return (code * torch.log_softmax(logits, -1)).sum(-1)


def gaussian_code_log_likelihood(
    code: Float[Tensor, "b c"], mu: Float[Tensor, "b c"], log_var: float | Float[Tensor, "b c"] = 0.0
) -> Float[Tensor, " b"]:
    r"""Log-density $\log Q(c\mid x)$ of continuous codes under independent normals, the constant kept.

    Chen et al. 2016, Section 6 (each continuous code a Gaussian). A number as `log_var` fixes the variance: with 0 the
    gradient is that of minus half the squared error, and the *value* is useless as information, since the bound for a
    code uniform on [-1, 1] then never exceeds -0.2258. A tensor is the learned variance: on an easy code its optimum
    goes to minus infinity, so let the network keep it within limits, for instance [-6, 2]; a hard clamp stops the way
    back, since below it no gradient arrives.

    Args:
        code: Continuous codes.
        mu: Means, straight from a linear layer.
        log_var: One fixed log-variance, or a log-variance for each code (not a log standard deviation).

    Returns:
        Nats, of either sign, summed over the codes.

    Raises:
        ValueError: Shapes differ or are not `(b, c)`, or an argument holds NaN.
    """
    rank("code", code, 2, "batch, codes")
    same_shape(code=code, mu=mu)
    if isinstance(log_var, Tensor):
        same_shape(code=code, log_var=log_var)
    else:
        log_var = torch.full_like(mu, log_var)
    no_nan(code=code, mu=mu, log_var=log_var)
    return gaussian_log_density(code, mu, log_var)


def categorical_entropy(logits: Float[Tensor, "b k"]) -> Float[Tensor, " b"]:
    r"""Entropy $H(c)=-\sum_k p_k\log p_k$ of a categorical distribution, the ceiling of what its code can carry.

    Chen et al. 2016, Eq. 4: for a discrete code $L_I\le I(c;x)\le H(c)$, which is $\log k$ for a uniform prior. It
    belongs to the *prior*: the entropy of one one-hot code is 0.

    Args:
        logits: Log-probabilities up to a constant; zeros for a uniform prior.

    Returns:
        Nats, between 0 and log k.

    Raises:
        ValueError: `logits` is not `(b, k)` or holds NaN.
    """
    rank("logits", logits, 2, "batch, classes")
    no_nan(logits=logits)
    log_probs = torch.log_softmax(logits, -1)
    return -(log_probs.exp() * log_probs).sum(-1)


def uniform_entropy(low: Float[Tensor, "*batch c"], high: Float[Tensor, "*batch c"]) -> Float[Tensor, "*batch"]:
    r"""Differential entropy $h(c)=\sum_i\log(b_i-a_i)$ of independent uniform codes on $[a_i, b_i]$.

    Chen et al. 2016, Section 5: $\log 2$ for each code uniform on [-1, 1]. No ceiling: $I(c;x)$ may exceed it, because
    $h(c\mid x)$ has no lower end. The official code adds 1.0856 a code instead, an $N(0, 1)$ likelihood.

    Args:
        low: Lower ends; the last axis is that of the codes.
        high: Upper ends, larger.

    Returns:
        Nats, summed over the codes.

    Raises:
        ValueError: Shapes differ, or an upper end is not above its lower end.
    """
    same_shape(low=low, high=high)
    no_nan(low=low, high=high)
    width = high - low
    tiny = torch.finfo(width.dtype).tiny
    within("high - low", width, tiny, math.inf, "each upper end must lie above its lower end; exchanged arguments?")
    return width.log().sum(-1)


def barber_agakov(log_q: Float[Tensor, " b"], entropy: float | Float[Tensor, ""]) -> Float[Tensor, " b"]:
    r"""Barber-Agakov bound $L_I=H(c)+\mathbb E\log Q(c\mid x)\le I(c;x)$, one value a sample; its mean is the bound.

    Barber and Agakov 2003; Chen et al. 2016, Eqs. 4 and 5 with $x=G(z,c)$. The gap is
    $\mathbb E_x D_{KL}(P(c\mid x)\Vert Q(c\mid x))$. Several independent codes: add their $\log Q$ and their entropies.

    Args:
        log_q: $\log Q(c\mid x)$ of the codes that made the samples.
        entropy: $H(c)$ of the codes' prior: a constant, without gradient, that turns a loss into nats of information.

    Returns:
        Nats; single values, and the mean of a batch, may exceed $I$ or be negative: the expectation is at most $I$.

    Raises:
        ValueError: `log_q` is not `(b,)`, or an argument holds NaN.
    """
    rank("log_q", log_q, 1, "batch")
    entropy = torch.as_tensor(entropy, dtype=log_q.dtype, device=log_q.device)
    rank("entropy", entropy, 0, "one number")
    no_nan(log_q=log_q, entropy=entropy)
    return entropy + log_q


def donsker_varadhan(joint: Float[Tensor, " n"], product: Float[Tensor, " m"]) -> Float[Tensor, ""]:
    r"""Donsker-Varadhan bound $\mathbb E_{p(x,y)}[T]-\log\mathbb E_{p(x)p(y)}[e^T]\le I(x;y)$: one number a batch.

    Donsker and Varadhan 1983; Belghazi et al. 2018, MINE, Eq. 5. Tight for $T=\log\frac{p(x,y)}{p(x)p(y)}$ plus any
    constant. On a finite sample the logarithm of a mean is too low on average, so that the *estimate* is biased
    **upwards**, and its gradient is biased too.

    Args:
        joint: Critic values $T$ on pairs that belong together.
        product: Critic values on pairs put together at random (all others of a batch, or shuffled).

    Returns:
        Nats.

    Raises:
        ValueError: An argument is not one axis of at least one value, or holds NaN.
    """
    _two_samples(joint, product)
    return joint.mean() - (torch.logsumexp(product, 0) - math.log(len(product)))


def nwj(joint: Float[Tensor, " n"], product: Float[Tensor, " m"]) -> Float[Tensor, ""]:
    r"""NWJ bound $\mathbb E_{p(x,y)}[T]-\mathbb E_{p(x)p(y)}[e^{T-1}]\le I(x;y)$, a batch statistic.

    Nguyen, Wainwright and Jordan 2010; Nowozin, Cseke and Tomioka 2016 (f-GAN, the KL row of Table 6). Tight for
    $T=1+\log\frac{p(x,y)}{p(x)p(y)}$ only: the constant matters. An unbiased estimate, whose variance
    grows at least like $e^I$, and like $e^{2I}$ for jointly normal pairs. The exponential is the bound itself and
    cannot be moved into a logarithm: above $T\approx 89.7$ single precision overflows to minus infinity.

    Args:
        joint: Critic values $T$ on pairs that belong together.
        product: Critic values on pairs put together at random.

    Returns:
        Nats.

    Raises:
        ValueError: An argument is not one axis of at least one value, or holds NaN.
    """
    _two_samples(joint, product)
    return joint.mean() - torch.exp(product - 1).mean()


def info_nce(scores: Float[Tensor, "n n"]) -> Float[Tensor, " n"]:
    r"""InfoNCE bound $\log n+\log\frac{e^{T_{ii}}}{\sum_j e^{T_{ij}}}$, one value a row; expectation at most $I(x;y)$.

    Van den Oord, Li and Vinyals 2018, Eq. 4; Poole et al. 2019, Eq. 12. Each row is a choice among n candidates, and no
    row exceeds $\log n$: with n pairs nothing beyond $\log n$ nats can be seen, whatever the critic.

    Args:
        scores: $T(x_i, y_j)$ for n pairs: row i holds the candidates of $x_i$, those that belong together lie on the
            diagonal.

    Returns:
        Nats, at most log n.

    Raises:
        ValueError: `scores` is not a square table of at least one row, or holds NaN.
    """
    rank("scores", scores, 2, "x of a pair, y of a pair")
    n = scores.shape[0]
    if n < 1 or scores.shape[1] != n:
        raise ValueError(f"`scores` has shape {tuple(scores.shape)}: give the square table T(x_i, y_j) of n >= 1 pairs")
    no_nan(scores=scores)
    return math.log(n) + scores.diagonal() - torch.logsumexp(scores, 1)


def mutual_information(joint: Float[Tensor, "*batch n m"]) -> Float[Tensor, "*batch"]:
    r"""Exact mutual information $\sum_{ij}p_{ij}\log\frac{p_{ij}}{p_i p_j}$ of two discrete variables from their table.

    Cover and Thomas 2006, Eq. 2.28. Cells of probability 0 count as 0, and send no gradient of their own.

    Args:
        joint: Probabilities of all pairs of values; each table sums to 1.

    Returns:
        Nats, never negative beyond rounding, 0 where the table is the product of its margins.

    Raises:
        ValueError: Fewer than two axes, an entry outside [0, 1], a table that does not sum to 1, or NaN.
    """
    if joint.ndim < 2:
        raise ValueError(f"`joint` has shape {tuple(joint.shape)}: expected a table as its last two axes")
    no_nan(joint=joint)
    within("joint", joint, -1e-6, 1.0 + 1e-6, "counts? divide them by their sum")
    _sums_to_one("joint", joint.sum((-2, -1)), "divide each table by its sum")
    cells = _x_log_x(joint).sum((-2, -1))
    return cells - _x_log_x(joint.sum(-1)).sum(-1) - _x_log_x(joint.sum(-2)).sum(-1)


def paired_mutual_information(logits_a: Float[Tensor, "b n"], logits_b: Float[Tensor, "b m"]) -> Float[Tensor, ""]:
    r"""Mutual information of two discrete codes of paired inputs, such as an image and its deformed copy: one number.

    Ji, Henriques and Vedaldi 2019, Eq. 3: the table is the mean over the batch of the outer products of the
    probabilities of both codes, so that the codes are independent *given* their pair. It is highest when both agree,
    are certain, and use all values equally. For the symmetric table of that paper pass `cat([a, b])` and
    `cat([b, a])`. A statistic of the batch, too high on average where samples are few: take several hundred.

    Args:
        logits_a: Logits of the first code of each pair.
        logits_b: Logits of the second code of each pair.

    Returns:
        Nats, between 0 and the log of the smaller number of values.

    Raises:
        ValueError: An argument is not `(b, values)`, batches differ or are empty, or NaN.
    """
    rank("logits_a", logits_a, 2, "batch, values of the code")
    rank("logits_b", logits_b, 2, "batch, values of the code")
    if len(logits_a) != len(logits_b) or len(logits_a) < 1:
        raise ValueError(
            f"`logits_b` has {len(logits_b)} rows but `logits_a` has {len(logits_a)}: row i of both must be one pair, "
            "and there must be at least one"
        )
    no_nan(logits_a=logits_a, logits_b=logits_b)
    joint = torch.softmax(logits_a, -1).T @ torch.softmax(logits_b, -1) / len(logits_a)
    joint = joint / joint.sum()  # single precision leaves the sum a rounding away from 1
    return mutual_information(joint)


def _x_log_x(p: Tensor) -> Tensor:
    """P log p, with value and gradient 0 at p = 0, where the gradient has no finite value."""
    return torch.where(p > 0, p * torch.where(p > 0, p, 1).log(), 0)


def _two_samples(joint: Tensor, product: Tensor) -> None:
    for name, sample in (("joint", joint), ("product", product)):
        rank(name, sample, 1, "critic values; flatten a table of all pairs first")
        if not len(sample):
            raise ValueError(f"`{name}` holds no critic value (shape (0,)): give at least one pair")
    no_nan(joint=joint, product=product)


def _sums_to_one(name: str, sums: Tensor, remedy: str) -> None:
    tolerance = 1e-3 if sums.dtype in (torch.float32, torch.float64) else 0.05
    within(f"sum of {name}", sums, 1 - tolerance, 1 + tolerance, remedy)
