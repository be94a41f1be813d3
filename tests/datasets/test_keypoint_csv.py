"""Key points, names, pairs and lists of Market-1501 and DeepFashion."""

import re

import pytest
import torch

from course_lib.datasets import (
    DataFormatError,
    load_deepfashion,
    load_market,
    parse_deepfashion_name,
    parse_market_name,
    read_image_list,
    read_keypoint_csv,
    read_pairs_csv,
)
from course_lib.datasets.examples.people import CROPS, write_deepfashion, write_market
from course_lib.experiments import data_root
from course_lib.geometry.skeletons import OPENPOSE_18

HEADER = "name:keypoints_y:keypoints_x\n"
YS, XS = list(range(18)), list(range(100, 118))


def write(folder, text):
    path = folder / "annotation.csv"
    path.write_text(text)
    return path


def real(dataset):
    folder = data_root(dataset)
    if folder is None:
        pytest.skip(f"the real files of {dataset} are not there: set COURSE_DATA to the folder above `{dataset}`")
    return folder


def test_y_comes_first_in_the_file_and_last_in_the_points(tmp_path):
    people = read_keypoint_csv(write(tmp_path, f"{HEADER}a.jpg: {YS}: {XS}\n"))
    assert people.skeleton == OPENPOSE_18
    assert people.names == ("a.jpg",)
    assert people.points[0].tolist() == [[x, y] for x, y in zip(XS, YS, strict=True)]
    assert people.visible.all()


def test_minus_one_is_missing(tmp_path):
    row = f"a.jpg: {[-1, *YS[1:]]}: {[-1, *XS[1:]]}\n"
    people = read_keypoint_csv(write(tmp_path, f"{HEADER}{row}\n"))
    assert people.points[0, 0].isnan().all()
    assert people.visible.sum() == 17
    assert read_keypoint_csv(write(tmp_path, HEADER)).points.shape == (0, 18, 2)


