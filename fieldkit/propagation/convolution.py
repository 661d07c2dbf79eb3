r"""Can a ten-thousand-layer convolution be trained?  Yes, if every Fourier mode of the covariance survives.

    h_l(a) = sum_b W_l(b) phi(h_(l-1)(a + b)) + bias,    W_ij(b) ~ N(0, sw2 v_b / C),    sum_b v_b = 1,
    E delta_l(a)^2 = chi_1 sum_b v_b E delta_(l-1)(a + b)^2,     lambda_j = sum_b v_b e^(2 pi i j b / L).

The covariance between sites is averaged over the filter in every layer, so its deviation from the fixed point splits
into Fourier modes of the centre, each of which decays as (chi lambda_j)^l: a wide filter forgets all but the mean (j =
0).  A filter that touches only its centre has lambda_j = 1 for all j.  The second line, for the squared size of a small
perturbation delta, is exact at infinite width, with chi_1 = sw2 E phi'^2.

Source: Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington 2018.  Periodic boundaries; float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fieldkit.propagation import gaussian

Function = Callable[[Tensor], Tensor]


def uniform_profile(size: int, d: int = 1) -> Tensor:
    """v_b = 1 / size^d, (size, ..., size) with d axes."""
    return torch.full((_odd(size),) * d, float(size) ** -d, dtype=torch.float64)


def delta_profile(size: int, d: int = 1) -> Tensor:
    """v_b = 1 at the centre and 0 elsewhere, (size, ..., size) with d axes."""
    profile = torch.zeros((_odd(size),) * d, dtype=torch.float64)
    profile[(size // 2,) * d] = 1
    return profile


def eigenvalues(profile: Tensor, shape: Sequence[int]) -> Tensor:
    """lambda_j of the averaging over a filter with variance profile v (k, ..., k) on a torus, `shape`, complex128.

    Real for a profile that is symmetric about its centre.  Raises `ValueError` for even sides, dimensions that do not
    match, or a filter wider than the torus.
    """
    if profile.dim() != len(shape) or any(k > L for k, L in zip(profile.shape, shape)):
        raise ValueError(
            f"filter {tuple(profile.shape)} on {tuple(shape)}: give one side per axis; a filter fits the torus."
        )
    padded = torch.zeros(tuple(shape), device=profile.device, dtype=profile.dtype)
    padded[tuple(slice(0, _odd(k)) for k in profile.shape)] = profile
    centred = padded.roll([-(k // 2) for k in profile.shape], dims=list(range(profile.dim())))
    return torch.fft.fftn(centred).conj()


def depth_scales(eigenvalue: Tensor, chi: float) -> Tensor:
    """xi_j = -1 / log |chi lambda_j|: layers after which mode j has lost a factor e; negative where it grows."""
    return -1 / torch.log(chi * eigenvalue.abs())


def spread(delta2: Tensor, profile: Tensor, *, chi: float, depth: int) -> Tensor:
    """E delta^2 at every site after `depth` layers, from delta2 (L, ..., L): each mode is multiplied by (chi
    lambda)^l."""
    factor = (chi * eigenvalues(profile, delta2.shape)) ** depth
    return torch.fft.ifftn(torch.fft.fftn(delta2) * factor).real


def delta_orthogonal_(weight: Tensor, *, gain: float = 1.0, rng: torch.Generator) -> Tensor:
    """Fill a convolution's weight (C_out, C_in, k, ..., k) in place, as `torch.nn.init` does, and return it.

    All zero but the centre, which holds gain times a matrix with orthonormal columns, uniform: each site is then
    rotated, norms are kept and no mode decays.  gain = sqrt(sw2).
    Raises `ValueError` for an even k, which has no centre, and for C_out < C_in, which cannot keep every norm.
    """
    if weight.dim() < 3:
        raise ValueError(f"shape {tuple(weight.shape)}: a convolution's weight is (C_out, C_in, k, ..., k).")
    n_out, n_in = weight.shape[:2]
    if n_out < n_in:
        raise ValueError(f"C_out = {n_out} < C_in = {n_in}: norms cannot survive; widen the layer or use C_out = C_in.")
    centre: list[int] = [_odd(k) // 2 for k in weight.shape[2:]]
    Q, R = torch.linalg.qr(gaussian.normal((n_out, n_in), rng))
    Q = Q * torch.where(torch.diagonal(R) < 0, -1.0, 1.0)  # signs of R moved to Q: uniform (Mezzadri 2007)
    with torch.no_grad():
        weight.zero_()
        weight.movedim((0, 1), (-2, -1))[tuple(centre)] = (gain * Q).to(weight)
    return weight


def sample(
    n: int,
    channels: int,
    length: int,
    depth: int,
    *,
    profile: Sequence[float],
    sw2: float,
    sb2: float,
    q: float,
    activation: Function,
    derivative: Function,
    rng: torch.Generator,
) -> Tensor:
    """Squared size at every site and layer, (n, depth + 1, length), of a perturbation of n random ring networks.

    Filters are Gaussian with variance `profile`, k numbers; it starts at site 0 with mean squared size 1 per channel,
    on inputs of variance q.  Perturbations are carried by the exact derivative, so there is no small parameter.
    """
    h = math.sqrt(q) * gaussian.normal((n, channels, length), rng)
    delta = torch.zeros_like(h)
    delta[:, :, 0] = gaussian.normal((n, channels), rng)
    delta = delta / delta.square().mean(1, keepdim=True).sum(2, keepdim=True).sqrt()
    variances = [sw2 * v / channels for v in profile]
    out = [delta.square().mean(1)]
    for _ in range(depth):
        x, moved = activation(h), derivative(h) * delta
        h = math.sqrt(sb2) * gaussian.normal((n, channels, 1), rng).expand(-1, -1, length)
        delta = torch.zeros_like(delta)
        for b, v in enumerate(variances):
            W, shift = math.sqrt(v) * gaussian.normal((n, channels, channels), rng), len(variances) // 2 - b
            h, delta = h + W @ x.roll(shift, -1), delta + W @ moved.roll(shift, -1)
        out.append(delta.square().mean(1))
    return torch.stack(out, 1)


def _odd(size: int) -> int:
    if size % 2 == 0 or size < 1:
        raise ValueError(f"k = {size}: an even filter has no centre; use an odd one.")
    return size
