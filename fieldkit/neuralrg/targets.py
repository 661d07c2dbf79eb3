"""What is a flow trained on?  Anything with an action and a force; here, one half of a target that is even.

    p_+(x) = 2 p(x) sigmoid(sharpness M(x)),        [p_+(x) + p_+(-x)] / 2 = p(x)        (M: mean of x over sites)

A target that is even in x has two mountains where a flow that begins as one Gaussian would tear.  Its half p_+ has one
and the same Z: learn that, flip every sample with probability 1/2 (`symmetry.random_signs`), and the result is exact.

Begin on the right side (`mean` of `equivariant.equivariant`, `mera.mera`).  The wrong mountain costs a flow no more
than sharpness |M| nats, whatever the number of sites, and on large lattices no slope leads out of it: from mean 0 the
critical magnet of 32 x 32 spins has been seen to end there, 15 nats above the bound.

`phi4_from_albergo` translates the convention of the flow literature (Albergo et al.  2021: no 1/2 in the kinetic and
mass terms, lambda_A phi_A^4): phi = sqrt(2) phi_A, mass2 = mass2_A, coupling = lambda_A / 4, as in `lattice.phi4`.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from fieldkit import given
from fieldkit.lattice import phi4


class Target(Protocol):
    """What a flow learns: density exp(-action(x)) / Z for fields (n, L, ..., L).  As `dynamics.Action`."""

    def action(self, phi: Tensor, /) -> Tensor:
        """S of each field, shape (n,); differentiable."""

    def force(self, phi: Tensor, /) -> Tensor:
        """-dS/dphi, the shape of phi."""


@dataclasses.dataclass(frozen=True)
class OneSector:
    """The half p_+ of an even target, with the same Z.  sharpness > 0: how steep the border at M = 0 is.

    Raises `ValueError` for sharpness <= 0.  That the target is even is not checked.
    """

    whole: Target
    sharpness: float = 5.0

    def __post_init__(self) -> None:
        given.positive("sharpness", self.sharpness, why="the border between the sectors falls from 1 to 0")

    def action(self, x: Tensor) -> Tensor:
        """S(x) - ln 2 - ln sigmoid(sharpness M), shape (n,)."""
        return self.whole.action(x) - math.log(2) + functional.softplus(-self._argument(x))

    def force(self, x: Tensor) -> Tensor:
        """-dS/dx + sharpness sigmoid(-sharpness M) / N, the shape of x."""
        push = torch.sigmoid(-self._argument(x)) * (self.sharpness / x[0].numel())
        return self.whole.force(x) + push.reshape(-1, *(1,) * (x.dim() - 1))

    def turned(self, x: Tensor, *, rng: torch.Generator) -> Tensor:
        """Fields of p (n, L, ..., L) made fields of p_+: each keeps its sign with probability sigmoid(sharpness M)."""
        given.generator(rng)
        keep = torch.rand(len(x), generator=rng, device=rng.device, dtype=x.dtype) < torch.sigmoid(self._argument(x))
        return torch.where(keep.reshape(-1, *(1,) * (x.dim() - 1)), x, -x)

    def _argument(self, x: Tensor) -> Tensor:
        return self.sharpness * x.mean(tuple(range(1, x.dim())))


def phi4_from_albergo(mass2: float, coupling: float) -> phi4.Phi4:
    """The theory of this book for S_A = sum_x [phi_A (2d phi_A - neighbours) + mass2 phi_A^2 + coupling phi_A^4].

    Its fields are phi = sqrt(2) phi_A: divide samples by sqrt(2), and even moments <phi^2k> by 2^k.
    """
    return phi4.Phi4(mass2, coupling / 4)


def log_partition_to_albergo(log_partition: float, volume: int) -> float:
    """ln Z_A = ln Z - (N/2) ln 2: the measure prod dphi is 2^(N/2) prod dphi_A."""
    given.number("log_partition", log_partition, why="it is the logarithm of Z")
    given.whole("volume", volume, least=1, why="a lattice has at least one site")
    return log_partition - volume / 2 * math.log(2)
