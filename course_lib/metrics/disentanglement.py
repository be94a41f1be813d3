"""Whether single numbers of a code follow single factors of the data: MIG, DCI and SAP.

Each takes codes `(n, c)` and known factors `(n, f)` of the same data and nothing else. Factors are discrete where their
tensor is integer and real-valued otherwise; mixed ones go as a list of columns. High mutual information between a code
and the factors is not enough for a high score: a rotated code holds the same information, spread out.

Sources: Chen, Li, Grosse and Duvenaud 2018, Eq. 6 (MIG); Eastwood and Williams 2018, section 2 (DCI); Kumar, Sattigeri
and Balakrishnan 2018, section 3 (SAP).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from course_lib.metrics.clustering import contingency

Factors = Tensor | Sequence[Tensor]


@dataclass(frozen=True)
class Dci:
    """The three scores of Eastwood and Williams 2018.

    Attributes:
        disentanglement: 1 when each code serves one factor, weighted by how much a code serves at all.
        completeness: 1 when each factor is served by one code, the mean over factors.
        informativeness: How well the factors are predicted on held-out data (R2, or accuracy above chance rescaled to
            0..1), the mean over factors.
        importance: How much each code contributes to predicting each factor; each factor's column adds up to 1.
    """

    disentanglement: float
    completeness: float
    informativeness: float
    importance: Float[Tensor, "c f"]


def mutual_information_matrix(
    codes: Float[Tensor, "n c"], factors: Factors, *, bins: int = 20
) -> tuple[Float[Tensor, "c f"], Float[Tensor, " f"]]:
    """Mutual information of each code with each factor, and the entropies of the factors, nats.

    Counted in a table, it is biased upwards: by about (bins - 1)^2 / 2n where code and factor are independent.

    Args:
        codes: Codes; each is cut into `bins` intervals of equal width between its extremes.
        factors: Factors; real-valued ones are cut likewise.
        bins: Number of intervals.

    Returns:
        The information, one row a code, and the entropy of each factor.

    Raises:
        ValueError: The numbers of data differ, there are fewer than two, or a code or factor is NaN.
    """
    columns = _columns(codes, factors)
    if bins < 2:
        raise ValueError(f"`bins` (={bins}) must be 2 or more: one interval holds no information")
    binned = [_binned(codes[:, i], bins) for i in range(codes.shape[1])]
    discrete = [column if _is_discrete(column) else _binned(column, bins) for column in columns]
    information = [[_information(code, factor) for factor in discrete] for code in binned]
    entropies = [_information(factor, factor) for factor in discrete]
    return torch.tensor(information, dtype=torch.float64), torch.tensor(entropies, dtype=torch.float64)


def mutual_information_gap(codes: Float[Tensor, "n c"], factors: Factors, *, bins: int = 20) -> float:
    """How much more the best code knows of a factor than the second best, over the factor's entropy; mean over factors.

    Chen et al. 2018, Eq. 6. A factor held by two codes in equal parts scores 0.

    Args:
        codes: Codes, two or more.
        factors: Factors.
        bins: Intervals into which codes and real-valued factors are cut; the score depends on it.

    Returns:
        Between 0 and 1.

    Raises:
        ValueError: There is one code only, a factor is constant, or see `mutual_information_matrix`.
    """
    if codes.ndim == 2 and codes.shape[1] < 2:
        raise ValueError(f"`codes` has shape {tuple(codes.shape)}: a gap needs two codes or more")
    information, entropies = mutual_information_matrix(codes, factors, bins=bins)
    if bool((entropies <= 0).any()):
        raise ValueError(f"factor {int((entropies <= 0).nonzero()[0])} is constant: leave it out")
    best = information.topk(2, dim=0).values
    return float(((best[0] - best[1]) / entropies).mean())


def separated_attribute_predictability(codes: Float[Tensor, "n c"], factors: Factors) -> float:
    """How much better the best single code predicts a factor than the second best; mean over factors.

    Kumar et al. 2018, section 3. For a real-valued factor the score of a code is their squared correlation. Differs
    from the paper: a discrete factor is predicted from one code by the class with the nearest mean, not by a support
    vector machine; the score is the accuracy balanced over classes.

    Args:
        codes: Codes, two or more.
        factors: Factors.

    Returns:
        Between 0 and 1.

    Raises:
        ValueError: There is one code only, the numbers of data differ, or a factor is constant.
    """
    columns = _columns(codes, factors)
    if codes.shape[1] < 2:
        raise ValueError(f"`codes` has shape {tuple(codes.shape)}: a gap needs two codes or more")
    gaps = []
    for j, column in enumerate(columns):
        if bool((column == column[0]).all()):
            raise ValueError(f"factor {j} is constant: leave it out")
        score = _nearest_mean_accuracy if _is_discrete(column) else _squared_correlation
        best = torch.stack([score(codes[:, i].double(), column) for i in range(codes.shape[1])]).topk(2).values
        gaps.append(float(best[0] - best[1]))
    return sum(gaps) / len(gaps)


def dci_scores(importance: Float[Tensor, "c f"]) -> tuple[float, float]:
    """Disentanglement and completeness of a table of importances, one row a code, one column a factor.

    Eastwood and Williams 2018, section 2: one minus the entropy of each row (to the base f), weighted by the row's sum;
    one minus the entropy of each column (to the base c), averaged.

    Args:
        importance: Not negative.

    Returns:
        Disentanglement and completeness, both between 0 and 1; a single factor (or code) counts as separated.

    Raises:
        ValueError: An entry is negative or NaN.
    """
    if importance.ndim != 2 or not bool((importance >= 0).all()):
        raise ValueError("`importance` must be a table (codes, factors) without negative entries or NaN")
    table = importance.double()
    total = table.sum()
    if float(total) == 0:
        return 0.0, 0.0
    disentangled = (_concentration(table) * table.sum(1) / total).sum()
    return float(disentangled), float(_concentration(table.T).mean())


def dci(codes: Float[Tensor, "n c"], factors: Factors, *, seed: int = 0, trees: int = 50) -> Dci:
    """Disentanglement, completeness and informativeness, with random forests as predictors.

    Eastwood and Williams 2018, section 2 (they use the lasso and random forests). Forests are fitted on every other
    datum and judged on the rest; give data without an order.

    Args:
        codes: Codes.
        factors: Factors.
        seed: Seed of the forests.
        trees: Trees a forest.

    Returns:
        The scores and the importances.

    Raises:
        ValueError: The numbers of data differ, there are fewer than eight, a value is NaN, or a factor is constant.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    columns = _columns(codes, factors)
    if len(codes) < 8:
        raise ValueError(f"`codes` has {len(codes)} rows: half of them fit a forest, give eight or more")
    x = codes.cpu().double().numpy()
    importance, scores = [], []
    for j, column in enumerate(columns):
        if bool((column == column[0]).all()):
            raise ValueError(f"factor {j} is constant: leave it out")
        y, discrete = column.cpu().numpy(), _is_discrete(column)
        kind = RandomForestClassifier if discrete else RandomForestRegressor
        # All codes are offered at each split: a forest that must do without the right one spreads the importance.
        forest = kind(n_estimators=trees, min_samples_leaf=2, max_features=1.0, random_state=seed)
        forest.fit(x[::2], y[::2])
        score = float(forest.score(x[1::2], y[1::2]))
        if discrete:  # chance is the most frequent class
            chance = float(torch.bincount(column).max()) / len(column)
            score = (score - chance) / (1 - chance) if chance < 1 else 0.0
        scores.append(max(0.0, score))
        importance.append(torch.from_numpy(forest.feature_importances_.copy()))
    table = torch.stack(importance, 1)
    return Dci(*dci_scores(table), sum(scores) / len(scores), table)


