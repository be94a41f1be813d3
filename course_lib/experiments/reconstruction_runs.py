"""What the experiments of lesson 15 share: poses to train and test on, simple rivals, sums of results."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets import PoseSet, load_c2f, load_cmu, load_h36m
from course_lib.experiments.one_core import core
from course_lib.geometry import H36M_17, H36M_17_LEFT, convert
from course_lib.losses import order_from_depth
from course_lib.metrics import auc_3d, mpjpe, ordinal_accuracy, pck_3d, procrustes_mpjpe
from course_lib.papers.ordinal_depth import (
    RECONSTRUCTION_PROFILES,
    Augment,
    ReconstructionConfig,
    Reconstructor,
    Views,
    normalise_points,
    seen_from,
    train_reconstructor,
    upright_poses,
)
from course_lib.papers.ordinal_depth.reconstruction_data import noisy_depths, vary_bodies
from course_lib.papers.ordinal_depth.reconstruction_inputs import centre_depth
from course_lib.training import generator
from course_lib.worlds import people

STANDARD = RECONSTRUCTION_PROFILES["standard"]
TEST_SEED = 10_000  # seeds of test people lie from here on, those of training people below
NOISE = 0.1  # metres, the level that keeps about 93 to 95 of 100 orders
# Cameras for poses that come without one; the poses stay as they are.
AS_THEY_ARE = Augment(stature=0, bones=0, bend=0, mix=0, mirror=0, tilt=0)
MIXED = replace(AS_THEY_ARE, bend=0.25, mix=1.0)
CMU_TRAIN = ("02", "06", "07", "08", "16", "32")
CMU_TEST = ("35", "49", "55")


def mm(metres: Tensor | float) -> float:
    """Millimetres, the mean of a tensor, rounded for a record."""
    value = metres.double().mean() if isinstance(metres, Tensor) else metres
    return round(1000 * float(value), 2)


def people_poses(count: int, seed: int, *, domain: str = "wild") -> PoseSet:
    """Motion capture of the rendered world: poses of people, y up, metres."""
    return PoseSet(
        joints=people.people_joints(people.sample_factors(count, generator=generator(seed), domain=domain)),
        skeleton=H36M_17,
        frame="world",
    )


def mixed_people(count: int, seed: int, *, domain: str = "wild") -> Float[Tensor, "n 17 3"]:
    """People of the rendered world with the arms and the legs of others, every limb bent a little: upright bodies.

    The world's own people are regular: a few activities, each a smooth function of a few numbers, so that 2D alone says
    nearly all about their depth. Of these it does not.
    """
    upright = upright_poses(people_poses(count, seed, domain=domain))
    gen = generator(seed)
    others = upright[torch.randperm(count, generator=gen)]
    return vary_bodies(upright, others, MIXED, gen=gen)


def people_views(count: int, seed: int, *, domain: str = "wild") -> Views:
    """People of the rendered world before the world's own cameras."""
    factors = people.sample_factors(count, generator=generator(seed), domain=domain)
    joints = people.people_joints(factors)
    camera = people.place_camera(factors, joints, 64, 64)
    seen = joints @ camera.from_world[:, :3, :3].mT + camera.from_world[:, None, :3, 3]
    seen = convert(seen, H36M_17, H36M_17_LEFT)
    return Views(seen, seen[..., :2] / seen[..., 2:])


@dataclass(frozen=True)
class RealPoses:
    """Real motion capture, split by subject.

    Attributes:
        train: Upright poses of Human3.6M's S1 and of CMU's subjects.
        tests: Views of other people: S6, the S9 sample with its own camera, other CMU subjects; and `rig`, CMU motion
            on a character's bones, which nobody trained on.
    """

    train: Float[Tensor, "n 17 3"]
    tests: dict[str, Views]


