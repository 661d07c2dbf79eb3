"""How do you draw spins from exp(-H/T)?  The square-lattice Ising model, one spin at a time or one cluster at a time.

    H = -sum_<xy> s_x s_y,  s = -1 or 1,  periodic, k_B = J = 1, beta = 1/T.

A batch of n configurations is an int8 tensor (n, L, L) on the device of the generator.  `metropolis` visits the two
colours of the checkerboard in turn; `swendsen_wang` cuts the lattice into clusters and flips each with probability
1/2.  Both keep exp(-beta H) stationary.  A decision compares random bits with a level: 32 bits a flip, so that its
probability is a multiple of 2^-32, and 16 bits a bond with a level that is itself drawn (`_levels`).

Sources: Metropolis et al. 1953, J. Chem. Phys. 21, 1087; Swendsen and Wang 1987, Phys. Rev. Lett. 58, 86, with the
bonds of Fortuin and Kasteleyn 1972, Physica 57, 536.  Exact answers are in `ising_exact`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import clusters

T_CRITICAL = 2 / math.log(1 + math.sqrt(2))
"""Where the disordered magnet ends, at zero field on the infinite square lattice (Onsager 1944)."""


class Update(Protocol):
    """A Markov chain on spins: `metropolis` or `swendsen_wang`."""

    def __call__(self, spins: Tensor, *, beta: float, rng: torch.Generator, n_sweeps: int = 1) -> Tensor: ...


def random_spins(n: int, L: int, *, rng: torch.Generator) -> Tensor:
    """n configurations at infinite temperature, int8 (n, L, L).  Raises `ValueError` for n < 1 or L < 2."""
    _refuse_sizes(n, L)
    given.generator(rng)
    return torch.randint(0, 2, (n, L, L), generator=rng, device=rng.device, dtype=torch.int8) * 2 - 1


def energy(spins: Tensor) -> Tensor:
    """H / L^2 of each configuration, (n,) float64; the ground state has -2.  Raises `ValueError` unless int8 (n, L, L)
    of -1 and 1 (the first configuration is looked at on a CPU).

    >>> energy(torch.ones(1, 4, 4, dtype=torch.int8))
    tensor([-2.], dtype=torch.float64)
    """
    _refuse_shape(spins)
    L = spins.shape[1]
    aligned = spins * (spins.roll(-1, 1) + spins.roll(-1, 2))
    return -aligned.sum((1, 2), dtype=torch.int32).double() / L**2


def magnetization(spins: Tensor) -> Tensor:
    """m = sum(s) / L^2 of each configuration, with its sign, (n,) float64.  Raises as `energy`."""
    _refuse_shape(spins)
    return spins.sum((1, 2), dtype=torch.int32).double() / (spins.shape[1] * spins.shape[2])


def metropolis(spins: Tensor, *, beta: float, rng: torch.Generator, n_sweeps: int = 1) -> Tensor:
    """n_sweeps checkerboard sweeps; returns new spins (n, L, L), int8.

    A flip that costs dH is accepted with probability min(1, exp(-beta dH)).  Spins of one colour do not touch, so a
    whole colour moves at once, with detailed balance in each half sweep.  Start from anything but the odd patterns in
    which every local field is zero: all flips are free there, and they turn over for ever (nothing else leads to them).
    At high temperature nearly all flips are accepted, a whole colour turns over as one, and a pattern is forgotten in
    1/(8 beta) sweeps: there clusters are better.  Even L, beta >= 2^-16, n_sweeps >= 0, spins -1 and 1 (the first
    configuration is looked at on a CPU); else ValueError.
    """
    _check(spins, beta, n_sweeps, rng)
    if beta < 2**-16:
        raise ValueError(
            f"beta = {beta}: so hot, every flip is accepted and the start turns over for {1 / (8 * beta):.0g} sweeps "
            "before it is forgotten; `random_spins` differs from equilibrium by less than any run can see."
        )
    L = spins.shape[1]
    if L % 2:
        raise ValueError(
            f"L = {L}: checkerboard updates need an even side, or a site would neighbour its own colour across the "
            f"boundary; use {max(2, L - 1)} or {max(4, L + 1)}."
        )
    black, white = _split(spins)
    words = torch.empty(black.numel() // 2, dtype=torch.int64, device=spins.device)
    for _ in range(n_sweeps):
        _half_sweep(black, white, 0, beta, words, rng)
        _half_sweep(white, black, 1, beta, words, rng)
    return _merge(black, white)


def swendsen_wang(
    spins: Tensor, *, beta: float, rng: torch.Generator, n_sweeps: int = 1, n_rounds: int | None = None
) -> Tensor:
    """n_sweeps cluster updates; returns new spins (n, L, L), int8.

    A bond between equal spins is on with probability 1 - exp(-2 beta); each connected cluster is flipped with
    probability 1/2.  Any side L >= 2, beta >= 2^-16; ValueError otherwise, as in `metropolis`.  On a GPU the search
    for clusters asks the device after each of about 7 rounds whether it has finished, unless `n_rounds` is given
    (`clusters.by_pointers`).
    """
    _check(spins, beta, n_sweeps, rng)
    if beta < 2**-16:
        raise ValueError(
            f"beta = {beta}: 16 random bits decide about a bond, too few below beta = {2**-16:.1e}; `random_spins` "
            "differs from that by less than any run can see."
        )
    spins, shape, places = spins.clone(), (2, *spins.shape), -(-spins.numel() // 4)
    bits = torch.empty(2 * places, dtype=torch.int64, device=spins.device)
    for _ in range(n_sweeps):
        on = _random_words(bits, rng).view(torch.int16)[: 2 * spins.numel()].view(shape)
        on_right, on_down = on <= _levels(-math.expm1(-2 * beta), len(spins), rng)
        right = (spins == spins.roll(-1, 2)).logical_and_(on_right)
        down = (spins == spins.roll(-1, 1)).logical_and_(on_down)
        coins = _random_words(bits[:places], rng).view(torch.int8)[: spins.numel()].bitwise_or(1).sign_()  # -1 or 1
        spins = spins * clusters.spread(coins, right, down, n_rounds=n_rounds)
    return spins


def _levels(p: float, n: int, rng: torch.Generator) -> Tensor:
    """Levels (2, n, 1, 1): a uniform int16 word lies at or below with probability p, no multiple of 2^-16 though it be.

    The level of each direction and lattice is rounded up or down at random, with p >= 2^-16 as its mean.
    Two bonds of a lattice then correlate by less than 2^-33, the price for half the random numbers.
    """
    dither = torch.rand((2, n, 1, 1), generator=rng, device=rng.device, dtype=torch.float64)
    return ((p * 2**16 + dither).floor() - 1 - 2**15).to(torch.int16)


def equilibrium(n: int, L: int, *, beta: float, rng: torch.Generator, n_sweeps: int = 40) -> Tensor:
    """n configurations (n, L, L) after n_sweeps cluster updates from all spins up: a start for either chain.

    At T_c and L = 64 clusters forget in about five sweeps, so forty leave nothing of the start; take more for larger L.
    Raises as `swendsen_wang`.
    """
    _refuse_sizes(n, L)
    given.generator(rng)
    up = torch.ones(n, L, L, dtype=torch.int8, device=rng.device)
    return swendsen_wang(up, beta=beta, rng=rng, n_sweeps=n_sweeps)


@dataclass(frozen=True)
class Run:
    """The last spins (n, L, L) and, after every step, energy and magnetization per site, both (n, n_steps) float64."""

    spins: Tensor
    energy: Tensor
    magnetization: Tensor


def chain(update: Update, spins: Tensor, *, beta: float, rng: torch.Generator, every: int = 1) -> Iterator[Tensor]:
    """Endless configurations (n, L, L), `every` sweeps apart, each a new tensor; memory does not grow with time.

    Raises as `update`, and `ValueError` for every < 1, at the first item.
    """
    given.whole("every", every, least=1, why="a step is at least one sweep")
    while True:
        spins = update(spins, beta=beta, rng=rng, n_sweeps=every)
        yield spins


def run(update: Update, spins: Tensor, *, beta: float, n_steps: int, rng: torch.Generator, every: int = 1) -> Run:
    """n_steps steps of `every` sweeps; energy and magnetisation are measured after each step.

    `update` is `metropolis` or `swendsen_wang`.  Throw away the steps before equilibrium yourself.  Memory grows by two
    numbers a step and chain, the spins are kept once.  Raises `ValueError` for n_steps < 1 and as `chain`.
    """
    given.whole("n_steps", n_steps, least=1, why="a run needs at least one step")
    _refuse_shape(spins)
    energies = torch.empty(len(spins), n_steps, dtype=torch.float64, device=spins.device)
    magnetizations = torch.empty_like(energies)
    configurations = chain(update, spins, beta=beta, rng=rng, every=every)
    for step in range(n_steps):
        spins = next(configurations)
        energies[:, step] = energy(spins)
        magnetizations[:, step] = magnetization(spins)
    return Run(spins, energies, magnetizations)


def _check(spins: Tensor, beta: float, n_sweeps: int, rng: torch.Generator) -> None:
    _refuse_shape(spins)
    given.positive("beta", beta, why="a ferromagnet at finite temperature (`random_spins` draws at beta = 0)")
    given.whole("n_sweeps", n_sweeps, least=0, why="sweeps are counted")
    given.generator(rng)


def _refuse_shape(spins: Tensor) -> None:
    if not isinstance(spins, Tensor):
        raise TypeError(f"spins are a {type(spins).__name__}: a batch is int8 (n, L, L); `random_spins` makes one.")
    n, L = spins.shape[0] if spins.dim() else 0, spins.shape[-1] if spins.dim() else 0
    if spins.shape != (n, L, L) or n < 1 or L < 2 or spins.dtype != torch.int8:
        raise ValueError(
            f"spins have shape {tuple(spins.shape)} and type {spins.dtype}: a batch is int8 (n, L, L) with n >= 1 and "
            "L >= 2; `random_spins` makes one."
        )
    # one configuration tells bits from spins; all would cost a fifth of a sweep, and an accelerator would have to wait
    if spins.device.type == "cpu" and not bool((spins[0].abs() == 1).all()):
        raise ValueError("some spins are neither -1 nor 1; from bits 0 and 1 make spins by 2 * bits - 1.")


def _refuse_sizes(n: int, L: int) -> None:
    given.whole("n", n, least=1, why="a batch holds at least one configuration")
    given.whole("L", L, least=2, why="a spin needs a neighbour other than itself")


def _threshold(probability: float) -> int:
    """A uniform int32 word lies below this number with the given probability, rounded to a multiple of 2^-32."""
    return min(round(probability * 2**32), 2**32 - 1) - 2**31


def _random_words(buffer: Tensor, rng: torch.Generator) -> Tensor:
    """Fill an int64 buffer (k,) with random bits, torch's cheapest random numbers, and read it as 2k int32 words."""
    return buffer.random_(-(2**63), None, generator=rng).view(torch.int32)


