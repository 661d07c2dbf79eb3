"""What is known exactly about the finite Ising torus?  H = -sum_<xy> s_x s_y, periodic, k_B = J = 1, K = 1/T.

Two kinds of truth, each checked in the tests against the other and against the infinite lattice of `onsager_exact`:

- the finite torus at any temperature: the four products of Kaufman 1949,
  2 Z = (2 sinh 2K)^(N/2) [prod_odd 2cosh Mg/2 + prod_odd 2sinh Mg/2 + prod_even 2cosh Mg/2 + prod_even 2sinh Mg/2]
  with cosh g_l = cosh 2K coth 2K - cos(pi l / L), where g_0 = 2K + ln tanh K keeps its sign: negative above T_c;
- small lattices: all states one by one, or the full law of the magnetisation by a transfer matrix that counts up spins.

A side of length 2 carries two bonds between the same two sites, as in every sum over s_x s_{x+mu}.

Sources: Kaufman 1949, Phys. Rev. 76, 1232; Ferdinand & Fisher 1969, Phys. Rev. 185, 832 (the torus near T_c); Salas &
Sokal 2000, J. Stat. Phys. 98, 551 (U4*).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from fieldkit import given, moved
from fieldkit.estimates import Estimate
from fieldkit.lattice import ising, ising_moments
from fieldkit.lattice.onsager_exact import refuse_cold

T_CRITICAL = ising.T_CRITICAL
"""Where sinh 2K = 1 (Onsager 1944)."""

BINDER_CRITICAL = Estimate(0.6106901, 5e-7)
"""U4 = 1 - <m^4>/(3 <m^2>^2) at T_c on the infinite periodic square (Kamieniarz & Bloete 1993; Salas & Sokal 2000)."""


def _kaufman(K: Tensor, L: int, M: int) -> Tensor:
    """ln Z of the L x M torus as a differentiable function of the float64 tensor K (Kaufman 1949).

    Each pair of products is written as prod 2cosh * (1 + prod tanh).  The factor of g_0, z = M g_0/2 of either sign, is
    taken apart, 2cosh z + 2sinh z prod tanh = exp(z) (1 + prod tanh) + exp(-z) (1 - prod tanh): nothing cancels.  Each
    exp(g) is taken times sinh 2K, which is then missing in front: that is finite at T -> oo.  And all is in units of
    exp(2K), which would overflow at T -> 0.
    """
    e = torch.exp(-2 * K)
    sinh = -torch.expm1(-4 * K) / 2  # e sinh 2K
    level = torch.arange(1, 2 * L, dtype=torch.float64)
    above = (sinh - e) ** 2 + 2 * sinh * e * torch.sin(math.pi * level / (2 * L)) ** 2  # e^2 sinh 2K (cosh g_l - 1)
    root = torch.sqrt(above) * torch.sqrt(above + 2 * sinh * e)
    x = 2 * M * K + M / 2 * torch.log(above + sinh * e + root)  # M g_l / 2 + share
    share = M / 2 * (2 * K + torch.log(sinh))  # M / 2 ln sinh 2K
    decay = torch.exp(-2 * (x - share))
    log_2cosh = x + torch.log1p(decay)
    log_tanh = torch.log1p(-2 * decay / (1 + decay))
    odd, even = slice(0, None, 2), slice(1, None, 2)
    tanh_even = log_tanh[even].sum()
    first = log_2cosh[odd].sum() + torch.log1p(log_tanh[odd].sum().exp())
    rest = log_2cosh[even].sum() - first
    z = M / 2 * (2 * K + torch.log(torch.tanh(K)))
    turned = M * torch.log1p(e) - M / 2 * math.log(2)  # share - z, where no logarithm of K is left
    plus = rest + share + z + torch.log1p(tanh_even.exp())
    minus = rest + turned + torch.log((-torch.expm1(tanh_even)).clamp(min=1e-300))  # at the clamp it weighs nothing
    sectors = first + torch.stack([torch.zeros_like(K), plus, minus]).logsumexp(0)
    return (L * M / 2 - 1) * math.log(2) + sectors


def _derivatives(L: int, T: float, M: int | None, order: int) -> list[float]:
    """ln Z of the torus and its first `order` derivatives by K."""
    refuse_cold(T)
    M = L if M is None else M
    for name, side in (("L", L), ("M", M)):
        given.whole(name, side, least=2, why="a side of 1 would bond a site to itself")
    K = torch.tensor(1 / T, dtype=torch.float64, requires_grad=True)
    values = [_kaufman(K, L, M)]
    for _ in range(order):
        values.append(torch.autograd.grad(values[-1], K, create_graph=True)[0])
    return [value.item() for value in values]


def log_partition(L: int, T: float, *, M: int | None = None) -> float:
    """ln Z of the periodic L x M lattice (M = L unless given) at temperature T > 0 (Kaufman 1949).

    This and its derivatives, `energy` and `specific_heat`, are right to about 1e-13 of ln Z: the specific heat drowns
    in that below T = 0.3, where it is smaller than 64 exp(-8/T) / T^2.
    """
    return _derivatives(L, T, M, 0)[0]


def energy(L: int, T: float, *, M: int | None = None) -> float:
    """Mean energy per site of the periodic L x M lattice, -d ln Z/dK / (L M), Kaufman's formula differentiated."""
    return -_derivatives(L, T, M, 1)[1] / (L * (M or L))


