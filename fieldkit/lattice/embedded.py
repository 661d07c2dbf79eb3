r"""How do you turn whole domains of a field at once?  Clusters of signs inside a field of real numbers.

Write phi(x) = s(x) |phi(x)|.  In S = sum_x [ 1/2 sum_mu (phi(x + mu) - phi(x))^2 + V(phi(x)) ] with an even V, the
signs s are an Ising model whose bond x, x + mu has the strength |phi(x) phi(x + mu)|: Swendsen and Wang's bonds are

    on with probability 1 - exp(-2 max(0, phi(x) phi(x + mu))),      each cluster then takes either sign.

This moves only signs.  `metropolis` moves the values, site by site in the two colours of the checkerboard; `chain`
does both in turn.  Any sampler of exp(-S) may stand in for it, such as `hmc.trajectories` on an odd side.

Fields are batches (n, L, ..., L) in any dimension.  In float32 a probability is a multiple of 2^-24.

Sources: Brower and Tamayo 1989, Phys. Rev. Lett. 62, 1087 (phi^4); Swendsen and Wang 1987, Phys. Rev. Lett. 58, 86.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import clusters


class Even(Protocol):
    """What the chain asks of a theory: V at each site, even in phi; for instance `phi4.Phi4`."""

    def potential(self, phi: Tensor) -> Tensor:
        """V(phi), one number a site, the shape of phi."""


def flip(phi: Tensor, *, rng: torch.Generator, n_rounds: int | None = None) -> Tensor:
    """New signs for the clusters of phi, whose absolute values stay: one Swendsen-Wang update, a new tensor.

    Keeps exp(-S) stationary for every even V, which it does not need to know.  Any side; with L = 2 the two bonds of a
    pair of sites both count, as in the action.  `n_rounds` is that of `clusters.by_pointers`, for a GPU.  Raises as
    `given.fields`, and ValueError for a generator of another device.
    """
    _refuse(phi, rng)
    d = phi.dim() - 1
    bonds = []
    for axis in range(d, 0, -1):
        off = torch.exp(-2 * (phi * phi.roll(-1, axis)).clamp(min=0))
        bonds.append(torch.rand(phi.shape, generator=rng, device=rng.device, dtype=phi.dtype) >= off)
    coins = torch.randint(0, 2, (phi.numel(),), generator=rng, device=rng.device, dtype=torch.int8) * 2 - 1
    return phi * clusters.spread(coins, *bonds, n_rounds=n_rounds)


def metropolis(
    theory: Even, phi: Tensor, *, width: float, rng: torch.Generator, n_sweeps: int = 1
) -> tuple[Tensor, Tensor]:
    """n_sweeps checkerboard sweeps: (new fields, the fraction of moves that each field accepted (n,)).

    A site is offered phi + u with u uniform in (-width, width), and takes it with probability min(1, exp(-dS)).
    Sites of one colour do not touch, so a whole colour moves at once, with detailed balance in each half sweep.
    A width near 1.5 / sqrt(2d + V''), which accepts about half, forgets fastest.

    Raises ValueError for an odd side, width <= 0, n_sweeps < 1 or a generator of another device, and as
    `given.fields`.
    """
    _refuse(phi, rng)
    given.positive("width", width, why="a move changes the field")
    given.whole("n_sweeps", n_sweeps, least=1, why="a fraction of accepted moves needs some")
    d, L = phi.dim() - 1, phi.shape[-1]
    if any(side % 2 for side in phi.shape[1:]):
        raise ValueError(
            f"L = {L}: checkerboard updates need an even side, or a site would neighbour its own colour across the "
            f"boundary; use {max(2, L - 1)} or {max(4, L + 1)}, or `hmc.trajectories`."
        )
    places = torch.meshgrid(*(torch.arange(side, device=phi.device) for side in phi.shape[1:]), indexing="ij")
    white = torch.stack(places).sum(0) % 2 == 1
    taken = torch.zeros(len(phi), dtype=torch.float64, device=phi.device)
    for _ in range(n_sweeps):
        step, uniform = torch.rand((2, *phi.shape), generator=rng, device=rng.device, dtype=phi.dtype)
        step = step.mul_(2).sub_(1).mul_(width)
        new = phi + step
        # d (new^2 - phi^2) + V(new) - V(phi), the same whatever the neighbours do
        own = d * step * (new + phi) + theory.potential(new) - theory.potential(phi)
        for colour in (~white, white):
            around = sum(phi.roll(1, axis) + phi.roll(-1, axis) for axis in range(1, d + 1))
            accepted = (uniform < torch.exp(step * around - own)) & colour
            phi = torch.where(accepted, new, phi)
            taken += accepted.flatten(1).sum(1)
    return phi, taken / (n_sweeps * phi[0].numel())


def chain(
    theory: Even, phi: Tensor, *, width: float, rng: torch.Generator, n_sweeps: int = 2, n_rounds: int | None = None
) -> Iterator[Tensor]:
    """Endless fields, each a new tensor: n_sweeps of `metropolis`, then `flip`; memory does not grow with time.

    Everything that the next item depends on is the last field and the state of rng.  Raises as these two, at the first
    item.
    """
    while True:
        phi, _ = metropolis(theory, phi, width=width, rng=rng, n_sweeps=n_sweeps)
        phi = flip(phi, rng=rng, n_rounds=n_rounds)
        yield phi


def _refuse(phi: Tensor, rng: torch.Generator) -> None:
    given.fields(phi)
    given.generator(rng)
    if phi.device.type != rng.device.type:
        raise ValueError(f"phi lives on {phi.device}, rng on {rng.device}: make both on the same device.")
