"""Motion capture as training data: poses from any frame become bodies before cameras of Human3.6M, with noisy depths.

A pose is first brought upright (y up, pelvis at the origin). Each time it is drawn it gets other bones, a little bend,
perhaps the legs or arms of another pose, a heading, a camera; then it is projected and its depths are spoiled.
"""

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.datasets.poses import PoseSet
from course_lib.geometry import H36M_17_LEFT, axis_angle_to_matrix, convert
from course_lib.papers.ordinal_depth.reconstruction_checks import check_training_poses
from course_lib.papers.ordinal_depth.reconstruction_config import Augment, ReconstructionConfig
from course_lib.papers.ordinal_depth.reconstruction_inputs import flip_pose, network_inputs, pose_to_vector

BODY = H36M_17_LEFT
# Limbs whose lengths vary together, left and right alike.
LIMBS = ("hip", "knee", "ankle", "spine", "thorax", "jaw", "head_top", "shoulder", "elbow", "wrist")
BENDING = ("knee", "ankle", "jaw", "head_top", "elbow", "wrist")  # a bent hip or shoulder line would be no body
FLIP_Y_Z = (1.0, -1.0, -1.0)  # half a turn about x: between "y up, z to the viewer" and "y down, z away"


@dataclass(frozen=True)
class Views:
    """Bodies as cameras see them.

    Attributes:
        joints: Camera frame (x right, y down, z forward), metres, order `H36M_17_LEFT`, where they stand.
        points: Their projections X/Z, Y/Z: image coordinates divided by the focal length.
    """

    joints: Float[Tensor, "n 17 3"]
    points: Float[Tensor, "n 17 2"]

    def __len__(self) -> int:
        """Number of views."""
        return len(self.joints)

    @property
    def poses(self) -> Float[Tensor, "n 17 3"]:
        """Joints relative to the pelvis, metres: what is to be reconstructed."""
        return self.joints - self.joints[:, :1]

    @property
    def depths(self) -> Float[Tensor, "n 17"]:
        """Depth of each joint relative to the pelvis, metres."""
        return self.poses[..., 2]


def upright_poses(poses: PoseSet | Sequence[PoseSet], *, check: bool = True) -> Float[Tensor, "n 17 3"]:
    """Poses of any set as upright bodies: order `H36M_17_LEFT`, y up, right-handed, metres, pelvis at the origin.

    Args:
        poses: World or camera frame, any skeleton that converts to the 17 joints.
        check: Whether to look for millimetres, y the wrong way up, and exchanged sides or mirrored bodies.

    Raises:
        ValueError: No pose, a joint is missing, or the check finds one of these slips.
    """
    sets = [poses] if isinstance(poses, PoseSet) else list(poses)
    if not sets or not sum(len(one.joints) for one in sets):
        raise ValueError("`poses` holds no pose")
    parts = []
    for one in sets:
        joints = convert(one.joints.float(), one.skeleton, BODY)
        if one.frame == "camera":
            joints = joints * joints.new_tensor(FLIP_Y_Z)
        joints = joints - joints[:, :1]
        if check:
            check_training_poses(joints, one.skeleton.name)
        parts.append(joints)
    return torch.cat(parts)


def seen_from(upright: Float[Tensor, "n 17 3"], augment: Augment, *, gen: torch.Generator) -> Views:
    """Put upright bodies before random cameras, each with a random heading; bones and bends stay as they are."""
    n, device = len(upright), upright.device
    draw = functools.partial(torch.randn, n, generator=gen, device=device)
    heading = 2 * math.pi * torch.rand(n, generator=gen, device=device)
    pitch = _uniform(n, augment.pitch, gen)
    lean = augment.tilt * draw(), augment.tilt * draw()
    # Right to left: lean, heading, half a turn to "y down, z forward", camera pitch, roll.
    turn = _about("z", augment.roll * draw()) @ _about("x", pitch) @ torch.diag(upright.new_tensor(FLIP_Y_Z))
    turn = turn @ _about("y", heading) @ _about("x", lean[0]) @ _about("z", lean[1])
    place = torch.stack([augment.side * draw(), augment.height * draw(), _uniform(n, augment.distance, gen)], -1)
    joints = upright @ turn.mT + place[:, None]
    return Views(joints, joints[..., :2] / joints[..., 2:].clamp_min(0.5))


