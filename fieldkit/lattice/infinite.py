r"""What does the free field do where no boundary sends anything back?  Its propagator on the infinite lattice Z^d.

    G(x) = int d^dp / (2 pi)^d  e^{ipx} / (p^2 + mass2)  =  int_0^oo dt e^{-mass2 t} prod_mu e^{-2t} I_{x_mu}(2t),

with p^2 = sum_mu 4 sin^2(p_mu / 2) and I the modified Bessel functions: e^{-2t} I_x(2t) is the probability that a
random walk in continuous time is at x after time t, so G counts the visits of a walker who dies at the rate mass2.
With t = e^u the integrand is analytic in a strip around the real axis and falls off at both ends: the trapezoid rule
converges faster than any power (Trefethen and Weideman 2014).  A periodic lattice of side L has the sum over images,
sum_n G(x + n L): that is the volume dependence of every free field.

Sources: Montvay and Muenster 1994, ch. 2; Watson 1939 (d = 3, mass2 = 0: G(0) = 0.2527310...).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.polynomial import Polynomial
from scipy import special
from torch import Tensor

from fieldkit import given

FAR = 60  # sites; Debye's expansion holds beyond to 1e-13


def propagator(x: Tensor, *, mass2: float) -> Tensor:
    """G(x) at places x (..., d) of whole numbers: (...,), float64 on the CPU, to about 1e-13 of G(x), or 1e-12 for
    places thousands of sites away.

    mass2 > 0, or mass2 = 0 in three dimensions and more: in one and two the massless walker comes back for ever.
    Raises `ValueError` for another mass2, or places that are not whole or more than 4000 sites away.

    >>> propagator([0, 0, 0], mass2=0.0)
    tensor(0.2527, dtype=torch.float64)
    """
    places = given.doubles(x).detach().cpu()
    if places.dim() == 0 or places.shape[-1] == 0 or not bool((places == places.round()).all()):
        raise ValueError(f"x of shape {tuple(places.shape)}: places are (..., d), d whole numbers each, as in [0, 1].")
    d = places.shape[-1]
    if d < 3 or mass2 != 0:
        given.positive("mass2", mass2, why="a massless field runs away in one and two dimensions")
    if bool((places.abs() > 4000).any()):
        raise ValueError(f"x = {places.tolist()}: places up to 4000 sites away can be summed; choose nearer ones.")
    found = [_one(tuple(place), float(mass2)) for place in places.abs().reshape(-1, d).long().tolist()]
    return torch.tensor(found, dtype=torch.float64).reshape(places.shape[:-1])


def _one(place: tuple[int, ...], mass2: float) -> float:
    d, far = len(place), max(place)
    step = 0.2 / math.sqrt(1 + far / 8)  # the walker arrives at a time known to 1 / sqrt(far)
    # before the first time he has hardly moved; after the last he is dead, or too rarely here
    alive = 60 + 2 * math.asinh(math.sqrt(mass2) / 2) * sum(place)  # the most that -ln G can be, and 60 more
    last = math.log(alive / mass2) if mass2 > 0 else math.inf
    last = min(last, math.log(1 + far**2) + 80 / (d - 2)) if d > 2 else last
    u = np.arange(-40.0 - math.log1p(mass2), last + step, step)
    t = np.exp(u)
    log = u - mass2 * t + sum(_log_walk(n, t) for n in place)
    top = log.max()
    return float(np.exp(log - top).sum() * step * math.exp(top))


def _log_walk(n: int, t: np.ndarray) -> np.ndarray:
    """ln e^{-2t} I_n(2t): scipy's Bessel function, Hankel's series for late t, and where it would be 0 its power
    series, or Debye's expansion in 1 / n for places far away (Olver 1974)."""
    z = 2 * t
    late = z > 50 * max(4, n * n)
    plain = special.ive(n, np.where(late, 1.0, z))
    early = ~late & (plain < 1e-280)
    first = _early(n, np.where(early, t, 1e-9))
    term, tail = np.ones_like(t), np.ones_like(t)
    for k in range(1, 9):
        term *= np.where(late, ((2 * k - 1) ** 2 - 4.0 * n * n) / (8 * k * z), 0.0)
        tail += term
    last = -0.5 * np.log(2 * math.pi * z) + np.log(tail)
    plain = np.where(early | late, 1.0, plain)
    return np.where(early, first, np.where(late, last, np.log(plain)))


def _early(n: int, t: np.ndarray) -> np.ndarray:
    if n < FAR:
        square, term, k = t**2, np.ones_like(t), 0
        rise = term.copy()
        while term.max() > 1e-17:  # t^n / n! sum_k t^2k / (k! (n + 1) ... (n + k)), t below n
            k += 1
            term *= square / (k * (n + k))
            rise += term
        return n * np.log(t) - special.gammaln(n + 1) - 2 * t + np.log(rise)
    w = 2 * t / n
    root = np.hypot(1.0, w)
    tail = sum(u(1 / root) / float(n) ** k for k, u in enumerate(_debye()))
    return n * (1 / (root + w) - np.arcsinh(1 / w)) - 0.5 * np.log(2 * math.pi * n * root) + np.log(tail)


def _debye() -> list[Polynomial]:
    """U_0 ... U_6 with U_(k+1) = p^2 (1 - p^2) U_k' / 2 + int_0^p (1 - 5 s^2) U_k ds / 8."""
    found = [Polynomial([1.0])]
    for _ in range(6):
        u = found[-1]
        found.append(Polynomial([0, 0, 0.5, 0, -0.5]) * u.deriv() + (Polynomial([1, 0, -5]) * u).integ() / 8)
    return found
