import inspect

import numpy as np
import pytest
import roma
import scipy.linalg
import scipy.spatial
import torch
from scipy.spatial.transform import Rotation

from course_lib.geometry.alignment import procrustes


def points(*shape, seed=0):
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def turns(n, seed=0):
    return torch.from_numpy(Rotation.random(n, random_state=seed).as_matrix())


def error(found, source, target):
    return (found.apply(source) - target).square().sum((-2, -1))


def test_a_similarity_is_recovered():
    source, rotation = points(6, 10), turns(6)
    scale, shift = torch.linspace(0.3, 4, 6, dtype=torch.float64), points(6)
    target = scale[:, None, None] * source @ rotation.mT + shift[:, None]
    found = procrustes(source, target)
    torch.testing.assert_close(found.rotation, rotation)
    torch.testing.assert_close(found.scale, scale)
    torch.testing.assert_close(found.translation, shift)
    torch.testing.assert_close(found.apply(source), target)


def test_a_depth_flip_hides_from_an_alignment_that_may_reflect():
    # The trap: the pose whose depth has the wrong sign, the most frequent error of lifting, scores zero.
    pose = points(8, 17)
    flipped = pose * torch.tensor([1.0, 1, -1], dtype=torch.float64)
    assert float(error(procrustes(flipped, pose, reflection=True), flipped, pose).max()) < 1e-20
    kept = procrustes(flipped, pose)
    assert float(error(kept, flipped, pose).min()) > 1
    torch.testing.assert_close(torch.linalg.det(kept.rotation), torch.ones(8, dtype=torch.float64))
    mirrored = procrustes(flipped, pose, reflection=True)
    torch.testing.assert_close(torch.linalg.det(mirrored.rotation), -torch.ones(8, dtype=torch.float64))


@pytest.mark.parametrize("reflection", [False, True])
@pytest.mark.parametrize("scale", [False, True])
def test_no_other_similarity_is_closer(scale, reflection):
    source, target = points(5, 9), points(5, 9, seed=1)
    found = procrustes(source, target, scale=scale, reflection=reflection)
    best = error(found, source, target)
    gen = torch.Generator().manual_seed(2)
    for size in (1e-3, 0.1, 3.0):
        for seed in range(20):
            nudge = Rotation.from_rotvec(size * points(5, seed=seed).numpy()).as_matrix()
            rotation = torch.from_numpy(nudge) @ found.rotation
            if reflection and seed % 2:
                rotation = rotation * torch.tensor([1.0, 1, -1], dtype=torch.float64)
            factor = found.scale * (1 + size * torch.rand(5, generator=gen, dtype=torch.float64) * scale)
            moved = factor[:, None, None] * source @ rotation.mT
            moved = moved + (target - moved).mean(1, keepdim=True)  # the best translation for this rotation
            assert bool(((moved - target).square().sum((-2, -1)) >= best - 1e-12).all())


def test_agrees_with_scipy_spatial_procrustes_which_reflects():
    source, target = points(12), points(12, seed=1)
    one, two, disparity = scipy.spatial.procrustes(target.numpy(), source.numpy())
    found = procrustes(torch.from_numpy(two), torch.from_numpy(one), reflection=True)
    assert float(error(found, torch.from_numpy(two), torch.from_numpy(one))) == pytest.approx(disparity)
    normal = [(p - p.mean(0)) / (p - p.mean(0)).norm() for p in (source, target)]
    assert float(error(procrustes(*normal, reflection=True), *normal)) == pytest.approx(disparity)
    assert float(error(procrustes(*normal), *normal)) >= disparity


