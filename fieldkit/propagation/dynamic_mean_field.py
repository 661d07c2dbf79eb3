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

Sources: Sompolinsky, Crisanti and Sommers 1988; Helias and Dahmen 2020.  phi odd; CPU, float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from torch import Tensor

from fieldkit import given, moved
from fieldkit.propagation import activations, gaussian, strong_gain
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

REACH = 36.0  # c^n_modes is below 1e-15 where 1 - c > REACH / n_modes
N_MODES = 600  # a_j of tanh falls as exp(-pi sqrt(j / 2 Delta_0)): g = 3 then has lambda to 1e-10


@dataclass(frozen=True)
class Chaos:
    """The chaotic steady state at gain g: variance `Delta0` and squared Hermite coefficients `a2` (k,) of phi at it.

    Where those are too few for c near 1, `rest` is what they leave out of the sum of weights, and `close` takes over.
    """

    g: float
    Delta0: float
    a2: Tensor
    rest: float = 0.0
    close: strong_gain.Close | None = None
    jumps: bool = False  # phi does

    @property
    def weights(self) -> Tensor:
        """(2 g^2 / Delta_0) a_j^2 / (j + 1): they sum to 1, which is the condition V(Delta_0) = 0."""
        return 2 * self.g**2 / self.Delta0 * self.a2 / torch.arange(1, len(self.a2) + 1, dtype=torch.float64)

    @property
    def curvature(self) -> float:
        """Delta''(0) = Delta_0 - g^2 <phi^2> < 0, as minus half Delta_0 times the sum of the tails."""
        return -self.Delta0 / 2 * (_tails(self).sum().item() if self.close is None else self.close.force(0.0))

    @property
    def kappa(self) -> float:
        """Decay rate of Delta at long times, sqrt(1 - g^2 <phi'>^2): c^2 kappa^2 is what is left of V at small c."""
        return math.sqrt(self.weights[2:].sum().item() + self.rest)


def solve(activation: Function | Activation, g: float, *, n_modes: int = N_MODES) -> Chaos:
    """The chaotic state: Delta_0 = 2 g^2 sum_j a_j(Delta_0)^2 / (j + 1), the form V(Delta_0) = 0 takes.

    Relative accuracy 1e-15 / (g^2 - 1) as long as n_modes coefficients hold all of phi, some 70 Delta_0 of tanh; for
    larger gains the condition itself and the neighbourhood of c = 1 are integrated (`strong_gain`), to about 1e-11.  An
    odd phi that is steeper away from zero may have two states below g = 1; the larger is given, the smaller is the edge
    of its basin.  Delta_0 is sought up to 1e3 (1 + g^2), and from 1e-28 to 1e28 if nothing is found there.  Raises
    `ValueError` where there is none, and for an activation that is not odd.
    """
    given.positive("g", g, why="it is the spread of the weights")
    given.whole("n_modes", n_modes, least=2, why="a series has terms")
    phi = activations.of(activation)
    order = torch.arange(1, n_modes + 1, dtype=torch.float64)
    probe = torch.linspace(0, 6, 61, dtype=torch.float64)
    if (phi(probe) + phi(-probe)).abs().max() > 1e-10 * phi(probe).abs().max():
        raise ValueError("phi is not odd: its mean makes a second order parameter; use an odd phi such as tanh or erf.")

    def relative(log_delta: float) -> float:
        Delta = math.exp(log_delta)
        return 2 * g**2 * (_squares(phi, Delta, n_modes) / order).sum().item() / Delta - 1

    def integrated(log_delta: float) -> float:
        return _balance(phi, g, torch.tensor([log_delta], dtype=torch.float64)).item()

    grid = torch.linspace(math.log(1e-6), math.log(1e3 * (1 + g * g)), 60, dtype=torch.float64)
    positive = _balance(phi, g, grid) > 0
    falls = (positive[:-1] & ~positive[1:]).nonzero()[:, 0].tolist()
    if not falls:  # just above g = 1, or a phi in other units
        grid = torch.linspace(math.log(1e-28), math.log(1e28), 260, dtype=torch.float64)
        positive = torch.cat([_balance(phi, g, part) for part in grid.split(20)]) > 1e-14
        falls = (positive[:-1] & ~positive[1:]).nonzero()[:, 0].tolist()
    if not falls:
        raise ValueError(
            f"g = {g}: activity dies out (or, of an unbounded phi, grows for ever): there is no chaotic state; take a "
            "saturating phi and g phi'(0) > 1."
        )
    ends = [grid[falls[-1]].item(), grid[falls[-1] + 1].item()]
    rough = brentq(integrated, *ends, xtol=1e-15, rtol=1e-15)
    square = activations.moments(phi, torch.tensor([math.exp(rough)], dtype=torch.float64))[0].item()
    if 1 - _squares(phi, math.exp(rough), n_modes).sum().item() / square < 1e-13:
        alone = len(falls) == 1 and bool(positive[0]) and len(grid) == 60
        ends = [grid[0].item(), grid[-1].item()] if alone else ends
        Delta0 = math.exp(brentq(relative, *ends, xtol=1e-15, rtol=1e-15))
        return Chaos(g, Delta0, _squares(phi, Delta0, n_modes))
    state = Chaos(g, math.exp(rough), _squares(phi, math.exp(rough), n_modes))
    near = strong_gain.close(phi, g, state.Delta0, square, REACH / n_modes)
    return Chaos(g, state.Delta0, state.a2, max(0.0, 1 - state.weights.sum().item()), near, bool(phi.jumps))


