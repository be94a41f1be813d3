"""What the networks minimise: each picture is asked for what is known about it, and for nothing else."""

from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.losses.heatmaps import heatmap_loss, keypoint_loss, volume_loss
from course_lib.losses.ranking import ranking_loss
from course_lib.papers.ordinal_depth.config import OrdinalConfig
from course_lib.papers.ordinal_depth.model import PoseOutput, crop_to_cells


@dataclass(frozen=True)
class PoseBatch:
    """Pictures and what is known about them; NaN where nothing is.

    A studio picture has `depth` and no `order`, a picture from the web `order` and no `depth`, and a batch may hold
    both (Pavlakos et al. 2018, mixed training).

    Attributes:
        images: RGB in [0, 1], `(b, 3, s, s)`.
        points: Places (x, y) in the crop, -1 and 1 its edges, `(b, n, 2)`; a joint without one is NaN.
        depth: Depths relative to the root, metres, `(b, n)`.
        order: Relations r, as `course_lib.losses.ranking` has them, `(b, n, n)`.
    """

    images: Float[Tensor, "b 3 s s"]
    points: Float[Tensor, "b n 2"]
    depth: Float[Tensor, "b n"]
    order: Float[Tensor, "b n n"]

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.images)

    def __getitem__(self, rows: Tensor | slice) -> "PoseBatch":
        """Some of the pictures."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def to(self, device: torch.device | str) -> "PoseBatch":
        """The same on another device."""
        return replace(self, **{field.name: getattr(self, field.name).to(device) for field in fields(self)})


def pose_losses(output: PoseOutput, batch: PoseBatch, cfg: OrdinalConfig) -> dict[str, Float[Tensor, " b"]]:
    r"""Terms of the loss, one value a picture; their sum is to be minimised.

    Pavlakos et al. 2018: $\mathcal L_{rank}+\lambda\mathcal L_{keyp}$ (Section 3.2) or
    $\mathcal L_{rank}+\lambda\mathcal L_{heat}$ (Section 3.3) where only the order is known; where depth is
    known, its squared error in the place of the rank loss, or the voxel loss of c2f.

    Returns:
        `rank`, `metric` (true depth), `place` (lambda times the 2D term, also of the first of two hourglasses); terms
        that a picture has no labels for are 0.
    """
    terms = {"rank": ranking_loss(output.depth, batch.order)}
    if output.scores is not None and cfg.volume_target == "voxels" and not bool(batch.depth.isnan().all()):
        return {**terms, **_voxel_terms(output, batch, cfg)}
    target = torch.where(batch.depth.isnan(), output.depth.detach(), cfg.units_per_metre * batch.depth)
    terms["metric"] = (output.depth - target).square().sum(1)
    if output.points is None:
        return terms
    if output.heatmap is None:
        place = keypoint_loss(output.points, batch.points)
    else:
        place = _heat_term(output, batch.points, cfg)
    return {**terms, "place": cfg.weight_2d * place}


def _heat_term(output: PoseOutput, points: Tensor, cfg: OrdinalConfig) -> Tensor:
    """The heatmap loss of the volume and, where there are two hourglasses, of the first one's softmax too."""
    cells = crop_to_cells(points, cfg.grid)
    place = heatmap_loss(output.heatmap, cells, sigma=cfg.sigma)
    if output.coarse is not None:
        coarse = output.coarse.float().flatten(2).softmax(-1).view(output.coarse.shape)
        place = place + heatmap_loss(coarse, cells, sigma=cfg.sigma)
    return place


def _voxel_terms(output: PoseOutput, batch: PoseBatch, cfg: OrdinalConfig) -> dict[str, Tensor]:
    """Full supervision of c2f: Gaussians of peak 1 in the volume, and in the heatmaps of the first hourglass.

    Pictures of the batch without any depth (mixed training) get the heatmap loss as in weak training.
    """
    points = crop_to_cells(batch.points, cfg.grid)
    width = (cfg.far - cfg.near) / cfg.bins
    voxels = torch.cat([points, ((batch.depth - cfg.near) / width - 0.5)[..., None]], -1)
    options = {"sigma": cfg.voxel_sigma, "radius": cfg.voxel_radius}
    known = ~voxels.isnan().any(-1)
    weak = batch.depth.isnan().all(1)
    weak_points = torch.where(weak[:, None, None], batch.points, torch.nan)
    place = cfg.weight_2d * _heat_term(output, weak_points, cfg)
    if output.coarse is not None:
        flat = torch.cat([points, torch.zeros_like(points[..., :1])], -1)
        place = place + volume_loss(output.coarse.float()[:, :, None], flat, **options, annotated=known)
    return {"metric": volume_loss(output.scores.float(), voxels, **options, annotated=known), "place": place}
