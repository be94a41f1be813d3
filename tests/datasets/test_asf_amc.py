import pytest
import torch
from scipy.spatial.transform import Rotation

from course_lib.datasets import DataFormatError
from course_lib.datasets.asf_amc import read_amc, read_asf
from course_lib.datasets.bvh import read_bvh
from course_lib.datasets.cmu import BONES
from course_lib.geometry import bone_lengths
from tests.datasets.motion_files import real_root

ASF = """# a comment
:version 1.10
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
   some words
:root
   order TX TY TZ RX RY RZ
   axis XYZ
   position 0 0 0
   orientation 0 0 0
:bonedata
  begin
     id 1
     name femur
     direction 0 -1 0
     length 4.5
     axis 0 0 20  XYZ
    dof rx ry rz
    limits (-160.0 20.0)
           (-70.0 70.0)
           (-60.0 70.0)
  end
  begin
     id 2
     name tibia
     direction 0 -1 0
     length 9
     axis 90 0 0  XYZ
    dof rz
  end
  begin
     id 3
     name stub
     direction 1 0 0
     length 1
     axis 0 0 0  XYZ
  end
:hierarchy
  begin
    root femur stub
    femur tibia
  end
"""
AMC = """#!OML:ASF
:FULLY-SPECIFIED
:DEGREES
1
root 0 0 0 0 0 0
femur 0 0 0
tibia 0
2
root 1 2 3 10 20 30
femur 40 50 60
tibia 70
"""
UNIT = 0.0254 / 0.45


def written(folder, asf=ASF, amc=AMC):
    (folder / "a.asf").write_text(asf)
    (folder / "a_01.amc").write_text(amc)
    return read_amc(folder / "a_01.amc", read_asf(folder / "a.asf"))


def test_a_small_skeleton_by_hand(tmp_path):
    motion = written(tmp_path)
    assert motion.skeleton.skeleton.joints == ("root", "femur", "tibia", "stub")
    assert motion.skeleton.skeleton.parents == (-1, 0, 1, 0)
    assert motion.skeleton.metres == pytest.approx(UNIT)
    joints = motion.joints() / UNIT
    rest = [[0.0, 0, 0], [0, -4.5, 0], [0, -13.5, 0], [1, 0, 0]]
    torch.testing.assert_close(joints[0], torch.tensor(rest, dtype=torch.float64))
    # Angles are about fixed axes, x first (lower case in scipy); a bone turns about the axes of its own frame.
    root = Rotation.from_euler("xyz", [10, 20, 30], degrees=True)
    frame = Rotation.from_euler("xyz", [0, 0, 20], degrees=True)
    femur = root * frame * Rotation.from_euler("xyz", [40, 50, 60], degrees=True) * frame.inv()
    frame = Rotation.from_euler("x", 90, degrees=True)
    tibia = femur * frame * Rotation.from_euler("z", 70, degrees=True) * frame.inv()
    knee = femur.apply([0, -4.5, 0]) + [1, 2, 3]
    places = [[1, 2, 3], knee, knee + tibia.apply([0, -9, 0]), root.apply([1, 0, 0]) + [1, 2, 3]]
    for joint, place in zip(joints[1].tolist(), places, strict=True):
        assert joint == pytest.approx(list(place))