def _split(spins: Tensor) -> tuple[Tensor, Tensor]:
    """The two colours, each (n, L, L/2): black has i + j even.  Place k of row i is column 2k or 2k + 1."""
    n, L, _ = spins.shape
    cell = spins.view(n, L // 2, 2, L // 2, 2)  # (n, pair of rows, row, pair of columns, column)
    black = torch.stack([cell[:, :, 0, :, 0], cell[:, :, 1, :, 1]], dim=2)
    white = torch.stack([cell[:, :, 0, :, 1], cell[:, :, 1, :, 0]], dim=2)
    return black.view(n, L, L // 2), white.view(n, L, L // 2)


def _merge(black: Tensor, white: Tensor) -> Tensor:
    """The inverse of `_split`."""
    n, L, half = black.shape
    b, w = black.view(n, half, 2, half), white.view(n, half, 2, half)
    even, odd = torch.stack([b[:, :, 0], w[:, :, 0]], dim=-1), torch.stack([w[:, :, 1], b[:, :, 1]], dim=-1)
    return torch.stack([even, odd], dim=2).view(n, L, L)


def _half_sweep(own: Tensor, other: Tensor, colour: int, beta: float, words: Tensor, rng: torch.Generator) -> None:
    """Offer every spin of one colour (0 black, 1 white) a flip, in place.

    A flip costs dH = 2 s h with h the sum of the four neighbours, so s h <= 0 flips for nothing, s h = 2 with
    probability exp(-4 beta) and s h = 4 with exp(-8 beta).  One word decides both: `courage` is 0, 2 or 4.
    """
    n, L, half = own.shape
    h = other.roll(1, 1)
    h += other.roll(-1, 1)
    h += other
    # The fourth neighbour: to the left in rows where `own` starts the row, to the right in the others.
    by_row, source = h.view(n, half, 2, half), other.view(n, half, 2, half)
    by_row[:, :, colour] += source[:, :, colour].roll(1, -1)
    by_row[:, :, 1 - colour] += source[:, :, 1 - colour].roll(-1, -1)
    word = _random_words(words, rng).view(own.shape)
    courage = (word < _threshold(math.exp(-4 * beta))).view(torch.int8)
    courage += (word < _threshold(math.exp(-8 * beta))).view(torch.int8)
    courage += courage
    flip = (h.mul_(own) <= courage).view(torch.int8)
    own -= 2 * flip * own