def _balance(phi: Activation, g: float, log_delta: Tensor) -> Tensor:
    """2 g^2 Var Phi / Delta^2 - 1: zero at Delta_0, negative above it."""
    Delta = log_delta.exp()
    return 2 * g**2 * strong_gain.spread(phi, Delta) / Delta.square() - 1


def autocorrelation(state: Chaos, tau: Tensor) -> Tensor:
    """Delta(tau) for lags tau >= 0 (k,) -> (k,), to about 12 digits.

    With c = 1 / cosh y the first integral Delta'^2 = -2 V becomes y' = sqrt(R(c) / (1 + c)), sum s_j c^j = c^2 R(c):
    smooth, positive, and equal to kappa at long times, so that an explicit Runge-Kutta method meets no end point.
    """
    tau = given.doubles(tau)
    if not tau.numel():
        return tau
    if tau.dim() != 1 or not gaussian.seen((tau >= 0) & (tau < math.inf)):
        raise ValueError(f"tau of shape {tuple(tau.shape)}: give lags (k,), each 0 or more; Delta is even in tau.")
    return state.Delta0 / torch.cosh(_falling(state, tau))


def potential(state: Chaos, Delta: Tensor) -> Tensor:
    """V(Delta), any shape, for |Delta| <= Delta_0; zero at Delta = 0 and at +-Delta_0."""
    c = given.doubles(Delta).abs() / state.Delta0
    _correlations(c)
    value, near = _polynomial(_tails(state), c), state.close
    if near is not None:
        value = torch.where(1 - c < near.reach, near.forces((1 - c).clamp(0, near.reach)), value)
    return -0.5 * state.Delta0**2 * (1 - c) * value


def slope_correlation(state: Chaos, c: Tensor) -> Tensor:
    """<phi'(x) phi'(x')> at correlation c, |c| <= 1: sum_j j a_j^2 c^(j - 1) / Delta_0."""
    c = given.doubles(c)
    _correlations(c)
    order, near = torch.arange(len(state.a2), dtype=torch.float64), state.close
    value = _polynomial((order * state.a2)[1:], c) / state.Delta0
    if near is not None:
        value = torch.where(1 - c < near.reach, near.slopes((1 - c).clamp(0, near.reach)), value)
    return value


