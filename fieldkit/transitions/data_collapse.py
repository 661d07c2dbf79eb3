r"""Do curves of different sizes fall on one another?  Data collapse, with no form for the scaling function.

    y(x, L) = L^-b F((x - x_c) L^a),        a = 1/nu,   b = beta/nu (or -gamma/nu, or 0).

`quality` compares each point with a straight line through its neighbours of the other sizes, and S near 1 means that
they agree within their errors; `best` searches the smallest S.  A collapse that looks perfect can lie: sizes that are
too small share their error.  With a form for F and errors of the exponents: `scaling.fit`.
Source: Houdayer and Hartmann 2004.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


@dataclass(frozen=True)
class Curve:
    """One size: x (m,) ascending, values (m,) and their errors (m,)."""

    size: float
    x: Tensor
    value: Tensor
    error: Tensor

    def __post_init__(self) -> None:
        given.positive("size", self.size, why="a system has a size")
        rows = [given.numbers(t).double() for t in (self.x, self.value, self.error)]
        if rows[0].dim() != 1 or len(rows[0]) < 2 or any(r.shape != rows[0].shape for r in rows):
            raise ValueError(f"{[tuple(r.shape) for r in rows]}: expected x, value, error of one length, 2 or more.")
        if not all(bool(r.isfinite().all()) for r in rows) or not bool((rows[2] > 0).all()):
            raise ValueError("a value is not finite or an error is not positive: leave such points out.")
        if not bool((rows[0].diff() > 0).all()):
            raise ValueError("x does not ascend: sort the points.")
        for name, row in zip(("x", "value", "error"), rows):
            object.__setattr__(self, name, row)


def quality(curves: Sequence[Curve], x_c: float, a: float, b: float) -> float:
    """S of the collapse (x - x_c) L^a, y L^b: near 1 when curves agree within their errors, larger when they do not.

    Raises `ValueError` for fewer than two sizes, and where fewer than a third of the points have neighbours of another
    size on both sides: what does not overlap cannot be compared, and nothing is extrapolated.
    """
    for name, value in (("x_c", x_c), ("a", a), ("b", b)):
        given.number(name, value, why="a collapse has one critical point and two exponents")
    if len({curve.size for curve in curves}) < 2:
        raise ValueError(f"{len(curves)} curves: a collapse compares at least two sizes.")
    if not _power(curves, a, b) < 300:
        raise ValueError(
            f"x_c = {x_c}, a = {a}, b = {b}: the sizes to these powers are no numbers; choose smaller ones."
        )
    total, count = _collapse(curves, x_c, a, b)
    points = sum(len(curve.x) for curve in curves)
    if 3 * count < points:
        raise ValueError(
            f"x_c = {x_c:.6g}, a = {a:.4g}: {count} of {points} points overlap with other sizes; nothing is "
            "extrapolated, so measure where the scaled curves overlap."
        )
    return total / count


def best(curves: Sequence[Curve], *, start: Sequence[float]) -> tuple[Tensor, float]:
    """(x_c, a, b) of the best collapse (3,), by simplex from `start`, and its S.  Raises as `quality`."""
    from scipy.optimize import minimize

    if len(start) != 3:
        raise ValueError(f"start has {len(start)} numbers: give x_c, a and b.")
    quality(curves, *start)
    points = sum(len(curve.x) for curve in curves)

    def cost(q: np.ndarray) -> float:
        if not _power(curves, q[1], q[2]) < 300:
            return 1e9
        total, count = _collapse(curves, *q)
        return total / count if 3 * count >= points else 1e9

    done = minimize(cost, np.asarray(start, dtype=float), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-5})
    return torch.from_numpy(done.x), float(done.fun)


def _collapse(curves: Sequence[Curve], x_c: float, a: float, b: float) -> tuple[float, int]:
    """Sum of the squared deviations in units of their errors, and how many points had a partner."""
    scaled = [
        ((c.x.numpy() - x_c) * c.size**a, c.value.numpy() * c.size**b, c.error.numpy() * c.size**b) for c in curves
    ]
    total, count = 0.0, 0
    for i, (xs, ys, es) in enumerate(scaled):
        weight = [np.zeros(len(xs)) for _ in range(5)]  # sums of w, w x, w y, w x^2, w x y over all partners
        partners = np.zeros(len(xs), dtype=int)
        for j, (xo, yo, eo) in enumerate(scaled):
            if j == i:
                continue
            right = np.searchsorted(xo, xs)
            inside = (right > 0) & (right < len(xo))
            partners += inside
            for k in (right[inside] - 1, right[inside]):
                w = 1 / eo[k] ** 2
                for sums, term in zip(weight, (w, w * xo[k], w * yo[k], w * xo[k] ** 2, w * xo[k] * yo[k])):
                    sums[inside] += term
        w, wx, wy, wxx, wxy = weight
        determinant = w * wxx - wx * wx
        good = (partners > 0) & (determinant > 1e-12 * np.maximum(w * wxx, 1e-300))
        with np.errstate(divide="ignore", invalid="ignore"):
            line = (wxx * wy - wx * wxy + xs * (w * wxy - wx * wy)) / determinant
            spread = (wxx - 2 * xs * wx + xs * xs * w) / determinant
            off = (ys - line) ** 2 / (es**2 + spread)
        total += float(off[good].sum())
        count += int(good.sum())
    return total, count


def _power(curves: Sequence[Curve], a: float, b: float) -> float:
    """The largest exponent of e that the scaling meets."""
    return max(abs(a), abs(b)) * max(abs(math.log(curve.size)) for curve in curves)
