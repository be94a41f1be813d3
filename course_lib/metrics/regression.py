"""How much of a quantity a prediction explains."""

from jaxtyping import Float
from torch import Tensor


def explained_variance(predicted: Float[Tensor, "n k"], target: Float[Tensor, "n k"]) -> Float[Tensor, " k"]:
    """Coefficient of determination R2 of each column: 1 is perfect, 0 is as good as the mean, below 0 is worse.

    Args:
        predicted: Predictions on data that no fit has seen.
        target: True values; a column that does not vary has no R2.

    Returns:
        One value a column.

    Raises:
        ValueError: Shapes differ, there are fewer than two rows, or a column of `target` is constant.
    """
    if predicted.shape != target.shape or target.ndim != 2:
        raise ValueError(
            f"`predicted` has shape {tuple(predicted.shape)} and `target` {tuple(target.shape)}: give both as (n, k)"
        )
    if len(target) < 2:
        raise ValueError(f"`target` has {len(target)} row: R2 needs at least two")
    total = ((target - target.mean(0)) ** 2).sum(0)
    if bool((total == 0).any()):
        raise ValueError(f"`target` is constant in column {int((total == 0).nonzero()[0])}: leave that column out")
    return 1 - ((target - predicted) ** 2).sum(0) / total
