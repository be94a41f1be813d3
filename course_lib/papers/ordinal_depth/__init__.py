"""Ordinal depth supervision for 3D human pose (Pavlakos, Zhou, Daniilidis 2018): networks, losses, reconstruction."""

from course_lib.papers.ordinal_depth.config import FORMS, PROFILES, SMALL, OrdinalConfig
from course_lib.papers.ordinal_depth.model import PoseNet, PoseOutput, cells_to_crop, crop_to_cells
from course_lib.papers.ordinal_depth.objective import PoseBatch, pose_losses
from course_lib.papers.ordinal_depth.reconstruction import (
    ReconstructionNet,
    reconstruction_loss,
    reconstruction_optimizer,
    reconstruction_step,
)
from course_lib.papers.ordinal_depth.reconstruction_config import PROFILES as RECONSTRUCTION_PROFILES
from course_lib.papers.ordinal_depth.reconstruction_config import Augment, ReconstructionConfig
from course_lib.papers.ordinal_depth.reconstruction_data import Views, reconstruction_batches, seen_from, upright_poses
from course_lib.papers.ordinal_depth.reconstruction_inputs import (
    depth_of_bins,
    metres_of_bins,
    network_inputs,
    normalise_points,
    pose_to_vector,
    vector_to_pose,
)
from course_lib.papers.ordinal_depth.reconstructor import Reconstructor, reconstruction_schedule, train_reconstructor
from course_lib.papers.ordinal_depth.step import augment, mirror, pose_optimizer, pose_step, set_rate, turn_and_scale

__all__ = [
    "FORMS",
    "PROFILES",
    "RECONSTRUCTION_PROFILES",
    "SMALL",
    "Augment",
    "OrdinalConfig",
    "PoseBatch",
    "PoseNet",
    "PoseOutput",
    "ReconstructionConfig",
    "ReconstructionNet",
    "Reconstructor",
    "Views",
    "augment",
    "cells_to_crop",
    "crop_to_cells",
    "depth_of_bins",
    "metres_of_bins",
    "mirror",
    "network_inputs",
    "normalise_points",
    "pose_losses",
    "pose_optimizer",
    "pose_step",
    "pose_to_vector",
    "reconstruction_batches",
    "reconstruction_loss",
    "reconstruction_optimizer",
    "reconstruction_schedule",
    "reconstruction_step",
    "seen_from",
    "set_rate",
    "train_reconstructor",
    "turn_and_scale",
    "upright_poses",
    "vector_to_pose",
]
