r"""What does a convolution with random filters do to a picture?  Every weight is drawn, and autograd goes through.

    h_i(a) = sum_jb W_ij(b) x_j(a + b),    W_ij(b) ~ N(0, sw2 v_b / C),

in a network for each picture (`layer`), in many networks at once (`sample`), or at the centre alone, where a rotation
keeps every norm (`delta_orthogonal_`).  `convolution` says what the means of squares become.  Periodic boundaries;
float64.
Source: Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington 2018.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad, unfold

from fieldkit import given
from fieldkit.propagation import convolution, finite_width, gaussian
from fieldkit.propagation.gaussian import Function


def layer(h: Tensor, *, v: Tensor, sw2: float, rng: torch.Generator) -> Tensor:
    """A circular convolution of h (n, C, L, L) for n networks, each with a fresh filter of variance sw2 v_b / C.

    The weights are drawn, and autograd goes through; each network is one product of matrices.  v (k, k) has sum one.
    Raises `ValueError` for another number of axes, a filter wider than the picture or what is no profile, `TypeError`
    for h that is no float.
    """
    h, v = given.numbers(h), given.doubles(v)
    if h.dim() != 4 or v.dim() != 2 or any(k > L for k, L in zip(v.shape, h.shape[2:])):
        raise ValueError(f"h {tuple(h.shape)}, v {tuple(v.shape)}: give (n, C, L, L) and (k, k) with k <= L.")
    gaussian.variance("sw2", sw2)
    convolution.profile(v)
    if not h.is_floating_point():
        raise TypeError(f"h of {h.dtype}: pre-activations are floating-point numbers; convert with .double().")
    h = h.double()
    n, channels = h.shape[:2]
    spread = (sw2 / channels * v).sqrt().to(device=rng.device)
    weight = spread * gaussian.normal((n * channels, channels, *v.shape), rng)
    rim = [k // 2 for k in reversed(v.shape) for _ in range(2)]
    patches = unfold(pad(h, rim, mode="circular"), v.shape)  # (n, C k k, L L)
    return (weight.reshape(n, channels, -1) @ patches).reshape(h.shape)


def layers(h: Tensor, depth: int, *, activation: Function, v: Tensor, sw2: float, rng: torch.Generator) -> list[Tensor]:
    """Pre-activations h (n, C, L, L) and those of `depth` layers behind it, each `layer` of the activated last.

    No biases.  For a linear network, or ReLU, means of squares follow `convolution.spread` exactly at any C, with
    chi = sw2 or sw2 / 2: a fresh filter is as likely as its negative, so half of a mean square is positive.
    """
    given.whole("depth", depth, least=0, why="it counts layers")
    given.function("activation", activation)
    pictures = [given.numbers(h)]
    for _ in range(depth):
        pictures.append(layer(activation(pictures[-1]), v=v, sw2=sw2, rng=rng))
    return pictures


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
    centre: list[int] = [convolution.odd(k) // 2 for k in weight.shape[2:]]
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
    """What n random networks have for `convolution.covariance`: sum_c h_c(a) h_c(a') / C, (n, depth + 1, *K.shape)."""
    for name, value in (("sw2", sw2), ("sb2", sb2)):
        given.not_negative(name, value, why="a variance cannot be negative")
    given.function("activation", activation)
    for name, value in (("n", n), ("channels", channels)):
        given.whole(name, value, least=1, why="networks have channels")
    given.whole("depth", depth, least=0, why="it counts layers")
    K, v = given.doubles(K), convolution.profile(v)
    sites = convolution.site_pairs(K, v)
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
    v = convolution.profile(v)
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
