r"""Did something jump, or is it smooth and noisy?  A test with a null, exact at every length.

    y = X beta + sigma e,   S = max_tau n ln( RSS_0 / RSS_1(tau) ).

X is any linear model of what is smooth (a polynomial, say), RSS_0 its residual sum of squares, RSS_1(tau) that of X
with a step, or a kink, at place tau beside it.  Neither beta nor sigma enters the law of S: residuals are projected
out of X, and the ratio forgets their size.  So S can be drawn from white noise, and with B draws

    p = (1 + number of draws with S >= S observed) / (B + 1)

is below alpha in a fraction alpha of all smooth curves, exactly (Dwass 1957; Barnard 1963, for the Monte Carlo test).
The price is the null itself: for a curve that X cannot follow, every curve jumps.  Hence `lack_of_fit` first, which
asks replicate runs whether X is a model of their mean at all, and `verdict`, which asks both in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import given


@dataclass(frozen=True)
class Change:
    """The most likely shape of a change, counted from 0 among the shapes that were tried, with its p-value."""

    place: int
    statistic: float
    p_value: float


def polynomials(x: Tensor, degree: int) -> Tensor:
    """x (n,) -> Legendre polynomials of x, brought to [-1, 1], up to a degree: (n, degree + 1), a smooth null.

    Raises `ValueError` for fewer than degree + 2 different places or one that is not finite.
    """
    given.whole("degree", degree, least=0, why="the degree of a polynomial")
    x = _series(x)[0]
    if x.unique().numel() < degree + 2:
        raise ValueError(
            f"degree = {degree} with {x.unique().numel()} different places: nothing would be left over; "
            "take more places or a lower degree."
        )
    z = 2 * (x - x.min()) / (x.max() - x.min()) - 1
    return torch.stack([torch.special.legendre_polynomial_p(z, k) for k in range(degree + 1)], dim=1)


def steps(n: int, *, least: int = 3) -> Tensor:
    """The shapes of a jump: column j is 0 before place least + j and 1 from there on, (n, n - 2 least + 1).

    least: so many points stand on either side.  Raises `ValueError` when n has no room for that.
    """
    given.whole("least", least, least=1, why="a level needs at least one point")
    given.whole("n", n, least=2 * least, why=f"{least} points stand on either side of a jump")
    return (torch.arange(n)[:, None] >= torch.arange(least, n - least + 1)).double()


def hinges(x: Tensor, *, least: int = 3) -> Tensor:
    """The shapes of a break of the slope: column j is max(0, x - x_j), for the places x_j with `least` points on either
    side of them, x (n,) ascending: (n, n - 2 least).

    Raises `ValueError` for places that do not ascend, or too few.
    """
    given.whole("least", least, least=1, why="a slope needs at least one point beyond the break")
    x = _series(x)[0]
    if not bool((x.diff() > 0).all()):
        raise ValueError("places do not ascend: sort them, and average what was measured at the same place.")
    given.whole("n", len(x), least=2 * least + 1, why=f"{least} points stand on either side of a break")
    return (x[:, None] - x[least : len(x) - least]).clamp_min(0)


def scan(y: Tensor, null: Tensor, shapes: Tensor, *, bars: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The statistic of each series and the shape that gives it: y (..., n), null (n, p), shapes (n, k) -> (...), (...).

    bars: errors (n,) of the points where they are known from replicates; the points are then measured in them, and the
    statistic is the largest drop of chi^2.  Raises `ValueError` for other sizes, a value that is not finite, a null
    with as many parameters as points or with columns that depend on each other, shapes that the null can follow, and a
    series that the null follows without any noise.
    """
    y, null, shapes = given.numbers(y).double(), given.numbers(null).double(), given.numbers(shapes).double()
    n, p = null.shape if null.dim() == 2 else (0, 0)
    if p == 0 or y.shape[-1:] != (n,) or shapes.dim() != 2 or len(shapes) != n or n < p + 2:
        raise ValueError(
            f"y {tuple(y.shape)}, null {tuple(null.shape)}, shapes {tuple(shapes.shape)}: expected (..., n), (n, p), "
            "(n, k) with n at least p + 2, or no noise is left to compare with."
        )
    weight = torch.ones(n, dtype=torch.float64, device=y.device) if bars is None else 1 / given.numbers(bars).double()
    if not all(bool(t.isfinite().all()) for t in (y, null, shapes, weight)) or not bool((weight > 0).all()):
        raise ValueError("a value is not finite, or a bar is not positive: leave such points out.")
    y, null, shapes = y * weight, null * weight[:, None], shapes * weight[:, None]
    q, r = torch.linalg.qr(null)
    if r.diagonal().abs().min() <= 1e-10 * r.diagonal().abs().max():
        raise ValueError("the columns of the null depend on each other: leave one of them out.")
    own = shapes - q @ (q.T @ shapes)
    size = own.square().sum(0)
    if not bool((size > 1e-16 * shapes.square().sum(0)).all()):
        raise ValueError("the null can follow one of the shapes exactly: nothing could tell them apart; use fewer.")
    left = y - (y @ q) @ q.T
    gain, which = ((left @ own).square() / size).max(-1)
    if bars is not None:
        return gain, which
    total = left.square().sum(-1)
    if not bool((total > 1e-24 * y.square().sum(-1)).all()):
        raise ValueError("a series lies on the null to rounding: without noise there is nothing to test.")
    return n * torch.log(total / (total - gain).clamp_min(1e-24 * total)), which


