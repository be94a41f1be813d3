"""Digits, binary pixels, and endless batches that remember where they were."""

import copy
import inspect
import itertools

import pytest
import torch

from course_lib.datasets import Batches, binarize, load_digits
from course_lib.training import generator


def test_digits_split_ranges_and_types():
    from sklearn.datasets import load_digits as oracle

    train, test = load_digits()
    assert (len(train), len(test)) == (1415, 382)
    assert train.images.shape == (1415, 1, 8, 8)
    assert train.images.dtype == torch.float32
    assert train.labels.dtype == torch.int64
    raw = oracle()
    whole = torch.cat([train.images, test.images])[:, 0]
    assert torch.equal(whole.double() * 16, torch.from_numpy(raw.images))
    assert torch.equal(torch.cat([train.labels, test.labels]), torch.from_numpy(raw.target))
    assert (float(whole.min()), float(whole.max())) == (0, 1)
    for half in (train, test):
        assert half.labels.unique().tolist() == list(range(10))
        counts = half.labels.bincount().double() / len(half)
        assert (counts - 0.1).abs().max() < 0.02
    assert torch.equal(load_digits()[0].images, train.images)


def test_binary_pixels_have_the_grey_value_as_their_mean():
    grey = torch.linspace(0, 1, 5).expand(20_000, 5)
    drawn = binarize(grey, gen=generator(0))
    assert drawn.shape == grey.shape
    assert drawn.dtype == grey.dtype
    assert set(drawn.unique().tolist()) == {0, 1}
    error = (grey[0] * (1 - grey[0]) / 20_000).sqrt()
    assert ((drawn.mean(0) - grey[0]).abs() <= 4 * error).all()  # exact at 0 and 1
    assert torch.equal(drawn, binarize(grey, gen=generator(0)))
    assert not torch.equal(drawn, binarize(grey, gen=generator(1)))


def take(batches, count):
    return list(itertools.islice(iter(batches), count))


def pictures(n):
    """Image i has the value i / n everywhere."""
    return (torch.arange(n) / n).view(n, 1, 1, 1).expand(n, 1, 2, 2).contiguous()


def test_each_pass_shows_every_image_once_in_a_new_order():
    x, y = pictures(12), torch.arange(12)
    batches = take(Batches(x, y, batch_size=4, gen=generator(0)), 9)
    passes = [torch.cat([b.labels for b in batches[i : i + 3]]).tolist() for i in (0, 3, 6)]
    assert all(sorted(one) == list(range(12)) for one in passes)
    assert len({tuple(one) for one in passes}) == 3
    for batch in batches:
        assert torch.equal(batch.images, x[batch.labels])


def test_a_last_batch_that_is_too_small_is_left_out():
    batches = take(Batches(pictures(10), torch.arange(10), batch_size=4, gen=generator(0)), 40)
    assert {len(b.labels) for b in batches} == {4}
    for first, second in zip(batches[::2], batches[1::2], strict=True):
        assert len({*first.labels.tolist(), *second.labels.tolist()}) == 8
    assert {i for b in batches for i in b.labels.tolist()} == set(range(10))


def test_without_labels_and_with_a_batch_of_everything():
    (batch,) = take(Batches(pictures(5), batch_size=5, gen=generator(0)), 1)
    assert batch.labels is None
    assert sorted(batch.images[:, 0, 0, 0].tolist()) == pictures(5)[:, 0, 0, 0].tolist()


def test_binary_batches_are_drawn_anew_each_pass():
    grey = torch.full((6, 1, 8, 8), 0.5)
    first, second = take(Batches(grey, torch.arange(6), batch_size=6, gen=generator(0), binary=True), 2)
    assert set(first.images.unique().tolist()) == {0, 1}
    assert not torch.equal(first.images[first.labels.argsort()], second.images[second.labels.argsort()])


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("done", [0, 1, 3, 5])
def test_a_saved_place_continues_with_the_very_batches(done, binary):
    x, y = pictures(11), torch.arange(11)

    def new(seed):
        gen = generator(seed)
        return Batches(x, y, batch_size=3, gen=gen, binary=binary), gen

    batches, gen = new(0)
    take(batches, done)
    place, state = copy.deepcopy(batches.state_dict()), gen.get_state()
    rest = take(batches, 7)

    resumed, other = new(99)
    resumed.load_state_dict(place)
    other.set_state(state)
    again = take(resumed, 7)
    for one, two in zip(rest, again, strict=True):
        assert torch.equal(one.labels, two.labels)
        assert torch.equal(one.images, two.images)


def test_the_place_of_another_set_is_refused():
    batches = Batches(pictures(8), batch_size=2, gen=generator(0))
    take(batches, 1)
    with pytest.raises(ValueError, match="`state` belongs to a set of 8 images, this one has 9"):
        Batches(pictures(9), batch_size=2, gen=generator(0)).load_state_dict(batches.state_dict())


@pytest.mark.parametrize("size", [0, -3, 9])
def test_batch_sizes_outside_the_set_are_refused(size):
    message = rf"`batch_size` \(={size}\) must lie between 1 and the number of images \(8\)"
    with pytest.raises(ValueError, match=message):
        Batches(pictures(8), batch_size=size, gen=generator(0))


def test_labels_of_another_set_are_refused():
    with pytest.raises(ValueError, match="`labels` has 7 entries for 8 images: give one label an image"):
        inspect.unwrap(Batches.__init__)(
            object.__new__(Batches), pictures(8), torch.arange(7), batch_size=2, gen=generator(0)
        )
