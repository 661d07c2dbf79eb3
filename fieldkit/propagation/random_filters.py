r"""What does a convolution with random filters do to a picture?  Every weight is drawn, and autograd goes through.

    h_i(a) = sum_jb W_ij(b) x_j(a + b),    W_ij(b) ~ N(0, sw2 v_b / C),

one network for each picture.  `convolution` says what the means of squares become.  Periodic boundaries; float64.
Source: Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad, unfold

from fieldkit import given
from fieldkit.propagation import convolution, gaussian
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
