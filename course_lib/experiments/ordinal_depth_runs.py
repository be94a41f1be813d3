"""Runs shared by the experiments of lessons 14 and 15: train a small network, read it, score it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.experiments.one_core import core
from course_lib.experiments.ordinal_depth_data import FLIP, Pool
from course_lib.geometry import H36M_17, backproject, bone_lengths
from course_lib.metrics import auc_3d, mirror_rate, mpjpe, ordinal_accuracy, pck_3d, tie_recall
from course_lib.papers.ordinal_depth import (
    OrdinalConfig,
    PoseBatch,
    PoseNet,
    augment,
    crop_to_cells,
    mirror,
    pose_optimizer,
    pose_step,
    set_rate,
)
from course_lib.papers.ordinal_depth.reconstruction_inputs import flip_inputs
from course_lib.training import Runtime, generator, seeded
from course_lib.training.errors import NonFiniteError

LOOK = 50  # steps between two entries of a curve
TIE = 0.1  # metres


@dataclass
class Trained:
    """A finished network.

    Attributes:
        net: The network, in evaluation mode.
        cfg: Its settings.
        runtime: Where it ran.
        seconds: Processor seconds of training.
        curve: Means of the terms of the loss over each `LOOK` steps.
    """

    net: PoseNet
    cfg: OrdinalConfig
    runtime: Runtime
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Read:
    """What a network says about a pool.

    Attributes:
        depth: Relative to the root, units of the network, `(m, 17)`.
        points: In the crop, `(m, 17, 2)`; None for a network that gives depths only.
    """

    depth: Float[Tensor, "m 17"]
    points: Float[Tensor, "m 17 2"] | None


def train(
    cfg: OrdinalConfig,
    draw: Callable[[torch.Generator], PoseBatch],
    seed: int,
    *,
    runtime: Runtime | None = None,
) -> Trained:
    """Train a network on batches that `draw` makes.

    Args:
        cfg: Settings.
        draw: Makes a batch of `cfg.batch_size` pictures.
        seed: Of the weights and of the batches.
        runtime: Where; one core by default.

    Raises:
        NonFiniteError: A loss that is not finite.
    """
    runtime = runtime or core()
    with seeded(seed):
        net = PoseNet(cfg)
    net = runtime.prepare(net)
    opt, gen = pose_optimizer(net.parameters(), cfg), generator(seed)
    done, sums, start = Trained(net, cfg, runtime), {}, time.process_time()
    for step in range(cfg.steps):
        set_rate(opt, step, cfg)
        batch = augment(draw(gen), cfg, flip=FLIP, gen=gen)
        for name, value in pose_step(net, opt, batch, cfg, autocast=runtime.autocast()).items():
            sums[name] = sums.get(name, 0.0) + value
        if (step + 1) % LOOK == 0:
            means = {name: float(value) / LOOK for name, value in sums.items()}
            if not all(torch.isfinite(torch.tensor(list(means.values())))):
                raise NonFiniteError(f"the loss is not finite after {step + 1} steps: {means}")
            done.curve.append({"step": step + 1, **means})
            sums = {}
    done.seconds = time.process_time() - start
    net.eval()
    return done


def draw_from(*sources: tuple[PoseBatch, int]) -> Callable[[torch.Generator], PoseBatch]:
    """Batches that take so many pictures, at random, of each source."""

    def draw(gen: torch.Generator) -> PoseBatch:
        parts = [source[torch.randint(len(source), (count,), generator=gen)] for source, count in sources]
        return PoseBatch(*(torch.cat([getattr(part, name) for part in parts]) for name in PoseBatch.__annotations__))

    return draw


@torch.no_grad()
def read(done: Trained, pool: Pool, *, flip_average: bool = False) -> Read:
    """Depths and places of a pool.

    Args:
        done: The network.
        pool: Pictures.
        flip_average: Whether to average with what the mirrored picture says, mirrored back: left and right change
            places again and x changes its sign.
    """
    depths, points = [], []
    for start in range(0, len(pool), 250):
        batch = pool[start : start + 250].batch("2d").to(done.runtime.device)
        with done.runtime.autocast():
            out = done.net(batch.images)
        depth, place = out.depth, out.points
        if flip_average:
            everyone = torch.ones(len(batch), dtype=torch.bool, device=batch.images.device)
            with done.runtime.autocast():
                other = done.net(mirror(batch, everyone, flip=FLIP).images)
            depth = 0.5 * (depth + other.depth[:, list(FLIP)])
            if place is not None:
                place = 0.5 * (place + flip_inputs(other.points, skeleton=H36M_17))
        depths.append(depth.cpu())
        points.append(None if place is None else place.cpu())
    depth = torch.cat(depths)
    return Read(depth - depth[:, :1], None if points[0] is None else torch.cat(points))


@dataclass(frozen=True)
class Recovery:
    """From a network's depths to metres, fitted on training pictures, in the same way for every network.

    `scale`: one number for all pictures. `bones`: one for each, so that the bones are as long as those of the mean
    body; it needs neither the picture's depths nor any other label of it. (A map that saw the places of all joints
    would tell little of the network: on these people, places alone give depths, linearly, almost as well.)

    Attributes:
        scale: Metres for one unit of depth.
        bones: Mean lengths, metres, `(16,)`.
    """

    scale: float
    bones: Float[Tensor, " 16"]

    @classmethod
    def fit(cls, said: Read, pool: Pool) -> "Recovery":
        """Least squares against the true depths, and the mean of the true bones."""
        scale = (said.depth * pool.depth).sum() / said.depth.square().sum().clamp_min(1e-12)
        return cls(float(scale), bone_lengths(pool.joints, H36M_17).mean(0))

    def depth(self, said: Read, pool: Pool, how: str) -> Float[Tensor, "m 17"]:
        """Metres relative to the root."""
        if how == "scale":
            return self.scale * said.depth
        factors = torch.logspace(-2, 2, 81, base=2).tolist()  # a quarter to four times
        misfit = [
            (bone_lengths(lift(said, pool, factor * self.scale * said.depth), H36M_17) - self.bones).square().sum(1)
            for factor in factors
        ]
        best = torch.tensor(factors)[torch.stack(misfit, 1).argmin(1)]
        return best[:, None] * self.scale * said.depth


def lift(said: Read, pool: Pool, depth: Float[Tensor, "m 17"]) -> Float[Tensor, "m 17 3"]:
    """Joints in the camera frame, metres: the true depth of the root, ours behind it, along the rays.

    A network that gives depths only gets the true places in the picture: it has none of its own.
    """
    points = pool.points if said.points is None else said.points
    pixels = crop_to_cells(points, pool.images.shape[-1])
    return backproject(pixels, pool.joints[:, :1, 2] + depth, pool.intrinsics)


def scores(said: Read, pool: Pool, depth: Float[Tensor, "m 17"]) -> dict[str, float]:
    """Means over a pool: errors in millimetres, shares from 0 to 1.

    Args:
        said: What the network says; order is judged by its own depths.
        pool: The truth.
        depth: Its depths in metres.
    """
    joints, order = lift(said, pool, depth), pool.order(TIE)
    places = pool.points if said.points is None else said.points
    return {
        "mpjpe_mm": 1000 * float(mpjpe(joints, pool.joints).mean()),
        "depth_mm": 1000 * float((depth - pool.depth).abs().mean()),
        "place_px": float((places - pool.points).norm(dim=-1).mean()) * pool.images.shape[-1] / 2,
        "order": float(ordinal_accuracy(said.depth, order).nanmean()),
        "ties": float(tie_recall(depth, order, TIE).nanmean()),
        "pck": float(pck_3d(joints, pool.joints).mean()),
        "auc": float(auc_3d(joints, pool.joints).mean()),
        "mirrored": mirror_rate(said.depth, pool.depth),
    }
