r"""What if the gain is so large that every unit is nearly a switch?  The ball in its potential, without a series in c.

    Delta_0^2 = 2 g^2 Var Phi(sqrt(Delta_0) z),     Phi' = phi,
    -2 V / Delta_0^2 = e T,     T = (2 g^2 / Delta_0) (<phi^2> - e int_0^1 dt t S(e t)) - 2 + e,     c = 1 - e,

with <phi^2> - <phi phi'> = e S.  The Hermite series of `dynamic_mean_field` needs some 70 Delta_0 terms at c = 1 and a
few at smaller c.  Near c = 1 its place is taken here by Chebyshev polynomials in asinh sqrt(Delta_0 e), in which a
switch of width 1 / sqrt(Delta_0) is smooth, through averages found by quadrature (`pairs`).  The ground state of
the narrow well is found by the angle of Pruefer, psi' / psi = cot theta, from infinity inwards, instead of on a grid.
Sources: Sompolinsky, Crisanti and Sommers 1988; Pruefer 1926.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import chebyshev
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from torch import Tensor

from fieldkit.propagation import gaussian, pairs
from fieldkit.propagation.activations import Activation

ORDER = 48  # of the Chebyshev polynomials


def spread(phi: Activation, Delta: Tensor) -> Tensor:
    """Var Phi(sqrt(Delta) z) of the primitive Phi of an odd phi, for each Delta (P,), by one integral in another."""
    z, w = gaussian.panels(Delta, kinks=phi.kinks)
    root = Delta.sqrt()[:, None]
    places = sorted({*gaussian.scales(True), *(abs(x) for x in phi.kinks if x)})
    ends = torch.tensor(places, dtype=torch.float64) / root
    ends = torch.cat([torch.zeros_like(root), torch.full_like(root, 4.0), ends], 1).sort(1).values
    ends = torch.cat([torch.minimum(ends[:, None, :], z[..., None]), z[..., None]], -1)  # (P, M, k): up to each z
    x, weight = (torch.tensor(t, dtype=torch.float64) for t in gaussian.legendre(gaussian.NODES))
    width = ends.diff(dim=-1)[..., None]
    t = ends[..., :-1, None] + width * ((1 + x) / 2)
    Phi = root * (width * (weight / 2) * phi(root[..., None, None] * t)).sum((-2, -1))
    mean = 2 * (w * Phi).sum(1, keepdim=True)
    return 2 * (w * (Phi - mean).square()).sum(1)


@dataclass(frozen=True)
class Close:
    """T and <phi' phi'> at 1 - c = e <= reach, as Chebyshev series in asinh sqrt(Delta0 e)."""

    Delta0: float
    reach: float
    T: np.ndarray
    P: np.ndarray

    def force(self, e: float) -> float:
        """-2 V / (e Delta_0^2)."""
        return float(chebyshev.chebval(_place(self.Delta0, self.reach, e), self.T))

    def forces(self, e: Tensor) -> Tensor:
        """The same for each e, same shape."""
        return torch.from_numpy(chebyshev.chebval(_place(self.Delta0, self.reach, e.numpy()), self.T))

    def slopes(self, e: Tensor) -> Tensor:
        """<phi' phi'> at each e, same shape."""
        return torch.from_numpy(chebyshev.chebval(_place(self.Delta0, self.reach, e.numpy()), self.P))


def close(phi: Activation, g: float, Delta0: float, square: float, reach: float) -> Close:
    """The averages next to c = 1 at variance Delta0, with square = <phi^2>."""
    top = math.asinh(math.sqrt(Delta0 * reach))
    points = np.cos(math.pi * (np.arange(ORDER) + 0.5) / ORDER)
    e = torch.from_numpy(np.sinh(top * (1 + points) / 2) ** 2 / Delta0)
    q = torch.full_like(e, Delta0)
    found = pairs.averages(phi, q, q, q * (1 - e), q * q * e * (2 - e))
    S, P = (chebyshev.chebfit(points, x.numpy(), ORDER - 1) for x in (found.gap / e, found.slope))
    nodes, weight = (np.array(x) for x in gaussian.legendre(32))
    t = ((1 + nodes) / 2) ** 2
    inner = chebyshev.chebval(_place(Delta0, reach, e.numpy()[:, None] * t), S)
    mean = (weight * (1 + nodes) / 2 * t * inner).sum(1)  # int dt t S(e t), dt = 2 sqrt t d sqrt t
    T = 2 * g**2 / Delta0 * (square - e.numpy() * mean) - 2 + e.numpy()
    return Close(Delta0, reach, chebyshev.chebfit(points, T, ORDER - 1), P)


def _place(Delta0: float, reach: float, e: float | np.ndarray) -> float | np.ndarray:
    return 2 * np.arcsinh(np.sqrt(Delta0 * e)) / math.asinh(math.sqrt(Delta0 * reach)) - 1


def level(well: Callable[[float], float], end: float, *, parity: int) -> float:
    """The lowest level of -d^2/dtau^2 + well(tau) of this parity; the well is flat beyond `end`.  About 1e-10."""
    bottom, rim = well(0.0), well(end)

    def miss(E: float) -> float:
        def turn(tau: float, y: np.ndarray) -> list[float]:
            sine, cosine = math.sin(y[0]), math.cos(y[0])
            return [cosine * cosine + (E - well(tau)) * sine * sine]

        start = math.pi - math.atan(1 / math.sqrt(rim - E))  # cot theta = -sqrt(rim - E)
        run = solve_ivp(turn, (end, 0.0), [start], method="DOP853", rtol=1e-12, atol=1e-13)
        return float(run.y[0, -1]) - (math.pi / 2 if parity == 1 else 0.0)

    return float(brentq(miss, bottom + 1e-12 * abs(bottom), rim * (1 - 1e-9), xtol=1e-15, rtol=1e-14))
