r"""Is a scaling law a straight line?  Fits that reach their optimum, floors that look like breaks, a biased parabola.

    L(N, D) = E + A N^-alpha + B D^-beta,        N parameters, D examples or tokens.

Given alpha and beta the rest is linear: the two are searched, the three are solved for (variable projection, Golub &
Pereyra 1973), and Gauss-Newton steps end it.  Descent with the default tolerances of a library stops short of the
optimum, and the stop looks like a small error bar (Besiroglu et al. 2024, 2404.10102, on a published fit).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate

NAMES = ("floor", "a", "b", "alpha", "beta")


@dataclass(frozen=True)
class Law:
    """E, A, B, alpha, beta of a fit (5,), their covariance (5, 5) from the scatter of the runs, and the sum of squares
    of the relative residuals."""

    parameters: Tensor
    covariance: Tensor
    misfit: float

    def estimate(self, name: str) -> Estimate:
        """A parameter by its name: "floor", "a", "b", "alpha" or "beta"."""
        if name not in NAMES:
            raise ValueError(f"{name!r}: the law has {', '.join(NAMES)}; ask for one of them.")
        i = NAMES.index(name)
        return Estimate(self.parameters[i].item(), self.covariance[i, i].sqrt().item())

    def optimal_exponent(self) -> Estimate:
        """beta/(alpha + beta), by which the best N grows with compute proportional to N D."""
        alpha, beta = self.parameters[3:].tolist()
        slope = torch.tensor([-beta, alpha], dtype=torch.float64) / (alpha + beta) ** 2
        return Estimate(beta / (alpha + beta), float((slope @ self.covariance[3:, 3:] @ slope).sqrt()))


def losses_of(law: Sequence[float], sizes: Tensor, examples: Tensor) -> Tensor:
    """L of (E, A, B, alpha, beta) at N and D, broadcast."""
    if len(law) != 5:
        raise ValueError(f"law of {len(law)} numbers: E, A, B, alpha and beta.")
    for name, value in zip(NAMES, given.doubles(law).tolist()):
        given.number(name, value, why="a law has five finite parameters")
    floor, a, b, alpha, beta = law
    n, d = given.numbers(sizes).double(), given.numbers(examples).double()
    if not bool((n > 0).all() and (d > 0).all()):
        raise ValueError("a size or a number of examples is not positive: a power law has positive arguments.")
    return floor + a * n**-alpha + b * d**-beta


def fit(sizes: Tensor, examples: Tensor, losses: Tensor) -> Law:
    """The law through runs (r,) of N, D and L with equal relative errors: least squares of L_fit/L - 1, with E, A, B
    not negative.

    Raises `ValueError` for values that are not positive, fewer than 6 runs or sizes that do not vary.
    """
    from scipy.optimize import least_squares, nnls

    n, d, y = (_positive(v) for v in (sizes, examples, losses))
    if not len(n) == len(d) == len(y) >= 6:
        raise ValueError(
            f"{len(n)} sizes, {len(d)} examples, {len(y)} losses: expected one of each for 6 or more runs."
        )
    if n.std() == 0 or d.std() == 0:
        raise ValueError("all runs have the same N or the same D: the law cannot tell its two powers apart; vary both.")
    x, z = np.log(n / n[0]), np.log(d / d[0])  # A and B in units in which they are of order one

    def columns(alpha: float, beta: float) -> np.ndarray:
        return np.stack([1 / y, np.exp(-alpha * x) / y, np.exp(-beta * z) / y], 1)

    grid = [(nnls(columns(a, b), np.ones(len(y)))[1], a, b) for a in GRID for b in GRID]
    _, alpha, beta = min(grid)
    linear = nnls(columns(alpha, beta), np.ones(len(y)))[0]

    def residual(q: np.ndarray) -> np.ndarray:
        return columns(q[3], q[4]) @ q[:3] - 1

    def slopes(q: np.ndarray) -> np.ndarray:
        c = columns(q[3], q[4])
        return np.concatenate([c, -(q[1] * x * c[:, 1])[:, None], -(q[2] * z * c[:, 2])[:, None]], 1)

    start = np.maximum(np.r_[linear, alpha, beta], 1e-9)
    done = least_squares(residual, start, slopes, bounds=(0, np.inf), x_scale="jac", ftol=1e-15, xtol=1e-15, gtol=1e-15)
    misfit = float(done.fun @ done.fun)
    turn = np.eye(5)  # from the units of the first run to the user's
    a, b = done.x[1] * n[0] ** done.x[3], done.x[2] * d[0] ** done.x[4]
    turn[1, 1], turn[1, 3] = n[0] ** done.x[3], a * math.log(n[0])
    turn[2, 2], turn[2, 4] = d[0] ** done.x[4], b * math.log(d[0])
    covariance = turn @ np.linalg.pinv(done.jac.T @ done.jac) @ turn.T * misfit / max(1, len(y) - 5)
    parameters = np.r_[done.x[0], a, b, done.x[3:]]
    return Law(torch.from_numpy(parameters), torch.from_numpy(covariance), misfit)


GRID = (0.05, 0.1, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0, 1.4, 2.0)


def huber_descent(
    sizes: Tensor,
    examples: Tensor,
    losses: Tensor,
    *,
    averaged: bool,
    starts: Sequence[Sequence[float]] = ((6, 7, 0.6, 0.35, 0.35), (5, 5, 0.5, 0.5, 0.5), (10, 10, 0.5, 1, 1)),
    delta: float = 1e-3,
) -> Tensor:
    """(E, A, B, alpha, beta) by L-BFGS with the default tolerances of scipy on Huber's loss of ln L, summed or averaged
    over the runs, the best of several starts (ln A, ln B, ln E, alpha, beta): how the law was first fitted.

    It stops short: kept to be compared with `fit`.
    """
    from scipy.optimize import minimize

    n, d, y = (np.log(_positive(v)) for v in (sizes, examples, losses))
    unit = 1 / len(y) if averaged else 1.0

    def objective(q: np.ndarray) -> tuple[float, np.ndarray]:
        parts = np.stack([q[0] - q[3] * n, q[1] - q[4] * d, np.full_like(n, q[2])])
        top = parts.max(0)
        total = top + np.log(np.exp(parts - top).sum(0))
        off = total - y
        pull = np.clip(off, -delta, delta)
        value = np.where(np.abs(off) < delta, off**2 / 2, delta * (np.abs(off) - delta / 2)).sum()
        share = np.exp(parts - total) * pull
        slope = np.r_[share.sum(1), -(share[0] @ n), -(share[1] @ d)]
        return float(value) * unit, slope * unit

    ends = [minimize(objective, np.array(start, dtype=float), jac=True, method="L-BFGS-B") for start in starts]
    q = min(ends, key=lambda end: end.fun).x
    return torch.tensor([math.exp(q[2]), math.exp(q[0]), math.exp(q[1]), q[3], q[4]], dtype=torch.float64)


def isoflop_shift(alpha: float, beta: float, *, half_width: float, points: int = 15, off_centre: float = 0.0) -> float:
    """By how much the vertex of a parabola through noise-free losses misses log10 of the best N at fixed compute N D.

    The losses lie at `points` values of log10 N, +-half_width decades about the optimum moved by off_centre.  About the
    optimum L - E is proportional to beta 10^(-alpha u) + alpha 10^(beta u): the shift knows neither compute nor
    amplitudes, so an exponent read off the vertices survives only while the grid stays centred.
    """
    for name, value in (("alpha", alpha), ("beta", beta), ("half_width", half_width)):
        given.positive(name, value, why="an exponent or a width")
    given.number("off_centre", off_centre, why="decades by which the grid misses the optimum")
    if max(alpha, beta) * (half_width + abs(off_centre)) > 150:
        raise ValueError(f"half_width = {half_width}: losses grow by more than 150 decades; take a narrower grid.")
    given.whole("points", points, least=3, why="a parabola goes through three points")
    u = np.linspace(-half_width, half_width, points) + off_centre
    curve = beta * 10 ** (-alpha * u) + alpha * 10 ** (beta * u)
    second, first, _ = np.polyfit(u, curve, 2)
    return float(-first / (2 * second))


def with_floor(sizes: Tensor, losses: Tensor) -> tuple[float, float, float, float]:
    """(floor E, A, alpha, sum of squared relative residuals) of the best L = E + A n^-alpha, E and A not negative; one
    curve (n,).

    A floor bends a line in log-log, and every test for a break then finds one: fit it first.  Raises `ValueError` for
    fewer than 4 points or values that are not positive.
    """
    from scipy.optimize import minimize_scalar, nnls

    n, y = _positive(sizes), _positive(losses)
    if not len(n) == len(y) >= 4:
        raise ValueError(f"{len(n)} sizes, {len(y)} losses: expected as many, 4 or more.")
    if n.max() == n.min():
        raise ValueError(f"all sizes are {n[0]:g}: a curve needs different ones; vary the size.")
    x = np.log(n / n[0])

    def solve(alpha: float) -> tuple[np.ndarray, float]:
        return nnls(np.stack([1 / y, np.exp(-alpha * x) / y], 1), np.ones(len(y)))

    best = min(np.geomspace(0.01, 10, 61), key=lambda alpha: solve(alpha)[1])
    done = minimize_scalar(
        lambda log: solve(math.exp(log))[1], bounds=(math.log(best) - 0.2, math.log(best) + 0.2), method="bounded",
        options={"xatol": 1e-10},
    )  # fmt: skip
    alpha = math.exp(float(done.x))
    (floor, a), rest = solve(alpha)
    return float(floor), float(a) * float(n[0]) ** alpha, alpha, float(rest) ** 2


def _positive(values: Tensor) -> np.ndarray:
    x = given.numbers(values).double().cpu()
    if x.dim() != 1 or len(x) == 0 or not bool(((x > 0) & x.isfinite()).all()):
        raise ValueError(f"shape {tuple(x.shape)}: expected a row of positive numbers, of which a law has logarithms.")
    return x.numpy()