def null_law(null: Tensor, shapes: Tensor, *, n_draws: int, rng: torch.Generator, bars: Tensor | None = None) -> Tensor:
    """The statistic of `n_draws` series of white noise: its law under the null, whatever beta and sigma.  Raises as
    `scan`."""
    given.whole("n_draws", n_draws, least=19, why="p cannot be smaller than one in n_draws + 1")
    given.generator(rng)
    noise = torch.randn(n_draws, len(null), generator=rng, device=rng.device, dtype=torch.float64).cpu()
    noise = noise if bars is None else noise * given.numbers(bars).double()
    return scan(noise, null, shapes, bars=bars)[0].sort().values


def p_values(statistic: Tensor, law: Tensor) -> Tensor:
    """(1 + draws at or above) / (draws + 1) for each statistic; law as `null_law` gives it, ascending."""
    above = len(law) - torch.searchsorted(law, statistic)
    return (1 + above).double() / (len(law) + 1)


def jump_test(
    y: Tensor,
    null: Tensor,
    shapes: Tensor,
    *,
    rng: torch.Generator,
    n_draws: int = 1999,
    bars: Tensor | None = None,
) -> Change:
    """One series y (n,): the best shape, counted from 0, with its exact p-value.  Raises as `scan`.

    >>> rng = torch.Generator().manual_seed(0)
    >>> y = torch.tensor([0.1, -0.2, 0.0, 0.1, 2.9, 3.1, 3.0, 2.8, 3.2])
    >>> found = jump_test(y, polynomials(torch.arange(9.0), 0), steps(9), rng=rng)
    >>> 3 + found.place, found.p_value < 0.01
    (4, True)
    """
    statistic, place = scan(_series(y)[0], null, shapes, bars=bars)
    law = null_law(null, shapes, n_draws=n_draws, rng=rng, bars=bars)
    return Change(int(place), float(statistic), float(p_values(statistic, law)))


def bars_of(runs: Tensor, shape: Tensor) -> Tensor:
    """Errors (n,) of the means of independent runs (r, n), their logarithm smoothed by the linear model shape (n, p).

    A variance of r runs is a chi^2 of r - 1; its mean logarithm is low by ln(nu/2) - psi(nu/2), nu = r - 1, which is
    put back.  Raises `ValueError` for fewer than 3 runs, and where all runs agree at a place.
    """
    runs, shape = given.numbers(runs).double(), given.numbers(shape).double()
    if runs.dim() != 2 or len(runs) < 3 or shape.dim() != 2 or len(shape) != runs.shape[1]:
        raise ValueError(
            f"runs {tuple(runs.shape)}, shape {tuple(shape.shape)}: expected (r, n), (n, p), r at least 3."
        )
    if not bool(runs.isfinite().all() and shape.isfinite().all()):
        raise ValueError("a value is not finite: leave out the run, or the place.")
    variance = runs.var(0)
    if not bool((variance > 0).all()):
        raise ValueError("all runs agree at a place: its bar would be 0; leave the place out.")
    half = torch.tensor((len(runs) - 1) / 2, dtype=torch.float64)
    q = torch.linalg.qr(shape)[0]
    smooth = q @ (q.T @ (variance.log() + half.log() - torch.digamma(half)))
    return (smooth.exp() / len(runs)).sqrt()


