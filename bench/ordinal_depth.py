"""Time the rank loss, heatmap targets and a step of the two-stack hourglass: ours, and as ports write them.

python bench/ordinal_depth.py [--blocks 10] [--device cpu] [--out bench/results/ordinal_depth.json] [--only NAME]
"""

import argparse
import math
import resource
import subprocess
import sys
from collections.abc import Callable

import torch
import torch.nn.functional as F
from alternate import alternate, machine, report

from course_lib.losses import gaussian_heatmaps, gaussian_volumes, order_from_depth, pair_ranking_loss, ranking_loss
from course_lib.papers.ordinal_depth import OrdinalConfig, PoseBatch, PoseNet, pose_optimizer, pose_step
from course_lib.training import Runtime, generator, seeded

JOINTS = 16  # 120 pairs, as in MPII


def rank_steps(batch: int = 32) -> dict[str, Callable[[], object]]:
    """Forward and backward of the rank loss: two nested loops, a loop over the pictures, and the library's forms."""
    gen = generator(0)
    depth = torch.randn(batch, JOINTS, generator=gen).requires_grad_()
    order = order_from_depth(0.25 * torch.randn(batch, JOINTS, generator=gen), 0.1)
    first, second = torch.triu_indices(JOINTS, JOINTS, 1)
    relation = order[:, first, second].contiguous()
    lists = (first.expand(batch, -1).contiguous(), second.expand(batch, -1).contiguous(), relation)

    def backward(loss: torch.Tensor) -> None:
        depth.grad = None
        loss.mean().backward()

    def loop_over_pairs() -> None:
        total = 0.0
        for i in range(JOINTS):
            for j in range(i + 1, JOINTS):
                gap, r = depth[:, i] - depth[:, j], order[:, i, j]
                total = total + torch.where(r == 0, gap.square(), F.softplus(r * gap))
        backward(total)

    def loop_over_pictures() -> None:
        totals = []
        for z, r in zip(depth, relation, strict=True):
            gap = z[first] - z[second]
            totals.append(torch.where(r == 0, gap.square(), F.softplus(r * gap)).sum())
        backward(torch.stack(totals))

    def loop_over_both() -> None:
        totals = []
        for z, r in zip(depth, order, strict=True):
            total = 0.0
            for i in range(JOINTS):
                for j in range(i + 1, JOINTS):
                    gap = z[i] - z[j]
                    total = total + (gap**2 if r[i, j] == 0 else F.softplus(r[i, j] * gap))
            totals.append(total)
        backward(torch.stack(totals))

    return {
        "loop over pictures and pairs": loop_over_both,
        "loop over pairs": loop_over_pairs,
        "loop over pictures": loop_over_pictures,
        "ours, matrix": lambda: backward(ranking_loss(depth, order)),
        "ours, list of pairs": lambda: backward(pair_ranking_loss(depth, *lists)),
    }


def target_steps(batch: int = 4, joints: int = 17, size: int = 64) -> dict[str, Callable[[], object]]:
    """Heatmap targets: a loop over joints with a map of distances each, the same in one call, and the product."""
    points = (size - 1) * torch.rand(batch, joints, 2, generator=generator(0))
    row = torch.arange(size, dtype=torch.float32)

    def loop() -> torch.Tensor:
        maps = torch.zeros(batch, joints, size, size)
        for b in range(batch):
            for n in range(joints):
                x, y = points[b, n]
                square = (row[None] - x) ** 2 + (row[:, None] - y) ** 2
                maps[b, n] = torch.exp(-square / 8)
                maps[b, n] /= maps[b, n].sum()
        return maps

    def at_once() -> torch.Tensor:
        x, y = points.unbind(-1)
        square = (row - x[..., None])[:, :, None] ** 2 + (row - y[..., None])[..., None] ** 2
        maps = torch.exp(-square / 8)
        return maps / maps.sum((2, 3), keepdim=True)

    torch.testing.assert_close(gaussian_heatmaps(points, size), loop())
    return {"loop over joints": loop, "all cells at once": at_once, "ours": lambda: gaussian_heatmaps(points, size)}


