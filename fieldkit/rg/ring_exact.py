r"""What are the levels of a magnet on a ring?  The row-to-row transfer matrix of the Ising model, by free fermions.

    ln l = (L/2) ln(2 sinh 2K) + 1/2 sum_k e_k - sum of the occupied e_k,     cosh e_k = cosh 2K coth 2K - cos k

Even states (under spin flip): k = pi (2j + 1) / L, an even number of fermions.  Odd states: k = 2 pi j / L, an odd
number, where e_0 = -2K - ln tanh K keeps its sign: negative below T_c, so that it is then occupied for nothing and the
two ground states meet.  At T_c (cosh e_k = 2 - cos k) the levels are those of a conformal field theory, up to powers of
1/L: ln(l_0 / l_i) = 2 pi Delta_i / L, ln l_0 - L bulk = pi c / 6 L, with Delta = 1/8, 1, c = 1/2.
Sources: Schultz, Mattis and Lieb 1964; Cardy 1984; Bloete, Cardy and Nightingale 1986.
"""

from __future__ import annotations

import heapq
import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import ising_exact, onsager_exact

DELTA_SIGMA, DELTA_EPSILON, CENTRAL_CHARGE = 1 / 8, 1.0, 1 / 2
"""Of the critical square-lattice Ising model: spin, energy, central charge (Belavin, Polyakov, Zamolodchikov 1984)."""

Y_T, Y_H = 2 - DELTA_EPSILON, 2 - DELTA_SIGMA
"""Its renormalisation-group exponents, 1 and 15/8 (Onsager 1944; Yang 1952)."""


def log_levels(L: int, T: float, *, odd: bool, n: int = 6) -> Tensor:
    """The n largest ln l of even or odd states of a ring of L >= 2 spins at temperature T, (n,), largest first; all
    2^(L-1) of a kind where there are no more.

    L = 2 has two bonds between its spins.  Raises `ValueError` for L < 2.
    """
    given.whole("L", L, least=2, why="a ring has at least two spins")
    given.whole("n", n, least=1, why="a spectrum has a largest level")
    given.positive("T", T, why="a temperature is positive")
    if not 1e-300 <= T <= 1e300:
        raise ValueError(f"T = {T}: 1 / T leaves the range of numbers; choose T from 1e-300 to 1e300.")
    K = 1 / T
    k = math.pi * (2 * torch.arange(L, dtype=torch.float64) + (0 if odd else 1)) / L
    # cosh e - 1 without cancellation: (sinh 2K - 1)^2 / sinh 2K + 2 sin^2(k/2)
    if K < 20:
        above = (math.sinh(2 * K) - 1) ** 2 / math.sinh(2 * K) + 2 * torch.sin(k / 2) ** 2
        e = torch.log1p(above + above.sqrt() * (above + 2).sqrt())
    else:
        e = 2 * K + torch.log1p(-2 * math.exp(-2 * K) * torch.cos(k))
    if odd:
        e[0] = -2 * K - math.log(math.tanh(K))
    top = L / 2 * (2 * K + math.log(-math.expm1(-4 * K))) + 0.5 * float(e.sum())
    return top - torch.tensor(_lowest(sorted(e.tolist()), min(n, 2 ** (L - 1)), odd), dtype=torch.float64)


def dimension(L: int, *, odd: bool, level: int | None = None, T: float = ising_exact.T_CRITICAL) -> float:
    """L / 2 pi ln(l_0 / l_i): at T_c Delta_sigma of the ring for odd states (level 0), Delta_epsilon for even (1).

    Elsewhere it runs with L / xi, the first to 0 below T_c, both to infinity above.
    """
    level = (0 if odd else 1) if level is None else level
    given.whole("level", level, least=0, why="levels are counted from the largest, number 0")
    ground = log_levels(L, T, odd=False, n=1)[0]
    other = log_levels(L, T, odd=odd, n=level + 1)
    if level >= len(other):
        raise ValueError(f"level = {level}: this ring has {len(other)} levels of that kind; choose a smaller one.")
    return float(L / (2 * math.pi) * (ground - other[level]))


def central_charge(L: int) -> float:
    """6 L / pi (ln l_0 - L bulk) at T_c, 1/2 up to 1/L^2."""
    top = float(log_levels(L, ising_exact.T_CRITICAL, odd=False, n=1)[0])
    return 6 * L / math.pi * (top - L * bulk(ising_exact.T_CRITICAL))


def bulk(T: float) -> float:
    """ln Z per site of the infinite lattice, -f / T (Onsager 1944)."""
    return -onsager_exact.onsager_free_energy(T) / T


def dense_levels(L: int, T: float) -> Tensor:
    """ln of all 2^L eigenvalues, largest first, from the matrix itself: slow and plain on purpose, L <= 10.

    The matrix is B B^T with B the bonds along the ring times the root of those across, and its eigenvalues are squares
    of singular values of B, which halves the loss of digits of small ones.  Raises `ValueError` where the smallest
    drowns in rounding, far from T_c.
    """
    given.whole("L", L, least=2, why="a ring has at least two spins")
    given.positive("T", T, why="a temperature is positive")
    if L > 10:
        raise ValueError(f"L = {L}: the matrix has 2^L rows; use L <= 10, or `log_levels`.")
    rows = ising_exact.all_states(1, L)[:, 0].double()
    inside = torch.exp(((rows * rows.roll(-1, 1)).sum(1) - L) / (2 * T))  # an aligned bond weighs 1
    a, c = math.sqrt(1 + math.exp(-2 / T)) / 2, math.sqrt(-math.expm1(-2 / T)) / 2
    root, across = torch.tensor([[a + c, a - c], [a - c, a + c]], dtype=torch.float64), torch.ones(1, 1).double()
    for _ in range(L):
        across = torch.kron(across, root)
    values = torch.linalg.svdvals(inside[:, None] * across)
    if not values[-1] > 1e-10 * values[0]:
        raise ValueError(f"T = {T}, L = {L}: the smallest eigenvalue drowns in rounding; use `log_levels`.")
    return 2 * values.log() + 2 * L / T


def _lowest(e: list[float], n: int, odd: bool) -> list[float]:
    """The n smallest sums of an odd or even number of the ascending energies e, of which the first may be negative.

    Every choice comes from one a step below it: its last member moved on by one, or the next one added.
    """
    flip = e[0] < 0  # occupied is the lower state then: count from there, with its sign and the parity turned
    base, e = (e[0], sorted([-e[0], *e[1:]])) if flip else (0.0, e)
    wanted = odd != flip
    found = [] if wanted else [base]
    heap: list[tuple[float, int, tuple[int, ...]]] = [(e[0], 0, (0,))]
    while len(found) < n:
        total, last, chosen = heapq.heappop(heap)
        if len(chosen) % 2 == wanted:
            found.append(base + total)
        if last + 1 < len(e):
            longer, moved = (*chosen, last + 1), (*chosen[:-1], last + 1)
            for following in (longer, moved):
                heapq.heappush(heap, (sum(e[i] for i in following), last + 1, following))
    return found[:n]
