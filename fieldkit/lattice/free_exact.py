r"""What is known exactly about the free field?  Its propagator, its partition function, and how far it remembers.

    G(x) = 1/V sum_p exp(i p x) / (p^2 + mass2),     ln Z = 1/2 sum_p ln(2 pi / (p^2 + mass2)),     E = 2 asinh(m / 2),

with the momenta of `free`.  Sources: Montvay and Muenster 1994, ch. 2; Rothe 2012, ch. 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice.free import momentum_squared, open_modes


def propagator(L: int, d: int, *, mass2: float, device: torch.device | str | None = None) -> Tensor:
    """G(x) = <phi(0) phi(x)> on the periodic lattice, (L, ..., L) float64, x counted from 0 on every axis.

    Raises `ValueError` for mass2 <= 0, whose zero mode has no normalisable weight, and as `momentum_squared`.
    """
    return torch.fft.ifftn(_positive(mass2, momentum_squared(L, d, device=device)).reciprocal()).real


def open_propagator(L: int, d: int, *, mass2: float, device: torch.device | str | None = None) -> Tensor:
    """G(x, y) on the open lattice as a matrix (L**d, L**d) over sites in row-major order; raises as `propagator`."""
    modes = open_modes(L, device=device)
    basis = modes
    for _ in range(d - 1):
        basis = torch.kron(basis, modes)
    variance = _positive(mass2, momentum_squared(L, d, boundary="open", device=device)).reciprocal().reshape(-1)
    return (basis.T * variance) @ basis


def log_partition_function(L: int, d: int, *, mass2: float) -> float:
    """ln Z = 1/2 sum_p ln(2 pi / (p^2 + mass2)) on the periodic lattice, measure prod dphi; raises as
    `propagator`."""
    return 0.5 * torch.log(2 * math.pi / _positive(mass2, momentum_squared(L, d))).sum().item()


def mass_gap(mass2: float) -> float:
    """2 asinh(m / 2): the decay rate of the correlator in lattice units, from the pole of the propagator at p = (i E,
    0, ..., 0).  Raises `ValueError` for mass2 < 0."""
    given.not_negative("mass2", mass2, why="a free field with mass2 < 0 has no particle, it runs away")
    return 2 * math.asinh(math.sqrt(mass2) / 2)


def _positive(mass2: float, p2: Tensor) -> Tensor:
    given.positive("mass2", mass2, why="a massless free field has no normalisable zero mode")
    return p2 + mass2
