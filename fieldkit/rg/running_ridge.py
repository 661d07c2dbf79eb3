r"""What becomes of the modes that a regression cannot learn?  They turn into noise: a ridge that runs with the cutoff.

    f(x) = sum_k w_k p_k(x),  prior variance l_k of w_k,   integrate out k > cut:   ridge -> ridge + sum_{k > cut} l_k

Modes with n l_k far below the ridge are not learned from n points; seen from the modes that are, they only add their
variance to the noise (Howard, Jefferson, Maiti and Ringel 2024).  The exact counterpart for Gaussian features as n
grows is self-consistent, kappa = ridge + sum_k kappa l_k / (kappa + n l_k), of which the running ridge is the part
that does not depend on n; it predicts the test error too (`learning_curve`; Bordelon, Canatar and Pehlevan 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy import optimize
from torch import Tensor

from fieldkit import given


def ridge_at(eigenvalues: Tensor, ridge: float, cut: int) -> float:
    """The ridge of the theory of the first `cut` modes, eigenvalues (M,) in falling order.  Raises `ValueError` for
    another order, another cut or a negative ridge."""
    lam = _falling(eigenvalues)
    given.whole("cut", cut, least=1, why="a theory keeps some modes")
    if cut > len(lam):
        raise ValueError(f"cut = {cut}: keep between 1 and all {len(lam)} modes.")
    return _ridge(ridge) + float(lam[cut:].sum())


def beta(eigenvalues: Tensor) -> Tensor:
    """d ridge / d ln cut = -cut l_cut of every cut 1 ... M, (M,), eigenvalues in falling order."""
    lam = _falling(eigenvalues)
    return -torch.arange(1, len(lam) + 1, dtype=torch.float64, device=lam.device) * lam


def solve(features: Tensor, eigenvalues: Tensor, ridge: float, y: Tensor) -> Tensor:
    """Posterior mean of w (m,) from features (n, m) and values y (n,): L P^T (P L P^T + ridge)^-1 y."""
    given.positive("ridge", ridge, why="a regression without noise or cut modes has none to run")
    features, y, eigenvalues = given.doubles(features), given.doubles(y), _spectrum(eigenvalues)
    if features.dim() != 2 or features.shape != (len(y), len(eigenvalues)):
        raise ValueError(
            f"features {tuple(features.shape)}, {len(eigenvalues)} eigenvalues, y {tuple(y.shape)}: expected (n, m), "
            "(m,) and (n,)."
        )
    kernel = (features * eigenvalues) @ features.T
    kernel.diagonal().add_(ridge)
    return eigenvalues * (features.T @ torch.linalg.solve(kernel, y))


@dataclass(frozen=True)
class Draws:
    """Squared test errors (n_draws,) of the whole theory, of the first modes with the bare ridge and with the running
    one, all on the same data: compare them pair by pair."""

    full: Tensor
    bare: Tensor
    running: Tensor


def compare(
    eigenvalues: Tensor, target: Tensor, *, ridge: float, cut: int, n: int, n_draws: int, rng: torch.Generator
) -> Draws:
    """n_draws regressions on n points with Gaussian features; target (M,) are the weights of the function to learn.

    The test error is sum_k (w_k - target_k)^2, exact for features of unit variance.  The target should live in the kept
    modes.  Work n_draws n^2 M.
    """
    given.generator(rng)
    lam, target = _with_target(eigenvalues, target)
    lam, target = lam.to(rng.device), target.to(rng.device)
    given.whole("n", n, least=1, why="a regression has points")
    given.whole("n_draws", n_draws, least=1, why="an experiment is repeated")
    errors = torch.empty(3, n_draws, dtype=torch.float64)
    for draw in range(n_draws):
        P = torch.randn(n, len(lam), generator=rng, device=rng.device, dtype=torch.float64)
        y = P @ target
        ways = ((len(lam), ridge), (cut, ridge), (cut, ridge_at(lam, ridge, cut)))
        for row, (kept, noise) in enumerate(ways):
            w = solve(P[:, :kept], lam[:kept], noise, y)
            errors[row, draw] = (w - target[:kept]).square().sum() + target[kept:].square().sum()
    return Draws(*errors)


def self_consistent(eigenvalues: Tensor, ridge: float, n: int) -> float:
    """kappa >= ridge with kappa = ridge + sum_k kappa l_k / (kappa + n l_k); 0 where n >= M examples without a ridge
    determine all modes.  Raises `ValueError` for n or ridge below 0 and eigenvalues that are not positive."""
    lam, ridge = _spectrum(eigenvalues), _ridge(ridge)
    given.whole("n", n, least=0, why="points are counted")
    if ridge == 0:  # kappa = 0 solves it always; the other root is there for n < M
        modes = int((lam > 0).sum())
        if n >= modes:
            return 0.0
        top = float(lam.sum())

        def short(log_kappa: float) -> float:
            return float((lam / (math.exp(log_kappa) + n * lam)).sum()) - 1

        low = math.log(top)
        while short(low) < 0:
            low -= 5
        return math.exp(optimize.brentq(short, low, math.log(top) + 1e-9, xtol=1e-14, rtol=1e-14))

    if n == 0 or not bool((lam > 0).any()):
        return ridge + float(lam.sum())

    def missing(log_kappa: float) -> float:  # in the logarithm: kappa may be of any size
        kappa = math.exp(log_kappa)
        learnt = n * lam > kappa  # each counts almost 1/n: what is missing from that is summed, so that nothing cancels
        rest = torch.where(learnt, -kappa / n, lam) / (kappa + n * lam)
        return float(learnt.sum()) / n - 1 + float(rest.sum()) + ridge / kappa

    low, high = math.log(ridge) - 1e-9, math.log(ridge + float(lam.sum())) + 1e-9
    return max(ridge, math.exp(optimize.brentq(missing, low, high, xtol=1e-14, rtol=1e-14)))


def learning_curve(eigenvalues: Tensor, target: Tensor, *, ridge: float, n: int) -> float:
    """The mean test error of ridge regression on n points without label noise, as n grows at fixed n l_k / kappa:

    E = sum_k target_k^2 kappa^2 / (kappa + n l_k)^2 / (1 - gamma),   gamma = sum_k n l_k^2 / (kappa + n l_k)^2.
    """
    lam, target = _with_target(eigenvalues, target)
    kappa = self_consistent(lam, ridge, n)
    gamma = float((n * lam**2 / (kappa + n * lam) ** 2).sum())
    if not gamma < 1:
        raise ValueError(f"n = {n}: as many points as modes; without a ridge the error diverges there.")
    return float((target**2 * kappa**2 / (kappa + n * lam) ** 2).sum()) / (1 - gamma)


def _spectrum(eigenvalues: Tensor) -> Tensor:
    lam = given.doubles(eigenvalues)
    if lam.dim() != 1 or len(lam) == 0 or not bool(((lam >= 0) & lam.isfinite()).all()):
        raise ValueError(f"eigenvalues {tuple(lam.shape)}: prior variances of modes are (M,), none below 0.")
    return lam


def _falling(eigenvalues: Tensor) -> Tensor:
    lam = _spectrum(eigenvalues)
    if not bool((lam.diff() <= 1e-12 * lam[:-1]).all()):
        raise ValueError(
            "the eigenvalues do not fall: a theory keeps the largest; sort them, and the target with them."
        )
    return lam


def _ridge(ridge: float) -> float:
    given.not_negative("ridge", ridge, why="the variance of the noise is not negative")
    return float(ridge)


def _with_target(eigenvalues: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    lam, w = _spectrum(eigenvalues), given.doubles(target)
    if w.shape != lam.shape:
        raise ValueError(f"target {tuple(w.shape)}: the function to learn has a weight for each of {len(lam)} modes.")
    return lam, w