def real_poses(root: str | Path) -> RealPoses:
    """Read Human3.6M and CMU below a data folder; the cameras of the test views are the same in every run."""
    bvh = load_cmu(root, skeleton=H36M_17_LEFT, restore_thorax=True)
    subjects = [name.split("_")[0] for name in bvh.names]
    rows = {part: [i for i, s in enumerate(subjects) if s in part] for part in (CMU_TRAIN, CMU_TEST)}
    walks = upright_poses(bvh)
    maps = upright_poses(load_cmu(root, kind="expmap", skeleton=H36M_17_LEFT, restore_thorax=True))
    train = torch.cat(
        [upright_poses(load_h36m(root, subjects=("S1",), skeleton=H36M_17_LEFT)), walks[rows[CMU_TRAIN]], maps]
    )
    sample = load_c2f(root)
    pixels = sample.joints @ sample.intrinsics.mT
    focal = torch.stack([sample.intrinsics[:, 0, 0], sample.intrinsics[:, 1, 1]], -1)[:, None]
    tests = {
        "S6": upright_poses(load_h36m(root, subjects=("S6",), skeleton=H36M_17_LEFT))[::20],
        "CMU": walks[rows[CMU_TEST]][::20],
        "rig": upright_poses(load_cmu(root, kind="bvh_iclone", skeleton=H36M_17_LEFT))[::20],
    }
    views = {name: seen_from(poses, AS_THEY_ARE, gen=generator(TEST_SEED)) for name, poses in tests.items()}
    return RealPoses(train, views | {"S9": Views(sample.joints, pixels[..., :2] / pixels[..., 2:] / focal)})


def train(
    poses: Float[Tensor, "n 17 3"] | PoseSet, seed: int, cfg: ReconstructionConfig = STANDARD, **changes: object
) -> Reconstructor:
    """A component trained on one core."""
    return train_reconstructor(poses, replace(cfg, **changes), seed=seed, runtime=core())


def read_depths(views: Views, noise: float, seed: int) -> Float[Tensor, "n 17"]:
    """True depths with Gaussian noise of a level in metres."""
    return noisy_depths(views.depths, replace(STANDARD, depth_noise=noise), gen=generator(TEST_SEED + seed))


def order_kept(depth: Float[Tensor, "n 17"], true: Float[Tensor, "n 17"], threshold: float = 0.1) -> float:
    """Share of the pairs 100 mm and more apart whose order is right, over all poses."""
    accuracy = ordinal_accuracy(depth, order_from_depth(true, threshold))
    return float(accuracy[accuracy.isfinite()].mean())


def measures(predicted: Float[Tensor, "n 17 3"], views: Views) -> dict[str, float]:
    """Everything that is reported about reconstructed bodies."""
    true = views.poses
    return {
        "mpjpe": mm(mpjpe(predicted, true)),
        "procrustes": mm(procrustes_mpjpe(predicted, true)),
        "procrustes_reflection": mm(procrustes_mpjpe(predicted, true, reflection=True)),
        "pck": round(100 * float(pck_3d(predicted, true).mean()), 2),
        "auc": round(100 * float(auc_3d(predicted, true).mean()), 2),
        "z": mm((predicted - true)[..., 2].abs()),
        "xy": mm((predicted - true)[..., :2].norm(dim=-1)),
    }


@dataclass(frozen=True)
class WeakPerspective:
    """The rival without a network: one size for everybody, the depths as they were read.

    Attributes:
        size: Metres for 1 in normalised points, from training views by least squares.
        root: Mean depth of the pelvis below that of all joints.
        mean: Mean pose.
    """

    size: float
    root: float
    mean: Float[Tensor, "17 3"]

    @classmethod
    def fit(cls, views: Views) -> "WeakPerspective":
        """Size, offset and mean pose of training views."""
        flat, true = normalise_points(views.points), views.poses
        size = float((flat * true[..., :2]).sum() / flat.square().sum())
        return cls(size, float(centre_depth(views.depths)[:, 0].mean()), true.mean(0))

    def reconstruct(self, points: Float[Tensor, "n 17 2"], depth: Float[Tensor, "n 17"]) -> Float[Tensor, "n 17 3"]:
        """Scaled points and centred depths; the pelvis is where the mean of all depths says, not where it was read."""
        pose = torch.cat([self.size * normalise_points(points), (centre_depth(depth) - self.root)[..., None]], -1)
        pose[:, 0] = 0
        return pose


def ambiguity(views: Views, known: Views, *, neighbours: int = 20) -> Float[Tensor, " n"]:
    """How little the 2D joints say about the depths: their scatter over the nearest known poses in 2D, metres.

    Args:
        views: Whose ambiguity is wanted.
        known: Many views of the same kind of people.
        neighbours: How many of them count.

    Returns:
        Root mean square of the depths' deviations from their mean over the neighbours, one number a view.
    """
    flat, pool = (normalise_points(v.points).flatten(1) for v in (views, known))
    nearest = torch.cdist(flat, pool).topk(neighbours, largest=False).indices
    depths = known.depths[nearest]
    return (depths - depths.mean(1, keepdim=True)).square().mean((1, 2)).sqrt()
