r"""Is it the network that jumps, or the way in which it is marked?

A task of k parts that counts only when all are right turns an accuracy p into p^k.  Nothing about the network changes,
but the place where the curve is steepest moves: what moves under a monotone change of the metric is no property of the
network (Schaeffer, Miranda & Koyejo 2023).  A critical point does not move, whatever monotone function marks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife_covariance


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
    sizes: Tensor, runs: Tensor, *, metric: Callable[[Tensor], Tensor] = lambda p: p, width: float = 1.5
) -> Estimate:
    """log2 of the size at which metric(mean of the runs) rises fastest per doubling, with its bar over runs (r, n).

    It is the inflection of the cubic that fits the curve over `width` octaves on either side; the window is laid
    around the inflection by iteration, once, and kept while the jackknife leaves out whole runs.  Raises as `octaves`
    and `jackknife`, and `ValueError` where the curve is steepest at an end of the range or the window holds fewer
    than 5 sizes.
    """
    sizes, runs = given.numbers(sizes).double(), given.numbers(runs).double()
    given.positive("width", width, why="the window has a width")
    if runs.dim() != 2:
        raise ValueError(f"runs {tuple(runs.shape)}: expected (r, n), a curve for each run.")
    curve = metric(runs.mean(0))
    octaves(sizes, curve)  # refuses what is no curve
    x = sizes.log2()
    rise = [_slope(x[w], curve[w]) for w in ((x - at).abs() <= width for at in x)]
    at = float(x[int(torch.tensor(rise).argmax())])
    for _ in range(20):
        inside = _window(x, at, width)
        at, last = _inflection(x[inside], curve[inside], at), at
        if abs(at - last) < 1e-6:
            break
    inside = _window(x, at, width)

    def peak(mean: Tensor) -> Tensor:
        return torch.tensor([_inflection(x[inside], metric(mean)[inside], at)], dtype=torch.float64)

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


def _slope(x: Tensor, y: Tensor) -> float:
    """Slope of the straight line through all points."""
    z = x - x.mean()
    return float((z * y).sum() / z.square().sum())


def _window(x: Tensor, at: float, width: float) -> Tensor:
    inside = (x - at).abs() <= width
    if not float(x[0]) < at < float(x[-1]):
        raise ValueError("the curve is steepest at an end of the range: there it has no steepest place; go further.")
    if int(inside.sum()) < 5:
        raise ValueError(f"width = {width}: {int(inside.sum())} sizes in the window, at least 5 are needed; widen it.")
    return inside


def _inflection(x: Tensor, y: Tensor, at: float) -> float:
    """Where the cubic through the points (least squares) bends the other way."""
    z = x - at
    design = torch.stack([torch.ones_like(z), z, z**2, z**3], 1)
    _, _, b, a = torch.linalg.lstsq(design, y[:, None]).solution[:, 0].tolist()
    return at - b / (3 * a) if a else math.inf
