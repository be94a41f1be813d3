"""The drawing style."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_lib.teaching import plots


@pytest.fixture(autouse=True)
def _style():
    with matplotlib.rc_context():
        plots.use_style()
        yield
    plt.close("all")


def test_letters_stay_readable_on_a_phone():
    width = plots.WIDTH * matplotlib.rcParams["figure.dpi"]
    smallest = min(float(matplotlib.rcParams[key]) for key in ("xtick.labelsize", "legend.fontsize", "font.size"))
    assert smallest * matplotlib.rcParams["figure.dpi"] / 72 * 350 / width > 9.5  # CSS pixels at 390 wide


def luminance(colour: str) -> float:
    rgb = np.array(matplotlib.colors.to_rgb(colour))
    return float(np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


def test_line_colours_differ_in_lightness_and_stand_out_from_white():
    values = sorted(luminance(plots.COLOURS[name]) for name in ("blue", "orange", "green", "red", "black"))
    assert all(1.05 / (value + 0.05) > 2 for value in values)
    assert len({round(value, 2) for value in values}) == len(values)


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 1, 8, 8), (5, 3, 8, 8)])
def test_image_grids_take_every_layout(shape):
    figure = plots.image_grid(torch.rand(shape), columns=3, labels="abcde", title="Five pictures")
    assert sum(bool(axes.images) for axes in figure.axes) == 5


def test_curves_draw_runs_with_their_band():
    figure, axes = plots.figure_axes()
    plots.curve(axes, np.arange(4), np.random.default_rng(0).normal(size=(3, 4)), label="three runs")
    plots.finding(axes, "It falls", x="step", y="nats")
    assert len(axes.collections) == 1
    assert axes.get_title(loc="left") == "It falls"
    assert figure.get_figwidth() == plots.WIDTH
    _, two = plots.figure_axes(columns=2)
    assert len(two) == 2


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="images"):
        plots.image_grid(torch.rand(8, 8))
    with pytest.raises(ValueError, match="labels"):
        plots.image_grid(torch.rand(2, 8, 8), labels=["a"])
    with pytest.raises(ValueError, match="colour"):
        plots.curve(None, [0], [0], colour="yellow")
