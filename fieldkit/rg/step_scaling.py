r"""How does a quantity on side 2L depend on the same quantity on side L?  Step scaling, with no units at all.

    Sigma(u) = U4(2L) where U4(L) = u,      fixed point u* = U4 at T_c on a large lattice,      Sigma'(u*) = 2^(1/nu)

The temperature is only a label along the curve, so that two theories whose curves agree are one at large scales.
For the square-lattice Ising model the curve is exact up to L = 5 -> 10 (`pair`), from the law of the magnetisation.
Source: Luescher, Weisz and Wolff 1991; U4 = 1 - <m^4> / (3 <m^2>^2), Binder 1981.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.lattice import ising, ising_exact


def pair(L: int, T: float) -> tuple[float, float]:
    """(U4(L), U4(2L)) of the periodic Ising model at temperature T, exact; 2 <= L <= 5 (L = 5 takes seconds)."""
    given.whole("L", L, least=2, why="a torus has a side of two or more")
    if L > 5:
        raise ValueError(f"L = {L}: the exact law reaches side 11, so L <= 5; beyond, use Monte Carlo and `binder`.")
    return ising_exact.binder_cumulant(L, T), ising_exact.binder_cumulant(2 * L, T)


def curve(L: int, temperatures: Tensor | list[float]) -> Tensor:
    """(k, 2): `pair` at every temperature, an exact piece of the step scaling function."""
    return torch.tensor([pair(L, float(T)) for T in temperatures], dtype=torch.float64)


def slope(L: int, T: float = ising.T_CRITICAL, *, h: float = 1e-3) -> float:
    """d U4(2L) / d U4(L) at T, by central differences of fourth order in T: tends to 2^(1/nu) = 2 at T_c."""
    given.positive("h", h, why="a difference is taken over a step")
    steps = [pair(L, T + k * h) for k in (-2, -1, 1, 2)]
    large, small = ((8 * (c[i] - b[i]) - (d[i] - a[i])) for i in (1, 0) for a, b, c, d in [steps])
    return large / small


def inverse_nu(L: int) -> float:
    """ln(slope) / ln 2 at T_c, an effective 1/nu of the step from L to 2L, exact; it drifts to 1 as L grows."""
    return math.log(slope(L)) / math.log(2)


def binder(magnetizations: Tensor) -> Estimate:
    """U4 from chains of magnetisations (n_chains, n_steps), by the jackknife over whole chains (8 or more)."""
    m = given.doubles(magnetizations)
    if m.dim() != 2:
        raise ValueError(f"shape {tuple(m.shape)}: expected (n_chains, n_steps), the chains kept apart.")
    return jackknife(lambda m2, m4: 1 - m4 / (3 * m2**2), m.square().mean(1), m.pow(4).mean(1))


def against(small: Estimate, large: Estimate, exact: Tensor) -> Estimate:
    """The measured U4(2L) minus the curve (k, 2) at the measured U4(L), whose error is carried along the curve's slope.

    0 for a theory on the curve.  The curve is joined by straight lines; raises `ValueError` outside it.
    """
    exact = given.doubles(exact)
    if exact.dim() != 2 or exact.shape[1] != 2 or len(exact) < 2 or not bool(exact.isfinite().all()):
        raise ValueError(f"curve {tuple(exact.shape)}: expected (k, 2) finite numbers, k at least 2.")
    order = exact[:, 0].argsort()
    u, v = exact[order, 0], exact[order, 1]
    if not bool((u.diff() > 0).all()):
        raise ValueError("the curve has two points at one U4(L): no line joins them; take each temperature once.")
    if not float(u[0]) <= small.value <= float(u[-1]):
        raise ValueError(f"U4 = {small}: the curve runs from {float(u[0]):.4f} to {float(u[-1]):.4f}; extend it.")
    i = int(torch.searchsorted(u, small.value).clamp(1, len(u) - 1))
    rise = float((v[i] - v[i - 1]) / (u[i] - u[i - 1]))
    there = float(v[i - 1]) + rise * (small.value - float(u[i - 1]))
    return Estimate(large.value - there, math.hypot(large.error, rise * small.error))
