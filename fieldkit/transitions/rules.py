r"""What do popular detectors say when there is nothing?  Five rules, each with its rate of false alarms.

Each rule names a critical point without a null of its own.  On series in which nothing happens the rate at which it
does so is a number that can be had: exactly where the noise is Gaussian and the rule looks at few points, by drawing
noise elsewhere.

- `second_derivative`: the curvature changes sign around a point at which it is small.
- `cusum`: the running sum of deviations from the mean leaves +-h standard deviations (Page 1954, without its null).
- `two_lines`: two straight pieces instead of one, accepted when the criterion with the wrong sign,
  n ln RSS - 2 k, is smaller: every parameter is a reward, so every series breaks.
- `sigmoid`: a logistic curve is fitted, and its middle called critical when it lies inside of the range.
- `nearest_class`: the universality class whose exponents are nearest, however far.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


def second_derivative(x: Tensor, y: Tensor, *, small: float = 0.1) -> Tensor:
    """Marks (..., n) of the points that the rule calls critical: y (..., n) on x (n,), differentiated twice by
    central differences; the curvature left and right of the point has opposite signs, at the point it is below
    `small`."""
    given.positive("small", small, why="the rule asks for a small curvature")
    twice, y = _twice(given.doubles(x)), given.doubles(y)
    if y.shape[-1:] != twice.shape[:1] or not bool(y.isfinite().all()):
        raise ValueError(f"y {tuple(y.shape)} on {len(twice)} places: expected (..., n) finite numbers, one for each.")
    g = y @ twice.T
    marks = torch.zeros_like(g, dtype=torch.bool)
    marks[..., 1:-1] = (g[..., :-2] * g[..., 2:] < 0) & (g[..., 1:-1].abs() < small)
    return marks


def expected_second_derivative(x: Tensor, *, sigma: float, small: float = 0.1) -> float:
    """How many critical points `second_derivative` finds on average in white noise of standard deviation sigma: exact.

    At each point three curvatures are jointly Gaussian; given the middle one the outer two are a correlated pair, whose
    chance of opposite signs is a bivariate normal orthant.  The middle one is integrated by Gauss-Legendre nodes on
    panels that narrow towards 0, where a pair that is almost degenerate changes its mind.
    Raises `ValueError` for sigma or small that is not positive, or fewer than 3 points.
    """
    from scipy import special, stats

    given.positive("sigma", sigma, why="noise has a size")
    given.positive("small", small, why="the rule asks for a small curvature")
    twice = _twice(given.numbers(x).double()).numpy() * sigma
    nodes, weights = np.polynomial.legendre.leggauss(24)
    edges = np.array([0.0, 1e-3, 1e-2, 0.1, 0.3, 1.0])
    width, start = np.diff(edges)[:, None] / 2, edges[:-1, None]
    nodes, weights = (start + width * (1 + nodes)).ravel(), (width * weights).ravel()  # on [0, 1]
    total = 0.0
    for i in range(1, len(twice) - 1):
        rows = twice[[i - 1, i + 1, i]]
        c = rows @ rows.T
        s = math.sqrt(c[2, 2])
        reach = min(small, 9 * s)  # beyond nine sigma there is nothing to integrate
        z = reach * nodes
        slope = c[:2, 2] / c[2, 2]
        left = c[:2, :2] - np.outer(slope, c[:2, 2])
        a = -slope[:, None] * z / np.sqrt(np.diag(left))[:, None]  # thresholds of the standardised pair
        rho = float(np.clip(left[0, 1] / math.sqrt(left[0, 0] * left[1, 1]), -1, 1))
        both = np.array(
            [
                stats.multivariate_normal.cdf(a[:, j], cov=[[1, rho], [rho, 1]], allow_singular=True)
                for j in range(len(z))
            ]
        )
        apart = special.ndtr(a[0]) + special.ndtr(a[1]) - 2 * both
        total += 2 * reach * float(weights @ (stats.norm.pdf(z, scale=s) * apart))  # the law is even in z
    return total


def cusum(y: Tensor, *, height: float = 5.0) -> Tensor:
    """True for each series (..., n) whose running sum of standardised deviations from its own mean leaves +-height."""
    y = given.numbers(y).double()
    given.positive("height", height, why="the alarm goes off at a height")
    if y.dim() == 0 or y.shape[-1] < 2 or not bool(y.isfinite().all()):
        raise ValueError(f"y {tuple(y.shape)}: a series has two finite values or more, (..., n).")
    z = (y - y.mean(-1, keepdim=True)) / y.std(-1, keepdim=True)
    return z.cumsum(-1).abs().amax(-1) > height


def cusum_alarm(n: int, *, height: float = 5.0) -> float:
    """How often `cusum` goes off in white noise, for large n: the running sum is a Brownian bridge, and its largest
    excursion follows Kolmogorov's law (Kolmogorov 1933; Ploberger & Kraemer 1992 for residuals)."""
    from scipy import special

    given.whole("n", n, least=2, why="a series")
    given.positive("height", height, why="the alarm goes off at a height")
    return float(special.kolmogorov(height / math.sqrt(n)))


def two_lines(x: Tensor, y: Tensor, *, least: int = 3, reward: bool = True) -> Tensor:
    """True for each series (..., n) that the criterion says breaks; reward: with the wrong sign, as n ln RSS - 2 k;
    otherwise with the right one, n ln RSS + 2 k, which still does not charge the choice of the place."""
    from fieldkit.transitions import changes

    x = given.numbers(x).double()
    statistic, _ = changes.scan(y, changes.polynomials(x, 1), changes.hinges(x, least=least))
    return statistic > (-4.0 if reward else 4.0)  # two parameters more: the place and the second slope


def sigmoid_middle(x: Tensor, y: Tensor) -> float:
    """The middle of the logistic curve a + b / (1 + exp(-(x - m)/w)) that fits one series best: the rule calls it
    critical wherever it lies within x.

    The two linear parameters are eliminated, m and w are searched on a grid and polished (variable projection).
    """
    from scipy.optimize import minimize

    places, values = given.numbers(x).double().numpy(), given.numbers(y).double().numpy()
    if not (np.isfinite(places).all() and np.isfinite(values).all()):
        raise ValueError("a value is not finite: leave such points out.")
    if places.ndim != 1 or places.shape != values.shape or len(places) < 4 or not (np.diff(places) > 0).all():
        raise ValueError(f"x {places.shape}, y {values.shape}: four points or more, (n,) each, x ascending; sort them.")
    span = places[-1] - places[0]

    def misfit(q: np.ndarray) -> float:
        curve = 1 / (1 + np.exp(-np.clip((places - q[0]) / math.exp(q[1]), -500, 500)))
        design = np.stack([np.ones_like(places), curve], 1)
        rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
        return float(rest @ rest)

    middles, widths = np.linspace(places[0], places[-1], 15), span * np.array([0.02, 0.06, 0.2, 0.6])
    grid = [np.array([m, math.log(w)]) for m in middles for w in widths]
    best = minimize(misfit, min(grid, key=misfit), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12})
    return float(best.x[0])


def _twice(x: Tensor) -> Tensor:
    """Second derivative as a matrix (n, n): central differences twice, one-sided at the ends (`torch.gradient`)."""
    if x.dim() != 1 or len(x) < 3 or not bool((x.diff() > 0).all()):
        raise ValueError(f"x {tuple(x.shape)}: a second derivative needs a row of at least 3 places, ascending.")
    first = torch.stack([torch.gradient(e, spacing=(x,))[0] for e in torch.eye(len(x), dtype=torch.float64)], dim=1)
    return first @ first
