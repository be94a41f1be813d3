"""NYU, ICVL and MSRA hands: frames and units, what belongs together, damaged files; and the real ones."""

import dataclasses
import shutil
import struct

import numpy as np
import pytest
import torch

from course_lib.datasets import (
    ICVL_CAMERA,
    MSRA_CAMERA,
    NYU_CAMERA,
    DataFormatError,
    decode_icvl_depth,
    decode_nyu_depth,
    load_hand_predictions,
    load_icvl,
    load_msra,
    load_msra14,
    load_nyu,
    read_mat,
    read_msra_depth,
    read_msra_joints,
    read_nyu_centers,
)
from course_lib.datasets.examples import EXAMPLES
from course_lib.datasets.examples.containers import save_mat, save_picture, shaded
from course_lib.datasets.examples.hands import hand_joints
from course_lib.geometry import HAND_21, ICVL_16, NYU_14
from tests.datasets.motion_files import real_root

SETS = {
    "nyu": (load_nyu, NYU_14, NYU_CAMERA, 750),
    "nyu labels": (load_nyu, NYU_14, NYU_CAMERA, 750),
    "icvl": (load_icvl, ICVL_16, ICVL_CAMERA, 400),
    "msra15": (load_msra, HAND_21, MSRA_CAMERA, 650),
    "msra14": (load_msra14, HAND_21, MSRA_CAMERA, 650),
}


def palm_side(joints, skeleton):
    """Fraction of hands whose fingers bend to the side where those of a right hand do.

    Seen with the thumb's side to the right and the fingers up, a right hand that shows its palm bends its fingers to
    the viewer: (little finger to thumb) x (wrist to fingers) points out of the palm. In a mirrored frame it would
    point out of the back.
    """

    def at(name):
        return joints[:, skeleton.index(name)]

    if skeleton is NYU_14:
        across, up = at("wrist_thumb_side") - at("wrist_little_side"), at("palm") - at("wrist_thumb_side")
        bends = [at(f"{f}_tip") - at(f"{f}_pip") for f in ("index", "middle", "ring", "little")]
    else:
        root, tip = ("root", "tip") if skeleton is ICVL_16 else ("mcp", "tip")
        across = at(f"index_{root}") - at(f"little_{root}")
        up = at(f"middle_{root}") - at("palm" if skeleton is ICVL_16 else "wrist")
        bends = [at(f"{f}_{tip}") - at(f"{f}_{root}") for f in ("index", "middle", "ring", "little")]
    out = torch.linalg.cross(across, up)
    return float(((torch.stack(bends).sum(0) * out).sum(-1) > 0).double().mean())


@pytest.mark.parametrize("name", SETS)
def test_joints_are_metres_in_the_camera_frame_and_labels_pixels_and_millimetres(name, tmp_path):
    load, skeleton, camera, distance = SETS[name]
    hands = load(EXAMPLES[name].write(tmp_path))
    wanted = torch.from_numpy(hand_joints(skeleton, distance)).float()
    assert hands.skeleton is skeleton
    assert hands.frame == "camera"
    torch.testing.assert_close(hands.joints[:3], wanted / 1000, atol=2e-6, rtol=0)
    torch.testing.assert_close(hands.uvd[..., 2], 1000 * hands.joints[..., 2], atol=1e-3, rtol=0)
    rays = hands.joints / hands.joints[..., 2:]
    pixels = (rays @ hands.intrinsics.mT)[..., :2]
    torch.testing.assert_close(pixels, hands.uvd[..., :2], atol=2e-3, rtol=0)
    torch.testing.assert_close(camera.to_points(hands.uvd), hands.joints, atol=2e-6, rtol=0)
    assert palm_side(hands.joints, skeleton) == 1  # the example is a right hand with its palm to the camera
    assert len(hands.names) == len(hands)


