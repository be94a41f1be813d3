"""Train a reconstruction component on poses, and use it: pixels and depths in, metres out.

mocap = [load_h36m(root, subjects=("S1",)), load_cmu(root, skeleton=H36M_17, restore_thorax=True)]
component = train_reconstructor(mocap, PROFILES["standard"], seed=0)
pose = component.reconstruct(points, depth, skeleton=H36M_17)  # (n, 17, 3), metres, camera frame, pelvis at 0
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.poses import PoseSet
from course_lib.geometry import H36M_17_LEFT, Skeleton, convert
from course_lib.papers.ordinal_depth.reconstruction import (
    ReconstructionNet,
    reconstruction_optimizer,
    reconstruction_step,
)
from course_lib.papers.ordinal_depth.reconstruction_checks import check_depth, check_points
from course_lib.papers.ordinal_depth.reconstruction_config import ReconstructionConfig
from course_lib.papers.ordinal_depth.reconstruction_data import reconstruction_batches, upright_poses
from course_lib.papers.ordinal_depth.reconstruction_inputs import (
    flip_inputs,
    flip_pose,
    network_inputs,
    normalise_points,
    vector_to_pose,
)
from course_lib.training import Runtime, generator, seeded


class Reconstructor:
    """A trained component with its conventions.

    Attributes:
        net: The network.
        cfg: Its settings.
    """

    def __init__(self, net: ReconstructionNet, cfg: ReconstructionConfig) -> None:
        self.net, self.cfg = net, cfg

    @torch.no_grad()
    def reconstruct(
        self,
        points: Float[Tensor, "n 17 2"],
        depth: Float[Tensor, "n 17"] | None = None,
        *,
        skeleton: Skeleton = H36M_17_LEFT,
        intrinsics: Float[Tensor, "*k 3 3"] | None = None,
        flip: bool = True,
        check: bool = True,
    ) -> Float[Tensor, "n 17 3"]:
        """Bodies in metres.

        Args:
            points: 2D joints, x right, y down, in pixels or any other unit: where and how large does not matter.
            depth: Depth of each joint, metres, growing away from the camera, from any origin (relative to the pelvis,
                or from the camera). It need only be of ordinal quality, see `cfg.depth_noise`.
            skeleton: Order of the joints, of 17: `H36M_17_LEFT` as in the paper's release, or `H36M_17`.
            intrinsics: Camera matrices, where pixels are not square; one, or one a pose.
            flip: Whether to average with the mirrored picture's reconstruction, mirrored back.
            check: Whether to look for joints in another order, y up, millimetres, mirrored depths.

        Returns:
            Joints in the order of `skeleton`, metres, camera frame (x right, y down, z forward), pelvis at the origin.

        Raises:
            ValueError: Shapes do not fit, numbers are not finite, depths are given to a component of 2D only (or none
                to one that needs them), or the check finds a slip.
        """
        count = len(points)
        if points.ndim != 3 or points.shape[1:] != (len(skeleton), 2):
            raise ValueError(f"`points` has shape {tuple(points.shape)}: {skeleton.name} needs (n, {len(skeleton)}, 2)")
        if set(skeleton.joints) != set(H36M_17_LEFT.joints):
            raise ValueError(
                f"`skeleton` (={skeleton.name}) must hold the 17 joints of Human3.6M: convert to H36M_17 first"
            )
        if (depth is None) == self.cfg.depth_input:
            raise ValueError(
                "`depth` is needed: this component was trained with depths (`depth_input=True`)"
                if depth is None
                else "`depth` is given, but this component was trained without (`depth_input=False`)"
            )
        if depth is not None and depth.shape != points.shape[:2]:
            raise ValueError(f"`depth` has shape {tuple(depth.shape)}: expected {tuple(points.shape[:2])}, one a joint")
        if not count:
            return points.new_zeros(0, len(skeleton), 3)
        if intrinsics is not None:
            scale = torch.stack([intrinsics[..., 0, 0], intrinsics[..., 1, 1]], -1)
            points = points / scale.reshape(-1, 1, 2).to(points)
        device = next(self.net.parameters()).device
        points = convert(points.float(), skeleton, H36M_17_LEFT).to(device)
        if depth is not None:
            depth = convert(depth.float()[..., None], skeleton, H36M_17_LEFT)[..., 0].to(device)
        normal = normalise_points(points)
        if check:
            check_points(normal, skeleton.name)
            if depth is not None:
                check_depth(normal, depth)
        pose = self._pose(normal, depth)
        if flip:
            # Mirrored: x negated, left and right exchanged, in points *and* depths; undone before the average.
            other = None if depth is None else depth[:, list(H36M_17_LEFT.flip)]
            pose = 0.5 * (pose + flip_pose(self._pose(flip_inputs(normal), other)))
        pose = pose - pose[:, :1]
        return convert(pose, H36M_17_LEFT, skeleton)

    def _pose(self, points: Tensor, depth: Tensor | None) -> Tensor:
        was_training = self.net.training
        self.net.eval()
        parts = network_inputs(points, depth).split(4096)
        pose = torch.cat([vector_to_pose(self.net(part)) for part in parts])
        self.net.train(was_training)
        return pose


def train_reconstructor(
    poses: PoseSet | Sequence[PoseSet] | Float[Tensor, "n 17 3"],
    cfg: ReconstructionConfig,
    *,
    seed: int = 0,
    runtime: Runtime | None = None,
) -> Reconstructor:
    """Train the component on motion capture; the notebook's loop without its progress and record.

    Args:
        poses: Sets of poses from any reader, in any frame and order; or what `upright_poses` made of them.
        cfg: Settings.
        seed: Of weights, views and noise.
        runtime: Where it trains; one CPU thread or the GPU by default.

    Raises:
        ValueError: The poses are in millimetres, upside down or mirrored (`upright_poses`).
    """
    runtime = runtime or Runtime.auto()
    upright = (poses if isinstance(poses, Tensor) else upright_poses(poses)).to(runtime.device)
    with seeded(seed):
        net = runtime.prepare(ReconstructionNet(cfg))
    net.train()
    opt = reconstruction_optimizer(net, cfg)
    schedule = reconstruction_schedule(opt, cfg)
    gen = generator(seed, device=runtime.device)
    batches = reconstruction_batches(upright, cfg, gen=gen)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)  # dropout draws from the global state
        for _ in range(cfg.steps):
            reconstruction_step(net, opt, next(batches), cfg, autocast=runtime.autocast())
            schedule.step()
    net.eval()
    return Reconstructor(net, cfg)


def reconstruction_schedule(
    opt: torch.optim.Optimizer, cfg: ReconstructionConfig
) -> torch.optim.lr_scheduler.LRScheduler:
    """A short linear start and half a cosine to 0, or a constant rate."""
    if not cfg.cosine:
        return torch.optim.lr_scheduler.ConstantLR(opt, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        opt, cfg.lr, total_steps=cfg.steps + 1, pct_start=0.05, cycle_momentum=False, div_factor=10
    )
