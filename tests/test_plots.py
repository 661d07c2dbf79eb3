"""What may be drawn, and how: a measurement has a bar, a field is two-dimensional, no pull is lost."""

import numpy as np
import pytest

from fieldkit import plots
from fieldkit.estimates import Estimate


@pytest.fixture
def ax():
    figure, ax = plots.plt.subplots()
    yield ax
    plots.plt.close(figure)


def test_points_have_error_bars(ax):
    plots.points(ax, [1, 2], [Estimate(1, 0.1), Estimate(2, 0.1)])
    with pytest.raises(TypeError, match="no error bar"):
        plots.points(ax, [1], [1.0])


def test_a_field_is_drawn_and_not_taken_for_colours(ax):
    plots.field(ax, np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"phi\[0\]"):
        plots.field(ax, np.zeros((2, 4, 3)))


def test_the_histogram_holds_every_pull(ax):
    plots.pull_histogram(ax, [-9.0, 0.1, 0.2, 7.0])
    assert sum(bar.get_height() for bar in ax.patches) == 4
    with pytest.raises(ValueError, match="not finite"):
        plots.pull_histogram(ax, [0.0, float("nan")])


def test_shades_grow_darker():
    assert [len(plots.shades(n)) for n in (1, 3)] == [1, 3]
    light = [sum(colour[:3]) for colour in plots.shades(5)]
    assert light == sorted(light, reverse=True)
    with pytest.raises(ValueError, match="n = 0"):
        plots.shades(0)
