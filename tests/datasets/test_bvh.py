import gzip

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from course_lib.datasets import DataFormatError
from course_lib.datasets.bvh import read_bvh
from course_lib.geometry import bone_lengths
from tests.datasets.motion_files import real_root

TEXT = """HIERARCHY
ROOT hips
{
  OFFSET 0 90 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT thigh
  {
    OFFSET 10 0 0
    CHANNELS 3 Xrotation Zrotation Yrotation
    End Site
    {
      OFFSET 0 -40 5
    }
  }
}
MOTION
Frames: 2
Frame Time: .0083333
0 0 0 0 0 0 0 0 0
1 2 3 10 20 30 40 50 60
"""


def written(folder, text=TEXT, name="a.bvh"):
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_a_small_file_by_hand(tmp_path):
    motion = read_bvh(written(tmp_path))
    assert motion.skeleton.joints == ("hips", "thigh", "thigh_end")
    assert motion.skeleton.parents == (-1, 0, 1)
    assert motion.rate == 120
    assert len(motion) == 2
    joints = motion.joints()
    assert joints[0].tolist() == [[0, 90, 0], [10, 90, 0], [10, 50, 5]]
    # The place of the root is added to its offset; each joint turns in the order of its own channels.
    hips = Rotation.from_euler("ZYX", [10, 20, 30], degrees=True)
    thigh = hips * Rotation.from_euler("XZY", [40, 50, 60], degrees=True)
    knee = np.array([1, 92, 3]) + hips.apply([10, 0, 0])
    np.testing.assert_allclose(joints[1], [[1, 92, 3], knee, knee + thigh.apply([0, -40, 5])], atol=1e-12)


def test_line_ends_gzip_and_blank_lines_do_not_matter(tmp_path):
    plain = read_bvh(written(tmp_path)).joints()
    for text, name in (
        (TEXT.replace("\n", "\r\n"), "b.bvh"),
        (TEXT.replace("\n", "\r"), "c.bvh"),
        (TEXT, "d.bvh.gz"),
        (TEXT.replace("Frames: 2", "Frames:\t2\n\n").replace("0 0 0 0 0 0 0 0 0\n", "0 0 0 0 0 0 0 0 0\n\n"), "e.bvh"),
        ("\ufeff" + TEXT + "\n\n", "f.bvh"),
    ):
        assert torch.equal(read_bvh(written(tmp_path, text, name)).joints(), plain)


def test_a_rate_that_is_no_whole_number_is_kept(tmp_path):
    assert read_bvh(written(tmp_path, TEXT.replace(".0083333", "0.016667"))).rate == 60
    assert read_bvh(written(tmp_path, TEXT.replace(".0083333", "0.0333667"))).rate == pytest.approx(29.97, abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("MOTION", "NOTION", r"a.bvh: no line MOTION in 21 lines, is it cut off\?"),
        ("HIERARCHY", "hierarchy", r"a.bvh, line 1: 'hierarchy', expected HIERARCHY"),
        ("Frames: 2", "Frames: 3", r"line 19: 2 frames follow, 3 declared"),
        ("Frames: 2", "Frames: 999999999", r"line 19: 2 frames follow, 999,999,999 declared"),
        ("Frames: 2", "Frames: 1e300", r"line 17: '1e300' is beyond 1e\+09"),
        ("Frames: 2", "Frames: 0", r"line 17: 0 frames, expected a whole number above 0"),
        ("Frames: 2", "Frames: 1.5", r"line 17: 1.5 frames"),
        ("Frames: 2", "Frames:", r"line 17: 'Frames:', expected Frames: and a number"),
        ("Frame Time: .0083333", "Frame Time: 0", r"line 18: 0 s a frame, expected 0.0001 to 10"),
        ("Frame Time: .0083333\n", "", r"line 18: '0 0 0 0 0 0 0 0 0', expected Frame Time: and a number"),
        ("40 50 60", "40 50", r"line 20: 8 numbers, expected 9"),
        ("40 50 60", "40 50 60 70", r"line 20: 10 numbers, expected 9"),
        ("40 50 60", "40 x 60", r"line 20: 'x' is not a finite number"),
        ("40 50 60", "40 nan 60", r"line 20: number 8 is nan, expected a finite number"),
        ("40 50 60", "40 1e30 60", r"line 20: number 8 is 1e\+30"),
        ("40 50 60", "40 5_0 60", r"line 20: '5_0' is not a finite number"),
        ("40 50 60", "40 \u0665 60", r"line 20: .*is not a finite number"),
        ("OFFSET 10 0 0", "OFFSET 10 0", r"line 9: 'CHANNELS' is not a finite number"),
        ("    OFFSET 10 0 0\n", "", r"line 9: joint 'thigh' has no OFFSET before this"),
        ("    CHANNELS 3 Xrotation Zrotation Yrotation\n", "", r"line 9: joint 'thigh' has no CHANNELS before this"),
        ("CHANNELS 3 X", "CHANNELS 2 X", r"line 9: 'Yrotation' in joint 'thigh', expected OFFSET"),
        ("CHANNELS 3 X", "CHANNELS 4 X", r"line 10: channel 'end', expected Xposition ... Zrotation; fewer than"),
        ("CHANNELS 3 X", "CHANNELS 99999 X", r"line 9: '99999' channels, expected 1 to 6"),
        ("Xrotation Zrotation Yrotation", "Xrotation Zrotation Xrotation", r"line 9: a channel twice"),
        ("CHANNELS 3 Xrotation", "CHANNELS 4 Xposition Xrotation", r"line 9: positions of a joint other than the root"),
        ("JOINT thigh", "JOINT hips", r"line 6: a second joint 'hips': names must differ"),
        ("JOINT thigh\n  {", "JOINT thigh\n", r"line 8: 'OFFSET', expected {"),
        ("}\nMOTION", "MOTION", r"line 14: the tree ends where } should stand"),
        ("}\nMOTION", "}\n}\nMOTION", r"line 16: '}' after the tree, expected MOTION"),
        ("}\nMOTION", "}\nROOT b\n{\n}\nMOTION", r"'ROOT' after the tree, .*several roots are not read"),
    ],
)
def test_bad_files_name_the_line(tmp_path, old, new, message):
    assert old in TEXT
    with pytest.raises(DataFormatError, match=message):
        read_bvh(written(tmp_path, TEXT.replace(old, new, 1)))


