"""Drawings of bodies with comparisons: the picture's plane beside the depth that it hides."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from course_lib.experiments.ranking_recovery import THRESHOLD, Questions, depths_of, in_metres, recover
from course_lib.geometry import LSP_14
from course_lib.losses import order_from_depth
from course_lib.metrics import ordinal_accuracy
from course_lib.teaching.plots import COLOURS

SIDES = {"right": "orange", "left": "blue"}  # of the person
WORDS = {1: "closer", -1: "farther", 0: "about as far"}


def bone_colour(child: int) -> str:
    """Orange for the person's right, blue for the left, black between."""
    side = LSP_14.joints[child].split("_")[0]
    return COLOURS[SIDES.get(side, "black")]


def draw_bones(axes, across: np.ndarray, up: np.ndarray, *, faint: bool = False, width: float = 2.0) -> None:
    """A body of 14 joints in a plane.

    Args:
        axes: Where to draw.
        across: Horizontal coordinate of each joint.
        up: Vertical coordinate.
        faint: Grey, as what lies behind.
        width: Of the lines.
    """
    for parent, child in LSP_14.bones:
        colour = "#BBBBBB" if faint else bone_colour(child)
        axes.plot(across[[parent, child]], up[[parent, child]], "-", color=colour, linewidth=width)
    axes.plot(across, up, "o", color="#BBBBBB" if faint else "#333333", markersize=2.5 if faint else 3.5)


def bare(axes, title: str, x: str = "") -> None:
    """Equal scales, no ticks, a small title."""
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.set_title(title, fontsize=9, loc="center", fontweight="normal")
    axes.set_xlabel(x, fontsize=9)
    for side in ("left", "bottom", "right", "top"):
        axes.spines[side].set_visible(False)


def frame(body: Tensor, found: Tensor, pair: Sequence[int], answer: float, words: str) -> Figure:
    """One moment of a recovery: left the picture with the pair that is asked, right the body from its side.

    Args:
        body: Joints in the camera frame, `(14, 3)`, metres.
        found: Recovered depths in metres, `(14,)`.
        pair: The two joints asked about; empty for none.
        answer: The relation of the pair.
        words: Title of the right half.
    """
    figure = Figure(figsize=(4.4, 2.9), dpi=120, layout="constrained")
    left, right = figure.subplots(1, 2)
    plane, depth = body[:, :2].numpy() - body[:, :2].mean(0).numpy(), (body[:, 2] - body[:, 2].mean()).numpy()
    draw_bones(left, plane[:, 0], -plane[:, 1])
    for joint, mark in zip(pair, (answer, -answer), strict=False):
        colour = COLOURS["red"] if mark > 0 else COLOURS["grey"] if mark == 0 else COLOURS["sky"]
        left.plot(plane[joint, 0], -plane[joint, 1], "o", color=colour, markersize=11, alpha=0.85)
    draw_bones(right, depth, -plane[:, 1], faint=True, width=3.0)
    draw_bones(right, found.numpy(), -plane[:, 1], width=1.6)
    for axes in (left, right):
        axes.set_xlim(-0.85, 0.85)
        axes.set_ylim(-1.15, 1.0)
    bare(left, "the picture", "red is closer" if len(pair) and answer else "about as far" if len(pair) else "")
    bare(right, words, r"camera $\leftarrow$  depth  $\rightarrow$")
    return figure


def recovery_frames(body: Tensor, asked: Questions, counts: Sequence[int]) -> tuple[list[Figure], list[str]]:
    """Frames and labels of one body as comparisons are added.

    Args:
        body: `(14, 3)`, camera frame, metres.
        asked: Questions about this body, `(1, p)`.
        counts: After how many of them to draw.
    """
    truth = depths_of(body[None])
    order = order_from_depth(truth, THRESHOLD)
    figures, labels = [], []
    for count in counts:
        found = in_metres(recover(asked.take(count), len(LSP_14)), truth) if count else torch.zeros_like(truth)
        share = float(ordinal_accuracy(found, order)) if count else 0.0
        pair = [int(one[0, count - 1]) for one in (asked.first, asked.second)] if count else []
        answer = float(asked.relation[0, count - 1]) if count else 0.0
        figures.append(frame(body, found[0], pair, answer, f"from its side, {count} asked"))
        if count:
            i, j = (LSP_14.joints[joint].replace("_", " ") for joint in pair)
            said = f"{i} {WORDS[int(answer)]} {'as' if answer == 0 else 'than'} {j}"
            labels.append(f"{count} asked; last: {said}; {100 * share:.0f} % of all ordered pairs are right")
        else:
            labels.append("nothing asked: every depth is equal")
    return figures, labels
