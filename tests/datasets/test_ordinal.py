"""Ordinal depth: the sign, what is left open, contradictions, and pictures in the order of their numbers."""

import numpy as np
import pytest
import torch

from course_lib.datasets import DataFormatError, load_ordinal, read_mat
from course_lib.datasets.examples.containers import save_mat, shaded
from course_lib.datasets.examples.people import write_ordinal_lsp, write_ordinal_mpii
from course_lib.geometry.skeletons import LSP_14, MPII_16


def rewrite(folder, change, file="ordinal.mat", name="ord"):
    array = read_mat(folder / file, [name])[name]
    save_mat(folder / file, {name: change(array)})


def test_plus_one_means_that_the_first_joint_is_closer(tmp_path):
    people = load_ordinal(write_ordinal_lsp(tmp_path))
    assert people.skeleton == LSP_14
    stored = read_mat(tmp_path / "ordinal.mat", ["ord"])["ord"]
    assert stored[0, 0, 13] == -1  # the file: depth of joint 0 < depth of joint 13
    assert people.order[0, 0, 13] == 1
    assert people.order[0, 13, 0] == -1
    assert people.order[0, 0, 1] == 0  # about as far
    assert torch.equal(people.order.nan_to_num(), -people.order.transpose(1, 2).nan_to_num())


def test_open_pairs_are_nan_and_half_open_ones_are_filled_in(tmp_path):
    order = load_ordinal(write_ordinal_lsp(tmp_path)).order
    assert order[1].isnan().nonzero().tolist() == [[0, 5], [5, 0]]
    assert not order[2].isnan().any()  # the example leaves (3, 9) open and gives (9, 3)
    assert (order[2, 3, 9], order[2, 9, 3]) == (1, -1)


def test_pictures_of_the_mpii_part_are_sorted_by_number(tmp_path):
    people = load_ordinal(write_ordinal_mpii(tmp_path), "mpii")
    assert people.skeleton == MPII_16
    assert people.names == ("9_full.jpg", "10_full.jpg", "12172_full.jpg")
    assert people.order.shape == (3, 16, 16)
    assert torch.equal((people.images[2] * 255).round(), people[2].decoded().images[0].mul(255).round())
    assert float((people.images[2].permute(1, 2, 0) * 255 - torch.from_numpy(shaded(32, 24, seed=2))).abs().mean()) < 8


def contradict(relation):
    relation[1, 2, 9] = 0  # joint 9 is still said to be farther than joint 2
    return relation


def set_to_two(relation):
    relation[1, 2, 9], relation[1, 9, 2] = 2, -2
    return relation


def set_to_infinity(relation):
    relation[1, 2, 9], relation[1, 9, 2] = np.inf, -np.inf
    return relation


def farther_than_itself(relation):
    relation[1, 0, 0] = 1
    return relation


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (contradict, "person 1, right_hip and left_shoulder: 0 one way and 1 the other, expected opposite"),
        (set_to_two, "person 1, right_hip and left_shoulder: 2, expected -1, 0, 1 or NaN"),
        (set_to_infinity, "person 1, right_hip and left_shoulder: inf, expected -1, 0, 1 or NaN"),
        (farther_than_itself, "person 1, right_ankle and right_ankle: 1 one way and 1 the other"),
    ],
)  # fmt: skip
def test_contradictions_are_refused_or_skipped(tmp_path, change, message):
    folder = write_ordinal_lsp(tmp_path)
    rewrite(folder, change)
    with pytest.raises(DataFormatError, match=message):
        load_ordinal(folder)
    people = load_ordinal(folder, on_bad="skip")
    assert people.names == ("im0001.jpg", "im0003.jpg")
    assert len(people.skipped) == 1


def test_joints_that_are_no_places_are_bad_records(tmp_path):
    folder = write_ordinal_lsp(tmp_path)
    rewrite(folder, lambda joints: np.where(np.arange(3) == 2, np.nan, joints), "joints.mat", "joints")
    with pytest.raises(DataFormatError, match="person 2: a joint is no place in a picture"):
        load_ordinal(folder)
    assert len(load_ordinal(folder, on_bad="skip")) == 2


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    folder = write_ordinal_lsp(tmp_path)
    with pytest.raises(DataFormatError, match=r"joints\.mat: `joints` is 3 x 14 x 3, expected 3 x 16 x N"):
        load_ordinal(folder, "mpii")
    (folder / "images" / "im0003.jpg").unlink()
    with pytest.raises(DataFormatError, match=r"images: 2 pictures for 3 people of joints\.mat"):
        load_ordinal(folder)
    assert load_ordinal(folder, images=False).names == ("person 0", "person 1", "person 2")
    rewrite(folder, lambda relation: relation[:2])
    with pytest.raises(DataFormatError, match=r"ordinal\.mat: 2 people, joints\.mat has 3"):
        load_ordinal(folder, images=False)
    (folder / "joints.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"joints\.mat is missing: python -m data_scripts.fetch ordinal"):
        load_ordinal(folder)
    with pytest.raises(ValueError, match=r"`part` \(='coco'\) must be one of lsp, mpii"):
        load_ordinal(folder, "coco")


def test_the_order_is_what_depths_would_give(tmp_path):
    depth = torch.arange(14) // 2  # as the example says: the higher the number, the farther
    people = load_ordinal(write_ordinal_lsp(tmp_path))
    assert torch.equal(people.order[0], (depth[None] - depth[:, None]).sign().float())
