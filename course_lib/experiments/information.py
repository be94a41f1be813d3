"""Experiments of lesson 03: bounds on mutual information against the truth, and codes that are turned."""

import numpy as np

from course_lib.experiments.figures import save_figure
from course_lib.experiments.information_bounds import cap, gap, scatter, trained
from course_lib.experiments.information_errata import errata
from course_lib.experiments.information_estimators import BOUNDS
from course_lib.experiments.information_glyphs import turned
from course_lib.experiments.record import Claim, Experiment, load

SEEDS = (0, 1, 2, 3, 4)
FIGURE = "03_information_bounds.webp"

EXPERIMENTS = (
    Experiment(
        name="gap",
        run=gap,
        seeds=SEEDS,
        claims=(
            Claim(
                id="ba_gap_exact",
                what="largest difference between I - L_I and the mean divergence of Q from the posterior, 500 models",
                metric="difference",
                unit="nats",
                rule="max <= 1e-9",
                floor=0.0,
                profile="exact",
            ),
        ),
    ),
    Experiment(
        name="cap",
        run=cap,
        seeds=SEEDS,
        claims=(
            Claim(
                id="infonce_cap",
                what="InfoNCE with the best critic and 64 pairs (log 64 is 4.1589) on normals of 20 coordinates with "
                "correlation 0.9, which share 16.607 nats",
                metric="estimate",
                unit="nats",
                better="higher",
                rule="min > 4.1",
                profile="exact",
            ),
        ),
    ),
    Experiment(
        name="scatter",
        run=scatter,
        seeds=SEEDS,
        claims=(
            Claim(
                id="nwj_variance",
                what="standard deviation of one NWJ estimate from 64 pairs, best critic, 10 nats, as 1,000 batches "
                "see it (the exact one is in the hundreds)",
                metric="deviation",
                unit="nats",
                better="higher",
                rule="each > baseline",
                floor=0.0,
                profile="exact",
                baseline="Barber-Agakov's on the same pairs",
            ),
            Claim(
                id="dv_overshoots",
                what="mean of Donsker-Varadhan estimates from 64 pairs less the truth, best critic, 10 nats",
                metric="bias",
                unit="nats",
                better="higher",
                rule="min > 0.3",
                profile="exact",
            ),
        ),
    ),
    Experiment(
        name="turned",
        run=turned,
        seeds=SEEDS,
        claims=(
            Claim(
                id="equal_mi_estimates",
                what="difference between the trained bounds of two generators of glyphs, codes straight and turned",
                metric="difference",
                unit="nats",
                rule="max <= 0.2",
                floor=0.0,
                profile="standard",
            ),
            Claim(
                id="equal_mi_not_disentangled",
                what="squared rank correlation of code 1 with slant and code 2 with width, codes turned by 45 degrees",
                metric="alignment",
                better="lower",
                rule="each < baseline",
                floor=0.0,
                profile="standard",
                baseline="codes straight, the same pictures",
            ),
        ),
    ),
    Experiment(
        name="trained",
        run=trained,
        seeds=SEEDS,
        claims=(
            Claim(
                id="trained_reader_is_near",
                what="mean distance of a single Barber-Agakov estimate from the truth, trained reader, 10 nats",
                metric="distance",
                unit="nats",
                rule="each < baseline",
                floor=0.0,
                profile="standard",
                baseline="that of the best of three trained critics",
            ),
        ),
    ),
)

STYLES = {
    "Barber-Agakov": ("blue", "-", "o"),
    "Donsker-Varadhan": ("orange", "--", "s"),
    "NWJ": ("red", "-.", "^"),
    "InfoNCE": ("green", ":", "D"),
}


def draw_bounds(axes, rows: dict, *, pairs: int, middle: str) -> None:
    """Estimates against the truth: a line through the middle of each bound's estimates, a band from 10 to 90 %.

    Args:
        axes: Where to draw.
        rows: `nats`, and for each bound `low`, `high` and the middle.
        pairs: The batch, whose logarithm is drawn as a ceiling.
        middle: `mean` or `median`.
    """
    from course_lib.teaching.plots import COLOURS

    nats = np.array(rows["nats"])
    top = 1.25 * nats.max()
    axes.plot([0, nats.max()], [0, nats.max()], color=COLOURS["black"], linewidth=1.2, label="the truth")
    axes.axhline(np.log(pairs), color=COLOURS["grey"], linewidth=1.2, linestyle=(0, (2, 2)))
    axes.text(0.1, np.log(pairs) + 0.02 * top, f"log {pairs}", color=COLOURS["grey"])
    for name in BOUNDS:
        colour, style, marker = STYLES[name]
        line, low, high = (np.clip(rows[name][key], -1.0, top) for key in (middle, "low", "high"))
        axes.fill_between(nats, low, high, color=COLOURS[colour], alpha=0.18, linewidth=0)
        axes.plot(nats, line, style, marker=marker, markersize=4.5, color=COLOURS[colour], label=name)
    axes.set_ylim(-0.5, top)
    axes.set_xlim(0, nats.max() * 1.02)


def figures() -> None:
    """The title figure: all four bounds with the best critic, and trained, from the recorded runs."""
    from course_lib.teaching import plots

    claims = {claim["id"]: claim for claim in load("03_information_bounds")["claims"]}
    if not {"nwj_variance", "trained_reader_is_near"} <= claims.keys():
        return
    plots.use_style()
    figure, (above, below) = plots.figure_axes(columns=2, height=3.3)
    draw_bounds(above, over_seeds(claims["nwj_variance"], "median"), pairs=64, middle="median")
    draw_bounds(below, over_seeds(claims["trained_reader_is_near"], "median"), pairs=64, middle="median")
    plots.finding(above, "The best critic: what the batch does", y="estimate, nats")
    plots.finding(below, "Critics trained for seconds", x="true mutual information, nats", y="estimate, nats")
    above.legend(loc="upper left", fontsize=8.5)
    save_figure(figure, FIGURE, quality=90)


def over_seeds(claim: dict, middle: str) -> dict:
    """The recorded curves of all seeds, averaged."""
    runs = [run["extra"] for run in claim["ours"]["runs"].values()]
    rows: dict = {"nats": runs[0]["nats"]}
    for name in BOUNDS:
        rows[name] = {key: np.mean([run[name][key] for run in runs], 0) for key in (middle, "low", "high")}
    return rows


__all__ = ["EXPERIMENTS", "draw_bounds", "errata", "figures", "over_seeds"]
