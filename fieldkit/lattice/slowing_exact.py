"""How long does a Markov chain remember?  Autocorrelation times that are known without a simulation.

Two kernels can be solved: hybrid Monte Carlo of a free field, mode by mode, and the checkerboard Metropolis sweep of a
tiny Ising lattice, by a sum over all states.  Times are in steps of the kernel, tau = 1/2 + sum_{t >= 1} rho(t).

Sources: Kennedy and Pendleton 2001, Nucl. Phys. B 607, 456 (HMC of free fields); the leapfrog angle is derived in
`leapfrog_angle`, the memory of a mode in `hmc_tau`, the sum over states in `metropolis_tau`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import ising_exact


def leapfrog_angle(omega: float, step_size: float) -> float:
    """Angle by which one leapfrog step turns a harmonic oscillator of frequency omega in its phase plane, in radians.

    Kick, drift, kick is a linear map of (phi, pi) with determinant 1 and trace 2 - (omega step_size)^2, hence a
    rotation (on an ellipse) by the angle whose cosine is half the trace.  ValueError from omega step_size = 2 on, and
    for either that is not positive.
    """
    given.positive("omega", omega, why="an oscillator has a frequency")
    given.positive("step_size", step_size, why="leapfrog takes steps forward")
    if not 0 < omega * step_size < 2:
        raise ValueError(
            f"omega * step_size = {omega * step_size}: leapfrog turns an oscillator only between 0 and 2, and is "
            "unstable beyond; choose a smaller step."
        )
    return 2 * math.asin(omega * step_size / 2)  # half the angle: its cosine would lose a small one


def hmc_tau(omega: float, *, step_size: float, n_leapfrog: int, power: int = 1, acceptance: float = 1.0) -> float:
    """tau of phi_p (power 1) or of phi_p^2 (power 2) under HMC with a fixed number of leapfrog steps, in trajectories.

    A trajectory takes phi to cos(angle) phi + sin(angle) noise, and phi^2 - <phi^2> to cos^2(angle) times itself plus
    noise: each is an autoregressive chain.  omega^2 is p^2 + m^2, times the inverse mass of the mode when there is one.
    A rejected trajectory remembers everything; `acceptance` takes rejection as independent of the mode, which holds
    when many modes decide.
    """
    given.whole("n_leapfrog", n_leapfrog, least=1, why="a trajectory needs at least one leapfrog step")
    given.whole("power", power, least=1, why="phi_p and phi_p^2 are autoregressive chains")
    given.within("acceptance", acceptance, 0, 1, why="a fraction of trajectories, 1 for exact ones", ends="(]")
    angle = n_leapfrog * leapfrog_angle(omega, step_size)
    lost, turned = 2 * math.sin(angle / 2) ** 2, math.cos(angle)  # 1 - cos, and cos
    forgotten = acceptance * lost * sum(turned**k for k in range(power))  # 1 - memory, 1 - cos^power
    if forgotten < 1e-14 * acceptance * min(1.0, angle * angle):
        raise ValueError("the trajectory ends where it began: such a mode never forgets; take another length.")
    return (1 - forgotten / 2) / forgotten


def refused_tau(frequencies: Sequence[float] | Tensor, *, step_size: float, n_leapfrog: int) -> tuple[float, float]:
    """(tau of phi_p^2, acceptance) when steps are so long that trajectories are refused.

    frequencies: those of all modes, (k,), k >= 2, the first being that of phi_p.  In units in which its variance is
    one, leapfrog gains (omega h)^2 / 8 (phi'^2 - phi^2) a mode, so a mode has a say in what becomes of its own move;
    the others are together Gaussian, of mean sigma^2 / 2 because <exp(-dH)> = 1.  An integral over phi_p and pi_p;
    tau is that of the first lag, (1 + rho(1)) / 2 (1 - rho(1)).  Raises `ValueError` as `hmc_tau`.
    """
    given.whole("n_leapfrog", n_leapfrog, least=1, why="a trajectory needs at least one leapfrog step")
    modes = given.doubles(frequencies).flatten()
    given.whole("the number of frequencies", len(modes), least=2, why="the other modes decide together")
    angle = n_leapfrog * given.doubles([leapfrog_angle(omega, step_size) for omega in modes.tolist()])
    stretch = (modes * step_size) ** 2 / 8  # (omega h)^2 / 8
    old, new = angle.cos(), angle.sin() / (1 - 2 * stretch).sqrt()  # phi' = old phi + new pi
    sigma = (2 * stretch**2 * ((old**2 - 1) ** 2 + 2 * (old * new) ** 2 + new**4))[1:].sum().sqrt()
    x, w = (torch.from_numpy(v) for v in np.polynomial.hermite_e.hermegauss(60))
    phi, pi, weight = x[:, None], x, (w[:, None] * w) / w.sum() ** 2
    gain = (old[0] * phi + new[0] * pi) ** 2 - phi**2
    energy = stretch[0] * gain
    mean = sigma**2 / 2 + energy
    accepted = torch.special.ndtr(-mean / sigma) + torch.exp(-energy) * torch.special.ndtr(mean / sigma - sigma)
    forgotten = (weight * (1 - phi**2) * gain * accepted).sum().item() / 2
    return (1 - forgotten / 2) / forgotten, (weight * accepted).sum().item()


def metropolis_tau(observable: Callable[[Tensor], Tensor], L: int, T: float) -> float:
    """tau of the checkerboard Metropolis sweep (black, then white) on the periodic L x L Ising lattice, L = 2 or 4.

    observable: spins (k, L, L) -> (k,).  Updating site i takes a function f of the state to its expectation one update
    later, (1 - a_i) f(s) + a_i f(s with s_i flipped), a_i = min(1, exp(-dH / T)).  Applied site by site to all 2^(L L)
    states, this is the exact <f(0) f(t)>; the sum over t stops when it no longer changes.  Left out are the few
    states in which every local field is zero: their flips are all free, so they turn over for ever, and no other state
    leads there.
    """
    given.whole("L", L, least=2, why="the sum runs over all 2^(L L) states of a checkerboard")
    if L not in (2, 4):
        raise ValueError(f"L = {L}: the sum runs over all 2^(L L) states of a checkerboard; use L = 2 or 4.")
    given.positive("T", T, why="a temperature is positive")
    states, (H, _) = ising_exact.all_states(L, L), ising_exact.enumerate_states(L, L)
    code = torch.arange(len(states))
    updates, trapped = [], torch.ones(len(states), dtype=torch.bool)
    for site in sorted(range(L * L), key=lambda k: (k // L + k) % 2):
        flipped = code ^ 1 << site
        updates.append((flipped, torch.exp(-(H[flipped] - H) / T).clamp(max=1)))
        trapped &= H[flipped] == H
    weight = torch.softmax((-H / T).masked_fill(trapped, -math.inf), 0)
    f = given.doubles(observable(states))
    if f.shape != weight.shape or not bool(f.isfinite().all()):
        raise ValueError(f"the observable gave {tuple(f.shape)}: expected a finite number for each of {len(states)} "
                         "states.")  # fmt: skip
    top, f = f.abs().max(), f - weight @ f
    later, tau, variance = f, 0.5, weight @ f**2
    if variance <= 1e-28 * top**2:
        raise ValueError("the observable is the same in every state: what never changes has no time; choose another.")
    while True:
        for flipped, accept in reversed(updates):  # the last update acts on f first
            later = later + accept * (later[flipped] - later)
        rho = float(weight @ (f * later) / variance)
        tau += rho
        if abs(rho) < 1e-13:
            return tau
