"""Measures of what a model has learned; none of them is a loss."""

from course_lib.metrics.likelihood import active_units, importance_log_likelihood
from course_lib.metrics.regression import explained_variance

__all__ = ["active_units", "explained_variance", "importance_log_likelihood"]