@pytest.mark.parametrize("name", ["nyu", "icvl", "msra15"])
def test_depth_maps_show_the_surface_in_front_of_each_joint(name, tmp_path):
    load, _, camera, _ = SETS[name]
    hands = load(EXAMPLES[name].write(tmp_path), images=True)
    depth = hands.images.stack()
    assert depth.shape == (len(hands), 1, camera.height, camera.width)
    assert depth.dtype == torch.float32
    u, v = (hands.uvd[..., i].round().long() for i in range(2))
    ahead = hands.uvd[..., 2] - depth[torch.arange(len(hands))[:, None], 0, v, u]
    assert ahead.min() >= 9.0
    assert ahead.max() < 40.0  # a joint behind another's disc
    batch = next(iter(hands.batches(batch_size=2, gen=torch.Generator().manual_seed(0))))
    assert batch.images.shape == (2, 1, camera.height, camera.width)
    assert batch.uvd.shape == (2, *hands.uvd.shape[1:])


def test_a_nyu_pixel_is_256_times_green_plus_blue(tmp_path):
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[3, 5] = 0, 2, 219
    assert float(decode_nyu_depth(save_picture(tmp_path / "a.png", pixels))[0, 3, 5]) == 2 * 256 + 219
    pixels[7, 9, 0] = 1
    with pytest.raises(DataFormatError, match=r"b.png: red is 1 at row 7, column 9; in a depth map of NYU it is 0"):
        decode_nyu_depth(save_picture(tmp_path / "b.png", pixels))
    with pytest.raises(DataFormatError, match=r"c.png: 320 x 240 pixels \(width x height\), expected 640 x 480"):
        decode_nyu_depth(save_picture(tmp_path / "c.png", shaded(240, 320)))


def test_what_icvl_s_camera_does_not_measure_is_0(tmp_path):
    depth = np.full((240, 320), 32001, np.uint16)
    depth[10, 20] = 345
    found = decode_icvl_depth(save_picture(tmp_path / "a.png", depth))
    assert float(found[0, 10, 20]) == 345
    assert float(found.sum()) == 345


def test_the_evaluated_joints_are_the_right_rows_and_centres_go_by_frame(tmp_path):
    hands = load_nyu(EXAMPLES["nyu"].write(tmp_path))
    xyz = read_mat(tmp_path / "test" / "joint_data.mat", ("joint_xyz",))["joint_xyz"][0]
    rows = [0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32]
    np.testing.assert_allclose(hands.joints, xyz[:, rows] * np.float64([1e-3, -1e-3, 1e-3]), atol=1e-6)
    assert hands.names[1] == "test/depth_1_0000002.png"
    torch.testing.assert_close(hands.centers_uvd, hands.uvd[:, NYU_14.index("palm")], atol=1e-3, rtol=0)
    assert load_nyu(tmp_path, view=2).centers_uvd is None
    assert load_nyu(tmp_path, view=3).names[0] == "test/depth_3_0000001.png"


def test_bad_frames_stop_or_are_left_out(tmp_path):
    EXAMPLES["nyu"].write(tmp_path)
    path = tmp_path / "test" / "joint_data.mat"
    arrays = {name: array.copy() for name, array in read_mat(path).items()}
    arrays["joint_xyz"][0, 1, 0, 0] += 200
    save_mat(path, arrays)
    with pytest.raises(DataFormatError, match=r"joint_data.mat, frame 2: joint_xyz and joint_uvd are \d+ pixels or"):
        load_nyu(tmp_path)
    hands = load_nyu(tmp_path, on_bad="skip")
    assert hands.names == ("test/depth_1_0000001.png", "test/depth_1_0000003.png")
    assert len(hands.skipped) == 1
    arrays["joint_uvd"][0, :, 3, 2] = np.nan
    save_mat(path, arrays)
    with pytest.raises(DataFormatError, match=r"no frame could be read; the first problem: .*frame 1: joint 1 is not"):
        load_nyu(tmp_path, on_bad="skip")
    save_mat(path, {name: array[:, :, :14] for name, array in arrays.items()})
    with pytest.raises(DataFormatError, match=r"joint_uvd is \(3, 3, 14, 3\), expected \(3, n, 36, 3\)"):
        load_nyu(tmp_path)


LINES = {
    "a word": ("1.0 a", "'a' is not a finite number"),
    "a number too few": ("1.0", "47 numbers, expected 48"),
    "no depth": ("1.0 0", r"joint 15 has a depth of 0 mm, expected 0 to 5000"),
    "a pixel far outside": ("1e9 300", "pixels from the corner of the picture"),
}


