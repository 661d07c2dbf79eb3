"""What does the field do between the sites?  A kernel decides: a set of weights that add up to one.

    phi(x) = sum_i w_i(x) phi_i,        sum_i w_i(x) = 1   at every x.

Three kernels on a periodic lattice of L sites and unit spacing: `linear` (two neighbours), `gaussian` (a weighted
mean over a width, which is a softmax), `band_limited` (every Fourier mode the lattice can hold; Whittaker 1915,
Shannon 1949).  Weights that did not add up to one would give a constant field a ripple.  In d dimensions the weights
are products over the axes.  What error each kernel makes is known exactly: `aliasing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given

Kernel = Callable[[Tensor, int], Tensor]
"""positions (k,) in units of the spacing, number of sites L -> weights (k, L) whose rows add up to one."""


def reconstruct(phi: Tensor, positions: Tensor, *, kernel: Kernel) -> Tensor:
    """The fields phi (n, L, ..., L) on the grid positions x ... x positions: (n, k, ..., k), in the units of phi.

    positions (k,) count in units of the spacing, site i stands at i, and i + L is the same site.  Raises `ValueError`
    when phi has no lattice axis or positions is not one-dimensional.
    """
    phi, positions = given.floats(phi), given.numbers(positions)
    if phi.dim() < 2 or positions.dim() != 1:
        raise ValueError(
            f"phi {tuple(phi.shape)}, positions {tuple(positions.shape)}: give fields (n, L, ..., L) and the "
            "coordinates (k,) of one axis; the same coordinates serve every axis."
        )
    for axis in range(1, phi.dim()):
        weights = kernel(positions.to(phi), phi.shape[axis])
        phi = torch.tensordot(phi, weights, dims=([axis], [1])).movedim(-1, axis)
    return phi


def squared_error(phi: Tensor, b: int, *, kernel: Kernel) -> Tensor:
    """Keep every b-th site of fine fields phi (n, L, ..., L), reconstruct the rest, and measure: (n, b, ..., b).

    The square of (reconstruction - phi) at each offset between kept sites, averaged over the lattice, for each field;
    offset 0 is a kept site.  Raises `ValueError` when b does not divide L, and as `reconstruct`.
    """
    given.fields(phi)
    given.whole("b", b, least=1, why="every b-th site is kept")
    n, L, d = phi.shape[0], phi.shape[-1], phi.dim() - 1
    if L % b:
        raise ValueError(f"b = {b}, L = {L}: the kept sites close on the ring only if b divides L; choose a divisor.")
    kept = phi[(slice(None),) + (slice(None, None, b),) * d]
    everywhere = torch.arange(L, device=phi.device, dtype=phi.dtype) / b
    error = (reconstruct(kept, everywhere, kernel=kernel) - phi).square()
    return error.reshape((n,) + (L // b, b) * d).mean(tuple(range(1, 2 * d, 2)))


def linear(positions: Tensor, L: int) -> Tensor:
    """A straight line between the two neighbours (k, L): weight 1 - |x - i| within one spacing.

    Bilinear in d = 2, and so on.  Exact for a field that is linear between the sites.  Raises `ValueError` for L < 2.
    """
    return (1 - _distance(positions, L).abs()).clamp(min=0)


def gaussian(positions: Tensor, L: int, *, width: float) -> Tensor:
    """A weighted mean (k, L) with weights proportional to exp(-(x - i)^2 / (2 width^2)).

    All periodic images count.  The weights are divided by their own sum at each x: the regression of Nadaraya 1964
    and Watson 1964, and a softmax over the sites with the scores -(x - i)^2 / (2 width^2).  width is in units of the
    spacing; as it goes to 0 the nearest site wins.  Raises `ValueError` for width <= 0 or L < 2.
    """
    return torch.softmax(_scores(positions, L, width), dim=1).reshape(len(positions), -1, L).sum(1)


def unnormalised_gaussian(positions: Tensor, L: int, *, width: float) -> Tensor:
    """The tempting kernel (k, L): exp(-(x - i)^2 / (2 width^2)) / (sqrt(2 pi) width).

    Its integral is one, not its sum over the sites.  By Poisson summation the weights add up to 1 + 2 exp(-2 pi^2
    width^2) cos(2 pi x) + ...: a constant field gets a ripple.  It stands here to be caught.  Raises `ValueError` as
    `gaussian`.
    """
    weights = torch.exp(_scores(positions, L, width)) / (math.sqrt(2 * math.pi) * width)
    return weights.reshape(len(positions), -1, L).sum(1)


def band_limited(positions: Tensor, L: int) -> Tensor:
    """The one band-limited field through all sites (k, L): w_i(x) = (1/L) sum_k c_k cos(2 pi k (x - i) / L).

    k runs from 0 to L/2.  c_0 = 1 and c_k = 2, a mode and its conjugate.  For even L the mode k = L/2 is its own
    conjugate: the sites see cos(pi x) and never sin(pi x), so c_(L/2) = 1 and only the cosine is kept.  The sum is
    that of the sinc kernel of Whittaker and Shannon over all periodic images.  Exact for a field with no momentum at
    or beyond pi.  Raises `ValueError` for L < 2.
    """
    k = torch.arange(L // 2 + 1, device=positions.device, dtype=positions.dtype)
    count = torch.full_like(k, 2.0)
    count[0] = 1.0
    if L % 2 == 0:
        count[-1] = 1.0
    phase = (2 * math.pi / L) * k
    return torch.einsum("k,kxi->xi", count / L, torch.cos(phase[:, None, None] * _distance(positions, L)))


def _distance(positions: Tensor, L: int) -> Tensor:
    """x - i on the ring, in [-L/2, L/2): (k, L)."""
    given.whole("L", L, least=2, why="there is nothing between the sites of a lattice with fewer than two")
    sites = torch.arange(L, device=positions.device, dtype=positions.dtype)
    return torch.remainder(positions[:, None] - sites + L / 2, L) - L / 2


def _scores(positions: Tensor, L: int, width: float) -> Tensor:
    """-(x - i)^2 / (2 width^2) for every site and every image within nine widths: (k, images * L)."""
    given.positive("width", width, why="a Gaussian kernel has a positive width; for the nearest site take 0.1")
    turns = math.ceil(9 * width / L) + 1
    images = L * torch.arange(-turns, turns + 1, device=positions.device, dtype=positions.dtype)
    distance = _distance(positions, L)[:, None, :] + images[:, None]
    return (-(distance**2) / (2 * width**2)).reshape(len(positions), -1)
