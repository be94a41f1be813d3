"""Training the VAE: one step, the two optimisers behind one face, the published learning rates."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from course_lib.datasets import Batch
from course_lib.papers.vae import (
    PROFILES,
    Vae,
    VaeConfig,
    rate_factor,
    set_rate,
    vae_bound,
    vae_optimizer,
    vae_step,
)
from course_lib.papers.vae.step import Together
from course_lib.training import generator, seeded

SMALL = VaeConfig(image_size=4, hidden=(16, 12), latent=3, batch_size=6, steps=50)
FORMS = {
    "plain": {},
    "learned prior": {"num_classes": 3, "learned_prior": True},
    "full": {"posterior": "full"},
    "grey": {"likelihood": "gaussian"},
    "weighted": {"objective": "iwae", "samples": 3},
}


def build(**changes):
    cfg = replace(SMALL, **changes)
    with seeded(0):
        vae = Vae(cfg)
    return vae, vae_optimizer(vae, cfg), cfg


def batch(seed=0):
    return Batch(torch.rand(6, 1, 4, 4, generator=generator(seed)).round(), torch.arange(6) % 3)


def loss_of(vae, data, cfg, noise):
    with torch.no_grad():
        out = vae(data.images, data.labels if cfg.num_classes else None, noise=noise)
        return -vae_bound(data.images, out, cfg)["bound"].mean()


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize("form", FORMS)
def test_one_step_lowers_the_loss_of_its_batch(optimizer, form):
    vae, opt, cfg = build(optimizer=optimizer, **FORMS[form])
    data, noise = batch(), torch.randn(cfg.samples, 6, 3, generator=generator(1))
    before = loss_of(vae, data, cfg, noise)
    terms = vae_step(vae, opt, data, cfg, noise=noise)
    torch.testing.assert_close(terms["total"], before)
    assert loss_of(vae, data, cfg, noise) < before
    assert set(terms) == {"total", "log_likelihood", "kl"}
    assert not any(t.requires_grad or t.shape for t in terms.values())


def test_the_loss_is_minus_the_bound():
    vae, opt, cfg = build(beta=2.0)
    terms = vae_step(vae, opt, batch(), cfg, gen=generator(0))
    torch.testing.assert_close(terms["total"], 2 * terms["kl"] - terms["log_likelihood"])


def test_one_step_of_the_published_settings():
    cfg = replace(PROFILES["paper"], steps=1)
    with seeded(0):
        vae = Vae(cfg)
    x = torch.rand(20, 1, 28, 28, generator=generator(0)).round()
    terms = vae_step(vae, vae_optimizer(vae, cfg), Batch(x), cfg, gen=generator(0))
    # With zero biases and small weights each pixel starts near probability 1/2.
    assert terms["total"].item() == pytest.approx(784 * math.log(2) + terms["kl"].item(), rel=0.2)


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_fifty_steps_learn(optimizer):
    vae, opt, cfg = build(optimizer=optimizer, schedule="cosine", warmup=5, lr=1e-2)
    data, gen = batch(), generator(0)
    totals = []
    for step in range(cfg.steps):
        set_rate(opt, step / cfg.steps, cfg)
        totals.append(vae_step(vae, opt, data, cfg, gen=gen)["total"].item())
    assert sum(totals[-5:]) < 0.9 * sum(totals[:5])


# ---- two optimisers behind one face


def groups(opt):
    return [{id(p) for p in part_group["params"]} for part in opt.parts for part_group in part.param_groups]


@pytest.mark.parametrize("form", FORMS)
def test_the_two_parts_share_no_parameter_and_leave_none_out(form):
    vae, opt, _ = build(optimizer="muon", **FORMS[form])
    assert isinstance(opt, Together)
    matrices, rest = groups(opt)
    assert not matrices & rest
    assert matrices | rest == {id(p) for p in vae.parameters()}
    assert matrices == {id(m.weight) for m in vae.modules() if isinstance(m, torch.nn.Linear)}


def test_a_step_moves_both_parts():
    vae, opt, cfg = build(optimizer="muon")
    before = {name: p.detach().clone() for name, p in vae.named_parameters()}
    vae_step(vae, opt, batch(), cfg, gen=generator(0))
    assert not [name for name, p in vae.named_parameters() if torch.equal(p, before[name])]


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_saved_state_continues_bit_for_bit(optimizer):
    vae, opt, cfg = build(optimizer=optimizer)
    gen = generator(0)

    def train(vae, opt, gen, start, stop):
        for step in range(start, stop):
            set_rate(opt, step / cfg.steps, cfg)
            vae_step(vae, opt, batch(step), cfg, gen=gen)

    train(vae, opt, gen, 0, 5)
    saved = copy.deepcopy((vae.state_dict(), opt.state_dict(), gen.get_state()))
    train(vae, opt, gen, 5, 10)

    other, other_opt, _ = build(optimizer=optimizer)
    other_gen = generator(9)
    other.load_state_dict(saved[0])
    other_opt.load_state_dict(saved[1])
    other_gen.set_state(saved[2])
    train(other, other_opt, other_gen, 5, 10)
    for (name, p), q in zip(vae.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q), name


def test_without_its_state_the_continuation_differs():
    vae, opt, cfg = build(optimizer="muon")
    for step in range(5):
        vae_step(vae, opt, batch(step), cfg, gen=generator(step))
    other = copy.deepcopy(vae)
    vae_step(vae, opt, batch(5), cfg, gen=generator(5))
    vae_step(other, vae_optimizer(other, cfg), batch(5), cfg, gen=generator(5))
    assert not all(torch.equal(p, q) for p, q in zip(vae.parameters(), other.parameters(), strict=True))


def test_a_rate_reaches_both_parts_also_after_loading():
    _, opt, cfg = build(optimizer="muon", lr=0.02)
    _, fresh, _ = build(optimizer="muon", lr=0.02)
    fresh.load_state_dict(copy.deepcopy(opt.state_dict()))
    for one in (opt, fresh):
        set_rate(one, 0.5, replace(cfg, schedule="cosine", warmup=0))
        used = [group["lr"] for part in one.parts for group in part.param_groups]
        assert used == pytest.approx([0.01, 0.01 * cfg.vector_lr_ratio])
        set_rate(one, 0.0, replace(cfg, schedule="cosine", warmup=0))  # not half of the half
        used = [group["lr"] for part in one.parts for group in part.param_groups]
        assert used == pytest.approx([0.02, 0.02 * cfg.vector_lr_ratio])


def test_a_rate_of_zero_stops_both_parts():
    vae, opt, cfg = build(optimizer="muon")
    set_rate(opt, 1.0, replace(cfg, schedule="cosine"))
    before = copy.deepcopy(vae.state_dict())
    vae_step(vae, opt, batch(), cfg, gen=generator(0))
    assert all(torch.equal(p, before[name]) for name, p in vae.state_dict().items())


# ---- learning rates


@pytest.mark.parametrize(("passes", "stage"), [(1, 1), (4, 2), (13, 3), (40, 4), (121, 5), (364, 6), (1093, 7)])
def test_published_stages_last_three_times_longer_each(passes, stage):
    # Burda et al. 2016, section 5: rate 0.001 * 10^(-i/7) for 3^i passes, i = 0 ... 7
    cfg = VaeConfig()
    assert passes == sum(3**i for i in range(stage))
    assert rate_factor(passes / 3280, cfg) == 10 ** (-stage / 7)
    assert rate_factor((passes - 0.01) / 3280, cfg) == 10 ** (-(stage - 1) / 7)


def test_the_first_and_the_last_rate():
    assert sum(3**i for i in range(8)) == 3280
    assert rate_factor(0, VaeConfig()) == 1
    assert rate_factor(1, VaeConfig()) == pytest.approx(0.1)
    cosine = VaeConfig(schedule="cosine", steps=1000, warmup=100)
    assert rate_factor(0, cosine) == 0
    assert rate_factor(0.05, cosine) == pytest.approx(0.5 * 0.5 * (1 + math.cos(0.05 * math.pi)))
    assert rate_factor(0.5, cosine) == pytest.approx(0.5)
    assert rate_factor(1, cosine) == pytest.approx(0, abs=1e-15)
    assert rate_factor(0, replace(cosine, warmup=0)) == 1


@pytest.mark.parametrize("progress", [-0.1, 1.01, float("nan")])
def test_progress_outside_the_run_is_refused(progress):
    with pytest.raises(ValueError, match=r"`progress` \(=.*\) must lie in \[0, 1\]"):
        rate_factor(progress, VaeConfig())