def lack_of_fit(runs: Tensor, null: Tensor, *, shared: bool, bars: Tensor | None = None) -> float:
    """p-value of the null (n, p) as a model of the mean of replicate runs (r, n).

    shared: the same r runs gave all points, as one training is looked at many times.  Then Hotelling's T^2 over the
    n - p contrasts that the null leaves is exact for any covariance.  Otherwise each point has r runs of its own, and
    the misfit in units of their pooled spread, or of `bars` (n,), follows F(n - p, n (r - 1)) (Fisher 1922).

    Raises `ValueError` for other shapes, and where shared runs are too few: more than n - p are needed.
    """
    from scipy import stats

    runs, null = given.numbers(runs).double(), given.numbers(null).double()
    if runs.dim() != 2 or null.dim() != 2 or runs.shape[1] != len(null) or null.shape[1] >= len(null) or len(runs) < 2:
        raise ValueError(f"runs {tuple(runs.shape)}, null {tuple(null.shape)}: expected (r, n) and (n, p) with p < n.")
    if not bool(runs.isfinite().all() and null.isfinite().all()):
        raise ValueError("a value is not finite: leave out the run, or the place.")
    r, n, contrasts = len(runs), len(null), len(null) - null.shape[1]
    if not shared:
        spread = (runs.var(0).mean() / r).sqrt().expand(n) if bars is None else given.numbers(bars).double()
        if spread.shape != (n,) or not bool(((spread > 0) & spread.isfinite()).all()):
            raise ValueError(
                f"bars {tuple(spread.shape)}: a bar is 0 or not finite, or all runs agree; leave such places out."
            )
        q = torch.linalg.qr(null / spread[:, None])[0]
        mean = runs.mean(0) / spread
        left = mean - q @ (q.T @ mean)
        return float(stats.f.sf(float(left @ left) / contrasts, contrasts, n * (r - 1)))
    if r <= contrasts:
        raise ValueError(
            f"{r} runs for {contrasts} contrasts: their covariance is not known from so few; take more than "
            f"{contrasts} runs, or fewer places."
        )
    rest = torch.linalg.qr(null, mode="complete")[0][:, null.shape[1] :]
    left = runs @ rest
    mean, covariance = left.mean(0), torch.cov(left.T).reshape(contrasts, contrasts) / r
    solved, singular = torch.linalg.solve_ex(covariance, mean)
    if int(singular) or not bool(solved.isfinite().all()):
        raise ValueError("the runs agree in some combination of places: their covariance has no inverse; take fewer.")
    t2 = float(mean @ solved)
    return float(stats.f.sf(t2 * (r - contrasts) / (contrasts * (r - 1)), contrasts, r - contrasts))


@dataclass(frozen=True)
class Verdict:
    """answer is "null rejected", "jump" or "no jump seen"; lack is the p-value of the smooth null; change is None where
    the null was rejected, since then nothing can be said about jumps."""

    answer: str
    lack: float
    change: Change | None


def verdict(
    runs: Tensor, null: Tensor, shapes: Tensor, *, rng: torch.Generator, level: float = 0.05, n_draws: int = 1999
) -> Verdict:
    """Is there a jump in the mean of independent runs (r, n)?  Lack of fit first, the jump second, each at `level`.

    A change rejects the smooth null as well, so the null is asked with the best shape beside it: what is left of the
    misfit then is not of that shape.  The bars are smoothed with the null's own columns.  Raises as `lack_of_fit`,
    `bars_of` and `scan`.
    """
    given.within("level", level, 0, 1, why="how often a smooth curve may be called a jump", ends="()")
    runs = given.numbers(runs).double()
    bars = bars_of(runs, given.numbers(null).double()[:, :3])
    change = jump_test(runs.mean(0), null, shapes, rng=rng, n_draws=n_draws, bars=bars)
    beside = torch.cat([given.numbers(null).double(), given.numbers(shapes).double()[:, change.place, None]], 1)
    lack = lack_of_fit(runs, beside, shared=False, bars=bars)
    if lack <= level:
        return Verdict("null rejected", lack, None)
    return Verdict("jump" if change.p_value <= level else "no jump seen", lack, change)


def _series(x: object) -> Tensor:
    """One series (1, n) of finite numbers."""
    x = given.numbers(x).double()
    if x.dim() != 1 or not bool(x.isfinite().all()):
        raise ValueError(f"shape {tuple(x.shape)}: expected one series (n,) of finite numbers.")
    return x[None]
