r"""Do two nearly equal states of a random recurrent network meet or part?  Real networks and their tangents.

    discrete     x_(t+1) = J phi(x_t) + b:      q* = g^2 E phi^2 + sb2,   C(t, t') = c* q* for t != t',
                                                lambda = 1/2 log(g^2 E phi'^2) = 1/2 log chi_1 per step,
    continuous   dx/dt = -x + J phi(x),         lambda and C(tau) from `dynamic_mean_field`.

One matrix J for all times, J_ij ~ N(0, g^2 / N).  In discrete time at N -> infinity the field J phi(x_t) is fresh at
each step, as if depth were time: two times are correlated like two inputs (c* = 0 without bias), and the squared
tangent grows by chi_1 each step.  Continuous time keeps a memory through the leak, and its exponent converges slowly
in N: plot it against 1 / N.

Sources: Amari 1972; Cessac 1995 (discrete time); Sompolinsky, Crisanti and Sommers 1988.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit.propagation import gaussian

Function = Callable[[Tensor], Tensor]


def discrete_lyapunov(derivative: Function, *, g: float, q: float, kinks: tuple[float, ...] = ()) -> float:
    """1/2 log(g^2 E phi'^2), x ~ N(0, q) with q the fixed point of the length map."""
    variance = torch.tensor(q, dtype=torch.float64)
    return 0.5 * math.log(
        g**2 * gaussian.average(lambda x: derivative(x).square(), variance, kinks=kinks, n=32).item()
    )


def discrete(
    n: int,
    N: int,
    steps: int,
    *,
    activation: Function,
    derivative: Function,
    g: float,
    sb2: float = 0.0,
    q: float = 1.0,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(x, growth) of n discrete networks: states (n, steps + 1, N) and log growth of a tangent per step (n, steps).

    Starts at x_0 ~ N(0, q).  Drop the first tens of steps; the rest averages to lambda.
    """
    J = g / math.sqrt(N) * gaussian.normal((n, N, N), rng)
    b = math.sqrt(sb2) * gaussian.normal((n, N), rng)
    x, v = math.sqrt(q) * gaussian.normal((n, N), rng), _unit(gaussian.normal((n, N), rng))[0]
    states, growth = [x], []
    for _ in range(steps):
        both = J @ torch.stack([activation(x), derivative(x) * v], -1)
        x = both[..., 0] + b
        v, log_size = _unit(both[..., 1])
        states.append(x)
        growth.append(log_size)
    return torch.stack(states, 1), torch.stack(growth, 1)


def continuous(
    n: int,
    N: int,
    steps: int,
    *,
    activation: Function,
    derivative: Function,
    g: float,
    h: float = 0.2,
    every: int = 5,
    q: float = 1.0,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(x, growth) of n continuous networks: states every `every` Runge-Kutta steps of size h, (n, steps // every + 1,
    N), and log growth of a tangent per unit of time over each of them, (n, steps // every).

    The method of order 4 integrates state and tangent together; h is in units of the leak.
    """
    J = g / math.sqrt(N) * gaussian.normal((n, N, N), rng)
    x, v = math.sqrt(q) * gaussian.normal((n, N), rng), _unit(gaussian.normal((n, N), rng))[0]
    y = torch.stack([x, v], -1)

    def speed(y: Tensor) -> Tensor:
        x, v = y[..., 0], y[..., 1]
        return J @ torch.stack([activation(x), derivative(x) * v], -1) - y

    states, growth = [x], []
    for _ in range(steps // every):
        for _ in range(every):
            k1 = speed(y)
            k2 = speed(y + h / 2 * k1)
            k3 = speed(y + h / 2 * k2)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + speed(y + h * k3))
        v, log_size = _unit(y[..., 1])
        y = torch.stack([y[..., 0], v], -1)
        states.append(y[..., 0])
        growth.append(log_size / (h * every))
    return torch.stack(states, 1), torch.stack(growth, 1)


def autocorrelation(states: Tensor, lags: int) -> Tensor:
    """Averages of x_i(t) x_i(t + k) over units and times, k = 0 .. lags - 1, for each network: (n, T, N) -> (n,
    lags)."""
    T = states.shape[1]
    if lags > T:
        raise ValueError(f"lags = {lags}: a run of {T} saved states has lags below {T}; save more states.")
    return torch.stack([(states[:, : T - k] * states[:, k:]).mean((1, 2)) for k in range(lags)], 1)


def _unit(v: Tensor) -> tuple[Tensor, Tensor]:
    size = v.norm(dim=-1, keepdim=True)
    return v / size, size[..., 0].log()
