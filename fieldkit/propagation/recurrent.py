r"""Do two nearly equal states of a random recurrent network meet or part?  Real networks and their tangents.

    discrete     x_(t+1) = J phi(x_t) + b:      q* = g^2 E phi^2 + sb2,   C(t, t') = c* q* for t != t',
                                                lambda = 1/2 log(g^2 E phi'^2) = 1/2 log chi_1 per step,
    continuous   dx/dt = -x + J phi(x),         lambda and C(tau) from `dynamic_mean_field`.

One matrix J for all times, J_ij ~ N(0, g^2 / N).  In discrete time at N -> infinity the field J phi(x_t) is fresh at
each step, as if depth were time: two times are correlated like two inputs (c* = 0 without bias), and the squared
tangent grows by chi_1 each step.  Noise of variance D in each step adds to q* like a bias, q* = g^2 E phi^2 + sb2 + D,
but no two times share it.  Continuous time keeps a memory through the leak, and its exponent converges slowly in N:
plot it against 1 / N.

Each network runs from `starts` states side by side, rows of one matrix product, so that J is read once for all of them.
The eigenvalues of J fill a disc of radius g; x = 0 is unstable where one of them lies beyond 1.

Sources: Ginibre 1965 (the disc); Amari 1972; Molgedey, Schuchhardt and Schuster 1992 (noise); Cessac 1995; Sompolinsky,
Crisanti and Sommers 1988.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, fixed_points, gaussian, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def weights(n: int, N: int, g: float, *, rng: torch.Generator) -> Tensor:
    """n matrices J with entries N(0, g^2 / N): (n, N, N).  Raises `ValueError` for g < 0 or too large to square."""
    given.not_negative("g", g, why="it is the spread of the weights")
    given.generator(rng)
    given.sizes((n, N))
    return g / math.sqrt(N) * gaussian.normal((n, N, N), rng)


def share_beyond(g: float) -> float:
    """Share of the eigenvalues of J with a real part above 1 at N -> infinity: the part of the disc of radius g beyond
    a line at distance 1 from its centre, (arccos(1/g) - sqrt(g^2 - 1) / g^2) / pi; zero for g <= 1 (Ginibre 1965).
    """
    given.positive("g", g, why="it is the spread of the weights")
    if not g > 1:
        return 0.0
    x = 2 * math.atan(math.sqrt((g - 1) * (g + 1)))  # the angle of the segment beyond the line, (x - sin x) / 2 pi
    if x > 0.5:
        return (x - math.sin(x)) / (2 * math.pi)
    y = x * x
    return x * y / 6 * (1 - y / 20 * (1 - y / 42 * (1 - y / 72 * (1 - y / 110 * (1 - y / 156))))) / (2 * math.pi)


def discrete_mean_field(
    activation: Function | Activation, *, g: Tensor | float, sb2: Tensor | float = 0.0, D: Tensor | float = 0.0
) -> tuple[Tensor, Tensor]:
    """(q*, lambda) of the discrete network at N -> infinity; g, sb2 and D broadcast.

    q* = g^2 E phi^2 + sb2 + D, the length map's fixed point, and lambda = 1/2 log(g^2 E phi'^2) at it.
    """
    phi = activations.of(activation)
    gaussian.variance("sb2", sb2)
    gaussian.variance("D", D)
    g, sb2, D = maps.broadcast(g, sb2, D)
    g, variance = maps.broadcast(g, sb2 + D)
    q = fixed_points.length_fixed_point(g.square(), variance, activation=phi)
    return q, 0.5 * torch.log(g.square() * activations.moments(phi, q)[1])


def discrete(
    n: int,
    N: int,
    steps: int,
    *,
    activation: Function | Activation,
    g: float,
    sb2: float = 0.0,
    D: float = 0.0,
    q: float = 1.0,
    starts: int = 1,
    tied: bool = True,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(x, growth) of n discrete networks: states (n, starts, steps + 1, N) and log growth of a tangent per step (n,
    starts, steps).

    Starts at x_0 ~ N(0, q); `sb2` is the variance of a bias that stays, `D` that of a noise drawn anew for each unit,
    step and start.  tied = False draws J anew at each step: a deep network.  Drop the first tens of steps; the rest
    averages to lambda.
    """
    phi = activations.of(activation)
    for name, value in (("sb2", sb2), ("D", D), ("q", q)):
        given.not_negative(name, value, why="a variance cannot be negative")
    given.whole("steps", steps, least=1, why="time goes on")
    b = math.sqrt(sb2) * gaussian.normal((n, N, 1), rng).mT
    J = weights(n, N, g, rng=rng)
    x = math.sqrt(q) * gaussian.normal((n, N, starts), rng).mT
    v = _unit(gaussian.normal((n, N, starts), rng).mT)[0]
    states, growth = [x], []
    for step in range(steps):
        if step and not tied:
            J = weights(n, N, g, rng=rng)
        h, v = (torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT).chunk(2, 1)
        x = h + b
        if D > 0:
            x = x + math.sqrt(D) * gaussian.normal((n, N, starts), rng).mT
        v, log_size = _unit(v)
        states.append(x)
        growth.append(log_size)
    return torch.stack(states, 2), torch.stack(growth, 2)


