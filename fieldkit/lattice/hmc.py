"""How do you draw fields from exp(-S) when no formula draws them?  Hybrid Monte Carlo for a batch of chains.

    H(phi, pi) = 1/2 pi M^-1 pi + S(phi):  draw pi, follow Hamilton's equations, accept with min(1, exp(-dH)).

The action is a `dynamics.Action`, such as `phi4.Phi4`; momenta and the leapfrog that follows Hamilton's equations are
those of `dynamics`.  Chains are independent: the first dimension of phi counts them.  The step size is a fixed number
in production, because a kernel that adapts to its own history no longer has exp(-S) as its stationary law; `tune` looks
for it beforehand.  Fields may be float32 for speed: energies are then differences of float64 sums of float32 sites, and
a trajectory is reversible to float32 rounding only.

Fourier acceleration: `inverse_mass` (L, ..., L) is the inverse mass of every Fourier mode, such as 1 / (p^2 + m^2); see
`acceleration`.  Momenta have covariance M.

`compiled=True` asks for the fast path of `fused`: equal but for rounding, for `Phi4` fields of plain mass on a CPU with
numba.  Where it is not to be had, a warning says why and the general path goes on.

Sources: Duane, Kennedy, Pendleton and Roweth 1987 (the method); Creutz 1988 (<exp(-dH)> = 1); Gupta et al. 1990
(acceptance erfc(sqrt(<dH>) / 2) for small dH); Robbins and Monro 1951 (`tune`).
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from fieldkit import given, moved
from fieldkit.lattice import acceleration, parts
from fieldkit.lattice.dynamics import Action, kinetic, leapfrog, momenta


@dataclasses.dataclass(frozen=True)
class Run:
    """What `run` brings home: last fields, what was measured (n, n_steps, k), and of every trajectory, every * n_steps
    of them, delta_h and accepted (n, every * n_steps)."""

    phi: Tensor
    measured: Tensor
    delta_h: Tensor
    accepted: Tensor

    @property
    def diverged(self) -> Tensor:
        """Trajectories of each chain whose energy overflowed; all of them were rejected.  Shape (n,)."""
        return self.delta_h.isinf().sum(dim=1)


def trajectories(
    action: Action,
    phi: Tensor,
    *,
    step_size: float | Tensor,
    n_leapfrog: int,
    rng: torch.Generator,
    inverse_mass: Tensor | None = None,
    compiled: bool = False,
    every: int = 1,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Endless (phi, delta_h (n,), accepted (n,) bool), one item a trajectory; memory does not grow with their number.

    With every > 1 the fields are handed out after every so many trajectories, and delta_h and accepted are (n, every),
    one column a trajectory.  The chain is the same bit for bit.  Where fields are tiny and handed out seldom, the
    compiled path does not go back to Python in between, which otherwise takes two fifths of the time (8 x 8 sites).

    A trajectory whose energy overflows is rejected and reports delta_h = inf.  Each phi is a new tensor.  Everything
    that the next item depends on is the last phi and the state of rng: start again from these two and the chain goes
    on bit for bit.  In memory the chains are the fastest index, so that shifts of the lattice move long blocks: use
    `reshape`, not `view`, on what you get.  On a CPU more chains than its cache holds move a part at a time (`parts`).

    Raises, at the first item, ValueError for an impossible step size, number of steps, shape, device, `every` or
    inverse mass (`acceleration.refuse`), TypeError for fields that are not float32 or float64.
    """
    _refuse(phi, step_size, n_leapfrog, rng, inverse_mass)
    given.whole("every", every, least=1, why="fields are handed out after at least one trajectory")
    if compiled:
        from fieldkit.lattice import fused  # at the call, as `compiled` says

        if fused.fits(action, phi, inverse_mass):
            yield from fused.trajectories(action, phi, step_size=step_size, n_leapfrog=n_leapfrog, rng=rng, every=every)
    move = functools.partial(_move, action, n_leapfrog, inverse_mass)
    phi = phi.movedim(0, -1).contiguous().movedim(-1, 0)
    potential = action.action(phi)
    while True:
        changes, decisions = [], []
        for _ in range(every):
            pi = momenta(phi, rng=rng, inverse_mass=inverse_mass)
            uniform = torch.rand(len(phi), generator=rng, device=rng.device, dtype=torch.float64)
            phi, potential, delta_h, accepted = parts.in_parts(move, phi, pi, potential, uniform, step_size)
            changes.append(delta_h)
            decisions.append(accepted)
        if every > 1:
            delta_h, accepted = torch.stack(changes, dim=1), torch.stack(decisions, dim=1)
        yield phi, delta_h, accepted


