"""How do the book's figures look?  Exact theory is a solid line (`theory`), a guess or an approximation is dashed
(`prediction`), a fit is dotted (`fit`), measurement is points with error bars (`points`).

One accent colour; a sequential palette for what has an order (`shades`), a categorical one with a mark for each colour
for what has none (`categories`).  The background is transparent on the page, which turns figures over in dark mode, so
that nothing here may carry meaning by being white or black, and white elsewhere.  Red (`ALARM`) is only for what is
wrong on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.image import AxesImage

from fieldkit import given, viewer
from fieldkit.estimates import Estimate

ACCENT = "#1f5fa8"
INK = "#22272e"
MUTED = "#6b7480"
ALARM = "#b3402a"  # only for what is wrong on purpose
# Far apart for every kind of colour vision, on white and when the page turns figures over (tests/test_plots.py).
CATEGORICAL = [(ACCENT, "o"), ("#cd8526", "s"), ("#a77ce0", "^"), ("#429f8c", "D"), (INK, "v")]
SEQUENTIAL = LinearSegmentedColormap.from_list(
    "fieldkit", ["#f2f6fa", "#b9d3ea", "#6ea4d4", ACCENT, "#16396b", "#0a1a36"]
)


def use_style() -> None:
    """Set the book's style for the notebook: SVG, but PNG on Colab; transparent on the page, whose style sheet turns
    figures over in the dark, and white elsewhere, where a dark theme would hide the ink."""
    colab, paper = viewer.is_colab(), "none" if viewer.is_page() else "white"
    mpl.rcParams.update(
        {
            "figure.figsize": (6.2, 3.6), "figure.dpi": 110, "figure.constrained_layout.use": True,
            "figure.facecolor": paper, "axes.facecolor": "none", "savefig.facecolor": paper,
            "font.size": 11.5, "axes.labelsize": 11.5, "axes.titlesize": 11.5,
            "legend.fontsize": 10.5, "legend.frameon": False, "axes.edgecolor": MUTED,
            "axes.labelcolor": INK, "text.color": INK, "xtick.color": MUTED, "ytick.color": MUTED,
            "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.spines.top": False, "axes.spines.right": False,
            "axes.titlelocation": "left", "axes.prop_cycle": plt.cycler(color=[ACCENT, INK, "#6ea4d4", MUTED]),
            "lines.linewidth": 1.6, "lines.markersize": 4.5, "image.cmap": "fieldkit", "image.interpolation": "nearest",
            "svg.hashsalt": "fieldkit", "svg.fonttype": "path", "mathtext.fontset": "dejavusans", "savefig.bbox": None,
        }
    )  # fmt: skip
    try:
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    # one and the same bytes at every rebuild: no date in the file
    set_matplotlib_formats(
        "png" if colab else "svg", **({} if colab else {"metadata": {"Date": None}, "bbox_inches": None})
    )


if "fieldkit" not in mpl.colormaps:
    mpl.colormaps.register(SEQUENTIAL)


def shades(n: int) -> list[tuple[float, float, float, float]]:
    """n colours for n ordered series, from pale to dark in the one palette.  Raises `ValueError` for n < 1."""
    given.whole("n", n, least=1, why="every series has a colour")
    return [SEQUENTIAL(x) for x in (np.linspace(0.48, 0.95, n) if n > 1 else [0.6])]


def categories(n: int) -> list[tuple[str, str]]:
    """(colour, mark) for n series without an order.  Raises `ValueError` for n < 1 or more than five."""
    given.whole("n", n, least=1, why="every series has a colour and a mark")
    if n > len(CATEGORICAL):
        raise ValueError(
            f"n = {n} categories: the eye keeps {len(CATEGORICAL)} colours apart in one panel; group the series, or "
            "draw more panels."
        )
    return CATEGORICAL[:n]


def theory(ax: Axes, x: Any, y: Any, *, label: str | None = None, color: Any = ACCENT) -> None:
    """The exact theory: a solid line."""
    ax.plot(np.asarray(x), np.asarray(y), color=color, label=label, zorder=2)


def points(
    ax: Axes, x: Any, estimates: Sequence[Estimate], *, label: str | None = None, color: Any = INK, marker: str = "o"
) -> None:
    """The measurement: points with one-sigma bars.  Raises `TypeError` for numbers without an error."""
    for e in estimates:
        if not isinstance(e, Estimate):
            raise TypeError(
                f"{e!r} has no error bar: points are measurements (`Estimate`); draw a theory with `theory`."
            )
    values, errors = [e.value for e in estimates], [e.error for e in estimates]
    ax.errorbar(
        np.asarray(x),
        values,
        errors,
        fmt=marker,
        color=color,
        label=label,
        elinewidth=1.2,
        capsize=0,
        mfc="none",
        zorder=3,
    )


def prediction(ax: Axes, x: Any, y: Any, *, label: str | None = None, color: Any = MUTED) -> None:
    """A guess or an approximation: dashed."""
    ax.plot(np.asarray(x), np.asarray(y), color=color, linestyle=(0, (4, 3)), label=label, zorder=1)


def fit(ax: Axes, x: Any, y: Any, *, label: str | None = None, color: Any = MUTED) -> None:
    """A curve whose parameters were fitted to the points: dotted."""
    ax.plot(np.asarray(x), np.asarray(y), color=color, linestyle=(0, (1, 1.6)), label=label, zorder=1)


def beside(ax: Axes, x: float, y: float, text: str, *, color: Any = INK) -> None:
    """A direct label: the series' name just right of its point (x, y), in its colour; more room is made on the right
    by `ax.margins` or `ax.set_xlim`."""
    ax.annotate(
        text, (x, y), xytext=(7, 0), textcoords="offset points", va="center", color=color, annotation_clip=False
    )


def field(ax: Axes, phi: Any, *, limits: tuple[float, float] | None = None) -> AxesImage:
    """One field (L, L) as an image in the sequential palette.  Raises `ValueError` for another shape."""
    if np.ndim(phi) != 2:
        raise ValueError(f"shape {np.shape(phi)}: one field is (L, L); take one of a batch with phi[0].")
    low, high = limits or (float(np.min(np.asarray(phi))), float(np.max(np.asarray(phi))))
    image = ax.imshow(np.asarray(phi), cmap=SEQUENTIAL, vmin=low, vmax=high, origin="lower")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    return image


def ticks(ax: Axes, *, x: Sequence[float] = (), y: Sequence[float] = ()) -> None:
    """Plain numbers at these places of a logarithmic axis, and nowhere else."""
    for axis, places in ((ax.xaxis, x), (ax.yaxis, y)):
        if len(places):
            axis.set_ticks(places, [f"{place:g}" for place in places])
            axis.set_ticks([], minor=True)


def pull_histogram(ax: Axes, pulls: Sequence[float]) -> None:
    """Pulls in bins of half a sigma, with sqrt(n) bars, on the expected unit Gaussian; nothing is left out beyond the
    edges.  Raises `ValueError` for a pull that is not finite."""
    if not np.isfinite(np.asarray(pulls, dtype=float)).all():
        raise ValueError("a pull is not finite: its claim has no place in the histogram; repair it first.")
    edges = np.linspace(-4.5, 4.5, 19)
    counts, _ = np.histogram(np.clip(pulls, -4.499, 4.499), edges)
    centres, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    ax.bar(centres, counts, width * 0.92, color=ACCENT, alpha=0.28, linewidth=0)
    filled = counts > 0
    ax.errorbar(
        centres[filled], counts[filled], np.sqrt(counts[filled]), fmt="o", color=INK, mfc="none", elinewidth=1.2
    )
    z = np.linspace(-4.5, 4.5, 241)
    ax.plot(
        z,
        len(pulls) * width * np.exp(-z * z / 2) / math.sqrt(2 * math.pi),
        color=ACCENT,
        label="unit Gaussian, not fitted",
    )
    ax.set(
        xlabel="pull = (measured − truth) / error", ylabel=f"claims per {width:g}σ", xlim=(-4.5, 4.5), ylim=(0, None)
    )
    ax.locator_params(axis="y", integer=True)
    ax.legend(loc="upper right")


__all__ = [
    "ACCENT",
    "ALARM",
    "CATEGORICAL",
    "INK",
    "MUTED",
    "SEQUENTIAL",
    "beside",
    "categories",
    "field",
    "fit",
    "plt",
    "points",
    "prediction",
    "pull_histogram",
    "shades",
    "theory",
    "ticks",
    "use_style",
]
