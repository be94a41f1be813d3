"""KITTI odometry and 7-Scenes on real files: poses, path, stereo, and the depth that two frames agree on."""

import os
from pathlib import Path

import pytest
import torch

from course_lib.datasets import decode_image
from course_lib.datasets.kitti import load_kitti, read_kitti_poses
from course_lib.datasets.seven_scenes import load_seven_scenes
from course_lib.geometry import depth_agreement, inverse_warp, relative_motion

EYE = torch.eye(3, dtype=torch.float64)


def real(name):
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root).expanduser() / name).is_dir():
        pytest.skip(f"the real files are not there: set COURSE_DATA to the folder above `{name}`")
    return Path(root).expanduser() / name


@pytest.fixture(scope="module")
def kitti():
    return real("kitti_odometry")


@pytest.fixture(scope="module")
def room():
    return load_seven_scenes(real("rgbd_7scenes"))


def numbers(path, rows):
    """Matrices of a file as they are written."""
    return torch.tensor([float(word) for word in path.read_text().split()], dtype=torch.float64).view(-1, rows, 4)


@pytest.mark.parametrize(("sequence", "frames"), [("03", 801), ("04", 271), ("05", 2761), ("06", 1101), ("07", 1101)])
def test_kitti_poses_are_orthonormal_and_start_at_the_identity(kitti, sequence, frames):
    path = kitti / "poses" / f"{sequence}.txt"
    raw = numbers(path, 3)
    assert len(raw) == frames
    # As written, before the reader makes them exact: six digits after the point.
    assert float((raw[:, :, :3].mT @ raw[:, :, :3] - EYE).abs().max()) < 3e-7
    poses = read_kitti_poses(path)
    torch.testing.assert_close(poses[:, :3], raw, atol=2e-7, rtol=0)
    assert float((poses[:, :3, :3].mT @ poses[:, :3, :3] - EYE).abs().max()) < 1e-14
    torch.testing.assert_close(poses[0], torch.eye(4, dtype=torch.float64), atol=1e-7, rtol=0)


def test_kitti_poses_beside_the_pictures_are_the_first_51_lines(kitti):
    beside = read_kitti_poses(kitti / "sequences" / "06" / "poses.txt")
    assert len(beside) == 51
    assert beside.equal(read_kitti_poses(kitti / "poses" / "06.txt")[:51])


def test_kitti_car_drives_sixty_metres_forward(kitti):
    scene = load_kitti(kitti)
    assert len(scene) == 51
    assert scene.path_length == pytest.approx(59.9, abs=0.05)
    steps = torch.stack([scene.motion(i, i + 1) for i in range(50)])
    assert (steps[:, 2, 3] < -0.5).all()  # points come nearer, by 1.2 m in a tenth of a second
    assert float(steps[:, :2, 3].abs().max()) < 0.1
    # 60 m in 5 s: the speed of a car in a town
    assert 10 < scene.path_length / (50 / scene.rate) < 14


def test_kitti_pictures_and_camera(kitti):
    scene = load_kitti(kitti.parent)
    assert scene.images[7].shape == (1, 370, 1226)
    assert scene.intrinsics[0, :2].flatten().tolist() == pytest.approx([707.0912, 0, 601.8873, 0, 707.0912, 183.1104])
    assert scene.images[0].equal(decode_image(kitti / "sequences" / "06" / "image_0" / "000000.png", "grey"))


def test_kitti_right_picture_shows_things_further_left(kitti):
    scene = load_kitti(kitti, stereo=True)
    assert len(scene) == 8
    assert scene.baseline == pytest.approx(0.5372, abs=5e-5)
    left, right = scene.images[0][0], scene.right_images[0][0]
    rows, columns = slice(150, 330), slice(200, 1026)
    errors = {
        shift: float((left[rows, columns] - right[rows, columns.start - shift : columns.stop - shift]).abs().mean())
        for shift in range(-30, 31, 2)
    }
    assert min(errors, key=errors.get) > 0  # left column minus right column = focal * baseline / depth


