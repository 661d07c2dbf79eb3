r"""Can a gated network be taught to remember?  One bit, shown once, asked for after many steps of noise.

    x_0 = s pattern,  s = +-1;    x_1 ... x_T noise of variance R;    answer s by the sign of a . h_T

Minimal recurrent networks h' = u h + (1 - u) x, u = sigma(W h + V x + b), start from the gate biases mu that are asked
about and learn by RMSprop on fresh sequences, all parameters free: what is learnt in a fixed number of steps tells how
far back the gradient was felt.  Many networks at once, float32 for speed.  Sources: Hochreiter and Schmidhuber 1997
(tasks with long lags); Chen, Pennington and Schoenholz 2018 (trainability and memory length).
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from fieldkit import checkpoints, given
from fieldkit.propagation import training
from fieldkit.propagation.gated import Gate

LEARNT = ("W", "V", "b", "a")


def taught(
    gate: Gate,
    delay: int,
    *,
    n: int,
    N: int = 32,
    n_steps: int = 100,
    rate: float = 0.01,
    batch: int = 32,
    rng: torch.Generator,
    path: str | Path | None = None,
) -> Tensor:
    """Accuracy of n networks of N units on 400 fresh sequences after n_steps of training, (n,); 0.5 is guessing.

    `gate` draws the weights and biases at the start and the noise at all times.  `rate` is the learning rate, `path`
    keeps a checkpoint (`checkpoints.run`).  Raises `ValueError` for a delay below 1 or a
    negative rate.
    """
    given.whole("delay", delay, least=1, why="the bit is asked for at least one step after it was shown")
    given.not_negative("rate", rate, why="a step goes downhill")
    for name, value in (("n", n), ("N", N), ("batch", batch)):
        given.whole(name, value, least=1, why="networks of units see sequences")
    given.whole("n_steps", n_steps, least=0, why="steps are counted")
    given.generator(rng)
    start = {"now": _draw(gate, n, N, rng)}
    start["memory"] = {name: torch.zeros_like(start["now"][name]) for name in LEARNT}
    pace = torch.full((), rate, device=rng.device)

    def step(state: checkpoints.State, t: int, rng: torch.Generator) -> checkpoints.State:
        now = {name: p.detach().requires_grad_(name in LEARNT) for name, p in state["now"].items()}
        s, answer = _answers(now, delay, batch, gate, rng)
        loss = torch.nn.functional.softplus(-s * answer).mean((1, 2)).sum()
        slopes = torch.autograd.grad(loss, [now[name] for name in LEARNT])
        moves = {k: training.rmsprop(g, state["memory"][k], pace) for k, g in zip(LEARNT, slopes, strict=True)}
        learnt = {name: now[name].detach() + moves[name][0] for name in LEARNT}
        return {"now": {**now, **learnt}, "memory": {name: memory for name, (_, memory) in moves.items()}}

    label = f"delay {delay}, rate {rate}, batch {batch}, {gate}"
    end = checkpoints.run(step, start, n_steps, rng=rng, path=path, label=label)
    with torch.no_grad():
        s, answer = _answers(end["now"], delay, 400, gate, rng)
    return (s * answer > 0).double().mean((1, 2))


def _draw(gate: Gate, n: int, N: int, rng: torch.Generator) -> dict[str, Tensor]:
    """Weights W and V (n, N, N), biases b, readouts a and the patterns that carry the bit."""

    def normal(*shape: int) -> Tensor:
        return torch.randn((n, *shape), generator=rng, device=rng.device)

    return {
        "W": math.sqrt(gate.sw2 / N) * normal(N, N),
        "V": math.sqrt(gate.sv2 / N) * normal(N, N),
        "b": gate.mu + math.sqrt(gate.sb2) * normal(1, N),
        "a": normal(N, 1) / math.sqrt(N),
        "pattern": normal(1, N),
    }


def _answers(now: dict[str, Tensor], delay: int, batch: int, gate: Gate, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """(bits s, readouts), each (n, batch, 1), for fresh sequences."""
    n, _, N = now["pattern"].shape
    s = torch.randint(2, (n, batch, 1), generator=rng, device=rng.device, dtype=torch.float32) * 2 - 1
    x, h = s * now["pattern"], torch.zeros((n, batch, N), device=rng.device)
    for _ in range(delay + 1):
        u = torch.sigmoid(torch.baddbmm(x @ now["V"].mT + now["b"], h, now["W"].mT))
        h = u * h + (1 - u) * x
        x = math.sqrt(gate.R) * torch.randn((n, batch, N), generator=rng, device=rng.device)
    return s, h @ now["a"]
