"""Experiments of lesson 04: depth from comparisons, its free shift, its scale, its sign, and what it takes."""

import numpy as np

from course_lib.experiments.figures import save_figure
from course_lib.experiments.ranking_bodies import budget, mocap, scales, shifts, signs, thresholds
from course_lib.experiments.ranking_errata import errata
from course_lib.experiments.record import Claim, Experiment, load

SEEDS = (0, 1, 2, 3, 4)
FIGURE = "04_rank_losses.webp"
SHARE = {"metric": "ordinal accuracy", "profile": "standard", "floor": 0.0}
SHAPE = {
    "what": "mean error of recovered depths after one scale for all bodies, all pairs, ties below 50 mm",
    "metric": "error",
    "unit": "mm",
    "rule": "each < baseline",
    "floor": 0.0,
    "profile": "standard",
}

EXPERIMENTS = (
    Experiment(
        name="shifts",
        run=shifts,
        seeds=SEEDS,
        claims=(
            Claim(
                id="shift_invariance",
                what="largest relative change of the rank loss when all depths of a body move by up to 10 units",
                metric="relative change",
                rule="max <= 1e-12",
                floor=0.0,
                profile="standard",
            ),
        ),
    ),
    Experiment(
        name="scales",
        run=scales,
        seeds=SEEDS,
        claims=(
            Claim(
                id="finite_scale_from_ties",
                what="how many times as wide the recovered bodies become when the pull to 0 is a hundredth, all 91 "
                "pairs asked, bodies in which ties bridge every gap",
                metric="growth",
                rule="each < baseline",
                floor=0.0,
                profile="standard",
                baseline="the same bodies with the ties left out",
            ),
        ),
    ),
    Experiment(
        name="signs",
        run=signs,
        seeds=SEEDS,
        claims=(
            Claim(
                id="sign_refuted",
                what="share of the pairs in the right order when depth is recovered from the published files' sign, "
                "read as the loss's",
                rule="each < baseline",
                baseline="with the sign turned",
                **SHARE,
            ),
        ),
    ),
    Experiment(
        name="budget",
        run=budget,
        seeds=SEEDS,
        claims=(
            Claim(
                id="comparisons_to_depth",
                what="share of all strict pairs in the right order, depth recovered from 17 random comparisons of 91 "
                "that connect all joints",
                better="higher",
                rule="each > baseline",
                baseline="what follows from the 17 answers by transitivity, a coin for the rest",
                **SHARE,
            ),
            Claim(
                id="spearman_from_comparisons",
                what="rank correlation of true and recovered depths, 17 random comparisons that connect all joints",
                metric="Spearman",
                better="higher",
                rule="each > baseline",
                profile="standard",
                baseline="17 random comparisons, not made to connect",
            ),
            Claim(
                id="consensus_beats_noise",
                what="share of the strict pairs in the right order, from all 91 pairs, each strict answer wrong with "
                "probability 1/5 and the ties left out",
                better="higher",
                rule="each > baseline",
                baseline="share of the answers that are right",
                **SHARE,
            ),
            Claim(
                id="chain_of_ties",
                what="share of the strict pairs in the right order, from the 13 pairs of neighbours in depth, with "
                "ties below 100 mm",
                rule="each < baseline",
                baseline="the same 13 pairs, answered without ties",
                **SHARE,
            ),
        ),
    ),
    Experiment(
        name="thresholds",
        run=thresholds,
        seeds=SEEDS,
        claims=(
            Claim(
                id="scale_by_threshold",
                what="scale of the recovered depths, all pairs, ties below 200 mm",
                metric="scale",
                unit="per metre",
                rule="each < baseline",
                floor=0.0,
                profile="standard",
                baseline="ties below 50 mm",
            ),
            Claim(
                id="ties_give_shape",
                baseline="without ties",
                **SHAPE,
            ),
            Claim(
                id="smaller_ties_give_more_shape",
                baseline="ties below 100 mm, the paper's threshold",
                **SHAPE,
            ),
        ),
    ),
    Experiment(
        name="mocap",
        run=mocap,
        seeds=SEEDS,
        needs="h36m",
        claims=(
            Claim(
                id="mocap_comparisons_to_depth",
                what="the share of comparisons_to_depth on real poses, subject S6 of Human3.6M, seen from any side",
                better="higher",
                rule="each > baseline",
                baseline="what follows from the 17 answers by transitivity, a coin for the rest",
                **SHARE,
            ),
        ),
    ),
)

NOISE_STYLES = {
    "0": ("blue", "-", "o"),
    "0.05": ("green", "--", "s"),
    "0.1": ("orange", "-.", "^"),
    "0.2": ("red", ":", "D"),
}


def over_seeds(claim: dict, key: str) -> dict[str, np.ndarray]:
    """Curves of every noise over the number of questions, `(seeds, counts)` each, from the recorded runs."""
    runs = [run["extra"] for run in claim["ours"]["runs"].values()]
    return {noise: np.array([[row[key] for row in run["connected"][noise]] for run in runs]) for noise in NOISE_STYLES}


def draw_budget(axes, claim: dict, key: str) -> None:
    """One curve a noise, mean of the seeds, with the band from the lowest to the highest."""
    from course_lib.teaching.plots import COLOURS

    counts = next(iter(claim["ours"]["runs"].values()))["extra"]["counts"]
    for noise, runs in over_seeds(claim, key).items():
        colour, style, marker = NOISE_STYLES[noise]
        axes.fill_between(counts, runs.min(0), runs.max(0), color=COLOURS[colour], alpha=0.2, linewidth=0)
        label = "no answer wrong" if noise == "0" else f"{100 * float(noise):g} % wrong"
        axes.plot(counts, runs.mean(0), style, marker=marker, markersize=4.5, color=COLOURS[colour], label=label)
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()


def figures() -> None:
    """The title figure: order and rank correlation against the number of comparisons, from the recorded runs."""
    from course_lib.teaching import plots

    claims = {claim["id"]: claim for claim in load("04_rank_losses")["claims"]}
    if "comparisons_to_depth" not in claims:
        return
    plots.use_style()
    figure, (above, below) = plots.figure_axes(columns=2, height=2.9)
    draw_budget(above, claims["comparisons_to_depth"], "accuracy")
    draw_budget(below, claims["comparisons_to_depth"], "spearman")
    above.axhline(0.5, color=plots.COLOURS["grey"], linewidth=1.0, linestyle=(0, (2, 2)))
    above.text(91, 0.51, "a coin", color=plots.COLOURS["grey"], ha="right", va="bottom", fontsize=9)
    plots.finding(above, "Few comparisons order many pairs", y="pairs in the right order")
    plots.finding(
        below, "Wrong answers are out-voted, if there are others", x="comparisons asked, of 91", y="rank correlation"
    )
    above.legend(loc="lower right", fontsize=9, bbox_to_anchor=(1.0, 0.12))
    save_figure(figure, FIGURE, quality=90)


__all__ = ["EXPERIMENTS", "draw_budget", "errata", "figures", "over_seeds"]
