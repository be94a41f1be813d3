"""Claims about depth recovered from comparisons: how many are needed, how noisy they may be, what ties are for."""

import math

import torch
from torch import Tensor

from course_lib.datasets import load_cmu, load_h36m
from course_lib.experiments import data_root
from course_lib.experiments.ranking_recovery import (
    PROFILES,
    RIDGE,
    THRESHOLD,
    Questions,
    RecoveryConfig,
    ask,
    closure_accuracy,
    depths_of,
    drawn_bodies,
    group_count,
    has_gap,
    judge,
    recover,
)
from course_lib.experiments.record import Measurement
from course_lib.geometry import LSP_14, convert
from course_lib.losses import order_from_depth, ranking_loss
from course_lib.metrics import mirror_rate
from course_lib.training import generator

STANDARD = PROFILES["standard"]
COUNTS = (9, 13, 17, 25, 40, 60, 91)  # of the 91 pairs of 14 joints: 10 %, a tree, the published protocol ... all
NOISES = (0.0, 0.05, 0.1, 0.2)
THRESHOLDS = (0.0, 0.05, 0.1, 0.2)  # metres
RIDGES = (RIDGE, RIDGE / 100)  # the pull to 0, and a weaker one
SCALES = tuple(10 ** (0.05 * k) for k in range(-20, 61))  # 0.1 to 1000 per metre
JOINTS = len(LSP_14)


def shifts(seed: int, cfg: RecoveryConfig = STANDARD) -> dict[str, Measurement]:
    """Move all depths of each body by up to 10 units: nothing changes, and the pulls on its joints cancel."""
    gen = generator(seed)
    truth = depths_of(drawn_bodies(cfg.bodies, gen))
    order = order_from_depth(truth, THRESHOLD)
    depth = (5 * truth + torch.randn(truth.shape, generator=gen, dtype=truth.dtype)).requires_grad_()
    by = 20 * torch.rand(len(depth), 1, generator=gen, dtype=truth.dtype) - 10
    loss = ranking_loss(depth, order)
    (pull,) = torch.autograd.grad(loss.sum(), depth)
    depth, loss = depth.detach(), loss.detach()
    change = (ranking_loss(depth + by, order) / loss - 1).abs().max()
    left_over = (pull.sum(1).abs() / pull.abs().sum(1)).max()
    wider = (ranking_loss(2 * depth, order) / loss - 1).abs().median()
    extra = {"pulls_left_over": float(left_over), "change_at_twice_the_scale": float(wider)}
    return {"shift_invariance": Measurement(float(change), extra=extra)}


def scales(seed: int, cfg: RecoveryConfig = STANDARD) -> dict[str, Measurement]:
    """What ties hold: one factor on the true depths, on a grid, and free depths when the pull to 0 is weakened.

    Free depths are held where no gap divides a body. There the spread should not grow when the ridge becomes a
    hundredth; without the ties it should, and so it should, ties or not, in bodies with a gap.
    """
    truth = depths_of(drawn_bodies(cfg.bodies, generator(seed)))
    order = order_from_depth(truth, THRESHOLD)
    strict = order.masked_fill(order == 0, torch.nan)
    curves = {}
    for name, relations in (("ties", order), ("no ties", strict)):
        curves[name] = torch.stack([ranking_loss(scale * truth, relations) for scale in SCALES]).mean(1)
    asked, gap = ask(truth, "all", generator(seed)), has_gap(truth)

    def growth(questions: Questions, rows: Tensor) -> float:
        """How many times as wide the bodies become, on average."""
        chosen = Questions(*(part[rows] for part in (questions.first, questions.second, questions.relation)))
        wide = [recover(chosen, JOINTS, 2 * cfg.steps, ridge).std(1).mean() for ridge in RIDGES]
        return float(wide[1] / wide[0])

    extra = {
        "share_with_a_gap": float(gap.double().mean()),
        "growth_with_a_gap": growth(asked, gap),
        "best_factor": SCALES[int(curves["ties"].argmin())],
        "best_factor_without_ties": SCALES[int(curves["no ties"].argmin())],
        "scales": list(SCALES),
        **{name: [round(x, 5) for x in curve.tolist()] for name, curve in curves.items()},
    }
    bridged, without = growth(asked, ~gap), growth(asked.without_ties(), ~gap)
    return {"finite_scale_from_ties": Measurement(bridged, without, extra)}


def signs(seed: int, cfg: RecoveryConfig = STANDARD) -> dict[str, Measurement]:
    """Recover depth from all pairs, with the relations of the paper and with the opposite sign of its files."""
    gen = generator(seed)
    truth = depths_of(drawn_bodies(cfg.bodies, gen))
    order = order_from_depth(truth, THRESHOLD)
    asked = ask(truth, "all", gen)
    right, wrong = (recover(one, JOINTS, cfg.steps) for one in (asked, asked.reversed()))
    good, bad = (judge(one, truth, order) for one in (right, wrong))
    extra = {"mirror_rate": float(mirror_rate(wrong, truth)), "mirror_rate_right": float(mirror_rate(right, truth))}
    return {"sign_refuted": Measurement(bad["accuracy"], good["accuracy"], extra)}


def measure(
    truth: Tensor, plan: str, seed: int, cfg: RecoveryConfig, *, ties: bool = True, **how: float
) -> dict[str, float]:
    """Ask, recover, and judge the depths against all true relations; `ties=False` drops every tie, unanswered."""
    asked, order = ask(truth, plan, generator(seed + 1000), **how), order_from_depth(truth, THRESHOLD)
    asked = asked if ties else asked.without_ties()
    found = judge(recover(asked, truth.shape[1], cfg.steps), truth, order)
    true = order[torch.arange(len(truth))[:, None], asked.first, asked.second]
    strict = (true != 0) & ~asked.relation.isnan()
    row = {
        **found,
        "asked": asked.asked.double().mean(),
        "right_answers": (asked.relation == true)[strict].double().mean(),
        "closure": closure_accuracy(asked, order).nanmean(),
        "groups": group_count(asked, truth.shape[1]).double().mean(),
    }
    return {name: round(float(value), 5) for name, value in row.items()}


