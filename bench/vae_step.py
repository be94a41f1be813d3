"""Time a step of the VAE of lesson 01 at the paper's size (784-200-200-50): settings, objectives, the cost of `Run`.

python bench/vae_step.py [--blocks 10] [--device cpu] [--out bench/results/vae_step.json]
"""

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace

import torch
from alternate import alternate, machine, report

from course_lib.datasets.batches import Batch
from course_lib.papers.vae import PROFILES, Vae, VaeConfig, vae_optimizer, vae_step
from course_lib.training import Run, Runtime, generator, seeded


def make_step(cfg: VaeConfig, rt: Runtime, *, matmul: str = "medium", fused: bool = True) -> Callable[[], dict]:
    """Return one training step on fixed binary images, closed over a model of its own."""
    with seeded(0):
        vae = rt.prepare(Vae(cfg))
    opt = vae_optimizer(vae, cfg)
    if not fused:
        opt = torch.optim.Adam(vae.parameters(), lr=cfg.lr, fused=False)
    images = torch.rand(cfg.batch_size, 1, 28, 28, generator=generator(0)).bernoulli(generator=generator(1))
    batch, gen = Batch(images.to(rt.device)), rt.generator(2)

    def step() -> dict:
        torch.set_float32_matmul_precision(matmul)
        with rt.autocast():
            return vae_step(vae, opt, batch, cfg, gen=gen)

    return step


def settings(blocks: int, device: str | None) -> dict:
    """Time what Runtime sets, one at a time, with the paper's optimiser."""
    cfg = replace(PROFILES["paper"], batch_size=400)
    rt = Runtime.auto(device, threads=1)
    steps = {
        "ours": make_step(cfg, rt),
        "default matmul": make_step(cfg, rt, matmul="highest"),
        "plain Adam": make_step(cfg, rt, fused=False),
    }
    try:
        steps["bf16"] = make_step(cfg, Runtime.auto(device, threads=1, precision="bf16"))
    except ValueError as error:
        print(f"left out: {error}")
    losses = {name: float(step()["total"]) for name, step in steps.items()}
    first = losses["ours"]
    if any(abs(loss - first) > 0.01 * abs(first) for loss in losses.values()):
        raise RuntimeError(f"the steps disagree, so their times mean nothing: {losses}")
    return alternate(steps, base="default matmul", blocks=blocks)


def objectives(blocks: int, device: str | None) -> dict:
    """Time ELBO steps and importance-weighted steps, to compare training at equal time."""
    rt = Runtime.auto(device, threads=1)
    elbo = PROFILES["standard"]
    steps = {f"ELBO, batch {elbo.batch_size}": make_step(elbo, rt)}
    for batch in (20, 50, 100):
        iw = replace(elbo, objective="iwae", samples=50, batch_size=batch)
        steps[f"k = 50, batch {batch}"] = make_step(iw, rt)
    steps["ELBO, batch 400, paper's Adam"] = make_step(replace(PROFILES["paper"], batch_size=400), rt)
    return alternate(steps, base=next(iter(steps)), blocks=blocks)


def loop(blocks: int, device: str | None) -> dict:
    """Time a bare loop against the same loop with `Run`: progress, log and all."""
    rt = Runtime.auto(device, threads=1)
    cfg = PROFILES["quick"]
    bare, logged = make_step(cfg, rt), make_step(cfg, rt)
    with tempfile.TemporaryDirectory() as folder, Run(folder, config=cfg, runtime=rt, quiet=True) as run:
        steps = run.steps(total=10**9)

        def with_run() -> None:
            number, _ = next(steps)
            run.log(number, logged())

        return alternate({"bare loop": bare, "with Run": with_run}, base="bare loop", blocks=blocks, block=60)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", default="bench/results/vae_step.json")
    args = parser.parse_args()
    torch.set_num_threads(1)
    about = machine()
    tables = {
        "settings, paper's network, batch 400": settings(args.blocks, args.device),
        "objectives, standard profile": objectives(args.blocks, args.device),
        "the loop, quick profile": loop(args.blocks, args.device),
    }
    report("vae_step", tables, out=args.out, about=about)