@pytest.mark.parametrize("kind", LINES)
def test_bad_lines_stop_or_are_left_out(kind, tmp_path):
    last, message = LINES[kind]
    EXAMPLES["icvl"].write(tmp_path)
    path = tmp_path / "Testing" / "test_seq_1.txt"
    lines = path.read_bytes().split(b"\r\r\n")
    lines[1] = b" ".join([*lines[1].split()[:-2], last.encode()])
    path.write_bytes(b"\r\r\n".join(lines))
    with pytest.raises(DataFormatError, match=rf"test_seq_1.txt, line 2: .*{message}"):
        load_icvl(tmp_path)
    hands = load_icvl(tmp_path, on_bad="skip")
    assert hands.names == ("test_seq_1/image_0000.png", "test_seq_1/image_0002.png")
    assert len(hands.skipped) == 1
    assert len(load_icvl(tmp_path, on_bad="skip", images=True).images.stack()) == 2


def test_pictures_outside_of_the_set_s_folder_are_refused(tmp_path):
    EXAMPLES["icvl"].write(tmp_path)
    path = tmp_path / "Testing" / "test_seq_1.txt"
    path.write_bytes(path.read_bytes().replace(b"test_seq_1/image_0001", b"../../secret"))
    with pytest.raises(DataFormatError, match="lies outside of the folder Depth"):
        load_icvl(tmp_path)
    EXAMPLES["nyu labels"].write(tmp_path)
    listed = tmp_path / "nyu_test_list.txt"
    listed.write_text(listed.read_text().replace("test/depth_1_0000002", "/etc/depth_1_0000002"))
    with pytest.raises(DataFormatError, match=r"nyu_test_list.txt, line 2: '/etc/depth_1_0000002.png', expected test/"):
        load_nyu(tmp_path)
    listed.write_text("test/depth_1_0000001.png\n")
    with pytest.raises(DataFormatError, match=r"nyu_test_list.txt: 1 names for 3 frames"):
        load_nyu(tmp_path)


def test_msra_s_frame_count_must_be_that_of_its_lines(tmp_path):
    EXAMPLES["msra14"].write(tmp_path)
    path = tmp_path / "Subject1" / "joint.txt"
    text = path.read_text()
    path.write_text("4" + text[1:])
    with pytest.raises(DataFormatError, match=r"joint.txt: line 1 says 4 frames, 3 lines follow"):
        load_msra14(tmp_path)
    path.write_text(text.replace("-650", "650"))
    with pytest.raises(DataFormatError, match=r"joint.txt, line 2: joint 0 has a depth of -650 mm"):
        read_msra_joints(path)
    joints, frames, skipped = read_msra_joints(path, on_bad="skip")
    assert frames == (1, 2)
    assert len(joints) == 2
    assert len(skipped) == 1
    path.write_text("frames\n")
    with pytest.raises(DataFormatError, match=r"joint.txt, line 1: 'frames', expected the number of frames"):
        load_msra14(tmp_path)


BINS = {
    "cut off": (lambda raw: raw[:-4], r"depths are [\d,]+ bytes from offset 24, but [\d,]+ follow"),
    "a header alone": (lambda raw: raw[:20], "20 bytes are too few for the header of 24"),
    "an absurd size": (lambda raw: struct.pack("<i", 2**30) + raw[4:], "1073741824 x 240 pixels at offset 0"),
    "a window outside": (
        lambda raw: raw[:16] + struct.pack("<i", 400) + raw[20:],
        r"to \(400, \d+\) at offset 8 is not",
    ),
    "a negative depth": (lambda raw: raw[:24] + struct.pack("<f", -1) + raw[28:], "a depth of -1 mm at offset 24"),
    "not a number": (lambda raw: raw[:-4] + struct.pack("<f", np.nan), "a depth of nan mm at offset"),
    "a web page": (lambda raw: b"<html>" + raw, "this is a web page"),
}


