import pytest
import torch

from course_lib.nn.probe import FactorProbe
from course_lib.training import seeded


@pytest.mark.parametrize(("size", "pixels"), [(32, (32, 32)), ((64, 32), (64, 32))])
def test_one_row_of_numbers_a_picture(size, pixels):
    probe = FactorProbe(channels=3, size=size, outputs=5, width=8)
    assert probe(torch.zeros(2, 3, *pixels)).shape == (2, 5)


def test_the_place_of_a_dot_can_be_read_off():
    rows = torch.arange(0, 32, 2)
    images = torch.zeros(len(rows), 1, 32, 32)
    images[torch.arange(len(rows)), 0, 16, rows] = 10.0
    target = (rows / 16 - 1)[:, None]
    with seeded(0):
        probe = FactorProbe(channels=1, size=32, outputs=1, width=8)
    opt = torch.optim.Adam(probe.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        loss = (probe(images) - target).square().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    assert losses[-1] < 0.05 * losses[0]


def test_sizes_that_do_not_halve_four_times_are_refused():
    with pytest.raises(ValueError, match=r"`size` \(=28\) must be a multiple of 16"):
        FactorProbe(channels=1, size=28, outputs=1)
