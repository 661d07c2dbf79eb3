r"""How do the points of one figure lie together?  Values and the covariance of their errors, from common draws.

    chi^2 = r^T C^-1 r,      E (C_n^-1) = C^-1 (n - 1) / (n - k - 2)

for k points off their truths by r.  The inverse of a covariance C_n measured on n draws is too large on average by the
factor on the right (Hartlap, Simon and Schneider 2007); the covariances here are widened by it, so that chi^2 is k on
average.  Curves that share no draw are put side by side by `join`, and `Ledger.weigh_curve` weighs them all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from fieldkit import fits, given
from fieldkit.estimates import Estimate, jackknife_covariance

Curve = tuple[Tensor, Tensor]  # values (k,) and their covariance (k, k)


def points(f: Callable[..., Tensor], *observables: Tensor) -> Curve:
    """k functions of means, f(means) -> (k,), and their covariance, by the jackknife over the n common draws.

    observables (n, ...), as in `estimates.jackknife_covariance`; it is widened by (n - 1) / (n - k - 2).  Raises as
    that, and `ValueError` for n < k + 3 draws.

    >>> values, covariance = points(lambda m: m, torch.randn(50, 3, generator=torch.manual_seed(0)))
    >>> values.shape, covariance.shape
    (torch.Size([3]), torch.Size([3, 3]))
    """
    values, covariance = jackknife_covariance(f, *observables)
    return values, covariance * widening(len(observables[0]), len(values))


def widening(n: int, k: int) -> float:
    """By how much the covariance of k points from n draws is widened.  Raises `ValueError` for n < k + 3 draws."""
    if n < k + 3:
        raise ValueError(f"{n} draws for {k} points: their covariance has no inverse; take at least {k + 3} draws.")
    return (n - 1) / (n - k - 2)


def join(curves: Sequence[Curve]) -> Curve:
    """Curves that share no draw as one: all values (sum of k,) and their block diagonal covariance."""
    if not curves:
        raise ValueError("no curve to join: give at least one pair of values and covariance.")
    values, covariances = zip(*((given.doubles(v), given.doubles(c)) for v, c in curves), strict=True)
    return torch.cat(values), torch.block_diag(*covariances)


def bars(curve: Curve) -> list[Estimate]:
    """The points of a curve one by one, each with its own error bar: what a figure shows."""
    values, covariance = (given.doubles(part) for part in curve)
    return [Estimate(v, e) for v, e in zip(values.tolist(), covariance.diagonal().sqrt().tolist())]


def limit(sizes: Iterable[float], curves: Sequence[Curve], *, order: int = 1) -> Curve:
    """The k points at infinite size, from one curve at each size: k polynomials in 1 / size, fitted together.

    The curves of different sizes share no draw.  Raises `ValueError` as `fits.linear_fit` does, and for a size that is
    not above 0.
    """
    sizes = [float(size) for size in sizes]
    if not all(size > 0 for size in sizes) or len(sizes) != len(curves):
        raise ValueError(f"sizes {sizes} for {len(curves)} curves: give one size above 0 for each curve.")
    values, covariance = join(curves)
    k = len(curves[0][0])
    eye = torch.eye(k, dtype=torch.float64)
    design = [torch.cat([eye * size**-power for power in range(order + 1)], 1) for size in sizes]
    fit = fits.linear_fit(torch.cat(design), values, covariance)
    return fit.parameters[:k], fit.covariance[:k, :k]
