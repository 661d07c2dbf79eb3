r"""Is there a field theory whose block spin is exactly one function?  Dyson's hierarchical model.

Spins sit at the leaves of a binary tree and couple through the sums over its branches, weaker at each level by
c / 4 = 2^(-1-2/D): a caricature of a D-dimensional lattice in which block spins do not interact but through these sums.
Then the law of one block spin is all there is.  In its Fourier transform R(k) = sum_l a_l k^(2l), R(0) = 1,

    R'(k) = C exp(-1/2 d^2/dk^2) [ R(sqrt(c) k / 2) ]^2,       c = 2^(1 - 2/D)

is the renormalisation group, without approximation and without eta.  A truncated series keeps (-1)^l a_l > 0 at every
step, so that nothing cancels and float64 is enough.  Everything here is on the CPU.
Sources: Dyson 1969; Baker 1972; Godina, Meurice, Oktay and Niermann 1998.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.rg import maps


@dataclass(frozen=True)
class FixedPoint:
    """The law of the critical block spin and the exponents of the model.

    moments (n_terms + 1,): <phi^2l> over that of a unit Gaussian, 2^l l! |a_l|, so that variance v means v^l; the
    eigenvalues of the linearised step, largest first; nu and omega.  With 28 terms or more exact to 1e-14 at D = 3.
    """

    moments: Tensor
    eigenvalues: Tensor
    nu: float
    omega: float

    @property
    def delta(self) -> float:
        """omega nu, the leading correction to scaling in powers of the distance to the critical point."""
        return self.omega * self.nu

    @property
    def gamma(self) -> float:
        """Of the susceptibility: nu (2 - eta) with eta = 0."""
        return 2 * self.nu


def start(r: float, n_terms: int) -> Tensor:
    """Spins of length r, R(k) = cos(r k), as moments (n_terms + 1,): r is the inverse temperature's square root."""
    given.positive("r", r, why="a spin has a length")
    given.whole("n_terms", n_terms, least=4, why="a law needs some moments")
    l = torch.arange(n_terms + 1, dtype=torch.float64)
    gaussian = torch.lgamma(2 * l + 1) - l * math.log(2) - torch.lgamma(l + 1)  # ln (2l - 1)!!
    return torch.exp(2 * l * math.log(r) - gaussian)


def block(moments: Tensor, *, D: float) -> Tensor:
    """The block spin's moments (n + 1,) from those of its two halves, normalised to 1 at l = 0; differentiable.

    With |a_l| = m_l / (2^l l!) the series is squared to degree 2n and the Gaussian folded in.  Raises `ValueError` for
    fewer than five moments, or D that is not positive.
    """
    moments = given.doubles(moments)
    if moments.dim() != 1:
        raise ValueError(f"moments {tuple(moments.shape)}: one law is a row (n_terms + 1,).")
    return _map(len(moments) - 1, D)(moments)


def fixed_point(*, D: float = 3.0, n_terms: int = 36) -> FixedPoint:
    """The non-trivial fixed point and its exponents, 2 < D < 4: halving in r, some steps of the flow, then Newton.

    Raises `ValueError` for other D; near D = 4 the point merges with the Gaussian one and Newton needs more terms.
    """
    given.within("D", D, 2, 4, why="the fixed point exists between the two critical dimensions", ends="()")

    law, one = _map(n_terms, D), torch.ones(1, dtype=torch.float64)

    def step(x: Tensor) -> Tensor:
        return law(torch.cat([one, x]))[1:]

    steps = maps.trajectory(step, start(critical_length(D=D, n_terms=n_terms), n_terms)[1:], 60)
    rest = (steps.diff(dim=0).abs() / steps[1:]).max(1).values  # it lingers near the fixed point, then leaves
    moments = maps.fixed_point(step, steps[int(rest.nan_to_num(1e9).argmin()) + 1])
    eigenvalues = torch.linalg.eigvals(maps.linearised(step, moments)).real
    eigenvalues = eigenvalues[eigenvalues.abs().argsort(descending=True)]
    nu = math.log(2) / math.log(float(eigenvalues[0])) / D
    omega = -math.log(float(eigenvalues[1])) / math.log(2) * D
    return FixedPoint(torch.cat([one, moments]), eigenvalues, nu, omega)


def critical_length(*, D: float = 3.0, n_terms: int = 36) -> float:
    """r_c of the start cos(r k), between the phase in which the second moment dies and the one in which it grows.

    Raises `ValueError` for D <= 2, where there is no ordered phase, and D > 50.
    """
    given.within("D", D, 2, 50, why="spins order above two, and it takes 30 D steps to see it", ends="(]")
    law, low, high = _map(n_terms, D), 0.1, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if _grows(start(middle, n_terms), law, D) else (middle, high)
    return (low + high) / 2


def field_exponent(D: float) -> float:
    """y_h = (D + 2) / 2, exact: eta = 0."""
    given.positive("D", D, why="a lattice has a dimension")
    return (D + 2) / 2


def _grows(x: Tensor, law: maps.Map, D: float) -> bool:
    """Whether the second moment runs off to large values, as in the ordered phase; it dies at high temperature."""
    gaussian = 2 ** (2 / D) - 1  # the second moment of the massless Gaussian law, m = c m / (2 - c m)
    for _ in range(max(300, math.ceil(30 * D))):  # a deviation grows by 2^(2/D) a step
        x = law(x)
        if not bool(x.isfinite().all()) or float(x[1]) > 8 * gaussian:
            return True
        if float(x[1]) < 0.7 * gaussian:
            return False
    return False


def _map(n: int, D: float) -> maps.Map:
    """The step on moments 0 ... n as a function: turn into |a_l| (c/4)^l, square, fold the Gaussian in, turn back."""
    given.whole("n_terms", n, least=4, why="a law needs some moments")
    given.positive("D", D, why="a lattice has a dimension")
    l = torch.arange(n + 1, dtype=torch.float64)
    k = torch.arange(2 * n + 1, dtype=torch.float64)
    into = torch.exp(l * ((1 - 2 / D) * math.log(2) - math.log(8)) - torch.lgamma(l + 1))
    gap = (k - l[:, None]).clamp(min=0)
    weight = -gap * math.log(2) - torch.lgamma(gap + 1) + torch.lgamma(2 * k + 1) - torch.lgamma(2 * l + 1)[:, None]
    back = (l * math.log(2) + torch.lgamma(l + 1))[:, None]
    fold = torch.where(k >= l[:, None], (weight + back).exp(), 0.0)
    pairs = (torch.arange(2 * n + 1)[:, None] - torch.arange(n + 1)).clamp(-1, n + 1) % (n + 2)  # k - l, or n + 1

    def step(moments: Tensor) -> Tensor:
        a = moments * into
        new = fold @ (torch.cat([a, a.new_zeros(1)])[pairs] @ a)
        return new / new[0]

    return step