def specific_heat(L: int, T: float, *, M: int | None = None) -> float:
    """Specific heat per site of the periodic L x M lattice, K^2 d^2 ln Z/dK^2 / (L M) = K^2 L M (<u^2> - <u>^2)."""
    return _derivatives(L, T, M, 2)[2] / (L * (M or L)) / T / T


def all_states(L: int, M: int) -> Tensor:
    """Every configuration of L x M spins, shape (2^(L M), L, M), values -1 and 1 in int8; site 0 is the last bit."""
    for name, side in (("L", L), ("M", M)):
        given.whole(name, side, least=1, why="a lattice has at least one site a side")
    if L * M > 20:
        raise ValueError(f"{L} x {M} = {L * M} spins have 2^{L * M} states; enumerate 20 spins at most, e.g. 4 x 4.")
    code = torch.arange(2 ** (L * M))
    bits = code[:, None] >> torch.arange(L * M) & 1
    return (2 * bits - 1).to(torch.int8).reshape(-1, L, M)


def enumerate_states(L: int, M: int) -> tuple[Tensor, Tensor]:
    """Energy H and magnetisation sum(s) of every state of `all_states(L, M)`, each (2^(L M),) float64.

    Each site is bonded to its right and to its lower neighbour, written out site by site: slow and plain on purpose.
    """
    states = all_states(L, M).to(torch.float64)
    H = torch.zeros(len(states), dtype=torch.float64)
    for i in range(L):
        for j in range(M):
            H -= states[:, i, j] * (states[:, (i + 1) % L, j] + states[:, i, (j + 1) % M])
    return H, states.sum((1, 2))


def magnetization_law(L: int, T: float) -> Tensor:
    """Probability of each value of sum(s) = -N, -N+2, ..., N on the periodic L x L lattice, shape (N + 1,), N = L^2.

    The lattice is built spin by spin above a fixed first row; the vector is indexed by the current row and by the
    number of up spins so far, so every term is positive and the result is exact to rounding.  First rows that
    rotations, reflections and the global flip carry into each other are done once.  L = 8 takes a tenth of a second,
    L = 11 a few seconds.
    """
    refuse_cold(T)
    given.whole("L", L, least=2, why="a spin needs a neighbour other than itself")
    if L > 11:
        raise ValueError(
            f"L = {L}: the whole law takes 2^L (L^2 + 1) numbers; use 2 <= L <= 11. Up to L = {ising_moments.LARGEST} "
            "`ising_moments.even_moments` has <m^2> and <m^4>; beyond, use Kaufman's energies or Monte Carlo."
        )
    N = L * L
    spin = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    bond = torch.exp((spin[:, None] * spin - 1) / T)  # [s, s']; an aligned bond weighs 1, so nothing overflows
    rows = all_states(1, L)[:, 0].to(torch.float64)  # row code -> its spins, site j is bit j
    inside = torch.exp(((rows * rows.roll(-1, 1)).sum(1) - L) / T)
    law = torch.zeros(N + 1, dtype=torch.float64)
    for first, size in ising_moments.row_orbits(L).items():
        weight = torch.zeros(1 << L, N + 1, dtype=torch.float64)
        weight[first, int((rows[first] > 0).sum())] = inside[first]
        for _ in range(L - 1):
            for j in range(L):
                weight = _add_spin(weight, bond, j, L)
        closed = torch.exp((rows @ rows[first] - L) / T) @ weight
        law += size / 2 * (closed + closed.flip(0))
    return law / law.sum()


def _add_spin(weight: Tensor, bond: Tensor, j: int, L: int) -> Tensor:
    """Replace spin j of the row by the one below it; weight (2^L, N + 1) -> the same shape."""
    split = weight.view(1 << (L - 1 - j), 2, 1 << j, -1)  # the bits above j, bit j, the bits below j, up spins
    below = torch.einsum("st,asbu->atbu", bond, split)
    below[:, 1] = below[:, 1].roll(1, -1)  # the new spin is up: one more (the last count was empty)
    below = below.reshape(weight.shape)
    code = torch.arange(1 << L)
    new = code >> j & 1
    if j > 0:
        below = below * bond[new, code >> (j - 1) & 1][:, None]
    if j == L - 1:
        below = below * bond[new, code & 1][:, None]
    return below


def magnetization_moment(L: int, T: float, power: float) -> float:
    """<|m|^power> of the periodic L x L lattice, m = sum(s)/L^2: any power >= 0 from `magnetization_law` (L <= 11), 2
    and 4 from `ising_moments.even_moments` beyond (L <= 14)."""
    if isinstance(power, bool) or not 0 <= power < math.inf:
        raise ValueError(f"power = {power}: m can be 0, so only moments of powers 0 and above exist; choose one.")
    if L > 11 and power in (2, 4):
        return ising_moments.even_moments(L, T)[int(power) // 2 - 1]
    m = torch.linspace(-1, 1, L * L + 1, dtype=torch.float64)
    return float(magnetization_law(L, T) @ m.abs() ** power)


def binder_cumulant(L: int, T: float) -> float:
    """U4 = 1 - <m^4>/(3 <m^2>^2) of the periodic L x L lattice (Binder 1981), 2 <= L <= 14."""
    second, fourth = ising_moments.even_moments(L, T)
    return 1 - fourth / (3 * second**2)


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
