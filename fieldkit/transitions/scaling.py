r"""How do you read a critical point off small systems?  Finite-size scaling with every error carried through.

    y(x, L) = L^-b F((x - x_c) L^a),        a = 1/nu,   b = beta/nu (or -gamma/nu, or 0).

`fit` takes a polynomial for F and the leading correction L^-omega of a dimensionless ratio, weighs all points with
their covariance, and repeats the whole fit with each group of chains left out: only so do the errors of the points, of
the exponents and between them hang together.  A ratio that crosses does so at x_c without any exponent (`crossings`).
With no form for F at all: `data_collapse`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate


@dataclass(frozen=True)
class Exponents:
    """x_c, 1/nu and beta/nu (3,) with their covariance (3, 3) from leaving out groups of chains, chi^2 of the fit and
    its degrees of freedom."""

    parameters: Tensor
    covariance: Tensor
    chi2: float
    dof: int

    def estimate(self, name: str) -> Estimate:
        """ "x_c", "1/nu" or "beta/nu"."""
        names = ("x_c", "1/nu", "beta/nu")
        if name not in names:
            raise ValueError(f"{name!r}: the fit has {', '.join(names)}; ask for one of them.")
        i = names.index(name)
        return Estimate(self.parameters[i].item(), self.covariance[i, i].sqrt().item())


def binder(moments: Tensor) -> Tensor:
    """U = 1 - <m^4>/(3 <m^2>^2) of moments (..., 3) = |m|, m^2, m^4, averaged: (...)."""
    moments = given.floats(moments)
    if moments.dim() == 0 or moments.shape[-1] != 3:
        raise ValueError(f"moments {tuple(moments.shape)}: expected (..., 3), the means of |m|, m^2 and m^4.")
    return 1 - moments[..., 2] / (3 * moments[..., 1] ** 2)


def fit(
    sizes: Sequence[int],
    x: Tensor,
    moments: Sequence[Tensor],
    *,
    start: Sequence[float],
    omega: float,
    smallest: int = 0,
    groups: int = 32,
    degree: int = 2,
) -> Exponents:
    """One fit of the Binder ratio and of |m| at all sizes and x: x_c, 1/nu, beta/nu.

    U = sum_k u_k z^k + u' L^-omega and ln |m| = -b ln L + sum_k v_k z^k, z = (x - x_c) L^a, k up to `degree`.  Only x_c
    and a are searched, from start = (x_c, 1/nu); the rest is linear.  moments: for each size a tensor
    (chains, len(x), 3) of each chain's averages of |m|, m^2, m^4, the same number of chains everywhere.  The two
    numbers at one point are correlated and are weighed with their 2 x 2 covariance.  smallest: leave smaller sizes out.

    Raises `ValueError` for sizes that do not match, fewer than 8 groups, more parameters than numbers, and for an x_c
    outside of the range of x: nothing is extrapolated.
    """
    given.whole("groups", groups, least=8, why="the error of an error is 1/sqrt(2 groups)")
    given.whole("degree", degree, least=1, why="the scaling function has a slope")
    given.number("omega", omega, why="the leading correction falls as this power of the size")
    for L in sizes:
        given.positive("L", L, why="a system has a size")
    at = given.numbers(x).double().numpy()
    kept = [(L, given.numbers(m).double()) for L, m in zip(sizes, moments, strict=True) if smallest <= L]
    n = len(kept[0][1]) if kept else 0
    if len(kept) < 2 or any(m.shape != (n, len(at), 3) for _, m in kept) or n < groups:
        raise ValueError(
            f"{[tuple(m.shape) for _, m in kept]}: two or more sizes with (chains, {len(at)}, 3) each, and at least "
            f"groups = {groups} chains."
        )
    data = torch.stack([m for _, m in kept]).numpy()  # (sizes, chains, x, 3)
    length = np.repeat([float(L) for L, _ in kept], len(at))
    place = np.tile(at, len(kept))
    if 2 * len(place) <= 5 + 2 * degree + 1:
        raise ValueError(f"{2 * len(place)} numbers for {5 + 2 * degree + 1} parameters: measure at more places.")

    form = _Form(place, length, degree, omega, np.linalg.inv(np.linalg.cholesky(_covariance(data))))
    parts = np.array_split(np.arange(n), groups)
    full = _values(data.mean(1))
    left = [_values(np.delete(data, part, axis=1).mean(1)) for part in parts]
    best, chi2 = form.solve(full, start)
    if not at.min() <= best[0] <= at.max():
        raise ValueError(f"x_c = {best[0]:.6g} lies outside of the data, {at.min():g} to {at.max():g}: measure there.")
    replicas = np.stack([form.solve(y, best[:2])[0] for y in left])
    apart = replicas - replicas.mean(0)
    return Exponents(
        torch.from_numpy(best),
        torch.from_numpy((groups - 1) / groups * apart.T @ apart),
        chi2,
        2 * len(place) - (5 + 2 * degree + 1),
    )


def _values(means: np.ndarray) -> np.ndarray:
    """(U, ln |m|) at all points, (points, 2), of means (sizes, x, 3)."""
    m = means.reshape(-1, 3)
    return np.stack([1 - m[:, 2] / (3 * m[:, 1] ** 2), np.log(m[:, 0])], 1)


def _covariance(data: np.ndarray) -> np.ndarray:
    """Of (U, ln |m|) at each point, (points, 2, 2), by their slopes, from data (sizes, chains, x, 3).

    From all chains: from the few groups it would be so uncertain that points with a small error by chance would decide
    the fit.
    """
    n, means = data.shape[1], data.mean(1).reshape(-1, 3)
    spread = data - data.mean(1, keepdims=True)
    between = np.einsum("scxi,scxj->sxij", spread, spread).reshape(-1, 3, 3) / (n * (n - 1))
    slopes = np.zeros((len(means), 2, 3))
    slopes[:, 0, 1], slopes[:, 0, 2] = 2 * means[:, 2] / (3 * means[:, 1] ** 3), -1 / (3 * means[:, 1] ** 2)
    slopes[:, 1, 0] = 1 / means[:, 0]
    return slopes @ between @ slopes.transpose(0, 2, 1)


@dataclass(frozen=True)
class _Form:
    """The two scaling forms at x = place and L = length (points,), whitened by root (points, 2, 2)."""

    place: np.ndarray
    length: np.ndarray
    degree: int
    omega: float
    root: np.ndarray

    def linear(self, q: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u, u', v and b by least squares, given q = (x_c, a) and y (points, 2); and the whitened residuals."""
        L = self.length / math.exp(float(np.log(self.length).mean()))
        z = (self.place - q[0]) * L ** q[1]
        powers = z[:, None] ** np.arange(self.degree + 1)
        blank, log, correction = 0 * powers, -np.log(L)[:, None], (L**-self.omega)[:, None]
        rows = np.stack(
            [
                np.concatenate([powers, blank, 0 * log, correction], 1),
                np.concatenate([blank, powers, log, 0 * correction], 1),
            ],
            1,
        )
        design = np.einsum("pij,pjk->pik", self.root, rows).reshape(-1, rows.shape[2])
        target = np.einsum("pij,pj->pi", self.root, y).ravel()
        solution = np.linalg.lstsq(design, target, rcond=None)[0]
        return solution, target - design @ solution

    def solve(self, y: np.ndarray, guess: Sequence[float] | np.ndarray) -> tuple[np.ndarray, float]:
        """(x_c, a, b) of the best fit (3,) and its chi^2."""
        from scipy.optimize import least_squares

        done = least_squares(
            lambda q: self.linear(q, y)[1], guess, "3-point", bounds=([-np.inf, 0.01], [np.inf, 20.0]), x_scale="jac"
        )
        return np.r_[done.x, self.linear(done.x, y)[0][2 * self.degree + 2]], 2 * done.cost