def budget(seed: int, cfg: RecoveryConfig = STANDARD) -> dict[str, Measurement]:
    """Fewer questions and noisier answers; random pairs that connect all joints, from a tree to all pairs."""
    truth = depths_of(drawn_bodies(cfg.bodies, generator(seed)))
    connected = {
        f"{noise:g}": [measure(truth, "connected", seed, cfg, count=count, noise=noise) for count in COUNTS[1:]]
        for noise in NOISES
    }
    others = {
        "random 9": measure(truth, "random", seed, cfg, count=9),
        "random 17": measure(truth, "random", seed, cfg, count=17),
        "chain": measure(truth, "chain", seed, cfg),
        "chain without ties": measure(truth, "chain", seed, cfg, threshold=0.0),
        "chain without ties, 0.2": measure(truth, "chain", seed, cfg, threshold=0.0, noise=0.2),
        "tree without ties, 0.2": measure(truth, "connected", seed, cfg, count=13, threshold=0.0, noise=0.2),
        "sorting": measure(truth, "sorting", seed, cfg),
        "sorting, 0.1": measure(truth, "sorting", seed, cfg, noise=0.1),
        "all, 0.2, ties dropped": measure(truth, "all", seed, cfg, noise=0.2, ties=False),
        "all, 0.2, no ties allowed": measure(truth, "all", seed, cfg, noise=0.2, threshold=0.0),
    }
    few, noisy = connected["0"][COUNTS.index(17) - 1], others["all, 0.2, ties dropped"]
    extra = {"counts": list(COUNTS[1:]), "connected": connected, "others": others}
    return {
        "comparisons_to_depth": Measurement(few["accuracy"], few["closure"], extra),
        "spearman_from_comparisons": Measurement(few["spearman"], others["random 17"]["spearman"]),
        "consensus_beats_noise": Measurement(noisy["accuracy"], noisy["right_answers"]),
        "chain_of_ties": Measurement(others["chain"]["accuracy"], others["chain without ties"]["accuracy"]),
    }


def thresholds(seed: int, cfg: RecoveryConfig = STANDARD) -> dict[str, Measurement]:
    """All pairs, ties below different thresholds, a weaker pull to 0: the scale of the depths, and their error."""
    truth = depths_of(drawn_bodies(cfg.bodies, generator(seed)))
    order = order_from_depth(truth, THRESHOLD)
    rows = []
    for threshold in THRESHOLDS:
        asked = ask(truth, "all", generator(seed), threshold=threshold)
        gap = float(has_gap(truth, threshold).double().mean())
        for ridge in RIDGES:
            found = recover(asked, JOINTS, 2 * cfg.steps, ridge)
            scale = float((found * truth).sum() / truth.square().sum())
            row = {"threshold": threshold, "ridge": ridge, "with_a_gap": gap, "scale": scale}
            rows.append({**row, **judge(found, truth, order)})
    by = {row["threshold"]: row for row in rows if row["ridge"] == RIDGE}
    return {
        "scale_by_threshold": Measurement(by[0.2]["scale"], by[0.05]["scale"], {"rows": rows}),
        "ties_give_shape": Measurement(by[0.05]["error_mm"], by[0.0]["error_mm"]),
        "smaller_ties_give_more_shape": Measurement(by[0.05]["error_mm"], by[0.1]["error_mm"]),
    }


def seen_from(bodies: Tensor, gen: torch.Generator) -> Tensor:
    """World joints with y up, `(b, n, 3)`, as a level camera 5 m away sees them from any side: x right, y down."""
    turn = 2 * math.pi * torch.rand(len(bodies), generator=gen, dtype=bodies.dtype)
    x, y, z = (bodies - bodies.mean(1, keepdim=True)).unbind(-1)
    sine, cosine = turn.sin()[:, None], turn.cos()[:, None]
    return torch.stack([cosine * x + sine * z, -y, 5 + cosine * z - sine * x], -1)


def real_bodies(root, count: int, gen: torch.Generator) -> Tensor:
    """Poses drawn from motion capture, `(count, 14, 3)`, seen from any side, metres."""
    if root.name == "h36m":
        poses = load_h36m(root, subjects=("S6",), root_motion=False)
    else:
        poses = load_cmu(root, kind="bvh", restore_thorax=True)
    rows = torch.randint(len(poses.joints), (count,), generator=gen)
    return seen_from(convert(poses.joints[rows].double(), poses.skeleton, LSP_14), gen)


def mocap(seed: int, cfg: RecoveryConfig = STANDARD) -> dict[str, Measurement]:
    """The same protocol on people who were measured: subject S6 of Human3.6M and, where present, CMU's."""
    gen, extra = generator(seed), {}
    for name in ("h36m", "cmu_mocap"):
        root = data_root(name)
        if root is not None:
            truth = depths_of(real_bodies(root, cfg.bodies, gen))
            rows = [measure(truth, "connected", seed, cfg, count=count) for count in COUNTS[1:]]
            tied = float((order_from_depth(truth, THRESHOLD) == 0).double().sum((1, 2)).mean() - JOINTS)
            extra[name] = {"rows": rows, "tied": tied / (JOINTS * (JOINTS - 1)), "spread": float(truth.std(1).mean())}
    few = extra["h36m"]["rows"][COUNTS.index(17) - 1]
    return {"mocap_comparisons_to_depth": Measurement(few["accuracy"], few["closure"], extra)}
