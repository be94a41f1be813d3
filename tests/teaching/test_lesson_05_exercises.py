"""Exercises of lesson 05: right answers pass by any route, and each known slip learns what it is."""

import math

import numpy as np
import pytest
import torch

from course_lib import geometry
from course_lib.teaching import check
from course_lib.teaching.exercise_sets import references_05 as by
from course_lib.teaching.exercise_sets.lesson_05 import EXERCISES
from course_lib.teaching.exercises import examine

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
MATRICES = ("05.2", "05.4")  # their inputs are too long to print; the message says why, and the answers are shown


def project_by_library(points, focal, centre):
    return geometry.project(points, geometry.intrinsics_matrix(focal, centre))


def project_by_numpy(points, focal, centre):
    x, y, z = points.numpy().T
    return np.stack([focal * x / z + centre[0].item(), focal * y / z + centre[1].item()], 1)


def chain_by_column(rotations, offsets, parents):
    places, turns = [offsets[0]], [rotations[0]]
    for i in range(1, len(parents)):
        places.append(places[parents[i]] + turns[parents[i]] @ offsets[i])
        turns.append(turns[parents[i]] @ rotations[i])
    return torch.stack(places)


def chain_in_place(rotations, offsets, parents):
    for joint, parent in enumerate(parents):
        if parent >= 0:
            offsets[joint] = offsets[parent] + rotations[parent] @ offsets[joint]
            rotations[joint] = rotations[parent] @ rotations[joint]
    return offsets


def chain_of_row_vectors(rotations, offsets, parents):
    """As somebody writes it who knows row vectors."""
    places, turns = offsets.clone(), rotations.clone()
    for joint in range(1, len(parents)):
        turns[joint] = rotations[joint] @ turns[parents[joint]]
        places[joint] = places[parents[joint]] + offsets[joint] @ turns[parents[joint]]
    return places


def chain_without_order(rotations, offsets, parents):
    places, turns = offsets.clone(), rotations.clone()
    for joint in range(1, len(parents)):
        turns[joint] = rotations[joint] @ turns[parents[joint]]
        places[joint] = places[parents[joint]] + turns[parents[joint]] @ offsets[joint]
    return places


def chain_with_its_own(rotations, offsets, parents):
    places, turns = offsets.clone(), rotations.clone()
    for joint in range(1, len(parents)):
        turns[joint] = turns[parents[joint]] @ rotations[joint]
        places[joint] = places[parents[joint]] + turns[joint] @ offsets[joint]
    return places


def chain_by_neighbour(rotations, offsets, parents):
    return chain_by_column(rotations, offsets, [-1, *range(len(parents) - 1)])


def sphere_by_cosine(rays, centre, radius):
    """Along the ray of length 1 to the foot of the centre, back by half the chord, and then to the depth."""
    length = rays.norm(dim=1)
    foot = rays @ centre / length
    half = radius**2 - (centre @ centre - foot**2)
    depth = (foot - half.sqrt()) / length
    return torch.where((half >= 0) & (depth > 0), depth, torch.inf)


def sphere_by_loop(rays, centre, radius):
    out = []
    centre = centre.tolist()
    for ray in rays.tolist():
        a, b, c = np.dot(ray, ray), -2 * np.dot(ray, centre), np.dot(centre, centre) - radius**2
        inside = b * b - 4 * a * c
        t = (-b - math.sqrt(inside)) / (2 * a) if inside >= 0 else math.inf
        out.append(t if t > 0 else math.inf)
    return out


def sphere_as_first_written(rays, centre, radius):
    a, b, c = (rays * rays).sum(-1), -2 * rays @ centre, centre @ centre - radius**2
    return (-b - torch.sqrt(b**2 - 4 * a * c)) / (2 * a)


def sphere_by_unit_rays(rays, centre, radius):
    return sphere_by_cosine(rays, centre, radius) * rays.norm(dim=1)


def mirror_in_place(points, width, swap):
    points[..., 0] = width - 1 - points[..., 0]
    return points[:, swap]


def mirror_by_loop(points, width, swap):
    return [[[width - 1 - float(one[k][0]), float(one[k][1])] for k in swap.tolist()] for one in points]


def needed_by_loop(eigenvalues, share):
    total, so_far = sum(eigenvalues.tolist()), 0.0
    for count, value in enumerate(sorted(eigenvalues.tolist(), reverse=True), 1):
        so_far += value
        if so_far >= share * total:
            return count
    return len(eigenvalues)


def needed_by_search(eigenvalues, share):
    shares = eigenvalues.sort(descending=True).values.cumsum(0) / eigenvalues.sum()
    return int(torch.searchsorted(shares, share)) + 1


