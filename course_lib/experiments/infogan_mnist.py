"""MNIST: the official run, k-means on pixels, and Q taught by pairs of deformed real images."""

import time
from dataclasses import replace
from functools import cache

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from course_lib.datasets import Batch, ImageSet, load_mnist
from course_lib.experiments import data_root
from course_lib.experiments.figures import save_figure
from course_lib.experiments.infogan_effects import (
    class_sheet,
    code_effects,
    extrapolation,
    kept,
    one_code_each,
    traversal_sheets,
)
from course_lib.experiments.infogan_runs import (
    Trained,
    agreement,
    bound_on_new_images,
    errors_on_real,
    generate,
    learn_from_pairs,
    play,
)
from course_lib.experiments.one_core import core
from course_lib.experiments.record import Measurement
from course_lib.metrics import one_to_one_error
from course_lib.papers.infogan import (
    PROFILES,
    READINGS,
    InfoGan,
    InfoGanConfig,
    PairsConfig,
    infogan_optimizers,
    infogan_step,
    sample_codes,
    without,
)
from course_lib.training import Runtime, generator, seeded

TRAIN = 55_000  # what the official loader keeps; the other 5,000 served to choose the settings of `PairsConfig`
# Half of every width and fewer, smaller steps: for comparisons between readings, where the full run would take hours.
REDUCED = {"channels": (32, 64), "hidden": 512, "q_hidden": 64, "batch_size": 64, "steps": 1_000}
ADDITIONS = ("embedding", "codes", "thickness", "affine", "restarts")


def mnist() -> tuple[Tensor, ImageSet]:
    """Training images without labels, and the test set."""
    train, test = load_mnist(data_root("mnist") or "mnist")
    return train.images[:TRAIN], test


def faithful(seed: int) -> dict[str, Measurement]:
    """The official settings and 5,000 updates."""
    images, test = mnist()
    done = play(PROFILES["standard"], images, seed)
    errors = errors_on_real(done, test.images, test.labels)
    bounds, effects = bound_on_new_images(done), code_effects(done)
    beyond_the_prior = extrapolation(done, effects)
    extra = {
        "train_core_seconds": round(done.seconds, 1),
        "errors": errors,
        "effects": effects,
        "one_code_each": one_code_each(effects),
        "bounds": bounds,
        "curve": done.curve,
    }
    keep_pictures(done, "faithful", seed)
    settled = steps_to_settle(done, "info/discrete"), steps_to_settle(done, "g/loss")
    return {
        "li_ceiling": Measurement(bounds["discrete"]),
        "li_before_game": Measurement(*settled),
        "mnist_error_faithful": Measurement(100 * errors["batch"]["one_to_one"], extra=extra),
        "drawn_error_faithful": Measurement(100 * drawn_error(done, judge())),
        "extrapolation": Measurement(kept(beyond_the_prior["slant"]), extra=beyond_the_prior),
        "extrapolation_width": Measurement(kept(beyond_the_prior["width"])),
    }


def steps_to_settle(done: Trained, key: str, *, smooth: int = 5, share: float = 0.1) -> int:
    """First look from which a term's moving mean (of five looks) keeps within a tenth of its span round its end.

    A term that drifts is never far from its own end: it counts as settled only if it kept so for at least the last
    quarter of the run, otherwise the answer is one more than all updates.
    """
    raw = [look[key] for look in done.curve]
    means = [sum(raw[max(0, i - smooth + 1) : i + 1]) / min(smooth, i + 1) for i in range(len(raw))]
    limit = share * (max(means) - min(means))
    settled = len(means)
    while settled and abs(means[settled - 1] - means[-1]) <= limit:
        settled -= 1
    step = done.curve[min(settled, len(means) - 1)]["step"]
    return step if step <= 0.75 * done.cfg.steps else done.cfg.steps + 1


def keep_pictures(done: Trained, name: str, seed: int) -> None:
    """A sheet of all classes for this seed, and for seed 0 the frames of the sweeps of the continuous codes."""
    save_figure(class_sheet(done), f"06_infogan_{name}_{seed}.webp", quality=60)
    if seed == 0:
        for code, frames in enumerate(traversal_sheets(done)):
            save_figure(stacked(frames), f"06_infogan_{name}_code_{code + 2}.webp", quality=60)


