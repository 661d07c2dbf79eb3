r"""Is a blurred picture a renormalised one?  The gradient flow, and the change of units without which it is not.

    d phi_t / dt = laplacian phi_t:      every mode is damped by exp(-t p^2),  p^2 the lattice momentum squared,

smears over a radius sqrt(2 d t) and forgets nothing for good: it can be undone, and it has no fixed point but a
constant field.  It becomes a renormalisation group when the field is also measured in new units, phi'(x) = b^Delta
phi_t(b x) with t proportional to b^2 (Carosso, Hasenfratz and Neil 2018): then at a critical point <phi_t^2> ~
t^(-Delta), and on two lattices of sides L and 2L with sqrt(8 t) = c L

    <phi_t^2>(L) / <phi_t^2>(2L) = 2^(2 Delta),     whatever c:

the finite size is the scale.  Fields are batches (n, L, ..., L), spins -1 and 1 included.  Source for the flow on
lattices: Luescher 2010; for its use as a renormalisation group: Carosso, Hasenfratz and Neil 2019.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.lattice import free
from fieldkit.rg import blocking, maps


def time(L: int, c: float) -> float:
    """t at which sqrt(8 t) = c L: the blur is the same fraction c of every lattice."""
    given.positive("c", c, why="it is the radius of the blur over the side")
    given.positive("L", L, why="a lattice has a side")
    return (c * L) ** 2 / 8


def flow(field: Tensor, t: float) -> Tensor:
    """phi_t of a batch (n, L, ..., L), exact in t >= 0: same shape, float64."""
    field, axes = _fields(field, t)
    modes = torch.fft.fftn(field, dim=axes)
    return torch.fft.ifftn(modes * torch.exp(-t * _squares(field)), dim=axes).real


def step(field: Tensor, *, b: int = 2, field_dimension: float, reach: float = 1.0) -> Tensor:
    """One step of the renormalisation group by blurring, (n, L, ..., L) -> (n, L/b, ..., L/b).

    Flow for t = (reach b)^2 / 8, keep every b-th site, multiply by b^field_dimension.
    """
    given.positive("reach", reach, why="the blur has a radius, in units of the new lattice")
    given.number("field_dimension", field_dimension, why="the field is multiplied by this power of b")
    return blocking.stride(flow(field, (reach * b) ** 2 / 8), b=b) * float(b) ** field_dimension


def variance(field: Tensor, t: float) -> Tensor:
    """phi_t^2 averaged over the sites of each configuration, (n,): one transform, no blurred field is made."""
    field, axes = _fields(field, t)
    power = free.structure_factor(field)
    return (power * torch.exp(-2 * t * _squares(field))).mean(axes)


def free_variance(L: int, d: int, *, mass2: float, t: float) -> float:
    """<phi_t^2> of the free field on a periodic lattice, L^-d sum_p exp(-2 t p^2) / (p^2 + mass2), exact."""
    given.positive("mass2", mass2, why="a massless free field has no normalisable zero mode")
    _forward(t)
    p2 = free.momentum_squared(L, d)
    return float((torch.exp(-2 * t * p2) / (p2 + mass2)).mean())


def twice_the_dimension(small: Tensor, large: Tensor, *, b: float = 2.0) -> Estimate:
    """2 Delta = ln [<phi_t^2>(L) / <phi_t^2>(b L)] / ln b from one average a chain, (n,) and (m,), independent runs.

    At the same c.  Errors in quadrature, each by the jackknife over chains (8 or more).
    """
    b = maps.scale(b)
    logs = [jackknife(torch.log, chains) for chains in (small, large)]
    error = math.hypot(logs[0].error, logs[1].error)
    return Estimate(logs[0].value - logs[1].value, error) / math.log(b)


def _fields(field: Tensor, t: float) -> tuple[Tensor, tuple[int, ...]]:
    _forward(t)
    field = given.floats(field)
    given.fields(field)
    return field.double(), tuple(range(1, field.dim()))


def _forward(t: float) -> None:
    given.not_negative("t", t, why="the flow runs forward; backwards it blows up every fast mode")


def _squares(field: Tensor) -> Tensor:
    """Lattice momentum squared of every mode; each axis may have its own length."""
    total = torch.zeros((), dtype=torch.float64, device=field.device)
    for side in field.shape[1:]:
        total = total[..., None] + free.momentum_squared(side, 1, device=field.device)
    return total
