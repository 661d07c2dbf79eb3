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

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, finite_width, gaussian, kernels
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def uniform_profile(size: int, d: int = 1) -> Tensor:
    """v_b = 1 / size^d, (size, ..., size) with d axes."""
    given.whole("d", d, least=1, why="a filter has at least one axis")
    return torch.full((_odd(size),) * d, float(size) ** -d, dtype=torch.float64)


def delta_profile(size: int, d: int = 1) -> Tensor:
    """v_b = 1 at the centre and 0 elsewhere, (size, ..., size) with d axes."""
    given.whole("d", d, least=1, why="a filter has at least one axis")
    profile = torch.zeros((_odd(size),) * d, dtype=torch.float64)
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
    padded[tuple(slice(0, _odd(k)) for k in v.shape)] = v
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
    _pairs(K, v)
    activation = activations.of(activation)
    history = [K]
    for _ in range(depth):
        flat = history[-1].reshape(math.isqrt(K.numel()), -1)
        history.append(sw2 * _smear(kernels.averages(flat, activation=activation)[0].reshape(K.shape), v) + sb2)
    return torch.stack(history)


def delta_orthogonal_(weight: Tensor, *, gain: float = 1.0, groups: int = 1, rng: torch.Generator) -> Tensor:
    """Fill a convolution's weight (C_out, C_in / groups, k, ..., k) in place, as `torch.nn.init` does, and return it.

    All zero but the centre, which holds gain times a matrix with orthonormal columns, uniform: each site is then
    rotated, norms are kept and no mode decays.  gain = sqrt(sw2).  `groups` is that of the convolution: each group of
    channels gets a matrix of its own.  Raises `ValueError` for an even k, which has no centre, for groups that do not
    divide C_out, and for C_out < C_in, which cannot keep every norm.
    """
    given.number("gain", gain, why="it multiplies every weight")
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        kind = weight.dtype if isinstance(weight, Tensor) else type(weight).__name__
        raise TypeError(f"weight of {kind}: it is filled in place; give a tensor of floating-point numbers.")
    if weight.dim() < 3:
        raise ValueError(f"shape {tuple(weight.shape)}: a convolution's weight is (C_out, C_in, k, ..., k).")
    n_out, n_in = weight.shape[:2]
    given.whole("groups", groups, least=1, why="channels form at least one group")
    if n_out % groups:
        raise ValueError(f"C_out = {n_out}, groups = {groups}: the groups share the channels equally; take a divisor.")
    if n_out < n_in * groups:
        raise ValueError(
            f"C_out = {n_out} < C_in = {n_in * groups}: norms cannot survive; widen the layer or use C_out = C_in."
        )
    n_each = n_out // groups
    centre: list[int] = [_odd(k) // 2 for k in weight.shape[2:]]
    Q, R = torch.linalg.qr(gaussian.normal((groups, n_each, n_in), rng))
    signs = torch.where(torch.diagonal(R, dim1=-2, dim2=-1) < 0, -1.0, 1.0)  # signs of R moved to Q: uniform
    Q = (Q * signs[:, None, :]).reshape(n_out, n_in)  # (Mezzadri 2007)
    with torch.no_grad():
        weight.zero_()
        weight.movedim((0, 1), (-2, -1))[tuple(centre)] = (gain * Q).to(weight)
    return weight


def sample_covariance(
    n: int,
    channels: int,
    K: Tensor,
    depth: int,
    *,
    v: Tensor,
    activation: Function,
    sw2: float,
    sb2: float,
    rng: torch.Generator,
) -> Tensor:
    """What n random networks have in place of `covariance`: sum_c h_c(a) h_c(a') / C, (n, depth + 1, *K.shape)."""
    for name, value in (("sw2", sw2), ("sb2", sb2)):
        given.not_negative(name, value, why="a variance cannot be negative")
    given.function("activation", activation)
    for name, value in (("n", n), ("channels", channels)):
        given.whole(name, value, least=1, why="networks have channels")
    given.whole("depth", depth, least=0, why="it counts layers")
    K, v = given.doubles(K), profile(v)
    sites = _pairs(K, v)
    K = finite_width.covariance(K.reshape(math.isqrt(K.numel()), -1)).to(rng.device)
    h = finite_width.sample_layer(K.expand(n, -1, -1), channels, rng=rng)
    out = [h @ h.mT / channels]
    for _ in range(depth):
        h = _convolve(activation(h).reshape(n, *sites, channels), v, sw2, rng).reshape(h.shape)
        h = h + math.sqrt(sb2) * gaussian.normal((n, 1, channels), rng)
        out.append(h @ h.mT / channels)
    return torch.stack(out, 1).reshape(n, depth + 1, *sites, *sites)


def sample(
    n: int,
    channels: int,
    shape: Sequence[int],
    depth: int,
    *,
    v: Tensor,
    sw2: float,
    sb2: float,
    q: float,
    activation: Function,
    derivative: Function,
    rng: torch.Generator,
) -> Tensor:
    """Squared size at every site and layer, (n, depth + 1, *shape), of a perturbation of n random networks.

    Filters are Gaussian with profile `v`; it starts at site 0 with mean squared size 1 per channel, on inputs of
    variance q.  Perturbations are carried by the exact derivative, so there is no small parameter.
    """
    given.function("activation", activation)
    given.function("derivative", derivative)
    for name, value in (("sw2", sw2), ("sb2", sb2), ("q", q)):
        given.not_negative(name, value, why="a variance cannot be negative")
    v = profile(v)
    given.whole("depth", depth, least=0, why="it counts layers")
    if v.dim() != len(shape) or any(k > L for k, L in zip(v.shape, shape)):
        raise ValueError(f"filter {tuple(v.shape)} on {tuple(shape)}: give one side per axis; a filter fits the torus.")
    h = math.sqrt(q) * gaussian.normal((n, 1, *shape, channels), rng)
    delta = torch.zeros_like(h).reshape(n, -1, channels)
    delta[:, 0] = gaussian.normal((n, channels), rng)
    delta = (delta / delta.square().mean(2, keepdim=True).sum(1, keepdim=True).sqrt()).reshape(h.shape)
    out = [delta.square().mean(-1)]
    for _ in range(depth):
        moved = _convolve(torch.cat([activation(h), derivative(h) * delta], 1), v, sw2, rng)
        h, delta = moved.split(1, dim=1)
        h = h + math.sqrt(sb2) * gaussian.normal((n, 1, *(1,) * len(shape), channels), rng)
        out.append(delta.square().mean(-1))
    return torch.cat(out, 1)


def _convolve(x: Tensor, v: Tensor, sw2: float, rng: torch.Generator) -> Tensor:
    """sum_b W(b) x(a + b) for fresh W_ij(b) ~ N(0, sw2 v_b / C), x (n, m, L, ..., L, C), exactly in law.

    For each b the rows of W(b) x are independent Gaussians given x (`finite_width.sample_layer`); no W is stored.
    """
    rows, channels = x.flatten(1, -2), x.shape[-1]
    taps = list(itertools.product(*map(range, v.shape)))
    drawn = finite_width.sample_layer(sw2 / channels * rows @ rows.mT, channels * len(taps), rng=rng)
    out = torch.zeros_like(x)
    for b, y in zip(taps, drawn.split(channels, dim=-1)):
        shifts = [k // 2 - i for i, k in zip(b, v.shape)]
        out += v[b].sqrt() * y.reshape(x.shape).roll(shifts, dims=list(range(2, x.dim() - 1)))
    return out


def _smear(pairs: Tensor, v: Tensor) -> Tensor:
    """sum_b v_b F(a + b, a' + b) of F (m, L, ..., m, L, ...)."""
    d, out = v.dim(), torch.zeros_like(pairs)
    axes = [*range(1, d + 1), *range(d + 2, 2 * d + 2)]
    for b in itertools.product(*map(range, v.shape)):
        shifts = [_odd(k) // 2 - i for i, k in zip(b, v.shape)]
        out += v[b] * pairs.roll(shifts * 2, dims=axes)
    return out


def _pairs(K: Tensor, v: Tensor) -> tuple[int, ...]:
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
        _odd(k)
    return v


def _odd(size: int) -> int:
    given.whole("k", size, least=1, why="a filter has a centre")
    if size % 2 == 0 or size < 1:
        raise ValueError(f"k = {size}: an even filter has no centre; use an odd one.")
    return size
