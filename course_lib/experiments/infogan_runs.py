"""Runs shared by the experiments of lesson 06: train a game, read codes, learn from pairs."""

import time
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.datasets import Batches, ImageSet
from course_lib.experiments.one_core import core
from course_lib.metrics import many_to_one_error, normalized_mutual_information, one_to_one_error
from course_lib.papers.infogan import (
    CodePosterior,
    Codes,
    InfoGan,
    InfoGanConfig,
    PairNet,
    PairsConfig,
    choose_code,
    infogan_optimizers,
    infogan_step,
    information_bounds,
    install_code,
    pair_features,
    pair_rate,
    pair_step,
    sample_codes,
    sample_noise,
)
from course_lib.training import Runtime, generator, seeded
from course_lib.training.errors import NonFiniteError

LOOK = 100  # steps between two entries of a curve


@dataclass
class Trained:
    """A finished game.

    Attributes:
        gan: The networks.
        cfg: Their settings.
        runtime: Where they ran.
        seconds: Processor seconds of training.
        curve: Means of the step's terms over each `LOOK` steps.
    """

    gan: InfoGan
    cfg: InfoGanConfig
    runtime: Runtime
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)


def play(cfg: InfoGanConfig, images: Float[Tensor, "n 1 h w"], seed: int, *, gan: InfoGan | None = None) -> Trained:
    """Train InfoGAN on real images for `cfg.steps` updates, from `gan` or from new networks."""
    rt = core()
    if gan is None:
        with seeded(seed):
            gan = rt.prepare(InfoGan(cfg))
    gan.train()
    opts, gen = infogan_optimizers(gan, cfg), generator(seed)
    batches = iter(Batches(images, batch_size=cfg.batch_size, gen=gen))
    done, sums = Trained(gan, cfg, rt), {}
    start = time.process_time()
    for step in range(1, cfg.steps + 1):
        terms = infogan_step(gan, opts, next(batches), cfg, gen=gen, autocast=rt.autocast())
        sums = {name: sums.get(name, 0) + value for name, value in terms.items()}
        if step % LOOK == 0 or step == cfg.steps:
            count = step - (done.curve[-1]["step"] if done.curve else 0)
            means = {name: round(float(value) / count, 4) for name, value in sums.items()}
            if not all(abs(value) < float("inf") for value in means.values()):
                raise NonFiniteError(f"step {step}: {means}")
            done.curve.append({"step": step, **means})
            sums = {}
    done.seconds = time.process_time() - start
    return done


@torch.no_grad()
def read(done: Trained, images: Float[Tensor, "n 1 h w"], *, statistics: str = "batch") -> CodePosterior:
    """Q(c given x) of images, a thousand at a time, on the CPU.

    Args:
        done: The networks.
        images: Real or generated ones.
        statistics: `batch` normalises by the images at hand, as in training, where real and generated ones went
            through apart; `running` by the moving averages, which mix the two.
    """
    gan = done.gan
    saved = {name: value.clone() for name, value in gan.named_buffers()}
    gan.train(statistics == "batch")
    with done.runtime.autocast():
        parts = [gan.recognise(part.to(done.runtime.device)) for part in images.split(1000)]
    for name, value in gan.named_buffers():
        value.copy_(saved[name])
    gan.train()
    logits = tuple(torch.cat(column).cpu() for column in zip(*(p.logits for p in parts), strict=True))
    return CodePosterior(logits, torch.cat([p.mu for p in parts]).cpu(), torch.cat([p.log_var for p in parts]).cpu())


@torch.no_grad()
def generate(
    done: Trained,
    codes: Codes,
    *,
    gen: torch.Generator | None = None,
    noise: Float[Tensor, "n z"] | None = None,
    statistics: str = "batch",
) -> Float[Tensor, "n 1 h w"]:
    """Images of given codes, with given noise or with noise drawn from `gen`, on the CPU.

    Args:
        done: The networks.
        codes: What to show. With batch statistics they should be mixed as in training: a batch of one class alone
            would be normalised by statistics of its own.
        gen: Source of the noise.
        noise: The noise itself.
        statistics: `batch` as in the official code's grids, or `running` for the moving averages.
    """
    noise = sample_noise(len(codes), done.cfg, generator=gen) if noise is None else noise
    saved = {name: value.clone() for name, value in done.gan.generator.named_buffers()}
    done.gan.generator.train(statistics == "batch")
    with done.runtime.autocast():
        images = done.gan.generator(noise.to(done.runtime.device), codes.to(done.runtime.device)).float().cpu()
    for name, value in done.gan.generator.named_buffers():
        value.copy_(saved[name])
    done.gan.generator.train()
    return images