def volume_steps(joints: int = 17, size: int = 64) -> dict[str, Callable[[], object]]:
    """Targets of full supervision for one picture: the Gaussian of each voxel's distance, and the product."""
    points = (size - 1) * torch.rand(1, joints, 3, generator=generator(0))
    row = torch.arange(size, dtype=torch.float32)

    def loop() -> torch.Tensor:
        volumes = []
        for x, y, z in points[0]:
            square = (row[:, None, None] - z) ** 2 + (row[:, None] - y) ** 2 + (row - x) ** 2
            volumes.append(torch.exp(-square / (2 * 3.25**2)))
        return torch.stack(volumes)[None]

    ours = gaussian_volumes(points, (size, size, size), radius=math.inf)
    torch.testing.assert_close(ours, loop(), atol=1e-5, rtol=1e-4)
    return {
        "loop over joints": loop,
        "ours": lambda: gaussian_volumes(points, (size, size, size), radius=math.inf),
    }


def hourglass_step(precision: str, device: str | None) -> Callable[[], object]:
    """One update of the paper's network, `hg-stacked-2` with a volume of 64 bins, batch 4, weak labels."""
    cfg = OrdinalConfig()
    runtime = Runtime.auto(device, threads=1, precision=precision)
    with seeded(0):
        net = runtime.prepare(PoseNet(cfg))
    opt = pose_optimizer(net.parameters(), cfg)
    gen = generator(0)
    depth = 0.25 * torch.randn(cfg.batch_size, cfg.joints, generator=gen)
    batch = PoseBatch(
        images=torch.rand(cfg.batch_size, 3, 256, 256, generator=gen),
        points=1.6 * torch.rand(cfg.batch_size, cfg.joints, 2, generator=gen) - 0.8,
        depth=torch.full_like(depth, math.nan),
        order=order_from_depth(depth),
    )
    batch = PoseBatch(**{name: value.to(runtime.device) for name, value in vars(batch).items()})
    return lambda: float(pose_step(net, opt, batch, cfg, autocast=runtime.autocast())["total"])


def peak(precision: str, device: str) -> int:
    """MB that two updates need at most: on the CPU beyond what the process held before, measured in one of its own."""
    if device == "cuda":
        step = hourglass_step(precision, device)
        torch.cuda.reset_peak_memory_stats()
        step(), step()
        return round(torch.cuda.max_memory_allocated() / 2**20)
    command = [sys.executable, __file__, "--peak", precision]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def hourglass_table(blocks: int, device: str) -> dict:
    """Both precisions, alternating, each with its peak."""
    precisions = ["fp32"]
    try:
        Runtime.auto(device, threads=1, precision="bf16")
        precisions.append("bf16")
    except ValueError as error:
        print(f"left out: {error}")
    memory = {one: peak(one, device) for one in precisions}
    steps = {one: hourglass_step(one, device) for one in precisions}
    rows = alternate(steps, base="fp32", blocks=blocks, block=1, warm_up=1)
    for one, row in rows.items():
        row["peak_mb"] = memory[one]
        row["memory_relative_to_fp32"] = round(memory[one] / memory["fp32"], 3)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", default="bench/results/ordinal_depth.json")
    parser.add_argument(
        "--peak", default="", help="print the peak memory of a step in this precision, and nothing else"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.peak:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        one_step = hourglass_step(args.peak, args.device)
        one_step(), one_step()
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
        sys.exit()
    about, ranks = machine(), rank_steps()
    tables = {
        "rank loss, 32 pictures, 120 pairs, forward and backward": alternate(
            {name: ranks[name] for name in ("loop over pictures", "ours, matrix", "ours, list of pairs")},
            base="loop over pictures",
            blocks=args.blocks,
            block=20,
        ),
        "the same, loops over pairs": alternate(
            {name: ranks[name] for name in ("loop over pictures and pairs", "loop over pairs", "ours, matrix")},
            base="loop over pictures and pairs",
            blocks=max(args.blocks // 2, 2),
            block=2,
            warm_up=1,
        ),
        "heatmap targets, 4 x 17 of 64 x 64": alternate(
            target_steps(), base="loop over joints", blocks=args.blocks, block=10
        ),
        "volume targets, 17 of 64 x 64 x 64": alternate(
            volume_steps(), base="loop over joints", blocks=args.blocks, block=2, warm_up=1
        ),
        "an update of two hourglasses, 256 pixels, batch 4": hourglass_table(max(args.blocks // 3, 2), args.device),
    }
    report("ordinal_depth", tables, out=args.out, about=about)
