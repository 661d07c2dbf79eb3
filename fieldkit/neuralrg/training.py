r"""How does a flow learn a distribution of which it has never seen a sample?  By lowering its own free energy.

    F = < ln q(x) + S(x) >_q  >=  -ln Z:        what is missing is the Kullback-Leibler divergence of q from exp(-S)/Z.

The gradient of F in the weights has two parts, through the sample x and through the weights in ln q at fixed x.  The
second averages to zero, but is all noise when q is nearly right.  `path_gradient` leaves it out: at a perfect flow
every sample's gradient vanishes (Roeder, Wu and Duvenaud 2017).  It needs the score d ln q/dx, which the flow carries
along (`Flow.transport`; Vaitl et al.  2022), and costs half again what `plain_gradient` costs.

`train` goes on where a killed run stopped, with the same bits: weights, optimiser and generator are in the checkpoint.
Under `torchrun` every process takes its share of one joint batch (`distributed`).  Adam, Kingma and Ba 2015; the rate
rises over 50 steps and falls to zero as a cosine (Loshchilov and Hutter 2017).  Spectra, scales and peaks move `PACE`
times as fast as networks.  A gradient longer than the number of sites is cut to that length: one wild batch at the
start would otherwise stay in Adam's memory, and has sent flows to the wrong one of two mountains.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fieldkit import checkpoints, given
from fieldkit.neuralrg import distributed, progress
from fieldkit.neuralrg.flows import Flow, Prior
from fieldkit.neuralrg.mera import Decimator
from fieldkit.neuralrg.spectrum import Spectrum
from fieldkit.neuralrg.symmetry import Symmetrised
from fieldkit.neuralrg.targets import Target

PACE = 4.0

Estimator = Callable[[Flow | Symmetrised, Target, Tensor], tuple[Tensor, Tensor]]


@dataclasses.dataclass(frozen=True)
class History:
    """What the batches said on the way, one number a step, each (n_steps,) float64 on the CPU.

    free_energy: mean of ln q + S; spread: its standard deviation over the batch; ess: effective sample size of the
    batch over its size.  They come from the samples that trained the flow: for numbers that are weighed, draw new ones
    (`weighing`).
    """

    free_energy: Tensor
    spread: Tensor
    ess: Tensor


def path_gradient(flow: Flow | Symmetrised, target: Target, z: Tensor) -> tuple[Tensor, Tensor]:
    """A scalar whose gradient is that of F along the samples, and ln(exp(-S) / q) of each, (n,) without gradient.

    The scalar's value means nothing: it is the mean of x . (score + dS/dx) with the bracket held fixed.
    """
    x, log_q, score = flow.transport(z)
    place = x.detach()
    pull = score - target.force(place)
    return (x * pull).sum() / len(x), -target.action(place) - log_q


def plain_gradient(flow: Flow | Symmetrised, target: Target, z: Tensor) -> tuple[Tensor, Tensor]:
    """F of the batch itself, differentiable, and ln(exp(-S) / q) of each sample, (n,) without gradient."""
    x, log_q = flow.draw(z)
    energy = log_q + target.action(x)
    return energy.mean(), -energy.detach()


def train(
    flow: Flow | Symmetrised, target: Target, *, n_steps: int, batch: int, rng: torch.Generator, rate: float = 0.02,
    estimator: Estimator = path_gradient, truth: float | None = None, path: str | Path | None = None, every: int = 100,
    label: str = "", after: str | Path | None = None, show: bool = False,
) -> History:  # fmt: skip
    """Train the flow in place for n_steps batches; what they said.

    rate: the largest learning rate of the networks.  path, every, label: a checkpoint as in `checkpoints.run`; a file
    of a flow of other shapes, another target, label, batch or length raises ValueError; where the weights began is not
    compared.  after: the checkpoint of a training that has ended, of a flow of the same shapes: this one goes on from
    its weights and its optimiser's memory with a rate that rises and falls anew, and says what both have seen.  show:
    a progress line on stderr with free energy, gap to -truth (the exact ln Z) a site, and effective sample size.

    Raises ValueError for sizes below 1, a rate that is not positive, a batch that the processes cannot share evenly,
    when the free energy is no longer finite (looked at every `every` steps), and for an `after` that is no checkpoint
    of such a flow.
    """
    given.whole("n_steps", n_steps, least=1, why="training takes steps")
    given.whole("batch", batch, least=2, why="a batch needs a mean and a spread")
    given.whole("every", every, least=1, why="a checkpoint is written after so many steps")
    given.positive("rate", rate, why="a learning rate is positive")
    given.generator(rng)
    rank, world = distributed.share()
    if batch % world:
        raise ValueError(f"batch = {batch} on {world} processes: each takes its share; use a multiple of {world}.")
    loss = distributed.parallel(_Loss(flow, target, estimator))
    fused = rng.device.type in ("cpu", "cuda") and {p.device.type for p in flow.parameters()} == {rng.device.type}
    optimiser = torch.optim.Adam(_groups(flow, rate), lr=rate, betas=(0.9, 0.99), fused=fused)
    line = progress.Line(n_steps, truth=truth, volume=flow.prior.volume, show=show and rank == 0)
    past = torch.empty(0, 3, dtype=torch.float64) if after is None else _extended(flow, optimiser, after)
    seen = torch.full((n_steps, 3), math.nan, dtype=torch.float64, device=rng.device)
    theory = repr(target) if dataclasses.is_dataclass(target) else type(target).__name__
    settings = f"{theory}, batch {batch}, {getattr(estimator, '__name__', '')}, rate {rate}"

    def whole(seen: Tensor) -> dict[str, Any]:
        # of the optimiser only its memory: its options are set above, and torch's others change with its version
        weights, moments = dict(flow.state_dict()), optimiser.state_dict()["state"]
        return {"settings": settings, "weights": weights, "moments": moments, "seen": seen}

    fresh = True

    def step(state: dict[str, Any], t: int, rng: torch.Generator) -> dict[str, Any]:
        nonlocal fresh
        if fresh:  # the first step of this process: what the checkpoint holds, if there is one, goes into the modules
            flow.load_state_dict(state["weights"])
            optimiser.load_state_dict(optimiser.state_dict() | {"state": state["moments"]})
            fresh = False
        for group in optimiser.param_groups:
            group["lr"] = group["initial_lr"] * _schedule(t, n_steps)
        z = flow.prior.sample(batch, rng=rng, dtype=flow.dtype).chunk(world)[rank]
        value, log_weight = loss(z)
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), flow.prior.volume)
        optimiser.step()
        seen = state["seen"]
        seen[t] = _summary(distributed.together(log_weight))
        if (t + 1) % every == 0 or t + 1 == n_steps:
            _refuse_infinite(seen[t], t)
            line.update(t + 1, seen[t])
            state = whole(seen)
        return state

    end = checkpoints.run(step, whole(seen), n_steps, rng=rng, path=path, every=every, label=label)
    if fresh:  # the checkpoint was already at its end
        flow.load_state_dict(end["weights"])
    return History(*torch.cat([past, end["seen"].cpu()]).unbind(1))


class _Loss(nn.Module):
    """The estimator as a module, which is what DistributedDataParallel wraps."""

    def __init__(self, flow: Flow | Symmetrised, target: Target, estimator: Estimator) -> None:
        super().__init__()
        self.flow, self.target, self.estimator = flow, target, estimator

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return self.estimator(self.flow, self.target, z)


def _extended(flow: nn.Module, optimiser: torch.optim.Optimizer, after: str | Path) -> Tensor:
    """Give the flow and the optimiser what a checkpoint holds; what its training has seen, (n, 3)."""
    state = checkpoints.load(after).get("state")
    if not isinstance(state, dict) or not {"weights", "moments", "seen"} <= state.keys():
        raise ValueError(f"{after}: not the checkpoint of a training; give the path of one.")
    try:
        flow.load_state_dict(state["weights"])
    except RuntimeError as error:
        raise ValueError(f"{after}: is of a flow of other shapes; build the flow as it was built there.") from error
    optimiser.load_state_dict(optimiser.state_dict() | {"state": state["moments"]})
    seen: Tensor = state["seen"]
    return seen.cpu()


def _groups(flow: nn.Module, rate: float) -> list[dict[str, Any]]:
    quick = {id(p) for m in flow.modules() if isinstance(m, (Spectrum, Decimator, Prior)) for p in m.parameters()}
    fast = [p for p in flow.parameters() if id(p) in quick]
    slow = [p for p in flow.parameters() if id(p) not in quick]
    groups = [{"params": slow, "initial_lr": rate}, {"params": fast, "initial_lr": PACE * rate}]
    return [group for group in groups if group["params"]]


def _schedule(t: int, n_steps: int) -> float:
    return min(1.0, (t + 1) / 50) * (1 + math.cos(math.pi * t / n_steps)) / 2


def _summary(log_weight: Tensor) -> Tensor:
    w = log_weight.double()
    log_ess = 2 * w.logsumexp(0) - (2 * w).logsumexp(0) - math.log(len(w))
    return torch.stack([-w.mean(), w.std(), log_ess.exp()])


def _refuse_infinite(summary: Tensor, t: int) -> None:
    if not bool(summary[0].isfinite()):
        raise ValueError(
            f"step {t}: the free energy is {summary[0].item()}; the flow has left the numbers. Start again with a "
            "smaller rate; the last checkpoint, if there is one, is from before."
        )
