import numpy as np
import pytest
import torch

from course_lib.datasets import DataFormatError
from course_lib.datasets.examples import EXAMPLES
from course_lib.datasets.examples.containers import save_hdf5, save_mat
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.itop import load_itop
from course_lib.datasets.matlab import read_mat
from course_lib.geometry import ITOP_15
from tests.datasets.motion_files import real_root


def test_the_left_handed_files_are_made_right_handed(tmp_path):
    poses = load_itop(EXAMPLES["itop"].write(tmp_path))
    raw = read_mat(tmp_path / "itop_side_keypoints3D_test.mat", ("keypoints3D",))["keypoints3D"]
    assert poses.skeleton is ITOP_15
    assert poses.frame == "camera"
    np.testing.assert_array_equal(poses.joints, raw * np.float32([1, -1, 1]))
    # The person faces the camera: with y down and z forward the right shoulder is at the smaller x.
    right, left = (poses.joints[:, ITOP_15.index(f"{side}_shoulder"), 0] for side in ("right", "left"))
    assert bool((right < left).all())
    assert bool((poses.joints[:, ITOP_15.index("head"), 1] < poses.joints[:, ITOP_15.index("torso"), 1]).all())


def test_the_original_labels_leave_out_what_they_mark_as_not_valid(tmp_path):
    poses = load_itop(EXAMPLES["itop labels"].write(tmp_path))
    assert poses.names == tuple(f"ITOP_side_test_labels.h5/{k}" for k in range(3))
    (tmp_path / "mat").mkdir()
    torch.testing.assert_close(poses.joints, load_itop(EXAMPLES["itop"].write(tmp_path / "mat")).joints[:3])


def test_bad_persons_stop_or_are_left_out(tmp_path):
    EXAMPLES["itop"].write(tmp_path)
    path = tmp_path / "itop_side_keypoints3D_test.mat"
    joints = read_mat(path, ("keypoints3D",))["keypoints3D"].copy()
    joints[0, 3, 1], joints[2, 5, 2], joints[3, 0, 0] = np.nan, -1, 1e30
    save_mat(path, {"keypoints3D": joints})
    with pytest.raises(DataFormatError, match=r"keypoints3D_test.mat, row 0: a joint is NaN or farther than 20 m"):
        load_itop(tmp_path)
    poses = load_itop(tmp_path, on_bad="skip")
    assert poses.names == (f"{path.name}/1",)
    assert [line.split(", ")[1].split(":")[0] for line in poses.skipped] == ["row 0", "row 2", "row 3"]
    save_mat(path, {"keypoints3D": joints[:1]})
    with pytest.raises(DataFormatError, match="holds no person that could be read; the first problem"):
        load_itop(tmp_path, on_bad="skip")


def test_files_of_another_form_are_refused(tmp_path):
    path = tmp_path / "itop_side_keypoints3D_test.mat"
    save_mat(path, {"keypoints3D": np.zeros((4, 14, 3))})
    with pytest.raises(DataFormatError, match=r"the joints are \(4, 14, 3\) of float64, expected \(n, 15, 3\)"):
        load_itop(tmp_path)
    save_mat(path, {"other": np.zeros(3)})
    with pytest.raises(DataFormatError, match="no variable 'keypoints3D'"):
        load_itop(tmp_path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"holds neither .*data_scripts.fetch itop"):
        load_itop(tmp_path)
    EXAMPLES["itop labels"].write(tmp_path)
    path = tmp_path / "ITOP_side_test_labels.h5"
    arrays = read_hdf5(path, ("real_world_coordinates", "is_valid"))
    save_hdf5(path, arrays | {"is_valid": arrays["is_valid"][:2]})
    with pytest.raises(DataFormatError, match=r"is_valid is \(2,\) of uint8, expected \(4,\)"):
        load_itop(tmp_path)


def test_the_real_file():
    poses = load_itop(real_root("itop"))
    assert len(poses) == 4863
    depth = poses.joints[..., 2]
    assert (float(depth.min()), float(depth.max())) == (pytest.approx(1.91, abs=0.005), pytest.approx(3.67, abs=0.005))
    thigh = poses.joints[:, ITOP_15.index("right_hip")] - poses.joints[:, ITOP_15.index("right_knee")]
    assert float(thigh.norm(dim=-1).mean()) == pytest.approx(0.506, abs=1e-3)
    # Most people face the camera: the right shoulder is then at the smaller x.
    right, left = (poses.joints[:, ITOP_15.index(f"{side}_shoulder"), 0] for side in ("right", "left"))
    assert float((right < left).float().mean()) > 0.97
    head, feet = poses.joints[:, ITOP_15.index("head"), 1], poses.joints[:, ITOP_15.index("left_foot"), 1]
    assert float((head < feet).float().mean()) > 0.99  # y points down
