"""What the codes do to generated images: slant and width, within the prior's range and beyond it."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor

from course_lib.experiments.infogan_runs import Trained, generate
from course_lib.papers.infogan import Codes, sample_codes, sample_noise
from course_lib.training import generator
from course_lib.worlds.glyphs import moments

FACTORS = ("slant", "width")
SWEEP = tuple(round(-2 + 0.25 * i, 2) for i in range(17))  # the prior ends at -1 and 1


def measured(images: Float[Tensor, "n 1 h w"]) -> dict[str, Float[Tensor, " n"]]:
    """Slant and width of drawn signs, from the moments of their ink."""
    found = moments(images)
    return {"slant": found.slant, "width": found.width}


def code_effects(done: Trained, *, seed: int = 54_321, n: int = 4000, reach: float = 1.0) -> dict[str, list[float]]:
    """How slant and width of generated images follow each continuous code, class by class taken together.

    Both are freed of the class's mean first, so that only what the code does within a class counts.

    Returns:
        `slant` and `width`: share of the variance within classes that a line for each class explains, for each code;
        `slant_spearman` and `width_spearman`: absolute rank correlation within a class, averaged over the classes. The
        direction may differ between classes.
    """
    gen = generator(seed)
    codes = sample_codes(n, done.cfg, generator=gen)
    codes = Codes(codes.classes, codes.continuous * reach)
    drawn = measured(generate(done, codes, gen=gen))
    kind, columns = codes.classes[:, 0], codes.continuous.unbind(1)
    effects = {name: [round(_within_r2(c, drawn[name], kind), 4) for c in columns] for name in FACTORS}
    ranks = {
        f"{name}_spearman": [round(_within_spearman(c, drawn[name], kind), 4) for c in columns] for name in FACTORS
    }
    return effects | ranks


def pairing(effects: dict[str, list[float]]) -> dict[str, int]:
    """Which code stands for slant and which for width: the pairing with the larger sum of R2."""
    slant, width = effects["slant"], effects["width"]
    pairs = [(i, j) for i in range(len(slant)) for j in range(len(width)) if i != j]
    i, j = max(pairs, key=lambda pair: slant[pair[0]] + width[pair[1]])
    return {"slant": i, "width": j}


def one_code_each(effects: dict[str, list[float]]) -> dict[str, float]:
    """R2 and rank correlation of slant and of width when each is given a code of its own."""
    which = pairing(effects)
    found = {name: effects[name][i] for name, i in which.items()}
    return found | {f"{name}_spearman": effects[f"{name}_spearman"][i] for name, i in which.items()}


def extrapolation(done: Trained, effects: dict[str, list[float]], *, seed: int = 777, n: int = 300) -> dict[str, Any]:
    """Sweep the code of slant and the code of width from -2 to 2, though training never left [-1, 1].

    All else is held: `n` triples of noise, class and other code are drawn once and shown at each value. Moving
    averages normalise, so that the images of one value do not depend on those of the others.

    Returns:
        For each factor: its mean at each value of `SWEEP` (`curve`), the rank correlation of that curve with the
        value (`monotone`, 1 or -1 when it never turns), slopes inside [-1, 1] and beyond either end, and the root mean
        square distance of the outer part from the line through the inner part, in units of the inner span (`off_line`).
    """
    rows: dict[str, Any] = {}
    values, inside = np.array(SWEEP), np.abs(SWEEP) <= 1
    for name, code in pairing(effects).items():
        base = sample_codes(n, done.cfg, generator=generator(seed))
        curve = []
        for value in SWEEP:
            continuous = base.continuous.clone()
            continuous[:, code] = value
            pictures = generate(
                done, Codes(base.classes, continuous), gen=generator(seed + 1), statistics="running"
            )  # the same noise at every value
            curve.append(float(measured(pictures)[name].mean()))
        heights = np.array(curve)
        slope, start = np.polyfit(values[inside], heights[inside], 1)
        ends = [np.polyfit(values[part], heights[part], 1)[0] for part in (values <= -1, values >= 1)]
        off = heights[~inside] - (slope * values[~inside] + start)
        rows[name] = {
            "code": code,
            "curve": [round(v, 4) for v in curve],
            "monotone": round(float(spearmanr(values, heights).statistic), 4),
            "slope_inside": round(float(slope), 4),
            "slopes_outside": [round(float(end), 4) for end in ends],
            "off_line": round(float(np.sqrt(np.mean(off**2)) / max(abs(2 * slope), 1e-9)), 4),
        }
    return rows


def kept(row: dict[str, Any]) -> float:
    """The lesser slope beyond an end over the slope inside, from the curve of a factor that `extrapolation` gave."""
    values, heights = np.array(SWEEP), np.array(row["curve"])
    slopes = [np.polyfit(values[part], heights[part], 1)[0] for part in (abs(values) <= 1, values <= -1, values >= 1)]
    return round(float(min(slopes[1] / slopes[0], slopes[2] / slopes[0])), 4)


def class_sheet(done: Trained, *, seed: int = 31, columns: int = 10, gap: int = 0) -> Image.Image:
    """A row for each value of the discrete code, all else drawn anew in each column and shared by the rows.

    Args:
        done: The networks.
        seed: Of what is drawn.
        columns: Pictures a row.
        gap: Grey pixels between pictures.
    """
    k = done.cfg.categories[0]
    base = sample_codes(columns, done.cfg, generator=generator(seed))
    classes = torch.arange(k).repeat_interleave(columns)[:, None]
    pictures = _same_noise(done, Codes(classes, base.continuous.repeat(k, 1)), columns, seed)
    return _tiled(pictures, k, columns, gap)


def traversal_sheets(
    done: Trained, *, seed: int = 31, rows: int = 3, reach: float = 2.0, steps: int = 13, gap: int = 0
) -> list[list[Image.Image]]:
    """For each continuous code the pictures of a sweep: a column for each class, a row for each noise.

    Args:
        done: The networks.
        seed: Of the noise.
        rows: Draws of the noise.
        reach: The sweep goes from minus this to this.
        steps: Pictures of a sweep.
        gap: Grey pixels between the signs.
    """
    k = done.cfg.categories[0]
    sheets = []
    for code in range(done.cfg.continuous):
        frames = []
        for value in torch.linspace(-reach, reach, steps).tolist():
            continuous = torch.zeros(rows * k, done.cfg.continuous)
            continuous[:, code] = value
            classes = torch.arange(k).repeat(rows)[:, None]
            noise_rows = torch.arange(rows).repeat_interleave(k)
            pictures = _same_noise(done, Codes(classes, continuous), rows, seed, which=noise_rows)
            frames.append(_tiled(pictures, rows, k, gap))
        sheets.append(frames)
    return sheets


def _same_noise(
    done: Trained, codes: Codes, count: int, seed: int, *, which: Int[Tensor, " n"] | None = None
) -> Float[Tensor, "n 1 h w"]:
    """Pictures in which `count` draws of noise repeat, in turn or as `which` says."""
    noise = sample_noise(count, done.cfg, generator=generator(seed + 1))
    which = torch.arange(len(codes)) % count if which is None else which
    return generate(done, codes, noise=noise[which], statistics="running")


def _tiled(pictures: Float[Tensor, "n 1 h w"], rows: int, columns: int, gap: int = 0) -> Image.Image:
    pictures = F.pad(pictures.clamp(0, 1), (gap,) * 4, value=0.35)
    h, w = pictures.shape[-2:]
    grid = pictures.reshape(rows, columns, h, w).permute(0, 2, 1, 3).reshape(rows * h, columns * w)
    return Image.fromarray((grid * 255).round().to(torch.uint8).numpy())


def _within_r2(code: Tensor, value: Tensor, kind: Tensor) -> float:
    """Share of the variance within classes that a line per class in the code explains."""
    explained = total = 0.0
    for k in kind.unique():
        a, b = code[kind == k].double(), value[kind == k].double()
        a, b = a - a.mean(), b - b.mean()
        explained += float((a @ b) ** 2 / (a @ a).clamp_min(1e-12))
        total += float(b @ b)
    return explained / max(total, 1e-12)


def _within_spearman(code: Tensor, value: Tensor, kind: Tensor) -> float:
    """Absolute rank correlation within a class, averaged over classes; 0 for a class that is drawn one way only."""
    found = []
    for k in kind.unique():
        a, b = code[kind == k].numpy(), value[kind == k].numpy()
        found.append(abs(float(spearmanr(a, b).statistic)) if b.std() > 0 else 0.0)
    return float(np.mean(found))
