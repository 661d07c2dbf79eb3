"""What may be drawn, and how: a measurement has a bar, a field is two-dimensional, no pull is lost."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from fieldkit import plots, viewer
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


def test_solid_is_theory_dashed_a_guess_and_dotted_a_fit(ax):
    for draw in (plots.theory, plots.prediction, plots.fit):
        draw(ax, [0, 1], [0, 1])
    solid, dashed, dotted = ax.lines
    assert solid.get_linestyle() == "-"
    on, off = dashed._unscaled_dash_pattern[1]
    assert on > off
    on, off = dotted._unscaled_dash_pattern[1]
    assert on < off
    plots.beside(ax, 1, 1, "a name")
    assert ax.texts[0].get_text() == "a name"


# How the eye sees (linear light): everybody, and without one of the three cones (Machado, Oliveira and Fernandes 2009).
EYES = {
    "all cones": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]]
    ),
}
# The matrices of Ottosson's OKLab, and hue-rotate(180deg) as browsers compute it.
CONES = np.array(
    [[0.41222147, 0.53633254, 0.051446], [0.2119035, 0.68069955, 0.107397], [0.0883025, 0.281719, 0.62998]]
)
LAB = np.array([[0.2104543, 0.7936178, -0.004072], [1.9779985, -2.4285922, 0.4505937], [0.025904, 0.782772, -0.808676]])
TURN = np.array([[-0.574, 1.43, 0.144], [0.426, 0.43, 0.144], [0.426, 1.43, -0.856]])
NIGHT = (20, 24, 30)  # the page's ground in dark mode


def linear(rgb):
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def turned(rgb):
    """What the style sheet makes of a figure in dark mode: invert(1) hue-rotate(180deg)."""
    return np.clip((1 - rgb) @ TURN.T, 0, 1)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("eye", EYES)
def test_categories_differ_for_every_eye_by_day_and_by_night(eye, dark):
    rgb = np.array([to_rgb(colour) for colour, _ in plots.categories(5)] + [to_rgb(plots.ALARM)])
    seen = np.clip(linear(turned(rgb) if dark else rgb) @ EYES[eye].T, 0, 1)
    lab = np.cbrt(seen @ CONES.T) @ LAB.T
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    assert apart[~np.eye(6, dtype=bool)].min() > 0.1  # five just noticeable differences of 0.02


@pytest.mark.parametrize("dark", [False, True])
def test_every_colour_stands_out_from_the_page(dark):
    """A graphical object needs a contrast of 3 to 1 (WCAG 2.1, 1.4.11)."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    for colour in [*(c for c, _ in plots.categories(5)), *plots.shades(6), plots.MUTED, plots.ALARM]:
        rgb = np.array(to_rgb(colour))
        paper = linear(np.array(NIGHT) / 255) @ weights if dark else 1.0
        light = linear(turned(rgb) if dark else rgb) @ weights
        assert (max(light, paper) + 0.05) / (min(light, paper) + 0.05) >= 3


def test_every_category_has_a_mark_of_its_own():
    assert len({mark for _, mark in plots.categories(5)}) == 5
    for n in (0, 6):
        with pytest.raises(ValueError, match=f"n = {n}"):
            plots.categories(n)


@pytest.mark.parametrize(("page", "paper"), [("1", "none"), (None, "white")])
def test_figures_are_transparent_on_the_page_only(monkeypatch, page, paper):
    if page is None:
        monkeypatch.delenv(viewer.BUILD, raising=False)
    else:
        monkeypatch.setenv(viewer.BUILD, page)
    with plots.mpl.rc_context():
        plots.use_style()
        assert plots.mpl.rcParams["figure.facecolor"] == plots.mpl.rcParams["savefig.facecolor"] == paper


def test_shades_grow_darker():
    assert [len(plots.shades(n)) for n in (1, 3)] == [1, 3]
    light = [sum(colour[:3]) for colour in plots.shades(5)]
    assert light == sorted(light, reverse=True)
    with pytest.raises(ValueError, match="n = 0"):
        plots.shades(0)
