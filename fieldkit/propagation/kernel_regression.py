r"""What do infinitely wide networks answer after training?  Regression with the kernels K and T of `kernels`.

All layers trained, small steps: the answers follow the tangent kernel T and begin as draws of K.  Only the last layer
trained, or a Bayesian posterior: K alone.  Sources: Lee et al. 2018; Lee et al. 2019.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.propagation import gaussian


def regress(train: Tensor, cross: Tensor, targets: Tensor, *, noise: float) -> Tensor:
    """Mean predictions K_x (K + noise 1)^-1 y, (m, k): train (n, n), cross (m, n), targets (n, k) (Lee et al. 2018)."""
    gaussian.variance("noise", noise, why="the variance of the targets' noise cannot be negative")
    train, cross, targets = given.doubles(train), given.doubles(cross), given.doubles(targets)
    n = len(train)
    if train.shape != (n, n) or cross.dim() != 2 or cross.shape[1] != n or targets.dim() != 2 or len(targets) != n:
        raise ValueError(
            f"shapes {tuple(train.shape)}, {tuple(cross.shape)}, {tuple(targets.shape)}: expected (n, n), (m, n) and "
            "(n, k); one number for each input is targets[:, None]."
        )
    factor, broken = torch.linalg.cholesky_ex(train + noise * torch.eye(n, device=train.device, dtype=train.dtype))
    if not gaussian.every(broken == 0):
        raise ValueError(
            f"noise = {noise}: the kernel is singular, as it is when an input comes twice; leave one out, or take a "
            "noise above the rounding of the kernel."
        )
    return cross @ torch.cholesky_solve(targets, factor)


def gradient_descent(K: Tensor, T: Tensor, y: Tensor, *, rate: float, steps: Sequence[float]) -> tuple[Tensor, Tensor]:
    r"""(mean, variance) over infinitely wide networks of their answers to m new inputs, each (len(steps), m).

    After t steps of full-batch gradient descent on sum |f - y|^2 / 2 a network that began as f_0 answers

        f_t(x) = f_0(x) + A_t (y - f_0(X)),    A_t = T(x, X) T(X, X)^-1 (1 - (1 - rate T(X, X))^t),

    and f_0 is Gaussian with covariance K: mean A_t y, variance K(x, x) + A_t K(X, X) A_t^T - 2 A_t K(X, x).  This is no
    Bayesian posterior: T decides the mean, both the variance.  K and T (k + m, k + m) are the `kernels` over the k
    training inputs, then the m new ones; y (k,).  Between whole steps the same power draws the line, as long as no
    answer overshoots.  Source: Lee et al. 2019.  Raises `ValueError` for a rate that diverges, or has no such line.
    """
    K, T, y = given.doubles(K), given.doubles(T), given.doubles(y)
    k = len(y) if y.dim() == 1 else 0
    if not 0 < k <= len(K) or K.dim() != 2 or K.shape != T.shape or K.shape[0] != K.shape[1]:
        raise ValueError(
            f"shapes {tuple(K.shape)}, {tuple(T.shape)}, {tuple(y.shape)}: expected (k + m, k + m) twice and (k,)."
        )
    if not all(step >= 0 for step in steps):
        raise ValueError(f"steps = {list(steps)}: a number of steps is 0 or more.")
    given.positive("rate", rate, why="a step goes downhill")
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
    learnt = torch.where(values > 0, learnt, rate * t)  # a mode that T does not see, by rounding even below 0
    A = torch.einsum("mj,tj,ij->tmi", T[k:, :k] @ vectors, learnt, vectors)
    variance = K.diagonal()[k:] + ((A @ K[:k, :k]) * A).sum(2) - 2 * (A * K[k:, :k]).sum(2)
    return A @ y, variance.clamp_min(0)
