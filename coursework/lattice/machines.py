"""Right and wrong machines for one action.  They stay outside of the sandbox: a student can run them, not read them.

A trajectory of `n_leapfrog` steps of hybrid Monte Carlo moves a batch of fields; a wrong one makes one mistake that a
physicist makes.  The step is chosen per action so that the mistakes show (`telling_step`): at fine steps a missing
accept step is no mistake that anybody can see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from coursework.lattice.own_action import Theory

RIGHT = ("hybrid", "heat bath", "finer", "metropolis")
WRONG = {
    "no accept": "its trajectories are all accepted",
    "mass": "its force and its energy have another mass",
    "extra": "it has forgotten a term of the action",
    "half momenta": "its momenta are too cold",
    "keeps the worse": "it accepts with exp(+dH)",
}


def machine(theory: Theory, kind: str, rng: torch.Generator, *, step: float, n_leapfrog: int = 4) -> Callable:
    """A function phi -> phi, one trajectory of every field (n, L, ..., L)."""
    if kind == "metropolis":
        return lambda phi: metropolis(theory, phi, rng, width=1.0, n_sweeps=4)
    driven = theory
    if kind == "mass":
        driven = replace(theory, mass2=theory.mass2 + 0.5)
    elif kind == "extra":
        driven = replace(theory, extra=0.0)
    length = step * n_leapfrog
    if kind == "finer":
        step, n_leapfrog = length / 10, 10

    def advance(phi: Tensor) -> Tensor:
        pi = torch.randn(phi.shape, generator=rng, dtype=torch.float64) * (0.7 if kind == "half momenta" else 1)
        new, change = trajectory(driven, phi, pi, step, n_leapfrog)
        rate = 1 / (1 + change.exp()) if kind == "heat bath" else torch.exp(-change)
        rate = torch.exp(change) if kind == "keeps the worse" else rate
        yes = torch.rand(len(phi), generator=rng, dtype=torch.float64) < rate
        yes = change.isfinite() if kind == "no accept" else yes & change.isfinite()
        return torch.where(yes.reshape(-1, *[1] * (phi.dim() - 1)), new, phi)

    return advance


def trajectory(theory: Theory, phi: Tensor, pi: Tensor, step: float, n: int) -> tuple[Tensor, Tensor]:
    """The end of n leapfrog steps, and the change of energy of each field."""
    before = theory.action(phi) + 0.5 * (pi**2).flatten(1).sum(1)
    new, p = phi, pi + 0.5 * step * theory.force(phi)
    for i in range(n):
        new = new + step * p
        p = p + (1 if i < n - 1 else 0.5) * step * theory.force(new)
    change = theory.action(new) + 0.5 * (p**2).flatten(1).sum(1) - before
    return new, torch.where(change.isfinite(), change, torch.full_like(change, torch.inf))


def metropolis(theory: Theory, phi: Tensor, rng: torch.Generator, *, width: float, n_sweeps: int) -> Tensor:
    """Sweeps of single sites in turn, all fields at once."""
    phi = phi.clone()
    flat = phi.flatten(1)
    for _ in range(n_sweeps):
        for site in range(flat.shape[1]):
            before, kept = theory.action(phi), flat[:, site].clone()
            flat[:, site] += width * (2 * torch.rand(len(phi), generator=rng, dtype=torch.float64) - 1)
            no = torch.rand(len(phi), generator=rng, dtype=torch.float64) >= torch.exp(before - theory.action(phi))
            flat[no, site] = kept[no]
    return phi


def equilibrium(theory: Theory, n: int, L: int, rng: torch.Generator, *, n_trajectories: int = 60) -> Tensor:
    """n fields (n, L, L) of the action, by many fine trajectories from small fields."""
    phi = 0.5 * torch.randn(n, L, L, generator=rng, dtype=torch.float64)
    advance = machine(theory, "hybrid", rng, step=0.15, n_leapfrog=8)
    for _ in range(n_trajectories):
        phi = advance(phi)
    return phi


def telling_step(theory: Theory, phi: Tensor, rng: torch.Generator) -> float:
    """The smallest of 0.2, 0.25, ... at which fewer than 85 in 100 trajectories of four steps are accepted."""
    for step in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45):
        pi = torch.randn(phi.shape, generator=rng, dtype=torch.float64)
        if torch.exp(-trajectory(theory, phi, pi, step, 4)[1]).clamp(max=1).mean() < 0.85:
            return step
    return 0.5