def test_agrees_with_scipy_orthogonal_procrustes_and_align_vectors():
    source, target = points(12), points(12, seed=1)
    source, target = source - source.mean(0), target - target.mean(0)
    rows, _ = scipy.linalg.orthogonal_procrustes(source.numpy(), target.numpy())  # acts on row vectors
    found = procrustes(source, target, scale=False, reflection=True)
    np.testing.assert_allclose(found.rotation.mT, rows, atol=1e-10)
    weights = torch.rand(12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    middle = [(weights[:, None] * p).sum(0) / weights.sum() for p in (source, target)]
    rotation, _ = Rotation.align_vectors(target - middle[1], source - middle[0], weights=weights.numpy())
    found = procrustes(source, target, scale=False, weights=weights)
    np.testing.assert_allclose(found.rotation, rotation.as_matrix(), atol=1e-7)


def test_agrees_with_roma():
    source, target = points(6, 10), points(6, 10, seed=1)
    weights = torch.rand(6, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = procrustes(source, target, weights=weights)
    rotation, shift, scale = roma.rigid_points_registration(source, target, weights, compute_scaling=True)
    torch.testing.assert_close(found.rotation, rotation)
    torch.testing.assert_close(found.translation, shift)
    torch.testing.assert_close(found.scale, scale)
    rotation, shift = roma.rigid_points_registration(source, target)
    found = procrustes(source, target, scale=False)
    torch.testing.assert_close(found.rotation, rotation)
    torch.testing.assert_close(found.translation, shift)


def test_masked_points_do_not_count_even_when_nan():
    source, target = points(4, 9), points(4, 9, seed=1)
    mask = torch.ones(4, 9, dtype=torch.bool)
    mask[:, 6:] = False
    few = procrustes(source[:, :6], target[:, :6])
    source[:, 6], target[:, 7] = torch.nan, torch.inf
    source.requires_grad_()
    masked = procrustes(source, target, weights=mask)
    torch.testing.assert_close(masked.rotation, few.rotation)
    torch.testing.assert_close(masked.scale, few.scale)
    masked.apply(source[:, :6]).sum().backward()
    assert bool(source.grad.isfinite().all())


def test_a_batch_is_its_rows():
    source, target = points(2, 3, 9), points(2, 3, 9, seed=1)
    found, one = procrustes(source, target), procrustes(source[1, 2], target[1, 2])
    torch.testing.assert_close(found.apply(source)[1, 2], one.apply(source[1, 2]))
    assert found.rotation.shape == (2, 3, 3, 3)
    flat = procrustes(source[..., :2], target[..., :2])
    torch.testing.assert_close(torch.linalg.det(flat.rotation), torch.ones(2, 3, dtype=torch.float64))


@pytest.mark.parametrize("reflection", [False, True])
@pytest.mark.parametrize("scale", [False, True])
def test_gradients_are_those_of_finite_differences(scale, reflection):
    source, target = points(3, 7).requires_grad_(), points(3, 7, seed=1).requires_grad_()
    weights = torch.rand(3, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def aligned(x, y):
        found = procrustes(x, y, scale=scale, reflection=reflection, weights=weights)
        return found.rotation, found.scale, found.apply(x)

    assert torch.autograd.gradcheck(aligned, (source, target))


def test_the_gradient_is_right_where_singular_values_are_equal_and_for_flat_sets():
    # Corners of an octahedron: all three singular values are equal, so that the gradient of an SVD is infinite.
    octahedron = torch.cat((torch.eye(3), -torch.eye(3))).double()
    square = octahedron[[0, 1, 3, 4]]
    for corners in (octahedron, square):
        target = (corners @ turns(1)[0].T).requires_grad_()
        source = corners.clone().requires_grad_()
        assert torch.autograd.gradcheck(lambda x, y: procrustes(x, y).rotation, (source, target), atol=1e-6)


def test_points_on_a_line_or_in_one_place_stay_finite():
    line = torch.linspace(-1, 1, 5, dtype=torch.float64)[:, None] * torch.tensor([1.0, 2, 2], dtype=torch.float64)
    for source, target in (
        (line, points(5)),
        (torch.ones(5, 3).double(), points(5)),
        (line, torch.ones(5, 3).double()),
    ):
        source, target = source.clone().requires_grad_(), target.clone().requires_grad_()
        found = procrustes(source, target)
        found.apply(source).square().sum().backward()
        assert bool(source.grad.isfinite().all() & target.grad.isfinite().all())
    found = procrustes(torch.ones(5, 3).double(), points(5))
    torch.testing.assert_close(found.apply(torch.ones(5, 3).double()), points(5).mean(0).expand(5, 3))


def test_single_precision():
    source, target = points(20, 17), points(20, 17, seed=1)
    exact, single = procrustes(source, target), procrustes(source.float(), target.float())
    torch.testing.assert_close(single.apply(source.float()).double(), exact.apply(source), atol=1e-4, rtol=1e-4)


def test_autocast_and_half_precision_do_not_spoil_an_alignment():
    source, target = points(3, 17).float(), points(3, 17, seed=1).float()
    found = procrustes(source, target)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(procrustes(source, target).rotation, found.rotation)
        assert torch.equal(found.apply(source), procrustes(source, target).apply(source))
    assert procrustes(source.bfloat16(), target.bfloat16()).rotation.dtype == torch.float32


def raw(function):
    """The function without the session's shape checks, as users call it."""
    return inspect.unwrap(function)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match=r"`source` \(4, 3\) and `target` \(5, 3\) must be of one shape"):
        raw(procrustes)(points(4), points(5))
    with pytest.raises(ValueError, match="n > 0"):
        raw(procrustes)(points(0), points(0))
    with pytest.raises(ValueError, match="`target` holds NaN or infinity: give such points `weights` of 0"):
        raw(procrustes)(points(4), points(4) * torch.nan)
    with pytest.raises(ValueError, match="`weights` holds a negative number"):
        raw(procrustes)(points(4), points(4), weights=-torch.ones(4))
    with pytest.raises(ValueError, match="one for each of 4 points"):
        raw(procrustes)(points(4), points(4), weights=torch.ones(5))