@pytest.mark.parametrize("kind", BINS)
def test_bad_depth_files_are_refused_and_can_be_skipped(kind, tmp_path):
    change, message = BINS[kind]
    EXAMPLES["msra15"].write(tmp_path)
    path = tmp_path / "P0" / "1" / "000001_depth.bin"
    whole = read_msra_depth(path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataFormatError, match=message) as caught:
        load_msra(tmp_path, images=True).images.stack()
    assert str(path) in str(caught.value)
    hands = load_msra(tmp_path, images=True, on_bad="skip")
    assert len(hands) == 5
    assert len(hands.skipped) == 1
    assert whole.shape == (1, 240, 320)


def test_subjects_and_gestures_are_chosen_by_name(tmp_path):
    EXAMPLES["msra15"].write(tmp_path)
    assert load_msra(tmp_path, gestures=("TIP",)).names[0] == "P0/TIP/000000_depth.bin"
    assert len(load_msra(tmp_path, subjects=("P0",))) == 6
    with pytest.raises(ValueError, match=r"`gestures` names 'wave': choose from 1, 2, 3"):
        load_msra(tmp_path, gestures=("wave",))
    with pytest.raises(FileNotFoundError, match=r"P1/1/joint.txt is missing: python -m data_scripts.fetch msra"):
        load_msra(tmp_path, subjects=("P1",))


@pytest.mark.parametrize("name", SETS)
def test_missing_files_say_how_to_get_them(name, tmp_path):
    load = SETS[name][0]
    with pytest.raises(FileNotFoundError, match=r"`root` \(=.*python -m data_scripts.fetch (nyu|icvl|msra)  says how"):
        load(tmp_path)
    EXAMPLES[name].write(tmp_path)
    for path in [*tmp_path.rglob("*.png"), *tmp_path.rglob("*.bin")]:
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"is missing \(row 0; pass images=False to do without\)"):
        load(tmp_path, images=True)
    for argument in ({"split": "middle"}, {"on_bad": "ignore"}):
        if name.startswith(("nyu", "icvl")) or "on_bad" in argument:
            with pytest.raises(ValueError, match=rf"`{next(iter(argument))}` \(='"):
                load(tmp_path, **argument)
    if name.startswith("nyu"):
        with pytest.raises(ValueError, match=r"`view` \(=4\) must be 1, 2 or 3"):
            load(tmp_path, view=4)


def test_predictions_have_the_form_of_the_labels(tmp_path):
    found = load_hand_predictions(EXAMPLES["hand predictions"].write(tmp_path), NYU_14, NYU_CAMERA)
    labels = load_nyu(EXAMPLES["nyu labels"].write(tmp_path))
    assert found.names == ("0", "1", "2")
    torch.testing.assert_close(
        found.uvd - labels.uvd, torch.tensor([3.0, 0, 5]).expand_as(labels.uvd), atol=2e-3, rtol=0
    )
    with pytest.raises(DataFormatError, match="line 1: 42 numbers, expected 48"):
        load_hand_predictions(tmp_path / "NYU_predictions.txt", ICVL_16, ICVL_CAMERA)


def test_centres_of_the_wrong_set_are_refused(tmp_path):
    EXAMPLES["nyu"].write(tmp_path)
    save_mat(tmp_path / "center_uvd_test.mat", {"center_uvd": np.full((2, 3), 500, np.float32)})
    with pytest.raises(DataFormatError, match="2 centres, frame 3 has none"):
        load_nyu(tmp_path)
    save_mat(tmp_path / "center_uvd_test.mat", {"center_uvd": np.full((3, 2), 500, np.float32)})
    with pytest.raises(DataFormatError, match=r"center_uvd is \(3, 2\), expected \(n, 3\)"):
        load_nyu(tmp_path)


# --- the real files --------------------------------------------------------------------------------------------------
def mean_error(predicted, labelled):
    return 1000 * float((predicted.joints.double() - labelled.joints.double()).norm(dim=-1).mean())


