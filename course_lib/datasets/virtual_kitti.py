"""Virtual KITTI 1.3.1: rendered drives with exact depth and poses, five worlds in ten variations (Gaidon 2016)."""

from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from course_lib.datasets.errors import BadRecords, DataFormatError
from course_lib.datasets.pictures import decode_image
from course_lib.datasets.records import LazyImages
from course_lib.datasets.scenes import (
    SceneSequence,
    camera_poses,
    check_center,
    frames_with_pose,
    numbered_files,
    readable_frames,
    stacked,
)
from course_lib.datasets.text import read_numbers, read_text
from course_lib.geometry.cameras import intrinsics_matrix

REMEDY = "obtain the file again: python -m data_scripts.fetch virtual_kitti says how"
INSIDE = ("", "virtual_kitti", "vkitti", "vkitti_1.3.1")
WORLDS = ("0001", "0002", "0006", "0018", "0020")
VARIATIONS = (
    "clone", "fog", "morning", "overcast", "rain", "sunset",
    "15-deg-left", "15-deg-right", "30-deg-left", "30-deg-right",
)  # fmt: skip
FOCAL, CENTER = 725.0, (620.5, 187.0)  # of all pictures, which have 1242 x 375 pixels
SKY = 65535  # 655.35 m: sky, or farther than can be told


def load_virtual_kitti(
    root: str | Path, world: str = "0001", variation: str = "clone", *, on_bad: str = "raise"
) -> SceneSequence:
    """One drive: pictures, depth where its folder is there, and poses.

    `vkitti_1.3.1_rgb/<world>/<variation>/00000.png`, `vkitti_1.3.1_depthgt/...` (16 bits, centimetres, 65535 = sky),
    and `vkitti_1.3.1_extrinsicsgt/<world>_<variation>.txt`: a header line, then the frame and the 16 numbers of the
    4 x 4 matrix WORLD TO CAMERA, row after row. The variations of a world share its geometry: split into training and
    test by world, never by variation.

    Translations are taken to be metres, as the layout says; with no real file at hand, that was not verified.

    Args:
        root: The folder with the three folders, or the one above.
        world: One of `WORLDS`.
        variation: One of `VARIATIONS`.
        on_bad: `"raise"`, or `"skip"` to leave out frames of which a file or a line is missing or bad.

    Raises:
        FileNotFoundError: A file or folder is missing.
        DataFormatError: A file is damaged, or files do not belong together.
    """
    for name, value, known in (("world", world, WORLDS), ("variation", variation, VARIATIONS)):
        if value not in known:
            raise ValueError(f"`{name}` (={value!r}) must be one of {', '.join(known)}")
    bad = BadRecords(on_bad)
    base = _find_base(Path(root), world, variation)
    path = base / "vkitti_1.3.1_extrinsicsgt" / f"{world}_{variation}.txt"
    poses = _read_poses(path, bad)
    decode = partial(decode_image, remedy=REMEDY)
    kinds = [("picture", numbered_files(base / "vkitti_1.3.1_rgb" / world / variation, r"(\d{5})\.png"), decode)]
    depth_folder = base / "vkitti_1.3.1_depthgt" / world / variation
    if depth_folder.is_dir():
        kinds.append(("depth map", numbered_files(depth_folder, r"(\d{5})\.png"), decode_depth))
    frames = readable_frames(sorted(set().union(*(files for _, files, _ in kinds))), kinds, bad)
    frames = frames_with_pose(frames, poses, files=kinds[0][1], path=path, bad=bad)
    pictures = [LazyImages([files[frame] for frame in frames], decode) for _, files, decode in kinds]
    intrinsics = intrinsics_matrix(FOCAL, CENTER, dtype=torch.float32)
    if frames:
        check_center(intrinsics, pictures[0][0], pictures[0].sources[0])
    return SceneSequence(
        camera_from_world=stacked([poses[frame] for frame in frames]),
        names=tuple(f"{world}/{variation}/{frame:05d}" for frame in frames),
        images=pictures[0],
        intrinsics=intrinsics.expand(len(frames), 3, 3).clone(),
        depth=pictures[1] if len(pictures) > 1 else None,
        rate=10.0,
        skipped=bad.messages,
    )


def read_virtual_kitti_poses(path: str | Path) -> Float[Tensor, "n 4 4"]:
    """Poses of a file `vkitti_1.3.1_extrinsicsgt/<world>_<variation>.txt`: `camera_from_world`, float64.

    Raises:
        FileNotFoundError: No such file.
        DataFormatError: A line holds no pose, or not that of the next frame.
    """
    return stacked(list(_read_poses(Path(path), BadRecords("raise")).values()))


def _read_poses(path: Path, bad: BadRecords) -> dict[int, Tensor | None]:
    """Poses by frame; None where the line was given to `bad`."""
    broken: dict[int, Tensor | None] = {}
    header, *lines = read_text(path, remedy=REMEDY).rstrip().splitlines() or [""]
    if header.split()[:1] != ["frame"]:
        raise DataFormatError(f"{path}, line 1: {header[:40]!r}, expected a header that begins with frame; {REMEDY}")
    rows = []
    for frame, line in enumerate(lines):
        try:
            first, *numbers = read_numbers(line.split(), path=path, where="", count=17, remedy=REMEDY)
        except DataFormatError as error:
            bad.report(path, f"line {frame + 2}", str(error).removeprefix(f"{path}, : "))
            broken[frame] = None
            continue
        if first != frame:
            bad.report(path, f"line {frame + 2}", f"frame {first:g}, expected {frame}")
            broken[frame] = None
        else:
            rows.append((frame, numbers))
    return camera_poses(rows, path=path, where=lambda frame: f"line {frame + 2}", bad=bad) | broken


def decode_depth(path: Path) -> Tensor:
    """Depth in metres of a 16-bit PNG in centimetres, `(1, h, w)`, 0 for the sky."""
    centimetres = decode_image(path, "depth16", remedy=REMEDY)
    return torch.where(centimetres == SKY, 0.0, centimetres / 100)


def _find_base(root: Path, world: str, variation: str) -> Path:
    for inside in INSIDE:
        if (root / inside / "vkitti_1.3.1_rgb" / world / variation).is_dir():
            return root / inside
    raise FileNotFoundError(
        f"`root` (={root}) holds no folder vkitti_1.3.1_rgb/{world}/{variation}, nor do its folders "
        f"{', '.join(INSIDE[1:])}: python -m data_scripts.fetch virtual_kitti  says how to obtain the data"
    )
