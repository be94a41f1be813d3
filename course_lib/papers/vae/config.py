"""Settings of the variational autoencoders of lesson 01; the defaults are the published ones."""

from dataclasses import dataclass
from typing import Literal

_OPTIONS = {
    "posterior": ("diagonal", "full"),
    "likelihood": ("bernoulli", "gaussian"),
    "objective": ("elbo", "iwae"),
    "optimizer": ("adam", "muon"),
    "schedule": ("staged", "cosine"),
}


@dataclass(frozen=True, kw_only=True)
class VaeConfig:
    """One stochastic layer, as in Burda, Grosse and Salakhutdinov 2016 (section 5), whose numbers are the defaults.

    Attributes:
        image_size: Height and width of an image, pixels.
        latent: Numbers in the code z.
        hidden: Widths of the deterministic tanh layers of encoder and (reversed) decoder.
        num_classes: Classes to condition encoder, decoder and prior on; 0 is the unconditional model.
        learned_prior: Learn mean and variance of p(z given class) instead of N(0, I); needs `num_classes`.
        posterior: Covariance of q(z given x).
        likelihood: `bernoulli` for binary pixels; `gaussian` for grey values, with one learned variance for all pixels.
        objective: Train on the evidence lower bound or on the importance-weighted bound.
        samples: Samples of z a datum, k.
        beta: Weight of the divergence in the ELBO.
        batch_size: Images a step.
        steps: Optimiser steps.
        optimizer: `adam` is the paper's; `muon` orthogonalises the update of each weight matrix (Jordan et al. 2024).
        vector_lr_ratio: With `muon`, the learning rate of biases (by Adam) as a multiple of `lr`.
        lr: Learning rate; `schedule` says how it falls.
        schedule: `staged` is the paper's (0.001 * 10^(-i/7) for 3^i passes, i = 0..7); `cosine` warms up for
            `warmup` steps and falls to 0.
        warmup: Steps of linear warm-up of the `cosine` schedule.
        adam_eps: Adam's epsilon.
    """

    image_size: int = 28
    latent: int = 50  # section 5: 50 stochastic units
    hidden: tuple[int, ...] = (200, 200)  # section 5: two deterministic layers of 200 tanh units
    num_classes: int = 0
    learned_prior: bool = False
    posterior: Literal["diagonal", "full"] = "diagonal"
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    objective: Literal["elbo", "iwae"] = "elbo"
    samples: int = 1
    beta: float = 1.0
    batch_size: int = 20  # section 5
    steps: int = 9_840_000  # section 5: 3,280 passes over 60,000 images in batches of 20
    optimizer: Literal["adam", "muon"] = "adam"
    vector_lr_ratio: float = 0.3
    lr: float = 1e-3  # section 5
    schedule: Literal["staged", "cosine"] = "staged"
    warmup: int = 500
    adam_eps: float = 1e-4  # section 5

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        for name, options in _OPTIONS.items():
            value = getattr(self, name)
            if value not in options:
                raise ValueError(f"`{name}` (={value!r}) must be one of {', '.join(map(repr, options))}")
        if self.learned_prior and self.num_classes < 1:
            raise ValueError("`learned_prior` needs `num_classes` >= 1: without a class, N(0, I) loses no generality")
        if self.objective == "iwae" and self.beta != 1:
            raise ValueError(f"`beta` (={self.beta}) must be 1 with `objective='iwae'`: the weights w are densities")
        if min(self.samples, self.batch_size, self.steps, self.latent, self.image_size) < 1:
            raise ValueError("`samples`, `batch_size`, `steps`, `latent` and `image_size` must be 1 or more")


# A faster recipe for the same network: warm-up, Muon, a cosine. `standard` keeps the paper's layers.
FAST = {"optimizer": "muon", "lr": 1e-2, "schedule": "cosine", "batch_size": 400, "adam_eps": 1e-8}

# MNIST, 28 x 28, binary pixels drawn anew at each step.
PROFILES = {
    "smoke": VaeConfig(latent=4, hidden=(32,), steps=20, **(FAST | {"batch_size": 32, "warmup": 5})),
    "quick": VaeConfig(latent=20, hidden=(100, 100), steps=2_000, **(FAST | {"warmup": 100})),
    "standard": VaeConfig(steps=24_000, **FAST),
    "paper": VaeConfig(),
}

# The digits that scikit-learn ships, 8 x 8, grey values. They are few: a small code and a short run already overfit
# nothing and fit well, and longer ones start to learn the 1,415 training images by heart.
_GREY = {"image_size": 8, "likelihood": "gaussian", "latent": 2, "hidden": (64, 64)} | FAST | {"warmup": 50}
DIGITS_PROFILES = {
    "smoke": VaeConfig(**(_GREY | {"hidden": (32,), "steps": 60, "batch_size": 64, "warmup": 5})),
    "quick": VaeConfig(**_GREY, steps=1_000),
    "standard": VaeConfig(**(_GREY | {"hidden": (128, 128)}), steps=1_000),
    "paper": VaeConfig(**(_GREY | {"hidden": (128, 128)}), steps=1_000),
}
