"""One update of a network, the rate of each, and the changes that a picture and its labels go through together."""

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_lib.losses.ranking import permute_order
from course_lib.papers.ordinal_depth.config import OrdinalConfig
from course_lib.papers.ordinal_depth.model import PoseNet
from course_lib.papers.ordinal_depth.objective import PoseBatch, pose_losses


def pose_step(
    net: PoseNet,
    opt: torch.optim.Optimizer,
    batch: PoseBatch,
    cfg: OrdinalConfig,
    *,
    autocast: AbstractContextManager | None = None,
) -> dict[str, Tensor]:
    """Update the network on one batch.

    Args:
        net: The network.
        opt: Its optimiser, from `pose_optimizer`.
        batch: Pictures and what is known about them.
        cfg: Settings.
        autocast: Context of the forward pass, from `Runtime.autocast()`.

    Returns:
        The terms of `pose_losses` and their sum `total`, means over the batch.
    """
    opt.zero_grad(set_to_none=True)
    with autocast or nullcontext():
        output = net(batch.images)
    terms = pose_losses(output, batch, cfg)
    total = sum(terms.values()).mean()
    total.backward()
    opt.step()
    return {**{name: term.detach().mean() for name, term in terms.items()}, "total": total.detach()}


def pose_optimizer(parameters: Iterable[nn.Parameter], cfg: OrdinalConfig) -> torch.optim.Optimizer:
    """RMSprop (Pavlakos et al. 2018, Section 4.2; smoothing 0.99 as in Torch) or Adam."""
    parameters = list(parameters)
    if cfg.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=cfg.lr, alpha=0.99)
    return torch.optim.Adam(parameters, lr=cfg.lr, fused=parameters[0].device.type in ("cpu", "cuda"))


def set_rate(opt: torch.optim.Optimizer, step: int, cfg: OrdinalConfig) -> float:
    """Set and return the learning rate of a step, counted from 0: a rise, then constant or along a cosine to 0."""
    rate = cfg.lr * min(1.0, (step + 1) / (cfg.warm_up + 1))
    if cfg.cosine:
        rate *= 0.5 * (1 + math.cos(math.pi * min(1.0, step / cfg.steps)))
    for group in opt.param_groups:
        group["lr"] = rate
    return rate


def augment(batch: PoseBatch, cfg: OrdinalConfig, *, flip: tuple[int, ...], gen: torch.Generator) -> PoseBatch:
    """Mirror, turn and scale each picture about its middle, and its labels with it.

    Under weak perspective none of the three changes who is closer: the relations stay as they are, but a mirrored
    person's left is the right, so *rows and columns* of joints change places. c2f mirrors whole batches; here each
    picture is drawn apart.

    Args:
        batch: Pictures and labels.
        cfg: Ranges.
        flip: Row of each joint's mirror image, `Skeleton.flip`.
        gen: Source of the numbers, on the device of the batch.
    """
    count, device = len(batch), batch.images.device
    mirrored = torch.rand(count, generator=gen, device=device) < cfg.flip
    batch = mirror(batch, mirrored, flip=flip)
    low, high = cfg.scale_range
    if cfg.max_rotation == 0 and low == high == 1:
        return batch
    turn = (2 * torch.rand(count, generator=gen, device=device) - 1) * math.radians(cfg.max_rotation)
    scale = low + (high - low) * torch.rand(count, generator=gen, device=device)
    return turn_and_scale(batch, turn, scale)


def mirror(batch: PoseBatch, mirrored: Tensor, *, flip: tuple[int, ...]) -> PoseBatch:
    """Mirror the pictures where `mirrored`, `(b,)`, is true: pixels, x, and left with right in every label."""
    rows = torch.tensor(flip, device=mirrored.device)
    sign = batch.points.new_tensor([-1.0, 1.0])
    return PoseBatch(
        images=torch.where(mirrored[:, None, None, None], batch.images.flip(-1), batch.images),
        points=torch.where(mirrored[:, None, None], batch.points[:, rows] * sign, batch.points),
        depth=torch.where(mirrored[:, None], batch.depth[:, rows], batch.depth),
        order=torch.where(mirrored[:, None, None], permute_order(batch.order, rows), batch.order),
    )


def turn_and_scale(batch: PoseBatch, turn: Tensor, scale: Tensor) -> PoseBatch:
    """Turn pictures clockwise by `turn`, `(b,)` radians, and enlarge them by `scale`, `(b,)`, about their middle."""
    cosine, sine = turn.cos() * scale, turn.sin() * scale
    forward = torch.stack([cosine, -sine, sine, cosine], -1).unflatten(-1, (2, 2))
    backward = torch.linalg.inv(forward)
    grid = F.affine_grid(F.pad(backward, (0, 1)), list(batch.images.shape), align_corners=False)
    images = F.grid_sample(batch.images, grid.to(batch.images), padding_mode="zeros", align_corners=False)
    return replace(batch, images=images, points=batch.points @ forward.mT)
