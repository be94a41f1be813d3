import numpy as np
import pytest
import torch

from course_lib.datasets import DataFormatError
from course_lib.datasets.c2f import load_c2f, load_c2f_bins, read_depth_limits, read_limb_lengths
from course_lib.datasets.examples import EXAMPLES
from course_lib.datasets.examples.containers import save_hdf5, save_mat
from course_lib.datasets.hdf5 import read_hdf5
from course_lib.datasets.matlab import read_mat
from course_lib.geometry import H36M_17, H36M_17_LEFT, LSP_14, bone_lengths, convert, project
from tests.datasets.motion_files import knees_ahead, real_root


@pytest.fixture
def folder(tmp_path):
    return EXAMPLES["c2f"].write(tmp_path)


def change(folder, **fields):
    """Rewrite the file with other fields; None drops one."""
    annot = read_mat(folder / "annot/valid.mat", ("annot",))["annot"]
    for name in ("imgname", "K"):
        cells = np.empty((len(annot[name]), 1), object)
        cells[:, 0] = annot[name] if name == "imgname" else [*annot[name]]
        annot[name] = cells
    annot = {name: value for name, value in (annot | fields).items() if value is not None}
    save_mat(folder / "annot/valid.mat", {"annot": annot})


def test_the_joints_are_metres_in_the_camera_frame_left_leg_first(folder):
    poses = load_c2f(folder)
    raw = read_mat(folder / "annot/valid.mat", ("annot",))["annot"]["S"]
    assert poses.skeleton is H36M_17_LEFT
    assert poses.frame == "camera"
    np.testing.assert_allclose(poses.joints, raw.transpose(0, 2, 1) / 1000, rtol=1e-6)
    assert poses.joints[..., 2].min() > 3
    assert poses.names[1] == "S9_Posing_1.55011271_000006"
    assert poses.intrinsics[0].tolist() == pytest.approx(
        [pytest.approx([1149.7, 0, 508.8]), pytest.approx([0, 1147.6, 508.1]), pytest.approx([0, 0, 1])]
    )
    assert poses[1:3].scales.tolist() == pytest.approx([1.906] * 2)
    assert poses[[3]].centers.shape == (1, 2)


def test_the_folder_may_be_named_at_any_level(folder, tmp_path):
    (tmp_path / "h36m" / "h36m-sample").mkdir(parents=True)
    (folder / "annot").rename(tmp_path / "h36m" / "h36m-sample" / "annot")
    for root in (tmp_path, tmp_path / "h36m", tmp_path / "h36m" / "h36m-sample"):
        assert len(load_c2f(root)) == 4
    with pytest.raises(FileNotFoundError, match=r"holds no annot/train.mat.*data_scripts.fetch h36m"):
        load_c2f(tmp_path, split="train")


def test_bad_persons_stop_or_are_left_out(folder):
    annot = read_mat(folder / "annot/valid.mat", ("annot",))["annot"]
    joints, cameras = annot["S"].copy(), np.empty((4, 1), object)
    cameras[:, 0] = annot["K"]
    joints[0, 1, 5] = np.nan
    joints[1, 2, 3] = -100
    cameras[2, 0] = np.diag([-1.0, 1, 1])
    change(folder, S=joints, K=cameras)
    with pytest.raises(DataFormatError, match=r"valid.mat, row 0: a joint of S is NaN"):
        load_c2f(folder)
    poses = load_c2f(folder, on_bad="skip")
    assert poses.names == ("S9_Posing_1.55011271_000016",)
    assert len(poses.centers) == len(poses.intrinsics) == 1
    assert [line.split(": ")[1] for line in poses.skipped] == [
        "a joint of S is NaN or farther than 100 m",
        "a joint of S lies behind the camera",
        "K is no camera matrix (positive focal lengths, last row 0 0 1)",
    ]
    change(folder, S=joints * np.nan, K=cameras)
    with pytest.raises(DataFormatError, match=r"no person could be read; the first problem"):
        load_c2f(folder, on_bad="skip")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"S": None}, "`annot` holds .*, expected a struct with S, K"),
        ({"S": np.zeros((4, 3, 16))}, "S is 4 x 3 x 16 of float64, expected n x 3 x 17"),
        ({"S": np.zeros((3, 3, 17))}, "imgname is 4 cells, expected 3 names"),
        ({"S": "joints"}, "S is str, expected n x 3 x 17"),
        ({"center": np.zeros((4, 3))}, "center is 4 x 3 of float64, expected 4 x 2 numbers"),
        ({"scale": np.full((4, 1), np.nan)}, "scale holds a number that is not finite"),
        ({"scale": np.full((4, 1), np.inf)}, "scale holds a number that is not finite"),
        ({"K": np.eye(3)}, "K is 3 x 3 of float64, expected 4 cells of 3 x 3"),
        ({"imgname": np.zeros((4, 1))}, "imgname is 4 x 1 of float64, expected 4 names"),
    ],
)
def test_files_of_another_form_are_refused(folder, fields, message):
    change(folder, **fields)
    with pytest.raises(DataFormatError, match=message):
        load_c2f(folder)


