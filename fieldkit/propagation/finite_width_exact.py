r"""What do ReLU and linear networks do at a finite width, exactly?

Without biases and for one input the variance of the output is a product of independent factors, one a layer.  So the
kurtosis after L layers of weights, E z^4 / 3 (E z^2)^2, is

    (1 + 5/n)^(L - 1)   for ReLU at any sw2,        (1 + 2/n)^(L - 1)   for a linear network.

Any other activation has the first order of `finite_width`, and `sample_kernels` there draws what is counted here.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import digamma, gammaln

from fieldkit import given


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


def linear_typical(width: int) -> float:
    """Mean change of ln(variance) a layer of a linear network at sw2 = 1, no bias, exact; about -1 / width.

    The factor of a layer is chi^2_n / n, of mean 1, and E ln chi^2_n = psi(n/2) + ln 2.
    """
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    return float(digamma(width / 2)) - math.log(width / 2)


def relu_tangent(width: int, depth: int) -> float:
    """E T^2 / (E T)^2 of the tangent kernel T(x, x) of ReLU networks with `depth` hidden layers, sw2 = 2, no bias, in
    the NTK parameterisation; exact at every width, and 1 + 3 / width for one hidden layer.

    T = K (1 + p_1 + ... + p_depth): layer l of weights gives K_l |df/dh^l|^2 = K p_l, K = K_(depth+1).
    Given the forward pass a matrix W is random but for its product with phi(h^l), and h^l . df/dh^l = f because f is
    homogeneous.  So with k_l ~ Binomial(width, 1/2) neurons switched on (none: f = 0, p_l = 0) and f = sqrt(K) z,

        p_l = (z^2 + p_(l+1) chi'^2_(k_l - 1)) / chi^2_(k_l),    K_(l+1) = K_l (2 / width) chi^2_(k_l),

    p_(depth+1) = 1, with the same chi^2_(k_l) in both.  Second moments, weighted with K^2, follow layer by
    layer; the mean of T is (depth + 1) K_1.
    """
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    given.whole("depth", depth, least=0, why="it counts hidden layers")
    k, k2 = width / 2, width * (width + 1) / 4  # E k, E k^2
    on = 1 - 2.0**-width  # P(k > 0); below, moments of chi^2_k (C) and, where k > 0, of chi'^2_(k-1) (B)
    C, B, CC, CB, BB = k, k - on, k2 + 2 * k, k2 - k, k2 - on
    zz, zp, zS, pp, pS, SS = 3.0, 1.0, 1.0, 1.0, 1.0, 1.0  # E K^2 z^4, K^2 z^2 p, ... with S the sum of all p so far
    for _ in range(depth):
        pp, pS = on * zz + 2 * B * zp + BB * pp, C * zS + CB * pS
        zp, zS = C * zz + CB * zp, CC * zS
        zz, SS = CC * zz, CC * SS
        zS, pS, SS = zS + zp, pS + pp, SS + 2 * pS + pp
        zz, zp, zS, pp, pS, SS = (4 / width**2 * m for m in (zz, zp, zS, pp, pS, SS))
    return SS / (depth + 1) ** 2


def _power(excess: int, width: int, n_layers: int) -> float:
    given.whole("width", width, least=1, why="a layer has at least one neuron")
    given.whole("n_layers", n_layers, least=1, why="a network has at least one layer of weights")
    log = (n_layers - 1) * math.log1p(excess / width)
    if log > 709:
        raise ValueError(
            f"n_layers = {n_layers}: the kurtosis e^{log:.0f} leaves float64; take fewer layers, or wider."
        )
    return math.exp(log)
