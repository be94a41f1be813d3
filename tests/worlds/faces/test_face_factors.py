"""Factors of the faces: ranges, one-line subsets, and errors that say what to write."""

import pytest
import torch

from course_lib.worlds import faces

SPECS = faces.FaceFactors.factors()


def gen(seed=0):
    return torch.Generator().manual_seed(seed)


def test_every_factor_fills_its_range_and_no_more():
    people = faces.sample_factors(4000, generator=gen())
    assert len(people) == 4000
    for name, spec in SPECS.items():
        values = getattr(people, name)
        assert values.min() >= spec.low
        assert values.max() <= spec.high
        if spec.choice:
            assert values.unique().tolist() == list(range(len(faces.KINDS[name])))
        else:
            slack = 0.01 * (spec.high - spec.low)
            assert values.min() < spec.low + slack
            assert values.max() > spec.high - slack


@pytest.mark.parametrize("name", faces.WEIGHTS)
def test_choices_come_as_often_as_their_weights_say(name):
    weights = torch.tensor(faces.WEIGHTS[name], dtype=torch.float64)
    share = getattr(faces.sample_factors(20_000, generator=gen()), name).bincount() / 20_000
    torch.testing.assert_close(share.double(), weights / weights.sum(), atol=0.012, rtol=0)  # 3.5 standard errors


def test_the_same_generator_state_gives_the_same_people():
    one, two = (faces.sample_factors(5, generator=gen(3)).as_dict() for _ in range(2))
    assert all(one[name].equal(two[name]) for name in SPECS)
    other = faces.sample_factors(5, generator=gen(4))
    assert not other.nose_width.equal(one["nose_width"])


def test_big_noses_are_the_same_people_with_big_noses():
    people = faces.sample_factors(200, generator=gen())
    big = faces.sample_factors(200, generator=gen(), nose_width=(0.7, 1.0))
    assert big.nose_width.min() >= 0.7
    torch.testing.assert_close(big.nose_width, 0.7 + 0.3 * people.nose_width)
    assert all(getattr(big, name).equal(getattr(people, name)) for name in SPECS if name != "nose_width")


@pytest.mark.parametrize("name", SPECS)
def test_every_factor_can_be_narrowed(name):
    spec = SPECS[name]
    if spec.choice:
        kinds = faces.KINDS[name]
        last = faces.sample_factors(50, generator=gen(), **{name: kinds[-1]})
        assert getattr(last, name).unique().tolist() == [len(kinds) - 1]
        two = faces.sample_factors(200, generator=gen(), **{name: (kinds[0], 2)})
        assert getattr(two, name).unique().tolist() == [0, 2]
    else:
        middle = (spec.low + spec.high) / 2
        upper = faces.sample_factors(50, generator=gen(), **{name: (middle, spec.high)})
        assert getattr(upper, name).min() >= middle
        fixed = faces.sample_factors(3, generator=gen(), **{name: spec.high})
        assert getattr(fixed, name).tolist() == pytest.approx([spec.high] * 3)


BAD = {
    "no such factor": (dict(nose_size=1.0), "no factor `nose_size`: did you mean `eye_size`"),
    "beyond the range": (dict(nose_width=(0.7, 1.2)), r"`nose_width` \(=\(0.7, 1.2\)\) must be low <= high within"),
    "upside down": (dict(smile=(0.5, 0.1)), r"low <= high within \[-0.4, 1\]"),
    "not a number": (dict(smile=float("nan")), "low <= high within"),
    "three ends": (dict(smile=(0, 0.5, 1)), "a number or a pair"),
    "a word for a number": (dict(smile="broad"), "a number or a pair"),
    "no such kind": (dict(hair_style="mohawk"), "one or several of bald, buzz"),
    "a kind out of range": (dict(glasses=3), "`glasses`.*0 to 2"),
    "half a kind": (dict(glasses=0.5), "`glasses`.*none, round, square"),
    "no kinds at all": (dict(beard=()), "`beard` is empty: name at least one"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_overrides_are_refused_with_the_remedy(name):
    overrides, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        faces.sample_factors(3, generator=gen(), **overrides)


def test_no_faces_at_all_are_refused():
    with pytest.raises(ValueError, match=r"`n` \(=0\) must be 1 or more"):
        faces.sample_factors(0, generator=gen())
