"""2D alone against 2D with ordinal depths, on the people world and on real motion capture."""

import functools
from dataclasses import replace

import torch

from course_lib.experiments import data_root
from course_lib.experiments.reconstruction_runs import (
    AS_THEY_ARE,
    NOISE,
    STANDARD,
    TEST_SEED,
    WeakPerspective,
    ambiguity,
    measures,
    mixed_people,
    mm,
    order_kept,
    people_views,
    read_depths,
    real_poses,
    train,
)
from course_lib.experiments.record import Measurement
from course_lib.metrics import mpjpe, procrustes_mpjpe
from course_lib.papers.ordinal_depth import Reconstructor, Views, seen_from
from course_lib.papers.ordinal_depth.reconstruction_data import draw_views
from course_lib.training import generator

TRAIN_PEOPLE = 20_000
TEST_PEOPLE = 1_000
LEVELS = (0.02, 0.05, 0.1, 0.2, 0.3)
SHORT = replace(STANDARD, width=512, steps=1_500)


def lift(seed: int) -> dict[str, Measurement]:
    """Both components on people of the rendered world, and what each part of the recipe is worth."""
    upright = mixed_people(TRAIN_PEOPLE, 1000 + seed)
    views = seen_from(mixed_people(TEST_PEOPLE, TEST_SEED + seed), AS_THEY_ARE, gen=generator(TEST_SEED + seed))
    flat, deep = train(upright, seed, SHORT, depth_input=False), train(upright, seed, SHORT)
    known = draw_views(upright, deep.cfg, TRAIN_PEOPLE, gen=generator(seed))
    rival, depth = WeakPerspective.fit(known), read_depths(views, NOISE, seed)
    only, both = flat.reconstruct(views.points), deep.reconstruct(views.points, depth)
    plain = rival.reconstruct(views.points, depth)
    average = rival.mean.expand_as(views.poses)
    rows = {"2d": measures(only, views), "ordinal": measures(both, views), "plain": measures(plain, views)}
    rows["mean"] = measures(average, views)
    regular = people_views(TEST_PEOPLE, TEST_SEED + seed)
    rows["regular"] = {
        "2d": mm(mpjpe(flat.reconstruct(regular.points), regular.poses)),
        "ordinal": mm(mpjpe(deep.reconstruct(regular.points, read_depths(regular, NOISE, seed)), regular.poses)),
    }
    levels = {
        str(level): {
            "kept": order_kept(read_depths(views, level, seed), views.depths),
            "mpjpe": mm(mpjpe(deep.reconstruct(views.points, read_depths(views, level, seed)), views.poses)),
        }
        for level in LEVELS
    }
    return {
        "recon_2d_only_mm": Measurement(rows["2d"]["mpjpe"], rows["mean"]["mpjpe"], rows),
        "recon_ordinal_mm": Measurement(rows["ordinal"]["mpjpe"], rows["2d"]["mpjpe"], {"levels": levels}),
        "recon_cleans_depth_mm": Measurement(rows["ordinal"]["mpjpe"], rows["plain"]["mpjpe"]),
        "recon_pck3d": Measurement(rows["ordinal"]["pck"], rows["2d"]["pck"]),
        "ambiguous_gain_mm": _ambiguous(only, both, views, known),
        **_flips(deep, views, depth),
    }


def _ambiguous(only: torch.Tensor, both: torch.Tensor, views: Views, known: Views) -> Measurement:
    """What depth is worth to the most and to the least ambiguous fifth of the views."""
    doubt = ambiguity(views, known)
    gain = mpjpe(only, views.poses) - mpjpe(both, views.poses)
    fifths = [gain[part] for part in doubt.argsort().chunk(5)]
    return Measurement(
        mm(fifths[-1]),
        mm(fifths[0]),
        {"gain": [mm(fifth) for fifth in fifths], "doubt": [mm(doubt[p]) for p in doubt.argsort().chunk(5)]},
    )


def _flips(deep: Reconstructor, views: Views, depth: torch.Tensor) -> dict[str, Measurement]:
    """Mirrored depths before an alignment that may mirror; averages with the mirrored picture, right and wrong."""
    mirrored = deep.reconstruct(views.points, -depth, check=False)
    alone = deep.reconstruct(views.points, depth, flip=False)
    right = deep.reconstruct(views.points, depth)
    backwards = views.points * views.points.new_tensor([-1.0, 1.0])
    other = deep.reconstruct(backwards, depth, flip=False, check=False)  # left and right not exchanged
    slipped = 0.5 * (alone + other * other.new_tensor([-1.0, 1.0, 1.0]))
    return {
        "reflection_trap_mm": Measurement(
            mm(procrustes_mpjpe(mirrored, views.poses, reflection=True)),
            mm(procrustes_mpjpe(mirrored, views.poses)),
            {"mpjpe": mm(mpjpe(mirrored, views.poses)), "right_depths": mm(procrustes_mpjpe(right, views.poses))},
        ),
        "flip_average_mm": Measurement(mm(mpjpe(right, views.poses)), mm(mpjpe(alone, views.poses))),
        "flip_unswapped_mm": Measurement(mm(mpjpe(slipped, views.poses)), mm(mpjpe(right, views.poses))),
    }


@functools.lru_cache(maxsize=1)
def _real():
    return real_poses(data_root("h36m").parent)


def real(seed: int) -> dict[str, Measurement]:
    """Trained on S1 of Human3.6M and six subjects of CMU, tested on people whom it has not seen."""
    poses = _real()
    flat, deep = train(poses.train, seed, depth_input=False), train(poses.train, seed)
    rival = WeakPerspective.fit(draw_views(poses.train, deep.cfg, 5000, gen=generator(seed)))
    rows = {}
    for name, views in poses.tests.items():
        depth = read_depths(views, NOISE, seed)
        rows[name] = {
            "ordinal": measures(deep.reconstruct(views.points, depth), views),
            "2d": measures(flat.reconstruct(views.points), views),
            "plain": measures(rival.reconstruct(views.points, depth), views),
            "mean": measures(rival.mean.expand_as(views.poses), views),
            "levels": {
                str(level): mm(mpjpe(deep.reconstruct(views.points, read_depths(views, level, seed)), views.poses))
                for level in LEVELS
            },
            "kept": order_kept(depth, views.depths),
            "count": len(views),
        }
    chosen = ("S6", "S9", "CMU")
    found = {
        f"real_{name.lower()}_mm": Measurement(rows[name]["ordinal"]["mpjpe"], rows[name]["2d"]["mpjpe"], rows[name])
        for name in (*chosen, "rig")
    }
    ours, theirs = (sum(rows[name][kind]["mpjpe"] for name in chosen) / 3 for kind in ("ordinal", "2d"))
    return found | {"real_mocap_recon_mm": Measurement(ours, theirs)}
