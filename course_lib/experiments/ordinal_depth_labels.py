"""What the labels may lack: fewer pairs, wrong answers, other ties, the other sign. Depths only, one hourglass."""

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.experiments.ordinal_depth_data import Pool, pool
from course_lib.experiments.ordinal_depth_forms import FITTED, POOL, STUDIO_SEED, TEST, TEST_SEED, judge
from course_lib.experiments.ordinal_depth_runs import TIE, draw_from, train
from course_lib.experiments.record import Measurement
from course_lib.papers.ordinal_depth import FORMS, PROFILES
from course_lib.training import generator

STEPS = 1200
QUESTIONS = 17  # a picture, as in the paper's protocol
NOISE = (0.05, 0.1, 0.2)
THRESHOLDS = (0.0, 0.05, 0.2)  # metres, beside the usual 0.1


def labels(seed: int) -> dict[str, Measurement]:
    """One network for each kind of label; what is judged is the same for all."""
    studio, judged = pool("studio", STUDIO_SEED + seed, POOL), pool("studio", TEST_SEED, TEST)
    gen, truth = generator(3000 + seed), studio.order(TIE)
    kinds = {
        "all": truth,
        "connected": keep_pairs(truth, connected_pairs(len(studio), 17, QUESTIONS, gen)),
        "tenth": keep_pairs(truth, random_pairs(len(studio), 17, 0.1, gen)),
        **{f"noise {rate:g}": turn_round(truth, rate, gen) for rate in NOISE},
        **{f"threshold {threshold:g}": studio.order(threshold) for threshold in THRESHOLDS},
        "dataset sign": -truth,
    }
    rows = {kind: run(studio, judged, order, seed) for kind, order in kinds.items()}
    for rate in NOISE:
        rows[f"noise {rate:g}"]["labels_right"] = share_right(kinds[f"noise {rate:g}"], truth)
    order = {kind: 100 * row["scale"]["order"] for kind, row in rows.items()}
    return {
        "label_budget": Measurement(order["all"] - order["connected"], extra=rows),
        "label_noise": Measurement(order[f"noise {NOISE[-1]:g}"], 100 * rows[f"noise {NOISE[-1]:g}"]["labels_right"]),
        "tie_threshold": Measurement(rows["threshold 0"]["spread"], rows["all"]["spread"]),
        "sign_control_flip": Measurement(100 * rows["dataset sign"]["scale"]["mirrored"]),
    }


def run(studio: Pool, judged: Pool, order: Float[Tensor, "m 17 17"], seed: int) -> dict[str, object]:
    """Train on these relations."""
    cfg = replace(PROFILES["standard"], **FORMS["depth"], steps=STEPS)
    batch = studio.batch("ordinal", order=order)
    return judge(train(cfg, draw_from((batch, cfg.batch_size)), seed), studio[:FITTED], judged)


def connected_pairs(people: int, joints: int, count: int, gen: torch.Generator) -> Tensor:
    """Which pairs are asked about each person, `(people, joints, joints)`: a random tree over all joints and more.

    Each joint, in a random sequence, is compared with a random one of those before it; the rest are drawn from the
    pairs that remain.
    """
    sequence = torch.rand(people, joints, generator=gen).argsort(1)
    rows = torch.arange(people)
    asked = torch.zeros(people, joints, joints, dtype=torch.bool)
    for place in range(1, joints):
        earlier = (torch.rand(people, generator=gen) * place).long()
        i, j = sequence[:, place], sequence[rows, earlier]
        asked[rows, i, j] = asked[rows, j, i] = True
    extra = count - (joints - 1)
    if extra > 0:
        free = torch.rand(people, joints, joints, generator=gen).triu(1).masked_fill(asked, 0)
        best = free.flatten(1).topk(extra).indices
        asked.flatten(1).scatter_(1, best, True)
        asked = asked | asked.mT
    return asked


def random_pairs(people: int, joints: int, share: float, gen: torch.Generator) -> Tensor:
    """Each pair with the same chance, `(people, joints, joints)`; some joints then stand alone."""
    upper = (torch.rand(people, joints, joints, generator=gen) < share).triu(1)
    return upper | upper.mT


def keep_pairs(order: Tensor, asked: Tensor) -> Tensor:
    """Relations of the pairs asked about, NaN for the others."""
    return order.masked_fill(~asked, torch.nan)


def turn_round(order: Tensor, rate: float, gen: torch.Generator) -> Tensor:
    """Each strict relation turned round with chance `rate`; the same wrong answer whenever the picture is seen."""
    wrong = (torch.rand(order.shape, generator=gen) < rate).triu(1)
    return torch.where(wrong | wrong.mT, -order, order)


def share_right(order: Tensor, truth: Tensor) -> float:
    """Share of the strict relations that are as the truth has them."""
    strict = truth.abs() == 1
    return float((order == truth)[strict].double().mean())
