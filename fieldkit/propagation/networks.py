r"""What do real random networks do?  Weights are drawn and nothing is averaged: the experiment beside every map here.

    h^1 = sqrt(sw2 / d) W^1 x + sqrt(sb2) b^1,       h^(l+1) = sqrt(sw2 / N) W^(l+1) phi(h^l) + sqrt(sb2) b^(l+1)

with independent standard Gaussian weights and biases; h are PRE-activations.  All numbers are measured, so they carry
the fluctuations and the bias of order 1 / N that the maps leave out.  float64 on the device of rng.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import maps
from fieldkit.propagation.gaussian import Function, normal


def inputs(K: Tensor, d: int, *, rng: torch.Generator) -> Tensor:
    """m inputs x (m, d) with x x^T / d = K (m, m) exactly, in a random direction: no noise from where a signal starts.

    Raises `ValueError` when d < m, or K is not square or not positive definite.
    """
    K = given.doubles(K)
    if K.dim() != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"shape {tuple(K.shape)}: K is the (m, m) table of overlaps of m inputs.")
    given.whole("d", d, least=len(K), why=f"{len(K)} inputs with given overlaps need as many dimensions")
    K = K.to(device=rng.device, dtype=torch.float64)
    factor, broken = torch.linalg.cholesky_ex(K)
    if int(broken) != 0:
        raise ValueError("K is not positive definite: overlaps of different inputs lie strictly between -1 and 1.")
    frame = torch.linalg.qr(normal((d, len(K)), rng))[0]
    return math.sqrt(d) * factor @ frame.T


def twins(q: float, c: float, d: int, *, rng: torch.Generator) -> Tensor:
    """Two `inputs` (2, d) of mean square q and correlation c, |c| < 1."""
    given.positive("q", q, why="silence has no correlation")
    given.number("c", c, why="a correlation lies between -1 and 1")
    return inputs(q * torch.tensor([[1.0, c], [c, 1.0]], dtype=torch.float64), d, rng=rng)


def propagate(
    x: Tensor,
    depth: int,
    *,
    n: int,
    width: int,
    activation: Function,
    sw2: float,
    sb2: float,
    keep: float = 1.0,
    dtype: torch.dtype = torch.float64,
    rng: torch.Generator,
) -> Tensor:
    """Overlaps h h^T / width of the pre-activations of inputs x (m, d) in n random networks: (n, depth, m, m).

    `depth` layers of weights of the same width.  `keep` < 1 is dropout: before every hidden layer's weights each neuron
    of each input is kept with this probability and divided by it.  Networks are drawn one after another, so memory is
    one weight matrix.  `dtype`: weights may be drawn in float32, five times faster on a CPU; they are used in float64,
    and 24 random bits a weight are beyond any error bar.  Raises `ValueError` for depth < 1, width < 1 or keep outside
    (0, 1].
    """
    given.function("activation", activation)
    given.generator(rng)
    given.whole("n", n, least=1, why="networks are drawn")
    given.not_negative("sw2", sw2, why="a variance cannot be negative")
    given.not_negative("sb2", sb2, why="a variance cannot be negative")
    x = given.doubles(x)
    if x.dim() != 2 or 0 in x.shape:
        raise ValueError(f"shape {tuple(x.shape)}: inputs are (m, d), m points in d dimensions; one is x[None].")
    given.whole("depth", depth, least=1, why="a network has at least one layer of weights")
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    maps.probability(keep)
    found = torch.empty(n, depth, len(x), len(x), device=rng.device, dtype=torch.float64)
    for overlaps in found:
        h = x.to(device=rng.device, dtype=torch.float64)
        for layer in range(depth):
            if layer:
                h = activation(h)
                if keep < 1:
                    coin = torch.rand(h.shape, generator=rng, device=rng.device, dtype=torch.float64)
                    h = h * (coin < keep) / keep
            W = draw((width, h.shape[1]), dtype, rng)
            h = math.sqrt(sw2 / h.shape[1]) * h @ W.T + math.sqrt(sb2) * draw((1, width), dtype, rng)
            overlaps[layer] = h @ h.T / width
    return found


def draw(shape: tuple[int, ...], dtype: torch.dtype, rng: torch.Generator) -> Tensor:
    """Standard Gaussian numbers drawn in `dtype`, given in float64."""
    return torch.randn(shape, generator=rng, device=rng.device, dtype=dtype).double()
