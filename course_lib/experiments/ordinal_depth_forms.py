"""Table 1 and Tables 2 and 3 of the paper, small: forms of output, and what pictures from the wild add."""

from dataclasses import replace

import torch
from torch import Tensor

from course_lib.experiments.ordinal_depth_data import Pool, pool
from course_lib.experiments.ordinal_depth_runs import Read, Recovery, Trained, draw_from, lift, read, scores, train
from course_lib.experiments.record import Measurement
from course_lib.papers.ordinal_depth import FORMS, PROFILES

POOL, TEST = 8_000, 1_500  # pictures to train on, and never seen
TEST_SEED, STUDIO_SEED, WILD_SEED = 999, 1000, 2000
FITTED = 1_500  # training pictures on which the recovery of metres is fitted
SHOWN = 8  # wild test pictures whose joints are kept for the figures


def weak_and_full(form: str, seed: int) -> dict[str, float | dict[str, object]]:
    """Train one form on order alone and on true depths; the same pictures, steps and recovery of metres."""
    cfg = replace(PROFILES["standard"], **FORMS[form])
    studio, judged = pool("studio", STUDIO_SEED + seed, POOL), pool("studio", TEST_SEED, TEST)
    rows: dict[str, object] = {}
    for name, labels in (("weak", "ordinal"), ("full", "metric")):
        done = train(cfg, draw_from((studio.batch(labels), cfg.batch_size)), seed)
        rows[name] = judge(done, studio[:FITTED], judged)
    return rows


def judge(done: Trained, fitted: Pool, judged: Pool) -> dict[str, object]:
    """Scores after either recovery of metres."""
    recovery, said = Recovery.fit(read(done, fitted), fitted), read(done, judged)
    return {
        **{how: scores(said, judged, recovery.depth(said, judged, how)) for how in ("scale", "linear")},
        "units_per_metre": 1 / recovery.scale,
        "spread": float(said.depth.std()),
        "curve": done.curve[:: max(1, len(done.curve) // 12)],
        "train_core_seconds": round(done.seconds, 1),
    }


def excess(form: str, seed: int) -> dict[str, Measurement]:
    """By how much the error of the weakly trained network exceeds that of the fully trained one, per cent."""
    rows = weak_and_full(form, seed)
    weak, full = (rows[name]["linear"]["mpjpe_mm"] for name in ("weak", "full"))
    return {f"weak_vs_full_{form}": Measurement(100 * (weak / full - 1), extra=rows)}


def weak_depth(seed: int) -> dict[str, Measurement]:
    """Depths only."""
    return excess("depth", seed)


def weak_coordinate(seed: int) -> dict[str, Measurement]:
    """Three numbers a joint."""
    return excess("coordinate", seed)


def weak_volume1(seed: int) -> dict[str, Measurement]:
    """A volume, one hourglass."""
    return excess("volume1", seed)


def weak_volume2(seed: int) -> dict[str, Measurement]:
    """A volume, two hourglasses from coarse to fine."""
    return excess("volume2", seed)


# Pictures of a batch from the studio (true depths) and from the wild, and what is known about the latter.
SOURCES = {"studio": (16, 0, ""), "wild 2D": (8, 8, "2d"), "wild 2D + ordinal": (8, 8, "ordinal")}


def wild_network(source: str, seed: int) -> Trained:
    """The volume network with one hourglass, trained on one of `SOURCES`; its depths are metric, from the studio."""
    inside, outside, labels = SOURCES[source]
    cfg = replace(PROFILES["standard"], **FORMS["volume1"], batch_size=inside + outside)
    sources = [(pool("studio", STUDIO_SEED + seed, POOL).batch("metric"), inside)]
    if outside:
        sources.append((pool("wild", WILD_SEED + seed, POOL).batch(labels), outside))
    return train(cfg, draw_from(*sources), seed)


def wild(seed: int) -> dict[str, Measurement]:
    """Studio alone, with 2D joints of wild pictures, with their order in depth too; judged in both domains."""
    rows: dict[str, dict[str, object]] = {}
    for source in SOURCES:
        done = wild_network(source, seed)
        row: dict[str, object] = {"train_core_seconds": round(done.seconds, 1)}
        for domain in ("studio", "wild"):
            judged = pool(domain, TEST_SEED, TEST)
            said = read(done, judged)
            row[domain] = scores(said, judged, said.depth / done.cfg.units_per_metre)
            if domain == "wild" and seed == 0:
                row["shown"] = shown(said, judged, done.cfg.units_per_metre)
        rows[source] = row
    pck = {source: rows[source]["wild"]["pck"] for source in SOURCES}
    order = {source: rows[source]["wild"]["order"] for source in SOURCES}
    return {
        "wild_2d": Measurement(100 * pck["wild 2D"], 100 * pck["studio"], rows),
        "wild_2d_ordinal": Measurement(100 * pck["wild 2D + ordinal"], 100 * pck["wild 2D"]),
        "wild_order": Measurement(100 * order["wild 2D + ordinal"], 100 * order["wild 2D"]),
    }


def shown(said: Read, judged: Pool, units_per_metre: float) -> list[list[list[float]]]:
    """Joints of the first test pictures, metres in the camera frame, for the figures."""
    few = slice(0, SHOWN)
    points: Tensor | None = None if said.points is None else said.points[few]
    joints = lift(Read(said.depth[few], points), judged[few], said.depth[few] / units_per_metre)
    return torch.round(joints, decimals=3).tolist()
