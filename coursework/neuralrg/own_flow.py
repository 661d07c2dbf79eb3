"""A layer that no book has, weights whose error is known, and flows with and without a fault.

The layer on a ring of L sites, L even: odd sites are stretched and shifted by their even neighbours, then all squashed,

    m = mean of the two even neighbours,   y_odd = z_odd exp(alpha tanh(beta m)) + gamma m^2,   y_even = z_even,
    x = y + kappa y^3,         ln |dx/dz| = sum_odd alpha tanh(beta m) + sum ln(1 + 3 kappa y^2).

A flow that is a Gaussian of variance s2 > 1 for a target of variance 1 in V directions has weights of known moments:
<w^2>/<w>^2 = R^V with R = s2 / sqrt(2 s2 - 1), and under w^2 each direction has variance t = s2 / (2 s2 - 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

RIGHT = ("both", "uneven", "wide")
WRONG = {
    "one well": "it sits in one of two wells, with nearly equal weights",
    "no ln 2": "its log q is that of one well though it draws from both",
    "tilted": "its log q is off by a term that varies over the fields",
    "no width": "its log q has lost the widths, a constant",
    "rarely": "it reaches the second well far more rarely than its log q says",
}


@dataclass(frozen=True)
class Flow:
    """One student's layer (alpha to kappa) and target: two wells at (c1, c2) and minus it, of width s."""

    alpha: float
    beta: float
    gamma: float
    kappa: float
    c1: float
    c2: float
    s: float

    def coupled(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """y and the logarithm of the stretch of each odd site, for z (n, L)."""
        even, odd = z[:, 0::2], z[:, 1::2]
        m = (even + even.roll(-1, 1)) / 2
        stretch = self.alpha * torch.tanh(self.beta * m)
        y = torch.stack([even, odd * stretch.exp() + self.gamma * m**2], dim=2).flatten(1)
        return y, stretch

    def layer(self, z: Tensor) -> Tensor:
        """x (n, L)."""
        y, _ = self.coupled(z)
        return y + self.kappa * y**3

    def log_det(self, z: Tensor) -> Tensor:
        """ln |dx/dz|, (n,)."""
        y, stretch = self.coupled(z)
        return stretch.sum(1) + torch.log1p(3 * self.kappa * y**2).sum(1)


def weights(rng: torch.Generator, n: int) -> tuple[Tensor, Tensor, dict[str, tuple[float, float]]]:
    """x (n, V), ln w (n,), and (truth, exact error) of ln Z and of the mean square of the target."""
    u = torch.rand(2, generator=rng, dtype=torch.float64).tolist()
    V, s2, ln_z = 2 + int(6 * u[0]), 1.15 + 0.35 * u[1], float(torch.randn((), generator=rng, dtype=torch.float64))
    x = math.sqrt(s2) * torch.randn(n, V, generator=rng, dtype=torch.float64)
    log_w = ln_z + (0.5 * math.log(s2) - 0.5 * x**2 * (1 - 1 / s2)).sum(1)
    R, t = s2 / math.sqrt(2 * s2 - 1), s2 / (2 * s2 - 1)
    spread = R**V * (V * (3 * t**2 - 2 * t + 1) + V * (V - 1) * (t - 1) ** 2) / V**2
    known = {"ln Z": (ln_z, math.sqrt((R**V - 1) / n)), "square": (1.0, math.sqrt(spread / n))}
    return x, log_w, known


def drawn(f: Flow, kind: str, rng: torch.Generator) -> Callable[[int], Tensor]:
    """A function n -> (n, 3): fields in the plane and log q, right or wrong in the named way."""
    centre = torch.tensor([f.c1, f.c2], dtype=torch.float64)
    s = f.s * (1.3 if kind == "wide" else 1.08)
    plus = {"uneven": 0.7, "one well": 1.0}.get(kind, 0.5)

    def draw(n: int) -> Tensor:
        chance = 0.97 if kind == "rarely" else plus
        sign = torch.where(torch.rand(n, 1, generator=rng, dtype=torch.float64) < chance, 1.0, -1.0)
        x = sign * centre + s * torch.randn(n, 2, generator=rng, dtype=torch.float64)
        wells = [-((x - side * centre) ** 2).sum(1) / (2 * s**2) for side in (1, -1)]
        log_q = wells[0] + math.log(plus)
        if plus < 1:
            log_q = torch.logaddexp(log_q, wells[1] + math.log(1 - plus))
        log_q = log_q - (0 if kind == "no width" else math.log(2 * math.pi * s**2))
        log_q = log_q + (math.log(2) if kind == "no ln 2" else 0) + (0.15 * x[:, 0] if kind == "tilted" else 0)
        return torch.cat([x, log_q[:, None]], dim=1)

    return draw
