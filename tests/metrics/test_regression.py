import inspect

import pytest
import torch
from sklearn.metrics import r2_score

from course_lib.metrics import explained_variance


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_agrees_with_scikit_learn():
    target, noise = draws(50, 3), draws(50, 3, seed=1)
    ours = explained_variance(target + 0.5 * noise, target)
    theirs = r2_score(target.numpy(), (target + 0.5 * noise).numpy(), multioutput="raw_values")
    assert torch.allclose(ours, torch.from_numpy(theirs))


def test_a_perfect_prediction_explains_everything_and_the_mean_nothing():
    target = draws(20, 2)
    assert torch.allclose(explained_variance(target, target), torch.ones(2, dtype=torch.float64))
    assert torch.allclose(
        explained_variance(target.mean(0).expand(20, 2), target), torch.zeros(2, dtype=torch.float64), atol=1e-12
    )


def test_arguments_that_have_no_r2_are_refused():
    unchecked = inspect.unwrap(explained_variance)  # the shape hook of the tests would refuse them first
    with pytest.raises(ValueError, match=r"`predicted` has shape \(3, 1\) and `target` \(3, 2\)"):
        unchecked(torch.zeros(3, 1), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="at least two"):
        explained_variance(torch.zeros(1, 2), torch.zeros(1, 2))
    with pytest.raises(ValueError, match="constant in column 1"):
        explained_variance(torch.zeros(3, 2), torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]))
