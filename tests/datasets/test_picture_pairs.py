"""Coloured digits and edge pairs: halves in order, swapped halves refused, and the facts of the real files."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from course_lib.datasets import (
    ColouredDigits,
    DataFormatError,
    EdgePairs,
    load_mnist,
    load_mnist_cdcb,
    load_side_by_side,
    pair_colours,
)
from course_lib.datasets.examples.pairs import COLOURS, write_edge_pairs, write_mnist_cdcb
from course_lib.datasets.side_by_side import drawn_share
from course_lib.experiments import data_root


def real(dataset):
    folder = data_root(dataset)
    if folder is None:
        pytest.skip(f"the real files of {dataset} are not there: set COURSE_DATA to the folder above `{dataset}`")
    return folder


def change(path, function):
    pixels = np.asarray(Image.open(path)).copy()
    Image.fromarray(function(pixels)).save(path)


def swapped(pixels):
    return np.roll(pixels, pixels.shape[1] // 2, axis=1)


def test_coloured_digits_are_read_in_order(tmp_path):
    pairs = load_mnist_cdcb(write_mnist_cdcb(tmp_path))
    assert isinstance(pairs, ColouredDigits)
    assert pairs.numbers.tolist() == [1, 2, 3]
    assert pairs.coloured_background[1].shape == (3, 256, 256)
    for row, (ground, digit) in enumerate(COLOURS):
        assert (pairs.coloured_background[row][:, 0, 0] * 255).round().tolist() == list(ground)
        assert float(pairs.coloured_digit[row][:, 0, 0].max()) == 0
        assert (pairs.coloured_digit[row].amax((1, 2)) * 255).round().tolist() == list(digit)
    batch = next(iter(pairs.batches(batch_size=2, gen=torch.Generator().manual_seed(0))))
    assert batch.coloured_digit.shape == (2, 3, 256, 256)


def test_the_colours_of_a_pair_are_found(tmp_path):
    pairs = load_mnist_cdcb(write_mnist_cdcb(tmp_path)).decoded()
    ground, digit = pair_colours(pairs.coloured_background, pairs.coloured_digit)
    torch.testing.assert_close(ground * 255, torch.tensor([g for g, _ in COLOURS]).float())
    torch.testing.assert_close(digit * 255, torch.tensor([d for _, d in COLOURS]).float())


def test_smaller_pairs_are_means_over_areas(tmp_path):
    large, small = (load_mnist_cdcb(write_mnist_cdcb(tmp_path), size=size)[0].decoded() for size in (256, 32))
    expected = large.coloured_digit.unflatten(-1, (32, 8)).mean(-1).unflatten(-2, (32, 8)).mean(-2)
    torch.testing.assert_close(small.coloured_digit, expected)
    with pytest.raises(ValueError, match="size"):
        load_mnist_cdcb(tmp_path, size=300)


def test_coloured_digits_that_are_not_so_are_refused(tmp_path):
    write_mnist_cdcb(tmp_path)
    change(tmp_path / "00001.png", swapped)
    change(tmp_path / "00002.png", lambda pixels: pixels[:128, :256])
    (tmp_path / "00004.png").write_bytes(b"<!doctype html><html>")
    pairs = load_mnist_cdcb(tmp_path)
    for row, words in ((0, "swapped"), (1, "128 pixels"), (3, "web page")):
        with pytest.raises(DataFormatError, match=words):
            pairs.coloured_background[row]
    kept = load_mnist_cdcb(tmp_path, on_bad="skip")
    assert kept.numbers.tolist() == [3]
    assert len(kept.skipped) == 3


def test_an_uneven_ground_is_refused(tmp_path):
    def shade(pixels):
        pixels[:, :256] = np.linspace(0, 255, 256).astype(np.uint8)[:, None, None]
        return pixels

    write_mnist_cdcb(tmp_path)
    change(tmp_path / "00002.png", shade)
    with pytest.raises(DataFormatError, match=r"00002\.png: the corners of the left half differ"):
        load_mnist_cdcb(tmp_path).decoded()


def test_edge_pairs_are_read_in_the_order_of_their_numbers(tmp_path):
    write_edge_pairs(tmp_path)
    (tmp_path / "train" / "4_AB.jpg").rename(tmp_path / "train" / "10_AB.jpg")
    pairs = load_side_by_side(tmp_path, order="edges|photo")
    assert isinstance(pairs, EdgePairs)
    assert pairs.names == ("1_AB.jpg", "2_AB.jpg", "3_AB.jpg", "10_AB.jpg")
    pairs = pairs.decoded()
    assert pairs.edges.shape == pairs.photos.shape == (4, 3, 32, 32)
    assert bool((drawn_share(pairs.edges) < drawn_share(pairs.photos)).all())


@pytest.mark.parametrize("photo_first", [False, True])
def test_the_order_of_the_halves_is_said_and_checked(tmp_path, photo_first):
    write_edge_pairs(tmp_path, photo_first=photo_first)
    right, wrong = ("photo|edges", "edges|photo") if photo_first else ("edges|photo", "photo|edges")
    pairs = load_side_by_side(tmp_path, order=right)
    with pytest.raises(DataFormatError, match=f"pass order='{right[:5]}"):
        load_side_by_side(tmp_path, order=wrong)
    unchecked = load_side_by_side(tmp_path, order=wrong, check=False)
    assert unchecked.photos[0].equal(pairs.edges[0])
    with pytest.raises(TypeError, match="order"):
        load_side_by_side(tmp_path)


def test_files_that_are_no_pairs_are_refused_or_skipped(tmp_path):
    write_edge_pairs(tmp_path)
    change(tmp_path / "train" / "2_AB.jpg", lambda pixels: pixels[:, :40])
    pairs = load_side_by_side(tmp_path, order="edges|photo", check=False)
    with pytest.raises(DataFormatError, match=r"2_AB\.jpg: 40 x 32 pixels"):
        pairs.decoded()
    kept = load_side_by_side(tmp_path, order="edges|photo", on_bad="skip")
    assert kept.names == ("1_AB.jpg", "3_AB.jpg", "4_AB.jpg")
    assert len(kept.skipped) == 1


def test_missing_files_are_named_with_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match="fetch mnist_cdcb"):
        load_mnist_cdcb(tmp_path)
    with pytest.raises(FileNotFoundError, match="fetch edges2shoes"):
        load_side_by_side(tmp_path, order="edges|photo")
    write_edge_pairs(tmp_path)
    with pytest.raises(FileNotFoundError, match="val/1_AB"):
        load_side_by_side(tmp_path, order="edges|photo", split="val")
    with pytest.raises(ValueError, match="split"):
        load_side_by_side(tmp_path, order="edges|photo", split="training")


def test_the_real_digits_are_those_of_the_test_set_in_order():
    pairs = load_mnist_cdcb(real("mnist_cdcb"), size=64).decoded()
    real("mnist")
    digits = load_mnist(real("mnist"))[1].images[pairs.numbers - 1]
    digits = F.interpolate(digits, size=64, mode="bicubic", antialias=True)
    shown = pairs.coloured_digit.amax(1)

    def correlations(first, second):
        first, second = (x.flatten(1) - x.flatten(1).mean(1, keepdim=True) for x in (first, second))
        return F.normalize(first, dim=1) @ F.normalize(second, dim=1).T

    table = correlations(shown, digits[:, 0])
    assert table.diagonal().median() > 0.88
    assert table.argmax(1).equal(torch.arange(len(pairs)))
    between = correlations(shown, 1 - (1 - pairs.coloured_background).amax(1))
    assert between.diagonal().median() > 0.85


def test_the_real_colours_are_even_and_independent():
    pairs = load_mnist_cdcb(real("mnist_cdcb"), size=64).decoded()
    ground, digit = pair_colours(pairs.coloured_background, pairs.coloured_digit)
    rim = torch.cat([pairs.coloured_background[..., :2], pairs.coloured_background[..., -2:]], dim=-1).flatten(2)
    # Where a digit comes near the rim its ringing reaches it, by 0.04 at most.
    off = (rim - ground[..., None]).abs()
    assert float((off < 0.005).float().mean()) > 0.98
    assert float(off.max()) < 0.05
    for colours in (ground, digit):  # even: mean 1/2, spread 1/sqrt(12) = 0.289
        assert float((colours.mean(0) - 0.5).abs().max()) < 0.1
        assert float((colours.std(0) - 0.289).abs().max()) < 0.04
    table = torch.corrcoef(torch.cat([ground, digit], dim=1).T)[:3, 3:]
    assert float(table.abs().max()) < 3 / len(pairs) ** 0.5


def test_the_real_shoes_have_the_photo_on_the_left():
    folder = real("shoes_edges_pairs")
    pairs = load_side_by_side(folder, order="photo|edges").decoded()
    assert pairs.photos.shape[1:] == (3, 256, 256)
    assert float(drawn_share(pairs.edges).max()) < 0.02
    assert float(drawn_share(pairs.photos).min()) > 0.15
    with pytest.raises(DataFormatError, match="the other way round"):
        load_side_by_side(folder, order="edges|photo")
