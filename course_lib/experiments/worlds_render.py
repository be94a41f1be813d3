"""Claims about the renderers: how fast they are, and whether what they draw lies where the geometry says."""

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from course_lib.experiments.record import Measurement
from course_lib.geometry import project, resize_intrinsics
from course_lib.geometry.warping import warp_with_flow
from course_lib.training import generator
from course_lib.worlds import hands, people, streets
from course_lib.worlds.kernel import can_compile

BATCH = 32


def milliseconds(draw: Callable[[], object], *, rounds: int) -> float:
    """Median processor time of one call, ms; the first call, which may compile, does not count."""
    draw()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        draw()
        times.append(time.process_time() - start)
    return 1e3 * statistics.median(times)


def speeds(seed: int) -> dict[str, Measurement]:
    """Milliseconds a picture on one core, drawn in batches of 32."""
    worlds = {
        "hand_render_ms": (hands, {"size": 64}, 20),
        "person_render_ms": (people, {"size": 64}, 8),
        "street_pair_ms": (streets, {"size": (128, 128)}, 4),
    }
    measured = {}
    for claim, (world, settings, rounds) in worlds.items():
        factors = world.sample_factors(BATCH, generator=generator(seed))
        ways = {"eager": False} | ({"compiled": True} if can_compile() else {})
        per_picture = {}
        for name, compiled in ways.items():
            draw = partial(world.render, factors, compiled=compiled, **settings)
            per_picture[name] = milliseconds(draw, rounds=rounds) / BATCH
        extra = {name: round(value, 4) for name, value in per_picture.items()}
        measured[claim] = Measurement(per_picture.get("compiled", per_picture["eager"]), extra=extra)
    return measured


def projection(seed: int, fine: int = 4) -> dict[str, Measurement]:
    """How far what the renderers draw lies from where the geometry puts it, in pixels of a 64-pixel picture.

    Hands: each joint is drawn by the hand renderer as a small ball, `fine` times as large; the middle of the pixels
    that show it is compared with the projected joint. People: the middle of the drawn silhouette is compared with that
    of the same silhouette drawn `fine` times as large, on average over the pictures. A grid that is off by half a
    pixel shows in both.
    """
    worst = {"hands": _hand_offset(seed, fine), "people": _people_offset(seed, fine)}
    return {"joint_projection_px": Measurement(max(worst.values()), extra=worst)}


def _hand_offset(seed: int, fine: int, count: int = 8, radius: float = 0.004) -> float:
    """Largest distance between a ball drawn at a joint and the projected joint, pixels."""
    out = hands.render(hands.sample_factors(count, generator=generator(seed)), size=64, compiled=False)
    joints = out.joints()
    expected = project(joints, out.intrinsics)
    sizes = torch.full(joints.shape[:2], radius)
    balls = hands.HandParts(joints, joints, sizes, sizes)
    large = resize_intrinsics(out.intrinsics, fine)
    drawn = hands.draw_parts(balls, out.landmarks, large, (64 * fine, 64 * fine), compiled=False)
    area = torch.pi * (radius * large[:, 0, 0, None] / joints[..., 2]) ** 2
    largest = 0.0
    for picture in range(count):
        for joint in range(joints.shape[1]):
            rows, columns = (drawn.capsules[picture] == joint).nonzero().unbind(1)
            if len(rows) < 0.9 * float(area[picture, joint]):
                continue  # hidden in part, or cut by the frame: the middle of the rest is not the middle of the ball
            middle = (torch.stack([columns.float().mean(), rows.float().mean()]) + 0.5) / fine - 0.5
            largest = max(largest, float((middle - expected[picture, joint]).norm()))
    return largest


def _people_offset(seed: int, fine: int, count: int = 12) -> float:
    """Distance between the middles of silhouettes drawn small and large, averaged over pictures, pixels."""
    factors = people.sample_factors(count, generator=generator(seed))
    middles = []
    for scale in (1, fine):
        mask = people.render(factors, size=64 * scale, compiled=False).mask[:, 0]
        grid = (torch.arange(64 * scale) + 0.5) / scale - 0.5
        total = mask.sum((1, 2))
        middles.append(torch.stack([mask.sum(1) @ grid / total, mask.sum(2) @ grid / total], 1))
    return float((middles[0] - middles[1]).mean(0).norm())


def flow(seed: int, pairs: int = 16) -> dict[str, Measurement]:
    """Mean absolute difference between frame 1 and frame 2 brought back by the flow, on pixels that both see.

    The baseline is the least difference after a flow that is wrong by a tenth of a pixel, to the left, right, up or
    down: what remains with the exact flow is the interpolation.
    """
    factors = streets.sample_factors(pairs, generator=generator(seed))
    out = streets.render(factors, size=(128, 128), compiled=False)
    both = out.visible & ~out.moving

    def error(moved: Tensor) -> float:
        warped, valid = warp_with_flow(out.second, moved)
        return float((warped - out.first).abs()[(both & valid).expand_as(out.first)].mean())

    nudges = torch.tensor([[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]])
    nearly = min(error(out.flow + nudge[None, :, None, None]) for nudge in nudges)
    extra = {
        "no_flow": error(torch.zeros_like(out.flow)),
        "flow_reversed": error(-out.flow),
        "mean_flow_px": float(out.flow.norm(dim=1)[both[:, 0]].mean()),
    }
    return {"flow_warp_error": Measurement(error(out.flow), nearly, extra)}


__all__ = ["flow", "milliseconds", "projection", "speeds"]
