r"""A lattice that no network was trained on: Ising spins with six neighbours.

    H = -sum s s' over nearest neighbours of the triangular lattice,       T_c = 4/ln 3 = 3.6410 (Houtappel 1950).

Drawn as a square lattice with one diagonal more, periodic; updated by clusters (Swendsen & Wang 1987).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given

T_CRITICAL = 4 / math.log(3)
STEPS = ((1, 0), (0, 1), (1, 1))  # to three of the six neighbours; the others see them from the other side


def energy(spins: Tensor) -> Tensor:
    """H of spins (n, L, L): (n,) float64."""
    given.signed(given.numbers(spins))
    s = given.doubles(spins)
    if s.dim() != 3 or s.shape[1] != s.shape[2]:
        raise ValueError(f"spins {tuple(s.shape)}: expected (n, L, L).")
    given.whole("L", s.shape[1], least=3, why="six neighbours are different sites")
    return -sum((s * s.roll(step, (1, 2)) for step in STEPS), torch.zeros_like(s)).sum((1, 2))


def sweep(spins: Tensor, *, beta: float, rng: torch.Generator, n_sweeps: int = 1) -> Tensor:
    """n_sweeps cluster updates of spins (n, L, L), L >= 3: bonds between equal spins with probability
    1 - exp(-2 beta), every cluster a new sign."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    given.positive("beta", beta, why="clusters are of a finite temperature")
    given.whole("n_sweeps", n_sweeps, least=1, why="an update is a sweep")
    given.generator(rng)
    spins = given.numbers(spins)
    given.signed(spins)
    if spins.dim() != 3 or spins.shape[1] != spins.shape[2]:
        raise ValueError(f"spins {tuple(spins.shape)}: expected (n, L, L).")
    given.whole("L", spins.shape[1], least=3, why="six neighbours are different sites")
    total, chance = spins.numel(), -math.expm1(-2 * beta)
    site = torch.arange(total).view(spins.shape)
    beyond = [site.roll(tuple(-k for k in step), (1, 2)).flatten() for step in STEPS]
    s = spins.flatten().clone()
    for _ in range(n_sweeps):
        ends = []
        for far in beyond:
            luck = torch.rand(total, generator=rng, device=rng.device)
            on = (s == s[far.to(s.device)]) & (luck < chance)
            near = site.flatten()[on.cpu()]
            ends.append((near.numpy(), far[on.cpu()].numpy()))
        rows, columns = (np.concatenate(part) for part in zip(*ends))
        graph = coo_matrix((np.ones(len(rows), dtype=np.int8), (rows, columns)), shape=(total, total))
        count, label = connected_components(graph, directed=False)
        sign = (2 * torch.randint(2, (count,), generator=rng, device=rng.device) - 1).to(s.dtype)
        s = sign[torch.from_numpy(label).to(s.device).long()]
    return s.view(spins.shape)


def equilibrium(n: int, L: int, *, beta: float, rng: torch.Generator, n_sweeps: int = 30) -> Tensor:
    """n independent draws (n, L, L) int8, each from an ordered start after n_sweeps cluster updates."""
    given.whole("n", n, least=1, why="draws")
    given.whole("L", L, least=3, why="six neighbours are different sites")
    start = torch.ones(n, L, L, dtype=torch.int8, device=rng.device)
    return sweep(start, beta=beta, rng=rng, n_sweeps=n_sweeps)
