"""The variational autoencoder of Kingma and Welling 2014 and its conditional form, at the size of Burda et al. 2016."""

import itertools
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from course_lib.losses.elbo import bernoulli_log_likelihood, gaussian_log_likelihood
from course_lib.nn.gaussian import DiagonalGaussian, FullGaussian
from course_lib.papers.vae.config import VaeConfig
from course_lib.training.randomness import noise_like


@dataclass(frozen=True)
class VaeOutput:
    """What one pass yields; k samples of z for each of b images.

    Attributes:
        posterior: q(z given x), or q(z given x, y).
        prior: p(z), or p(z given y).
        z: Reparameterised samples, `(k, b, z)`.
        decoded: Decoder output for each sample, `(k, b, d)`: logits of binary pixels, or means of grey ones.
        pixel_log_var: Log-variance of grey pixels, a scalar; None where pixels are binary.
    """

    posterior: DiagonalGaussian | FullGaussian
    prior: DiagonalGaussian
    z: Float[Tensor, "k b z"]
    decoded: Float[Tensor, "k b d"]
    pixel_log_var: Float[Tensor, ""] | None = None


class Vae(nn.Module):
    """Encoder x -> q(z given x), prior p(z), decoder z -> p(x given z).

    In words: image (d numbers) -> tanh layers -> mean and log-variance of z; z -> the same layers reversed -> d logits.
    With classes, the one-hot label is appended to the input of the encoder and to z; with a learned prior a table
    holds one mean and one log-variance of z for each class.

    Burda et al. 2016, section 5 (L = 1): 784-200-200-50 and back. Weights are drawn after Glorot and Bengio, biases
    are zero, except the output's, which starts at the logits of the mean image when `init_output` is called.
    """

    def __init__(self, cfg: VaeConfig) -> None:
        super().__init__()
        self.cfg = cfg
        self.pixels = cfg.image_size**2
        self.num_classes = cfg.num_classes
        z = cfg.latent
        spread = z if cfg.posterior == "diagonal" else z * (z + 1) // 2
        self.encoder = _tanh_layers(self.pixels + cfg.num_classes, *cfg.hidden)
        self.to_posterior = nn.Linear(cfg.hidden[-1], z + spread)
        self.decoder = _tanh_layers(z + cfg.num_classes, *reversed(cfg.hidden))
        self.to_pixels = nn.Linear(cfg.hidden[0], self.pixels)
        self.prior_table = nn.Embedding(cfg.num_classes, 2 * z) if cfg.learned_prior else None
        self.pixel_log_var = nn.Parameter(torch.tensor(-2.0)) if cfg.likelihood == "gaussian" else None
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        if self.prior_table is not None:
            nn.init.zeros_(self.prior_table.weight)  # starts as N(0, I)

    @torch.no_grad()
    def init_output(self, mean_image: Float[Tensor, "*pixels"]) -> None:
        """Start the decoder at the mean image, so that no step is spent on learning that borders are black."""
        mean = mean_image.flatten().to(self.to_pixels.bias)
        self.to_pixels.bias.copy_(torch.logit(mean, eps=1e-3) if self.pixel_log_var is None else mean)

    def encode(
        self, x: Float[Tensor, "b ..."], labels: Int[Tensor, " b"] | None = None
    ) -> DiagonalGaussian | FullGaussian:
        """Posterior q(z given x), or q(z given x, y) with labels."""
        if x.flatten(1).shape[1] != self.pixels:
            size = self.cfg.image_size
            raise ValueError(
                f"`x` has shape {tuple(x.shape)}: expected {size} x {size} pixels (`image_size` of its config)"
            )
        hidden = self.encoder(self._with_labels(x.flatten(1), labels))
        z = self.cfg.latent
        mu, spread = self.to_posterior(hidden).split([z, self.to_posterior.out_features - z], 1)
        if self.cfg.posterior == "diagonal":
            return DiagonalGaussian(mu, spread)
        tril = mu.new_zeros(len(mu), z, z)
        rows, cols = torch.tril_indices(z, z, device=mu.device)
        # exp on the diagonal keeps the factor valid; 0 everywhere is the identity.
        tril[:, rows, cols] = torch.where(rows == cols, torch.exp(0.5 * spread), spread).to(tril.dtype)
        return FullGaussian(mu, tril)

    def prior(self, b: int, labels: Int[Tensor, " b"] | None = None) -> DiagonalGaussian:
        """Prior for `b` data: N(0, I), or p(z given y) when it is learned."""
        if self.prior_table is None:
            zeros = self.to_pixels.weight.new_zeros(b, self.cfg.latent)
            return DiagonalGaussian(zeros, zeros)
        self._check_labels(labels, b)
        return DiagonalGaussian(*self.prior_table(labels).chunk(2, 1))

    def decode(self, z: Float[Tensor, "*k z"], labels: Int[Tensor, " b"] | None = None) -> Float[Tensor, "*k d"]:
        """Logits (binary pixels) or means (grey) of p(x given z); labels go with the last leading axis of z."""
        return self.to_pixels(self.decoder(self._with_labels(z, labels)))

    def forward(
        self,
        x: Float[Tensor, "b ..."],
        labels: Int[Tensor, " b"] | None = None,
        *,
        noise: Float[Tensor, "k b z"] | None = None,
        gen: torch.Generator | None = None,
        samples: int = 1,
    ) -> VaeOutput:
        """Encode, sample z from the posterior, decode.

        Args:
            x: Images, pixels in [0, 1].
            labels: Classes, for a conditional model.
            noise: Standard normal numbers; drawn from `gen` when not given.
            gen: Source of the noise.
            samples: How many z a datum, k, when `noise` is not given.
        """
        posterior = self.encode(x, labels)
        if noise is None:
            noise = noise_like(posterior.mu.expand(samples, -1, -1), gen=gen, dim=1)
        z = posterior.sample(noise)
        return VaeOutput(posterior, self.prior(len(x), labels), z, self.decode(z, labels), self.pixel_log_var)

    def _with_labels(self, values: Float[Tensor, "*k n"], labels: Int[Tensor, " b"] | None) -> Float[Tensor, "*k m"]:
        if self.num_classes == 0:
            if labels is not None:
                raise ValueError("`labels` given to an unconditional VAE: leave them out, or set `num_classes`")
            return values
        self._check_labels(labels, values.shape[-2])
        one_hot = F.one_hot(labels, self.num_classes).to(values)
        return torch.cat([values, one_hot.expand(*values.shape[:-1], -1)], -1)

    def _check_labels(self, labels: Int[Tensor, " b"] | None, b: int) -> None:
        if labels is None:
            raise ValueError(f"`labels` missing: this VAE is conditional on {self.num_classes} classes")
        if labels.shape != (b,):
            raise ValueError(f"`labels` has shape {tuple(labels.shape)}: expected {(b,)}, one class a datum")
        if labels.is_floating_point():
            raise ValueError(f"`labels` has type {labels.dtype}: classes are whole numbers, use `.long()`")
        if labels.device.type == "cpu" and len(labels) and not torch.compiler.is_compiling():
            low, high = int(labels.min()), int(labels.max())
            if low < 0 or high >= self.num_classes:
                raise ValueError(
                    f"`labels` spans {low} to {high}: this VAE knows the classes 0 to {self.num_classes - 1}"
                )


def log_likelihoods(x: Float[Tensor, "b ..."], out: VaeOutput) -> Float[Tensor, "k b"]:
    """Return log p(x given z) for each of the k samples, nats."""
    k, b, d = out.decoded.shape
    # The images repeated k times along the batch: one call of the per-sample loss serves all samples.
    repeated = x.flatten(1).expand(k, b, d).reshape(k * b, d)
    decoded = out.decoded.reshape(k * b, d)
    if out.pixel_log_var is None:
        return bernoulli_log_likelihood(repeated, decoded).view(k, b)
    return gaussian_log_likelihood(repeated, decoded, out.pixel_log_var).view(k, b)


def log_density_ratio(out: VaeOutput) -> Float[Tensor, "k b"]:
    """Return log p(z) - log q(z given x) for each sample, nats: with `log_likelihoods` it makes log w."""
    return out.prior.log_density(out.z) - out.posterior.log_density(out.z)


def _tanh_layers(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(widths):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    return nn.Sequential(*layers)
