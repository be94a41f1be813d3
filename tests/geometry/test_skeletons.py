import pytest
import torch

from course_lib.geometry.skeletons import (
    CMU_31,
    CMU_38,
    CMU_ASF_31,
    H36M_17,
    H36M_17_LEFT,
    H36M_32,
    HAND_21,
    ICVL_16,
    ITOP_15,
    LSP_14,
    MPII_16,
    NYU_14,
    OPENPOSE_18,
    SKELETONS,
    Skeleton,
    conversion,
    convert,
    tree_levels,
)


def rows(source, target):
    """Row of the source for each joint of the target, None where it is not a single one."""
    return [parts[0][0] if len(parts) == 1 else None for parts in conversion(source, target).weights]


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_every_skeleton_is_a_tree_with_a_mirror_image(skeleton):
    assert SKELETONS[skeleton.name] is skeleton
    assert len(skeleton) == int(skeleton.name.rsplit("_", 1)[1] if "LEFT" not in skeleton.name else 17)
    assert len(skeleton.bones) == len(skeleton) - 1
    assert sorted(joint for level in skeleton.levels for joint in level) == list(range(len(skeleton)))
    for depth, level in enumerate(skeleton.levels[1:]):
        assert {skeleton.parents[joint] for joint in level} <= set(skeleton.levels[depth])
    flip = skeleton.flip
    assert [flip[flip[joint]] for joint in range(len(skeleton))] == list(range(len(skeleton)))
    # The tree is symmetric: the parent of a mirrored joint is the mirrored parent.
    for parent, child in skeleton.bones:
        assert skeleton.parents[flip[child]] == flip[parent]
    for joint, name in enumerate(skeleton.joints):
        assert (flip[joint] == joint) == (not name.startswith(("left_", "right_")))


def test_the_parents_of_the_17_joints_are_the_published_ones():
    tree = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
    assert H36M_17.parents == tree
    # Coarse-to-fine puts the left leg first and keeps the arms: the same parents, other names.
    assert H36M_17_LEFT.parents == tree
    assert H36M_17_LEFT.joints[1:7] == H36M_17.joints[4:7] + H36M_17.joints[1:4]
    assert H36M_17_LEFT.joints[7:] == H36M_17.joints[7:]
    # Flip pairs of the Ordinal-depth sheet, 1-based there: 2-5, 3-6, 4-7, 12-15, 13-16, 14-17.
    assert H36M_17_LEFT.flip == (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13)


def test_the_two_orders_of_human36m_differ_in_the_legs_only():
    assert rows(H36M_17_LEFT, H36M_17) == [0, 4, 5, 6, 1, 2, 3, *range(7, 17)]
    poses = torch.randn(5, 17, 3)
    there = convert(poses, H36M_17, H36M_17_LEFT)
    assert torch.equal(convert(there, H36M_17_LEFT, H36M_17), poses)
    assert not torch.equal(there, poses)


