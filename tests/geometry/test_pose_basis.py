import pytest
import torch
from sklearn.decomposition import PCA

from course_lib.geometry.pose_basis import PoseBasis


@pytest.fixture(scope="module")
def poses():
    """Correlated poses with a mean far from zero."""
    gen = torch.Generator().manual_seed(0)
    mix = torch.randn(51, 51, generator=gen, dtype=torch.float64) * torch.logspace(0, -3, 51)
    return (torch.randn(200, 51, generator=gen, dtype=torch.float64) @ mix.T + 3).reshape(200, 17, 3)


@pytest.mark.parametrize("components", [1, 8, 50])
def test_the_reconstruction_error_is_the_sum_of_the_discarded_eigenvalues(poses, components):
    basis = PoseBasis.fit(poses, components)
    error = (basis.decode(basis.encode(poses)) - poses).square().sum((-2, -1)).mean()
    assert float(basis.discarded) > 0
    torch.testing.assert_close(error, basis.discarded)
    covariance = torch.cov(poses.flatten(1).T, correction=0)
    eigenvalues = torch.linalg.eigvalsh(covariance).flip(0)
    torch.testing.assert_close(error, eigenvalues[components:].sum())
    torch.testing.assert_close(basis.variances, eigenvalues[:components])


def test_all_components_lose_nothing(poses):
    basis = PoseBasis.fit(poses, 51)
    torch.testing.assert_close(basis.decode(basis.encode(poses)), poses)
    assert float(basis.discarded) == pytest.approx(0, abs=1e-12)


def test_agrees_with_scikit_learn(poses):
    basis = PoseBasis.fit(poses, 6)
    other = PCA(6, svd_solver="full").fit(poses.flatten(1).numpy())
    n = len(poses)
    torch.testing.assert_close(basis.variances * n / (n - 1), torch.from_numpy(other.explained_variance_))
    mine, theirs = basis.components.flatten(1), torch.from_numpy(other.components_)
    torch.testing.assert_close((mine * theirs).sum(1).abs(), torch.ones(6, dtype=torch.float64))  # up to sign
    restored = torch.from_numpy(other.inverse_transform(other.transform(poses.flatten(1).numpy())))
    torch.testing.assert_close(basis.decode(basis.encode(poses)).flatten(1), restored)


def test_the_codes_are_uncorrelated_with_the_variances_told(poses):
    basis = PoseBasis.fit(poses, 5)
    codes = basis.encode(poses)
    torch.testing.assert_close(torch.cov(codes.T, correction=0), basis.variances.diag(), atol=1e-10, rtol=1e-8)
    eye = torch.eye(5, dtype=torch.float64)
    torch.testing.assert_close(torch.einsum("ajd,bjd->ab", basis.components, basis.components), eye)


def test_a_fit_has_one_sign(poses):
    basis, shuffled = PoseBasis.fit(poses, 4), PoseBasis.fit(poses.flip(0), 4)
    torch.testing.assert_close(basis.components, shuffled.components)
    extreme = basis.components.flatten(1)
    assert bool((extreme.gather(1, extreme.abs().argmax(1, keepdim=True)) > 0).all())


def test_single_precision_and_leading_axes(poses):
    basis = PoseBasis.fit(poses.float(), 10)
    assert basis.mean.dtype == basis.components.dtype == basis.variances.dtype == torch.float32
    codes = basis.encode(poses.float().reshape(10, 20, 17, 3))
    assert codes.shape == (10, 20, 10)
    assert basis.decode(codes).shape == (10, 20, 17, 3)
    torch.testing.assert_close(basis.variances.double(), PoseBasis.fit(poses, 10).variances, rtol=1e-4, atol=1e-6)


def test_autocast_does_not_change_codes(poses):
    basis = PoseBasis.fit(poses.float(), 10)
    codes = basis.encode(poses.float())
    restored = basis.decode(codes)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(basis.encode(poses.float()), codes)
        assert torch.equal(basis.decode(codes), restored)


def test_encoding_and_decoding_are_differentiable(poses):
    basis = PoseBasis.fit(poses, 3)
    x = poses[:2].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: basis.decode(basis.encode(p)), (x,))


def test_wrong_arguments_are_named(poses):
    with pytest.raises(ValueError, match=r"`components` \(=52\) must be 1 to 51"):
        PoseBasis.fit(poses, 52)
    with pytest.raises(ValueError, match=r"`components` \(=0\) must be 1 to 2"):
        PoseBasis.fit(poses[:2], 0)
    with pytest.raises(ValueError, match="with n of 2 or more"):
        PoseBasis.fit(poses[:1], 1)
    with pytest.raises(ValueError, match="`poses` holds NaN"):
        PoseBasis.fit(poses.where(poses > 3, torch.nan), 1)
