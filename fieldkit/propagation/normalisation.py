r"""Normalise what, and where?  Over the batch or over the neurons, on the wire or beside it.

    x_l = w x_(l-1) + V phi(norm(W x_(l-1))),    w = 0 in the first block, then 1 (residual, pre-norm) or 0 (plain)

`over_batch` is batch normalisation, `over_neurons` layer normalisation.  Either fixes the lengths at which phi is
asked, so that every branch adds the same length s to the stream and multiplies squared gradients by R s / (length of
the stream), R the growth per layer of the plain network:

    batch of B   R = `batch_norm.growth`;   layer   R = E phi'(z)^2 / E phi(z)^2,   z ~ N(0, 1).

Plain: chi_0 / chi_L = R^L.  With a wire the stream has l branches after l blocks, block l + 1 multiplies by 1 + R / l,

    chi_1 / chi_L = prod_(l < L) (1 + R / l) = Gamma(L + R) / (Gamma(L) Gamma(1 + R)) ~ L^R,

and the growth per layer has become the exponent of a power law.  Width to infinity.

Sources: De and Smith 2020 (batch normalisation makes the branch smaller than the wire by the root of the depth), Xiong
et al. 2020 (layer normalisation before or after), Ba, Kiros and Hinton 2016; the product is derived here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import batch_norm, gaussian
from fieldkit.propagation.gaussian import Function
from fieldkit.propagation.jacobian import gaussian_weights

Norm = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # signals and perturbations (n, B, N) -> both, normalised


def layer_growth(activation: Function, derivative: Function, *, kinks: tuple[float, ...] = ()) -> float:
    """E phi'(z)^2 / E phi(z)^2, z ~ N(0, 1): growth of the squared gradient per layer under layer normalisation.

    1 for ReLU.  Where phi has a mean it is smaller than `batch_norm.large_batch_growth`, and it may be below 1.  Raises
    `ValueError` as that.
    """
    given.function("activation", activation)
    given.function("derivative", derivative)
    batch_norm.slope_fits(activation, derivative, kinks=kinks)
    one = torch.ones((), dtype=torch.float64)
    square = gaussian.average(lambda x: activation(x).square(), one, kinks=kinks, n=32)
    return (gaussian.average(lambda x: derivative(x).square(), one, kinks=kinks, n=32) / square).item()


def log_power_law(R: float, depth: int) -> Tensor:
    """log prod_(l < L) (1 + R / l) for L = 1 .. depth, (depth,): growth of squared gradients beside a wire."""
    given.positive("R", R, why="a branch multiplies squared gradients")
    given.whole("depth", depth, least=1, why="a network has blocks")
    L = torch.arange(1, depth + 1, dtype=torch.float64)
    return torch.lgamma(L + R) - torch.lgamma(L) - math.lgamma(1 + R)


def over_batch(h: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Batch normalisation of h (n, B, N), and what it makes of a perturbation v of the same shape."""
    return _normalised(h, v, 1)


def over_neurons(h: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Layer normalisation of h (n, B, N), and what it makes of a perturbation v of the same shape."""
    return _normalised(h, v, 2)


def sample(
    n: int,
    width: int,
    B: int,
    depth: int,
    *,
    norm: Norm,
    activation: Function,
    derivative: Function,
    wire: bool,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """(squared length, squared perturbation) after each block of n random networks, each (n, depth).

    Both are centred over the batch when B > 1, and are means over inputs and neurons.  A perturbation forwards grows as
    a gradient backwards: both are tr J^T J.  Take ratios of means, from the first block on.
    """
    for name, f in (("norm", norm), ("activation", activation), ("derivative", derivative)):
        given.function(name, f)
    given.whole("B", B, least=1, why="a batch has inputs")
    given.whole("depth", depth, least=1, why="a network has blocks")
    rows, out = gaussian.normal((n, 2 * B, width), rng), []  # B signals, B perturbations
    for block in range(depth):
        h, v = (rows @ gaussian_weights(n, width, rng=rng)).split(B, dim=1)
        y, dy = norm(h, v)
        fresh = torch.cat([activation(y), derivative(y) * dy], 1) @ gaussian_weights(n, width, rng=rng)
        rows = rows + fresh if wire and block > 0 else fresh
        parts = rows.split(B, dim=1)
        if B > 1:
            parts = tuple(part - part.mean(1, keepdim=True) for part in parts)
        out.append(torch.stack([part.square().mean((1, 2)) for part in parts], 1))
    lengths, perturbations = torch.stack(out, 2).unbind(1)
    return lengths, perturbations


def _normalised(h: Tensor, v: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """sqrt(m) h / |h| with h centred along dim (m entries), and its derivative along v."""
    m = h.shape[dim]
    if m < 2:
        raise ValueError(f"{m} value along dim {dim}: its own mean and spread leave nothing; normalise two or more.")
    h, v = h - h.mean(dim, keepdim=True), v - v.mean(dim, keepdim=True)
    length = h.norm(dim=dim, keepdim=True)
    u = h / length
    return math.sqrt(m) * u, math.sqrt(m) / length * (v - u * (u * v).sum(dim, keepdim=True))
