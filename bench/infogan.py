"""Time an update of InfoGAN at the paper's size (MNIST, batch 128): ours, each setting, a plain transcription.

python bench/infogan.py [--blocks 10] [--device cpu] [--out bench/results/infogan.json]
"""

import argparse
from collections.abc import Callable

import torch
import torch.nn.functional as F
from alternate import alternate, machine, report
from torch import nn

from course_lib.datasets.batches import Batch
from course_lib.papers.infogan import PROFILES, InfoGan, InfoGanConfig, infogan_optimizers, infogan_step
from course_lib.training import Runtime, generator, seeded


def ours(
    cfg: InfoGanConfig, device: str | None, *, precision: str = "fp32", matmul: str = "medium", fused: bool = True
) -> Callable[[], dict]:
    """One update with the library's networks and step."""
    rt = Runtime.auto(device, threads=1, precision=precision)
    with seeded(0):
        gan = rt.prepare(InfoGan(cfg))
    opts = infogan_optimizers(gan, cfg)
    if not fused:
        for opt in opts.values():
            for group in opt.param_groups:
                group["fused"] = False
    batch = Batch(torch.rand(cfg.batch_size, 1, 28, 28, generator=generator(0)).to(rt.device))
    gen = rt.generator(2)

    def step() -> dict:
        torch.set_float32_matmul_precision(matmul)
        return infogan_step(gan, opts, batch, cfg, gen=gen, autocast=rt.autocast())

    return step


def plain(cfg: InfoGanConfig, device: str | None) -> Callable[[], dict]:
    """The same game transcribed as ports write it: convolutions of 1 x 1 and 7 x 7, nothing frozen, probabilities."""
    rt = Runtime.auto(device, threads=1)
    narrow, wide = cfg.channels
    n = cfg.noise + cfg.code_size
    with seeded(0):
        generate = nn.Sequential(
            *(nn.ConvTranspose2d(n, cfg.hidden, 1), nn.BatchNorm2d(cfg.hidden), nn.ReLU()),
            *(nn.ConvTranspose2d(cfg.hidden, wide, 7), nn.BatchNorm2d(wide), nn.ReLU()),
            *(nn.ConvTranspose2d(wide, narrow, 4, 2, 1), nn.BatchNorm2d(narrow), nn.ReLU()),
            *(nn.ConvTranspose2d(narrow, 1, 4, 2, 1), nn.Sigmoid()),
        ).to(rt.device)
        trunk = nn.Sequential(
            *(nn.Conv2d(1, narrow, 4, 2, 1), nn.LeakyReLU(0.1)),
            *(nn.Conv2d(narrow, wide, 4, 2, 1), nn.BatchNorm2d(wide), nn.LeakyReLU(0.1)),
            *(nn.Conv2d(wide, cfg.hidden, 7), nn.BatchNorm2d(cfg.hidden), nn.LeakyReLU(0.1)),
        ).to(rt.device)
        judge = nn.Sequential(nn.Conv2d(cfg.hidden, 1, 1), nn.Sigmoid()).to(rt.device)
        recognise = nn.Sequential(
            nn.Conv2d(cfg.hidden, cfg.q_hidden, 1), nn.BatchNorm2d(cfg.q_hidden), nn.LeakyReLU(0.1),
            nn.Conv2d(cfg.q_hidden, 14, 1),
        ).to(rt.device)  # fmt: skip
    plain_adam = {"betas": cfg.betas, "fused": False}
    d_params = [*trunk.parameters(), *judge.parameters(), *recognise.parameters()]
    opt_d = torch.optim.Adam(d_params, lr=cfg.lr_d, **plain_adam)
    opt_g = torch.optim.Adam(generate.parameters(), lr=cfg.lr_g, **plain_adam)
    images = torch.rand(cfg.batch_size, 1, 28, 28, generator=generator(0)).to(rt.device)
    b, gen = cfg.batch_size, rt.generator(2)

    def draw() -> tuple:
        classes = torch.randint(10, (b,), generator=gen, device=gen.device)
        rest = torch.rand(b, 2, generator=gen, device=gen.device) * 2 - 1
        noise = torch.rand(b, cfg.noise, generator=gen, device=gen.device) * 2 - 1
        return torch.cat([noise, F.one_hot(classes, 10), rest], 1)[:, :, None, None], classes, rest

    def information(features: torch.Tensor, classes: torch.Tensor, rest: torch.Tensor) -> torch.Tensor:
        out = recognise(features).flatten(1)
        return F.cross_entropy(out[:, :10], classes) + F.mse_loss(out[:, 10:12], rest)  # 1/2 x the sum of two

    def step() -> dict:
        torch.set_float32_matmul_precision("highest")
        opt_d.zero_grad()
        inputs, classes, rest = draw()
        real = judge(trunk(images)).flatten()
        features = trunk(generate(inputs).detach())
        fake = judge(features).flatten()
        loss_d = F.binary_cross_entropy(real, torch.ones_like(real))
        loss_d = loss_d + F.binary_cross_entropy(fake, torch.zeros_like(fake)) + information(features, classes, rest)
        loss_d.backward()
        opt_d.step()
        opt_g.zero_grad()
        inputs, classes, rest = draw()
        features = trunk(generate(inputs))
        fake = judge(features).flatten()
        loss_g = F.binary_cross_entropy(fake, torch.ones_like(fake)) + information(features, classes, rest)
        loss_g.backward()
        opt_g.step()
        return {"total": loss_d.item() + loss_g.item()}

    return step


def table(blocks: int, device: str | None) -> dict:
    """All of them, alternating."""
    cfg = PROFILES["paper"]
    steps = {
        "plain": plain(cfg, device),
        "ours, fp32": ours(cfg, device),
        "ours, fp32, default matmul": ours(cfg, device, matmul="highest"),
        "ours, fp32, plain Adam": ours(cfg, device, fused=False),
    }
    try:
        steps["ours, bf16"] = ours(cfg, device, precision="bf16")
    except ValueError as error:
        print(f"left out: {error}")
    return alternate(steps, base="plain", blocks=blocks, block=4, warm_up=2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", default="bench/results/infogan.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    about = machine()
    report(
        "infogan",
        {"an update, paper's networks, batch 128": table(args.blocks, args.device)},
        out=args.out,
        about=about,
    )
