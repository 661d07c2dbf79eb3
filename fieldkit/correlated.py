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
    """By how much the covariance of k points from n draws is widened.  Raises `ValueError` for n < k + 3 draws or
    k < 1, `TypeError` for numbers that are not whole."""
    given.whole("k", k, least=1, why="a curve has points")
    given.whole("n", n, least=1, why="draws are counted")
    if n < k + 3:
        raise ValueError(f"{n} draws for {k} points: their covariance has no inverse; take at least {k + 3} draws.")
    return (n - 1) / (n - k - 2)


def join(curves: Sequence[Curve]) -> Curve:
    """Curves that share no draw as one: all values (sum of k,) and their block diagonal covariance.

    Raises `ValueError` for no curve, and for a covariance that does not fit its values."""
    if not curves:
        raise ValueError("no curve to join: give at least one pair of values and covariance.")
    values, covariances = zip(*(_read(curve) for curve in curves), strict=True)
    return torch.cat(values), torch.block_diag(*covariances)


def bars(curve: Curve) -> list[Estimate]:
    """The points of a curve one by one, each with its own error bar: what a figure shows.  Raises as `join`."""
    values, covariance = _read(curve)
    return [Estimate(v, e) for v, e in zip(values.tolist(), covariance.diagonal().sqrt().tolist())]


def limit(sizes: Iterable[float], curves: Sequence[Curve], *, order: int = 1) -> Curve:
    """The k points at infinite size, from one curve at each size: k polynomials in 1 / size with common weights.

    The curves of different sizes share no draw.  A size counts by one over its variance, relative to that of the other
    sizes and on average over the points.  Where the covariances of all sizes are alike this is the best there is,
    however the points of one curve lie together (Zellner 1962); and the result does not lean on details of covariances
    that were measured on few draws, as a fit with all of them would: it then strays by more than it says.

    Raises `ValueError` as `fits.linear_fit` does, for curves of different numbers of points, and for a size that is not
    above 0.
    """
    given.whole("order", order, least=0, why="a polynomial has an order")
    sizes = given.doubles(list(sizes)).flatten().cpu()
    if not bool((sizes > 0).all()) or len(sizes) != len(curves):
        raise ValueError(f"sizes {sizes.tolist()} for {len(curves)} curves: give one size above 0 for each curve.")
    values, covariances = (torch.stack(part).cpu() for part in _alike(curves))
    variances = covariances.diagonal(dim1=1, dim2=2)
    relative = (variances / variances.mean(0)).nan_to_num(1.0).mean(1)  # a point that is known at all sizes: 0/0
    inverse = sizes[:, None] ** -torch.arange(order + 1, dtype=torch.float64)
    fit = fits.linear_fit(inverse, torch.zeros_like(sizes), relative)
    share = (fit.covariance @ inverse.T / relative)[0]  # of each size in the limit
    return share @ values, torch.einsum("i,ijk->jk", share.square(), covariances)


def _alike(curves: Sequence[Curve]) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    values, covariances = zip(*(_read(curve) for curve in curves), strict=True)
    if len(counts := {len(v) for v in values}) > 1:
        raise ValueError(f"curves of {sorted(counts)} points: give the same points at each size.")
    return values, covariances


def _read(curve: Curve) -> Curve:
    values, covariance = (given.doubles(part) for part in curve)
    k = len(values) if values.dim() == 1 else 0
    finite = bool(values.isfinite().all() and covariance.isfinite().all())
    if k == 0 or covariance.shape != (k, k) or not finite or not bool((covariance.diagonal() >= 0).all()):
        raise ValueError(
            f"values {tuple(values.shape)} with covariance {tuple(covariance.shape)}: a curve is (k,) and (k, k), all "
            "finite, with variances on the diagonal that are not negative."
        )
    given.symmetric(covariance)
    return values, covariance
