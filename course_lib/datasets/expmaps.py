"""Motions as exponential maps: one line of comma-separated numbers for each frame, as pose forecasting uses them.

A row is three numbers of the root's translation and then, for each joint, axis times angle (radians) of its rotation
relative to its parent. The files multiply *row* vectors by their matrices, so a rotation here is the transpose of the
exponential: that of the negated vector.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import DataFormatError
from course_lib.datasets.motion import read_rows, text_lines
from course_lib.datasets.text import AGAIN, read_text
from course_lib.geometry.kinematics import forward_kinematics
from course_lib.geometry.rotations import axis_angle_to_matrix
from course_lib.geometry.skeletons import CMU_38, H36M_32, Skeleton

# Place of each joint in its parent's frame. The files hold rotations only: every subject gets the same body.
# Human3.6M's in millimetres, from the code of Martinez et al. 2017 and Mao et al. 2019 (MIT licence).
H36M_OFFSETS_MM = (
    (0, 0, 0), (-132.948591, 0, 0), (0, -442.894612, 0), (0, -454.206447, 0), (0, 0, 162.767078), (0, 0, 74.999437),
    (132.948826, 0, 0), (0, -442.894413, 0), (0, -454.20659, 0), (0, 0, 162.767426), (0, 0, 74.999948), (0, 0.1, 0),
    (0, 233.383263, 0), (0, 257.077681, 0), (0, 121.134938, 0), (0, 115.002227, 0), (0, 257.077681, 0),
    (0, 151.034226, 0), (0, 278.882773, 0), (0, 251.733451, 0), (0, 0, 0), (0, 0, 99.999627), (0, 100.000188, 0),
    (0, 0, 0), (0, 257.077681, 0), (0, 151.031437, 0), (0, 278.892924, 0), (0, 251.72868, 0), (0, 0, 0),
    (0, 0, 99.999888), (0, 137.499922, 0), (0, 0, 0),
)  # fmt: skip
# CMU's in the unit of its .asf files, metres = value * 0.0254 / 0.45. That code has these numbers times 70, and calls
# them millimetres: its bodies are 1.240 times too long, and so are the errors published with it.
CMU_OFFSETS = (
    (0, 0, 0), (0, 0, 0), (1.65674, -1.80282, 0.62477), (2.5972, -7.13576, 0), (2.49236, -6.8477, 0),
    (0.19704, -0.54136, 2.14581), (0, 0, 1.11249), (0, 0, 0), (-1.6107, -1.80282, 0.62476), (-2.59502, -7.12977, 0),
    (-2.4678, -6.78024, 0), (-0.23024, -0.63258, 2.13368), (0, 0, 1.11569), (0, 0, 0), (0.01961, 2.0545, -0.14112),
    (0.01021, 2.06436, -0.05921), (0, 0, 0), (0.00713, 1.56711, 0.14968), (0.03429, 1.56041, -0.10006),
    (0.01305, 1.6256, -0.05265), (0, 0, 0), (3.54205, 0.90436, -0.17364), (4.86513, 0, 0), (3.35554, 0, 0), (0, 0, 0),
    (0.66117, 0, 0), (0.53306, 0, 0), (0, 0, 0), (0.5412, 0, 0.5412), (0, 0, 0), (-3.49802, 0.75994, -0.32616),
    (-5.02649, 0, 0), (-3.36431, 0, 0), (0, 0, 0), (-0.73041, 0, 0), (-0.58887, 0, 0), (0, 0, 0),
    (-0.59786, 0, 0.59786),
)  # fmt: skip
ASF_UNIT = 0.0254 / 0.45


@dataclass(frozen=True)
class ExpmapMotion:
    """A motion as the file has it.

    Attributes:
        root: The first three numbers of each row.
        rotations: Rotation of each joint relative to its parent, acting on column vectors.
        skeleton: The joints.
        offsets: Place of each joint in its parent's frame, metres.
    """

    root: Float[Tensor, "t 3"]
    rotations: Float[Tensor, "t j 3 3"]
    skeleton: Skeleton
    offsets: Float[Tensor, "j 3"]

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.root)

    def joints(
        self, translations: Float[Tensor, "t 3"] | None = None, orientations: Float[Tensor, "t 3 3"] | None = None
    ) -> Float[Tensor, "t j 3"]:
        """Positions by forward kinematics, metres, y up.

        Args:
            translations: Place of the root, metres; None: the origin.
            orientations: Orientation of the root; None: what the file says.
        """
        rotations = self.rotations
        if orientations is not None:
            rotations = torch.cat((orientations[:, None], rotations[:, 1:]), 1)
        return forward_kinematics(rotations, self.offsets, self.skeleton, translations)[0]


def read_expmaps(path: str | Path) -> ExpmapMotion:
    """Read a file of 99 columns (Human3.6M, 32 joints) or 117 columns (CMU, 38 joints), plain or gzipped.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: Another number of columns, rows of different lengths, or entries that are no numbers.
    """
    path = Path(path)
    lines = text_lines(read_text(path))
    first = next((line for line in lines if line.strip()), "")
    columns = first.count(",") + 1
    if columns not in (99, 117):
        raise DataFormatError(f"{path}, line 1: {columns} columns, expected 99 (Human3.6M) or 117 (CMU); {AGAIN}")
    table = torch.from_numpy(read_rows(enumerate(lines, 1), path=path, columns=columns, separator=","))
    skeleton, offsets, metres = (H36M_32, H36M_OFFSETS_MM, 1e-3) if columns == 99 else (CMU_38, CMU_OFFSETS, ASF_UNIT)
    return ExpmapMotion(
        root=table[:, :3],
        rotations=axis_angle_to_matrix(-table[:, 3:].unflatten(1, (-1, 3))),
        skeleton=skeleton,
        offsets=torch.tensor(offsets, dtype=table.dtype) * metres,
    )


def integrate_root(
    steps: Float[Tensor, "t 3"], turns: Float[Tensor, "t 3 3"]
) -> tuple[Float[Tensor, "t 3"], Float[Tensor, "t 3 3"]]:
    """Places and orientations of a root whose motion is given as increments (Human3.6M's files).

    Each step and each turn is told in the root's frame before it: x += R step, then R = R turn, from x = 0, R = I.
    The world is hence the frame of the root before the first step, tilted as the pelvis is: y is up only about.

    Args:
        steps: Translations.
        turns: Rotations, acting on column vectors.

    Returns:
        Places and orientations after each frame.
    """
    # All products of the first k turns, by doubling: log2(t) multiplications instead of a loop over frames.
    orientations, reach = turns, 1
    while reach < len(turns):
        orientations = torch.cat((orientations[:reach], orientations[:-reach] @ orientations[reach:]))
        reach *= 2
    before = torch.cat((torch.eye(3, dtype=turns.dtype, device=turns.device)[None], orientations))[: len(turns)]
    return (before @ steps[..., None]).squeeze(-1).cumsum(0), orientations
