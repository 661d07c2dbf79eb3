r"""Does a deep network learn?  Copies of it, each with its own random start and batches, descend side by side.

    v <- momentum v + d loss / d theta,        theta <- theta - rate v,        loss = mean cross entropy of a batch

Plain stochastic gradient descent, so that a gradient that explodes or vanishes on its way through the layers is felt:
optimisers that rescale every gradient hide it.  The first axis of every parameter and of every batch counts copies;
they have nothing in common but the pool of images, so their spread is an honest error bar.  float32, for speed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from fieldkit import checkpoints, given
from fieldkit.checkpoints import State

Forward = Callable[[Sequence[Tensor], Tensor], Tensor]  # parameters, images (copies, B, ...) -> logits (copies, B, k)


def train(
    forward: Forward,
    parameters: Sequence[Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    n_steps: int,
    batch: int,
    rate: float,
    momentum: float = 0.9,
    rng: torch.Generator,
    path: str | Path | None = None,
    label: str = "",
) -> tuple[list[Tensor], Tensor]:
    """Parameters after `n_steps`, and the loss of every step and copy, (n_steps, copies).

    parameters: tensors (copies, ...); images (n, ...) and labels (n,).  A copy whose loss overflows goes on as NaN and
    harms no other.  With a `path` the run survives a lost kernel (`checkpoints.run`, also for `label`).
    """
    given.whole("batch", batch, least=1, why="a gradient is averaged over images")
    copies, images = len(parameters[0]), images.float()

    def step(state: State, t: int, rng: torch.Generator) -> State:
        picked = torch.randint(len(images), (copies, batch), generator=rng, device=rng.device)
        theta = [p.requires_grad_() for p in state["theta"]]
        losses = loss(forward(theta, images[picked]), labels[picked])
        gradient = torch.autograd.grad(losses.sum(), theta)
        velocity = [v.mul_(momentum).add_(g) for v, g in zip(state["velocity"], gradient)]
        state["losses"][t] = losses.detach()
        theta = [p.detach().add_(v, alpha=-rate) for p, v in zip(theta, velocity)]
        return {"theta": theta, "velocity": velocity, "losses": state["losses"]}

    state: State = {
        "theta": [p.detach().clone() for p in parameters],
        "velocity": [torch.zeros_like(p) for p in parameters],
        "losses": torch.zeros(n_steps, copies, device=rng.device),
    }
    state = checkpoints.run(step, state, n_steps, rng=rng, path=path, label=label)
    return state["theta"], state["losses"]


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy of each copy, (copies,), from logits (copies, B, k) and labels (copies, B)."""
    each = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return each.reshape(labels.shape).mean(1)


def accuracy(forward: Forward, parameters: Sequence[Tensor], images: Tensor, labels: Tensor) -> Tensor:
    """The fraction of images (n, ...) that each copy names rightly, (copies,), float64; NaN names nothing."""
    with torch.no_grad():
        logits = forward(parameters, images.float().expand(len(parameters[0]), *images.shape))
    return ((logits.argmax(2) == labels) & logits.isfinite().all(2)).double().mean(1)