def test_radians_and_other_units_are_followed(tmp_path):
    degrees = written(tmp_path).joints()
    numbers = {f" {n}\n": f" {n * torch.pi / 180:.12f}\n" for n in (70,)}
    amc = AMC.replace(":DEGREES", ":RADIANS").replace("10 20 30", "0.17453292520 0.34906585040 0.52359877560")
    amc = amc.replace("40 50 60", "0.69813170080 0.87266462600 1.04719755120")
    for old, new in numbers.items():
        amc = amc.replace(old, new)
    torch.testing.assert_close(written(tmp_path, amc=amc).joints(), degrees, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(written(tmp_path, ASF.replace("length 0.45", "length 0.9", 1)).joints() * 2, degrees)


def test_bones_may_come_in_any_order_in_a_frame_and_children_before_parents(tmp_path):
    plain = written(tmp_path).joints()
    shuffled = AMC.replace("femur 40 50 60\ntibia 70", "tibia 70\nfemur 40 50 60")
    assert torch.equal(written(tmp_path, amc=shuffled).joints(), plain)
    other = ASF.replace("    root femur stub\n    femur tibia\n", "    femur tibia\n    root femur stub\n")
    assert torch.equal(written(tmp_path, other).joints(), plain)
    late = AMC.replace("\n2\n", "\n8\n").replace("\n1\n", "\n7\n")
    assert torch.equal(written(tmp_path, amc=late).joints(), plain)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (":hierarchy", ":hierarchie", r"a.asf: no section :hierarchy, found version, units"),
        (":root", ":units", r"line 9: a second section :units"),
        ("length 0.45", "length x", r"line 5: 'x' is not a finite number"),
        ("length 0.45", "length 0", r"line 5: units length '0', expected one number"),
        ("angle deg", "angle turns", r"line 6: units angle 'turns', expected deg or rad"),
        ("order TX TY TZ RX RY RZ", "order RX RY RZ", r"line 10: root order 'RX RY RZ', expected TX TY TZ"),
        ("axis XYZ", "axis XXZ", r"line 11: axes 'XXZ', expected an order such as XYZ"),
        ("position 0 0 0", "position 0 1 0", r"line 12: root position 0 1 0, only 0 0 0 is read"),
        ("  begin\n     id 2", "     id 2", r"line 26: 'id' out of place"),
        ("name tibia", "name femur", r"a second bone 'femur'"),
        ("     name tibia\n", "", r"line 32: a bone without a name"),
        ("     length 9\n", "", r"line 32: 0 entries for a bone's length, expected 1"),
        ("direction 1 0 0", "direction 2 0 0", r"bone 'stub' of direction \(2.0, 0.0, 0.0\) and length 1, expected a"),
        ("direction 1 0 0", "direction 1 0", r"line 37: 2 entries for a bone's direction, expected 3"),
        ("length 9", "length -9", r"bone 'tibia' of direction .* and length -9"),
        ("length 9", "length nan", r"line 30: 'nan' is not a finite number"),
        ("axis 90 0 0  XYZ", "axis 90 0 0", r"line 31: axes '', expected an order"),
        ("dof rz", "dof rz l", r"line 32: dof rz l, only rx, ry and rz are read"),
        ("femur tibia\n", "femur tibia tail\n", r"line 44: 'tail' is no bone of this file"),
        ("femur tibia\n", "femur tibia stub\n", r"line 44: 'stub' hangs from a second bone"),
        ("    femur tibia\n", "", r"'tibia' hangs from no bone in :hierarchy"),
        ("root femur stub\n    femur tibia", "root stub\n    femur tibia\n    tibia femur", r"form no tree .*a ring"),
        ("root femur", "tibia root femur", r"line 43: 'root' hangs from a second bone"),
    ],
)
def test_bad_skeletons_name_the_line(tmp_path, old, new, message):
    assert old in ASF
    with pytest.raises(DataFormatError, match=message):
        written(tmp_path, ASF.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n2\n", "\n3\n", r"a_01.amc, line 8: frame 3 after frame 1"),
        ("\n2\n", "\n99999999999999999999999\n", r"line 8: frame 999999999999999999 after frame 1"),
        ("femur 40 50 60\n", "", r"line 11: bone 'femur' is missing from the frame that ends here"),
        ("tibia 0\n", "tibia 0\ntibia 0\n", r"line 9: bone 'tibia' is twice in the frame that ends here"),
        ("femur 40 50 60", "femur 40 50", r"line 10: 2 numbers, expected 3"),
        ("tibia 70", "tibia", r"line 11: 1 numbers, expected 1|line 11: 'nothing' is not a finite number"),
        ("femur 40 50 60", "femur 40 y 60", r"line 10: 'y' is not a finite number"),
        ("femur 40 50 60", "femur 40 inf 60", r"line 10: number 2 is inf"),
        ("femur 40 50 60", "fibula 40 50 60", r"line 10: 'fibula' is no bone that a.asf lets turn; .*another subject"),
        ("tibia 70", "stub 70", r"line 11: 'stub' is no bone that a.asf lets turn"),
        ("\n1\n", "\n", r"line 4: 'root' before the first frame"),
    ],
)
def test_bad_motions_name_the_line(tmp_path, old, new, message):
    assert old in AMC
    with pytest.raises(DataFormatError, match=message):
        written(tmp_path, amc=AMC.replace(old, new, 1))


