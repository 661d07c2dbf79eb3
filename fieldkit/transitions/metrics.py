r"""Is it the network that jumps, or the way in which it is marked?

A task of k parts that counts only when all are right turns an accuracy p into p^k.  Nothing about the network changes,
but the place where the curve is steepest moves: what moves under a monotone change of the metric is no property of the
network (Schaeffer, Miranda & Koyejo 2023).  A critical point does not move, whatever monotone function marks it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife_covariance
from fieldkit.transitions import changes


def together(accuracy: Tensor, parts: float) -> Tensor:
    """The accuracy p^parts of a task whose independent parts must all be right; accuracy within [0, 1].

    Raises `ValueError` for an accuracy outside of it or parts that are not positive.
    """
    p = given.numbers(accuracy).double()
    given.positive("parts", parts, why="a task has parts")
    if not bool(((p >= 0) & (p <= 1)).all()):
        raise ValueError("an accuracy is outside of 0 to 1: give fractions, not percent.")
    return p**parts


def octaves(sizes: Tensor, curve: Tensor) -> tuple[Tensor, Tensor]:
    """Rise of curve (..., n) for each doubling of sizes (n,), between neighbours, and the geometric means of their
    sizes: (..., n - 1), (n - 1,).

    Raises `ValueError` for sizes that are not positive and ascending, or another number of values.
    """
    n, y = given.numbers(sizes).double(), given.numbers(curve).double()
    if n.dim() != 1 or len(n) < 2 or y.shape[-1:] != n.shape:
        raise ValueError(f"sizes {tuple(n.shape)}, curve {tuple(y.shape)}: expected (n,) and (..., n), n at least 2.")
    if not bool((n[:1] > 0).all() and (n.diff() > 0).all()):
        raise ValueError("sizes do not ascend from above 0: sort them, and leave out what stands there twice.")
    return y.diff() / n.log2().diff(), (n[1:] * n[:-1]).sqrt()


def steepest(
    sizes: Tensor, runs: Tensor, *, metric: Callable[[Tensor], Tensor] = lambda p: p, degree: int = 5
) -> Estimate:
    """log2 of the size at which metric(mean of the runs) rises fastest per doubling, with its bar over runs (r, n).

    The curve is smoothed by a polynomial of that degree in the logarithm of the size, whose slope has one largest
    value; the bar is the jackknife's over whole runs.  A higher degree follows a sharper rise, and noise; the place
    is only worth what it does not change between two degrees.  Raises as `octaves` and `jackknife`, and `ValueError`
    where the curve is steepest at an end of the range, for all runs or with one left out.
    """
    sizes, runs = given.numbers(sizes).double(), given.numbers(runs).double()
    if runs.dim() != 2:
        raise ValueError(f"runs {tuple(runs.shape)}: expected (r, n), a curve for each run.")
    octaves(sizes, metric(runs.mean(0)))  # refuses what is no curve
    x = sizes.log2()
    shapes = changes.polynomials(x, degree)
    fine = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    slopes = torch.from_numpy(np.polynomial.legendre.legvander(fine.numpy(), degree - 1))
    rise = torch.from_numpy(np.polynomial.legendre.legder(np.eye(degree + 1)))  # (degree, degree + 1)
    solve = slopes @ rise @ torch.linalg.pinv(shapes)  # curve (n,) -> slope on the fine places

    def peak(mean: Tensor) -> Tensor:
        slope = solve @ metric(mean)
        j = int(slope.argmax())
        if j in (0, len(fine) - 1):
            raise ValueError(
                "the curve is steepest at an end of the range: it has no steepest place there; go further."
            )
        place = _vertex(fine[j - 1 : j + 2], slope[j - 1 : j + 2])
        return (x[0] + (x[-1] - x[0]) * (place + 1) / 2)[None]

    value, covariance = jackknife_covariance(peak, runs)
    return Estimate(value.item(), covariance[0, 0].sqrt().item())


def crossing(
    sizes: Tensor, runs: Tensor, level: float, *, metric: Callable[[Tensor], Tensor] = lambda p: p
) -> Estimate:
    """log2 of the size at which metric(mean of the runs) first passes metric(level), with its bar over runs (r, n).

    A level stays where it is under every monotone metric but for the chord between two sizes.  Raises `ValueError`
    where the curve does not pass it.
    """
    sizes, runs = given.numbers(sizes).double(), given.numbers(runs).double()
    if runs.dim() != 2:
        raise ValueError(f"runs {tuple(runs.shape)}: expected (r, n), a curve for each run.")
    octaves(sizes, runs)  # refuses what is no curve
    goal = float(metric(torch.tensor(level, dtype=torch.float64)))

    def passed(mean: Tensor) -> Tensor:
        above = metric(mean) - goal
        change = ((above[:-1] < 0) & (above[1:] >= 0)).nonzero()
        if not len(change):
            raise ValueError(f"level = {level}: the mean of the runs does not pass it between the given sizes.")
        j = int(change[0])
        x = sizes.log2()
        return (x[j] + (x[j + 1] - x[j]) * above[j] / (above[j] - above[j + 1]))[None]

    value, covariance = jackknife_covariance(passed, runs)
    return Estimate(value.item(), covariance[0, 0].sqrt().item())


def _vertex(x: Tensor, y: Tensor) -> Tensor:
    """Where the parabola through three points has its top."""
    a, b = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
    curvature = (b - a) / (x[2] - x[0])
    return x[1] if curvature == 0 else (x[0] + x[1]) / 2 - a / (2 * curvature)