def test_the_usual_17_of_the_32_joints():
    assert rows(H36M_32, H36M_17) == [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    assert not conversion(H36M_32, H36M_17).approximate


def test_the_parents_of_the_32_joints_are_the_published_ones():
    parents = [-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14, 12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27]
    assert list(H36M_32.parents) == [*parents, 28, 27, 30]


def test_mpii_and_human36m_give_the_joints_of_lsp():
    # Section 7 of the Ordinal-depth sheet: drop pelvis and thorax, and take 0-5, 10-15, 8, 9.
    assert rows(MPII_16, LSP_14) == [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 8, 9]
    assert conversion(MPII_16, LSP_14).approximate == {"neck": "1 upper_neck"}
    plan = conversion(H36M_17_LEFT, LSP_14)
    assert rows(H36M_17_LEFT, LSP_14) == [6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]
    assert set(plan.approximate) == {"neck", "left_hip", "right_hip"}


def test_cmu_gives_the_17_joints():
    # The orders of the BVH conversion and of the exponential maps differ by the seven end sites.
    assert [joint for joint in CMU_38.joints if not joint.endswith("_end") and joint != "head_top"] == list(
        CMU_31.joints
    )
    assert CMU_38.parents[:20] == (-1, 0, 1, 2, 3, 4, 5, 0, 7, 8, 9, 10, 11, 0, 13, 14, 15, 16, 17, 18)
    assert CMU_38.parents[20:] == (15, 20, 21, 22, 23, 24, 25, 23, 27, 15, 29, 30, 31, 32, 33, 34, 32, 36)
    assert rows(CMU_38, H36M_17) == [None, 8, 9, 10, 2, 3, 4, 14, 16, None, 19, 21, 22, 23, 30, 31, 32]
    assert rows(CMU_31, H36M_17) == [None, 7, 8, 9, 2, 3, 4, 12, 14, None, 16, 18, 19, 20, 25, 26, 27]
    assert rows(CMU_ASF_31, H36M_17) == [None, 6, 7, 8, 1, 2, 3, 11, 13, None, 16, 17, 18, 19, 24, 25, 26]
    points = torch.randn(4, 31, 3)
    middle = (points[:, CMU_31.index("left_hip")] + points[:, CMU_31.index("right_hip")]) / 2
    torch.testing.assert_close(convert(points, CMU_31, H36M_17)[:, 0], middle)
    assert "117 mm" in conversion(CMU_31, CMU_ASF_31).approximate["thorax"]


def test_hands_convert_by_joint_and_by_stand_in():
    assert HAND_21.joints[:5] == ("wrist", "index_mcp", "index_pip", "index_dip", "index_tip")
    assert HAND_21.joints[17:] == ("thumb_mcp", "thumb_pip", "thumb_dip", "thumb_tip")
    assert rows(HAND_21, NYU_14)[:11] == [16, 14, 12, 10, 8, 6, 4, 2, 20, 19, 18]
    assert rows(HAND_21, ICVL_16)[3::3] == [20, 4, 8, 12, 16]
    assert conversion(ICVL_16, NYU_14).missing == ("wrist_little_side", "wrist_thumb_side")
    assert "10 mm" in conversion(HAND_21, ICVL_16).approximate["index_tip"]


def test_every_body_gives_the_17_joints_that_it_can():
    missing = {
        name: conversion(skeleton, H36M_17).missing
        for name, skeleton in SKELETONS.items()
        if skeleton not in (HAND_21, NYU_14, ICVL_16)
    }
    assert missing.pop("OPENPOSE_18") == ("head_top",)
    assert not any(missing.values())
    lsp = conversion(LSP_14, H36M_17).approximate
    assert lsp["spine"] == "0.25 left_hip + 0.25 right_hip + 0.5 neck"
    assert conversion(ITOP_15, H36M_17).approximate["left_wrist"] == "1 left_hand"


def test_a_missing_joint_is_refused_or_nan():
    points = torch.randn(3, 18, 2)
    with pytest.raises(ValueError, match=r'OPENPOSE_18 has nothing for head_top of LSP_14: .* missing="nan"'):
        convert(points, OPENPOSE_18, LSP_14)
    filled = convert(points, OPENPOSE_18, LSP_14, missing="nan")
    assert filled[:, LSP_14.index("head_top")].isnan().all()
    assert filled.isfinite().sum() == 3 * 13 * 2
    nothing = convert(points, OPENPOSE_18, ICVL_16, missing="nan")
    assert nothing.isnan().all()


def test_a_nan_joint_stays_where_it_is_used():
    points = torch.randn(1, 16, 2)
    points[0, MPII_16.index("pelvis")] = torch.nan
    assert convert(points, MPII_16, LSP_14).isfinite().all()  # LSP has no pelvis
    points[0, MPII_16.index("left_knee")] = torch.nan
    assert convert(points, MPII_16, LSP_14).isnan().any(-1).nonzero()[:, 1].tolist() == [LSP_14.index("left_knee")]


def test_conversion_has_any_leading_axes_and_a_gradient():
    points = torch.randn(2, 3, 15, 3, dtype=torch.float64, requires_grad=True)
    converted = convert(points, ITOP_15, H36M_17)
    assert converted.shape == (2, 3, 17, 3)
    assert convert(points[0, 0], ITOP_15, H36M_17).shape == (17, 3)
    (gradient,) = torch.autograd.grad(converted.sum(), points)
    assert float(gradient.sum()) == pytest.approx(converted.numel())  # the weights of each joint sum to 1


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"shape \(2, 16, 3\): H36M_17 needs \(..., 17, d\)"):
        convert(torch.zeros(2, 16, 3), H36M_17, LSP_14)
    with pytest.raises(ValueError, match=r"`joint` .*'tail'.* is not in LSP_14, which has right_ankle"):
        LSP_14.index("tail")
    with pytest.raises(ValueError, match="must be one each"):
        Skeleton("short", ("a", "b"), (-1,))
    with pytest.raises(ValueError, match="names a more than once"):
        Skeleton("twice", ("a", "a"), (-1, 0))
    with pytest.raises(ValueError, match="2 roots"):
        tree_levels((-1, -1))
    with pytest.raises(ValueError, match="names joint 7"):
        tree_levels((-1, 7))
    with pytest.raises(ValueError, match="a ring: 2 joints"):
        tree_levels((-1, 2, 1))