def test_kitti_ground_plane_explains_the_right_picture_and_the_next_frame(kitti):
    """The road lies 1.65 m below the camera: its depth is known, and warps must align it."""
    scene = load_kitti(kitti, stereo=True)
    height, width = scene.images[0].shape[1:]
    focal, v0 = float(scene.intrinsics[0, 1, 1]), float(scene.intrinsics[0, 1, 2])
    rows = torch.arange(height, dtype=torch.float32)
    depth = torch.where(rows > v0 + 40, 1.65 * focal / (rows - v0).clamp_min(1), 0.0)  # 0: not road
    depth = depth[:, None].expand(height, width).clone()
    depth[:, : width // 2 - 120], depth[:, width // 2 + 120 :] = 0.0, 0.0  # the lane ahead
    depth = depth[None, None]

    def error(picture, motion):
        warped, valid = inverse_warp(picture[None], depth, motion[None], scene.intrinsics[:1])
        return float((warped - scene.images[0]).abs()[valid].mean())

    right = scene.right_from_camera.float()
    assert error(scene.right_images[0], right) < 0.8 * error(scene.right_images[0], right.inverse())
    forward = scene.motion(0, 1)
    assert error(scene.images[1], forward) < 0.8 * error(scene.images[1], forward.inverse())


def test_seven_scenes_frames_poses_and_camera(room):
    folder = real("rgbd_7scenes")
    raw = torch.cat([numbers(folder / f"frame-{i:06d}.pose.txt", 4) for i in range(0, 120, 2)])
    assert len(room) == 60
    assert [name[-6:] for name in room.names] == [f"{i:06d}" for i in range(0, 120, 2)]
    off = float((raw[:, :3, :3].mT @ raw[:, :3, :3] - EYE).abs().max())
    assert 1e-5 < off < 2e-4  # why the reader makes them exact
    torch.testing.assert_close(room.world_from_camera, raw, atol=2e-4, rtol=0)
    moved = room.world_from_camera[-1, :3, 3] - room.world_from_camera[0, :3, 3]
    assert float(moved.norm()) == pytest.approx(0.642, abs=5e-4)
    assert room.intrinsics[0].tolist() == [[585, 0, 320], [0, 585, 240], [0, 0, 1]]
    assert room.images[0].shape == (3, 480, 640)


def test_seven_scenes_depth_is_metres_with_holes(room):
    depth = room.depth[0]
    assert depth.shape == (1, 480, 640)
    assert float(depth[depth > 0].median()) == pytest.approx(1.878, abs=5e-4)
    assert float((depth == 0).float().mean()) == pytest.approx(0.108, abs=5e-4)


def test_seven_scenes_depths_of_two_frames_agree_only_with_the_right_inverses(room):
    """Frame 60 is the 31st of every second one; medians of 12, 402 and 272 mm in the data's description."""
    first, second = 0, 30
    assert room.names[second].endswith("000060")
    inverted = relative_motion(room.world_from_camera[first], room.world_from_camera[second]).float()
    medians = []
    for motion in (room.motion(first, second), inverted, torch.eye(4)):
        difference, valid = depth_agreement(
            room.depth[first][None], room.depth[second][None], motion[None], room.intrinsics[:1]
        )
        assert float(valid.float().mean()) > 0.5
        medians.append(1000 * float(difference[valid].abs().median()))
    assert medians == [pytest.approx(12, abs=1), pytest.approx(402, abs=4), pytest.approx(272, abs=3)]


def test_seven_scenes_pictures_are_explained_by_depth_and_motion(room):
    depth, motion = room.depth[0][None], room.motion(0, 5)[None]
    errors = []
    for pose in (motion, torch.eye(4)[None], motion.inverse()):
        warped, valid = inverse_warp(room.images[5][None], depth, pose, room.intrinsics[:1])
        errors.append(float((warped - room.images[0]).abs()[valid.expand_as(warped)].mean()))
    assert errors[0] < 0.5 * errors[1] < 0.5 * errors[2]
