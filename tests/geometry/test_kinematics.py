import inspect
import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from course_lib.geometry.kinematics import bone_lengths, forward_kinematics
from course_lib.geometry.skeletons import H36M_17, HAND_21, LSP_14, SKELETONS


def rotations(*shape, seed=0):
    turns = Rotation.random(int(np.prod(shape)), random_state=seed).as_matrix()
    return torch.from_numpy(turns).reshape(*shape, 3, 3)


def test_a_bent_arm_by_hand():
    # Upper arm along x, forearm along x of the upper arm; the elbow turns a quarter about z.
    quarter = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    offsets = torch.tensor([[0.0, 0, 0], [2, 0, 0], [1, 0, 0]])
    turns = torch.stack((torch.eye(3), quarter, torch.eye(3)))
    positions, orientations = forward_kinematics(turns, offsets, (-1, 0, 1))
    assert positions.tolist() == [[0, 0, 0], [2, 0, 0], [2, 1, 0]]
    assert torch.equal(orientations[2], quarter)
    # The root's rotation turns everything about the root.
    turns[0] = quarter
    positions, _ = forward_kinematics(turns, offsets, (-1, 0, 1), root=torch.tensor([5.0, 0, 0]))
    assert positions.tolist() == [[5, 0, 0], [5, 2, 0], [4, 2, 0]]


@pytest.mark.parametrize("skeleton", [H36M_17, LSP_14, HAND_21], ids=lambda s: s.name)
def test_agrees_with_a_chain_of_scipy_rotations(skeleton):
    j = len(skeleton)
    turns, offsets = rotations(j), torch.randn(j, 3, dtype=torch.float64)
    positions, orientations = forward_kinematics(turns, offsets, skeleton)
    for joint in range(j):  # from the joint up to the root, independently of the levels
        place, turn, here = np.zeros(3), Rotation.identity(), joint
        while here >= 0:
            turn = Rotation.from_matrix(turns[here]) * turn
            parent = skeleton.parents[here]
            place = offsets[here].numpy() + (Rotation.from_matrix(turns[here]).apply(place) if here != joint else place)
            here = parent
        np.testing.assert_allclose(positions[joint], place, atol=1e-12)
        np.testing.assert_allclose(orientations[joint], turn.as_matrix(), atol=1e-12)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=lambda s: s.name)
def test_bones_keep_their_lengths_whatever_the_rotations(skeleton):
    j = len(skeleton)
    offsets = torch.randn(j, 3, dtype=torch.float64)
    positions, orientations = forward_kinematics(rotations(5, j), offsets, skeleton)
    lengths = offsets.norm(dim=-1)[[child for _, child in skeleton.bones]]
    torch.testing.assert_close(bone_lengths(positions, skeleton), lengths.expand(5, -1))
    eye = torch.eye(3, dtype=torch.float64).expand(5, j, 3, 3)
    torch.testing.assert_close(orientations @ orientations.mT, eye)


def test_turning_the_root_turns_the_pose():
    turns, offsets = rotations(4, 17), torch.randn(4, 17, 3, dtype=torch.float64)
    offsets[:, 0] = 0
    positions, _ = forward_kinematics(turns, offsets, H36M_17)
    world = rotations(4, seed=1)
    turned = turns.clone()
    turned[:, 0] = world @ turns[:, 0]
    moved, _ = forward_kinematics(turned, offsets, H36M_17, root=torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(moved, positions @ world.mT + 1)


def test_a_batch_shares_offsets_and_its_rows_are_single_poses():
    turns, offsets = rotations(2, 3, 17).float(), torch.randn(17, 3)
    positions, _ = forward_kinematics(turns, offsets, H36M_17)
    assert positions.shape == (2, 3, 17, 3)
    one, _ = forward_kinematics(turns[1, 2], offsets, H36M_17)
    torch.testing.assert_close(positions[1, 2], one, atol=1e-6, rtol=1e-6)


def test_gradients_are_those_of_finite_differences():
    turns, offsets = rotations(2, 14).requires_grad_(), torch.randn(14, 3, dtype=torch.float64, requires_grad=True)
    root = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *a: forward_kinematics(a[0], a[1], LSP_14, a[2]), (turns, offsets, root))


def test_autocast_does_not_move_a_joint():
    turns, offsets = rotations(2, 17).float(), torch.randn(17, 3)
    positions, _ = forward_kinematics(turns, offsets, H36M_17)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(forward_kinematics(turns, offsets, H36M_17)[0], positions)
        assert forward_kinematics(turns.bfloat16(), offsets, H36M_17)[0].dtype == torch.float32
        assert bone_lengths(positions.bfloat16(), H36M_17).dtype == torch.float32


def test_the_gradient_of_a_bone_of_no_length_is_zero():
    joints = torch.zeros(17, 3, requires_grad=True)
    bone_lengths(joints, H36M_17).sum().backward()
    assert joints.grad.tolist() == [[0.0] * 3] * 17


def test_bone_lengths_are_in_the_order_of_the_bones():
    joints = torch.zeros(14, 2)
    joints[LSP_14.index("head_top")] = torch.tensor([3.0, 4])
    lengths = bone_lengths(joints, LSP_14)
    assert lengths[LSP_14.bones.index((LSP_14.index("neck"), LSP_14.index("head_top")))] == 5
    assert math.isclose(float(lengths.sum()), 5)


def raw(function):
    """The function without the session's shape checks, as users call it."""
    return inspect.unwrap(function)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"`rotations` has shape \(3, 3, 3\): the tree needs \(..., 2, 3, 3\)"):
        raw(forward_kinematics)(torch.zeros(3, 3, 3), torch.zeros(3, 3), (-1, 0))
    with pytest.raises(ValueError, match=r"`offsets` has shape \(3, 3\): the tree needs \(..., 2, 3\)"):
        raw(forward_kinematics)(torch.zeros(2, 3, 3), torch.zeros(3, 3), (-1, 0))
    with pytest.raises(ValueError, match="a ring"):
        raw(forward_kinematics)(torch.zeros(3, 3, 3), torch.zeros(3, 3), (-1, 2, 1))
    with pytest.raises(ValueError, match="H36M_17 needs"):
        bone_lengths(torch.zeros(16, 3), H36M_17)
