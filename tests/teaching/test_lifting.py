"""The models of lesson 15, each by a second route."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from course_lib.geometry import procrustes
from course_lib.metrics import mpjpe, procrustes_mpjpe
from course_lib.teaching.lifting import FoldedBody, Lifting, NoisyReading, TwoBodies, example_body


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_picture_lengths_and_signs_give_the_depths(seed):
    body = FoldedBody.draw(generator(seed))
    np.testing.assert_allclose(body.unfolded(), body.depths, atol=1e-12)
    assert body.candidates() == 2 ** len(body.parents)
    assert [body.left_by_bones(told) for told in range(len(body.parents) + 1)] == [
        2 ** (len(body.parents) - told) for told in range(len(body.parents) + 1)
    ]


def test_orders_of_other_pairs_do_not_always_settle_a_bone():
    body = example_body()
    others = [
        (i, j) for i in range(6) for j in range(i) if (j, i) not in [(p, c + 1) for c, p in enumerate(body.parents)]
    ]
    assert 1 <= body.left(others) < 32
    assert body.left([(i, j) for i in range(6) for j in range(i)]) == 1


def test_a_bone_along_the_line_of_sight_or_in_the_picture_plane():
    flat = FoldedBody((0,), np.array([[0.3, 0.4, 0.0]]))
    assert flat.hidden[0] == pytest.approx(0, abs=1e-8)
    assert flat.candidates() == 1
    deep = FoldedBody((0,), np.array([[0.0, 0.0, -0.5]]))
    assert deep.hidden[0] == pytest.approx(0.5)


@pytest.mark.parametrize("seed", range(4))
def test_the_law_of_total_variance_holds_on_draws(seed):
    model = Lifting.draw(generator(seed))
    cells = torch.multinomial(torch.from_numpy(model.p.flatten()), 200_000, replacement=True, generator=generator(9))
    u, o, _ = np.unravel_index(cells.numpy(), model.p.shape)
    bodies = model.bodies.reshape(-1, 3)[cells.numpy()]
    given = [bodies[(u == a) & (o == b)] for a in range(3) for b in range(2)]
    within = sum(len(part) * part.var(0).sum() for part in given) / len(bodies)
    assert within == pytest.approx(model.spread_ur, rel=0.02)
    assert model.spread_u == pytest.approx(model.spread_ur + model.told_by_order)
    assert model.error(model.mean_u[:, None, None]) == pytest.approx(model.spread_u)
    assert model.error(model.mean_ur[:, :, None]) == pytest.approx(model.spread_ur)
    assert model.error_of_guess == pytest.approx(model.spread_u + model.missed)


def test_an_order_that_says_nothing_lowers_nothing_and_the_best_lifter_misses_nothing():
    assert Lifting.silent_order(generator()).told_by_order == pytest.approx(0, abs=1e-12)
    assert Lifting.best(generator()).missed == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_kept_orders_and_errors_agree_with_draws(seed):
    model = NoisyReading.draw(generator(seed))
    rng = np.random.default_rng(seed)
    true = model.spread * rng.standard_normal((200_000, 2))
    read = true + model.noise * rng.standard_normal(true.shape)
    same = np.sign(true[:, 0] - true[:, 1]) == np.sign(read[:, 0] - read[:, 1])
    assert same.mean() == pytest.approx(model.kept(), abs=0.005)
    beyond = np.abs(true[:, 0] - true[:, 1]) > 0.1
    assert same[beyond].mean() == pytest.approx(model.kept_beyond(0.1), abs=0.006)
    trust = model.trust(model.believed)
    assert ((true - trust * read) ** 2).mean() == pytest.approx(model.error(trust), rel=0.02)


def test_the_sheet_s_shares_of_kept_orders():
    shares = [NoisyReading(0.25, noise, noise).kept_beyond(0.1) for noise in (0.05, 0.1, 0.2, 0.3)]
    np.testing.assert_allclose(shares, [0.993, 0.949, 0.847, 0.771], atol=0.004)


@pytest.mark.parametrize("draw", [TwoBodies.draw, TwoBodies.mirrored, TwoBodies.outlier, TwoBodies.turned])
@pytest.mark.parametrize("seed", range(3))
def test_alignments_are_the_library_s(draw, seed):
    model = draw(generator(seed))
    predicted, true = (torch.from_numpy(body)[None] for body in (model.predicted, model.true))
    for how, reflection in (("turn", False), ("mirror", True)):
        fit = procrustes(predicted, true, reflection=reflection)
        np.testing.assert_allclose(fit.apply(predicted)[0].numpy(), model.aligned(how), atol=1e-9)
        theirs = procrustes_mpjpe(predicted, true, reflection=reflection)
        assert model.distance(how) == pytest.approx(float(theirs))
    assert model.distance("root") == pytest.approx(float(mpjpe(predicted, true)))
    assert model.distance("root", unit=0.001) == pytest.approx(1000 * model.distance("root"))


def test_a_turned_copy_is_undone_by_a_turn():
    true = TwoBodies.draw(generator(1)).true
    turn = Rotation.from_rotvec([0.3, -1.0, 0.5]).as_matrix()
    model = TwoBodies(1.3 * true @ turn.T + 2, true)
    assert model.distance("turn") < 1e-12
    assert model.distance("mirror") < 1e-12
    mirror = TwoBodies(model.predicted * [1, 1, -1], true)
    assert mirror.distance("mirror") < 1e-12
    assert mirror.distance("turn") > 0.05