BAD = {
    "x missing where y is not": (f"a.jpg: {YS}: {[-1, *XS[1:]]}", r"nose at \(x -1, y 0\): both must be -1"),
    "below zero": (f"a.jpg: {[-7, *YS[1:]]}: {[-7, *XS[1:]]}", r"nose at \(x -7, y -7\): both must be -1"),
    "seventeen": (f"a.jpg: {YS[1:]}: {XS}", "y is 17 numbers, expected 18 numbers"),
    "a word": (f"a.jpg: {YS}: {XS}".replace("117", "nan"), r"x is ' nan', expected 18 numbers"),
    "a fraction": (f"a.jpg: {YS}: {XS}".replace("117", "1.5"), r"x is ' 1.5'"),
    "foreign digits": (f"a.jpg: {YS}: {XS}".replace("117", "١٢"), "expected 18 numbers"),
    "a huge number": (f"a.jpg: {YS}: {XS}".replace("117", "9" * 30), "expected 18 numbers"),
    "no x": (f"a.jpg: {YS}", r"expected  name: \[18 y\]: \[18 x\]"),
    "a folder in the name": (f"../a.jpg: {YS}: {XS}", r"'\.\./a\.jpg' is no name of a picture"),
    "a hidden file": (f".a.jpg: {YS}: {XS}", "is no name of a picture"),
    "twice": (f"good.jpg: {YS}: {XS}", r"good\.jpg has a row already, in line 2"),
    "outside": (f"a.jpg: {YS}: {[*XS[:-1], 300]}", r"left_ear at \(x 300, y 17\) lies outside 300 x 200 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_lines_are_refused_or_skipped(tmp_path, name):
    line, message = BAD[name]
    path = write(tmp_path, f"{HEADER}good.jpg: {YS}: {XS}\n{line}\nlast.jpg: {YS}: {XS}\n")
    with pytest.raises(DataFormatError, match=f"{re.escape(str(path))}, line 3: .*{message}"):
        read_keypoint_csv(path, size=(200, 300))
    people = read_keypoint_csv(path, size=(200, 300), on_bad="skip")
    assert people.names == ("good.jpg", "last.jpg")
    assert len(people.skipped) == 1


def test_another_header_is_refused(tmp_path):
    for text in ("", "name:keypoints_x:keypoints_y\n", f"a.jpg: {YS}: {XS}\n"):
        with pytest.raises(
            DataFormatError, match=r"line 1: .* expected the header 'name:keypoints_y:keypoints_x'; fetch"
        ):
            read_keypoint_csv(write(tmp_path, text), remedy="fetch it again")


def test_market_names_say_who_where_and_when():
    assert parse_market_name("0002_c1s1_000451_03.jpg") == (2, 1, 1, 451, 3)
    assert parse_market_name("1488_c3s3_071344_02.jpg.jpg").frame == 71344  # the set has one such name
    assert parse_market_name("-1_c3s2_000101_00.jpg").identity == -1
    assert parse_market_name("0000_c6s3_012345_02.jpg").identity == 0
    for name in (
        "0002_c7s1_000451_03.jpg",
        "2_c1s1_000451_03.jpg",
        "0002_c1s1_000451_03.png",
        "1502_c1s1_000451_03.jpg",
    ):
        with pytest.raises(ValueError, match=r"`name` \(='.*'\) is not like 0002_c1s1_000451_03.jpg"):
            parse_market_name(name)


def test_a_folder_of_market_crops(tmp_path):
    crops = load_market(write_market(tmp_path))
    assert crops.names == tuple(sorted(CROPS))
    assert crops.identities.tolist() == [-1, 0, 2, 2]
    assert crops.cameras.tolist() == [3, 6, 1, 2]
    assert crops.frames.tolist() == [[2, 101], [3, 12345], [1, 451], [1, 801]]
    assert crops.annotated.tolist() == [False, False, True, True]
    assert crops.points[2, OPENPOSE_18.index("neck")].tolist() == [32, 40]
    assert crops.points[:2].isnan().all()
    assert crops.visible.sum(1).tolist() == [0, 0, 16, 18]
    assert crops.images.stack().shape == (4, 3, 128, 64)
    assert len(load_market(tmp_path, keypoints=None)) == 4
    pairs, skipped = read_pairs_csv(tmp_path / "market-pairs-train.csv", crops.names)
    assert pairs.tolist() == [[2, 3]]
    assert skipped == ()


def test_bad_names_rows_and_crops_of_market(tmp_path):
    folder = write_market(tmp_path)
    (folder / "bounding_box_train" / "Thumbs.db").write_bytes(b"")
    (folder / "bounding_box_train" / "person.jpg").write_bytes(b"")
    with pytest.raises(DataFormatError, match=r"bounding_box_train, person\.jpg: .* is not like"):
        load_market(folder)
    crops = load_market(folder, on_bad="skip")
    assert len(crops) == 4
    assert len(crops.skipped) == 1
    (folder / "bounding_box_train" / "0002_c1s1_000451_03.jpg").write_bytes(b"<html>")
    with pytest.raises(DataFormatError, match=r"0002_c1s1_000451_03\.jpg: this is a web page"):
        crops.images[2]
    (folder / "market-annotation-train.csv").write_text(f"{HEADER}0009_c1s1_000451_03.jpg: {YS}: {YS}\n")
    with pytest.raises(DataFormatError, match="no row for any of the 4 crops"):
        load_market(folder, on_bad="skip")
    with pytest.raises(FileNotFoundError, match=r"test\.csv is missing \(pass keypoints=None to do without\)"):
        load_market(folder, keypoints="market-annotation-test.csv")
    with pytest.raises(FileNotFoundError, match=r"holds no query.*data_scripts.fetch market1501"):
        load_market(folder, "query")


def test_deepfashion_names_with_and_without_the_h():
    name = parse_deepfashion_name("fasionWOMENDressesid0000553705_4full.jpg")
    assert name == ("WOMEN", "Dresses", 5537, 5, "full")
    assert parse_deepfashion_name("fashionMENShirts_Polosid0000180202_1front.jpg").category == "Shirts_Polos"
    with pytest.raises(ValueError, match="is not like fasionWOMENDresses"):
        parse_deepfashion_name("WOMEN/Dresses/id_00005537/05_4_full.jpg")


def test_a_folder_of_deepfashion(tmp_path):
    people = load_deepfashion(write_deepfashion(tmp_path))
    assert people.points[0, 0].tolist() == [129, 24]
    assert people.visible.sum(1).tolist() == [17, 17]
    assert people.decoded().images.shape == (2, 3, 256, 256)
    (tmp_path / "test" / people.names[0]).unlink()
    with pytest.raises(DataFormatError, match=r"row 0: picture .* is missing"):
        load_deepfashion(tmp_path)
    assert len(load_deepfashion(tmp_path, on_bad="skip")) == 1
    assert len(load_deepfashion(tmp_path, folder=None)) == 2
    with pytest.raises(FileNotFoundError, match=r"train is missing \(pass folder=None to do without\)"):
        load_deepfashion(tmp_path, folder="train")


def test_bad_pairs_and_lists(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("from,to\na.jpg,b.jpg\na.jpg\na.jpg,c.jpg\n")
    with pytest.raises(DataFormatError, match="line 3: 1 names, expected 2"):
        read_pairs_csv(path, ["a.jpg", "b.jpg"])
    pairs, skipped = read_pairs_csv(path, ["a.jpg", "b.jpg"], on_bad="skip")
    assert pairs.tolist() == [[0, 1]]
    assert "line 4: 'c.jpg' is not among the 2 pictures" in skipped[1]
    path.write_text("a.jpg,b.jpg\n")
    with pytest.raises(DataFormatError, match=r"line 1: 'a\.jpg,b.jpg', expected 'from,to'"):
        read_pairs_csv(path, [])
    path.write_text("a.jpg\n\nb.jpg\n")
    assert read_image_list(path) == ("a.jpg", "b.jpg")
    for text, message in (("a.jpg\na.jpg\n", "line 2: a.jpg stands in line 1 already"), ("a/b.jpg\n", "is no name of")):
        path.write_text(text)
        with pytest.raises(DataFormatError, match=message):
            read_image_list(path)


def test_the_real_market():
    root = real("market1501")
    crops = load_market(root, "images")
    assert len(crops) == 41
    assert int(crops.annotated.sum()) == 18
    row = crops.names.index("0002_c2s1_000351_01.jpg")
    assert crops.points[row, OPENPOSE_18.index("neck")].tolist() == [32, 28]
    assert crops.images.stack().shape == (41, 3, 128, 64)
    people = read_keypoint_csv(root / "market-annotation-train.csv", size=(128, 64))
    assert len(people) == 12_936
    assert all(1 <= parse_market_name(name).identity <= 1501 for name in people.names)
    # The right eye comes before the left: of those who show both shoulders and eyes nearly all face with both.
    eyes = people.points[:, OPENPOSE_18.index("left_eye"), 0] - people.points[:, OPENPOSE_18.index("right_eye"), 0]
    shoulders = people.points[:, OPENPOSE_18.index("left_shoulder"), 0] - people.points[:, 2, 0]
    both = eyes.isfinite() & shoulders.isfinite()
    assert float((eyes.sign() == shoulders.sign())[both].float().mean()) > 0.98


def test_the_real_pairs_of_market_show_one_person_in_two_crops():
    lines = (real("market1501") / "market-pairs-test.csv.gz", real("deepfashion") / "fasion-pairs-test.csv")
    names = read_names(lines[0])
    pairs, skipped = read_pairs_csv(lines[0], names)
    assert len(pairs) == 12_000
    assert not skipped
    people = torch.tensor([parse_market_name(name).identity for name in names])
    assert torch.equal(people[pairs[:, 0]], people[pairs[:, 1]])
    assert (pairs[:, 0] != pairs[:, 1]).all()


def read_names(path):
    import gzip

    return sorted({name for line in gzip.open(path, "rt").read().splitlines()[1:] for name in line.split(",")})


def test_the_real_deepfashion():
    root = real("deepfashion")
    people = load_deepfashion(root, folder=None)
    assert len(people) == 4061
    pairs, skipped = read_pairs_csv(root / "fasion-pairs-test.csv", people.names)
    assert len(pairs) == 8670
    assert not skipped
    items = [parse_deepfashion_name(name).item for name in people.names]
    assert all(items[a] == items[b] for a, b in pairs.tolist())
    for name, count in (("train.lst.gz", 48_674), ("test.lst", 4038)):
        names = read_image_list(root / name)
        assert len(names) == count
        assert all(parse_deepfashion_name(name) for name in names)
