r"""What is the path integral of one noisy unit worth?  The cubic Langevin equation, to one loop and exactly.

    dx = -(a x + u x^3) dt + sqrt(D) dW,
    Z[l, lh] = < exp(sum l x + lh xh) >,    S[x, xh] = sum xh (dx/dt + a x + u x^3) - (D / 2) xh^2,   weight exp(-S),
    C(t, t') = d^2 Z / dl(t) dl(t'),        R(t, t') = d^2 Z / dl(t) dlh(t') = delta <x(t)> / delta force(t').

Two derivatives in the source of x give C; one of each gives R; two in the source of xh give zero, always, because
Z[0, lh] = 1 whatever force acts: normalisation (and hence no field xh without a later x: causality).  The stationary
variance is s = D / 2a at u = 0; one vertex u x^3 with two legs closed (3 ways) shifts a by 3 u s, so <x^2> = s - 3 u
s^2 / a.  The exact value is that of the Boltzmann weight exp(-(a x^2 + u x^4 / 2) / D).

Sources: Martin, Siggia and Rose 1973; Janssen 1976; De Dominicis 1978; Chow and Buice 2015.
"""

from __future__ import annotations

import math

import torch
from scipy.integrate import quad
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import gaussian


def free_variance(a: float, D: float) -> float:
    """s = D / 2a, the stationary <x^2> at u = 0."""
    for name, value in (("a", a), ("D", D)):
        given.positive(name, value, why="without restoring force and noise no steady state exists")
    return D / (2 * a)


def one_loop_variance(a: float, D: float, u: float) -> float:
    """s - 3 u s^2 / a; the next term is of order u^2 and positive, so the loop falls below the truth."""
    _attractive(u)
    s = free_variance(a, D)
    return s - 3 * u * s**2 / a


def hartree_variance(a: float, D: float, u: float) -> float:
    """s that closes the loop on itself, s = D / 2(a + 3 u s): the mean field of this one unit, positive for u >= 0."""
    free_variance(a, D)
    _attractive(u)
    return D / (a + math.hypot(a, math.sqrt(6 * u) * math.sqrt(D)))


def exact_variance(a: float, D: float, u: float) -> float:
    """<x^2> under the Boltzmann weight exp(-(a x^2 + u x^4 / 2) / D), to 1e-13.

    Stationary solution of the Fokker-Planck equation (D / 2) p' = -(a x + u x^3) p.  Raises `ValueError` for u < 0,
    where the unit escapes.
    """
    _attractive(u)
    free_variance(a, D)
    stiff = math.sqrt(u / 8) * math.sqrt(D)
    b = math.hypot(a, stiff)  # x^2 = D / 2b z^2, so that the weight has a width of order 1 in z
    square, quartic = a / b / 2, (stiff / b) ** 2

    def moment(k: int) -> float:
        def weight(z: float) -> float:
            return z**k * math.exp(-square * z**2 - quartic * z**4)

        return quad(weight, 0, 12, epsabs=0, epsrel=1e-13, limit=200)[0]

    return D / (2 * b) * moment(2) / moment(0)


def _attractive(u: float) -> None:
    given.not_negative("u", u, why="the cubic force drives x to infinity if it does not pull back")


def free_covariance(t: Tensor, s: Tensor, *, a: float, D: float) -> Tensor:
    """<x(t) x(s)> = s0 (e^(-a |t - s|) - e^(-a (t + s))) for u = 0 and x(0) = 0, with s0 = D / 2a; shapes broadcast."""
    t, s = given.doubles(t), given.doubles(s)
    if not gaussian.seen((t >= 0) & (s >= 0) & (torch.maximum(t, s) < math.inf)):
        raise ValueError("t < 0, or no time: the unit starts from x = 0 at time 0; take t, s >= 0, finite.")
    variance = free_variance(a, D)
    grown = -torch.expm1(-2 * a * torch.minimum(t, s))  # the difference of the two, with all its digits
    return variance * torch.exp(-a * (t - s).abs()) * grown


def free_response(t: Tensor, s: Tensor, *, a: float) -> Tensor:
    """R(t, s) = theta(t - s) e^(-a (t - s)), with theta(0) = 0 (Ito), a > 0; shapes broadcast."""
    given.positive("a", a, why="without restoring force a kick is never forgotten")
    t, s = given.doubles(t), given.doubles(s)
    return torch.where(t <= s, 0.0, torch.exp(-a * (t - s).clamp_min(0)))


def propagators(steps: int, *, h: float, a: float, D: float) -> tuple[Tensor, Tensor, Tensor]:
    """(<x x>, <x xh>, <xh xh>), each (steps, steps), as blocks of the inverse of the quadratic action on a time grid.

    S = sum_t xh_(t) (x_(t+1) - (1 - a h) x_t) - (D h / 2) xh_t^2 with xh imaginary: matrix [[0, A^T], [A, -D h]] over
    (x_1 .. x_n, xh_0 .. xh_(n-1)).  Its inverse is [[C, R], [R^T, 0]] with R = A^-1 and C = D h R R^T.
    """
    given.whole("steps", steps, least=1, why="a time grid has points")
    given.positive("h", h, why="time goes on")
    free_variance(a, D)
    eye = torch.eye(steps, dtype=torch.float64)
    A = eye - (1 - a * h) * torch.diag(torch.ones(steps - 1, dtype=torch.float64), -1)
    action = torch.cat([torch.cat([0 * eye, A.T], 1), torch.cat([A, -D * h * eye], 1)], 0)
    inverse = torch.linalg.inv(action)
    return inverse[:steps, :steps], inverse[:steps, steps:], inverse[steps:, steps:]


def walk(
    x: Tensor, steps: int, *, h: float, a: float, D: float, u: float, force: float = 0.0, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(x, kicks) after a time h * steps: units x (2, n) go on, and what noise each received, sqrt(D) W, is (n,).

    Row 0 takes steps of h, row 1 takes two of h / 2 through the same noise: the stochastic Heun method, of weak order 2
    for additive noise (Kloeden and Platen 1992).  `extrapolate` removes its error of order h^2.  `force` is added to
    the drift.  Raises `ValueError` for another shape.
    """
    given.positive("h", h, why="time goes on")
    given.not_negative("D", D, why="a variance cannot be negative")
    for name, value in (("a", a), ("u", u), ("force", force)):
        given.number(name, value, why="it is the strength of a force")
    x = given.numbers(x)
    given.whole("steps", steps, least=0, why="they are counted")
    if x.dim() != 2 or x.shape[0] != 2:
        raise ValueError(f"shape {tuple(x.shape)}: n units, each with a coarse and a fine copy, are x of shape (2, n).")

    def heun(x: Tensor, h: float, kick: Tensor) -> Tensor:
        here = force - (a * x + u * x**3)
        there = x + h * here + kick
        return x + h / 2 * (here + force - (a * there + u * there**3)) + kick

    kicks = torch.zeros_like(x[0])
    for _ in range(steps):
        first, second = math.sqrt(D * h / 2) * gaussian.normal((2, x.shape[1]), rng)
        coarse = heun(x[0], h, first + second)
        x = torch.stack([coarse, heun(heun(x[1], h / 2, first), h / 2, second)])
        kicks = kicks + first + second
    return x, kicks


def extrapolate(values: Tensor) -> Tensor:
    """(4 fine - coarse) / 3 of values (2, ...) found at steps h / 2 and h: what is left is of order h^3."""
    values = given.doubles(values)
    return (4 * values[1] - values[0]) / 3
