"""What error does a kernel make between the sites?  Exactly known for a free field, mode by mode.

Keep every b-th site of a fine lattice and reconstruct.  The kernel turns the mode e^{ipx} into M(p, x) e^{ipx}, so
for a field whose modes are independent with variance S(p)

    <(reconstruction - field)^2>(x) = (1/V) sum_p S(p) |1 - M(p, x)|^2,   S(p) = 1 / (p^2 + mass2) on the fine lattice.

M contains the damping of slow modes and the aliases of fast ones: at the kept sites p and p + 2 pi / b are the same
wave.  This module works in momentum space, `interpolation` in position space; they share no formula.  No kernel can
beat the conditional mean given the kept sites (`least_error`, `conditional_variance`).  Sources: Blu and Unser 1999
(error kernel in momentum space); Rasmussen and Williams 2006, ch. 2 (conditional mean).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import free, free_exact

Transfer = Callable[[Tensor, Tensor], Tensor]
"""momenta p (q, 1) times the kept spacing, offsets s (k,) in [0, 1) from a kept site -> M (q, k), complex."""


def mean_squared_error(transfer: Transfer, L: int, b: int, d: int, *, mass2: float) -> Tensor:
    """The error of a kernel in d dimensions at the b^d offsets between kept sites: (b, ..., b), units of phi^2.

    The free field of mass2 lives on a fine periodic lattice of side L; every b-th site of every axis is kept.  Raises
    `ValueError` when b does not divide L.
    """
    momenta, offsets = _grid(L, b)
    M = transfer(momenta[:, None], offsets).to(torch.complex128)
    spectrum = (1 / (free.momentum_squared(L, d) + _massive(mass2))).to(torch.complex128)
    total = spectrum.sum().real
    overlap, power = spectrum, spectrum
    for _ in range(d):  # |1 - prod M|^2 = 1 - 2 Re prod M + prod |M|^2, one axis after the other
        overlap = torch.tensordot(overlap, M, dims=([0], [0]))
        power = torch.tensordot(power, (M * M.conj()), dims=([0], [0]))
    return (total - 2 * overlap.real + power.real) / L**d


def linear_transfer(p: Tensor, s: Tensor) -> Tensor:
    """M of the straight line between two neighbours: (1 - s) e^{-ips} + s e^{ip(1-s)}."""
    return (1 - s) * torch.exp(-1j * p * s) + s * torch.exp(1j * p * (1 - s))


def gaussian_transfer(p: Tensor, s: Tensor, *, width: float) -> Tensor:
    """M of the normalised Gaussian of this width, in kept spacings.

    By Poisson summation over the momenta 2 pi j that the sites cannot see:
    M = sum_j g(p + 2 pi j) e^{2 pi i j s} / sum_j g(2 pi j) e^{2 pi i j s},  g(p) = exp(-p^2 width^2 / 2).  Raises
    `ValueError` for width < 0.1, where the sum over j would be long.
    """
    given.positive("width", width, why="a Gaussian kernel has a positive width")
    if width < 0.1:
        raise ValueError(f"width = {width}: the momentum sum is long for so narrow a kernel; use width >= 0.1.")
    reach = math.ceil(1.5 / width) + int(float(p.abs().max()) / (2 * math.pi)) + 1
    j = 2 * math.pi * torch.arange(-reach, reach + 1, dtype=torch.float64)
    wave = torch.exp(1j * j[:, None] * s)

    def alias(q: Tensor) -> Tensor:
        return torch.exp(-((q[:, :1] + j) ** 2) * width**2 / 2).to(wave.dtype) @ wave

    return alias(p) / alias(torch.zeros_like(p[:1]))


def band_limited_transfer(p: Tensor, s: Tensor) -> Tensor:
    """M of the band-limited kernel: p returns as its alias p' in (-pi, pi), M = e^{i(p' - p)s}; at pi as a cosine."""
    alias = torch.remainder(p + math.pi, 2 * math.pi) - math.pi
    at_edge = (alias + math.pi).abs() < 1e-9
    returned = torch.where(at_edge, torch.cos(math.pi * s).to(torch.complex128), torch.exp(1j * alias * s))
    return returned * torch.exp(-1j * p * s)


def least_error(L: int, b: int, *, mass2: float) -> Tensor:
    """The error of the conditional mean in d = 1 at the b offsets (b,): the lower bound for every kernel.

    A free field in d = 1 is a Markov chain, G(t) ~ cosh(E(t - L/2)) with E the gap: only the two neighbours matter,
    and the conditional variance at r steps from one and b - r from the other is sinh(E r) sinh(E (b - r)) / (sinh(E)
    sinh(E b)).  Raises as `mean_squared_error`.
    """
    _, offsets = _grid(L, b)
    E, r = free_exact.mass_gap(_massive(mass2)), offsets * b
    near, far = -torch.expm1(-2 * E * r), -torch.expm1(-2 * E * (b - r))  # 2 sinh(x) e^-x: no number grows
    return near * far / (2 * math.sinh(E) * -math.expm1(-2 * E * b))


def conditional_variance(L: int, b: int, d: int, *, mass2: float) -> Tensor:
    """The error of the conditional mean in d dimensions, at the b^d offsets from a kept site: (b, ..., b).

    G(0) - c K^-1 c, with K the covariance of the (L/b)^d kept sites and c that of a site with them (Rasmussen and
    Williams 2006, ch. 2), by one dense solve: up to a few thousand kept sites.  Raises as `mean_squared_error`.
    """
    _grid(L, b)
    spectrum = free.momentum_squared(L, d) + _massive(mass2)
    # the zero mode, a constant that varies by 1/spare more, would drown all digits at a small mass: added by hand
    spare = mass2 / (1 - mass2) * L**d if mass2 < 1 else math.inf
    spectrum.view(-1)[0] = max(mass2, 1.0)
    G = torch.fft.ifftn(1 / spectrum).real

    def places(axis: Tensor) -> Tensor:
        return torch.cartesian_prod(*[axis] * d).reshape(-1, d)

    def covariance(x: Tensor, y: Tensor) -> Tensor:
        return G[torch.remainder(x[:, None] - y, L).unbind(-1)]

    kept, cell = places(torch.arange(0, L, b)), places(torch.arange(b))
    known = covariance(cell, kept)
    ones = torch.ones(len(kept), 1, dtype=torch.float64)
    weights = torch.linalg.solve(covariance(kept, kept), torch.cat([known.T, ones], 1)).T
    told, whole = (known * weights[:-1]).sum(1), weights[-1].sum()
    unknown = (1 - weights[:-1].sum(1)).square() / (spare + whole)
    return (G.reshape(-1)[0] - told + unknown).reshape((b,) * d)


def conditional_mean(positions: Tensor, L: int, *, covariance: Tensor) -> Tensor:
    """The best linear kernel (k, L) for a field of known covariance in d = 1: w(x) = K^{-1} c(x).

    This is kriging, or the mean of a Gaussian process.  covariance (b L,) is G at the distances 0, 1, ... on a fine
    ring whose every b-th site is kept; positions (k,) in kept spacings must fall on fine sites.  The weights of a
    massive field need not add up to one: far from data the best guess is the mean, zero.  Raises `ValueError` for other
    positions, and where L does not divide the sites of the ring.
    """
    given.whole("L", L, least=1, why="a ring has sites")
    positions, covariance = given.doubles(positions), given.doubles(covariance)
    if covariance.dim() != 1 or len(covariance) == 0 or len(covariance) % L or positions.dim() != 1:
        raise ValueError(
            f"covariance {tuple(covariance.shape)}, positions {tuple(positions.shape)}, L = {L}: expected (b L,), one "
            "number for each distance on the fine ring, and (k,)."
        )
    b = len(covariance) // L
    site = torch.arange(L, device=positions.device)
    at = torch.round(positions * b).long()
    if not bool(((positions * b - at).abs() <= 1e-6 * b).all()):
        raise ValueError(f"positions {positions.tolist()}: fine sites lie at multiples of 1/{b} of a kept spacing.")
    between = covariance.to(positions.device)[torch.remainder(b * (site[:, None] - site), b * L)]
    across = covariance.to(positions.device)[torch.remainder(at[:, None] - b * site, b * L)]
    return torch.linalg.solve(between, across.T).T


def _grid(L: int, b: int) -> tuple[Tensor, Tensor]:
    """The L momenta times b, and the b offsets in kept spacings."""
    given.whole("L", L, least=1, why="a ring has sites")
    given.whole("b", b, least=1, why="every b-th site is kept")
    if L % b:
        raise ValueError(f"L = {L}, b = {b}: the kept sites close on the ring only if b divides L; choose a divisor.")
    fine = torch.arange(L, dtype=torch.float64)
    return 2 * math.pi * b / L * torch.where(fine < L / 2, fine, fine - L), fine[:b] / b


def _massive(mass2: float) -> float:
    given.positive("mass2", mass2, why="the massless field has no normalisable zero mode")
    return mass2
