"""Batch: many runs of lessons, each a papermill execution scheduled by Dask; `python -m course_lib run`."""
