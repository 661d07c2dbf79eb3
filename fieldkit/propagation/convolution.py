r"""Can a ten-thousand-layer convolution be trained?  Yes, if every Fourier mode of the covariance survives.

    h_l(a) = sum_b W_l(b) phi(h_(l-1)(a + b)) + bias,    W_ij(b) ~ N(0, sw2 v_b / C),    sum_b v_b = 1,
    K_l(a, a') = sw2 sum_b v_b E phi(u) phi(u') + sb2,   (u, u') with K_(l-1) between the sites a + b and a' + b,
    E delta_l(a)^2 = chi_1 sum_b v_b E delta_(l-1)(a + b)^2,     lambda_j = sum_b v_b e^(2 pi i j b / L).

In every layer the covariance between sites passes phi point by point and is then averaged over the filter, both sites
together: the distance a' - a stays, the place a is smeared.  Its deviation from the fixed point splits into Fourier
modes of the place, each of which decays as (chi lambda_j)^l: a wide filter forgets where (all but j = 0).  A filter
that touches only its centre has lambda_j = 1 for all j.  The third line, for the squared size of a small perturbation
delta, is exact at infinite width, with chi_1 = sw2 E phi'^2.

Source: Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington 2018.  Periodic boundaries; float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fieldkit import given, moved
from fieldkit.propagation import activations, gaussian, kernels
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def uniform_profile(size: int, d: int = 1) -> Tensor:
    """v_b = 1 / size^d, (size, ..., size) with d axes."""
    given.whole("d", d, least=1, why="a filter has at least one axis")
    return torch.full((odd(size),) * d, float(size) ** -d, dtype=torch.float64)


def delta_profile(size: int, d: int = 1) -> Tensor:
    """v_b = 1 at the centre and 0 elsewhere, (size, ..., size) with d axes."""
    given.whole("d", d, least=1, why="a filter has at least one axis")
    profile = torch.zeros((odd(size),) * d, dtype=torch.float64)
    profile[(size // 2,) * d] = 1
    return profile


def eigenvalues(v: Tensor, shape: Sequence[int]) -> Tensor:
    """lambda_j of the averaging over a filter with variance profile v (k, ..., k) on a torus, `shape`, complex128.

    Real for a profile that is symmetric about its centre.  Raises `ValueError` as `profile`, and for dimensions that
    do not match, or a filter wider than the torus.
    """
    v = profile(v)
    if v.dim() != len(shape) or any(k > L for k, L in zip(v.shape, shape)):
        raise ValueError(f"filter {tuple(v.shape)} on {tuple(shape)}: give one side per axis; a filter fits the torus.")
    padded = torch.zeros(tuple(shape), device=v.device, dtype=v.dtype)
    padded[tuple(slice(0, odd(k)) for k in v.shape)] = v
    centred = padded.roll([-(k // 2) for k in v.shape], dims=list(range(v.dim())))
    return torch.fft.fftn(centred).conj()


def depth_scales(eigenvalue: Tensor, chi: float) -> Tensor:
    """xi_j = -1 / log |chi lambda_j|: layers after which mode j has lost a factor e; negative where it grows."""
    given.not_negative("chi", chi, why="it multiplies a mean square")
    eigenvalue = eigenvalue if isinstance(eigenvalue, Tensor) else given.doubles(eigenvalue)
    return -1 / torch.log(chi * eigenvalue.abs())


def spread(delta2: Tensor, v: Tensor, *, chi: float, depth: int) -> Tensor:
    """E delta^2 at every site after `depth` layers, from delta2 (L, ..., L): each mode is multiplied by (chi
    lambda)^l."""
    given.not_negative("chi", chi, why="it multiplies a mean square")
    given.whole("depth", depth, least=0, why="it counts layers")
    delta2, v = given.doubles(delta2), profile(v)
    factor = (chi * eigenvalues(v, delta2.shape)) ** depth
    return torch.fft.ifftn(torch.fft.fftn(delta2) * factor).real


def of_images(images: Tensor, *, v: Tensor, sw2: float, sb2: float) -> Tensor:
    """Covariance of the first layer's pre-activations, (m, L, ..., m, L, ...), for images (m, L, ..., L).

    sw2 sum_b v_b x(a + b) x'(a' + b) + sb2, exact at any number of channels; the images have one.
    """
    for name, value in (("sw2", sw2), ("sb2", sb2)):
        given.not_negative(name, value, why="a variance cannot be negative")
    images, v = given.doubles(images), profile(v)
    if images.dim() != v.dim() + 1:
        raise ValueError(f"shape {tuple(images.shape)}: for a filter of {v.dim()} axes images are (m, L, ..., L), with "
                         "as many axes of the torus.")  # fmt: skip
    return sw2 * _smear(torch.tensordot(images, images, dims=0), v) + sb2


def covariance(
    K: Tensor, depth: int, *, v: Tensor, activation: Function | Activation, sw2: float, sb2: float
) -> Tensor:
    """Covariances of the pre-activations after 0 ... depth more layers, (depth + 1, *K.shape), exact for C -> infinity.

    K (m, L, ..., m, L, ...) is that between all sites of m images (`of_images`), with an axis of the torus for each
    axis of `v` (k, ..., k).  Raises `ValueError` for another shape.
    """
    for name, value in (("sw2", sw2), ("sb2", sb2)):
        given.not_negative(name, value, why="a variance cannot be negative")
    given.whole("depth", depth, least=0, why="it counts layers")
    K, v = given.doubles(K), profile(v)
    site_pairs(K, v)
    activation = activations.of(activation)
    history = [K]
    for _ in range(depth):
        flat = history[-1].reshape(math.isqrt(K.numel()), -1)
        history.append(sw2 * _smear(kernels.averages(flat, activation=activation)[0].reshape(K.shape), v) + sb2)
    return torch.stack(history)


def _smear(pairs: Tensor, v: Tensor) -> Tensor:
    """sum_b v_b F(a + b, a' + b) of F (m, L, ..., m, L, ...)."""
    d, out = v.dim(), torch.zeros_like(pairs)
    axes = [*range(1, d + 1), *range(d + 2, 2 * d + 2)]
    for b in itertools.product(*map(range, v.shape)):
        shifts = [odd(k) // 2 - i for i, k in zip(b, v.shape)]
        out += v[b] * pairs.roll(shifts * 2, dims=axes)
    return out


def site_pairs(K: Tensor, v: Tensor) -> tuple[int, ...]:
    """(m, L, ..., L) of a covariance between sites, or the reason why it is none."""
    half = v.dim() + 1
    if K.dim() != 2 * half or K.shape[:half] != K.shape[half:]:
        raise ValueError(f"shape {tuple(K.shape)}: for a filter of {half - 1} axes K is (m, L, ..., m, L, ...).")
    return tuple(K.shape[:half])


def profile(v: Tensor) -> Tensor:
    """v itself in float64; raises `ValueError` for variances of a filter that are negative or do not sum to 1, and for
    an even side."""
    v = given.doubles(v)
    if not gaussian.seen((v >= 0) & ((v.sum() - 1).abs() < 1e-5)):
        raise ValueError("v is no profile: shares of a filter's variance are 0 or more, of sum 1; divide by v.sum().")
    for k in v.shape:
        odd(k)
    return v


def odd(size: int) -> int:
    """A side of a filter that has a centre, or the reason why it has none."""
    given.whole("k", size, least=1, why="a filter has a centre")
    if size % 2 == 0 or size < 1:
        raise ValueError(f"k = {size}: an even filter has no centre; use an odd one.")
    return size


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
