"""Claims about the renderers: how fast they are, and whether what they draw lies where the geometry says."""

import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from course_lib.experiments.record import Measurement
from course_lib.geometry import pixel_grid, project
from course_lib.geometry.warping import warp_with_flow
from course_lib.training import generator
from course_lib.worlds import hands, people, raycast, streets
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


def projection(seed: int, fine: int = 8) -> dict[str, Measurement]:
    """How far a drawn joint lies from its projection, in pixels of a 64-pixel picture.

    Each joint is drawn alone, as a small ball, by the ray caster that draws the bodies, on a grid `fine` times as
    dense; the middle of the pixels that it covers is compared with the projected joint.
    """
    hand = hands.render(hands.sample_factors(BATCH, generator=generator(seed)), size=64, compiled=False)
    person = people.render(people.sample_factors(BATCH, generator=generator(seed)), size=64, compiled=False)
    worst = {
        "hands": _off_center(hand.joints(), hand.intrinsics, 64, fine, radius=0.003),
        "people": _off_center(person.joints_3d, person.intrinsics, 64, fine, radius=0.03),
    }
    return {"joint_projection_px": Measurement(max(worst.values()), extra=worst)}


def _off_center(joints: Tensor, intrinsics: Tensor, size: int, fine: int, *, radius: float) -> float:
    """Largest distance between the middle of a drawn ball and its projected centre, pixels."""
    grid = (pixel_grid(size * fine, size * fine) + 0.5) / fine - 0.5  # centres of the fine pixels, in coarse ones
    pixels = grid.flatten(0, 1)
    largest = 0.0
    for points, camera in zip(joints, intrinsics, strict=True):
        expected = project(points, camera)
        rays = torch.stack(
            [(pixels[:, 0] - camera[0, 2]) / camera[0, 0], (pixels[:, 1] - camera[1, 2]) / camera[1, 1]], 1
        )
        for place, pixel in zip(points, expected, strict=True):
            if not bool(((pixel > 3) & (pixel < size - 4)).all()):
                continue  # cut by the frame: the middle of what is left is not the middle of the ball
            ball = place[None, None]
            hit = raycast.cast_cones(rays, ball, ball, torch.full((1, 1), radius), compiled=False).hit[0]
            largest = max(largest, float((pixels[hit].mean(0) - pixel).norm()))
    return largest


def flow(seed: int, pairs: int = 16) -> dict[str, Measurement]:
    """Mean absolute difference between frame 1 and frame 2 brought back by the flow, on pixels that both see.

    The baseline is what bilinear interpolation alone costs: frame 1 against itself, moved by half a pixel and back.
    """
    factors = streets.sample_factors(pairs, generator=generator(seed))
    out = streets.render(factors, size=(128, 128), compiled=False)
    both = out.visible & ~out.moving
    warped, valid = warp_with_flow(out.second, out.flow)
    seen = (both & valid).expand_as(out.first)
    error = float((warped - out.first).abs()[seen].mean())
    still = float((out.second - out.first).abs()[seen].mean())
    half = torch.full_like(out.flow, 0.5)
    there, inside = warp_with_flow(out.first, half)
    back, again = warp_with_flow(there, -half)
    sure = (inside & again).expand_as(out.first)
    wrong_way, inside = warp_with_flow(out.second, -out.flow)
    backwards = float((wrong_way - out.first).abs()[(both & inside).expand_as(out.first)].mean())
    extra = {
        "no_flow": still,
        "flow_reversed": backwards,
        "mean_flow_px": float(out.flow.norm(dim=1)[both[:, 0]].mean()),
    }
    return {"flow_warp_error": Measurement(error, float((back - out.first).abs()[sure].mean()), extra)}


__all__ = ["flow", "milliseconds", "projection", "speeds"]
