"""How is a small network taught by examples drawn anew?  Adam, with smaller steps at the end.

The rate is cut to a fifth after seven tenths of the steps: the first part finds the place, the rest averages the noise
of the batches away.  Source: Kingma and Ba 2015.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def minimise(
    loss: Callable[[Tensor], Tensor],
    parameters: list[Tensor],
    *,
    examples: int,
    n_steps: int,
    batch: int,
    rate: float,
    rng: torch.Generator,
) -> None:
    """Change the parameters in place by n_steps steps of Adam on loss(chosen), with chosen (batch,) the numbers of
    examples that are drawn for a step, out of `examples`."""
    optimizer = torch.optim.Adam(parameters, rate)
    for t in range(n_steps):
        chosen = torch.randint(examples, (batch,), generator=rng, device=rng.device)
        value = loss(chosen)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if t == int(0.7 * n_steps):
            optimizer.param_groups[0]["lr"] = rate / 5
