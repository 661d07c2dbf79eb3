r"""What does the expansion about four dimensions say, exactly?  Exponents of O(N) to eps^3, eps = 4 - d.

    beta(g)  = -eps g + (N+8)/3 g^2 - (3N+14)/3 g^3 + [33N^2 + 922N + 2960 + 96(5N+22) zeta(3)]/216 g^4
    1/nu(g)  = 2 - (N+2)/3 g + 5(N+2)/18 g^2 - (N+2)(5N+37)/36 g^3,     eta(g) = (N+2)/18 g^2 - (N+2)(N+8)/216 g^3

minimal subtraction, three loops; beta(g*) = 0, omega = beta'(g*).  Coefficients are exact: a rational number and a
rational multiple of zeta(3) each.  The series are asymptotic: at eps = 1 the third order is no better than the second.
Sources: Wilson and Fisher 1972; Brezin, Le Guillou, Zinn-Justin and Nickel 1973; Kleinert and Schulte-Frohlinde 2001.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction as F

from fieldkit import given

ZETA3 = 1.2020569031595942854
"""zeta(3) = sum 1/n^3 (Apery's constant)."""

ORDER = 3


@dataclass(frozen=True)
class Series:
    """sum_k (rational_k + zeta3_k zeta(3)) eps^k, k = 0 ... 3; call it with eps and the order to keep.

    >>> print(eta().rational[2], eta().rational[3], round(eta()(1.0, order=2), 4))
    1/54 109/5832 0.0185
    """

    rational: tuple[F, ...]
    zeta3: tuple[F, ...]

    def __call__(self, eps: float, *, order: int = ORDER) -> float:
        given.whole("order", order, least=0, why="a series is cut off somewhere")
        if order > ORDER:
            raise ValueError(f"order = {order}: three loops are known here; choose order <= {ORDER}.")
        return sum((float(a) + float(z) * ZETA3) * eps**k for k, (a, z) in enumerate(self._terms()) if k <= order)

    def _terms(self) -> list[tuple[F, F]]:
        return list(zip(self.rational, self.zeta3))

    def __add__(self, other: Series) -> Series:
        return Series(
            tuple(a + b for a, b in zip(self.rational, other.rational)),
            tuple(a + b for a, b in zip(self.zeta3, other.zeta3)),
        )

    def __mul__(self, other: Series | F | int) -> Series:
        if not isinstance(other, Series):
            return Series(tuple(a * other for a in self.rational), tuple(z * other for z in self.zeta3))
        rational, zeta3 = [F(0)] * (ORDER + 1), [F(0)] * (ORDER + 1)
        for i, (a, z) in enumerate(self._terms()):
            for j, (b, y) in enumerate(other._terms()):
                if i + j <= ORDER:  # zeta(3)^2 would come at eps^6
                    rational[i + j] += a * b
                    zeta3[i + j] += a * y + z * b
        return Series(tuple(rational), tuple(zeta3))

    __rmul__ = __mul__


def coupling(N: int = 1) -> Series:
    """g*, the root of beta beside 0, order by order."""
    a, b, c, c_zeta = _beta(N)
    g = _series(0)
    for _ in range(ORDER):  # g = [eps + b g^2 - c g^3] / a, one more order a turn
        cubic = g * g * g
        g = (_series(0, 1) + g * g * b + cubic * -c + Series(tuple([F(0)] * 4), (cubic * -c_zeta).rational)) * (
            F(1) / a
        )
    return g


def omega(N: int = 1) -> Series:
    """omega = beta'(g*): eps - 17/27 eps^2 + ... for N = 1."""
    a, b, c, c_zeta = _beta(N)
    g = coupling(N)
    square, cubic = g * g, g * g * g
    zeta = Series(tuple([F(0)] * 4), (cubic * (4 * c_zeta)).rational)
    return _series(0, -1) + g * (2 * a) + square * (-3 * b) + cubic * (4 * c) + zeta


def eta(N: int = 1) -> Series:
    """eta = eps^2 / 54 + 109 eps^3 / 5832 for N = 1."""
    g = coupling(N)
    return g * g * F(N + 2, 18) + g * g * g * F(-(N + 2) * (N + 8), 216)


def inverse_nu(N: int = 1) -> Series:
    """1 / nu."""
    g = coupling(N)
    return _series(2) + g * F(-(N + 2), 3) + g * g * F(5 * (N + 2), 18) + g * g * g * F(-(N + 2) * (5 * N + 37), 36)


def nu(N: int = 1) -> Series:
    """nu = 1/2 + eps/12 + 7 eps^2 / 162 + ... for N = 1."""
    x = inverse_nu(N) * F(-1, 2) + _series(1)  # nu = 1/2 / (1 - x)
    total, power = _series(1), _series(1)
    for _ in range(ORDER):
        power = power * x
        total = total + power
    return total * F(1, 2)


def gamma(N: int = 1) -> Series:
    """gamma = nu (2 - eta)."""
    return nu(N) * (_series(2) + eta(N) * -1)


def alpha(N: int = 1) -> Series:
    """alpha = 2 - d nu, of the specific heat."""
    return _series(2) + nu(N) * _series(-4, 1)


def beta(N: int = 1) -> Series:
    """beta = nu (d - 2 + eta) / 2, of the order parameter: 1/2 - eps/6 + ... for N = 1."""
    return nu(N) * (_series(2, -1) + eta(N)) * F(1, 2)


def _beta(N: int) -> tuple[F, F, F, F]:
    given.whole("N", N, least=1, why="a field has components")
    return F(N + 8, 3), F(3 * N + 14, 3), F(33 * N**2 + 922 * N + 2960, 216), F(96 * (5 * N + 22), 216)


def _series(*coefficients: int) -> Series:
    padded = [F(c) for c in coefficients] + [F(0)] * (ORDER + 1 - len(coefficients))
    return Series(tuple(padded), tuple([F(0)] * (ORDER + 1)))
