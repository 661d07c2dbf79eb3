r"""How much fits in?  Four capacities with exact answers: a perceptron's, its margin, a regression's, a memory's.

- Cover 1965: P points in general position in N dimensions, labels at random, can be separated by a plane through 0 with
  probability 2^(1-P) sum_(k<N) C(P-1, k), at every size; 1/2 at P = 2 N.
- Gardner 1988: with margin kappa the capacity P/N is 1/int_(-kappa)^inf Dt (t + kappa)^2
  = 1/((1 + kappa^2) Phi(kappa) + kappa phi(kappa)).
- Candes & Sur 2020 (1804.09753): logistic regression with signal strength gamma has a maximum likelihood estimate when
  p/n < h(gamma) = min_t E (Z - t V)_+^2, V = Y X.
- Amit, Gutfreund & Sompolinsky 1985: Hopfield's memory at zero temperature keeps a pattern with overlap m = erf(y),
  y (sqrt(2 alpha) + (2/sqrt pi) exp(-y^2)) = erf(y), and loses it with a jump at the largest alpha that has a root.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from fieldkit import given


def cover(P: int, N: int) -> float:
    """Probability that P points with random labels can be separated in N dimensions, by exact sums of integers."""
    given.whole("P", P, least=1, why="points")
    given.whole("N", N, least=1, why="dimensions")
    if N >= P:
        return 1.0
    term = total = 1
    for k in range(1, N):
        term = term * (P - k) // k
        total += term
    return total / (1 << (P - 1))  # a quotient of integers is rounded once


def separable(n: int, P: int, N: int, *, rng: torch.Generator) -> Tensor:
    """Whether P Gaussian points with random labels in N dimensions can be separated, n times: booleans (n,), each by a
    linear programme."""
    from scipy.optimize import linprog

    given.whole("n", n, least=1, why="trials")
    given.whole("P", P, least=1, why="points")
    given.whole("N", N, least=1, why="dimensions")
    given.generator(rng)
    found = []
    for _ in range(n):
        z = torch.randn(P, N, generator=rng, dtype=torch.float64, device=rng.device).cpu().numpy()
        done = linprog(np.zeros(N), A_ub=-z, b_ub=-np.ones(P), bounds=(None, None), method="highs")
        if done.status not in (0, 2):
            raise ArithmeticError(f"the linear programme ended without an answer: {done.message}")
        found.append(done.status == 0)
    return torch.tensor(found)


def gardner(kappa: float) -> float:
    """Capacity alpha = P/N of a perceptron with margin kappa >= 0 (in units where |w|^2 = N and points have variance 1
    a component)."""
    from scipy.special import ndtr

    given.not_negative("kappa", kappa, why="the formula holds for margins that are not negative")
    density = math.exp(-kappa * kappa / 2) / math.sqrt(2 * math.pi)
    return 1 / ((1 + kappa * kappa) * float(ndtr(kappa)) + kappa * density)


def largest_margin(alpha: float) -> float:
    """The inverse: the largest margin at P = alpha N points, 0 < alpha <= 2."""
    from scipy.optimize import brentq

    given.within("alpha", alpha, 0, 2, why="beyond 2 points a dimension none can be separated", ends="(]")
    return 0.0 if alpha == 2 else brentq(lambda k: gardner(k) - alpha, 0.0, 2 / math.sqrt(alpha) + 2, xtol=1e-14)


def margins(n: int, P: int, N: int, *, rng: torch.Generator) -> Tensor:
    """Largest margins (n,) of n draws of P labelled Gaussian points in N dimensions: the minimum over the points of
    w.z with |w| = 1, by non-negative least squares on the dual.  A value <= 0 means that they cannot be separated."""
    from scipy.optimize import nnls

    for name, value in (("n", n), ("P", P), ("N", N)):
        given.whole(name, value, least=1, why="trials, points and dimensions")
    given.generator(rng)
    found = []
    for _ in range(n):
        z = torch.randn(P, N, generator=rng, dtype=torch.float64, device=rng.device).cpu().numpy()
        # the closest point to (0, 1) of the cone of the rows (z_i, 1): its residual is orthogonal to the support points
        weights, _ = nnls(np.vstack([z.T, np.ones(P)]), np.r_[np.zeros(N), 1.0], maxiter=100 * P)
        w = z.T @ weights
        size = np.linalg.norm(w)
        found.append(float((z @ w).min() / size) if size > 1e-12 else 0.0)
    return torch.tensor(found, dtype=torch.float64)


def logistic_threshold(gamma: float) -> float:
    """h(gamma): the maximum likelihood estimate exists, for n -> infinity, when p/n < h; no intercept, gamma >= 0 the
    standard deviation of the log-odds.  h(0) = 1/2.

    E (Z - c)_+^2 = (1 + c^2) Phi(-c) - c phi(c), averaged over V with density 2 phi(v)/(1 + exp(-gamma v)) by Gauss
    and Legendre's rule on panels that halve towards 0, where a large gamma changes its mind; the minimum over t is a
    root of the derivative.
    """
    from scipy.optimize import brentq
    from scipy.special import expit, ndtr

    given.not_negative("gamma", gamma, why="a standard deviation")
    nodes, share = np.polynomial.legendre.leggauss(20)
    edges = np.concatenate([[0.0], 12 * 2.0 ** np.arange(-60, 1)])
    half = np.diff(edges)[:, None] / 2
    positive, width = (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * share).ravel()
    v = np.concatenate([-positive, positive])
    weight = 2 * expit(gamma * v) * np.exp(-v * v / 2) * np.tile(width, 2) / math.sqrt(2 * math.pi)

    def mean(t: float) -> float:
        c = np.clip(t * v, -1e150, 40)  # beyond 40 there is nothing left
        return float(weight @ ((1 + c * c) * ndtr(-c) - c * np.exp(-c * c / 2) / math.sqrt(2 * math.pi)))

    def slope(t: float) -> float:  # d/dc of the bracket is 2 (c Phi(-c) - phi(c))
        c = np.clip(t * v, -1e150, 40)
        return float(weight @ (2 * v * (c * ndtr(-c) - np.exp(-c * c / 2) / math.sqrt(2 * math.pi))))

    if slope(0.0) >= 0:  # gamma is 0 to rounding
        return mean(0.0)
    high = 60.0
    while slope(high) < 0:
        high *= 4
    return mean(brentq(slope, 0.0, high, xtol=1e-14))


def hopfield_overlap(alpha: float) -> float:
    """Overlap m of the retrieval state at zero temperature and load alpha = P/N >= 0 (replica-symmetric); 0 beyond
    `hopfield_capacity`."""
    from scipy.optimize import brentq

    given.not_negative("alpha", alpha, why="patterns a neuron")
    capacity, best = hopfield_capacity()
    if alpha == 0:
        return 1.0
    if alpha > capacity:
        return 0.0
    y = brentq(lambda y: _load(y) - alpha, best, 1.01 / math.sqrt(2 * alpha) + 1, xtol=1e-14)
    return math.erf(y)


def hopfield_capacity() -> tuple[float, float]:
    """The largest load alpha with a retrieval state, and the y at which it is reached, m = erf(y)."""
    from scipy.optimize import minimize_scalar

    done = minimize_scalar(lambda y: -_load(y), bounds=(1.0, 2.5), method="bounded", options={"xatol": 1e-12})
    return _load(float(done.x)), float(done.x)


def first_update(alpha: float) -> float:
    """Overlap after one parallel update from a stored pattern, N -> infinity: erf(1/sqrt(2 alpha))."""
    given.positive("alpha", alpha, why="patterns a neuron")
    return math.erf(1 / math.sqrt(2 * alpha))


def _load(y: float) -> float:
    """alpha as a function of y: (erf(y)/y - (2/sqrt pi) exp(-y^2))^2 / 2."""
    return (math.erf(y) / y - 2 / math.sqrt(math.pi) * math.exp(-y * y)) ** 2 / 2


def recall(n: int, P: int, N: int, *, rng: torch.Generator, sweeps: int = 60) -> Tensor:
    """Final overlaps |m| (n,) of n Hopfield memories of N spins with P random patterns, each begun in its first pattern
    and updated in 40 random groups a sweep until nothing changes, at most `sweeps` times; float32.

    J = (X^T X - P 1)/N is never formed.  Raises `ValueError` for sizes that are not whole.
    """
    for name, value in (("n", n), ("P", P), ("N", N), ("sweeps", sweeps)):
        given.whole(name, value, least=1, why="a memory has spins, patterns and time")
    given.generator(rng)
    found = []
    for _ in range(n):
        signs = torch.randint(2, (P, N), generator=rng, device=rng.device)
        patterns = (2 * signs - 1).to(torch.float32)
        s = patterns[0].clone()
        for _ in range(sweeps):
            before = s.clone()
            for group in torch.randperm(N, generator=rng, device=rng.device).chunk(40):
                field = patterns[:, group].T @ (patterns @ s) / N - P / N * s[group]
                s[group] = torch.where(field >= 0, 1.0, -1.0)
            if bool((s == before).all()):
                break
        found.append(float((patterns[0] @ s).abs() / N))
    return torch.tensor(found, dtype=torch.float64)
