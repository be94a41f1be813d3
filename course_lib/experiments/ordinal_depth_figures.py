"""Reference figures of lesson 14: bodies of wild pictures as three networks see them, from the results of seed 0."""

import numpy as np
from matplotlib.figure import Figure

from course_lib.experiments.figures import save_figure
from course_lib.experiments.ordinal_depth_forms import SOURCES, TEST, TEST_SEED
from course_lib.experiments.record import load
from course_lib.geometry import H36M_17
from course_lib.training import generator
from course_lib.worlds import people

LESSON = "14_ordinal_depth"
TITLE = "14_ordinal_depth.webp"
COLUMNS = 4
_STYLES = {
    "studio": ("studio alone", "red"),
    "wild 2D": ("+ wild 2D", "orange"),
    "wild 2D + ordinal": ("+ order", "blue"),
}
_SIDES = {"left": "#0072B2", "right": "#D55E00"}


def figures() -> None:
    """The title figure, where the experiment `wild` has been recorded."""
    claims = {claim["id"]: claim for claim in load(LESSON).get("claims", [])}
    runs = claims.get("wild_2d", {}).get("ours", {}).get("runs", {})
    rows = runs.get("0", {}).get("extra", {})
    if all("shown" in rows.get(source, {}) for source in SOURCES):
        shown = {source: np.array(rows[source]["shown"]) for source in SOURCES}
        save_figure(_title(shown), TITLE, quality=82)


def draw_body(
    axes, across: np.ndarray, down: np.ndarray, *, colour: str = "", width: float = 1.4, alpha: float = 1.0
) -> None:
    """Draw the 16 bones of a body; without `colour` the left is blue, the right vermilion, the middle black.

    Args:
        axes: Where to draw; y must run down.
        across: Of each joint, `(17,)`.
        down: Of each joint, `(17,)`.
        colour: One colour for all bones.
        width: Of the lines.
        alpha: Of the lines.
    """
    for child, parent in enumerate(H36M_17.parents):
        if parent >= 0:
            side = H36M_17.joints[child].partition("_")[0]
            axes.plot(
                across[[parent, child]],
                down[[parent, child]],
                "-",
                color=colour or _SIDES.get(side, "#000000"),
                linewidth=width,
                alpha=alpha,
                solid_capstyle="round",
            )


def _title(shown: dict[str, np.ndarray], size: int = 160) -> Figure:
    """Pictures above; below, the bodies from the side: true ones in grey, one row a network."""
    from course_lib.teaching import plots

    factors = people.sample_factors(TEST, generator=generator(TEST_SEED), domain="wild")[:COLUMNS]
    drawn = people.render(factors, size=size)
    truth = drawn.joints_3d.numpy()
    plots.use_style()
    figure, cells = plots.plt.subplots(1 + len(shown), COLUMNS, figsize=(plots.WIDTH, 6.2), squeeze=False)
    for column in range(COLUMNS):
        top = cells[0, column]
        top.imshow(drawn.images[column].permute(1, 2, 0).clamp(0, 1))
        draw_body(top, *drawn.joints_2d[column].T.numpy(), width=1.2)
        top.set_axis_off()
    for row, (source, bodies) in enumerate(shown.items(), 1):
        words, colour = _STYLES[source]
        for column in range(COLUMNS):
            side(cells[row, column], truth[column], bodies[column], plots.COLOURS[colour])
        cells[row, 0].set_ylabel(words, fontsize=10)
    cells[-1, 0].set_xlabel("depth, farther to the right", fontsize=9, loc="left")
    return figure


def side(axes, truth: np.ndarray, said: np.ndarray, colour: str) -> None:
    """A body from the side, farther to the right, relative to its root: the true one in grey, the other in colour.

    Args:
        axes: Where to draw.
        truth: Joints, `(17, 3)`, metres.
        said: Joints, `(17, 3)`, metres.
        colour: Of the second body.
    """
    for body, tint, width in ((truth, "#AAAAAA", 3.0), (said, colour, 1.5)):
        relative = body - body[0]
        draw_body(axes, relative[:, 2], relative[:, 1], colour=tint, width=width)
    axes.set_xlim(-0.75, 0.75)
    axes.set_ylim(1.05, -0.95)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
