"""Claims measured on the 1,797 real digits that scikit-learn ships."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from course_lib.datasets import Batches, ImageSet, load_digits
from course_lib.experiments.record import Measurement
from course_lib.losses import elbo, gaussian_log_density
from course_lib.metrics import importance_log_likelihood
from course_lib.nn.gaussian import DiagonalGaussian, FullGaussian
from course_lib.papers.vae import (
    DIGITS_PROFILES,
    Vae,
    VaeConfig,
    VaeOutput,
    draw_log_weights,
    log_likelihoods,
    set_rate,
    vae_optimizer,
    vae_step,
)
from course_lib.training import generator, seeded


def train_digits(cfg: VaeConfig, seed: int, train: ImageSet) -> Vae:
    """Train one VAE on grey digits, as the lesson's visible loop does, without a record on disk."""
    with seeded(seed):
        vae = Vae(cfg)
    vae.init_output(train.images.mean(0))
    opt, gen = vae_optimizer(vae, cfg), generator(seed)
    batches = iter(Batches(train.images, train.labels, batch_size=cfg.batch_size, gen=gen))
    for step in range(cfg.steps):
        set_rate(opt, step / cfg.steps, cfg)
        vae_step(vae, opt, next(batches), cfg, gen=gen)
    return vae.requires_grad_(False).eval()


def digits(seed: int) -> dict[str, Measurement]:
    """A VAE against PCA and probabilistic PCA with codes of the same size, on unseen writers."""
    train, test = load_digits()
    cfg = DIGITS_PROFILES["quick"]
    vae = train_digits(cfg, seed, train)
    x = test.images.flatten(1)
    rebuilt = vae.decode(vae.encode(x).mu)
    pca = Ppca.fit(train.images.flatten(1), cfg.latent)
    nll = -float(log_evidence(vae, test, seed=seed).mean())
    return {
        "digits_vae_beats_pca": Measurement(_rmse(x, rebuilt), _rmse(x, pca.reconstruct(x))),
        "digits_vae_beats_ppca": Measurement(nll, -float(pca.log_evidence(x).mean())),
    }


def conditional(seed: int) -> dict[str, Measurement]:
    """The same network with and without the class."""
    train, test = load_digits()
    plain = DIGITS_PROFILES["quick"]
    given = replace(plain, num_classes=10, learned_prior=True)
    nll = {cfg: -float(log_evidence(train_digits(cfg, seed, train), test, seed=seed).mean()) for cfg in (plain, given)}
    gain = nll[plain] - nll[given]
    extra = {"gain": gain, "ceiling_if_both_were_perfect": math.log(10)}
    return {"conditional_beats_unconditional": Measurement(nll[given], nll[plain], extra)}


def richer(seed: int, count: int = 100) -> dict[str, Measurement]:
    """The gap of three posteriors under one decoder: the encoder's, the best diagonal one, the best full one."""
    train, test = load_digits()
    vae = train_digits(DIGITS_PROFILES["quick"], seed, train)
    x = test.images[:count].flatten(1)
    truth = grid_log_evidence(vae, x).mean()
    gaps = {
        name: float(truth - posterior_elbo(vae, x, q, seed=seed).mean())
        for name, q in (("encoder", vae.encode(x)), *((f, best_posterior(vae, x, f, seed=seed)) for f in FAMILIES))
    }
    return {"richer_q_gap": Measurement(gaps["diagonal"] - gaps["full"], extra=gaps)}


FAMILIES = ("diagonal", "full")


