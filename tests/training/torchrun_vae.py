"""Trains the lesson's VAE with the lesson's own step function; started by `torchrun`, or alone, by test_torchrun."""

import sys
from dataclasses import replace

from course_lib.datasets import Batches, load_digits
from course_lib.papers.vae import DIGITS_PROFILES, Vae, vae_optimizer, vae_step
from course_lib.training import Run, Runtime, generator, seeded


def main(out_dir, samples):
    rt = Runtime.auto("cpu", threads=1)
    cfg = replace(DIGITS_PROFILES["smoke"], steps=20, samples=int(samples))
    train, _ = load_digits()
    with seeded(0):
        vae = rt.prepare(Vae(cfg))
    opt = vae_optimizer(vae, cfg)
    gen = generator(1)
    batches = Batches(train.images, train.labels, batch_size=cfg.batch_size, gen=generator(2))
    options = {"modules": {"vae": vae}, "optimizers": {"vae": opt}, "generators": {"train": gen}}
    with Run(out_dir, config=cfg, runtime=rt, name="01_elbo", log_every=5, **options) as run:
        for step, batch in run.steps(batches, total=cfg.steps):
            run.log(step, vae_step(vae, opt, batch, cfg, gen=gen))
    if rt.is_main:
        print(f"processes {rt.world_size}, rows {len(batch.images)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
