"""What is known exactly about the dual field?  All that is known about the spins, shifted by a Gaussian.

    ln Z_dual = ln Z_Ising + N offset / 2 + N/2 ln 2 pi + 1/2 ln det K - N ln 2,        <x x> = K + K <s s> K.

`theory` is an `ising_dual.IsingDual`.  The square lattice takes ln Z from Kaufman's formula (`lattice.ising_exact`),
the ring from its two eigenvalues, (2 cosh 1/T)^L + (2 sinh 1/T)^L; no formula is known beyond two dimensions.  -ln
Z_dual is the line that the variational free energy of a flow can never cross.  Derivations are in the docstrings.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import ising_exact
from fieldkit.neuralrg.ising_dual import IsingDual


def log_partition(theory: IsingDual) -> float:
    """ln Z of the dual field, Z = int prod dx exp(-S).

    int dx exp(-x K^-1 x / 2 + s x) = (2 pi)^(N/2) det K^(1/2) exp(s K s / 2), s K s = 2 (bonds) / T + N offset, and the
    sum over s of exp(s x) is prod 2 cosh x, of which S keeps cosh: 2^-N.  Raises `ValueError` for d > 2.
    """
    return spin_log_partition(theory.L, theory.T, d=theory.d) + log_partition_shift(theory)


def log_partition_shift(theory: IsingDual) -> float:
    """ln Z_dual - ln Z_Ising, any d."""
    log_det = theory.kernel().log().sum().item()
    return theory.volume * (theory.offset / 2 + math.log(2 * math.pi) / 2 - math.log(2)) + log_det / 2


def spin_log_partition(L: int, T: float, *, d: int = 2) -> float:
    """ln Z of the spins, H = -sum over bonds of s s'; on the ring from the transfer matrix.  ValueError for d > 2."""
    if d == 2:
        return ising_exact.log_partition(L, T)
    if d == 1:
        _ring(L, T)
        small = L * math.log(math.tanh(1 / T))
        return L * (1 / T + math.log1p(math.exp(-2 / T))) + math.log1p(math.exp(small))
    raise ValueError(f"d = {d}: no closed ln Z of the Ising model is known beyond two dimensions; use d = 1 or 2.")


def spin_energy(L: int, T: float, *, d: int = 2) -> float:
    """<H> / N of the spins.  Raises as `spin_log_partition`.

    Ring: -[t + t^(L-1)] / (1 + t^L) with t = tanh 1/T.
    """
    if d == 2:
        return ising_exact.energy(L, T)
    if d == 1:
        _ring(L, T)
        t = math.tanh(1 / T)
        return -(t + t ** (L - 1)) / (1 + t**L)
    raise ValueError(f"d = {d}: no closed energy of the Ising model is known beyond two dimensions; use d = 1 or 2.")


def quadratic(theory: IsingDual) -> float:
    """<x K^-1 x> / N = 1 + <s K s> / N = 1 + offset - 2 <H> / (N T), because x = K s + Gaussian of covariance K."""
    return 1 + theory.offset - 2 * spin_energy(theory.L, theory.T, d=theory.d) / theory.T


def zero_mode(theory: IsingDual, squared_magnetization: float) -> float:
    """<(sum_i x_i)^2> / N = K_0 + K_0^2 N <m^2>, K_0 the eigenvalue of K at zero momentum, <m^2> of the spins."""
    given.not_negative("squared_magnetization", squared_magnetization, why="it is a mean square")
    if squared_magnetization > 1:
        raise ValueError(
            f"squared_magnetization = {squared_magnetization}: spins are 1 long; give <m^2> a site, 0 to 1."
        )
    K0 = theory.kernel().flatten()[0].item()
    return K0 + K0**2 * theory.volume * squared_magnetization


def correlator(theory: IsingDual) -> Tensor:
    """<x_0 x_r> of the dual, (L, ..., L) float64, K + K <s s> K with <s s> summed over all states.

    At most 20 spins, d = 1 or 2.
    """
    states, axes = _states(theory), tuple(range(theory.d))
    p = (_quadratic_form(states, theory.kernel()) / 2).softmax(0)
    power = torch.fft.fftn(states, dim=tuple(range(1, theory.d + 1))).abs().square() / theory.volume
    spins = torch.tensordot(p, power, 1)
    K = theory.kernel()
    return torch.fft.ifftn(K + K.square() * spins, dim=axes).real


def draw(theory: IsingDual, n: int, *, rng: torch.Generator) -> Tensor:
    """n independent fields of the dual (n, L, ..., L) float64: spins from the list of all states, fields given spins.

    At most 20 spins, d = 1 or 2.
    """
    given.whole("n", n, least=1, why="a batch holds at least one field")
    given.generator(rng)
    states = _states(theory)
    weight = (_quadratic_form(states, theory.kernel()) / 2).softmax(0).to(rng.device)
    chosen = torch.multinomial(weight, n, replacement=True, generator=rng)
    return theory.fields(states.to(rng.device)[chosen], rng=rng)


def by_states(theory: IsingDual, x: Tensor) -> Tensor:
    """ln of the normalised density of fields x (n, L, ..., L) as a mixture over all spin states, (n,) float64.

    p(x) = sum_s P(s) N(x; K s, K): nothing of S enters, which is its use.  At most 20 spins, d = 1 or 2.
    """
    x = given.doubles(x)
    theory._refuse(x)
    states, K, axes = _states(theory), theory.kernel(), tuple(range(1, theory.d + 1))
    log_weight = _quadratic_form(states, K) / 2
    log_state = log_weight - log_weight.logsumexp(0)
    mean = torch.fft.ifftn(torch.fft.fftn(states, dim=axes) * K, dim=axes).real
    norm = theory.volume * math.log(2 * math.pi) / 2 + K.log().sum() / 2
    rows = [(log_state - _quadratic_form(one - mean, 1 / K) / 2).logsumexp(0) for one in x]
    return torch.stack(rows) - norm


def _ring(L: int, T: float) -> None:
    given.whole("L", L, least=2, why="a spin needs a neighbour other than itself")
    given.positive("T", T, why="a ferromagnet at finite temperature")


def _states(theory: IsingDual) -> Tensor:
    """All spin states (2^N, L, ..., L), float64."""
    L, d = theory.L, theory.d
    if d > 2:
        raise ValueError(f"d = {d}: states are listed in one and two dimensions; use d = 1 or 2.")
    rows, columns = (L, L) if d == 2 else (1, L)
    return ising_exact.all_states(rows, columns).to(torch.float64).reshape(-1, *(L,) * d)


def _quadratic_form(y: Tensor, kernel: Tensor) -> Tensor:
    """y kernel y for fields (n, L, ..., L), the kernel by its eigenvalues (L, ..., L): (n,)."""
    axes = tuple(range(1, y.dim()))
    return (torch.fft.fftn(y, dim=axes).abs().square() * kernel).sum(axes) / kernel.numel()
