"""Measures of what a model has learned; none of them is a loss."""

from course_lib.metrics.clustering import (
    contingency,
    many_to_one_error,
    match_clusters,
    normalized_mutual_information,
    one_to_one_error,
)
from course_lib.metrics.disentanglement import (
    Dci,
    dci,
    dci_scores,
    mutual_information_gap,
    mutual_information_matrix,
    separated_attribute_predictability,
)
from course_lib.metrics.likelihood import active_units, importance_log_likelihood
from course_lib.metrics.regression import explained_variance

__all__ = [
    "Dci",
    "active_units",
    "contingency",
    "dci",
    "dci_scores",
    "explained_variance",
    "importance_log_likelihood",
    "many_to_one_error",
    "match_clusters",
    "mutual_information_gap",
    "mutual_information_matrix",
    "normalized_mutual_information",
    "one_to_one_error",
    "separated_attribute_predictability",
]
