"""Clusters against classes: hand tables, parity with scikit-learn, invariances, bias of a chosen match."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix

from course_lib.metrics import (
    contingency,
    many_to_one_error,
    match_clusters,
    normalized_mutual_information,
    one_to_one_error,
)

quick = settings(max_examples=40, deadline=None, derandomize=True)
ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40)


def columns(rows):
    return (torch.tensor(one) for one in zip(*rows, strict=True))


def test_a_table_by_hand():
    # Clusters 0 and 1 split class 0; cluster 2 merges classes 1 and 2.
    clusters = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 2])
    classes = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
    assert contingency(clusters, classes).tolist() == [[3, 0, 0], [2, 0, 0], [0, 3, 2]]
    assert match_clusters(contingency(clusters, classes), one_to_one=False).tolist() == [0, 0, 1]
    assert one_to_one_error(clusters, classes) == pytest.approx(0.4)
    assert many_to_one_error(clusters, classes) == pytest.approx(0.2)


@given(ROWS)
@quick
def test_parity_with_scikit_learn(rows):
    clusters, classes = columns(rows)
    table = contingency(clusters, classes)
    kept = table[table.sum(1) > 0][:, table.sum(0) > 0]
    assert kept.tolist() == contingency_matrix(clusters.numpy(), classes.numpy()).T.T.tolist()
    ours = normalized_mutual_information(clusters, classes)
    assert ours == pytest.approx(normalized_mutual_info_score(classes.numpy(), clusters.numpy()), abs=1e-9)


@given(ROWS)
@quick
def test_the_match_is_the_best_of_all_and_one_to_one_never_beats_many_to_one(rows):
    clusters, classes = columns(rows)
    table = contingency(clusters, classes, num_clusters=5, num_classes=5)
    best = max(sum(int(table[i, j]) for i, j in enumerate(order)) for order in itertools.permutations(range(5)))
    assert one_to_one_error(clusters, classes) == pytest.approx(1 - best / len(clusters))
    assert many_to_one_error(clusters, classes) <= one_to_one_error(clusters, classes) + 1e-12


@given(ROWS, st.permutations(range(5)))
@quick
def test_the_numbers_of_the_clusters_do_not_matter(rows, order):
    clusters, classes = columns(rows)
    renamed = torch.tensor(order)[clusters]
    assert one_to_one_error(renamed, classes) == pytest.approx(one_to_one_error(clusters, classes))
    assert many_to_one_error(renamed, classes) == pytest.approx(many_to_one_error(clusters, classes))
    assert normalized_mutual_information(renamed, classes) == pytest.approx(
        normalized_mutual_information(clusters, classes), abs=1e-9
    )


def test_perfect_and_constant_clusters():
    classes = torch.arange(10).repeat(7)
    renamed = (classes * 3 + 1) % 10
    assert one_to_one_error(renamed, classes) == 0
    assert many_to_one_error(renamed, classes) == 0
    assert normalized_mutual_information(renamed, classes) == pytest.approx(1)
    constant = torch.zeros_like(classes)
    assert one_to_one_error(constant, classes) == pytest.approx(0.9)
    assert normalized_mutual_information(constant, classes) == 0
    assert normalized_mutual_information(constant, constant) == 1


def test_random_clusters_look_better_than_chance_by_a_bias_that_shrinks_with_n():
    gen = torch.Generator().manual_seed(0)

    def excess(n):
        errors = [one_to_one_error(*torch.randint(10, (2, n), generator=gen)) for _ in range(20)]
        return 0.9 - sum(errors) / 20

    few, many = excess(200), excess(20_000)
    assert few > 0.02
    assert 5 < few / many < 20  # n grew a hundredfold: the bias falls tenfold


def test_left_over_clusters_stand_for_nothing():
    assert match_clusters(torch.tensor([[5, 0], [0, 5], [3, 0]])).tolist() == [0, 1, -1]
    assert match_clusters(torch.tensor([[0, 0], [0, 5]]), one_to_one=False).tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("clusters", "classes", "options", "says"),
    [
        ([0, 1], [0], {}, "give both as"),
        ([], [], {}, "with n > 0"),
        ([-1, 0], [0, 1], {}, "number clusters and classes from 0"),
        ([0, 1], [0, 5], {"num_classes": 5}, "raise it to 6"),
    ],
)
def test_wrong_arguments_are_refused(clusters, classes, options, says):
    import inspect

    with pytest.raises(ValueError, match=says):
        inspect.unwrap(contingency)(
            torch.tensor(clusters, dtype=torch.int64), torch.tensor(classes, dtype=torch.int64), **options
        )