def vary_bodies(
    upright: Float[Tensor, "n 17 3"], others: Float[Tensor, "n 17 3"], augment: Augment, *, gen: torch.Generator
) -> Float[Tensor, "n 17 3"]:
    """Other bodies in about the same poses.

    Args:
        upright: The poses.
        others: Poses that lend legs and arms.
        augment: How much.
        gen: Source of the numbers.
    """
    n, device = len(upright), upright.device
    rand = functools.partial(torch.rand, n, generator=gen, device=device)
    joints = upright
    if augment.mix:
        joints = torch.where((rand() < augment.mix)[:, None, None], _with_legs(joints, others), joints)
        joints = torch.where((rand() < augment.mix)[:, None, None], _with_arms(joints, others), joints)
    if augment.mirror:
        joints = torch.where((rand() < augment.mirror)[:, None, None], flip_pose(joints), joints)
    parents, groups, bending, paths = _tree(device)
    bones = joints[:, 1:] - joints[:, parents]
    if augment.bend:
        angles = augment.bend * torch.randn(n, 16, 3, generator=gen, device=device) * bending[:, None]
        bones = bones + torch.linalg.cross(angles, bones, dim=-1)  # the turn to first order, the length put back
        bones = (
            bones * ((joints[:, 1:] - joints[:, parents]).norm(dim=-1) / bones.norm(dim=-1).clamp_min(1e-6))[..., None]
        )
    logarithms = augment.stature * torch.randn(n, 1, generator=gen, device=device)
    logarithms = logarithms + augment.bones * torch.randn(n, len(LIMBS), generator=gen, device=device)
    bones = bones * logarithms.exp()[:, groups][..., None]
    return paths @ bones


def noisy_depths(
    depths: Float[Tensor, "n j"], cfg: ReconstructionConfig, *, gen: torch.Generator
) -> Float[Tensor, "n j"]:
    """Depths as a network could have read them: Gaussian noise of `depth_noise` metres, and `depth_scale`."""
    n, device = len(depths), depths.device
    low, high = cfg.noise_range
    level = torch.full((n, 1), low, device=device)
    if high > low:
        level = (_uniform(n, (math.log(low), math.log(high)), gen)[:, None]).exp()
    scale = (cfg.depth_scale * torch.randn(n, 1, generator=gen, device=device)).exp()
    return scale * depths + level * torch.randn(depths.shape, generator=gen, device=device)


def noisy_points(
    points: Float[Tensor, "n j 2"], cfg: ReconstructionConfig, *, gen: torch.Generator
) -> Float[Tensor, "n j 2"]:
    """2D joints with noise of `point_noise` times the largest offset from the root."""
    if not cfg.point_noise:
        return points
    reach = (points - points[:, :1]).abs().amax((1, 2), keepdim=True)
    return points + cfg.point_noise * reach * torch.randn(points.shape, generator=gen, device=points.device)


def reconstruction_batches(
    upright: Float[Tensor, "n 17 3"], cfg: ReconstructionConfig, *, gen: torch.Generator
) -> Iterator[tuple[Float[Tensor, "b 51"], Float[Tensor, "b 51"]]]:
    """Endless batches of (inputs, joints in metres), every one fresh, on the device of `upright` and of `gen`."""
    while True:
        yield examples(draw_views(upright, cfg, cfg.batch_size, gen=gen), cfg, gen=gen)


