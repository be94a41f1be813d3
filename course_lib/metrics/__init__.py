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
from course_lib.metrics.pose import (
    AUC_THRESHOLDS,
    auc_3d,
    joint_errors,
    mirror_rate,
    mirrored,
    mpjpe,
    ordinal_accuracy,
    pck_3d,
    procrustes_mpjpe,
    tie_recall,
)
from course_lib.metrics.regression import explained_variance

__all__ = [
    "AUC_THRESHOLDS",
    "Dci",
    "active_units",
    "auc_3d",
    "contingency",
    "dci",
    "dci_scores",
    "explained_variance",
    "importance_log_likelihood",
    "joint_errors",
    "many_to_one_error",
    "match_clusters",
    "mirror_rate",
    "mirrored",
    "mpjpe",
    "mutual_information_gap",
    "mutual_information_matrix",
    "normalized_mutual_information",
    "one_to_one_error",
    "ordinal_accuracy",
    "pck_3d",
    "procrustes_mpjpe",
    "separated_attribute_predictability",
    "tie_recall",
]
