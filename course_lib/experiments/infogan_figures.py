"""Reference figures of lesson 06, composed from the sheets that its experiments have kept."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from course_lib.experiments.figures import save_figure
from course_lib.experiments.record import RESULTS

TITLE = "06_infogan.webp"


def figures() -> None:
    """The title figure, from the sheets of seed 0, and a sheet with those of all seeds."""
    folder = RESULTS / "figures"
    sheet = folder / "06_infogan_beyond_0.webp"
    sweeps = [folder / f"06_infogan_beyond_code_{code}.webp" for code in (2, 3)]
    if all(path.exists() for path in (sheet, *sweeps)):
        save_figure(_title(_grey(sheet), [_grey(path) for path in sweeps]), TITLE, quality=85)
    sheets = [[folder / f"06_infogan_{name}_{seed}.webp" for seed in range(5)] for name in ("faithful", "beyond")]
    if all(path.exists() for row in sheets for path in row):
        save_figure(_seeds(sheets), "06_infogan_seeds.webp", quality=75)


def _grey(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L"))


def _title(sheet: np.ndarray, sweeps: list[np.ndarray], *, side: int = 28, steps: int = 13) -> Figure:
    """A column for each class with five noises, then three classes swept by each continuous code."""
    from course_lib.teaching import plots

    tiles = sheet.reshape(10, side, 10, side).transpose(0, 2, 1, 3)  # class, noise, pixels
    panels = [("$c_1$: a value, a digit", tiles.transpose(1, 0, 2, 3)[:5])]
    for code, strip in zip((2, 3), sweeps, strict=True):
        frames = strip.reshape(steps, 3, side, 10, side).transpose(0, 1, 3, 2, 4)  # step, noise, class, pixels
        panels.append((f"$c_{code}$ from -2 to 2", frames[:, 0, :4].transpose(1, 0, 2, 3)))
    plots.use_style()
    figure, axes = plots.plt.subplots(3, 1, figsize=(plots.WIDTH, 5.6), height_ratios=(1.05, 0.8, 0.8))
    for cell, (title, grid) in zip(axes, panels, strict=True):
        rows, columns = grid.shape[:2]
        cell.imshow(grid.transpose(0, 2, 1, 3).reshape(rows * side, columns * side), cmap="gray", vmin=0, vmax=255)
        cell.set_axis_off()
        cell.set_title(title)
    return figure


def _seeds(sheets: list[list[Path]], *, side: int = 28, columns: int = 4) -> Figure:
    """Sheets of five seeds side by side, each with its first columns: official settings above, taught Q below."""
    from course_lib.teaching import plots

    plots.use_style()
    figure, axes = plots.plt.subplots(2, 5, figsize=(plots.WIDTH, 5.2))
    for row, (paths, words) in enumerate(zip(sheets, ("official", "taught Q"), strict=True)):
        for seed, path in enumerate(paths):
            cell = axes[row, seed]
            cell.imshow(_grey(path)[:, : side * columns], cmap="gray", vmin=0, vmax=255)
            cell.set_xticks([])
            cell.set_yticks([])
            cell.grid(False)
            if row == 0:
                cell.set_title(f"seed {seed}", fontweight="normal", loc="center", fontsize=10)
        axes[row, 0].set_ylabel(words)
    return figure
