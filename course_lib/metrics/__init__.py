"""Measures of what a model has learned; none of them is a loss."""

from course_lib.metrics.likelihood import active_units, importance_log_likelihood

__all__ = ["active_units", "importance_log_likelihood"]