def _move(
    action: Action,
    n_leapfrog: int,
    inverse_mass: Tensor | None,
    phi: Tensor,
    pi: Tensor,
    potential: Tensor,
    uniform: Tensor,
    step_size: float | Tensor,
) -> tuple[Tensor, ...]:
    """(phi, potential, delta_h, accepted) after one trajectory."""
    before = kinetic(pi, inverse_mass) + potential
    new_phi, new_pi = leapfrog(action, phi, pi, step_size=step_size, n_leapfrog=n_leapfrog, inverse_mass=inverse_mass)
    new_potential = action.action(new_phi)
    delta_h = kinetic(new_pi, inverse_mass) + new_potential - before
    delta_h = torch.where(delta_h.isfinite(), delta_h, math.inf)
    accepted = uniform < torch.exp(-delta_h)
    each_chain = accepted.reshape((-1,) + (1,) * (phi.dim() - 1))
    return torch.where(each_chain, new_phi, phi), torch.where(accepted, new_potential, potential), delta_h, accepted


def run(
    action: Action,
    phi: Tensor,
    *,
    n_steps: int,
    step_size: float | Tensor,
    n_leapfrog: int,
    rng: torch.Generator,
    measure: Callable[[Tensor], Tensor],
    inverse_mass: Tensor | None = None,
    compiled: bool = False,
    every: int = 1,
) -> Run:
    """n_steps steps of `every` trajectories of all chains; `measure(phi) -> (n, k)` or (n,) after each step.

    Nothing else is thrown away.  Measure seldom what costs more than a trajectory: an error bar grows by 4 per cent
    where `every` is tau and the memory exponential, and by less below.

    Memory grows by what is measured, not by the fields; for a run that stores nothing use `trajectories` and
    `autocorrelation.StreamedSeries`.  Raises as `trajectories`, and ValueError for n_steps < 1 or a measurement that is
    not one row for every chain.
    """
    given.whole("n_steps", n_steps, least=1, why="a run needs at least one trajectory")
    settings: dict[str, Any] = {"inverse_mass": inverse_mass, "compiled": compiled, "every": every}
    chain = trajectories(action, phi, step_size=step_size, n_leapfrog=n_leapfrog, rng=rng, **settings)
    measured, delta_h, accepted = [], [], []
    for phi, change, yes in (next(chain) for _ in range(n_steps)):
        measured.append(_rows(measure(phi), len(phi)))
        delta_h.append(change.reshape(len(phi), every))
        accepted.append(yes.reshape(len(phi), every))
    return Run(phi.contiguous(), torch.stack(measured, dim=1), torch.cat(delta_h, dim=1), torch.cat(accepted, dim=1))


