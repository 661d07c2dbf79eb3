"""Which spectra of deep Jacobians can be written down?  Linear and ReLU layers, and two limits of great depth.

Squared singular values of J = D_L W_L ... D_1 W_1, the J J^T of `jacobian`, whose largest is the minimum of

    lambda(m) = (1 + m) / m [ sw2 y m / ((1 + m) s(m)) ]^L

over m > 0.  Where all slopes D are alike, or 0 and 1, the minimum and the moments are explicit.

Sources: Pennington, Schoenholz and Ganguli 2018; Fuss-Catalan moments of products of Gaussian matrices: Penson and
Zyczkowski 2011.  Square layers, width to infinity unless a width is given.
"""

from __future__ import annotations

import math

from fieldkit import given


def linear_gaussian_edge(depth: int) -> float:
    """(L + 1)^(L + 1) / L^L: the largest squared singular value of a product of L Gaussian layers with sw2 = 1."""
    given.positive("depth", depth, why="a product has factors")
    return (depth + 1) * math.exp(depth * math.log1p(1 / depth))


def linear_gaussian_moment(k: int, *, depth: int) -> float:
    """Fuss-Catalan number binom((L + 1) k, k) / (L k + 1): k-th moment of J J^T, linear Gaussian layers, sw2 = 1."""
    given.whole("k", k, least=0, why="it is a power")
    given.whole("depth", depth, least=1, why="a product has factors")
    return math.comb((depth + 1) * k, k) // (depth * k + 1)


def linear_gaussian_second_moment(depth: int, *, width: int) -> float:
    """E tr (J J^T)^2 / N of a product of L real Gaussian N x N layers with sw2 = 1, exact at every width N.

    Averaging the last factor by Wick's theorem, with a = E tr M^2 / N and b = E (tr M / N)^2 of M = J J^T:
    a' = (1 + 1/N) a + b,  b' = b + 2 a / N^2, from a = b = 1.  N -> infinity: L + 1 (Penson and Zyczkowski 2011).
    """
    given.whole("depth", depth, least=0, why="it counts factors")
    given.whole("width", width, least=1, why="a matrix has entries")
    a, b = 1.0, 1.0
    for _ in range(depth):
        a, b = (1 + 1 / width) * a + b, b + 2 * a / width**2
    return a


def relu_orthogonal_edge(depth: int) -> float:
    """The edge for ReLU at sw2 = 2 with orthogonal weights: (1 + m) / m [(1 + 2 m) / (1 + m)]^L at m = 1 / (L - 2).

    D^2 is 0 or 1, so M(y) = 1 / 2 (y - 1) and the minimum over m is explicit.  Raises `ValueError` for depth < 3, where
    the spectrum ends in an atom.
    """
    given.positive("depth", depth, why="a product has factors")
    if not depth >= 3:
        raise ValueError(f"depth = {depth}: one or two layers have an atom at the top of the spectrum; take 3 or more.")
    m = 1 / (depth - 2)
    return (1 + m) / m * math.exp(depth * math.log1p(m / (1 + m)))


def universal_smooth_edge(spread: float) -> float:
    """The edge when depth -> infinity, q -> 0 at fixed L (mu_2 / mu_1^2 - 1) = spread, orthogonal weights, smooth phi.

    D^2 is nearly constant, so lambda = (1 + m) / m exp(spread m); its minimum is at m = (-1 + sqrt(1 + 4 / spread)) / 2
    (Pennington et al. 2018).
    """
    given.positive("spread", spread, why="slopes that are all equal leave no edge")
    m = 2 / (spread + math.sqrt(spread) * math.sqrt(spread + 4))
    return (1 + m) / m * math.exp(spread * m)


def universal_bernoulli_edge(spread: float) -> float:
    """The same limit for slopes 0 or 1 (hard-tanh): e * spread above 1, and below it an atom at exp(spread)."""
    given.positive("spread", spread, why="slopes that are all equal leave no edge")
    return math.e * spread if spread > 1 else math.exp(spread)