def lyapunov(state: Chaos, *, parity: int = 1, spacing: float = 0.12) -> float:
    """The largest Lyapunov exponent -1 + sqrt(1 - E_0), with the ground state E_0 of the Schroedinger problem in tau.

    Sinc functions on a grid (Colbert and Miller 1992) out to where the bound state is below 1e-15, `spacing` in units
    of 1 / kappa but at most 0.15 for g > 1.3.  parity = -1 gives the lowest odd state instead, which is Delta'(tau)
    with E = 0 exactly: the result must be 0, a test of the grid.  Infinite for a phi that jumps: <phi' phi'> then is
    an attraction 1 / |tau|, whose even states in one dimension have no lowest energy.
    """
    if parity not in (1, -1):
        raise ValueError(f"parity = {parity}: states in tau are even, 1, or odd, -1.")
    given.positive("spacing", spacing, why="a grid has a distance")
    if state.jumps and parity == 1:
        return math.inf
    if state.close is not None:
        return -1 + math.sqrt(1 - _narrow(state, parity))
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


def _narrow(state: Chaos, parity: int) -> float:
    """The lowest level of a well as narrow as a large gain makes it, from a table with many points near tau = 0."""
    end = 25 / state.kappa
    x = torch.linspace(0, math.sqrt(end), 6000, dtype=torch.float64)
    depth = 1 - state.g**2 * slope_correlation(state, 1 / torch.cosh(_falling(state, x.square())))
    table = CubicSpline(x.numpy(), depth.numpy())
    return strong_gain.level(lambda tau: float(table(math.sqrt(max(tau, 0.0)))), end, parity=parity)


def _correlations(c: Tensor) -> None:
    if not gaussian.seen(c.abs() <= 1 + 1e-12):
        raise ValueError("|Delta| > Delta_0: no correlation is above that at equal times, 1; choose |c| <= 1.")


def _squares(phi: Activation, q: float, n_modes: int) -> Tensor:
    variance = torch.tensor([q], dtype=torch.float64)
    return gaussian.coefficients(phi, variance, n_terms=n_modes, kinks=phi.kinks, n=128)[:, 0].square()


def _tails(state: Chaos) -> Tensor:
    """s_j = sum of weights_i with i + 1 > j, for j >= 2 (s_0 = s_1 = 0): -2 V / Delta_0^2 = (1 - c) sum s_j c^j."""
    weights = state.weights
    tails = weights.flip(0).cumsum(0).flip(0)
    return torch.cat([torch.zeros(2, dtype=torch.float64), tails[2:] + state.rest])


def _polynomial(coefficients: Tensor, c: Tensor) -> Tensor:
    value = torch.zeros_like(c)
    for a in coefficients.flip(0):
        value = value * c + a
    return value


def _falling(state: Chaos, tau: Tensor) -> Tensor:
    """y(tau) with c = 1 / cosh y."""
    tails = _tails(state)[2:]
    rest = tails[: int((tails > 1e-17 * tails[0]).sum())].tolist()[::-1]  # the tails fall
    order, back = tau.unique(return_inverse=True)
    near = state.close

    def speed(_: float, y: list[float]) -> list[float]:
        c, value = 1 / math.cosh(min(y[0], 700.0)), 0.0
        if near is not None and 1 - c < near.reach:
            e = 2 * math.sinh(y[0] / 2) ** 2 * c
            return [math.sqrt(near.force(e) / (1 + c)) / c]
        for a in rest:
            value = value * c + a
        return [math.sqrt(value / (1 + c))]

    end = max(order[-1].item(), 1e-12)
    run = solve_ivp(
        speed, (0.0, end), [0.0], method="DOP853", rtol=1e-13, atol=1e-14, t_eval=order.numpy(),
        max_step=0.05 / state.kappa,
    )  # fmt: skip
    return torch.from_numpy(run.y[0])[back]


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