def stacked(frames: list[Image.Image]) -> Image.Image:
    """Frames of one size, one below the other; the lesson cuts them apart again."""
    width, height = frames[0].size
    sheet = Image.new("L", (width, height * len(frames)))
    for row, frame in enumerate(frames):
        sheet.paste(frame, (0, row * height))
    return sheet


@cache
def judge() -> nn.Module:
    """A classifier that has seen all labels; it names generated digits and takes no part in training."""
    train, _ = load_mnist(data_root("mnist") or "mnist")
    with seeded(0):
        net = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))
    gen, opt = generator(0), torch.optim.Adam(net.parameters(), 2e-3, fused=True)
    with seeded(0):  # of the dropout
        for _ in range(1500):
            rows = torch.randint(TRAIN, (256,), generator=gen)
            opt.zero_grad()
            F.cross_entropy(net(train.images[rows]), train.labels[rows]).backward()
            opt.step()
    return net.eval()


def judged(seed: int) -> dict[str, Measurement]:
    """The judge's own error on real test digits: what `drawn_error` cannot resolve."""
    _, test = mnist()
    named_by = judge()
    with torch.no_grad():
        wrong = named_by(test.images).argmax(1) != test.labels
    return {"judge_error": Measurement(100 * float(wrong.float().mean()))}


@torch.no_grad()
def drawn_error(done: Trained, named_by: nn.Module, *, seed: int = 4321, n: int = 10_000) -> float:
    """Share of generated digits that are not what their code draws most often, one to one, in a judge's eyes."""
    gen = generator(seed)
    codes = sample_codes(n, done.cfg, generator=gen)
    named = named_by(generate(done, codes, gen=gen)).argmax(1)
    return one_to_one_error(codes.classes[:, 0], named)


def beyond(seed: int) -> dict[str, Measurement]:
    """Q taught by pairs, then a game of a fifth of the official updates whose discrete code that Q reads."""
    images, test = mnist()
    cfg = replace(PROFILES["standard"], information="taught", steps=1_000)
    taught, kept = learn_from_pairs(cfg, PairsConfig(), images, seed)
    done = play(cfg, images, seed, gan=taught.gan)
    errors = errors_on_real(done, test.images, test.labels)
    effects, bounds = code_effects(done), bound_on_new_images(done)
    extra = {
        **kept,
        "game_core_seconds": round(done.seconds, 1),
        "errors": errors,
        "bounds": bounds,
        "effects": effects,
        "one_code_each": one_code_each(effects),
        "curve": done.curve,
    }
    keep_pictures(done, "beyond", seed)
    return {
        "mnist_error_beyond": Measurement(100 * errors["running"]["one_to_one"], extra=extra),
        "drawn_error_beyond": Measurement(100 * drawn_error(done, judge())),
    }


def unfixed(seed: int) -> dict[str, Measurement]:
    """The taught Q as the start of the discriminator's shared layers, which the game goes on training."""
    images, test = mnist()
    cfg = replace(half_width(), steps=500)
    taught, kept = learn_from_pairs(cfg, PairsConfig(), images, seed)
    before = errors_on_real(taught, test.images, test.labels)["running"]
    done = play(cfg, images, seed, gan=taught.gan)
    after = errors_on_real(done, test.images, test.labels)
    extra = {**kept, "game_core_seconds": round(done.seconds, 1), "before": before, "after": after, "curve": done.curve}
    best = min(row["one_to_one"] for row in after.values())
    return {"without_fixed_q": Measurement(100 * (best - before["one_to_one"]), extra=extra)}


def half_width() -> InfoGanConfig:
    """The official settings with half of every width."""
    return replace(PROFILES["standard"], **{name: REDUCED[name] for name in ("channels", "hidden", "q_hidden")})


