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

from collections.abc import Sequence

import torch
from torch import Tensor

from fieldkit.propagation import activations, gaussian, maps
from fieldkit.propagation.activations import Activation
from fieldkit.propagation.gaussian import Function

BLOCK = 256  # rows and columns that go through all layers together, so that they stay in cache


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

    Closed forms where the activation has them; else the Mehler series of n_terms terms, a diagonal entry by its own
    integral.  Extra memory: the 256 x 256 blocks, and n_terms numbers per input without closed form.  Raises
    `ValueError` for depth < 0 or shapes that do not fit.
    """
    if depth < 0:
        raise ValueError(f"depth = {depth}: it counts hidden layers and starts at 0, the linear model.")
    if x.dim() != 2 or (y is not None and (y.dim() != 2 or y.shape[1] != x.shape[1])):
        raise ValueError("inputs are (n, d) and (m, d) with the same d; flatten images first.")
    phi = activations.of(activation)
    symmetric = y is None
    y = x if y is None else y
    rows = _lengths(phi, x, depth, sw2, sb2, n_terms)
    columns = rows if symmetric else _lengths(phi, y, depth, sw2, sb2, n_terms)
    shape = (len(x), len(y))
    K, T = (torch.empty(shape, device=x.device, dtype=torch.float64) for _ in range(2))
    for i in range(0, len(x), BLOCK):
        for j in range(i if symmetric else 0, len(y), BLOCK):
            here, there = slice(i, i + BLOCK), slice(j, j + BLOCK)
            k = (sw2 / x.shape[1]) * (x[here].double() @ y[there].double().T) + sb2
            t = k
            for u, v in zip(rows, columns):
                product, slope = _dual(phi, (u[0][here], u[1][:, here]), (v[0][there], v[1][:, there]), k)
                k = product.mul_(sw2).add_(sb2)
                t = torch.addcmul(k, slope.mul_(sw2), t)
            if symmetric and i == j:  # a matrix product rounds (i, j) and (j, i) differently
                k, t = (k + k.T) / 2, (t + t.T) / 2
            K[here, there], T[here, there] = k, t
            if symmetric and i != j:
                K[there, here], T[there, here] = k.T, t.T
    if symmetric:
        diagonal_K, diagonal_T = _diagonal(phi, x, depth, sw2, sb2)
        K.diagonal().copy_(diagonal_K)
        T.diagonal().copy_(diagonal_T)
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


def averages(
    K: Tensor, *, activation: Function | Activation, n_terms: int = maps.TERMS
) -> tuple[Tensor, Tensor]:
    """(E phi(u_i) phi(u_j), E phi'(u_i) phi'(u_j)) for u ~ N(0, K), each (P, P) as K: one layer without its weights.

    The diagonal by its own integral.  Raises `ValueError` when K is not square.
    """
    if K.dim() != 2 or K.shape[0] != K.shape[1]:
        raise ValueError(f"shape {tuple(K.shape)}: K is the (P, P) covariance of P pre-activations.")
    phi, q = activations.of(activation), K.diagonal()
    if phi.dual is None:
        columns = q, gaussian.coefficients(phi, q, n_terms=n_terms, kinks=phi.kinks, parity=phi.parity)
    else:
        columns = q, q[None]
    product, slope = _dual(phi, columns, columns, K)
    square, slope2, _ = activations.moments(phi, q)
    product.diagonal().copy_(square)
    slope.diagonal().copy_(slope2)
    return product, slope


def post_activation(kernel: Tensor, *, sw2: float, sb2: float) -> Tensor:
    """E phi(u) phi(v) of the last hidden layer from the pre-activation kernel after it: (K - sb2) / sw2."""
    return (kernel - sb2) / sw2


def post_activation_correlation(q: Tensor, c: Tensor, sb2: Tensor | float) -> Tensor:
    """(q c - sb2) / (q - sb2): the correlation of phi(h) at a fixed point whose pre-activations have (q, c)."""
    return (q * c - sb2) / (q - sb2)


def regress(train: Tensor, cross: Tensor, targets: Tensor, *, noise: float) -> Tensor:
    """Mean predictions K_x (K + noise 1)^-1 y, (m, k): train (n, n), cross (m, n), targets (n, k) (Lee et al. 2018)."""
    if not noise >= 0:
        raise ValueError(f"noise = {noise}: the variance of the targets' noise cannot be negative.")
    factor = torch.linalg.cholesky(train + noise * torch.eye(len(train), device=train.device, dtype=train.dtype))
    return cross @ torch.cholesky_solve(targets.to(train.dtype), factor)


def gradient_descent(
    K: Tensor, T: Tensor, y: Tensor, *, rate: float, steps: Sequence[float]
) -> tuple[Tensor, Tensor]:
    r"""(mean, variance) over infinitely wide networks of their answers to m new inputs, each (len(steps), m).

    After t steps of full-batch gradient descent on sum |f - y|^2 / 2 a network that began as f_0 answers

        f_t(x) = f_0(x) + A_t (y - f_0(X)),    A_t = T(x, X) T(X, X)^-1 (1 - (1 - rate T(X, X))^t),

    and f_0 is Gaussian with covariance K: mean A_t y, variance K(x, x) + A_t K(X, X) A_t^T - 2 A_t K(X, x).  This is no
    Bayesian posterior: T decides the mean, both the variance.  K and T (k + m, k + m) are the `kernels` over the k
    training inputs, then the m new ones; y (k,).  Between whole steps the same power draws the line, as long as no
    answer overshoots.  Source: Lee et al. 2019.  Raises `ValueError` for a rate that diverges, or has no such line.
    """
    k = len(y)
    values, vectors = torch.linalg.eigh(T[:k, :k])
    if not 0 < rate * values[-1].item() < 2:
        raise ValueError(
            f"rate = {rate}: gradient descent converges for rates between 0 and 2 / (largest eigenvalue) = "
            f"{2 / values[-1].item():.3g}; take one of them."
        )
    t = torch.tensor([float(step) for step in steps], device=K.device, dtype=torch.float64)[:, None]
    if rate * values[-1].item() > 1 and bool((t != t.round()).any()):
        raise ValueError(f"steps = {list(steps)}: at rate {rate} answers overshoot, so only whole steps make sense.")
    learnt = (1 - (1 - rate * values) ** t) / values
    A = torch.einsum("mj,tj,ij->tmi", T[k:, :k] @ vectors, learnt, vectors)
    variance = K.diagonal()[k:] + ((A @ K[:k, :k]) * A).sum(2) - 2 * (A * K[k:, :k]).sum(2)
    return A @ y, variance


def _lengths(
    phi: Activation, x: Tensor, depth: int, sw2: float, sb2: float, n_terms: int
) -> list[tuple[Tensor, Tensor]]:
    """For every layer: variances q (n,) and, without closed form, Mehler coefficients (n_terms, n)."""
    q = (sw2 / x.shape[1]) * x.double().square().sum(1) + sb2
    layers = []
    for _ in range(depth):
        if phi.dual is not None:
            a = q[None]  # not used; keeps one type
        else:
            a = gaussian.coefficients(phi, q, n_terms=n_terms, kinks=phi.kinks, parity=phi.parity)
        layers.append((q, a))
        q = sw2 * activations.moments(phi, q)[0] + sb2
    return layers


def _dual(
    phi: Activation, u: tuple[Tensor, Tensor], v: tuple[Tensor, Tensor], k: Tensor
) -> tuple[Tensor, Tensor]:
    """(E phi phi, E phi' phi') of a block with variances u (n,), v (m,) and covariances k (n, m)."""
    qu, qv = u[0][:, None], v[0]
    if phi.dual is not None:
        return phi.dual(qu, qv, k)
    scale = qu.rsqrt() * qv.rsqrt()
    c = (k * scale).clamp(-1, 1)
    value, slope = torch.zeros_like(c), torch.zeros_like(c)
    for a, b in zip(u[1].flip(0), v[1].flip(0)):
        slope = torch.addcmul(value, slope, c)
        value = torch.addcmul(a[:, None] * b, value, c)
    return value, slope * scale


def _diagonal(phi: Activation, x: Tensor, depth: int, sw2: float, sb2: float) -> tuple[Tensor, Tensor]:
    """K(x, x) and T(x, x), each (n,), by one-dimensional averages."""
    q = (sw2 / x.shape[1]) * x.double().square().sum(1) + sb2
    t = q
    for _ in range(depth):
        square, slope, _ = activations.moments(phi, q)
        q = sw2 * square + sb2
        t = q + sw2 * slope * t
    return q, t
