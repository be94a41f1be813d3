"""The two motion sets: CMU in its four forms, and Human3.6M's exponential maps."""

import shutil

import numpy as np
import pytest
import torch

from course_lib.datasets import DataFormatError
from course_lib.datasets.cmu import load_cmu
from course_lib.datasets.examples import EXAMPLES
from course_lib.datasets.h36m import load_h36m
from course_lib.geometry import CMU_38, CMU_ASF_31, H36M_17, H36M_32, HAND_21, ICLONE_24, LSP_14, bone_lengths
from tests.datasets.motion_files import knees_ahead, real_root

KINDS = {"bvh": CMU_38, "bvh_iclone": ICLONE_24, "asfamc": CMU_ASF_31, "expmap": CMU_38}
EXAMPLE = {
    "bvh": "cmu bvh",
    "bvh_iclone": "cmu bvh, iClone",
    "asfamc": "cmu asf/amc",
    "expmap": "cmu exponential maps",
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def test_every_kind_gives_metres_in_the_world_with_a_rate(kind, tmp_path):
    root = EXAMPLES[EXAMPLE[kind]].write(tmp_path)
    poses = load_cmu(root, kind=kind)
    assert poses.skeleton is KINDS[kind]
    assert poses.frame == "world"
    assert poses.rate == (60 if kind == "bvh_iclone" else 120)
    assert poses.joints.dtype == torch.float32
    body = load_cmu(root, kind=kind, skeleton=H36M_17)
    assert body.skeleton is H36M_17
    assert len(body) == len(poses) == len(body.names)
    lengths = bone_lengths(body.joints, H36M_17)
    assert 0.3 < float(lengths.max()) < 0.6
    assert 0.5 < float(body.joints[:, 10, 1].min()) < 2  # y is up, the head is


def test_the_folder_its_parent_and_the_folder_of_one_kind_are_all_taken(tmp_path):
    EXAMPLES["cmu bvh"].write(tmp_path)
    for root in (tmp_path, tmp_path / "bvh"):
        assert load_cmu(root).names[0] == "35_01/0"
    (tmp_path / "up" / "cmu_mocap").mkdir(parents=True)
    shutil.move(tmp_path / "bvh", tmp_path / "up" / "cmu_mocap" / "bvh")
    assert len(load_cmu(tmp_path / "up")) == len(load_cmu(tmp_path / "up" / "cmu_mocap"))


def test_a_rest_pose_at_the_start_is_left_out(tmp_path):
    for name, kind in (("cmu bvh, gzipped", "bvh"), ("cmu exponential maps", "expmap")):
        (tmp_path / kind).mkdir()
        poses = load_cmu(EXAMPLES[name].write(tmp_path / kind), kind=kind)
        assert poses.names[0].endswith("/1")
        assert len(poses) == 3


def test_clips_are_chosen_by_name_and_joined_in_the_order_asked_for(tmp_path):
    EXAMPLES["cmu bvh"].write(tmp_path)
    shutil.copy(tmp_path / "bvh/35_01.bvh", tmp_path / "bvh/02_01.bvh")
    assert load_cmu(tmp_path).names == tuple(f"{clip}/{k}" for clip in ("02_01", "35_01") for k in range(4))
    assert load_cmu(tmp_path, clips=("35_01", "02_01")).names[::4] == ("35_01/0", "02_01/0")
    with pytest.raises(ValueError, match=r"`clips` names '99_01', which is not below .*there are 02_01, 35_01"):
        load_cmu(tmp_path, clips=("99_01",))


def test_a_bad_clip_stops_or_is_left_out_and_told(tmp_path):
    EXAMPLES["cmu bvh"].write(tmp_path)
    text = (tmp_path / "bvh/35_01.bvh").read_text()
    (tmp_path / "bvh/02_01.bvh").write_text(text.replace("Frames: 4", "Frames: 5"))
    with pytest.raises(DataFormatError, match=r"02_01.bvh, line .*4 frames follow, 5 declared"):
        load_cmu(tmp_path)
    poses = load_cmu(tmp_path, on_bad="skip")
    assert poses.names[0] == "35_01/0"
    assert len(poses.skipped) == 1
    assert "02_01.bvh, whole clip: " in poses.skipped[0]
    with pytest.raises(DataFormatError, match=r"no clip could be read; the first problem: .*02_01.bvh"):
        load_cmu(tmp_path, clips=("02_01",), on_bad="skip")
    with pytest.raises(ValueError, match=r"`on_bad`"):
        load_cmu(tmp_path, on_bad="ignore")


def test_clips_of_different_rates_are_not_joined(tmp_path):
    EXAMPLES["cmu bvh"].write(tmp_path)
    text = (tmp_path / "bvh/35_01.bvh").read_text()
    (tmp_path / "bvh/36_01.bvh").write_text(text.replace("Frame Time: 0.0083333", "Frame Time: 0.0166667"))
    with pytest.raises(
        DataFormatError, match=r"36_01.bvh: 60 frames per second, 35_01 has 120; read clips of one rate"
    ):
        load_cmu(tmp_path)


def test_a_file_of_another_kind_or_unit_is_refused(tmp_path):
    EXAMPLES["cmu bvh"].write(tmp_path)
    with pytest.raises(
        DataFormatError, match=r"no joint 'CC_Base_Hip', this is not the iClone rig; read_bvh and read_"
    ):
        load_cmu(tmp_path / "bvh", kind="bvh_iclone")
    path = tmp_path / "bvh/35_01.bvh"
    path.write_text(path.read_text().replace("OFFSET 2.5972 -7.13576 0", "OFFSET 14.6 -40.3 0"))
    with pytest.raises(DataFormatError, match=r"the left thigh is 2.42 m long, expected 0.2 to 0.8"):
        load_cmu(tmp_path)
    EXAMPLES["h36m"].write(tmp_path)
    with pytest.raises(DataFormatError, match=r"99 columns, these are Human3.6M's; CMU has 117: see load_h36m"):
        load_cmu(tmp_path / "dataset", kind="expmap")


def test_missing_files_say_how_to_obtain_them(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"`root` \(=.*\) holds no file that ends in .bvh or .bvh.gz.*cmu_mocap"
    ):
        load_cmu(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"data_scripts.fetch h36m"):
        load_h36m(tmp_path)
    EXAMPLES["cmu asf/amc"].write(tmp_path)
    (tmp_path / "asfamc/02/02.asf").unlink()
    with pytest.raises(FileNotFoundError, match=r"02.asf, the skeleton of 02_01.amc, is missing"):
        load_cmu(tmp_path, kind="asfamc")
    with pytest.raises(ValueError, match=r"`kind`"):
        getattr(load_cmu, "__wrapped__", load_cmu)(tmp_path, kind="c3d")
    with pytest.raises(ValueError, match=r"`skeleton` .=HAND_21. has no joint that CMU_38 could give"):
        load_cmu(EXAMPLES["cmu bvh"].write(tmp_path), skeleton=HAND_21)


def test_human36m_stays_in_place_or_travels(tmp_path):
    root = EXAMPLES["h36m"].write(tmp_path)
    still = load_h36m(root, root_motion=False)
    moving = load_h36m(root)
    assert still.skeleton is H36M_32
    assert still.rate == 50
    assert still.joints[:, 0].tolist() == [[0.0] * 3] * 4
    assert float(moving.joints[-1, 0].norm()) == pytest.approx(0.001 * 3 * np.linalg.norm([3, 0.5, 14]), rel=0.01)
    for poses in (still, moving):  # the pose is one, turned with the pelvis
        torch.testing.assert_close(bone_lengths(poses.joints, H36M_32), bone_lengths(still.joints, H36M_32))
    torch.testing.assert_close(moving.joints[0], still.joints[0])
    assert load_h36m(root, skeleton=LSP_14).joints.shape == (4, 14, 3)
    assert load_h36m(root / "dataset", subjects=("S1",), clips=("S1/walking_1",)).names[0] == "S1/walking_1/0"
    with pytest.raises(ValueError, match=r"`subjects` names 'S9'; .* are S1"):
        load_h36m(root, subjects=("S9",))
    (tmp_path / "cmu").mkdir()
    cmu = EXAMPLES["cmu exponential maps"].write(tmp_path / "cmu") / "expmap/train/walking/walking_1.txt"
    shutil.copy(cmu, root / "dataset/S1/eating_1.txt")
    with pytest.raises(DataFormatError, match=r"117 columns, these are CMU's; Human3.6M has 99"):
        load_h36m(root)


# --- the real files --------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def cmu():
    """All real clips of each kind as 17-joint bodies."""
    root = real_root("cmu_mocap")
    return {kind: load_cmu(root, kind=kind, skeleton=H36M_17) for kind in KINDS}


def test_the_real_clips_are_bodies_that_stand_on_the_ground_facing_their_knees(cmu):
    counts = {kind: len(poses) for kind, poses in cmu.items()}
    assert counts == {"bvh": 16872, "bvh_iclone": 5893, "asfamc": 3948, "expmap": 13350 - 21}
    for kind, poses in cmu.items():
        joints = poses.joints
        assert bool(joints.isfinite().all())
        assert abs(float(joints[:, (3, 6), 1].min())) < 0.15, kind  # the lowest ankle, metres above the ground
        assert min(knees_ahead(joints, H36M_17)) > 0.97, kind  # left and right are not exchanged
        # Bones below the trunk keep their lengths within each clip.
        clips = [name.rsplit("/", 1)[0] for name in poses.names]
        starts = [k for k, clip in enumerate(clips) if k == 0 or clip != clips[k - 1]]
        for first, end in zip(starts, [*starts[1:], len(clips)], strict=True):
            limbs = bone_lengths(joints[first:end], H36M_17)[:, [1, 2, 4, 5, 11, 12, 14, 15]]
            assert float((limbs - limbs[0]).abs().max()) < 2e-6


def test_walking_speed_and_thigh_of_a_real_clip():
    walk = load_cmu(real_root("cmu_mocap"), clips=("35_01",))
    level = walk.joints[:, CMU_38.index("root")][:, [0, 2]]
    assert float((level[-1] - level[0]).norm()) / ((len(walk) - 1) / walk.rate) == pytest.approx(1.289, abs=2e-3)
    thigh = walk.joints[:, CMU_38.index("left_hip")] - walk.joints[:, CMU_38.index("left_knee")]
    assert float(thigh.norm(dim=-1).mean()) == pytest.approx(0.418, abs=1e-3)


def test_one_motion_in_two_forms_is_one_body_but_for_the_lost_thorax_bone():
    root = real_root("cmu_mocap")
    original = load_cmu(root, kind="asfamc", clips=("02_01",), skeleton=H36M_17)
    converted = load_cmu(root, kind="bvh", clips=("02_01",), skeleton=H36M_17)
    apart = (original.joints - converted.joints).norm(dim=-1)
    assert float(apart[:, :8].max()) < 1e-5  # pelvis, legs and spine
    torch.testing.assert_close(apart[:, 8:], torch.full_like(apart[:, 8:], 0.11673), atol=2e-5, rtol=0)


def test_the_thorax_bone_can_be_put_back():
    root = real_root("cmu_mocap")
    for clip in ("02_01", "02_02"):
        original = load_cmu(root, kind="asfamc", clips=(clip,), skeleton=H36M_17)
        restored = load_cmu(root, kind="bvh", clips=(clip,), skeleton=H36M_17, restore_thorax=True)
        assert float((original.joints - restored.joints).norm(dim=-1).max()) < 6e-4
    expmap = load_cmu(root, kind="expmap", clips=("train/walking_1",), skeleton=H36M_17, restore_thorax=True)
    trunk = bone_lengths(expmap.joints, H36M_17)[:, H36M_17.index("thorax") - 1]  # from the spine to the thorax
    whole = bone_lengths(original.joints, H36M_17)[:, H36M_17.index("thorax") - 1]
    assert float(trunk.mean()) == pytest.approx(float(whole.mean()), abs=2e-3)
    with pytest.raises(ValueError, match=r"`restore_thorax` is for kinds bvh and expmap: asfamc has the bone"):
        load_cmu(root, kind="asfamc", restore_thorax=True)


def test_the_real_exponential_maps_start_with_a_rest_pose():
    poses = load_cmu(real_root("cmu_mocap"), kind="expmap")
    firsts = [name for name in poses.names if name.endswith("/1")]
    assert len(firsts) == 21
    assert not any(name.endswith("/0") for name in poses.names)
    thigh = poses.joints[:, CMU_38.index("left_hip")] - poses.joints[:, CMU_38.index("left_knee")]
    torch.testing.assert_close(thigh.norm(dim=-1), torch.full((len(poses),), 0.4286), atol=1e-4, rtol=0)


def test_the_real_human36m_motions():
    root = real_root("h36m")
    still = load_h36m(root, root_motion=False, skeleton=H36M_17)
    assert len(still) == 31542 + 1980 + 1332 + 1817 + 2750
    thigh = bone_lengths(still.joints, H36M_17)[:, 1]
    torch.testing.assert_close(thigh, torch.full_like(thigh, 0.442895), atol=1e-5, rtol=0)
    assert min(knees_ahead(still.joints, H36M_17)) > 0.999
    # Extent of the body in x, y and z, averaged over four frames, as the files' own code gives it.
    frames = load_h36m(root, root_motion=False, clips=("S1/walking_1",)).joints[:200:50]
    extent = 1000 * (frames.amax(1) - frames.amin(1)).mean(0)
    assert extent.round().tolist() == [529, 1515, 694]
    walk = load_h36m(root, clips=("S1/walking_1",))
    steps = (walk.joints[1:, 0] - walk.joints[:-1, 0]).norm(dim=-1)
    assert float(steps.mean()) == pytest.approx(0.0138, abs=1e-4)  # 13.8 mm a frame, 0.69 m/s
    assert float(walk.joints[:, 0].norm(dim=-1).max()) < 5  # a room, not a straight line of 48 m
