"""What the tests of the motion readers share."""

import os
from pathlib import Path

import pytest
import torch


def real_root(dataset):
    """The course's data folder, or a skip with the reason."""
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root).expanduser() / dataset).is_dir():
        pytest.skip(f"the real files are not there: set COURSE_DATA to the folder above `{dataset}`")
    return Path(root).expanduser()


def forward(joints, skeleton, up=1.0):
    """Unit vectors to the front of a body, level, from its hips: right of it is from the left to the right hip."""
    right = joints[:, skeleton.index("right_hip")] - joints[:, skeleton.index("left_hip")]
    front = torch.linalg.cross(torch.tensor([0.0, up, 0.0], dtype=joints.dtype).expand_as(right), right)
    return front / front.norm(dim=-1, keepdim=True)


def knees_ahead(joints, skeleton, up=1.0):
    """Fraction of the bent knees (3 cm and more off the line from hip to ankle) that are bent to the front."""
    front = forward(joints, skeleton, up)
    ahead = []
    for side in ("left", "right"):
        hip, knee, ankle = (joints[:, skeleton.index(f"{side}_{name}")] for name in ("hip", "knee", "ankle"))
        bend = knee - (hip + ankle) / 2
        ahead.append(((bend * front).sum(-1) > 0)[bend.norm(dim=-1) > 0.03])
    return [float(side.float().mean()) for side in ahead]
