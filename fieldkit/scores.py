r"""How good is an estimate with a bar?  The logarithmic score, which on average only the honest bar makes smallest.

    score = z^2 / 2 + ln(error / reference),        z = (value - truth) / error;

1/2 on average for an honest bar as sharp as the reference.  Whoever made the process knows the error h of the plain
mean; then the luck can be taken out.  A bar s costs, on average and beyond the honest one,

    excess = 1/2 (h / s)^2 + ln(s / h) - 1/2 :        0.81 for s = h / 2, 0.32 for s = 2 h, 0.15 for s = h / sqrt 2.

Pulls with the reader's own bar cannot do this: a wide bar hides a wild value, and some tens of pulls do not tell a bar
that is a factor sqrt 2 too small from luck.  Sources: Good 1952 (the logarithmic score); Gneiting and Raftery 2007
(scores that honesty makes smallest).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from fieldkit import given
from fieldkit.estimates import Estimate

CAP = 8.0  # one answer costs no more: a single wild value must not undo thirty honest ones
FREE, SLOPE = 0.022, 0.1  # where every right method that was tried lies; bars 1.5 times off reach the end of the slope


def log_score(found: Estimate, truth: float, *, reference: float) -> float:
    """z^2 / 2 + ln(error / reference), at most `CAP`.

    found: in the units of truth and reference, the bar of the best method known.  A bar under a tenth of the reference
    counts as a tenth: nobody is paid for a truth that was looked up.  No bar, an infinite one or a value that is not
    finite costs the cap.  Raises `ValueError` unless reference > 0 and truth is finite, `TypeError` for what is no
    estimate or no number.

    >>> log_score(Estimate(1.0, 0.5), 1.0, reference=0.5), log_score(Estimate(1.5, 0.5), 1.0, reference=0.5)
    (0.0, 0.5)
    """
    given.positive("reference", reference, why="it is the bar of the best method known")
    if not isinstance(found, Estimate):
        raise TypeError(f"a {type(found).__name__}: what is scored is an `Estimate`, a value with its bar.")
    given.number("truth", truth, why="a score compares with a number; find what the truth is")
    if not (math.isfinite(found.value) and 0 < found.error < 1e6 * reference):
        return CAP
    error = max(found.error, reference / 10)
    z = min(abs((found.value - truth) / error), 1e100)  # its square stays a number
    return min(0.5 * z * z + math.log(error / reference), CAP)


def excess(bar: float, honest: float) -> float:
    """What a bar costs on average beyond the honest one: 1/2 (honest / bar)^2 + ln(bar / honest) - 1/2, from 0 to
    `CAP`; the cap for a bar that is none (0, negative, not finite).  Raises `ValueError` unless honest > 0.

    >>> [round(excess(bar, 1.0), 3) for bar in (0.5, 1.0, 2.0)]
    [0.807, 0.0, 0.318]
    """
    given.positive("honest", honest, why="it is the standard deviation of the value over repetitions")
    if not (math.isfinite(bar) and bar > 0):
        return CAP
    ratio = min(honest / bar, 1e100)
    return min(0.5 * ratio * ratio + math.log(bar) - math.log(honest) - 0.5, CAP)


def share(costs: Sequence[float]) -> float:
    """What part of the points the average cost leaves, from 1 to 0: all up to `FREE`, none from `FREE` + `SLOPE` on.
    Raises `ValueError` for no costs, or one that is not a number; `TypeError` for other things than numbers.

    >>> share([0.0, 0.02]), round(share([0.072]), 6), share([0.3])
    (1.0, 0.5, 0.0)
    """
    x = given.doubles(costs).flatten()
    if not len(x):
        raise ValueError("no costs: points are given for at least one answer; ask for one.")
    if bool(x.isnan().any()):
        raise ValueError(f"costs = {x.tolist()}: an answer costs a number; find where the nan comes from.")
    return min(1.0, max(0.0, 1 - (float(x.mean()) - FREE) / SLOPE))
