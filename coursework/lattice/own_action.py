"""An action that no book has: what is the exact truth about it?

    S = sum_x [ stiffness/2 sum_mu (phi(x + mu) - phi(x))^2 + 1/2 mass2 phi^2 + coupling phi^4 + extra phi^power ]

On 2 x 2 periodic sites every pair of neighbours has two bonds, so the lattice is a ring of four sites with doubled
springs, and Z = Tr T^4 with T(x, y) = exp(-V(x)/2 - stiffness (x - y)^2 - V(y)/2) on equally spaced field values,
where the trapezoid rule converges faster than any power.  At extra = 0 and stiffness = 1 this is
`fieldkit.lattice.small_lattices`, another way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Theory:
    """One student's action; power is even."""

    stiffness: float
    mass2: float
    coupling: float
    extra: float
    power: int

    def potential(self, phi: Tensor) -> Tensor:
        """V(phi), site by site."""
        return 0.5 * self.mass2 * phi**2 + self.coupling * phi**4 + self.extra * phi**self.power

    def action(self, phi: Tensor) -> Tensor:
        """S of each field: (n, L, ..., L) -> (n,)."""
        springs = sum(0.5 * self.stiffness * (phi.roll(-1, a) - phi) ** 2 for a in range(1, phi.dim()))
        return (springs + self.potential(phi)).flatten(1).sum(1)

    def force(self, phi: Tensor) -> Tensor:
        """-dS/dphi in the shape of phi, written out (the marker's tests compare it with autograd)."""
        axes = range(1, phi.dim())
        pulls = sum((phi.roll(1, a) + phi.roll(-1, a) - 2 * phi for a in axes), torch.zeros_like(phi))
        slope = self.mass2 * phi + 4 * self.coupling * phi**3 + self.power * self.extra * phi ** (self.power - 1)
        return self.stiffness * pulls - slope


def averages(theory: Theory, *, nodes: int = 201, reach: float = 4.0) -> dict[str, tuple[float, float]]:
    """Means, and standard deviations from field to field, of what `observed` gives on 2 x 2 sites.

    With the levels l_i of T as a diagonal L and matrices X_k of phi^k: <phi^k> = Tr L^4 X_k / Z.  The square of a site
    average holds each site with itself, with its two neighbours (distance 1) and with the site opposite (distance 2);
    that of the neighbours' product holds each pair with itself, with the two that share a site, and with the opposite.
    """
    x = torch.linspace(-reach, reach, nodes, dtype=torch.float64)
    half = torch.exp(-0.5 * theory.potential(x))
    levels, states = torch.linalg.eigh(half[:, None] * torch.exp(-theory.stiffness * (x[:, None] - x) ** 2) * half)
    levels = levels.clamp(min=0) / levels[-1]
    X = {k: states.T @ (x[:, None] ** k * states) for k in (0, 1, 2, 4, 8)}

    def ring(*powers: int) -> float:
        turn = torch.eye(nodes, dtype=torch.float64)
        for k in powers:
            turn = turn @ (X[k] * levels)
        return float(turn.trace() / (levels**4).sum())

    found = {}
    for k in (2, 4):
        one = ring(k, 0, 0, 0)
        square = (ring(2 * k, 0, 0, 0) + 2 * ring(k, k, 0, 0) + ring(k, 0, k, 0)) / 4
        found[f"phi^{k}"] = one, math.sqrt(square - one**2)
    one = ring(1, 1, 0, 0)
    square = (ring(2, 2, 0, 0) + 2 * ring(1, 2, 1, 0) + ring(1, 1, 1, 1)) / 4
    return found | {"phi phi'": (one, math.sqrt(square - one**2))}


def observed(phi: Tensor) -> dict[str, float]:
    """The same of fields (n, 2, 2): averages over sites and fields of phi^2, phi^4 and the product of neighbours."""
    pairs = (phi * phi.roll(1, 1) + phi * phi.roll(1, 2)) / 2
    return {"phi^2": float((phi**2).mean()), "phi^4": float((phi**4).mean()), "phi phi'": float(pairs.mean())}
