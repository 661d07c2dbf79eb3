r"""At which temperature would the Ising model look like this?  Exact thermometers, and a machine that is known exactly.

A thermometer turns the mean of an observable on the L x L torus into the T at which the Ising model has that mean.  For
an Ising ensemble all of them agree; a mixture of temperatures is none, and they do not.

In one dimension the machine with a hidden spin between two neighbours fits a chain of coupling K without error, W = 1/2
arcosh e^(2K): visible and hidden spins together are the FINER chain of coupling W, of which the data are every other
spin (`decimation.decimate` of W is K), and the hidden spins alone have the law of the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from scipy import optimize

from fieldkit import given
from fieldkit.estimates import Estimate
from fieldkit.lattice import ising_exact

Observable = Callable[[int, float], float]
"""(L, T) to the exact mean on the L x L torus: `energy`, `abs_magnetization` or `square_magnetization`."""


def energy(L: int, T: float) -> float:
    """<H> / L^2 (Kaufman 1949)."""
    return ising_exact.energy(L, T)


def abs_magnetization(L: int, T: float) -> float:
    """<|m|>, L <= 11."""
    return ising_exact.magnetization_moment(L, T, 1)


def square_magnetization(L: int, T: float) -> float:
    """<m^2>, L <= 11."""
    return ising_exact.magnetization_moment(L, T, 2)


def temperature(observable: Observable, value: float, L: int, *, low: float = 0.4, high: float = 20.0) -> float:
    """T with observable(L, T) = value, to 1e-10.  Raises `ValueError` for a value that no T in [low, high] gives."""
    given.positive("low", low, why="a temperature is positive")
    given.positive("high", high, why="a temperature is positive")
    given.number("value", value, why="a thermometer reads a finite mean")
    ends = observable(L, low), observable(L, high)
    if not min(ends) < value < max(ends):
        raise ValueError(
            f"value = {value}: for T in [{low}, {high}] the mean runs from {ends[0]:.6g} to {ends[1]:.6g}."
        )
    return float(optimize.brentq(lambda T: observable(L, T) - value, low, high, xtol=1e-11))


def reading(observable: Observable, measured: Estimate, L: int) -> Estimate:
    """The temperature that a measured mean shows, with its bar through the slope of the exact curve."""
    T = temperature(observable, measured.value, L)
    h = 1e-3 * T
    slope = (observable(L, T + h) - observable(L, T - h)) / (2 * h)
    return Estimate(T, measured.error / abs(slope))


def mixture(observable: Observable, L: int, temperatures: Sequence[float]) -> float:
    """The exact mean of an observable over equal parts of several temperatures."""
    temperatures = given.doubles(temperatures).flatten().tolist()
    if not temperatures:
        raise ValueError("no temperatures: a mixture has at least one part.")
    return sum(observable(L, T) for T in temperatures) / len(temperatures)


def chain_weight(K: float) -> float:
    """W of the machine with one hidden spin between neighbours that has the law of a chain of coupling K >= 0."""
    why = "2 cosh W(v + v') favours equal neighbours, and an antiferromagnet needs weights of two signs"
    given.not_negative("K", K, why=why)
    return K + math.log1p(math.sqrt(-math.expm1(-4 * K))) / 2  # arcosh e^x = x + ln(1 + sqrt(1 - e^-2x))


def chain_machine(W: float, N: int) -> torch.Tensor:
    """The weights (N, N) of that machine on a ring of N: hidden spin j sits between visible spins j and j + 1."""
    given.whole("N", N, least=2, why="a ring has at least two spins")
    given.number("W", W, why="a weight is finite")
    one = torch.eye(N)
    return W * (one + one.roll(1, 0))
