"""LSP, LSP extended and MPII: layouts told apart, units and flags, and the facts of the real files."""

import numpy as np
import pytest
import torch

from course_lib.datasets import DataFormatError, load_lsp, load_lsp_extended, load_mpii, read_hdf5, read_mat
from course_lib.datasets.examples.containers import save_hdf5, save_mat
from course_lib.datasets.examples.people import MPII_ROWS, STANDING, write_lsp, write_lsp_extended, write_mpii
from course_lib.experiments import data_root
from course_lib.geometry.skeletons import LSP_14, MPII_16


def real(dataset):
    folder = data_root(dataset)
    if folder is None:
        pytest.skip(f"the real files of {dataset} are not there: set COURSE_DATA to the folder above `{dataset}`")
    return folder


def rewrite(path, name, change):
    """Write one array of a MATLAB file anew."""
    array = read_mat(path, [name])[name]
    change(array)
    save_mat(path, {name: array})


def test_lsp_marks_what_is_occluded(tmp_path):
    people = load_lsp(write_lsp(tmp_path))
    assert people.skeleton == LSP_14
    assert people.names == ("im0001.jpg", "im0002.jpg", "im0003.jpg")
    assert torch.equal(people.points[0], torch.from_numpy(STANDING[:14]).float())
    assert people.points.isfinite().all()  # an occluded joint is marked all the same
    assert people.visible.sum(1).tolist() == [14, 13, 14]
    assert not people.visible[1, LSP_14.index("right_wrist")]
    assert people.images[2].shape == (3, 32, 24)


def test_lsp_extended_marks_what_is_visible(tmp_path):
    people = load_lsp_extended(write_lsp_extended(tmp_path))
    assert torch.equal(people.points[0], torch.from_numpy(STANDING[:14]).float())
    hidden = ~people.visible
    assert hidden.nonzero().tolist() == [[1, 6]]
    assert people.points[hidden].isnan().all()
    assert people.points[~hidden].isfinite().all()


def test_the_persons_right_is_on_the_left_of_a_frontal_picture(tmp_path):
    points = load_lsp(write_lsp(tmp_path)).points
    for joint in ("hip", "knee", "shoulder", "wrist"):
        assert (points[:, LSP_14.index(f"right_{joint}"), 0] < points[:, LSP_14.index(f"left_{joint}"), 0]).all()


def test_neither_reader_takes_the_others_file(tmp_path):
    for name, write in (("lsp", write_lsp), ("lspet", write_lsp_extended)):
        (tmp_path / name).mkdir()
        write(tmp_path / name)
    with pytest.raises(DataFormatError, match="`joints` is 3 x 14 x N: this is LSP itself, use load_lsp"):
        load_lsp_extended(tmp_path / "lsp")
    with pytest.raises(DataFormatError, match="14 x 3 x N: this is LSP extended, use load_lsp_extended"):
        load_lsp(tmp_path / "lspet")
    assert len(load_lsp(tmp_path)) == len(load_lsp_extended(tmp_path)) == 3  # both lie below one folder


def test_a_flag_of_two_and_a_nan_are_bad_records(tmp_path):
    folder = write_lsp(tmp_path)

    def change(joints):
        joints[2, 3, 0] = 2
        joints[0, 5, 2] = np.nan

    rewrite(folder / "joints.mat", "joints", change)
    with pytest.raises(DataFormatError, match=r'person 0, left_hip: \(14, 17\) with flag 2, .*on_bad="skip"'):
        load_lsp(folder)
    people = load_lsp(folder, on_bad="skip")
    assert people.names == ("im0002.jpg",)
    assert "person 2, left_ankle: (nan, 29)" in people.skipped[1]
    assert people.images[0].shape == (3, 32, 24)


def test_pictures_and_people_must_be_as_many(tmp_path):
    folder = write_lsp(tmp_path)
    (folder / "images" / "im0002.jpg").unlink()
    with pytest.raises(DataFormatError, match=r"2 pictures for the 3 people of joints\.mat"):
        load_lsp(folder)
    assert load_lsp(folder, images=False).names == ("person 0", "person 1", "person 2")


def test_a_gap_in_the_pictures_is_refused(tmp_path):
    folder = write_lsp(tmp_path)
    (folder / "images" / "im0002.jpg").rename(folder / "images" / "im0007.jpg")
    with pytest.raises(DataFormatError, match=r"im0003\.jpg: found where im0002\.jpg should be"):
        load_lsp(folder)


def test_a_single_person_is_read(tmp_path):
    save_mat(tmp_path / "joints.mat", {"joints": np.ones((3, 14))})  # MATLAB drops the last axis
    assert load_lsp(tmp_path, images=False).points.shape == (1, 14, 2)


@pytest.mark.parametrize("shape", [(3, 15, 2), (14, 4, 2), (14, 2), (2, 2, 2, 2)])
def test_other_shapes_are_refused(tmp_path, shape):
    save_mat(tmp_path / "joints.mat", {"joints": np.ones(shape)})
    for load in (load_lsp, load_lsp_extended):
        with pytest.raises(DataFormatError, match=r"joints\.mat: `joints` is .*data_scripts\.fetch lsp"):
            load(tmp_path, images=False)


