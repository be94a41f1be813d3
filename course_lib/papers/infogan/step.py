"""One update of InfoGAN: a step of the discriminator (and Q), then a step of the generator on fresh noise."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from course_lib.datasets.batches import Batch
from course_lib.nn.frozen import frozen
from course_lib.papers.infogan.config import InfoGanConfig
from course_lib.papers.infogan.model import InfoGan, sample_codes, sample_noise
from course_lib.papers.infogan.objective import (
    discriminator_loss,
    generator_loss,
    information_bounds,
    information_loss,
)


def infogan_step(
    gan: InfoGan,
    opts: dict[str, torch.optim.Optimizer],
    batch: Batch,
    cfg: InfoGanConfig,
    *,
    gen: torch.Generator,
    autocast: AbstractContextManager | None = None,
) -> dict[str, Tensor]:
    """Update discriminator and recognition on one batch of real images, then the generator.

    Args:
        gan: The networks.
        opts: Optimisers `d` and `g`, from `infogan_optimizers`.
        batch: Real images in [0, 1]; labels are not looked at.
        cfg: Settings.
        gen: Source of noise and codes.
        autocast: Context of the forward passes, from `Runtime.autocast()`; it may be entered twice.

    Returns:
        `d/loss`, `d/real` and `d/fake` (mean logits), `g/loss`, `info/discrete` and `info/continuous` (the bound on
        the generator's new images, nats) and `total`, means over the batch.
    """
    autocast = autocast or nullcontext()
    real, b, device = batch.images, len(batch.images), batch.images.device
    passive, head_only = cfg.information.startswith("passive"), cfg.information in ("head", "passive_head")
    apart = [] if gan.separate is None else [gan.separate]
    finished = apart if cfg.information == "taught" else []

    # Discriminator and Q: real against generated; Q learns to read the codes of generated images.
    opts["d"].zero_grad(set_to_none=True)
    codes = sample_codes(b, cfg, generator=gen, device=device)
    noise = sample_noise(b, cfg, generator=gen, device=device)
    with frozen(*finished), autocast:
        with torch.no_grad():
            fake = gan.generator(noise, codes)
        logits_real = gan.discriminator.logits(real)  # passes of their own: real and generated share no statistics
        judged = gan.discriminator(fake, detach_recognition=head_only)
        posterior = gan.read(fake, judged)
    game = discriminator_loss(logits_real, judged.logits, cfg).mean()
    loss_d = game + information_loss(information_bounds(codes, posterior, cfg), cfg).mean()
    loss_d.backward()
    opts["d"].step()

    # Generator: images that look real and, unless Q only looks on, whose codes can be read.
    opts["g"].zero_grad(set_to_none=True)
    codes = sample_codes(b, cfg, generator=gen, device=device)
    noise = sample_noise(b, cfg, generator=gen, device=device)
    with frozen(gan.discriminator, *apart), autocast:
        image = gan.generator(noise, codes)
        judged_again = gan.discriminator(image)
        posterior = gan.read(image, judged_again)
    bounds = information_bounds(codes, posterior, cfg)
    game_g = generator_loss(judged_again.logits, cfg).mean()
    loss_g = game_g if passive else game_g + information_loss(bounds, cfg).mean()
    loss_g.backward()
    opts["g"].step()
    return {
        "d/loss": game.detach(),
        "d/real": logits_real.detach().mean(),
        "d/fake": judged.logits.detach().mean(),
        "g/loss": game_g.detach(),
        "info/discrete": bounds["discrete"].detach().mean(),
        "info/continuous": bounds["continuous"].detach().mean(),
        "total": (loss_d + loss_g).detach(),
    }


def infogan_optimizers(gan: InfoGan, cfg: InfoGanConfig) -> dict[str, torch.optim.Optimizer]:
    """Adam for the discriminator with Q, and for the generator, each with its own rate (Chen et al. 2016, App. C)."""
    players = list(gan.discriminator.parameters())
    if gan.separate is not None and cfg.information != "taught":
        players += gan.separate.parameters()
    fused = {"betas": cfg.betas, "fused": players[0].device.type in ("cpu", "cuda")}
    return {
        "d": torch.optim.Adam(players, lr=cfg.lr_d, **fused),
        "g": torch.optim.Adam(gan.generator.parameters(), lr=cfg.lr_g, **fused),
    }
