"""Virtual KITTI from small files: units, directions, and what is refused."""

import shutil

import numpy as np
import pytest

from course_lib.datasets import DataFormatError
from course_lib.datasets.examples.scenes import drive, write_virtual_kitti
from course_lib.datasets.virtual_kitti import load_virtual_kitti, read_virtual_kitti_poses


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    return write_virtual_kitti(tmp_path_factory.mktemp("vkitti"))


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


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
