"""Settings of InfoGAN (lesson 06); the defaults are those of the official code for MNIST."""

from dataclasses import dataclass, field
from typing import Literal

from course_lib.papers.infogan.deform import Deformation

Information = Literal["trunk", "head", "passive_head", "passive_separate", "taught"]
GanLoss = Literal["nonsaturating", "minimax", "least_squares", "hinge", "wasserstein"]

_OPTIONS = {
    "gan_loss": ("nonsaturating", "minimax", "least_squares", "hinge", "wasserstein"),
    "information": ("trunk", "head", "passive_head", "passive_separate", "taught"),
    "code_variance": ("fixed", "learned"),
    "noise_prior": ("uniform", "normal"),
    "code_prior": ("uniform", "normal"),
}


@dataclass(frozen=True, kw_only=True)
class InfoGanConfig:
    """Generator, discriminator with a recognition head, and their game.

    Chen et al. 2016 (arXiv 1606.03657) and the official code, openai/InfoGAN; where the two differ the line says so.

    Attributes:
        image_size: Height and width of an image, pixels; a multiple of 4.
        categories: Number of values of each discrete code.
        continuous: Number of continuous codes, each in [-1, 1].
        noise: Incompressible numbers z.
        channels: Channels after the two convolutions (of the generator, reversed).
        hidden: Units of the fully connected layer of either network.
        q_hidden: Units of the recognition head.
        leaky_slope: Slope of the leaky ReLU below 0.
        noise_prior: z uniform on [-1, 1] or standard normal.
        code_prior: Continuous codes uniform on [-1, 1]; `normal` is a port's mistake, N(-1, 1), kept for the lesson.
        gan_loss: What generator and discriminator minimise.
        information: What the information term reaches. `trunk`: generator, recognition head and, in the discriminator's
            step, the layers it shares with D (official code). `head`: generator and head; the shared layers are left
            to D (the paper's formula with these layers counted as D's alone, and some ports). `passive_head`: the head
            only, on detached layers; the generator never hears of it, a plain GAN. `passive_separate`: likewise, a
            network of its own. `taught` (ours, see `pairs.py`): discrete codes are read by a finished network that
            stays as it is, continuous ones as with `trunk`.
        weight_discrete: Weight of the bound for discrete codes (lambda).
        weight_continuous: Weight of the bound for continuous codes.
        code_variance: Variance of the Gaussian Q: 1, or predicted for each image.
        log_var_range: Where a predicted log-variance is clamped; None leaves it free (it then explodes on easy codes).
        batch_size: Images a step.
        steps: Updates; each is one step of D and one of G.
        lr_d: Adam's learning rate of D and Q.
        lr_g: Adam's learning rate of G.
        betas: Adam's betas.
    """

    image_size: int = 28
    categories: tuple[int, ...] = (10,)  # section 7.2: c1 ~ Cat(10)
    continuous: int = 2  # section 7.2: c2, c3 ~ Unif(-1, 1)
    noise: int = 62  # Appendix C.1: 62 + 10 + 2 = 74 inputs
    channels: tuple[int, int] = (64, 128)  # Appendix C.1, Table 1
    hidden: int = 1024  # Table 1
    q_hidden: int = 128  # Table 1
    leaky_slope: float = 0.01  # official code; the paper's text says 0.1
    noise_prior: Literal["uniform", "normal"] = "uniform"  # official code; the paper does not say
    code_prior: Literal["uniform", "normal"] = "uniform"
    gan_loss: GanLoss = "nonsaturating"  # official code; the paper's Eq. 1 is the minimax game
    information: Information = "trunk"  # official code: Q's weights and the trunk are both variables of the D step
    weight_discrete: float = 1.0  # section 6: lambda = 1
    weight_continuous: float = 1.0  # official launcher; the paper speaks of a "smaller" one and lists 1
    code_variance: Literal["fixed", "learned"] = "fixed"  # official MNIST launcher; the paper predicts it
    log_var_range: tuple[float, float] | None = (-6.0, 2.0)  # ours: see (6.11) and (6.12) of lesson 06
    batch_size: int = 128  # official launcher
    steps: int = 5_000  # official launcher: 50 epochs of 100 updates
    lr_d: float = 2e-4  # Appendix C: 2e-4 for D and 1e-3 for G
    lr_g: float = 1e-3
    betas: tuple[float, float] = (0.5, 0.999)  # official code; TensorFlow's default for the second

    def __post_init__(self) -> None:
        """Refuse settings that make no network or contradict each other."""
        for name, options in _OPTIONS.items():
            value = getattr(self, name)
            if value not in options:
                raise ValueError(f"`{name}` (={value!r}) must be one of {', '.join(map(repr, options))}")
        if self.image_size < 4 or self.image_size % 4:
            raise ValueError(f"`image_size` (={self.image_size}) must be a multiple of 4: it is halved twice")
        if any(k < 2 for k in self.categories):
            raise ValueError(f"`categories` (={self.categories}) must be 2 or more each: one value says nothing")
        if self.continuous < 0 or self.noise < 0:
            raise ValueError(f"`continuous` (={self.continuous}) and `noise` (={self.noise}) must be 0 or more")
        if not self.code_size:
            raise ValueError("`categories` and `continuous` name no code: for a plain GAN set the two weights to 0")
        if min(self.batch_size, self.steps, self.hidden, self.q_hidden, *self.channels) < 1:
            raise ValueError("`batch_size`, `steps`, `hidden`, `q_hidden` and `channels` must be 1 or more")
        if min(self.weight_discrete, self.weight_continuous) < 0:
            raise ValueError("`weight_discrete` and `weight_continuous` must be 0 or more: the bound is maximised")

    @property
    def code_size(self) -> int:
        """Numbers of the code as the generator sees it: one-hot discrete codes, then continuous ones."""
        return sum(self.categories) + self.continuous


