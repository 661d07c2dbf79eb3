r"""What does a corner of a large block remember?  Baxter's corner transfer matrices, and the cut of a block.

Four quadrants of the square lattice meet at a point.  The matrix of one of them, from the spins on one edge to those on
the other, has away from T_c the eigenvalues

    exp(-e_n / 4),     e_n = sum of distinct e_j,     e_j = (2j + 1) e  (T > T_c)  or  2j e  (T < T_c),  j = 0, 1, ...
    e = pi I(k') / I(k),     k = sinh^2 2K  or its inverse, whichever is below one,     k'^2 = 1 - k^2

with I the complete elliptic integral: a ladder without disorder in it, because turning a corner by four right angles is
the density matrix of half of the system.  A block that is much larger than the correlation length has such a matrix at
each of its four corners and nothing else (a corner double line), so its cut from corner to corner has the singular
values exp(-(e_m + e_n) / 4): `cut`.
Sources: Baxter 1982, ch. 13; Peschel, Kaulke and Legeza 1999 (cond-mat/9810174); Okunishi, Hieida and Akutsu 1999.
"""

from __future__ import annotations

import math

import torch
from scipy.special import ellipkm1
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import ising_exact
from fieldkit.lattice.onsager_exact import refuse_cold

TOP = 24
"""Rungs of the ladder up to which `corner` counts."""


def spacing(T: float) -> float:
    """e, the step of the ladder once round the point; it tends to zero at T_c.  Raises `ValueError` at T_c itself."""
    refuse_cold(T)
    log_k = -2 * abs(2 / T + math.log(-math.expm1(-4 / T) / 2))  # ln sinh 2/T without overflow
    if not log_k < 0:
        raise ValueError(f"T = {T}: at the critical temperature the ladder has no steps; choose another.")
    if log_k < -20:
        return 2 * (math.log(4) - log_k)  # I(k') = ln(4/k), I(k) = pi/2 to rounding
    k = math.exp(log_k)
    return math.pi * float(ellipkm1(k * k)) / float(ellipkm1(-math.expm1(2 * log_k)))


def corner(T: float, n: int) -> Tensor:
    """The n lowest e_n in units of `spacing`, whole numbers (n,), of the density matrix of half of the system.

    Below T_c each is there twice: two phases.  Raises `ValueError` when n asks for rungs above `TOP`.
    """
    given.whole("n", n, least=1, why="a ladder has a lowest rung")
    given.positive("T", T, why="a temperature is positive")
    ways = [1] + [0] * TOP  # in how many ways distinct e_j add up to each rung
    for e in range(1, TOP + 1, 2) if ising_exact.T_CRITICAL < T else range(0, TOP + 1, 2):
        ways = [ways[m] + (ways[m - e] if m >= e else 0) for m in range(TOP + 1)]
    rungs = [m for m in range(TOP + 1) for _ in range(ways[m])]
    if n > len(rungs):
        raise ValueError(f"n = {n}: {len(rungs)} levels lie on the first {TOP} rungs; ask for fewer.")
    return torch.tensor(rungs[:n], dtype=torch.float64)


def cut(T: float, n: int) -> Tensor:
    """-4 ln(s_i / s_0) / spacing of the n largest singular values of a large block, cut from corner to corner: (n,).

    Whole numbers e_m + e_n.  Below T_c both corners are in the same phase, so that all is there twice, not four times.
    """
    given.whole("n", n, least=1, why="a ladder has a lowest rung")
    given.positive("T", T, why="a temperature is positive")
    high = ising_exact.T_CRITICAL < T
    one = corner(T, 20 if high else 40)[:: 1 if high else 2]
    both = (one[:, None] + one).flatten().sort().values
    both = both if high else both.repeat_interleave(2)
    if n > int((both <= one[-1]).sum()):
        raise ValueError(f"n = {n}: only {int((both <= one[-1]).sum())} levels are complete; ask for fewer.")
    return both[:n]
