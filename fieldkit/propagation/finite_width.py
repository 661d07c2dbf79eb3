r"""What does a finite width change?  The kernel becomes random, and the outputs are no longer Gaussian.

    h^(l+1)_i | h^l  ~  N(0, sb2 + sw2 / n sum_j phi(h^l_j)^2)    independently for every neuron i

so a layer of weights can be summed out before it is drawn: no n x n matrix is ever needed.  Without biases and for one
input the kurtosis of the output after L layers of weights, E z^4 / 3 (E z^2)^2, is exactly

    (1 + 5/n)^(L - 1)   for ReLU at any sw2,        (1 + 2/n)^(L - 1)   for a linear network,

because the variance is a product of L - 1 independent factors.  For a general phi the first order in 1/n is
V / n K^2 with the recursion of Roberts, Yaida and Hanin 2022 (`four_point`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from scipy.special import digamma, gammaln
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate, jackknife
from fieldkit.propagation import activations, gaussian, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def relu_kurtosis(width: int, n_layers: int) -> float:
    """E z^4 / 3 (E z^2)^2 of one output, n_layers layers of weights (n_layers - 1 hidden), no bias, exact.

    Given a layer of variance s the next variance is s (sw2 / n) sum_j relu(g_j)^2 with E relu^2 = 1/2 and
    E relu^4 = 3/2: each factor has second moment over squared mean 1 + (3/2 / 1/4 - 1) / n = 1 + 5/n.
    """
    return _power(5, width, n_layers)


def linear_kurtosis(width: int, n_layers: int) -> float:
    """E z^4 / 3 (E z^2)^2 of one output of a linear network without bias, exact: E g^4 / (E g^2)^2 - 1 = 2."""
    return _power(2, width, n_layers)


def relu_typical(width: int) -> float:
    """Mean change of ln(variance) a hidden layer of a ReLU network at sw2 = 2, no bias, exact; about -5 / (2 width).

    The factor of a layer is (2/n) chi^2_k with k ~ Binomial(n, 1/2) neurons switched on and E ln chi^2_k = psi(k/2) +
    ln 2.  The mean of the factor is 1, so the typical network shrinks although the average one does not.  All neurons
    off, k = 0, of probability 2^-n, is left out.
    """
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    k = np.arange(1, width + 1)
    weight = np.exp(gammaln(width + 1) - gammaln(k + 1) - gammaln(width - k + 1) - width * math.log(2))
    return math.log(4 / width) + float((weight * digamma(k / 2)).sum() / weight.sum())


def four_point(
    K: Tensor, n_layers: int, *, activation: Function | Activation, sw2: float, sb2: float
) -> tuple[Tensor, Tensor]:
    """(K_l, V_l) for l = 1 ... n_layers from K_1 = K (...), each (n_layers, ...): one input, hidden layers of width n.

    The variance of the random kernel is V / n and the kurtosis 1 + V / n K^2, both to first order in 1/n:
    V' = sw2^2 (E phi^4 - (E phi^2)^2) + chi_q^2 V,  V_1 = 0 (Roberts, Yaida and Hanin 2022).
    """
    phi = activations.of(activation)
    V = torch.zeros_like(K)
    Ks, Vs = [K], [V]
    for _ in range(n_layers - 1):
        square, _, growth = activations.moments(phi, K)
        fourth = gaussian.average(lambda h: phi(h) ** 4, K, kinks=phi.kinks)
        V = sw2**2 * (fourth - square.square() + growth.square() * V)
        K = sw2 * square + sb2
        Ks.append(K)
        Vs.append(V)
    return torch.stack(Ks), torch.stack(Vs)


def excess(K: Tensor, n_layers: int, *, activation: Function | Activation, sw2: float, sb2: float) -> Tensor:
    """n times (kurtosis - 1) of the outputs, V / K^2, to first order in 1/n, after l = 1 ... n_layers layers (n_layers,
    ...); as in `four_point`."""
    kernels, V = four_point(K, n_layers, activation=activation, sw2=sw2, sb2=sb2)
    return V / kernels.square()


def sample_kernels(
    n: int,
    K: Tensor,
    widths: Sequence[int],
    *,
    activation: Function,
    sw2: float,
    sb2: float,
    keep: float = 1.0,
    rng: torch.Generator,
) -> Tensor:
    """The random covariance of the pre-activations after hidden layers of these widths, for n networks: (n, m, m).

    K (m, m) is the covariance of the first pre-activations over m inputs.  The output of a network is N(0, this), so
    E z^2 is the mean of it and E z^4 three times the mean of its square: far less noise than from draws of z.  Work and
    memory n m width; no weights.  `keep` < 1 is dropout: each neuron of each input is kept with this probability and
    divided by it.  Raises `ValueError` for an empty layer, K that is not square, or keep outside (0, 1].
    """
    maps.probability(keep)
    if K.dim() != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"shape {tuple(K.shape)}: K is the (m, m) covariance over m inputs; one input is (1, 1).")
    if min(widths, default=1) < 1:
        raise ValueError(f"widths = {tuple(widths)}: every hidden layer has at least one neuron.")
    K = K.to(device=rng.device, dtype=torch.float64).expand(n, *K.shape)
    for width in widths:
        x = activation(sample_layer(K, width, rng=rng))
        if keep < 1:
            x = x * (torch.rand(x.shape, generator=rng, device=rng.device, dtype=torch.float64) < keep) / keep
        K = (sw2 / width) * (x @ x.mT) + sb2
    return K


def kurtosis(variances: Tensor) -> Estimate:
    """E z^4 / 3 (E z^2)^2 of outputs z ~ N(0, s) from their random variances s (n,): E s^2 / (E s)^2, with its error.

    The jackknife leaves out one of 50 groups of networks at a time.  Raises `ValueError` for n that 50 does not divide.
    """
    if variances.dim() != 1:
        raise ValueError(f"shape {tuple(variances.shape)}: expected (n,), one variance a network.")
    s = _groups(variances)
    return jackknife(lambda mean, square: square / mean.square(), s.mean(1), s.square().mean(1))


def correlation(covariances: Tensor) -> Estimate:
    """c of two inputs from their random covariances (n, 2, 2): E K_12 over the mean of E K_11 and E K_22.

    Raises `ValueError` for another shape, or n that 50 does not divide.
    """
    if covariances.shape[1:] != (2, 2):
        raise ValueError(f"shape {tuple(covariances.shape)}: expected (n, 2, 2), the covariances of two inputs.")
    return jackknife(lambda K: 2 * K[0, 1] / (K[0, 0] + K[1, 1]), _groups(covariances).mean(1))


def _groups(drawn: Tensor) -> Tensor:
    if len(drawn) % 50:
        raise ValueError(f"n = {len(drawn)}: 50 groups of networks are compared; draw a multiple of 50.")
    return drawn.reshape(50, -1, *drawn.shape[1:])


def sample_layer(K: Tensor, width: int, *, rng: torch.Generator) -> Tensor:
    """Pre-activations of `width` neurons, independent given covariances K (n, m, m) over m inputs: (n, m, width)."""
    n, m = K.shape[:2]
    white = torch.randn(n, m, width, generator=rng, device=rng.device, dtype=torch.float64)
    return _factor(K) @ white


def _factor(K: Tensor) -> Tensor:
    """Cholesky's lower factor of positive SEMI-definite matrices (n, m, m): a pivot that vanishes ends its column.

    More inputs than neurons give a singular K, at which torch.linalg.cholesky stops.
    """
    columns = []
    for j in range(K.shape[-1]):
        pivot = K[:, j, j]
        good = pivot > 1e-14
        column = K[:, :, j] * torch.where(good, pivot.clamp_min(1e-300).rsqrt(), 0.0)[:, None]
        columns.append(column)
        K = K - column[:, :, None] * column[:, None, :]
    return torch.stack(columns, dim=-1)


def _power(excess: int, width: int, n_layers: int) -> float:
    if width < 1 or n_layers < 1:
        raise ValueError(f"width = {width}, n_layers = {n_layers}: a network has at least one neuron and one layer.")
    return math.exp((n_layers - 1) * math.log1p(excess / width))
