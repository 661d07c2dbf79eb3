r"""How does a magnet too large for its whole law magnetise?  Exact <m^2> and <m^4> of the periodic Ising square.

    Z(h) = sum over states of exp(-H/T + h M) = Z_0 + Z_1 h + ... + Z_4 h^4 + O(h^5),        <M^k> = k! Z_k / Z_0.

The transfer matrix of `ising_exact.magnetization_law` keeps the weight of every possible count of up spins, L^2 + 1
numbers for each row; five coefficients of a power series in the field h are enough for the fourth moment, so that the
same sum reaches a side or three further.  Beyond L = 14 no method that is exact and short of 2^L numbers gives <m^4>:
in a field the model is not solved.  Odd powers of |m| need the whole law.

Source: Binder 1981, Z. Phys. B 43, 119 (the cumulant); the series is plain differentiation.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given

ORDER = 4  # of the series in the field
LARGEST = 14


def even_moments(L: int, T: float) -> tuple[float, float]:
    """<m^2> and <m^4> of the periodic L x L lattice at temperature T, m = sum(s)/L^2, to about 1e-12; 2 <= L <= 14.

    L = 11 takes a few seconds on one core, each step further about four times as long: a few minutes at L = 14.
    Raises ValueError for another L, or T that is not positive and finite.
    """
    given.positive("T", T, why="a temperature is positive")
    given.whole("L", L, least=2, why="a spin needs a neighbour other than itself")
    if L > LARGEST:
        raise ValueError(f"L = {L}: the transfer matrix has 2^L rows; use L <= {LARGEST}, or Monte Carlo beyond.")
    code = torch.arange(1 << L)
    spins = (2 * (code[:, None] >> torch.arange(L) & 1) - 1).double()  # row code -> its spins, site j is bit j
    inside = torch.exp(((spins * spins.roll(-1, 1)).sum(1) - L) / T)  # an aligned bond weighs 1: nothing overflows
    before = spins.roll(1, 1)  # the spin beside j that stands already; the last spin j also has the first beside it
    beside = torch.exp((spins * before - 1) / T).T.contiguous()
    beside[L - 1] *= beside[0]
    series = torch.zeros(ORDER + 1, dtype=torch.float64)
    for first, size in row_orbits(L).items():
        weight = torch.zeros(ORDER + 1, 1 << L, dtype=torch.float64)
        row = spins[first].sum().item()
        for k in range(ORDER + 1):
            weight[k, first] = inside[first] * row**k / math.factorial(k)
        for _ in range(L - 1):
            for j in range(L):
                weight = _next_spin(weight, math.exp(-2 / T), 1 << j)
                if j:
                    weight *= beside[j]
        series += size * weight @ torch.exp((spins @ spins[first] - L) / T)
    second, fourth = (math.factorial(k) * (series[k] / series[0]).item() / float(L) ** (2 * k) for k in (2, 4))
    return second, fourth


def row_orbits(L: int) -> dict[int, int]:
    """Rows of L spins (as bit codes) up to rotation, reflection and spin flip, with the sizes of their orbits."""
    mask = (1 << L) - 1
    sizes: dict[int, int] = {}
    for row in range(1 << L):
        mirror = int(f"{row:0{L}b}"[::-1], 2)
        turned = [(r << k | r >> (L - k)) & mask for r in (row, mirror) for k in range(L)]
        name = min(turned + [mask - r for r in turned])
        sizes[name] = sizes.get(name, 0) + 1
    return sizes


def _next_spin(weight: Tensor, apart: float, bit: int) -> Tensor:
    """Replace one spin of the row by the one below it, which adds h s to the exponent; weight (ORDER + 1, 2^L)."""
    split = weight.view(ORDER + 1, -1, 2, bit)
    below = torch.stack([split[:, :, 0] + apart * split[:, :, 1], apart * split[:, :, 0] + split[:, :, 1]], 2)
    for k in range(ORDER, 0, -1):  # times exp(h s) = 1 + h s + h^2 / 2 + ..., the highest power first
        for i in range(1, k + 1):
            below[k, :, 1].add_(below[k - i, :, 1], alpha=1 / math.factorial(i))
            below[k, :, 0].add_(below[k - i, :, 0], alpha=(-1) ** i / math.factorial(i))
    return below.view(weight.shape)
