r"""Which sites does one latent variable move?  The receptive field dx/dz_i: a wavelet, if the flow has learned scales.

`response` is the column of the Jacobian at a latent site, exact, by forward differentiation.  Averaged over draws of
the prior it is a picture of one latent variable; beside it stands `wavelet`, the response of a hierarchy of bare Haar
decimators, which is a Haar wavelet at the same place and scale.  `least_gap` says how good a painter of free fields is
that has these wavelets, a scale for each, and no network.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from fieldkit import given
from fieldkit.lattice import free
from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.mera import mera


def response(flow: Flow, z: Tensor, site: tuple[int, ...]) -> Tensor:
    """dx / dz_site at each z (n, L, ..., L): the same shape.  Raises as `Flow`, and `ValueError` for no such site."""
    _refuse_site(site, tuple(z.shape[1:]))
    towards = torch.zeros_like(z)
    place: tuple[Any, ...] = (..., *site)
    towards[place] = 1
    with torch.no_grad(), forward_ad.dual_level():
        x, _ = flow(forward_ad.make_dual(z, towards))
        return forward_ad.unpack_dual(x).tangent


def wavelet(L: int, site: tuple[int, ...], *, n_levels: int | None = None) -> Tensor:
    """The Haar wavelet of the latent variable at `site`, (L, ..., L) float64, of unit norm."""
    _refuse_site(site, (L,) * len(site))
    z = torch.zeros(1, *(L,) * len(site), dtype=torch.float64)
    return response(_bare(L, len(site), n_levels), z, site)[0]


def overlap(field: Tensor, other: Tensor) -> Tensor:
    """Cosine of the angle between each of fields (..., L, ..., L) and `other` (L, ..., L): sum f g / |f| |g|, (...)."""
    field, other = given.numbers(field), given.numbers(other)
    d = other.dim()
    if d == 0 or field.shape[-d:] != other.shape:
        raise ValueError(f"shapes {tuple(field.shape)}, {tuple(other.shape)}: give fields of one lattice.")
    field = field if field.is_floating_point() else field.double()
    f, g = field.flatten(-d), other.flatten().to(field)
    top, most = f.abs().amax(-1, keepdim=True), g.abs().max()
    if not bool((top > 0).all()) or not bool(most > 0):
        raise ValueError("the zero field has no direction: no angle with it is defined.")
    f, g = f / top, g / most  # squares neither overflow nor vanish
    return (f @ g) / (f.norm(dim=-1) * g.norm())


def covariance(v: Tensor, w: Tensor, propagator: Tensor) -> float:
    """sum over x, y of v(x) C(x - y) w(y): how the amplitudes of shapes v and w (L, ..., L) go together in a field.

    C (L, ..., L) is the field's propagator, x counted from 0 on every axis.
    """
    if not v.shape == w.shape == propagator.shape:
        raise ValueError(
            f"shapes {tuple(v.shape)}, {tuple(w.shape)}, {tuple(propagator.shape)}: wavelets and propagator live "
            "on one lattice."
        )
    power = torch.fft.fftn(propagator)
    return (torch.fft.fftn(v).conj() * power * torch.fft.fftn(w)).mean().real.item()


def least_gap(L: int, d: int = 2, *, mass2: float, n_levels: int) -> float:
    """F + ln Z, nats, of the best hierarchy of bare decimators with a scale for each amplitude, on a free field.

    Such a flow draws independent amplitudes a of variance v_a along the wavelets w_a.  With M = p^2 + mass2 the inverse
    propagator, F + ln Z = 1/2 sum_a [v_a m_a - 1 - ln v_a] - 1/2 ln det M, m_a = sum_xy w_a(x) M(x - y) w_a(y), least
    at v_a = 1 / m_a.  Raises `ValueError` for mass2 <= 0, and as `mera.mera`.
    """
    given.positive("mass2", mass2, why="a massless free field has no normalisable zero mode")
    power = free.momentum_squared(L, d) + mass2
    units = torch.eye(L**d, dtype=torch.float64).reshape(-1, *(L,) * d)
    with torch.no_grad():
        wavelets, _ = _bare(L, d, n_levels)(units)  # without couplings the flow is linear
    waves = torch.fft.fftn(wavelets, dim=tuple(range(1, d + 1)))
    m = (waves.abs().square() * power).flatten(1).mean(1)
    return (m.log().sum() - power.log().sum()).item() / 2


def _bare(L: int, d: int, n_levels: int | None) -> Flow:
    rng = torch.Generator().manual_seed(0)  # no draw enters: without couplings the hierarchy is the Haar transform
    return mera(L, d, n_levels=n_levels, n_rounds=0, width=1, spectra=False, n_terms=0, rng=rng).double()


def _refuse_site(site: tuple[int, ...], shape: tuple[int, ...]) -> None:
    if len(site) != len(shape) or not all(0 <= x < L for x, L in zip(site, shape)):
        raise ValueError(f"site {site}: the lattice has the sides {shape}; count coordinates from 0, one for each.")
