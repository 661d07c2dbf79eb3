r"""Does a number that somebody printed hold?  It is weighed as it stands, with the bar or the digits that it has.

    0.359025(979)     a value and its own error: the difference counts in both errors together,
    3.0840609480877   no error: the last digit may be rounded or cut, so that one unit of it is what the print promises.

A row of the ledger has one of three verdicts.  Agrees: within four errors, or to the last digit printed.
Disagrees: not so, and a third way, which has nothing to do with either side, decides who is right.  Cannot be
reproduced: what is printed does not determine the number.  How a measurement with an error is written follows the
usual rule that the digits in brackets count units of the last digit shown (BIPM, Guide to the Expression of
Uncertainty in Measurement, 2008).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from fieldkit.estimates import Estimate

AGREES, DISAGREES, CANNOT = "agrees", "disagrees", "cannot be reproduced"
VERDICTS = (AGREES, DISAGREES, CANNOT)
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.(\d*))?|\.(\d+)))(?:\((\d+(?:\.\d+)?)\))?(?:[eE]([+-]?\d+))?")


@dataclass(frozen=True)
class Printed:
    """A number as it stands in print: its text, value, one-sigma error (0 where none is printed) and one unit of its
    last digit."""

    text: str
    value: float
    error: float
    unit: float


@dataclass(frozen=True)
class Judgement:
    """How ours compares with what is printed.

    bar: whether one of the two has an error, so that pull counts errors; else it counts units of the last digit.
    """

    pull: float
    bar: bool
    agrees: bool


def read(text: str) -> Printed:
    """What a printed number says: "0.3149(7)", "1.2e-3", "0.359025(979)"; a bracket with a point, as in "10.8(0.1)", is
    the error itself.

    Raises `ValueError` for a text that is no such number, and `TypeError` for what is no text.

    >>> read("0.359025(979)")
    Printed(text='0.359025(979)', value=0.359025, error=0.000979, unit=1e-06)
    """
    if not isinstance(text, str):
        raise TypeError(f'printed = {text!r}: give the number as it is printed, in quotes, as in "0.3149(7)".')
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise ValueError(f'printed = "{text}": no number as one prints it; write 0.3149, 0.3149(7) or 1.2e-3.')
    digits, places, bar, power = match[1], len(match[2] or match[3] or ""), match[4], match[5] or "0"
    value, unit = float(f"{digits}e{power}"), float(f"1e{int(power) - places}")
    if not (math.isfinite(value) and 0 < unit < math.inf):
        raise ValueError(f'printed = "{text}": beyond what a float64 holds, 1e-323 to 1e308; change its unit.')
    error = 0.0
    if bar:
        error = float(f"{bar}e{power}") if "." in bar else float(f"{bar}e{int(power) - places}")
    return Printed(text.strip(), value, error, unit)


def judge(printed: Printed, ours: Estimate, within: float = 0.0) -> Judgement:
    """Compare ours, its error 0 where it is computed and not measured, with what is printed.

    within: what the method promises of a computed value; less than that decides nothing.  The rounding of a printed
    value adds its spread, a unit over the square root of twelve, to an error.  Raises `ValueError` for ours not finite
    or within negative.
    """
    if not (math.isfinite(ours.value) and math.isfinite(ours.error)):
        raise ValueError(f"ours = {ours}: only a finite number can be compared with a printed one.")
    if not 0 <= within < math.inf:
        raise ValueError(f"within = {within}: what a method promises is a distance, zero or more.")
    off = ours.value - printed.value
    if ours.error == 0 == printed.error:
        slack = within + 8 * math.ulp(printed.value)  # a print with as many digits as a double
        units = math.copysign(max(abs(off) - slack, 0.0), off) / printed.unit
        return Judgement(units, False, abs(units) <= 1)
    spread = math.hypot(ours.error, printed.error, printed.unit / math.sqrt(12))
    return Judgement(off / spread, True, abs(off / spread) <= 4)


def verdict(printed: Printed, ours: Estimate | None, third: Estimate | None, within: float = 0.0) -> str:
    """Which of `VERDICTS`: without ours it cannot be reproduced, and a disagreement needs a third way that sides with
    ours and not with the print, or it is none of the three: "undecided"."""
    if ours is None:
        return CANNOT
    if judge(printed, ours, within).agrees:
        return AGREES
    if third is None or judge(printed, third).agrees:
        return "undecided"
    spread = math.hypot(ours.error, third.error) * 4 or max(within, 1e-9 * max(1.0, abs(third.value)))
    return DISAGREES if abs(ours.value - third.value) <= spread else "undecided"


def digits(printed: Printed, ours: float) -> int:
    """To how many significant digits two numbers agree, at most those that are printed, and fifteen.

    >>> digits(read("0.6943"), 0.69431)
    4
    """
    _finite(ours)
    top = max(1, round(math.log10(abs(printed.value) / printed.unit) + 0.5)) if printed.value else 1
    off = abs(ours - printed.value)
    same = top if off == 0 else math.floor(math.log10(max(abs(printed.value), printed.unit) / off) + 0.3)
    return max(0, min(top, same, 15))


def shown(printed: Printed, ours: float) -> str:
    """Ours with two digits more than are printed, at most fifteen.

    >>> shown(read("0.6943"), 0.69431234567)
    '0.694312'
    """
    _finite(ours)
    places = max(0, round(-math.log10(printed.unit))) + 2
    size = math.floor(math.log10(abs(ours))) + 1 if ours else 1
    return f"{ours:.{max(1, min(15, places + size))}g}" if abs(ours) < 1e7 else f"{ours:.15g}"


def _finite(ours: float) -> None:
    if not math.isfinite(ours):
        raise ValueError(f"ours = {ours}: only a finite number can be compared with a printed one.")
