"""InfoGAN's step: who is updated by what, for each reading of the information gradient; learning; half precision."""

import copy
from dataclasses import replace

import pytest
import torch

from course_lib.datasets.batches import Batch
from course_lib.papers.infogan import PROFILES, InfoGan, infogan_optimizers, infogan_step
from course_lib.training import Runtime, generator, seeded

SMALL = PROFILES["smoke"]
KINDS = ("trunk", "head", "passive_head", "passive_separate", "taught")


def build(cfg, seed=0):
    with seeded(seed):
        return InfoGan(cfg)


def strokes(n, seed=0):
    """Images of one bright bar, upright or lying."""
    gen = generator(seed)
    images = torch.zeros(n, 1, 28, 28)
    for i, (place, upright) in enumerate(
        zip(torch.randint(4, 21, (n,), generator=gen).tolist(), range(n), strict=True)
    ):
        images[i, 0, place : place + 3, 4:24] = 1
        if upright % 2:
            images[i, 0] = images[i, 0].T.clone()
    return images


def after_one_step(cfg, seed=0):
    gan = build(cfg)
    before = copy.deepcopy(gan.state_dict())
    opts = infogan_optimizers(gan, cfg)
    terms = infogan_step(gan, opts, Batch(strokes(cfg.batch_size)), cfg, gen=generator(seed))
    return gan, before, terms


def moved(gan, before):
    """Which parameters differ from before."""
    return {name for name, p in gan.named_parameters() if not torch.equal(p, before[name])}


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_moves_every_weight_once(kind):
    gan, before, terms = after_one_step(replace(SMALL, information=kind))
    moves = moved(gan, before)
    idle = {name for name, _ in gan.named_parameters()} - moves
    # Where another network reads the code, nobody trains the head; a taught network is finished.
    reading = {"passive_separate": "discriminator.recognition", "taught": "separate"}.get(kind)
    assert all(reading and name.startswith(reading) for name in idle), idle
    assert bool(idle) == (reading is not None)
    assert all(torch.isfinite(value) for value in terms.values())
    assert all(not value.requires_grad for value in terms.values())


def gradients(kind, **change):
    """Gradients of one step with no game at all: what the information term alone does."""
    cfg = replace(SMALL, information=kind, **change)
    seen = {}

    class Spy(torch.optim.SGD):
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    seen[p] = None if p.grad is None else p.grad.clone()

    gan = build(cfg)
    opts = {
        "d": Spy([*gan.discriminator.parameters(), *(gan.separate.parameters() if gan.separate else ())], lr=0.0),
        "g": Spy(gan.generator.parameters(), lr=0.0),
    }
    infogan_step(gan, opts, Batch(strokes(cfg.batch_size)), cfg, gen=generator(3))
    return gan, seen


def difference(kind, part):
    """How far the gradient of one part changes when the weight of the information is set to 0."""
    gan_a, with_info = gradients(kind)
    gan_b, without = gradients(kind, weight_discrete=0.0, weight_continuous=0.0)
    a, b = part(gan_a).parameters(), part(gan_b).parameters()

    def gradient(seen, p):
        return torch.zeros_like(p) if seen[p] is None else seen[p]

    pairs = zip(a, b, strict=True)
    return max(float((gradient(with_info, p) - gradient(without, q)).abs().max()) for p, q in pairs)


@pytest.mark.parametrize(
    ("kind", "trunk", "head", "player"),
    [("trunk", True, True, True), ("head", False, True, True), ("passive_head", False, True, False)],
)
def test_the_information_reaches_whom_the_reading_says(kind, trunk, head, player):
    reached = {
        "trunk": difference(kind, lambda gan: gan.discriminator.trunk),
        "head": difference(kind, lambda gan: gan.discriminator.recognition),
        "player": difference(kind, lambda gan: gan.generator),
    }
    assert {name: size > 1e-7 for name, size in reached.items()} == {"trunk": trunk, "head": head, "player": player}


def test_a_separate_passive_q_learns_and_nobody_else_hears_of_it():
    assert difference("passive_separate", lambda gan: gan.separate) > 1e-7
    assert difference("passive_separate", lambda gan: gan.discriminator) == 0
    assert difference("passive_separate", lambda gan: gan.generator) == 0


def test_a_taught_q_pays_the_generator_and_stays_as_it_is():
    cfg = replace(SMALL, information="taught")
    assert difference("taught", lambda gan: gan.generator) > 1e-7
    assert difference("taught", lambda gan: gan.discriminator.trunk) > 1e-7  # by the continuous codes
    gan, before, _ = after_one_step(cfg)
    taught = {name: value for name, value in gan.state_dict().items() if name.startswith("separate.")}
    assert all(torch.equal(before[name], value) for name, value in taught.items())  # running statistics too
    assert all(p.requires_grad for p in gan.separate.parameters())
    assert not any(layer.training for layer in gan.train().separate.modules())


def test_the_generators_half_leaves_no_gradient_in_the_discriminator():
    gan, _, _ = after_one_step(SMALL)
    d_grads = [p.grad.clone() for p in gan.discriminator.trunk.parameters()]
    opts = infogan_optimizers(gan, SMALL)
    seen = {}
    original = opts["d"].step

    def remember(*args):
        seen["grads"] = [p.grad.clone() for p in gan.discriminator.trunk.parameters()]
        return original(*args)

    opts["d"].step = remember
    infogan_step(gan, opts, Batch(strokes(SMALL.batch_size)), SMALL, gen=generator(1))
    now = [p.grad for p in gan.discriminator.trunk.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(now, seen["grads"], strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(now, d_grads, strict=True))
    assert all(p.requires_grad for p in gan.parameters())


def test_the_same_seed_gives_the_same_step():
    (a, _, terms_a), (b, _, terms_b) = after_one_step(SMALL, seed=5), after_one_step(SMALL, seed=5)
    assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert terms_a == terms_b


def train(cfg, steps=60):
    gan = build(cfg)
    opts, gen = infogan_optimizers(gan, cfg), generator(0)
    images = strokes(256)
    terms = []
    for step in range(steps):
        rows = torch.arange(step * 32, (step + 1) * 32) % 256
        terms.append(infogan_step(gan, opts, Batch(images[rows]), cfg, gen=gen))
    return [float(sum(t["info/discrete"] for t in part) / 10) for part in (terms[:10], terms[-10:])]


LEARNER = replace(SMALL, categories=(2,), continuous=0, noise=8, channels=(16, 16), hidden=64, batch_size=32, lr_d=1e-3)


def test_the_bound_rises_when_the_generator_is_paid_for_it():
    first, last = train(LEARNER)
    assert last > first + 0.15
    assert last < 0.694  # ln 2


def test_with_weight_zero_the_code_is_ignored():
    _, paid = train(LEARNER)
    _, unpaid = train(replace(LEARNER, weight_discrete=0.0))
    assert unpaid < 0.1 < paid


def test_bf16_stays_finite_and_close():
    if not torch.cpu._is_avx512_bf16_supported():
        pytest.skip("this processor does not multiply in bfloat16")
    rt = Runtime.auto("cpu", precision="bf16")
    single = after_one_step(SMALL)[2]
    gan = build(SMALL)
    opts = infogan_optimizers(gan, SMALL)
    batch = Batch(strokes(SMALL.batch_size))
    half = infogan_step(rt.prepare(gan), opts, batch, SMALL, gen=generator(0), autocast=rt.autocast())
    for name, value in single.items():
        assert float(half[name]) == pytest.approx(float(value), abs=0.05), name
    assert all(torch.isfinite(p).all() for p in gan.parameters())
