r"""Can a gated network be taught to remember?  One bit, shown once, asked for after many steps of noise.

    x_0 = s pattern,  s = +-1;    x_1 ... x_T noise of variance R;    answer s by the sign of a . h_T

Minimal recurrent networks h' = u h + (1 - u) x, u = sigma(W h + V x + b), start from the gate biases mu that are asked
about and learn by RMSprop on fresh sequences, all parameters free: what is learnt in a fixed number of steps tells how
far back the gradient was felt.  Many networks at once, float32 for speed.  Sources: Hochreiter and Schmidhuber 1997
(tasks with long lags); Chen, Pennington and Schoenholz 2018 (trainability and memory length).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from fieldkit import checkpoints, given
from fieldkit.propagation import training
from fieldkit.propagation.gated import Gate

PARTS = ("W", "V", "b", "a", "pattern")
LEARNT = PARTS[:4]


def taught(
    gates: Sequence[Gate],
    delay: int,
    *,
    n: int,
    N: int,
    n_steps: int,
    rate: float,
    rng: torch.Generator,
    batch: int = 32,
    path: str | Path | None = None,
) -> Tensor:
    """Accuracy on 400 fresh sequences of n networks of N units for each of the gates after training, (len(gates), n).

    0.5 is guessing.  `path` keeps a checkpoint.  Raises `ValueError` for a delay below 1.
    """
    given.whole("delay", delay, least=1, why="the bit is asked for at least one step after it was shown")
    start = {"now": _draw(gates, n, N, rng)}
    start["memory"] = {name: torch.zeros_like(start["now"][name]) for name in LEARNT}
    pace = torch.tensor(rate, device=rng.device)

    def step(state: checkpoints.State, t: int, rng: torch.Generator) -> checkpoints.State:
        now = {name: p.detach().requires_grad_(name in LEARNT) for name, p in state["now"].items()}
        s, answer = _answers(now, delay, batch, gates, rng)
        loss = torch.nn.functional.softplus(-s * answer).mean((1, 2)).sum()
        slopes = torch.autograd.grad(loss, [now[name] for name in LEARNT])
        moves = {k: training.rmsprop(g, state["memory"][k], pace) for k, g in zip(LEARNT, slopes, strict=True)}
        learnt = {name: now[name].detach() + moves[name][0] for name in LEARNT}
        return {"now": {**now, **learnt}, "memory": {name: memory for name, (_, memory) in moves.items()}}

    label = f"delay {delay}, rate {rate}, batch {batch}, {list(gates)}"
    end = checkpoints.run(step, start, n_steps, rng=rng, path=path, label=label)
    with torch.no_grad():
        s, answer = _answers(end["now"], delay, 400, gates, rng)
    return (s * answer > 0).double().mean((1, 2)).reshape(len(gates), n)


def _draw(gates: Sequence[Gate], n: int, N: int, rng: torch.Generator) -> dict[str, Tensor]:
    """Networks as rows of (len(gates) n, ...): the n networks of the first gate first."""
    rows = len(gates) * n

    def normal(*shape: int) -> Tensor:
        return torch.randn((rows, *shape), generator=rng, device=rng.device)

    def each(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, device=rng.device).repeat_interleave(n)[:, None, None]

    return {
        "W": each([math.sqrt(g.sw2 / N) for g in gates]) * normal(N, N),
        "V": each([math.sqrt(g.sv2 / N) for g in gates]) * normal(N, N),
        "b": each([g.mu for g in gates]) + each([math.sqrt(g.sb2) for g in gates]) * normal(1, N),
        "a": normal(N, 1) / math.sqrt(N),
        "pattern": normal(1, N),
    }


def _answers(
    now: dict[str, Tensor], delay: int, batch: int, gates: Sequence[Gate], rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """(bits s, readouts), each (rows, batch, 1), for fresh sequences."""
    rows, _, N = now["pattern"].shape
    noise = torch.tensor([math.sqrt(g.R) for g in gates], device=rng.device)
    noise = noise.repeat_interleave(rows // len(gates))[:, None, None]
    coin = torch.rand((rows, batch, 1), generator=rng, device=rng.device)
    s = torch.where(coin < 0.5, -1.0, 1.0)
    x, h = s * now["pattern"], torch.zeros((rows, batch, N), device=rng.device)
    for _ in range(delay + 1):
        u = torch.sigmoid(torch.baddbmm(x @ now["V"].mT + now["b"], h, now["W"].mT))
        h = u * h + (1 - u) * x
        x = noise * torch.randn((rows, batch, N), generator=rng, device=rng.device)
    return s, h @ now["a"]
