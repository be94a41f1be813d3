"""Gaussians that a network emits: sample by reparameterisation, evaluate the density, compare with another."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.losses.elbo import LOG_2PI, full_gaussian_kl, gaussian_kl, gaussian_log_density


@dataclass(frozen=True)
class DiagonalGaussian:
    """A Gaussian with independent coordinates for each datum of a batch.

    Attributes:
        mu: Means, `(b, z)`.
        log_var: Log-variances, `(b, z)`.
    """

    mu: Float[Tensor, "b z"]
    log_var: Float[Tensor, "b z"]

    def sample(self, noise: Float[Tensor, "k b z"]) -> Float[Tensor, "k b z"]:
        """Reparameterised samples mu + sigma * noise (Kingma and Welling 2014, section 2.4)."""
        return self.mu + torch.exp(0.5 * self.log_var) * noise

    def log_density(self, value: Float[Tensor, "k b z"]) -> Float[Tensor, "k b"]:
        """Log-density at k values for each datum, nats."""
        return gaussian_log_density(value, self.mu, self.log_var)

    def kl(self, prior: "DiagonalGaussian") -> Float[Tensor, " b"]:
        """Divergence of this Gaussian from `prior`, nats."""
        return gaussian_kl(self.mu, self.log_var, prior.mu, prior.log_var)


@dataclass(frozen=True)
class FullGaussian:
    """A Gaussian with a full covariance for each datum of a batch.

    Attributes:
        mu: Means, `(b, z)`.
        tril: Lower Cholesky factors of the covariances, `(b, z, z)`, positive on the diagonal.
    """

    mu: Float[Tensor, "b z"]
    tril: Float[Tensor, "b z z"]

    @property
    def log_var(self) -> Float[Tensor, "b z"]:
        """Log of the marginal variances."""
        return self.tril.square().sum(-1).log()

    def sample(self, noise: Float[Tensor, "k b z"]) -> Float[Tensor, "k b z"]:
        """Reparameterised samples mu + L noise."""
        return self.mu + torch.einsum("bij,kbj->kbi", self.tril, noise)

    def log_density(self, value: Float[Tensor, "k b z"]) -> Float[Tensor, "k b"]:
        """Log-density at k values for each datum, nats."""
        # Triangular solves exist in single precision and above only.
        tril, shift = self.tril.float() if self.tril.element_size() < 4 else self.tril, value - self.mu
        whitened = torch.linalg.solve_triangular(tril, shift.to(tril.dtype).unsqueeze(-1), upper=False).squeeze(-1)
        log_det = self.tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return -0.5 * (LOG_2PI * value.shape[-1] + whitened.square().sum(-1)) - log_det

    def kl(self, prior: DiagonalGaussian) -> Float[Tensor, " b"]:
        """Divergence of this Gaussian from a diagonal `prior`, nats."""
        return full_gaussian_kl(self.mu, self.tril, prior.mu, torch.diag_embed(torch.exp(0.5 * prior.log_var)))
