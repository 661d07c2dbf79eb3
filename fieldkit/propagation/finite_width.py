r"""What does a finite width change?  The kernel becomes random, and the outputs are no longer Gaussian.

    h^(l+1)_i | h^l  ~  N(0, sb2 + sw2 / n sum_j phi(h^l_j)^2)    independently for every neuron i

so a layer of weights can be summed out before it is drawn: no n x n matrix is ever needed.  The first order in 1/n is
V / n K^2 with the recursion of Roberts, Yaida and Hanin 2022 (`four_point`); `finite_width_exact` has ReLU and
linear networks at every width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fieldkit import fits, given, moved
from fieldkit.estimates import Estimate, jackknife
from fieldkit.propagation import activations, gaussian, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function


def four_point(
    K: Tensor, n_layers: int, *, activation: Function | Activation, sw2: float, sb2: float
) -> tuple[Tensor, Tensor]:
    """(K_l, V_l) for l = 1 ... n_layers from K_1 = K (...), each (n_layers, ...): one input, hidden layers of width n.

    The variance of the random kernel is V / n and the kurtosis 1 + V / n K^2, both to first order in 1/n:
    V' = sw2^2 (E phi^4 - (E phi^2)^2) + chi_q^2 V,  V_1 = 0 (Roberts, Yaida and Hanin 2022).
    """
    phi = activations.of(activation)
    given.whole("n_layers", n_layers, least=1, why="a network has at least one layer of weights")
    maps.variances(sw2, sb2, K)
    K = given.doubles(K)
    V = torch.zeros_like(K)
    Ks, Vs = [K], [V]
    for _ in range(n_layers - 1):
        square, _, growth = activations.moments(phi, K)
        fourth = gaussian.average(lambda h: phi(h) ** 4, K, kinks=phi.kinks)
        fourth = torch.maximum(fourth, square.square())  # rounding would make the variance of a sign negative
        V = sw2**2 * (fourth - square.square() + growth.square() * V)
        K = sw2 * square + sb2
        Ks.append(K)
        Vs.append(V)
    return torch.stack(Ks), torch.stack(Vs)


def excess(K: Tensor, n_layers: int, *, activation: Function | Activation, sw2: float, sb2: float) -> Tensor:
    """n times (kurtosis - 1) of the outputs, V / K^2, to first order in 1/n, after l = 1 ... n_layers layers (n_layers,
    ...); as in `four_point`."""
    if not gaussian.seen(given.doubles(K) > 0):
        raise ValueError("K = 0: silence has no kurtosis; start from a positive variance.")
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
    divided by it.  Raises `ValueError` for an empty layer, K that is no covariance, or keep outside (0, 1].
    """
    given.function("activation", activation)
    maps.probability(keep)
    maps.variances(sw2, sb2)
    K = covariance(K)
    for width in widths:
        given.whole("width", width, least=1, why="every hidden layer has at least one neuron")
    given.whole("n", n, least=1, why="networks are drawn")
    given.generator(rng)
    K = K.to(device=rng.device, dtype=torch.float64).expand(n, *K.shape)
    for width in widths:
        x = activation(sample_layer(K, width, rng=rng))
        if keep < 1:
            x = x * (torch.rand(x.shape, generator=rng, device=rng.device, dtype=torch.float64) < keep) / keep
        K = (sw2 / width) * (x @ x.mT) + sb2
    return K


def covariance(K: Tensor) -> Tensor:
    """K (m, m) over m inputs in float64, or the reason why it is no covariance: `ValueError`."""
    K = given.doubles(K)
    if K.dim() != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"shape {tuple(K.shape)}: K is the (m, m) covariance over m inputs; one input is (1, 1).")
    if not gaussian.seen(K.diagonal() >= 0):
        raise ValueError("K has a negative diagonal: variances of pre-activations are 0 or more.")
    factor = _factor(K[None])[0]
    if not gaussian.seen((K - factor @ factor.T).abs() <= 1e-6 * K.diagonal().amax()):
        raise ValueError("K is no covariance: it is not symmetric, or some combination of the inputs has a negative "
                         "variance; correlations lie between -1 and 1.")  # fmt: skip
    return K


def kurtosis(variances: Tensor) -> Estimate:
    """E z^4 / 3 (E z^2)^2 of outputs z ~ N(0, s) from their random variances s (n,): E s^2 / (E s)^2, with its error.

    The jackknife leaves out one of 50 groups of networks at a time.  Raises `ValueError` for n that 50 does not divide.
    """
    variances = given.doubles(variances)
    if variances.dim() != 1:
        raise ValueError(f"shape {tuple(variances.shape)}: expected (n,), one variance a network.")
    s = _groups(variances / given.unit(variances))  # a ratio of squares, which neither overflow nor vanish
    return jackknife(lambda mean, square: square / mean.square(), s.mean(1), s.square().mean(1))


