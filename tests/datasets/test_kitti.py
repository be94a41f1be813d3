"""KITTI odometry from small files: calibration, poses, stereo, and what is refused."""

import numpy as np
import pytest
import torch

from course_lib.datasets import DataFormatError
from course_lib.datasets.examples.containers import save_picture
from course_lib.datasets.examples.scenes import drive, write_kitti
from course_lib.datasets.kitti import load_kitti, read_kitti_calibration, read_kitti_poses
from course_lib.geometry import transform_points


@pytest.fixture
def kitti(tmp_path):
    return write_kitti(tmp_path)


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


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
