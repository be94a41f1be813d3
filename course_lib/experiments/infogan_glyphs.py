"""Glyphs: codes of real pictures against their true slant and width, and what the weight of the bound trades."""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.experiments.infogan_effects import code_effects, one_code_each
from course_lib.experiments.infogan_runs import (
    Trained,
    agreement,
    bound_on_new_images,
    generate,
    play,
    read,
)
from course_lib.experiments.record import Measurement
from course_lib.metrics import dci, mutual_information_gap, separated_attribute_predictability
from course_lib.papers.infogan import GLYPHS_PROFILES, sample_codes
from course_lib.training import generator, seeded
from course_lib.worlds import glyphs

SIZE = 16
POOL = 8_000  # pictures to train on
WEIGHTS = (0.0, 0.01, 0.1, 1.0, 10.0)
PEN, INK = 0.12, 0.95  # of every glyph: slant, width and a little wobble are what varies within a class
WOBBLE = 0.3


def draw(n: int, seed: int, *, compiled: bool | None = None) -> tuple[Tensor, glyphs.GlyphFactors]:
    """Pictures with one pen, and their factors."""
    factors = glyphs.sample_factors(n, generator=generator(seed), wobble=WOBBLE)
    factors = replace(factors, stroke=torch.full_like(factors.stroke, PEN), ink=torch.full_like(factors.ink, INK))
    return glyphs.render(factors, size=SIZE, compiled=compiled).images, factors


def disentangled(seed: int) -> dict[str, Measurement]:
    """MIG, DCI and SAP of the continuous codes that Q reads from pictures that no network made."""
    images, _ = draw(POOL, 1000 + seed)
    judged, factors = draw(4000, 2000)
    known = torch.stack([factors.slant, factors.width], 1)
    rows = {}
    for kind in ("trunk", "passive_head"):
        done = play(replace(GLYPHS_PROFILES["standard"], information=kind), images, seed)
        codes = read(done, judged)
        found = dci(codes.mu, known)
        effects = code_effects(done)
        rows[kind] = {
            "mig": mutual_information_gap(codes.mu, known),
            "sap": separated_attribute_predictability(codes.mu, known),
            "disentanglement": found.disentanglement,
            "completeness": found.completeness,
            "informativeness": found.informativeness,
            "clusters": agreement(codes.logits[0].argmax(1), factors.label),
            "bounds": bound_on_new_images(done),
            "effects": effects,
            **one_code_each(effects),
            "train_core_seconds": round(done.seconds, 1),
        }
    return {"glyph_mig": Measurement(rows["trunk"]["mig"], rows["passive_head"]["mig"], rows)}


def sweep(seed: int) -> dict[str, Measurement]:
    """How well slant and width follow a code each, and how good the pictures are, as the bound's weight grows."""
    images, factors = draw(POOL, 1000 + seed)
    judge = classifier(images, factors.label)
    rows = {}
    for weight in WEIGHTS:
        done = play(replace(GLYPHS_PROFILES["quick"], weight_continuous=weight), images, seed)
        r2 = one_code_each(code_effects(done))
        rows[str(weight)] = {
            **r2,
            "mean_r2": (r2["slant"] + r2["width"]) / 2,
            "score": score(done, judge),
            "bounds": bound_on_new_images(done),
            "train_core_seconds": round(done.seconds, 1),
        }
    return {
        "lambda_sweep": Measurement(rows["1.0"]["mean_r2"], rows["0.0"]["mean_r2"], rows),
        "lambda_price": Measurement(rows["10.0"]["score"], rows["0.0"]["score"]),
    }


def classifier(images: Tensor, labels: Tensor, *, steps: int = 300) -> nn.Module:
    """A small network that names glyphs: a judge of pictures, it has seen labels and takes no part in training."""
    with seeded(0):
        net = nn.Sequential(nn.Flatten(), nn.Linear(SIZE * SIZE, 128), nn.ReLU(), nn.Linear(128, 10))
    opt, gen = torch.optim.Adam(net.parameters(), 3e-3), generator(0)
    for _ in range(steps):
        rows = torch.randint(len(images), (256,), generator=gen)
        opt.zero_grad()
        F.cross_entropy(net(images[rows]), labels[rows]).backward()
        opt.step()
    return net.eval()


@torch.no_grad()
def score(done: Trained, judge: nn.Module, n: int = 4000) -> float:
    """Exp of the information between picture and named class (an inception score): at best 10, at worst 1."""
    gen = generator(77)
    pictures = generate(done, sample_codes(n, done.cfg, generator=gen), gen=gen)
    p = judge(pictures).double().softmax(1)
    entropy = torch.special.entr
    return float((entropy(p.mean(0)).sum() - entropy(p).sum(1).mean()).exp())
