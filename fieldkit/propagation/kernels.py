r"""What function does an infinitely wide network draw, and how does it learn?  Two kernels, layer by layer.

    K^1 = sw2 x.x' / d + sb2,     K^(l+1) = sw2 E phi(u) phi(v) + sb2,     (u, v) ~ N(0, K^l)
    T^1 = K^1,                    T^(l+1) = K^(l+1) + sw2 E phi'(u) phi'(v) T^l

K is the covariance of the network's outputs at initialisation (NNGP), T the tangent kernel (NTK) of gradient descent in
the NTK parameterisation, h = sqrt(sw2 / fan_in) W x + sqrt(sb2) b.  `depth` counts hidden layers: depth 0 is a linear
model.  PRE-activation convention throughout; who stops after the non-linearity (neural-tangents' notebooks) needs
`post_activation`.
Sources: Neal 1996; Williams 1997; Lee et al. 2018; Jacot, Gabriel and Hongler 2018.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fieldkit import given, moved
from fieldkit.propagation import activations, gaussian, maps, pairs
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function
from fieldkit.propagation.pairs import Side

BLOCK = 256  # rows and columns that go through all layers together, so that they stay in cache
LARGEST = 1e70
SMALLEST = 1e-140
NEAR = 1e-6  # 1 - |c| of inputs that are compared by their difference


def kernels(
    x: Tensor,
    y: Tensor | None = None,
    *,
    activation: Function | Activation,
    depth: int,
    sw2: float,
    sb2: float,
    n_terms: int = maps.TERMS,
) -> tuple[Tensor, Tensor]:
    """(NNGP, NTK) between inputs x (n, d) and y (m, d), each (n, m); y = None means x with itself, at half the work.

    Closed forms where the activation has them; else the Mehler series of n_terms terms, and quadrature for the pairs
    that it misses (`pairs`: alike inputs and a kink, or large ones).  A diagonal entry has its own integral, equal
    inputs have the entries of the diagonal, and nearly equal ones are told apart by their difference.  Extra memory:
    the 256 x 256 blocks, and n_terms numbers per input without closed form.  Raises for depth < 0, negative
    variances, or shapes that do not fit.
    """
    given.whole("depth", depth, least=0, why="it counts hidden layers and starts at 0, the linear model")
    gaussian.variance("sw2", sw2)
    gaussian.variance("sb2", sb2)
    phi = activations.of(activation)
    symmetric = y is None
    x = _inputs(x)
    y = x if y is None else _inputs(y)
    if y.shape[1] != x.shape[1]:
        raise ValueError(f"inputs in {x.shape[1]} and {y.shape[1]} dimensions: (n, d) and (m, d) have the same d.")
    power = activations.degree(phi) if depth and isinstance(sb2, Real) and sb2 == 0 else None
    if power is not None:  # K and T of directions, times lengths: parallel inputs are alike, however long
        x, left_scale = _directions(x, power**depth)
        y, right_scale = (x, left_scale) if symmetric else _directions(y, power**depth)
    rows = _lengths(phi, x, depth, sw2, sb2, n_terms)
    columns = rows if symmetric else _lengths(phi, y, depth, sw2, sb2, n_terms)
    shape = (len(x), len(y))
    K, T = (torch.empty(shape, device=x.device, dtype=torch.float64) for _ in range(2))
    for i in range(0, len(x), BLOCK):
        for j in range(i if symmetric else 0, len(y), BLOCK):
            here, there = slice(i, i + BLOCK), slice(j, j + BLOCK)
            left, right = [layer[here, None] for layer in rows], [layer[there] for layer in columns]
            mine = x[here]
            other = mine if symmetric and i == j else y[there]
            k, t = _block(phi, mine, other, left, right, sw2, sb2)
            if symmetric and i == j:  # a matrix product rounds (i, j) and (j, i) differently
                k, t = (k + k.T) / 2, (t + t.T) / 2
            K[here, there], T[here, there] = k, t
            if symmetric and i != j:
                K[there, here], T[there, here] = k.T, t.T
    if symmetric:
        K.diagonal().copy_(rows[-1].q)
        T.diagonal().copy_(_diagonal(rows, sw2))
    if phi.jumps:  # E phi'^2 is infinite; times an input of 0, which moves no weight, it is nothing
        T.nan_to_num_(nan=0.0, posinf=math.inf)
    if power:
        K, T = (k.mul_(left_scale[:, None]).mul_(right_scale) for k in (K, T))
    return K, T


def nngp(
    x: Tensor, y: Tensor | None = None, *, activation: Function | Activation, depth: int, sw2: float, sb2: float
) -> Tensor:
    """The covariance of the outputs of infinitely wide networks, (n, m): the first of `kernels`."""
    return kernels(x, y, activation=activation, depth=depth, sw2=sw2, sb2=sb2)[0]


def ntk(
    x: Tensor, y: Tensor | None = None, *, activation: Function | Activation, depth: int, sw2: float, sb2: float
) -> Tensor:
    """The neural tangent kernel of infinitely wide networks, (n, m): the second of `kernels`."""
    return kernels(x, y, activation=activation, depth=depth, sw2=sw2, sb2=sb2)[1]


def averages(K: Tensor, *, activation: Function | Activation, n_terms: int = maps.TERMS) -> tuple[Tensor, Tensor]:
    """(E phi(u_i) phi(u_j), E phi'(u_i) phi'(u_j)) for u ~ N(0, K), each (P, P) as K: one layer without its weights.

    The diagonal by its own integral.  Raises `ValueError` when K is not square.
    """
    K = given.doubles(K).double()
    if K.dim() != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"shape {tuple(K.shape)}: K is the (P, P) covariance of P pre-activations.")
    phi, q = activations.of(activation), K.diagonal()
    if not gaussian.seen(K.square() <= (1 + 1e-9) * q[:, None] * q + 1e-250):
        raise ValueError("K is no covariance: K_ij^2 exceeds K_ii K_jj somewhere, or is no number; check its rows.")
    if not gaussian.seen(q >= 0):
        raise ValueError("K has a negative diagonal: variances of pre-activations are 0 or more.")
    side = pairs.side(phi, q, n_terms=n_terms)
    product, slope = pairs.dual(phi, side[:, None], side, K)
    twins = _twins(q, K)
    product = torch.where(twins, side.square, product)
    slope = torch.where(twins, side.slope, slope)
    return product, slope


def post_activation(kernel: Tensor, *, sw2: float, sb2: float) -> Tensor:
    """E phi(u) phi(v) of the last hidden layer from the pre-activation kernel after it: (K - sb2) / sw2."""
    given.positive("sw2", sw2, why="without weights nothing of the layer before is left")
    given.not_negative("sb2", sb2, why="a variance cannot be negative")
    return (given.doubles(kernel) - sb2) / sw2


def post_activation_correlation(q: Tensor, c: Tensor, sb2: Tensor | float) -> Tensor:
    """(q c - sb2) / (q - sb2): the correlation of phi(h) at a fixed point whose pre-activations have (q, c).

    Raises `ValueError` unless q > sb2: the bias alone has no phi behind it.
    """
    gaussian.variance("sb2", sb2)
    q, c, sb2 = (given.doubles(x) for x in (q, c, sb2))
    if not gaussian.seen(c.abs() <= 1):
        raise ValueError("c outside [-1, 1]: it is the correlation of two pre-activations.")
    if not gaussian.seen(q > sb2):
        raise ValueError("q <= sb2: nothing comes through the weights, so phi(h) has no correlation; take q > sb2.")
    return (q * c - sb2) / (q - sb2)


def _inputs(x: Tensor) -> Tensor:
    """Inputs (n, d) in float64, or the reason why they are none."""
    x = given.doubles(x)
    if x.dim() != 2 or 0 in x.shape:
        raise ValueError(f"shape {tuple(x.shape)}: inputs are (n, d) and (m, d) with the same d; flatten images first.")
    if not gaussian.seen(x.abs() < LARGEST):
        raise ValueError(f"inputs hold NaN, or numbers beyond {LARGEST:.0e}: their squares leave float64; scale them.")
    return x


def _directions(x: Tensor, power: int) -> tuple[Tensor, Tensor]:
    """x (n, d) over its lengths, rows of 0 as they are; and the lengths to this power, (n,)."""
    unit = x.detach().abs().amax(1, keepdim=True)  # squares of very small or large numbers leave float64
    unit = torch.where(unit > 0, unit, 1)
    length = unit * torch.linalg.vector_norm(x / unit, dim=1, keepdim=True)
    return x / torch.where(length > 0, length, 1), length[:, 0] ** power


def _lengths(phi: Activation, x: Tensor, depth: int, sw2: float, sb2: float, n_terms: int) -> list[Side]:
    """What each input brings to each hidden layer, and last of all the variance q (n,) of the outputs."""
    q = (sw2 / x.shape[1]) * x.square().sum(1) + sb2
    layers = []
    for _ in range(depth):
        if phi.apart is not None and not gaussian.seen((q == 0) | (q > SMALLEST)):
            raise ValueError(
                f"a variance below {SMALLEST:.0e}: products of two leave float64; scale the inputs up, or take a "
                "larger sw2 or fewer layers."
            )
        layers.append(pairs.side(phi, q, n_terms=n_terms))
        q = sw2 * layers[-1].square + sb2
    return [*layers, Side(q, q, q, q[None], q, q)]


def _block(
    phi: Activation, x: Tensor, y: Tensor, rows: list[Side], columns: list[Side], sw2: float, sb2: float
) -> tuple[Tensor, Tensor]:
    """(K, T) between a few inputs; `rows` (..., n, 1) and `columns` (..., m) by layer."""
    start = (sw2 / x.shape[1]) * (x @ y.T) + sb2
    close = _close(start, rows[0].q, columns[0].q, same=x is y)
    rest = torch.eye(len(x), device=x.device, dtype=torch.bool) if x is y else None  # has its own integrals
    if close is not None:
        rest = close if rest is None else close | rest
    k = t = start
    for u, v in zip(rows[:-1], columns[:-1]):
        product, slope = pairs.dual(phi, u, v, k, skip=rest)
        k = product.mul_(sw2).add_(sb2)
        t = torch.addcmul(k, slope.mul_(sw2), t)
    if len(rows) == 1 or close is None:
        return k, t
    i, j = close.nonzero(as_tuple=True)
    left, right = [layer[i, 0] for layer in rows], [layer[j] for layer in columns]
    found = _near(phi, x[i], y[j], left, right, start[close], sw2, sb2)
    k, t = (old.masked_scatter(close, new) for old, new in zip((k, t), found))
    return k, t


def _close(k: Tensor, u: Tensor, v: Tensor, *, same: bool) -> Tensor | None:
    """Where different inputs are nearly equal or opposite, (n, m); None if nowhere."""
    share = (1 - NEAR) / 2
    distance = k.detach().abs() - share * u - share * v
    if same:
        distance.fill_diagonal_(-1)
    return None if gaussian.every(distance < 0) else distance >= 0


def _near(
    phi: Activation, x: Tensor, y: Tensor, left: list[Side], right: list[Side], k: Tensor, sw2: float, sb2: float
) -> tuple[Tensor, Tensor]:
    """(K, T) of pairs x, y (P, d) that are nearly equal or opposite: E (u -+ v)^2 / 2 goes through the layers too."""
    scale = sw2 / (2 * x.shape[1])
    a, b = scale * (x - y).square().sum(1), scale * (x + y).square().sum(1) + 2 * sb2
    longer = 2 * scale * ((x - y) * (x + y)).sum(1)
    pair = pairs.Near.apart(left[0].q, right[0].q, k, a, b, longer)
    t = k = pair.k
    for u, v, after, behind in zip(left, right, left[1:], right[1:]):
        product, slope, gap = pairs.near(phi, u, v, pair)
        k, a = sw2 * product + sb2, sw2 * gap
        pair = pairs.Near.apart(after.q, behind.q, k, a, after.q + behind.q - a)
        t = torch.addcmul(k, sw2 * slope, t)
    return k, t


def _twins(q: Tensor, K: Tensor) -> Tensor:
    """Where two variables are one, to the rounding of their covariance."""
    half = (q[:, None] + q) / 2
    return half - K <= 2**-50 * half


def _diagonal(layers: list[Side], sw2: float) -> Tensor:
    """T(x, x), (n,), by one-dimensional averages."""
    t = layers[0].q
    for layer, after in zip(layers, layers[1:]):
        t = after.q + sw2 * layer.slope * t
    return t


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
