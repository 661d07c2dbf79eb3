"""How fast is a trajectory of phi^4 when a processor is told all of it at once?  `hmc.trajectories(compiled=True)`.

The general path of `hmc` asks torch for a dozen operations a leapfrog step, and each carries all fields through
memory.  Here a few chains at a time stay in the cache from their momenta to their accept step.  Equations and random
numbers are the same, so that the two paths differ by rounding.  Chains do not see each other: how many move together
changes no bit.

How a block of b chains lies in memory: one row for each line of sites along the last axis, place (1 + y) b + c being
site y of chain c.  A halo of b places at either end repeats the sites of the other end, so that the neighbours along
the row are the places b before and b after; those along other axes are at the same place of other rows.  Every loop
over a row is then one sweep through memory, which a processor does eight numbers at a time.

For float32 or float64 fields in any dimension, on a CPU, with the same mass for all modes.  Sources: those of `hmc`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor

from fieldkit import compiled
from fieldkit.lattice.phi4 import Phi4

IN_CACHE = 2**15  # numbers of a block of chains; with their momenta they fill a quarter of a megabyte in float32
TOGETHER = 2**15  # numbers of the fields that are given room at once: asking for it takes longer than a tiny lattice


def fits(action: object, phi: Tensor, inverse_mass: Tensor | None = None) -> TypeGuard[Phi4]:
    """Whether there is a compiled path for these; where not, a warning says why."""
    reason = ""
    if not compiled.here():
        reason = "numba is not installed (pip install numba)"
    elif phi.device.type != "cpu":
        reason = f"it is for a CPU, and phi lives on {phi.device}"
    elif type(action) is not Phi4:
        reason = f"it knows the action of Phi4, not that of {type(action).__name__}"
    elif inverse_mass is not None:
        reason = "it has no Fourier transform, which an inverse mass needs"
    if reason:
        warnings.warn(f"no compiled trajectories: {reason}; the general path goes on instead.", stacklevel=3)
    return not reason


def trajectories(
    theory: Phi4, phi: Tensor, *, step_size: float | Tensor, n_leapfrog: int, rng: torch.Generator, every: int = 1
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """As `hmc.trajectories`, whose arguments they are, refused there."""
    n, L, d, dtype = len(phi), phi.shape[-1], phi.dim() - 1, phi.dtype
    field = phi.detach().movedim(0, -1).contiguous().numpy()
    shape, mass2, coupling, some = field.shape, theory.mass2, theory.coupling, 1
    constants = np.array([2 * d + mass2, 4 * coupling, d + 0.5 * mass2, coupling], dtype=field.dtype)
    step = (torch.ones(n, dtype=dtype) * torch.as_tensor(step_size, dtype=dtype).flatten()).numpy()
    beside, at_once = _rows_beside(phi.shape[1:]), min(n, max(1, IN_CACHE // phi[0].numel()))
    field, potential = field.reshape(-1, L, n), theory.action(phi).numpy().copy()
    drawn = min(every, max(1, TOGETHER // phi.numel()))  # trajectories whose random numbers are drawn at once
    pi, uniform = torch.empty(drawn, *shape, dtype=dtype), torch.empty(drawn, n, dtype=torch.float64)
    in_rows, luck, pairs = pi.numpy().reshape(drawn, *field.shape), uniform.numpy(), list(zip(pi, uniform))
    parts: list[tuple[tuple[int, ...], list[tuple[Tensor, Tensor]]]]
    parts = [((done,), pairs[: every - done]) for done in range(0, every, drawn)]
    move, each = _trajectories, [every]
    if every == 1:
        move, each, parts, in_rows, luck = _trajectory, [], [((), pairs)], in_rows[0], luck[0]
    rest = (in_rows, potential, luck, step, n_leapfrog, constants, beside, at_once)
    while True:  # room for some items at a time, twice as many the next time
        fields, delta_h = torch.empty(some, *shape, dtype=dtype), torch.empty(some, *each, n, dtype=torch.float64)
        accepted = torch.empty(some, *each, n, dtype=torch.bool)
        results = zip(*(part.movedim(-1, 1).unbind() for part in (fields, delta_h, accepted)))
        for result, *room in zip(results, fields.numpy().reshape(some, -1, L, n), delta_h.numpy(), accepted.numpy()):
            for where, draws in parts:
                for momenta, chance in draws:
                    momenta.normal_(generator=rng)  # the numbers of `dynamics.momenta`, in the same order
                    chance.uniform_(generator=rng)
                move(field, *room, *where, *rest)
                field = room[0]
            yield result
        some = max(1, min(2 * some, TOGETHER // max(phi.numel(), n * every)))


def _rows_beside(shape: tuple[int, ...]) -> np.ndarray:
    """Numbers (d - 1, 2, rows) of the rows ahead and behind along every axis but the last."""
    row = np.arange(math.prod(shape[:-1])).reshape(shape[:-1])
    pairs = [[np.roll(row, shift, axis).ravel() for shift in (-1, 1)] for axis in range(row.ndim)]
    return np.array(pairs, dtype=np.int64).reshape(row.ndim, 2, row.size)


@compiled.loop
def _trajectories(phi, new_phi, delta_h, accepted, done, pi, potential, uniform, *rest):
    """The trajectories of an item after `done` others; delta_h and accepted are (every, n)."""
    for j in range(min(len(pi), len(accepted) - done)):
        room = (new_phi, delta_h[done + j], accepted[done + j])
        _trajectory(phi if j == 0 else new_phi, *room, pi[j], potential, uniform[j], *rest)


@compiled.loop
def _trajectory(phi, new_phi, delta_h, accepted, pi, potential, uniform, step, n_leapfrog, constants, beside, at_once):
    """Write new_phi, delta_h, accepted and potential of all chains, at_once at a time; fields are (rows, L, n)."""
    rows, L, n = phi.shape
    x, p = np.empty((rows, (L + 2) * at_once), phi.dtype), np.empty((rows, L * at_once), phi.dtype)
    kick = np.empty(L * at_once, phi.dtype)
    whole, half = np.empty_like(kick), np.empty_like(kick)
    before, after, action = np.empty(L * at_once), np.empty(L * at_once), np.empty(L * at_once)
    force, energy = (constants[0], constants[1]), (constants[2], constants[3])
    for start in range(0, n, at_once):
        b = min(at_once, n - start)
        for i in range(L * b):
            whole[i] = step[start + i % b]
            half[i] = whole[i] / 2
        for r in range(rows):
            for y in range(L):
                for c in range(b):
                    x[r, (1 + y) * b + c] = phi[r, y, start + c]
                    p[r, y * b + c] = pi[r, y, start + c]
        _squares(p, L * b, before)
        _halo(x, L, b)
        _kick(x, p, half, force, beside, L, b, kick)
        for t in range(n_leapfrog):
            _drift(x, p, whole, L, b)
            _halo(x, L, b)
            _kick(x, p, whole if t < n_leapfrog - 1 else half, force, beside, L, b, kick)
        _squares(p, L * b, after)
        _action(x, energy, beside, L, b, kick, action)
        for c in range(b):
            k = start + c
            new_potential, change = 0.0, -potential[k]
            for i in range(c, L * b, b):
                new_potential += action[i]
                change += 0.5 * (after[i] - before[i])
            change += new_potential
            delta_h[k] = change if math.isfinite(change) else math.inf
            accepted[k] = delta_h[k] <= 0 or uniform[k] < math.exp(-delta_h[k])
            if accepted[k]:
                potential[k] = new_potential
        for r in range(rows):
            for y in range(L):
                for c in range(b):
                    new_phi[r, y, start + c] = x[r, (1 + y) * b + c] if accepted[start + c] else phi[r, y, start + c]


@compiled.loop
def _drift(x, p, step, L, b):
    """phi += step pi."""
    for r in range(len(x)):
        phi, pi = x[r, b : (L + 1) * b], p[r]
        for i in range(L * b):
            phi[i] += step[i] * pi[i]


@compiled.loop
def _halo(x, L, b):
    """Site L is site 0, and site -1 is site L - 1."""
    for row in x:
        for c in range(b):
            row[c] = row[L * b + c]
            row[(L + 1) * b + c] = row[b + c]


@compiled.loop
def _kick(x, p, step, force, beside, L, b, total):
    """pi += step F, with F = sum of the 2d neighbours - (2d + mass2) phi - 4 coupling phi^3."""
    linear, cubic = force
    for r in range(len(x)):
        before, phi, after = x[r, : L * b], x[r, b : (L + 1) * b], x[r, 2 * b : (L + 2) * b]
        for i in range(L * b):
            total[i] = before[i] + after[i] - phi[i] * (linear + cubic * phi[i] * phi[i])
        for axis in range(len(beside)):
            ahead, behind = x[beside[axis, 0, r], b:], x[beside[axis, 1, r], b:]
            for i in range(L * b):
                total[i] += ahead[i] + behind[i]
        pi = p[r]
        for i in range(L * b):
            pi[i] += step[i] * total[i]


@compiled.loop
def _action(x, energy, beside, L, b, density, total):
    """S of a row's places, summed over rows in float64: d phi^2 a site, minus phi(x) phi(y) a bond, as in `Phi4`."""
    quadratic, quartic = energy
    total[:] = 0
    for r in range(len(x)):
        phi, after = x[r, b : (L + 1) * b], x[r, 2 * b : (L + 2) * b]
        for i in range(L * b):
            square = phi[i] * phi[i]
            density[i] = square * (quadratic + quartic * square) - phi[i] * after[i]
        for axis in range(len(beside)):
            ahead = x[beside[axis, 0, r], b:]
            for i in range(L * b):
                density[i] -= phi[i] * ahead[i]
        for i in range(L * b):
            total[i] += density[i]


@compiled.loop
def _squares(p, width, total):
    """pi^2 of a row's places, summed over rows in float64."""
    total[:] = 0
    for row in p:
        for i in range(width):
            total[i] += row[i] * row[i]
