"""The whole way: picture, network, component, body in metres; and which noise to train the component with."""

import functools
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.experiments import ordinal_depth_runs as images
from course_lib.experiments.ordinal_depth_data import Pool, pool
from course_lib.experiments.ordinal_depth_forms import POOL, STUDIO_SEED, TEST, TEST_SEED, UNITS, WILD_SEED
from course_lib.experiments.reconstruction_runs import (
    STANDARD,
    WeakPerspective,
    measures,
    mm,
    order_kept,
    people_poses,
    train,
)
from course_lib.experiments.record import Measurement
from course_lib.geometry import H36M_17, H36M_17_LEFT, convert
from course_lib.metrics import mpjpe
from course_lib.papers.ordinal_depth import SMALL, Views, normalise_points, upright_poses
from course_lib.papers.ordinal_depth.reconstruction_data import draw_views
from course_lib.training import generator
from course_lib.worlds.people import PeopleFactors, sample_factors

LEVELS = (0.02, 0.05, 0.1, 0.2, 0.3)
NET = replace(SMALL, steps=7_200, units_per_metre=UNITS)  # a headline run: some ten minutes a seed
SHORT = replace(STANDARD, width=512, steps=1_200)
TRAIN_POSES = 20_000
VALIDATION = 500  # of the 1,500 pictures kept apart; the other 1,000 are the test


@dataclass(frozen=True)
class Seen:
    """What the image network says about pictures, in the order of H36M_17_LEFT, and the truth.

    Attributes:
        points: Places in the crop, `(n, 17, 2)`.
        depth: Depths relative to the root, metres, `(n, 17)`.
        views: The true joints.
    """

    points: Float[Tensor, "n 17 2"]
    depth: Float[Tensor, "n 17"]
    views: Views

    def __getitem__(self, rows: slice) -> "Seen":
        """Some of the pictures."""
        return Seen(self.points[rows], self.depth[rows], Views(self.views.joints[rows], self.views.points[rows]))


def see(net: images.Trained, scale: float, pictures: Pool, *, flip: bool) -> Seen:
    """Read pictures; with `flip`, the average with their mirror images, left and right put back.

    Args:
        net: The image network.
        scale: Metres for one unit of its depths.
        pictures: What it looks at.
        flip: Whether to average.
    """
    said = images.read(net, pictures, flip_average=flip)
    joints = convert(pictures.joints, H36M_17, H36M_17_LEFT)
    return Seen(
        convert(said.points.float(), H36M_17, H36M_17_LEFT),
        convert(scale * said.depth.float()[..., None], H36M_17, H36M_17_LEFT)[..., 0],
        Views(joints, joints[..., :2] / joints[..., 2:]),
    )


def image_network(seed: int) -> tuple[images.Trained, float]:
    """A small volume network, trained on studio pictures with depths and wild ones with places and order.

    Returns:
        The network, and metres for one unit of its depths, fitted on training pictures from the studio.
    """
    studio, wild = pool("studio", STUDIO_SEED + seed, POOL), pool("wild", WILD_SEED + seed, POOL)
    half = NET.batch_size // 2
    net = images.train(NET, images.draw_from((studio.batch("metric"), half), (wild.batch("ordinal"), half)), seed)
    known = studio[slice(0, 1000)]
    return net, images.Recovery.fit(images.read(net, known), known).scale


def spread_of_points(seen: Seen) -> float:
    """Error of the 2D joints as a part of the largest offset from the root: one coordinate, root mean square."""
    error = normalise_points(seen.points) - normalise_points(seen.views.points)
    return float(error.square().mean().sqrt())


def level_for(kept: float, depths: Float[Tensor, "n 17"], *, seed: int) -> float:
    """The noise that keeps this share of the orders of given depths, metres, by halving an interval."""
    low, high = 0.001, 1.0
    noise = torch.randn(depths.shape, generator=generator(seed))
    for _ in range(25):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if order_kept(depths + middle * noise, depths) > kept else (low, middle)
    return 0.5 * (low + high)


@functools.lru_cache(maxsize=1)
def _seen(seed: int) -> tuple[Seen, Seen, Seen]:
    (net, scale), pictures = image_network(seed), pool("wild", TEST_SEED, TEST)
    averaged = see(net, scale, pictures, flip=True)
    return averaged[:VALIDATION], averaged[VALIDATION:], see(net, scale, pictures, flip=False)[VALIDATION:]


def pipeline(seed: int) -> dict[str, Measurement]:
    """Wild pictures nobody trained on, to bodies in metres; the component trained with several levels of noise."""
    checked, seen, alone = _seen(seed)
    upright = upright_poses(people_poses(TRAIN_POSES, 2000 + seed))
    known = draw_views(upright, SHORT, 2000, gen=generator(seed))
    cfg = replace(SHORT, point_noise=spread_of_points(checked))
    kept = order_kept(checked.depth, checked.views.depths)
    chosen = level_for(kept, known.depths, seed=seed)
    rows, poses = {}, {}
    for level in (*LEVELS, round(chosen, 4)):
        component = train(upright, seed, cfg, depth_noise=level)
        poses[level] = component.reconstruct(seen.points, seen.depth, check=False)
        rows[level] = measures(poses[level], seen.views)
        if level == round(chosen, 4):
            once = component.reconstruct(alone.points, alone.depth, flip=False, check=False)
    flat = train(upright, seed, cfg, depth_input=False).reconstruct(seen.points, check=False)
    plain = WeakPerspective.fit(known).reconstruct(seen.points, seen.depth)
    ours = rows[round(chosen, 4)]
    found = {
        "kept": kept,
        "chosen": chosen,
        "point_noise": cfg.point_noise,
        "grid": {str(level): rows[level]["mpjpe"] for level in LEVELS},
        "ours": ours,
        "plain": measures(plain, seen.views),
        "2d": measures(flat, seen.views),
    }
    if seed == 0:
        found["shown"] = shown(seen, poses[round(chosen, 4)])
    return {
        "noise_choice": Measurement(ours["mpjpe"], rows[LEVELS[0]]["mpjpe"]),
        "noise_regret_mm": Measurement(ours["mpjpe"] - min(found["grid"].values())),
        "pipeline_mpjpe_mm": Measurement(ours["mpjpe"], found["plain"]["mpjpe"], found),
        "pipeline_depth_helps_mm": Measurement(ours["mpjpe"], found["2d"]["mpjpe"]),
        "pipeline_flip_mm": Measurement(ours["mpjpe"], mm(mpjpe(once, seen.views.poses))),
    }


def shown(seen: Seen, poses: Float[Tensor, "n 17 3"], count: int = 12) -> dict:
    """What a lesson needs to draw the first test pictures: what the network read, and what became of it."""
    numbers = {"points": seen.points, "depth": seen.depth, "pose": poses}
    return {
        name: [[round(v, 3) for v in row.flatten().tolist()] for row in values[:count]]
        for name, values in numbers.items()
    }


def people_of_the_test() -> PeopleFactors:
    """The people of the pictures that `shown` is about, in the same order."""
    return sample_factors(TEST, generator=generator(TEST_SEED), domain="wild")[VALIDATION:]