def _columns(codes: Tensor, factors: Factors) -> list[Tensor]:
    """The factors one by one, after looking at shapes and values."""
    if codes.ndim != 2 or len(codes) < 2 or codes.shape[1] < 1:
        raise ValueError(f"`codes` has shape {tuple(codes.shape)}: expected (data, codes), two data or more")
    columns = list(factors.T) if isinstance(factors, Tensor) and factors.ndim == 2 else factors
    if isinstance(columns, Tensor) or not columns:
        raise ValueError("`factors` must be a table (data, factors), or a list of columns")
    for j, column in enumerate(columns):
        if column.shape != (len(codes),):
            raise ValueError(f"factor {j} has shape {tuple(column.shape)} but there are {len(codes)} codes")
        if not bool(torch.isfinite(column).all()):
            raise ValueError(f"factor {j} holds NaN or infinity: leave those data out")
    if not bool(torch.isfinite(codes).all()):
        raise ValueError("`codes` holds NaN or infinity: leave those data out")
    return [column.long() - column.long().min() if _is_discrete(column) else column.double() for column in columns]


def _is_discrete(column: Tensor) -> bool:
    return not column.is_floating_point()


def _binned(values: Tensor, bins: int) -> Int[Tensor, " n"]:
    low, high = torch.aminmax(values.double())
    if float(high) == float(low):
        return torch.zeros(len(values), dtype=torch.int64, device=values.device)
    return ((values.double() - low) / (high - low) * bins).long().clamp_max(bins - 1)


def _information(a: Tensor, b: Tensor) -> float:
    joint = contingency(a, b).double() / len(a)
    entropy = torch.special.entr
    return max(0.0, float(entropy(joint.sum(1)).sum() + entropy(joint.sum(0)).sum() - entropy(joint).sum()))


def _squared_correlation(code: Tensor, factor: Tensor) -> Tensor:
    a, b = code - code.mean(), factor - factor.mean()
    spread = (a * a).sum() * (b * b).sum()
    return torch.where(spread > 0, (a * b).sum().square() / spread.clamp_min(torch.finfo(a.dtype).tiny), 0)


def _nearest_mean_accuracy(code: Tensor, classes: Tensor) -> Tensor:
    present = classes.unique()
    means = torch.stack([code[classes == k].mean() for k in present])
    guess = present[(code[:, None] - means).abs().argmin(1)]
    return torch.stack([(guess[classes == k] == k).double().mean() for k in present]).mean()


def _concentration(table: Tensor) -> Tensor:
    """One minus the entropy of each row, in units of the largest possible; 0 for an empty row."""
    share = table / table.sum(1, keepdim=True).clamp_min(torch.finfo(table.dtype).tiny)
    if table.shape[1] == 1:
        return (table.sum(1) > 0).double()
    limit = torch.log(torch.tensor(float(table.shape[1]), dtype=torch.float64))
    return torch.where(table.sum(1) > 0, 1 - torch.special.entr(share).sum(1) / limit, 0)
