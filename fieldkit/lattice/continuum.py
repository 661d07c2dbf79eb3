"""How do you send the lattice spacing to zero?  Measure a gap at several spacings, and follow its known powers down.

    E(a) = E + c_2 a^2 + c_4 a^4 + ...,        ln |E(a) / E - 1| = ln |c_2 / E| + 2 ln a + O(a^2).

The gap comes from a correlator on a ring, where a single state is a cosh, and three times of a cosh give its energy:
C(t) = A cosh(E (L/2 - t)) means cosh(E s) = (C(t - s) + C(t + s)) / (2 C(t)).

Sources: Symanzik 1983 (artefacts are powers of a); Montvay and Muenster 1994 (masses from correlators).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from fieldkit import fits, given
from fieldkit.estimates import Estimate, jackknife_covariance
from fieldkit.fits import Fit, linear_fit
from fieldkit.lattice import free, hmc, phi4


def sampled_correlators(
    theory: phi4.Phi4, L: int, *, near: float, n_chains: int, n_steps: int, rng: torch.Generator
) -> Tensor:
    """phi(0) phi(t) on a ring of L sites, averaged along each of n_chains chains: (n_chains, L), t = 0, ..., L - 1.

    Hybrid Monte Carlo accelerated by the free field of mass squared `near`, where the chains start; 20 trajectories are
    dropped.  A trajectory is a quarter of the free period, pi / 2: half a period would only turn phi into -phi.
    """
    given.whole("n_steps", n_steps, least=1, why="an average is over steps")
    given.generator(rng)
    mass = free.momentum_squared(L, 1, device=rng.device) + near
    chain = hmc.trajectories(
        theory,
        free.sample(n_chains, L, 1, mass2=near, rng=rng),
        step_size=math.pi / 6,
        n_leapfrog=3,
        inverse_mass=1 / mass,
        rng=rng,
    )
    total = torch.zeros(n_chains, L, dtype=torch.float64, device=rng.device)
    for step in range(-20, n_steps):
        phi, _, _ = next(chain)
        if step >= 0:
            total += free.correlator(phi)
    return total / n_steps


def effective_gap(correlator: Tensor, *, times: Sequence[int], step: int) -> Tensor:
    """E in units of 1/spacing at each of the times, from a correlator (L,) on a ring: (len(times),).

    Exact where one state dominates, trips around the ring included; nan where noise makes the cosh smaller than one.
    The step is best a fixed physical time: as a second difference over one spacing, E would drown in noise as a -> 0.
    Raises `ValueError` unless step <= t <= L/2 for every time, and for another shape; `TypeError` for times that are
    not whole.
    """
    correlator = given.doubles(correlator)
    if correlator.dim() != 1:
        raise ValueError(f"shape {tuple(correlator.shape)}: expected one correlator (L,); average over chains first.")
    L, times = len(correlator), _whole(times)
    given.whole("step", step, least=1, why="a second difference goes over steps")
    if not times or min(times) < step or max(times) > L // 2:
        raise ValueError(
            f"times = {times}, step = {step}, L = {L}: keep step <= t <= L/2; the far half of a ring repeats the near."
        )
    t = torch.tensor(times, device=correlator.device)
    return torch.acosh((correlator[t - step] + correlator[torch.remainder(t + step, L)]) / (2 * correlator[t])) / step


def gap(correlators: Tensor, *, times: Sequence[int], step: int, n_blocks: int = 256) -> Estimate:
    """The gap in units of 1/spacing from correlators (n, L) of n independent chains or draws.

    The effective gaps at the given times come from the same data; their covariance is taken by jackknife over
    n_blocks groups of chains, and one constant is fitted through them with it.  Choose times at which higher states
    have died out.  Raises `ValueError` when n_blocks does not divide n, and as `effective_gap` and
    `jackknife_covariance`.
    """
    correlators = given.doubles(correlators)
    given.whole("n_blocks", n_blocks, least=1, why="chains are taken in blocks")
    if correlators.dim() != 2:
        raise ValueError(f"shape {tuple(correlators.shape)}: expected (n, L), one correlator for each chain.")
    n, L = correlators.shape
    if n % n_blocks:
        raise ValueError(f"n = {n}: {n_blocks} equal blocks of chains do not fit; choose n a multiple of {n_blocks}.")
    means = correlators.reshape(n_blocks, n // n_blocks, L).mean(1)
    values, covariance = jackknife_covariance(lambda c: effective_gap(c, times=times, step=step), means)
    return linear_fit(torch.ones(len(values), 1), values, covariance).estimate(0)


def extrapolate(spacings: Sequence[float], gaps: Sequence[Estimate], *, powers: Sequence[int]) -> Fit:
    """Fit gaps measured in independent runs by sum_k c_k a^powers[k]; with powers = (0, 2, ...) `estimate(0)` is at a
    = 0.

    Raises `ValueError` as `linear_fit`, for instance with fewer spacings than powers.
    """
    values, errors = fits.columns(gaps)
    return linear_fit(_design(spacings, powers), values, errors.square())


def exponent(spacings: Sequence[float], lies: Sequence[Estimate], *, corrections: Sequence[int] = ()) -> Fit:
    """Fit ln|lie| = p ln a + c + sum_k d_k a^corrections[k] to lies measured in independent runs; `estimate(0)` is p.

    The error of ln|lie| is error/|lie| with the lie of a first fit: the measured lie would give a point more weight
    where it came out too large by chance.  Points with a lie below four of its errors are refused by `ValueError`.
    """
    values, errors = fits.columns(lies)
    if not all(abs(lie.value) > 4 * lie.error for lie in lies):
        raise ValueError(
            "a lie smaller than four of its errors has no Gaussian logarithm; measure longer, or leave it out."
        )
    design, logs = _log_design(spacings, corrections), values.abs().log()
    smooth = (design @ linear_fit(design, logs, (errors / values).square()).parameters).exp()
    return linear_fit(design, logs, (errors / smooth).square())


def exact_exponent(spacings: Sequence[float], lies: Sequence[float], *, n_corrections: int) -> tuple[float, float]:
    """The exponent p of exactly known lies, and how far it can be off: (p, tolerance).

    p is fitted together with n_corrections terms a^2, a^4, ...; the tolerance is what the last of them moved.  Raises
    `ValueError` unless there are n_corrections + 2 spacings or more, and for a lie that is 0 or not finite.
    """
    given.whole("n_corrections", n_corrections, least=1, why="the last correction tells how far p can be off")
    if len(spacings) < n_corrections + 2:
        raise ValueError(f"{len(spacings)} spacings for {n_corrections} corrections: give at least two more spacings.")
    if not all(lie and math.isfinite(lie) for lie in lies) or len(lies) != len(spacings):
        raise ValueError(f"lies = {list(lies)}: one for each spacing, finite and not 0, or it has no logarithm.")
    logs = torch.tensor([math.log(abs(lie)) for lie in lies], dtype=torch.float64)
    p = [
        torch.linalg.pinv(_log_design(spacings, range(2, 2 * k + 1, 2)))[0] @ logs
        for k in (n_corrections, n_corrections - 1)
    ]
    return float(p[0]), float((p[0] - p[1]).abs())


def _whole(times: Sequence[int]) -> list[int]:
    found = times.tolist() if isinstance(times, Tensor) else list(times)
    for t in found:
        given.whole("t", t, least=0, why="times are sites of the ring")
    return found


def _design(spacings: Sequence[float], powers: Sequence[int]) -> Tensor:
    a = _lengths(spacings)
    if not len(powers):
        raise ValueError("no powers: a fit has at least one term; give (0,) for a constant.")
    for power in powers:
        given.number("power", power, why="artefacts are powers of the spacing")
    return torch.stack([a**p for p in powers], dim=1)


def _log_design(spacings: Sequence[float], corrections: Sequence[int]) -> Tensor:
    a = _lengths(spacings)
    return torch.cat([a.log()[:, None], _design(spacings, [0, *corrections])], dim=1)


def _lengths(spacings: Sequence[float]) -> Tensor:
    a = given.doubles(spacings)
    if a.dim() != 1 or not bool((a > 0).all() and a.isfinite().all()):
        raise ValueError(f"spacings = {spacings}: each is a positive length; choose finite numbers above 0.")
    return a
