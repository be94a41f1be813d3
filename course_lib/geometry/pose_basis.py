"""A linear basis of poses: principal components of joints."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.geometry._precision import full_precision


@dataclass(frozen=True)
class PoseBasis:
    r"""Mean pose and orthonormal directions of greatest variance: a pose is about $\bar x + \sum_k c_k b_k$.

    The basis is linear: any poses may be added and weighed, but only for one orientation. Poses of people who face
    different ways must be turned the same way first, or most components go into describing the turn.

    Attributes:
        mean: Mean of the poses, `(j, 3)`.
        components: Directions, unit length over all their entries and orthogonal to each other, `(k, j, 3)`; the
            entry of greatest magnitude of each is positive, so that a fit is the same everywhere.
        variances: Variance of the poses along each direction, greatest first, over n (not n - 1) poses, `(k,)`.
        total_variance: Variance along all directions, kept or not.
    """

    mean: Float[Tensor, "j d"]
    components: Float[Tensor, "k j d"]
    variances: Float[Tensor, " k"]
    total_variance: Float[Tensor, ""]

    @classmethod
    def fit(cls, poses: Float[Tensor, "n j d"], components: int) -> "PoseBasis":
        """Find the directions.

        Args:
            poses: At least two poses, in any unit, root-relative and turned the same way.
            components: How many directions to keep.

        Raises:
            ValueError: The poses are too few for so many components, or hold NaN.
        """
        if poses.ndim != 3 or len(poses) < 2:
            raise ValueError(f"`poses` has shape {tuple(poses.shape)}: it must be (n, joints, 3) with n of 2 or more")
        most = min(len(poses), poses[0].numel())
        if not 1 <= components <= most:
            raise ValueError(f"`components` (={components}) must be 1 to {most} for poses of {tuple(poses.shape)}")
        if not bool(poses.isfinite().all()):
            raise ValueError("`poses` holds NaN or infinity: leave out poses with missing joints first")
        # In double precision: the small variances would drown in the rounding of the great ones.
        flat = poses.flatten(1).double()
        mean = flat.mean(0)
        _, spread, directions = torch.linalg.svd(flat - mean, full_matrices=False)
        signs = directions.gather(1, directions.abs().argmax(1, keepdim=True)).sign()
        directions = (directions * signs)[:components]
        variances = spread.square() / len(poses)
        return cls(
            mean=mean.reshape(poses.shape[1:]).to(poses.dtype),
            components=directions.reshape(components, *poses.shape[1:]).to(poses.dtype),
            variances=variances[:components].to(poses.dtype),
            total_variance=variances.sum().to(poses.dtype),
        )

    @property
    def discarded(self) -> Float[Tensor, ""]:
        """Variance along the directions left out: the mean squared reconstruction error of the fitted poses."""
        return (self.total_variance - self.variances.sum()).clamp_min(0)

    @full_precision
    def encode(self, poses: Float[Tensor, "*batch j d"]) -> Float[Tensor, "*batch k"]:
        """Coordinates of poses along the directions, in the unit of the poses."""
        return torch.einsum("...jd,kjd->...k", poses - self.mean, self.components)

    @full_precision
    def decode(self, codes: Float[Tensor, "*batch k"]) -> Float[Tensor, "*batch j d"]:
        """Poses of coordinates."""
        return self.mean + torch.einsum("...k,kjd->...jd", codes, self.components)
