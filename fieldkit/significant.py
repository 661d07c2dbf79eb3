"""Which digits of a measured number mean anything?  Those above its error, which stands in brackets behind them.

value(error in units of the last digit shown),      0.31487 +- 0.00071 is 0.3149(7).
"""

from __future__ import annotations

import math
import re
from decimal import Decimal

RAISED = str.maketrans("+-0123456789", "⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def readable(value: float, error: float) -> str:
    """value(error), the error >= 0 in units of the last digit shown: one digit of it, two where its first digit is a 1.
    An error below the rounding of the value stands in the brackets as it is.

    >>> readable(-1.43365, 0.0123), readable(1234.5, 56.0), readable(3.2e-9, 4e-11)
    ('-1.434(12)', '1230(60)', '3.20(4)e-09')
    """
    if error < 0:
        raise ValueError(f"error = {error}: an error bar is a standard deviation; give it without a sign.")
    if not (math.isfinite(value) and math.isfinite(error)) or error == 0:
        return f"{value:.10g}({'exact' if error == 0 else f'{error:.2g}'})"
    top = max(abs(value), error)
    if error < 1e-15 * abs(value):  # below the rounding of the value: no digit of it is uncertain
        return f"{value:.16g}({error:.1g})"
    if top < 1e-4 or top >= 1e7:
        power = Decimal(top).adjusted()
        return f"{readable(*(float(Decimal(x).scaleb(-power)) for x in (value, error)))}e{power:+03d}"
    lead = math.floor(math.log10(error))
    places = -lead + (error < 1.95 * 10.0**lead)
    if round(error, places) >= 10.0 ** (lead + 1) * 1.95:  # 0.0196 would print as (20): one digit is enough
        places -= 1
    if places <= 0:
        return f"{round(value, places):.0f}({round(error, places):.0f})"
    bar = f"{round(error * 10**places):d}" if error < 1 else f"{error:.{places}f}"
    return f"{value:.{places}f}({bar})"


def compared(value: float, error: float) -> str:
    """An exact number, shown to one digit more than the error it is compared with."""
    if not (math.isfinite(value) and math.isfinite(error)) or error <= 0:
        return f"{value:.6g}"
    places = max(0, 1 - math.floor(math.log10(error)))
    plain = f"{value:.{min(places, 15)}f}"
    if abs(value) < 1e-4 and value != 0 and float(plain) != value:
        return f"{value:.3g}"
    return plain.rstrip("0").rstrip(".") if "." in plain and float(plain) == value else plain


def powers(text: str) -> str:
    r"""The text with the numbers that a computer writes with an e as people write them.

    >>> powers("off by 7e-15, allowed 1e-09; 3.20(4)e+12").replace("\u00a0", " ")  # a line does not break in a number
    'off by 7 × 10⁻¹⁵, allowed 10⁻⁹; 3.20(4) × 10¹²'
    """

    def written(match: re.Match[str]) -> str:
        power = "10" + str(int(match[2])).translate(RAISED)
        return power if match[1] == "1" else f"{match[1]}\u00a0×\u00a0{power}"

    return re.sub(r"(?<![\w.])(\d+(?:\.\d+)?(?:\(\d+\))?)e([-+]?\d+)\b", written, text)
