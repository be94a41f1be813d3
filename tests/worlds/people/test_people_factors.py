"""Factors of people: ranges, groups, exchange between pictures, the two domains, clothes that follow the pose."""

import pytest
import torch

from course_lib.worlds import people
from course_lib.worlds.people.factors import SCENES, TOP_PATTERNS


def draw(n=64, seed=0, **options):
    return people.sample_factors(n, generator=torch.Generator().manual_seed(seed), **options)


@pytest.mark.parametrize("domain", ["studio", "wild"])
def test_same_generator_same_factors(domain):
    a, b, c = draw(domain=domain), draw(domain=domain), draw(domain=domain, seed=1)
    for name, values in a.as_dict().items():
        assert torch.equal(values, getattr(b, name)), name
    assert not torch.equal(a.phase, c.phase)


def test_domains_differ_in_scene_activity_view_and_colour():
    studio, wild = draw(400), draw(400, domain="wild")
    assert not studio.wild.any()
    assert wild.wild.all()
    assert set(wild.scene.tolist()) == set(range(1, len(SCENES)))
    assert {people.ACTIVITIES[i] for i in studio.activity} == {
        "walking",
        "sitting",
        "reaching",
        "crouching",
        "turning",
    }
    assert set(wild.activity.tolist()) == set(range(len(people.ACTIVITIES)))
    assert wild.pitch.std() > 2 * studio.pitch.std()
    saturation = [(f.top_colour.amax(1) - f.top_colour.amin(1)).mean() for f in (studio, wild)]
    assert saturation[1] > 2 * saturation[0]


def test_activities_can_be_chosen():
    f = draw(50, activities=("running", "sitting"))
    assert {people.ACTIVITIES[i] for i in f.activity} == {"running", "sitting"}


def sleeve_spread(strength):
    """Variance of the mean sleeve between activities, relative to the variance of all sleeves."""
    f = draw(4000, domain="wild", clothes_follow_pose=strength, seed=3)
    means = torch.stack([f.sleeve[f.activity == i].mean() for i in range(len(people.ACTIVITIES))])
    return float(means.var(correction=0) / f.sleeve.var())


def test_clothes_follow_the_pose_as_far_as_asked():
    none, half, full = (sleeve_spread(strength) for strength in (0.0, 0.5, 1.0))
    assert none < 0.01
    assert 0.1 < half < 0.6
    assert full > 0.95
    f = draw(4000, domain="studio", clothes_follow_pose=1.0)
    walks = f.activity == people.ACTIVITIES.index("walking")
    sits = f.activity == people.ACTIVITIES.index("sitting")
    assert f.sleeve[walks].max() < 0.4 < 0.8 < f.sleeve[sits].min()


def test_cut_off_zooms_in():
    assert draw(200).zoom.max() <= 1
    assert (draw(200, cut_off=1.0).zoom > 1.2).all()


def test_groups_hold_every_factor_once():
    names = [name for group in people.GROUPS.values() for name in group]
    assert sorted(names) == sorted(people.PeopleFactors.factors())
    assert len(set(names)) == len(names)


def test_combine_takes_each_group_from_its_source():
    a, b, c = draw(4, seed=1), draw(4, seed=2), draw(4, seed=3, domain="wild")
    mixed = people.combine(pose=a, appearance=b, background=c)
    sources = {"pose": a, "appearance": b, "light": b, "background": c}
    for group, source in sources.items():
        for name in people.GROUPS[group]:
            assert torch.equal(getattr(mixed, name), getattr(source, name)), name
    alone = people.combine(pose=a, appearance=b[2], light=a)
    assert torch.equal(alone.top_colour, b.top_colour[2].expand(4, 3))
    assert torch.equal(alone.light_azimuth, a.light_azimuth)
    assert torch.equal(alone.scene, a.scene)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: draw(domain="indoors"), "`domain`"),
        (lambda: draw(activities=("swimming",)), "swimming"),
        (lambda: draw(activities=()), "`activities`"),
        (lambda: draw(clothes_follow_pose=1.5), "`clothes_follow_pose`"),
        (lambda: draw(cut_off=-0.1), "`cut_off`"),
        (lambda: people.combine(pose=draw(3), appearance=draw(2)), "`appearance`"),
        (lambda: draw(2).replace(sleeve=1.5), "`sleeve`"),
        (lambda: draw(2).replace(top_pattern=len(TOP_PATTERNS)), "`top_pattern`"),
    ],
)
def test_what_cannot_be_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_one_activity_can_be_a_plain_name():
    assert draw(20, activities="running").activity.equal(draw(20, activities=("running",)).activity)