def best_posterior(vae: Vae, x: Tensor, family: str, *, seed: int, steps: int = 600) -> DiagonalGaussian | FullGaussian:
    """Raise the ELBO of each datum by its own posterior parameters, the decoder held fixed: no amortisation gap.

    Args:
        vae: A trained model, its parameters without gradients.
        x: Data, `(b, d)`.
        family: `diagonal` or `full`.
        seed: Seed of the noise.
        steps: Steps of Adam.
    """
    start, gen = vae.encode(x), generator(seed)
    mu = start.mu.clone().requires_grad_()
    scale = torch.diag_embed(0.5 * start.log_var).requires_grad_()  # log on the diagonal, as it is below it
    opt = torch.optim.Adam([mu, scale], lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(opt, steps)
    for _ in range(steps):
        opt.zero_grad()
        q = _posterior(mu, scale, family)
        noise = torch.randn(8, *mu.shape, generator=gen)
        (-_elbo_of(vae, x, q, torch.cat([noise, -noise])).sum()).backward()
        opt.step()
        schedule.step()
    return _posterior(mu.detach(), scale.detach(), family)


@torch.no_grad()
def posterior_elbo(
    vae: Vae, x: Tensor, q: DiagonalGaussian | FullGaussian, *, seed: int, samples: int = 2000
) -> Tensor:
    """The ELBO of each datum under the posterior `q`, `(b,)`, nats."""
    noise = torch.randn(samples, *q.mu.shape, generator=generator(seed + 1))
    return _elbo_of(vae, x, q, noise)


@torch.no_grad()
def grid_log_evidence(vae: Vae, x: Tensor, *, half_width: float = 6.0, points: int = 241) -> Tensor:
    """Compute log p(x) of each datum by the trapezium rule over a 2-number code: no sampling at all.

    Args:
        vae: An unconditional model with a code of 2 numbers.
        x: Data, `(b, d)`.
        half_width: The grid covers this many prior standard deviations each way.
        points: Points along each side.
    """
    side = torch.linspace(-half_width, half_width, points)
    z = torch.cartesian_prod(side, side)
    log_cell = 2 * math.log(2 * half_width / (points - 1))
    prior = gaussian_log_density(z, torch.zeros(2), torch.zeros(2))
    decoded = vae.decode(z)
    rows = []
    for datum in x:
        out = VaeOutput(vae.encode(datum[None]), vae.prior(1), z[:, None], decoded[:, None], vae.pixel_log_var)
        rows.append(torch.logsumexp(log_likelihoods(datum[None], out)[:, 0] + prior + log_cell, 0))
    return torch.stack(rows)


def log_evidence(vae: Vae, data: ImageSet, *, seed: int, samples: int = 2000) -> Tensor:
    """Importance-sampled log p(x), or log p(x given class) of a conditional model, for each datum, nats."""
    gen = generator(seed + 2)
    x = data.images.flatten(1)
    # Rows carry their label in a last column, so that both travel through the batches together.
    rows = torch.cat([x, data.labels[:, None].to(x)], 1)

    def weights(chunk: Tensor, k: int) -> Tensor:
        labels = chunk[:, -1].long() if vae.num_classes else None
        return draw_log_weights(vae, chunk[:, :-1], k, labels=labels, gen=gen)

    return importance_log_likelihood(weights, rows, samples=samples, rows=20_000)


class Ppca:
    """Probabilistic PCA, fitted in closed form (Tipping and Bishop 1999, Eqs 7 and 8)."""

    def __init__(self, mean: Tensor, axes: Tensor, eigenvalues: Tensor, noise_var: float) -> None:
        self.mean, self.axes, self.eigenvalues, self.noise_var = mean, axes, eigenvalues, noise_var

    @classmethod
    def fit(cls, x: Tensor, latent: int) -> "Ppca":
        """Fit to data `(n, d)`; the noise variance is the mean of the eigenvalues left out."""
        mean = x.double().mean(0)
        values, vectors = torch.linalg.eigh(torch.cov(x.double().T, correction=0))
        return cls(mean, vectors[:, -latent:], values[-latent:], float(values[:-latent].mean()))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Orthogonal projection onto the principal plane: no linear code of this size has a smaller error."""
        return self.mean + (x.double() - self.mean) @ self.axes @ self.axes.T

    def log_evidence(self, x: Tensor) -> Tensor:
        """Compute log p(x) under N(mean, W W' + s^2 I), for each datum, nats."""
        d = x.shape[1]
        centred = x.double() - self.mean
        coded = centred @ self.axes
        outside = centred.square().sum(1) - coded.square().sum(1)
        log_det = self.eigenvalues.log().sum() + (d - len(self.eigenvalues)) * math.log(self.noise_var)
        quadratic = (coded.square() / self.eigenvalues).sum(1) + outside / self.noise_var
        return -0.5 * (d * math.log(2 * math.pi) + log_det + quadratic)


def _posterior(mu: Tensor, scale: Tensor, family: str) -> DiagonalGaussian | FullGaussian:
    log_diagonal = scale.diagonal(dim1=-2, dim2=-1)
    if family == "diagonal":
        return DiagonalGaussian(mu, 2 * log_diagonal)
    return FullGaussian(mu, torch.diag_embed(log_diagonal.exp()) + scale.tril(-1))


def _elbo_of(vae: Vae, x: Tensor, q: DiagonalGaussian | FullGaussian, noise: Tensor) -> Tensor:
    z = q.sample(noise)
    out = VaeOutput(q, vae.prior(len(x)), z, vae.decode(z), vae.pixel_log_var)
    return elbo(log_likelihoods(x, out).mean(0), q.kl(out.prior))


def _rmse(x: Tensor, rebuilt: Tensor) -> float:
    return float((x - rebuilt).square().mean().sqrt())
