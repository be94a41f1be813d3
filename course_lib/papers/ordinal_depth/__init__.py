"""Ordinal depth supervision for 3D human pose (Pavlakos, Zhou, Daniilidis 2018): networks, losses, reconstruction."""

from course_lib.papers.ordinal_depth.config import SMALL, OrdinalConfig
from course_lib.papers.ordinal_depth.model import PoseNet, PoseOutput, cells_to_crop, crop_to_cells
from course_lib.papers.ordinal_depth.objective import PoseBatch, pose_losses
from course_lib.papers.ordinal_depth.step import augment, mirror, pose_optimizer, pose_step, set_rate, turn_and_scale

__all__ = [
    "SMALL",
    "OrdinalConfig",
    "PoseBatch",
    "PoseNet",
    "PoseOutput",
    "augment",
    "cells_to_crop",
    "crop_to_cells",
    "mirror",
    "pose_losses",
    "pose_optimizer",
    "pose_step",
    "set_rate",
    "turn_and_scale",
]
