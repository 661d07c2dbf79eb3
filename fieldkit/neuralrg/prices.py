r"""What does an independent sample cost?  Processor time of a flow, of hybrid Monte Carlo and of clusters, for m^2.

    draws:   seconds a draw / ESS,        chains:   seconds a step x 2 tau.

Training is not counted: it is paid once, and whoever compares must say for how many samples.  The price of a
bad flow is a guess: too low while its largest weights have not come, too high when one has just come.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.autocorrelation import gamma_method
from fieldkit.estimates import Estimate
from fieldkit.lattice import dynamics, hmc, ising
from fieldkit.neuralrg import weighing
from fieldkit.neuralrg.flows import Flow
from fieldkit.neuralrg.ising_dual import IsingDual
from fieldkit.neuralrg.targets import Target

Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What `work` returns, and the processor seconds of this process that it took (on a GPU: of driving it)."""
    start = time.process_time()
    result = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, time.process_time() - start


def of_draws(log_weight: Tensor, seconds: float, *, n_blocks: int = 100) -> Estimate:
    """Seconds an independent sample, from n weighed draws (n,) that took `seconds` in all.

    Raises as `weighing.log_partition`.
    """
    given.positive("seconds", seconds, why="work takes time")
    ess = weighing.effective_sample_size(log_weight, n_blocks=n_blocks)
    price = seconds / len(log_weight) / ess.value
    return Estimate(price, price * ess.error / ess.value)


def of_chains(values: Tensor, seconds: float) -> Estimate:
    """Seconds an independent sample, from chains (n_chains, n_steps), or one (n_steps,), that took `seconds`.

    A chain that swings back has tau < 1/2: its steps are worth more than independent draws, and cost less.  Raises and
    warns as `gamma_method`.
    """
    given.positive("seconds", seconds, why="work takes time")
    values = given.numbers(values)
    return gamma_method(values).tau * (2 * seconds / values.numel())


def of_hmc(
    action: dynamics.Action, x: Tensor, *, measure: Callable[[Tensor], Tensor], n_leapfrog: int, n_steps: int,
    rng: torch.Generator,
) -> tuple[Estimate, float]:  # fmt: skip
    """tau of `measure`, (n, ...) -> (n,), in trajectories, and the processor seconds of one trajectory of one chain.

    x (n_chains, L, ..., L) in equilibrium; 60 trajectories look for the step size and are not counted.  An independent
    value costs 2 tau trajectories, that is 2 tau (n_leapfrog + 1) forces.  Raises as `hmc.run` and `gamma_method`.
    """
    x, step = hmc.tune(action, x, n_leapfrog=n_leapfrog, rng=rng, n_steps=60)
    walk, seconds = timed(
        lambda: hmc.run(action, x, n_steps=n_steps, step_size=step, n_leapfrog=n_leapfrog, rng=rng, measure=measure)
    )
    return gamma_method(walk.measured[..., 0]).tau, seconds / n_steps / len(x)


def three(
    flow: Flow, target: Target, magnet: IsingDual, *, n_draws: int, n_steps: int, rng: torch.Generator,
    n_chains: int = 32,
) -> tuple[Estimate, Estimate, Estimate]:  # fmt: skip
    """Seconds for one independent m^2 of the magnet, by the flow (trained on `target`), by HMC on the dual field with
    ten leapfrog steps (n_steps trajectories), and by clusters of spins (n_steps / 5 sweeps).

    All chains begin in equilibrium, by clusters, which is not counted.  d = 2.  Raises as `of_draws` and `of_chains`.
    """
    log_weight, seconds = timed(lambda: weighing.draw(flow, target, n_draws, rng=rng).log_weight)
    by_flow = of_draws(log_weight, seconds)
    beta = 1 / magnet.T
    spins = ising.equilibrium(n_chains, magnet.L, beta=beta, rng=rng)
    x, see = magnet.fields(spins, rng=rng).to(torch.float32), magnet.squared_magnetization
    tau, seconds = of_hmc(magnet, x, measure=see, n_leapfrog=10, n_steps=n_steps, rng=rng)
    by_hmc = tau * (2 * seconds)
    flips, seconds = timed(lambda: ising.run(ising.swendsen_wang, spins, beta=beta, n_steps=n_steps // 5, rng=rng))
    return by_flow, by_hmc, of_chains(flips.magnetization.square(), seconds)
