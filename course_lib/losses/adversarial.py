"""Adversarial losses: what a discriminator (or critic) and a generator each minimise.

Every function takes the *logits* of the last linear layer, never probabilities, and returns one value a sample, to be
**minimised** by the side in its name; where a discriminator judges patches, `(b, ...)`, their mean is taken. The
generator's functions take the logits of its own images, with the discriminator's weights left as they are
(`course_lib.nn.frozen`); the discriminator's take images that were detached from the generator.

Sources: Goodfellow et al. 2014 (minimax, Eq. 1, and non-saturating, section 3), Mao et al. 2017 (least squares, Eq. 9),
Lim and Ye 2017 and Miyato et al. 2018 (hinge), Arjovsky, Chintala and Bottou 2017 (Wasserstein, Eq. 2), Gulrajani et
al. 2017 (gradient penalty, Eq. 3).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from course_lib.losses._checks import no_nan, same_shape


def minimax_discriminator_loss(
    logits_real: Float[Tensor, "b ..."], logits_fake: Float[Tensor, "b ..."]
) -> Float[Tensor, " b"]:
    r"""Cross-entropy of real against generated, $-\log D(x)-\log(1-D(\tilde x))$ with $D=\sigma(\text{logit})$.

    Minus the value of the game of Goodfellow et al. 2014, Eq. 1; the best discriminator reaches
    $\log 4-2\,\mathrm{JSD}$. It serves the minimax and the non-saturating generator alike.

    Args:
        logits_real: Logits of real samples, large where they look real.
        logits_fake: Logits of generated samples, of the same shape.

    Returns:
        Nats, never negative; $\log 4$ where all logits are 0.

    Raises:
        ValueError: Shapes differ, there is no batch axis, or a logit is NaN.
    """
    real, fake = _pair(logits_real, logits_fake)
    return _per_sample(F.softplus(-real) + F.softplus(fake))


def minimax_generator_loss(logits_fake: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    r"""The generator's side of the minimax game, $\log(1-D(\tilde x))$.

    Goodfellow et al. 2014, Eq. 1. Its gradient vanishes where the discriminator is sure of itself, that is at the
    start: that is why `nonsaturating_generator_loss` is used instead.

    Args:
        logits_fake: Logits of generated samples.

    Returns:
        Nats, never positive.

    Raises:
        ValueError: There is no batch axis, or a logit is NaN.
    """
    return _per_sample(-F.softplus(_one(logits_fake)))


def nonsaturating_generator_loss(logits_fake: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    r"""The generator's loss in practice, $-\log D(\tilde x)$.

    Goodfellow et al. 2014, section 3: the same fixed point as the minimax loss, a gradient that is large where the
    discriminator rejects the sample.

    Args:
        logits_fake: Logits of generated samples.

    Returns:
        Nats, never negative.

    Raises:
        ValueError: There is no batch axis, or a logit is NaN.
    """
    return _per_sample(F.softplus(-_one(logits_fake)))


def least_squares_discriminator_loss(
    logits_real: Float[Tensor, "b ..."], logits_fake: Float[Tensor, "b ..."]
) -> Float[Tensor, " b"]:
    r"""Squared distance to the targets 1 and 0, $\tfrac12(a-1)^2+\tfrac12\tilde a^2$ for outputs $a$ without a sigmoid.

    Mao et al. 2017, Eq. 9.

    Args:
        logits_real: Outputs for real samples, pulled to 1.
        logits_fake: Outputs for generated samples, of the same shape, pulled to 0.

    Returns:
        Never negative.

    Raises:
        ValueError: Shapes differ, there is no batch axis, or an output is NaN.
    """
    real, fake = _pair(logits_real, logits_fake)
    return _per_sample(0.5 * ((real - 1).square() + fake.square()))


def least_squares_generator_loss(logits_fake: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    r"""Squared distance of generated samples to the target of real ones, $\tfrac12(\tilde a-1)^2$.

    Mao et al. 2017, Eq. 9.

    Args:
        logits_fake: Outputs for generated samples.

    Returns:
        Never negative.

    Raises:
        ValueError: There is no batch axis, or an output is NaN.
    """
    return _per_sample(0.5 * (_one(logits_fake) - 1).square())


def hinge_discriminator_loss(
    logits_real: Float[Tensor, "b ..."], logits_fake: Float[Tensor, "b ..."]
) -> Float[Tensor, " b"]:
    r"""Hinge with margin 1, $\max(0, 1-a)+\max(0, 1+\tilde a)$: samples beyond the margin no longer count.

    Lim and Ye 2017; Miyato et al. 2018, Eq. 16. The generator that goes with it minimises
    `wasserstein_generator_loss`.

    Args:
        logits_real: Outputs for real samples.
        logits_fake: Outputs for generated samples, of the same shape.

    Returns:
        Never negative.

    Raises:
        ValueError: Shapes differ, there is no batch axis, or an output is NaN.
    """
    real, fake = _pair(logits_real, logits_fake)
    return _per_sample(F.relu(1 - real) + F.relu(1 + fake))


def wasserstein_discriminator_loss(
    logits_real: Float[Tensor, "b ..."], logits_fake: Float[Tensor, "b ..."]
) -> Float[Tensor, " b"]:
    r"""Minus the critic's gap, $\tilde a-a$.

    Arjovsky, Chintala and Bottou 2017, Eq. 2. Minus its mean estimates $W_1$, from below, only while the critic is
    1-Lipschitz (`gradient_penalty`, approximately); clipped weights bound it by some unknown K, and the value is then
    up to K times $W_1$. Without either it has no minimum.

    Args:
        logits_real: The critic's values of real samples.
        logits_fake: The critic's values of generated samples, of the same shape.

    Returns:
        Any real number.

    Raises:
        ValueError: Shapes differ, there is no batch axis, or a value is NaN.
    """
    real, fake = _pair(logits_real, logits_fake)
    return _per_sample(fake - real)


def wasserstein_generator_loss(logits_fake: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    r"""Minus the critic's value of generated samples, $-\tilde a$; the generator's side of the hinge game too.

    Arjovsky, Chintala and Bottou 2017, Eq. 2; Miyato et al. 2018, Eq. 17.

    Args:
        logits_fake: The critic's values of generated samples.

    Returns:
        Any real number.

    Raises:
        ValueError: There is no batch axis, or a value is NaN.
    """
    return _per_sample(-_one(logits_fake))


def gradient_penalty(gradients: Float[Tensor, "b ..."], target: float = 1.0) -> Float[Tensor, " b"]:
    r"""Squared distance of the norm of the critic's gradient from 1, $(\lVert\nabla_x a\rVert_2-1)^2$.

    Gulrajani et al. 2017, Eq. 3, where it is weighted by 10 and taken at random points between real and generated
    samples. The gradient is the caller's: `torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]`, with a
    critic that does not mix the samples of a batch (no batch normalisation).

    Args:
        gradients: Gradient of each sample's value with respect to that sample.
        target: The norm asked for, 0 or more; 0 gives the penalty of Mescheder et al. 2018 (R1) times 2.

    Returns:
        Never negative; where a gradient is exactly 0 its own derivative is taken to be 0.

    Raises:
        ValueError: There is no axis besides the batch, `target` is negative, or an entry is NaN.
    """
    if gradients.ndim < 2:
        raise ValueError(
            f"`gradients` has shape {tuple(gradients.shape)}: expected (b, ...), the gradient of each sample's value"
        )
    if not target >= 0:
        raise ValueError(f"`target` (={target}) must be 0 or more: it is the norm that the gradient should have")
    no_nan(gradients=gradients)
    # Scaling by the largest entry keeps the square of a huge or tiny one in range; norm() has derivative 0 at 0.
    flat = gradients.flatten(1)
    scale = flat.detach().abs().amax(1, keepdim=True).clamp_min(torch.finfo(flat.dtype).tiny)
    norm = torch.linalg.vector_norm(flat / scale, dim=1) * scale.squeeze(1)
    return (norm - target).square()


def _one(logits: Tensor) -> Tensor:
    if logits.ndim < 1 or logits.numel() == 0:
        raise ValueError(f"`logits_fake` has shape {tuple(logits.shape)}: expected (b,) or (b, patches), not empty")
    no_nan(logits_fake=logits)
    return logits


def _pair(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    same_shape(logits_real=real, logits_fake=fake)
    no_nan(logits_real=real)
    return real, _one(fake)


def _per_sample(values: Tensor) -> Tensor:
    return values if values.ndim == 1 else values.flatten(1).mean(1)
