r"""One unit for two features: when does a network stop choosing?  The toy model of superposition, integrated exactly.

Two features x_1, x_2, each absent with probability 1 - p and else uniform on [0, 1], pass through one unit and back:

    y_i = relu(w_i (w . x) + b_i),      loss = E |y - x|^2,      w = (u, v).

Dedicated: w = (1, 0), b = (0, p/2): one feature is kept, of the other the mean; loss p/3 - p^2/4.  Antipodal: v = -u:
both are kept, in opposite directions, and disturb each other when both are there.  Sparse features are better shared.
The dense minimum is not the dedicated one but one with a little of the second feature, and where the two families of
minima are equally good the weights jump: first order.  Elhage et al. 2022, "Toy Models of Superposition", with features
of equal importance.
"""

from __future__ import annotations

import numpy as np

from fieldkit import given

NODES, WEIGHTS = (a.astype(float) for a in np.polynomial.legendre.leggauss(6))  # exact to degree 11; 5 is needed


def loss(u: float, v: float, b1: float, b2: float, p: float) -> float:
    """E |y - x|^2 at density p: the unit square is cut where an output begins, and between the cuts the integrand is a
    polynomial, for which Gauss-Legendre rules are exact.

    Raises `ValueError` for p outside of [0, 1].
    """
    _density(p)
    for name, value in (("u", u), ("v", v), ("b1", b1), ("b2", b2)):
        given.within(name, value, -1e75, 1e75, why="weights and biases are numbers whose squares have squares")

    def misfit(s: np.ndarray, t: np.ndarray) -> np.ndarray:
        unit = u * s + v * t
        return (np.maximum(u * unit + b1, 0) - s) ** 2 + (np.maximum(v * unit + b2, 0) - t) ** 2

    def cut(slope: float, offset: np.ndarray) -> np.ndarray:
        return -offset / slope if slope else np.full_like(offset, -1.0)

    zero = np.zeros(1)
    alone, weight = _rule([cut(u * u, zero + b1), cut(u * v, zero + b2)])
    first = float((weight * misfit(alone, 0 * alone)).sum())
    alone, weight = _rule([cut(u * v, zero + b1), cut(v * v, zero + b2)])
    second = float((weight * misfit(0 * alone, alone)).sum())
    corners = [
        cut(u * u, zero + b1),
        cut(u * u, b1 + zero + u * v),
        cut(u * v, zero + b2),
        cut(u * v, b2 + zero + v * v),
    ]
    s, outer = (a[0] for a in _rule(corners))
    t, inner = _rule([cut(u * v, u * u * s + b1), cut(v * v, u * v * s + b2)])
    both = float((outer[:, None] * inner * misfit(s[:, None], t)).sum())
    return (1 - p) ** 2 * float(misfit(zero, zero)[0]) + p * (1 - p) * (first + second) + p * p * both


def _rule(cuts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights (n, 6 (k + 1)) on [0, 1] cut at k places (n,) each; cuts outside do nothing."""
    inside = [np.clip(c, 0, 1) for c in cuts]
    edges = np.sort(np.stack([np.zeros_like(inside[0]), *inside, np.ones_like(inside[0])], 1), axis=1)
    half = np.diff(edges, axis=1)[:, :, None] / 2
    nodes = edges[:, :-1, None] + half * (1 + NODES)
    return nodes.reshape(len(edges), -1), (half * WEIGHTS).reshape(len(edges), -1)


def dedicated(p: float) -> float:
    """Loss of w = (1, 0), b = (0, p/2): p/3 - p^2/4."""
    _density(p)
    return p / 3 - p * p / 4


def minimum(p: float, start: tuple[float, float, float, float]) -> tuple[float, tuple[float, ...]]:
    """The local minimum (u, v, b1, b2) of the loss that a simplex finds from `start`, and its loss."""
    from scipy.optimize import minimize

    _density(p)
    if len(start) != 4:
        raise ValueError(f"start has {len(start)} numbers: give u, v, b1 and b2.")
    done = minimize(
        lambda q: loss(q[0], q[1], q[2], q[3], p), np.array(start, dtype=float), method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-14, "maxiter": 4000},
    )  # fmt: skip
    return float(done.fun), tuple(float(q) for q in done.x)


def antipodal(p: float) -> tuple[float, float, float]:
    """(loss, u, b) of the best symmetric solution v = -u, b1 = b2 = b."""
    from scipy.optimize import minimize

    _density(p)
    done = minimize(
        lambda q: loss(q[0], -q[0], q[1], q[1], p), np.array([0.85, 0.2]), method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-15},
    )  # fmt: skip
    return float(done.fun), float(done.x[0]), float(done.x[1])


def dense(p: float) -> tuple[float, tuple[float, ...]]:
    """The unequal minimum of dense features, from a start near its place at p = 0.7: (loss, (u, v, b1, b2))."""
    return minimum(p, (0.925, -0.49, 0.192, 0.437))


def critical_density() -> float:
    """The density at which the unequal and the antipodal minimum are equally good; above it |v| is smaller than u."""
    from scipy.optimize import brentq

    return brentq(lambda p: antipodal(p)[0] - dense(p)[0], 0.7052, 0.71, xtol=1e-7)


def _density(p: float) -> None:
    given.within("p", p, 0, 1, why="the density of the features is a probability")