def tune(
    action: Action,
    phi: Tensor,
    *,
    n_leapfrog: int,
    rng: torch.Generator,
    step_size: float = 0.1,
    target: float = 0.8,
    n_steps: int = 300,
    inverse_mass: Tensor | None = None,
    compiled: bool = False,
) -> tuple[Tensor, float]:
    """Thermalise and look for the step size whose acceptance is `target`; then (phi, step_size) for production.

    The logarithm of the step moves by t^-0.6 (acceptance - target) after trajectory t.  A chain that has not moved
    for ten trajectories counts as acceptance zero of the whole batch, whatever the others do: chains that are stuck
    far out in the potential hide in a good average.  The device is asked twice: whether the fields are finite, before
    the first trajectory, and for the step size at the end.

    Near a critical point and on large lattices, tune a second time with the masses that the first fields ask for, and
    give the same `inverse_mass` to `run`; small lattices are faster with the plain mass and `compiled=True`:

        phi, _ = hmc.tune(theory, phi, n_leapfrog=10, rng=rng)
        masses = acceleration.from_fields(phi)
        phi, step_size = hmc.tune(theory, phi, n_leapfrog=10, rng=rng, inverse_mass=masses)

    Raises ValueError for fields that are not finite, an impossible target or step size, n_steps < 1, and as
    `trajectories`.
    """
    if not 0 < target < 1:
        raise ValueError(f"target = {target}: an acceptance lies between 0 and 1; 0.6 to 0.9 is usual.")
    given.whole("n_steps", n_steps, least=1, why="the search needs at least one trajectory")
    given.positive("step_size", step_size, why="the search starts from a step that could be right")
    given.fields(phi)
    if not bool(phi.isfinite().all()):
        raise ValueError("phi holds values that are not finite: no step size moves such a chain; start it anew.")
    phi, log_step = _adapt(action, phi, n_leapfrog, rng, step_size, target, n_steps, inverse_mass, compiled)
    return phi, math.exp(float(log_step))


def _adapt(
    action: Action,
    phi: Tensor,
    n_leapfrog: int,
    rng: torch.Generator,
    step_size: float,
    target: float,
    n_steps: int,
    inverse_mass: Tensor | None,
    compiled: bool = False,
) -> tuple[Tensor, Tensor]:
    log_step = torch.full((), math.log(step_size), dtype=torch.float64, device=phi.device)
    recent = torch.zeros((), dtype=torch.float64, device=phi.device)
    waiting = torch.zeros(len(phi), dtype=torch.float64, device=phi.device)
    for t in range(1, n_steps + 1):
        step = log_step.exp()
        chain = trajectories(
            action, phi, step_size=step, n_leapfrog=n_leapfrog, rng=rng, inverse_mass=inverse_mass, compiled=compiled
        )
        phi, delta_h, accepted = next(chain)
        waiting = torch.where(accepted, 0.0, waiting + 1)
        acceptance = torch.exp(-delta_h).clamp(max=1).mean() * (waiting.max() < 10)
        log_step = log_step + t**-0.6 * (acceptance - target)
        recent = recent + log_step * (2 * t > n_steps)
    return phi.contiguous(), recent / (n_steps - n_steps // 2)


def _refuse(
    phi: Tensor, step_size: float | Tensor, n_leapfrog: int, rng: torch.Generator, inverse_mass: Tensor | None
) -> None:
    given.fields(phi)
    given.generator(rng)
    given.whole("n_leapfrog", n_leapfrog, least=1, why="a trajectory needs at least one leapfrog step")
    if not isinstance(step_size, Tensor):
        given.positive("step_size", step_size, why="leapfrog needs a positive step (`tune` finds one)")
    elif step_size.shape not in ((), (len(phi),) + (1,) * (phi.dim() - 1)):
        raise ValueError(
            f"step_size {tuple(step_size.shape)}: give one number, or (n, 1, ..., 1), one for every chain."
        )
    if phi.device.type != rng.device.type:
        raise ValueError(f"phi lives on {phi.device}, rng on {rng.device}: make both on the same device.")
    if inverse_mass is not None:
        acceleration.refuse(inverse_mass, phi)


def _rows(values: Tensor, n: int) -> Tensor:
    if not isinstance(values, Tensor) or values.shape[:1] != (n,):
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"measure returned {shape}: expected a tensor (n, k) or (n,), one row for each of {n} chains.")
    return values.reshape(n, -1)


if not TYPE_CHECKING:
    __getattr__ = moved.names(__name__)
