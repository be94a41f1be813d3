"""MNIST: the official run, k-means on pixels, and Q taught by pairs of deformed real images."""

import time
from dataclasses import replace

import torch
from torch import Tensor

from course_lib.datasets import ImageSet, load_mnist
from course_lib.experiments import data_root, record
from course_lib.experiments.infogan_runs import (
    Trained,
    agreement,
    bound_on_new_images,
    code_effects,
    errors_on_real,
    learn_from_pairs,
    one_code_each,
    play,
)
from course_lib.experiments.record import Measurement
from course_lib.papers.infogan import PROFILES, PairsConfig, infogan_optimizers, infogan_step, without
from course_lib.training import generator

TRAIN = 55_000  # what the official loader keeps; the other 5,000 served to choose the settings of `PairsConfig`
# Half of every width and fewer, smaller steps: for comparisons between readings, where the full run would take hours.
REDUCED = {"channels": (32, 64), "hidden": 512, "q_hidden": 64, "batch_size": 64, "steps": 1_500}
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
    extra = {
        "train_core_seconds": round(done.seconds, 1),
        "errors": errors,
        "effects": effects,
        "one_code_each": one_code_each(effects),
        "effects_at_twice_the_range": code_effects(done, reach=2.0),
        "bounds": bounds,
        "curve": done.curve,
        "steps_to_90_percent": steps_to(done, 0.9),
    }
    return {
        "li_ceiling": Measurement(bounds["discrete"], extra={"steps_to_90_percent": extra["steps_to_90_percent"]}),
        "mnist_error_faithful": Measurement(100 * errors["batch"]["one_to_one"], extra=extra),
    }


def steps_to(done: Trained, share: float) -> int | None:
    """First look at which the bound has this share of the code's entropy."""
    limit = share * float(torch.tensor(done.cfg.categories[0]).log())
    return next((look["step"] for look in done.curve if look["info/discrete"] >= limit), None)


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
    return {"mnist_error_beyond": Measurement(100 * errors["running"]["one_to_one"], extra=extra)}


def additions(seed: int) -> dict[str, Measurement]:
    """The recipe of `beyond` without each of its parts in turn, against the whole of the same seed."""
    whole = next((c for c in record.load("06_infogan")["claims"] if c["id"] == "mnist_error_beyond"), None)
    if whole is None or str(seed) not in whole["ours"]["runs"]:
        raise RuntimeError("the parts are compared with mnist_error_beyond of the same seed: run `beyond` first")
    with_all = whole["ours"]["runs"][str(seed)]["value"]
    images, test = mnist()
    found = {}
    for part in ADDITIONS:
        start = time.process_time()
        taught, kept = learn_from_pairs(PROFILES["standard"], without(PairsConfig(), part), images, seed)
        error = errors_on_real(taught, test.images, test.labels)["running"]
        extra = {
            **kept,
            "errors": error,
            "error_with_all": with_all,
            "core_seconds": round(time.process_time() - start, 1),
        }
        found[f"without_{part}"] = Measurement(100 * error["one_to_one"] - with_all, extra=extra)
    return found


def kmeans(seed: int) -> dict[str, Measurement]:
    """Ten means of the training images; each test image goes to the nearest."""
    from sklearn.cluster import KMeans

    images, test = mnist()
    means = KMeans(10, n_init=3, random_state=seed).fit(images.flatten(1).numpy())
    found = agreement(torch.from_numpy(means.predict(test.images.flatten(1).numpy())).long(), test.labels)
    return {"kmeans_error": Measurement(100 * found["one_to_one"], extra=found)}


def readings(seed: int) -> dict[str, Measurement]:
    """One reduced network, four readings of who hears of the information: bound, error, slant and width."""
    images, test = mnist()
    cfg = replace(PROFILES["standard"], **REDUCED)
    rows = {}
    for kind in ("trunk", "head", "passive_head", "passive_separate"):
        done = play(replace(cfg, information=kind), images, seed)
        effects = code_effects(done)
        rows[kind] = {
            "bounds": bound_on_new_images(done),
            "errors": errors_on_real(done, test.images, test.labels),
            "effects": effects,
            **one_code_each(effects),
            "peak": max(look["info/discrete"] for look in done.curve),
            "train_core_seconds": round(done.seconds, 1),
            "curve": done.curve,
        }
    plain, full, head = rows["passive_head"], rows["trunk"], rows["head"]
    bound = {kind: row["bounds"]["discrete"] for kind, row in rows.items()}
    error = {kind: 100 * row["errors"]["batch"]["one_to_one"] for kind, row in rows.items()}
    return {
        "passive_q_li": Measurement(max(bound["passive_head"], bound["passive_separate"]), bound["trunk"], rows),
        "slant_r2": Measurement(full["slant"], plain["slant"]),
        "width_r2": Measurement(full["width"], plain["width"]),
        "trunk_ablation": Measurement(
            bound["trunk"],
            bound["head"],
            {"error_trunk": error["trunk"], "error_head": error["head"], "head": head["errors"]},
        ),
    }


def step_time(seed: int) -> dict[str, Measurement]:
    """Processor time of an update at the paper's size: the fastest of 40, on a core that may be shared."""
    from course_lib.datasets import Batch
    from course_lib.experiments.infogan_runs import core
    from course_lib.papers.infogan import InfoGan
    from course_lib.training import Runtime, seeded

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