def test_the_published_error_of_pose_ren_on_nyu():
    root = real_root("hands/nyu")
    labels = load_nyu(root)
    assert len(labels) == 5812
    assert labels.names[0] == "test/depth_1_0002441.png"
    results = root / "hands" / "results"
    pose_ren = load_hand_predictions(results / "NEUCOM18_NYU_Pose_REN.frames2441-8252.txt", NYU_14, NYU_CAMERA)
    # 14.528 on these frames of the second person; 11.81 is published for all 8,252.
    assert mean_error(pose_ren, labels) == pytest.approx(14.528, abs=6e-4)
    older = load_hand_predictions(results / "CVWW15_NYU_Prior-Refinement.frames2441-8252.txt", NYU_14, NYU_CAMERA)
    assert mean_error(older, labels) > mean_error(pose_ren, labels) + 2


def test_the_published_error_of_pose_ren_on_icvl():
    root = real_root("hands/icvl")
    labels = load_icvl(root)
    assert len(labels) == 702
    found = load_hand_predictions(root / "hands" / "results" / "NEUCOM18_ICVL_Pose_REN.seq1.txt", ICVL_16, ICVL_CAMERA)
    assert mean_error(found, labels) == pytest.approx(7.523, abs=6e-4)  # 6.79 is published for both sequences


def test_the_real_frames_are_right_handed():
    root = real_root("hands/nyu")
    for hands, skeleton in ((load_nyu(root), NYU_14), (load_msra14(root), HAND_21)):
        assert palm_side(hands.joints, skeleton) > 0.97
        mirrored = hands.joints * torch.tensor([1, -1, 1])
        assert palm_side(mirrored, skeleton) < 0.03
    # ICVL's are left hands, or right hands in mirrored pictures, one and all.
    assert palm_side(load_icvl(root).joints, ICVL_16) < 0.03


def test_the_genuine_nyu_frame_lies_3_to_33_mm_in_front_of_its_joints():
    folder = real_root("hands/nyu") / "hands" / "nyu"
    depth = decode_nyu_depth(folder / "test" / "depth_1_0000001.png")[0]
    assert (depth.min(), depth.max()) == (731, 2001)
    label = load_hand_predictions(folder / "depth_1_0000001.label_uvd.txt", NYU_14, NYU_CAMERA).uvd[0]
    u, v = label[:, 0].round().long(), label[:, 1].round().long()
    ahead = (label[:, 2] - depth[v, u]).round().int().tolist()
    assert ahead == [5, 10, 3, 3, 5, 10, 8, 10, 11, 16, 16, 33, 27, 24]


def test_shipped_centres_lie_near_the_palm():
    root = real_root("hands/nyu")
    hands = load_nyu(root)
    gap = hands.centers_uvd - hands.uvd[:, NYU_14.index("palm")]
    assert float(gap[:, :2].norm(dim=-1).mean()) == pytest.approx(2.3, abs=0.05)
    assert float(gap[:, 2].abs().mean()) == pytest.approx(1.6, abs=0.05)
    assert len(read_nyu_centers(root / "hands" / "nyu" / "crossingNet" / "center_uvd_train.mat")) == 72_757


def test_bones_of_msra_are_rigid_but_for_the_thumb_s_root():
    hands = load_msra14(real_root("hands/msra14"))
    assert len(hands) == 200
    for parent, child in HAND_21.bones:
        length = 1000 * (hands.joints[:, child] - hands.joints[:, parent]).double().norm(dim=-1)
        if HAND_21.joints[child] == "thumb_mcp":
            assert float(length.mean()) == pytest.approx(30.4, abs=0.1)
            assert float(length.std()) == pytest.approx(2.1, abs=0.1)
        else:
            assert float(length.std()) < 0.01, HAND_21.joints[child]
    index = (hands.joints[:, 1] - hands.joints[:, 0]).norm(dim=-1).mean()
    assert float(index) == pytest.approx(0.06896, abs=5e-6)


def test_a_copied_folder_reads_the_same(tmp_path):
    root = real_root("hands/msra14")
    shutil.copy(root / "hands" / "msra14" / "joint.frames000-199.txt", tmp_path / "joint.txt")
    first, second = load_msra14(root), load_msra14(tmp_path)
    assert first.joints.equal(second.joints)
    assert dataclasses.replace(first, joints=second.joints).names == second.names