def draw_views(
    upright: Float[Tensor, "n 17 3"], cfg: ReconstructionConfig, count: int, *, gen: torch.Generator
) -> Views:
    """Views of varied bodies in poses drawn from `upright`."""
    rows: Int[Tensor, "2 b"] = torch.randint(len(upright), (2, count), generator=gen, device=upright.device)
    bodies = vary_bodies(upright[rows[0]], upright[rows[1]], cfg.augment, gen=gen)
    return seen_from(bodies, cfg.augment, gen=gen)


def examples(
    views: Views, cfg: ReconstructionConfig, *, gen: torch.Generator
) -> tuple[Float[Tensor, "b 51"], Float[Tensor, "b 51"]]:
    """Inputs with fresh noise, and targets in metres."""
    depth = noisy_depths(views.depths, cfg, gen=gen) if cfg.depth_input else None
    return network_inputs(noisy_points(views.points, cfg, gen=gen), depth), pose_to_vector(views.poses)


def _uniform(n: int, between: tuple[float, float], gen: torch.Generator) -> Tensor:
    return between[0] + (between[1] - between[0]) * torch.rand(n, generator=gen, device=gen.device)


def _about(axis: str, angle: Float[Tensor, " n"]) -> Float[Tensor, "n 3 3"]:
    vector = angle.new_zeros(len(angle), 3)
    vector[:, "xyz".index(axis)] = angle
    return axis_angle_to_matrix(vector)


@functools.cache
def _tree(device: torch.device) -> tuple[list[int], list[int], Tensor, Tensor]:
    """Parents and limbs of the 16 bones, which of them bend, and the sums of bones that lead to each joint."""
    names = [joint.removeprefix("left_").removeprefix("right_") for joint in BODY.joints[1:]]
    paths = torch.zeros(17, 16)
    for joint in range(1, 17):
        above = joint
        while above > 0:
            paths[joint, above - 1] = 1
            above = BODY.parents[above]
    bending = torch.tensor([float(name in BENDING) for name in names])
    return list(BODY.parents[1:]), [LIMBS.index(name) for name in names], bending.to(device), paths.to(device)


def _rows(*joints: str) -> list[int]:
    return [BODY.index(f"{side}_{joint}") for side in ("left", "right") for joint in joints]


def _frame(left: Tensor, up: Tensor) -> Float[Tensor, "n 3 3"]:
    """Rotation whose columns are left, up and forward of a part of the body."""
    left = torch.nn.functional.normalize(left, dim=-1)
    up = torch.nn.functional.normalize(up - (up * left).sum(-1, keepdim=True) * left, dim=-1)
    return torch.stack([left, up, torch.linalg.cross(left, up, dim=-1)], -1)


def _part(joints: Tensor, low: str, high: str, joint: str) -> Float[Tensor, "n 3 3"]:
    left = joints[:, BODY.index(f"left_{joint}")] - joints[:, BODY.index(f"right_{joint}")]
    return _frame(left, joints[:, BODY.index(high)] - joints[:, BODY.index(low)])


def _with_legs(joints: Tensor, others: Tensor) -> Tensor:
    """Legs of other poses in the pelvis of these."""
    turn = _part(joints, "pelvis", "spine", "hip") @ _part(others, "pelvis", "spine", "hip").mT
    rows = _rows("hip", "knee", "ankle")
    mixed = joints.clone()
    mixed[:, rows] = others[:, rows] @ turn.mT
    return mixed


def _with_arms(joints: Tensor, others: Tensor) -> Tensor:
    """Arms of other poses at the shoulders of these."""
    turn = _part(joints, "spine", "thorax", "shoulder") @ _part(others, "spine", "thorax", "shoulder").mT
    mixed = joints.clone()
    for side in ("left_", "right_"):
        shoulder = BODY.index(side + "shoulder")
        rows = [BODY.index(side + "elbow"), BODY.index(side + "wrist")]
        mixed[:, rows] = (others[:, rows] - others[:, [shoulder]]) @ turn.mT + joints[:, [shoulder]]
    return mixed