def crossings(
    sizes: Sequence[int], x: Tensor, samples: Sequence[Tensor], ratio: Callable[[Tensor], Tensor], *, groups: int = 16
) -> list[Estimate]:
    """Where a dimensionless ratio of neighbouring sizes crosses, on the chord between two x, with the jackknife's bar
    over groups of draws.

    samples: for each size a tensor (draws, len(x), k); ratio takes its mean over draws (len(x), k) to (len(x),).
    Raises `ValueError` where two curves do not cross within x, in all of the data or with a group left out.
    """
    given.whole("groups", groups, least=8, why="the error of an error is 1/sqrt(2 groups)")
    at = given.numbers(x).double()

    def cross(a: Tensor, b: Tensor, pair: tuple[int, int]) -> float:
        gap = ratio(a.mean(0)) - ratio(b.mean(0))
        change = (gap[:-1].sign() * gap[1:].sign() <= 0).nonzero().flatten()
        if not len(change):
            raise ValueError(f"sizes {pair}: the ratios do not cross between {at[0]:g} and {at[-1]:g}; widen x.")
        j = int(change[len(change) // 2])
        if gap[j] == gap[j + 1]:
            raise ValueError(f"sizes {pair}: the ratios agree at two neighbouring x, so no place is one; measure anew.")
        return float(at[j] + (at[j + 1] - at[j]) * gap[j] / (gap[j] - gap[j + 1]))

    found = []
    for small, large, a, b in zip(sizes, sizes[1:], samples, samples[1:]):
        a, b = given.numbers(a).double(), given.numbers(b).double()
        if not bool(a.isfinite().all() and b.isfinite().all()):
            raise ValueError(f"sizes {(small, large)}: a value is not finite; find where the run diverged.")
        if min(len(a), len(b)) < groups:
            raise ValueError(f"{len(a)} and {len(b)} draws for {groups} groups: each group leaves some out; draw more.")
        cuts = [torch.arange(len(t)).tensor_split(groups) for t in (a, b)]
        left = []
        for i, j in zip(*cuts):
            keep = [torch.ones(len(t), dtype=torch.bool) for t in (a, b)]
            keep[0][i], keep[1][j] = False, False
            left.append(cross(a[keep[0]], b[keep[1]], (small, large)))
        bar = math.sqrt((groups - 1) / groups * sum((v - sum(left) / groups) ** 2 for v in left))
        found.append(Estimate(cross(a, b, (small, large)), bar))
    return found
