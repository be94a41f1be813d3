"""Sequences of frames with poses: one interface for KITTI, 7-Scenes and Virtual KITTI, and what makes a pose."""

from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.datasets import BadRecords, DataFormatError, LazyImages
from course_lib.datasets.examples.scenes import drive, write_kitti, write_seven_scenes, write_virtual_kitti
from course_lib.datasets.kitti import load_kitti
from course_lib.datasets.scenes import SceneSequence, camera_poses
from course_lib.datasets.seven_scenes import load_seven_scenes
from course_lib.datasets.virtual_kitti import load_virtual_kitti
from course_lib.geometry import depth_agreement, inverse_warp, transform_points

EYE = torch.eye(4, dtype=torch.float64)


@pytest.fixture
def kitti(tmp_path):
    return write_kitti(tmp_path)


@pytest.fixture
def rooms(tmp_path):
    return write_seven_scenes(tmp_path)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return write_virtual_kitti(tmp_path_factory.mktemp("vkitti"))


def photometric(images, targets, depth, scene, first, second):
    """Mean absolute difference of picture `first` and picture `second` warped back, where that is valid."""
    motion = scene.motion(first, second)[None]
    warped, valid = inverse_warp(images[second][None], depth, motion, scene.intrinsics[:1])
    error = (warped - targets[first][None]).abs()[valid.expand_as(warped)]
    return float(error.mean()), float(valid.float().mean())


@pytest.mark.parametrize("name", ["kitti", "rooms", "rendered"])
def test_all_three_have_poses_both_ways_pictures_and_cameras(name, request):
    root = request.getfixturevalue(name)
    scene = {"kitti": load_kitti, "rooms": load_seven_scenes, "rendered": load_virtual_kitti}[name](root)
    assert isinstance(scene, SceneSequence)
    assert len(scene) == 3 == len(scene.images) == len(scene.names)
    torch.testing.assert_close(scene.camera_from_world @ scene.world_from_camera, EYE.expand(3, 4, 4))
    torch.testing.assert_close(scene.camera_from_world[0], EYE)  # the example starts at the origin
    assert (scene.world_from_camera[:, 2, 3].diff() > 0).all()  # and drives forward
    picture = scene.images[0]
    assert picture.dtype == torch.float32
    assert 0 <= float(picture.min()) < 0.3 < 0.6 < float(picture.max()) <= 1
    assert isinstance(scene.images, LazyImages)
    assert scene.intrinsics.shape == (3, 3, 3)
    assert scene.skipped == ()
    assert load_again(name, root.parent, root)


def load_again(name, parent, root):
    """Two of the three are found from the folder above when it is called as usual."""
    usual = parent / {"kitti": "kitti_odometry", "rooms": "rgbd_7scenes", "rendered": "virtual_kitti"}[name]
    usual.symlink_to(root, target_is_directory=True)
    load = {"kitti": load_kitti, "rooms": load_seven_scenes, "rendered": load_virtual_kitti}[name]
    try:
        return len(load(parent)) == 3
    finally:
        usual.unlink()


def test_some_of_the_frames_and_batches_keep_what_belongs_together(rooms):
    scene = load_seven_scenes(rooms)
    last = scene[-1]
    assert last.names[0].endswith("/frame-000002")
    assert last.camera_from_world[0].equal(scene.camera_from_world[2])
    assert last.images[0].equal(scene.images[2])
    batch = next(iter(scene.batches(batch_size=2, gen=torch.Generator().manual_seed(0))))
    assert batch.images.shape == (2, 3, 30, 40)
    assert batch.depth.shape == (2, 1, 30, 40)
    rows = [scene.names.index(name) for name in batch.names]
    assert batch.camera_from_world.equal(scene.camera_from_world[rows])


def test_motion_takes_points_from_one_camera_to_another(rooms):
    scene = load_seven_scenes(rooms)
    world = torch.tensor([[0.3, -0.2, 2.5], [0.0, 0.1, 1.9]], dtype=torch.float64)
    first, second = (transform_points(scene.camera_from_world[i], world).float() for i in (0, 2))
    torch.testing.assert_close(transform_points(scene.motion(0, 2), first), second)
    several = scene.motion(torch.tensor([0, 1]), torch.tensor([1, 2]))
    assert several.shape == (2, 4, 4)
    assert several[1].equal(scene.motion(1, 2))


def test_motion_far_from_the_origin_keeps_its_digits():
    poses = EYE.repeat(2, 1, 1)
    poses[:, 0, 3] = torch.tensor([-5000.0, -5000.0001], dtype=torch.float64)
    scene = SceneSequence(poses, ("a", "b"), torch.zeros(2, 1, 2, 2), torch.eye(3).expand(2, 3, 3))
    assert float(scene.motion(0, 1)[0, 3]) == pytest.approx(-1e-4, rel=1e-5)
    assert scene.path_length == pytest.approx(1e-4, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "tolerance"), [("rooms", 0.004), ("rendered", 0.02)]
)  # depth in steps of 1 mm and 1 cm
def test_depths_and_poses_of_the_examples_agree_and_swapped_poses_do_not(name, tolerance, request):
    load = {"rooms": load_seven_scenes, "rendered": load_virtual_kitti}[name]
    scene = load(request.getfixturevalue(name))
    depths = [scene.depth[i][None] for i in (0, 2)]
    medians = []
    for motion in (scene.motion(0, 2), scene.motion(2, 0), torch.eye(4)):
        difference, valid = depth_agreement(*depths, motion[None], scene.intrinsics[:1])
        assert float(valid.float().mean()) > 0.3
        medians.append(float(difference[valid].abs().median()))
    assert medians[0] < tolerance < 10 * tolerance < min(medians[1:])


def test_pictures_of_the_example_are_explained_by_depth_and_motion(rooms):
    scene = load_seven_scenes(rooms)
    error, share = photometric(scene.images, scene.images, scene.depth[0][None], scene, 0, 2)
    still = float((scene.images[0] - scene.images[2]).abs().mean())
    assert share > 0.5
    assert error < still / 3


# Rotations.


def report(numbers, on_bad="raise"):
    bad = BadRecords(on_bad)
    poses = camera_poses([(0, numbers)], path=Path("poses.txt"), where=lambda frame: f"line {frame + 1}", bad=bad)
    return poses[0], bad.messages


def test_a_rotation_rounded_by_its_file_is_made_exact():
    rounded = np.round(drive(1.0, turn=0.7)[1][:3], 4)
    pose, _ = report(rounded.ravel().tolist())
    rotation = pose[:3, :3]
    torch.testing.assert_close(rotation @ rotation.mT, EYE[:3, :3], atol=1e-15, rtol=0)
    torch.testing.assert_close(rotation, torch.from_numpy(rounded[:, :3].copy()), atol=1e-4, rtol=0)
    assert pose[:3, 3].tolist() == rounded[:, 3].tolist()


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([1.01, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], "no rotation matrix .R'R is 0.02 off"),
        ([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0], "or R is a mirror"),
        ([1e300, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0], "no rotation matrix"),
        ([1, 0, 0, 1e300, 0, 1, 0, 0, 0, 0, 1, 0], "m from the origin, expected below 1e6"),
        ([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1], "last row .*expected 0 0 0 1"),
    ],
)
def test_matrices_that_are_no_poses_are_refused_or_skipped(numbers, message):
    with pytest.raises(DataFormatError, match=f"poses.txt, line 1: .*{message}"):
        report(numbers)
    pose, told = report(numbers, "skip")
    assert pose is None
    assert len(told) == 1