@dataclass(frozen=True, kw_only=True)
class PairsConfig:
    """How Q learns from pairs of deformed real images (`pairs.py`); not in the paper, the numbers are ours.

    Attributes:
        deformation: What makes the two copies of a pair differ.
        weight_embedding: Weight of InfoNCE between the embeddings.
        weight_codes: Weight of the mean information between discrete codes, in the batch's table.
        embedding: Numbers of the embedding.
        values: Number of values of each discrete code trained with the features.
        temperature: Divides the cosines in InfoNCE.
        batch_size: Pairs a step.
        steps: Steps.
        lr: Adam's learning rate at its highest.
        warmup: Steps of linear warm-up.
        restarts: Ten-valued codes trained on the finished features.
        restart_steps: Steps of each.
        restart_batch: Pairs in such a step.
        restart_lr: Adam's learning rate for them.
        restart_images: Images whose features are kept for them.
    """

    deformation: Deformation = field(default_factory=Deformation)
    weight_embedding: float = 1.0
    weight_codes: float = 1.0
    embedding: int = 64
    values: tuple[int, ...] = (50, 50, 50, 10, 10, 10)
    temperature: float = 0.3
    batch_size: int = 256
    steps: int = 750
    lr: float = 1e-3
    warmup: int = 50
    restarts: int = 64
    restart_steps: int = 300
    restart_batch: int = 2_000
    restart_lr: float = 5e-3
    restart_images: int = 20_000


# How three sources read the same paper: what differs from the defaults.
READINGS = {
    "official": {},
    "paper": {"gan_loss": "minimax", "information": "head", "code_variance": "learned", "leaky_slope": 0.1},
    "port": {  # Natsu6767/InfoGAN-PyTorch
        "information": "head",
        "code_variance": "learned",
        "weight_continuous": 0.1,
        "noise_prior": "normal",
        "leaky_slope": 0.1,
        "lr_g": 2e-4,
    },
}

# MNIST, 28 x 28: the faithful run is the official one, so `standard` is the paper's.
PROFILES = {
    "smoke": InfoGanConfig(channels=(8, 16), hidden=32, q_hidden=16, batch_size=16, steps=5),
    "quick": InfoGanConfig(channels=(16, 32), hidden=128, q_hidden=64, batch_size=64, steps=300),
    "standard": InfoGanConfig(),
    "paper": InfoGanConfig(),
}

# Small networks on small images, and a minute: both rates are tripled, their ratio stays. The game runs the same course
# as at the paper's rates, where the discriminator is ahead for some 600 updates instead of 200. The paper's slope.
_SMALL = {
    "noise": 16,
    "channels": (32, 64),
    "hidden": 256,
    "q_hidden": 64,
    "batch_size": 64,
    "leaky_slope": 0.1,
    "lr_d": 6e-4,
    "lr_g": 3e-3,
}

# The digits that scikit-learn ships, 8 x 8.
_DIGITS = _SMALL | {"image_size": 8}
DIGITS_PROFILES = {
    "smoke": InfoGanConfig(**(_DIGITS | {"channels": (8, 16), "hidden": 32}), steps=20),
    "quick": InfoGanConfig(**_DIGITS, steps=800),
    "standard": InfoGanConfig(**_DIGITS, steps=2_000),
    "paper": InfoGanConfig(**_DIGITS, steps=2_000),
}

# The world of glyphs, 16 x 16, slant and width known.
_GLYPHS = _SMALL | {"image_size": 16}
GLYPHS_PROFILES = {
    "smoke": InfoGanConfig(**(_GLYPHS | {"channels": (8, 16), "hidden": 32}), steps=10),
    "quick": InfoGanConfig(**_GLYPHS, steps=800),
    "standard": InfoGanConfig(**_GLYPHS, steps=2_000),
    "paper": InfoGanConfig(**_GLYPHS, steps=2_000),
}
