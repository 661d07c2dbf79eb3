r"""How unlikely is this deviation?  Each test turned into the one number of the book, a draw from the unit Gaussian.

    z with Phi(-z) = P(a deviation as large or larger, if the truth is true).

A bar from n independent things is itself uncertain: (value - truth) / bar follows Student's t with n - 1 degrees of
freedom, not a Gaussian (Student 1908).  Points r off their truths, with covariance C, make chi^2 = r C^-1 r, for k
points a draw of the chi^2 law; if C was itself estimated from n independent things, Hotelling's T^2 follows
k (n - 1)/(n - k) F(k, n - k) instead (Hotelling 1931).  Every test that is right gives z a unit Gaussian, so that all
of them can stand in one histogram.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.estimates import Estimate


def of_student(t: float, degrees: float) -> float:
    """The Gaussian equivalent of Student's t with `degrees` > 0 degrees of freedom: same sign, same probability of the
    tail.

    Raises `ValueError` for degrees that are not positive.

    >>> of_student(-4.39, 15), of_student(2.0, 1e9)
    (-3.4664..., 1.9999...)
    """
    from scipy import special

    if not degrees > 0:
        raise ValueError(f"degrees = {degrees}: a bar needs at least two independent things; take more.")
    t = float(t)
    if math.isinf(degrees) or not math.isfinite(t):
        return t
    tail = float(special.stdtr(degrees, -abs(t)))
    return math.copysign(_sigmas(math.log(tail) if tail > 1e-280 else _log_student(abs(t), degrees)), t)


def of_estimate(measured: Estimate, truth: Estimate, independent: int | None) -> float:
    """The pull of measured on truth; where the bar comes from so few independent things that it matters, as
    `of_student`, with the degrees of freedom that a truth of known error adds (Welch 1947).

    Raises `ValueError` for independent < 2 and `TypeError` for one that is not whole.
    """
    pull = measured.pull(truth)
    if independent is None:
        return pull
    given.whole("independent", independent, least=2, why="a bar comes from at least two independent things")
    return of_student(pull, (independent - 1) * (1 + (truth.error / measured.error) ** 2) ** 2)


def of_chi_squared(chi2: float, points: int, *, independent: int | None = None) -> float:
    """The Gaussian equivalent of chi^2 over `points` points: above 0 where it is larger than its median, below where
    it is smaller, which happens when bars are too wide or points not as independent as they are said to be.

    independent: the number n of independent things from which the covariance was estimated (Hotelling); None for a
    covariance that is known.  Raises `ValueError` for chi2 < 0 or infinite and where n <= points, `TypeError` for a
    number of points that is not whole.
    """
    from scipy import special, stats

    given.whole("points", points, least=1, why="chi^2 adds the squares of at least one pull")
    given.not_negative("chi2", chi2, why="a finite sum of squares; check the covariance and the points")
    a, x = points / 2, float(chi2) / 2
    if independent is None:
        above, below = stats.chi2.logsf(chi2, points), stats.chi2.logcdf(chi2, points)
        if above == -math.inf:  # smaller than a float64: the leading term of the incomplete gamma function
            above = (a - 1) * math.log(x) - x - special.gammaln(a) - math.log1p((1 - a) / x)
        if below == -math.inf and x > 0:
            below = a * math.log(x) - special.gammaln(a + 1)
    else:
        _enough(independent, points)
        b = (independent - points) / 2
        ratio = float(chi2) / (independent - 1)  # of the odds of a beta law
        law = stats.f(points, independent - points)
        above, below = law.logsf(ratio * b / a), law.logcdf(ratio * b / a)
        if above == -math.inf:
            above = -b * math.log(ratio) - math.log(b) - special.betaln(a, b)
        if below == -math.inf and x > 0:
            below = a * math.log(ratio) - math.log(a) - special.betaln(a, b)
    return _sigmas(above) if above < below else -_sigmas(below)


def chi_squared(deviations: Tensor, covariance: Tensor) -> float:
    """deviations (k,), covariance (k, k) -> r C^-1 r.

    The points are measured in units of their bars first, so that points of very different size do no harm.  Raises
    `ValueError` for other shapes, numbers that are not finite, a bar that is zero, and a covariance that is not
    symmetric, or under which some combination of the points has no spread: then one of them says nothing that the
    others have not said.
    """
    r, c = given.numbers(deviations).double().cpu(), given.numbers(covariance).double().cpu()
    if r.dim() != 1 or c.shape != (len(r), len(r)) or len(r) == 0:
        raise ValueError(
            f"deviations {tuple(r.shape)} with covariance {tuple(c.shape)}: k points have a k x k covariance."
        )
    bars = c.diagonal().clamp_min(0).sqrt()
    if not bool(torch.isfinite(r).all() and torch.isfinite(c).all() and (bars > 0).all()):
        raise ValueError("a deviation or a bar is not finite, or a bar is 0; leave out points that are exact.")
    given.symmetric(c)
    values, vectors = torch.linalg.eigh(c / bars.outer(bars))
    if values[0] < 1e-12 * len(r):
        raise ValueError(
            f"the covariance has the eigenvalue {values[0]:.1e} in units of the bars: some points determine others "
            "exactly, or there are more points than independent things; weigh fewer points."
        )
    return ((vectors.T @ (r / bars)).square() / values).sum().item()


def _log_student(t: float, degrees: float) -> float:
    """ln P(T > t) where the probability is no float64: the density at t times the integral of what it falls to."""
    from scipy import integrate, special

    log_w = 2 * math.log(t) - math.log(degrees)  # w = t^2 / degrees
    share = 1 / (1 + math.exp(-log_w))  # w / (1 + w)

    def fall(s: float) -> float:  # of the density times T, over ln T = ln t + s
        return math.exp(s - (degrees + 1) / 2 * math.log1p(share * math.expm1(2 * s)))

    width = 40 / ((degrees + 1) * share - 1)  # 40 factors of e, at the first rate
    area = integrate.quad(fall, 0, width, epsabs=0, epsrel=1e-10)[0]
    norm = special.gammaln((degrees + 1) / 2) - special.gammaln(degrees / 2) - 0.5 * math.log(degrees * math.pi)
    if degrees > 1e6:  # the two logarithms cancel
        norm = -0.5 * math.log(2 * math.pi) - 0.25 / degrees
    log_1w = log_w + math.log1p(math.exp(-log_w)) if log_w > 0 else math.log1p(math.exp(log_w))
    return norm - (degrees + 1) / 2 * log_1w + math.log(t) + math.log(area)


def _enough(independent: int, points: int) -> None:
    given.whole("independent", independent, least=2, why="a covariance is estimated from independent things")
    if independent <= points:
        raise ValueError(
            f"independent = {independent}: a covariance of {points} points needs more than {points} independent "
            "things; take more of them, or weigh fewer points."
        )


def _sigmas(log_tail: float) -> float:
    """z >= 0 with Phi(-z) = exp(log_tail), for tails down to the smallest."""
    from scipy import special

    return max(0.0, -float(special.ndtri_exp(log_tail)))