def continuous(
    n: int,
    N: int,
    steps: int,
    *,
    activation: Function | Activation,
    g: float,
    h: float = 0.2,
    every: int = 5,
    q: float = 1.0,
    starts: int = 1,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(x, growth) of n continuous networks: states every `every` Runge-Kutta steps of size h, (n, starts, steps //
    every + 1, N), and log growth of a tangent per unit of time over each of them, (n, starts, steps // every).

    The method of order 4 integrates state and tangent together; h is in units of the leak.
    """
    phi = activations.of(activation)
    given.positive("h", h, why="time goes on")
    given.whole("every", every, least=1, why="states are saved after some steps")
    given.not_negative("q", q, why="a variance cannot be negative")
    given.whole("steps", steps, least=every, why=f"the first state is saved after {every}")
    J = weights(n, N, g, rng=rng)
    x = math.sqrt(q) * gaussian.normal((n, N, starts), rng).mT
    y = torch.cat([x, _unit(gaussian.normal((n, N, starts), rng).mT)[0]], 1)

    def speed(y: Tensor) -> Tensor:
        x, v = y.chunk(2, 1)
        return torch.cat([phi(x), phi.derivative(x) * v], 1) @ J.mT - y

    states, growth = [x], []
    for _ in range(steps // every):
        for _ in range(every):
            k1 = speed(y)
            k2 = speed(y + h / 2 * k1)
            k3 = speed(y + h / 2 * k2)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + speed(y + h * k3))
        x, v = y.chunk(2, 1)
        v, log_size = _unit(v)
        y = torch.cat([x, v], 1)
        states.append(x)
        growth.append(log_size / (h * every))
    return torch.stack(states, 2), torch.stack(growth, 2)


def autocorrelation(states: Tensor, lags: int) -> Tensor:
    """Averages of x_i(t) x_i(t + k) over units and times, k = 0 .. lags - 1, for each run: (..., T, N) -> (..., lags).

    Averages over starts belong to one network: take them before an error bar is made.
    """
    given.whole("lags", lags, least=1, why="there is the lag 0")
    states = given.numbers(states)
    if states.dim() < 2:
        raise ValueError(f"shape {tuple(states.shape)}: states of N units at T times are (..., T, N).")
    T = states.shape[-2]
    if lags > T:
        raise ValueError(f"lags = {lags}: a run of {T} saved states has lags below {T}; save more states.")
    return torch.stack([(states[..., : T - k, :] * states[..., k:, :]).mean((-2, -1)) for k in range(lags)], -1)


def _unit(v: Tensor) -> tuple[Tensor, Tensor]:
    """v (n, starts, N) at length one along N, and the logarithm of its length (n, starts)."""
    size = v.norm(dim=2, keepdim=True)
    return v / size.clamp_min(1e-300), size[..., 0].log()
