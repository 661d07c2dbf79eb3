r"""Where does the number 0.63 come from?  The local potential of a field of N components flows until it stands still.

    d/dl u'(rho) = -(2 - eta) u' + (d - 2 + eta) rho u'' + d/drho A [ 1 / (1 + u' + 2 rho u'') + (N - 1) / (1 + u') ]

l = ln k grows towards the ultraviolet, rho = phi^2 / 2, A = 1 - eta / (d + 2), the constant of the loop scaled away:
the exact renormalisation group of Wetterich with Litim's regulator, cut off at a potential without momenta (LPA, eta
= 0, the same as Polchinski's) or with one wave function factor (LPA', eta from the third derivative at the minimum).
u' is kept at Chebyshev nodes of [0, R]; a regular solution needs no boundary condition.  Newton finds the fixed point,
the eigenvalues of its Jacobian are -1 / nu, omega, ...: an equation for a function, solved in milliseconds to 1e-12.
Sources: Wetterich 1993; Morris 1994; Litim 2002; Bervillier, Juettner and Litim 2007.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from fieldkit import given


@dataclass(frozen=True)
class Grid:
    """Chebyshev nodes rho (n,) on [0, R] and the matrices (n, n) of d/drho on functions given there."""

    rho: Tensor
    R: float
    derivative: Tensor
    coefficients: Tensor


@dataclass(frozen=True)
class FixedPoint:
    """u' (n,) at the nodes of `grid`, with nu, omega, eta and all real eigenvalues in l, smallest first."""

    grid: Grid
    slope: Tensor
    nu: float
    omega: float
    eta: float
    eigenvalues: Tensor
    d: float

    @property
    def minimum(self) -> float:
        """rho_0 with u'(rho_0) = 0."""
        return _minimum(self.grid, self.slope)


def grid(n: int, R: float) -> Grid:
    """n nodes on [0, R]; the error of a smooth function falls faster than any power of n."""
    given.whole("n", n, least=6, why="a potential needs some nodes")
    given.positive("R", R, why="the field reaches out to R")
    x = -np.cos(np.pi * (np.arange(n) + 0.5) / n)
    to = np.linalg.inv(chebyshev.chebvander(x, n - 1))
    inner = np.zeros((n, n))
    inner[: n - 1] = chebyshev.chebder(np.eye(n))  # columns: coefficients of T_j'
    derivative = 2 / R * chebyshev.chebvander(x, n - 1) @ inner @ to
    return Grid(torch.tensor(R * (x + 1) / 2), R, torch.tensor(derivative), torch.tensor(to))


def flow(g: Grid, slope: Tensor, *, d: float, N: float = 1.0, eta: Tensor | float = 0.0) -> Tensor:
    """d u'(rho) / dl at the nodes, (n,), from u' (n,)."""
    bend = g.derivative @ slope
    loop = 1 / (1 + slope + 2 * g.rho * bend) + (N - 1) / (1 + slope)
    return -(2 - eta) * slope + (d - 2 + eta) * g.rho * bend + (1 - eta / (d + 2)) * (g.derivative @ loop)


def anomalous_dimension(g: Grid, slope: Tensor) -> Tensor:
    """eta = V'''^2 / (1 + V'')^4 at the minimum of the potential, differentiable; 0 where there is no minimum.

    V'' = 2 rho u'', V''' = sqrt(2 rho) (3 u'' + 2 rho u''') for one component.
    """
    start = _minimum(g, slope.detach())
    if not start > 0:
        return slope.sum() * 0
    bend = g.derivative @ slope
    third = g.derivative @ bend
    row = _row(g, start)
    rho = start - (row @ slope) / (row @ bend.detach())  # one Newton step at the root: how the minimum moves
    shift = rho - start
    u2, u3 = row @ bend + shift * (row @ third), row @ third + shift * (row @ (g.derivative @ third))
    return 2 * rho * (3 * u2 + 2 * rho * u3) ** 2 / (1 + 2 * rho * u2) ** 4


def fixed_point(
    *, d: float = 3.0, N: float = 1.0, anomalous: bool = False, n: int | None = None, R: float | None = None
) -> FixedPoint:
    """The Wilson-Fisher fixed point for N components in 2.4 <= d <= 3.7; LPA' with `anomalous`, for N = 1.

    Found from a parabola in d = 3, N = 1, then followed in N and in d.  n nodes on
    [0, R (N + 0.8) / 1.8]: R = 6 and 22 nodes if not given, 30 below d = 2.7, 16 above 3.3.  nu to 1e-13 at d = 3, to
    1e-9 at the ends, omega to 3e-7.  Raises `ValueError` outside the domain, and where Newton does not settle.
    """
    given.within("d", d, 2.4, 3.7, why="this grid resolves the fixed point there")
    if anomalous and N != 1:
        raise ValueError(f"N = {N}: eta is taken from the potential of one component; use N = 1, or LPA.")
    given.positive("N", N, why="a field has components")
    n = (30 if d < 2.7 else 22 if d <= 3.3 else 16) if n is None else n
    R = 6.0 if R is None else R
    g = grid(n, R)
    slope = -0.175 + 0.055 * g.rho + 0.02 * g.rho**2  # rough, for d = 3 and N = 1; Newton is at home from there
    for now_d, now_N in _path(d, N):
        g = grid(n, R * (now_N + 0.8) / 1.8)  # the minimum lies near N + 0.8 in d = 3: nodes move with it
        slope, J = _newton(g, slope, now_d, now_N, anomalous)
    values = torch.linalg.eigvals(J)
    real = values.real[values.imag.abs() < 1e-6].sort().values
    if not real[0] < 0 < real[1]:
        raise ValueError(
            f"eigenvalues {real[:3].tolist()}: a critical point has one relevant direction; change n or R."
        )
    eta = float(anomalous_dimension(g, slope)) if anomalous else 0.0
    return FixedPoint(g, slope, -1 / float(real[0]), float(real[1]), eta, real, d)


