"""Factor sets: checked when made, changed by name, drawn evenly from their ranges."""

from dataclasses import dataclass

import pytest
import torch

from course_lib.worlds.factors import FactorSet, choices, factor, uniform


@dataclass(frozen=True)
class Ball(FactorSet):
    size: torch.Tensor = factor(0.5, 2.0, "how large it is", unit="m")
    colour: torch.Tensor = factor(0.0, 1.0, "red, green and blue", shape=(3,))
    kind: torch.Tensor = factor(0, 2, "plain, striped or dotted", choice=True)


def balls(n=4, seed=0):
    gen = torch.Generator().manual_seed(seed)
    return Ball(
        size=uniform(n, 0.5, 2.0, generator=gen),
        colour=uniform(n, 0.0, 1.0, 3, generator=gen),
        kind=choices(n, 3, generator=gen),
    )


def test_factors_are_listed_in_order_with_range_and_meaning():
    assert list(Ball.factors()) == ["size", "colour", "kind"]
    size = Ball.factors()["size"]
    assert (size.low, size.high, size.unit, size.meaning) == (0.5, 2.0, "m", "how large it is")
    assert Ball.factors()["colour"].shape == (3,)
    assert Ball.factors()["kind"].choice
    assert not size.choice


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": torch.ones(3)}, r"`colour` has 4 rows for 3 pictures"),
        ({"size": torch.ones(4, 1)}, r"`size` is \(4, 1\): give a tensor of shape \(n\)"),
        ({"colour": torch.ones(4, 4)}, r"`colour` is \(4, 4\): give a tensor of shape \(n, 3\)"),
        ({"size": 1.0}, r"`size` is float: give a tensor"),
        ({"size": torch.ones(4, dtype=torch.int64)}, r"`size` is torch.int64: give float32"),
        ({"kind": torch.ones(4)}, r"`kind` is torch.float32: give int64"),
        ({"size": torch.full((4,), 2.1)}, r"`size` is 2.1: it must lie in \[0.5, 2\] m"),
        ({"size": torch.tensor([1, 1, 1, float("nan")])}, r"`size` spans \[nan, nan\]"),
        ({"kind": torch.tensor([0, 1, 2, 3])}, r"`kind` spans \[0, 3\]: it must lie in \[0, 2\]"),
    ],
)
def test_values_that_are_not_factors_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Ball(**(dict(balls().as_dict()) | changes))


def test_both_ends_of_a_range_belong_to_it():
    for end in (0.5, 2.0):
        assert balls().replace(size=end).size.tolist() == [end] * 4


def test_rows_are_chosen_as_from_a_tensor():
    four = balls()
    assert len(four) == 4
    assert four[1].size.equal(four.size[1:2])
    assert four[-1].colour.equal(four.colour[3:])
    assert four[1:3].kind.equal(four.kind[1:3])
    assert four[[2, 0]].size.equal(four.size[[2, 0]])
    assert four[four.size > 1].size.equal(four.size[four.size > 1])
    with pytest.raises(IndexError):
        four[4]


def test_sets_are_joined_repeated_and_moved():
    four = balls()
    both = Ball.cat([four[:1], four[1:]])
    assert all(both.as_dict()[name].equal(values) for name, values in four.as_dict().items())
    assert four.repeat(2).size.equal(four.size[[0, 0, 1, 1, 2, 2, 3, 3]])
    assert four.device == torch.device("cpu")
    assert four.to("meta").device == torch.device("meta")


def test_replace_takes_a_number_one_value_or_a_row_each():
    four = balls()
    assert four.replace(size=1).size.tolist() == [1.0] * 4
    assert four.replace(colour=torch.tensor([0.0, 0.5, 1.0])).colour.equal(torch.tensor([[0.0, 0.5, 1.0]] * 4))
    assert four.replace(size=torch.linspace(0.5, 2, 4)).size.equal(torch.linspace(0.5, 2, 4))
    assert four.replace(kind=2).kind.tolist() == [2, 2, 2, 2]
    assert four.replace(size=1.0).colour.equal(four.colour)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": 1.0}, "there is no factor `weight`: choose from size, colour, kind"),
        ({"size": 3.0}, r"`size` is 3: it must lie"),
        ({"kind": 1.5}, r"`kind` \(=1.5\) names one of several kinds: give whole numbers"),
        ({"size": torch.ones(3)}, r"`size` is \(3,\): give a number, \(\) or \(4,\)"),
        ({"colour": torch.ones(2)}, r"`colour` is \(2,\): give a number, \(3,\) or \(4, 3\)"),
    ],
)
def test_replace_refuses_what_does_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        balls().replace(**changes)


def test_the_changed_set_shares_no_memory_with_the_value_given():
    size = torch.ones(4)
    changed = balls().replace(size=size)
    size.fill_(9)
    assert changed.size.tolist() == [1.0] * 4


def test_draws_fill_their_range_evenly_and_repeat_with_the_generator():
    many = balls(4000)
    assert all(many.as_dict()[name].equal(values) for name, values in balls(4000).as_dict().items())
    assert not many.size.equal(balls(4000, seed=1).size)
    assert 0.5 <= many.size.min() < 0.51
    assert 1.99 < many.size.max() < 2.0
    # Means within 4 standard errors of the middle; counts within 4 standard deviations of a third.
    assert abs(float(many.size.mean()) - 1.25) < 4 * 1.5 / 12**0.5 / 4000**0.5
    assert (many.kind.bincount(minlength=3) - 4000 / 3).abs().max() < 4 * (4000 * 2 / 9) ** 0.5
    assert many.kind.dtype == torch.int64
    assert many.colour.dtype == torch.float32