RIGHT = [
    ("05.1", lambda points, focal, centre: focal * points[:, :2] / points[:, 2:] + centre),
    ("05.1", project_by_library),
    ("05.1", project_by_numpy),
    ("05.2", chain_by_column),
    ("05.2", chain_in_place),
    ("05.2", lambda rotations, offsets, parents: geometry.forward_kinematics(rotations, offsets, parents)[0]),
    ("05.3", sphere_by_cosine),
    ("05.3", sphere_by_loop),
    ("05.4", lambda one, two: torch.linalg.inv(two) @ one),
    ("05.4", lambda one, two: torch.linalg.solve(two, one)),
    ("05.4", lambda one, two: geometry.relative_motion(geometry.invert(one), geometry.invert(two))),
    ("05.5", mirror_in_place),
    ("05.5", mirror_by_loop),
    ("05.6", needed_by_loop),
    ("05.6", needed_by_search),
    ("05.6", lambda ev, share: int((ev.sort().values.flip(0).cumsum(0) < share * ev.sum()).sum()) + 1),
]


@pytest.mark.parametrize(("id", "answer"), RIGHT)
def test_right_answers_pass(id, answer):
    result = examine(BY_ID[id], answer)
    assert result.passed, result.text


@pytest.mark.parametrize("id", BY_ID)
def test_stubs_are_called_stubs(id):
    def stub(*inputs):
        raise NotImplementedError

    result = examine(BY_ID[id], stub)
    assert not result.passed
    assert "still the stub" in result.text


@pytest.mark.parametrize(
    ("id", "slip"),
    [
        pytest.param(exercise.id, slip, id=f"{exercise.id}-{i}")
        for exercise in EXERCISES
        for i, slip in enumerate(exercise.slips)
    ],
)
def test_each_slip_is_told_apart_and_shown_on_a_small_input(id, slip):
    result = examine(BY_ID[id], slip.wrong)
    assert not result.passed
    assert slip.says in result.text
    assert "right:" in result.text
    if id not in MATRICES:
        assert "tensor of shape" not in result.text  # the counterexample is small enough to be printed


@pytest.mark.parametrize("exercise", EXERCISES, ids=BY_ID)
def test_no_two_slips_say_the_same(exercise):
    assert len({slip.says for slip in exercise.slips}) == len(exercise.slips)


@pytest.mark.parametrize(
    ("id", "answer", "says"),
    [  # as somebody would write them, not as the slips are
        ("05.1", lambda p, f, c: f * p[:, :2] + c, "the division by the depth is missing"),
        ("05.1", lambda p, f, c: f * p[:, :2] / (p**2).sum(1, keepdim=True).sqrt() + c, "the distance from the"),
        ("05.1", lambda p, f, c: torch.stack([f * p[:, 0] / p[:, 2] + c[0], c[1] - f * p[:, 1] / p[:, 2]], 1), "down"),
        ("05.1", lambda p, f, c: (f * p[:, :2] + c) / p[:, 2:], "the centre is divided too"),
        ("05.1", lambda p, f, c: f * (p / p[:, 2:])[:, :2], "the centre is missing"),
        ("05.1", lambda p, f, c: f * p / p[:, 2:], "wrong shape"),
        ("05.1", lambda p, f, c: geometry.weak_perspective(p, geometry.intrinsics_matrix(f, c)), "weak perspective"),
        ("05.1", lambda p, f, c: project_by_library(p, f, c) + 0.5, "off by the constant 0.5"),
        ("05.1", lambda p, f, c: project_by_library(p.float(), f, c.float()), "float32"),
        ("05.2", chain_of_row_vectors, "the whole chain for row vectors"),
        ("05.2", chain_without_order, "the order of the product is reversed"),
        ("05.2", chain_with_its_own, "own rotation turns its offset"),
        ("05.2", chain_by_neighbour, "`parents` is not used"),
        ("05.2", lambda r, o, parents: chain_by_column(torch.eye(3).to(r).expand_as(r), o, parents), "at rest"),
        ("05.2", lambda r, o, parents: chain_by_column(r, torch.cat([0 * o[:1], o[1:]]), parents), "at the origin"),
        ("05.2", lambda r, o, parents: geometry.forward_kinematics(r, o, parents), "a number or a tensor is wanted"),
        ("05.3", sphere_as_first_written, "the root is right where there is a hit, but it is NaN"),
        ("05.3", sphere_by_unit_rays, "that is the length of the ray up to the hit"),
        ("05.3", lambda *s: [t if t < math.inf else 0.0 for t in sphere_by_loop(*s)], "a miss is 0"),
        ("05.3", lambda *s: [t if t < math.inf else math.nan for t in sphere_by_loop(*s)], "the values differ"),
        ("05.3", lambda rays, c, r: sphere_by_cosine(rays, c, r)[:, None], "wrong shape"),
        ("05.4", lambda one, two: one @ torch.linalg.inv(two), "the first of the two forms"),
        ("05.4", lambda one, two: torch.linalg.solve(one, two), "from frame 2 to frame 1"),
        ("05.4", geometry.relative_motion, "right for world-to-camera matrices"),
        ("05.4", lambda one, two: two.mT @ one, "the transpose inverts a rotation"),
        ("05.4", lambda one, two: (torch.linalg.inv(two) @ one)[:3], "wrong shape"),
        ("05.5", lambda points, width, swap: mirror_in_place(points, width, slice(None)), "are not exchanged"),
        ("05.5", lambda points, width, swap: mirror_in_place(points, width + 1, swap), "one pixel too far right"),
        ("05.5", lambda points, width, swap: mirror_in_place(points, width + 1, slice(None)), "and all are one pixel"),
        ("05.5", lambda points, width, swap: torch.index_select(points, 1, swap), "the places are not mirrored"),
        ("05.5", lambda points, width, swap: mirror_in_place(points.flip(-1), width, swap).flip(-1), "v is mirrored"),
        ("05.6", lambda ev, share: len(ev) - needed_by_loop(ev, share), "you counted the directions that are left"),
        ("05.6", lambda ev, share: needed_by_search(ev, share) - 1, "one too few"),
        ("05.6", lambda ev, share: int((ev.cumsum(0) / ev.sum() >= share).float().argmax()) + 1, "sort them first"),
        ("05.6", lambda ev, share: needed_by_loop(ev.sqrt(), share), "standard deviations"),
        ("05.6", lambda ev, share: needed_by_loop(ev.square(), share), "variances already"),
        ("05.6", lambda ev, share: ev.sort(descending=True).values.cumsum(0) >= share * ev.sum(), "wrong shape"),
    ],
)
def test_wrong_answers_learn_what_is_wrong(id, answer, says):
    result = examine(BY_ID[id], answer)
    assert not result.passed
    assert says in result.text, result.text