def potential(point: FixedPoint, rho: Tensor) -> Tensor:
    """u(rho) - u(0) for rho (...) in [0, R], by integrating the Chebyshev series of u'.

    Raises `ValueError` for other rho, where the series says nothing.
    """
    rho = given.doubles(rho).detach().cpu()
    if not bool(((rho >= 0) & (rho <= point.grid.R)).all()):
        raise ValueError(f"rho outside of [0, {point.grid.R:.6g}]: u is known on its grid only; take a larger R.")
    series = chebyshev.chebint((point.grid.coefficients @ point.slope).numpy() * point.grid.R / 2, lbnd=-1)
    return torch.tensor(chebyshev.chebval(2 * rho.numpy() / point.grid.R - 1, series))


def _newton(g: Grid, slope: Tensor, d: float, N: float, anomalous: bool) -> tuple[Tensor, Tensor]:
    """The root of the flow near u' = slope, and the Jacobian there.  Steps are halved that would leave 1 + V'' > 0."""
    for _ in range(60):
        F, J = _linearised(g, slope, d, N, anomalous)
        change, singular = torch.linalg.solve_ex(J, -F)
        if int(singular):
            break
        size = 1.0
        while size > 1e-3 and not _sane(g, slope + size * change):
            size /= 2
        slope = slope + size * change
        if not bool(slope.isfinite().all()):
            break
        top = float(slope.abs().max())  # quadratic: one more step reaches rounding, which near d = 4 is coarse in u'
        if float(change.abs().max()) < 1e-6 * top or float(F.abs().max()) < 1e-12 * (1 + top):
            F, J = _linearised(g, slope, d, N, anomalous)
            slope = slope - torch.linalg.solve(J, F)
            return slope, _linearised(g, slope, d, N, anomalous)[1]
    raise ValueError(f"d = {d}, N = {N}: Newton found no fixed point of the potential; take more nodes, or another R.")


def _linearised(g: Grid, slope: Tensor, d: float, N: float, anomalous: bool) -> tuple[Tensor, Tensor]:
    """The flow (n,) and its Jacobian (n, n); eta adds a matrix of rank one."""
    eta, gradient = 0.0, None
    if anomalous:
        x = slope.clone().requires_grad_(True)
        value = anomalous_dimension(g, x)
        gradient = torch.autograd.grad(value, x)[0]
        eta = float(value.detach())
    one = torch.eye(len(slope), dtype=torch.float64)
    V2 = one + 2 * g.rho[:, None] * g.derivative
    loop = -V2 / (1 + V2 @ slope).square()[:, None] - (N - 1) * one / (1 + slope).square()[:, None]
    A = 1 - eta / (d + 2)
    J = -(2 - eta) * one + (d - 2 + eta) * g.rho[:, None] * g.derivative + A * g.derivative @ loop
    F = flow(g, slope, d=d, N=N, eta=eta)
    if gradient is not None:
        by_eta = flow(g, slope, d=d, N=N, eta=eta + 1.0) - F  # the flow is linear in eta
        J = J + by_eta[:, None] * gradient
    return F, J


def _path(d: float, N: float) -> list[tuple[float, float]]:
    """From (3, 1) to (d, N): first N in steps of 30 per cent at most, then d in steps of 0.05."""
    n_N = math.ceil(abs(math.log(N)) / math.log(1.3) - 1e-9)
    n_d = math.ceil(abs(d - 3) / 0.05 - 1e-9)
    by_N = [(3.0, N ** (k / n_N)) for k in range(1, n_N + 1)]
    by_d = [(3 + (d - 3) * k / n_d, N) for k in range(1, n_d + 1)]
    return by_N + by_d or [(3.0, 1.0)]


def _sane(g: Grid, slope: Tensor) -> bool:
    return bool(((1 + slope + 2 * g.rho * (g.derivative @ slope)) > 0).all())


def _row(g: Grid, rho: float) -> Tensor:
    """The row that evaluates a function given at the nodes at one rho."""
    at = chebyshev.chebvander(2 * rho / g.R - 1, len(g.rho) - 1)
    return torch.as_tensor(at).reshape(-1) @ g.coefficients


def _minimum(g: Grid, slope: Tensor) -> float:
    """The root of u' where it turns positive, or 0."""
    series = (g.coefficients @ slope).numpy()
    x = np.linspace(-1, 1, 400)
    values = chebyshev.chebval(x, series)
    turns = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    if len(turns) == 0:
        return 0.0
    root, by = x[turns[0] + 1], chebyshev.chebder(series)
    for _ in range(6):
        root -= chebyshev.chebval(root, series) / chebyshev.chebval(root, by)
    return float(g.R * (root + 1) / 2)
