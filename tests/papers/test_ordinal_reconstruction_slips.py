"""Slips that would otherwise pass in silence, on real motion capture and on the people world."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from course_lib.datasets import PoseSet, load_c2f, load_cmu, load_h36m
from course_lib.geometry import CMU_38, H36M_17, H36M_17_LEFT, convert
from course_lib.metrics import mpjpe
from course_lib.papers.ordinal_depth import RECONSTRUCTION_PROFILES, Augment, train_reconstructor, upright_poses
from course_lib.papers.ordinal_depth.reconstruction_checks import handedness
from course_lib.papers.ordinal_depth.reconstruction_data import seen_from
from course_lib.training import generator
from course_lib.worlds.people import people_joints, sample_factors

SMOKE = RECONSTRUCTION_PROFILES["smoke"]
STILL = Augment(stature=0, bones=0, bend=0, mix=0, mirror=0)
MIRROR = torch.tensor([1.0, 1.0, -1.0])


def real_root(dataset):
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root).expanduser() / dataset).is_dir():
        pytest.skip(f"the real files are not there: set COURSE_DATA to the folder above `{dataset}`")
    return Path(root).expanduser()


def world(count=300, seed=0):
    joints = people_joints(sample_factors(count, generator=generator(seed)))
    return PoseSet(joints=joints, skeleton=H36M_17, frame="world")


def load(which):
    """A set of poses, a thinned one of the real ones."""
    if which == "people":
        return world()
    if which == "h36m":
        return thinned(load_h36m(real_root("h36m"), clips=("S6/walking_1", "S6/sitting_1", "S1/walking_1")))
    if which == "c2f":
        return load_c2f(real_root("h36m"))
    if which == "bvh":
        return thinned(load_cmu(real_root("cmu_mocap"), clips=("35_01", "49_01", "55_04"), restore_thorax=True))
    return thinned(load_cmu(real_root("cmu_mocap"), kind=which))


def thinned(poses, every=10):
    return PoseSet(joints=poses.joints[::every], skeleton=poses.skeleton, frame=poses.frame)


SETS = ("people", "h36m", "c2f", "bvh", "bvh_iclone", "asfamc", "expmap")


@pytest.mark.parametrize("which", SETS)
def test_right_poses_pass_and_every_slip_is_named(which):
    poses = load(which)
    upright = upright_poses(poses)
    assert (handedness(upright) > 0).float().mean() > 0.9
    assert upright.shape[1:] == (17, 3)
    assert (upright[:, 0] == 0).all()
    with pytest.raises(ValueError, match="millimetres"):
        upright_poses(replace(poses, joints=1000 * poses.joints))
    with pytest.raises(ValueError, match="stand on their heads"):
        upright_poses(replace(poses, frame="world" if poses.frame == "camera" else "camera"))
    with pytest.raises(ValueError, match="knees backwards"):
        upright_poses(replace(poses, joints=poses.joints * MIRROR))
    if poses.skeleton in (H36M_17, H36M_17_LEFT):
        # The order that begins with the other leg.
        other = H36M_17 if poses.skeleton is H36M_17_LEFT else H36M_17_LEFT
        with pytest.raises(ValueError, match="left and right are exchanged"):
            upright_poses(replace(poses, skeleton=other))


@pytest.mark.parametrize("which", SETS)
def test_two_d_slips_are_named_on_the_views_that_a_camera_would_give(which):
    upright = upright_poses(load(which))[:300]
    views = seen_from(upright, STILL, gen=generator(0))
    component = train_reconstructor(upright, replace(SMOKE, steps=5), seed=0)
    points, depth = 1150 * views.points + 500, views.depths
    noisy = depth + 0.1 * torch.randn(depth.shape, generator=generator(1))
    component.reconstruct(points, noisy)
    component.reconstruct(points[:1], noisy[:1])
    component.reconstruct(points, noisy + 5.4)  # from the camera
    with pytest.raises(ValueError, match="y must point down"):
        component.reconstruct(points * torch.tensor([1.0, -1.0]), noisy)
    with pytest.raises(ValueError, match="metres"):
        component.reconstruct(points, 1000 * noisy)
    with pytest.raises(ValueError, match="mirrored"):
        component.reconstruct(points, -noisy)
    with pytest.raises(ValueError, match="order of H36M_17"):
        component.reconstruct(points, noisy, skeleton=H36M_17)
    component.reconstruct(points, -noisy, check=False)


def test_orders_in_and_out_agree():
    views = seen_from(upright_poses(world()), STILL, gen=generator(0))
    component = train_reconstructor(world(), replace(SMOKE, steps=20), seed=0)
    left = component.reconstruct(views.points, views.depths)
    points = convert(views.points, H36M_17_LEFT, H36M_17)
    depth = convert(views.depths[..., None], H36M_17_LEFT, H36M_17)[..., 0]
    right = component.reconstruct(points, depth, skeleton=H36M_17)
    assert torch.allclose(convert(right, H36M_17, H36M_17_LEFT), left, atol=1e-6)


def test_pixels_voxels_and_uneven_focal_lengths_are_the_same_body():
    views = seen_from(upright_poses(world()), STILL, gen=generator(0))
    component = train_reconstructor(world(), replace(SMOKE, steps=20), seed=0)
    expected = component.reconstruct(views.points, views.depths)
    pixels = views.points * torch.tensor([1145.0, 1200.0]) + torch.tensor([512.0, 515.0])
    intrinsics = torch.tensor([[1145.0, 0, 512], [0, 1200.0, 515], [0, 0, 1]])
    assert torch.allclose(component.reconstruct(pixels, views.depths, intrinsics=intrinsics), expected, atol=1e-4)
    assert torch.allclose(component.reconstruct(20 * views.points + 32, views.depths), expected, atol=1e-4)


def test_the_average_with_the_mirrored_picture_is_mirror_symmetric():
    views = seen_from(upright_poses(world()), STILL, gen=generator(0))
    component = train_reconstructor(world(), replace(SMOKE, steps=20), seed=0)
    flip = list(H36M_17_LEFT.flip)
    pose = component.reconstruct(views.points, views.depths)
    mirror = component.reconstruct(views.points[:, flip] * torch.tensor([-1.0, 1.0]), views.depths[:, flip])
    assert torch.allclose(mirror[:, flip] * torch.tensor([-1.0, 1.0, 1.0]), pose, atol=1e-6)
    alone = component.reconstruct(views.points, views.depths, flip=False)
    assert not torch.allclose(alone, pose, atol=1e-4)


def test_training_poses_that_are_none_are_refused():
    with pytest.raises(ValueError, match="no pose"):
        upright_poses([])
    broken = world(20)
    broken.joints[3, 4] = torch.nan
    with pytest.raises(ValueError, match="NaN"):
        upright_poses(broken)


def test_trained_on_one_real_subject_it_reconstructs_another():
    train = thinned(load_h36m(real_root("h36m"), subjects=("S1",)), 25)
    test = upright_poses(thinned(load_h36m(real_root("h36m"), subjects=("S6",)), 25))
    component = train_reconstructor(train, replace(SMOKE, steps=150, width=128), seed=0)
    views = seen_from(test, STILL, gen=generator(5))
    noisy = views.depths + 0.1 * torch.randn(views.depths.shape, generator=generator(1))
    error = mpjpe(component.reconstruct(views.points, noisy), views.poses).mean()
    assert error < 0.11
    sample = load_c2f(real_root("h36m"))
    truth = sample.joints - sample.joints[:, :1]
    pixels = sample.joints @ sample.intrinsics.mT
    pixels = pixels[..., :2] / pixels[..., 2:]
    pose = component.reconstruct(pixels, sample.joints[..., 2], intrinsics=sample.intrinsics)
    assert mpjpe(pose, truth).mean() < 0.11


def test_sets_in_other_orders_convert():
    assert CMU_38.name in {load("bvh").skeleton.name, "CMU_38"}
