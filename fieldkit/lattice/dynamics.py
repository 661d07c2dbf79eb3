"""How does a field move on its energy surface?  Hamilton's equations in leapfrog steps, for a batch of chains.

    H(phi, pi) = 1/2 pi M^-1 pi + S(phi),        d phi/dt = M^-1 pi,        d pi/dt = -dS/dphi.

The action is any object with `.action(phi) -> (n,)` and `.force(phi)` (the negative gradient, in the shape of phi, a
new tensor); see `phi4.Phi4`.  The first dimension of phi counts the chains.  `inverse_mass` (L, ..., L) is the inverse
mass of every Fourier mode (`acceleration`); without it every mode has mass one.
Source: Duane, Kennedy, Pendleton and Roweth 1987.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import acceleration


class Action(Protocol):
    """What HMC asks of a theory."""

    def action(self, phi: Tensor) -> Tensor:
        """S of each field, shape (n,)."""

    def force(self, phi: Tensor) -> Tensor:
        """-dS/dphi, a new tensor in the shape of phi."""


def leapfrog(
    action: Action,
    phi: Tensor,
    pi: Tensor,
    *,
    step_size: float | Tensor,
    n_leapfrog: int,
    inverse_mass: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Half a kick, then drifts and kicks in turn, half a kick last; new (phi, pi), the arguments stay as they are.

    Reversible (flip pi, go back), volume preserving, energy error of order step_size^2 along a trajectory of fixed
    length.  step_size: a number, or (n, 1, ..., 1) with one for every chain.  Raises ValueError for n_leapfrog < 1.
    """
    given.whole("n_leapfrog", n_leapfrog, least=1, why="a trajectory needs at least one leapfrog step")
    if phi.shape != pi.shape:
        raise ValueError(f"phi {tuple(phi.shape)}, pi {tuple(pi.shape)}: every field has a momentum, in one shape.")
    phi, pi = phi.clone(), pi.clone()
    step = torch.ones((), dtype=phi.dtype, device=phi.device) * step_size
    pi.addcmul_(action.force(phi), step / 2)
    for remaining in reversed(range(n_leapfrog)):
        phi.addcmul_(velocity(pi, inverse_mass), step)
        pi.addcmul_(action.force(phi), step if remaining else step / 2)
    return phi, pi


def velocity(pi: Tensor, inverse_mass: Tensor | None = None) -> Tensor:
    """M^-1 pi, the rate of change of phi; shape of pi.  Raises as `acceleration.filtered`."""
    return pi if inverse_mass is None else acceleration.filtered(pi, inverse_mass)


def kinetic(pi: Tensor, inverse_mass: Tensor | None = None) -> Tensor:
    """1/2 pi M^-1 pi of each chain, shape (n,), float64.  Raises as `momenta`."""
    given.fields(pi)
    return 0.5 * _sum(pi * velocity(pi, inverse_mass))


def momenta(like: Tensor, *, rng: torch.Generator, inverse_mass: Tensor | None = None) -> Tensor:
    """Gaussian momenta of covariance M in shape and dtype of `like`, on the device of rng; raises as `given.fields`."""
    given.fields(like)
    given.generator(rng)
    white = torch.randn((*like.shape[1:], len(like)), generator=rng, device=rng.device, dtype=like.dtype).movedim(-1, 0)
    return white if inverse_mass is None else acceleration.filtered(white, inverse_mass.rsqrt())


def _sum(density: Tensor) -> Tensor:
    return density.sum(dim=tuple(range(1, density.dim())), dtype=torch.float64)
