r"""What if a draw is nearly right?  Walk it to the target in small steps, and keep the account of the work.

    S_b = (1 - b) S_start + b S_end,    W = sum_k (b_k+1 - b_k) [S_end - S_start](x_k),    < exp(-W) > = Z_end / Z_start

Between the changes of b the field moves by a step of hybrid Monte Carlo that leaves exp(-S_b) alone.  exp(-W) are the
weights, exact for any number of steps and however badly the field follows: annealed importance sampling (Neal 2001),
which is Jarzynski's equality (1997) read by a statistician.  One step is plain weighing.  Walked slowly, K steps leave
about 1/K of the spread of the weights' logarithm.

With a flow in front it is a stochastic normalizing flow (Wu, Koehler and Noe 2020; Caselle et al. 2022): start from
`Noise` in the latent space of the flow, end at `latent.Latent(flow, target)`; the weights are then those of the flow.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch import Tensor

from fieldkit import given
from fieldkit.lattice import dynamics
from fieldkit.neuralrg.targets import Target


@dataclasses.dataclass(frozen=True)
class Noise:
    """White noise, one unit Gaussian a site: what a flow begins with.  ln Z = (N/2) ln 2 pi."""

    def action(self, z: Tensor) -> Tensor:
        """z^2 / 2 summed over sites, (n,)."""
        return z.square().flatten(1).sum(1) / 2

    def force(self, z: Tensor) -> Tensor:
        """-z."""
        return -z


@dataclasses.dataclass(frozen=True)
class Between:
    """The theory a fraction `at` of the way from `start` to `end`: their actions mixed, 0 <= at <= 1."""

    start: Target
    end: Target
    at: float

    def __post_init__(self) -> None:
        given.number("at", self.at, why="a place between two theories lies between 0 and 1")
        if not 0 <= self.at <= 1:
            raise ValueError(f"at = {self.at}: a place between two theories lies between 0 and 1.")

    def action(self, x: Tensor) -> Tensor:
        """(1 - at) S_start + at S_end, (n,)."""
        return (1 - self.at) * self.start.action(x) + self.at * self.end.action(x)

    def force(self, x: Tensor) -> Tensor:
        """-dS/dx, the shape of x."""
        return (1 - self.at) * self.start.force(x) + self.at * self.end.force(x)


@dataclasses.dataclass(frozen=True)
class Walk:
    """Where the fields arrived (n, L, ..., L), their log_weight = -W (n,) float64, and the fraction of moves accepted.

    With these weights the fields are fields of the end.  `weighing` takes log_weight as it takes that of a flow; for a
    start with Z_start known, add ln Z_start.
    """

    x: Tensor
    log_weight: Tensor
    accepted: float


@torch.no_grad()
def anneal(
    x: Tensor, start: Target, end: Target, *, n_steps: int, step_size: float, n_leapfrog: int, rng: torch.Generator
) -> Walk:
    """Independent fields x (n, L, ..., L) of `start`, walked to `end` in n_steps equal changes of b, a trajectory of
    n_leapfrog leapfrog steps after each but the last.

    The work of a change is booked before the field moves: booked afterwards, it would be that of a field that knows of
    the change already, and <exp(-W)> another number.  Raises `ValueError` for n_steps < 1, and as `dynamics.leapfrog`.
    """
    given.whole("n_steps", n_steps, least=1, why="one step is plain weighing, more are a walk")
    given.positive("step_size", step_size, why="leapfrog needs a positive step (`hmc.tune` finds one)")
    given.fields(x)
    given.generator(rng)
    below, above = start.action(x).double(), end.action(x).double()
    log_weight, taken = torch.zeros_like(below), []
    for k in range(1, n_steps + 1):
        log_weight = log_weight - (above - below) / n_steps
        if k == n_steps:
            break
        b = k / n_steps
        pi = dynamics.momenta(x, rng=rng)
        y, last = dynamics.leapfrog(Between(start, end, b), x, pi, step_size=step_size, n_leapfrog=n_leapfrog)
        low, high = start.action(y).double(), end.action(y).double()
        change = dynamics.kinetic(last) - dynamics.kinetic(pi) + (1 - b) * (low - below) + b * (high - above)
        luck = torch.rand(len(x), generator=rng, device=rng.device, dtype=torch.float64)
        yes = luck < torch.exp(-change)  # not a number is refused
        x = torch.where(yes.reshape(-1, *(1,) * (x.dim() - 1)), y, x)
        below, above = torch.where(yes, low, below), torch.where(yes, high, above)
        taken.append(yes.double().mean().item())
    return Walk(x, log_weight, sum(taken) / len(taken) if taken else 1.0)


def passes(n_steps: int, n_leapfrog: int) -> int:
    """What a walk in latent space costs, in passes of a field through the network: a force is three of them.

    One pass draws and weighs the field; every move takes n_leapfrog + 1 forces and one action.  Going back through a
    network to differentiate it costs about twice the way forward.
    """
    given.whole("n_steps", n_steps, least=1, why="one step is plain weighing, more are a walk")
    given.whole("n_leapfrog", n_leapfrog, least=1, why="a trajectory has at least one step")
    return 1 + (n_steps - 1) * (3 * (n_leapfrog + 1) + 1)


def ess_of_waves(width: float, n_modes: int, n_steps: int) -> float:
    """Effective sample size of n_modes waves drawn `width` times too wide and walked to their own width, when every
    move forgets all.

    In units of the drawn width a wave has the stiffness k_b = 1 + b (width^2 - 1), and a change of it by c costs the
    weights the factor sqrt(1 + 2 c / k_b) / (1 + c / k_b): Gaussian integrals.  n_steps = 1 is plain weighing, and for
    width = 1 + e with small e the answer is exp(-2 n_modes e^2 / n_steps).  ESS is 0 where 2 width^2 < 1 and
    n_steps = 1: the mean square of the weights does not exist.

    Raises ValueError for a width that is not positive, n_modes < 1, n_steps < 1.
    """
    given.positive("width", width, why="it is the ratio of two standard deviations")
    given.whole("n_modes", n_modes, least=1, why="a field has at least one wave")
    given.whole("n_steps", n_steps, least=1, why="one step is plain weighing")
    log_ess, more = 0.0, (width - 1) * (width + 1)
    if more > 1e15:
        raise ValueError(f"width = {width}: no wave is so much too wide; choose a ratio below 3e7.")
    for k in range(n_steps):
        stiffness = 1 + k / n_steps * more
        change = more / n_steps / stiffness
        if 1 + 2 * change <= 0:
            return 0.0
        log_ess += math.log1p(-((change / (1 + change)) ** 2)) / 2  # of (1 + 2 c) / (1 + c)^2, without cancellation
    return math.exp(n_modes * log_ess)