def additions(seed: int) -> dict[str, Measurement]:
    """The recipe of `beyond` at half of every width: whole, and without each of its parts in turn."""
    images, test = mnist()
    cfg, found, whole = half_width(), {}, None
    for part in (None, *ADDITIONS):
        recipe = PairsConfig() if part is None else without(PairsConfig(), part)
        taught, kept = learn_from_pairs(cfg, recipe, images, seed, judged_on=None if part else test)
        errors = errors_on_real(taught, test.images, test.labels)["running"]
        percent = 100 * errors["one_to_one"]
        if part is None:
            whole, by_restart = percent, [100 * error for error in kept["restart_errors"]]
            chosen = Measurement(by_restart[0], sum(by_restart) / len(by_restart), kept)
        else:
            found[f"without_{part}"] = Measurement(percent - whole, extra={**kept, "errors": errors, "whole": whole})
    return {"restart_chosen": chosen, **found}


def kmeans(seed: int) -> dict[str, Measurement]:
    """Ten means of the training images; each test image goes to the nearest."""
    from sklearn.cluster import KMeans

    images, test = mnist()
    means = KMeans(10, n_init=3, random_state=seed).fit(images.flatten(1).numpy())
    found = agreement(torch.from_numpy(means.predict(test.images.flatten(1).numpy())).long(), test.labels)
    return {"kmeans_error": Measurement(100 * found["one_to_one"], extra=found)}


READERS = ("trunk", "head", "passive_head", "passive_separate")


def readings(seed: int) -> dict[str, Measurement]:
    """One reduced network: four answers to who hears of the information, and the readings of paper and port."""
    images, test = mnist()
    base = replace(PROFILES["standard"], **REDUCED)
    settings = {kind: replace(base, information=kind) for kind in READERS}
    settings |= {name: replace(base, **READINGS[name]) for name in ("paper", "port")}
    rows = {}
    for kind, cfg in settings.items():
        done = play(cfg, images, seed)
        effects = code_effects(done)
        rows[kind] = {
            "bounds": bound_on_new_images(done),
            "errors": errors_on_real(done, test.images, test.labels),
            "drawn_error": drawn_error(done, judge()),
            "effects": effects,
            **one_code_each(effects),
            "peak": max(look["info/discrete"] for look in done.curve),
            "train_core_seconds": round(done.seconds, 1),
            "curve": done.curve,
        }
    plain, full = rows["passive_head"], rows["trunk"]
    bound = {kind: row["bounds"]["discrete"] for kind, row in rows.items()}
    error = {kind: 100 * row["errors"]["batch"]["one_to_one"] for kind, row in rows.items()}
    onlookers = ("passive_head", "passive_separate")
    return {
        "passive_q_li": Measurement(max(bound[kind] for kind in onlookers), bound["trunk"], rows),
        "error_of_half_width": Measurement(error["trunk"], min(error[kind] for kind in onlookers)),
        **{
            f"{name}_{ending}": Measurement(full[key], plain[key])
            for name in ("slant", "width")
            for ending, key in (("r2", name), ("spearman", f"{name}_spearman"))
        },
        "trunk_ablation": Measurement(
            bound["trunk"], bound["head"], {"error_trunk": error["trunk"], "error_head": error["head"]}
        ),
        "reading_paper": Measurement(bound["paper"], extra={"error": error["paper"]}),
        "reading_port": Measurement(bound["port"], extra={"error": error["port"]}),
    }


def step_time(seed: int) -> dict[str, Measurement]:
    """Processor time of an update at the paper's size: the fastest of 40, on a core that may be shared."""
    cfg, times = PROFILES["paper"], {}
    batch = Batch(torch.rand(cfg.batch_size, 1, 28, 28, generator=generator(seed)))
    for name, rt in (("half", core()), ("single", Runtime.auto("cpu", threads=1, precision="fp32"))):
        with seeded(seed):
            gan = rt.prepare(InfoGan(cfg))
        opts, gen, seen = infogan_optimizers(gan, cfg), generator(seed), []
        for _ in range(40):
            start = time.process_time()
            infogan_step(gan, opts, batch, cfg, gen=gen, autocast=rt.autocast())
            seen.append(1e3 * (time.process_time() - start))
        times[name] = sorted(seen)
    extra = {
        f"{name}_{what}": round(one[at], 1) for name, one in times.items() for what, at in (("p10", 4), ("median", 20))
    }
    extra["single_fastest"] = round(times["single"][0], 1)
    return {"step_ms_core": Measurement(times["half"][0], extra=extra)}
