"""What is known exactly about the infinite square-lattice Ising model?  H = -sum_<xy> s_x s_y, k_B = J = 1, K = 1/T.

Free energy, energy and specific heat (Onsager 1944, Phys. Rev. 65, 117), magnetisation (Yang 1952, Phys. Rev. 85, 808),
written so that no digit is lost near T_c, at T = 0 and at great T.  `ising_exact` has the finite torus.
"""

from __future__ import annotations

import math

from scipy import integrate

from fieldkit import given
from fieldkit.lattice.ising import T_CRITICAL


def refuse_cold(T: float) -> None:
    """Refuse what is no temperature, and one whose inverse leaves the range of numbers."""
    given.positive("T", T, why=f"a temperature is positive (T_c = {T_CRITICAL:.6f})")
    if T < 1e-300:
        raise ValueError(f"T = {T}: 1 / T leaves the range of numbers; at T = 1e-300 nothing moves either.")


def onsager_free_energy(T: float) -> float:
    """Free energy per site f = -T ln Z / N of the infinite lattice at temperature T > 0 (Onsager 1944).

    -f/T = ln(2 cosh 2K) + (1/pi) int_0^{pi/2} ln[(1 + sqrt(1 - k^2 sin^2 t))/2] dt with k = 2 sinh 2K / cosh^2 2K, and
    1 - k^2 = (2 tanh^2 2K - 1)^2, which is how the root is computed without cancellation.
    """
    refuse_cold(T)
    tanh2 = math.tanh(2 / T) ** 2
    k1 = (2 * tanh2 - 1) ** 2

    def integrand(t: float) -> float:
        return math.log((1 + math.sqrt(k1 * math.sin(t) ** 2 + math.cos(t) ** 2)) / 2)

    integral = integrate.quad(integrand, 0, math.pi / 2, epsabs=1e-14, epsrel=1e-14)[0]
    return -2 - T * (math.log1p(math.exp(-4 / T)) + integral / math.pi)


def onsager_energy(T: float) -> float:
    """Energy per site of the infinite lattice, -sqrt(2) at T_c (Onsager 1944).

    u = -coth 2K [1 + (2/pi) (2 tanh^2 2K - 1) K(k)], K(k) the complete elliptic integral of the first kind.  With the
    mean M = 1 - x of `_mean` the bracket is (2 - x - d) / M below T_c and (d - x) / M above, where near equals would
    cancel otherwise.
    """
    refuse_cold(T)
    tanh, d = math.tanh(2 / T), _modulus(T)
    if d >= 1:
        return -1 / tanh
    x, _ = _mean(d)
    if T < T_CRITICAL:
        return -(2 - x - d) / (1 - x) / tanh
    return -2 * tanh * ((d - x) / d if d > 0 else 0.5) / (1 - x)


def onsager_specific_heat(T: float) -> float:
    """Specific heat du/dT per site of the infinite lattice, which diverges as a logarithm at T_c (Onsager 1944).

    c = (4/pi) (K coth 2K)^2 { K(k) - E(k) - (1 - tanh^2 2K) [pi/2 + (2 tanh^2 2K - 1) K(k)] }.  In the terms of `_mean`
    the bracket is pi / 2M times d^2/4 + d x/2 + r below T_c, and x - d x/2 + d^2/4 + r above: nothing cancels, at
    64 exp(-8K) K^2 nor at 2 K^2.
    """
    refuse_cold(T)
    tanh, d = math.tanh(2 / T), _modulus(T)
    if d > 1 - 1e-15:
        raise ValueError(f"T = {T}: the specific heat diverges at T_c; choose another T, or a finite torus.")
    x, rest = _mean(d)
    bracket = d * d / 4 + rest + (d * x / 2 if T < T_CRITICAL else x - d * x / 2)
    return 2 * bracket / (1 - x) / (T * tanh) / (T * tanh)  # one by one: T^2 may leave the range of numbers


def _modulus(T: float) -> float:
    """d = 1 - |2 tanh^2 2K - 1|: 2 / cosh^2 2K below T_c, 2 tanh^2 2K above."""
    e = math.exp(-2 / T)
    return 2 * (2 * e / (1 + e * e)) ** 2 if T < T_CRITICAL else 2 * math.tanh(2 / T) ** 2


def _mean(d: float) -> tuple[float, float]:
    """x = 1 - M, with M = pi / (2 K(k)) the arithmetic-geometric mean of 1 and 1 - d, and r with E(k) / K(k) = 1 - s,
    s = d - d^2 / 4 + r, the sum of 2^(n - 1) c_n^2 (Abramowitz and Stegun 1964, 17.6).  All steps are taken in
    distances from 1."""
    a, b, rest, weight = d / 2, d / (1 + math.sqrt(1 - d)), 0.0, 2.0
    while abs(b - a) > 1e-16 * b:
        rest += weight * ((b - a) / 2) ** 2
        a, b, weight = (a + b) / 2, (a + b - a * b) / (1 + math.sqrt((1 - a) * (1 - b))), 2 * weight
        if weight > 1e6:  # rounding may keep a bit between them
            break
    return (a + b) / 2, rest


def yang_magnetization(T: float) -> float:
    """Spontaneous magnetisation of the infinite lattice, (1 - sinh(2K)^-4)^(1/8) below T_c and 0 above (Yang 1952)."""
    refuse_cold(T)
    e = math.exp(-2 / T)  # 1 / sinh 2K = 2 e / (1 - e^2), which is 0 where sinh overflows
    return (1 - (2 * e / (1 - e * e)) ** 4) ** 0.125 if T < T_CRITICAL else 0.0
