r"""How does the kernel of ONE network walk from layer to layer?  Random numbers of the layer, and no weights.

    K_(l+1) = sb2 + (sw2 / N) sum_j phi(h_j) phi(h_j)^T,     h_j ~ N(0, K_l) independent over the N neurons

is the law of a network with Gaussian weights at every width: given the layer before, its neurons are independent
Gaussians.  Its mean is the map of the kernel to leading order, and to next order, for one input,

    E K_l = K*_l + delta_l / N,     delta_(l+1) = V'(K*_l) delta_l + V''(K*_l) V_l / 2,   delta_1 = 0,

with V_l / N the variance of K_l (`finite_width.four_point`): the map is curved and K fluctuates.  Roberts, Yaida and
Hanin 2022 call it the next-to-leading-order metric.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import activations, finite_width, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def history(
    n: int,
    K: Tensor,
    depth: int,
    *,
    width: int,
    activation: Function,
    sw2: float,
    sb2: float,
    rng: torch.Generator,
) -> Tensor:
    """Kernels K_1 = K, K_2, ... K_depth of n networks over m inputs: (n, depth, m, m), from K (m, m).

    `finite_width.sample_kernels` gives the last alone.  Raises `ValueError`
    for depth < 1, an empty layer, negative variances or K that is no covariance.
    """
    given.function("activation", activation)
    given.whole("depth", depth, least=1, why="a network has at least one layer of weights")
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    given.whole("n", n, least=1, why="networks are drawn")
    given.generator(rng)
    maps.variances(sw2, sb2)
    K = finite_width.covariance(K)
    found = [K.to(rng.device).expand(n, *K.shape)]
    for _ in range(depth - 1):
        x = activation(finite_width.sample_layer(found[-1], width, rng=rng))
        found.append((sw2 / width) * (x @ x.mT) + sb2)
    return torch.stack(found, 1)


def mean(K: Tensor, n_layers: int, *, width: int, activation: Function | Activation, sw2: float, sb2: float) -> Tensor:
    """E K_l of networks of this width for one input, l = 1 ... n_layers, to first order in 1 / width: (n_layers, ...).

    K (...) is K_1.  V'' is the difference of V' over a thousandth of K to either side, good to 1e-6 of itself for a
    smooth V; the next order, in (depth / width)^2, is larger.
    """
    Ks, Vs = finite_width.four_point(K, n_layers, activation=activation, sw2=sw2, sb2=sb2)
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    K = given.doubles(K)
    delta, means = torch.zeros_like(K), [K]
    for K_l, V_l in zip(Ks[:-1], Vs[:-1]):
        step = 1e-3 * K_l
        low, slope, high = (sw2 * activations.moments(activation, q)[2] for q in (K_l - step, K_l, K_l + step))
        delta = slope * delta + (high - low) / (2 * step) * V_l / 2
        means.append(sw2 * activations.moments(activation, K_l)[0] + sb2 + delta / width)
    return torch.stack(means)


def pushed(
    n: int,
    K: Tensor,
    depth: int,
    *,
    width: int,
    activation: Function | Activation,
    sw2: float,
    sb2: float,
    rng: torch.Generator,
) -> Tensor:
    """Kernels of two inputs u, v and of a push u' of the first, in layers 1 ... depth: (n, depth, 3, 3), K (3, 3).

    The push is a derivative, u + t u' at t = 0, and is carried exactly, u' -> W phi'(u) u': no bias, no noise from a
    finite difference.  Given the layer before, all three are jointly Gaussian, so that no weights are drawn.  At the
    fixed point the mean of <u' u'> is multiplied by chi_1 a layer, and that of <u' v> by C'(c), chi_c at c*, if <u' u>
    begins with zero (Price 1958).  Raises as `history`, and `ValueError` for another shape of K.
    """
    given.whole("depth", depth, least=1, why="a network has at least one layer of weights")
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    given.whole("n", n, least=1, why="networks are drawn")
    given.function("activation", activation)
    given.generator(rng)
    maps.variances(sw2, sb2)
    K = finite_width.covariance(K)
    if K.shape != (3, 3):
        raise ValueError(f"shape {tuple(K.shape)}: K is the (3, 3) covariance of u, v and the push u'.")
    phi = activations.of(activation)
    bias = sb2 * torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64)
    found = [K.to(device=rng.device, dtype=torch.float64).expand(n, 3, 3)]
    for _ in range(depth - 1):
        u, v, push = finite_width.sample_layer(found[-1], width, rng=rng).unbind(1)
        x = torch.stack([phi(u), phi(v), phi.derivative(u) * push], 1)
        found.append(sw2 * (x @ x.mT) / width + bias.to(rng.device))
    return torch.stack(found, 1)