def test_depth_bins_count_from_zero(tmp_path):
    bins = load_c2f_bins(EXAMPLES["c2f bins"].write(tmp_path))
    raw = read_hdf5(tmp_path / "annot/train.h5", ("zind", "part"))
    assert torch.equal(bins.bins, torch.from_numpy(raw["zind"]).long() - 1)
    assert bins.bins[:, 0].tolist() == [32] * 4  # the root lies in bin 33 of the file, 1-based
    np.testing.assert_allclose(bins.points, raw["part"], rtol=1e-6)
    assert bins.names[2] == "S1_Walking.54138969_000002.jpg"
    assert bins[:2].bins.shape == (2, 17)


def test_bad_bins_stop_or_are_left_out(tmp_path):
    EXAMPLES["c2f bins"].write(tmp_path)
    path = tmp_path / "annot/train.h5"
    arrays = read_hdf5(path, ("part", "zind", "center", "scale"))
    arrays["zind"][1, 4], arrays["part"][2, 0, 0] = 65, np.nan
    save_hdf5(path, arrays)
    with pytest.raises(
        DataFormatError, match=r"train.h5, row 1: a depth bin of `zind` is no whole number from 1 to 64"
    ):
        load_c2f_bins(tmp_path)
    bins = load_c2f_bins(tmp_path, on_bad="skip")
    assert len(bins) == len(bins.names) == 2
    assert "row 2: a joint of `part`" in bins.skipped[1]
    (tmp_path / "annot/train_images.txt").write_text("one.jpg\n")
    with pytest.raises(DataFormatError, match=r"1 names for 4 persons of train.h5"):
        load_c2f_bins(tmp_path, on_bad="skip")
    save_hdf5(path, arrays | {"zind": arrays["zind"][:, :16]})
    with pytest.raises(DataFormatError, match=r"zind is 4 x 16 of float64, expected 4 x 17"):
        load_c2f_bins(tmp_path)
    save_hdf5(path, {name: arrays[name] for name in ("center", "scale")})
    with pytest.raises(DataFormatError, match=r"'part'.*missing"):
        load_c2f_bins(tmp_path)


def test_limits_must_grow(tmp_path):
    save_mat(tmp_path / "limits.mat", {"limits": np.linspace(-1000.0, 1000, 65)[None]})
    assert read_depth_limits(tmp_path / "limits.mat").shape == (65,)
    save_mat(tmp_path / "limits.mat", {"limits": np.linspace(1000.0, -1000, 65)[None]})
    with pytest.raises(DataFormatError, match=r"the limits do not grow"):
        read_depth_limits(tmp_path / "limits.mat")
    save_mat(tmp_path / "limits.mat", {"limits": np.zeros((1, 64))})
    with pytest.raises(DataFormatError, match=r"limits is 1 x 64 of float64, expected 65 numbers"):
        read_depth_limits(tmp_path / "limits.mat")
    save_mat(tmp_path / "limbs.mat", {"Ltr": -np.ones((1, 16))})
    with pytest.raises(DataFormatError, match=r"a limb of -0.001 to -0.001 m"):
        read_limb_lengths(tmp_path / "limbs.mat")


