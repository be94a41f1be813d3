"""Which factors can be read off the pixels: a small network is asked for them, on pictures it has never seen."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from course_lib.experiments.record import Measurement
from course_lib.geometry import H36M_17
from course_lib.metrics import explained_variance
from course_lib.nn.probe import FactorProbe
from course_lib.training import generator, seeded
from course_lib.worlds import faces, glyphs, hands, people, streets


@dataclass(frozen=True)
class ProbeConfig:
    """How a probe is trained; the defaults are those of the recorded results.

    Attributes:
        pictures: Pictures to train on, drawn once; 0 takes the number of the task.
        steps: Training steps; 0 takes the number of the task.
        batch_size: Pictures a step.
        width: Channels of the first convolution.
        lr: Highest learning rate of the one-cycle schedule.
        test: Pictures to test on, which no step has seen.
    """

    pictures: int = 0
    steps: int = 0
    batch_size: int = 64
    width: int = 24
    lr: float = 2e-3
    test: int = 1000


PROFILES = {
    "smoke": ProbeConfig(pictures=96, steps=4, batch_size=32, width=8, test=32),
    "quick": ProbeConfig(pictures=3000, steps=300, width=16, test=500),
    "standard": ProbeConfig(),
    "paper": ProbeConfig(),
}


@dataclass(frozen=True)
class ProbeTask:
    """Pictures of a world, and the numbers to read off them.

    Attributes:
        draw: Draws `n` pictures `(n, c, h, w)` and their numbers by name, each `(n,)`.
        channels: Channels of a picture.
        size: Height and width.
        visible: Names of the numbers that pixels hold.
        hidden: Names of those that the crop takes away. A name in neither list is asked for too, and told in the
            table.
        pictures: Pictures to train on; they are drawn once.
        steps: Training steps.
    """

    draw: Callable[[int, torch.Generator], tuple[Tensor, dict[str, Tensor]]]
    channels: int
    size: tuple[int, int]
    visible: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    pictures: int = 6000
    steps: int = 1200


def hand_pictures(n: int, gen: torch.Generator, compiled: bool | None = None) -> tuple[Tensor, dict[str, Tensor]]:
    """Depth crops of hands as pose networks take them: the nearest point at the front, in units of half the crop."""
    f = hands.sample_factors(n, generator=gen, view=0.6)
    out = hands.render(f, size=48, compiled=compiled)
    depth = out.depth_mm / 1000
    front = torch.where(out.mask, depth, math.inf).flatten(1).amin(1)
    crop = torch.where(out.mask, (depth - front[:, None, None, None]) / 0.125 - 1, 1.0).clamp(-1, 1)
    numbers = {
        "roll of the hand": f.roll,
        "turn of the hand": f.turn.sin(),
        "bend of the index finger": f.flexion_mcp[:, 0] + f.flexion_pip[:, 0],
        "bend of the little finger": f.flexion_mcp[:, 3] + f.flexion_pip[:, 3],
        "spread of the thumb": f.thumb_spread,
        "scale of the hand": f.scale,
        "place to the right": f.offset[:, 0],
        "distance": f.distance,
    }
    return crop, numbers


def people_pictures(n: int, gen: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """RGB pictures of people in the studio, on their feet: each crop has the height of the body."""
    f = people.sample_factors(n, generator=gen, activities=("walking", "reaching", "turning"))
    out = people.render(f, size=64)
    hips = out.joints_3d[:, H36M_17.index("right_hip")] - out.joints_3d[:, H36M_17.index("left_hip")]
    ahead = torch.nn.functional.normalize(torch.stack([-hips[:, 2], hips[:, 0]], 1), dim=1)  # up, crossed with the hips
    numbers = {
        "facing right": ahead[:, 0],
        "facing away": ahead[:, 1],
        "length of the sleeves": f.sleeve,
        "length of the trousers": f.leg,
        "tone of the skin": f.skin,
        "red of the top": f.top_colour[:, 0],
        "stature": f.stature,
    }
    return out.images - 0.5, numbers


def street_pictures(n: int, gen: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """Two successive frames, as six channels."""
    f = streets.sample_factors(n, generator=gen)
    out = streets.render(f, size=(48, 96))
    numbers = {
        "speed": f.speed,
        "turn": f.turn,
        "heading": f.yaw,
        "height of the camera": f.camera_height,
        "width of the road": f.road_width,
    }
    return torch.cat([out.first, out.second], 1) - 0.5, numbers


def single_frames(n: int, gen: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """The first frame alone."""
    pictures, numbers = street_pictures(n, gen)
    return pictures[:, :3], {name: numbers[name] for name in ("speed", "turn", "heading")}


def face_pictures(n: int, gen: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """RGB faces."""
    f = faces.sample_factors(n, generator=gen)
    names = ("nose_width", "smile", "eye_size", "mouth_width", "skin_tone", "turn", "light_azimuth")
    return faces.render(f, size=64).images - 0.5, {name.replace("_", " "): getattr(f, name) for name in names}


def glyph_pictures(n: int, gen: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """Grey glyphs."""
    f = glyphs.sample_factors(n, generator=gen)
    numbers = {
        "slant": f.slant,
        "width": f.width,
        "stroke": f.stroke,
        "shift to the right": f.shift[:, 0],
        "brightness": f.ink,
    }
    return glyphs.render(f, size=32).images - 0.5, numbers


TASKS = {
    "glyphs": ProbeTask(
        glyph_pictures, 1, (32, 32), ("slant", "width", "stroke", "shift to the right", "brightness"), (), 12_000, 600
    ),
    "hands": ProbeTask(
        hand_pictures,
        1,
        (48, 48),
        (
            "roll of the hand",
            "turn of the hand",
            "bend of the index finger",
            "bend of the little finger",
            "spread of the thumb",
            "scale of the hand",
        ),
        ("distance",),
        10_000,
        800,
    ),
    "people": ProbeTask(
        people_pictures,
        3,
        (64, 64),
        (
            "facing right",
            "facing away",
            "length of the sleeves",
            "length of the trousers",
            "tone of the skin",
            "red of the top",
        ),
        ("stature",),
        8000,
        1000,
    ),
    "streets, two frames": ProbeTask(
        street_pictures,
        6,
        (48, 96),
        ("speed", "turn", "heading", "height of the camera", "width of the road"),
        (),
        2500,
        700,
    ),
    # Speed and turn of one frame are drawn apart from it: they stand in no list, and show whether anything leaks.
    "streets, one frame": ProbeTask(single_frames, 3, (48, 96), ("heading",), (), 1500, 300),
    "faces": ProbeTask(
        face_pictures,
        3,
        (64, 64),
        ("nose width", "smile", "eye size", "mouth width", "skin tone", "turn", "light azimuth"),
        (),
        14_000,
        1100,
    ),
}
SHOWN = sum(len(task.visible) for task in TASKS.values())


def probe_step(probe: FactorProbe, opt: torch.optim.Optimizer, pictures: Tensor, numbers: Tensor) -> dict[str, Tensor]:
    """One step on the mean squared error of the standardised numbers; 1 is what a guess of the mean costs."""
    opt.zero_grad()
    error = (probe(pictures) - numbers).square().mean()
    error.backward()
    opt.step()
    return {"error": error.detach()}


def stacked(numbers: dict[str, Tensor]) -> Tensor:
    """Numbers by name as columns, `(n, k)`."""
    return torch.stack(list(numbers.values()), 1)


def read_off(task: ProbeTask, seed: int, cfg: ProbeConfig = PROFILES["standard"]) -> dict[str, float]:
    """Train a probe and return R2 of each number on new pictures."""
    gen = generator(seed)
    pictures, numbers = task.draw(cfg.pictures or task.pictures, gen)
    unseen, truth = task.draw(cfg.test, gen)
    target = stacked(numbers)
    mean, spread = target.mean(0), target.std(0)
    with seeded(seed):
        probe = FactorProbe(channels=task.channels, size=task.size, outputs=len(numbers), width=cfg.width)
    steps = cfg.steps or task.steps
    opt = torch.optim.AdamW(probe.parameters(), lr=cfg.lr, weight_decay=0.02, fused=True)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, cfg.lr, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(pictures), (cfg.batch_size,), generator=gen)
        probe_step(probe, opt, pictures[rows], (target[rows] - mean) / spread)
        rate.step()
    with torch.no_grad():
        read = torch.cat([probe(part) for part in unseen.split(250)]) * spread + mean
    return dict(zip(numbers, explained_variance(read, stacked(truth)).tolist(), strict=True))


def probes(seed: int) -> dict[str, Measurement]:
    """The mean over the numbers that pixels show, and the best of those that the crop takes away."""
    table = {world: read_off(task, seed) for world, task in TASKS.items()}
    shown = {f"{world}: {name}": table[world][name] for world, task in TASKS.items() for name in task.visible}
    hidden = {f"{world}: {name}": table[world][name] for world, task in TASKS.items() for name in task.hidden}
    rounded = {world: {name: round(value, 4) for name, value in row.items()} for world, row in table.items()}
    return {
        "factor_probe_r2": Measurement(
            sum(shown.values()) / len(shown), extra={"by_world": rounded, "worst": min(shown, key=shown.get)}
        ),
        "hidden_factor_r2": Measurement(max(hidden.values()), extra={"best": max(hidden, key=hidden.get)}),
    }
