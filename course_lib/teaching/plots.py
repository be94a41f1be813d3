"""One drawing style: readable on a phone, safe for colour-blind readers, and a finding in every title.

Figures keep a white ground: a transparent one puts black letters on a dark page, and a grey that suits both grounds has
too little contrast on either.
"""

from collections.abc import Sequence
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito 2008, without the yellow, which vanishes on white.
COLOURS = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "red": "#D55E00",
    "pink": "#CC79A7",
    "sky": "#56B4E9",
    "grey": "#666666",
    "black": "#000000",
}
WIDTH = 4.8  # inches; at 390 CSS pixels the letters are still 11 pixels high
SEQUENTIAL = "viridis"
DIVERGING = "PuOr"


def use_style() -> None:
    """Set the course's style for all later figures."""
    matplotlib.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.2),
            "figure.dpi": 144,
            "savefig.dpi": 144,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 11,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "legend.fontsize": 10,
            "legend.frameon": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#DDDDDD",
            "axes.axisbelow": True,
            "lines.linewidth": 2.0,
            "image.cmap": SEQUENTIAL,
            "axes.prop_cycle": matplotlib.cycler(color=list(COLOURS.values())),
            "figure.constrained_layout.use": True,
        }
    )


def _array(values: Any) -> np.ndarray:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values)


def finding(axes: Any, title: str, *, x: str = "", y: str = "") -> None:
    """Give axes their title, which states what was found, and their labels with units."""
    axes.set_title(title, wrap=True)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def image_grid(
    images: Any, *, columns: int = 8, title: str = "", labels: Sequence[str] = (), low: float = 0.0, high: float = 1.0
) -> Figure:
    """Draw images in a grid, without axes.

    Args:
        images: (n, h, w), (n, 1, h, w) or (n, 3, h, w), values from `low` to `high`.
        columns: Images a row.
        title: The finding.
        labels: A word over each image, or none.
        low: The value drawn black.
        high: The value drawn white.
    """
    batch = _array(images)
    if batch.ndim == 4:
        batch = batch.transpose(0, 2, 3, 1).squeeze(-1) if batch.shape[1] == 1 else batch.transpose(0, 2, 3, 1)
    if batch.ndim not in (3, 4):
        raise ValueError(f"images (shape {batch.shape}) must be (n, h, w), (n, 1, h, w) or (n, 3, h, w).")
    if labels and len(labels) != len(batch):
        raise ValueError(f"labels ({len(labels)}) must be as many as images ({len(batch)}), or none.")
    columns = min(columns, len(batch))
    rows = -(-len(batch) // columns)
    side = WIDTH / columns
    aspect = batch.shape[1] / batch.shape[2]
    height = rows * (side * aspect + (0.25 if labels else 0.04)) + (0.35 if title else 0)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height), squeeze=False)
    for index, cell in enumerate(axes.flat):
        cell.axis("off")
        if index < len(batch):
            scaled = ((batch[index] - low) / (high - low)).clip(0, 1)
            cell.imshow(scaled, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            if labels:
                cell.set_title(str(labels[index]), fontweight="normal", loc="center")
    if title:
        figure.suptitle(title, fontweight="bold", fontsize=11, x=0.01, ha="left")
    return figure


def curve(
    axes: Any, x: Any, y: Any, *, label: str = "", colour: str = "blue", band: Any = None, style: str = "-"
) -> None:
    """Draw a curve, or the mean of several runs with the band from the lowest to the highest.

    Args:
        axes: Where to draw.
        x: Positions (n,).
        y: Values (n,) or runs (seeds, n).
        label: Legend text.
        colour: A name of `COLOURS`.
        band: (low, high) arrays instead of the runs' own range.
        style: Line style, so that curves differ without colour too.
    """
    if colour not in COLOURS:
        raise ValueError(f"colour (={colour!r}) must be one of {', '.join(COLOURS)}.")
    x, y = _array(x), _array(y)
    if y.ndim == 2:
        band = (y.min(0), y.max(0)) if band is None else band
        y = y.mean(0)
    axes.plot(x, y, style, color=COLOURS[colour], label=label or None)
    if band is not None:
        axes.fill_between(x, _array(band[0]), _array(band[1]), color=COLOURS[colour], alpha=0.2, linewidth=0)


def figure_axes(*, columns: int = 1, height: float = 3.0) -> tuple[Figure, Any]:
    """A figure of the course's width; several axes stand below one another, so that a phone shows them large."""
    figure, axes = plt.subplots(columns, 1, figsize=(WIDTH, height * columns), squeeze=False)
    return figure, axes[0, 0] if columns == 1 else axes[:, 0]
