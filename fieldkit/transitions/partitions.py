r"""Where are the levels of a staircase?  The cheapest way to cut a series into pieces, found exactly.

    minimise over the cuts  sum_pieces |y - mean|^2 + penalty * (number of cuts),

by F(t) = min_s F(s) + cost(s, t) + penalty (Jackson et al. 2005), with candidates s dropped once they can never win
again (PELT, Killick, Fearnhead & Eckley 2012).  With pieces of at least m points a candidate that is beaten at t may
only go at t + m: before that, the cut at t which beats it is not allowed yet.  Dropping it at once loses the optimum
in a few per cent of short series.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


@dataclass(frozen=True)
class Partition:
    """Where pieces begin, without the first (indices), their means (pieces, ...), and the cost without penalties."""

    cuts: list[int]
    means: Tensor
    cost: float


def partition(y: Tensor, *, penalty: float, least: int = 1) -> Partition:
    """The optimal partition of y (n,) or (n, k), whose components are cut at the same places.

    penalty: price of a cut in units of y^2; for noise of variance s^2, 3 s^2 ln n cuts white noise of 60 points in one
    of 200 series.  least: points a piece must have.  Raises `ValueError` for a series shorter than `least`, values
    that are not finite or a negative penalty.

    >>> partition(torch.tensor([0.0, 0.1, -0.1, 5.0, 5.1, 4.9]), penalty=1.0).cuts
    [3]
    """
    rows = given.numbers(y).double().cpu().numpy()
    given.whole("least", least, least=1, why="a piece has at least one point")
    if rows.ndim not in (1, 2) or len(rows) < least or 0 in rows.shape or not np.isfinite(rows).all():
        raise ValueError(f"shape {rows.shape}: expected (n,) or (n, k) finite numbers, n at least least = {least}.")
    given.not_negative("penalty", penalty, why="the price of a cut, such as 3 s^2 ln n")
    n, single = len(rows), rows.ndim == 1

    best = np.full(n + 1, np.inf)  # F(t)
    best[0] = -penalty
    last = np.zeros(n + 1, dtype=int)
    # Pieces that end at t: where they begin, the time from which each is dropped, mean and cost, updated point by point
    # (Welford 1962), since a difference of sums would lose the digits of a small piece beside a large number.
    begin, until, inside = np.zeros(0, dtype=int), np.zeros(0, dtype=int), np.zeros(0)
    middle = np.zeros((0, *rows.shape[1:]))
    for t in range(1, n + 1):
        begin, until, inside = np.append(begin, t - 1), np.append(until, n + 1), np.append(inside, 0.0)
        middle = np.concatenate([middle, rows[t - 1 : t]])
        off = rows[t - 1] - middle
        middle = middle + off / (t - begin if single else (t - begin)[:, None])
        with np.errstate(over="ignore"):
            more = off * (rows[t - 1] - middle)
        inside = inside + (more if single else more.sum(1))
        ready = int(np.searchsorted(begin, t - least, "right"))
        if ready == 0:
            continue
        total = best[begin[:ready]] + inside[:ready]
        chosen = total.argmin()
        best[t], last[t] = total[chosen] + penalty, begin[chosen]
        until[:ready] = np.where((total > best[t]) & (until[:ready] > n), t + least, until[:ready])
        keep = until > t + 1
        begin, until, inside, middle = begin[keep], until[keep], inside[keep], middle[keep]
    cuts, t = [], n
    while last[t] > 0:
        t = int(last[t])
        cuts.append(t)
    cuts.reverse()
    pieces = np.split(rows, cuts)
    cost = math.fsum(float(((piece - piece.mean(0)) ** 2).sum()) for piece in pieces)
    return Partition(cuts, torch.from_numpy(np.stack([piece.mean(0) for piece in pieces])), cost)


def run_lengths(
    y: Tensor,
    *,
    hazard: float,
    mean: float = 0.0,
    mean_weight: float = 0.01,
    shape: float = 1.0,
    scale: float = 1.0,
) -> Tensor:
    """P(the present piece is r points old | y up to t), for every t: rows t = 0 ... n, columns r = 0 ... n.

    Pieces end with probability `hazard` a step; within a piece y is Gaussian with unknown mean and variance, whose
    prior is Normal-Gamma: the precision is Gamma(shape, rate = scale), and the mean, given it, is Gaussian about
    `mean` with mean_weight times that precision (Adams & MacKay 2007).  y (n,).  Raises `ValueError` for a hazard
    outside of (0, 1), a prior that is not positive, or values that are not finite.
    """
    from scipy.special import gammaln

    x = given.numbers(y).double().cpu().numpy()
    if x.ndim != 1 or not (np.abs(x) < 1e153).all() or not abs(mean) < 1e153:
        raise ValueError(
            f"shape {x.shape}, mean = {mean}: one series (n,) of finite numbers, whose squares are finite."
        )
    given.within("hazard", hazard, 0, 1, why="the probability that a piece ends at a step", ends="()")
    for name, value in (("mean_weight", mean_weight), ("shape", shape), ("scale", scale)):
        given.positive(name, value, why="the prior of a piece is a proper law")
    n = len(x)
    age = np.arange(n + 1)
    weight, half = mean_weight + age, shape + age / 2
    # Student's law of the next value: degrees 2 a, its constant depends on the age alone
    constant = gammaln(half + 0.5) - gammaln(half) - 0.5 * np.log(2 * math.pi * half)
    table = np.zeros((n + 1, n + 1))
    table[0, 0] = 1.0
    centre, rate = np.array([mean]), np.array([scale])
    for t, value in enumerate(x):
        k, a = weight[: t + 1], half[: t + 1]
        spread = rate * (k + 1) / (a * k)
        off = (value - centre) ** 2
        density = constant[: t + 1] - 0.5 * np.log(spread) - (a + 0.5) * np.log1p(off / (2 * a * spread))
        joint = table[t, : t + 1] * np.exp(density - density.max())
        table[t + 1, 0] = hazard * joint.sum()
        table[t + 1, 1 : t + 2] = (1 - hazard) * joint
        table[t + 1] /= table[t + 1].sum()
        rate = np.concatenate([[scale], rate + k * off / (2 * (k + 1))])
        centre = np.concatenate([[mean], (k * centre + value) / (k + 1)])
    return torch.from_numpy(table)