def bound_on_new_images(done: Trained, *, seed: int = 12_345, n: int = 4000) -> dict[str, float]:
    """L_I of the discrete and the continuous codes on images made for the purpose, nats."""
    gen = generator(seed)
    codes = sample_codes(n, done.cfg, generator=gen)
    bounds = information_bounds(codes, read(done, generate(done, codes, gen=gen)), done.cfg)
    return {name: float(value.mean()) for name, value in bounds.items()}


def agreement(clusters: Int[Tensor, " n"], labels: Int[Tensor, " n"]) -> dict[str, float]:
    """All measures of clusters against classes, rounded for a record."""
    return {
        "one_to_one": round(one_to_one_error(clusters, labels), 5),
        "many_to_one": round(many_to_one_error(clusters, labels), 5),
        "nmi": round(normalized_mutual_information(clusters, labels), 5),
    }


def errors_on_real(done: Trained, images: Float[Tensor, "n 1 h w"], labels: Int[Tensor, " n"]) -> dict[str, dict]:
    """Agreement of the first discrete code with the classes of real images, for both kinds of statistics."""
    kinds = ("batch", "running")
    return {kind: agreement(read(done, images, statistics=kind).logits[0].argmax(1), labels) for kind in kinds}


def learn_from_pairs(
    cfg: InfoGanConfig,
    pairs: PairsConfig,
    images: Float[Tensor, "n 1 h w"],
    seed: int,
    *,
    judged_on: ImageSet | None = None,
) -> tuple[Trained, dict]:
    """Q taught by pairs of deformed real images, its ten-valued code the most informative of all restarts.

    Args:
        cfg: Of the game whose Q it is.
        pairs: The recipe.
        images: Training images.
        seed: Of everything random.
        judged_on: Test images with labels, to count the error of every restart once the choice is made.

    Returns:
        Networks whose separate Q is that Q, or whose discriminator is where there is none (generator and game
        untrained), and what a record keeps: seconds, the information of all restarts, the last step's terms.
    """
    rt, gen = core(), generator(seed)
    with seeded(seed):
        gan = rt.prepare(InfoGan(cfg))
        net = rt.prepare(PairNet(cfg, pairs))
    opt = rt.adam(net.parameters(), pairs.lr)
    batches = iter(Batches(images, batch_size=pairs.batch_size, gen=gen))
    start = time.process_time()
    terms = {}
    for step in range(pairs.steps):
        for group in opt.param_groups:
            group["lr"] = pair_rate(step / pairs.steps, pairs)
        terms = pair_step(net, opt, next(batches).images, pairs, gen=gen, autocast=rt.autocast())
    features_done = time.process_time()
    with rt.autocast():
        features = pair_features(net, images[: pairs.restart_images], pairs, gen=gen)
    choice = choose_code(features, cfg.categories[0], pairs, gen=gen)
    install_code(net.recognition, choice)
    if gan.separate is not None:
        gan.separate.load_state_dict(net.recognition.state_dict())
    else:
        gan.discriminator.trunk.load_state_dict(net.recognition.trunk.state_dict())
        gan.discriminator.recognition.load_state_dict(net.recognition.head.state_dict())
    seconds = time.process_time() - start
    kept = {
        "train_core_seconds": round(seconds, 1),
        "restart_core_seconds": round(time.process_time() - features_done, 1),
        "information": [round(float(i), 4) for i in choice.information],
        "terms": {name: round(float(value), 4) for name, value in terms.items()},
    }
    if judged_on is not None:
        net.eval()
        with torch.no_grad(), rt.autocast():
            seen = torch.cat([net.features(part) for part in judged_on.images.split(1000)])
        named = (seen @ choice.weight.transpose(1, 2) + choice.bias[:, None]).argmax(2)
        kept["restart_errors"] = [round(one_to_one_error(one, judged_on.labels), 5) for one in named]
    return Trained(gan, cfg, rt, seconds), kept