def test_a_motion_without_frames_is_told(tmp_path):
    with pytest.raises(DataFormatError, match=r"no frames; is this an .amc motion\?"):
        written(tmp_path, amc=":DEGREES\n")


@pytest.mark.parametrize("clip", ["02_01", "02_02"])
def test_the_real_files_agree_with_the_bvh_conversion_but_for_the_bones_that_it_lost(clip):
    data = real_root("cmu_mocap") / "cmu_mocap"
    original = read_amc(data / f"asfamc/02/{clip}.amc", read_asf(data / "asfamc/02/02.asf"))
    converted = read_bvh(data / f"bvh/{clip}.bvh")
    assert len(original) == len(converted)
    joints, others = original.joints(), converted.joints() * UNIT

    def apart(bone, joint):
        difference = joints[:, BONES.index(bone)] - others[:, converted.skeleton.index(joint)]
        return difference.norm(dim=-1)

    same = (
        *(("root", "Hips"), ("lhipjoint", "LeftHip"), ("lfemur", "LeftKnee"), ("ltibia", "LeftAnkle")),
        *(("lfoot", "LeftToe"), ("rhipjoint", "RightHip"), ("rfemur", "RightKnee"), ("rtibia", "RightAnkle")),
        *(("rtoes", "RightToe_end"), ("lowerback", "Chest"), ("upperback", "Chest2")),
    )
    for pair in same:
        assert float(apart(*pair).max()) < 1e-5, pair  # metres: the rounding of the BVH file
    # The conversion has no thorax bone: all above it sits lower by that bone, in every frame.
    thorax = float(original.skeleton.lengths[BONES.index("thorax")]) * UNIT
    assert thorax == pytest.approx(0.11673, abs=1e-5)
    above = (
        *(("lclavicle", "LeftShoulder"), ("lhumerus", "LeftElbow"), ("rradius", "RightWrist")),
        *(("upperneck", "Head"), ("head", "Head_end")),
    )
    for pair in above:
        torch.testing.assert_close(apart(*pair), torch.full((len(joints),), thorax).double(), atol=1e-5, rtol=0)
    # Nor a wrist bone, 95 mm: the fingers are off by more.
    wrist = float(original.skeleton.lengths[BONES.index("lwrist")]) * UNIT
    assert wrist == pytest.approx(0.0947, abs=1e-4)
    assert float(converted.offsets[converted.skeleton.index("lhand")].norm()) == 0


def test_every_real_file_is_read_and_its_bones_keep_their_lengths():
    data = real_root("cmu_mocap") / "cmu_mocap/asfamc"
    frames = 0
    for asf in sorted(data.glob("*/*.asf")):
        skeleton = read_asf(asf)
        assert skeleton.skeleton.joints == BONES
        for amc in sorted(asf.parent.glob("*.amc")):
            motion = read_amc(amc, skeleton)
            frames += len(motion)
            lengths = bone_lengths(motion.joints()[::10], skeleton.skeleton)
            expected = skeleton.lengths[[child for _, child in skeleton.skeleton.bones]] * skeleton.metres
            torch.testing.assert_close(lengths, expected.expand_as(lengths), atol=1e-6, rtol=1e-4)
    assert frames == 3948