def test_absurd_trees_are_refused_without_recursion(tmp_path):
    joint = "JOINT j{} {{ OFFSET 0 0 0 CHANNELS 1 Xrotation\n"
    deep = "".join(joint.format(k) for k in range(5000))
    start = "HIERARCHY\nROOT r { OFFSET 0 0 0 CHANNELS 1 Xrotation\n"
    with pytest.raises(DataFormatError, match="line 258: joints nested more than 256 deep"):
        read_bvh(written(tmp_path, start + deep + "MOTION\n"))
    wide = "".join(joint.format(k) + "}\n" for k in range(5000))
    with pytest.raises(DataFormatError, match="more than 4096 joints"):
        read_bvh(written(tmp_path, start + wide + "}\nMOTION\n"))


def test_what_is_no_bvh_file_is_told(tmp_path):
    with pytest.raises(DataFormatError, match="this is a web page"):
        read_bvh(written(tmp_path, "<!DOCTYPE html><html>"))
    with pytest.raises(DataFormatError, match="no line MOTION"):
        read_bvh(written(tmp_path, ""))
    path = written(tmp_path, name="cut.bvh.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataFormatError, match="gzip stream is cut off"):
        read_bvh(path)
    with pytest.raises(FileNotFoundError):
        read_bvh(tmp_path / "none.bvh")


def test_the_real_files_turn_their_arms_in_another_order():
    # CMU's conversion declares Z Y X for the body and Z X Y for the arms: a reader with one order bends them wrongly.
    text = (real_root("cmu_mocap") / "cmu_mocap/bvh/35_01.bvh").read_text()
    assert text.count("CHANNELS 3 Zrotation Xrotation Yrotation") == 12
    assert text.count("Zrotation Yrotation Xrotation") == 19


def test_the_real_files_agree_with_a_chain_of_scipy_rotations():
    motion = read_bvh(real_root("cmu_mocap") / "cmu_mocap/bvh_iclone/002_04.bvh.gz")
    joints = motion.joints()
    frame, tree = 100, motion.skeleton
    turns = [Rotation.from_matrix(matrix) for matrix in motion.rotations[frame].numpy()]
    for joint in (tree.index("CC_Base_L_Hand"), tree.index("CC_Base_R_BigToe1_end"), tree.index("CC_Base_Head")):
        place, here = np.zeros(3), joint
        while tree.parents[here] >= 0:
            place = turns[tree.parents[here]].apply(motion.offsets[here].numpy() + place)
            here = tree.parents[here]
        np.testing.assert_allclose(
            joints[frame, joint], place + motion.offsets[here].numpy() + motion.translations[frame].numpy(), atol=1e-9
        )


@pytest.mark.parametrize(("folder", "count", "frames", "rate"), [("bvh", 43, 16872, 120), ("bvh_iclone", 18, 5893, 60)])
def test_every_real_file_is_read_and_its_bones_keep_their_lengths(folder, count, frames, rate):
    paths = sorted((real_root("cmu_mocap") / "cmu_mocap" / folder).glob("*.bvh*"))
    assert len(paths) == count
    total = 0
    for path in paths:
        motion = read_bvh(path)
        total += len(motion)
        assert motion.rate == rate
        lengths = bone_lengths(motion.joints()[::20], motion.skeleton)
        assert float((lengths - lengths[0]).abs().max()) < 1e-10
    assert total == frames
