r"""What do the singular values of pure noise look like?  Marchenko and Pastur, and what sticks out.

    x = s^2 / (sigma^2 n),  W (n, m), m <= n, beta = m / n:   density sqrt((b - x)(x - a)) / (2 pi beta x) on
    a, b = (1 -+ sqrt(beta))^2,  sigma^2 the variance of an entry

A signal of rank one and strength theta (singular value theta sigma sqrt(n)) is seen only above beta^(1/4), then at
sqrt((1 + theta^2)(beta + theta^2)) / theta: below the edge it is lost in the bulk, whatever one does with the spectrum.
Sources: Marchenko and Pastur 1967; Benaych-Georges and Nadakuditi 2012; Gavish and Donoho 2014.
"""

from __future__ import annotations

import math

import torch
from scipy import integrate, optimize
from torch import Tensor

from fieldkit import given


def edges(beta: float) -> tuple[float, float]:
    """(a, b), the ends of the bulk of x, for 0 < beta <= 1."""
    _refuse(beta)
    return (1 - math.sqrt(beta)) ** 2, (1 + math.sqrt(beta)) ** 2


def density(x: Tensor, beta: float) -> Tensor:
    """Density of x (...), 0 outside the bulk."""
    a, b = edges(beta)
    x = given.doubles(x)
    inside = ((b - x) * (x - a)).clamp(min=0).sqrt() / (2 * math.pi * beta * x.clamp(min=1e-300))
    return torch.where((x > a) & (x < b), inside, 0.0)


def cumulative(x: float, beta: float) -> float:
    """Fraction of x below, by the substitution x = 1 + beta - 2 sqrt(beta) cos t, smooth at both ends."""
    a, b = edges(beta)
    if math.isnan(x):
        raise ValueError(f"x = {x}: a place on the axis of x = s^2 / (sigma^2 n); give a number.")
    if x <= a or x >= b:
        return float(x >= b)
    root = math.sqrt(beta)

    def integrand(t: float) -> float:
        return 2 * math.sin(t) ** 2 / (math.pi * (1 + beta - 2 * root * math.cos(t)))

    if beta == 1:  # sin^2 / (1 - cos) = 1 + cos
        t = math.acos(max(-1.0, min(1.0, 1 - x / 2)))
        return (t + math.sin(t)) / math.pi
    top = math.acos(max(-1.0, min(1.0, (1 + beta - x) / (2 * root))))
    return integrate.quad(integrand, 0, top, epsabs=1e-13, epsrel=1e-13)[0]


def median(beta: float) -> float:
    """Median of x: how the scale of the noise is read off a spectrum that also holds a signal.

    >>> round(median(1.0), 12)
    0.652775941634
    """
    a, b = edges(beta)
    if b - a < 1e-14:
        return 1.0
    return float(optimize.brentq(lambda x: cumulative(x, beta) - 0.5, a, b, xtol=1e-15))


def spike(theta: float, beta: float = 1.0) -> float:
    """Where a signal of strength theta shows, s / (sigma sqrt(n)); the edge 1 + sqrt(beta) where it does not."""
    _refuse(beta)
    if _square(theta) ** 2 <= beta:
        return 1 + math.sqrt(beta)
    return math.hypot(1, theta) * math.hypot(1, math.sqrt(beta) / theta)


def overlap(theta: float, beta: float = 1.0) -> tuple[float, float]:
    """Squared overlaps of the singular vectors with those of the signal, (long side n, short side m); 0 if not seen.

    long: 1 - (beta + theta^2) / (theta^2 (theta^2 + 1));  short: 1 - beta (1 + theta^2) / (theta^2 (theta^2 + beta)).
    """
    _refuse(beta)
    t2 = _square(theta)
    if t2**2 <= beta:
        return 0.0, 0.0
    return 1 - (beta / t2 + 1) / (t2 + 1), 1 - beta * (1 / t2 + 1) / (t2 + beta)


def optimal_threshold(beta: float = 1.0, *, known: bool = True) -> float:
    """Gavish and Donoho's hard threshold in units of sigma sqrt(n) (`known`), or of the median singular value.

    >>> round(optimal_threshold(), 12), round(4 / 3**0.5, 12)
    (2.309401076759, 2.309401076759)
    """
    _refuse(beta)
    level = math.sqrt(2 * (beta + 1) + 8 * beta / (beta + 1 + math.sqrt(beta**2 + 14 * beta + 1)))
    return level if known else level / math.sqrt(median(beta))


def _square(theta: float) -> float:
    """theta^2, of a strength that is not negative; at most 1e150, beyond which nothing changes any more."""
    given.not_negative("theta", theta, why="a strength is not negative, a sign is that of a vector")
    return min(theta, 1e75) ** 2


def _refuse(beta: float) -> None:
    given.within("beta", beta, 0, 1, why="the short side over the long one; turn the matrix", ends="(]")