# --- the real files --------------------------------------------------------------------------------------------------
def test_the_real_sample():
    poses = load_c2f(real_root("h36m"))
    assert len(poses) == 394
    assert not poses.skipped
    lengths = bone_lengths(poses.joints.double(), H36M_17_LEFT) * 1000
    assert float((lengths - lengths.mean(0)).abs().max()) < 2e-3  # millimetres, over all frames
    assert lengths.mean(0)[[1, 4]].tolist() == pytest.approx([472.2, 472.2], abs=0.05)  # the thighs
    pelvis = project(poses.joints[:1], poses.intrinsics[:1])[0, 0]
    assert pelvis.tolist() == pytest.approx([502.0, 392.7], abs=0.1)
    pixels = project(poses.joints, poses.intrinsics)
    assert bool(((pixels > 0) & (pixels < 1000)).all())
    # The crop of 200 * scale pixels is about 1.11 times the longer side of the box around the joints.
    box = (pixels.amax(1) - pixels.amin(1)).amax(-1)
    assert float((200 * poses.scales / box).median()) == pytest.approx(1.11, abs=0.02)


def test_the_left_leg_comes_first_in_the_real_sample():
    poses = load_c2f(real_root("h36m"))
    assert knees_ahead(poses.joints, H36M_17_LEFT, up=-1.0) == [1.0, 1.0]
    # Read in the usual order, every knee would bend backwards.
    assert knees_ahead(poses.joints, H36M_17, up=-1.0) == [0.0, 0.0]
    # The hips' own axis, from right to left, against up x forward: cosine 0.98 in the median, never below 0.67.
    hips = poses.joints[:, 1] - poses.joints[:, 4]
    legs = [poses.joints[:, k + 1] - (poses.joints[:, k] + poses.joints[:, k + 2]) / 2 for k in (1, 4)]
    up = torch.tensor([0.0, -1, 0]).expand_as(hips)
    left = torch.linalg.cross(up, legs[0] + legs[1])
    cosine = torch.nn.functional.cosine_similarity(hips, left, dim=-1)
    assert float(cosine.min()) > 0.5
    assert float(cosine.median()) > 0.95


def test_the_real_sample_as_other_bodies():
    poses = load_c2f(real_root("h36m"))
    lsp = convert(poses.joints, H36M_17_LEFT, LSP_14)
    assert torch.equal(lsp[:, LSP_14.index("neck")], poses.joints[:, H36M_17_LEFT.index("thorax")])
    assert knees_ahead(lsp, LSP_14, up=-1.0) == [1.0, 1.0]
    usual = convert(poses.joints, H36M_17_LEFT, H36M_17)
    assert knees_ahead(usual, H36M_17, up=-1.0) == [1.0, 1.0]


def test_the_real_limits_and_limbs():
    root = real_root("h36m") / "h36m"
    limits = read_depth_limits(root / "voxel_limits.mat") * 1000
    assert limits[[0, -1]].tolist() == pytest.approx([-1005.19, 980.86], abs=0.01)
    torch.testing.assert_close(limits.diff(), torch.full((64,), 31.0320), atol=1e-3, rtol=0)
    # The root falls into the 33rd bin, whose centre is 3.35 mm away: the bins are not centred on it.
    assert int(torch.searchsorted(limits, torch.tensor(0.0))) == 33
    assert float(limits[32:34].mean()) == pytest.approx(3.35, abs=0.01)
    limbs = read_limb_lengths(root / "limb_train.mat")
    assert limbs["left thigh"] == pytest.approx(0.4492, abs=1e-4)
    assert limbs["right forearm"] == pytest.approx(0.2495, abs=1e-4)
    arrays = read_hdf5(root / "h36m-sample/annot/valid.h5", ("center", "scale"))
    poses = load_c2f(root)
    np.testing.assert_allclose(poses.centers, arrays["center"], rtol=1e-6)
    np.testing.assert_allclose(poses.scales, arrays["scale"], rtol=1e-6)
