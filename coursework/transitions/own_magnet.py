"""A magnet with three couplings: where is its critical point, and how does one draw it without waiting?

    H = -sum s_x (J1 s_{x+right} + J2 s_{x+down} + J3 s_{x+right+down}),     s = -1, 1, periodic
    at T_c, with K = J / T:   sinh 2K1 sinh 2K2 + sinh 2K2 sinh 2K3 + sinh 2K3 sinh 2K1 = 1     (Houtappel 1950)

Rows are drawn one after the other from the powers of the transfer matrix between rows, so configurations are
independent and exact at every temperature: no Markov chain, hence no critical slowing down, up to 10 columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Magnet:
    """Couplings to the right, down, and along the diagonal; none negative, two positive."""

    J1: float
    J2: float
    J3: float

    def energy(self, s: Tensor) -> Tensor:
        """H of each configuration (n, L, L), rows first: (n,)."""
        right, down, both = s.roll(-1, 2), s.roll(-1, 1), s.roll((-1, -1), (1, 2))
        return -(s * (self.J1 * right + self.J2 * down + self.J3 * both)).flatten(1).sum(1)

    def critical(self) -> float:
        """T_c, by bisection."""

        def excess(T: float) -> float:
            a, b, c = (math.sinh(min(2 * J / T, 300.0)) for J in (self.J1, self.J2, self.J3))
            return a * b + b * c + c * a - 1

        low, high = 0.05, 20 * (self.J1 + self.J2 + self.J3)
        for _ in range(200):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) > 0 else (low, middle)
        return (low + high) / 2


def magnetizations(magnet: Magnet, T: float, L: int, n: int, rng: torch.Generator) -> Tensor:
    """The mean spin of n independent configurations of L x L sites, (n,)."""
    states = 2.0 * ((torch.arange(2**L)[:, None] >> torch.arange(L)) & 1) - 1
    states = states.double()
    inside = magnet.J1 / T * (states * states.roll(-1, 1)).sum(1)
    between = magnet.J2 / T * states @ states.T + magnet.J3 / T * states @ states.roll(-1, 1).T
    energy = between + 0.5 * (inside[:, None] + inside)
    step = torch.exp(energy - energy.max())
    powers = [torch.eye(2**L, dtype=torch.float64)]
    for _ in range(L):
        grown = powers[-1] @ step
        powers.append(grown / grown.max())
    first = torch.multinomial(powers[L].diagonal(), n, replacement=True, generator=rng)
    row, total = first, states.sum(1)[first]
    for k in range(1, L):  # given the last row and the first, around the ring
        chance = step[row] * powers[L - k].T[first]
        row = torch.multinomial(chance, 1, generator=rng)[:, 0]
        total = total + states.sum(1)[row]
    return total / L**2