def correlation(covariances: Tensor) -> Estimate:
    """c of two inputs from their random covariances (n, 2, 2): E K_12 over the mean of E K_11 and E K_22.

    Raises `ValueError` for another shape, or n that 50 does not divide.
    """
    covariances = given.doubles(covariances)
    covariances = covariances / given.unit(covariances)
    if covariances.shape[1:] != (2, 2):
        raise ValueError(f"shape {tuple(covariances.shape)}: expected (n, 2, 2), the covariances of two inputs.")
    return jackknife(lambda K: 2 * K[0, 1] / (K[0, 0] + K[1, 1]), _groups(covariances).mean(1))


def deep_correlation(
    c: float,
    q: float,
    hidden: int,
    *,
    widths: Sequence[int],
    work: int,
    activation: Function,
    sw2: float,
    sb2: float,
    keep: float = 1.0,
    rng: torch.Generator,
) -> Estimate:
    """c after so many hidden layers at infinite width, measured: from inputs of first variance q and correlation c.

    `sample_kernels` at each width N in about work / N networks (the cost is the same at each), then a straight line in
    1 / width.  Raises as `fits.finite_size` does, and `ValueError` for less work than 50 networks of the largest width.
    """
    given.whole("hidden", hidden, least=0, why="it counts hidden layers")
    given.number("c", c, why="a correlation lies between -1 and 1")
    given.not_negative("q", q, why="a variance cannot be negative")
    given.function("activation", activation)
    given.whole("work", work, least=50 * max(widths), why="50 groups of networks are compared at every width")
    K = q * torch.tensor([[1, c], [c, 1]], dtype=torch.float64)

    def at(width: int) -> Estimate:
        n, layers = work // (50 * width) * 50, [width] * hidden
        drawn = sample_kernels(n, K, layers, activation=activation, sw2=sw2, sb2=sb2, keep=keep, rng=rng)
        return correlation(drawn)

    return fits.finite_size(widths, [at(width) for width in widths]).estimate(0)


def _groups(drawn: Tensor) -> Tensor:
    if len(drawn) % 50:
        raise ValueError(f"n = {len(drawn)}: 50 groups of networks are compared; draw a multiple of 50.")
    return drawn.reshape(50, -1, *drawn.shape[1:])


def sample_layer(K: Tensor, width: int, *, rng: torch.Generator, dtype: torch.dtype = torch.float64) -> Tensor:
    """Pre-activations of `width` neurons, independent given covariances K (n, m, m) over m inputs: (n, m, width).

    dtype: of the draws.  float32 takes a fifth of the time; it ends at |z| = 5.8 sigma.
    """
    K = given.doubles(K)
    if K.dim() != 3 or K.shape[1] != K.shape[2]:
        raise ValueError(f"shape {tuple(K.shape)}: covariances of n networks over m inputs are (n, m, m).")
    n, m = K.shape[:2]
    given.sizes((n, m, width))
    given.generator(rng)
    white = torch.randn(n, m, width, generator=rng, device=rng.device, dtype=dtype)
    return _factor(K).to(dtype) @ white


def relative_spread(kernels: Tensor) -> Estimate:
    """Standard deviation over mean of random kernels (n, ...), one number each, with its error from the jackknife."""
    kernels = given.doubles(kernels)
    if kernels.dim() == 0 or len(kernels) < 2 or kernels.shape.numel() != len(kernels):
        raise ValueError(f"shape {tuple(kernels.shape)}: a spread is that of n kernels (n, ...), one number each.")
    k = kernels.reshape(-1) / given.unit(kernels)
    if not gaussian.seen(k.max() > k.min()):
        raise ValueError("all kernels are equal, or one is no number: a constant has no spread and no bar; draw more.")
    return jackknife(lambda mean, square: (square / mean**2 - 1).sqrt(), k, k**2)


def _factor(K: Tensor) -> Tensor:
    """Cholesky's lower factor of positive SEMI-definite matrices (n, m, m): a pivot that vanishes ends its column.

    More inputs than neurons give a singular K, at which torch.linalg.cholesky stops.
    """
    columns, size = [], K.diagonal(dim1=-2, dim2=-1)
    for j in range(K.shape[-1]):
        pivot = K[:, j, j]
        good = pivot > 1e-14 * size[:, j]
        column = K[:, :, j] * torch.where(good, pivot.clamp_min(1e-300).rsqrt(), 0.0)[:, None]
        columns.append(column)
        K = K - column[:, :, None] * column[:, None, :]
    return torch.stack(columns, dim=-1)


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
