r"""What if depth is time?  A random recurrent network is one unit driven by noise that it must make itself.

    dx_i/dt = -x_i + sum_j J_ij phi(x_j),   J_ij ~ N(0, g^2 / N)   =>   dx/dt = -x + eta,   <eta eta'> = g^2 <phi phi'>,
    Delta'' = Delta - g^2 <phi phi'>(Delta) = -dV/dDelta,           Delta(tau) = <x(t) x(t + tau)>.

Averaging the generating functional over J leaves independent units in a Gaussian field eta whose covariance is fixed by
the units themselves.  In the steady state the covariance moves like a particle in the potential V = -Delta^2 / 2 + g^2
Cov(Phi, Phi'), Phi' = phi: a chaotic state starts at rest and falls exactly to Delta = 0.  In orthonormal Hermite
coefficients a_j of phi(sqrt(Delta_0) z) and c = Delta / Delta_0 everything is one polynomial,

    -2 V / Delta_0^2 = c^2 - (2 g^2 / Delta_0) sum_j a_j^2 c^(j + 1) / (j + 1) = (1 - c) sum_j s_j c^j,

with s_j the tails of the sum: positive numbers, no difference of near equals.  Two copies of one network separate as
exp (lambda t): lambda = -1 + sqrt(1 - E_0), E_0 the ground state of -d^2/dtau^2 + 1 - g^2 <phi' phi'>(tau).

Sources: Sompolinsky, Crisanti and Sommers 1988; Helias and Dahmen 2020.  phi odd with slope 1 at 0; CPU, float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from torch import Tensor

from fieldkit.propagation import gaussian

Function = Callable[[Tensor], Tensor]
N_MODES = 600  # a_j of tanh falls as exp(-pi sqrt(j / 2 Delta_0)): g = 3 then has lambda to 1e-10


@dataclass(frozen=True)
class Chaos:
    """The chaotic steady state at gain g: variance `Delta0` and squared Hermite coefficients `a2` (k,) of phi at it."""

    g: float
    Delta0: float
    a2: Tensor

    @property
    def weights(self) -> Tensor:
        """(2 g^2 / Delta_0) a_j^2 / (j + 1): they sum to 1, which is the condition V(Delta_0) = 0."""
        return 2 * self.g**2 / self.Delta0 * self.a2 / torch.arange(1, len(self.a2) + 1, dtype=torch.float64)

    @property
    def curvature(self) -> float:
        """Delta''(0) = Delta_0 - g^2 <phi^2> < 0, as minus half Delta_0 times the sum of the tails."""
        return -self.Delta0 / 2 * _tails(self).sum().item()

    @property
    def kappa(self) -> float:
        """Decay rate of Delta at long times, sqrt(1 - g^2 <phi'>^2): c^2 kappa^2 is what is left of V at small c."""
        return math.sqrt(self.weights[2:].sum().item())


def solve(activation: Function, g: float, *, n_modes: int = N_MODES) -> Chaos:
    """The chaotic state: Delta_0 = 2 g^2 sum_j a_j(Delta_0)^2 / (j + 1), the form V(Delta_0) = 0 takes.

    Relative accuracy 1e-15 / (g^2 - 1).  Raises `ValueError` for g <= 1, where x = 0 is stable and nothing moves, and
    for an activation that is not odd.
    """
    if not g > 1:
        raise ValueError(f"g = {g}: below g = 1 activity dies out and there is no chaotic state; take g > 1.")
    order = torch.arange(1, n_modes + 1, dtype=torch.float64)

    def relative(log_delta: float) -> float:
        Delta = math.exp(log_delta)
        return 2 * g**2 * (_squares(activation, Delta, n_modes) / order).sum().item() / Delta - 1

    Delta0 = math.exp(brentq(relative, math.log(1e-3 * (g - 1)), math.log(10 * g**2), xtol=1e-15, rtol=1e-15))
    a2 = _squares(activation, Delta0, n_modes)
    if a2[::2].sum() > 1e-20 * a2.sum():
        raise ValueError("phi is not odd: its mean makes a second order parameter; use an odd phi such as tanh or erf.")
    return Chaos(g, Delta0, a2)


def autocorrelation(state: Chaos, tau: Tensor) -> Tensor:
    """Delta(tau) for lags tau >= 0 (k,) -> (k,), to about 12 digits.

    With c = 1 / cosh y the first integral Delta'^2 = -2 V becomes y' = sqrt(R(c) / (1 + c)), sum s_j c^j = c^2 R(c):
    smooth, positive, and equal to kappa at long times, so that an explicit Runge-Kutta method meets no end point.
    """
    return state.Delta0 / torch.cosh(_falling(state, tau))


def potential(state: Chaos, Delta: Tensor) -> Tensor:
    """V(Delta), any shape, for |Delta| <= Delta_0; zero at Delta = 0 and at +-Delta_0."""
    c = Delta.abs() / state.Delta0
    return -0.5 * state.Delta0**2 * (1 - c) * _polynomial(_tails(state), c)


def slope_correlation(state: Chaos, c: Tensor) -> Tensor:
    """<phi'(x) phi'(x')> at correlation c: sum_j j a_j^2 c^(j - 1) / Delta_0."""
    order = torch.arange(len(state.a2), dtype=torch.float64)
    return _polynomial((order * state.a2)[1:], c) / state.Delta0


def lyapunov(state: Chaos, *, parity: int = 1, spacing: float = 0.12) -> float:
    """The largest Lyapunov exponent -1 + sqrt(1 - E_0), with the ground state E_0 of the Schroedinger problem in tau.

    Sinc functions on a grid (Colbert and Miller 1992) out to where the bound state is below 1e-15, `spacing` in units
    of 1 / kappa but at most 0.15 for g > 1.3.  parity = -1 gives the lowest odd state instead, which is Delta'(tau)
    with E = 0 exactly: the result must be 0, a test of the grid.
    """
    if parity not in (1, -1):
        raise ValueError(f"parity = {parity}: states in tau are even, 1, or odd, -1.")
    h = min(spacing / state.kappa, 0.15 if state.g > 1.3 else math.inf)
    n = int(40 / state.kappa / h)
    tau = h * torch.arange(0 if parity == 1 else 1, n, dtype=torch.float64)
    well = 1 - state.g**2 * slope_correlation(state, 1 / torch.cosh(_falling(state, tau)))
    index = torch.arange(len(tau), dtype=torch.float64) + (0 if parity == 1 else 1)

    def kinetic(k: Tensor) -> Tensor:
        sign = 1 - 2 * (k % 2)
        return torch.where(k == 0, math.pi**2 / 3, 2 * sign / k.square().clamp_min(1)) / h**2

    H = kinetic(index[:, None] - index) + parity * kinetic(index[:, None] + index)
    if parity == 1:  # the point tau = 0 is its own mirror image
        H[0] /= math.sqrt(2)
        H[:, 0] /= math.sqrt(2)
    E0 = torch.linalg.eigvalsh(H + torch.diag(well))[0].item()
    return -1 + math.sqrt(1 - E0)


def linear_variance(g: float, D: float) -> float:
    """<x^2> = D / (2 sqrt(1 - g^2)) of dx = -x + J x + sqrt(D) xi for g < 1.

    From C(omega) = D / (1 + omega^2 - g^2), the single unit's |1 / (1 + i omega)|^2 (D + g^2 C) solved for C.
    """
    if not 0 <= g < 1:
        raise ValueError(f"g = {g}: a linear network explodes at g >= 1; take 0 <= g < 1.")
    return D / (2 * math.sqrt(1 - g * g))


def linear_autocorrelation(g: float, D: float, tau: Tensor) -> Tensor:
    """<x(t) x(t + tau)> = D exp(-sqrt(1 - g^2) |tau|) / (2 sqrt(1 - g^2))."""
    return linear_variance(g, D) * torch.exp(-math.sqrt(1 - g * g) * tau.abs())


def response_power(omega: Tensor, g: float, *, mean_slope2: float = 1.0) -> Tensor:
    """(1 / N) sum_ij |R_ij(omega)|^2 = 1 / (1 + omega^2 - g^2 <phi'>^2), R_ij = delta <x_i> / delta theta_j.

    Every path i <- k <- ... <- j with random signs adds its square: a geometric series in g^2 <phi'>^2 / (1 + omega^2).
    """
    return 1 / (1 + omega.square() - g**2 * mean_slope2)


def _squares(activation: Function, q: float, n_modes: int) -> Tensor:
    variance = torch.tensor([q], dtype=torch.float64)
    return gaussian.coefficients(activation, variance, n_terms=n_modes, n=128)[:, 0].square()


def _tails(state: Chaos) -> Tensor:
    """s_j = sum of weights_i with i + 1 > j, for j >= 2 (s_0 = s_1 = 0): -2 V / Delta_0^2 = (1 - c) sum s_j c^j."""
    weights = state.weights
    tails = weights.flip(0).cumsum(0).flip(0)
    return torch.cat([torch.zeros(2, dtype=torch.float64), tails[2:]])


def _polynomial(coefficients: Tensor, c: Tensor) -> Tensor:
    value = torch.zeros_like(c)
    for a in coefficients.flip(0):
        value = value * c + a
    return value


def _falling(state: Chaos, tau: Tensor) -> Tensor:
    """y(tau) with c = 1 / cosh y."""
    tails = _tails(state)[2:]
    rest = tails[: int((tails > 1e-17 * tails[0]).sum())].tolist()[::-1]  # the tails fall
    order, times = tau.sort()

    def speed(_: float, y: list[float]) -> list[float]:
        c, value = 1 / math.cosh(min(y[0], 700.0)), 0.0
        for a in rest:
            value = value * c + a
        return [math.sqrt(value / (1 + c))]

    end = max(order[-1].item(), 1e-12)
    run = solve_ivp(
        speed, (0.0, end), [0.0], method="DOP853", rtol=1e-13, atol=1e-14, t_eval=order.numpy(),
        max_step=0.05 / state.kappa,
    )  # fmt: skip
    out = torch.empty_like(tau)
    out[times] = torch.from_numpy(run.y[0])
    return out
