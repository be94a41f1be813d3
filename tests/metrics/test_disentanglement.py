"""MIG, DCI and SAP on codes whose answer is known: the factors themselves, constants, copies, rotations."""

import inspect
import math

import pytest
import torch
from sklearn.metrics import mutual_info_score

from course_lib.metrics import (
    dci,
    dci_scores,
    mutual_information_gap,
    mutual_information_matrix,
    separated_attribute_predictability,
)

N = 3000


def uniform(columns, seed=0):
    return torch.rand(N, columns, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def scores(codes, factors):
    found = dci(codes, factors, trees=10)
    return {
        "mig": mutual_information_gap(codes, factors),
        "sap": separated_attribute_predictability(codes, factors),
        "disentanglement": found.disentanglement,
        "completeness": found.completeness,
        "informativeness": found.informativeness,
    }


def test_the_factors_themselves_score_high():
    factors = uniform(3)
    found = scores(factors[:, [2, 0, 1]], factors)
    assert all(score >= 0.9 for score in found.values()), found


def test_a_monotone_change_of_scale_is_not_entanglement():
    factors = uniform(2)
    found = scores(factors.sinh() * torch.tensor([3.0, -0.1]), factors)
    assert found.pop("mig") >= 0.75  # intervals of equal width do not fall on those of the factors
    assert all(score >= 0.9 for score in found.values()), found


def test_constant_codes_score_low():
    found = scores(torch.zeros(N, 3), uniform(3))
    assert all(score <= 0.05 for score in found.values()), found


def test_a_constant_factor_is_refused():
    for score in (mutual_information_gap, separated_attribute_predictability, dci):
        with pytest.raises(ValueError, match="factor 1 is constant"):
            score(uniform(2), torch.stack([uniform(1)[:, 0], torch.ones(N)], 1))


def test_noise_scores_low():
    found = scores(uniform(3, seed=1), uniform(3))
    assert found["mig"] <= 0.05
    assert found["sap"] <= 0.05
    assert found["informativeness"] <= 0.05


def test_a_duplicated_code_has_no_gap_and_is_not_complete():
    factors = uniform(2)
    found = scores(torch.cat([factors, factors], 1), factors)
    assert found["mig"] <= 0.01
    assert found["sap"] <= 0.01
    assert found["disentanglement"] >= 0.9
    assert found["completeness"] <= 0.7


def test_a_rotated_code_is_informative_but_not_disentangled():
    factors, turn = uniform(2), math.pi / 4
    rotation = torch.tensor([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    found = scores(factors @ rotation, factors)
    assert found["informativeness"] >= 0.9
    assert found["mig"] <= 0.1
    assert found["disentanglement"] <= 0.2


def test_one_code_for_two_factors_is_complete_but_not_disentangled():
    factor = uniform(1)
    found = dci(torch.cat([factor, torch.zeros(N, 1)], 1), torch.cat([factor, factor], 1), trees=10)
    assert found.completeness >= 0.99
    assert found.disentanglement <= 0.01


def test_discrete_factors():
    classes = torch.randint(5, (N,), generator=torch.Generator().manual_seed(3))
    other = uniform(1)
    codes = torch.cat([classes[:, None].float(), other], 1)
    found = scores(codes, [classes, other[:, 0]])
    assert found["disentanglement"] >= 0.9
    assert found["mig"] >= 0.9
    assert found["sap"] >= 0.75  # a random code guesses one class in five
    assert found["informativeness"] >= 0.9


def test_information_agrees_with_scikit_learn():
    codes, factors = uniform(2), uniform(2, seed=4)
    factors = torch.stack([codes[:, 0] + factors[:, 0], factors[:, 1]], 1)
    information, entropies = mutual_information_matrix(codes, factors, bins=7)

    def cut(values):
        edges = torch.linspace(float(values.min()), float(values.max()), 8)[1:-1]
        return torch.bucketize(values.contiguous(), edges, right=True).numpy()

    for i in range(2):
        for j in range(2):
            want = mutual_info_score(cut(codes[:, i]), cut(factors[:, j]))
            assert float(information[i, j]) == pytest.approx(want, rel=1e-3)
    assert float(entropies[0]) == pytest.approx(mutual_info_score(cut(factors[:, 0]), cut(factors[:, 0])), rel=1e-3)


def test_dci_of_tables_by_hand():
    assert dci_scores(torch.eye(3)) == pytest.approx((1.0, 1.0))
    assert dci_scores(torch.ones(3, 3)) == pytest.approx((0.0, 0.0), abs=1e-12)
    # Row 0 serves both factors alike, row 1 is unused: 0 disentanglement, complete columns.
    assert dci_scores(torch.tensor([[1.0, 1.0], [0.0, 0.0]])) == pytest.approx((0.0, 1.0), abs=1e-12)
    # A row's weight is its share: (2 / 3) * 1 + (1 / 3) * 0.
    table = torch.tensor([[2.0, 0.0], [0.5, 0.5]])
    assert dci_scores(table)[0] == pytest.approx(2 / 3)
    assert dci_scores(torch.zeros(2, 2)) == (0.0, 0.0)


BAD = uniform(2)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mutual_information_gap(BAD[:, :1], BAD), "two codes"),
        (lambda: mutual_information_gap(BAD, torch.zeros(N, 1)), "factor 0 is constant"),
        (lambda: mutual_information_gap(BAD, BAD[:5]), "factor 0 has shape"),
        (lambda: mutual_information_gap(BAD, BAD, bins=1), "bins"),
        (lambda: separated_attribute_predictability(BAD, torch.zeros(N, 1)), "constant"),
        (lambda: separated_attribute_predictability(BAD * math.nan, BAD), "NaN"),
        (lambda: separated_attribute_predictability(BAD, BAD / 0), "factor 0 holds NaN"),
        (lambda: dci(BAD[:4], BAD[:4]), "eight or more"),
        (lambda: dci(BAD, []), "list of columns"),
        (lambda: inspect.unwrap(dci_scores)(-torch.ones(2, 2)), "negative"),
    ],
)
def test_wrong_arguments_are_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
