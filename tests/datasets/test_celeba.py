"""CelebA from its lists and pictures: small sets in the exact format, damaged ones, and the real files."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest
import torch

from course_lib.datasets import CELEBA_ATTRIBUTES, DataFormatError, decode_image, load_celeba
from course_lib.datasets.examples.faces import write_celeba, write_celeba_folder

LIST, IDENTITY, PARTITION = "list_attr_celeba.txt", "identity_CelebA.txt", "list_eval_partition.txt"


@pytest.fixture
def folder(tmp_path):
    return write_celeba(tmp_path)


def edit(path, old, new, count=1):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, count))


def test_faces_attributes_people_and_parts(folder):
    faces = load_celeba(folder)
    assert len(faces) == 5
    assert faces.names == tuple(f"{number:06d}.jpg" for number in range(1, 6))
    assert faces.attributes.shape == (5, 40)
    assert faces.attributes.dtype == torch.bool
    # The writer sets attribute c of row r unless 3 divides r + c.
    assert faces.attribute("Big_Nose").tolist() == [(row + 7) % 3 != 0 for row in range(5)]
    assert faces.identities.tolist() == [2880, 2881, 2882, 2883, 2884]
    assert faces.splits.tolist() == [0, 1, 2, 0, 1]
    assert faces.split("valid").names == ("000002.jpg", "000005.jpg")
    assert faces.images[0].shape == (3, 109, 89)
    with zipfile.ZipFile(folder / "img_align_celeba.zip") as archive:
        for row in range(5):
            raw = archive.read(f"img_align_celeba/{faces.names[row]}")
            assert faces.images[row].equal(decode_image(raw))
    big = faces[faces.attribute("Big_Nose")]
    assert len(big) == int(faces.attribute("Big_Nose").sum())
    assert big.decoded().images.shape == (len(big), 3, 109, 89)


def test_the_usual_folders_are_found(folder, tmp_path_factory):
    above = tmp_path_factory.mktemp("root")
    shutil.copytree(folder, above / "celeba")
    assert load_celeba(above).names == load_celeba(str(folder)).names


def test_pictures_in_a_folder_at_full_size(tmp_path):
    faces = load_celeba(write_celeba_folder(tmp_path))
    assert faces.images[4].shape == (3, 218, 178)
    assert faces.splits is None
    with pytest.raises(ValueError, match=r"without list_eval_partition.txt"):
        faces.split("train")


def test_attributes_are_in_our_order_whatever_the_order_of_the_file(folder):
    known = load_celeba(folder).attributes
    lines = (folder / LIST).read_text().splitlines()
    turned = [lines[0], " ".join(reversed(lines[1].split()))]
    for line in lines[2:]:
        name, *values = line.split()
        turned.append(" ".join([name, *reversed(values)]))
    (folder / LIST).write_text("\n".join(turned))
    assert load_celeba(folder).attributes.equal(known)


def test_without_pictures_or_people(folder):
    (folder / IDENTITY).unlink()
    (folder / "img_align_celeba.zip").unlink()
    faces = load_celeba(folder, images=None, identities=False)
    assert faces.images is None
    assert faces.identities is None
    with pytest.raises(FileNotFoundError, match=r"identity_CelebA.txt is missing \(pass identities=False"):
        load_celeba(folder, images=None)
    with pytest.raises(FileNotFoundError, match=r"img_align_celeba.zip.*\(pass images=None.*data_scripts.fetch celeba"):
        load_celeba(folder, identities=False)
    with pytest.raises(FileNotFoundError, match=r"list_attr_celeba.txt"):
        load_celeba(folder / "nowhere")


BAD = {
    "too few rows": (LIST, "5\n", "6\n", "5 rows, line 1 says 6: cut off"),
    "no count": (LIST, "5\n", "many\n", "line 1: 'many', expected the number of faces"),
    "an unknown attribute": (LIST, "Big_Nose", "Nose_Job", r"line 2: 40 names \(Nose_Job\)"),
    "an attribute too few": (LIST, "Big_Nose ", "", r"line 2: 39 names \(some come twice or are missing\)"),
    "half a row": (LIST, "000003.jpg 1", "000003.jpg", "line 5: 39 values, expected 40 of -1 or 1"),
    "another value": (LIST, "000003.jpg 1", "000003.jpg 0", "line 5: 40 values, expected 40 of -1 or 1"),
    "a row twice": (LIST, "000004.jpg", "000003.jpg", "line 6: '000003.jpg', expected a new name"),
    "a name outside": (LIST, "000004.jpg", "../../a.jpg", "line 6: '../../a.jpg', expected a new name"),
    "people of another set": (IDENTITY, "000002.jpg", "000020.jpg", f"000020.jpg: no such face in {LIST}"),
    "a person too many": (IDENTITY, "2882", "10178", "line 3: '10178', expected a number from 1 to 10177"),
    "no number": (IDENTITY, "2882", "two", "line 3: 'two', expected a number"),
    "a person missing": (IDENTITY, "000005.jpg 2884\n", "", f"000005.jpg: missing, but {LIST} has it"),
    "a fourth part": (PARTITION, "000003.jpg 2", "000003.jpg 3", "line 3: '3', expected a number from 0 to 2"),
    "a web page": (LIST, "5\n", "<!doctype html>\n", "this is a web page"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_lists_are_refused(folder, name):
    file, old, new, message = BAD[name]
    edit(folder / file, old, new)
    with pytest.raises(DataFormatError, match=message) as caught:
        load_celeba(folder)
    assert str(folder / file) in str(caught.value)


def test_bad_records_can_be_skipped_and_are_told(folder):
    edit(folder / LIST, "000003.jpg 1", "000003.jpg 0")
    edit(folder / IDENTITY, "000005.jpg", "000009.jpg")
    faces = load_celeba(folder, on_bad="skip")
    assert faces.names == ("000001.jpg", "000002.jpg", "000004.jpg")
    assert faces.identities.tolist() == [2880, 2881, 2883]
    told = "\n".join(faces.skipped)
    for part in ("line 5: 40 values", "000009.jpg: no such face", "000005.jpg: missing"):
        assert part in told


def test_pictures_that_are_missing_are_refused_or_left_out_on_request(folder):
    with zipfile.ZipFile(folder / "img_align_celeba.zip") as archive:
        first = archive.read("img_align_celeba/000001.jpg")
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        archive.writestr("img_align_celeba/000002.jpg", first)
    with pytest.raises(DataFormatError, match=r"000001.jpg: missing, but .* has it \(partial=True takes"):
        load_celeba(folder)
    assert load_celeba(folder, partial=True).names == ("000002.jpg",)


def put(folder, name, content):
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "a") as archive:
        archive.writestr(name, content)


def test_strange_entries_are_refused(folder):
    put(folder, "../000006.jpg", b"")
    with pytest.raises(DataFormatError, match="leads outside"):
        load_celeba(folder)


def test_other_files_in_the_zip_are_refused(folder):
    put(folder, "img_align_celeba/readme.txt", b"")
    with pytest.raises(DataFormatError, match=r"readme.txt'.*expected new names like 000001.jpg"):
        load_celeba(folder)


def test_a_picture_that_does_not_decode_is_refused_when_it_is_read(tmp_path):
    folder = write_celeba_folder(tmp_path)
    broken = folder / "img_align_celeba" / "000004.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    faces = load_celeba(folder)
    with pytest.raises(DataFormatError, match=r"000004.jpg: 300 bytes that do not decode"):
        faces.images[3]
    with pytest.raises(DataFormatError, match=r"000004.jpg"):
        load_celeba(folder, verify=True)
    kept = load_celeba(folder, verify=True, on_bad="skip")
    assert kept.names == ("000001.jpg", "000002.jpg", "000003.jpg", "000005.jpg")
    assert len(kept.skipped) == 1


def test_pictures_of_another_size_are_refused(tmp_path):
    full, half = write_celeba_folder(tmp_path / "f" if (tmp_path / "f").mkdir() is None else tmp_path), tmp_path / "h"
    half.mkdir()
    write_celeba(half)
    with zipfile.ZipFile(half / "img_align_celeba.zip") as archive:
        (full / "img_align_celeba" / "000002.jpg").write_bytes(archive.read("img_align_celeba/000002.jpg"))
    with pytest.raises(DataFormatError, match=r"000002.jpg: 89 x 109 pixels \(width x height\), expected 178 x 218"):
        load_celeba(full).images[1]


def test_names_are_checked(folder):
    faces = load_celeba(folder)
    with pytest.raises(ValueError, match=r"`name` \(='Nose'\) must be one of 5_o_Clock_Shadow"):
        faces.attribute("Nose")
    with pytest.raises(ValueError, match=r"`name` \(='val'\) must be one of train, valid, test"):
        faces.split("val")
    with pytest.raises(ValueError, match="`on_bad`"):
        load_celeba(folder, on_bad="ignore")
    assert len(set(CELEBA_ATTRIBUTES)) == 40


@pytest.fixture(scope="module")
def real():
    root = os.environ.get("COURSE_DATA")
    if not root or not (Path(root).expanduser() / "celeba").is_dir():
        pytest.skip("the real CelebA files are not there: set COURSE_DATA to the folder above `celeba`")
    return Path(root).expanduser()


def test_the_real_files_have_the_known_rates(real):
    faces = load_celeba(real)
    assert len(faces) == 7000
    # Rates that the README of the data gives for these 7,000.
    rates = {"Male": 0.422, "Young": 0.776, "Smiling": 0.480, "Eyeglasses": 0.068, "Blond_Hair": 0.147}
    for name, rate in rates.items():
        assert float(faces.attribute(name).float().mean()) == pytest.approx(rate, abs=5e-4)
    # What the words mean: nobody is bald and blond, men wear the beards.
    assert not (faces.attribute("Bald") & faces.attribute("Blond_Hair")).any()
    bearded = faces.attribute("Goatee") | faces.attribute("Mustache")
    assert faces.attribute("Male")[bearded].float().mean() > 0.98
    assert faces.identities[:5].tolist() == [2880, 2937, 8692, 5805, 9295]


def test_the_real_half_size_pictures_are_those_of_full_size(real):
    half = load_celeba(real)[:8].decoded().images
    full = load_celeba(real, images="fullsize", partial=True).decoded()
    assert half.shape == (8, 3, 109, 89)
    assert full.images.shape == (8, 3, 218, 178)
    pooled = torch.nn.functional.avg_pool2d(full.images, 2)
    for one, other in zip(half, pooled, strict=True):
        assert torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1] > 0.99


def test_blond_hair_is_lighter_in_the_real_pictures(real):
    faces = load_celeba(real)[:600]
    top = torch.stack([faces.images[row][:, 5:20, 30:60].mean((1, 2)) for row in range(600)])
    blond = faces.attribute("Blond_Hair")
    black = faces.attribute("Black_Hair")
    assert top[blond].mean() > top[black].mean() + 0.1
