"""Figures of lesson 15: skeletons over pictures, skeletons in space, and the title figure."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.experiments.figures import save_figure
from course_lib.experiments.record import load
from course_lib.geometry import H36M_17_LEFT

LESSON = "15_ordinal_reconstruction"
FIGURE = "15_ordinal_reconstruction.webp"
SIDES = {"left": "blue", "right": "orange"}


def draw_bones(axes, points: Float[Tensor, "17 2"], *, alpha: float = 1.0, width: float = 2.0, grey: bool = False):
    """A skeleton in the plane, left limbs solid blue, right limbs dashed orange, the trunk black.

    Args:
        axes: Where to draw.
        points: x right, y down, order `H36M_17_LEFT`.
        alpha: Opacity.
        width: Of the lines.
        grey: One grey for all, for a truth behind an answer.
    """
    from course_lib.teaching.plots import COLOURS

    for parent, child in H36M_17_LEFT.bones:
        side = H36M_17_LEFT.joints[child].split("_")[0]
        colour = COLOURS["grey" if grey else SIDES.get(side, "black")]
        ends = points[[parent, child]]
        style = ":" if grey else "--" if side == "right" else "-"
        axes.plot(ends[:, 0], ends[:, 1], style, color=colour, alpha=alpha, linewidth=width, solid_capstyle="round")


def turned(pose: Float[Tensor, "17 3"], angle: float) -> Float[Tensor, "17 3"]:
    """A body seen from another side: the camera walks around it by an angle in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = pose.new_tensor([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    return pose @ turn.T


def body_axes(axes, reach: float = 1.0) -> None:
    """Room for a body whose pelvis is at the origin, y down, no ticks."""
    axes.set_xlim(-0.75 * reach, 0.75 * reach)
    axes.set_ylim(1.02 * reach, -0.85 * reach)
    axes.set_aspect("equal")
    axes.axis("off")


def turning(
    pose: Float[Tensor, "17 3"], true: Float[Tensor, "17 3"], *, frames: int = 12, size: float = 3.0
) -> tuple[list, list[str]]:
    """Frames of a body that turns, and its truth in grey behind it, with their labels."""
    from course_lib.teaching import plots

    pictures, labels = [], []
    for frame in range(frames):
        angle = 2 * np.pi * frame / frames
        figure, axes = plots.plt.subplots(figsize=(size, size))
        draw_bones(axes, turned(true, angle)[:, :2], grey=True, width=2.2)
        draw_bones(axes, turned(pose, angle)[:, :2])
        body_axes(axes)
        pictures.append(figure)
        labels.append(f"seen from {round(np.degrees(angle))} degrees" + (", the camera's view" if frame == 0 else ""))
    return pictures, labels


def numbers_of(shown: dict) -> tuple[Tensor, Tensor, Tensor]:
    """Recorded points, depths and poses as tensors."""
    points = torch.tensor(shown["points"]).unflatten(1, (17, 2))
    return points, torch.tensor(shown["depth"]), torch.tensor(shown["pose"]).unflatten(1, (17, 3))


def draw_pipeline(shown: dict, rows: Sequence[int], *, size: int = 192):
    """Pictures with what the network read, and what was reconstructed, from the camera and from its right side."""
    from course_lib.experiments.reconstruction_pipeline import people_of_the_test
    from course_lib.geometry import H36M_17, convert
    from course_lib.teaching import plots
    from course_lib.worlds import people

    points, _, poses = numbers_of(shown)
    chosen = people_of_the_test()[torch.tensor(rows)]
    drawn = people.render(chosen, size=size)
    true = convert(drawn.joints_3d, H36M_17, H36M_17_LEFT)
    true = true - true[:, :1]
    figure, cells = plots.plt.subplots(3, len(rows), figsize=(plots.WIDTH, 1.16 * plots.WIDTH * 3 / len(rows) / 1.05))
    for column, row in enumerate(rows):
        cells[0, column].imshow(drawn.images[column].permute(1, 2, 0).numpy())
        draw_bones(cells[0, column], (points[row] + 1) * size / 2 - 0.5, width=1.6)
        cells[0, column].set_xlim(0, size)
        cells[0, column].set_ylim(size, 0)
        cells[0, column].axis("off")
        for line, angle in ((1, 0.0), (2, np.pi / 2)):
            draw_bones(cells[line, column], turned(true[column], angle)[:, :2], grey=True, width=2.2)
            draw_bones(cells[line, column], turned(poses[row], angle)[:, :2], width=1.6)
            body_axes(cells[line, column])
    for line, words in enumerate(("as read", "rebuilt", "its side")):
        cells[line, 0].axis("on")
        cells[line, 0].set_xticks([])
        cells[line, 0].set_yticks([])
        cells[line, 0].grid(False)
        for spine in cells[line, 0].spines.values():
            spine.set_visible(False)
        cells[line, 0].set_ylabel(words, fontsize=9)
    return figure


def figures() -> None:
    """The title figure, from the recorded runs."""
    from course_lib.teaching import plots

    claims = {claim["id"]: claim for claim in load(LESSON)["claims"]}
    run = claims.get("pipeline_mpjpe_mm", {}).get("ours", {}).get("runs", {}).get("0")
    if run is None:
        return
    plots.use_style()
    save_figure(draw_pipeline(run["extra"]["shown"], (0, 1, 2, 3, 4)), FIGURE, quality=88)