def test_the_nan_of_a_miss_is_shown_on_one_ray():
    text = examine(BY_ID["05.3"], sphere_as_first_written).text
    assert "rays = [[0, 0, 1]], centre = [3.0, 0.0, 4.0], radius = 1" in text
    assert "right: [inf], yours: [nan]" in text


def raises(*inputs):
    raise RuntimeError("odd")


WEIRD = [None, "1.0", True, math.nan, -math.inf, {}, [], [[1.0], [2.0, 3.0]], object(), torch.zeros(0)]
WEIRD += [torch.full((4,), math.nan), torch.zeros(3).to_sparse(), np.array("text"), lambda: 0]


@pytest.mark.parametrize("id", BY_ID)
def test_nothing_that_an_answer_returns_makes_the_check_raise(id, capsys):
    for value in WEIRD:
        check(id, lambda *inputs, value=value: value)
    for answer in (raises, lambda: 0, None, 3, "x", torch.nn.Identity, lambda *inputs: inputs):
        check(id, answer)
    out = capsys.readouterr().out
    assert out.count(id) >= len(WEIRD) + 7
    assert "passed" not in out
    assert "could not be checked" not in out


@pytest.mark.parametrize("exercise", EXERCISES, ids=BY_ID)
def test_all_inputs_make_sense(exercise):
    assert all(exercise.valid(*inputs) for inputs in exercise.inputs()[len(exercise.edges) :])


def test_the_references_agree_with_the_library():
    gen = torch.Generator().manual_seed(5)
    for _ in range(20):
        points = by.draw_points(gen)
        torch.testing.assert_close(by.by_matrix(*points), project_by_library(*points))
        tree = by.draw_tree(gen)
        torch.testing.assert_close(by.inside_out(*tree), geometry.forward_kinematics(*tree)[0])
        one, two = by.draw_cameras(gen)
        motion = geometry.relative_motion(geometry.invert(one), geometry.invert(two))
        torch.testing.assert_close(by.by_axes(one, two), motion)


def test_a_mirrored_picture_shows_its_joints_where_the_reference_says():
    picture = torch.zeros(5, 8)
    picture[3, 2] = 1.0  # row v, column u
    mirrored = by.by_reversed_columns(torch.tensor([[[2.0, 3.0]]], dtype=torch.float64), 8, torch.tensor([0]))
    (v, u), *_ = picture.flip(1).nonzero().tolist()
    assert mirrored.tolist() == [[[u, v]]]


def test_the_search_stops_on_the_surface_of_the_sphere():
    gen = torch.Generator().manual_seed(6)
    for _ in range(20):
        rays, centre, radius = by.draw_sphere(gen)
        depth = by.by_bisection(rays, centre, radius)
        hit = depth.isfinite()
        points = depth[hit, None] * rays[hit]
        torch.testing.assert_close((points - centre).norm(dim=1), torch.full_like(depth[hit], radius))
        assert bool((((points - centre) * points).sum(1) < 0).all())  # the near side


def test_random_spheres_are_hit_and_missed_and_behind():
    drawn = BY_ID["05.3"].inputs()
    depths = torch.cat([by.by_bisection(*one) for one in drawn])
    assert 0.2 < float(depths.isfinite().float().mean()) < 0.8
    assert sum(float(centre[2]) < 0 for _, centre, _ in drawn) >= 4


def test_random_trees_branch_and_random_directions_are_unsorted():
    assert any(len(set(parents)) < len(parents) for _, _, parents in BY_ID["05.2"].inputs())
    assert any(bool((one.diff() > 0).any()) for one, _ in BY_ID["05.6"].inputs())
