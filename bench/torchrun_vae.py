"""Train the VAE of lesson 01 on the digits with one process or several, and say what a step takes.

    python bench/torchrun_vae.py --profile quick
    torchrun --nproc-per-node 2 bench/torchrun_vae.py --profile quick

The step function is the lesson's own. Every process draws the same global batch and the same noise and keeps its rows,
so the loss of each step is that of one process with the same batch.
"""

import argparse
import time
from dataclasses import replace

from course_lib.datasets import Batches, load_digits
from course_lib.papers.vae import DIGITS_PROFILES, Vae, set_rate, vae_optimizer, vae_step
from course_lib.training import Run, Runtime, seeded


def main(args: argparse.Namespace) -> None:
    """Train and print one line."""
    rt = Runtime.auto(args.device, threads=args.threads)
    cfg = DIGITS_PROFILES[args.profile]
    cfg = replace(cfg, steps=args.steps or cfg.steps, samples=args.samples)
    train, _ = load_digits()
    with seeded(args.seed):
        vae = rt.prepare(Vae(cfg))
    opt, gen = vae_optimizer(vae, cfg), rt.generator(args.seed)
    images, labels = train.images.to(rt.device), train.labels.to(rt.device)
    batches = Batches(images, labels, batch_size=cfg.batch_size, gen=rt.generator(args.seed + 1))
    parts = {"modules": {"vae": vae}, "optimizers": {"vae": opt}, "generators": {"train": gen, "batches": batches.gen}}
    options = {"name": "torchrun_vae", "profile": args.profile, "seed": args.seed, "quiet": args.quiet}
    with Run(args.out_dir, config=cfg, runtime=rt, **parts, **options) as run:
        start = time.perf_counter()
        for step, batch in run.steps(batches, total=cfg.steps):
            set_rate(opt, (step - 1) / cfg.steps, cfg)
            run.log(step, vae_step(vae, opt, batch, cfg, gen=gen))
        seconds = time.perf_counter() - start
    if rt.is_main:
        pace, rows = 1e3 * seconds / cfg.steps, len(batch.images)
        print(f"{rt.world_size} processes on {rt.name}, {rows} rows each: {pace:.2f} ms a step, {run.latest}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=list(DIGITS_PROFILES), default="quick")
    parser.add_argument("--steps", type=int, help="instead of the profile's")
    parser.add_argument("--samples", type=int, default=1, help="samples of z a datum")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", help="cpu or cuda; a GPU where there is one")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of each process")
    parser.add_argument("--out-dir", default="", help="runs/torchrun_vae/... of the checkout")
    parser.add_argument("--quiet", action="store_true")
    main(parser.parse_args())
