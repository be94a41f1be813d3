"""Sequences of frames with poses: what they hold together, and KITTI, 7-Scenes and Virtual KITTI from small files."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.datasets import BadRecords, DataFormatError, LazyImages
from course_lib.datasets.examples.containers import save_picture
from course_lib.datasets.examples.scenes import drive, write_kitti, write_seven_scenes, write_virtual_kitti
from course_lib.datasets.kitti import load_kitti, read_kitti_calibration, read_kitti_poses
from course_lib.datasets.scenes import SceneSequence, camera_poses
from course_lib.datasets.seven_scenes import load_seven_scenes
from course_lib.datasets.virtual_kitti import load_virtual_kitti, read_virtual_kitti_poses
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


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def photometric(images, targets, depth, scene, first, second):
    """Mean absolute difference of picture `first` and picture `second` warped back, where that is valid."""
    motion = scene.motion(first, second)[None]
    warped, valid = inverse_warp(images[second][None], depth, motion, scene.intrinsics[:1])
    error = (warped - targets[first][None]).abs()[valid.expand_as(warped)]
    return float(error.mean()), float(valid.float().mean())


# One interface.


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


# KITTI.


def test_kitti_poses_are_camera_to_world_in_the_file(kitti):
    poses = read_kitti_poses(kitti / "poses" / "06.txt")
    np.testing.assert_allclose(poses, np.stack(drive(1.2)), atol=1e-6)
    torch.testing.assert_close(load_kitti(kitti).world_from_camera, poses)
    assert load_kitti(kitti).path_length == pytest.approx(2 * 1.2 * 1.01**0.5, rel=1e-5)


@pytest.mark.parametrize("named", [True, False])
def test_kitti_calibration_is_read_with_and_without_names(tmp_path, named):
    folder = write_kitti(tmp_path, named=named)
    matrices = read_kitti_calibration(folder / "sequences" / "06" / "calib.txt")
    assert list(matrices) == ["P0", "P1"]
    assert matrices["P1"][0].tolist() == [30, 0, 19.5, pytest.approx(-0.54 * 30)]
    assert load_kitti(folder, stereo=True).baseline == pytest.approx(0.54, abs=1e-6)


def test_kitti_right_pictures_are_seen_by_a_camera_to_the_right(kitti):
    scene = load_kitti(kitti, stereo=True)
    assert scene.right_images[0].shape == (1, 24, 40)
    point = torch.tensor([[0.5, 0.2, 10.0]], dtype=torch.float64)
    assert float(transform_points(scene.right_from_camera, point)[0, 0]) == pytest.approx(0.5 - 0.54, abs=1e-6)
    left, right = scene.images[0][0], scene.right_images[0][0]
    disparity = round(30 * 0.54 / 12)  # the wall ahead
    assert disparity == 1
    shifted = float((left[:, disparity:30] - right[:, : 30 - disparity]).abs().mean())
    assert shifted < 0.6 * float((left[:, : 30 - disparity] - right[:, disparity:30]).abs().mean())


def test_kitti_frames_are_matched_to_poses_by_their_number(kitti):
    images = kitti / "sequences" / "06" / "image_0"
    (images / "000000.png").unlink()
    (images / "000001.png").rename(images / "readme.png")
    scene = load_kitti(kitti)
    assert scene.names == ("06/000002",)
    np.testing.assert_allclose(scene.world_from_camera[0], drive(1.2)[2], atol=1e-6)


def test_kitti_colour_cameras_stand_beside_the_grey_one(kitti):
    base = kitti / "sequences" / "06"
    for camera in (2, 3):
        (base / f"image_{camera}").mkdir()
        for frame in range(3):
            save_picture(base / f"image_{camera}" / f"{frame:06d}.png", np.full((24, 40, 3), 90, np.uint8))
    with (base / "calib.txt").open("a") as calibration:
        calibration.write("P2: 30 0 19.5 1.8 0 30 11.5 0 0 0 1 0.003\nP3: 30 0 19.5 -14.4 0 30 11.5 0 0 0 1 0.002\n")
        calibration.write("Tr: 0 -1 0 0 0 0 -1 -0.08 1 0 0 -0.27\n")
    scene = load_kitti(kitti, camera="colour", stereo=True)
    assert scene.images[0].shape == (3, 24, 40)
    assert scene.baseline == pytest.approx(0.54, abs=1e-3)
    offset = scene.camera_from_world[0, :3, 3]
    torch.testing.assert_close(offset, torch.tensor([0.06 - 0.003 * 0.65, -0.00115, 0.003], dtype=torch.float64))
    grey = load_kitti(kitti).camera_from_world
    torch.testing.assert_close(scene.camera_from_world[:, :3, 3], grey[:, :3, 3] + offset)


KITTI_BAD = {
    "eleven numbers": ("poses/06.txt", " 0.000000e+00\n", "\n", r"06.txt, line 1: 11 numbers, expected 12"),
    "not a number": ("poses/06.txt", "1.000000e+00", "nan", r"06.txt, line 1: 'nan' is not a finite number"),
    "not orthonormal": ("poses/06.txt", "1.000000e+00", "1.500000e+00", r"06.txt, line 1: no rotation matrix"),
    "a web page": ("poses/06.txt", "1.0", "<html>1.0", r"06.txt: this is a web page"),
    "names missing": ("sequences/06/calib.txt", "P1: ", "", r"line 2: some lines begin with a name and colon, some n"),
    "twice the same": ("sequences/06/calib.txt", "P1: ", "P0: ", r"calib.txt, line 2: P0 comes twice"),
    "other camera": ("sequences/06/calib.txt", "P0: ", "P7: ", r"calib.txt: no P0, found P7, P1"),
    "no focal length": ("sequences/06/calib.txt", "3.000000e+01", "0", r"calib.txt: no camera matrix \(0 0 19.5"),
    "far away": ("sequences/06/calib.txt", "-1.620000e+01", "-1.62e+04", r"P1 stands 540 m from P0, expected less"),
    "resized": ("sequences/06/calib.txt", "1.950000e+01", "60.5", r"40 x 24 pixels.*centre is \(60.5, 11.5\)"),
}


@pytest.mark.parametrize("name", KITTI_BAD)
def test_bad_kitti_files_are_refused(kitti, name):
    file, old, new, message = KITTI_BAD[name]
    replace(kitti / file, old, new)
    with pytest.raises(DataFormatError, match=message):
        load_kitti(kitti, stereo=True)


def test_a_kitti_frame_without_pose_is_refused_or_skipped(kitti):
    path = kitti / "poses" / "06.txt"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(DataFormatError, match=r"000002.png, frame 2: 06.txt has poses of 2 frames only"):
        load_kitti(kitti)
    scene = load_kitti(kitti, on_bad="skip")
    assert len(scene) == 2
    assert len(scene.skipped) == 1


def test_bad_lines_and_pictures_of_kitti_are_skipped_once_each(kitti):
    replace(kitti / "poses" / "06.txt", "1.000000e+00", "7")
    (kitti / "sequences" / "06" / "image_0" / "000001.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    scene = load_kitti(kitti, on_bad="skip")
    assert scene.names == ("06/000002",)
    assert len(scene.skipped) == 2
    assert "line 1" in scene.skipped[0]
    assert "000001.png" in scene.skipped[1]


def test_a_kitti_sequence_of_bad_frames_only_is_empty(kitti):
    path = kitti / "poses" / "06.txt"
    path.write_text("nothing\n" * 3)
    scene = load_kitti(kitti, on_bad="skip")
    assert len(scene) == 0
    assert len(scene.skipped) == 3


def test_missing_kitti_files_say_what_is_missing(kitti):
    with pytest.raises(FileNotFoundError, match=r"holds no folder sequences/07.*data_scripts.fetch kitti"):
        load_kitti(kitti, "07")
    (kitti / "poses" / "06.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"06.txt is missing \(the poses of 11 to 21 are not public\)"):
        load_kitti(kitti)
    with pytest.raises(ValueError, match=r"`sequence` \(='../06'\) must be two digits"):
        load_kitti(kitti, "../06")
    with pytest.raises(ValueError, match=r"`camera` \(='left'\) must be"):
        load_kitti(kitti, camera="left")
    with pytest.raises(ValueError, match=r"`on_bad` \(='ignore'\)"):
        load_kitti(kitti, on_bad="ignore")
    with pytest.raises(DataFormatError, match="no P2"):
        load_kitti(kitti, camera="colour")


# 7-Scenes.


def test_seven_scenes_depth_is_metres_and_zero_where_unknown(rooms):
    scene = load_seven_scenes(rooms)
    depth = scene.depth[0]
    assert depth.shape == (1, 30, 40)
    assert (depth[0, :3, :4] == 0).all()
    assert float(depth[0, 20, 5]) == pytest.approx(2.0)
    raw = np.full((30, 40), 1500, np.uint16)
    raw[0] = 65535
    save_picture(rooms / "frame-000000.depth.png", raw)
    marked = load_seven_scenes(rooms).depth[0]
    assert (marked[0, 0] == 0).all()
    assert (marked[0, 1:] == 1.5).all()


def test_seven_scenes_without_camera_file_has_the_published_camera(rooms):
    (rooms / "camera-intrinsics.txt").unlink()
    with pytest.raises(DataFormatError, match=r"40 x 30 pixels .*centre is \(320, 240\)"):
        load_seven_scenes(rooms)
    for frame in range(3):
        save_picture(rooms / f"frame-{frame:06d}.color.jpg", np.zeros((480, 640, 3), np.uint8))
    assert load_seven_scenes(rooms).intrinsics[0].tolist() == [[585, 0, 320], [0, 585, 240], [0, 0, 1]]


def test_seven_scenes_sequences_lie_in_folders(tmp_path):
    folder = tmp_path / "chess" / "seq-01"
    folder.mkdir(parents=True)
    write_seven_scenes(folder)
    (folder / "frame-000000.color.jpg").unlink()
    save_picture(folder / "frame-000000.color.png", np.zeros((30, 40, 3), np.uint8))
    assert load_seven_scenes(tmp_path, "chess/seq-01").names[0] == "chess/seq-01/frame-000000"
    with pytest.raises(FileNotFoundError, match=r"holds no files chess/frame-\*.*data_scripts.fetch seven_scenes"):
        load_seven_scenes(tmp_path, "chess")
    with pytest.raises(ValueError, match=r"`sequence` \(='../x'\)"):
        load_seven_scenes(tmp_path, "../x")


ROOMS_BAD = {
    "three lines": ("frame-000001.pose.txt", lambda text: "\n".join(text.splitlines()[:3]), "3 lines, expected 4"),
    "three numbers": ("frame-000001.pose.txt", lambda text: text.replace(" 0.0", " ", 1)[:60], "expected 4"),
    "mirror": ("frame-000001.pose.txt", lambda text: text.replace("1.000000e+00", "-1.0", 1), "R is a mirror"),
    "camera": ("camera-intrinsics.txt", lambda text: text.replace("1.000000e+00", "2.0"), "no camera matrix"),
}


@pytest.mark.parametrize("name", ROOMS_BAD)
def test_bad_seven_scenes_files_are_refused(rooms, name):
    file, change, message = ROOMS_BAD[name]
    (rooms / file).write_text(change((rooms / file).read_text()))
    with pytest.raises(DataFormatError, match=f"{file}.*{message}"):
        load_seven_scenes(rooms)


@pytest.mark.parametrize("kind", ["color.jpg", "depth.png", "pose.txt"])
def test_a_seven_scenes_frame_with_a_missing_file_is_refused_or_skipped(rooms, kind):
    (rooms / f"frame-000001.{kind}").unlink()
    with pytest.raises(DataFormatError, match=r"frame-000001.*no (colour picture|depth map|pose) of this frame"):
        load_seven_scenes(rooms)
    scene = load_seven_scenes(rooms, on_bad="skip")
    assert [name[-1] for name in scene.names] == ["0", "2"]
    assert len(scene.skipped) == 1


def test_an_eight_bit_depth_map_is_refused_when_asked_for_or_skipped(rooms):
    save_picture(rooms / "frame-000002.depth.png", np.full((30, 40), 9, np.uint8))
    scene = load_seven_scenes(rooms)
    with pytest.raises(DataFormatError, match=r"frame-000002.depth.png: pixels of kind L, expected one channel of 16"):
        scene.depth[2]
    assert len(load_seven_scenes(rooms, on_bad="skip")) == 2


# Virtual KITTI.


def test_virtual_kitti_matrices_are_world_to_camera_in_the_file(rendered):
    scene = load_virtual_kitti(rendered)
    expected = np.linalg.inv(np.stack(drive(1.0, turn=0.0)))
    np.testing.assert_allclose(scene.camera_from_world, expected, atol=1e-8)
    path = rendered / "vkitti_1.3.1_extrinsicsgt" / "0001_clone.txt"
    assert read_virtual_kitti_poses(path).equal(scene.camera_from_world)
    assert float(scene.motion(0, 1)[2, 3]) == -1  # forward: points come nearer


def test_virtual_kitti_depth_is_metres_and_the_sky_is_zero(rendered):
    scene = load_virtual_kitti(rendered)
    assert (scene.depth[0][:, :50] == 0).all()
    assert float(scene.depth[0][0, 200, 300]) == pytest.approx(15.0)
    assert float(scene.depth[1][0, 200, 300]) == pytest.approx(14.0)
    assert scene.intrinsics[0].tolist() == [[725, 0, 620.5], [0, 725, 187], [0, 0, 1]]
    height, width = scene.images[0].shape[1:]
    assert scene.intrinsics[0, :2, 2].tolist() == [(width - 1) / 2, (height - 1) / 2]


def test_virtual_kitti_without_depth_folder_has_none(rendered, tmp_path):
    folder = shutil.copytree(rendered, tmp_path / "copy")
    (folder / "vkitti_1.3.1_depthgt").rename(folder / "elsewhere")
    assert load_virtual_kitti(folder).depth is None


VIRTUAL_BAD = {
    "no header": ("frame r1", "0 r1", r"line 1: '0 r1,1.*expected a header that begins with frame"),
    "frame left out": ("\n1 1", "\n2 1", r"line 3: frame 2, expected 1"),
    "last row": ("0 0 0 1\n1", "0 0 0 2\n1", r"line 2: last row \[0.0, 0.0, 0.0, 2.0\]"),
    "too few": ("0 0 0 1\n1", "0 0 1\n1", r"line 2: 16 numbers, expected 17"),
}


@pytest.mark.parametrize("name", VIRTUAL_BAD)
def test_bad_virtual_kitti_poses_are_refused_or_skipped(rendered, tmp_path, name):
    old, new, message = VIRTUAL_BAD[name]
    path = tmp_path / "0001_clone.txt"
    path.write_text((rendered / "vkitti_1.3.1_extrinsicsgt" / "0001_clone.txt").read_text())
    replace(path, old, new)
    with pytest.raises(DataFormatError, match=f"0001_clone.txt, {message}"):
        read_virtual_kitti_poses(path)


def test_bad_virtual_kitti_records_are_skipped(rendered, tmp_path):
    folder = shutil.copytree(rendered, tmp_path / "copy")
    path = folder / "vkitti_1.3.1_extrinsicsgt" / "0001_clone.txt"
    replace(path, "\n1 1", "\n2 1")
    (folder / "vkitti_1.3.1_depthgt" / "0001" / "clone" / "00002.png").unlink()
    scene = load_virtual_kitti(folder, on_bad="skip")
    assert scene.names == ("0001/clone/00000",)
    assert len(scene.skipped) == 2


def test_unknown_worlds_and_missing_folders_of_virtual_kitti(rendered):
    with pytest.raises(ValueError, match=r"`world` \(='0003'\) must be one of 0001, 0002"):
        load_virtual_kitti(rendered, "0003")
    with pytest.raises(ValueError, match=r"`variation` \(='snow'\) must be one of clone, fog"):
        load_virtual_kitti(rendered, "0001", "snow")
    with pytest.raises(FileNotFoundError, match=r"no folder vkitti_1.3.1_rgb/0002/fog.*fetch virtual_kitti"):
        load_virtual_kitti(rendered, "0002", "fog")