@pytest.mark.parametrize(
    ("load", "name"), [(load_lsp, "lsp"), (load_lsp_extended, "lspet"), (load_mpii, "mpii")]
)  # fmt: skip
def test_missing_files_say_how_to_get_them(tmp_path, load, name):
    with pytest.raises(FileNotFoundError, match=rf"`root` \(=.*data_scripts.fetch {name}  says how to obtain it"):
        load(tmp_path)


def test_mpii_places_start_at_zero_and_missing_joints_are_nan(tmp_path):
    people = load_mpii(write_mpii(tmp_path))
    assert people.skeleton == MPII_16
    assert torch.equal(people.points[0], torch.from_numpy(STANDING[MPII_ROWS]).float())
    assert torch.equal(people.centers[0], people.points[0, MPII_16.index("pelvis")])
    assert people.points[1, 0].isnan().all()
    assert people.visible.sum(1).tolist() == [16, 15, 16]
    assert people.persons.tolist() == [0, 0, 1]
    assert people.names[1] == people.names[2] == "000000002.jpg"
    assert torch.equal(people.images[1], people.images[2])
    assert people[1:].head_sizes.tolist() == [3.75, 3.75]
    assert float(people.scales[0]) == pytest.approx(0.14)


def change_mpii(folder, **changes):
    path = folder / "annot" / "valid.h5"
    names = ("center", "imgname", "index", "normalize", "part", "person", "scale", "torsoangle", "visible")
    arrays = read_hdf5(path, names)
    for name, (row, value) in changes.items():
        arrays[name][row] = value
    save_hdf5(path, arrays)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"part": (1, np.nan)}, "row 1: 'part' holds a number that is no place"),
        ({"center": (1, np.inf)}, "row 1: 'center' holds"),
        ({"scale": (1, 0.0)}, "row 1: scale 0, head 3.75: both must be above 0"),
        ({"normalize": (1, -1.0)}, "row 1: scale 0.14, head -1"),
        ({"visible": (1, 2.0)}, "row 1: 'visible' holds a number other than 0 and 1"),
        ({"person": (1, 0.5)}, "row 1: person 0.5 is no whole number"),
    ],
)
def test_bad_rows_of_mpii_are_refused_or_skipped(tmp_path, changes, message):
    folder = write_mpii(tmp_path)
    change_mpii(folder, **changes)
    with pytest.raises(DataFormatError, match=message):
        load_mpii(folder)
    people = load_mpii(folder, on_bad="skip")
    assert people.persons.tolist() == [0, 1]
    assert len(people.skipped) == 1


def test_names_of_mpii_must_agree_with_the_list_and_stay_in_their_folder(tmp_path):
    folder = write_mpii(tmp_path)
    listed = folder / "annot" / "valid_images.txt"
    listed.write_text(listed.read_text().replace("000000002", "000000003", 1))
    with pytest.raises(DataFormatError, match=r"valid_images\.txt, line 2: the names differ"):
        load_mpii(folder)
    listed.unlink()
    change_mpii(folder, imgname=(0, b"../secret.jpg"))
    with pytest.raises(DataFormatError, match=r"row 0 of 'imgname': '\.\./secret\.jpg' is no name of a picture"):
        load_mpii(folder)


def test_missing_pictures_of_mpii_are_bad_records(tmp_path):
    folder = write_mpii(tmp_path)
    (folder / "images" / "000000001.jpg").unlink()
    with pytest.raises(DataFormatError, match=r"000000001.jpg is missing \(images=False does without\)"):
        load_mpii(folder)
    assert load_mpii(folder, on_bad="skip").persons.tolist() == [0, 1]
    assert load_mpii(folder, images=False).images is None


def test_the_real_lsp_extended():
    people = load_lsp_extended(real("lspet"))
    assert len(people) == 300
    assert round(float(people.visible.float().mean()), 3) == 0.869
    assert people.points[0, LSP_14.index("neck")].tolist() == pytest.approx([96.9, 56.6], abs=0.05)
    assert people.images[0].shape == (3, 105, 157)
    sizes = torch.tensor([people.images[row].shape[:0:-1] for row in range(len(people))])
    inside = ((people.points >= -0.5) & (people.points < sizes[:, None] - 0.5)).all(-1)
    assert int(people.visible.sum()) == 3649
    assert int(inside.sum()) == 3648


def test_the_real_mpii():
    people = load_mpii(real("mpii"), images=False)
    assert len(people) == 2958
    assert people.names[0] == "005808361.jpg"
    assert (people.points[0, 6:10] + 1).tolist() == [[974, 446], [985, 253], [982, 235], [962, 80]]
    # The head size is 0.6 of the diagonal of the head's box: three quarters of neck to head top for most people.
    head = (people.points[:, MPII_16.index("head_top")] - people.points[:, MPII_16.index("upper_neck")]).norm(dim=-1)
    ratio = people.head_sizes / head
    assert float(ratio.nanmedian()) == pytest.approx(0.75, abs=0.005)
    assert float((people.points.isnan().any(-1)).float().mean()) == pytest.approx(0.0652, abs=1e-4)
    assert people.visible.sum() == 33_997
