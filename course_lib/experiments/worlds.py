"""Experiments of lesson 05: how fast and how true the worlds are, what can be read off them, what readers withstand."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.experiments.figures import mosaic, save_figure
from course_lib.experiments.record import Claim, Experiment
from course_lib.experiments.worlds_errata import errata
from course_lib.experiments.worlds_probe import SHOWN, probes
from course_lib.experiments.worlds_readers import fuzzed, real_readers
from course_lib.experiments.worlds_real import mocap_strip, pose_basis, rendered_hand
from course_lib.experiments.worlds_render import flow, projection, speeds
from course_lib.training import generator
from course_lib.worlds import faces, glyphs, hands, people, streets

EXPERIMENTS = (
    Experiment(
        name="speeds",
        run=speeds,
        seeds=(0, 1, 2),
        claims=tuple(
            Claim(id=name, what=what, metric="time a picture", unit="ms", rule=rule, profile="standard", floor=0.0)
            for name, what, rule in (
                ("hand_render_ms", "drawing a hand as a 64 x 64 depth map, in batches of 32, compiled", "mean <= 0.2"),
                ("person_render_ms", "drawing a person in 64 x 64 RGB, in batches of 32, compiled", "mean <= 2"),
                (
                    "street_pair_ms",
                    "drawing two 128 x 128 frames of a street with depth and flow, in batches of 32, compiled",
                    "mean <= 10",
                ),
            )
        ),
    ),
    Experiment(
        name="projection",
        run=projection,
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="joint_projection_px",
                what="distance of what is drawn from where it is projected: joints of hands, silhouettes of people",
                metric="distance",
                unit="px of 64",
                rule="max <= 0.25",
                profile="standard",
                floor=0.0,
            ),
        ),
    ),
    Experiment(
        name="flow",
        run=flow,
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="flow_warp_error",
                what="frame 2 of a street brought back by the exact flow, against frame 1",
                metric="mean absolute difference",
                unit="grey levels, 0 to 1",
                rule="each < baseline",
                profile="standard",
                baseline="the best flow that is wrong by a tenth of a pixel",
                floor=0.0,
            ),
        ),
    ),
    Experiment(
        name="probe",
        run=probes,
        seeds=(0, 1, 2),
        claims=(
            Claim(
                id="factor_probe_r2",
                what=f"how well a small network reads {SHOWN} factors off unseen pictures, on average",
                metric="R2",
                better="higher",
                rule="min > 0.6",
                profile="standard",
            ),
            Claim(
                id="hidden_factor_r2",
                what="the number that it reads best, of those that the crop takes away",
                metric="R2",
                rule="max < 0.1",
                profile="standard",
            ),
        ),
    ),
    Experiment(
        name="basis",
        run=pose_basis,
        needs="h36m",
        seeds=(0,),
        once="the same files each time",
        claims=(
            Claim(
                id="pose_basis_mm",
                what="what 60 of the 96 directions of Human3.6M's poses lose on the motion of a subject not fitted",
                metric="mean joint error",
                unit="mm",
                rule="max <= 5",
                profile="standard",
                floor=0.0,
            ),
        ),
    ),
    Experiment(
        name="hand",
        run=rendered_hand,
        needs="hands",
        seeds=(0,),
        once="one frame is at hand",
        claims=(
            Claim(
                id="real_hand_depth_mm",
                what="the genuine NYU frame against the depth map drawn from its labels, where both show a hand",
                metric="median difference",
                unit="mm",
                rule="each < baseline",
                profile="standard",
                baseline="the plane through the joints, a centimetre nearer",
                floor=0.0,
            ),
        ),
    ),
    Experiment(
        name="fuzz",
        run=fuzzed,
        seeds=(0,),
        once="thousands of inputs, each from a seed of its own",
        claims=(
            Claim(
                id="fuzzed_inputs",
                what="damaged data files that a reader met with anything but its documented errors",
                metric="files",
                rule="max <= 0",
                profile="standard",
                floor=0.0,
            ),
        ),
    ),
    Experiment(
        name="real",
        run=real_readers,
        needs="mnist",
        seeds=(0,),
        once="the same files each time",
        claims=(
            Claim(
                id="real_readers",
                what="readers that read the real files of their data set",
                metric="readers",
                better="higher",
                rule="each >= baseline",
                profile="standard",
                baseline="readers for which real files were at hand",
            ),
        ),
    ),
)


def figures() -> None:
    """Draw the five worlds in one picture, each from its own seed, and real motions where they are at hand."""
    mocap_strip()
    drive = streets.render(streets.sample_factors(2, generator=generator(5)), size=(148, 476), compiled=False)
    town = streets.render(streets.sample_factors(2, generator=generator(8), world="B"), size=(148, 476), compiled=False)
    bodies = [
        people.render(
            people.sample_factors(1, generator=generator(seed), domain=domain),
            size=(190, 152),
            samples=4,
            compiled=False,
        ).images
        for domain, seeds in (("studio", (31, 49, 52)), ("wild", (36, 42, 53)))
        for seed in seeds
    ]
    palms = hands.shade(
        hands.render(hands.sample_factors(6, generator=generator(3)), size=456, compiled=False), average=3
    )
    heads = faces.render(faces.sample_factors(6, generator=generator(21)), size=152, compiled=False)
    signs = glyphs.render(glyphs.sample_factors(8, generator=generator(1)), size=84, compiled=False)
    pairs = glyphs.coloured_pairs(signs.images, generator=generator(2))
    tiles = [picture for one in zip(*_halves(pairs), strict=True) for picture in one]
    rows = [
        _pictures(drive.first),
        _pictures(torch.cat(bodies)),
        _pictures(palms),
        _pictures(heads.images),
        _pictures(town.first),
        tiles,
    ]
    save_figure(mosaic(rows, width=960), "05_worlds.webp", quality=88)


def _pictures(images: Tensor) -> list[Image.Image]:
    pixels = (images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(np.ascontiguousarray(one)) for one in pixels]


def _halves(pairs: glyphs.ColouredPairs) -> tuple[list[Image.Image], list[Image.Image]]:
    return _pictures(pairs.coloured_background), _pictures(pairs.coloured_digit)


__all__ = ["EXPERIMENTS", "errata", "figures"]
