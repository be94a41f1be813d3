"""Small drives and RGB-D sequences: cameras that move past two painted walls, with exact depth and poses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from course_lib.datasets.examples.containers import save_picture
from course_lib.datasets.examples.example import Example
from course_lib.datasets.kitti import load_kitti, read_kitti_calibration, read_kitti_poses
from course_lib.datasets.seven_scenes import load_seven_scenes
from course_lib.datasets.virtual_kitti import CENTER, FOCAL, load_virtual_kitti

FRAMES = 3


def drive(step: float, turn: float = 0.02) -> list[np.ndarray]:
    """Poses `world_from_camera` of a camera that goes forward and turns slowly to the right; the first is the identity.

    Args:
        step: Metres from frame to frame.
        turn: Radians from frame to frame.
    """
    poses = []
    for frame in range(FRAMES):
        angle = turn * frame
        pose = np.eye(4)
        pose[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
        pose[:3, 3] = 0.1 * step * frame, 0.0, step * frame
        poses.append(pose)
    return poses


def see_walls(
    world_from_camera: np.ndarray, size: tuple[int, int], intrinsics: np.ndarray, distance: float
) -> tuple[np.ndarray, np.ndarray]:
    """Picture and depth of two painted walls, one ahead, one askew on the right.

    Args:
        world_from_camera: Pose of the camera.
        size: Height and width in pixels.
        intrinsics: Camera matrix.
        distance: From the origin to the wall ahead, metres.

    Returns:
        Colours `(h, w, 3)` uint8, and depth `(h, w)` in metres.
    """
    rows, columns = np.mgrid[: size[0], : size[1]].astype(np.float64)
    rays = np.stack([columns, rows, np.ones(size)], -1) @ np.linalg.inv(intrinsics).T
    directions, origin = rays @ world_from_camera[:3, :3].T, world_from_camera[:3, 3]
    ahead = (distance - origin[2]) / directions[..., 2]
    askew = (0.9 * distance - origin @ [0.9, 0, 0.47]) / (directions @ [0.9, 0, 0.47])
    depth = np.where((askew > 0) & (askew < ahead), askew, ahead)
    points = (origin + depth[..., None] * directions) / distance
    paint = np.stack([np.sin(6 * points[..., 0] + k) * np.cos(5 * points[..., 1] - k) for k in range(3)], -1)
    return (127.5 * (1 + 0.9 * paint)).astype(np.uint8), depth


def lines_of(matrices: list[np.ndarray]) -> str:
    """One line of numbers for each matrix, row after row, written as KITTI writes them."""
    return "".join(" ".join(f"{number:.6e}" for number in matrix.ravel()) + "\n" for matrix in matrices)


def write_kitti(folder: Path, *, named: bool = True) -> Path:
    """Write sequence 06 with three frames of 40 x 24 pixels, both grey cameras, its calibration and its poses."""
    base = folder / "sequences" / "06"
    intrinsics = np.array([[30.0, 0, 19.5], [0, 30.0, 11.5], [0, 0, 1]])
    shifts = [0.0, -0.54]  # where the origin of the left grey camera lies in the frame of each
    for camera, shift in enumerate(shifts):
        (base / f"image_{camera}").mkdir(parents=True)
        for frame, pose in enumerate(drive(1.2)):
            right = pose.copy()
            right[:3, 3] -= shift * pose[:3, 0]
            picture = see_walls(right, (24, 40), intrinsics, 12.0)[0][..., 0]
            save_picture(base / f"image_{camera}" / f"{frame:06d}.png", picture)
    projections = [intrinsics @ np.c_[np.eye(3), [shift, 0, 0]] for shift in shifts]
    lines = [f"P{i}: " * named + line for i, line in enumerate(lines_of(projections).splitlines(keepends=True))]
    (base / "calib.txt").write_text("".join(lines))
    (folder / "poses").mkdir()
    (folder / "poses" / "06.txt").write_text(lines_of([pose[:3] for pose in drive(1.2)]))
    return folder


def write_seven_scenes(folder: Path) -> Path:
    """Write three frames of 40 x 30 pixels; some of the depth is unknown."""
    intrinsics = np.array([[36.0, 0, 20.0], [0, 36.0, 15.0], [0, 0, 1]])
    for frame, pose in enumerate(drive(0.15)):
        picture, depth = see_walls(pose, (30, 40), intrinsics, 2.0)
        millimetres = np.round(1000 * depth).astype(np.uint16)
        millimetres[:3, :4] = 0
        save_picture(folder / f"frame-{frame:06d}.color.jpg", picture)
        save_picture(folder / f"frame-{frame:06d}.depth.png", millimetres)
        (folder / f"frame-{frame:06d}.pose.txt").write_text("".join(lines_of([row]) for row in pose))
    (folder / "camera-intrinsics.txt").write_text("".join(lines_of([row]) for row in intrinsics))
    return folder


def write_virtual_kitti(folder: Path) -> Path:
    """Write three frames of world 0001, clone: 1242 x 375 pixels as always, hence of few colours; a strip of sky."""
    intrinsics = np.array([[FOCAL, 0, CENTER[0]], [0, FOCAL, CENTER[1]], [0, 0, 1]])
    pictures, depths = (folder / f"vkitti_1.3.1_{kind}" / "0001" / "clone" for kind in ("rgb", "depthgt"))
    for inside in (pictures, depths, folder / "vkitti_1.3.1_extrinsicsgt"):
        inside.mkdir(parents=True)
    poses = [np.linalg.inv(pose) for pose in drive(1.0, turn=0.0)]
    for frame, pose in enumerate(poses):
        picture, depth = see_walls(np.linalg.inv(pose), (375, 1242), intrinsics, 15.0)
        centimetres = np.round(100 * depth).astype(np.uint16)
        centimetres[:50] = 65535
        save_picture(pictures / f"{frame:05d}.png", picture // 64 * 64)
        save_picture(depths / f"{frame:05d}.png", centimetres)
    header = "frame r1,1 r1,2 r1,3 t1 r2,1 r2,2 r2,3 t2 r3,1 r3,2 r3,3 t3 0 0 0 1\n"
    lines = [" ".join([str(frame), *(f"{n:.9g}" for n in pose.ravel())]) + "\n" for frame, pose in enumerate(poses)]
    (folder / "vkitti_1.3.1_extrinsicsgt" / "0001_clone.txt").write_text(header + "".join(lines))
    return folder


def _write_file(write: Callable[[Path], Path], file: str) -> Callable[[Path], Path]:
    """The writer that gives one of the files of another."""
    return lambda folder: write(folder) / file


EXAMPLES = (
    Example("kitti", write_kitti, lambda root: load_kitti(root, stereo=True),
            ("sequences/06/calib.txt", "poses/06.txt", "sequences/06/image_0/000001.png"), False, load_kitti),
    Example("kitti, poses", _write_file(write_kitti, "poses/06.txt"), read_kitti_poses, ("poses/06.txt",), False,
            lambda data: read_kitti_poses(data / "kitti_odometry" / "poses" / "05.txt")),
    Example("kitti, calibration", _write_file(write_kitti, "sequences/06/calib.txt"), read_kitti_calibration,
            ("sequences/06/calib.txt",), False,
            lambda data: read_kitti_calibration(data / "kitti_odometry" / "sequences" / "06" / "calib.txt")),
    Example("seven_scenes", write_seven_scenes, load_seven_scenes,
            ("frame-000001.depth.png", "frame-000001.color.jpg", "frame-000001.pose.txt", "camera-intrinsics.txt"),
            True, load_seven_scenes),
    Example("virtual_kitti", write_virtual_kitti, load_virtual_kitti,
            ("vkitti_1.3.1_extrinsicsgt/0001_clone.txt",), False),
)  # fmt: skip
