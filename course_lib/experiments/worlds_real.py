"""Claims about real bodies and hands: what a pose basis loses on people it has not seen, and real joints rendered."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_lib.datasets import NYU_CAMERA, decode_nyu_depth, load_cmu, load_h36m, load_nyu, read_uvd_labels
from course_lib.experiments import data_root
from course_lib.experiments.figures import mosaic, save_figure
from course_lib.experiments.record import Measurement
from course_lib.geometry import (
    H36M_17,
    H36M_32,
    NYU_14,
    PoseBasis,
    convert,
    intrinsics_matrix,
    look_at,
    pixel_grid,
    project,
)
from course_lib.training import generator
from course_lib.worlds import hands, people

COMPONENTS = (1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 75)


def basis_errors(train: Tensor, test: Tensor, components: tuple[int, ...] = COMPONENTS) -> dict[int, float]:
    """Mean joint error of unseen poses, mm, when so many principal directions of the training poses are kept."""
    largest = min(max(components), train[0].numel())
    full = PoseBasis.fit(train, largest)
    errors = {}
    for count in components:
        if count <= largest:
            kept = full.encode(test)
            kept[:, count:] = 0
            errors[count] = float((full.decode(kept) - test).norm(dim=-1).mean() * 1000)
    return errors


def pose_basis(seed: int) -> dict[str, Measurement]:
    """Fit on the motions of Human3.6M's S1, test on those of S6: one skeleton, 32 joints, pelvis unturned.

    For a fair comparison with the drawn people the extra holds curves of the 17 joints that both have, on the motions
    of another subject and on unseen motions of the same one.
    """
    root = data_root("h36m")
    seen, unseen = (load_h36m(root, subjects=(who,), root_motion=False).joints[::5].double() for who in ("S1", "S6"))
    real = basis_errors(seen, unseen)
    few = [convert(one, H36M_32, H36M_17) for one in (seen, unseen)]  # the joints that the drawn people have
    gen = generator(seed)
    drawn = [people.people_joints(people.sample_factors(4000, generator=gen).replace(heading=0.0)) for _ in range(2)]
    world = basis_errors(*((one - one[:, :1]).double() for one in drawn), tuple(c for c in COMPONENTS if c < 51))
    half = len(few[0]) // 2
    curves = {
        "human36m": real,
        "another subject": basis_errors(*few),
        "same subject": basis_errors(few[0][:half], few[0][half:]),
        "people": world,
    }
    extra = {name: {str(count): error for count, error in curve.items()} for name, curve in curves.items()}
    return {"pose_basis_mm": Measurement(real[60], extra=extra)}


def rendered_hand(seed: int) -> dict[str, Measurement]:
    """The genuine NYU frame against the depth map rendered from its labels, on the pixels that both cover."""
    root = data_root("hands")
    depth, joints, intrinsics = nyu_pair(root)
    drawn = hands.render_joints(joints, NYU_14, intrinsics, size=tuple(depth.shape[-2:]), compiled=False)
    near = (depth > 0) & ((depth - 1000 * joints[..., 2].mean()).abs() < 150)
    both = near & drawn.mask
    difference = (drawn.depth_mm - depth).abs()[both]
    card = (plane_depth(joints[0], intrinsics[0], tuple(depth.shape[-2:])) - 10 - depth).abs()[both]
    extra = {
        "pixels": int(both.sum()),
        "covered": float(both.sum() / drawn.mask.sum()),
        "mean_mm": float(difference.mean()),
        "ninth_decile_mm": float(difference.quantile(0.9)),
        "baseline_mean_mm": float(card.mean()),
    }
    return {"real_hand_depth_mm": Measurement(float(difference.median()), float(card.median()), extra)}


def plane_depth(joints: Tensor, intrinsics: Tensor, size: tuple[int, int]) -> Tensor:
    """Depth in mm at each pixel of the plane that lies nearest to joints (j, 3), linear in u and v, `(1, 1, h, w)`."""
    pixels = project(joints, intrinsics)
    design = torch.cat([pixels, torch.ones(len(pixels), 1)], 1)
    weights = torch.linalg.lstsq(design, 1000 * joints[:, 2:]).solution[:, 0]
    grid = pixel_grid(*size)
    return (grid @ weights[:2] + weights[2])[None, None]


def nyu_pair(root: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Depth map (1, 1, 480, 640) in mm, joints (1, 14, 3) in metres, camera (1, 3, 3): the first NYU test frame."""
    places = (root, root / "nyu", root / "hands" / "nyu")
    alone = (folder / "depth_1_0000001.label_uvd.txt" for folder in places)  # one frame on its own, as demos ship it
    labels = next((path for path in alone if path.is_file()), None)
    if labels is None:
        frame = load_nyu(root, images=True)[0]
        return frame.images.stack(), frame.joints, frame.intrinsics
    uvd = read_uvd_labels(labels, 14)[0]
    depth = decode_nyu_depth(labels.parent / "test" / "depth_1_0000001.png")
    return depth[None], NYU_CAMERA.to_points(uvd), NYU_CAMERA.matrix()[None]


def mocap_strip() -> None:
    """Real people walking and dancing, in drawn clothes; without the CMU motions the figure stays as it is."""
    root = data_root("cmu_mocap")
    if root is None:
        return
    rows = []
    for kind, clip, first, step, seed in (("bvh", "35_01", 60, 24, 17), ("bvh_iclone", "005_06", 90, 22, 15)):
        # The BVH conversion lost the bone to the thorax; the library knows its length.
        motion = load_cmu(root, kind=kind, clips=(clip,), skeleton=H36M_17, restore_thorax=kind == "bvh")
        joints = motion.joints[first : first + 6 * step : step]
        ground = float(motion.joints[..., 1].quantile(0.001))
        joints = joints - joints[:, :1] * joints.new_tensor([1.0, 0.0, 1.0]) - joints.new_tensor([0.0, ground, 0.0])
        looks = people.sample_factors(1, generator=generator(seed))
        hips = (joints[:, 1] - joints[:, 4]).mean(0)
        ahead = torch.linalg.cross(hips, torch.tensor([0.0, 1.0, 0.0]))
        eye = -ahead / ahead.norm() + 0.9 * hips / hips.norm()
        eye = 5 * torch.nn.functional.normalize(eye * torch.tensor([1.0, 0.0, 1.0]), dim=0)
        camera = look_at(eye + torch.tensor([0.0, 1.5, 0.0]), torch.tensor([0.0, 0.9, 0.0]))
        focal = 190 * 5 / 2.2  # 2.2 m in 190 pixels, 5 m away
        drawn = people.render_joints(
            joints, looks, camera_from_world=camera, intrinsics=intrinsics_matrix(focal, (78.5, 94.5)),
            floor=0.0, size=(190, 158), samples=4, compiled=False,
        )  # fmt: skip
        pixels = (drawn.images.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        rows.append([Image.fromarray(np.ascontiguousarray(one)) for one in pixels])
    save_figure(mosaic(rows, width=960), "05_worlds_mocap.webp", quality=88)
