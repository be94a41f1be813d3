"""Failures of InfoGAN made on purpose, each with the number that tells it from a game that went well."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets import load_digits
from course_lib.experiments.infogan_runs import Trained, bound_on_new_images, generate, play, read
from course_lib.experiments.one_core import core
from course_lib.experiments.record import Measurement
from course_lib.papers.infogan import (
    DIGITS_PROFILES,
    CodePosterior,
    Codes,
    InfoGan,
    InfoGanConfig,
    RecognitionHead,
    sample_codes,
    sample_noise,
)
from course_lib.training import generator, seeded

FLOOR = math.log(math.e + 9) - 1  # what two softmaxes leave of a cross-entropy over ten values: 1.4612


class TwiceNormalised(RecognitionHead):
    """The recognition head of a port: it ends in a softmax, and the loss takes another."""

    def forward(self, features: Float[Tensor, "b n"]) -> CodePosterior:
        """Q whose logits are probabilities already, so that none can be above 1."""
        found = super().forward(features)
        return CodePosterior(tuple(logits.softmax(1) for logits in found.logits), found.mu, found.log_var)


@dataclass(frozen=True)
class Failure:
    """One way to break the game.

    Attributes:
        words: What was done.
        settings: The configuration that does it, from the one that works.
        symptom: The number that shows it.
        twice: The head ends in a softmax of its own.
        mended: The configuration that mends it; the one that works if not given.
    """

    words: str
    settings: Callable[[InfoGanConfig], InfoGanConfig]
    symptom: Callable[[Trained, Tensor], float]
    twice: bool = False
    mended: Callable[[InfoGanConfig], InfoGanConfig] = lambda cfg: cfg


def code_over_noise(done: Trained, real: Tensor, n: int = 400) -> float:
    """Mean change of a picture when its class changes alone, over that when its noise changes alone."""
    gen = generator(11)
    codes = sample_codes(n, done.cfg, generator=gen)
    noise, other = (sample_noise(n, done.cfg, generator=gen) for _ in range(2))
    next_class = Codes((codes.classes + 1) % done.cfg.categories[0], codes.continuous)
    first, recoded, redrawn = (
        generate(done, code, noise=z) for code, z in ((codes, noise), (next_class, noise), (codes, other))
    )
    return float((first - recoded).abs().mean() / (first - redrawn).abs().mean().clamp_min(1e-9))


def variety(done: Trained, real: Tensor, n: int = 400) -> float:
    """Mean distance between two generated pictures over that between two real ones: 1 when all is well."""
    gen = generator(12)
    drawn = generate(done, sample_codes(n, done.cfg, generator=gen), gen=gen)
    return float(torch.cdist(drawn.flatten(1), drawn.flatten(1)).mean()) / float(
        torch.cdist(real[:n].flatten(1), real[:n].flatten(1)).mean()
    )


def cross_entropy_of_code(done: Trained, real: Tensor) -> float:
    """The loss of the discrete code as the game computes it, nats."""
    entropy = float(torch.tensor(done.cfg.categories[0]).log())
    return entropy - bound_on_new_images(done, n=1000)["discrete"]


def shown_by_sweep(done: Trained, real: Tensor, n: int = 300) -> float:
    """How much of what the first continuous code can do a sweep from -1 to 1 shows.

    Returns:
        Mean distance of the pictures at both ends of the sweep, over that of the pictures between which 98 % of the
        codes of training lie: 1 when training and sweep agree.
    """
    gen = generator(13)
    codes, noise = sample_codes(n, done.cfg, generator=gen), sample_noise(n, done.cfg, generator=gen)

    def at(value: float) -> Tensor:
        continuous = codes.continuous.clone()
        continuous[:, 0] = value
        pictures = generate(done, Codes(codes.classes, continuous), noise=noise, statistics="running")
        return pictures.flatten(1)

    trained = sample_codes(20_000, done.cfg, generator=gen).continuous[:, 0]
    low, high = (float(trained.quantile(q)) for q in (0.01, 0.99))
    whole = (at(low) - at(high)).norm(dim=1).mean().clamp_min(1e-9)
    return float((at(-1.0) - at(1.0)).norm(dim=1).mean() / whole)


def push_on_generator(done: Trained, real: Tensor, n: int = 1000) -> float:
    """Root mean square of the weighted derivative of log Q by the mean of a continuous code, on generated images.

    That is lambda (c - mu) / sigma^2, what the code sends to the generator through the mean that Q reads.
    """
    gen = generator(14)
    codes = sample_codes(n, done.cfg, generator=gen)
    found = read(done, generate(done, codes, gen=gen))
    push = (codes.continuous - found.mu) / found.log_var.exp()
    return done.cfg.weight_continuous * float(push.square().mean().sqrt())


FAILURES = {
    "ignored": Failure(
        "the information has weight 0",
        lambda cfg: replace(cfg, information="passive_head"),
        code_over_noise,
    ),
    "d_wins": Failure(
        "minimax loss, and a discriminator that learns twice as fast as the generator",
        lambda cfg: replace(cfg, gan_loss="minimax", lr_d=2 * cfg.lr_g),
        variety,
    ),
    "two_softmaxes": Failure("Q ends in a softmax", lambda cfg: cfg, cross_entropy_of_code, twice=True),
    "normal_codes": Failure("codes drawn from N(-1, 1)", lambda cfg: replace(cfg, code_prior="normal"), shown_by_sweep),
    "exploding": Failure(
        "variance learned, at the full weight",
        lambda cfg: replace(cfg, code_variance="learned", log_var_range=None),
        push_on_generator,
        mended=lambda cfg: replace(cfg, code_variance="learned", log_var_range=None, weight_continuous=0.1),
    ),
}


def broken(failure: Failure, cfg: InfoGanConfig, images: Float[Tensor, "n 1 h w"], seed: int) -> Trained:
    """Train the game with one thing broken."""
    cfg = failure.settings(cfg)
    if not failure.twice:
        return play(cfg, images, seed)
    with seeded(seed):
        gan = InfoGan(cfg)
    twice = TwiceNormalised(cfg)
    twice.load_state_dict(gan.discriminator.recognition.state_dict())  # the same first weights as without the mistake
    gan.discriminator.recognition = twice
    return play(cfg, images, seed, gan=core().prepare(gan))


def failures(seed: int) -> dict[str, Measurement]:
    """The game on the 8 x 8 digits without each mistake, against the same game with it."""
    cfg, images = DIGITS_PROFILES["quick"], load_digits()[0].images
    well = play(cfg, images, seed)
    found = {}
    for name, failure in FAILURES.items():
        sick = broken(failure, cfg, images, seed)
        mended = failure.mended(cfg)
        whole = well if mended == cfg else play(mended, images, seed)
        found[f"failure_{name}"] = Measurement(
            failure.symptom(whole, images),
            failure.symptom(sick, images),
            {
                "variety": [round(variety(one, images), 4) for one in (whole, sick)],
                "d_loss": [one.curve[-1]["d/loss"] for one in (whole, sick)],
                "bounds": bound_on_new_images(sick, n=1000),
                "train_core_seconds": round(sick.seconds, 1),
            },
        )
    return found
